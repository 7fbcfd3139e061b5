//! Expressions against what GNU Octave 7.3 gives for them.

use proptest::prelude::*;

use super::*;

fn numbers(text: &str) -> Matrix {
    match evaluate(text) {
        Ok(Value::Numbers(matrix)) => matrix,
        other => panic!("{text}: {other:?}"),
    }
}

fn row(text: &str) -> Vec<f64> {
    let matrix = numbers(text);
    assert_eq!(matrix.rows(), 1, "{text}");
    matrix.values().to_vec()
}

#[test]
fn numbers_as_sheets_write_them() {
    for (text, value) in [("53.125", 53.125), (".5", 0.5), ("1.", 1.0), ("5e-4", 5e-4), ("1d-3", 1e-3), ("-0", -0.0)] {
        assert_eq!(numbers(text).as_scalar(), Some(value), "{text}");
    }
    assert_eq!(numbers("2*(3+4)^2/7").as_scalar(), Some(14.0));
    assert_eq!(numbers("-2^2").as_scalar(), Some(-4.0));
    assert_eq!(numbers("2^-1").as_scalar(), Some(0.5));
    assert_eq!(numbers("106.25/80;").as_scalar(), Some(1.328125));
    assert_eq!(numbers("[0.29e-4]").as_scalar(), Some(0.29e-4));
    assert_eq!(numbers("true").as_scalar(), Some(1.0));
}

