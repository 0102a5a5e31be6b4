//! A page of a list and how many rows there are in all, found with as little work as the list allows.

use super::Resource;
use super::field::{Field, col, id_column};
use super::places::Way;
use super::selection::Selection;
use crate::access::Caller;
use crate::app::App;
use crate::appendix;
use crate::error::{Error, Result};
use crate::extract::Query;
use moka::future::Cache;
use muster_store::{Dialect, Statement};
use sea_query::{
    Alias, CommonTableExpression, Expr, ExprTrait, Order, SelectStatement, SimpleExpr, WithClause,
    WithQuery,
};
use std::cmp;
use std::time::Duration;

const DEFAULT_SIZE: i64 = 10;
/// Beyond so many rows to be skipped, their ids alone are read first.
const DEEP: i64 = 1000;
/// So many ids are sorted rather than looked for along an index.
const FEW: i64 = 50_000;
/// And so many where the first of them are known to be far along it.
const FEW_FAR_AWAY: i64 = 500_000;
/// Of a table that is not large so many are found and counted in one look, whatever is asked.
const FEW_OF_SMALL: u64 = 2_000;
/// Counts are kept under what was asked, so many bytes of it.
const MOST_COUNTS: u64 = 1 << 20;

/// A page of rows, and how many there are in all.
#[derive(Debug)]
pub struct Page<T> {
    pub count: i64,
    pub rows: Vec<T>,
    pub number: i64,
    pub size: i64,
    /// The id after which the next page begins, when pages can be walked by id.
    pub(super) after: Option<i64>,
    /// `pageNo`, when the caller counts so.
    pub(super) by_page_no: bool,
}

impl<T> Page<T> {
    pub fn is_last(&self) -> bool {
        self.number * self.size >= self.count
    }
}

struct Paging {
    /// `None`: the last.
    number: Option<i64>,
    size: i64,
    by_page_no: bool,
    /// The id the page before ended with, if the link it comes from was made for this page.
    after: Option<i64>,
}

impl Paging {
    fn read(query: &mut Query, most: i64) -> Result<Paging> {
        let page_no = query.take_raw("pageNo");
        let page_size = query.take_raw("pageSize");
        if page_no.is_some() || page_size.is_some() {
            return Paging::checked(page_no, page_size);
        }
        let size = |text: Option<String>| {
            text.and_then(|text| text.trim().parse::<i64>().ok())
                .filter(|size| *size > 0)
        };
        let (page_size, limit) = (query.take("page_size"), query.take("limit"));
        let size = match (page_size, limit) {
            (None, limit) => size(limit),
            (page_size, _) => size(page_size),
        };
        let number = match query.take("page").as_deref() {
            None => Some(1),
            Some("last") => None,
            Some(text) => Some(
                text.trim()
                    .parse::<i64>()
                    .ok()
                    .filter(|number| *number > 0)
                    .ok_or(Error::InvalidPage)?,
            ),
        };
        // A caller may take the link and change its page: then the place in it is of no use.
        let after = query.take("after").and_then(|text| {
            let (page, id) = text.split_once('.')?;
            (page.parse().ok() == number).then(|| id.parse().ok())?
        });
        Ok(Paging {
            number,
            size: cmp::min(size.unwrap_or(DEFAULT_SIZE), most),
            by_page_no: false,
            after,
        })
    }

    /// The manual's parameters are refused rather than repaired.
    fn checked(page_no: Option<String>, page_size: Option<String>) -> Result<Paging> {
        let bad = |code| Error::BadPaging { code };
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let (Some(page_no), Some(page_size)) = (given(page_no), given(page_size)) else {
            return Err(bad(appendix::PAGE_MISSING));
        };
        let number = |text: String| text.trim().parse::<i64>().ok().filter(|number| *number > 0);
        let (Some(number), Some(size)) = (number(page_no), number(page_size)) else {
            return Err(bad(appendix::PAGE_NOT_POSITIVE));
        };
        if size > 1000 {
            return Err(bad(appendix::PAGE_TOO_LARGE));
        }
        Ok(Paging {
            number: Some(number),
            size,
            by_page_no: true,
            after: None,
        })
    }
}

impl Selection {
    /// Whether so many rows are found by what they were asked for and sorted. Others are walked in the order of their ids: the
    /// next ones are never far, unless a period ends before the walk begins, for ids rise with time.
    fn sorts_ids(&self, count: i64) -> bool {
        let far = match self.by_id_alone() {
            None => return false,
            Some(Order::Desc) => self.span.leaves_out_newest,
            Some(_) => self.span.leaves_out_oldest,
        };
        count <= if far { FEW_FAR_AWAY } else { FEW }
    }

