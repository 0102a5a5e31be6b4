//! The columns of a resource's list, and its fields: what each is called, where its value comes from,
//! and how it can be asked about.

use super::Resource;
use crate::app::App;
use crate::relation::Relation;
use crate::routes::Kind;
use sea_query::{Alias, Expr};

/// A column by its table (or its alias in the query) and its name.
pub type Column = (&'static str, &'static str);

pub fn col(column: Column) -> Expr {
    Expr::col((Alias::new(column.0), Alias::new(column.1)))
}

/// How a field can be asked about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    No,
    /// `name=value`.
    Exactly,
    /// `name=1,2,3` too.
    OneOf,
    /// By the code or the id of what the column points at, one or several with commas.
    Relation(&'static Relation, Column),
    /// The resource's `special` makes the condition.
    Special,
    /// The resource's `together` reads it, with others.
    Together,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Within {
    No,
    /// The column as it stands, in any case.
    Column,
    /// That part of the row's `search_text`.
    Part(usize),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Column(Column),
    /// `Resource::computed` says how.
    Computed,
    /// A parameter alone.
    Nothing,
}

/// One field of a resource's list: filters, order and the document all read this table.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    pub(super) source: Source,
    pub(super) asked: Asked,
    pub(super) within: Within,
    ordered: bool,
    pub(super) nullable: bool,
    pub(super) aliases: &'static [&'static str],
}

/// How a period is asked for, wherever things have a time of their own and one of their arrival.
pub const START_TIME: Field = Field::together("start_time", Kind::Time, "The first time wanted.");
pub const END_TIME: Field = Field::together(
    "end_time",
    Kind::Time,
    "The last one; a date alone is its whole day.",
);
pub const UPLOAD_TIME_START: Field = Field::together(
    "upload_time_start",
    Kind::Time,
    "The first upload time wanted.",
);
pub const UPLOAD_TIME_END: Field = Field::together(
    "upload_time_end",
    Kind::Time,
    "The last one; a date alone is its whole day.",
);

impl Field {
    pub const fn new(name: &'static str, kind: Kind, column: Column) -> Field {
        Field {
            name,
            kind,
            about: "",
            source: Source::Column(column),
            asked: Asked::No,
            within: Within::No,
            ordered: true,
            nullable: false,
            aliases: &[],
        }
    }

    /// A value that is worked out of columns; `Resource::computed` says how.
    pub const fn computed(name: &'static str, kind: Kind) -> Field {
        Field {
            source: Source::Computed,
            ..Field::new(name, kind, ("", ""))
        }
    }

    /// A parameter that is no column; `Resource::special` knows what it means.
    pub const fn special(name: &'static str, kind: Kind, about: &'static str) -> Field {
        Field {
            name,
            kind,
            about,
            source: Source::Nothing,
            asked: Asked::Special,
            within: Within::No,
            ordered: false,
            nullable: false,
            aliases: &[],
        }
    }

    /// A parameter that means rows of another table, at which the column points.
    pub const fn relation(
        name: &'static str,
        relation: &'static Relation,
        column: Column,
        about: &'static str,
    ) -> Field {
        Field {
            asked: Asked::Relation(relation, column),
            ..Field::special(name, Kind::Reference, about)
        }
    }

    /// A parameter that `Resource::together` reads.
    pub const fn together(name: &'static str, kind: Kind, about: &'static str) -> Field {
        Field {
            asked: Asked::Together,
            ..Field::special(name, kind, about)
        }
    }

    /// Of a parameter that is no column: what a list is ordered by under its name.
    pub const fn ordered_by(self, column: Column) -> Field {
        Field {
            source: Source::Column(column),
            ordered: true,
            ..self
        }
    }

    pub const fn exactly(self) -> Field {
        Field {
            asked: Asked::Exactly,
            ..self
        }
    }

    pub const fn one_of(self) -> Field {
        Field {
            asked: Asked::OneOf,
            ..self
        }
    }

    /// `name_icontains` too, of a column that has no part in `search_text`.
    pub const fn contains(self) -> Field {
        Field {
            within: Within::Column,
            ..self
        }
    }

    /// `name_icontains` too, by that part of `search_text`.
    pub const fn contains_part(self, part: usize) -> Field {
        Field {
            within: Within::Part(part),
            ..self
        }
    }

    pub const fn nullable(self) -> Field {
        Field {
            nullable: true,
            ..self
        }
    }

    /// Other names of the filter.
    pub const fn or(self, aliases: &'static [&'static str]) -> Field {
        Field { aliases, ..self }
    }

    pub const fn about(self, about: &'static str) -> Field {
        Field { about, ..self }
    }

    pub fn is_ordered(&self) -> bool {
        self.ordered && !matches!(self.source, Source::Nothing)
    }

    pub(super) fn expression<R: Resource>(&self, app: &App) -> Option<Expr> {
        match self.source {
            Source::Column(column) => Some(col(column)),
            Source::Computed => Some(R::computed(app, self.name)),
            Source::Nothing => None,
        }
    }

    /// Whether its column is one of the rows' own table.
    pub(super) fn is_own<R: Resource>(&self) -> bool {
        matches!(self.source, Source::Column((table, _)) if table == id_column::<R>().0)
    }

    /// Whether what is asked of it needs no table but the rows' own.
    pub(super) fn asks_own<R: Resource>(&self) -> bool {
        match self.asked {
            Asked::Relation(_, (table, _)) => table == id_column::<R>().0,
            Asked::Special => false,
            _ => self.is_own::<R>(),
        }
    }
}

pub(super) fn id_column<R: Resource>() -> Column {
    match R::FIELDS.first().map(|field| field.source) {
        Some(Source::Column(column)) => column,
        _ => unreachable!("a resource's first field is its id"),
    }
}
