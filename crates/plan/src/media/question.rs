//! What is asked of the media choice.

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::{Medium, PortGroup, Shape};
use lanewright_model::catalogue::protocol::{LaneTechnology, Protocol};
use lanewright_model::system::{MediumChoice, Segment};
use lanewright_model::units::Metres;

use crate::amount::Amount;
use crate::budget::MarginCheck;
use crate::plan::{MediaOption, Rejected};
use crate::rates::Rates;

/// One end of a link.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// What the catalogue says of the port.
    pub group: &'a PortGroup,
    /// Protocol spoken there.
    pub protocol: &'a Protocol,
    /// Its lane technology.
    pub technology: &'a LaneTechnology,
}

impl End<'_> {
    /// Plug form of its cage.
    pub fn cage(&self) -> Option<&str> {
        self.group.cage.as_ref().map(|c| c.value.as_str())
    }

    /// Lanes that a plug in its cage can reach.
    pub fn cage_lanes(&self) -> u32 {
        self.group.lanes * self.group.ports_per_cage.max(1)
    }
}

/// How the links of a class sit in their cages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CageUse {
    /// Most links in one cage at the first end.
    pub a_links: u32,
    /// Most links in one cage at the second end.
    pub b_links: u32,
    /// Cages at the first end per link (a cage with two links counts half for each).
    pub a_cages: f64,
    /// Cages at the second end per link.
    pub b_cages: f64,
    /// Whether links that share a cage at one end share one at the other.
    pub paired: bool,
}

impl CageUse {
    /// One link in each cage.
    pub const SINGLE: Self = Self { a_links: 1, b_links: 1, a_cages: 1.0, b_cages: 1.0, paired: true };
}

/// What is asked: how to build equal links.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// First end.
    pub a: End<'a>,
    /// Second end.
    pub b: End<'a>,
    /// What the file says of the medium.
    pub medium: MediumChoice,
    /// Arrangement of the cables' plugs.
    pub shape: Shape,
    /// Links that share one cable.
    pub links_per_cable: f64,
    /// How the links sit in their cages.
    pub cages: CageUse,
    /// Electrical path given in the file.
    pub segments: &'a [Segment],
    /// Longest length among the links.
    pub length: Metres,
}

impl Question<'_> {
    /// Whether candidates of this medium are wanted. A given part is looked up by the caller.
    pub fn wants(&self, medium: Medium) -> bool {
        match self.medium {
            MediumChoice::Auto => true,
            MediumChoice::Medium(only) => only == medium,
            MediumChoice::Part(_) => false,
        }
    }
}

/// Everything that candidates are judged with.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// Answers whether an electrical path closes.
    pub margin: &'a dyn MarginCheck,
    /// Cost factors of the site.
    pub rates: &'a Rates,
    /// Wear-out replacements of one piece of every part over the site's life, by part.
    pub renewals: &'a [Option<Amount>],
}

/// A candidate that was looked at.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What it would be.
    pub option: MediaOption,
    /// Why it does not work, if it does not.
    pub refusal: Option<Refusal>,
    /// Parts without a price, by id.
    pub unpriced: Vec<String>,
}

/// Why a candidate does not work.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Why, in a few words.
    pub reason: String,
    /// How far it is from working, relative to what it can: 0.2 is a fifth too much. Infinite when no
    /// change of length or loss would help.
    pub distance: f64,
    /// What would make it work.
    pub help: Option<String>,
}

impl Refusal {
    /// Something that no change of length would mend.
    pub fn never(reason: String) -> Self {
        Self { reason, distance: f64::INFINITY, help: None }
    }

    /// Too long by this reach.
    pub fn too_long(what: &str, reach: f64, length: Metres) -> Self {
        use crate::budget::metres;
        Self {
            reason: format!("{what} {} is under {}", metres(Metres(reach)), metres(length)),
            distance: if reach > 0.0 { length.0 / reach - 1.0 } else { f64::INFINITY },
            help: Some(format!("bring the ends within {}", metres(Metres(reach)))),
        }
    }
}

impl Candidate {
    /// As a line of the plan.
    pub fn rejected(&self) -> Option<Rejected> {
        let refusal = self.refusal.as_ref()?;
        Some(Rejected {
            name: self.option.name.clone(),
            medium: self.option.medium,
            reason: refusal.reason.clone(),
            distance: refusal.distance,
        })
    }
}
