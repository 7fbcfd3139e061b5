//! `lanewright link com`, `sweep` and `presets` as a user types them, over channels made here.

use std::fmt::Write as _;

use serde_json::Value;

use crate::command::{Folder, Run};

/// A four-port file of two lines that do not couple, with ports 1 to 2 and 3 to 4: skin effect that `loss` scales, a
/// delay, and all of it times `gain`.
fn channel(loss: f64, gain: f64) -> String {
    let mut text = String::from("# GHz S RI R 50\n");
    for point in 1..=520 {
        let f = f64::from(point) * 0.05;
        let skin = loss * 0.1 * f.sqrt();
        let (magnitude, angle) = (gain * (-skin).exp(), -std::f64::consts::TAU * f - skin);
        let (re, im) = (magnitude * angle.cos(), magnitude * angle.sin());
        let _ = writeln!(text, "{f} 0.01 0 {re} {im} 0 0 0 0");
        let _ = writeln!(text, "  {re} {im} 0.01 0 0 0 0 0");
        let _ = writeln!(text, "  0 0 0 0 0.01 0 {re} {im}");
        let _ = writeln!(text, "  0 0 0 0 {re} {im} 0.01 0");
    }
    text
}

/// Settings that make the grid small.
const SMALL: [&str; 6] = ["--set", "c(-1)=[-0.12:0.04:0]", "--set", "c(1)=[-0.2:0.1:0]", "--set", "g_DC=[-6:3:0]"];

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("a_THRU.s4p", channel(2.0, 1.0));
    folder.write("a_FEXT1.s4p", channel(1.0, 0.01));
    folder.write("a_NEXT1.s4p", channel(1.0, 0.005));
    folder.write("b_THRU.s4p", channel(12.0, 1.0));
    folder
}

fn com(folder: &Folder, args: &[&str]) -> Run {
    folder.run(&[&["link", "com", "--preset", "25g-kr"], &SMALL[..], args].concat())
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|why| panic!("{why}: {}{}", run.out, run.err))
}