    /// The ids of a page and how many rows there are in all, from one look at a table that is not
    /// large, where counting first would be a second. `None`: count first, for the page is empty and
    /// so does not tell, or there are too many.
    async fn found<R: Resource>(
        &self,
        app: &App,
        place: Place,
        limit: u64,
    ) -> Result<Option<(i64, Vec<i64>)>> {
        if self.everything || !R::IS_SMALL {
            return Ok(None);
        }
        let Some(direction) = self.by_id_alone() else {
            return self.few_sorted::<R>(app, place, limit).await;
        };
        // Where texts are looked into, finding is the work, so it is done to its end. What an index knows is counted
        // faster than found; but SQLite would make the list of an IN anew for each statement.
        let to_the_end =
            self.looks_inside || (self.lists && matches!(app.store.dialect(), Dialect::Sqlite));
        let most = (!to_the_end).then_some(FEW_OF_SMALL);
        let query = self.found_query::<R>(direction, place, limit, most);
        let found: Vec<(i64, i64)> = app.store.all(&query).await?;
        let Some((_, count)) = found.first() else {
            return Ok((place == Place::Skip(0)).then_some((0, Vec::new())));
        };
        if most.is_some_and(|most| count.unsigned_abs() > most) {
            return Ok(None);
        }
        Ok(Some((*count, found.iter().map(|(id, _)| *id).collect())))
    }

    /// The same of rows in an order of their own that a text is looked for in: a few are found and sorted. Along an
    /// index of that order all would be gone through once more.
    async fn few_sorted<R: Resource>(
        &self,
        app: &App,
        place: Place,
        limit: u64,
    ) -> Result<Option<(i64, Vec<i64>)>> {
        if !self.looks_inside {
            return Ok(None);
        }
        let id = id_column::<R>();
        let mut few = self.counted::<R>();
        few.expr(col(id)).limit(FEW_OF_SMALL + 1);
        let few: Vec<(i64,)> = app.store.all(&few).await?;
        if few.len() as u64 > FEW_OF_SMALL {
            return Ok(None);
        }
        let count = i64::try_from(few.len()).unwrap_or(i64::MAX);
        let mut sorted = SelectStatement::new();
        R::tables(&mut sorted);
        sorted
            .expr(col(id))
            .and_where(col(id).is_in(few.into_iter().map(|(id,)| id)))
            .limit(limit);
        place.apply(&mut sorted, col(id), &Order::Asc);
        self.sort::<R>(app, &mut sorted);
        let page: Vec<(i64,)> = app.store.all(&sorted).await?;
        Ok(Some((count, page.into_iter().map(|(id,)| id).collect())))
    }

    /// The ids at a place, each with the count of all; no more than one beyond `most` are looked for.
    fn found_query<R: Resource>(
        &self,
        direction: Order,
        place: Place,
        limit: u64,
        most: Option<u64>,
    ) -> WithQuery {
        let (found, id) = (Alias::new("found"), Alias::new("id"));
        let mut all = self.counted::<R>();
        all.expr_as(col(id_column::<R>()), id.clone());
        if let Some(most) = most {
            all.limit(most + 1);
        }
        let mut table = CommonTableExpression::new();
        table
            .table_name(found.clone())
            .column(id.clone())
            .query(all)
            .materialized(true);
        let mut count = SelectStatement::new();
        count.expr(Expr::cust("count(*)")).from(found.clone());
        let mut page = SelectStatement::new();
        page.column(id.clone())
            .expr(SimpleExpr::SubQuery(None, Box::new(count.into())))
            .from(found)
            .order_by(id.clone(), direction.clone())
            .limit(limit);
        place.apply(&mut page, Expr::col(id), &direction);
        let mut with = WithClause::new();
        with.cte(table);
        page.with(with)
    }

