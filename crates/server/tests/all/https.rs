//! HTTPS of the server's own: one port for both, old terminals, new certificates, and who tries it on.

use crate::console::Door;
use crate::process::Process;
use crate::testing::{ADMIN_PASSWORD, Answer, TestApp, get, on_both_with, request, say, upload};
use chrono::{Datelike, TimeDelta};
use muster::clock::Clock;
use muster::config::{Admission, Config};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The two files somebody writes a certificate and its key to.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    _folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Files {
        let folder = tempfile::tempdir().expect("a folder");
        Files {
            certificate: folder.path().join("fullchain.pem"),
            key: folder.path().join("privkey.pem"),
            _folder: folder,
        }
    }

    /// Writes a new pair: the certificate.
    fn write(&self) -> CertificateDer<'static> {
        self.write_with(|_| {})
    }

    fn write_with(&self, edit: impl FnOnce(&mut CertificateParams)) -> CertificateDer<'static> {
        let key = KeyPair::generate().expect("a key");
        let mut of = CertificateParams::new(vec!["muster.test".to_owned()]).expect("a name");
        edit(&mut of);
        let certificate = of.self_signed(&key).expect("signed");
        fs::write(&self.certificate, certificate.pem()).expect("written");
        fs::write(&self.key, key.serialize_pem()).expect("written");
        self.let_read(0o600);
        certificate.der().clone()
    }

    fn let_read(&self, mode: u32) {
        fs::set_permissions(&self.key, Permissions::from_mode(mode)).expect("set");
    }

    fn named(&self, config: &mut Config) {
        config.terminals.admission = Admission::Open;
        config.tls.certificate.clone_from(&self.certificate);
        config.tls.key.clone_from(&self.key);
    }

    fn command(&self, data_dir: &std::path::Path, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command
            .args(words)
            .arg("--data-dir")
            .arg(data_dir)
            .env("MUSTER_TLS__CERTIFICATE", &self.certificate)
            .env("MUSTER_TLS__KEY", &self.key)
            .stdin(Stdio::null());
        command
    }
}

