//! Which medium carries a link.
//!
//! [`question::Question`] says what is asked: two ends, a length, what the file demands. `cable`, `optics`
//! and `board` make candidates from the catalogue; each is either an option with its margin and its costs
//! or a refusal with the reason. [`choose::choose`] takes the cheapest over the site's life. No rule here
//! knows a length at which one medium takes over from another.

mod board;
mod cable;
pub mod choose;
mod connector;
mod delay;
mod fit;
mod host;
mod line_card;
mod optics;
pub mod question;
mod worth;

pub use choose::{Answer, choose};
pub use fit::{form_fits, same_family};
pub(crate) use line_card::is_chip;
pub(crate) use optics::sold_fibre;
pub use question::{CageUse, End, Question};
pub(crate) use worth::{part_worth, renewals_of_all};
