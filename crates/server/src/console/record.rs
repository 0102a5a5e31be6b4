//! The page of one row, whatever it is: a form with its fields in groups, made, changed and removed.
//! What a page asks is a `Form`; what is good is the resource's own check, and what is wrong stands
//! at its field.

use crate::access::{Caller, Right};
use crate::accounts::role;
use crate::app::App;
use crate::console::Console;
use crate::console::act::{self, Act};
use crate::console::confirm::Typed;
use crate::console::failure::Failure;
use crate::console::form::{self, Fields};
use crate::console::meant::{Meant, Named};
use crate::console::page::{self, Frame};
use crate::console::place::Place;
use crate::console::rights::{self, Offered};
use crate::console::session::Session;
use crate::console::table::{Choice, Listed, View, choices, text_at, words_as_choices};
use crate::console::whom::{self, Whom};
use crate::error::{Error, Problem, Result};
use crate::extract::{Body, Query};
use crate::language::Text;
use crate::relation::{Known, Relation};
use crate::resource::{self, Removable, Writable};
use crate::terminals::overview;
use crate::writing::Writing;
use askama::Template;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A resource whose rows people make and change.
pub trait Edited: Listed + Writable {
    const FORM: &'static [Group];
    /// Whether the form is long, and its groups are shown one at a time.
    const IN_PARTS: bool = false;

    /// Whether somebody may make one (`None`) or change the row.
    fn may_edit(caller: &Caller, stored: Option<&Value>) -> bool {
        match stored {
            None => Self::may_add(caller),
            Some(_) => caller.may(Right::Change(Self::THING)),
        }
    }

    /// The pages of a row for somebody: addresses and words, and whether it is this one.
    fn tabs(caller: &Caller, stored: &Value) -> Vec<(String, Text, bool)> {
        let _ = (caller, stored);
        Vec::new()
    }

    /// The address of a picture of it.
    fn portrait(app: &App, stored: &Value) -> impl Future<Output = Result<Option<String>>> + Send {
        let _ = (app, stored);
        async { Ok(None) }
    }

    /// The row with all that its form asks for.
    fn in_form(
        app: &App,
        caller: &Caller,
        row: Self::Row,
    ) -> impl Future<Output = Result<Value>> + Send {
        async move {
            let shown = Self::show(app, caller, vec![row]).await?;
            shown.into_iter().next().ok_or(Error::NotFound)
        }
    }

    /// What stands in a group of the form after its fields, as HTML.
    fn within(
        app: &App,
        session: &Session,
        stored: Option<&Value>,
        group: &Group,
        place: &Place,
    ) -> impl Future<Output = Result<String>> + Send {
        let _ = (app, session, stored, group, place);
        async { Ok(String::new()) }
    }

    /// What else can be done with a row.
    fn buttons(caller: &Caller, stored: &Value) -> Vec<Button> {
        let _ = (caller, stored);
        Vec::new()
    }

    /// What stands below the form of a row, as HTML.
    fn below(
        app: &App,
        session: &Session,
        stored: &Value,
    ) -> impl Future<Output = Result<String>> + Send {
        let _ = (app, session, stored);
        async { Ok(String::new()) }
    }

    /// Makes or changes a row; gives the page that follows, if that is not the list where somebody was.
    fn keep(
        app: &App,
        session: &Session,
        body: &Body,
        row: Option<Self::Row>,
        place: &Place,
    ) -> impl Future<Output = Result<Option<Response>>> + Send {
        let _ = place;
        async move {
            resource::save::<Self>(app, &session.caller, body, row).await?;
            Ok(None)
        }
    }
}

/// A button below a row's form: it posts to `/NAME/ID/PATH`.
pub struct Button {
    pub path: &'static str,
    pub text: Text,
}

#[derive(Debug, Clone, Copy)]
pub struct Group {
    pub title: Text,
    pub entries: &'static [Entry],
}

