//! Whole runs against a server in the same process; none of them waits in real time.

mod fake;

use std::collections::HashSet;
use std::future::pending;

use fake::{Fake, Said, State, attlog, keep, written};
use muster_simulator::{
    DEMO_TERMINALS, Faults, Kind, LoadOptions, Mix, Options, Profile, Report, load, run,
};

/// A terminal nobody punches at.
fn quiet(fake: &Fake) -> Options {
    Options {
        punches_per_minute: 0.0,
        ..Options::steady(&fake.address)
    }
}

fn busy(fake: &Fake) -> Options {
    Options {
        terminals: 6,
        duration_s: Some(600),
        punches_per_minute: 60.0,
        api: Some(fake.api()),
        trace: false,
        ..Options::steady(&fake.address)
    }
}

fn trace(report: &Report) -> Vec<(u64, &str)> {
    report
        .trace
        .iter()
        .map(|step| {
            (
                step.at_ms,
                step.request.split("?INFO=").next().unwrap_or_default(),
            )
        })
        .collect()
}

fn results(state: &State) -> Vec<&str> {
    state
        .seen
        .iter()
        .filter(|asked| asked.door == "devicecmd")
        .flat_map(|asked| asked.body.lines())
        .collect()
}

fn batches(report: &Report) -> Vec<(usize, Option<u16>)> {
    let uploads = report
        .trace
        .iter()
        .filter(|step| step.request.contains("table=ATTLOG"));
    uploads.map(|step| (step.rows, step.status)).collect()
}

#[tokio::test]
async fn a_terminal_boots_in_order_and_then_polls_ever_more_slowly() {
    let fake = Fake::start().await;
    let report = run(quiet(&fake), pending()).await;
    let steps = trace(&report);
    let start = steps[0].0;
    let relative: Vec<(u64, &str)> = steps
        .iter()
        .map(|(at, request)| (at - start, *request))
        .collect();
    assert_eq!(
        relative[..4],
        [
            (
                0,
                "GET cdata?options=all&pushver=2.4.1&DeviceType=att&language=69&PushOptionsFlag=1"
            ),
            (200, "POST cdata?table=options"),
            (500, "GET getrequest"),
            (800, "POST cdata?table=OPERLOG&Stamp=9999"),
        ]
    );
    // One second after the last word, then 1, 3, 5, 7, 9, 10, 10 … seconds after each other.
    let polls: Vec<u64> = relative[4..].iter().map(|(at, _)| *at).collect();
    assert!(
        relative[4..]
            .iter()
            .all(|(_, request)| *request == "GET getrequest")
    );
    assert_eq!(
        polls[..7],
        [2000, 5000, 10_000, 17_000, 26_000, 36_000, 46_000]
    );
    assert_eq!(report.check(None).await, [""; 0]);
}

#[tokio::test]
async fn an_old_terminal_names_no_table_and_sends_its_stamp() {
    let fake = Fake::start().await;
    let report = run(
        Options {
            terminals: 9,
            backlog_rows: 1,
            ..quiet(&fake)
        },
        pending(),
    )
    .await;
    assert!(report.flaws.is_empty(), "{:?}", report.flaws);
    let state = fake.state();
    let old: Vec<_> = state
        .seen
        .iter()
        .filter(|asked| asked.query("SN") == "SIM0000009")
        .collect();
    assert_eq!(old[0].query("options"), "all");
    assert_eq!(old[0].query("pushver"), "");
    let upload = old
        .iter()
        .find(|asked| asked.is_upload() && !asked.query("Stamp").is_empty())
        .expect("an upload");
    assert_eq!(
        (upload.query("table"), upload.body.split('\t').count()),
        ("", 4)
    );
    // 2026-03-02 08:57:10, packed.
    assert_eq!(
        upload.query("Stamp"),
        muster_protocol::time::pack("2026-03-02T08:57:10".parse().expect("a time")).to_string()
    );
}

