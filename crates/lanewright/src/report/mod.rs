//! The review as one HTML file for a design meeting.
//!
//! Self-contained: styles, drawings and a little script are inside, nothing is loaded. Sections stand in the
//! order of [`html`]; each has its file. Drawings are made of groups of equal things (rack groups, link
//! bundles, link classes), so the file does not grow with the number of links.

/// Writes into a string, which cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{
        use std::fmt::Write as _;
        let _ = write!($out, $($arg)*);
    }};
}

mod bar;
mod bom_table;
mod breakdown;
mod chart;
mod escape;
mod eye;
mod findings;
mod header;
mod lanes;
mod latency;
pub mod link;
mod link_table;
mod media;
mod page;
mod racks;
mod raster;
mod reliability;
pub mod sim;
mod sources;
mod survey;
mod table;
mod text;
mod topology;
mod waterfall;
mod words;
pub mod workload;

#[cfg(test)]
mod tests;

use lanewright_model::system::System;
use lanewright_twin::review::Review;

use page::Page;
use survey::Survey;

/// Writes the report of a review.
///
/// `review` must be of `system`; its plan's ids are looked up in it. The result is a whole HTML document that
/// loads nothing. Equal inputs give equal bytes.
pub fn html(system: &System, review: &Review) -> String {
    let survey = Survey::new(system, review);
    let mut page = Page::new(&review.system.name);
    header::write(&survey, &mut page);
    findings::write(&survey, &mut page);
    racks::write(&survey, &mut page);
    topology::write(&survey, &mut page);
    waterfall::write(&survey, &mut page);
    media::write(&survey, &mut page);
    breakdown::write(&survey, &mut page);
    lanes::write(&survey, &mut page);
    latency::write(&survey, &mut page);
    reliability::write(&survey, &mut page);
    link_table::write(&survey, &mut page);
    bom_table::write(&survey, &mut page);
    sources::write(&survey, &mut page);
    page.finish(&review.system)
}
