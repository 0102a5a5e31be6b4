//! The story of areas, departments, positions and locations, which are alike: told of each, in both
//! profiles.

use crate::rest::{Somebody, TestApp, on_both};
use serde_json::{Map, Value, json};

/// How each is spelled.
pub struct Kind {
    pub path: &'static str,
    pub thing: &'static str,
    pub code: &'static str,
    pub name: &'static str,
    pub parent: &'static str,
    /// The last part of the import's path.
    pub import: &'static str,
    /// The name of the row that is always there.
    first: &'static str,
    /// The appendix's numbers of what is absent, taken, empty, above itself, in use.
    numbers: [i64; 5],
}

const AREAS: Kind = Kind {
    path: "/personnel/api/areas/",
    thing: "area",
    code: "area_code",
    name: "area_name",
    parent: "parent_area",
    import: "import_area",
    first: "Not Authorized",
    numbers: [-80, -1, -1, -1, -1],
};
const DEPARTMENTS: Kind = Kind {
    path: "/personnel/api/departments/",
    thing: "department",
    code: "dept_code",
    name: "dept_name",
    parent: "parent_dept",
    import: "import_dept",
    first: "Department",
    numbers: [-13, -12, -10, -14, -15],
};
const POSITIONS: Kind = Kind {
    path: "/personnel/api/positions/",
    thing: "position",
    code: "position_code",
    name: "position_name",
    parent: "parent_position",
    import: "import_position",
    first: "Position",
    numbers: [-1; 5],
};
const LOCATIONS: Kind = Kind {
    path: "/personnel/api/locations/",
    thing: "location",
    code: "location_code",
    name: "location_name",
    parent: "parent_location",
    import: "import_location",
    first: "Location",
    numbers: [-1; 5],
};
pub const KINDS: [Kind; 4] = [AREAS, DEPARTMENTS, POSITIONS, LOCATIONS];