    /// The ids of a page that is looked for along an index, or sorted out of all there are.
    async fn ids<R: Resource>(
        &self,
        app: &App,
        place: Place,
        count: i64,
        limit: u64,
    ) -> Result<Vec<i64>> {
        let id = id_column::<R>();
        let by_id = self.by_id_alone();
        let is_own = |(field, _): &(Field, Order)| field.is_own::<R>();
        let mut ids = match self.order.iter().all(is_own) {
            true => self.counted::<R>(),
            false => self.statement::<R>(),
        };
        ids.expr(col(id));
        match (by_id, place) {
            (Some(direction), _) if !R::IS_SMALL && self.sorts_ids(count) => {
                place.apply(&mut ids, col(id), &direction);
                ids.order_by_expr(col(id).add(0), direction).limit(limit);
            }
            (Some(Order::Desc), Place::Skip(skipped))
                if skipped > count.unsigned_abs().saturating_sub(skipped) =>
            {
                // The other end is nearer, and stays where it is: what comes meanwhile comes at this one.
                let left = count.unsigned_abs().saturating_sub(skipped);
                let rows = cmp::min(left, limit);
                Place::Skip(left - rows).apply(&mut ids, col(id), &Order::Asc);
                ids.order_by_expr(col(id), Order::Asc).limit(rows);
            }
            (by_id, _) => {
                place.apply(&mut ids, col(id), &by_id.unwrap_or(Order::Asc));
                self.sort::<R>(app, &mut ids);
                ids.limit(limit);
            }
        }
        let ids: Vec<(i64,)> = app.store.all(&ids).await?;
        Ok(ids.into_iter().map(|(id,)| id).collect())
    }

    /// The ids of `rows` rows of all there are, from the place `first` on. Where they stand is remembered.
    async fn walked_to<R: Resource>(
        &self,
        app: &App,
        known: &Known,
        first: i64,
        rows: i64,
    ) -> Result<Vec<i64>> {
        let id = col(id_column::<R>());
        let mut ids = self.counted::<R>();
        let (direction, over) = match app.places.way(R::NAME, known, first, rows) {
            Way::Up { from, over } => {
                ids.and_where(id.clone().gte(from));
                (Order::Asc, over)
            }
            Way::Down { below, over } => {
                ids.and_where(id.clone().lt(below));
                (Order::Desc, over)
            }
        };
        Place::Skip(over.unsigned_abs()).apply(&mut ids, id.clone(), &direction);
        ids.expr(id.clone())
            .order_by_expr(id, direction)
            .limit(rows.unsigned_abs());
        let ids: Vec<(i64,)> = app.store.all(&ids).await?;
        let ids: Vec<i64> = ids.into_iter().map(|(id,)| id).collect();
        if ids.len() as i64 == rows
            && let Some(lowest) = ids.iter().min()
        {
            app.places.found(R::NAME, known, first, *lowest);
        }
        Ok(ids)
    }

    async fn known<R: Resource>(&self, app: &App) -> Result<Option<Known>> {
        match self.everything {
            true => R::known(app).await,
            false => Ok(None),
        }
    }

    pub async fn count<R: Resource>(&self, app: &App) -> Result<i64> {
        if let Some(known) = self.known::<R>(app).await? {
            return Ok(known.count);
        }
        let counted = self.counted_before::<R>(app).await?;
        self.looked_count::<R>(app, counted).await
    }

    /// What was counted some minutes ago, if nothing has changed since.
    async fn counted_before<R: Resource>(&self, app: &App) -> Result<Counted> {
        let Some(version) = R::version(app).await? else {
            return Ok(Counted::default());
        };
        let (sql, values) = Statement::build(&self.counting::<R>(), app.store.dialect());
        let key = format!("{version}\n{sql}\n{values:?}");
        Ok(Counted {
            count: app.counts.0.get(&key).await,
            key: Some(key),
        })
    }

    async fn looked_count<R: Resource>(&self, app: &App, counted: Counted) -> Result<i64> {
        if let Some(count) = counted.count {
            return Ok(count);
        }
        let (count,): (i64,) = app.store.one(&self.counting::<R>()).await?;
        app.counts.keep(counted, count).await;
        Ok(count)
    }

    fn counting<R: Resource>(&self) -> SelectStatement {
        let mut select = self.counted::<R>();
        select.expr(Expr::cust("count(*)"));
        select
    }
}

/// What is known of all rows of a list without looking at them.
#[derive(Debug, Clone)]
pub struct Known {
    pub count: i64,
    /// No row has a higher id. Those that come have.
    pub last_id: i64,
    /// While it is the same no row has gone, nor come among the others.
    pub history: String,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Behind so many rows.
    Skip(u64),
    /// Behind this id, in the order of ids.
    After(i64),
}

impl Place {
    fn apply(self, select: &mut SelectStatement, id: Expr, direction: &Order) {
        match (self, direction) {
            (Place::Skip(0), _) => {}
            (Place::Skip(rows), _) => {
                select.offset(rows);
            }
            (Place::After(after), Order::Desc) => {
                select.and_where(id.lt(after));
            }
            (Place::After(after), _) => {
                select.and_where(id.gt(after));
            }
        }
    }
}