/// A TLS connection to a server that shows this very certificate.
async fn connect(
    server: SocketAddr,
    certificate: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut trusted = RootCertStore::empty();
    trusted.add(certificate.clone()).expect("an anchor");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_root_certificates(trusted)
        .with_no_client_auth();
    let name = ServerName::try_from("muster.test").expect("a name");
    let stream = TcpStream::connect(server).await?;
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// Asks over TLS 1.3, with these lines in the head, and reads all that comes.
async fn ask(
    test: &TestApp,
    certificate: &CertificateDer<'static>,
    (line, head, body): (&str, &str, &str),
) -> Answer {
    let stream = connect(test.address, certificate, &TLS13)
        .await
        .expect("shaken");
    say(stream, request((line, head, body))).await
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

#[tokio::test]
async fn one_port_speaks_both() {
    let files = &Files::new();
    let certificate = &files.write();
    on_both_with(
        |config| files.named(config),
        |test| async move {
            // Terminals, of the older version too, and without it as ever.
            for (version, pin) in [(&TLS12, "1"), (&TLS13, "2")] {
                let stream = connect(test.address, certificate, version)
                    .await
                    .expect("shaken");
                let row = format!("{pin}\t2026-01-15 07:58:11\t0\t1\t0\t0\t0\n");
                let sent = upload("/iclock/cdata?SN=GATE01&table=ATTLOG&Stamp=1", row);
                assert_eq!(say(stream, sent).await.whole(), (200, "OK: 1"));
            }
            assert_eq!(test.number("SELECT count(*) FROM punch").await, 2);
            let polled = test.get("/iclock/getrequest?SN=GATE01").await;
            assert_eq!(polled.whole(), (200, "OK"));

            // Programs, either way.
            let login = format!(
                "username=admin&password={}",
                ADMIN_PASSWORD.replace(' ', "+")
            );
            let login = ("POST /api-token-auth/", FORM, login.as_str());
            let plain = test.wire(request(login)).await;
            assert_eq!(plain.status, 200, "{}", plain.body);
            let answer = ask(&test, certificate, login).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let token: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
            let token = format!(
                "Authorization: Token {}\r\n",
                token["token"].as_str().expect("one")
            );
            let list = "GET /personnel/api/areas/?page_size=1&ordering=id";
            let page = ask(&test, certificate, (list, &token, "")).await;
            assert_eq!(page.status, 200, "{}", page.body);
            assert!(!page.body.contains("http://"), "{}", page.body);

            // People, over HTTPS alone.
            let bare = test.wire(request(("GET /sign-in?x=1", "", ""))).await;
            assert_eq!(bare.status, 307);
            assert_eq!(
                bare.header("location"),
                Some("https://muster.test/sign-in?x=1")
            );
            assert_eq!(get(test.address, "/healthz").await.whole(), (200, "ok\n"));
            let page = ask(&test, certificate, ("GET /sign-in", "", "")).await;
            assert_eq!(page.status, 200);
            let form = format!(
                "username=admin&password={}",
                ADMIN_PASSWORD.replace(' ', "+")
            );
            let signed_in = |origin: &str| {
                let head = format!("{FORM}Origin: {origin}\r\n");
                let (test, form) = (test.clone(), form.clone());
                async move { ask(&test, certificate, ("POST /sign-in", &head, &form)).await }
            };
            assert_eq!(signed_in("https://evil.test").await.status, 403);
            let signed_in = signed_in("https://muster.test").await;
            assert_eq!(signed_in.status, 303, "{}", signed_in.body);
            let cookie = signed_in.header("set-cookie").expect("a cookie");
            assert!(cookie.ends_with("; Secure"), "{cookie}");
            assert_eq!(signed_in.header("strict-transport-security"), None);
        },
    )
    .await;
}

#[tokio::test]
async fn a_new_certificate_is_shown_while_open_connections_stay() {
    let files = &Files::new();
    files.write();
    on_both_with(
        |config| files.named(config),
        |test| async move {
            let first = &files.write();
            test.run_jobs().await;
            let mut open = connect(test.address, first, &TLS13).await.expect("shaken");
            let poll = b"GET /iclock/getrequest?SN=GATE01 HTTP/1.1\r\n\r\n";
            open.write_all(poll).await.expect("sent");
            let mut answer = [0; 15];
            open.read_exact(&mut answer).await.expect("answered");

            let second = &files.write();
            test.run_jobs().await;
            assert!(connect(test.address, first, &TLS13).await.is_err());
            assert!(connect(test.address, second, &TLS13).await.is_ok());
            let last = "GET /iclock/getrequest?SN=GATE01 HTTP/1.1\r\nConnection: close\r\n\r\n";
            open.write_all(last.as_bytes()).await.expect("still open");
            let mut rest = String::new();
            open.read_to_string(&mut rest).await.expect("answered");
            assert_eq!(rest.matches("\r\n\r\nOK").count(), 2, "{rest}");

            // One that does not fit changes nothing, and is told of.
            let key = fs::read(&files.key).expect("read");
            files.write();
            fs::write(&files.key, &key).expect("written");
            test.run_jobs().await;
            assert!(connect(test.address, second, &TLS13).await.is_ok());
            let door = Door::beside(&test);
            let admin = door.admin().await;
            let page = door.get("/system?check", &admin).await.text;
            let told = "privkey.pem is not the key of";
            assert_eq!(page.matches(told).count(), 2, "{page}");
            assert!(
                page.contains("the one from before ends on 4096-01-01"),
                "{page}"
            );

            files.write_with(|of| of.not_after = date_time_ymd(2026, 1, 25));
            test.run_jobs().await;
            assert!(connect(test.address, second, &TLS13).await.is_err());
            let page = door.get("/system?check", &admin).await.text;
            assert!(!page.contains(told), "{page}");
            let ends = "the certificate ends on 2026-01-25, in 9 days: renew it";
            assert_eq!(page.matches(ends).count(), 2, "{page}");
        },
    )
    .await;
}

#[tokio::test]
async fn who_speaks_no_tls_after_all_is_cut_off() {
    let files = Files::new();
    let certificate = files.write();
    let test = TestApp::on_sqlite_with(|config| files.named(config)).await;
    let mut slow = TcpStream::connect(test.address).await.expect("connected");
    slow.write_all(&[0x16]).await.expect("sent");
    let told = |bytes: Vec<u8>| async move {
        let mut stream = TcpStream::connect(test.address).await.expect("connected");
        // It may be gone before all is sent.
        let _ = stream.write_all(&bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    let garbage = [
        &[0x16][..],
        b" GET /iclock/getrequest?SN=GATE01 HTTP/1.1\r\n\r\n",
    ]
    .concat();
    // An alert at most, and never an answer.
    assert!(told(garbage).await.len() <= 7);
    // A message that says it has 60 000 bytes, and brings 32 KiB of them.
    let mut long = Vec::new();
    for piece in 0..4 {
        long.extend([0x16, 3, 1, 0x20, 0]);
        let mut content = vec![0; 0x2000];
        if piece == 0 {
            content[..4].copy_from_slice(&[1, 0, 0xea, 0x60]);
        }
        long.extend(content);
    }
    assert!(told(long).await.len() <= 7);
    // Whoever does not go on is not waited for. That takes as long as it takes.
    let mut answer = Vec::new();
    let _ = slow.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
    assert!(connect(test.address, &certificate, &TLS12).await.is_ok());
    test.stop().await;
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_keeps_the_server_from_starting() {
    let files = Files::new();
    let data = tempfile::tempdir().expect("a folder");
    let refused = async |sentence: &str| {
        let serve = ["serve", "--listen", "127.0.0.1:0"];
        let output = files.command(data.path(), &serve).output().await;
        let output = output.expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(sentence),
            "{said}"
        );
    };
    let doctor = async || {
        let output = files.command(data.path(), &["doctor"]).output().await;
        let output = output.expect("runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said)
    };
    refused("privkey.pem: No such file").await;
    files.write_with(|of| of.not_after = date_time_ymd(2026, 1, 1));
    refused("fullchain.pem has ended on 2026-01-01").await;
    files.write_with(|of| of.not_before = date_time_ymd(4000, 1, 1));
    refused("fullchain.pem is good only from 4000-01-01").await;
    files.write();
    files.let_read(0o644);
    refused("privkey.pem may be read by others (mode 644): chmod 640 it").await;
    files.let_read(0o640);
    let key = fs::read(&files.key).expect("read");
    fs::write(&files.key, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n").expect("written");
    refused("privkey.pem holds no private key that can be read (PEM, without a passphrase)").await;
    fs::write(&files.certificate, "\n").expect("written");
    fs::write(&files.key, &key).expect("written");
    refused("fullchain.pem holds no certificate (PEM)").await;
    files.write();
    fs::write(&files.key, &key).expect("written");
    refused("privkey.pem is not the key of").await;
    let (is_content, told) = doctor().await;
    assert!(
        !is_content && told.contains("bad   ") && told.contains("is not the key of"),
        "{told}"
    );

    files.write();
    let (is_content, told) = doctor().await;
    let good = "good  the certificate is good until 4096-01-01\n";
    assert!(is_content && told.contains(good), "{told}");
    let soon = (Clock::real().now() + TimeDelta::days(10)).date_naive();
    files.write_with(|of| {
        let (month, day) = (soon.month() as u8, soon.day() as u8);
        of.not_after = date_time_ymd(soon.year(), month, day);
    });
    let (is_content, told) = doctor().await;
    let bad = format!("bad   the certificate ends on {soon}, in 9 days: renew it\n");
    assert!(!is_content && told.contains(&bad), "{told}");
}

#[tokio::test]
async fn a_server_looks_for_a_new_certificate_when_it_is_told_to() {
    let files = Files::new();
    let first = files.write();
    let data = tempfile::tempdir().expect("a folder");
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let mut server =
        Process::start(files.command(data.path(), &serve).stderr(Stdio::piped())).await;
    let second_line = server.lines.next_line().await.expect("readable");
    let https = format!("listening on https://{}", server.address);
    assert_eq!(second_line, Some(https));
    assert!(connect(server.address, &first, &TLS13).await.is_ok());
    let second = files.write();
    let pid = server.child.id().expect("it runs").to_string();
    let told = Command::new("kill").args(["-HUP", &pid]).status().await;
    assert!(told.expect("runs").success());
    let mut log = BufReader::new(server.child.stderr.take().expect("piped")).lines();
    while let Some(line) = log.next_line().await.expect("readable") {
        if line.contains("the certificate was read anew") {
            break;
        }
    }
    assert!(connect(server.address, &second, &TLS13).await.is_ok());
}

#[tokio::test]
async fn an_api_that_needs_https_is_answered_over_nothing_else() {
    let files = &Files::new();
    let certificate = &files.write();
    let configure = |config: &mut Config| {
        files.named(config);
        config.api.need_https = true;
        config.tls.redirect = false;
    };
    on_both_with(configure, |test| async move {
        let list = ("GET /personnel/api/areas/", "", "");
        let refused = test.wire(request(list)).await;
        assert_eq!(refused.status, 400);
        assert!(
            refused.body.contains("over HTTPS alone"),
            "{}",
            refused.body
        );
        assert_eq!(ask(&test, certificate, list).await.status, 401);
        // Terminals and people are asked for nothing here.
        assert_eq!(test.get("/iclock/getrequest?SN=GATE01").await.status, 200);
        assert_eq!(
            test.wire(request(("GET /sign-in", "", ""))).await.status,
            200
        );
    })
    .await;
}
