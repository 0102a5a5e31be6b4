//! The terminals' door, byte for byte.

use crate::testing::{Answer, TestApp, on_both, on_both_with, start};
use chrono::TimeDelta;
use muster::access::{Caller, Rights};
use muster::config::{Admission, Config};
use muster::profile::Profile;
use muster::terminals::commands;
use muster::terminals::contact::family_of;
use muster::writing::Writing;
use muster_protocol::command::{Command, UserFields};
use muster_protocol::ids::SerialNumber;
use muster_store::Sql;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn open(config: &mut Config) {
    config.terminals.admission = Admission::Open;
}

impl TestApp {
    async fn punches(&self) -> Vec<(String, String, i16, i16)> {
        let rows: Vec<(String, chrono::NaiveDateTime, i16, i16)> = self
            .app
            .store
            .all(&Sql::new(
                "SELECT pin, punch_local, punch_state, verify_type FROM punch ORDER BY id",
                [],
            ))
            .await
            .expect("read");
        rows.into_iter()
            .map(|(pin, local, state, verify)| (pin, local.to_string(), state, verify))
            .collect()
    }

    /// Reason and raw bytes of what is kept unread.
    async fn unread(&self) -> Vec<(String, Vec<u8>)> {
        let rows: Vec<(String, Vec<u8>)> = self
            .app
            .store
            .all(&Sql::new(
                "SELECT reason, raw_sealed FROM unread_line ORDER BY id",
                [],
            ))
            .await
            .expect("read");
        rows.into_iter()
            .map(|(reason, sealed)| {
                let raw = self
                    .app
                    .keys
                    .open(muster::terminals::unread_list::SEALED_FOR, &sealed)
                    .expect("opens");
                (reason, raw)
            })
            .collect()
    }

    async fn terminal_id(&self, sn: &str) -> i64 {
        let (id,): (i64,) = self
            .app
            .store
            .one(&Sql::new(
                "SELECT id FROM terminal WHERE sn = $1",
                [sn.into()],
            ))
            .await
            .expect("listed");
        id
    }

    /// Moves a terminal to an area of its own, as somebody who authorises it does.
    async fn authorise(&self, sn: &str) {
        let mut tx = self.app.store.write().await.expect("a transaction");
        tx.run(&Sql::new(
            "INSERT INTO area (company_id, area_code, area_name, search_text, created_at, changed_at) \
             VALUES ($1, 'gate', 'Gate', 'gate', $2, $2) ON CONFLICT DO NOTHING",
            [self.app.company.id.clone().into(), start().into()],
        ))
        .await
        .expect("inserted");
        tx.run(&Sql::new(
            "UPDATE terminal SET area_id = (SELECT id FROM area WHERE area_code = 'gate') WHERE sn = $1",
            [sn.into()],
        ))
        .await
        .expect("moved");
        tx.commit().await.expect("committed");
        self.app.roster.forget(sn);
    }

    /// Queues a command in the words of the terminal's kind, as callers' commands are, or says why not.
    async fn queue(&self, terminal_id: i64, command: &Command) -> Result<(), String> {
        let (family,): (String,) = self
            .app
            .store
            .one(&Sql::new(
                "SELECT family FROM terminal WHERE id = $1",
                [terminal_id.into()],
            ))
            .await
            .expect("listed");
        let worded = commands::worded(command, family_of(&family))?;
        let mut tx = Writing::begin(&self.app).await.expect("a transaction");
        commands::give(
            &self.app,
            &mut tx,
            &Caller::system(),
            terminal_id,
            &[worded],
        )
        .await
        .expect("queued");
        tx.commit(&self.app).await.expect("committed");
        Ok(())
    }

    async fn states(&self) -> Vec<(String, Option<i64>)> {
        self.app
            .store
            .all(&Sql::new(
                "SELECT state, return_code FROM terminal_command ORDER BY id",
                [],
            ))
            .await
            .expect("read")
    }
}

#[tokio::test]
async fn attack_34_a_stranger_is_listed_and_refused_until_somebody_authorises_it() {
    on_both(|app| async move {
        for request in [
            app.get("/iclock/cdata?SN=ABC1&options=all&pushver=2.4.1")
                .await,
            app.post(
                "/iclock/cdata?SN=ABC1&table=ATTLOG&Stamp=1",
                "1\t2026-01-15 08:00:00\t0\t1\n",
            )
            .await,
            app.get("/iclock/getrequest?SN=ABC1").await,
            app.post("/iclock/devicecmd?SN=ABC1", "ID=1&Return=0&CMD=INFO\n")
                .await,
            app.post("/iclock/registry?SN=ABC1", "DeviceType=acc").await,
        ] {
            assert_eq!(request.whole(), (403, "ERROR: UNKNOWN DEVICE"));
        }
        assert_eq!(app.punches().await, [], "nothing of a stranger is stored");
        let listed: Vec<(String, String, i64)> = app
            .app
            .store
            .all(&Sql::new("SELECT sn, alias, area_id FROM terminal", []))
            .await
            .expect("read");
        assert_eq!(listed, [("ABC1".into(), "Auto add".into(), 1)]);
        // Where it calls from is its address until it tells another, or somebody does.
        let caller = app.api(Profile::EasyTimePro, Rights::administrator()).await;
        let found = async |query: &str| {
            let list = caller
                .get(&format!("/iclock/api/terminals/?{query}"))
                .await
                .is(200);
            list["data"][0]["ip_address"].clone()
        };
        for query in [
            "ip_address=127.0.0.1",
            "search=127.0.0",
            "search=abc1",
            "alias_icontains=AUTO",
        ] {
            assert_eq!(found(query).await, "127.0.0.1", "{query}");
        }
        assert_eq!(found("alias_icontains=abc1").await, Value::Null);
        let told = serde_json::json!({ "ip_address": "192.0.2.7" });
        let changed = caller
            .patch("/iclock/api/terminals/ABC1/", told)
            .await
            .is(200);
        assert_eq!(
            (&changed["ip_address"], &changed["real_ip"]),
            (&"192.0.2.7".into(), &"127.0.0.1".into())
        );
        assert_eq!(found("ip_address=192.0.2.7").await, "192.0.2.7");
        assert_eq!(found("ip_address=127.0.0.1").await, Value::Null);

        app.authorise("ABC1").await;
        let hello = app
            .get("/iclock/cdata?SN=ABC1&options=all&pushver=2.4.1")
            .await;
        assert_eq!(hello.status, 200);
        assert!(
            hello
                .body
                .starts_with("GET OPTION FROM: ABC1\nATTLOGStamp=0\n")
        );
        let upload = app
            .post(
                "/iclock/cdata?SN=ABC1&table=ATTLOG&Stamp=9999",
                "1\t2026-01-15 08:00:00\t0\t1\n",
            )
            .await;
        assert_eq!(upload.whole(), (200, "OK: 1"));
        let again = app
            .get("/iclock/cdata?SN=ABC1&options=all&pushver=2.4.1")
            .await;
        assert!(
            again.body.contains("\nATTLOGStamp=9999\n"),
            "the stamp comes back"
        );
    })
    .await;
}

