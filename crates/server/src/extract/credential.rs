//! What a caller shows to prove who it is, as its header or its query has it.

use super::Query;
use crate::app::App;
use crate::error::{Error, Result, Unauthenticated};
use base64::Engine;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// What a caller shows to prove who it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// `word`: JWT, TOKEN and so on in upper case; empty for a bare token.
    Token {
        word: String,
        token: String,
    },
    Basic {
        username: String,
        password: String,
    },
    /// `?access_token=`, for API clients alone.
    InQuery(String),
}

/// The scheme words callers use; any of them goes with any kind of token.
const WORDS: [&str; 4] = ["TOKEN", "JWT", "BEARER", "BEARER-TOKEN"];

impl Credential {
    pub fn read(app: &App, headers: &HeaderMap, query: &mut Query) -> Result<Credential> {
        let refuse = |reason| Err(Error::Unauthenticated(reason));
        let in_query = query.take("access_token");
        let Some(header) = headers.get(AUTHORIZATION) else {
            return match in_query {
                Some(token) if app.settings().api.query_token => Ok(Credential::InQuery(token)),
                Some(_) => refuse(Unauthenticated::InvalidToken),
                None => refuse(Unauthenticated::Missing),
            };
        };
        let Ok(text) = header.to_str() else {
            return refuse(Unauthenticated::InvalidToken);
        };
        let parts: Vec<&str> = text.split_whitespace().collect();
        match parts[..] {
            [] => refuse(Unauthenticated::Missing),
            [word] if WORDS.contains(&word.to_uppercase().as_str()) => {
                refuse(Unauthenticated::EmptyHeader)
            }
            [token] => Ok(Credential::Token {
                word: String::new(),
                token: token.to_owned(),
            }),
            [word, rest] if word.eq_ignore_ascii_case("basic") => {
                if !app.settings().api.basic {
                    return refuse(Unauthenticated::Missing);
                }
                base64::prelude::BASE64_STANDARD
                    .decode(rest)
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                    .and_then(|pair| {
                        let (username, password) = pair.split_once(':')?;
                        Some(Credential::Basic {
                            username: username.to_owned(),
                            password: password.to_owned(),
                        })
                    })
                    .map_or_else(|| refuse(Unauthenticated::InvalidBasic), Ok)
            }
            [word, ..] if !WORDS.contains(&word.to_uppercase().as_str()) => {
                refuse(Unauthenticated::Missing)
            }
            [word, token] => Ok(Credential::Token {
                word: word.to_uppercase(),
                token: token.to_owned(),
            }),
            _ => refuse(Unauthenticated::SpacesInToken),
        }
    }
}
