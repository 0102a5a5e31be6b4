//! The own password of an employee, for the staff doors: plain, or a hash made elsewhere.

use crate::accounts::staff::Staff;
use crate::app::App;
use crate::error::Result;
use crate::password;
use base64::Engine;
use muster_store::Sql;

/// An own password as it was given.
pub(super) enum OwnPassword {
    Plain(String),
    /// Made elsewhere; it is verified at the next login and replaced then.
    Hashed(String),
}

/// What a text for an own password is, or what is wrong with it. A text that looks like a hash is
/// never taken as a password: who wrote it meant the password behind it.
pub(super) fn read_own_password(text: &str) -> Result<OwnPassword, String> {
    if text.contains('\0') {
        return Err(t!("Null characters are not allowed.").into());
    }
    if text.len() > password::MAX_BYTES {
        return Err(t!(
            "Ensure this field has no more than {count} characters.",
            count = password::MAX_BYTES
        ));
    }
    let parts: Vec<&str> = text.split('$').collect();
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    match parts[..] {
        ["pbkdf2_sha256", rounds, salt, digest] => {
            let rounds_are_good = !rounds.starts_with('0')
                && rounds
                    .parse::<u32>()
                    .is_ok_and(|rounds| (10_000..=2_000_000).contains(&rounds));
            let digest_is_good = base64::prelude::BASE64_STANDARD
                .decode(digest)
                .is_ok_and(|bytes| bytes.len() == 32);
            if rounds_are_good && salt.len() >= 8 && digest_is_good {
                Ok(OwnPassword::Hashed(text.to_owned()))
            } else {
                Err(t!("Enter a valid value.").into())
            }
        }
        // `$2b$…`, `$argon2id$…`, `sha1$salt$digest` and their like.
        ["", name, _, ..] if is_name(name) => Err(t!("Enter a valid value.").into()),
        [name, _, _, ..] if is_name(name) => Err(t!("Enter a valid value.").into()),
        _ => Ok(OwnPassword::Plain(text.to_owned())),
    }
}

/// A hash made elsewhere, once it has let somebody in, gives way to one of ours, which is
/// returned. `None`: it is ours already.
pub async fn rehash(app: &App, staff: &Staff, password: &str) -> Result<Option<String>> {
    let Some(foreign) = staff
        .self_password_hash
        .as_ref()
        .filter(|hash| hash.starts_with("pbkdf2_sha256$"))
    else {
        return Ok(None);
    };
    let ours = app.passwords.hash(password).await?;
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "UPDATE employee SET self_password_hash = $1 WHERE id = $2 AND self_password_hash = $3",
        [ours.clone().into(), staff.id.into(), foreign.clone().into()],
    ))
    .await?;
    tx.commit().await?;
    app.accounts.forget();
    Ok(Some(ours))
}

#[cfg(test)]
mod tests {
    use super::{OwnPassword, read_own_password};

    #[test]
    fn only_a_whole_hash_is_taken_as_one_and_nothing_like_one_as_a_password() {
        let manual = "pbkdf2_sha256$600000$g708QX09ch0KUiR5kCwJ4T$XnOY4d2gmpseLhvXsKEHYj+Lk1c084m3PxN278ACH1w=";
        assert!(matches!(
            read_own_password(manual),
            Ok(OwnPassword::Hashed(_))
        ));
        for text in [
            "pbkdf2_sha256$1$a$b",
            "pbkdf2_sha256$9999$g708QX09ch0K$XnOY4d2gmpseLhvXsKEHYj+Lk1c084m3PxN278ACH1w=",
            "pbkdf2_sha1$600000$g708QX09ch0K$XnOY4d2gmpseLhvXsKEHYg==",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
            "sha1$salt$digest",
        ] {
            assert!(read_own_password(text).is_err(), "{text}");
        }
        for text in ["123456", "cost$ 5", "a$b", "correct horse battery"] {
            assert!(
                matches!(read_own_password(text), Ok(OwnPassword::Plain(_))),
                "{text}"
            );
        }
    }
}
