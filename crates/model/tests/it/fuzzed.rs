//! Inputs that once brought the program down; most were found by fuzzing.

use crate::fixture::{BASE, load};

/// The system must be refused with a problem of this code.
fn refused(text: &str, code: &str) {
    let (system, problems) = load(text);
    assert!(system.is_none());
    assert!(problems.iter().any(|p| p.contains(&format!(" {code}: "))), "no `{code}` in {problems:#?}");
}

fn racks_and_device(racks: &str, rack: &str) -> String {
    format!("[system]\nname = \"x\"\n{racks}\n[[device]]\nid = \"d\"\npart = \"test/gpu\"\nrack = \"{rack}\"\n")
}

#[test]
fn devices_in_racks_that_stand_on_each_other() {
    let rack = |id: &str| format!("[[rack]]\nid = \"{id}\"\nframe = \"test/rack\"\ncount = 3\n");
    refused(&racks_and_device(&(rack("a") + &rack("b")), "b[*]"), "rack-place");
}

#[test]
fn grid_with_more_places_than_numbers() {
    let link =
        "[[link]]\nid = \"l\"\nfrom = \"server[*].nic[*]\"\npattern = \"torus\"\nprotocol = \"ethernet/400gbase-r4\"\n";
    refused(&format!("{BASE}{link}dims = {:?}\n", [u32::MAX; 9]), "pattern");
}

#[test]
fn index_that_names_billions() {
    let runs = vec!["0-3"; 5000].join(",");
    refused(
        &format!(
            "{BASE}[[link]]\nid = \"l\"\nfrom = \"server[{runs}].nic[*]\"\nto = \"switch.port[*]\"\nprotocol = \"ethernet/400gbase-r4\"\n"
        ),
        "selector",
    );
}
