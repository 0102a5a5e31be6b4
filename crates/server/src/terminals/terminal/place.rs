//! Putting several terminals into an area at once: out of area 1 they are authorised, into it held.

use super::Terminal;
use super::tell::{TERMINALS, Telling};
use super::write::{AREA_NAMES, Changes};
use crate::access::{Right, Thing};
use crate::answer::Answer;
use crate::error::Result;
use crate::extract::Call;
use crate::relation::Known;
use crate::resource::{self, Resource};
use crate::routes::{Endpoint, Kind, Member};

/// All of them, or none.
async fn adjust_area(mut call: Call) -> Result<Answer> {
    let mut telling = Telling::read(&mut call, "devices_sn").await?;
    let (app, caller) = (telling.app, telling.caller);
    let mut change = Changes::default();
    telling.input.require(AREA_NAMES);
    let input = &mut telling.input;
    change
        .read_area(app, caller, &Known::default(), input)
        .await?;
    let terminals = telling.meant()?.into_iter();
    let rows = terminals.map(|terminal| (change.clone(), Some(terminal)));
    resource::save_several::<Terminal>(app, caller, rows.collect()).await?;
    Ok(Answer::ok(&caller.profile.done()))
}

const BODY: &[Member] = &[
    TERMINALS,
    Member::new(
        "area",
        Kind::Reference,
        "Code or id; also area_code. In area 1 a terminal is held.",
    )
    .required(),
];

pub(super) fn endpoint() -> Endpoint {
    resource::posted(
        &format!("{}adjust_area/", Terminal::PATH),
        "Puts several terminals into an area",
        Thing::Terminal,
        Right::Change(Thing::Terminal),
        BODY,
        adjust_area,
    )
}