#[tokio::test]
async fn a_backlog_goes_out_in_growing_batches_that_shrink_when_refused() {
    let mut uploads = 0;
    let refuses_the_fifth = Box::new(move |asked: &fake::Asked, _: &mut State| {
        uploads += usize::from(asked.query("table") == "ATTLOG");
        (asked.query("table") == "ATTLOG" && uploads == 5).then(|| Said::Text(503, "later".into()))
    });
    let fake = Fake::misbehaving(refuses_the_fifth).await;
    let report = run(
        Options {
            backlog_rows: 400,
            api: Some(fake.api()),
            ..quiet(&fake)
        },
        pending(),
    )
    .await;
    let ok = Some(200);
    assert_eq!(
        batches(&report),
        [
            (30, ok),
            (40, ok),
            (50, ok),
            (60, ok),
            (70, Some(503)),
            (40, ok),
            (50, ok),
            (60, ok),
            (70, ok)
        ]
    );
    assert_eq!(
        (
            report.totals.uploads_refused,
            report.totals.rows_acknowledged
        ),
        (1, 400)
    );
    assert_eq!(report.check(Some(&fake.api())).await, [""; 0]);
}

#[tokio::test]
async fn batches_do_not_grow_beyond_150_rows() {
    let fake = Fake::start().await;
    let report = run(
        Options {
            backlog_rows: 2000,
            ..quiet(&fake)
        },
        pending(),
    )
    .await;
    let sizes: Vec<usize> = batches(&report).into_iter().map(|(rows, _)| rows).collect();
    assert_eq!(
        sizes[..14],
        [
            30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 150
        ]
    );
    assert_eq!(sizes.iter().sum::<usize>(), 2000);
}

#[tokio::test]
async fn a_server_that_refuses_is_tried_three_times_and_left_alone_for_error_delay() {
    let fake = Fake::misbehaving(Box::new(|_, _| {
        Some(Said::Text(403, "ERROR: UNKNOWN DEVICE".into()))
    }))
    .await;
    let report = run(
        Options {
            backlog_rows: 5,
            duration_s: Some(40),
            ..quiet(&fake)
        },
        pending(),
    )
    .await;
    let hellos: Vec<u64> = trace(&report)
        .into_iter()
        .filter(|(_, request)| request.starts_with("GET cdata"))
        .map(|(at, _)| at)
        .collect();
    let gaps: Vec<u64> = hellos.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(gaps[..3], [300, 600, 30_900]);
    assert_eq!(report.totals.rows_acknowledged, 0);
    assert_eq!(report.check(None).await, [""; 0]);
}

#[tokio::test]
async fn a_lost_reply_makes_the_terminal_send_the_same_rows_again() {
    let mut uploads = 0;
    let keeps_but_hangs_up = Box::new(move |asked: &fake::Asked, state: &mut State| {
        uploads += usize::from(asked.query("table") == "ATTLOG");
        if asked.query("table") != "ATTLOG" || uploads != 1 {
            return None;
        }
        keep(state, attlog(asked));
        Some(Said::Nothing)
    });
    let fake = Fake::misbehaving(keeps_but_hangs_up).await;
    let report = run(
        Options {
            backlog_rows: 10,
            api: Some(fake.api()),
            ..quiet(&fake)
        },
        pending(),
    )
    .await;
    {
        let state = fake.state();
        let uploads: Vec<_> = state
            .seen
            .iter()
            .filter(|asked| asked.query("table") == "ATTLOG")
            .collect();
        assert_eq!(uploads.len(), 2);
        assert_eq!(uploads[0].body, uploads[1].body);
    }
    assert_eq!(
        (report.totals.unanswered, report.totals.rows_acknowledged),
        (1, 10)
    );
    assert_eq!(report.check(Some(&fake.api())).await, [""; 0]);
}

