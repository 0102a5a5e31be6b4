//! The id of a request: it stands in every line of the log that is written while the request is
//! answered, and in the answer, so that whoever was told of a failure can have it found.

use crate::keys;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use tokio::task::futures::TaskLocalFuture;

/// In which header programs and browsers get it, and proxies bring one.
pub const HEADER: &str = "x-request-id";
/// What a proxy calls a request is taken over when it has no more letters, digits, dots, dashes and
/// underscores than these.
const LONGEST: usize = 64;

#[derive(Debug, Clone)]
pub enum RequestId {
    /// The request's number since this program started; two programs do not call two requests the same.
    Own(u64),
    Given(Arc<str>),
}

/// Tells this run of the program from others.
static RUN: LazyLock<u32> = LazyLock::new(|| u32::from_be_bytes(keys::random()));
static NEXT: AtomicU64 = AtomicU64::new(1);

tokio::task_local! {
    static CURRENT: RequestId;
}

impl RequestId {
    /// Cheap enough for every poll: it becomes a text only where it is shown.
    pub fn new() -> RequestId {
        RequestId::Own(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// What somebody who is trusted calls it, if that is well-formed.
    pub fn given(text: &str) -> Option<RequestId> {
        let is_good = (1..=LONGEST).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        is_good.then(|| RequestId::Given(text.into()))
    }

    /// Does what answers the request; [`current_id`] is this id meanwhile.
    pub fn within<F: Future>(self, work: F) -> TaskLocalFuture<RequestId, F> {
        CURRENT.scope(self, work)
    }
}

impl Default for RequestId {
    fn default() -> RequestId {
        RequestId::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestId::Own(number) => write!(f, "{:08x}-{number:x}", *RUN),
            RequestId::Given(text) => f.write_str(text),
        }
    }
}

/// The id of the request that is being answered, if one is.
pub fn current_id() -> Option<RequestId> {
    CURRENT.try_with(RequestId::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn what_a_proxy_calls_a_request_is_taken_over_when_it_is_well_formed() {
        let given = |text: &str| RequestId::given(text).map(|id| id.to_string());
        let good = "0af7651916cd43dd-8448.eb_211";
        assert_eq!(given(good).as_deref(), Some(good));
        for text in ["", "two words", "a\nb", "<b>", "é", &"x".repeat(65)] {
            assert_eq!(given(text), None, "{text:?}");
        }
        assert_ne!(RequestId::new().to_string(), RequestId::new().to_string());
    }
}
