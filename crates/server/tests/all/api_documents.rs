//! The API document, the list of endpoints and the example configuration: made from the program,
//! kept in the repository.

use crate::rest::on_both;
use muster::api;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_generated_files_are_those_in_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (name, content) in api::generated() {
        let kept = std::fs::read_to_string(root.join(name)).unwrap_or_default();
        assert!(
            kept == content,
            "{name} is not what the program makes: run `make generated`"
        );
    }
}

#[test]
fn no_endpoint_is_there_twice_and_each_has_its_line() {
    let registry = api::registry();
    let mut seen = BTreeSet::new();
    for endpoint in registry.endpoints() {
        assert!(endpoint.path.starts_with('/'), "{}", endpoint.path);
        assert!(
            seen.insert((endpoint.method.to_string(), endpoint.path.clone())),
            "{} {}",
            endpoint.method,
            endpoint.path
        );
    }
    let listed = registry.listed();
    assert_eq!(listed.lines().count(), seen.len());
    assert!(listed.contains("GET /personnel/api/employees/{emp_code}/ employee.view,own\n"));
    assert!(listed.contains("POST /api/api-token-auth/ open\n"));
    assert!(listed.contains("POST /iclock/api/terminals/reboot/ terminal.command\n"));
}

#[tokio::test]
async fn the_document_is_served_with_a_page_that_needs_no_other_server() {
    on_both(|test| async move {
        let nobody = test.nobody();
        let document = nobody.get("/api/openapi.json").await.is(200);
        assert_eq!(document["openapi"], "3.1.0");
        let list = &document["paths"]["/iclock/api/transactions/"]["get"];
        let parameters: Vec<&str> = list["parameters"]
            .as_array()
            .expect("parameters")
            .iter()
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        for name in [
            "page",
            "emp_code",
            "start_time",
            "upload_time_end",
            "last_id",
            "departments",
        ] {
            assert!(parameters.contains(&name), "{name}");
        }
        for path in ["/api/docs/", "/api/docs"] {
            let page = nobody.get(path).await;
            assert_eq!(page.status, 200);
            assert!(page.header("content-type").starts_with("text/html"));
            assert!(page.text.contains("API DOCS"), "{}", page.text);
            assert!(page.text.contains("<base href=\"/api/docs/\">"));
        }
        for file in [
            "swagger-ui.css",
            "swagger-ui-bundle.js",
            "swagger-initializer.js",
        ] {
            let got = nobody.get(&format!("/api/docs/{file}")).await;
            assert_eq!(got.status, 200, "{file}");
            assert!(!got.text.is_empty());
        }
        nobody.get("/api/docs/..%2fmuster.key").await.is(404);
    })
    .await;
}

#[tokio::test]
async fn what_the_document_says_of_an_answer_is_what_is_answered() {
    on_both(|test| async move {
        let document = test.nobody().get("/api/openapi.json").await.is(200);
        let caller = test.easytimepro().await;
        let biotime = test.biotime().await;
        caller
            .post("/iclock/api/terminals/", json!({ "sn": "A" }))
            .await
            .is(201);
        caller
            .post("/personnel/api/employees/", json!({ "emp_code": "1" }))
            .await
            .is(201);
        crate::rest::punch(&test, "1", "2026-01-15 09:00:00", Some(1_000_000_001)).await;
        crate::rest::punch(&test, "2", "2026-01-15 09:00:00", None).await;
        for path in [
            "/iclock/api/terminals/",
            "/iclock/api/transactions/",
            "/iclock/api/unregister/",
            "/personnel/api/areas/",
            "/personnel/api/employees/",
        ] {
            let list = &document["paths"][path]["get"]["responses"]["200"];
            let schema = &list["content"]["application/json"]["schema"]["properties"]["data"];
            let name = schema["items"]["$ref"].as_str().expect("a name");
            let schema = document
                .pointer(name.trim_start_matches('#'))
                .expect("a schema");
            let said = schema["properties"].as_object().expect("members");
            for caller in [&caller, &biotime] {
                let list = caller.get(path).await.is(200);
                let row = list["data"][0].as_object().expect("a row");
                for name in row.keys() {
                    // Older flat names of the BioTime profile stand for what is there already.
                    let is_flat =
                        matches!(name.as_str(), "dept_name" | "position_name" | "area_name");
                    assert!(said.contains_key(name) || is_flat, "{path}: {name}");
                }
            }
        }
    })
    .await;
}
