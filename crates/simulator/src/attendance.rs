//! The dialects of attendance terminals, from 2008 to today: the handshake, what a start looks like, and how rows are
//! written.

use std::time::Duration;

use chrono::NaiveDateTime;
use muster_protocol::{handshake, time};

use crate::memory::Punch;
use crate::model::Generation;
use crate::terminal::{Ending, SECOND, Session, Terminal};
use crate::wire::{Reply, Request};

/// `Key=Value` lines as firmware finds them. A last line without line end is not seen.
struct Block<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Block<'a> {
    /// `None`: not an option block; firmware goes offline.
    fn read(body: &'a str) -> Option<Block<'a>> {
        if body.starts_with("UN") || body.starts_with("RETRY") {
            return None;
        }
        let whole = &body[..body.rfind('\n')?];
        let block = Block(
            whole
                .lines()
                .filter_map(|line| line.split_once('='))
                .collect(),
        );
        let stamped = block
            .0
            .iter()
            .any(|(key, value)| key.ends_with("Stamp") && value.parse::<i64>().is_ok());
        (stamped || block.get("ServerVer").is_some()).then_some(block)
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(found, _)| found.trim() == key)
            .map(|(_, value)| value.trim())
    }

    fn seconds(&self, key: &str, otherwise: Duration) -> Duration {
        self.get(key)
            .and_then(|value| value.parse().ok())
            .map_or(otherwise, Duration::from_secs)
    }

    /// Whether this stamp asks for everything: firmware reads it with `atoi`, so a word is 0.
    fn asks_for_all(&self, keys: [&str; 2]) -> bool {
        let digits = |value: &str| {
            value
                .chars()
                .take_while(char::is_ascii_digit)
                .any(|digit| digit != '0')
        };
        keys.iter()
            .find_map(|key| self.get(key))
            .is_some_and(|value| !digits(value))
    }

    fn session(&self) -> Session {
        let usual = Session::default();
        Session {
            delay: self.seconds("Delay", usual.delay).max(SECOND),
            error_delay: self.seconds("ErrorDelay", usual.error_delay).max(SECOND),
            rescan: 60 * self.seconds("TransInterval", usual.rescan / 60),
            realtime: self.get("Realtime") != Some("0"),
            supports_ping: self.get("SupportPing") == Some("1"),
            wants_options: self.get("PushOptionsFlag") == Some("1"),
            wants_people: self.asks_for_all(["OPERLOGStamp", "OpStamp"]),
        }
    }
}

impl Terminal {
    pub(crate) async fn boot_attendance(&mut self) -> Result<(), Ending> {
        self.handshake().await?;
        let third = self.model.generation == Generation::Third;
        if third && self.session.wants_options {
            self.wait(Duration::from_millis(200)).await?;
            self.push_options().await?;
        }
        self.wait(Duration::from_millis(300)).await?;
        self.poll().await?;
        if self.powered_up {
            self.wait(Duration::from_millis(300)).await?;
            let local = time::format_local(self.now_local());
            self.send_operations(vec![format!("OPLOG 0\t0\t{local}\t0\t0\t0\t0")])
                .await?;
        }
        self.wait(Duration::from_millis(200)).await
    }

    pub(crate) async fn push_options(&mut self) -> Result<(), Ending> {
        let pairs: Vec<String> = self
            .memory
            .options
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let request = Request::post("cdata", "&table=options", pairs.join(","));
        self.insist(&request, Reply::is_ok).await?;
        Ok(())
    }

    /// Says hello and takes the server's options.
    pub(crate) async fn handshake(&mut self) -> Result<(), Ending> {
        let request = Request::get("cdata", self.model.hello());
        let probed = std::mem::take(&mut self.acknowledged_unknown);
        let answered = self.insist(&request, |reply| reply.status == 200).await;
        let Ok(reply) = answered else {
            if answered == Err(Ending::Offline) {
                self.refused(probed).await;
            }
            return answered.map(|_| ());
        };
        self.ledger.count(|totals| totals.handshakes += 1);
        let text = reply.text();
        let Some(block) = Block::read(&text) else {
            self.ledger.flaw(
                "a handshake was answered with 200 but without options",
                || format!("{}: {text:?}", self.serial_number),
            );
            return Err(Ending::Offline);
        };
        self.session = block.session();
        if let Some((minutes, _)) = block.get("TimeZone").and_then(handshake::read_zone) {
            self.clock.set_offset_minutes(minutes);
        }
        if block.asks_for_all(["ATTLOGStamp", "Stamp"]) {
            self.memory.send_all_again();
        }
        Ok(())
    }

    /// A terminal that was known yesterday uploads although it is refused today: now and then it is tried whether the
    /// server would take what it must not. `probed`: it did so after the hello before this one.
    async fn refused(&mut self, probed: bool) {
        self.ledger.count(|totals| totals.handshakes_refused += 1);
        if probed {
            self.ledger.flaw(
                "an upload of a terminal that is refused was acknowledged",
                || self.serial_number.to_string(),
            );
        }
        if self.memory.unsent_count() > 0 && self.chance(0.1) {
            self.acknowledged_unknown = self.send_batch(1).await;
        }
    }