/// A field of the form.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The member of the resource's input.
    name: &'static str,
    label: Text,
    asked: Asked,
    hint: Text,
    required: bool,
    /// Never changes once the row is there.
    fixed: bool,
    /// What a new row's form has there.
    initially: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub enum Asked {
    Text,
    /// Text that may have several lines.
    Lines,
    Number,
    Day,
    /// Never shown: what is typed replaces it, nothing typed leaves it.
    Secret,
    Flag,
    OneOf(&'static [(&'static str, Text)]),
    Related(Relation),
    SeveralRelated(Relation),
    /// What somebody may do.
    Rights,
    /// A role of users.
    Role,
    /// Somebody by his code, which stands in this member of a stored row.
    Person(&'static str),
    /// One of the terminals somebody may see.
    Terminal,
    /// A wall clock's day and time.
    Moment,
}

impl Entry {
    pub const fn new(name: &'static str, label: Text, asked: Asked) -> Entry {
        Entry {
            name,
            label,
            asked,
            hint: Text::none(),
            required: false,
            fixed: false,
            initially: "",
        }
    }

    pub const fn hint(self, hint: Text) -> Entry {
        Entry { hint, ..self }
    }

    pub const fn required(self) -> Entry {
        Entry {
            required: true,
            ..self
        }
    }

    pub const fn fixed(self) -> Entry {
        Entry {
            fixed: true,
            ..self
        }
    }

    pub const fn initially(self, initially: &'static str) -> Entry {
        Entry { initially, ..self }
    }

