//! The endpoints of a resource: how each is documented, who may call it and what it answers.

use super::field::{Asked, Within};
use super::named::{fetch, fetch_by_id, several};
use super::page::{Page, page};
use super::write::{Removable, Writable, save};
use super::{Resource, first};
use crate::access::{Right, Thing};
use crate::answer::Answer;
use crate::appendix;
use crate::error::{Error, Problem, Result};
use crate::extract::{Call, Origin, Query};
use crate::input::Input;
use crate::profile::Profile;
use crate::routes::{Doc, Endpoint, Kind, Member, Parameter, Returns};
use crate::writing::Writing;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// The names under which a bulk action lists its rows, in the older generation the second.
const OBJECTS: &[&str] = &["object_codes", "object_ids"];

/// `{"count","next","previous","msg","code","data"}`, in this order.
fn envelope<T>(page: &Page<T>, shown: Vec<Value>, query: &Query, origin: &Origin) -> Value {
    let name = if page.by_page_no { "pageNo" } else { "page" };
    let link = |number: i64, after: Option<String>| {
        let number = (number > 1 || page.by_page_no).then(|| number.to_string());
        let query = query.rewritten(&[(name, number), ("after", after)]);
        let separator = if query.is_empty() { "" } else { "?" };
        Value::String(format!("{}{}{separator}{query}", origin.base, origin.path))
    };
    let next = page.number + 1;
    let after = page
        .after
        .filter(|_| !page.by_page_no)
        .map(|id| format!("{next}.{id}"));
    json!({
        "count": page.count,
        "next": if page.is_last() { Value::Null } else { link(next, after) },
        "previous": if page.number > 1 { link(page.number - 1, None) } else { Value::Null },
        "msg": "",
        "code": 0,
        "data": shown,
    })
}

/// A page of what the query asks for, in its envelope.
pub async fn answer_list<R: Resource>(call: Call) -> Result<Answer> {
    let (app, mut query) = (call.request.app, call.request.query);
    let page = page::<R>(&app, &call.caller, &mut query).await?;
    let Page {
        count,
        rows,
        number,
        size,
        after,
        by_page_no,
    } = page;
    let shown = R::show(&app, &call.caller, rows).await?;
    let page: Page<()> = Page {
        count,
        rows: Vec::new(),
        number,
        size,
        after,
        by_page_no,
    };
    let body = envelope(&page, shown, &query, &call.request.origin);
    Ok(Answer::ok(&body).warn_of_unknown(&query.unknown()))
}

/// One row as its profile shows it.
pub async fn answer_read<R: Resource>(call: Call) -> Result<Answer> {
    let app = &call.request.app;
    let row = fetch::<R>(app, &call.caller, call.request.path.get(R::KEY)?).await?;
    Ok(Answer::ok(&first(
        R::show(app, &call.caller, vec![row]).await?,
    )?))
}

async fn answer_create<R: Writable>(call: Call) -> Result<Answer> {
    let app = &call.request.app;
    let id = save::<R>(app, &call.caller, &call.request.body, None).await?;
    let row = fetch_by_id::<R>(app, id).await?;
    Ok(Answer::created(
        &R::show_saved(app, &call.caller, row).await?,
    ))
}

async fn answer_update<R: Writable>(call: Call) -> Result<Answer> {
    let app = &call.request.app;
    let stored = fetch::<R>(app, &call.caller, call.request.path.get(R::KEY)?).await?;
    let id = save::<R>(app, &call.caller, &call.request.body, Some(stored)).await?;
    let row = fetch_by_id::<R>(app, id).await?;
    Ok(Answer::ok(&R::show_saved(app, &call.caller, row).await?))
}

async fn answer_delete<R: Removable>(call: Call) -> Result<Answer> {
    let app = &call.request.app;
    let stored = fetch::<R>(app, &call.caller, call.request.path.get(R::KEY)?).await?;
    let mut tx = Writing::begin(app).await?;
    let problems = R::remove(app, &mut tx, &call.caller, vec![stored]).await?;
    if let Some(Problem { message, code, .. }) = problems.into_iter().next() {
        return Err(Error::Refused {
            code,
            detail: message,
        });
    }
    tx.commit(app).await?;
    Ok(removed(call.caller.profile))
}

