//! Wrong files: each gives an error that names the place, what was expected, and what to do. Snapshots keep the
//! wording; the assertions that all problems come at once are here.

use crate::fixture::{BASE, load, load_with};

fn problems(text: &str) -> String {
    let (system, problems) = load(text);
    assert!(problems.iter().any(|p| p.starts_with('!')) == system.is_none(), "an error means no system");
    problems.join("\n")
}

#[test]
fn many_problems_are_found_at_once() {
    let text = r#"
[system]
name = 3
nmae = "x"

[[rack]]
id = "r"
frame = "test/rak"

[[device]]
id = "server"
part = "test/sever"
count = -1

[[device]]
id = "gpu"
part = "test/gpu"
count = 2

[[link]]
id = "a"
from = "gpu[0].link[0]"
to = "gpu[1].lnk[0]"
protocol = "ethernet/400gbase-r5"
medium = "copper"
length_m = "2 m"
"#;
    insta::assert_snapshot!(problems(text));
}

#[test]
fn names_that_match_nothing() {
    let text = format!(
        "{BASE}
[[device]]
id = \"gpu\"
part = \"test/gpus\"

[[link]]
id = \"a\"
from = \"sever[*].nic[*]\"
to = \"switch.prot[0-7]\"
protocol = \"ethernet/400gbase-r\"

[[link]]
id = \"b\"
from = \"server[9].nic[0]\"
to = \"switch.port[0-99]\"
protocol = \"ethernet/400gbase-r4\"
"
    );
    insta::assert_snapshot!(problems(&text));
}

