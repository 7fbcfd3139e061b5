//! The roofline of products on a device: what peaks allow, and what is predicted of real kernels.

use lanewright_workload::accelerator::Accelerator;
use lanewright_workload::estimate::Estimate;
use lanewright_workload::format::Format;
use lanewright_workload::kernel::gemm::{GemmKernel, GemmQuery};

use crate::number::figures;
use crate::report::chart::{Axis, Chart, WIDTH, key};
use crate::report::escape::Escaped;
use crate::report::page::{Page, THEME_BUTTON};
use crate::report::table::{Column, Table, number, text};

/// One product.
#[derive(Clone, Debug)]
pub struct Point {
    /// Rows of the activations.
    pub m: u32,
    /// Predicted, seconds.
    pub time: Estimate,
    /// Operations.
    pub operations: f64,
    /// Bytes to and from memory.
    pub bytes: f64,
    /// Seconds of the operations at the device's peak.
    pub compute: f64,
    /// Seconds of the bytes at the device's bandwidth.
    pub memory: f64,
    /// What takes longest: `launch`, `memory` or `compute`.
    pub bound: &'static str,
    /// Share of the roofline that is reached.
    pub share: f64,
}

/// Products of one depth and width over rows.
#[derive(Clone, Debug)]
pub struct Roofline {
    device: String,
    format: Format,
    width: f64,
    depth: f64,
    weak: bool,
    calibrated_on: String,
    /// The products.
    pub points: Vec<Point>,
}

impl Roofline {
    /// Products `m x k` times `k x n` for every `m`.
    pub fn new(device: &Accelerator, format: Format, kernel: &GemmKernel, (n, k): (f64, f64), sizes: &[u32]) -> Self {
        let point = |m: &u32| {
            let rows = f64::from(*m);
            let (time, ideal) = (kernel.time(rows, n, k), kernel.ideal(rows, n, k));
            let query = GemmQuery::new(format, rows, n, k);
            let roof = ideal.compute.max(ideal.memory);
            let bound = match () {
                () if kernel.floor() > roof => "launch",
                () if ideal.memory > ideal.compute => "memory",
                () => "compute",
            };
            Point {
                m: *m,
                time,
                operations: query.operations,
                bytes: query.bytes,
                compute: ideal.compute,
                memory: ideal.memory,
                bound,
                share: roof / time.likely,
            }
        };
        Self {
            device: device.name.clone(),
            format,
            width: n,
            depth: k,
            weak: device.weak,
            calibrated_on: kernel.calibrated_on().to_string(),
            points: sizes.iter().map(point).collect(),
        }
    }
}

const COLUMNS: &[Column] = &[
    number("m"),
    number("time, us"),
    number("low"),
    number("high"),
    number("TFLOP/s"),
    text("bound"),
    number("% of roofline"),
];

/// Writes the page. Equal inputs give equal bytes.
pub fn html(roofline: &Roofline) -> String {
    let what = format!("{} on {}", roofline.format.name(), roofline.device);
    let mut page = Page::new(&what);
    put!(
        page.top(),
        "<header><div class=\"title\"><div><p class=\"kind\">Roofline</p><h1>{}</h1></div>{THEME_BUTTON}</div>\
         <p class=\"lead\">Products of <i>m</i> rows with a {} x {} weight. Calibrated on: {}.{}</p></header>\n",
        Escaped(&what),
        roofline.depth,
        roofline.width,
        Escaped(&roofline.calibrated_on),
        if roofline.weak { " Peaks of this device rest on general knowledge or estimates." } else { "" }
    );
    page.section("roofline", "Roofline", |out| chart(roofline, out));
    page.section("products", "Products", |out| listed(roofline, out));
    let footer = format!("<p>Lanewright {}</p>", env!("CARGO_PKG_VERSION"));
    page.finish_with("roofline", "", &footer)
}

fn chart(roofline: &Roofline, out: &mut String) {
    let points = &roofline.points;
    let intensity = |point: &Point| point.operations / point.bytes;
    let rate = |point: &Point, seconds: f64| point.operations / seconds / 1e12;
    let roof = |point: &Point| rate(point, point.compute.max(point.memory));
    let fold =
        |value: &dyn Fn(&Point) -> f64, start: f64, of: fn(f64, f64) -> f64| points.iter().map(value).fold(start, of);
    let (left, right) = (fold(&intensity, f64::INFINITY, f64::min), fold(&intensity, 0.0, f64::max));
    let low = fold(&|point: &Point| rate(point, point.time.high), f64::INFINITY, f64::min);
    let high = fold(&roof, 0.0, f64::max);
    if !(left > 0.0 && low > 0.0 && high.is_finite()) {
        put!(out, "<p>No rate of this device is known: nothing to draw.</p>");
        return;
    }
    put!(out, "<figure class=\"panel\"><figcaption>Rate over operations per byte</figcaption>");
    let label = format!("Roofline of {} products, {} at most", points.len(), figures(high, 3));
    let axes = (
        (Axis::decades(left * 0.7, right * 1.4), "operations per byte"),
        (Axis::decades(low * 0.7, high * 1.5), "TFLOP/s"),
    );
    let mut chart = Chart::open(out, (WIDTH, 280.0), axes.0, axes.1, &label);
    // What is read and written at the bandwidth, and the peak: where one is known from a point, it holds along the axis.
    let Some(first) = points.first() else { return chart.close() };
    let bandwidth = first.bytes / first.memory / 1e12;
    let peak = if first.compute > 0.0 { first.operations / first.compute / 1e12 } else { f64::INFINITY };
    let steps = 64;
    let at = |step: i32| left * 0.7 * (right * 2.0 / left).powf(f64::from(step) / f64::from(steps));
    let line: Vec<(f64, f64)> = (0..=steps).map(at).map(|x| (x, (x * bandwidth).min(peak))).collect();
    chart.curve("p6", &line);
    let along = |of: &dyn Fn(&Point) -> f64| points.iter().map(|p| (intensity(p), rate(p, of(p)))).collect::<Vec<_>>();
    chart.area("p0", &along(&|p| p.time.high), &along(&|p| p.time.low));
    chart.curve("p0 thick", &along(&|p| p.time.likely));
    for point in points {
        let words = format!("m = {}: {} us", point.m, figures(point.time.likely * 1e6, 3));
        chart.dot("p0", (intensity(point), rate(point, point.time.likely)), 3.0, &words);
    }
    chart.close();
    key(out, &[("p6", "what peaks allow".into()), ("p0", "predicted, with the band of 80 %".into())]);
    put!(out, "</figure>");
}

fn listed(roofline: &Roofline, out: &mut String) {
    let mut table = Table::open(out, "products-t", "Products", COLUMNS);
    for point in &roofline.points {
        let us = |seconds: f64| seconds * 1e6;
        table.value(Some(f64::from(point.m)), &point.m.to_string());
        for seconds in [point.time.likely, point.time.low, point.time.high] {
            table.value(Some(us(seconds)), &figures(us(seconds), 4));
        }
        let rate = point.operations / point.time.likely / 1e12;
        table.value(Some(rate), &figures(rate, 3));
        table.cell(point.bound).value(Some(point.share), &format!("{:.0}", point.share * 100.0));
    }
    table.close();
}
