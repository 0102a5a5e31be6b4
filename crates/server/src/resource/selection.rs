//! What a caller asks of a list: one condition, made of its filters, his words and what he may see,
//! and the order of its rows.

use super::Resource;
use super::field::{
    Asked, END_TIME, Field, START_TIME, UPLOAD_TIME_END, UPLOAD_TIME_START, Within, col, id_column,
};
use super::search::{FEW_KEYS, MOST_WORDS, Searched, looked_for, search, within};
use crate::access::Caller;
use crate::app::App;
use crate::appendix;
use crate::error::{Error, Problem, Result};
use crate::extract::Query;
use crate::language::Text;
use crate::profile::Profile;
use crate::routes::Kind;
use crate::times;
use chrono::{NaiveDateTime, TimeDelta};
use muster_store::Dialect;
use sea_query::{Cond, Condition, ExprTrait, NullOrdering, Order, SelectStatement, SimpleExpr};
use std::collections::BTreeSet;

/// What a caller asked to see of a list: the one condition for its count, its pages and whatever
/// else is made of it.
pub struct Selection {
    condition: Condition,
    /// Nothing narrows it: all rows there are.
    pub(super) everything: bool,
    /// What narrows it names the rows' own table alone.
    own: bool,
    /// Who asks or what is asked for may make a long list of an IN.
    pub(super) lists: bool,
    /// Texts are looked into.
    pub(super) looks_inside: bool,
    /// The period that is asked for.
    pub(super) span: Span,
    pub(super) order: Vec<(Field, Order)>,
    /// The direction of `Resource::TIE` behind them.
    tie: Option<Order>,
}