/// The answer when one was removed.
pub fn removed(profile: Profile) -> Answer {
    match profile.removed() {
        (status, Some(body)) => Answer::json(status, &body),
        (status, None) => Answer::nothing(status),
    }
}

/// `delete` is all a list of rows can be asked to do; what else is wrong with the body is told
/// with it.
pub async fn answer_action<R: Removable>(call: Call) -> Result<Answer> {
    let (app, caller, body) = (&call.request.app, &call.caller, &call.request.body);
    let mut input = Input::new(body, true);
    if input.require(&["action_type"]) && input.one_of("action_type", &["delete"]).is_none() {
        input.code_last(appendix::BAD_ACTION);
    }
    let several = match several::<R>(app, caller, body, OBJECTS).await {
        Err(Error::Invalid(problems)) => {
            input.problems.extend(problems);
            return Err(Error::Invalid(input.problems));
        }
        several => several?,
    };
    input.settle()?;
    let mut tx = Writing::begin(app).await?;
    let problems = R::remove(app, &mut tx, caller, several.rows).await?;
    if !problems.is_empty() {
        let named = problems.into_iter().map(|problem| Problem {
            field: several.field.to_owned(),
            ..problem
        });
        return Err(Error::Invalid(named.collect()));
    }
    tx.commit(app).await?;
    Ok(Answer::ok(&caller.profile.acted("delete", &several.given)))
}

/// The path of one row.
pub fn row_path<R: Resource>() -> String {
    format!("{}{{{}}}/", R::PATH, R::KEY)
}

pub fn list<R: Resource>() -> Endpoint {
    let doc = Doc {
        summary: format!("Lists: {}", R::NAME),
        tag: R::THING.name(),
        query: list_parameters::<R>(),
        body: None,
        returns: Returns::Page(R::ANSWER),
    };
    Endpoint::guarded(
        Method::GET,
        R::PATH,
        Right::View(R::THING),
        doc,
        answer_list::<R>,
    )
}

pub fn read<R: Resource>() -> Endpoint {
    let doc = Doc {
        summary: format!("Reads one: {}", R::NAME),
        tag: R::THING.name(),
        query: Vec::new(),
        body: None,
        returns: Returns::One(StatusCode::OK, R::ANSWER),
    };
    Endpoint::guarded(
        Method::GET,
        &row_path::<R>(),
        Right::View(R::THING),
        doc,
        answer_read::<R>,
    )
}

pub fn create<R: Writable>() -> Endpoint {
    let doc = Doc {
        summary: format!("Makes a new one: {}", R::NAME),
        tag: R::THING.name(),
        query: Vec::new(),
        body: Some(R::INPUT),
        returns: Returns::One(StatusCode::CREATED, R::ANSWER),
    };
    Endpoint::guarded(
        Method::POST,
        R::PATH,
        Right::Change(R::THING),
        doc,
        answer_create::<R>,
    )
}

/// PUT and PATCH: both change what is given and nothing else.
pub fn update<R: Writable>() -> [Endpoint; 2] {
    [Method::PUT, Method::PATCH].map(|method| {
        let doc = Doc {
            summary: format!("Changes what is given: {}", R::NAME),
            tag: R::THING.name(),
            query: Vec::new(),
            body: Some(R::INPUT),
            returns: Returns::One(StatusCode::OK, R::ANSWER),
        };
        Endpoint::guarded(
            method,
            &row_path::<R>(),
            Right::Change(R::THING),
            doc,
            answer_update::<R>,
        )
    })
}

pub fn delete<R: Removable>() -> Endpoint {
    let doc = Doc {
        summary: format!("Removes one: {}", R::NAME),
        tag: R::THING.name(),
        query: Vec::new(),
        body: None,
        returns: Returns::Deleted,
    };
    Endpoint::guarded(
        Method::DELETE,
        &row_path::<R>(),
        Right::Change(R::THING),
        doc,
        answer_delete::<R>,
    )
}

