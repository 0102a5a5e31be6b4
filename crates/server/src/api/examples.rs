//! What the API document shows in place of real values. One company: its gate is area 1000001, works there
//! Asha with the code 1042, and the terminal there is CJDE193560304.

use crate::routes::{Kind, Member};
use serde_json::{Map, Value, json};

/// An object of these members, as it may look.
pub fn object(members: &[Member]) -> Value {
    let members: Map<String, Value> = members
        .iter()
        .map(|member| (member.name.to_owned(), value(member.name, member.kind)))
        .collect();
    Value::Object(members)
}

/// One member or parameter.
pub fn value(name: &str, kind: Kind) -> Value {
    match (named(name), kind) {
        (Some(value), Kind::Reference | Kind::Relation | Kind::Text) => value,
        (Some(Value::String(text)), Kind::TextList | Kind::ReferenceList | Kind::RelationList) => {
            json!([text])
        }
        (Some(value @ Value::Array(_)), Kind::TextList | Kind::ReferenceList) => value,
        (Some(value @ Value::Number(_)), Kind::Integer | Kind::Number) => value,
        (Some(value @ Value::Bool(_)), Kind::Boolean) => value,
        (_, Kind::Text) => json!(""),
        (_, Kind::Integer) => json!(1),
        (_, Kind::Number) => json!(36.6),
        (_, Kind::Boolean) => json!(true),
        (_, Kind::Date) => json!("2026-03-02"),
        (_, Kind::Time) => json!("2026-03-02 08:31:07"),
        (_, Kind::Null) => Value::Null,
        (_, Kind::File) => json!(""),
        (_, Kind::Object) => json!({}),
        (_, Kind::TextList | Kind::ReferenceList) => json!(["1042"]),
        (_, Kind::ObjectList | Kind::RelationList) => json!([]),
        (_, Kind::Reference) => json!("1"),
        (_, Kind::Relation) => Value::Null,
    }
}

/// What a name says more than its kind. `…_icontains` and the like are parts of the same.
fn named(name: &str) -> Option<Value> {
    let name = name.trim_end_matches("_icontains");
    Some(match name {
        "id" => json!(1_000_001),
        "import_type" => json!("0"),
        "page" => json!("1"),
        "page_size" | "limit" | "pageSize" | "duration" => json!(10),
        "ordering" => json!("-id"),
        "search" => json!("asha"),
        "username" => json!("admin"),
        "password" | "self_password" => json!("a long password"),
        "token" | "access" | "refresh" => json!("755b22803ac80eb8f33aeaf7aed563eeccec16a6"),
        "emp_code" | "employee" | "employees" | "object_codes" => json!("1042"),
        "first_name" => json!("Asha"),
        "last_name" => json!("Rao"),
        "nickname" => json!("Ash"),
        "email" => json!("asha.rao@example.com"),
        "mobile" | "contact_tel" | "office_tel" => json!("+91 80 5550 1042"),
        "gender" => json!("F"),
        "card_no" => json!("6291456"),
        "city" => json!("Bengaluru"),
        "address" => json!("12 MG Road"),
        "postcode" => json!("560001"),
        "national" => json!("Indian"),
        "area" | "area_code" | "areas" => json!("GATE"),
        "area_name" | "area_alias" => json!("Gate"),
        "parent_area"
        | "parent_area_code"
        | "parent_dept"
        | "parent_dept_code"
        | "parent_position"
        | "parent_position_code"
        | "parent_location"
        | "parent_location_code" => json!("1"),
        "department" | "dept_code" | "departments" | "department_code" => json!("OPS"),
        "dept_name" => json!("Operations"),
        "position" | "position_code" => json!("GUARD"),
        "position_name" => json!("Guard"),
        "location" | "location_code" => json!("BLR"),
        "location_name" => json!("Bengaluru"),
        "sn" | "terminal_sn" | "enroll_sn" | "terminals" => json!("CJDE193560304"),
        "wait" => json!(5),
        "bio_type" => json!("9"),
        "status" => json!("Success"),
        "state" => json!("done"),
        "finger" => json!(6),
        "ip" => json!("muster.example.com"),
        "port" => json!(8080),
        "seconds" => json!(5),
        "verb" => json!("REBOOT"),
        "command" => json!("REBOOT"),
        "meaning" => json!("Done"),
        "return_code" => json!(0),
        "create_user" => json!("admin"),
        "alias" | "terminal_alias" | "terminal_name" => json!("Gate in"),
        "ip_address" | "real_ip" => json!("192.0.2.17"),
        "terminal_tz" => json!(330),
        "fw_ver" => json!("Ver 8.0.4.7"),
        "push_ver" => json!("2.4.1"),
        "punch_state" => json!("0"),
        "work_code" => json!("0"),
        "verify_type" => json!(15),
        "fingerprint" => json!("Ver 10:2"),
        "face" => json!("-"),
        "action_type" => json!("delete"),
        "export_type" => json!("csv"),
        "export_headers" => json!("id,emp_code"),
        "message" => json!("deleted"),
        "detail" => json!("Not found."),
        "start_time" | "upload_time_start" => json!("2026-03-01 00:00:00"),
        "end_time" | "upload_time_end" => json!("2026-03-31 23:59:59"),
        "resign_type" => json!(1),
        "reason" => json!("Moves away"),
        "content" => json!("The gate closes at six today."),
        _ => return None,
    })
}
