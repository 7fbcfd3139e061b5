//! The parts catalogue.

pub mod figure_list;
mod load;
pub mod part;
pub mod protocol;
mod references;

pub use load::{Layer, unknown_part, unknown_protocol};

use std::collections::HashMap;

use crate::system::{PartId, ProtocolId};
use crate::text::Placed;
use part::Part;
use protocol::{LaneTechnology, Protocol};

record! {
    /// A catalogue file.
    pub struct CatalogueFile {
        /// Sources that figures name.
        source: list Source,
        /// Lane technologies and protocols.
        technology: list LaneTechnology,
        /// Parts.
        part: list Part,
    }

    /// Where figures come from.
    pub struct Source {
        /// Short name used by figures.
        id: req Placed<String>,
        /// Title of the document or page.
        title: req String,
        /// Where it is.
        address: opt String,
        /// When it was read, or its date.
        date: opt String,
    }
}

/// Every part, protocol and source.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Parts, in natural order of their ids.
    pub parts: Vec<Part>,
    /// Lane technologies.
    pub technologies: Vec<LaneTechnology>,
    /// Protocols.
    pub protocols: Vec<Protocol>,
    /// Sources.
    pub sources: Vec<Source>,
    pub(crate) part_ids: HashMap<String, PartId>,
    pub(crate) protocol_ids: HashMap<String, ProtocolId>,
}

impl Catalogue {
    /// The part with this number.
    pub fn part(&self, id: PartId) -> &Part {
        &self.parts[id.index()]
    }

    /// The part with this name.
    pub fn find_part(&self, id: &str) -> Option<PartId> {
        self.part_ids.get(id).copied()
    }

    /// The protocol with this number.
    pub fn protocol(&self, id: ProtocolId) -> &Protocol {
        &self.protocols[id.index()]
    }

    /// The lane technology of a protocol.
    pub fn technology(&self, id: ProtocolId) -> &LaneTechnology {
        &self.technologies[self.protocol(id).technology]
    }

    /// The protocol with this name.
    pub fn find_protocol(&self, id: &str) -> Option<ProtocolId> {
        self.protocol_ids.get(id).copied()
    }
}
