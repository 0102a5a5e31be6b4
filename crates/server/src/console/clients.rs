//! API authorization: the programs that may call the API, each with a token that is shown once.

use crate::access::{Caller, Right, Thing};
use crate::accounts::client::{self, Client, Clients};
use crate::app::App;
use crate::console::Console;
use crate::console::confirm::{self, Question};
use crate::console::failure::Failure;
use crate::console::form::Form;
use crate::console::moment::by_the_server;
use crate::console::page::{self, Frame};
use crate::console::place::Place;
use crate::console::record::{self, Asked, Button, Edited, Entry, Group};
use crate::console::rights;
use crate::console::session::Session;
use crate::console::table::{self, Column, Filter, Lamp, Listed, View, Words};
use crate::error::{Error, Result};
use crate::extract::Body;
use crate::language::Text;
use crate::relation::Known;
use crate::resource::{self, Writable};
use askama::Template;
use axum::extract::{RawPathParams, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;
use std::sync::Arc;

const PROFILES: &[(&str, Text)] = &[
    ("easytimepro", t!("EasyTimePro: codes name things")),
    ("biotime", t!("BioTime: ids name things")),
];

impl Listed for Clients {
    const VIEW: View = View {
        name: "clients",
        title: t!("API authorization"),
        new: t!("New client"),
        remove: Text::none(),
        columns: &[
            Column::new(t!("Name"), &["name"]).by("name"),
            Column::new(t!("State"), &["state"])
                .by("state")
                .words(Words::State(&[
                    ("active", t!("Active"), Lamp::Good),
                    ("expired", t!("Expired"), Lamp::Plain),
                    ("revoked", t!("Revoked"), Lamp::Plain),
                ])),
            Column::new(t!("Profile"), &["profile"])
                .by("profile")
                .words(Words::Of(&[
                    ("easytimepro", t!("EasyTimePro")),
                    ("biotime", t!("BioTime")),
                ])),
            Column::new(t!("Last use"), &["last_use"]).by("last_use"),
            Column::new(t!("Good until"), &["expire_date"]).by("expire_date"),
            Column::new(t!("From" as "an address"), &["addresses"]),
            Column::new(t!("Areas"), &["areas.area_name"]),
            Column::new(t!("Added by"), &["create_user"]).by("create_user"),
            Column::new(t!("Added"), &["create_time"]).by("create_time"),
        ],
        filters: &[Filter {
            name: "state",
            label: t!("State"),
            asked: table::Asked::OneOf(&[
                ("active", t!("Active")),
                ("expired", t!("Expired")),
                ("revoked", t!("Revoked")),
            ]),
        }],
        order: "state,name",
        empty: t!(
            "A program calls the API with a token of its own: make a client for each, with the rights it needs \
                and no more."
        ),
        opens: true,
        removal: None,
    };
    const LINKS: &'static [(&'static str, Text)] = &[("/api/docs/", t!("Browse API"))];
    const NAMED_BY: usize = 1;
    const TIMES: Option<fn(&str) -> String> = Some(by_the_server);
}

