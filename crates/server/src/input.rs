//! Reading what a caller may write, field by field: each is checked in the words callers know,
//! and all that is wrong is told together.

use crate::appendix;
use crate::error::{Error, Problem, Result};
use crate::extract::{Body, python_type};
use crate::language;
use crate::times;
use chrono::{NaiveDate, NaiveDateTime};
use serde_json::Value;

/// A field as it was given: `None` when it was not, `Some(None)` when it is to be empty.
pub type Given<T> = Option<Option<T>>;

/// What a text may be.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    max: usize,
    blank: bool,
    null: bool,
    lines: bool,
    pattern: Option<fn(&str) -> bool>,
    complaint: language::Text,
}

impl Text {
    /// Neither empty nor null, of at most so many letters.
    pub const fn max(max: usize) -> Text {
        Text {
            max,
            blank: false,
            null: false,
            lines: false,
            pattern: None,
            complaint: t!("Enter a valid value."),
        }
    }

    /// May be empty or null.
    pub const fn optional(self) -> Text {
        Text {
            blank: true,
            null: true,
            ..self
        }
    }

    /// May have several lines.
    pub const fn lines(self) -> Text {
        Text {
            lines: true,
            ..self
        }
    }

    pub const fn like(self, pattern: fn(&str) -> bool) -> Text {
        Text {
            pattern: Some(pattern),
            ..self
        }
    }

    /// What is said when the pattern does not fit.
    pub const fn or_say(self, complaint: language::Text) -> Text {
        Text { complaint, ..self }
    }
}

/// A body being read.
pub struct Input<'a> {
    body: &'a Body,
    /// Fields that are required must be there.
    is_new: bool,
    pub problems: Vec<Problem>,
}