#[tokio::test]
async fn commands_are_carried_out_in_order_and_their_results_share_a_post() {
    let fake = Fake::start().await;
    fake.state().commands = vec![
        "C:1:DATA UPDATE USERINFO PIN=7\tName=Ana María\tPri=0",
        "C:2:DATA UPDATE FINGERTMP PIN=7\tFID=0\tSize=4\tValid=1\tTMP=QUJD",
        "C:3:DATA UPDATE FINGERTMP PIN=8\tFID=0\tSize=4\tValid=1\tTMP=QUJD",
        "C:4:SET OPTION Delay=5",
        "C:5:USER ADD PIN=1",
        "DATA DELETE USERINFO PIN=7",
        "C:6:DATA QUERY USERINFO PIN=7",
    ];
    let report = run(quiet(&fake), pending()).await;
    assert_eq!(
        (report.totals.commands, report.totals.results_acknowledged),
        (6, 6)
    );
    let state = fake.state();
    assert_eq!(
        results(&state),
        [
            "ID=1&Return=0&CMD=DATA",
            "ID=2&Return=0&CMD=DATA",
            "ID=3&Return=-10&CMD=DATA",
            "ID=4&Return=0&CMD=SET OPTION",
            "ID=5&Return=-1002&CMD=USER",
            "ID=6&Return=0&CMD=DATA",
        ]
    );
    let posts = state
        .seen
        .iter()
        .filter(|asked| asked.door == "devicecmd")
        .count();
    assert_eq!(posts, 1);
    // What the query asked for has arrived before its result.
    let answered = state
        .seen
        .iter()
        .position(|asked| asked.body.starts_with("USER PIN=7\tName=Ana María\t"));
    let reported = state
        .seen
        .iter()
        .position(|asked| asked.door == "devicecmd");
    assert!(
        answered.is_some() && answered < reported,
        "{answered:?} {reported:?}"
    );
    // The next poll tells of the person.
    let told = state
        .seen
        .iter()
        .rfind(|asked| !asked.query("INFO").is_empty())
        .expect("a poll that tells");
    assert!(
        told.query("INFO")
            .starts_with("ZAM180-NF50VA-Ver3.4.10,1,1,0,"),
        "{}",
        told.query("INFO")
    );
}

#[tokio::test]
async fn a_check_with_stamp_0_sends_all_again_and_all_is_kept_once() {
    let fake = Fake::start().await;
    let asks_for_all = Box::new(|asked: &fake::Asked, state: &mut State| {
        if asked.door == "getrequest"
            && state.rows.len() == 50
            && !state.options.contains("ATTLOGStamp=0")
        {
            state.options = state.options.replace("ATTLOGStamp=9999", "ATTLOGStamp=0");
            state.commands.push("C:1:CHECK");
        }
        None
    });
    drop(fake);
    let fake = Fake::misbehaving(asks_for_all).await;
    let report = run(
        Options {
            backlog_rows: 50,
            api: Some(fake.api()),
            ..quiet(&fake)
        },
        pending(),
    )
    .await;
    assert_eq!(
        batches(&report).iter().map(|(rows, _)| rows).sum::<usize>(),
        100
    );
    assert_eq!(results(&fake.state()), ["ID=1&Return=0&CMD=CHECK"]);
    assert_eq!(fake.state().rows.len(), 50);
    assert_eq!(report.check(Some(&fake.api())).await, [""; 0]);
}

#[tokio::test]
async fn a_restart_is_silent_for_a_while_and_begins_with_a_handshake() {
    let fake = Fake::start().await;
    fake.state().commands = vec!["C:1:REBOOT"];
    let report = run(
        Options {
            duration_s: Some(120),
            ..quiet(&fake)
        },
        pending(),
    )
    .await;
    let steps = trace(&report);
    let reported = steps
        .iter()
        .position(|(_, request)| *request == "POST devicecmd")
        .expect("a result");
    let silence = steps[reported + 1].0 - steps[reported].0;
    assert!((40_000..=90_000).contains(&silence), "{silence}");
    assert!(steps[reported + 1].1.starts_with("GET cdata?options=all"));
    assert_eq!((report.totals.reboots, report.totals.handshakes), (1, 2));
}

