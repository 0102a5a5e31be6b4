//! What the manual has of people and where they belong, asked from the first endpoint to the last in
//! both profiles: every answer whole, with the manual's own bodies where it prints them.

use crate::api_files::rows;
use crate::api_trees::{KINDS, Kind};
use crate::rest::{Somebody, TestApp, on_both};
use crate::{api_employees, api_photos, api_resignations};
use muster::access::Rights;
use muster::profile::Profile;
use reqwest::Method;
use serde_json::{Value, json};

const PROFILES: [Profile; 2] = [Profile::EasyTimePro, Profile::BioTime];
const PEOPLE: &str = "/personnel/api/employees/";
const RESIGNATIONS: &str = "/personnel/api/resigns/";

/// Somebody who writes down what is asked and answered.
struct Story<'a> {
    caller: Somebody<'a>,
    profile: Profile,
    told: String,
}

impl<'a> Story<'a> {
    async fn of(test: &'a TestApp, profile: Profile) -> Story<'a> {
        Story {
            caller: test.client(profile, Rights::administrator()).await,
            profile,
            told: String::new(),
        }
    }

    /// What EasyTimePro's callers write, or BioTime's.
    fn either<T>(&self, easytimepro: T, biotime: T) -> T {
        match self.profile {
            Profile::EasyTimePro => easytimepro,
            Profile::BioTime => biotime,
        }
    }

    fn tell(&mut self, asked: &str, status: u16, answer: &str) {
        let test = self.caller.test;
        let answer = answer
            .replace(&test.app.company.id, "COMPANY")
            .replace(&test.base, "SERVER")
            .replace('\r', "");
        self.told += &format!("{asked}\n{status} {answer}\n\n");
    }

    async fn ask(&mut self, method: Method, path: &str, body: Option<Value>) {
        let body_told = body.as_ref().map(Value::to_string).unwrap_or_default();
        let asked = format!("{method} {path} {body_told}");
        let got = self.caller.send(method, path, body).await;
        self.tell(asked.trim_end(), got.status, &got.text);
    }

    async fn get(&mut self, path: &str) {
        self.ask(Method::GET, path, None).await;
    }

    async fn post(&mut self, path: &str, body: Value) {
        self.ask(Method::POST, path, Some(body)).await;
    }

    async fn put(&mut self, path: &str, body: Value) {
        self.ask(Method::PUT, path, Some(body)).await;
    }

    async fn patch(&mut self, path: &str, body: Value) {
        self.ask(Method::PATCH, path, Some(body)).await;
    }

    async fn delete(&mut self, path: &str) {
        self.ask(Method::DELETE, path, None).await;
    }

    /// The list at `path` as each kind of file there is.
    async fn export(&mut self, path: &str) {
        for format in ["csv", "txt", "xls"] {
            let asked = format!("{path}export/?export_type={format}");
            let got = self.caller.get(&asked).await;
            let head = format!(
                "{}\n{}",
                got.header("content-type"),
                got.header("content-disposition")
            );
            let content = if format == "xls" {
                let table = rows(&self.caller.download(&asked).await);
                let lines: Vec<String> = table.iter().map(|row| row.join(" | ")).collect();
                lines.join("\n")
            } else {
                got.text
            };
            let told = format!("{head}\n{content}");
            self.tell(&format!("GET {asked}"), got.status, &told);
        }
    }

    async fn import(&mut self, path: &str, import_type: &str, file: &str) {
        let got = self.caller.import(path, import_type, file).await;
        let asked = format!("POST {path} import_type {import_type}\n{file}");
        self.tell(asked.trim_end(), got.status, &got.text);
    }

    fn ends(self, name: &str) {
        insta::assert_snapshot!(format!("{name}_{}", self.profile), self.told);
    }
}

/// Areas, departments, positions and locations: sections 3.1, 3.2, 3.4 and 3.5.
async fn of_a_tree(story: &mut Story<'_>, kind: &Kind) {
    let none = Value::Null;
    let new = |code: Value, name: &str, parent: Value| kind.spelled(code, name.into(), parent);
    story
        .post(kind.path, new(json!("4"), "delhi", json!(1)))
        .await;
    let parent = story.either(json!("4"), json!(1_000_001));
    story
        .post(kind.path, new(json!(123), "string", parent))
        .await;
    story
        .post(kind.path, new(json!("5"), "=1+1", none.clone()))
        .await;
    story.get(kind.path).await;
    story
        .get(&format!("{}?page_size=1&ordering=-id", kind.path))
        .await;

    let first = kind.row(story.either("4", "1000001"));
    let second = kind.row(story.either("123", "1000002"));
    let third = kind.row(story.either("5", "1000003"));
    story.get(&second).await;
    story
        .put(&first, json!({ kind.name: "mumbai", kind.parent: 1 }))
        .await;
    let parent = story.either(json!(5), json!(1_000_003));
    story
        .patch(
            &first,
            json!({ kind.name: "mumbaiiii", kind.parent: parent }),
        )
        .await;
    story.patch(&first, json!({ kind.parent: null })).await;
    story.put(&third, json!({ kind.code: "55" })).await;
    story.get(&first).await;
    story.export(kind.path).await;

    let import = format!("{}{}/", kind.path, kind.import);
    let file = format!(
        "{},{},{}\n6,Six,4\n123,Another,\n",
        kind.code, kind.name, kind.parent
    );
    story.import(&import, "0", &file).await;
    let file = format!("{}\t{}\n6\tSix again\n7\tSeven\n", kind.code, kind.name);
    story.import(&import, "1", &file).await;
    let file = format!("{},{}\n8,Eight\n9,\n", kind.code, kind.name);
    story.import(&import, "1", &file).await;
    story
        .get(&format!("{}?ordering=-id&page_size=2", kind.path))
        .await;

    let codes = story.either(json!([6, "7"]), json!([1_000_004, 1_000_005]));
    let action = json!({ "object_codes": codes, "action_type": "delete" });
    story.post(&format!("{}action/", kind.path), action).await;
    story.delete(&second).await;
    story.get(&second).await;
    story.patch(&second, json!({ kind.name: "gone" })).await;
    story.delete(&second).await;
}

#[tokio::test]
async fn areas_departments_positions_and_locations_from_end_to_end() {
    for profile in PROFILES {
        on_both(|test| async move {
            for kind in &KINDS {
                let mut story = Story::of(&test, profile).await;
                of_a_tree(&mut story, kind).await;
                story.ends(&format!("{}s", kind.thing));
            }
        })
        .await;
    }
}

/// Where people can be put: area north, department 7, position 8, each with the id 1000001; and a
/// terminal in the north.
async fn furnish(test: &TestApp) {
    let admin = test.easytimepro().await;
    for (path, body) in [
        (
            "/personnel/api/areas/",
            json!({ "area_code": "north", "area_name": "North" }),
        ),
        (
            "/personnel/api/departments/",
            json!({ "dept_code": "7", "dept_name": "Seven" }),
        ),
        (
            "/personnel/api/positions/",
            json!({ "position_code": "8", "position_name": "Eight" }),
        ),
        (
            "/iclock/api/terminals/",
            json!({ "sn": "NORTH", "area": "north" }),
        ),
    ] {
        admin.post(path, body).await.is(201);
    }
}

/// Section 3.3, all of it but `adjust_resign`.
#[tokio::test]
async fn employees_from_end_to_end() {
    for profile in PROFILES {
        on_both(|test| async move {
            furnish(&test).await;
            let mut story = Story::of(&test, profile).await;
            story.post(PEOPLE, api_employees::sample()).await;
            let second = json!({
                "emp_code": "034186661926", "first_name": "=1+1", "department": "1", "area": ["1"],
            });
            story.post(PEOPLE, second).await;
            story.get(PEOPLE).await;
            story.get(&format!("{PEOPLE}?page_size=1&ordering=-emp_code&dept_code=1")).await;
            let row = |key: &str| format!("{PEOPLE}{key}/");
            let first = row(story.either("5677", "1000000001"));
            let second = row(story.either("034186661926", "1000000002"));
            story.get(&first).await;
            story.put(&first, json!({ "first_name": "raj" })).await;
            story.patch(&first, json!({ "first_name": "rajesh" })).await;
            let nobody = row(story.either("nobody", "1000000009"));
            story.patch(&nobody, json!({ "first_name": "rajesh" })).await;

            // The manual's bodies, and those of BioTime's clients, with what is here.
            let (who, them) = story.either(
                ("emp_code", json!(["034186661926"])),
                ("employees", json!([1_000_000_002])),
            );
            for (name, member, to) in story.either(
                [
                    ("adjust_area", "area_code", json!(["north"])),
                    ("adjust_depart", "department_code", json!(7)),
                    ("adjust_emp_type", "emp_type", json!(1)),
                    ("adjust_position", "position_code", json!(8)),
                ],
                [
                    ("adjust_area", "areas", json!([1_000_001])),
                    ("adjust_department", "department", json!(1_000_001)),
                    ("adjust_emp_type", "emp_type", json!(1)),
                    ("adjust_position", "position", json!(1_000_001)),
                ],
            ) {
                let body = json!({ who: them, member: to });
                story.post(&format!("{PEOPLE}{name}/"), body).await;
            }
            story.get(&second).await;

            let known = [(1, 0, "10"), (1, 4, "10"), (9, 0, "39")];
            api_employees::templates(&test, &known).await;
            let finger_print = async |story: &mut Story<'_>, goes: bool| {
                let body = json!({
                    who: [1_000_000_001], "finger_print": goes, "face": false,
                    "finger_vein": false, "palm": false, "vl_face": false,
                });
                story.post(&format!("{PEOPLE}del_bio_template/"), body).await;
                let asked = format!("{PEOPLE}export/?export_type=csv&export_headers=emp_code,fingerprint,face,palm,vl_face");
                story.get(&asked).await;
            };
            finger_print(&mut story, false).await;
            finger_print(&mut story, true).await;
            let photo = api_photos::jpeg(20, 20);
            let got = api_photos::upload(&story.caller, "[1000000001, 034186661926]", photo).await;
            story.tell(&format!("POST {PEOPLE}update_emp_photo/"), got.status, &got.text);
            story.post(&format!("{PEOPLE}resync_to_device/"), json!({ who: them })).await;

            story.export(PEOPLE).await;
            let body = json!({
                "emp_code": "5677", "status": 0, "export_type": "csv",
                "export_headers": "emp_code,first_name,department",
            });
            story.post(&format!("{PEOPLE}export/"), body).await;
            let import = format!("{PEOPLE}import_emp/");
            let file = "emp_code,first_name,dept_code,area_code,hire_date\n\
                        2,Bo,7,north;1,2025-06-18\n5677,Another,1,1,\n";
            story.import(&import, "0", file).await;
            story.import(&import, "1", file).await;
            let file = "emp_code,first_name,dept_code,area_code\n3,Cy,70,1\n4,Di,1,\n";
            story.import(&import, "1", file).await;

            let codes = story.either(json!(["2"]), json!([1_000_000_003]));
            let action = json!({ "object_codes": codes, "action_type": "delete" });
            story.post(&format!("{PEOPLE}action/"), action).await;
            story.delete(&first).await;
            story.get(&first).await;
            story.delete(&first).await;
            story.get(PEOPLE).await;
            story.ends("employees");
        })
        .await;
    }
}