impl<'a> Input<'a> {
    /// Whether a new thing is made of it, rather than one changed.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    pub fn new(body: &'a Body, is_new: bool) -> Input<'a> {
        Input {
            body,
            is_new,
            problems: Vec::new(),
        }
    }

    pub fn problem(&mut self, field: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(field, message));
    }

    /// Gives the last problem the appendix's number.
    pub fn code_last(&mut self, code: i32) {
        if let Some(problem) = self.problems.last_mut() {
            problem.code = code;
        }
    }

    /// Complains when a new row comes without the field. Some of its names may be used instead.
    pub fn require(&mut self, names: &[&str]) -> bool {
        let is_missing = self.is_new && self.body.first_of(names).is_none();
        if is_missing && let Some(name) = names.first() {
            self.problem(name, t!("This field is required."));
        }
        !is_missing
    }

    /// The value under the first of several names that is there.
    pub fn value(&self, names: &[&'static str]) -> Option<(&'static str, &'a Value)> {
        self.body.first_of(names)
    }

    pub fn is_form(&self) -> bool {
        self.body.is_form()
    }

    pub fn text(&mut self, name: &'static str, rule: Text) -> Given<String> {
        let value = self.body.get(name)?;
        match read_text(value, rule) {
            Ok(text) => Some(text),
            Err(message) => {
                self.problem(name, message);
                None
            }
        }
    }

    /// A text every row has; without one the problem has the appendix's number for that.
    pub fn required_text(&mut self, name: &'static str, rule: Text, empty: i32) -> Option<String> {
        let is_empty = match self.body.get(name) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.trim().is_empty(),
            Some(_) => false,
        };
        let before = self.problems.len();
        self.require(&[name]);
        let text = self.text(name, rule).flatten();
        if is_empty && self.problems.len() > before {
            self.code_last(empty);
        }
        text
    }

    pub fn integer(&mut self, name: &'static str, least: i64, most: i64, null: bool) -> Given<i64> {
        let value = self.body.get(name)?;
        let number = match value {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            Value::Number(number) => match number.as_i64().or_else(|| whole(number.as_f64()?)) {
                Some(number) => Some(number),
                None => {
                    self.problem(name, t!("A valid integer is required."));
                    return None;
                }
            },
            Value::String(text) => match text.trim().parse() {
                Ok(number) => Some(number),
                Err(_) => {
                    self.problem(name, t!("A valid integer is required."));
                    return None;
                }
            },
            _ => {
                self.problem(name, t!("A valid integer is required."));
                return None;
            }
        };
        match number {
            None if null => Some(None),
            None if value.is_null() => {
                self.problem(name, t!("This field may not be null."));
                None
            }
            None => {
                self.problem(name, t!("A valid integer is required."));
                None
            }
            Some(number) if number < least => {
                self.problem(
                    name,
                    t!(
                        "Ensure this value is greater than or equal to {least}.",
                        least = least
                    ),
                );
                None
            }
            Some(number) if number > most => {
                self.problem(
                    name,
                    t!(
                        "Ensure this value is less than or equal to {count}.",
                        count = most
                    ),
                );
                None
            }
            Some(number) => Some(Some(number)),
        }
    }

    /// A whole number that fits a small column.
    pub fn small(&mut self, name: &'static str, least: i16, most: i16) -> Option<i16> {
        self.integer(name, least.into(), most.into(), false)
            .flatten()
            .and_then(|number| number.try_into().ok())
    }

    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        let value = self.body.get(name)?;
        if value.is_null() {
            self.problem(name, t!("This field may not be null."));
            return None;
        }
        let boolean = read_boolean(value);
        if boolean.is_none() {
            self.problem(name, t!("Must be a valid boolean."));
        }
        boolean
    }

    pub fn date(&mut self, name: &'static str) -> Given<NaiveDate> {
        let text = match self.body.get(name)? {
            Value::Null => return Some(None),
            Value::String(text) if text.trim().is_empty() => return Some(None),
            Value::String(text) => text.trim(),
            _ => "",
        };
        match times::read_date(text) {
            Some(date) => Some(Some(date)),
            None => {
                self.problem(
                    name,
                    t!("Date has wrong format. Use one of these formats instead: YYYY-MM-DD."),
                );
                self.code_last(appendix::BAD_TIME);
                None
            }
        }
    }

    /// A point on a wall clock, neither null nor empty; a date alone is its midnight.
    pub fn time(&mut self, name: &'static str) -> Option<NaiveDateTime> {
        let value = self.body.get(name)?;
        let time = value.as_str().and_then(times::read_from);
        if value.is_null() {
            self.problem(name, t!("This field may not be null."));
        } else if time.is_none() {
            self.problem(
                name,
                t!(
                    "Datetime has wrong format. Use one of these formats instead: \
                 YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
                ),
            );
            self.code_last(appendix::BAD_TIME);
        }
        time
    }

    pub fn choice(&mut self, name: &'static str, choices: &[&str]) -> Given<String> {
        match self.body.get(name)? {
            Value::Null => Some(None),
            Value::String(text) if text.trim().is_empty() => Some(None),
            Value::String(text) if choices.contains(&text.trim()) => {
                Some(Some(text.trim().to_owned()))
            }
            other => {
                let shown = brief_value(other);
                self.problem(
                    name,
                    t!("\"{value}\" is not a valid choice.", value = shown),
                );
                None
            }
        }
    }

    /// One of these, neither null nor empty.
    pub fn one_of(&mut self, name: &'static str, choices: &[&str]) -> Option<String> {
        match self.body.get(name)? {
            Value::Null => {
                self.problem(name, t!("This field may not be null."));
                None
            }
            Value::String(text) if text.trim().is_empty() => {
                self.problem(name, t!("\"{value}\" is not a valid choice.", value = text));
                None
            }
            _ => self.choice(name, choices).flatten(),
        }
    }

    /// Everything that is wrong, as one error; nothing when all is well.
    pub fn settle(self) -> Result<()> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.problems))
        }
    }
}

/// A text that was given, as far as a message repeats it.
pub fn brief(text: &str) -> String {
    text.chars().take(100).collect()
}

/// The same of any value.
pub fn brief_value(value: &Value) -> String {
    match value {
        Value::String(text) => brief(text),
        other => brief(&other.to_string()),
    }
}

