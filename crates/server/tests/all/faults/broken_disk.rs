//! A disk that turns read only, or breaks, under a server that runs. The machine's own cannot be made to, so the program is given calls of
//! the C library that fail (`broken_disk.c`).

use super::{ENOUGH, felt, muster, over, report};
use crate::held_servers::Administrator;
use crate::load::{Load, nothing_is_lost_or_doubled};
use crate::process::Server;
use reqwest::Method;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_turns_read_only_or_breaks_costs_no_punch() {
    let folder = tempfile::tempdir().expect("a folder");
    let calls = compiled(folder.path()).await;
    for (what, fault) in [
        ("a disk that turned read only", "30"),
        ("a disk that takes nothing", "5"),
        ("a disk that confirms nothing", "5 sync"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().canonicalize().expect("it is there");
        let [data, broken] = ["data", "broken"].map(|name| place.join(name));
        let url = format!("sqlite://{}", data.join("muster.db").display());
        let on_it = |mut command: Command| {
            command
                .env("LD_PRELOAD", &calls)
                .env("DISK_FOLDER", &data)
                .env("DISK_FAULT", &broken);
            command
        };
        let mut server = Server::run(on_it(Server::on(muster(), &data, &url))).await;
        let admin = Administrator::of(server.address).await;
        let load = Load::on(server.address);
        load.until_more(ENOUGH).await;

        fs::write(&broken, fault).expect("written");
        felt(&load).await;
        let area = json!({ "area_code": "north", "area_name": "North" });
        let path = "/personnel/api/areas/";
        let answer = admin.say(server.address, Method::POST, path, &area).await;
        assert_eq!(answer.expect("answered").0, 503, "{what}");
        let mut doctor = muster();
        doctor.args(["doctor", "--data-dir"]).arg(&data);
        let doctor = on_it(doctor).output().await.expect("it runs");
        let said = String::from_utf8_lossy(&doctor.stdout);
        assert!(
            said.contains("bad   nothing can be written in "),
            "{what}: {doctor:?}"
        );
        let told = load.so_far();
        let kinds: Vec<&String> = told.otherwise.keys().collect();
        assert_eq!(kinds, ["503"], "what terminals were told of {what}");

        load.addresses.send_replace(Vec::new());
        server.process.kill().await.expect("killed");
        // It is mended.
        fs::remove_file(&broken).expect("removed");
        let mut server = Server::start(&data, &url).await;
        load.addresses.send_replace(vec![server.address]);
        report(what, over(&load).await);
        let told = load.stop().await;
        server.end().await;
        nothing_is_lost_or_doubled(&url, what, &told).await;
    }
}

/// The calls that fail, as a library.
async fn compiled(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/faults/broken_disk.c");
    let library = folder.join("broken_disk.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-Wall", "-Werror", "-shared", "-fPIC", "-o"])
        .arg(&library);
    let done = compiler.arg(source).arg("-ldl").status().await;
    assert!(done.expect("there is a C compiler").success());
    library
}
