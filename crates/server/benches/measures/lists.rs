//! Pages of lists, with their count, one caller after another.

use crate::Measured;
use crate::measures::table::{Aim, Table};
use http::Method;
use std::time::{Duration, Instant};

const TIMES: usize = 100;
/// What is slow is asked for fewer times.
const LONGEST: Duration = Duration::from_secs(4);

/// What is listed: the first page, one in the middle, the last; filtered; searched.
pub async fn pages(on: &Measured, table: &mut Table, size: i64) {
    for (what, list) in [
        ("transactions", "/iclock/api/transactions/?page_size=100"),
        ("employees", "/personnel/api/employees/?page_size=100"),
        ("terminals", "/iclock/api/terminals/?page_size=100"),
    ] {
        let count = count(on, list).await;
        let last = (count + 99) / 100;
        let mut asked = vec![("first", String::new())];
        if last > 2 {
            asked.push(("middle", format!("&page={}", last / 2)));
            asked.push(("last", format!("&page={last}")));
        }
        if what == "transactions" {
            asked.push(("one person", "&emp_code=100007".into()));
            asked.push(("one terminal", "&terminal_sn=BENCH07".into()));
            asked.push((
                "one day",
                "&start_time=2025-10-09&end_time=2025-10-10".into(),
            ));
            asked.push(("search", "&search=100007".into()));
        } else if what == "employees" {
            asked.push(("a department", "&dept_code=1".into()));
            asked.push(("search", "&search=asha".into()));
        }
        for (which, query) in asked {
            let (median, p99) = times(on, &format!("{list}{query}")).await;
            let line = format!("{}, {size} punches: {what}, {which} (of {count})", on.name);
            table.figure(
                &line,
                p99,
                "ms",
                &format!("99th of 100; median {median:.1} ms"),
                Aim::Most(10.0),
            );
        }
    }
}

async fn count(on: &Measured, list: &str) -> i64 {
    let answer = on
        .request(Method::GET, list)
        .send()
        .await
        .expect("answered");
    let body: serde_json::Value = answer.json().await.expect("JSON");
    body["count"].as_i64().expect("a count")
}

/// Median and 99th percentile, in ms.
pub async fn times(on: &Measured, path: &str) -> (f64, f64) {
    let mut took = Vec::with_capacity(TIMES);
    let begun = Instant::now();
    while took.len() < TIMES && (took.len() < 5 || begun.elapsed() < LONGEST) {
        let started = Instant::now();
        let answer = on
            .request(Method::GET, path)
            .send()
            .await
            .expect("answered");
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.expect("read");
        took.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    (
        took[took.len() / 2],
        took[(took.len() * 99).div_ceil(100) - 1],
    )
}