#[test]
fn selectors_and_patterns_that_do_not_fit() {
    let link = |body: &str| format!("{BASE}\n[[link]]\nid = \"a\"\nprotocol = \"ethernet/400gbase-r4\"\n{body}");
    let all = [
        "from = \"server[*].nic[*]\"\nto = \"switch.port[0-3]\"",
        "from = \"server[0..3].nic[*]\"\nto = \"switch.port[0-3]\"",
        "from = \"server[*]\"\nto = \"switch.port[0-3]\"",
        "from = \"server[*].nic[*]\"",
        "from = \"server[*].nic[*]\"\npattern = \"full-mesh\"",
        "from = \"server[*].nic[*]\"\npattern = \"torus\"\ndims = [3]",
        "from = \"server[*].nic[*]\"\nto = \"switch.port[*]\"\npattern = \"rails\"",
        "from = \"server[*].nic[*]\"\nto = \"switch.port[*]\"\ndims = [2]\npattern = \"leaf-spine\"",
        "pattern = \"explicit\"\npairs = [[\"server[0].nic[0]\"]]",
        "pairs = [[\"server[0].nic[0]\", \"switch.port[0]\"]]",
    ]
    .map(|body| problems(&link(body)));
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn lanes_protocols_ports_and_units() {
    let all = [
        // Eight lanes on a port split to four.
        "[[link]]\nid = \"a\"\nfrom = \"server[0].nic[0]\"\nto = \"switch.port[0]\"\nprotocol = \"ethernet/800gbase-r8\"",
        // One port twice.
        "[[link]]\nid = \"a\"\nfrom = \"server[0].nic[0]\"\nto = \"switch.port[0]\"\nprotocol = \"ethernet/400gbase-r4\"\n[[link]]\nid = \"b\"\nfrom = \"server[1].nic[0]\"\nto = \"switch.port[0]\"\nprotocol = \"ethernet/400gbase-r4\"",
        // Rack units twice, above the top, unit 0.
        "[[device]]\nid = \"x\"\npart = \"test/switch\"\nrack = \"r[0]\"\nposition_u = 2",
        "[[device]]\nid = \"x\"\npart = \"test/server\"\nrack = \"r[0]\"\nposition_u = 20",
        "[[device]]\nid = \"x\"\npart = \"test/server\"\nrack = \"r[0]\"\nposition_u = 0",
        "[[device]]\nid = \"x\"\npart = \"test/server\"\nrack = \"r[7]\"",
        "[[device]]\nid = \"x\"\npart = \"test/server\"\nper_rack = 2",
        // Duplicate ids.
        "[[device]]\nid = \"server\"\npart = \"test/server\"",
        // Units and numbers.
        "[[link]]\nid = \"a\"\nfrom = \"server[0].nic[0]\"\nto = \"switch.port[0]\"\nprotocol = \"ethernet/400gbase-r4\"\nlength = 3",
        "[[link]]\nid = \"a\"\nfrom = \"server[0].nic[0]\"\nto = \"switch.port[0]\"\nprotocol = \"ethernet/400gbase-r4\"\nlength_m = -2.0",
        "[[link]]\nid = \"a\"\nfrom = \"server[0].nic[0]\"\nto = \"switch.port[0]\"\nprotocol = \"ethernet/400gbase-r4\"\nlength_m = nan",
        "[[link]]\nid = \"a\"\nfrom = \"server[0].nic[0]\"\nto = \"switch.port[0]\"\nprotocol = \"ethernet/400gbase-r4\"\nlength_m = 3e6",
        "[site]\npue = 0.5\nelectricity_usd_per_kwh = { low = 1, likely = 0.5, high = 2 }",
        "[limits]\nrack_power_kw_max = -1\navailability_min = 99.9",
        // Splits.
        "[[device]]\nid = \"x\"\npart = \"test/switch\"\nsplit = { port = \"4x4\", prot = \"2x4\" }",
        "[[device]]\nid = \"x\"\npart = \"test/switch\"\nsplit = { port = \"two\" }",
        // Devices without a place, and a gearbox between unequal rates.
        "[[device]]\nid = \"x\"\npart = \"test/gpu\"\ncount = 2\n[[link]]\nid = \"a\"\nfrom = \"x[0].link[0]\"\nto = \"x[1].link[0]\"\nprotocol = \"ethernet/400gbase-r4\"",
        "[[link]]\nid = \"a\"\nfrom = \"server[0].nic[0]\"\nto = \"switch.port[0]\"\nprotocol = \"ethernet/400gbase-r4\"\nto_protocol = \"ethernet/800gbase-r8\"",
        // Sizes that nobody means.
        "[[device]]\nid = \"x\"\npart = \"test/gpu\"\ncount = 4000000000",
        "[[rack]]\nid = \"x\"\nframe = \"test/rack\"\ncount = 4000000000",
    ]
    .map(|body| problems(&format!("{BASE}\n{body}")));
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn figures_need_unit_band_grade_and_source() {
    let part = |figure: &str| {
        problems(&format!(
            "{BASE}\n[[part]]\nid = \"my/x\"\nkind = \"nic\"\nname = \"X\"\n[part.figures]\npower = {figure}"
        ))
    };
    let all = [
        "25",
        "{ value = 25, min = 20, max = 30, unit = \"V\", grade = \"estimate\", source = \"made-up\" }",
        "{ value = 25, min = 20, max = 30, grade = \"estimate\", source = \"made-up\" }",
        "{ value = 25, min = 26, max = 30, unit = \"W\", grade = \"estimate\", source = \"made-up\" }",
        "{ value = 25, min = -1, max = 30, unit = \"W\", grade = \"guess\", source = \"made-up\" }",
        "{ value = 25, min = 20, max = inf, unit = \"W\", grade = \"estimate\", source = \"made-up\" }",
        "{ value = 25, min = 20, max = 30, unit = \"W\", grade = \"estimate\", source = \"nowhere\" }",
    ]
    .map(part);
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn circles_are_found() {
    let (system, problems) =
        load_with("extends = \"b.toml\"\n[system]\nname = \"x\"", &[("b.toml", "extends = \"b.toml\"")]);
    assert!(system.is_none());
    let mut all = problems.join("\n");
    let assemblies = r#"
[system]
name = "x"
[[part]]
id = "my/a"
kind = "assembly"
name = "A"
device = [{ id = "b", part = "my/b" }]
[[part]]
id = "my/b"
kind = "assembly"
name = "B"
device = [{ id = "a", part = "my/a" }]
[[device]]
id = "d"
part = "my/a"
"#;
    let (system, problems) = load(assemblies);
    assert!(system.is_none());
    all.push_str("\n\n");
    all.push_str(&problems.join("\n"));
    insta::assert_snapshot!(all);
}

#[test]
fn broken_texts() {
    let all = [
        "",
        "[system",
        "[system]\nname = \"a",
        "\u{0}\u{1}\u{2}",
        "[[system]]\nname = \"x\"",
        "system = 3",
        "[system]\nname = \"x\"\n[device]\nid = \"x\"",
    ]
    .map(problems);
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    let arrays = format!("[system]\nname = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(problems(&arrays).contains("syntax"));
    let tables = format!("[system]\nname = \"x\"\n[{}]", vec!["a"; 100_000].join("."));
    assert!(!problems(&tables).is_empty());
}

#[test]
fn long_assembly_chains_are_an_error_not_a_crash() {
    let mut text = String::from("[system]\nname = \"x\"\n[[device]]\nid = \"d\"\npart = \"my/p0\"\n");
    for i in 0..2000 {
        text.push_str(&format!(
            "[[part]]\nid = \"my/p{i}\"\nkind = \"assembly\"\nname = \"P\"\ndevice = [{{ id = \"d\", part = \"my/p{}\" }}]\n",
            i + 1
        ));
    }
    text.push_str("[[part]]\nid = \"my/p2000\"\nkind = \"endpoint\"\nname = \"P\"\n");
    assert!(problems(&text).contains("nested more than"));
}

#[test]
fn multiplying_assemblies_are_an_error_not_an_endless_run() {
    let mut text = String::from("[system]\nname = \"x\"\n[[device]]\nid = \"d\"\npart = \"my/p0\"\n");
    for i in 0..12 {
        text.push_str(&format!(
            "[[part]]\nid = \"my/p{i}\"\nkind = \"assembly\"\nname = \"P\"\ndevice = [{{ id = \"d\", part = \"my/p{}\", count = 1000 }}]\n",
            i + 1
        ));
    }
    text.push_str("[[part]]\nid = \"my/p12\"\nkind = \"endpoint\"\nname = \"P\"\n");
    assert!(problems(&text).contains("too-large"), "{}", problems(&text));
}

#[test]
fn names_with_every_kind_of_character() {
    let name = "<b>\"é&'漢字🚀</b>";
    let text = format!("[system]\nname = '''{name}'''\n[[device]]\nid = '{}'\npart = \"test/gpu\"", "<i>&é🚀");
    let system = crate::fixture::sound(&text);
    assert_eq!(system.name, name);
    assert_eq!(system.device_name(lanewright_model::system::DeviceId(0)), "<i>&é🚀");
    for wrong in ["a b", "a.b", "a[0]", "", "a,b", "a*", "a\\tb"] {
        let text = format!("[system]\nname = \"x\"\n[[device]]\nid = \"{wrong}\"\npart = \"test/gpu\"");
        assert!(problems(&text).contains("bad-id"), "{wrong:?}");
    }
}

#[test]
fn assemblies_that_nothing_uses_are_checked_too() {
    let text = format!(
        "{BASE}
[[part]]
id = \"my/tray\"
kind = \"assembly\"
name = \"Tray\"
device = [{{ id = \"gpu\", part = \"test/gpu\", count = 2 }}]
link = [{{ id = \"a\", from = \"gpu[0].link[0]\", to = \"gpu[5].link[0]\", protocol = \"ethernet/400gbase-r4\", length_m = 0.1 }}]
"
    );
    assert!(
        problems(&text).contains("`gpu` has 2 devices, numbered from 0; 5 is not one of them"),
        "{}",
        problems(&text)
    );
}

#[test]
fn a_broken_device_does_not_hide_other_mistakes_of_its_link() {
    let text = format!(
        "{BASE}\n[[device]]\nid = \"x\"\npart = \"test/gpus\"\n[[link]]\nid = \"a\"\nfrom = \"x.link[*]\"\nto = \"tor.port[0..1]\"\nprotocol = \"ethernet/400gbase-r4\"\n[[link]]\nid = \"b\"\nfrom = \"x.lnk[*]\"\nto = \"tor.port[0]\"\nprotocol = \"ethernet/400gbase-r4\"\n"
    );
    let all = problems(&text);
    for part in ["`test/gpus`", "ranges are written with `-`", "no device is called `tor`"] {
        assert!(all.contains(part), "{part}: {all}");
    }
    // What hangs on the broken device alone is not reported again.
    assert_eq!(all.lines().count(), 3, "{all}");
}
