//! Everybody, from one workbook.

use crate::measures::table::{Aim, Table};
use crate::{Measured, PEOPLE, filled};
use http::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use std::time::Instant;

/// Takes in all people, into an area of their own, where no terminal is.
pub async fn import(on: &Measured, table: Option<&mut Table>) {
    let area = on
        .request(Method::POST, "/personnel/api/areas/")
        .json(&json!({ "area_code": "B", "area_name": "Bench" }));
    assert_eq!(area.send().await.expect("answered").status(), 201);
    let file = Part::bytes(filled::workbook(filled::FIRST_CODE, PEOPLE, "B", "new"))
        .file_name("people.xlsx");
    let form = Form::new()
        .text("import_type", "1")
        .part("import_file", file);
    let started = Instant::now();
    let request = on.request(Method::POST, "/personnel/api/employees/import_emp/");
    let answer = request.multipart(form).send().await.expect("answered");
    let status = answer.status();
    let text = answer.text().await.expect("read");
    assert_eq!(status, 200, "{text}");
    let took = started.elapsed().as_secs_f64();
    if let Some(table) = table {
        table.figure(
            &format!("{}: import of {PEOPLE} people, xlsx", on.name),
            took,
            "s",
            "",
            Aim::None,
        );
    }
}