    pub(crate) fn attlog_query(&self, newest: Option<NaiveDateTime>) -> String {
        match self.model.generation {
            Generation::First => format!("&Stamp={}", newest.map_or(0, time::pack)),
            _ => "&table=ATTLOG&Stamp=9999".to_owned(),
        }
    }

    pub(crate) fn attendance_row(&self, punch: &Punch) -> String {
        let rest = match self.model.generation {
            Generation::First => "",
            Generation::Second => "\t0\t0\t0",
            Generation::Third | Generation::Access => "\t0\t0\t0\t0\t0\t0",
        };
        let local = time::format_local(punch.local);
        format!(
            "{}\t{local}\t{}\t{}{rest}",
            punch.pin, punch.status, punch.verify
        )
    }

    pub(crate) fn photo_request(&self, pin: &str, local: NaiveDateTime, jpeg: &[u8]) -> Request {
        let name = format!("{}-{pin}.jpg", local.format("%Y%m%d%H%M%S"));
        let head = format!(
            "PIN={name}\nSN={}\nsize={}\nCMD=uploadphoto\0",
            self.serial_number,
            jpeg.len()
        );
        let mut body = head.into_bytes();
        body.extend_from_slice(jpeg);
        match self.model.generation {
            Generation::First => Request::post(
                "fdata",
                format!("&PIN={name}&PhotoStamp={}", time::pack(local)),
                body,
            ),
            _ => Request::post("cdata", "&table=ATTPHOTO&Stamp=9999", body),
        }
    }

    /// Rows of the operation log, people and what they enrolled, in posts of the sizes firmware uses: many people, few
    /// fingerprints, single photos. Their order stays.
    pub(crate) async fn send_operations(&mut self, rows: Vec<String>) -> Result<(), Ending> {
        let mut rest = &rows[..];
        while let Some(first) = rest.first() {
            let (kind, most) = post_of(first);
            let count = rest
                .iter()
                .take(most)
                .take_while(|row| post_of(row).0 == kind)
                .count();
            let (some, later) = rest.split_at(count);
            rest = later;
            let unified = matches!(kind, "BIODATA" | "BIOPHOTO")
                && self.model.generation == Generation::Third;
            let query = match self.model.generation {
                _ if unified => format!("&table={kind}&Stamp=9999"),
                Generation::First => format!("&OpStamp={}", time::pack(self.now_local())),
                Generation::Second => "&table=OPERLOG&OpStamp=9999".to_owned(),
                Generation::Third | Generation::Access => "&table=OPERLOG&Stamp=9999".to_owned(),
            };
            let body: String = some
                .iter()
                .flat_map(|row| [row, self.spelling.line_end()])
                .collect();
            self.upload(&Request::post("cdata", query, body), &Reply::is_ok)
                .await?;
            if !rest.is_empty() {
                let pause = self.between(100, 300);
                self.wait(pause).await?;
            }
        }
        Ok(())
    }
}

/// Which rows share a post with this one, and how many at most.
fn post_of(row: &str) -> (&str, usize) {
    match row.split(' ').next().unwrap_or_default() {
        "FP" | "FACE" | "FVEIN" => ("FP", 3),
        "BIODATA" => ("BIODATA", 2),
        kind @ ("BIOPHOTO" | "USERPIC") => (kind, 1),
        _ => ("USER", 80),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_option_block_is_one() {
        let valid = |body: &str| Block::read(body).is_some();
        assert!(valid("GET OPTION FROM: 1\nStamp=9999\n"));
        assert!(valid(
            "GET OPTION FROM: 1\r\nATTLOGStamp=None\r\nServerVer=2.4.1\r\n"
        ));
        for body in [
            "OK",
            "UNKNOWN DEVICE\n",
            "RETRY\nServerVer=1\n",
            "GET OPTION FROM: 1\nStamp=None\n",
            "ServerVer=2.4.1",
            "",
        ] {
            assert!(!valid(body), "{body:?}");
        }
    }

    #[test]
    fn options_are_taken_in_their_units_and_the_last_line_needs_its_end() {
        let block = Block::read(
            "GET OPTION FROM: 1\nATTLOGStamp=0\nOPERLOGStamp=None\nDelay=20\nTransInterval=2\nRealtime=0",
        );
        let block = block.expect("an option block");
        let session = block.session();
        assert_eq!(
            (session.delay, session.rescan),
            (Duration::from_secs(20), Duration::from_secs(120))
        );
        assert!(session.realtime, "the last line has no end");
        assert!(block.asks_for_all(["ATTLOGStamp", "Stamp"]));
        assert!(session.wants_people, "a word is 0");
        assert!(
            !Block::read("Stamp=9999\n")
                .expect("an option block")
                .asks_for_all(["ATTLOGStamp", "Stamp"])
        );
    }

    #[test]
    fn rows_that_differ_in_size_do_not_share_a_post() {
        assert_eq!(post_of("USER PIN=1"), post_of("OPLOG 4\t1"));
        assert_eq!(post_of("FP PIN=1").1, 3);
        assert_eq!(post_of("USERPIC PIN=1").1, 1);
    }
}