fn whole(number: f64) -> Option<i64> {
    // Beyond 2^53 a float no longer says which integer is meant.
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

pub fn read_boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(boolean) => Some(*boolean),
        Value::Number(number) => match number.as_i64() {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "true" | "1" | "on" | "yes" | "t" | "y" => Some(true),
            "false" | "0" | "off" | "no" | "f" | "n" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A text, a number taken as one, or what is wrong with it.
pub fn read_text(value: &Value, rule: Text) -> Result<Option<String>, String> {
    let text = match value {
        Value::Null if rule.null => return Ok(None),
        Value::Null => return Err(t!("This field may not be null.").into()),
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(t!("Not a valid string.").into()),
    };
    if text.is_empty() {
        return if rule.blank {
            Ok(Some(text))
        } else {
            Err(t!("This field may not be blank.").into())
        };
    }
    if text.contains('\0') {
        return Err(t!("Null characters are not allowed.").into());
    }
    // What goes to a terminal is cut apart at tabs and line ends.
    let is_control =
        |letter: char| letter.is_control() && !(rule.lines && matches!(letter, '\n' | '\r' | '\t'));
    if text.chars().any(is_control) {
        return Err(t!("Control characters are not allowed.").into());
    }
    if text.chars().count() > rule.max {
        return Err(t!(
            "Ensure this field has no more than {count} characters.",
            count = rule.max
        ));
    }
    if let Some(fits) = rule.pattern
        && !fits(&text)
    {
        return Err(rule.complaint.into());
    }
    Ok(Some(text))
}

/// A list as it is sent: in JSON a list, in a form one field or several.
pub fn read_list(value: &Value, is_form: bool) -> Result<Vec<&Value>, String> {
    match value {
        Value::Array(items) => Ok(items.iter().collect()),
        single if is_form => Ok(vec![single]),
        Value::Null => Err(t!("This field may not be null.").into()),
        other => Err(t!(
            "Expected a list of items but got type \"{kind}\".",
            kind = python_type(other)
        )),
    }
}

/// Several of something in a bulk action or a command: a list, one of them, or `1,2,3`.
pub fn read_several(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => items
            .iter()
            .all(|item| item.is_string() || item.is_i64() || item.is_u64())
            .then(|| items.clone()),
        Value::String(text) => {
            let text = text.trim();
            let inner = text
                .strip_prefix('[')
                .and_then(|text| text.strip_suffix(']'))
                .unwrap_or(text);
            Some(
                inner
                    .split(',')
                    .map(|item| item.trim().trim_matches(['"', '\'']).trim())
                    .filter(|item| !item.is_empty())
                    .map(Value::from)
                    .collect(),
            )
        }
        Value::Number(number) if !number.is_f64() => Some(vec![value.clone()]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Input, Text, read_several};
    use crate::extract::Body;
    use serde_json::json;

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let body = json!({
            "first_name": "x\tPri=14", "nickname": true, "verify_mode": "many", "enable_att": 2,
            "hire_date": "17/06/2025", "gender": "Q", "emp_type": 3.5, "city": 13,
        });
        let body = Body::from_object(body.as_object().expect("an object").clone());
        let mut input = Input::new(&body, true);
        input.require(&["emp_code"]);
        input.text("first_name", Text::max(100));
        input.text("nickname", Text::max(100));
        input.integer("verify_mode", -1, 300, true);
        input.boolean("enable_att");
        input.date("hire_date");
        input.choice("gender", &["M", "F"]);
        input.integer("emp_type", 0, 300, true);
        assert_eq!(
            input.text("city", Text::max(20)),
            Some(Some("13".to_owned()))
        );
        let told: Vec<_> = input
            .problems
            .iter()
            .map(|problem| format!("{}: {}", problem.field, problem.message))
            .collect();
        assert_eq!(
            told,
            [
                "emp_code: This field is required.",
                "first_name: Control characters are not allowed.",
                "nickname: Not a valid string.",
                "verify_mode: A valid integer is required.",
                "enable_att: Must be a valid boolean.",
                "hire_date: Date has wrong format. Use one of these formats instead: YYYY-MM-DD.",
                "gender: \"Q\" is not a valid choice.",
                "emp_type: A valid integer is required.",
            ]
        );
    }

    #[test]
    fn several_come_as_a_list_one_or_with_commas() {
        let several = [json!([1, "2"]), json!("1,2"), json!("[1, '2']"), json!(7)];
        let read: Vec<_> = several.iter().filter_map(read_several).collect();
        assert_eq!(
            read,
            [
                vec![json!(1), json!("2")],
                vec![json!("1"), json!("2")],
                vec![json!("1"), json!("2")],
                vec![json!(7)],
            ]
        );
        assert!(read_several(&json!({ "id": 1 })).is_none());
        assert!(read_several(&json!([[1]])).is_none());
    }
}