impl Kind {
    /// `code`, `name` and `parent` by the names they have here; null is left out.
    pub fn spelled(&self, code: Value, name: Value, parent: Value) -> Value {
        let members = [(self.code, code), (self.name, name), (self.parent, parent)];
        Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    pub fn row(&self, key: &str) -> String {
        format!("{}{key}/", self.path)
    }

    async fn add(&self, caller: &Somebody<'_>, code: &str, parent: &str) -> i64 {
        let new = self.spelled(code.into(), format!("Name {code}").into(), parent.into());
        let made = caller.post(self.path, new).await.is(201);
        made["id"].as_i64().expect("an id")
    }

    /// What a write answers.
    fn written(&self, id: i64, code: &str, name: &str, parent: Value) -> Value {
        let mut written = self.spelled(code.into(), name.into(), json!(""));
        written["id"] = id.into();
        written[self.parent] = parent;
        written
    }

    /// A refusal in the EasyTimePro profile: of one field, with one of the numbers.
    fn refused(&self, field: &str, text: &str, code: i64, msg: &str) -> Value {
        json!({ field: [text], "code": code, "msg": msg, "data": {} })
    }
}

fn sorted(value: &Value) -> Vec<&String> {
    value
        .as_object()
        .map(Map::keys)
        .expect("an object")
        .collect()
}

#[tokio::test]
async fn each_is_made_under_another_read_changed_and_removed() {
    on_both(|test| async move {
        let easytimepro = test.easytimepro().await;
        let biotime = test.biotime().await;
        let company = json!({ "id": test.app.company.id, "name": "default" });
        for kind in &KINDS {
            // The manual's requests: the parent is a code, as a number or a text.
            let new = kind.spelled(json!("4"), json!("delhi"), json!(1));
            assert_eq!(
                easytimepro.post(kind.path, new).await.is(201),
                kind.written(1_000_001, "4", "delhi", json!(kind.first))
            );
            // BioTime's clients write ids, and null for no parent.
            let mut new = kind.spelled(json!(123), json!("string"), json!(1_000_001));
            assert_eq!(
                biotime.post(kind.path, new.clone()).await.is(201),
                kind.written(1_000_002, "123", "string", json!(1_000_001))
            );
            new[kind.code] = json!("124");
            new[kind.parent] = json!(null);
            let top = biotime.post(kind.path, new).await.is(201);
            assert_eq!(top[kind.parent], json!(null));

            let first =
                json!({ "id": 1, kind.code: "1", kind.name: kind.first, kind.parent: null });
            let parent_name = format!("{}_name", kind.parent);
            let read = |id: i64, code: &str, name: &str, parent: Value| {
                json!({
                    "id": id, kind.code: code, kind.name: name, kind.parent: parent,
                    parent_name.as_str(): parent[kind.name], "company": company,
                })
            };
            let delhi = read(1_000_001, "4", "delhi", first);
            let below = json!({
                "id": 1_000_001, kind.code: "4", kind.name: "delhi", kind.parent: 1,
            });
            let string = read(1_000_002, "123", "string", below);
            for (caller, key) in [
                (&easytimepro, "123"),
                (&easytimepro, "1000002"),
                (&biotime, "1000002"),
                (&biotime, "123"),
            ] {
                let got = caller.get(&kind.row(key)).await.is(200);
                assert_eq!(got, string);
                assert_eq!(sorted(&got), sorted(&string), "in the manual's order");
            }
            let list = easytimepro.get(kind.path).await.is(200);
            assert_eq!(
                list,
                json!({
                    "count": 4, "next": null, "previous": null, "msg": "", "code": 0,
                    "data": [
                        read(1, "1", kind.first, json!(null)), delhi, string,
                        read(1_000_003, "124", "string", json!(null)),
                    ],
                })
            );

            // PUT and PATCH change what is sent and nothing else; 1 is a code here and an id there.
            for caller in [&easytimepro, &biotime] {
                let changed = kind.spelled(json!(null), json!("mumbai"), json!(1));
                let answer = caller.put(&kind.row("1000002"), changed).await.is(200);
                assert_eq!(answer[kind.name], "mumbai");
                let changed = kind.spelled(json!(null), json!("mumbaiiii"), json!(null));
                let answer = caller.patch(&kind.row("1000002"), changed).await.is(200);
                assert_eq!(answer[kind.name], "mumbaiiii");
                assert_ne!(answer[kind.parent], json!(null));
            }
            for none in [json!(0), json!("0"), json!(""), json!(null)] {
                let changed = json!({ kind.parent: none });
                let answer = easytimepro.patch(&kind.row("123"), changed).await.is(200);
                assert_eq!(answer[kind.parent], json!(null));
            }
            // The code of a department stays, whatever is sent; others' change.
            let answer = biotime
                .patch(&kind.row("1000002"), json!({ kind.code: "125" }))
                .await
                .is(200);
            let code = if kind.thing == "department" {
                "123"
            } else {
                "125"
            };
            assert_eq!(answer[kind.code], code);

            let gone = easytimepro.delete(&kind.row("1000002")).await.is(200);
            assert_eq!(gone, json!({ "message": "deleted" }));
            assert_eq!(
                biotime.delete(&kind.row("1000001")).await.is(204),
                json!(null)
            );
            easytimepro.get(&kind.row("4")).await.is(404);
            // Numbers are never used again.
            assert_eq!(kind.add(&biotime, "4", "").await, 1_000_004);
            let steps = test
                .app
                .store
                .all::<(String, String, Option<String>)>(&muster_store::Sql::new(
                    "SELECT action, thing_id, after FROM audit WHERE thing = $1 ORDER BY id",
                    [kind.thing.into()],
                ))
                .await
                .expect("audited");
            let steps: Vec<&str> = steps.iter().map(|(action, _, _)| action.as_str()).collect();
            assert_eq!(steps.iter().filter(|step| **step == "create").count(), 4);
            assert_eq!(steps.iter().filter(|step| **step == "delete").count(), 2);
            assert!(steps.contains(&"update"));
        }
    })
    .await;
}

#[tokio::test]
async fn each_is_found_by_code_name_parent_and_words() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for kind in &KINDS {
            for (code, name, parent) in [
                ("B2", "Süd", "1"),
                ("b3", "Nord 50%", "B2"),
                ("c_4", "Nordost", "1000001"),
            ] {
                let new = kind.spelled(code.into(), name.into(), parent.into());
                caller.post(kind.path, new).await.is(201);
            }
            let (code, name, parent) = (kind.code, kind.name, kind.parent);
            let asked: &[(String, &[&str])] = &[
                (format!("{code}=B2"), &["B2"]),
                (format!("{}=B2", code.to_uppercase()), &["B2"]),
                (format!("{code}=b2"), &[]),
                (format!("{code}_icontains=b"), &["B2", "b3"]),
                (format!("{code}_icontains=_"), &["c_4"]),
                (format!("{name}=Süd"), &["B2"]),
                (format!("{name}_icontains=SÜ"), &["B2"]),
                (format!("{name}_icontains=0%25"), &["b3"]),
                (format!("{parent}=B2"), &["b3", "c_4"]),
                (format!("{parent}=1000001"), &["b3", "c_4"]),
                (format!("{parent}=-1"), &["1", "B2", "b3", "c_4"]),
                (format!("{parent}_code=1"), &["B2"]),
                (format!("{parent}_code=1,B2"), &["B2", "b3", "c_4"]),
                (format!("{parent}_code=nosuch"), &[]),
                ("search=nord%2050".to_owned(), &["b3"]),
                ("search=NORD,c_".to_owned(), &["c_4"]),
                ("id=1,1000002".to_owned(), &["1", "b3"]),
                (format!("ordering=-{name}&{parent}=B2"), &["c_4", "b3"]),
                (
                    format!("ordering={parent}_name,-id&{code}_icontains=b"),
                    &["B2", "b3"],
                ),
                // Secrets and what others have are no order, and what is unknown no filter.
                (
                    "ordering=password,company__name&company__id=1&search=%27".to_owned(),
                    &[],
                ),
            ];
            for (query, expected) in asked {
                let list = caller.get(&format!("{}?{query}", kind.path)).await.is(200);
                let rows = list["data"].as_array().expect("a list");
                let found: Vec<&str> = rows.iter().filter_map(|row| row[code].as_str()).collect();
                assert_eq!(found, *expected, "{} {query}", kind.thing);
            }
        }
        let typo = format!("{}?parent_positio_coden=B2", POSITIONS.path);
        assert_eq!(caller.get(&typo).await.is(200)["count"], 2);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_told_all_at_once_and_nothing_is_stored() {
    on_both(|test| async move {
        let easytimepro = test.easytimepro().await;
        let biotime = test.biotime().await;
        for kind in &KINDS {
            let [absent, taken, empty, _, _] = kind.numbers;
            let refused = easytimepro.post(kind.path, json!({})).await.is(400);
            let required = json!(["This field is required."]);
            assert_eq!(
                (&refused[kind.code], &refused[kind.name]),
                (&required, &required)
            );
            assert_eq!(refused["code"], empty);
            assert_eq!(
                biotime
                    .post(
                        kind.path,
                        json!({ kind.code: "", kind.name: null, kind.parent: 99 })
                    )
                    .await
                    .is(400),
                json!({
                    kind.code: ["This field may not be blank."],
                    kind.name: ["This field may not be null."],
                    kind.parent: ["Invalid pk \"99\" - object does not exist."],
                })
            );
            let bad = json!({ kind.code: "x".repeat(51), kind.name: true, kind.parent: [1] });
            assert_eq!(
                biotime.post(kind.path, bad).await.is(400),
                json!({
                    kind.code: ["Ensure this field has no more than 50 characters."],
                    kind.name: ["Not a valid string."],
                    kind.parent: ["Incorrect type. Expected pk value, received list."],
                })
            );
            let text = format!("Object with {}=nosuch does not exist.", kind.code);
            let msg = match absent {
                -80 => "Area didn’t exist",
                -13 => "The department number does not exist",
                _ => text.as_str(),
            };
            let new = kind.spelled(json!("9"), json!("Nine"), json!("nosuch"));
            assert_eq!(
                easytimepro.post(kind.path, new).await.is(400),
                kind.refused(kind.parent, &text, absent, msg)
            );
            let words = kind.code.replace('_', " ");
            let text = format!("{} with this {words} already exists.", kind.thing);
            let msg = match taken {
                -12 => "The department name has already existed",
                _ => text.as_str(),
            };
            let new = kind.spelled(json!(1), json!("Another"), json!(null));
            assert_eq!(
                easytimepro.post(kind.path, new).await.is(400),
                kind.refused(kind.code, &text, taken, msg)
            );
            // A row with the name of an endpoint could never be reached again.
            for code in ["action", "Export", kind.import, ".", "..", "a\tb", "a\nb"] {
                let new = kind.spelled(code.into(), json!("x"), json!(null));
                easytimepro.post(kind.path, new).await.is(400);
            }
            assert_eq!(easytimepro.get(kind.path).await.is(200)["count"], 1);
        }
    })
    .await;
}

#[tokio::test]
async fn none_is_above_itself() {
    on_both(|test| async move {
        let easytimepro = test.easytimepro().await;
        let biotime = test.biotime().await;
        for kind in &KINDS {
            for (code, parent) in [("a", "1"), ("b", "a"), ("c", "b")] {
                kind.add(&easytimepro, code, parent).await;
            }
            let text = format!("Cannot be set as parent {}.", kind.thing);
            let msg = match kind.numbers[3] {
                -14 => "Cannot be set as parent department",
                _ => text.as_str(),
            };
            let refusal = kind.refused(kind.parent, &text, kind.numbers[3], msg);
            for parent in ["a", "b", "c"] {
                let change = json!({ kind.parent: parent });
                let refused = easytimepro.patch(&kind.row("a"), change.clone()).await;
                assert_eq!(refused.is(400), refusal);
                let refused = biotime.put(&kind.row("a"), change).await.is(400);
                assert_eq!(refused, json!({ kind.parent: [text] }));
            }
            let change = json!({ kind.parent: "1" });
            easytimepro.patch(&kind.row("c"), change).await.is(200);
            let change = json!({ kind.parent: "c" });
            easytimepro.patch(&kind.row("a"), change).await.is(200);
        }
    })
    .await;
}

/// Two that each see no circle could make one together.
#[tokio::test]
async fn two_that_would_make_a_circle_together_do_not() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for round in 0..5 {
            let (one, two) = (format!("one{round}"), format!("two{round}"));
            DEPARTMENTS.add(&caller, &one, "").await;
            DEPARTMENTS.add(&caller, &two, "").await;
            let (one_row, two_row) = (DEPARTMENTS.row(&one), DEPARTMENTS.row(&two));
            let (first, second) = tokio::join!(
                caller.patch(&one_row, json!({ "parent_dept": two })),
                caller.patch(&two_row, json!({ "parent_dept": one })),
            );
            let mut statuses = [first.status, second.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 400]);
        }
    })
    .await;
}