#[tokio::test]
async fn an_access_terminal_registers_once_and_sends_events() {
    let fake = Fake::start().await;
    fake.state().commands = vec![
        "C:415:DATA QUERY tablename=user,fielddesc=*,filter=*",
        "C:416:CONTROL DEVICE 03000000",
    ];
    let mix = Mix {
        access: 1.0,
        ..Mix::none()
    };
    let options = Options {
        backlog_rows: 3,
        enrolled: true,
        mix,
        duration_s: Some(300),
        api: Some(fake.api()),
        ..quiet(&fake)
    };
    let report = run(options, pending()).await;
    let requests: Vec<&str> = report
        .trace
        .iter()
        .map(|step| step.request.split(['?', '&']).next().unwrap_or_default())
        .collect();
    assert_eq!(
        requests[..6],
        [
            "GET cdata",
            "POST registry",
            "POST push",
            "POST cdata",
            "GET getrequest",
            "POST querydata"
        ]
    );
    assert_eq!(
        requests
            .iter()
            .filter(|request| **request == "POST registry")
            .count(),
        1
    );
    {
        let state = fake.state();
        assert_eq!(
            results(&state),
            [
                "ID=415&Return=200&CMD=DATA QUERY",
                "ID=416&Return=0&CMD=CONTROL DEVICE"
            ]
        );
        assert!(
            state
                .seen
                .iter()
                .any(|asked| asked.query("table") == "rtstate")
        );
        assert_eq!(state.rows.len(), 3);
    }
    assert_eq!(report.check(Some(&fake.api())).await, [""; 0]);
}

#[tokio::test]
async fn every_fault_and_habit_together_lose_and_double_nothing_at_a_good_server() {
    let fake = Fake::start().await;
    let faults = Faults {
        lost_reply: 0.1,
        half_body: 0.1,
        twice: 0.1,
        bad_row: 0.1,
        lost_result: 0.1,
        twice_result: 0.1,
        busy: 0.01,
        lost_commands: 0.01,
        unknown_command: 0.1,
        reboot_mid_batch: 0.1,
        drops_per_day: 200.0,
        reboots_per_week: 700.0,
    };
    let mix = Mix {
        aspx: 0.5,
        http_1_0: 0.3,
        raw_spaces: 0.5,
        cr_lf: 0.5,
        odd_case: 0.5,
        access: 0.2,
        camera: 0.5,
        wrong_clock: 0.2,
        midnight_handshake: 1.0,
    };
    let options = Options {
        terminals: 20,
        punches_per_minute: 30.0,
        duration_s: Some(3600),
        administration_per_day: 100.0,
        enrolled: true,
        mix,
        faults,
        ..busy(&fake)
    };
    let report = run(options, pending()).await;
    let totals = report.totals;
    assert_eq!(report.check(Some(&fake.api())).await, [""; 0]);
    assert!(
        totals.rows_acknowledged > 1500
            && totals.hung_up > 100
            && totals.bad_rows > 50
            && totals.reboots > 20,
        "{totals:?}"
    );
    let state = fake.state();
    let heads: HashSet<&str> = state
        .seen
        .iter()
        .filter_map(|asked| asked.head.lines().next())
        .map(|line| &line[..3])
        .collect();
    assert_eq!(heads, HashSet::from(["GET", "Get", "POS"]));
    assert!(
        state
            .seen
            .iter()
            .any(|asked| asked.head.contains("INFO=Ver 6.39 Apr 28 2008,"))
    );
    assert!(
        state
            .seen
            .iter()
            .any(|asked| asked.head.contains("INFO=Ver%206.39%20Apr"))
    );
    assert!(
        state
            .seen
            .iter()
            .any(|asked| asked.query("table") == "ATTPHOTO")
    );
}