#[tokio::test]
async fn closed_admission_lists_nobody_and_remembers_who_called() {
    on_both_with(
        |config| config.terminals.admission = Admission::Closed,
        |app| async move {
            for _ in 0..3 {
                assert_eq!(app.get("/iclock/getrequest?SN=ABC1").await.status, 403);
            }
            let strangers = app.app.roster.strangers();
            assert_eq!(strangers.len(), 1);
            assert_eq!((strangers[0].sn.as_str(), strangers[0].calls), ("ABC1", 3));
            let (listed,): (i64,) = app
                .app
                .store
                .one(&Sql::new("SELECT COUNT(*) FROM terminal", []))
                .await
                .expect("counted");
            assert_eq!(listed, 0);
        },
    )
    .await;
}

#[tokio::test]
async fn strangers_cannot_fill_the_list() {
    on_both_with(
        |config| {
            config.terminals.max_waiting = 5;
            config.terminals.new_per_minute_per_address = 1000;
        },
        |app| async move {
            for number in 0..20 {
                let answer = app.get(&format!("/iclock/getrequest?SN=X{number}")).await;
                assert_eq!(answer.status, 403);
            }
            let (listed,): (i64,) = app
                .app
                .store
                .one(&Sql::new("SELECT COUNT(*) FROM terminal", []))
                .await
                .expect("counted");
            assert_eq!(listed, 5);
            assert_eq!(app.app.roster.strangers().len(), 15);
        },
    )
    .await;
}