#[tokio::test]
async fn of_two_that_make_the_same_code_at_once_one_is_refused() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for kind in &KINDS {
            let new = kind.spelled(json!("a"), json!("a"), json!(null));
            let (first, second) = tokio::join!(
                caller.post(kind.path, new.clone()),
                caller.post(kind.path, new.clone())
            );
            let mut statuses = [first.status, second.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 400]);
        }
    })
    .await;
}

/// Employees and terminals that keep a row of each kind where it is.
async fn used(test: &TestApp, caller: &Somebody<'_>) {
    for kind in &KINDS {
        kind.add(caller, "7", "1").await;
        kind.add(caller, "8", "7").await;
    }
    for code in ["1001", "1002", "1003"] {
        let new = json!({ "emp_code": code, "department": "7", "position": "7", "area": ["7"] });
        caller.post("/personnel/api/employees/", new).await.is(201);
    }
    test.run(
        "UPDATE employee SET status = 99 WHERE emp_code = '1003'",
        [],
    )
    .await;
    test.run("UPDATE employee SET location_id = 1000001", [])
        .await;
    let new = json!({ "sn": "A1", "area": "7" });
    caller.post("/iclock/api/terminals/", new).await.is(201);
}

#[tokio::test]
async fn what_is_in_use_is_not_removed_and_says_by_whom() {
    on_both(|test| async move {
        let easytimepro = test.easytimepro().await;
        let biotime = test.biotime().await;
        used(&test, &easytimepro).await;
        let people = "2 employees, 1 former employee";
        for kind in &KINDS {
            let thing = kind.thing;
            let terminals = if thing == "area" { ", 1 terminal" } else { "" };
            let text = format!(
                "Cannot delete {thing} 7: still used by {people}{terminals}, 1 {thing} below it."
            );
            let code = kind.numbers[4];
            let msg = match code {
                -15 => "Cannot delete department",
                _ => text.as_str(),
            };
            assert_eq!(
                easytimepro.delete(&kind.row("7")).await.is(400),
                json!({ "detail": text, "code": code, "msg": msg, "data": {} })
            );
            assert_eq!(
                biotime.delete(&kind.row("1000001")).await.is(400),
                json!({ "detail": text })
            );
            let first = format!("Cannot delete {thing} 1: it is always there.");
            let refused = biotime.delete(&kind.row("1")).await.is(400);
            assert_eq!(refused, json!({ "detail": first }));

            // Of several none goes when one stays, and each that stays is named.
            kind.add(&easytimepro, "9", "").await;
            let action = format!("{}action/", kind.path);
            let sent = json!({ "object_codes": ["9", "7", 1], "action_type": "delete" });
            let refused = biotime.post(&action, sent).await.is(400);
            assert_eq!(refused, json!({ "object_codes": [text, first] }));
            // The manual's request: 1 is the row that is always there.
            let sent = json!({ "object_codes": [1], "action_type": "delete" });
            let refused = easytimepro.post(&action, sent).await.is(400);
            assert_eq!(
                (&refused["object_codes"], &refused["code"]),
                (&json!([first]), &json!(code))
            );
            let change = kind.spelled(json!("2"), json!(null), json!(null));
            let kept = easytimepro.patch(&kind.row("1"), change).await;
            if thing == "department" {
                assert_eq!(kept.is(200)["dept_code"], "1");
            } else {
                let text = format!("The code of the first {thing} is always 1.");
                assert_eq!(kept.is(400)[kind.code], json!([text]));
            }
            assert_eq!(easytimepro.get(kind.path).await.is(200)["count"], 4);
        }
        let list = easytimepro.get("/personnel/api/employees/1001/").await;
        assert_eq!(list.is(200)["area"][0]["area_code"], "7");
    })
    .await;
}

