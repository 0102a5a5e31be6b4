/* A disk that turns read only, or breaks, while a program uses it: loaded before the C library (LD_PRELOAD), whose calls it stands for.
 *
 * While the file DISK_FAULT is there, whatever would change something below DISK_FOLDER fails with the error whose number stands in it;
 * with " sync" behind the number only what is to bring it to the disk for good. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum call { CHANGES, SYNCS };

/* The error of such a call, or 0. */
static int fault(enum call call) {
    const char *name = getenv("DISK_FAULT");
    char text[32] = "";
    long file = name ? syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    if (syscall(SYS_read, file, text, sizeof text - 1) < 0) text[0] = 0;
    syscall(SYS_close, file);
    return call == CHANGES && strstr(text, "sync") ? 0 : atoi(text);
}

static int fails_at(const char *path, enum call call) {
    const char *folder = getenv("DISK_FOLDER");
    int error = folder && strncmp(path, folder, strlen(folder)) == 0 ? fault(call) : 0;
    if (error) errno = error;
    return error != 0;
}

static int fails(int file, enum call call) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails_at(path, call);
}

/* The call itself, of the type it is declared with. */
#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *bytes, size_t count) { return fails(file, CHANGES) ? -1 : REAL(write)(file, bytes, count); }
ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) { return fails(file, CHANGES) ? -1 : REAL(pwrite)(file, bytes, count, at); }
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) { return fails(file, CHANGES) ? -1 : REAL(pwrite64)(file, bytes, count, at); }
int ftruncate(int file, off_t size) { return fails(file, CHANGES) ? -1 : REAL(ftruncate)(file, size); }
int ftruncate64(int file, off64_t size) { return fails(file, CHANGES) ? -1 : REAL(ftruncate64)(file, size); }
int fsync(int file) { return fails(file, SYNCS) ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return fails(file, SYNCS) ? -1 : REAL(fdatasync)(file); }
int mkdir(const char *path, mode_t mode) { return fails_at(path, CHANGES) ? -1 : REAL(mkdir)(path, mode); }
int unlink(const char *path) { return fails_at(path, CHANGES) ? -1 : REAL(unlink)(path); }
int rename(const char *from, const char *to) { return fails_at(to, CHANGES) ? -1 : REAL(rename)(from, to); }

#define OPENS(name)                                                                                                                        \
    int name(const char *path, int flags, ...) {                                                                                           \
        va_list more;                                                                                                                      \
        va_start(more, flags);                                                                                                             \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                                                            \
        va_end(more);                                                                                                                      \
        int changes = (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT;                                                                  \
        return changes && fails_at(path, CHANGES) ? -1 : REAL(name)(path, flags, mode);                                                    \
    }
OPENS(open)
OPENS(open64)
