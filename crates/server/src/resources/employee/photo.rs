//! An employee's photo: what is uploaded is decoded and written anew as a small JPEG, so that nothing
//! of the file itself is kept or given out.

use super::bulk::{PEOPLE, WHO};
use super::{Employee, PHOTOS, check_own};
use crate::access::{Caller, Right, Thing};
use crate::answer::Answer;
use crate::app::App;
use crate::appendix;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::{Body, Call};
use crate::resource::{self, Resource};
use crate::routes::{Doc, Endpoint, Kind, Member, Returns};
use crate::terminals::sync;
use crate::writing::{self, Writing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{Method, StatusCode};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use muster_protocol::secret::Secret;
use muster_store::{Sql, Tx, json_list};
use serde_json::json;
use std::io::Cursor;

/// A larger file is refused.
const MOST_BYTES: usize = 5 << 20;
/// A picture that is larger on a side, or takes more memory than this, is refused before it is decoded.
const MOST_PIXELS: u32 = 8_000;
const MOST_DECODED_BYTES: u64 = 160 << 20;
/// What is kept is not larger.
const KEPT_PIXELS: u32 = 800;
const QUALITY: u8 = 85;

const FIELD: &str = "upload_photo";
/// Each gets a copy, all in one transaction.
const MOST_PEOPLE: usize = 100;

/// The photo in a body, as it is to be kept.
async fn read(app: &App, body: &Body) -> Result<Vec<u8>> {
    let file = body.submitted(FIELD)?;
    let unfit = || {
        Error::Invalid(vec![
            Problem::new(FIELD, appendix::meaning(appendix::BAD_PHOTO)).coded(appendix::BAD_PHOTO),
        ])
    };
    if file.bytes.len() > MOST_BYTES {
        return Err(unfit());
    }
    let _turn = app
        .pictures
        .acquire()
        .await
        .map_err(|_| Error::Unavailable("closing".into()))?;
    let bytes = file.bytes.clone();
    tokio::task::spawn_blocking(move || written_anew(&bytes))
        .await
        .map_err(|error| Error::Internal(error.into()))?
        .ok_or_else(unfit)
}

/// `None`: it is no JPEG or PNG, or is broken or too large.
fn written_anew(bytes: &Bytes) -> Option<Vec<u8>> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    if !matches!(reader.format(), Some(ImageFormat::Jpeg | ImageFormat::Png)) {
        return None;
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_PIXELS);
    limits.max_image_height = Some(MOST_PIXELS);
    limits.max_alloc = Some(MOST_DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    if decoder.total_bytes() > MOST_DECODED_BYTES {
        return None;
    }
    // A telephone held sideways says so beside the picture; that is not kept.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    if picture.width() > KEPT_PIXELS || picture.height() > KEPT_PIXELS {
        picture = picture.resize(KEPT_PIXELS, KEPT_PIXELS, FilterType::Triangle);
    }
    picture.apply_orientation(orientation);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode_image(&on_white(&picture))
        .ok()?;
    Some(jpeg)
}

/// JPEG has nothing to see through.
fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let picture = picture.to_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0.map(u32::from);
        let over = |colour: u32| {
            let mixed = (colour * alpha + 255 * (255 - alpha)) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Rgb([over(red), over(green), over(blue)])
    })
}

async fn update(call: Call) -> Result<Answer> {
    let (app, caller, body) = (&call.request.app, &call.caller, &call.request.body);
    let people = resource::several::<Employee>(app, caller, body, PEOPLE).await;
    // Who it is for is looked up first: decoding is the dear part.
    let people = match people {
        Err(Error::Invalid(mut problems)) => {
            if body.file(FIELD).is_none() {
                problems.push(Problem::new(FIELD, t!("No file was submitted.")));
            }
            return Err(Error::Invalid(problems));
        }
        people => people?,
    };
    if people.rows.len() > MOST_PEOPLE {
        let message = t!(
            "Ensure this field has no more than {count} elements.",
            count = MOST_PEOPLE
        );
        return Err(Error::invalid(PEOPLE[0], message));
    }
    let jpeg = read(app, body).await?;
    let codes = people
        .rows
        .into_iter()
        .map(|employee| (employee.id, employee.emp_code));
    put(app, caller, codes, &jpeg).await?;
    Ok(Answer::ok(
        &json!({ "status": "Successfully Photo Updated." }),
    ))
}