#[tokio::test]
async fn the_same_seed_makes_the_same_run_and_another_another() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let fake = Fake::start().await;
        let options = Options {
            seed,
            terminals: 1,
            faults: Faults {
                lost_reply: 0.2,
                ..Faults::none()
            },
            trace: true,
            ..busy(&fake)
        };
        let report = run(options, pending()).await;
        let rows: Vec<String> = report
            .acknowledged()
            .iter()
            .map(|row| format!("{row:?}"))
            .collect();
        runs.push((report.trace, rows));
    }
    assert!(!runs[0].1.is_empty());
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn punches_wait_while_the_server_does_not_answer_and_arrive_afterwards() {
    let mut polls = 0;
    let goes_away = Box::new(move |asked: &fake::Asked, _: &mut State| {
        polls += usize::from(asked.door == "getrequest");
        (10..40).contains(&polls).then(|| {
            polls += 1;
            Said::Nothing
        })
    });
    let fake = Fake::misbehaving(goes_away).await;
    let report = run(
        Options {
            terminals: 1,
            ..busy(&fake)
        },
        pending(),
    )
    .await;
    assert!(report.totals.unanswered > 20, "{:?}", report.totals);
    assert!(
        report.totals.rows_acknowledged + 3 > report.totals.punches,
        "{:?}",
        report.totals
    );
    assert_eq!(report.check(Some(&fake.api())).await, [""; 0]);
}

#[tokio::test]
async fn the_demonstrations_terminals_punch_every_few_seconds_for_the_people_given() {
    let fake = Fake::start().await;
    let people: Vec<String> = (1..=20).map(|pin: u32| pin.to_string()).collect();
    let options = Options {
        duration_s: Some(600),
        speed: 0.0,
        starts_at: Options::steady("").starts_at,
        ..Options::demo(&fake.address, people.clone())
    };
    let report = run(options, pending()).await;
    assert!(
        (150..260).contains(&report.totals.punches),
        "{}",
        report.totals.punches
    );
    let state = fake.state();
    let terminals: HashSet<&str> = state.rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        terminals,
        DEMO_TERMINALS
            .iter()
            .map(|terminal| terminal.serial_number)
            .collect()
    );
    assert!(state.rows.iter().all(|row| people.contains(&row[1])));
    let face = state
        .rows
        .iter()
        .filter(|row| row[0] == DEMO_TERMINALS[0].serial_number && row[4] == "15")
        .count();
    assert!(face > 20, "{face}");
}

#[tokio::test]
async fn a_run_ends_when_it_is_told_to() {
    let fake = Fake::start().await;
    let report = run(
        Options {
            duration_s: None,
            speed: 1.0,
            starts_at: None,
            ..quiet(&fake)
        },
        async {},
    )
    .await;
    assert_eq!(report.terminals, 1);
}

#[tokio::test]
async fn a_kept_connection_serves_many_requests() {
    let fake = Fake::start().await;
    let report = run(
        Options {
            keep_alive: true,
            terminals: 1,
            ..busy(&fake)
        },
        pending(),
    )
    .await;
    assert_eq!(
        (
            report.totals.unanswered,
            report.check(Some(&fake.api())).await
        ),
        (0, vec![])
    );
    assert!(
        fake.state().seen[0]
            .head
            .contains("\r\nConnection: keep-alive")
    );
}

#[tokio::test]
async fn a_storm_begins_with_backlogs() {
    let fake = Fake::start().await;
    let report = run(
        Options {
            profile: Profile::Storm,
            duration_s: Some(90),
            ..busy(&fake)
        },
        pending(),
    )
    .await;
    assert!(
        report.totals.rows_acknowledged >= 6 * 30,
        "{:?}",
        report.totals
    );
    assert_eq!(report.check(Some(&fake.api())).await, [""; 0]);
}

// What the report must catch.

async fn violations(fake: &Fake, options: Options) -> String {
    run(options, pending())
        .await
        .check(Some(&fake.api()))
        .await
        .join("\n")
}

