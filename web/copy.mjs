// Puts what the console's pages load into dist/, which the server embeds: the styles, the scripts and the icons.
// A file that has not changed is left alone, so that the server is not compiled again for it.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");

const wanted = new Map(); // path below dist/ -> bytes
for (const folder of ["styles", "scripts", "icons"]) {
  for (const file of filesBelow(join(here, folder))) wanted.set(relative(here, file), readFileSync(file));
}
for (const file of filesBelow(dist)) if (!wanted.has(relative(dist, file))) rmSync(file);
for (const [path, bytes] of wanted) {
  const target = join(dist, path);
  if (existsSync(target) && readFileSync(target).equals(bytes)) continue;
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, bytes);
}
console.log(`web/dist: ${wanted.size} files`);

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).sort().flatMap((name) => {
    const path = join(folder, name);
    return name.startsWith(".") ? [] : statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}
