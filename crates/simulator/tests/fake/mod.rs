//! A server that speaks the protocol by the book, keeps all in memory, and can be told to misbehave.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use muster_simulator::ApiAccess;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub head: String,
    pub door: String,
    query: HashMap<String, String>,
    pub body: String,
}

impl Asked {
    pub fn query(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }

    pub fn is_upload(&self) -> bool {
        self.head.starts_with("POST") && self.door == "cdata"
    }
}

pub enum Said {
    Text(u16, String),
    /// The whole answer, headers and all.
    Raw(String),
    /// The connection is closed without an answer.
    Nothing,
}

/// Terminal, PIN, time, status, verify: as texts.
pub type Stored = [String; 5];

#[derive(Default)]
pub struct State {
    pub seen: Vec<Asked>,
    pub rows: Vec<Stored>,
    /// Sent with the next poll, whosever it is.
    pub commands: Vec<&'static str>,
    /// Lines of the handshake's answer, each with its end.
    pub options: String,
    pub known_access: bool,
}

/// `Some` replaces what the server would do.
pub type Rule = Box<dyn FnMut(&Asked, &mut State) -> Option<Said> + Send>;

pub struct Fake {
    pub address: String,
    state: Arc<Mutex<State>>,
}

pub const OPTIONS: &str = "ATTLOGStamp=9999\nOPERLOGStamp=9999\nErrorDelay=30\nDelay=10\nTransInterval=1\nTimeZone=0\nRealtime=1\n\
    ServerVer=2.4.1\nPushProtVer=2.4.1\nPushOptionsFlag=1\nSupportPing=1\n";

impl Fake {
    pub async fn start() -> Fake {
        Fake::misbehaving(Box::new(|_, _| None)).await
    }

    pub async fn misbehaving(rule: Rule) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(Mutex::new(State {
            options: OPTIONS.into(),
            ..State::default()
        }));
        let (shared, rule) = (state.clone(), Arc::new(Mutex::new(rule)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, shared.clone(), rule.clone()));
            }
        });
        Fake { address, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no test panics while it holds this")
    }

    pub fn api(&self) -> ApiAccess {
        ApiAccess {
            url: format!("http://{}", self.address),
            token: "t0ken".into(),
        }
    }
}

