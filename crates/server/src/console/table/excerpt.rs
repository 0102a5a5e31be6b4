//! A few rows of a list on another page.

use super::column::{Cell, Column};
use super::{Listed, shown_to_people};
use crate::access::Caller;
use crate::app::App;
use crate::error::Result;
use crate::extract::Query;
use crate::language::Text;
use crate::resource;

/// A few rows of a list on another page.
pub struct Excerpt {
    pub headings: Vec<Text>,
    pub lines: Vec<Line>,
}

impl Excerpt {
    pub fn has_marked(&self) -> bool {
        self.lines.iter().any(|line| line.is_marked)
    }
}

pub struct Line {
    pub id: i64,
    pub is_marked: bool,
    pub cells: Vec<Cell>,
}

/// The first rows of a list as `parameters` narrow it, without some columns. Those for which `marked`
/// holds are marked.
pub async fn excerpt<R: Listed>(
    app: &App,
    caller: &Caller,
    parameters: &[(&str, &str)],
    without: &[Text],
    marked: impl Fn(&R::Row) -> bool,
) -> Result<Excerpt> {
    let mut query = Query::from_pairs(parameters.iter().copied());
    query.extend([("ordering", R::VIEW.order.to_owned())]);
    let rows = resource::page::<R>(app, caller, &mut query).await?.rows;
    let marks: Vec<(i64, bool)> = rows.iter().map(|row| (R::id(row), marked(row))).collect();
    let columns: Vec<&Column> = R::VIEW
        .columns
        .iter()
        .filter(|column| !column.is_spare && !without.contains(&column.heading))
        .collect();
    let lines = shown_to_people::<R>(app, caller, rows).await?;
    Ok(Excerpt {
        headings: columns.iter().map(|column| column.heading).collect(),
        lines: lines
            .iter()
            .zip(marks)
            .map(|(row, (id, is_marked))| Line {
                id,
                is_marked,
                cells: columns.iter().map(|column| column.cell(row)).collect(),
            })
            .collect(),
    })
}