    /// The field that says what this one was shown with.
    pub fn was(&self) -> String {
        format!("was-{}", self.name)
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn label(&self) -> Text {
        self.label
    }

    pub fn is_required(&self) -> bool {
        self.required
    }

    pub fn asked(&self) -> Asked {
        self.asked
    }

    pub fn initial(&self) -> Vec<String> {
        vec![self.initially.to_owned()]
    }

    /// What was typed or chosen; nothing where a field was left empty.
    pub fn typed(&self, fields: &Fields) -> Vec<String> {
        let texts = fields.all(self.name).map(str::trim);
        let mut texts: Vec<String> = texts
            .filter(|text| !text.is_empty())
            .map(|text| text.replace("\r\n", "\n"))
            .collect();
        texts.sort_unstable();
        texts
    }

    /// What was typed, as the resource reads it; `None` leaves it as it is.
    pub fn read(&self, fields: &Fields) -> Option<Value> {
        let text = fields.text(self.name).trim();
        // A box without a tick is not sent at all, nor is a list with nothing chosen.
        let may_be_missing = matches!(
            self.asked,
            Asked::Flag | Asked::SeveralRelated(_) | Asked::Rights
        );
        if !may_be_missing && fields.all(self.name).next().is_none() {
            return None;
        }
        Some(match self.asked {
            Asked::Text => text.into(),
            Asked::Lines => text.replace("\r\n", "\n").into(),
            Asked::Secret if text.is_empty() => return None,
            Asked::Secret => text.into(),
            Asked::Flag => (text == "true").into(),
            Asked::SeveralRelated(_) | Asked::Rights => fields
                .all(self.name)
                .filter(|id| !id.is_empty())
                .map(Value::from)
                .collect(),
            Asked::Number
            | Asked::Day
            | Asked::Moment
            | Asked::OneOf(_)
            | Asked::Related(_)
            | Asked::Role
            | Asked::Terminal
                if text.is_empty() =>
            {
                Value::Null
            }
            Asked::Number | Asked::OneOf(_) => match text.parse::<i64>() {
                Ok(number) => number.into(),
                Err(_) => text.into(),
            },
            Asked::Day
            | Asked::Moment
            | Asked::Related(_)
            | Asked::Role
            | Asked::Terminal
            | Asked::Person(_) => text.into(),
        })
    }

    /// What the form has of a stored row, as it is typed.
    fn of(&self, row: &Value) -> Vec<String> {
        let related = |value: &Value| text_at(value, "id");
        let mut texts = match self.asked {
            Asked::Secret => Vec::new(),
            Asked::Flag => match row.get(self.name) {
                Some(Value::Bool(true)) => vec!["true".into()],
                Some(Value::Number(number)) if number.as_i64() != Some(0) => vec!["true".into()],
                _ => Vec::new(),
            },
            Asked::Related(_) | Asked::Role | Asked::Terminal => {
                row.get(self.name).and_then(related).into_iter().collect()
            }
            Asked::Rights => match row.get(self.name) {
                Some(Value::Array(names)) => {
                    let names = names.iter().filter_map(Value::as_str);
                    names.map(str::to_owned).collect()
                }
                _ => Vec::new(),
            },
            Asked::Person(member) => text_at(row, member).into_iter().collect(),
            Asked::Moment => text_at(row, self.name)
                .map(|text| text.replacen(' ', "T", 1))
                .into_iter()
                .collect(),
            Asked::SeveralRelated(_) => match row.get(self.name) {
                Some(Value::Array(items)) => items.iter().filter_map(related).collect(),
                _ => Vec::new(),
            },
            Asked::Text | Asked::Lines | Asked::Number | Asked::Day | Asked::OneOf(_) => {
                text_at(row, self.name).into_iter().collect()
            }
        };
        texts.sort_unstable();
        texts
    }
}

/// Several texts as one, to be compared.
fn in_one(texts: &[String]) -> String {
    texts.join(",")
}

/// A field as the page shows it.
pub struct Shown {
    pub name: &'static str,
    /// Of a stored row: what the field was shown with first.
    pub was: Option<String>,
    pub label: Text,
    /// `text`, `number`, `date`, `datetime-local`, `password`, `checkbox`, `person`, `select`, `several` or `rights`.
    pub control: &'static str,
    pub value: String,
    /// What the person is called whose code that is.
    pub person: Option<String>,
    pub options: Vec<Choice>,
    pub rights: Offered,
    pub hint: Text,
    pub required: bool,
    pub fixed: bool,
    pub problems: Vec<String>,
}

struct ShownGroup {
    title: Text,
    entries: Vec<Shown>,
    has_problems: bool,
    /// What stands after the fields.
    within: String,
}

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage {
    frame: Frame,
    view: View,
    csrf: String,
    /// `new`, or the row's id.
    key: String,
    /// Where somebody comes from.
    place: Place,
    heading: String,
    groups: Vec<ShownGroup>,
    is_in_parts: bool,
    /// What is wrong and belongs to no field of the form.
    problems: Vec<String>,
    /// Nothing is wrong, but whom it is about has to be looked at.
    is_unseen: bool,
    may_change: bool,
    tabs: Vec<(String, Text, bool)>,
    portrait: Option<String>,
    buttons: Vec<Button>,
    below: String,
    /// What else can be done with the row, and its other pages.
    deeds: Vec<Act>,
    pages: &'static [(&'static str, Text)],
}

#[derive(Template)]
#[template(path = "removal.html")]
struct RemovalPage {
    frame: Frame,
    view: View,
    csrf: String,
    place: Place,
    consequence: Text,
    named: Named,
    typed: Option<Typed>,
    problems: Vec<String>,
}

impl RecordPage {
    /// Another page of the row.
    fn beside(&self, page: &str) -> String {
        let address = format!("/{}/{}/{page}", self.view.name, self.key);
        self.place.along(&address)
    }
}

/// `GET /NAME/new`, with parameters for what is known already.
pub async fn new<R: Edited>(
    State(console): State<Arc<Console>>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    if !R::may_edit(&session.caller, None) {
        return Err(Error::Forbidden.into());
    }
    let known = Query::parse(query.as_deref().unwrap_or(""))?;
    let place = Place::told(&R::VIEW, query.as_deref());
    let record = Record::<R>::new(&console.app, &session, place, None);
    let typed = |entry: &Entry| match (known.clone().take(entry.name), entry.asked) {
        (Some(text), _) => vec![text],
        (None, Asked::Rights) => rights::named(entry.initially, &session.caller),
        (None, _) => entry.initial(),
    };
    record.show(StatusCode::OK, typed, &[]).await
}