/// The manual removes some things by a POST without a body; with one it would mean a change.
pub fn delete_by_post<R: Removable>() -> Endpoint {
    let mut endpoint = delete::<R>().with_work(answer_delete_by_post::<R>);
    endpoint.method = Method::POST;
    endpoint.doc.summary = format!("Removes one: {} (the manual says POST)", R::NAME);
    endpoint
}

async fn answer_delete_by_post<R: Removable>(call: Call) -> Result<Answer> {
    if !call.request.body.is_empty() {
        return Err(Error::MethodNotAllowed {
            method: "POST".into(),
            allow: "DELETE, GET, HEAD, OPTIONS, PATCH, PUT".into(),
        });
    }
    answer_delete::<R>(call).await
}

const ACTION: &[Member] = &[
    Member::new(
        "object_codes",
        Kind::ReferenceList,
        "Codes or ids: a list, one, or several with commas; also object_ids.",
    )
    .required(),
    Member::new("action_type", Kind::Text, "delete").required(),
];
const ACTED: &[Member] = &[Member::new(
    "detail",
    Kind::Text,
    "Success, and what was sent; in the BioTime profile code, msg and data.",
)];

/// Removes several at once, or none.
pub fn action<R: Removable>() -> Endpoint {
    let doc = Doc {
        summary: format!("Removes several: {}", R::NAME),
        tag: R::THING.name(),
        query: Vec::new(),
        body: Some(ACTION),
        returns: Returns::One(StatusCode::OK, ACTED),
    };
    Endpoint::guarded(
        Method::POST,
        &format!("{}action/", R::PATH),
        Right::Change(R::THING),
        doc,
        answer_action::<R>,
    )
}

const DONE: &[Member] = &[Member::new(
    "detail",
    Kind::Text,
    "Success.; in the BioTime profile code, msg and data.",
)];

/// What is posted to have something done with several, and answered by whether it was.
pub fn posted<F, R>(
    path: &str,
    summary: &str,
    tag: Thing,
    right: Right,
    body: &'static [Member],
    work: F,
) -> Endpoint
where
    F: Fn(Call) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Answer>> + Send + 'static,
{
    let doc = Doc {
        summary: summary.into(),
        tag: tag.name(),
        query: Vec::new(),
        body: Some(body),
        returns: Returns::One(StatusCode::OK, DONE),
    };
    Endpoint::guarded(Method::POST, path, right, doc, work)
}

/// What a list can be asked, for the document.
pub fn list_parameters<R: Resource>() -> Vec<Parameter> {
    let mut parameters = vec![
        Parameter::new("page", Kind::Text, "The page: 1 and up, or last."),
        Parameter::new(
            "page_size",
            Kind::Integer,
            "Rows on a page; 10 unless given.",
        ),
        Parameter::new("limit", Kind::Integer, "Another name of page_size."),
        Parameter::new("pageNo", Kind::Integer, "The page; checked, with pageSize."),
        Parameter::new(
            "pageSize",
            Kind::Integer,
            "Rows on a page, 1 to 1000; checked, with pageNo.",
        ),
        Parameter::new(
            "ordering",
            Kind::Text,
            "Names of fields, separated by commas; - before one turns it round.",
        ),
        Parameter::new(
            "search",
            Kind::Text,
            "Words that must all occur, in any case.",
        ),
    ];
    for field in R::FIELDS {
        if !matches!(field.asked, Asked::No) {
            for name in [&field.name].into_iter().chain(field.aliases) {
                parameters.push(Parameter::new(name, field.kind, field.about));
            }
        }
        if !matches!(field.within, Within::No) {
            parameters.push(Parameter::new(
                &format!("{}_icontains", field.name),
                Kind::Text,
                "A part of it, in any case.",
            ));
        }
    }
    parameters
}
