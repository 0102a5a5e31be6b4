//! Transactions that no list shows any more: what BioTime's DELETE makes of one, and the console with
//! several. The punch stays as the terminal sent it, so that it is known when it comes again, and can be
//! shown again, as the transaction it was, under its id.

use crate::access::{Caller, Right, Thing};
use crate::answer::Answer;
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Result};
use crate::extract::{Call, Query};
use crate::profile::Profile;
use crate::punches::photo::{self, Photographed};
use crate::punches::punch::{self, List, asked, column};
use crate::punches::record;
use crate::punches::transaction::Transaction;
use crate::resource::{
    self, Column, END_TIME, Field, Resource, START_TIME, Searched, UPLOAD_TIME_END,
    UPLOAD_TIME_START, col,
};
use crate::routes::{Doc, Endpoint, Kind, Member, Returns};
use crate::times;
use crate::writing::Writing;
use chrono::{DateTime, Utc};
use http::Method;
use muster_store::{Sql, json_list};
use sea_query::{Condition, SelectStatement};
use serde_json::{Value, json};

/// The list of those that are hidden.
pub struct Hidden;

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    #[sqlx(flatten)]
    pub punch: punch::Row,
    hidden_at: DateTime<Utc>,
}

/// A transaction has, and when it was hidden.
const ANSWER: [Member; punch::ANSWER.len() + 1] = {
    let hidden_at = Member::new("hidden_at", Kind::Time, "When it was hidden.");
    let mut all = [hidden_at; punch::ANSWER.len() + 1];
    let mut at = 0;
    while at < punch::ANSWER.len() {
        all[at] = punch::ANSWER[at];
        at += 1;
    }
    all
};

impl Resource for Hidden {
    const NAME: &'static str = "hidden transaction";
    const PATH: &'static str = "/iclock/api/hidden_transactions/";
    const THING: Thing = Thing::Transaction;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("transaction_id")).one_of(),
        Field::new("emp_code", Kind::Text, column("pin"))
            .one_of()
            .about("One code, or several with commas."),
        asked::PUNCH_TIME,
        asked::PUNCH_STATE,
        asked::VERIFY_TYPE,
        asked::WORK_CODE,
        asked::TERMINAL_SN,
        asked::TERMINAL_ALIAS,
        asked::AREA_ALIAS,
        asked::SOURCE,
        asked::UPLOAD_TIME,
        asked::TEMPERATURE,
        asked::MASK_FLAG,
        Field::new("hidden_at", Kind::Time, column("hidden_at")),
        Field::new("first_name", Kind::Text, ("employee", "first_name")).nullable(),
        Field::new("last_name", Kind::Text, ("employee", "last_name")).nullable(),
        START_TIME,
        END_TIME,
        UPLOAD_TIME_START,
        UPLOAD_TIME_END,
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Plain(column("pin")),
        Searched::Plain(column("terminal_sn")),
        Searched::Plain(column("terminal_alias")),
        Searched::Plain(column("area_name")),
        Searched::Folded(("employee", "search_text")),
    ];
    const ANSWER: &'static [Member] = &ANSWER;
    const ALWAYS_EMPTY: &'static [&'static str] = Transaction::ALWAYS_EMPTY;

    type Row = Row;

    fn id(row: &Row) -> i64 {
        Transaction::id(&row.punch)
    }

    fn tables(select: &mut SelectStatement) {
        List::Hidden.joined(select);
    }

    fn alone(select: &mut SelectStatement) {
        List::Hidden.alone(select);
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        punch::columns(select);
        select.expr(col(column("hidden_at")));
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        punch::within(&caller.scope)
    }

    async fn together(app: &App, caller: &Caller, query: &mut Query) -> Result<Condition> {
        punch::times_asked(app, caller, query)
    }

    fn default_order(profile: Profile) -> &'static str {
        profile.order_of_events()
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows
            .iter()
            .map(|row| {
                let mut shown = row.punch.shown(app, caller.profile);
                shown["hidden_at"] = times::instant(row.hidden_at, app.zone).into();
                shown
            })
            .collect())
    }
}

impl Photographed for Hidden {
    fn punch(row: &Row) -> &punch::Row {
        &row.punch
    }
}

/// Whether lists shall show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Hide,
    Show,
}