#[tokio::test]
async fn those_below_go_together_with_what_is_above_them() {
    on_both(|test| async move {
        let easytimepro = test.easytimepro().await;
        let biotime = test.biotime().await;
        for kind in &KINDS {
            for (code, parent) in [("2", "1"), ("3", "2"), ("4", "3"), ("5", "1")] {
                kind.add(&easytimepro, code, parent).await;
            }
            let action = format!("{}action/", kind.path);
            // In any order, but not with one left hanging.
            let sent = json!({ "object_codes": [2, 3], "action_type": "delete" });
            let text = format!(
                "Cannot delete {0} 3: still used by 1 {0} below it.",
                kind.thing
            );
            let refused = easytimepro.post(&action, sent).await.is(400);
            assert_eq!(refused["object_codes"], json!([text]));
            let sent = json!({ "object_codes": [2, "4", 3], "action_type": "delete" });
            assert_eq!(
                easytimepro.post(&action, sent).await.is(200),
                json!({ "detail": "Success. delete:[2, '4', 3]" })
            );
            let sent = json!({ "object_ids": 1_000_004, "action_type": "delete" });
            assert_eq!(
                biotime.post(&action, sent).await.is(200),
                json!({ "code": 0, "msg": "", "data": [] })
            );
            assert_eq!(easytimepro.get(kind.path).await.is(200)["count"], 1);
        }
    })
    .await;
}

/// Somebody is moved into what is being removed: one of the two is refused, neither fails.
#[tokio::test]
async fn nobody_is_left_in_what_is_removed_at_the_same_time() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let new = json!({ "emp_code": "1001" });
        caller.post("/personnel/api/employees/", new).await.is(201);
        for round in 0..8 {
            let code = format!("x{round}");
            DEPARTMENTS.add(&caller, &code, "").await;
            let row = DEPARTMENTS.row(&code);
            let (removed, moved) = tokio::join!(
                caller.delete(&row),
                caller.patch(
                    "/personnel/api/employees/1001/",
                    json!({ "department": code })
                ),
            );
            let statuses = (removed.status, moved.status);
            assert!(matches!(statuses, (200, 400) | (400, 200)), "{statuses:?}");
        }
    })
    .await;
}
