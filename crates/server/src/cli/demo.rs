//! `muster demo`: a server with a small company in it, and four terminals that punch.

use super::serve::{Server, raise_open_files, stop_signal};
use super::{block_on, logs};
use crate::access::Caller;
use crate::app::{App, Opened};
use crate::clock::Clock;
use crate::config::Config;
use crate::extract::Body;
use crate::keys;
use crate::resource::{self, Writable};
use crate::resources::area::Area;
use crate::resources::department::Department;
use crate::resources::employee::Employee;
use crate::resources::position::Position;
use crate::terminals::terminal::Terminal;
use anyhow::Context;
use clap::Args;
use muster_simulator::{DEMO_TERMINALS, Options};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args, Serialize)]
pub struct Demo {
    /// Where everything is served [default: 127.0.0.1:8088]
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8088")]
    listen: String,
    /// A folder to keep the demo in; without it, it is gone at the end
    #[arg(long, value_name = "DIR")]
    #[serde(skip)]
    data_dir: Option<PathBuf>,
    /// The administrator's password; a random one unless given
    #[arg(
        long,
        env = "MUSTER_ADMIN_PASSWORD",
        hide_env_values = true,
        value_name = "PASSWORD"
    )]
    #[serde(skip)]
    admin_password: Option<String>,
}

/// The departments of the demo: code, name.
const DEPARTMENTS: [(&str, &str); 3] = [
    ("admin", "Administration"),
    ("prod", "Production"),
    ("store", "Warehouse"),
];

/// What people are there: code, name.
const POSITIONS: [(&str, &str); 4] = [
    ("acc", "Accountant"),
    ("eng", "Engineer"),
    ("lead", "Shift lead"),
    ("op", "Operator"),
];

/// The people of the demo: code, first name, last name, card, department, position.
const PEOPLE: [[&str; 6]; 12] = [
    ["1001", "Asha", "Rani", "7105901", "admin", "acc"],
    ["1002", "Meena", "Krishnan", "7105902", "prod", "lead"],
    ["1003", "Jonas", "Weber", "7105903", "prod", "op"],
    ["1004", "Fatima", "Al-Sayed", "7105904", "admin", "acc"],
    ["1005", "Tomás", "Herrera", "7105905", "store", "op"],
    ["1006", "Wanjiru", "Kamau", "7105906", "prod", "eng"],
    ["1007", "Siti", "Rahmawati", "7105907", "admin", "acc"],
    ["1008", "Ravi", "Deshmukh", "7105908", "prod", "op"],
    ["1009", "Olena", "Shevchenko", "7105909", "store", "lead"],
    ["1010", "Nguyen", "Thi Lan", "7105910", "admin", "eng"],
    ["1011", "Daniel", "Okafor", "7105911", "store", "op"],
    ["1012", "Grace", "Mwangi", "7105912", "prod", "op"],
];

/// Punches at the terminals too, and is in no list of people: shows what becomes of such punches.
const SOMEBODY_ELSE: &str = "2077";

impl Demo {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        // Deleted with everything in it when the demo ends.
        let mut kept_until_the_end = None;
        let data_dir = match self.data_dir.clone() {
            Some(folder) => folder,
            None => {
                let folder = std::env::temp_dir()
                    .join(format!("muster-demo-{}", hex::encode(keys::random::<6>())));
                kept_until_the_end = Some(Folder(folder.clone()));
                folder
            }
        };
        let mut config = Config::load(None, &self)?;
        config.data_dir = data_dir;
        config.log.level = "warn".into();
        logs::start(&config.log)?;
        raise_open_files();
        let done = block_on(async {
            let password = self.admin_password.unwrap_or_else(keys::readable_password);
            let Opened {
                app,
                first_password: _,
            } = App::open(config, Clock::real(), Some(password.clone())).await?;
            fill(&app).await?;
            let stop = stop_signal()?;
            let server = Server::start(app).await?;
            println!("user admin, password {password}");
            println!("four terminals punch every few seconds; Ctrl-C ends it");
            let mut people: Vec<String> =
                PEOPLE.iter().map(|[code, ..]| (*code).to_owned()).collect();
            people.push(SOMEBODY_ELSE.into());
            let options = Options::demo(server.address.to_string(), people);
            muster_simulator::run(options, stop).await;
            server.stop().await;
            Ok(ExitCode::SUCCESS)
        });
        drop(kept_until_the_end);
        done
    }
}

/// A folder that goes when the demo does.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Areas, departments, people and terminals, made as a caller of the API makes them; all but one terminal, which
/// waits to be authorised.
async fn fill(app: &App) -> anyhow::Result<()> {
    let caller = Caller::system();
    for (code, name) in [("hq", "Head office"), ("plant", "Factory")] {
        make::<Area>(
            app,
            &caller,
            json!({ "area_code": code, "area_name": name }),
        )
        .await?;
    }
    for (code, name) in DEPARTMENTS {
        let department = json!({ "dept_code": code, "dept_name": name, "parent_dept": "1" });
        make::<Department>(app, &caller, department).await?;
    }
    for (code, name) in POSITIONS {
        let position = json!({ "position_code": code, "position_name": name });
        make::<Position>(app, &caller, position).await?;
    }
    for (number, [code, first, last, card, department, position]) in PEOPLE.iter().enumerate() {
        let area = if number % 3 == 0 { "hq" } else { "plant" };
        make::<Employee>(
            app,
            &caller,
            json!({
                "emp_code": code,
                "first_name": first,
                "last_name": last,
                "card_no": card,
                "department": department,
                "position": position,
                "area": [area],
                "hire_date": "2024-03-01",
            }),
        )
        .await?;
    }
    let waiting = DEMO_TERMINALS.len() - 1;
    for (number, terminal) in DEMO_TERMINALS.iter().take(waiting).enumerate() {
        let area = if number == 0 { "hq" } else { "plant" };
        make::<Terminal>(
            app,
            &caller,
            json!({
                "sn": terminal.serial_number,
                "alias": terminal.alias,
                "ip_address": format!("192.168.1.{}", 201 + number),
                "area": area,
            }),
        )
        .await?;
    }
    Ok(())
}

async fn make<R: Writable>(app: &App, caller: &Caller, input: Value) -> anyhow::Result<i64> {
    let body = Body::of(input).context("the demo's own input is an object")?;
    resource::save::<R>(app, caller, &body, None)
        .await
        .with_context(|| format!("the demo's {} cannot be made", R::NAME))
}