impl Selection {
    pub async fn read<R: Resource>(
        app: &App,
        caller: &Caller,
        query: &mut Query,
    ) -> Result<Selection> {
        let mut filters = Cond::all();
        let mut problems = Vec::new();
        let mut looks_inside = false;
        let mut own = true;
        let mut lists = false;
        for field in R::FIELDS {
            for name in [&field.name].into_iter().chain(field.aliases) {
                if !matches!(field.asked, Asked::No | Asked::Together)
                    && let Some(value) = query.take(name)
                {
                    own &= field.asks_own::<R>();
                    lists |= matches!(field.asked, Asked::Special);
                    match exactly::<R>(app, field, &value) {
                        Ok(condition) => filters = filters.add(condition),
                        Err(Error::Invalid(found)) => {
                            problems.extend(found.into_iter().map(|problem| Problem {
                                field: (*name).to_owned(),
                                ..problem
                            }))
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            let name = format!("{}_icontains", field.name);
            if !matches!(field.within, Within::No)
                && let Some(value) = query.take(&name)
            {
                own &= field.is_own::<R>();
                match looked_for(&name, &value) {
                    Ok(part) => {
                        if let Some(condition) = within(app.store.dialect(), field, &part) {
                            filters = filters.add(condition);
                            looks_inside = true;
                        }
                    }
                    Err(problem) => problems.push(problem),
                }
            }
        }
        let span = Span::asked::<R>(app, query);
        match R::together(app, caller, query).await {
            Ok(condition) if condition.is_empty() => {}
            Ok(condition) => filters = filters.add(condition),
            Err(Error::Invalid(found)) => problems.extend(found),
            Err(error) => return Err(error),
        }
        if let Some(words) = query.take("search") {
            let words: Vec<&str> = words
                .split([' ', ','])
                .filter(|word| !word.is_empty())
                .collect();
            if words.len() > MOST_WORDS {
                let message = t!(
                    "Ensure this field has no more than {count} words.",
                    count = MOST_WORDS
                );
                problems.push(Problem::new("search", message));
            }
            let searched = R::searched(caller);
            let mut room = FEW_KEYS;
            for word in words.into_iter().take(MOST_WORDS) {
                own &= searched.iter().all(Searched::is_own::<R>);
                match looked_for("search", word) {
                    Ok(word) => {
                        let condition =
                            search(app, searched, &word, span.is_short, &mut room).await?;
                        filters = filters.add(condition);
                        looks_inside = true;
                    }
                    Err(problem) => problems.push(problem),
                }
            }
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let visible = R::visible(caller, app);
        let visible_is_all = visible.is_empty();
        let everything = filters.is_empty() && visible_is_all;
        let wanted = query.take("ordering").unwrap_or_default();
        let (order, tie) = order::<R>(&wanted, caller.profile);
        Ok(Selection {
            condition: Cond::all().add(visible).add(filters),
            everything,
            own: own && visible_is_all,
            lists: lists || !visible_is_all,
            looks_inside,
            span,
            order,
            tie,
        })
    }

    pub(super) fn statement<R: Resource>(&self) -> SelectStatement {
        let mut select = SelectStatement::new();
        R::tables(&mut select);
        select.cond_where(self.condition.clone());
        select
    }

    /// The same with no more tables than the conditions need: for counts, and for ids in their own order.
    pub(super) fn counted<R: Resource>(&self) -> SelectStatement {
        if !self.own {
            return self.statement::<R>();
        }
        let mut select = SelectStatement::new();
        R::alone(&mut select);
        select.cond_where(self.condition.clone());
        select
    }

    pub(super) fn sort<R: Resource>(&self, app: &App, select: &mut SelectStatement) {
        for (field, direction) in &self.order {
            let Some(expression) = field.expression::<R>(app) else {
                continue;
            };
            // Both databases put what is missing where PostgreSQL does.
            let nulls = match (app.store.dialect(), field.nullable, direction) {
                (Dialect::Sqlite, true, Order::Desc) => Some(NullOrdering::First),
                (Dialect::Sqlite, true, _) => Some(NullOrdering::Last),
                _ => None,
            };
            match nulls {
                Some(nulls) => {
                    select.order_by_expr_with_nulls(expression, direction.clone(), nulls)
                }
                None => select.order_by_expr(expression, direction.clone()),
            };
        }
        if let Some(direction) = &self.tie {
            let tie = R::TIE.unwrap_or_else(id_column::<R>);
            select.order_by_expr(col(tie), direction.clone());
        }
    }

    /// The direction, when the rows come in the order of their ids and nothing else.
    pub(super) fn by_id_alone(&self) -> Option<Order> {
        match (&self.order[..], &self.tie) {
            ([(_, direction)], None) => Some(direction.clone()),
            _ => None,
        }
    }
}

/// The period that a list is asked for, by the clock of the things or of the server.
pub(super) struct Span {
    pub(super) leaves_out_oldest: bool,
    pub(super) leaves_out_newest: bool,
    /// So little that its rows are soon read.
    is_short: bool,
}

/// A search goes through the rows of so many days.
const SHORT: TimeDelta = TimeDelta::days(31);

impl Span {
    fn asked<R: Resource>(app: &App, query: &mut Query) -> Span {
        let mut asked = |field: &Field, read: fn(&str) -> Option<NaiveDateTime>| {
            let is_asked = R::FIELDS.iter().any(|known| known.name == field.name);
            let text = is_asked.then(|| query.take(field.name)).flatten();
            text.and_then(|text| read(&text))
        };
        let now = app.clock.now().with_timezone(&app.zone).naive_local();
        let mut span = Span {
            leaves_out_oldest: false,
            leaves_out_newest: false,
            is_short: false,
        };
        for (first, last) in [(START_TIME, END_TIME), (UPLOAD_TIME_START, UPLOAD_TIME_END)] {
            let begins = asked(&first, times::read_from);
            let ends = asked(&last, times::read_until).filter(|ends| *ends < now);
            span.leaves_out_oldest |= begins.is_some();
            span.leaves_out_newest |= ends.is_some();
            span.is_short |= begins.is_some_and(|begins| ends.unwrap_or(now) - begins <= SHORT);
        }
        span
    }
}

fn exactly<R: Resource>(app: &App, field: &Field, value: &str) -> Result<SimpleExpr> {
    let column = match (field.asked, field.expression::<R>(app)) {
        (Asked::Relation(relation, column), _) => return Ok(relation.any_of(column, value)),
        (Asked::Special, _) | (_, None) => return R::special(app, field.name, value),
        (_, Some(column)) => column,
    };
    let one_of = matches!(field.asked, Asked::OneOf);
    let bad = |text: Text| Error::invalid(field.name, text);
    let number = |text: &str| {
        text.trim()
            .parse::<i64>()
            .map_err(|_| bad(t!("Enter a number.")))
    };
    Ok(match field.kind {
        Kind::Integer if one_of => {
            let numbers = value
                .split(',')
                .filter(|part| !part.trim().is_empty())
                .map(number)
                .collect::<Result<BTreeSet<i64>>>()?;
            column.is_in(numbers)
        }
        Kind::Integer => column.eq(number(value)?),
        Kind::Boolean => match value.to_lowercase().as_str() {
            "true" | "1" => column.eq(true),
            "false" | "0" => column.eq(false),
            _ => return Err(bad(t!("Must be a valid boolean."))),
        },
        Kind::Date => {
            let bad = Problem::new(field.name, t!("Enter a valid date.")).coded(appendix::BAD_TIME);
            let date = times::read_date(value.trim());
            column.eq(date.ok_or_else(|| Error::Invalid(vec![bad]))?)
        }
        _ if one_of => column.is_in(
            value
                .split(',')
                .map(|part| part.trim().to_owned())
                .collect::<BTreeSet<String>>(),
        ),
        _ => column.eq(value),
    })
}

/// The wanted order, unknown names left out, and the direction in which the rest is told apart by
/// id, so that pages never overlap: that of the last field. No direction: the id is in the order.
fn order<R: Resource>(wanted: &str, profile: Profile) -> (Vec<(Field, Order)>, Option<Order>) {
    let read = |wanted: &str| {
        let mut order: Vec<(Field, Order)> = Vec::new();
        for name in wanted.split(',').map(str::trim) {
            let (name, direction) = match name.strip_prefix('-') {
                Some(name) => (name, Order::Desc),
                None => (name, Order::Asc),
            };
            if let Some(field) = R::FIELDS
                .iter()
                .find(|field| field.is_ordered() && field.name.eq_ignore_ascii_case(name))
                && !order.iter().any(|(known, _)| known.name == field.name)
            {
                order.push((*field, direction));
            }
        }
        order
    };
    let mut order = read(wanted);
    if order.is_empty() {
        order = read(R::default_order(profile));
    }
    let id = R::FIELDS[0].name;
    if let Some(at) = order.iter().position(|(field, _)| field.name == id) {
        // Behind the id nothing can make a difference.
        order.truncate(at + 1);
        return (order, None);
    }
    let tie = order
        .last()
        .map_or(Order::Asc, |(_, direction)| direction.clone());
    (order, Some(tie))
}