/// Those of these transactions for which it is not so yet meet their fate; each is written down.
async fn settle(app: &App, caller: &Caller, punches: &[&punch::Row], fate: Fate) -> Result<()> {
    let now = app.clock.now();
    let mut tx = Writing::begin(app).await?;
    // Nobody counts or stores punches until this commits.
    record::take_ids(&mut tx, &app.company.id, 0).await?;
    let ids = || json_list(punches.iter().map(|punch| punch.id));
    let met: Vec<(i64,)> = match fate {
        Fate::Hide => {
            tx.all(&Sql::by_dialect(
                "UPDATE punch SET hidden_at = $2 WHERE id IN (SELECT value FROM json_each($1)) \
                     AND transaction_id IS NOT NULL AND hidden_at IS NULL RETURNING id",
                "UPDATE punch SET hidden_at = $2 WHERE id = ANY(ARRAY(SELECT jsonb_array_elements_text($1::jsonb)::bigint)) \
                     AND transaction_id IS NOT NULL AND hidden_at IS NULL RETURNING id",
                [ids(), now.into()],
            ))
            .await?
        }
        Fate::Show => {
            tx.all(&Sql::by_dialect(
                "UPDATE punch SET hidden_at = NULL WHERE id IN (SELECT value FROM json_each($1)) \
                     AND transaction_id IS NOT NULL AND hidden_at IS NOT NULL RETURNING id",
                "UPDATE punch SET hidden_at = NULL WHERE id = ANY(ARRAY(SELECT jsonb_array_elements_text($1::jsonb)::bigint)) \
                     AND transaction_id IS NOT NULL AND hidden_at IS NOT NULL RETURNING id",
                [ids()],
            ))
            .await?
        }
    };
    let count = i64::try_from(met.len()).unwrap_or(i64::MAX);
    let hidden = match fate {
        Fate::Hide => count,
        Fate::Show => -count,
    };
    record::count_hidden(&mut tx, &app.company.id, hidden).await?;
    let deeds = punches
        .iter()
        .filter(|punch| met.contains(&(punch.id,)))
        .map(|punch| deed(punch, fate));
    audit::write_several(&mut tx, now, caller, deeds).await?;
    tx.commit(app).await
}

fn deed(punch: &punch::Row, fate: Fate) -> Deed<'static> {
    let told = audit::members(json!({
        "emp_code": punch.pin,
        "punch_time": times::local(punch.punch_local),
        "terminal_sn": punch.terminal_sn,
    }));
    let (before, after) = match fate {
        Fate::Hide => (told, None),
        Fate::Show => (None, told),
    };
    Deed {
        action: match fate {
            Fate::Hide => "hide",
            Fate::Show => "show",
        },
        thing: Transaction::NAME,
        thing_id: Transaction::id(punch).to_string(),
        before,
        after,
    }
}

/// BioTime's DELETE. The manual of EasyTimePro has none.
async fn remove(call: Call) -> Result<Answer> {
    let (app, caller) = (&call.request.app, &call.caller);
    if caller.profile == Profile::EasyTimePro {
        return Err(Error::MethodNotAllowed {
            method: Method::DELETE.to_string(),
            allow: "GET, HEAD, OPTIONS, POST".into(),
        });
    }
    let key = call.request.path.get(Transaction::KEY)?;
    let punch = resource::fetch::<Transaction>(app, caller, key).await?;
    settle(app, caller, &[&punch], Fate::Hide).await?;
    Ok(resource::removed(caller.profile))
}

async fn hide(call: Call) -> Result<Answer> {
    let (app, caller, body) = (&call.request.app, &call.caller, &call.request.body);
    let meant = resource::several::<Transaction>(app, caller, body, HIDDEN).await?;
    let punches: Vec<&punch::Row> = meant.rows.iter().collect();
    settle(app, caller, &punches, Fate::Hide).await?;
    Ok(Answer::ok(&caller.profile.done()))
}

async fn show(call: Call) -> Result<Answer> {
    let (app, caller, body) = (&call.request.app, &call.caller, &call.request.body);
    let meant = resource::several::<Hidden>(app, caller, body, SHOWN).await?;
    let punches: Vec<&punch::Row> = meant.rows.iter().map(|row| &row.punch).collect();
    settle(app, caller, &punches, Fate::Show).await?;
    Ok(Answer::ok(&caller.profile.done()))
}

// ---- endpoints --------------------------------------------------------------------------------

const HIDDEN: &[&str] = &["transactions", "ids"];
const SHOWN: &[&str] = &["hidden_transactions", "ids"];

const TO_HIDE: &[Member] =
    &[Member::new("transactions", Kind::ReferenceList, "Transactions by id.").required()];
const TO_SHOW: &[Member] = &[Member::new(
    "hidden_transactions",
    Kind::ReferenceList,
    "Hidden transactions by id.",
)
.required()];

/// What can be done with transactions.
pub(super) fn of_transactions() -> [Endpoint; 2] {
    let doc = Doc {
        summary: "Hides one from all lists (BioTime profile)".into(),
        tag: Thing::Transaction.name(),
        query: Vec::new(),
        body: None,
        returns: Returns::Hidden,
    };
    let right = Right::TransactionHide;
    [
        Endpoint::guarded(
            Method::DELETE,
            &resource::row_path::<Transaction>(),
            right,
            doc,
            remove,
        ),
        resource::posted(
            &format!("{}hide/", Transaction::PATH),
            "Hides transactions from all lists",
            Thing::Transaction,
            right,
            TO_HIDE,
            hide,
        ),
    ]
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        resource::list::<Hidden>(),
        resource::export::<Hidden>(),
        resource::read::<Hidden>(),
        photo::endpoint::<Hidden>(),
        resource::posted(
            &format!("{}show/", Hidden::PATH),
            "Shows hidden transactions again",
            Thing::Transaction,
            Right::TransactionHide,
            TO_SHOW,
            show,
        ),
    ]
}
