//! Lists as files, out and in again: every kind of file, both profiles, and what is refused.

use crate::api_http::raw;
use crate::book::{Book, SHEET};
use crate::rest::{Got, Somebody, TestApp, on_both, punch};
use muster::api;
use muster_sheets::{Cell, Format, Limits, Writer};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Mutex;

impl Somebody<'_> {
    pub async fn download(&self, path: &str) -> Vec<u8> {
        let answer = self.request(Method::GET, path).send().await.expect("sent");
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.expect("whole").to_vec();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
        bytes
    }

    pub async fn import(&self, path: &str, import_type: &str, file: impl Into<Vec<u8>>) -> Got {
        let file = Part::bytes(file.into()).file_name("no.path");
        let form = Form::new()
            .text("import_type", import_type.to_owned())
            .part("import_file", file);
        Got::from(self.request(Method::POST, path).multipart(form)).await
    }

    /// A list without what differs between two servers.
    async fn listed(&self, path: &str) -> Vec<Value> {
        let list = self
            .get(&format!("{path}?page_size=1000&ordering=id"))
            .await
            .is(200);
        let mut rows = list["data"].as_array().expect("rows").clone();
        rows.iter_mut().for_each(without_ids);
        rows
    }
}

fn without_ids(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["id", "company", "update_time"] {
                members.shift_remove(name);
            }
            for parent in ["parent_area", "parent_dept", "parent_position"] {
                if members.get(parent).is_some_and(Value::is_number) {
                    members.shift_remove(parent);
                }
            }
            members.values_mut().for_each(without_ids);
        }
        Value::Array(items) => items.iter_mut().for_each(without_ids),
        _ => {}
    }
}

pub fn rows(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    muster_sheets::read(Cursor::new(bytes), &Limits::default(), |row| {
        rows.push(row.cells);
        ControlFlow::Continue(())
    })
    .expect("a table");
    rows
}

/// The lists that files come from and go to, in the order in which they need one another.
const LISTS: [(&str, &str); 6] = [
    ("/personnel/api/areas/", "import_area"),
    ("/personnel/api/departments/", "import_dept"),
    ("/personnel/api/positions/", "import_position"),
    ("/personnel/api/locations/", "import_location"),
    ("/personnel/api/employees/", "import_emp"),
    ("/personnel/api/resigns/", "import_resign"),
];

async fn furnish(test: &TestApp) {
    let admin = test.easytimepro().await;
    for (path, body) in [
        (
            "/personnel/api/areas/",
            json!({ "area_code": "b", "area_name": "Bengaluru" }),
        ),
        (
            "/personnel/api/areas/",
            json!({ "area_code": "a", "area_name": "=Annexe; \"east\"", "parent_area": "b" }),
        ),
        (
            "/personnel/api/departments/",
            json!({ "dept_code": "007", "dept_name": "Sales" }),
        ),
        (
            "/personnel/api/departments/",
            json!({ "dept_code": "008", "dept_name": "@North", "parent_dept": "007" }),
        ),
        (
            "/personnel/api/positions/",
            json!({ "position_code": "lead", "position_name": "Lead" }),
        ),
        (
            "/personnel/api/locations/",
            json!({ "location_code": "hq", "location_name": "北京" }),
        ),
        (
            "/personnel/api/employees/",
            json!({
                "emp_code": "034186661926", "first_name": "=cmd|'/c calc'!A0", "last_name": "'+Rao",
                "nickname": "Ásha", "device_password": "1234", "card_no": "0012345678",
                "department": "008", "position": "lead", "area": ["b", "a"],
                "hire_date": "2025-06-18", "gender": "F", "birthday": "1999-12-31",
                "verify_mode": -1, "emp_type": 1, "validity_start": "2025-01-01",
                "validity_end": "2030-01-01", "contact_tel": "+91 80 1234", "office_tel": "(80) 1",
                "mobile": "+919876543210", "national": "IN", "city": "Bengaluru",
                "address": "1, First Cross\nIndiranagar", "postcode": "560038",
                "email": "asha@example.com", "enroll_sn": "BYEL201260001", "ssn": "42",
                "religion": "-", "enable_att": false, "enable_overtime": true,
                "enable_holiday": false, "enable_whatsapp": true, "enable_sms": true,
                "dev_privilege": 14, "flow_role": ["1", "2"], "app_status": 1, "app_role": 3,
            }),
        ),
        (
            "/personnel/api/employees/",
            json!({ "emp_code": "2", "first_name": "Bo", "area": ["1"], "department": "1" }),
        ),
        (
            "/personnel/api/resigns/",
            json!({
                "employee": "2", "resign_date": "2026-03-31", "resign_type": 3,
                "reason": "=moves\naway", "disableatt": true,
            }),
        ),
    ] {
        admin.post(path, body).await.is(201);
    }
}