/// `GET /NAME/{id}`.
pub async fn page<R: Edited>(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    session.caller.require(Right::View(R::THING))?;
    let stored = stored::<R>(&console.app, &session.caller, &params).await?;
    let place = Place::told(&R::VIEW, query.as_deref());
    let record = Record::<R>::new(&console.app, &session, place, Some(&stored));
    record
        .show(StatusCode::OK, |entry| entry.of(&stored), &[])
        .await
}

/// `POST /NAME/new` and `POST /NAME/{id}`.
pub async fn save<R: Edited>(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    form: form::Form,
) -> Result<Response, Failure> {
    let (app, caller) = (&console.app, &form.session.caller);
    caller.require(Right::Change(R::THING))?;
    let place = Place::sent(&R::VIEW, &form.fields);
    let key = key(&params);
    let row = match key {
        None => None,
        Some(key) => Some(resource::fetch::<R>(app, caller, key).await?),
    };
    let stored = match key {
        None => None,
        Some(_) => Some(stored::<R>(app, caller, &params).await?),
    };
    // What was not touched stays as it is now, whoever changed it meanwhile.
    let mut members = Map::new();
    for entry in R::FORM.iter().flat_map(|group| group.entries) {
        let typed = entry.typed(&form.fields);
        let touched = match &stored {
            None => !typed.is_empty() || matches!(entry.asked, Asked::Flag),
            Some(_) if entry.fixed => false,
            Some(stored) => match form.fields.all(&entry.was()).last() {
                Some(was) => in_one(&typed) != was.replace("\r\n", "\n"),
                None => typed != entry.of(stored),
            },
        };
        if touched && let Some(value) = entry.read(&form.fields) {
            members.insert(entry.name.to_owned(), value);
        }
    }
    let entries = R::FORM.iter().flat_map(|group| group.entries);
    let whom = Whom::read(app, caller, entries, &form.fields, &mut members).await?;
    let body = Body::from_object(members);
    let kept = match whom.is_sure() {
        true => R::keep(app, &form.session, &body, row, &place).await,
        false => {
            // What else is wrong is told at once.
            let checked = R::check(app, caller, &Known::default(), &body, row.as_ref()).await;
            let others = match checked {
                Err(Error::Invalid(problems)) => problems,
                _ => Vec::new(),
            };
            let nobody = &whom.nobody;
            let is_told = |other: &Problem| nobody.iter().any(|told| told.field == other.field);
            let others = others.into_iter().filter(|one| !is_told(one));
            Err(Error::Invalid(
                nobody.iter().cloned().chain(others).collect(),
            ))
        }
    };
    let mut problems = match kept {
        Ok(Some(page)) => return Ok(page),
        Ok(None) => return Ok(Redirect::to(&place.done(&whom.done("saved"))).into_response()),
        Err(Error::Invalid(problems)) => problems,
        Err(Error::Refused { detail, code }) => vec![Problem::new("", detail).coded(code)],
        Err(error) => return Err(error.into()),
    };
    let record = Record::<R>::new(app, &form.session, place, stored.as_ref());
    let typed = |entry: &Entry| match (entry.fixed, &stored) {
        (true, Some(stored)) => entry.of(stored),
        _ if matches!(entry.asked, Asked::Secret) => Vec::new(),
        _ => entry.typed(&form.fields),
    };
    let status = match problems.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let entries = R::FORM.iter().flat_map(|group| group.entries);
    let secrets = entries.filter(|entry| matches!(entry.asked, Asked::Secret));
    let typed_before = secrets.filter(|entry| !entry.typed(&form.fields).is_empty());
    let is_told = |entry: &Entry, problems: &[Problem]| {
        problems.iter().any(|problem| problem.field == entry.name)
    };
    for entry in typed_before {
        if !is_told(entry, &problems) {
            let again = t!("Type it again: what is secret does not come back.");
            problems.push(Problem::new(entry.name, again));
        }
    }
    record
        .sent_back(&form.fields, whom.is_unseen)
        .show(status, typed, &problems)
        .await
}