#[tokio::test]
async fn a_punch_is_stored_once_however_often_it_is_sent() {
    on_both_with(open, |app| async move {
        let row = "1001\t2026-01-15 07:59:00\t0\t15\t0\t0\t0\t0\t0\t0\n";
        for body in [
            row.to_owned(),
            row.repeat(3),
            format!("{row}1002\t2026-01-15 07:59:00\t1\t1\n"),
        ] {
            let answer = app
                .post("/iclock/cdata?SN=ABC1&table=ATTLOG&Stamp=9999", &body)
                .await;
            assert_eq!(
                answer.whole(),
                (200, format!("OK: {}", body.lines().count()).as_str())
            );
        }
        assert_eq!(
            app.punches().await,
            [
                ("1001".into(), "2026-01-15 07:59:00".into(), 0, 15),
                ("1002".into(), "2026-01-15 07:59:00".into(), 1, 1),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn bad_rows_are_kept_raw_and_block_nothing() {
    on_both_with(open, |app| async move {
        let answer = app
            .post(
                "/iclock/cdata?SN=ABC1&table=ATTLOG&Stamp=9999",
                b"1\tnot a time\t0\t1\n\xff\xfe\x00noise\n2\t2026-01-15 07:00:00\t0\t1\n3\t2026-02-31 07:00:00\t0\t1\n",
            )
            .await;
        assert_eq!(answer.whole(), (200, "OK: 4"));
        assert_eq!(app.punches().await, [("2".into(), "2026-01-15 07:00:00".into(), 0, 1)]);
        let unread = app.unread().await;
        assert_eq!(unread.len(), 3);
        assert_eq!(unread[0], ("bad_time".into(), b"1\tnot a time\t0\t1".to_vec()));
        assert_eq!(unread[1].1, b"\xff\xfe\x00noise".to_vec());
    })
    .await;
}

#[tokio::test]
async fn an_unknown_table_is_kept_raw_and_acknowledged() {
    on_both_with(open, |app| async move {
        let answer = app
            .post("/iclock/cdata?SN=ABC1&table=MOONLOG&Stamp=1", "a\tb\nc\n")
            .await;
        assert_eq!(answer.whole(), (200, "OK"));
        assert_eq!(
            app.unread().await,
            [("unknown_table".into(), b"a\tb\nc\n".to_vec())]
        );
        assert_eq!(app.punches().await, []);
    })
    .await;
}

#[tokio::test]
async fn clocks_that_are_plainly_wrong_are_kept_and_flagged() {
    on_both_with(open, |app| async move {
        let body = "1\t1970-01-01 00:00:04\t0\t1\n1\t9999-12-31 23:59:59\t0\t1\n1\t2026-01-15 08:00:00\t0\t1\n";
        let answer = app
            .post("/iclock/cdata?SN=ABC1&table=ATTLOG&Stamp=9999", body)
            .await;
        assert_eq!(answer.whole(), (200, "OK: 3"));
        let flags: Vec<(bool,)> = app
            .app
            .store
            .all(&Sql::new("SELECT clock_suspect FROM punch ORDER BY id", []))
            .await
            .expect("read");
        assert_eq!(flags, [(true,), (true,), (false,)]);
    })
    .await;
}

#[tokio::test]
async fn the_head_of_every_reply_is_what_old_firmware_can_read() {
    on_both_with(open, |app| async move {
        for answer in [
            app.get("/iclock/getrequest?SN=ABC1").await,
            app.get("/iclock/nothing?SN=ABC1").await,
            app.post("/iclock/cdata?SN=ABC1&table=ATTLOG", "").await,
        ] {
            let names: Vec<&str> = answer
                .head
                .lines()
                .skip(1)
                .filter_map(|line| Some(line.split_once(':')?.0))
                .collect();
            assert_eq!(
                names,
                ["Date", "Content-Type", "Content-Length", "Connection"]
            );
            assert!(answer.head.contains("Date: Thu, 15 Jan 2026 08:00:00 GMT"));
            assert!(answer.head.contains("Content-Type: text/plain\r\n"));
            assert!(
                answer
                    .head
                    .contains(&format!("Content-Length: {}", answer.body.len()))
            );
            assert!(answer.head.len() < 1024);
        }
        let idle = app.get("/iclock/getrequest?SN=ABC1").await;
        assert_eq!(idle.body, "OK", "two bytes, no line end");
    })
    .await;
}

#[tokio::test]
async fn requests_are_read_as_terminals_write_them() {
    on_both_with(open, |app| async move {
        for request in [
            "GET /iclock/getrequest?SN=A1&INFO=Ver 6.39 Apr 28 2008,2,0,0,192.168.1.201,10,7,15,11,011 HTTP/1.1\r\nConnection: close\r\n\r\n",
            "GET /iclock/getrequest.aspx?SN=A1 HTTP/1.1\r\nConnection: close\r\n\r\n",
            "GET /iclock/getrequest.php?sn=A1 HTTP/1.1\r\nConnection: close\r\n\r\n",
            "GET /iclock/iclock/getrequest?SN=A1 HTTP/1.1\r\nConnection: close\r\n\r\n",
            "GET //iclock/getrequest?SN=A1 HTTP/1.1\r\nConnection: close\r\n\r\n",
            "GET /iclock/getrequest?SN=A1 HTTP/1.0\r\n\r\n",
            "Get /iclock/getrequest?SN=A1 HTTP/1.1\nConnection: close\n\n",
            "GET http://10.0.0.1:8088/iclock/getrequest?SN=A1 HTTP/1.1\r\nConnection: close\r\n\r\n",
        ] {
            assert_eq!(app.wire(request).await.whole(), (200, "OK"), "{request}");
        }
        muster::jobs::run_all(&app.app).await.expect("written down");
        let facts: (Option<String>, Option<i64>, Option<String>) = app
            .app
            .store
            .one(&Sql::new(
                "SELECT ip_address, user_count, face_alg_ver FROM terminal WHERE sn = 'A1'",
                [],
            ))
            .await
            .expect("read");
        assert_eq!(facts, (Some("192.168.1.201".into()), Some(2), Some("7".into())));
        let odd = [
            b"GET /iclock/getrequest?SN=A1&INFO=\xd6\xd0<>\" HTTP/1.1\r\nConnection: close\r\n\r\n".as_slice(),
        ];
        for request in odd {
            assert_eq!(app.wire(request).await.whole(), (200, "OK"));
        }
    })
    .await;
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    on_both_with(open, |app| async move {
        let answers = app
            .wire(
                "GET /iclock/getrequest?SN=A1 HTTP/1.1\r\nConnection: starting\r\n\r\n\
                 POST /iclock/cdata?SN=A1&table=ATTLOG HTTP/1.1\r\nContent-Length: 25\r\n\r\n1\t2026-01-15 07:00:00\t0\t1\
                 GET /iclock/ping?SN=A1 HTTP/1.1\r\nConnection: close\r\n\r\n",
            )
            .await;
        let bodies: Vec<&str> = answers.body.matches("OK").collect();
        assert_eq!(bodies.len() + answers.head.matches("OK").count(), 6, "{answers:?}");
        assert_eq!(app.punches().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn bad_input_is_refused_with_a_reason() {
    on_both_with(open, |app| async move {
        let refusals = [
            (app.get("/iclock/getrequest").await, (400, "ERROR: NO SN")),
            (app.get("/iclock/cdata?SN=../etc&options=all").await, (400, "ERROR: BAD SN")),
            (
                app.get(&format!("/iclock/cdata?SN={}&options=all", "A".repeat(10_000))).await,
                (400, "ERROR: BAD SN"),
            ),
            (app.get("/iclock/cdata?SN=A%00B").await, (400, "ERROR: BAD SN")),
            (app.get("/iclock/file?SN=win&url=/../../etc/passwd").await, (404, "ERROR: NOT FOUND")),
            (
                app.wire("POST /iclock/cdata?SN=A1&table=ATTLOG HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n").await,
                (413, "ERROR: BODY TOO LARGE"),
            ),
            (
                app.wire("POST /iclock/cdata?SN=A1&table=ATTLOG HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await,
                (411, "ERROR: LENGTH REQUIRED"),
            ),
            (
                app.wire("POST /iclock/cdata?SN=A1 HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd").await,
                (400, "ERROR: BAD REQUEST"),
            ),
            (
                app.wire("GET /iclock/ping?SN=A1\r\n\r\n").await,
                (400, "ERROR: BAD REQUEST"),
            ),
            (app.wire("nonsense\r\n\r\n").await, (400, r#"{"detail":"Bad request."}"#)),
            (
                app.wire(format!("GET /iclock/ping?SN=A1 HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(20_000))).await,
                (431, "ERROR: HEADER TOO LARGE"),
            ),
            (
                app.get(&format!("/iclock/ping?SN=A1&X={}", "y".repeat(20_000))).await,
                (431, "ERROR: HEADER TOO LARGE"),
            ),
            (
                app.wire("PUT /iclock/ping?SN=A1 HTTP/1.1\r\nConnection: close\r\n\r\n").await,
                (404, "ERROR: NOT FOUND"),
            ),
        ];
        for (answer, expected) in refusals {
            assert_eq!(answer.whole(), expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_packed_body_is_unpacked_in_bounds_and_a_bomb_is_kept_as_it_is() {
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;
    on_both_with(
        |config| {
            open(config);
            config.terminals.max_body_mib = 1;
        },
        |app| async move {
            let pack = |plain: &[u8]| {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(plain).expect("packed");
                encoder.finish().expect("packed")
            };
            let good = pack(b"OPLOG 4\t14\t2026-01-15 07:22:34\t0\t0\t0\t0\n");
            let answer = app
                .post(
                    "/iclock/cdata?SN=A1&table=OPERLOG&ContentType=tgz&Stamp=9999",
                    good,
                )
                .await;
            assert_eq!(answer.whole(), (200, "OK: 1"));
            let bomb = pack(&vec![b'x'; 64 * 1024 * 1024]);
            let answer = app
                .post(
                    "/iclock/cdata?SN=A1&table=OPERLOG&ContentType=tgz&Stamp=9999",
                    &bomb,
                )
                .await;
            assert_eq!(answer.whole(), (200, "OK: 0"));
            assert_eq!(app.unread().await, [("packed".into(), bomb)]);
            let (operations,): (i64,) = app
                .app
                .store
                .one(&Sql::new("SELECT COUNT(*) FROM operation_log", []))
                .await
                .expect("counted");
            assert_eq!(operations, 1);
        },
    )
    .await;
}

#[tokio::test]
async fn of_a_damaged_archive_what_can_be_read_is_taken_and_the_rest_is_kept() {
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;
    on_both_with(open, |app| async move {
        let member = |content: &str| {
            let mut member = vec![0_u8; 512];
            member[..8].copy_from_slice(b"rows.txt");
            member[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
            member[257..262].copy_from_slice(b"ustar");
            member.extend_from_slice(content.as_bytes());
            member.resize(1024, 0);
            member
        };
        let mut archive = member("1\t2026-01-15 07:00:00\t0\t1\n");
        archive.extend(member("2\t2026-01-15 07:00:00\t0\t1\n"));
        let cut = &archive[..1024 + 512 + 10];
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(cut).expect("packed");
        let target = "/iclock/cdata?SN=A1&table=ATTLOG&ContentType=tgz&Stamp=9999";
        let answer = app.post(target, packed.finish().expect("packed")).await;
        assert_eq!(answer.whole(), (200, "OK: 1"));
        assert_eq!(
            app.unread().await,
            [("damaged".into(), cut[1024..].to_vec())]
        );
        let (punches,): (i64,) = app
            .app
            .store
            .one(&Sql::new("SELECT COUNT(*) FROM punch WHERE pin = '1'", []))
            .await
            .expect("counted");
        assert_eq!(punches, 1);
    })
    .await;
}

#[tokio::test]
async fn a_hundred_thousand_fields_and_nul_bytes_are_kept_or_read() {
    on_both_with(open, |app| async move {
        let fields = format!("1\t2026-01-15 07:00:00\t{}\n", "0\t".repeat(100_000));
        let answer = app
            .post("/iclock/cdata?SN=A1&table=ATTLOG&Stamp=1", fields)
            .await;
        assert_eq!(answer.whole(), (200, "OK: 1"));
        let answer = app
            .post(
                "/iclock/cdata?SN=A1&table=ATTLOG&Stamp=1",
                "1\0\t2026-01-15 07:01:00\t0\t1\n2\t2026-01-15 07:01:00\t0\t1\t\0\n",
            )
            .await;
        assert_eq!(answer.whole(), (200, "OK: 2"));
        let answer = app
            .post(
                "/iclock/cdata?SN=A1&table=OPERLOG&Stamp=1",
                "USER PIN=7\0\tName=x\0y\tPri=0\nOPLOG 4\t1\0\t2026-01-15 07:00:00\t0\t0\t0\t0\n",
            )
            .await;
        assert_eq!(answer.whole(), (200, "OK: 2"));
        let unread: Vec<(String, String)> = app
            .unread()
            .await
            .into_iter()
            .map(|(table, line)| {
                let text = String::from_utf8_lossy(&line);
                (table, text.chars().take(80).collect())
            })
            .collect();
        let people: Vec<(String, Option<String>)> = app
            .app
            .store
            .all(&Sql::new("SELECT emp_code, first_name FROM employee", []))
            .await
            .expect("rows");
        let operations = app.number("SELECT count(*) FROM operation_log").await;
        insta::assert_debug_snapshot!(
            "nul_bytes",
            (app.punches().await, unread, people, operations)
        );
    })
    .await;
}

#[tokio::test]
async fn a_body_cut_off_stores_nothing_and_slows_nobody() {
    on_both_with(open, |app| async move {
        use tokio::io::AsyncWriteExt;
        let mut half = tokio::net::TcpStream::connect(app.address)
            .await
            .expect("connected");
        half.write_all(b"POST /iclock/cdata?SN=A1&table=ATTLOG HTTP/1.1\r\nContent-Length: 500\r\n\r\n1\t2026-01-15 07:00:00\t0\t1\n")
            .await
            .expect("sent");
        let other = app
            .post("/iclock/cdata?SN=A2&table=ATTLOG", "2\t2026-01-15 07:00:00\t0\t1\n")
            .await;
        assert_eq!(other.whole(), (200, "OK: 1"));
        drop(half);
        assert_eq!(app.punches().await, [("2".into(), "2026-01-15 07:00:00".into(), 0, 1)]);
    })
    .await;
}

#[tokio::test]
async fn an_access_terminal_registers_and_its_punches_arrive() {
    on_both_with(open, |app| async move {
        let sn = "VGU6254600603";
        let hello = format!("/iclock/cdata?SN={sn}&options=all&pushver=3.1.2&DeviceType=acc&PushOptionsFlag=1");
        assert_eq!(app.get(&hello).await.whole(), (200, "OK"));
        let registered = app
            .post(&format!("/iclock/registry?SN={sn}"), "DeviceType=acc,~DeviceName=F20/M,FirmVer=Ver 8.0.1.3-20151229,LockCount=1,authKey=dassas")
            .await;
        assert_eq!(registered.status, 200);
        let code = registered.body.strip_prefix("RegistryCode=").expect("a code").to_owned();
        assert!((10..=32).contains(&code.len()));
        let again = app.post(&format!("/iclock/registry?SN={sn}"), "DeviceType=acc").await;
        assert_eq!(again.body, registered.body, "the code stays");
        let config = app.post(&format!("/iclock/push?SN={sn}"), "").await;
        assert!(config.body.contains("PushProtVer=3.0.1\n"), "{}", config.body);
        assert!(config.body.contains("SessionID="));
        let back = app.get(&hello).await;
        assert!(back.body.starts_with(&format!("registry=ok\nRegistryCode={code}\n")));

        let event = "time=2026-01-15 07:15:32\tpin=1001\tcardno=0\tsitecode=0\tlinkid=0\teventaddr=1\tevent=0\tinoutstatus=0\tverifytype=1\tindex=21\n";
        let door = "time=2026-01-15 07:15:33\tpin=0\tcardno=0\teventaddr=1\tevent=220\tinoutstatus=2\tverifytype=200\tindex=22\n";
        for _ in 0..2 {
            let answer = app
                .post(&format!("/iclock/cdata?SN={sn}&table=rtlog"), format!("{event}{door}"))
                .await;
            assert_eq!(answer.whole(), (200, "OK"));
        }
        assert_eq!(app.punches().await, [("1001".into(), "2026-01-15 07:15:32".into(), 0, 1)]);
        assert_eq!(
            app.unread().await,
            [("access_event".into(), door.trim_end().as_bytes().to_vec())],
            "an event that is no punch is kept"
        );
        let users = app
            .post(&format!("/iclock/cdata?SN={sn}&table=tabledata&tablename=user&count=1"), "user uid=1\tcardno=\tpin=1\tpassword=\tgroup=1\tstarttime=0\tendtime=0\tname=\tprivilege=0\n")
            .await;
        assert_eq!(users.whole(), (200, "user=1"));
        let (model, family): (Option<String>, String) = app
            .app
            .store
            .one(&Sql::new("SELECT terminal_name, family FROM terminal", []))
            .await
            .expect("read");
        assert_eq!((model.as_deref(), family.as_str()), (Some("F20/M"), "access"));
        let kept: Vec<(String,)> = app
            .app
            .store
            .all(&Sql::new("SELECT name FROM terminal_option WHERE name = 'authKey'", []))
            .await
            .expect("read");
        assert_eq!(kept, [], "a key is not kept");

        app.queue(app.terminal_id(sn).await, &Command::Reboot)
            .await
            .expect("queued");
        let poll = app.get(&format!("/iclock/getrequest?SN={sn}")).await;
        assert_eq!(poll.body, "C:1:CONTROL DEVICE 03000000\n");
    })
    .await;
}

#[tokio::test]
async fn an_access_terminal_that_was_taken_for_another_is_one_again_when_it_registers() {
    on_both_with(open, |app| async move {
        let sn = "VGU6254600603";
        let register = format!("/iclock/registry?SN={sn}");
        let configure = format!("/iclock/push?SN={sn}");
        let family = async || -> String {
            let one = Sql::new("SELECT family FROM terminal", []);
            let (family,): (String,) = app.app.store.one(&one).await.expect("read");
            family
        };
        let session = |answer: Answer| {
            assert_eq!(answer.status, 200);
            let line = answer
                .body
                .lines()
                .find_map(|line| line.strip_prefix("SessionID="));
            line.expect("a session").to_owned()
        };
        let first = session(app.post(&configure, "").await);
        assert_eq!(
            first.len(),
            32,
            "it asks how to behave before it has introduced itself"
        );
        let code = app.post(&register, "DeviceType=acc").await;
        assert_eq!(session(app.post(&configure, "").await), first);
        let attlog = format!("/iclock/cdata?SN={sn}&table=ATTLOG&Stamp=1");
        for again in [&register, &configure] {
            app.post(&attlog, "1\t2026-01-15 07:00:00\t0\t1\n").await;
            assert_eq!(family().await, "attendance");
            app.post(again, "").await;
            assert_eq!(family().await, "access", "{again}");
            let hello = app.get(&format!("/iclock/cdata?SN={sn}&options=all")).await;
            assert!(
                hello
                    .body
                    .starts_with(&format!("registry=ok\n{}\n", code.body)),
                "{hello:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_oldest_terminals_are_told_how_far_their_photos_have_come() {
    on_both_with(open, |app| async move {
        app.get("/iclock/cdata?SN=A1&options=all").await;
        let photo = b"\xff\xd8\xff\xe0synthetic\xff\xd9";
        let target = "/iclock/fdata?SN=A1&PIN=20260115070000-7.jpg&PhotoStamp=350154520";
        assert_eq!(app.post(target, photo).await.whole(), (200, "OK"));
        let hello = app.get("/iclock/cdata?SN=A1&options=all").await;
        assert!(hello.body.contains("\nPhotoStamp=350154520\n"), "{hello:?}");
    })
    .await;
}

#[tokio::test]
async fn a_call_without_options_is_answered_as_the_terminal_spoke_before() {
    on_both_with(open, |app| async move {
        let spoken = app
            .get("/iclock/cdata?SN=A1&options=all&pushver=2.4.1")
            .await;
        assert!(spoken.body.contains("\nPushProtVer=2.4.1\n"), "{spoken:?}");
        assert_eq!(app.get("/iclock/cdata?SN=A1").await.body, spoken.body);
        let known = "SELECT COUNT(*) FROM terminal WHERE push_protocol = '2.4.1'";
        assert_eq!(app.number(known).await, 1);
        let oldest = app.get("/iclock/cdata?SN=A2").await;
        assert!(oldest.body.contains("\nStamp=0\n"), "{oldest:?}");
        let older = app.get("/iclock/cdata?SN=A1&options=all").await;
        assert!(
            older.body.contains("\nStamp=0\n"),
            "other firmware: {older:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_chinese_name_fills_what_a_chinese_terminal_holds() {
    on_both_with(open, |app| async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let hello = |language: u8| {
            format!("/iclock/cdata?SN=A1&options=all&pushver=2.4.1&language={language}")
        };
        app.get(&hello(83)).await;
        let id = app.terminal_id("A1").await;
        let record = Command::UpdateUser(UserFields {
            pin: "7".into(),
            name: Some("中".repeat(13)),
            privilege: Some(0),
            ..UserFields::default()
        });
        app.queue(id, &record).await.expect("queued");
        let mut stream = tokio::net::TcpStream::connect(app.address)
            .await
            .expect("connected");
        let poll = b"GET /iclock/getrequest?SN=A1 HTTP/1.1\r\nConnection: close\r\n\r\n";
        stream.write_all(poll).await.expect("sent");
        let mut told = Vec::new();
        stream.read_to_end(&mut told).await.expect("read");
        let line = [
            b"PIN=7\tName=".as_slice(),
            &b"\xd6\xd0".repeat(12),
            b"\tPri=0\n",
        ]
        .concat();
        assert!(
            told.ends_with(&line),
            "{:?}",
            String::from_utf8_lossy(&told)
        );
        app.post("/iclock/devicecmd?SN=A1", "ID=1&Return=0&CMD=DATA\n")
            .await;
        // It has been switched to English since.
        app.queue(id, &record).await.expect("queued");
        app.get(&hello(69)).await;
        let told = app.get("/iclock/getrequest?SN=A1").await;
        let line = format!("PIN=7\tName={}\tPri=0\n", "中".repeat(8));
        assert!(told.body.ends_with(&line), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn events_without_a_number_are_told_apart_by_the_person() {
    on_both_with(open, |app| async move {
        let sn = "ACC2";
        app.post(&format!("/iclock/registry?SN={sn}"), "DeviceType=acc,~DeviceName=F20/M")
            .await;
        let event = |pin: &str, index: &str| {
            format!("time=2026-01-15 07:15:32\tpin={pin}\tcardno=0\teventaddr=1\tevent=0\tinoutstatus=0\tverifytype=1{index}\n")
        };
        let rows = [event("1001", "\tindex=0"), event("1002", "\tindex=0"), event("1003", ""), event("1004", "")];
        for _ in 0..2 {
            let answer = app
                .post(&format!("/iclock/cdata?SN={sn}&table=rtlog"), rows.concat())
                .await;
            assert_eq!(answer.whole(), (200, "OK"));
        }
        let pins: Vec<String> = app.punches().await.into_iter().map(|punch| punch.0).collect();
        assert_eq!(pins, ["1001", "1002", "1003", "1004"], "all of them, and each once");
    })
    .await;
}

#[tokio::test]
async fn a_command_is_given_once_and_its_result_ends_it() {
    on_both_with(open, |app| async move {
        assert_eq!(app.get("/iclock/getrequest?SN=A1").await.body, "OK");
        let id = app.terminal_id("A1").await;
        for command in [Command::Info, Command::Check, Command::Reboot, Command::Log] {
            app.queue(id, &command)
                .await
                .expect("queued");
        }
        assert_eq!(
            app.get("/iclock/getrequest?SN=A1").await.body,
            "C:1:INFO\nC:2:CHECK\nC:3:REBOOT\n",
            "what follows a restart would be lost"
        );
        assert_eq!(app.get("/iclock/getrequest?SN=A1").await.body, "C:4:LOG\n");
        assert_eq!(app.get("/iclock/getrequest?SN=A1").await.body, "OK");
        let results = "ID=1&Return=0&CMD=INFO\n~DeviceName=SpeedFace\nUserCount=12\nID=2&Return=-1002&CMD=CHECK\nID=77&Return=0&CMD=INFO\n";
        assert_eq!(app.post("/iclock/devicecmd?SN=A1", results).await.whole(), (200, "OK"));
        assert_eq!(
            app.states().await,
            [
                ("done".into(), Some(0)),
                ("refused".into(), Some(-1002)),
                ("sent".into(), None),
                ("sent".into(), None),
            ]
        );
        // The restart shows in the handshake; LOG may be sent again.
        app.get("/iclock/cdata?SN=A1&options=all&pushver=2.4.1").await;
        let states: Vec<String> = app.states().await.into_iter().map(|(state, _)| state).collect();
        assert_eq!(states, ["done", "refused", "done", "queued"]);
        let (name, users): (Option<String>, Option<i64>) = app
            .app
            .store
            .one(&Sql::new("SELECT terminal_name, user_count FROM terminal", []))
            .await
            .expect("read");
        assert_eq!((name.as_deref(), users), (Some("SpeedFace"), Some(12)));
    })
    .await;
}

#[tokio::test]
async fn a_result_ends_no_command_that_was_never_given() {
    on_both_with(open, |app| async move {
        app.get("/iclock/getrequest?SN=A1").await;
        let id = app.terminal_id("A1").await;
        app.queue(id, &Command::Reboot).await.expect("queued");
        // Of the server it belonged to before.
        let result = "ID=1&Return=0&CMD=DATA\n";
        let answer = app.post("/iclock/devicecmd?SN=A1", result).await;
        assert_eq!(answer.whole(), (200, "OK"));
        assert_eq!(app.states().await, [("queued".into(), None)]);
        assert_eq!(
            app.get("/iclock/getrequest?SN=A1").await.body,
            "C:1:REBOOT\n"
        );
        app.post("/iclock/devicecmd?SN=A1", result).await;
        assert_eq!(app.states().await, [("done".into(), Some(0))]);
    })
    .await;
}

#[tokio::test]
async fn what_a_terminal_was_given_elsewhere_is_said_again_when_it_stays_silent() {
    on_both_with(open, |app| async move {
        app.get("/iclock/getrequest?SN=A1").await;
        let id = app.terminal_id("A1").await;
        app.queue(id, &Command::Info).await.expect("queued");
        let given = "C:1:INFO\n";
        assert_eq!(app.get("/iclock/getrequest?SN=A1").await.body, given);
        // By another server, and nobody told this one.
        let sn = SerialNumber::parse("A1").expect("one");
        let presence = app.app.roster.get(&sn).expect("known");
        presence.set_open_commands(false);
        app.app.clock.advance(TimeDelta::minutes(10));
        app.run_jobs().await;
        let mut said = 0;
        for _ in 0..5 {
            said += i32::from(app.get("/iclock/getrequest?SN=A1").await.body == given);
            app.app.clock.advance(TimeDelta::minutes(1));
        }
        assert_eq!(said, 1);
    })
    .await;
}

#[tokio::test]
async fn a_silent_command_is_sent_again_after_its_pause_and_then_given_up() {
    on_both_with(open, |app| async move {
        app.get("/iclock/getrequest?SN=A1").await;
        let id = app.terminal_id("A1").await;
        for command in [Command::Info, Command::ClearLog] {
            app.queue(id, &command).await.expect("queued");
        }
        assert_eq!(
            app.get("/iclock/getrequest?SN=A1").await.body,
            "C:1:INFO\nC:2:CLEAR LOG\n"
        );
        let mut sent = 1;
        for minutes in [6, 11, 36, 10] {
            app.app.clock.advance(TimeDelta::minutes(minutes));
            for _ in 0..4 {
                if app.get("/iclock/getrequest?SN=A1").await.body == "C:1:INFO\n" {
                    sent += 1;
                }
                app.app.clock.advance(TimeDelta::minutes(1));
            }
        }
        app.app.clock.advance(TimeDelta::hours(2));
        for _ in 0..6 {
            let body = app.get("/iclock/getrequest?SN=A1").await.body;
            sent += i32::from(body == "C:1:INFO\n");
            app.app.clock.advance(TimeDelta::minutes(10));
        }
        assert_eq!(sent, 4, "once, and three times more");
        let states: Vec<String> = app
            .states()
            .await
            .into_iter()
            .map(|(state, _)| state)
            .collect();
        assert_eq!(states, ["lost", "lost"], "CLEAR LOG was never sent again");
    })
    .await;
}

#[tokio::test]
async fn a_door_opens_now_or_never() {
    on_both_with(open, |app| async move {
        app.get("/iclock/getrequest?SN=A1").await;
        let id = app.terminal_id("A1").await;
        app.queue(id, &Command::Unlock)
            .await
            .expect("the terminal is online");
        app.app.clock.advance(TimeDelta::seconds(61));
        assert_eq!(
            app.get("/iclock/getrequest?SN=A1").await.body,
            "OK",
            "too late to open"
        );
        assert_eq!(app.states().await, [("expired".into(), None)]);
    })
    .await;
}

#[tokio::test]
async fn nothing_reaches_the_wire_with_a_separator_in_it() {
    use muster_protocol::command::UserFields;
    on_both_with(open, |app| async move {
        app.get("/iclock/getrequest?SN=A1").await;
        let id = app.terminal_id("A1").await;
        for name in ["x\tPri=14", "x\nC:9:CLEAR DATA", "x\r", "x\0"] {
            let command = Command::UpdateUser(UserFields {
                pin: "1".into(),
                name: Some(name.into()),
                ..UserFields::default()
            });
            let refused = app.queue(id, &command).await;
            assert!(refused.is_err(), "{name:?}");
        }
        assert_eq!(app.get("/iclock/getrequest?SN=A1").await.body, "OK");
        assert_eq!(app.states().await, []);
    })
    .await;
}

#[tokio::test]
async fn a_person_enrolled_at_a_terminal_becomes_an_employee_and_gets_his_punches() {
    on_both_with(
        |_| {},
        |app| async move {
            app.get("/iclock/getrequest?SN=A1").await;
            app.authorise("A1").await;
            app.post("/iclock/cdata?SN=A1&table=ATTLOG&Stamp=1", "7\t2026-01-15 07:00:00\t0\t1\n").await;
            let before: Vec<(i64, Option<i64>)> = app
                .app
                .store
                .all(&Sql::new("SELECT id, transaction_id FROM punch", []))
                .await
                .expect("read");
            assert_eq!(before, [(1, None)], "nobody has PIN 7 yet");
            let upload = "USER PIN=7\tName=Asha Rani\tPri=14\tPasswd=4321\tCard=[15CD5B07]\tGrp=1\nFP PIN=7\tFID=0\tSize=8\tValid=1\tTMP=c2VjcmV0\n";
            let answer = app.post("/iclock/cdata?SN=A1&table=OPERLOG&Stamp=1", upload).await;
            assert_eq!(answer.whole(), (200, "OK: 2"));
            let person: (i64, String, Option<String>, i16, Option<String>) = app
                .app
                .store
                .one(&Sql::new(
                    "SELECT id, emp_code, card_no, dev_privilege, enroll_sn FROM employee",
                    [],
                ))
                .await
                .expect("read");
            assert_eq!(
                person,
                (1_000_000_001, "7".into(), Some("123456789".into()), 0, Some("A1".into())),
                "a terminal makes nobody its administrator"
            );
            let after: Vec<(i64, Option<i64>, Option<i64>)> = app
                .app
                .store
                .all(&Sql::new("SELECT id, transaction_id, employee_id FROM punch", []))
                .await
                .expect("read");
            assert_eq!(after, [(1, Some(2), Some(1_000_000_001))], "with an id nobody has read past");
            let (template,): (Vec<u8>,) = app
                .app
                .store
                .one(&Sql::new("SELECT template_sealed FROM biometric", []))
                .await
                .expect("read");
            assert!(!template.windows(8).any(|window| window == b"c2VjcmV0"), "sealed");
            let counted: (i64, i64) = app
                .app
                .store
                .one(&Sql::new("SELECT transactions, unregistered FROM punch_counter", []))
                .await
                .expect("read");
            assert_eq!(counted, (1, 0));
        },
    )
    .await;
}

#[tokio::test]
async fn an_upload_whose_end_nobody_knows_is_never_taken_for_an_empty_one() {
    on_both_with(open, |app| async move {
        let row = "1\t2026-01-15 07:00:00\t0\t1\n";
        let target = "/iclock/cdata?SN=A1&table=ATTLOG&Stamp=9999";
        let without = app
            .wire(format!("POST {target} HTTP/1.0\r\n\r\n{row}"))
            .await;
        assert_eq!(without.whole(), (411, "ERROR: LENGTH REQUIRED"));
        let blank = app
            .wire(format!(
                "POST {target} HTTP/1.1\r\nContent-Length : 27\r\n\r\n{row}"
            ))
            .await;
        assert_eq!(blank.whole(), (400, "ERROR: BAD REQUEST"));
        assert_eq!(app.punches().await, []);
    })
    .await;
}

#[tokio::test]
async fn a_terminal_behind_a_proxy_may_share_a_connection_with_others() {
    on_both_with(open, |app| async move {
        let row = "1\t2026-01-15 07:00:00\t0\t1";
        let answers = app
            .wire(format!(
                "GET /healthz HTTP/1.1\r\nHost: muster\r\n\r\n\
                 POST /iclock/cdata?SN=A1&table=ATTLOG&Stamp=9999 HTTP/1.1\r\nHost: muster\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{row}",
                row.len()
            ))
            .await;
        assert!(
            answers.body.contains("Content-Type: text/plain"),
            "{answers:?}"
        );
        assert!(answers.body.ends_with("\r\n\r\nOK: 1"), "{answers:?}");
        assert_eq!(app.punches().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_user_record_that_changes_nothing_here_is_kept() {
    on_both_with(open, |app| async move {
        let target = "/iclock/cdata?SN=A1&table=OPERLOG&Stamp=1";
        app.post(target, "USER PIN=7\tName=Asha\tPri=0\n").await;
        assert_eq!(app.unread().await, []);
        let answer = app
            .post(
                target,
                "USER PIN=7\tName=Somebody else\tPri=14\tCard=99\nUSER PIN=a b\tName=X\n",
            )
            .await;
        assert_eq!(answer.whole(), (200, "OK: 2"));
        assert_eq!(
            app.unread().await,
            [
                (
                    "not_applied".into(),
                    b"USER PIN=7\tName=Somebody else\tPri=14\tCard=99".to_vec()
                ),
                ("not_applied".into(), b"USER PIN=a b\tName=X".to_vec()),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_door_does_not_wait_behind_a_command_that_pauses() {
    on_both_with(open, |app| async move {
        app.get("/iclock/getrequest?SN=A1").await;
        let id = app.terminal_id("A1").await;
        app.queue(id, &Command::Check).await.expect("queued");
        assert_eq!(
            app.get("/iclock/getrequest?SN=A1").await.body,
            "C:1:CHECK\n"
        );
        app.app.clock.advance(TimeDelta::minutes(6));
        for _ in 0..3 {
            app.get("/iclock/getrequest?SN=A1").await;
        }
        app.queue(id, &Command::Unlock).await.expect("queued");
        assert_eq!(
            app.get("/iclock/getrequest?SN=A1").await.body,
            "C:2:AC_UNLOCK\n"
        );
    })
    .await;
}

#[tokio::test]
async fn a_door_does_not_wait_behind_hundreds_of_others() {
    on_both_with(open, |app| async move {
        app.get("/iclock/getrequest?SN=A1").await;
        let id = app.terminal_id("A1").await;
        for _ in 0..250 {
            app.queue(id, &Command::Check).await.expect("queued");
        }
        app.queue(id, &Command::Unlock).await.expect("queued");
        let reply = app.get("/iclock/getrequest?SN=A1").await.body;
        assert_eq!(reply.lines().next(), Some("C:251:AC_UNLOCK"));
        assert_eq!(reply.lines().count(), 20);
        assert!(
            reply.ends_with("C:19:CHECK\n"),
            "the others come in their order"
        );
    })
    .await;
}

/// Every request of the fixtures is answered, and none is the server's fault.
#[tokio::test]
async fn every_fixture_is_answered_as_the_reply_matrix_says() {
    on_both_with(
        |config| {
            open(config);
            config.terminals.new_per_minute_per_address = 10_000;
        },
        |app| async move {
            let mut answers = String::new();
            for file in ["handshake", "attlog", "operlog", "results", "access"] {
                let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join(format!("../protocol/fixtures/{file}.txt"));
                let text = fs::read_to_string(path).expect("fixtures");
                for line in text.lines().filter(|line| !line.starts_with('#')) {
                    let mut parts = line.splitn(4, " | ");
                    let (Some(id), Some(kind), Some(context), Some(body)) =
                        (parts.next(), parts.next(), parts.next(), parts.next())
                    else {
                        continue;
                    };
                    if !matches!(kind, "REQ" | "RES") {
                        continue;
                    }
                    let start_line = context.split(" ; ").next().unwrap_or(context);
                    let (method, target) = start_line.split_once(' ').expect("method and target");
                    let body = unescape(body);
                    let mut request = format!(
                        "{method} {target} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    )
                    .into_bytes();
                    request.extend_from_slice(&body);
                    let answer = app.wire(request).await;
                    assert!(answer.status < 500, "{id}: {answer:?}");
                    let lines: Vec<&str> = answer
                        .body
                        .split('\n')
                        .map(|line| match line.split_once('=') {
                            Some(("RegistryCode", _)) => "RegistryCode=…",
                            Some(("SessionID", _)) => "SessionID=…",
                            _ => line,
                        })
                        .collect();
                    answers.push_str(&format!("{id} {} {}\n", answer.status, lines.join("\\n")));
                }
            }
            insta::assert_snapshot!("fixture_answers", answers);
        },
    )
    .await;
}

/// Fixture A08, of a server that lets nobody in by itself.
#[tokio::test]
async fn who_is_unknown_is_told_so() {
    on_both(|app| async move {
        let answer = app.get("/iclock/cdata?SN=UNKNOWN&options=all").await;
        assert_eq!(answer.whole(), (403, "ERROR: UNKNOWN DEVICE"));
    })
    .await;
}

/// `\t \n \r \0 \xHH`, as the fixtures write bytes; `-` and `(empty)` are nothing.
fn unescape(text: &str) -> Vec<u8> {
    if matches!(text, "-" | "(empty)") {
        return Vec::new();
    }
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b't') => bytes.push(b'\t'),
            Some(b'n') => bytes.push(b'\n'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b'0') => bytes.push(0),
            Some(b'x') => {
                let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                let digits = std::str::from_utf8(&digits).expect("two digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
            }
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    bytes
}
