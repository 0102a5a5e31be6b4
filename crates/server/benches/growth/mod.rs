//! How cost grows: with the punches that are kept, and with the terminals that call. Printed, and drawn into
//! `docs/growth.svg`.

use crate::measures::load::run_at;
use crate::measures::{lists, people};
use crate::process::Process;
use crate::{Measured, PEOPLE, filled};
use muster_simulator::{Kind, LoadOptions, load};
use plotters::prelude::*;
use std::path::Path;
use std::time::Instant;

const PUNCHES: [i64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
const TERMINALS: [usize; 4] = [10, 100, 1000, 5000];
const SECONDS: f64 = 3.0;
const DRAWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/growth.svg");

/// One line of the plot: what, on which database, and what it costs for so many.
struct Series {
    what: &'static str,
    database: &'static str,
    points: Vec<(f64, f64)>,
}

/// Lines by what they say.
#[derive(Default)]
struct Plot(Vec<Series>);

impl Plot {
    fn point(&mut self, what: &'static str, database: &'static str, many: f64, cost: f64) {
        println!("{database:<12}{what:<34}{many:>12}{cost:>12.2}");
        let known = self
            .0
            .iter_mut()
            .find(|series| series.what == what && series.database == database);
        match known {
            Some(series) => series.points.push((many, cost)),
            None => self.0.push(Series {
                what,
                database,
                points: vec![(many, cost)],
            }),
        }
    }
}

pub async fn measure() {
    let (mut by_punches, mut by_terminals) = (Plot::default(), Plot::default());
    println!("{:<12}{:<34}{:>12}{:>12}", "", "", "how many", "cost");
    for (name, url) in filled::databases().await {
        let mut folder = tempfile::tempdir().expect("a folder");
        let mut on = Measured::start(name, &mut folder, &url).await;
        people::import(&on, None).await;
        for size in PUNCHES {
            filled::punches(&on.app, size, PEOPLE).await;
            filled::tidy_up(&url).await;
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let many = size as f64;
            let plot = &mut by_punches;
            for (what, list) in [
                (
                    "newest page of 100, ms",
                    "/iclock/api/transactions/?page_size=100",
                ),
                (
                    "one person's newest page, ms",
                    "/iclock/api/transactions/?page_size=100&emp_code=100007",
                ),
            ] {
                plot.point(what, name, many, lists::times(&on, list).await.0);
            }
            on = on
                .as_a_process(async |data, url| {
                    let started = Instant::now();
                    let process = Process::start(data, Some(url)).await;
                    plot.point(
                        "start, ms",
                        name,
                        many,
                        started.elapsed().as_secs_f64() * 1000.0,
                    );
                    let uploads =
                        run_at(&process.address, Kind::OneRecord, 64, "GROW", SECONDS).await;
                    plot.point(
                        "one punch stored, µs",
                        name,
                        many,
                        1e6 / uploads.rows_per_second(),
                    );
                    plot.point("memory, MiB", name, many, process.resident_mib());
                    process.stop().await;
                })
                .await;
        }
        let plot = &mut by_terminals;
        on.as_a_process(async |data, url| terminals(name, data, url, plot).await)
            .await
            .server
            .stop()
            .await;
        filled::remove(&url).await;
    }
    draw(&by_punches, &by_terminals).expect("drawn");
    println!("drawn into docs/growth.svg");
}

async fn terminals(name: &'static str, data: &Path, url: &str, plot: &mut Plot) {
    for connections in TERMINALS {
        let process = Process::start(data, Some(url)).await;
        let options = LoadOptions {
            server: process.address.clone(),
            connections,
            kind: Kind::IdlePoll,
            sn_prefix: "GROW".into(),
            duration_s: SECONDS,
            ..LoadOptions::default()
        };
        let polls = load(&options).await.expect("the load runs");
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let many = connections as f64;
        plot.point(
            "one poll answered, µs",
            name,
            many,
            1e6 / polls.requests_per_second(),
        );
        plot.point("memory, MiB", name, many, process.resident_mib());
        process.stop().await;
    }
}

fn draw(by_punches: &Plot, by_terminals: &Plot) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::new(DRAWN, (1200, 520)).into_drawing_area();
    area.fill(&WHITE)?;
    let halves = area.split_evenly((1, 2));
    for (half, plot, title, range) in [
        (&halves[0], by_punches, "punches kept", 1e4..1e7),
        (&halves[1], by_terminals, "terminals that call", 1e1..5e3),
    ] {
        let mut chart = ChartBuilder::on(half)
            .caption(title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(32)
            .y_label_area_size(48)
            .build_cartesian_2d(range.log_scale(), (1.0..1000.0).log_scale())?;
        chart.configure_mesh().light_line_style(WHITE).draw()?;
        let whats: Vec<&str> = plot.0.iter().map(|series| series.what).collect();
        for series in &plot.0 {
            let place = whats
                .iter()
                .position(|what| *what == series.what)
                .unwrap_or(0);
            let colour = Palette99::pick(place).to_rgba();
            let is_first = series.database == "SQLite";
            let style = colour.stroke_width(if is_first { 3 } else { 1 });
            chart
                .draw_series(LineSeries::new(series.points.iter().copied(), style).point_size(3))?
                .label(format!("{}, {}", series.what, series.database))
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .label_font(("sans-serif", 12))
            .draw()?;
    }
    area.present()?;
    Ok(())
}
