//! Open live pages.

use crate::Measured;
use crate::measures::table::{Aim, Table};
use muster::punches::record::Place;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

const BROWSERS: usize = 100;
/// Punches of a second, and how many seconds.
const PUNCHES: i64 = 500;
const SECONDS: i64 = 10;

/// A hundred open pages while five hundred punches a second come in: how long after the last punch of a second
/// was acknowledged every page has it.
pub async fn browsers(on: &Measured, table: &mut Table) {
    // The last punch of each second has a PIN that is nowhere else.
    let (wanted, _) = watch::channel(String::new());
    let (tell, mut told) = mpsc::unbounded_channel();
    let (ready, mut opened) = mpsc::unbounded_channel();
    let pages: Vec<_> = (0..BROWSERS)
        .map(|_| {
            let asked = on
                .http
                .get(format!("http://{}/live/events", on.address))
                .header("cookie", &on.cookie);
            let (wanted, tell, ready) = (wanted.subscribe(), tell.clone(), ready.clone());
            tokio::spawn(async move {
                let mut answer = asked.send().await.expect("answered");
                assert_eq!(answer.status(), 200);
                let mut seen = String::new();
                let mut text = String::new();
                while let Ok(Some(chunk)) = answer.chunk().await {
                    let _ = ready.send(());
                    text.push_str(&String::from_utf8_lossy(&chunk));
                    let now = wanted.borrow().clone();
                    if !now.is_empty() && now != seen && text.contains(&now) {
                        let _ = tell.send(Instant::now());
                        seen = now;
                        text.clear();
                    }
                }
            })
        })
        .collect();
    for _ in 0..BROWSERS {
        opened.recv().await.expect("a page opens");
    }
    let place = Arc::new(Place {
        terminal_id: None,
        terminal_sn: "LIVE".into(),
        terminal_alias: Some("Live".into()),
        area_id: Some(1),
        area_name: Some("Not Authorized".into()),
    });
    let mut waited = Vec::new();
    for second in 0..SECONDS {
        let begun = Instant::now();
        let mark = format!("8765{second:04}");
        wanted.send_replace(mark.clone());
        for tenth in 0..10 {
            let from = second * PUNCHES + tenth * PUNCHES / 10;
            let mut punches: Vec<_> = (from..from + PUNCHES / 10)
                .map(|number| {
                    crate::made::punch(&place, crate::filled::code(number % crate::PEOPLE), number)
                })
                .collect();
            if tenth == 9
                && let Some(last) = punches.last_mut()
            {
                last.pin.clone_from(&mark);
            }
            on.app.recorder.record(punches).await.expect("recorded");
            tokio::time::sleep_until(
                (begun + Duration::from_millis(100) * (u32::try_from(tenth).unwrap_or(0) + 1))
                    .into(),
            )
            .await;
        }
        let acknowledged = Instant::now();
        for _ in 0..BROWSERS {
            let at = tokio::time::timeout(Duration::from_secs(30), told.recv()).await;
            let at = at.expect("every page has it").expect("it goes on");
            waited.push(at.saturating_duration_since(acknowledged).as_secs_f64() * 1000.0);
        }
    }
    for page in pages {
        page.abort();
    }
    waited.sort_by(f64::total_cmp);
    let line = format!(
        "{}: {PUNCHES} punches/s on {BROWSERS} live pages, p99",
        on.name
    );
    let median = waited[waited.len() / 2];
    let note = format!("from the answer to the page; median {median:.0} ms");
    table.figure(
        &line,
        waited[(waited.len() * 99).div_ceil(100) - 1],
        "ms",
        &note,
        Aim::Most(1000.0),
    );
}