#[test]
fn blanks_part_elements_as_in_matlab() {
    assert_eq!(row("[ -0.15 - 0.15 - 0.05 ]"), [-0.15 - 0.15 - 0.05]);
    assert_eq!(row("[ -0.15 -0.15 -0.05 ]"), [-0.15, -0.15, -0.05]);
    assert_eq!(row("[1 -2]"), [1.0, -2.0]);
    assert_eq!(row("[1 - 2]"), [-1.0]);
    assert_eq!(row("[1 -2 + 3]"), [1.0, 1.0]);
    assert_eq!(row("[0.12, 0.12]"), [0.12, 0.12]);
    assert_eq!(row("[1 (2) [3 4]]"), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(row("[ones(1,2) (1 -2)]"), [1.0, 1.0, -1.0]);
    assert_eq!(row("[0.3 0.2*ones(1,2) 0.1*ones(1,1)]"), [0.3, 0.2, 0.2, 0.1]);
    assert_eq!(row("[0.05 -0.03*ones(1,3)]"), [0.05, -0.03, -0.03, -0.03]);
    assert_eq!(row("[-0.06:0.02: 0]"), [-0.06, -0.06 + 0.02, -0.06 + 2.0 * 0.02, 0.0]);
}

#[test]
fn matrices_have_rows() {
    let lengths = numbers("[12 31;  1.8 1.8]");
    assert_eq!((lengths.rows(), lengths.columns()), (2, 2));
    assert_eq!(lengths.column(1), [31.0, 1.8]);
    let four = numbers("[12 30 45; 1 1 1  ; 0.1 0.1 0.1 ; 0.58 0.58 0.58  ]");
    assert_eq!((four.rows(), four.columns()), (4, 3));
    assert_eq!(four.transposed().get_row(2), Some([45.0, 1.0, 0.1, 0.58].as_slice()));
    assert_eq!(numbers("[1 2;3 4]'").values(), [1.0, 3.0, 2.0, 4.0]);
    assert_eq!(numbers("[1;2]").rows(), 2);
    assert_eq!(numbers("[1 2\n3 4]").rows(), 2);
    assert_eq!(numbers("[34 ; 1.8 ; ]").rows(), 2);
    assert!(numbers("[]").is_empty());
    assert_eq!(numbers("[1 2;3 4]*[1;1]").values(), [3.0, 7.0]);
    assert_eq!(lengths.text(), "[12 31; 1.8 1.8]");
}

/// Values of `num2hex` in GNU Octave 7.3 for `[-0.34:0.02:0]`, elements 1, 2, 8, 17 and 18.
#[test]
fn ranges_round_as_octave_does() {
    let grid = row("[-0.34:0.02:0]");
    assert_eq!(grid.len(), 18);
    assert_eq!(grid[0].to_bits(), 0xbfd5_c28f_5c28_f5c3);
    assert_eq!(grid[1].to_bits(), (-0.34 + 0.02_f64).to_bits());
    assert_eq!(grid[7].to_bits(), (-0.34 + 7.0 * 0.02_f64).to_bits());
    assert_eq!(grid[16].to_bits(), (-0.34 + 16.0 * 0.02_f64).to_bits());
    assert_eq!(grid[17], 0.0);
    assert_eq!(row("[0:0.02:0.12]").len(), 7);
    assert_eq!(row("[0:0.02:0.12]")[6], 0.12);
    assert_eq!(row("[-20:1:0]").len(), 21);
    assert_eq!(row("[-13:1:-0]").len(), 14);
    assert_eq!(row("[0:-2:-5]"), [0.0, -2.0, -4.0]);
    assert_eq!(row("1:3"), [1.0, 2.0, 3.0]);
    assert!(numbers("3:1").is_empty());
    assert_eq!(row("[0:0.3:1]"), [0.0, 0.3, 0.6, 3.0 * 0.3]);
    // The count comes to 5.999999999999994 steps; Octave's last of seven elements is 3fe428f5c28f5c28.
    let grid = range(0.57, 0.01, 0.57 + 6.0 * 0.01).expect("finite");
    assert_eq!((grid.len(), grid.values()[6].to_bits()), (7, 0x3fe4_28f5_c28f_5c28));
}

#[test]
fn texts_in_quotes() {
    assert_eq!(evaluate("'MMSE'"), Ok(Value::Text("MMSE".into())));
    assert_eq!(evaluate("\"it's\""), Ok(Value::Text("it's".into())));
    assert_eq!(evaluate("'it''s'"), Ok(Value::Text("it's".into())));
}

#[test]
fn errors_name_the_place() {
    for (text, at, part) in [
        ("[1 2", 0, "`]` is missing"),
        ("1 2", 2, "should end"),
        ("[1 2; 3]", 0, "rows have 2 and 1"),
        ("gibberish(3)", 0, "is not known"),
        ("[0:1e-9:1]", 1, "at most 100000"),
        ("1:2:3:4", 5, "three parts"),
        ("5 volts", 2, "should end"),
        ("0.5 @", 4, "not understood"),
        ("'open", 0, "closing"),
        ("", 0, "missing"),
        ("(1", 1, "`)` is missing"),
        ("ones(1e9,1e9)", 0, "at most"),
        ("[1 2]*[3 4]", 5, "times"),
        ("3*", 1, "missing"),
    ] {
        let error = evaluate(text).expect_err(text);
        assert!(error.message.contains(part), "{text}: {error}");
        assert_eq!(error.at, at, "{text}: {error}");
    }
    let deep = "(".repeat(5000);
    assert!(evaluate(&deep).is_err());
    assert!(evaluate(&"-".repeat(9000)).is_err());
    assert!(evaluate(&"1".repeat(LENGTH_LIMIT + 1)).is_err());
}

proptest! {
    #[test]
    fn no_text_panics(text in "[-0-9.eE:;, \\[\\]()'*/^+a-z\"%\n]{0,60}") {
        let _ = evaluate(&text);
    }

    #[test]
    fn what_is_written_is_read_again(values in prop::collection::vec(-1e3..1e3_f64, 2..12)) {
        let matrix = Matrix::row(values);
        prop_assert_eq!(evaluate(&matrix.text()), Ok(Value::Numbers(matrix)));
    }

    #[test]
    fn ranges_hold_what_they_say(first in -100..100_i32, count in 0..200_i32, step in 1..50_i32) {
        // Hundredths, as sheets have them: the count must not suffer from rounding.
        let (first, step) = (f64::from(first) / 100.0, f64::from(step) / 100.0);
        let last = first + f64::from(count) * step;
        let grid = range(first, step, last).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(grid.len(), count as usize + 1);
        prop_assert_eq!(grid.values().last().copied(), Some(last));
    }
}
