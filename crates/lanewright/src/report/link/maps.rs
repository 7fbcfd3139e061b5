//! Maps over the grid: the figure of merit or the eye's height for every pair of two settings.

use crate::number;
use crate::report::escape::Escaped;
use crate::report::text;

/// A map: columns over rows.
pub struct Map {
    /// What is shown, with its unit.
    pub title: String,
    /// What columns are.
    pub across: String,
    /// What rows are.
    pub down: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Values by row, then column; `None` where there is none.
    pub values: Vec<Vec<Option<f64>>>,
    /// Row and column of what was chosen.
    pub chosen: Option<(usize, usize)>,
}

const WIDTH: f64 = 420.0;

/// Draws a map with the best values darkest.
pub fn draw(map: &Map, out: &mut String) {
    let all = || map.values.iter().flatten().flatten().copied().filter(|v| v.is_finite());
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    if map.columns.is_empty() || map.rows.is_empty() || low > high {
        return;
    }
    // The best third of the values gets two thirds of the shades: that is where the choice is.
    let shade = |v: f64| if high > low { ((v - low) / (high - low)).powi(3) } else { 1.0 };
    let left =
        map.rows.iter().map(|r| text::width(r, 10.0)).fold(text::width(&map.down, 10.0), f64::max).min(110.0) + 8.0;
    let cell = (WIDTH - left - 2.0) / map.columns.len() as f64;
    let row = if map.rows.len() > 16 { 13.0 } else { 16.0 };
    let top = 18.0;
    let bottom = top + row * map.rows.len() as f64;
    let height = bottom + 32.0;
    put!(
        out,
        "<figure class=\"panel\"><figcaption>{}</figcaption><svg class=\"chart\" viewBox=\"0 0 {WIDTH} {height:.1}\" role=\"img\" aria-label=\"{}: {} to {}\">",
        Escaped(&map.title),
        Escaped(&map.title),
        number::decimals(low, 2),
        number::decimals(high, 2)
    );
    put!(out, "<text class=\"small\" x=\"2\" y=\"11\">{}</text>", Escaped(&map.down));
    for (r, name) in map.rows.iter().enumerate() {
        let y = top + row * r as f64;
        put!(
            out,
            "<text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 5.0,
            y + row * 0.5 + 3.5,
            Escaped(name)
        );
        for (c, column) in map.columns.iter().enumerate() {
            let Some(value) = map.values[r][c] else { continue };
            put!(
                out,
                "<rect class=\"heat\" fill-opacity=\"{:.3}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{} {}, {} {}: {}</title></rect>",
                0.05 + 0.95 * shade(value),
                left + cell * c as f64,
                (cell - 1.0).max(0.5),
                row - 1.0,
                Escaped(&map.down),
                Escaped(name),
                Escaped(&map.across),
                Escaped(column),
                number::decimals(value, 2)
            );
        }
    }
    let mut free = left - 4.0;
    for (c, name) in map.columns.iter().enumerate() {
        let (middle, half) = (left + cell * (c as f64 + 0.5), 0.5 * text::width(name, 10.5));
        if middle - half > free && middle + half < WIDTH {
            put!(
                out,
                "<text class=\"small\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 11.0,
                Escaped(name)
            );
            free = middle + half + 5.0;
        }
    }
    put!(
        out,
        "<text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
        WIDTH - 2.0,
        bottom + 26.0,
        Escaped(&map.across)
    );
    if let Some((r, c)) = map.chosen {
        put!(
            out,
            "<rect class=\"chosen\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            left + cell * c as f64 - 1.0,
            top + row * r as f64 - 1.0,
            cell + 1.0,
            row + 1.0
        );
    }
    put!(
        out,
        "</svg><p class=\"note\">{} to {}; framed: chosen.</p></figure>",
        number::decimals(low, 2),
        number::decimals(high, 2)
    );
}