/// Section 4.7, and 3.3.12.
#[tokio::test]
async fn resignations_from_end_to_end() {
    for profile in PROFILES {
        on_both(|test| async move {
            api_resignations::people(&test).await;
            let mut story = Story::of(&test, profile).await;
            story.post(RESIGNATIONS, api_resignations::sample()).await;
            let second = json!({
                "employee": story.either(json!("14"), json!(1_000_000_002)),
                "resign_date": "2026-01-10", "resign_type": 3, "reason": "=1+1",
                "disableatt": story.either(json!(false), json!(0)),
            });
            story.post(RESIGNATIONS, second).await;
            story.get(RESIGNATIONS).await;
            story.get(&format!("{RESIGNATIONS}?page_size=1&resign_type=3")).await;
            let row = |key: &str| format!("{RESIGNATIONS}{key}/");
            let first = row(story.either("12", "1000001"));
            story.get(&first).await;
            let put = json!({
                "resign_date": "2025-06-21", "resign_type": 1,
                "report_generation_end_date": "2025-06-23", "disableatt": true,
            });
            story.put(&first, put).await;
            let patch = json!({
                "resign_date": "2025-06-21", "resign_type": 1,
                "report_generation_end_date": "2025-06-22", "disableatt": true,
            });
            story.patch(&first, patch).await;
            story.get(&first).await;
            let (who, them) = story.either(("emp_code", json!([14])), ("employees", json!([1_000_000_002])));
            story.post(&format!("{RESIGNATIONS}disable_att/"), json!({ who: them })).await;
            story.export(RESIGNATIONS).await;
            let import = format!("{RESIGNATIONS}import_resign/");
            let file = "emp_code,resign_date,resign_type,reason\n16,2026-01-11,2,gone\n14,2026-01-12,1,other\n";
            story.import(&import, "0", file).await;
            story.import(&import, "1", file).await;
            let file = "emp_code,resign_date,resign_type\n16,soon,2\n99,2026-01-12,7\n";
            story.import(&import, "1", file).await;
            story.get(&format!("{RESIGNATIONS}?ordering=resign_date")).await;

            let (back, body) = story.either(
                ("rehire", json!({ "emp_code": [14] })),
                ("reinstatement", json!({ "resigns": [1_000_002] })),
            );
            story.post(&format!("{RESIGNATIONS}{back}/"), body).await;
            let adjust = story.either("adjust_resign", "adjust_regsin");
            let body = json!({
                who: them, "resign_date": "2025-06-19", "report_generation_end_date": "2025-06-20",
                "resign_type": 3, "reason": "Got oportunity ", "disableatt": true,
            });
            story.post(&format!("{PEOPLE}{adjust}/"), body).await;
            story.get(&row(story.either("14", "1000004"))).await;
            let codes = story.either(json!([12]), json!([1_000_001]));
            let action = json!({ "object_codes": codes, "action_type": "delete" });
            story.post(&format!("{RESIGNATIONS}action/"), action).await;
            let third = row(story.either("16", "1000003"));
            story.delete(&third).await;
            story.get(&third).await;
            story.get(RESIGNATIONS).await;
            story.ends("resignations");
        })
        .await;
    }
}
