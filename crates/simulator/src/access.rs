//! The dialect of access terminals: registration, events in place of punches, and tables that want their names back.

use std::time::Duration;

use muster_protocol::time;
use rand::Rng;

use crate::command::access_user;
use crate::memory::Punch;
use crate::terminal::{Ending, SECOND, Session, Terminal};
use crate::wire::{Reply, Request};

/// Events without a person: exit button, door opened from inside, start.
const DOOR_EVENTS: [u16; 3] = [202, 200, 206];

impl Terminal {
    pub(crate) async fn boot_access(&mut self) -> Result<(), Ending> {
        self.reconnect_access().await?;
        self.wait(Duration::from_millis(200)).await?;
        self.push_options().await?;
        self.wait(Duration::from_millis(300)).await?;
        self.poll().await?;
        Ok(())
    }

    /// First contact; the server either knows the terminal, or asks it to register.
    pub(crate) async fn reconnect_access(&mut self) -> Result<(), Ending> {
        let hello = Request::get("cdata", self.model.hello());
        let answered = self.insist(&hello, |reply| reply.status == 200).await;
        if answered == Err(Ending::Offline) {
            self.ledger.count(|totals| totals.handshakes_refused += 1);
        }
        let mut block = answered?.text();
        if !block.contains("registry=ok") {
            let mut properties = vec![
                "DeviceType=acc".to_owned(),
                format!("FirmVer={}", self.model.firmware),
                "CommType=ethernet,MaxPackageSize=2048000,ReaderCount=2,MaxLockCount=4,authKey=simulated".to_owned(),
            ];
            properties.extend(
                self.memory
                    .options
                    .iter()
                    .map(|(key, value)| format!("{key}={value}")),
            );
            let registry = Request::post("registry", "", properties.join(","));
            self.insist(&registry, |reply| {
                reply.status == 200 && reply.body.starts_with(b"RegistryCode=")
            })
            .await?;
            block = self
                .insist(&Request::post("push", "", ""), |reply| reply.status == 200)
                .await?
                .text();
        }
        self.ledger.count(|totals| totals.handshakes += 1);
        let value = |key: &str| {
            block
                .lines()
                .filter_map(|line| line.split_once('='))
                .find(|(found, _)| *found == key)
                .map(|(_, value)| value)
        };
        let seconds = |key: &str, otherwise: u64| {
            Duration::from_secs(
                value(key)
                    .and_then(|value| value.trim().parse().ok())
                    .unwrap_or(otherwise),
            )
            .max(SECOND)
        };
        self.session = Session {
            delay: seconds("RequestDelay", 30),
            error_delay: seconds("ErrorDelay", 30),
            rescan: 60 * seconds("TransInterval", 2),
            realtime: value("Realtime").map(str::trim) != Some("0"),
            wants_people: false,
            ..Session::default()
        };
        if let Some((minutes, _)) =
            value("TimeZone").and_then(muster_protocol::handshake::read_zone)
        {
            self.clock.set_offset_minutes(minutes);
        }
        Ok(())
    }

    pub(crate) fn access_row(&self, number: usize, punch: &Punch) -> String {
        format!(
            "time={}\tpin={}\tcardno=0\tsitecode=0\tlinkid=0\teventaddr=1\tevent=0\tinoutstatus={}\tverifytype={}\tindex={number}",
            time::format_local(punch.local),
            punch.pin,
            punch.status,
            punch.verify,
        )
    }

    /// The state of the door, and sometimes an event that no person caused. Its index is far from those of punches.
    pub(crate) async fn send_door_state(&mut self) -> Result<(), Ending> {
        let local = time::format_local(self.now_local());
        let state =
            format!("time={local}\tsensor=01\trelay=00\talarm=0000000000000000\tdoor=01\r\n");
        self.upload(
            &Request::post("cdata", "&table=rtstate", state),
            &Reply::is_ok,
        )
        .await?;
        if self.chance(0.3) {
            let event = DOOR_EVENTS[self.random.random_range(0..DOOR_EVENTS.len())];
            let index = 1_000_000_000 + self.clock.elapsed().as_secs();
            let row = format!(
                "time={local}\tpin=0\tcardno=0\tsitecode=0\tlinkid=0\teventaddr=1\tevent={event}\tinoutstatus=2\tverifytype=200\tindex={index}\r\n"
            );
            self.upload(&Request::post("cdata", "&table=rtlog", row), &Reply::is_ok)
                .await?;
        }
        Ok(())
    }

    /// All people as table `user`.
    pub(crate) async fn send_table_rows(&mut self) -> Result<(), Ending> {
        let rows: Vec<String> = self
            .memory
            .people
            .iter()
            .enumerate()
            .map(|(at, (pin, person))| access_user(at, pin, person))
            .collect();
        for some in rows.chunks(50) {
            let query = format!("&table=tabledata&tablename=user&count={}", some.len());
            let request = Request::post("cdata", query, some.join("\r\n"));
            self.upload(&request, &|reply| {
                reply.status == 200 && reply.body.starts_with(b"user=")
            })
            .await?;
        }
        Ok(())
    }
}