/// `POST /NAME/remove`: asks first, and removes when it was said to be sure.
pub async fn remove<R: Listed + Removable>(
    State(console): State<Arc<Console>>,
    form: form::Form,
) -> Result<Response, Failure> {
    let (app, caller, view) = (&console.app, &form.session.caller, R::VIEW);
    caller.require(Right::Change(R::THING))?;
    let consequence = view.removal.ok_or(Error::NotFound)?;
    let place = Place::sent(&view, &form.fields);
    let meant = Meant::<R>::of(app, caller, &form.fields).await?;
    let are_others = meant.are_others;
    let (named, rows) = meant.named(app, caller).await?;
    let is_sure = form.fields.text("sure") == "yes";
    let typed = R::TYPED_TO_REMOVE.of(&named, &rows, &form.fields, is_sure && !are_others);
    let is_mistyped = typed.as_ref().is_some_and(|typed| typed.is_wrong);
    let mut problems = Vec::new();
    if is_sure && are_others {
        problems.push(Problem::new("", act::OTHERS));
    } else if is_sure && !is_mistyped {
        let rows = Meant::<R>::again(app, caller, &named.ids).await?;
        let mut tx = Writing::begin(app).await?;
        problems = R::remove(app, &mut tx, caller, rows).await?;
        if problems.is_empty() {
            tx.commit(app).await?;
            let to = place.done(&format!("removed-{}", named.count()));
            return Ok(Redirect::to(&to).into_response());
        }
    }
    let status = match problems.is_empty() && !is_mistyped {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    page::html(
        status,
        &RemovalPage {
            frame: Frame::of(t!("Remove"), &form.session),
            csrf: form.session.csrf.clone(),
            place,
            consequence,
            named,
            typed,
            problems: problems
                .into_iter()
                .map(|problem| problem.message)
                .collect(),
            view,
        },
    )
}

struct Record<'p, R: Edited> {
    app: &'p App,
    session: &'p Session,
    place: Place,
    stored: Option<&'p Value>,
    /// The form as it was sent, when it comes back.
    sent: Option<&'p Fields>,
    is_unseen: bool,
    resource: std::marker::PhantomData<R>,
}

impl<'p, R: Edited> Record<'p, R> {
    fn new(app: &'p App, session: &'p Session, place: Place, stored: Option<&'p Value>) -> Self {
        Record {
            app,
            session,
            place,
            stored,
            sent: None,
            is_unseen: false,
            resource: std::marker::PhantomData,
        }
    }

    fn tabs(&self) -> Vec<(String, Text, bool)> {
        let caller = &self.session.caller;
        let tabs = self.stored.map(|stored| R::tabs(caller, stored));
        let tabs = tabs.unwrap_or_default();
        let along = |(address, text, is_this): (String, Text, bool)| {
            (self.place.along(&address), text, is_this)
        };
        tabs.into_iter().map(along).collect()
    }

    fn sent_back(self, sent: &'p Fields, is_unseen: bool) -> Self {
        Record {
            sent: Some(sent),
            is_unseen,
            ..self
        }
    }