/// A page of what the query asks for, as large as programs may ask for it.
pub async fn page<R: Resource>(
    app: &App,
    caller: &Caller,
    query: &mut Query,
) -> Result<Page<R::Row>> {
    let most = i64::from(cmp::max(app.settings().api.page_cap, 1));
    page_up_to::<R>(app, caller, query, most).await
}

/// The same with so many rows at most.
pub async fn page_up_to<R: Resource>(
    app: &App,
    caller: &Caller,
    query: &mut Query,
    most: i64,
) -> Result<Page<R::Row>> {
    let mut paging = Paging::read(query, most)?;
    paging.size = cmp::min(paging.size, R::MOST_ON_A_PAGE);
    let selection = Selection::read::<R>(app, caller, query).await?;
    let by_id = selection.by_id_alone();
    let place = |number: i64| match paging.after.filter(|_| by_id.is_some()) {
        Some(after) => Place::After(after),
        None => Place::Skip((number - 1).saturating_mul(paging.size).unsigned_abs()),
    };
    let limit = paging.size.unsigned_abs();
    let known = selection.known::<R>(app).await?;
    let counted = match known {
        Some(_) => Counted::default(),
        None => selection.counted_before::<R>(app).await?,
    };
    let found = match paging.number {
        Some(number) if !counted.is_many() => {
            selection.found::<R>(app, place(number), limit).await?
        }
        _ => None,
    };
    let (count, found) = match (found, &known) {
        (Some((count, ids)), _) => {
            app.counts.keep(counted, count).await;
            (count, Some(ids))
        }
        (None, Some(known)) => (known.count, None),
        (None, None) => (selection.looked_count::<R>(app, counted).await?, None),
    };
    let last = cmp::max((count + paging.size - 1) / paging.size, 1);
    let number = paging.number.unwrap_or(last);
    if number > last {
        return Err(Error::InvalidPage);
    }
    let id = id_column::<R>();
    let skipped = (number - 1) * paging.size;
    let mut select = selection.statement::<R>();
    if selection.everything && skipped <= DEEP {
        let direction = by_id.clone().unwrap_or(Order::Asc);
        place(number).apply(&mut select, col(id), &direction);
    } else {
        // What is sorted or skipped is ids alone; the rows are read when it is known which.
        let ids = match (found, place(number), &by_id, &known) {
            (Some(ids), ..) => ids,
            (None, Place::Skip(_), Some(direction), Some(known)) => {
                let rows = cmp::min(paging.size, count - skipped);
                let first = match direction {
                    Order::Desc => count - skipped - rows,
                    _ => skipped,
                };
                selection.walked_to::<R>(app, known, first, rows).await?
            }
            (None, place, ..) => selection.ids::<R>(app, place, count, limit).await?,
        };
        select = SelectStatement::new();
        R::tables(&mut select);
        select.and_where(col(id).is_in(ids));
    }
    selection.sort::<R>(app, &mut select);
    R::columns(&mut select, app);
    select.limit(limit);
    let rows: Vec<R::Row> = app.store.all(&select).await?;
    Ok(Page {
        count,
        after: by_id.and_then(|_| rows.last().map(R::id)),
        rows,
        number,
        size: paging.size,
        by_page_no: paging.by_page_no,
    })
}

/// Counts that were made some minutes ago, by what was counted and when last something changed (`Resource::version`).
#[derive(Debug)]
pub struct Counts(Cache<String, i64>);

/// What a count is kept as, where it may be kept, and what it was.
#[derive(Debug, Default)]
struct Counted {
    key: Option<String>,
    count: Option<i64>,
}

impl Counted {
    /// Whether it is known to be more than are looked for at once.
    fn is_many(&self) -> bool {
        self.count
            .is_some_and(|count| count.unsigned_abs() > FEW_OF_SMALL)
    }
}

impl Counts {
    async fn keep(&self, counted: Counted, count: i64) {
        if let Some(key) = counted.key {
            self.0.insert(key, count).await;
        }
    }
}

impl Default for Counts {
    fn default() -> Self {
        Counts(
            Cache::builder()
                .weigher(|key: &String, _| u32::try_from(key.len()).unwrap_or(u32::MAX))
                .max_capacity(MOST_COUNTS)
                .time_to_idle(Duration::from_secs(600))
                .build(),
        )
    }
}
