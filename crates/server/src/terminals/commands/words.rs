//! Commands in the words of a terminal's kind, and as they may be seen.

use muster_protocol::command::{Command, Control};
use muster_protocol::handshake::Family;

/// A command in the words of a terminal's kind, and as the text that is sent; or why that kind
/// cannot be told.
pub type Worded = (Command, String);

pub fn worded(command: &Command, family: Family) -> Result<Worded, String> {
    let command = for_family(command, family)?;
    let text = command
        .encode()
        .map_err(|unsendable| unsendable.to_string())?;
    Ok((command, text))
}

/// The same deed in the words of the terminal's kind, or a refusal when that kind cannot do it.
fn for_family(command: &Command, family: Family) -> Result<Command, String> {
    let is_access = is_for_access_terminals(command);
    match (family, command) {
        (Family::Access, Command::Reboot) => Ok(Command::AccessControl(Control::Restart)),
        (Family::Access, Command::Unlock) => Ok(Command::AccessControl(Control::Open {
            door: 1,
            seconds: 5,
        })),
        (Family::Access, Command::CancelAlarm) => {
            Ok(Command::AccessControl(Control::CancelAlarm { door: 1 }))
        }
        (Family::Access, Command::Info) => Ok(Command::AccessGetOptions(
            ["~SerialNumber", "FirmVer", "~DeviceName", "LockCount"]
                .map(str::to_owned)
                .to_vec(),
        )),
        (Family::Access, Command::DeleteUser { pin }) => {
            Ok(Command::AccessDeleteUser { pin: pin.clone() })
        }
        (Family::Access, Command::SetOption { key, value }) => {
            Ok(Command::AccessSetOptions(vec![(
                key.clone(),
                value.clone(),
            )]))
        }
        // Newer ones of both kinds have it.
        (Family::Access, Command::EnrollBio { .. }) => Ok(command.clone()),
        (Family::Access, _) if is_access => Ok(command.clone()),
        (Family::Attendance, _) if !is_access => Ok(command.clone()),
        _ => Err(t!(
            "This kind of terminal cannot do {command}.",
            command = command.verb()
        )),
    }
}

fn is_for_access_terminals(command: &Command) -> bool {
    matches!(
        command,
        Command::AccessUpdateUser(_)
            | Command::AccessAuthorize { .. }
            | Command::AccessDeleteUser { .. }
            | Command::AccessDeleteAuthorization { .. }
            | Command::AccessUpdateBiodata(_)
            | Command::AccessDeleteBiodata { .. }
            | Command::AccessUpdateBiophoto { .. }
            | Command::AccessDeleteBiophoto { .. }
            | Command::AccessControl(_)
            | Command::AccessSetOptions(_)
            | Command::AccessGetOptions(_)
            | Command::AccessQuery { .. }
            | Command::AccessCount { .. }
            | Command::AccessClear(_)
    )
}

/// Whether the terminal was told to start anew, in either kind's words.
pub(super) fn is_restart(text: &str) -> bool {
    matches!(text, "REBOOT" | "CONTROL DEVICE 03000000")
}

/// What of a command nobody is shown: passwords, templates, pictures and messages.
const SECRET: &[&str] = &[
    "passwd", "password", "tmp", "content", "comkey", "compwd", "authkey", "template", "msg",
];
/// What only those are shown who may see people.
const OF_PEOPLE: &[&str] = &["name", "card", "cardno", "vicecard"];

/// A command's text as it is kept to be seen.
pub fn shown(text: &str) -> String {
    without(SECRET, text)
}

/// The same for whoever may not see people: the PIN alone says whom it is about.
pub fn shown_without_people(text: &str) -> String {
    without(OF_PEOPLE, &shown(text))
}

fn without(secret: &[&str], text: &str) -> String {
    let shown: Vec<String> = text
        .split('\t')
        .map(|field| match field.split_once('=') {
            Some((name, value)) if !value.is_empty() => {
                let key = name.rsplit(' ').next().unwrap_or(name);
                if secret.iter().any(|secret| key.eq_ignore_ascii_case(secret)) {
                    format!("{name}=…")
                } else if key == "DateTime" {
                    // `command::at_moment`.
                    format!("{name}=(the moment it is sent)")
                } else {
                    field.to_owned()
                }
            }
            _ => field.to_owned(),
        })
        .collect();
    shown.join("\t")
}

#[cfg(test)]
mod tests {
    use super::{shown, shown_without_people};

    #[test]
    fn who_may_not_see_people_is_shown_their_pins_alone() {
        for (text, left) in [
            (
                "DATA UPDATE USERINFO PIN=1\tName=A B\tPri=0\tPasswd=1\tCard=77\tViceCard=8",
                "DATA UPDATE USERINFO PIN=1\tName=…\tPri=0\tPasswd=…\tCard=…\tViceCard=…",
            ),
            (
                "DATA UPDATE user CardNo=77\tPin=1\tPassword=\tName=A=B\tPrivilege=0",
                "DATA UPDATE user CardNo=…\tPin=1\tPassword=\tName=…\tPrivilege=0",
            ),
        ] {
            assert_eq!(shown_without_people(text), left);
            assert_eq!(shown_without_people(&shown(text)), left);
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(
            shown("DATA UPDATE USERINFO PIN=1\tName=A\tPasswd=1234\tCard="),
            "DATA UPDATE USERINFO PIN=1\tName=A\tPasswd=…\tCard="
        );
        assert_eq!(shown("SET OPTION ComKey=99"), "SET OPTION ComKey=…");
        assert_eq!(
            shown("SET OPTIONS DateTime=836899200"),
            "SET OPTIONS DateTime=(the moment it is sent)"
        );
    }
}
