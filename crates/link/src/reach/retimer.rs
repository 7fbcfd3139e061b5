//! Where retimers go on a path: the fewest that keep every stretch within what its receiver recovers, placed so that
//! the least margin is as large as can be; and where a gearbox goes when the two ends speak different lane rates.
//!
//! Fewest: from the transmitter on, every retimer goes as far as its stretch allows. By induction no placement with as
//! many retimers gets further, and the further the last one is the less is left for the last stretch, so no placement
//! needs fewer. With a gearbox the same holds from both ends: it sits where the reach from the left, at the left lane
//! rate, meets the reach from the right, at the right one. The largest least margin is then found by bisection, since a
//! path that closes with some margin closes with every smaller one.

/// A piece of a path as far as placement goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// What it is.
    pub name: String,
    /// Its loss in dB at the left end's and at the right end's lane rate; the same where there is no gearbox.
    pub loss_db: [f64; 2],
    /// Its length in metres; zero for connectors and vias.
    pub length_m: f64,
    /// Whether a chip can sit anywhere along it: boards, but not cables.
    pub cuttable: bool,
}

/// Loss in dB that a stretch between two chips may have, by what is at its ends. The packages of retimers count in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageBudget {
    /// From one host to the other.
    pub host_to_host: f64,
    /// From the first host to a retimer.
    pub host_to_retimer: f64,
    /// Between retimers.
    pub between: f64,
    /// From a retimer to the last host.
    pub retimer_to_host: f64,
}

/// A place on a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Piece, from 0.
    pub piece: usize,
    /// Share of the piece that lies before it, 0 to 1.
    pub share: f64,
    /// Metres from the path's start.
    pub at_m: f64,
    /// Whether a gearbox sits here, and not a retimer.
    pub gearbox: bool,
}

/// A placement.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// Chips from the transmitter on.
    pub chips: Vec<Place>,
    /// Loss of the stretches between them in dB, one more than chips.
    pub loss_db: Vec<f64>,
    /// What each may lose in dB.
    pub budget_db: Vec<f64>,
    /// The least of budget less loss, in dB.
    pub least_margin_db: f64,
}

/// Why no number of chips closes a path.
#[derive(Clone, Debug, PartialEq)]
pub enum NoPlacement {
    /// A loss or budget that is no number, or less than zero.
    BadNumber,
    /// A piece that cannot be cut loses more than a stretch may: its number from 0, its loss and what may be.
    PieceTooLossy {
        /// Piece, from 0.
        piece: usize,
        /// Its loss in dB.
        loss_db: f64,
        /// What the stretch it is in may lose, in dB.
        budget_db: f64,
    },
    /// More than the given number would be needed.
    TooMany,
}

/// Most chips that are tried.
pub const MOST_CHIPS: usize = 32;
/// Losses are compared to this, in dB.
const TOLERANCE_DB: f64 = 1e-9;

/// Places retimers on a path whose ends speak the same lane rate. No retimers where none are needed.
pub fn place(path: &[Stretch], budget: &StageBudget, reserve_db: f64) -> Result<Placement, NoPlacement> {
    search(path, budget, reserve_db, false)
}

/// Places a gearbox, and retimers at both sides of it, on a path whose ends speak different lane rates.
pub fn place_gearbox(path: &[Stretch], budget: &StageBudget, reserve_db: f64) -> Result<Placement, NoPlacement> {
    search(path, budget, reserve_db, true)
}

fn search(path: &[Stretch], budget: &StageBudget, reserve_db: f64, gearbox: bool) -> Result<Placement, NoPlacement> {
    let budgets = [budget.host_to_host, budget.host_to_retimer, budget.between, budget.retimer_to_host];
    let losses = || path.iter().flat_map(|piece| piece.loss_db);
    if budgets.iter().any(|b| !b.is_finite()) || !reserve_db.is_finite() || losses().any(|l| !l.is_finite() || l < 0.0)
    {
        return Err(NoPlacement::BadNumber);
    }
    let least = |kept: f64| if gearbox { with_gearbox(path, budget, kept) } else { plain(path, budget, kept) };
    let fewest = least(reserve_db)?;
    let (chips, mut low) = (fewest.chips.len(), reserve_db);
    let mut best = fewest;
    if chips > 0 {
        // The least margin cannot exceed the largest budget.
        let mut high = budgets.iter().copied().fold(reserve_db, f64::max);
        for _ in 0..80 {
            let middle = (low + high) / 2.0;
            match least(middle) {
                Ok(found) if found.chips.len() == chips => (low, best) = (middle, found),
                _ => high = middle,
            }
        }
    }
    Ok(best)
}

