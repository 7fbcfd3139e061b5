//! Where the engines meet, over one checked system. No files, no screens.

pub mod bundled;
pub mod lanes;
mod limits;
pub mod review;