    async fn show(
        &self,
        status: StatusCode,
        values: impl Fn(&Entry) -> Vec<String>,
        problems: &[Problem],
    ) -> Result<Response, Failure> {
        let mut groups = Vec::with_capacity(R::FORM.len());
        for group in R::FORM {
            let mut entries = Vec::with_capacity(group.entries.len());
            for entry in group.entries {
                entries.push(self.shown(entry, values(entry), problems).await?);
            }
            groups.push(ShownGroup {
                title: group.title,
                has_problems: entries.iter().any(|entry| !entry.problems.is_empty()),
                within: R::within(self.app, self.session, self.stored, group, &self.place).await?,
                entries,
            });
        }
        let asked = |name: &str| {
            let mut entries = R::FORM.iter().flat_map(|group| group.entries);
            entries.any(|entry| entry.name == name)
        };
        let elsewhere = problems.iter().filter(|problem| !asked(&problem.field));
        let view = R::VIEW;
        let caller = &self.session.caller;
        let heading = match self.stored {
            None => view.new.into(),
            Some(stored) => R::name_of(stored),
        };
        let portrait = match self.stored {
            None => None,
            Some(stored) => R::portrait(self.app, stored).await?,
        };
        let may_change = R::may_edit(caller, self.stored);
        let (buttons, below) = match self.stored {
            None => (Vec::new(), String::new()),
            Some(stored) => (
                R::buttons(caller, stored),
                R::below(self.app, self.session, stored).await?,
            ),
        };
        page::html(
            status,
            &RecordPage {
                frame: Frame::of(view.title, self.session).about(&heading),
                csrf: self.session.csrf.clone(),
                key: match self.stored {
                    None => "new".into(),
                    Some(stored) => text_at(stored, "id").unwrap_or_default(),
                },
                heading,
                groups,
                is_in_parts: R::IN_PARTS,
                problems: elsewhere.map(|problem| problem.message.clone()).collect(),
                is_unseen: self.is_unseen && problems.is_empty(),
                may_change,
                tabs: self.tabs(),
                portrait,
                place: self.place.clone(),
                buttons,
                below,
                deeds: act::of::<R>(self.session),
                pages: R::PAGES,
                view,
            },
        )
    }

    async fn shown(
        &self,
        entry: &Entry,
        values: Vec<String>,
        problems: &[Problem],
    ) -> Result<Shown> {
        let caller = &self.session.caller;
        let mut shown = shown(self.app, caller, entry, &values, problems).await?;
        if let Asked::Related(relation) | Asked::SeveralRelated(relation) = entry.asked {
            self.keep_beyond(entry, relation, &mut shown.options);
        }
        if let Asked::OneOf(_) = entry.asked {
            self.keep_unnamed(entry, &values, &mut shown.options);
        }
        let was = self.stored.map(|stored| {
            let sent = self.sent.and_then(|sent| sent.all(&entry.was()).last());
            sent.map_or_else(|| in_one(&entry.of(stored)), str::to_owned)
        });
        match entry.asked {
            Asked::Rights => shown.rights = rights::offered(caller, &values),
            Asked::Role => {
                shown.options = roles(self.app, caller, self.stored, &shown.value).await?;
            }
            _ => {}
        }
        shown.was = was.filter(|_| !entry.fixed && !matches!(entry.asked, Asked::Secret));
        // One that was made without it may stay so.
        shown.required &= self
            .stored
            .is_none_or(|stored| !entry.of(stored).is_empty());
        shown.fixed = entry.fixed && self.stored.is_some();
        Ok(shown)
    }
}

/// The terminals somebody may see, by name.
async fn terminals(app: &App, caller: &Caller, chosen: &str) -> Result<Vec<Choice>> {
    let mut terminals = overview::list(app, &caller.scope).await?;
    terminals.sort_by_cached_key(|(_, terminal)| terminal.alias.to_lowercase());
    let choices = terminals.into_iter().map(|(_, terminal)| Choice {
        value: terminal.id.to_string(),
        chosen: terminal.id.to_string() == chosen,
        label: format!("{} ({})", terminal.alias, terminal.sn),
    });
    Ok(choices.collect())
}