#[tokio::test]
async fn a_server_that_loses_an_acknowledged_row_is_caught() {
    let fake = Fake::misbehaving(Box::new(|asked, state| {
        (asked.query("table") == "ATTLOG").then(|| {
            keep(state, attlog(asked).into_iter().skip(1).collect());
            Said::Text(200, "OK: 1".into())
        })
    }))
    .await;
    let told = violations(
        &fake,
        Options {
            backlog_rows: 5,
            api: Some(fake.api()),
            ..quiet(&fake)
        },
    )
    .await;
    assert!(
        told.starts_with("an acknowledged punch is lost: SIM0000001 "),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[tokio::test]
async fn a_server_that_stores_a_row_twice_is_caught() {
    let fake = Fake::misbehaving(Box::new(|asked, state| {
        (asked.query("table") == "ATTLOG").then(|| {
            state.rows.extend(attlog(asked));
            Said::Text(200, "OK".into())
        })
    }))
    .await;
    let faults = Faults {
        twice: 1.0,
        ..Faults::none()
    };
    let told = violations(
        &fake,
        Options {
            backlog_rows: 1,
            api: Some(fake.api()),
            faults,
            ..quiet(&fake)
        },
    )
    .await;
    assert!(
        told.starts_with("a punch is stored more than once: SIM0000001 "),
        "{told}"
    );
    assert!(told.ends_with("(2 times)"), "{told}");
}

#[tokio::test]
async fn a_server_that_alters_a_row_is_caught() {
    let fake = Fake::misbehaving(Box::new(|asked, state| {
        (asked.query("table") == "ATTLOG").then(|| {
            keep(
                state,
                attlog(asked)
                    .into_iter()
                    .map(|[sn, pin, time, _, verify]| [sn, pin, time, "5".into(), verify])
                    .collect(),
            );
            Said::Text(200, "OK".into())
        })
    }))
    .await;
    let told = violations(
        &fake,
        Options {
            backlog_rows: 1,
            api: Some(fake.api()),
            ..quiet(&fake)
        },
    )
    .await;
    assert!(
        told.contains("an acknowledged punch is lost") && told.contains("stored with other codes"),
        "{told}"
    );
}

#[tokio::test]
async fn an_idle_reply_with_a_line_end_is_caught_and_slows_the_terminal_down() {
    let fake = Fake::misbehaving(Box::new(|asked, _| {
        (asked.door == "getrequest").then(|| Said::Text(200, "OK\n".into()))
    }))
    .await;
    let report = run(
        Options {
            duration_s: Some(90),
            ..quiet(&fake)
        },
        pending(),
    )
    .await;
    let told = report.check(None).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("the answer to a poll was neither commands nor exactly OK"),
        "{told:?}"
    );
    let polls: Vec<u64> = trace(&report)
        .into_iter()
        .filter(|(_, request)| *request == "GET getrequest")
        .map(|(at, _)| at)
        .collect();
    assert_eq!(
        polls
            .last()
            .zip(polls.iter().nth_back(1))
            .map(|(last, before)| last - before),
        Some(30_000)
    );
}

#[tokio::test]
async fn headers_in_lower_case_are_caught() {
    let lower = Box::new(|asked: &fake::Asked, _: &mut State| {
        let text = written(200, "OK")
            .replace("Date", "date")
            .replace("Content", "content");
        (asked.door == "getrequest").then_some(Said::Raw(text))
    });
    let fake = Fake::misbehaving(lower).await;
    let told = run(quiet(&fake), pending()).await.check(None).await;
    let kinds: Vec<&str> = told
        .iter()
        .filter_map(|text| text.split(" (").next())
        .collect();
    assert_eq!(
        kinds,
        [
            "no Content-Length header in this spelling",
            "no Content-Type: text/plain in this spelling",
            "no Date header in this spelling, or no date in it",
        ]
    );
}

#[tokio::test]
async fn a_command_that_comes_again_is_caught() {
    let repeats = Box::new(|asked: &fake::Asked, _: &mut State| {
        (asked.door == "getrequest").then(|| Said::Text(200, "C:1:SET OPTION Delay=5\n".into()))
    });
    let fake = Fake::misbehaving(repeats).await;
    let told = run(quiet(&fake), pending()).await.check(None).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("a command was sent again although its result had been acknowledged"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_server_that_takes_uploads_of_a_terminal_it_refuses_is_caught() {
    let careless = Box::new(|asked: &fake::Asked, _: &mut State| {
        (asked.door == "cdata" && !asked.is_upload())
            .then(|| Said::Text(403, "ERROR: UNKNOWN DEVICE".into()))
    });
    let fake = Fake::misbehaving(careless).await;
    let told = run(
        Options {
            backlog_rows: 50,
            duration_s: Some(3600),
            ..quiet(&fake)
        },
        pending(),
    )
    .await
    .check(None)
    .await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("an upload of a terminal that is refused was acknowledged"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_handshake_answered_with_ok_alone_is_caught() {
    let fake = Fake::misbehaving(Box::new(|_, _| Some(Said::Text(200, "OK".into())))).await;
    let told = run(quiet(&fake), pending()).await.check(None).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("a handshake was answered with 200 but without options"),
        "{told:?}"
    );
}

#[tokio::test]
async fn an_api_that_does_not_answer_is_a_violation() {
    let fake = Fake::misbehaving(Box::new(|asked, _| {
        asked
            .door
            .starts_with("api/")
            .then(|| Said::Text(500, "no".into()))
    }))
    .await;
    let told = violations(
        &fake,
        Options {
            api: Some(fake.api()),
            ..quiet(&fake)
        },
    )
    .await;
    assert!(
        told.contains("could not be read back") && told.contains("status 500"),
        "{told}"
    );
}

#[tokio::test]
async fn a_comparison_without_rows_does_not_pass() {
    let fake = Fake::start().await;
    let told = run(quiet(&fake), pending())
        .await
        .check(Some(&fake.api()))
        .await;
    assert_eq!(
        told,
        ["nothing can be compared: the run was made without Options::api"]
    );
}

#[tokio::test]
async fn part_of_the_fleet_says_hello_again_after_midnight() {
    let fake = Fake::start().await;
    fake.state().options = fake::OPTIONS.replace("TimeZone=0", "TimeZone=330");
    // 09:00 UTC is 14:30 there: nine and a half hours to midnight.
    let mix = Mix {
        midnight_handshake: 1.0,
        ..Mix::none()
    };
    let report = run(
        Options {
            duration_s: Some(10 * 3600),
            mix,
            ..quiet(&fake)
        },
        pending(),
    )
    .await;
    let hellos: Vec<u64> = trace(&report)
        .into_iter()
        .filter(|(_, request)| request.starts_with("GET cdata"))
        .map(|(at, _)| at / 1000)
        .collect();
    assert_eq!(hellos.len(), 2);
    assert!((34_200..=34_220).contains(&hellos[1]), "{hellos:?}");
}

// Load for benches.

#[tokio::test]
async fn load_sends_unique_rows_over_kept_connections() {
    let fake = Fake::start().await;
    for (kind, rows) in [
        (Kind::OneRecord, 100),
        (Kind::Rows(7), 700),
        (Kind::IdlePoll, 0),
    ] {
        fake.state().rows.clear();
        let options = LoadOptions {
            server: fake.address.clone(),
            connections: 3,
            kind,
            requests: 100,
            ..LoadOptions::default()
        };
        let figures = load(&options).await.expect("the server answers");
        assert_eq!(
            (
                figures.requests,
                figures.rows,
                figures.refused,
                figures.reconnects
            ),
            (100, rows, 0, 0),
            "{kind:?}"
        );
        assert_eq!(fake.state().rows.len() as u64, rows, "{kind:?}");
    }
}

#[tokio::test]
async fn load_counts_what_is_refused() {
    let fake = Fake::misbehaving(Box::new(|asked, _| {
        asked.is_upload().then(|| Said::Text(503, "busy".into()))
    }))
    .await;
    let options = LoadOptions {
        server: fake.address.clone(),
        connections: 2,
        requests: 10,
        ..LoadOptions::default()
    };
    let figures = load(&options).await.expect("the server answers");
    assert_eq!(
        (figures.requests, figures.rows, figures.refused),
        (10, 0, 10)
    );
}
