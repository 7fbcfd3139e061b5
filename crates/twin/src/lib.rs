//! Where the engines meet, over one checked system. No files, no screens.

pub mod bundled;
mod limits;
pub mod review;