async fn converse(mut stream: TcpStream, state: Arc<Mutex<State>>, rule: Arc<Mutex<Rule>>) {
    while let Some(asked) = read(&mut stream).await {
        let said = {
            let mut state = state.lock().expect("no test panics while it holds this");
            let mut rule = rule.lock().expect("no rule panics");
            let said = rule(&asked, &mut state).unwrap_or_else(|| answer(&asked, &mut state));
            state.seen.push(asked);
            said
        };
        let answer = match said {
            Said::Nothing => return,
            Said::Raw(text) => text,
            Said::Text(status, body) => written(status, &body),
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

pub fn written(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Spoken\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nDate: Mon, 02 Mar 2026 09:00:00 GMT\r\n\r\n{body}",
        body.len()
    )
}

/// `None`: the connection ended, even in the middle of a body.
async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(end + 4);
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .map_or(0, |length| length.parse().unwrap_or(0));
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let line = head.lines().next().unwrap_or_default();
    let target = &line[line.find(' ')? + 1..line.rfind(' ')?];
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let door = path
        .trim_start_matches("/iclock/")
        .trim_end_matches(".aspx")
        .to_owned();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs
        .map(|(key, value)| {
            (
                if key == "sn" { "SN" } else { key }.to_owned(),
                value.to_owned(),
            )
        })
        .collect();
    Some(Asked {
        head,
        door,
        query,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn answer(asked: &Asked, state: &mut State) -> Said {
    let ok = |body: String| Said::Text(200, body);
    match asked.door.as_str() {
        "cdata" if !asked.is_upload() => match asked.query("DeviceType") {
            "acc" if state.known_access => ok("registry=ok\nRegistryCode=Uy47fxftP3\nRequestDelay=10\nErrorDelay=30\nRealtime=1\n".into()),
            "acc" => ok("OK".into()),
            _ => ok(format!("GET OPTION FROM: {}\n{}", asked.query("SN"), state.options)),
        },
        "cdata" => {
            let count = asked.body.lines().count();
            match asked.query("table") {
                "ATTLOG" => keep(state, attlog(asked)),
                "" if asked.query.contains_key("Stamp") => keep(state, attlog(asked)),
                "rtlog" => keep(state, rtlog(asked)),
                "tabledata" => return ok(format!("{}={count}", asked.query("tablename"))),
                _ => {}
            }
            ok(format!("OK: {count}"))
        }
        "getrequest" => {
            let commands: String = state.commands.drain(..).map(|command| format!("{command}\n")).collect();
            ok(if commands.is_empty() { "OK".into() } else { commands })
        }
        "devicecmd" | "ping" => ok("OK".into()),
        "registry" => {
            state.known_access = true;
            ok("RegistryCode=Uy47fxftP3".into())
        }
        "push" => ok("ServerVersion=3.0.1\nRequestDelay=10\nErrorDelay=30\nRealtime=1".into()),
        "querydata" => ok(match asked.query("type") {
            "tabledata" => format!("{}={}", asked.query("tablename"), asked.query("count")),
            _ => "OK".into(),
        }),
        "api/transactions/" => ok(page(state, asked)),
        "api/unregister/" => ok(r#"{"count":0,"next":null,"previous":null,"msg":"","code":0,"data":[]}"#.into()),
        _ => Said::Text(404, "not found".into()),
    }
}

/// Rows that are not there yet.
pub fn keep(state: &mut State, rows: Vec<Stored>) {
    for row in rows {
        if !state.rows.contains(&row) {
            state.rows.push(row);
        }
    }
}

pub fn attlog(asked: &Asked) -> Vec<Stored> {
    let rows = asked
        .body
        .lines()
        .map(|row| row.split('\t').collect::<Vec<_>>());
    let good = rows.filter(|row| row.len() >= 4 && !row[0].is_empty() && !row[1].contains("99:99"));
    good.map(|row| [asked.query("SN"), row[0], row[1], row[2], row[3]].map(str::to_owned))
        .collect()
}

fn rtlog(asked: &Asked) -> Vec<Stored> {
    let rows = asked.body.lines().map(|row| {
        row.split('\t')
            .filter_map(|pair| pair.split_once('='))
            .collect::<HashMap<_, _>>()
    });
    let of_people = rows.filter(|row| row["pin"] != "0");
    of_people
        .map(|row| {
            [
                asked.query("SN"),
                row["pin"],
                row["time"],
                row["inoutstatus"],
                "200",
            ]
            .map(str::to_owned)
        })
        .collect()
}

/// In pages of a hundred, whatever is asked for.
fn page(state: &State, asked: &Asked) -> String {
    assert!(
        asked.head.contains("\r\nAuthorization: Token t0ken\r\n"),
        "{}",
        asked.head
    );
    let rows: Vec<&Stored> = state
        .rows
        .iter()
        .filter(|row| row[0] == asked.query("terminal_sn"))
        .collect();
    let page: usize = asked.query("page").parse().expect("a page");
    let some = rows.chunks(100).nth(page - 1).unwrap_or_default();
    let next = (page * 100 < rows.len()).then_some("http://x/");
    let listed: Vec<_> = some
        .iter()
        .map(|[sn, pin, time, status, verify]| {
            let verify: u8 = verify.parse().expect("a verify code");
            serde_json::json!({ "emp_code": pin, "punch_time": time, "punch_state": status, "verify_type": verify, "terminal_sn": sn })
        })
        .collect();
    serde_json::json!({ "count": rows.len(), "next": next, "previous": null, "msg": "", "code": 0, "data": listed }).to_string()
}