#[tokio::test]
async fn attack_27_what_was_exported_is_imported_into_an_empty_company() {
    let made: Mutex<Vec<(Vec<u8>, Vec<Value>)>> = Mutex::default();
    for format in ["csv", "txt", "xls"] {
        made.lock().expect("whole").clear();
        on_both(async |test| {
            furnish(&test).await;
            let admin = test.easytimepro().await;
            for (path, _) in LISTS {
                let asked = format!("{path}export/?export_type={format}");
                let file = admin.download(&asked).await;
                let list = admin.listed(path).await;
                made.lock().expect("whole").push((file, list));
            }
        })
        .await;
        let made = std::mem::take(&mut *made.lock().expect("whole"));
        let (sqlite, postgres) = made.split_at(LISTS.len());
        if format == "csv" {
            assert_eq!(sqlite, postgres, "both databases give the same");
        }
        on_both(async |test| {
            for caller in [test.easytimepro().await, test.biotime().await] {
                for ((path, import), (file, list)) in LISTS.iter().zip(sqlite) {
                    let asked = format!("{path}{import}/");
                    caller.import(&asked, "1", file.clone()).await.is(200);
                    let seen = test.easytimepro().await;
                    assert_eq!(seen.listed(path).await, *list, "{path} from {format}");
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn attack_27_a_file_has_the_lists_columns_and_rows_and_no_formula() {
    on_both(async |test| {
        furnish(&test).await;
        let admin = test.easytimepro().await;
        admin
            .post(
                "/iclock/api/terminals/",
                json!({ "sn": "BYEL201260001", "alias": "=Gate", "area": "b", "terminal_tz": -8 }),
            )
            .await
            .is(201);
        let person = test.number("SELECT min(id) FROM employee").await;
        punch(&test, "034186661926", "2026-01-15 09:00:00", Some(person)).await;
        punch(&test, "77", "2026-01-15 09:01:00", None).await;
        let mut told = String::new();
        for (asked, caller) in [
            ("/personnel/api/areas/export/?export_type=csv", &admin),
            (
                "/personnel/api/departments/export/?export_type=csv&ordering=-dept_code",
                &admin,
            ),
            ("/personnel/api/positions/export/?export_type=txt", &admin),
            ("/personnel/api/employees/export/?export_type=csv", &admin),
            (
                "/personnel/api/employees/export/?export_type=csv",
                &test.biotime().await,
            ),
            ("/personnel/api/resigns/export/?export_type=csv", &admin),
            ("/iclock/api/terminals/export/?export_type=csv", &admin),
            ("/iclock/api/transactions/export/?export_type=csv", &admin),
            ("/iclock/api/unregister/export/?export_type=csv", &admin),
        ] {
            let got = caller.get(asked).await;
            got.is_file();
            told += &format!(
                "GET {asked}\n{}\n{}\n{}\n",
                got.header("content-type"),
                got.header("content-disposition"),
                got.text
                    .replace(&test.app.company.id, "COMPANY")
                    .replace('\r', "")
            );
        }
        insta::assert_snapshot!("exports", told);
    })
    .await;
}

impl Got {
    #[track_caller]
    fn is_file(&self) {
        assert_eq!(self.status, 200, "{}", self.text);
    }
}

#[tokio::test]
async fn the_manuals_parameters_pick_columns_and_rows() {
    on_both(async |test| {
        furnish(&test).await;
        let admin = test.easytimepro().await;
        let csv = async |asked: &str| {
            let got = admin.get(&format!("/personnel/api/{asked}")).await;
            got.is_file();
            (got.text.replace('\r', ""), got.header("warning").to_owned())
        };
        let plain = |text: &str| (format!("\u{feff}{text}"), String::new());
        assert_eq!(
            csv("areas/export/?export_type=csv&export_headers=Area_Name,area_code,company_name&area_code_icontains=B").await,
            plain("area_name,area_code,company_name\nBengaluru,b,default\n")
        );
        assert_eq!(
            csv("areas/export/?export_type=csv&export_headers=parent_area,area_code&page_size=1&parent_area_code=b").await,
            plain("parent_area_code,parent_area_name,area_code\nb,Bengaluru,a\n")
        );
        assert_eq!(
            csv("employees/export/?export_type=csv&export_headers=emp_code,area,full_name&ordering=-emp_code&colour=red").await,
            (
                "\u{feff}emp_code,area_code,area_name,full_name\n\
                 2,1,Not Authorized,\n034186661926,b;a,\"Bengaluru;=Annexe\\; \"\"east\"\"\",\n".into(),
                "299 muster \"unknown parameters: colour\"".into()
            )
        );
        assert_eq!(
            csv("employees/export/?export_type=csv&export_headers=emp_code&emp_code=none").await,
            plain("emp_code\n")
        );
        // The manual asks by POST; filters may stand in the body.
        let body = json!({ "export_type": "csv", "export_headers": "emp_code", "emp_code": 2 });
        let got = admin.post("/personnel/api/employees/export/", body).await;
        got.is_file();
        assert_eq!(got.text, "\u{feff}emp_code\r\n2\r\n");

        // Without a type it is a workbook, whatever it is asked for as.
        for asked in ["", "?export_type=xls", "?export_type=XLSX"] {
            let got = admin.get(&format!("/personnel/api/areas/export/{asked}")).await;
            got.is_file();
            assert_eq!(
                (got.header("content-type"), got.header("content-disposition")),
                (
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                    "attachment; filename=\"areas-2026-01-15.xlsx\""
                )
            );
        }
        let accepted = admin
            .request(Method::GET, "/personnel/api/areas/export/?export_type=csv")
            .header("accept", "text/csv");
        Got::from(accepted).await.is_file();
        let head = admin.send(Method::HEAD, "/personnel/api/areas/export/", None).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""));

        let mut refused = String::new();
        for asked in [
            "areas/export/?export_type=pdf",
            "areas/export/?export_headers=area_code,self_password,x",
            "locations/export/",
            "employees/export/?hire_date=x&export_headers=y",
        ] {
            let got = admin.get(&format!("/personnel/api/{asked}")).await;
            refused += &format!("{asked}\n{} {}\n", got.status, got.text);
        }
        let biotime = test.biotime().await;
        let got = biotime.get("/iclock/api/transactions/export/").await;
        refused += &format!("transactions, BioTime\n{} {}\n", got.status, got.text);
        insta::assert_snapshot!("refused_exports", refused);
    })
    .await;
}

#[tokio::test]
async fn attack_20_nobody_gets_a_password_in_a_file_without_the_right() {
    on_both(async |test| {
        furnish(&test).await;
        let asked = "/personnel/api/employees/export/?export_type=csv&export_headers=emp_code,device_password&emp_code=034186661926";
        let admin = test.easytimepro().await.get(asked).await;
        assert_eq!(admin.text, "\u{feff}emp_code,device_password\r\n034186661926,1234\r\n");
        let viewer = test
            .client(muster::profile::Profile::BioTime, muster::access::Rights::viewer())
            .await;
        let viewer = viewer.get(asked).await;
        assert_eq!(viewer.text, "\u{feff}emp_code,device_password\r\n034186661926,\r\n");
        let staff = test.staff("9").await;
        staff.get(asked).await.is(403);
    })
    .await;
}

#[tokio::test]
async fn an_import_skips_or_overwrites_what_is_there() {
    on_both(async |test| {
        let admin = test.easytimepro().await;
        let path = "/personnel/api/employees/import_emp/";
        let first = "Emp Code,First Name,DEPT_CODE\r\n1,Ásha,1\r\n2,Bo,\r\n";
        assert_eq!(
            admin.import(path, "0", first).await.is(200),
            json!({ "detail": "import successful", "created": 2, "updated": 0, "skipped": 0 })
        );
        let second = "emp_code;first_name;nickname\n2;Bob;\n3;Cy;C\n";
        assert_eq!(
            admin.import(path, "0", second).await.is(200),
            json!({ "detail": "import successful", "created": 1, "updated": 0, "skipped": 1 })
        );
        let names = async || {
            let list = admin.get("/personnel/api/employees/?ordering=emp_code").await.is(200);
            let rows = list["data"].as_array().expect("rows").clone();
            rows.iter()
                .map(|row| format!("{} {}", row["first_name"], row["nickname"]))
                .collect::<Vec<_>>()
        };
        assert_eq!(names().await, ["\"Ásha\" null", "\"Bo\" null", "\"Cy\" \"C\""]);
        // An empty cell changes nothing.
        let third = "emp_code,first_name,nickname\n2,Bob,\n3,,\n";
        assert_eq!(
            admin.import(path, "1", third).await.is(200),
            json!({ "detail": "import successful", "created": 0, "updated": 2, "skipped": 0 })
        );
        assert_eq!(names().await, ["\"Ásha\" null", "\"Bob\" null", "\"Cy\" \"C\""]);
        // As the body itself, with the type beside it, and as a workbook.
        let mut writer = Writer::new(Format::Xlsx, Vec::new(), ["emp_code", "hire_date"]).expect("begun");
        writer.row(&[Cell::Integer(4), Cell::Text("2025-06-18".into())]).expect("written");
        let raw = admin
            .request(Method::POST, &format!("{path}?import_type=1"))
            .header("content-type", "application/octet-stream")
            .body(writer.finish().expect("finished"));
        assert_eq!(Got::from(raw).await.is(200)["created"], 1);
        let four = admin.get("/personnel/api/employees/4/").await.is(200);
        assert_eq!(four["hire_date"], "2025-06-18");
        // What the console's form calls them is no name.
        let labels = "emp_code,First name,Areas\n9,Di,1\n";
        assert!(admin.import(path, "0", labels).await.is(400).to_string().contains("Areas"));
        let written = "SELECT count(*) FROM audit WHERE thing = 'employee' AND action IN ('create', 'update')";
        assert_eq!(test.number(written).await, 6, "each row is written down");
    })
    .await;
}

#[tokio::test]
async fn a_list_with_additions_is_imported_again_and_what_is_there_is_skipped() {
    on_both(async |test| {
        let admin = test.easytimepro().await;
        let path = "/personnel/api/areas/import_area/";
        let first = "area_code,area_name,parent_area\nN,North,\nN1,North one,N\n";
        assert_eq!(admin.import(path, "0", first).await.is(200)["created"], 2);
        let more = "area_code,area_name,parent_area\nN2,North two,N1\nN,North,\nN1,North one,N\nN21,Below,N2\n";
        assert_eq!(
            admin.import(path, "0", more).await.is(200),
            json!({ "detail": "import successful", "created": 2, "updated": 0, "skipped": 2 })
        );
        for (code, above) in [("N2", "North one"), ("N21", "North two")] {
            let path = format!("/personnel/api/areas/{code}/");
            assert_eq!(admin.get(&path).await.is(200)["parent_area_name"], above);
        }
    })
    .await;
}

#[tokio::test]
async fn a_bad_row_stores_nothing_and_every_bad_row_is_named() {
    on_both(async |test| {
        let admin = test.easytimepro().await;
        let biotime = test.biotime().await;
        let employees = "/personnel/api/employees/import_emp/";
        let departments = "/personnel/api/departments/import_dept/";
        let taken = json!({ "emp_code": "7", "card_no": "555" });
        admin.post("/personnel/api/employees/", taken).await.is(201);
        let file = "emp_code,first_name,dept_code,card_no,hire_date,area_code\r\n\
            1,Good,1,,,1\r\n\
            2,\"Two\r\nlines\",nowhere,,18/06/2025,1;nowhere\r\n\
            \r\n\
            ,No code,1,,,1\r\n\
            3,Card,1,555,,1\r\n\
            1,Again,1,,,1\r\n\
            4,Tom,1,0,,1\r\n\
            5,Tim,1,0,,1\r\n";
        let mut told = String::new();
        let mut tell =
            |what: &str, got: Got| told += &format!("{what}\n{} {}\n", got.status, got.text);
        tell("bad rows", admin.import(employees, "1", file).await);
        tell(
            "bad rows, BioTime",
            biotime.import(employees, "0", "emp_code\n1\n,\n2,\n").await,
        );
        for (what, file) in [
            (
                "bad names",
                "first_name,first_name,colour,dept_name\n1,2,3,4\n",
            ),
            ("no row", ""),
            ("another kind of file", "%PDF-1.7"),
            (
                "a row that is too much",
                &format!("emp_code\n{}\n", "1".repeat(2_000_000)),
            ),
            ("too many columns", &",".repeat(1000)),
            (
                "cells without a name",
                "emp_code,first_name,,\nq1,Jane,,,\nq2,Doe,Jane,77\nq3,Roe,,,,5\nq2,Twice\n",
            ),
        ] {
            tell(what, admin.import(employees, "0", file).await);
        }
        let circle =
            "dept_code,dept_name,parent_dept_code\na,A,c\nb,B,a\nc,C,b\nd,D,a\ne,E,e\nf,F,1\n";
        tell("a circle", admin.import(departments, "0", circle).await);
        let gone = "dept_code,dept_name,parent_dept_code\nb,,\nc,C,b\nd,D,nowhere\nexport,E,\n";
        tell(
            "parents that are not there",
            admin.import(departments, "0", gone).await,
        );
        tell("neither", admin.post(employees, json!({})).await);
        tell("another type", admin.import(employees, "2", file).await);
        insta::assert_snapshot!("refused_imports", told);
        assert_eq!(test.number("SELECT count(*) FROM employee").await, 1);
        assert_eq!(test.number("SELECT count(*) FROM department").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_circle_through_what_is_stored_is_found_with_all_else_that_is_bad() {
    on_both(async |test| {
        let admin = test.easytimepro().await;
        let path = "/personnel/api/areas/import_area/";
        let stored = "area_code,area_name,parent_area\na,A,\nb,B,a\nc,C,b\n";
        assert_eq!(admin.import(path, "0", stored).await.is(200)["created"], 3);
        // b and c stand below a; c comes to stand below n, which is new.
        let file = "area_code,area_name,parent_area_code\na,A,b\nn,N,c\nc,,n\nd,D,c\ne,E,nowhere\n";
        let bad = |row: u64, message: &str| json!({ "row": row, "column": "parent_area_code", "message": message });
        let circle = "Cannot be set as parent area.";
        for import_type in ["0", "1"] {
            let refused = admin.import(path, import_type, file).await.is(400);
            let nowhere = bad(6, "Object with area_code=nowhere does not exist.");
            // Those that are skipped stay where they are.
            let all = if import_type == "0" {
                vec![nowhere]
            } else {
                vec![bad(2, circle), bad(3, circle), bad(4, circle), nowhere]
            };
            assert_eq!(refused["errors"], json!(all));
        }
        // Without the circle it is stored: a goes below what stood below it.
        let file = "area_code,area_name,parent_area_code\na,A,b\nb,B,n\nn,N,1\n";
        assert_eq!(admin.import(path, "1", file).await.is(200)["updated"], 2);
        let one = json!({ "parent_area_code": "a" });
        let refused = admin.patch("/personnel/api/areas/n/", one).await.is(400);
        assert_eq!(refused["parent_area_code"], json!([circle]));
    })
    .await;
}

#[tokio::test]
async fn a_code_with_what_stands_between_codes_is_exported_and_imported() {
    on_both(async |test| {
        let admin = test.easytimepro().await;
        let codes = ["north;east", r"back\slash", r"both\;"];
        for code in codes {
            let area = json!({ "area_code": code, "area_name": "Yard; large" });
            admin.post("/personnel/api/areas/", area).await.is(201);
        }
        let path = "/personnel/api/employees/";
        let somebody = json!({ "emp_code": "7", "area": codes });
        admin.post(path, somebody).await.is(201);
        let asked = format!("{path}export/?export_type=csv&export_headers=emp_code,area_code");
        let file = admin.download(&asked).await;
        assert_eq!(
            String::from_utf8_lossy(&file),
            "\u{feff}emp_code,area_code\r\n7,north\\;east;back\\\\slash;both\\\\\\;\r\n"
        );
        let before = admin.get(&format!("{path}7/")).await.is(200)["area"].clone();
        admin
            .patch(&format!("{path}7/"), json!({ "area": ["1"] }))
            .await
            .is(200);
        let import = format!("{path}import_emp/");
        assert_eq!(admin.import(&import, "1", file).await.is(200)["updated"], 1);
        assert_eq!(
            admin.get(&format!("{path}7/")).await.is(200)["area"],
            before
        );
    })
    .await;
}

#[tokio::test]
async fn every_member_of_a_list_can_be_a_column_when_it_is_named() {
    on_both(async |test| {
        furnish(&test).await;
        punch(&test, "777", "2026-01-14 09:00:00", None).await;
        let admin = test.easytimepro().await;
        let terminal = json!({ "sn": "A7", "alias": "Gate", "area": "b" });
        admin.post("/iclock/api/terminals/", terminal).await.is(201);
        for (path, member, to) in [
            ("publicmessages", "terminal", "A7"),
            ("privatemessages", "employee", "2"),
        ] {
            let message = json!({
                member: to, "start_time": "2026-01-15 14:00:00", "duration": 5, "content": "Hi",
            });
            admin
                .post(&format!("/iclock/api/{path}/"), message)
                .await
                .is(201);
        }
        for (path, named, columns, left_out) in [
            (
                "transactions",
                "reserved,sync_time,crc",
                "reserved,sync_time,crc\n",
                &["reserved", "sync_time", "crc"][..],
            ),
            (
                "unregister",
                "crc,emp,is_attendance,reserved,sync_status,sync_time",
                "crc,emp,is_attendance,reserved,sync_status,sync_time\n777,,,,,\n",
                &[
                    "emp",
                    "is_attendance",
                    "reserved",
                    "sync_status",
                    "sync_time",
                ],
            ),
            (
                "publicmessages",
                "terminal,content",
                "terminal_sn,terminal_alias,content\nA7,Gate,Hi\n",
                &["terminal"],
            ),
            (
                "privatemessages",
                "content,employee",
                "content,emp_code,first_name,last_name\nHi,2,Bo,\n",
                &["employee"],
            ),
        ] {
            let asked = format!("/iclock/api/{path}/export/?export_type=csv");
            let file = admin.get(&format!("{asked}&export_headers={named}")).await;
            assert_eq!(file.text.replace('\r', ""), format!("\u{feff}{columns}"));
            // Unless it is named what says nothing is left out.
            let usual = rows(admin.get(&asked).await.text.as_bytes());
            for name in left_out {
                assert!(
                    !usual[0].iter().any(|column| column == name),
                    "{path} {name}"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn those_above_may_stand_anywhere_in_the_file() {
    on_both(async |test| {
        for (caller, root) in [(test.easytimepro().await, "x"), (test.biotime().await, "y")] {
            let path = "/personnel/api/areas/import_area/";
            let file = format!(
                "area_code,area_name,parent_area\n{root}3,Three,{root}2\n{root}1,One,\n{root}2,Two,{root}1\n{root}4,Four,1\n"
            );
            assert_eq!(caller.import(path, "0", file).await.is(200)["created"], 4);
            let three = caller.get(&format!("/personnel/api/areas/{root}3/")).await.is(200);
            assert_eq!(three["parent_area"]["area_code"], format!("{root}2"));
            // Turned round: what stood on top comes to stand below.
            let file = format!(
                "area_code,area_name,parent_area\n{root}1,One,{root}3\n{root}2,Two,{root}1\n{root}3,Three,{root}4\n"
            );
            assert_eq!(caller.import(path, "1", file).await.is(200)["updated"], 3);
            let two = caller.get(&format!("/personnel/api/areas/{root}2/")).await.is(200);
            assert_eq!(two["parent_area"]["area_code"], format!("{root}1"));
        }
        let admin = test.easytimepro().await;
        let asked = "/personnel/api/areas/export/?export_type=xls&export_headers=area_code,parent_area_code";
        let table = rows(&admin.download(asked).await);
        assert_eq!(table.len(), 10);
    })
    .await;
}

#[tokio::test]
async fn of_many_people_terminals_are_told_and_their_punches_come_to_them() {
    on_both(async |test| {
        let admin = test.easytimepro().await;
        let area = json!({ "area_code": "b", "area_name": "Bengaluru" });
        admin.post("/personnel/api/areas/", area).await.is(201);
        let gate =
            json!({ "sn": "BYEL201260001", "alias": "Gate", "area": "b", "terminal_tz": -8 });
        admin.post("/iclock/api/terminals/", gate).await.is(201);
        punch(&test, "1600", "2026-01-15 09:00:00", None).await;
        punch(&test, "1001", "2026-01-15 09:01:00", None).await;
        punch(&test, "77", "2026-01-15 09:02:00", None).await;
        let mut file = "emp_code,first_name,card_no,area_code\n".to_owned();
        for code in 1001..=1700 {
            file += &format!("{code},Name {code},55{code},b\n");
        }
        let path = "/personnel/api/employees/import_emp/";
        assert_eq!(
            admin.import(path, "0", file).await.is(200),
            json!({ "detail": "import successful", "created": 700, "updated": 0, "skipped": 0 })
        );
        for (asked, expected) in [
            (
                "SELECT count(*) FROM terminal_holding WHERE thing = 'user'",
                700,
            ),
            ("SELECT count(*) FROM employee_untold", 0),
            ("SELECT transactions FROM punch_counter", 2),
            ("SELECT unregistered FROM punch_counter", 1),
            (
                "SELECT count(*) FROM audit WHERE thing = 'employee' AND action = 'create'",
                700,
            ),
            (
                "SELECT count(*) FROM audit WHERE after LIKE '%551001%' OR before LIKE '%551001%'",
                0,
            ),
        ] {
            assert_eq!(test.number(asked).await, expected, "{asked}");
        }
        let list = admin
            .get("/iclock/api/transactions/?ordering=id")
            .await
            .is(200);
        let rows = list["data"].as_array().expect("rows");
        let codes: Vec<&Value> = rows.iter().map(|row| &row["emp_code"]).collect();
        assert_eq!(codes, ["1600", "1001"], "in the order in which they came");

        // A card changes hands within a file, and may not come to two.
        let handed = "emp_code,card_no,nickname\n1001,9,\n1002,551001,Two\n";
        assert_eq!(admin.import(path, "1", handed).await.is(200)["updated"], 2);
        let two = admin.get("/personnel/api/employees/1002/").await.is(200);
        assert_eq!(
            (&two["card_no"], &two["nickname"]),
            (&json!("551001"), &json!("Two"))
        );
        let doubled = "emp_code,card_no\n1003,8\n1004,8\n1005,9\n";
        let got = admin.import(path, "1", doubled).await;
        insta::assert_snapshot!("cards_of_two", format!("{} {}", got.status, got.text));
        let three = admin.get("/personnel/api/employees/1003/").await.is(200);
        assert_eq!(three["card_no"], "551003");
    })
    .await;
}

/// The most memory this process ever had.
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok())
        .map_or(0, |kib| kib << 10)
}

#[tokio::test]
async fn attack_26_a_file_made_to_be_too_much_is_refused_in_little_memory() {
    on_both(async |test| {
        let admin = test.easytimepro().await;
        let path = "/personnel/api/employees/import_emp/";
        let mut attacks: Vec<(&str, Vec<u8>)> = Vec::new();
        let mut book = Book::new();
        let start = "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>";
        book.repeated(SHEET, start, "a", 1 << 28, "");
        attacks.push(("a cell of 256 MiB", book.bytes()));
        let mut book = Book::new();
        let start = format!("{start}emp_code</t></is></c></row>");
        book.repeated(SHEET, &start, "<row><c><v>1</v></c></row>", 1_000_000, "");
        attacks.push(("a million rows", book.bytes()));
        for (what, entity) in [
            (
                "a billion laughs",
                "\"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"",
            ),
            ("an entity of another file", "SYSTEM \"file:///etc/passwd\""),
        ] {
            let mut book = Book::new();
            book.part(
                SHEET,
                format!("<!DOCTYPE x [<!ENTITY a {entity}>]><worksheet/>"),
            );
            attacks.push((what, book.bytes()));
        }
        let book = Book::new().with_sheet("<row><c t=\"str\"><v>&x;</v></c></row>");
        attacks.push(("an entity nobody knows", book));
        let whole = include_bytes!("../../../sheets/fixtures/people.xls");
        attacks.push(("half a workbook", whole[..whole.len() / 2].to_vec()));
        attacks.push(("a line of 60 MB", vec![b'x'; 60_000_000]));
        let mut told = String::new();
        for (what, file) in attacks {
            let (before, size) = (most_memory(), file.len());
            let got = admin.import(path, "0", file).await;
            told += &format!("{what}\n{} {}\n", got.status, got.text);
            // It is in memory on its way out, on its way in and as a part of a form.
            let taken = most_memory() - before;
            assert!(
                taken < (64 << 20) + 6 * size,
                "{what} took {} KiB",
                taken >> 10
            );
        }
        insta::assert_snapshot!("attacking_imports", told);
        let request = format!(
            "POST {path}?import_type=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: 100000000\r\n\r\nemp_code\n",
            admin.authorization.as_deref().unwrap_or_default(),
        );
        assert_eq!(raw(&test, request).await, "HTTP/1.1 413 Payload Too Large");
        assert_eq!(test.number("SELECT count(*) FROM employee").await, 0);
    })
    .await;
}

#[tokio::test]
async fn attack_43_of_two_imports_at_once_one_finds_what_the_other_stored() {
    on_both(async |test| {
        let (admin, biotime) = (test.easytimepro().await, test.biotime().await);
        let path = "/personnel/api/employees/import_emp/";
        let mut file = "emp_code,dept_code,area_code\n".to_owned();
        for code in 1001..=1200 {
            file += &format!("{code},1,1\n");
        }
        let (one, other) = tokio::join!(
            admin.import(path, "0", file.clone()),
            biotime.import(path, "0", file.clone()),
        );
        let (one, other) = (one.is(200), other.is(200));
        let sum = |name: &str| one[name].as_i64().unwrap_or(0) + other[name].as_i64().unwrap_or(0);
        assert_eq!(
            (sum("created"), sum("skipped")),
            (200, 200),
            "{one} {other}"
        );
        assert_eq!(test.number("SELECT count(*) FROM employee").await, 200);
        // One card, which only one of them can bring.
        let (one, other) = tokio::join!(
            admin.import(path, "1", "emp_code,card_no\n1001,9\n1002,8\n"),
            admin.import(path, "1", "emp_code,card_no\n1003,9\n1004,7\n"),
        );
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
        let cards = "SELECT count(*) FROM employee WHERE card_no IS NOT NULL";
        assert_eq!(test.number(cards).await, 2);
    })
    .await;
}

#[tokio::test]
async fn attack_48_a_file_comes_whole_whatever_part_is_asked_for_and_its_head_does_nothing() {
    on_both(async |test| {
        furnish(&test).await;
        let admin = test.easytimepro().await;
        let registry = api::registry();
        let paths = registry.endpoints().iter().filter(|endpoint| {
            endpoint.method == Method::GET && endpoint.path.ends_with("/export/")
        });
        let mut seen = 0;
        for endpoint in paths {
            let asked = format!("{}?export_type=csv", endpoint.path);
            let whole = admin.get(&asked).await;
            whole.is_file();
            let part = admin
                .request(Method::GET, &asked)
                .header("range", "bytes=0-3");
            let part = Got::from(part).await;
            assert_eq!((part.status, &part.text), (200, &whole.text), "{asked}");
            assert_eq!(part.header("content-range"), "", "{asked}");
            let body = json!({ "emp_code": "nobody", "search": "nothing" });
            let with_body = admin.send(Method::GET, &asked, Some(body)).await;
            assert_eq!(
                (with_body.status, &with_body.text),
                (200, &whole.text),
                "{asked}"
            );
            let audited = "SELECT count(*) FROM audit";
            let before = test.number(audited).await;
            let head = admin.send(Method::HEAD, &asked, None).await;
            assert_eq!((head.status, head.text.as_str()), (200, ""), "{asked}");
            for name in ["content-type", "content-disposition"] {
                assert_eq!(head.header(name), whole.header(name), "{asked}");
            }
            assert_eq!(test.number(audited).await, before, "{asked}");
            seen += 1;
        }
        assert!(seen >= 12, "{seen} files");
    })
    .await;
}
