//! Periods a list is asked for: the parameters for the first and the last moment wanted, and the
//! column they bound.

use super::field::{Column, col};
use crate::access::Caller;
use crate::app::App;
use crate::appendix;
use crate::error::{Error, Problem, Result};
use crate::extract::Query;
use crate::times;
use chrono::{NaiveDateTime, TimeDelta};
use sea_query::{Cond, Condition, ExprTrait};

/// What a column of times holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// A wall clock, as it was.
    Local,
    /// Instants, asked for by the server's clock.
    Server,
}

/// Both ends belong to it; a date alone as its end is that whole day.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    pub start: &'static str,
    pub end: &'static str,
    pub column: Column,
    pub clock: Clock,
}

/// The condition that the times lie in what was asked for. All that is wrong is told together.
pub fn within_periods(
    app: &App,
    caller: &Caller,
    query: &mut Query,
    periods: &[Period],
) -> Result<Condition> {
    let mut problems = Vec::new();
    let mut read = |name: &'static str, read: fn(&str) -> Option<NaiveDateTime>| {
        let text = query.take(name)?;
        let time = read(&text);
        if time.is_none() {
            problems
                .push(Problem::new(name, t!("Enter a valid date/time.")).coded(appendix::BAD_TIME));
        }
        time
    };
    let asked: Vec<_> = periods
        .iter()
        .map(|period| {
            let start = read(period.start, times::read_from);
            (period, start, read(period.end, times::read_until))
        })
        .collect();
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let mut condition = Cond::all();
    for (period, start, end) in asked {
        let is_reversed = start.zip(end).is_some_and(|(start, end)| start > end);
        if is_reversed && caller.profile.refuses_reversed_periods() {
            return Err(Error::Refused {
                code: appendix::START_AFTER_END,
                detail: appendix::meaning(appendix::START_AFTER_END).into(),
            });
        }
        let column = || col(period.column);
        let instant = |local| times::to_instant(local, app.zone);
        // Instants are kept to the microsecond and shown to the second.
        let behind = |end| instant(end) + TimeDelta::seconds(1);
        condition = match period.clock {
            Clock::Local => condition
                .add_option(start.map(|start| column().gte(start)))
                .add_option(end.map(|end| column().lte(end))),
            Clock::Server => condition
                .add_option(start.map(|start| column().gte(instant(start))))
                .add_option(end.map(|end| column().lt(behind(end)))),
        };
    }
    Ok(condition)
}