async fn put(
    app: &App,
    caller: &Caller,
    people: impl Iterator<Item = (i64, String)>,
    jpeg: &[u8],
) -> Result<()> {
    let now = app.clock.now();
    let mut tx = Writing::begin(app).await?;
    writing::people_in_order(&mut tx, &app.company.id).await?;
    let mut codes = Vec::new();
    for (id, emp_code) in people {
        tx.run(&Sql::new(
            "INSERT INTO employee_photo (employee_id, jpeg_sealed, changed_at) \
             SELECT id, $2, $3 FROM employee WHERE id = $1 \
             ON CONFLICT (employee_id) DO UPDATE SET jpeg_sealed = excluded.jpeg_sealed, changed_at = excluded.changed_at",
            [
                id.into(),
                app.keys.seal(PHOTOS.purpose, jpeg).into(),
                now.into(),
            ],
        ))
        .await?;
        let deed = Deed {
            action: "photo",
            thing: Employee::NAME,
            thing_id: emp_code.clone(),
            after: audit::members(json!({ "bytes": jpeg.len() })),
            ..Deed::default()
        };
        audit::write(&mut tx, now, caller, deed).await?;
        codes.push(emp_code);
    }
    sync::concerns(app, &mut tx, caller, &codes).await?;
    tx.commit(app).await
}

async fn remove(call: Call) -> Result<Answer> {
    let (app, caller) = (&call.request.app, &call.caller);
    let key = call.request.path.get(Employee::KEY)?;
    let employee = resource::fetch::<Employee>(app, caller, key).await?;
    let mut tx = Writing::begin(app).await?;
    writing::people_in_order(&mut tx, &app.company.id).await?;
    let removed = tx
        .run(&Sql::new(
            "DELETE FROM employee_photo WHERE employee_id = $1",
            [employee.id.into()],
        ))
        .await?;
    if removed == 0 {
        return Err(Error::NotFound);
    }
    let deed = Deed {
        action: "remove photo",
        thing: Employee::NAME,
        thing_id: employee.emp_code.clone(),
        ..Deed::default()
    };
    audit::write(&mut tx, app.clock.now(), caller, deed).await?;
    sync::concerns(app, &mut tx, caller, &[employee.emp_code]).await?;
    tx.commit(app).await?;
    Ok(resource::removed(caller.profile))
}

async fn show(call: Call) -> Result<Answer> {
    check_own(&call)?;
    let app = &call.request.app;
    let key = call.request.path.get(Employee::KEY)?;
    let employee = resource::fetch::<Employee>(app, &call.caller, key).await?;
    let found: Option<(Vec<u8>,)> = app
        .store
        .find(&Sql::new(
            "SELECT jpeg_sealed FROM employee_photo WHERE employee_id = $1",
            [employee.id.into()],
        ))
        .await?;
    let (kept,) = found.ok_or(Error::NotFound)?;
    let jpeg = app.keys.open_or_plain(PHOTOS.purpose, kept);
    let jpeg = jpeg.map_err(|error| Error::Internal(error.into()))?;
    Ok(Answer::file("image/jpeg", jpeg))
}

// ---- endpoints --------------------------------------------------------------------------------

