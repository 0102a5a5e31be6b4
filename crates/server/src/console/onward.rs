//! Where somebody goes on who has signed in: the page he asked for before, which is one of ours.

use axum::http::Uri;
use url::Url;
use url::form_urlencoded::Serializer;

/// Longer addresses no page of the console has.
const LONGEST: usize = 2000;

/// The path of a page of this console, with what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onward(String);

impl Onward {
    /// The page the console opens with.
    pub fn first() -> Onward {
        Onward("/".to_owned())
    }

    /// The page that was asked for, or the first one.
    pub fn to(uri: &Uri) -> Onward {
        Onward::read(uri.path_and_query().map_or("/", |asked| asked.as_str()))
    }

    /// What anybody may have written into a link: a page of ours, or the first one.
    pub fn read(text: &str) -> Onward {
        own(text).map_or_else(Onward::first, Onward)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_first(&self) -> bool {
        self.0 == "/"
    }

    /// The way to it by the sign-in.
    pub fn by_sign_in(&self) -> String {
        if self.is_first() {
            return "/sign-in".to_owned();
        }
        let mut query = Serializer::new(String::new());
        query.append_pair("to", &self.0);
        format!("/sign-in?{}", query.finish())
    }
}

/// As a browser would understand it, when that is a page here and nowhere else.
fn own(text: &str) -> Option<String> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if !is_plain || text.len() > LONGEST || !text.starts_with('/') || text.starts_with("//") {
        return None;
    }
    let here = Url::parse("http://here.invalid/").ok()?;
    let there = here.join(text).ok()?;
    let path = there.path();
    // Nobody goes on to the way in or out, and a file leads to no page.
    if there.origin() != here.origin() || path.starts_with("//") || path.starts_with("/sign-") {
        return None;
    }
    if let Some(list) = path.strip_suffix("/file") {
        return Some(list.to_owned());
    }
    Some(match there.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::Onward;

    #[test]
    fn only_a_page_of_ours_is_gone_on_to() {
        for own in [
            "/",
            "/employees",
            "/employees?department=3&search=a%20b&page=2",
            "/transactions?emp_code=%2F%2Fevil.example",
            "/terminals/7",
        ] {
            assert_eq!(Onward::read(own).as_str(), own);
        }
        for foreign in [
            "",
            "evil.example",
            "https://evil.example/",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/employees\r\nSet-Cookie: a=b",
            " /employees",
            "javascript:alert(1)",
            "/.//evil.example",
            "/a/..//evil.example",
            "/%2e//evil.example",
            "/sign-in",
            "/sign-out",
            "/sign-in?to=/sign-in",
            "/\u{ff0f}evil.example",
        ] {
            assert_eq!(Onward::read(foreign).as_str(), "/", "{foreign:?}");
        }
        let long = format!("/employees?search={}", "a".repeat(2000));
        assert_eq!(Onward::read(&long).as_str(), "/");
        assert_eq!(
            Onward::read("/employees/file?export_type=csv").as_str(),
            "/employees"
        );
        assert_eq!(Onward::read("/").by_sign_in(), "/sign-in");
        assert_eq!(
            Onward::read("/live?area=3").by_sign_in(),
            "/sign-in?to=%2Flive%3Farea%3D3"
        );
    }
}
