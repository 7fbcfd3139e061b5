//! A review does not depend on the order of tables in the file.

use std::sync::Arc;

use lanewright_model::catalogue::Catalogue;
use lanewright_model::problem::Problems;
use lanewright_model::system::{NoFiles, load_system};
use lanewright_model::text::Texts;
use lanewright_twin::bundled;
use lanewright_twin::review::review;
use proptest::prelude::*;

/// Top-level tables of a text; sub-tables stay with the table that they belong to.
fn tables(text: &str) -> Vec<String> {
    let mut tables: Vec<String> = vec![String::new()];
    for line in text.lines() {
        let heading = line.strip_prefix("[[").or(line.strip_prefix('['));
        if heading.is_some_and(|h| !h.split(']').next().unwrap_or_default().contains('.')) {
            tables.push(String::new());
        }
        let last = tables.last_mut().expect("never empty");
        last.push_str(line);
        last.push('\n');
    }
    tables
}

/// Everything of a review but the places of its findings, and the hash of its input.
fn numbers(text: &str) -> String {
    let (mut texts, mut problems) = (Texts::new(), Problems::new());
    let catalogue = Arc::new(Catalogue::load(&[bundled::catalogue_layer()], &mut texts, &mut problems));
    let file = texts.add("shuffled.toml", text);
    let system = load_system(file, &mut texts, &catalogue, &mut NoFiles, &mut problems)
        .unwrap_or_else(|| panic!("{problems:?}"));
    let mut review = review(&system, &texts, &Problems::new(), "x", "0", 0);
    review.findings.iter_mut().for_each(|finding| finding.place = None);
    serde_json::to_string(&review).expect("plain data")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn shuffled_tables_give_the_same_review(name in prop::sample::select(vec!["ai-cluster", "gb200-nvl72", "head-node"]), seed: u64) {
        let (_, text) = bundled::systems().find(|(known, _)| *known == name).expect("it is bundled");
        let tables = tables(text);
        // Keys before the first table (`extends`, `include`) must stay first.
        let (head, rest) = tables.split_first().expect("never empty");
        let mut shuffled = rest.to_vec();
        // Fisher and Yates with a linear congruential generator: any seed gives a permutation.
        let mut state = seed;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(i, (state >> 33) as usize % (i + 1));
        }
        prop_assert_eq!(numbers(text), numbers(&format!("{head}{}", shuffled.concat())));
    }
}