/// A field with what is typed or chosen in it, and what is wrong with that.
pub async fn shown(
    app: &App,
    caller: &Caller,
    entry: &Entry,
    values: &[String],
    problems: &[Problem],
) -> Result<Shown> {
    let value = values.first().cloned().unwrap_or_default();
    let (control, options) = match entry.asked {
        Asked::Text => ("text", Vec::new()),
        Asked::Person(_) => ("person", Vec::new()),
        Asked::Terminal => ("select", terminals(app, caller, &value).await?),
        Asked::Moment => ("datetime-local", Vec::new()),
        Asked::Lines => ("lines", Vec::new()),
        Asked::Number => ("number", Vec::new()),
        Asked::Day => ("date", Vec::new()),
        Asked::Secret => ("password", Vec::new()),
        Asked::Rights => ("rights", Vec::new()),
        Asked::Role => ("select", Vec::new()),
        Asked::Flag => ("checkbox", Vec::new()),
        Asked::OneOf(words) => ("select", words_as_choices(words, &value)),
        Asked::Related(relation) => ("select", choices(app, caller, relation, &[&value]).await?),
        Asked::SeveralRelated(relation) => {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            ("several", choices(app, caller, relation, &values).await?)
        }
    };
    let person = match entry.asked {
        Asked::Person(_) if !value.is_empty() => whom::by_code(app, caller, &value).await?,
        _ => None,
    };
    let own = problems
        .iter()
        .filter(|problem| problem.field == entry.name);
    Ok(Shown {
        was: None,
        name: entry.name,
        label: entry.label,
        control,
        value,
        person: person.and_then(|person| person.name),
        options,
        rights: Offered::default(),
        hint: entry.hint,
        required: entry.required,
        fixed: false,
        problems: own.map(|problem| problem.message.clone()).collect(),
    })
}

impl<R: Edited> Record<'_, R> {
    /// A number that has no word here, but came by another door, stays chosen as a number.
    fn keep_unnamed(&self, entry: &Entry, values: &[String], options: &mut Vec<Choice>) {
        let stored = self.stored.map(|stored| entry.of(stored));
        for value in stored.unwrap_or_default() {
            if !options.iter().any(|option| option.value == value) {
                options.push(Choice {
                    chosen: values.contains(&value),
                    label: value.clone(),
                    value,
                });
            }
        }
    }

    /// What the row points at already can stay chosen, also when the caller could not choose it.
    fn keep_beyond(&self, entry: &Entry, relation: Relation, options: &mut Vec<Choice>) {
        let related = match self.stored.and_then(|stored| stored.get(entry.name)) {
            Some(Value::Array(items)) => items.iter().collect(),
            Some(item @ Value::Object(_)) => vec![item],
            _ => Vec::new(),
        };
        for item in related {
            if let Some(value) = text_at(item, "id")
                && !options.iter().any(|option| option.value == value)
            {
                let chosen = self
                    .sent
                    .is_none_or(|sent| sent.all(entry.name).any(|sent| sent == value));
                let label = text_at(item, relation.name).unwrap_or_else(|| value.clone());
                options.push(Choice {
                    value,
                    label,
                    chosen,
                });
            }
        }
    }
}

/// The roles somebody may give, and the one a user has.
async fn roles(
    app: &App,
    caller: &Caller,
    stored: Option<&Value>,
    chosen: &str,
) -> Result<Vec<Choice>> {
    let now = stored.and_then(|stored| text_at(stored, "role.id"));
    let roles = role::all(app).await?;
    Ok(roles
        .into_iter()
        .map(|role| (role.id.to_string(), role))
        .filter(|(id, role)| {
            now.as_ref() == Some(id) || caller.covers(&role.rights(), &role.scope())
        })
        .map(|(id, role)| Choice {
            chosen: id == chosen,
            value: id,
            label: role.name,
        })
        .collect())
}

pub async fn stored<R: Edited>(
    app: &App,
    caller: &Caller,
    params: &RawPathParams,
) -> Result<Value> {
    let row = resource::fetch::<R>(app, caller, key(params).ok_or(Error::NotFound)?).await?;
    R::in_form(app, caller, row).await
}

/// The row the address names; `None`: a new one.
pub fn key(params: &RawPathParams) -> Option<&str> {
    params
        .iter()
        .find_map(|(name, value)| (name == "id").then_some(value))
}
