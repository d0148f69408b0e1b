//! Throughput and tail latency as a picture: for each measurement a group of bars, the best peer of
//! the group being 1.

use std::path::Path;

use plotters::prelude::*;

use super::Error;
use super::report::{Report, Series};
use super::way::Way;

const SIZE: (u32, u32) = (1000, 900);
const THROUGHPUT: &[&str] = &[
    "bulk down, 1 conn.",
    "bulk up, 1 conn.",
    "bulk down, 4 conn.",
    "bulk up, 4 conn.",
    "COPY through psql",
    "pgbench -S c8",
    "80 ms: down",
    "80 ms: up",
];
const LATENCY: &[&str] = &[
    "small query, alone, p50",
    "small query beside a COPY, p50",
    "small query beside a COPY, p99",
];
/// A bar of each way, and a gap.
const GROUP: f64 = 5.0;

/// Draws it.
pub(super) fn draw(report: &Report, path: &Path) -> Result<(), Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Plot(error.to_string());
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(|error| failed(&error))?;
    let (upper, lower) = area.split_vertically(SIZE.1 / 2);
    let throughput = chosen(report, THROUGHPUT);
    bars(&upper, "throughput, ssh -L = 1 (higher is better)", &throughput)
        .map_err(|error| failed(&error))?;
    let latency = chosen(report, LATENCY);
    bars(&lower, "latency, ssh -L = 1 (lower is better)", &latency)
        .map_err(|error| failed(&error))?;
    area.present().map_err(|error| failed(&error))
}

fn chosen<'a>(report: &'a Report, names: &[&str]) -> Vec<&'a Series> {
    names.iter().filter_map(|name| report.series(name)).collect()
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn bars(area: &Area<'_>, title: &str, all: &[&Series]) -> Drawn {
    let relative = |series: &Series, way| Some(series.median(way)? / series.median(Way::Ssh)?);
    let values = all.iter().flat_map(|series| Way::ALL.map(|way| relative(series, way)));
    let highest = values.flatten().fold(1.0, f64::max) * 1.1;
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let width = all.len().max(1) as f64 * GROUP;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(45)
        .build_cartesian_2d(0.0..width, 0.0..highest)?;
    chart.configure_mesh().disable_x_mesh().x_labels(0).draw()?;
    for (place, way) in Way::ALL.into_iter().enumerate() {
        let mut rectangles = Vec::new();
        for (group, series) in all.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a handful")]
            let left = group as f64 * GROUP + place as f64 + 0.5;
            if let Some(height) = relative(series, way) {
                rectangles.push(Rectangle::new([(left, 0.0), (left + 0.9, height)], colour(way)));
            }
        }
        chart
            .draw_series(rectangles)?
            .label(way.name())
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour(way)));
    }
    for (group, series) in all.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let middle = group as f64 * GROUP + 0.5;
        let at = (middle, highest * 0.97);
        chart.draw_series([Text::new(series.name.clone(), at, ("sans-serif", 11))])?;
    }
    chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
    Ok(())
}

fn colour(way: Way) -> ShapeStyle {
    match way {
        Way::Direct => RGBColor(170, 170, 170),
        Way::Ssh => RGBColor(214, 96, 77),
        Way::SshGcm => RGBColor(244, 165, 130),
        Way::Ours => RGBColor(33, 102, 172),
    }
    .filled()
}
