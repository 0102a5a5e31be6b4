//! Things of one kind behind one set of URLs: listed with filters, order and pages, read, made,
//! changed and removed. Nothing here names a resource; each says in its own file what it is.
//!
//! - `field.rs`: what a list shows and can be asked about.
//! - `selection.rs`: what a caller asks of it, as one condition and an order; with the words of `search.rs`
//!   and the times of `period.rs`.
//! - `page.rs`: a page of that, and the count; `places.rs`: the way to a far one. `export.rs`: all of it, as a file.
//! - `named.rs`: the rows that any other request means.
//! - `write.rs`: rows made, changed and removed. `import.rs`: those of a file. `columns.rs`: the statements.
//! - `endpoints.rs`: all of this behind URLs.

mod columns;
mod endpoints;
mod export;
mod field;
mod import;
mod named;
mod page;
mod period;
mod places;
mod search;
mod selection;
mod write;

pub use columns::{Columns, delete_rows};
pub use endpoints::{
    action, answer_action, answer_list, answer_read, create, delete, delete_by_post, list,
    list_parameters, posted, read, removed, row_path, update,
};
pub use export::{
    Export, Made, Sent, column_of, download, export, export_by_post, name_of_download,
};
pub use field::{Column, END_TIME, Field, START_TIME, UPLOAD_TIME_END, UPLOAD_TIME_START, col};
pub use import::{Existing, Imported, Labels, Progress, import, take_in, try_out};
pub use named::{
    MOST, Several, by_id, by_ids, coded, fetch, fetch_by_id, find, matching, named, none_named,
    read_id, seen, several,
};
pub use page::{Counts, Known, Page, page, page_up_to};
pub use period::{Clock, Period, within_periods};
pub use places::Places;
pub use search::{Key, Searched, Through, search_text};
pub use selection::Selection;
pub use write::{Refused, Removable, Writable, only, save, save_checked, save_several};

use crate::access::{Caller, Thing};
use crate::app::App;
use crate::appendix;
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::profile::Profile;
use crate::routes::Member;
use muster_store::Record;
use sea_query::{Cond, Condition, Expr, SelectStatement, SimpleExpr};
use serde_json::Value;

pub trait Resource: Sized + Send + Sync + 'static {
    /// What one of them is called: in messages, in the audit, in the document.
    const NAME: &'static str;
    const PATH: &'static str;
    const THING: Thing;
    /// The path's parameter.
    const KEY: &'static str;
    /// The column the parameter may name besides the id.
    const CODE: Option<Column>;
    /// Always the first: `id`.
    const FIELDS: &'static [Field];
    const SEARCHED: &'static [Searched];
    const ANSWER: &'static [Member];
    /// The appendix's number when there is no such row.
    const ABSENT: i32 = appendix::PROGRAM_ERROR;
    /// And when several of them are asked for and none is named.
    const NONE_NAMED: i32 = appendix::PROGRAM_ERROR;

    /// What tells rows apart that are alike in the wanted order, if not the id: a column that
    /// rises with it and can stand behind others in an index.
    const TIE: Option<Column> = None;

    /// Members of the answer that the list does not have, nor a file of it.
    const NOT_LISTED: &'static [&'static str] = &[];
    /// Members that are null in every row of the list: in a file only when asked for by their names.
    const ALWAYS_EMPTY: &'static [&'static str] = &[];
    /// Whether an export has to say what kind of file it wants.
    const EXPORT_NEEDS_TYPE: bool = false;

    /// Rows of a page at most, whatever a caller asks for: of things that are large.
    const MOST_ON_A_PAGE: i64 = i64::MAX;

    /// Some hundred thousand rows at most: things that are kept, not things that happen.
    const IS_SMALL: bool = false;

    type Row: Record + Sync + 'static;

    fn id(row: &Self::Row) -> i64;

    /// The tables that conditions and the order name, their joins and what is always asked; no
    /// columns.
    fn tables(select: &mut SelectStatement);

    /// The same without joins, where conditions and the order name nothing but the rows' own table: databases do not see
    /// by themselves that a count or a far page needs no more.
    fn alone(select: &mut SelectStatement) {
        Self::tables(select);
    }

    /// The columns of a row, and joins that nothing but these needs: each finds one row or none.
    fn columns(select: &mut SelectStatement, app: &App);

    /// Which rows a caller may see.
    fn visible(caller: &Caller, app: &App) -> Condition;

    /// Where his words are looked for: only in what he is shown.
    fn searched(_caller: &Caller) -> &'static [Searched] {
        Self::SEARCHED
    }

    /// The value of a `Field::computed`.
    fn computed(app: &App, name: &str) -> Expr {
        let _ = (app, name);
        Expr::null()
    }

    /// The condition of a `Field::special`.
    fn special(app: &App, name: &str, value: &str) -> Result<SimpleExpr> {
        let _ = (app, value);
        Err(Error::Internal(anyhow::anyhow!("{name} is no filter")))
    }

    /// A condition that several parameters make together, or that holds unless one is given; of the rows' own table.
    fn together(
        app: &App,
        caller: &Caller,
        query: &mut Query,
    ) -> impl Future<Output = Result<Condition>> + Send {
        let _ = (app, caller, query);
        async { Ok(Cond::all()) }
    }

    fn default_order(profile: Profile) -> &'static str {
        let _ = profile;
        "id"
    }

    /// What is known of all rows of a list that grows at its end, when somebody keeps it.
    fn known(app: &App) -> impl Future<Output = Result<Option<Known>>> + Send {
        let _ = app;
        async { Ok(None) }
    }

    /// Something that differs whenever a count may differ; `None`: counts are not kept.
    fn version(app: &App) -> impl Future<Output = Result<Option<String>>> + Send {
        let _ = app;
        async { Ok(None) }
    }

    /// The rows as the caller's profile shows them.
    fn show(
        app: &App,
        caller: &Caller,
        rows: Vec<Self::Row>,
    ) -> impl Future<Output = Result<Vec<Value>>> + Send;
}

fn first(shown: Vec<Value>) -> Result<Value> {
    shown
        .into_iter()
        .next()
        .ok_or_else(|| Error::Internal(anyhow::anyhow!("one row was to be shown, and none was")))
}