/// A position on the path: piece and share of it.
type Position = (usize, f64);

const START: Position = (0, 0.0);

/// Loss from one position to another at one of the two lane rates.
fn loss(path: &[Stretch], from: Position, to: Position, rate: usize) -> f64 {
    path.iter()
        .enumerate()
        .map(|(index, piece)| {
            let begin = if index < from.0 {
                1.0
            } else if index == from.0 {
                from.1
            } else {
                0.0
            };
            let end = if index < to.0 {
                1.0
            } else if index == to.0 {
                to.1
            } else {
                0.0
            };
            piece.loss_db[rate] * (end - begin).max(0.0)
        })
        .sum()
}

/// The furthest position that a chip can have within a budget.
fn furthest(path: &[Stretch], from: Position, budget: f64, rate: usize) -> Position {
    let (mut at, mut left) = (from, budget + TOLERANCE_DB);
    while at.0 < path.len() {
        let piece = &path[at.0];
        let rest = piece.loss_db[rate] * (1.0 - at.1);
        if rest <= left {
            left -= rest;
            at = (at.0 + 1, 0.0);
            continue;
        }
        if piece.cuttable {
            at.1 += (left.max(0.0) / piece.loss_db[rate]).min(1.0 - at.1);
        }
        break;
    }
    at
}

/// Fewest retimers with so much kept in hand.
fn plain(path: &[Stretch], budget: &StageBudget, kept: f64) -> Result<Placement, NoPlacement> {
    let end = (path.len(), 0.0);
    let (mut at, mut chips) = (START, Vec::new());
    loop {
        let first = chips.is_empty();
        let last = if first { budget.host_to_host } else { budget.retimer_to_host };
        if loss(path, at, end, 0) <= last - kept + TOLERANCE_DB {
            return Ok(finish(path, budget, &chips, None));
        }
        let room = if first { budget.host_to_retimer } else { budget.between } - kept;
        let next = furthest(path, at, room, 0);
        // A chip right beside the first host may get further than the host does.
        if next == at && (!first || room < 0.0) {
            return Err(stuck(path, at, room.min(last - kept), 0));
        }
        if chips.len() >= MOST_CHIPS {
            return Err(NoPlacement::TooMany);
        }
        chips.push(next);
        at = next;
    }
}

/// A gearbox and the fewest retimers with so much kept in hand.
fn with_gearbox(path: &[Stretch], budget: &StageBudget, kept: f64) -> Result<Placement, NoPlacement> {
    // From the right end the same path is walked backwards.
    let backwards: Vec<Stretch> = path.iter().rev().cloned().collect();
    let mirrored = |at: Position| -> Position {
        if at.1 > 0.0 { (path.len() - 1 - at.0, 1.0 - at.1) } else { (path.len() - at.0, 0.0) }
    };
    let reach = |path: &[Stretch], first: f64, rate: usize| {
        let mut places = vec![furthest(path, START, first - kept, rate)];
        while places.len() <= MOST_CHIPS {
            let last = places[places.len() - 1];
            let next = furthest(path, last, budget.between - kept, rate);
            if next == last {
                break;
            }
            places.push(next);
        }
        places
    };
    let left = reach(path, budget.host_to_retimer, 0);
    let right: Vec<Position> = reach(&backwards, budget.retimer_to_host, 1).into_iter().map(mirrored).collect();
    for retimers in 0..left.len() + right.len() - 1 {
        for before in 0..=retimers.min(left.len() - 1) {
            let after = retimers - before;
            if after >= right.len() || left[before] < right[after] {
                continue;
            }
            // A budget below what is kept lets a stretch go nowhere, not backwards.
            if budget.host_to_retimer < kept || budget.retimer_to_host < kept {
                continue;
            }
            let mut chips = left[..=before].to_vec();
            chips.extend(right[..after].iter().rev());
            return Ok(finish(path, budget, &chips, Some(before)));
        }
    }
    let last = left[left.len() - 1];
    Err(stuck(path, last, budget.between.min(budget.host_to_retimer) - kept, 0))
}