#[test]
fn the_form_that_scripts_rely_on() {
    let folder = folder();
    let args = ["--thru", "a_THRU.s4p", "--fext", "a_FEXT1.s4p", "a_FEXT1.s4p", "--next", "a_NEXT1.s4p", "--json"];
    let run = com(&folder, &args);
    assert_eq!(run.code, 0, "{}", run.err);
    let result = json(&run);
    let cases = result["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 2);
    for case in cases {
        for key in ["com_db", "fom_db", "vec_db", "eh_mv", "a_s_mv", "a_ni_mv", "g_dc_db", "points_searched", "seconds"]
        {
            assert!(case[key].is_number(), "{key} in {case}");
        }
        for term in ["tx", "n", "isi", "j", "rj", "xt"] {
            assert!(case["sigma_mv"][term].is_number(), "{term} in {case}");
        }
        assert_eq!(case["tx_taps"].as_array().map(Vec::len), Some(3));
        assert_eq!(case["dfe_taps"].as_array().map(Vec::len), Some(14));
        assert_eq!(case["points_searched"], 4 * 3 * 3);
        assert!(case["sigma_mv"]["xt"].as_f64() > Some(0.0));
    }
    let worst = cases.iter().filter_map(|case| case["com_db"].as_f64()).fold(f64::INFINITY, f64::min);
    assert_eq!(result["com_db"].as_f64(), Some(worst));
    assert_eq!((&result["fext"], &result["next"]), (&Value::from(2), &Value::from(1)));
    assert_eq!(result["limits"]["com_db"], 3.0);
    assert!(result["warnings"].is_array() && result["defaults"].is_array());
    // One case alone is the same case.
    let alone = json(&com(&folder, &[&args[..], &["--case", "2"]].concat()));
    assert_eq!(alone["cases"][0]["com_db"], cases[1]["com_db"]);
    assert_eq!(alone["cases"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_channel_that_fails_ends_with_one() {
    let folder = folder();
    let run = com(&folder, &["--thru", "b_THRU.s4p"]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    for expected in ["FAIL  COM", "(limit 3 dB, broken)", "intersymbol", "transmit taps", "rows: 0 are estimates"] {
        assert!(run.out.contains(expected), "{expected} in {}", run.out);
    }
}

#[test]
fn a_sheet_of_text_says_what_it_lacks_and_what_is_not_understood() {
    let folder = folder();
    let show = folder.run(&["link", "presets", "--show", "25g-kr", "--json"]);
    let mut sheet = String::from("Parameter,Setting,Units\n");
    for row in json(&show)["rows"].as_array().expect("rows") {
        if row["row"] != "b_min(1)" {
            let _ =
                writeln!(sheet, "{},\"{}\"", row["row"].as_str().unwrap_or(""), row["value"].as_str().unwrap_or(""));
        }
    }
    sheet.push_str("N-g,0\nSAVE_FIGURES,1\nLocal Search,2\n");
    folder.write("own.csv", &sheet);
    let args = [&["link", "com", "--sheet", "own.csv", "--thru", "a_THRU.s4p", "--json"], &SMALL[..]].concat();
    let result = json(&folder.run(&args));
    let warnings = result["warnings"].to_string();
    assert!(warnings.contains("the row `N-g` = 0 is not understood"), "{warnings}");
    assert!(warnings.contains("`Local Search` = 2 is not followed"), "{warnings}");
    assert!(!warnings.contains("SAVE_FIGURES"), "{warnings}");
    assert_eq!(result["defaults"][0]["row"], "b_min(1)");
    assert_eq!(result["defaults"].as_array().map(Vec::len), Some(1));
    // The same rows give the same answer.
    let preset = json(&com(&folder, &["--thru", "a_THRU.s4p", "--json"]));
    assert_eq!(result["com_db"], preset["com_db"]);
}

#[test]
fn bad_input_says_what_and_where_and_what_to_do() {
    let folder = folder();
    folder.write("bad.s4p", "# GHz S RI R 50\n1 0 0 x 0\n");
    folder.write("two.csv", "f_b,25\nf_b,26\n");
    let mut out = String::new();
    for args in [
        vec!["--preset", "25g-kr", "--thru", "a_THRU.s4p", "--set", "gDC=3"],
        vec!["--preset", "25g-kr", "--thru", "a_THRU.s4p", "--set", "g_DC=[-6:1:", "--set", "N_b=1.5"],
        vec!["--preset", "25gkr", "--thru", "a_THRU.s4p"],
        vec!["--preset", "25g-kr", "--thru", "missing.s4p"],
        vec!["--preset", "25g-kr", "--thru", "bad.s4p"],
        vec!["--preset", "25g-kr", "--thru", "x*.s4p"],
        vec!["--preset", "25g-kr", "--thru", "a_THRU.s4p", "b_THRU.s4p", "--fext", "a_FEXT1.s4p"],
        vec!["--preset", "25g-kr", "--thru", "a_THRU.s4p", "--case", "3"],
        vec!["--sheet", "none.xlsx", "--thru", "a_THRU.s4p"],
        vec!["--sheet", "bad.s4p", "--thru", "a_THRU.s4p"],
        vec!["--sheet", "two.csv", "--thru", "a_THRU.s4p"],
        vec!["--thru", "a_THRU.s4p"],
        vec!["--preset", "25g-kr", "--thru", "a_THRU.s4p", "b_THRU.s4p", "--out", "r.xlsx"],
        vec!["--preset", "25g-kr", "--thru", "a_THRU.s4p", "--fext-pattern", "x*.s4p"],
    ] {
        let run = folder.run(&[&["link", "com"], args.as_slice()].concat());
        assert_eq!(run.code, 2, "{args:?}: {}{}", run.out, run.err);
        assert_eq!(run.out, "", "{args:?}");
        let _ = writeln!(out, "> {}\n{}", args.join(" "), run.err);
        let json = folder.run(&[&["link", "com", "--json"], args.as_slice()].concat());
        assert_eq!(json.code, 2, "{args:?}");
        let value: Value = serde_json::from_str(&json.out).expect("JSON");
        assert_eq!(value["ok"], false);
        assert!(!value["problems"].as_array().is_none_or(Vec::is_empty), "{args:?}");
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_batch_finds_aggressors_and_goes_on_where_it_was() {
    let folder = folder();
    folder.write("c_THRU.s4p", "no channel");
    let args = ["--thru", "*_THRU.s4p", "--out", "r.csv"];
    let run = com(&folder, &args);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    assert!(run.out.contains("3 evaluations: 1 pass, 1 fail, 1 could not be used"), "{}", run.out);
    assert!(run.err.contains("c_THRU.s4p: line 1, column 1"), "{}", run.err);
    let read = || std::fs::read_to_string(folder.path("r.csv")).expect("it is written");
    let first = read();
    let lines: Vec<&str> = first.lines().collect();
    // Two cases of two channels, and one line for the failed one.
    assert_eq!(lines.len(), 6, "{first}");
    let heads: Vec<&str> = lines[0].split(',').collect();
    let column = |line: usize, name: &str| {
        let at = heads.iter().position(|head| *head == name).expect("a column");
        lines[line].split(',').nth(at).unwrap_or_default()
    };
    assert_eq!((column(1, "channel"), column(1, "fext"), column(1, "next")), ("a_THRU.s4p", "1", "1"));
    assert_eq!((column(3, "channel"), column(3, "fext"), column(3, "pass")), ("b_THRU.s4p", "0", "false"));
    // A run that was stopped: a journal with one finished channel and a line that was cut off, and no results.
    let journal = std::fs::read_to_string(folder.path("r.csv.journal")).expect("there is a journal");
    assert_eq!(journal.lines().count(), 2);
    let mut cut = journal.lines().find(|line| line.contains("a_THRU")).expect("a line").to_string();
    cut.push_str("\n{\"key\": \"cut of");
    folder.write("r.csv.journal", cut);
    std::fs::remove_file(folder.path("r.csv")).expect("it is there");
    folder.write("c_THRU.s4p", channel(3.0, 1.0));
    let again = com(&folder, &[&args[..], &["--resume"]].concat());
    assert!(again.out.contains("1 were in the journal already"), "{}", again.out);
    let second = read();
    let timeless = |text: &str, line: usize| -> Vec<String> {
        let at = heads.iter().position(|head| *head == "seconds").expect("a column");
        let cells = text.lines().nth(line).unwrap_or_default().split(',').map(str::to_string);
        cells.enumerate().filter(|(column, _)| *column != at).map(|(_, cell)| cell).collect()
    };
    assert_eq!(second.lines().count(), 7);
    for line in 1..=4 {
        assert_eq!(timeless(&second, line), timeless(&first, line));
    }
    // Other parameters are another key: nothing is taken over.
    let other = com(&folder, &[&args[..], &["--resume", "--set", "SNR_TX=26"]].concat());
    assert!(!other.out.contains("in the journal"), "{}", other.out);
}

#[test]
fn results_do_not_depend_on_how_a_channel_is_named() {
    let folder = folder();
    let by_pattern = json(&com(&folder, &["--thru", "a_*THRU*.s4p", "b_THRU.s4p", "--json"]));
    let by_folder = json(&com(&folder, &["--thru", ".", "--json"]));
    let names = |value: &Value| -> Vec<String> {
        let rows = value["rows"].as_array().expect("rows").iter();
        rows.map(|row| format!("{} {} {}", row["channel"], row["case"], row["com_db"])).collect()
    };
    assert_eq!(names(&by_pattern), names(&by_folder));
    assert_eq!(by_folder["channels"], 2);
}

#[test]
fn parquet_has_its_marks() {
    let folder = folder();
    let run = com(&folder, &["--thru", ".", "--out", "r.parquet"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let bytes = std::fs::read(folder.path("r.parquet")).expect("it is written");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let footer = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().expect("four bytes"));
    assert!((footer as usize) < bytes.len());
}

#[test]
fn a_sweep_runs_over_every_combination() {
    let folder = folder();
    let args = ["--thru", "a_THRU.s4p", "--vary", "SNR_TX=24,30", "--vary", "z_p (TX)=[12 30],[12 20]", "--case", "2"];
    let run = folder.run(&[&["link", "sweep", "--preset", "25g-kr", "--json"], &SMALL[..], &args].concat());
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let result = json(&run);
    let rows = result["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 4);
    assert_eq!((&rows[1]["SNR_TX"], &rows[1]["z_p (TX)"]), (&Value::from("24"), &Value::from("[12 20]")));
    let com = |row: usize| rows[row]["com_db"].as_f64().expect("a margin");
    assert!(com(2) > com(0), "less transmit noise, more margin");
    let bad = folder.run(&["link", "sweep", "--preset", "25g-kr", "--thru", "a_THRU.s4p", "--vary", "SNRTX=1"]);
    assert_eq!(bad.code, 2);
    assert!(bad.err.contains("did you mean `SNR_TX`?"), "{}", bad.err);
}

#[test]
fn a_wrong_port_order_is_noticed() {
    let folder = folder();
    let run = com(&folder, &["--thru", "a_THRU.s4p", "--set", "Port Order=[1 2 3 4]", "--json"]);
    let text = format!("{}{}", run.out, run.err);
    assert!(text.contains("the data looks like [1 3 2 4]"), "{text}");
}

#[test]
fn presets_are_listed_with_their_estimates() {
    let folder = Folder::new();
    let list = folder.run(&["link", "presets"]);
    assert_eq!(list.code, 0);
    for name in ["25g-kr", "50g-kr", "100g-c2m", "200g-kr-b", "ualink-200g"] {
        assert!(list.out.contains(name), "{name} in {}", list.out);
    }
    let show = folder.run(&["link", "presets", "--show", "200g-kr"]);
    assert!(show.out.contains("Table 178-15") && show.out.contains("are of a draft"), "{}", show.out);
    let bad = folder.run(&["link", "presets", "--show", "100g-kx"]);
    assert_eq!(bad.code, 2);
    assert!(bad.err.contains("did you mean `100g-kr`?"), "{}", bad.err);
}
