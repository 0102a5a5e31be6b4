//! What Prometheus is told: to whom, in which form, and that the alerts and the dashboard ask for
//! nothing else.

use crate::console::Door;
use crate::testing::{ADMIN_PASSWORD, Answer, TestApp, on_both, on_both_with, wire};
use muster::access::Rights;
use muster::config::{Admission, Config};
use muster::profile::Profile;
use prometheus_parse::{Scrape, Value};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const TOKEN: &str = "one that nobody guesses";

pub fn told(config: &mut Config) {
    config.terminals.admission = Admission::Open;
    config.terminals.max_body_mib = 1;
    config.metrics.token = TOKEN.into();
    config.metrics.listen = "127.0.0.1:0".into();
}

async fn ask(server: SocketAddr, credential: &str) -> Answer {
    let request =
        format!("GET /metrics HTTP/1.1\r\nHost: muster\r\nConnection: close\r\n{credential}\r\n");
    wire(server, request).await
}

/// What a scrape says, read as Prometheus reads it.
pub struct Told {
    text: String,
    scrape: Scrape,
}

impl Told {
    pub async fn by(test: &TestApp) -> Told {
        let credential = format!("Authorization: Bearer {TOKEN}\r\n");
        let answer = ask(test.address, &credential).await;
        assert_eq!(answer.status, 200);
        let text = answer.body;
        assert!(text.ends_with("# EOF\n"));
        let lines = text.lines().map(|line| Ok(line.to_owned()));
        let scrape = Scrape::parse(lines).expect("it is read");
        Told { text, scrape }
    }

    /// The value of a series; of a histogram how many it has seen.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let sample = self.scrape.samples.iter().find(|sample| {
            let has = |(label, value): &(&str, &str)| sample.labels.get(label) == Some(*value);
            sample.metric == name && labels.iter().all(has)
        })?;
        match &sample.value {
            Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => Some(*value),
            Value::Histogram(counts) => counts.last().map(|last| last.count),
            Value::Summary(_) => None,
        }
    }

    /// The names as they stand in it.
    fn names(&self) -> BTreeSet<&str> {
        let lines = self.text.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| line.split(['{', ' ']).next())
            .collect()
    }

    /// The labels of all series.
    fn labels(&self) -> BTreeSet<&str> {
        let samples = self.scrape.samples.iter();
        samples
            .flat_map(|sample| sample.labels.keys().map(String::as_str))
            .collect()
    }
}

#[tokio::test]
async fn what_happens_is_counted() {
    on_both_with(told, |test| async move {
        let upload = "/iclock/cdata?SN=GATE01&table=ATTLOG&Stamp=1";
        let rows = "1\t2026-01-15 07:58:11\t0\t1\t0\t0\t0\n2\t2026-01-15 07:59:11\t0\t1\t0\t0\t0\n";
        for rows in [rows, rows, "what is this\n", "what is this\n"] {
            assert_eq!(test.post(upload, rows).await.status, 200);
        }
        for _ in 0..3 {
            test.get("/iclock/getrequest?SN=GATE01").await;
        }
        let head = format!("POST {upload} HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n");
        assert_eq!(test.wire(head).await.status, 413);
        let nobody = test.with_token("");
        for (password, status) in [("wrong", 400), (ADMIN_PASSWORD, 200)] {
            let login = json!({ "username": "admin", "password": password });
            nobody.post("/api-token-auth/", login).await.is(status);
        }
        let api = test.api(Profile::BioTime, Rights::administrator()).await;
        let reboot = json!({ "object_codes": ["GATE01"], "action_type": "reboot" });
        api.post("/iclock/api/terminals/action/", reboot.clone())
            .await
            .is(200);
        test.obeyed("GATE01").await;
        api.post("/iclock/api/terminals/action/", reboot)
            .await
            .is(200);
        test.get("/sign-in").await;
        test.run_jobs().await;

        let told = Told::by(&test).await;
        let door = |door| ("door", door);
        let ok = ("status", "2xx");
        for (name, labels, value) in [
            ("muster_punches_total", &[("was", "new")][..], 2.0),
            ("muster_punches_total", &[("was", "known")], 2.0),
            ("muster_punches_kept", &[("list", "unregistered")], 2.0),
            ("muster_punches_kept", &[("list", "transactions")], 0.0),
            ("muster_group_rows", &[], 2.0),
            ("muster_group_seconds", &[], 2.0),
            ("muster_unread_lines_total", &[], 1.0),
            (
                "muster_uploads_refused_total",
                &[("reason", "too_large")],
                1.0,
            ),
            (
                "muster_uploads_refused_total",
                &[("reason", "database")],
                0.0,
            ),
            ("muster_uploads_waiting", &[], 0.0),
            ("muster_sign_ins_total", &[("outcome", "wrong")], 1.0),
            ("muster_sign_ins_total", &[("outcome", "good")], 1.0),
            ("muster_sign_ins_total", &[("outcome", "throttled")], 0.0),
            ("muster_password_hashes_total", &[("kind", "pbkdf2")], 0.0),
            ("muster_commands_ended_total", &[("outcome", "done")], 1.0),
            ("muster_commands_open", &[("state", "queued")], 1.0),
            ("muster_terminals", &[("state", "online")], 1.0),
            ("muster_terminals", &[("state", "waiting")], 0.0),
            ("muster_terminals_clock_off", &[], 0.0),
            ("muster_requests_total", &[door("console"), ok], 1.0),
            (
                "muster_requests_total",
                &[door("api"), ("status", "4xx")],
                1.0,
            ),
            ("muster_requests_total", &[door("api"), ok], 3.0),
            ("muster_request_seconds", &[door("api")], 4.0),
            ("muster_live_viewers", &[], 0.0),
            ("muster_connections_turned_away_total", &[], 0.0),
            ("muster_backup_timestamp_seconds", &[], 0.0),
            ("muster_certificate_end_timestamp_seconds", &[], 0.0),
            ("muster_job_failures_total", &[("name", "figures")], 0.0),
            (
                "muster_job_last_success_timestamp_seconds",
                &[("name", "figures")],
                1_768_464_000.0,
            ),
            ("process_start_time_seconds", &[], 1_768_464_000.0),
            (
                "muster_build_info",
                &[("version", env!("CARGO_PKG_VERSION"))],
                1.0,
            ),
        ] {
            assert_eq!(
                told.value(name, labels),
                Some(value),
                "{name} {labels:?}\n{}",
                told.text
            );
        }
        let polls = told.value("muster_polls_total", &[]).expect("told");
        assert!(polls >= 3.0, "{polls}");
        assert!(told.value("process_resident_memory_bytes", &[]) > Some(1e6));
        assert!(!told.text.contains("GATE01"), "{}", told.text);
    })
    .await;
}

