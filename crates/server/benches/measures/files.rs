//! Lists as files.

use crate::Measured;
use crate::measures::ceilings;
use crate::measures::table::{Aim, Table};
use http::Method;
use std::time::Instant;

/// All transactions, as text and as a workbook.
pub async fn exports(on: &Measured, table: &mut Table, size: i64) {
    let ceiling = ceilings::copy_out(&on.app, &on.database_url, size).await;
    for (kind, aim) in [("csv", Aim::None), ("xlsx", Aim::Most(15.0))] {
        let path = format!("/iclock/api/transactions/export/?export_type={kind}");
        let started = Instant::now();
        let mut answer = on
            .request(Method::GET, &path)
            .send()
            .await
            .expect("answered");
        assert_eq!(answer.status(), 200);
        let mut bytes = 0;
        while let Some(chunk) = answer.chunk().await.expect("read") {
            bytes += chunk.len();
        }
        assert!(bytes as i64 > size * 8, "{bytes}");
        let took = started.elapsed().as_secs_f64();
        let line = format!("{}: export of {size} transactions, {kind}", on.name);
        table.line(
            &line,
            took,
            "s",
            (ceiling, "the same columns by the driver alone"),
            aim,
        );
    }
}
