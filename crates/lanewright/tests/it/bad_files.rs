//! Files that cannot be used: exit code 2, a message that says where and what to do, nothing half-written.

use crate::command::{Folder, SMALL};

fn refused(folder: &Folder, args: &[&str], says: &[&str]) -> String {
    let run = folder.run(args);
    assert_eq!(run.code, 2, "{args:?}: {}{}", run.out, run.err);
    assert!(!run.err.contains("panicked"), "{}", run.err);
    for word in says {
        assert!(run.err.contains(word), "{args:?} does not say {word:?}: {}", run.err);
    }
    run.err
}

#[test]
fn files_that_are_not_descriptions() {
    let folder = Folder::new();
    refused(&folder, &["check", "gone.toml"], &["gone.toml", "no such file", "bundled system"]);
    refused(&folder, &["check", "."], &["folder"]);
    folder.write("binary.toml", [0x7f, b'E', b'L', b'F', 0xff, 0xfe, 0, 1]);
    refused(&folder, &["review", "binary.toml"], &["not text", "line 1"]);
    folder.write("empty.toml", "");
    refused(
        &folder,
        &["review", "empty.toml"],
        &["[system]", "missing-key"].map(|w| if w == "[system]" { "system" } else { w }),
    );
    folder.write("huge.toml", vec![b'#'; 100 << 20]);
    refused(&folder, &["review", "huge.toml", "-o", "huge.html"], &["100 MB", "64 MB"]);
    assert!(!folder.path("huge.html").exists());
}

#[test]
fn a_large_text_with_many_errors_is_cut_short() {
    let folder = Folder::new();
    let mut text = String::from("[system]\nname = \"x\"\n");
    for i in 0..100_000 {
        text.push_str(&format!("[[device]]\nid = \"d{i}\"\npart = \"no/part\"\n"));
    }
    folder.write("many.toml", text);
    let err = refused(&folder, &["check", "many.toml"], &["no part is called", "more problems"]);
    assert!(err.len() < 100_000, "{} bytes of errors", err.len());
}

#[test]
fn truncated_anywhere_never_panics() {
    let folder = Folder::new();
    let whole = SMALL;
    for cut in (0..whole.len()).step_by(23) {
        folder.write("cut.toml", &whole[..cut]);
        let run = folder.run(&["check", "cut.toml"]);
        assert!(run.code == 0 || run.code == 2, "cut at {cut}: {}", run.err);
        assert!(!run.err.contains("panicked"), "cut at {cut}: {}", run.err);
    }
}

#[test]
fn files_that_name_each_other() {
    let folder = Folder::new();
    folder.write("a.toml", "extends = \"./b.toml\"\n");
    folder.write("b.toml", "include = [\"../nowhere/a.toml\", \"a.toml\"]\n");
    refused(&folder, &["check", "a.toml"], &["circle", "b.toml:1", "no such file"]);
}

#[test]
fn a_report_that_cannot_be_written_leaves_nothing() {
    let folder = Folder::new();
    folder.write("s.toml", SMALL);
    refused(&folder, &["review", "s.toml", "-o", "no/such/folder/r.html"], &["cannot write"]);
    assert_eq!(folder.files(), ["s.toml"]);
}

#[test]
fn catalogue_folders() {
    let folder = Folder::new();
    folder.write("s.toml", SMALL);
    refused(&folder, &["review", "s.toml", "--catalogue", "gone"], &["catalogue folder"]);
    std::fs::create_dir(folder.path("mine")).expect("can be made");
    refused(&folder, &["review", "s.toml", "--catalogue", "mine"], &["no .toml file"]);
    folder.write("mine/x.toml", "[[part]]\nid = \"my/x\"\nkind = \"nik\"\nname = \"X\"\n");
    refused(&folder, &["parts", "check", "--catalogue", "mine"], &["x.toml:3:8", "did you mean `nic`?"]);
    // A part of the same id replaces the built-in one; a new one is added.
    folder.write(
        "mine/x.toml",
        "[[part]]\nid = \"nvidia/connectx-7\"\nkind = \"nic\"\nname = \"Mine\"\n[[part]]\nid = \"my/x\"\nkind = \"nic\"\nname = \"X\"\n",
    );
    let shown = folder.run(&["parts", "show", "nvidia/connectx-7", "--catalogue", "mine"]);
    assert!(shown.out.starts_with("Mine\n"), "{}", shown.out);
    assert!(folder.run(&["parts", "search", "my/x", "--catalogue", "mine"]).out.contains("1 parts"));
}

#[test]
fn words_that_are_nearly_right() {
    let folder = Folder::new();
    refused(&folder, &["parts", "show", "nvidia/qm970"], &["did you mean `nvidia/qm9700`?"]);
    refused(&folder, &["parts", "list", "--kind", "cabel"], &["cabel", "cable"]);
    refused(&folder, &["systems", "gb200-nvl73"], &["did you mean `gb200-nvl72`?"]);
    refused(&folder, &["plan", "crossover", "--lanes", "133"], &["133"]);
    refused(&folder, &["plan", "crossover", "--lanes", "nan"], &["above zero"]);
    refused(&folder, &["plan", "compare", "gb200-nvl72", "gone"], &["gone"]);
}

#[test]
fn errors_are_drawn_with_place_and_hint() {
    let folder = Folder::new();
    folder.write("s.toml", SMALL.replace("tor.port[0-1]", "tor.prot[0-1]").replace("count = 2", "cuont = 2"));
    insta::assert_snapshot!(folder.run(&["check", "s.toml"]).err);
}