impl Edited for Clients {
    const FORM: &'static [Group] = &[
        Group {
            title: t!("Client"),
            entries: &[
                Entry::new("name", t!("Name"), Asked::Text)
                    .required()
                    .hint(t!(
                        "What it is, such as “Payroll”: this name stands in the audit."
                    )),
                Entry::new("profile", t!("Profile"), Asked::OneOf(PROFILES))
                    .required()
                    .initially("easytimepro")
                    .hint(t!("Whose API the program was made for.")),
                Entry::new("expire_date", t!("Good until"), Asked::Day)
                    .hint(t!("The last day of its token. Empty: for ever.")),
                Entry::new("addresses", t!("May come from"), Asked::Lines).hint(t!(
                    "Addresses and networks such as 10.0.0.0/8, one a line. Empty: anywhere."
                )),
            ],
        },
        rights::LIMITED_TO,
        Group {
            title: t!("May do"),
            entries: &[Entry::new("rights", t!("Rights"), Asked::Rights)],
        },
    ];

    fn may_edit(caller: &Caller, stored: Option<&Value>) -> bool {
        let is_fixed =
            stored.is_some_and(|stored| stored["state"] == "revoked" || stored["is_above"] == true);
        caller.may(Right::Change(Thing::Client)) && !is_fixed
    }

    fn buttons(caller: &Caller, stored: &Value) -> Vec<Button> {
        if !Self::may_edit(caller, Some(stored)) {
            return Vec::new();
        }
        let (another, revoke) = (t!("Give it another token…"), t!("Revoke this client…"));
        vec![
            Button {
                path: "rotate",
                text: another,
            },
            Button {
                path: "revoke",
                text: revoke,
            },
        ]
    }

    async fn keep(
        app: &App,
        session: &Session,
        body: &Body,
        row: Option<Client>,
        place: &Place,
    ) -> Result<Option<Response>> {
        let caller = &session.caller;
        let is_new = row.is_none();
        let change = Clients::check(app, caller, &Known::default(), body, row.as_ref()).await?;
        let token = change.token.clone().unwrap_or_default();
        let id = resource::save_checked::<Clients>(app, caller, change, row).await?;
        if !is_new {
            return Ok(None);
        }
        let client = resource::fetch_by_id::<Clients>(app, id).await?;
        Ok(Some(told(session, &client.name, token, place)?))
    }
}

#[derive(Template)]
#[template(path = "token.html")]
struct TokenPage<'a> {
    frame: Frame,
    name: &'a str,
    /// As a program sends it.
    header: String,
    token: String,
    /// Back to it.
    list: String,
}

/// The token, which no other page ever shows.
fn told(session: &Session, name: &str, token: String, place: &Place) -> Result<Response, Failure> {
    page::html(
        StatusCode::OK,
        &TokenPage {
            frame: Frame::of(Clients::VIEW.title, session).about(name),
            header: format!("Authorization: Token {token}"),
            name,
            token,
            list: place.address(),
        },
    )
}

/// The client of the address, for somebody who may change clients.
async fn named(
    console: &Console,
    params: &RawPathParams,
    session: &Session,
) -> Result<Client, Failure> {
    let caller = &session.caller;
    caller.require(Right::Change(Thing::Client))?;
    let key = record::key(params).ok_or(Error::NotFound)?;
    Ok(resource::fetch::<Clients>(&console.app, caller, key).await?)
}

/// `POST /clients/{id}/rotate`: another token, when it was said to be sure.
pub async fn rotate(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    form: Form,
) -> Result<Response, Failure> {
    let found = named(&console, &params, &form.session).await?;
    let place = Place::sent(&Clients::VIEW, &form.fields);
    if form.fields.text("sure") == "yes" {
        let name = found.name.clone();
        let token = client::rotate(&console.app, &form.session.caller, found).await?;
        return told(&form.session, &name, token, &place);
    }
    let question = Question {
        heading: t!("Give {name} another token?", name = found.name),
        consequence: t!(
            "The token it has now stops working at once. The program needs the new one, which is shown \
                      once."
        ),
        button: t!("Give it another token"),
        address: format!("/clients/{}/rotate", found.id),
        back: place.along(&format!("/clients/{}", found.id)),
        place,
    };
    confirm::ask::<Clients>(&form.session, question)
}

/// `POST /clients/{id}/revoke`: the end of a token, when it was said to be sure.
pub async fn revoke(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    form: Form,
) -> Result<Response, Failure> {
    let found = named(&console, &params, &form.session).await?;
    let place = Place::sent(&Clients::VIEW, &form.fields);
    if form.fields.text("sure") == "yes" {
        client::revoke(&console.app, &form.session.caller, &found.name).await?;
        return Ok(Redirect::to(&place.done("revoked")).into_response());
    }
    let question = Question {
        heading: t!("Revoke {name}?", name = found.name),
        consequence: t!(
            "Its token stops working at once and for good. The client stays in the list, as a record."
        ),
        button: t!("Revoke"),
        address: format!("/clients/{}/revoke", found.id),
        back: place.along(&format!("/clients/{}", found.id)),
        place,
    };
    confirm::ask::<Clients>(&form.session, question)
}
