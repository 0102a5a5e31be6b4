//! Logs: text or JSON, on standard error. What is said while a request is answered carries its id.

use crate::config::{Log, LogFormat};
use crate::request;
use anyhow::Context;
use std::fmt;
use std::io::IsTerminal;
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(&log.level).with_context(|| format!("log.level: {:?}", log.level))?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        // That would be said on standard error too; and where its disk is full, who says so panics.
        .log_internal_errors(false);
    match log.format {
        LogFormat::Text => logs.with_timer(WhenAndFor).try_init(),
        LogFormat::Json => logs
            .fmt_fields(JsonFields::new())
            .event_format(WithRequest(Format::default().json()))
            .try_init(),
    }
    .map_err(|error| anyhow::anyhow!("logs: {error}"))
}

/// The time, and behind it the request that is being answered.
struct WhenAndFor;

impl FormatTime for WhenAndFor {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        SystemTime.format_time(writer)?;
        match request::current_id() {
            Some(id) => write!(writer, " request={id}"),
            None => Ok(()),
        }
    }
}

/// Lines of JSON, with the request that is being answered as their last member.
struct WithRequest(Format<Json>);

impl<S, N> FormatEvent<S, N> for WithRequest
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        match (request::current_id(), line.strip_suffix("}\n")) {
            // An id has no letter that JSON escapes.
            (Some(id), Some(begun)) => writeln!(writer, "{begun},\"request\":\"{id}\"}}"),
            _ => writer.write_str(&line),
        }
    }
}