fn stuck(path: &[Stretch], at: Position, budget_db: f64, rate: usize) -> NoPlacement {
    let piece = at.0.min(path.len().saturating_sub(1));
    NoPlacement::PieceTooLossy { piece, loss_db: path.get(piece).map_or(0.0, |p| p.loss_db[rate]), budget_db }
}

fn finish(path: &[Stretch], budget: &StageBudget, chips: &[Position], gearbox: Option<usize>) -> Placement {
    let mut bounds = vec![START];
    bounds.extend(chips);
    bounds.push((path.len(), 0.0));
    let rate = |stage: usize| usize::from(gearbox.is_some_and(|gearbox| stage > gearbox));
    let loss_db: Vec<f64> =
        bounds.windows(2).enumerate().map(|(stage, ends)| loss(path, ends[0], ends[1], rate(stage))).collect();
    let last = loss_db.len() - 1;
    let budget_db: Vec<f64> = (0..loss_db.len())
        .map(|stage| match (stage == 0, stage == last) {
            (true, true) => budget.host_to_host,
            (true, false) => budget.host_to_retimer,
            (false, true) => budget.retimer_to_host,
            (false, false) => budget.between,
        })
        .collect();
    let least_margin_db =
        loss_db.iter().zip(&budget_db).map(|(loss, budget)| budget - loss).fold(f64::INFINITY, f64::min);
    let metres = |at: &Position| {
        path.iter().take(at.0).map(|piece| piece.length_m).sum::<f64>()
            + path.get(at.0).map_or(0.0, |piece| piece.length_m * at.1)
    };
    let chips = chips
        .iter()
        .enumerate()
        .map(|(number, at)| Place { piece: at.0, share: at.1, at_m: metres(at), gearbox: gearbox == Some(number) })
        .collect();
    Placement { chips, loss_db, budget_db, least_margin_db }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stretch(loss: f64, cuttable: bool) -> Stretch {
        Stretch { name: "x".into(), loss_db: [loss, loss], length_m: loss / 35.0, cuttable }
    }

    fn even(budget: f64) -> StageBudget {
        StageBudget { host_to_host: budget, host_to_retimer: budget, between: budget, retimer_to_host: budget }
    }

    #[test]
    fn none_where_none_is_needed_and_halves_where_one_is() {
        let path = [stretch(20.0, true)];
        assert!(place(&path, &even(20.0), 0.0).expect("closes").chips.is_empty());
        let split = place(&path, &even(15.0), 2.0).expect("closes");
        assert_eq!(split.chips.len(), 1);
        assert!((split.chips[0].share - 0.5).abs() < 1e-6 && (split.least_margin_db - 5.0).abs() < 1e-6);
    }

    #[test]
    fn a_cable_is_cut_only_at_its_ends() {
        let path =
            [stretch(6.0, true), stretch(2.0, false), stretch(18.0, false), stretch(2.0, false), stretch(6.0, true)];
        let placed = place(&path, &even(20.0), 0.0).expect("closes");
        // 20 dB hold neither the cable with a plug and a board nor both boards and plugs with it.
        assert_eq!(placed.chips.len(), 2);
        for chip in &placed.chips {
            assert!(chip.share == 0.0 || chip.piece == 0 || chip.piece == 4, "{chip:?}");
        }
        let whole = [stretch(21.0, false)];
        assert_eq!(
            place(&whole, &even(20.0), 0.0),
            Err(NoPlacement::PieceTooLossy { piece: 0, loss_db: 21.0, budget_db: 20.0 })
        );
        assert_eq!(place(&whole, &even(f64::NAN), 0.0), Err(NoPlacement::BadNumber));
    }

    #[test]
    fn a_gearbox_sits_where_both_rates_reach() {
        // 30 dB at the fast rate of the left end, 15 dB at the slow rate of the right one.
        let path = [Stretch { loss_db: [30.0, 15.0], ..stretch(30.0, true) }];
        let placed = place_gearbox(&path, &even(12.0), 0.0).expect("closes");
        assert_eq!(placed.chips.len(), 1);
        assert!(placed.chips[0].gearbox && placed.least_margin_db > 0.0);
        let share = placed.chips[0].share;
        assert!((30.0 * share - 15.0 * (1.0 - share)).abs() < 1e-6, "both sides keep the same: {placed:?}");
        let lossy = [Stretch { loss_db: [60.0, 30.0], ..stretch(60.0, true) }];
        assert_eq!(place_gearbox(&lossy, &even(12.0), 0.0).expect("closes").chips.len(), 2);
    }

    /// Fewest chips over all sets of allowed places of a path whose cuttable pieces are cut into tenths.
    fn by_trying_all(path: &[Stretch], budget: &StageBudget, gearbox: bool) -> Option<usize> {
        let mut places = vec![(0, 0.0)];
        for (index, piece) in path.iter().enumerate() {
            if piece.cuttable {
                places.extend((1..10).map(|tenth| (index, f64::from(tenth) / 10.0)));
            }
            places.push((index + 1, 0.0));
        }
        // State: place, whether the gearbox is behind, whether any chip is behind. Fewest chips to come to it.
        let states = places.len() * 2;
        let mut fewest = vec![usize::MAX; states];
        let mut answer = None;
        let mut better = |value: usize| answer = Some(answer.map_or(value, |a: usize| a.min(value)));
        let end = (path.len(), 0.0);
        if !gearbox && loss(path, START, end, 0) <= budget.host_to_host {
            better(0);
        }
        for to in 0..places.len() {
            for box_behind in [false, true] {
                // The chip at `to` is the gearbox, or a retimer at either side of it.
                for (was_behind, gears) in [(box_behind, false), (false, true)] {
                    if gears != (box_behind && !was_behind) || (gears && !gearbox) {
                        continue;
                    }
                    let rate = usize::from(was_behind);
                    if !was_behind && loss(path, START, places[to], 0) <= budget.host_to_retimer {
                        let slot = &mut fewest[to * 2 + usize::from(box_behind)];
                        *slot = (*slot).min(1);
                    }
                    for from in 0..=to {
                        let sofar = fewest[from * 2 + usize::from(was_behind)];
                        if sofar < usize::MAX && loss(path, places[from], places[to], rate) <= budget.between {
                            let slot = &mut fewest[to * 2 + usize::from(box_behind)];
                            *slot = (*slot).min(sofar + 1);
                        }
                    }
                }
            }
            for box_behind in [false, true] {
                let sofar = fewest[to * 2 + usize::from(box_behind)];
                let rate = usize::from(box_behind);
                if sofar < usize::MAX
                    && box_behind == gearbox
                    && loss(path, places[to], end, rate) <= budget.retimer_to_host
                {
                    better(sofar);
                }
            }
        }
        answer
    }

    proptest! {
        /// Losses are multiples of a tenth of a dB times ten, so every greedy place is near a tenth: the search over
        /// tenths can only need as many or more, and never fewer.
        #[test]
        fn no_placement_needs_fewer(
            pieces in proptest::collection::vec((0_u32..12, any::<bool>()), 1..5),
            budgets in [4_u32..14, 4_u32..14, 4_u32..14, 4_u32..14],
            gearbox in any::<bool>(),
        ) {
            let path: Vec<Stretch> = pieces
                .iter()
                .map(|&(loss, cuttable)| Stretch {
                    loss_db: [f64::from(loss), f64::from(loss) / if gearbox { 2.0 } else { 1.0 }],
                    ..stretch(f64::from(loss), cuttable)
                })
                .collect();
            let [a, b, c, d] = budgets.map(f64::from);
            let budget = StageBudget { host_to_host: a, host_to_retimer: b, between: c, retimer_to_host: d };
            let found = if gearbox { place_gearbox(&path, &budget, 0.0) } else { place(&path, &budget, 0.0) };
            match (found, by_trying_all(&path, &budget, gearbox)) {
                (Ok(placed), tried) => {
                    prop_assert!(placed.least_margin_db >= -1e-6, "{placed:?}");
                    prop_assert!(tried.is_none_or(|tried| placed.chips.len() <= tried), "{placed:?} {tried:?}");
                    let sum: f64 = placed.loss_db.iter().sum();
                    if !gearbox {
                        prop_assert!((sum - loss(&path, START, (path.len(), 0.0), 0)).abs() < 1e-6);
                    }
                }
                (Err(_), tried) => prop_assert_eq!(tried, None),
            }
        }
    }
}