const UPLOADED: &[Member] = &[
    WHO,
    Member::new(
        FIELD,
        Kind::Text,
        "The file, in a multipart form: JPEG or PNG, up to 5 MiB.",
    )
    .required(),
];
const UPDATED: &[Member] = &[Member::new("status", Kind::Text, "")];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let doc = |summary: &str, body, returns| Doc {
        summary: summary.into(),
        tag: Thing::Employee.name(),
        query: Vec::new(),
        body,
        returns,
    };
    vec![
        Endpoint::guarded(
            Method::POST,
            &format!("{}update_emp_photo/", Employee::PATH),
            Right::Change(Thing::Employee),
            doc(
                "Gives employees a photo",
                Some(UPLOADED),
                Returns::One(StatusCode::OK, UPDATED),
            ),
            update,
        ),
        Endpoint::guarded(
            Method::GET,
            &format!("{}photo/", resource::row_path::<Employee>()),
            Right::View(Thing::Employee),
            doc("An employee's photo", None, Returns::File(&["image/jpeg"])),
            show,
        )
        .with_own_rows(),
        Endpoint::guarded(
            Method::DELETE,
            &format!("{}photo/", resource::row_path::<Employee>()),
            Right::Change(Thing::Employee),
            doc("Takes an employee's photo away", None, Returns::Deleted),
            remove,
        ),
    ]
}

/// Whether somebody has one.
pub async fn has_photo(app: &App, employee_id: i64) -> Result<bool> {
    let found: Option<(i64,)> = app
        .store
        .find(&Sql::new(
            "SELECT employee_id FROM employee_photo WHERE employee_id = $1",
            [employee_id.into()],
        ))
        .await?;
    Ok(found.is_some())
}

// ---- for terminals ----------------------------------------------------------------------------

/// Terminals show it small, and have little room.
const SHOWN_PIXELS: u32 = 240;
const SHOWN_BYTES: usize = 20 << 10;

/// These employees' photos as terminals take them: base64 of a small JPEG.
pub async fn for_terminals(
    app: &App,
    tx: &mut Tx,
    ids: impl IntoIterator<Item = i64>,
) -> Result<Vec<(i64, Secret)>> {
    let photos: Vec<(i64, Vec<u8>)> = tx
        .all(&Sql::by_dialect(
            "SELECT employee_id, jpeg_sealed FROM employee_photo WHERE employee_id IN (SELECT value FROM json_each($1))",
            "SELECT employee_id, jpeg_sealed FROM employee_photo \
             WHERE employee_id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT))",
            [json_list(ids)],
        ))
        .await?;
    let opened = photos.into_iter().filter_map(|(id, kept)| {
        let jpeg = app.keys.open_or_plain(PHOTOS.purpose, kept);
        let told = |error| tracing::error!(id, %error, "a photo cannot be given out");
        Some((id, jpeg.map_err(told).ok()?))
    });
    let photos: Vec<(i64, Vec<u8>)> = opened.collect();
    let _turn = app
        .pictures
        .acquire()
        .await
        .map_err(|_| Error::Unavailable("closing".into()))?;
    tokio::task::spawn_blocking(move || {
        photos
            .into_iter()
            .filter_map(|(id, jpeg)| Some((id, Secret::new(BASE64.encode(small(jpeg)?)))))
            .collect()
    })
    .await
    .map_err(|error| Error::Internal(error.into()))
}

/// `None`: it cannot be read any more.
fn small(jpeg: Vec<u8>) -> Option<Vec<u8>> {
    if jpeg.len() <= SHOWN_BYTES {
        return Some(jpeg);
    }
    let picture = image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg)
        .ok()?
        .resize(SHOWN_PIXELS, SHOWN_PIXELS, FilterType::Triangle)
        .to_rgb8();
    [QUALITY, 60, 30].into_iter().find_map(|quality| {
        let mut smaller = Vec::new();
        JpegEncoder::new_with_quality(&mut smaller, quality)
            .encode_image(&picture)
            .ok()?;
        (smaller.len() <= SHOWN_BYTES).then_some(smaller)
    })
}