#[tokio::test]
async fn a_live_page_counts_for_as_long_as_it_is_open() {
    on_both_with(told, |test| async move {
        let door = Door::beside(&test);
        let admin = door.admin().await;
        let viewers = async || Told::by(&test).await.value("muster_live_viewers", &[]);
        let page = door.stream(&admin, "").await;
        assert_eq!(viewers().await, Some(1.0));
        drop(page);
        assert_eq!(viewers().await, Some(0.0));
    })
    .await;
}

#[tokio::test]
async fn whoever_has_not_the_token_is_told_nothing() {
    on_both_with(told, |test| async move {
        for server in [test.address, test.metrics()] {
            for credential in [
                "",
                "Authorization: Bearer \r\n",
                "Authorization: Bearer one that nobody guesse\r\n",
                "Authorization: Basic one that nobody guesses\r\n",
            ] {
                let answer = ask(server, credential).await;
                assert_eq!(answer.whole(), (401, "a token is needed\n"), "{credential}");
            }
            let good = ask(server, &format!("Authorization: Bearer {TOKEN}\r\n")).await;
            assert_eq!(good.status, 200);
        }
        // The address of its own has nothing else.
        for path in ["/", "/sign-in", "/healthz", "/iclock/getrequest?SN=GATE01"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            assert_eq!(wire(test.metrics(), request).await.status, 404, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_is_told_unless_somebody_wants_it() {
    on_both(|test| async move {
        assert_eq!(ask(test.address, "").await.status, 404);
    })
    .await;
    let open = |config: &mut Config| config.metrics.listen = "127.0.0.1:0".into();
    let test = TestApp::on_sqlite_with(open).await;
    assert_eq!(ask(test.address, "").await.status, 404);
    assert_eq!(ask(test.metrics(), "").await.status, 200);
    test.stop().await;
}

/// All names of metrics in a text.
fn named(text: &str) -> BTreeSet<&str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("muster_") || word.starts_with("process_"))
        .collect()
}

#[tokio::test]
async fn alerts_dashboard_and_document_name_what_there_is() {
    let test = TestApp::on_sqlite_with(told).await;
    test.post("/iclock/cdata?SN=GATE01&table=ATTLOG", "what is this\n")
        .await;
    test.run_jobs().await;
    let told = Told::by(&test).await;
    let there_is = told.names();
    // Prometheus has these two for itself, and would call ours otherwise.
    let labels = told.labels();
    assert!(labels.contains("name") && !labels.contains("job") && !labels.contains("instance"));
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let read = |path: PathBuf| fs::read_to_string(path).expect("a text");
    let document = read(docs.join("monitoring.md"));
    let document = named(&document);
    for file in ["monitoring/alerts.yml", "monitoring/dashboard.json"] {
        let text = read(docs.join(file));
        let unknown: Vec<_> = named(&text).difference(&there_is).copied().collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
    }
    let dashboard = read(docs.join("monitoring/dashboard.json"));
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    assert!(
        dashboard["panels"]
            .as_array()
            .is_some_and(|panels| panels.len() > 20)
    );
    // In the document histograms go by their own names.
    let families: BTreeSet<&str> = there_is
        .iter()
        .map(|name| {
            let part = |name: &&str| {
                ["_bucket", "_sum", "_count"]
                    .iter()
                    .find_map(|part| name.strip_suffix(part).map(str::len))
            };
            part(name).map_or(*name, |length| &name[..length])
        })
        .collect();
    assert_eq!(
        document, families,
        "left: docs/monitoring.md; right: a scrape"
    );
    test.stop().await;
}
