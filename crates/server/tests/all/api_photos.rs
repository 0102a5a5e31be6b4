//! An employee's photo: what is taken, what is refused, and who sees it.

use crate::rest::{Got, Somebody, on_both};
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use muster::access::Rights;
use muster::profile::Profile;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use std::io::Cursor;

const LIST: &str = "/personnel/api/employees/";
const UPLOAD: &str = "/personnel/api/employees/update_emp_photo/";

pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbImage::from_pixel(width, height, Rgb([200, 30, 30]));
    let mut bytes = Vec::new();
    JpegEncoder::new(&mut bytes)
        .encode_image(&picture)
        .expect("written");
    bytes
}

fn png(picture: &RgbaImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("written");
    bytes.into_inner()
}

/// A picture of one point that says it has 100 000 on each side.
fn vast() -> Vec<u8> {
    let mut bytes = png(&RgbaImage::new(1, 1));
    for place in [16, 20] {
        bytes[place..place + 4].copy_from_slice(&100_000_u32.to_be_bytes());
    }
    let mut sum = flate2::Crc::new();
    sum.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.sum().to_be_bytes());
    bytes
}

/// The same in the other format, which goes to 65 535.
fn vast_jpeg() -> Vec<u8> {
    let mut bytes = jpeg(8, 8);
    let start = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]);
    let sides = start.expect("a frame") + 5;
    bytes[sides..sides + 4].fill(0xff);
    bytes
}

/// The picture with a telephone's note that it was held sideways, and where it was.
fn sideways(jpeg: &[u8]) -> Vec<u8> {
    let mut note = b"Exif\0\0II*\0\x08\0\0\0\x01\0".to_vec();
    note.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0");
    note.extend(b"\0\0\0\0GPS 12.97N 77.59E");
    let length = u16::try_from(note.len() + 2).expect("short");
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xff, 0xe1]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(note);
    bytes.extend(&jpeg[2..]);
    bytes
}

pub async fn upload(caller: &Somebody<'_>, emp_code: &str, bytes: Vec<u8>) -> Got {
    let part = Part::bytes(bytes).file_name("x.jpg");
    let form = Form::new()
        .text("emp_code", emp_code.to_owned())
        .part("upload_photo", part);
    Got::from(caller.request(Method::POST, UPLOAD).multipart(form)).await
}

async fn photo(caller: &Somebody<'_>, emp_code: &str) -> (u16, String, Vec<u8>) {
    let answer = caller
        .request(Method::GET, &format!("{LIST}{emp_code}/photo/"))
        .send()
        .await
        .expect("answered");
    let media_type = answer
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
        .to_owned();
    let status = answer.status().as_u16();
    (
        status,
        media_type,
        answer.bytes().await.expect("bytes").to_vec(),
    )
}

#[tokio::test]
async fn a_photo_is_written_anew_and_shown_to_those_who_may_view_employees() {
    on_both(|test| async move {
        let own = test.staff("1001").await;
        test.staff("1002").await;
        let admin = test.easytimepro().await;
        assert_eq!(photo(&admin, "1001").await.0, 404);
        let done = json!({ "status": "Successfully Photo Updated." });
        let mut both = sideways(&jpeg(1600, 400));
        both.extend(b"<script>alert(1)</script>");
        assert_eq!(
            upload(&admin, "[1001, 1000000002]", both).await.is(200),
            done
        );

        let viewer = test.client(Profile::BioTime, Rights::viewer()).await;
        let (status, media_type, bytes) = photo(&viewer, "1000000001").await;
        assert_eq!((status, media_type.as_str()), (200, "image/jpeg"));
        let shown = image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).expect("a JPEG");
        assert_eq!(
            (shown.width(), shown.height()),
            (200, 800),
            "upright, and smaller"
        );
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
        assert!(!holds(b"Exif") && !holds(b"GPS") && !holds(b"<script>"));

        let clear = RgbaImage::from_pixel(3, 2, Rgba([0, 0, 0, 0]));
        assert_eq!(upload(&admin, "1002", png(&clear)).await.is(200), done);
        let (_, _, bytes) = photo(&admin, "1002").await;
        let shown = image::load_from_memory(&bytes)
            .expect("a picture")
            .to_rgb8();
        assert_eq!(shown.dimensions(), (3, 2));
        assert!(
            shown
                .pixels()
                .all(|pixel| pixel.0.iter().all(|part| *part > 250)),
            "on white"
        );

        assert_eq!(photo(&own, "1001").await.0, 200, "one's own");
        assert_eq!(photo(&own, "1002").await.0, 403);
        for emp_code in ["1001", "no-such"] {
            assert_eq!(photo(&test.nobody(), emp_code).await.0, 401);
        }
        assert_eq!(photo(&admin, "no-such").await.0, 404);
        let taken = format!("{LIST}1002/photo/");
        assert_eq!(viewer.delete(&taken).await.status, 403);
        admin.delete(&taken).await.is(200);
        assert_eq!(photo(&admin, "1002").await.0, 404);
        admin.delete(&taken).await.is(404);
        assert_eq!(upload(&admin, "1002", png(&clear)).await.is(200), done);
        admin.delete(&format!("{LIST}1001/")).await.is(200);
        assert_eq!(test.number("SELECT count(*) FROM employee_photo").await, 1);
    })
    .await;
}

#[tokio::test]
async fn attack_29_what_is_no_photo_is_refused_and_changes_nothing() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        admin
            .post(LIST, json!({ "emp_code": "1001" }))
            .await
            .is(201);
        let wide = png(&RgbaImage::new(100_000, 1));
        let mut cut = png(&RgbaImage::new(300, 300));
        cut.truncate(cut.len() / 2);
        let large = [jpeg(20, 20), vec![0; 5 << 20]].concat();
        for bytes in [
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
            b"<html>no picture</html>".to_vec(),
            b"GIF89a\x01\0\x01\0".to_vec(),
            jpeg(20, 20)[..12].to_vec(),
            wide,
            vast(),
            vast_jpeg(),
            cut,
            large,
        ] {
            assert_eq!(
                upload(&admin, "1001", bytes).await.is(400),
                json!({
                    "upload_photo": ["The photo is not qualified."], "code": -262,
                    "msg": "The photo is not qualified.", "data": {},
                })
            );
        }
        let got = upload(&admin, "99", jpeg(20, 20)).await.is(400);
        assert_eq!(
            got["emp_code"],
            json!(["Object with emp_code=99 does not exist."])
        );
        let biotime = test.biotime().await;
        assert_eq!(
            biotime.post(UPLOAD, json!({})).await.is(400),
            json!({
                "emp_code": ["This field is required."],
                "upload_photo": ["No file was submitted."],
            })
        );
        let text = json!({ "emp_code": "1001", "upload_photo": "/etc/passwd" });
        assert_eq!(
            biotime.post(UPLOAD, text).await.is(400),
            json!({ "upload_photo": [
                "The submitted data was not a file. Check the encoding type on the form.",
            ] })
        );
        assert_eq!(test.number("SELECT count(*) FROM employee_photo").await, 0);
        assert_eq!(
            test.number("SELECT count(*) FROM audit WHERE action = 'photo'")
                .await,
            0
        );
        let viewer = test.client(Profile::EasyTimePro, Rights::viewer()).await;
        upload(&viewer, "1001", jpeg(20, 20)).await.is(403);
    })
    .await;
}
