//! Files as programs and people write them, and what must be said of broken ones.

use lanewright_model::text::Texts;
use num_complex::Complex64;
use proptest::prelude::*;

use super::*;

fn c(re: f64, im: f64) -> Complex64 {
    Complex64::new(re, im)
}

fn read(text: &str, name: &str) -> TouchstoneFile {
    parse(text.as_bytes(), name).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str, name: &str) -> Vec<Fault> {
    let error = parse(text.as_bytes(), name).expect_err("must not be read");
    error.faults.into_iter().filter(|f| f.severity == lanewright_model::problem::Severity::Error).collect()
}

#[test]
fn a_two_port_of_version_1_holds_21_before_12() {
    let file = read("! made by hand\n# MHz S RI R 75\n1 .11 0 .21 1 .12 2 .22 3\n2 0 0 0 0 0 0 0 0 ! last\n", "x.S2P");
    assert_eq!(file.network.frequency_hz, [1e6, 2e6]);
    assert_eq!(file.network.at(0, 0, 0), c(0.11, 0.0));
    assert_eq!(file.network.at(0, 1, 0), c(0.21, 1.0));
    assert_eq!(file.network.at(0, 0, 1), c(0.12, 2.0));
    assert_eq!(file.network.reference_ohm, [c(75.0, 0.0); 2]);
    assert_eq!(file.comments[0], Comment { text: " made by hand".into(), place: CommentPlace::Start });
    assert_eq!(file.comments[1], Comment { text: " last".into(), place: CommentPlace::Point(1) });
    assert!(file.warnings.is_empty());
}

#[test]
fn three_and_more_ports_are_in_row_order_however_the_lines_wrap() {
    let numbers: Vec<String> = (0..18).map(|n| n.to_string()).collect();
    let wrapped = format!(
        "# Hz S RI R 50\n5 {}\n{}\n\n{}\n",
        numbers[..5].join(" "),
        numbers[5..6].join("\t"),
        numbers[6..].join(" ")
    );
    for text in [wrapped.clone(), wrapped.replace('\n', "\r\n"), format!("\u{feff}{wrapped}")] {
        let file = read(&text, "y.s3p");
        assert_eq!(file.network.at(0, 1, 0), c(6.0, 7.0));
        assert_eq!(file.network.at(0, 2, 2), c(16.0, 17.0));
    }
}

#[test]
fn ten_ports_wrap_and_their_number_is_found_from_the_shape() {
    let mut text = String::from("# GHz S RI R 50\n");
    for point in 0..3 {
        text.push_str(&format!("{}", point + 1));
        for row in 0..10 {
            for column in 0..10 {
                text.push_str(&format!(" {} {}", row, column as f64 + 0.5));
                if column % 4 == 3 {
                    text.push('\n');
                }
            }
            text.push('\n');
        }
    }
    for name in ["z.s10p", "no name", "z.ts"] {
        let file = read(&text, name);
        assert_eq!(file.network.ports, 10);
        assert_eq!(file.network.at(2, 7, 9), c(7.0, 9.5));
    }
}

#[test]
fn formats_and_defaults() {
    let file = read("1 0.5 90\n2 .5 -180\n", "x.s1p");
    assert_eq!(file.network.frequency_hz, [1e9, 2e9]);
    assert_eq!(file.network.s, [c(0.0, 0.5), c(-0.5, 0.0)]);
    assert_eq!(file.warnings.len(), 1, "the option line is missing");
    let file = read("#ri KHZ r75 s\n1 0.5 90\n# db\n2 .5 -180\n", "x.s1p");
    assert_eq!(file.network.s[0], c(0.5, 90.0));
    assert_eq!(file.network.frequency_hz[0], 1e3);
    assert_eq!(file.network.reference_ohm[0], c(75.0, 0.0));
    assert_eq!(file.warnings.len(), 1, "a second option line");
    let file = read("# DB\n1 -20 90\n2 -inf 0\n3 -1.0D+01 0", "x.s1p");
    assert!((file.network.s[0] - c(0.0, 0.1)).norm() < 1e-16);
    assert_eq!(file.network.s[1].norm(), 0.0);
    assert!((file.network.s[2].re - 0.1f64.sqrt()).abs() < 1e-16);
}

#[test]
fn reference_per_port_on_the_option_line_is_version_1_1() {
    let file = read("# GHz S RI R 50 75\n1 0 0 1 0 1 0 0 0\n", "x.s2p");
    assert_eq!(file.network.reference_ohm, [c(50.0, 0.0), c(75.0, 0.0)]);
    let text = write(&file, &WriteOptions::of(&file)).expect("can be written");
    assert!(text.contains("R 50 75"), "{text}");
}

#[test]
fn impedances_become_scattering_parameters() {
    // Version 1 normalises: z = 1 is matched. Version 2 does not: 50 Ω is matched.
    assert!(read("# Z RI\n1 1 0\n", "x.z1p").network.s[0].norm() < 1e-15);
    let two = "[Version] 2.0\n# Z RI\n[Number of Ports] 1\n[Number of Frequencies] 1\n[Network Data]\n1 50 0\n[End]";
    assert!(read(two, "x.ts").network.s[0].norm() < 1e-15);
    // A series element of 1 in hybrid parameters: h11 = z, h12 = 1, h21 = -1, h22 = 0. S11 = z/(z+2), S21 = 2/(z+2).
    let file = read("# H RI\n1 1 0 -1 0 1 0 0 0\n", "x.h2p");
    assert!((file.network.at(0, 0, 0) - c(1.0 / 3.0, 0.0)).norm() < 1e-15);
    assert!((file.network.at(0, 1, 0) - c(2.0 / 3.0, 0.0)).norm() < 1e-15);
    let faults = refused("# H RI\n1 1 0\n", "x.s1p");
    assert!(faults[0].message.contains("two-ports"));
}

const VERSION_2: &str = "! first
[Version] 2.0
# GHz S RI R 50
[Number of Ports] 4
[Number of Frequencies] 2
[Number of Noise Frequencies] 1
[Reference] 50 75 ! two more follow
 75
0.5e2
[Mixed-Mode Order] D2,3 C2,3 S1 S4
[Matrix Format] Lower
[Begin Information]
[Manufacturer] nobody
[End Information]
[Network Data]
1.0 11 0
21 0 22 0
31 0 32 0 33 0
41 0 42 0 43 0 44 0
2.0 11 0 21 0 22 0 31 0 32 0 33 0 41 0 42 0 43 0 44 0
[Noise Data]
1 2 .5 90 0.3
[End]
anything at all
";

#[test]
fn keywords_of_version_2() {
    let file = read(VERSION_2, "x.ts");
    assert_eq!(file.version, Version::V2_0);
    assert_eq!(file.network.at(1, 1, 3), c(42.0, 0.0));
    assert_eq!(file.network.at(1, 3, 1), c(42.0, 0.0));
    assert_eq!(file.modes[..2], [PortMode::Differential(1, 2), PortMode::Common(1, 2)]);
    assert_eq!(file.network.reference_ohm, [c(150.0, 0.0), c(37.5, 0.0), c(50.0, 0.0), c(50.0, 0.0)]);
    assert_eq!(file.information, ["[Manufacturer] nobody"]);
    assert_eq!(file.noise[0].optimum, c(0.0, 0.5));
    assert!(file.warnings.is_empty(), "{:?}", file.warnings);
    let again = write(&file, &WriteOptions::of(&file)).expect("can be written");
    assert_eq!(read(&again, "x.ts"), file, "{again}");
    let wrong = VERSION_2.replace("D2,3", "D1,4");
    assert!(refused(&wrong, "x.ts")[0].message.contains("share out"), "{:?}", refused(&wrong, "x.ts"));
    let upper = "[Version]2.1\n#RI\n[Number of Ports]2\n[Matrix Format]Upper\n[Reference] 50+5j (40,-2)\n[Network Data]\n1 11 0 12 0 22 0\n[End]";
    let file = read(upper, "x.ts");
    assert_eq!(file.network.s, [c(11.0, 0.0), c(12.0, 0.0), c(12.0, 0.0), c(22.0, 0.0)]);
    assert_eq!(file.network.reference_ohm, [c(50.0, 5.0), c(40.0, -2.0)]);
    let order = upper.replace("[Matrix Format]Upper", "[Two-Port Data Order] 12_21").replace("12 0 22", "12 0 21 0 22");
    assert_eq!(read(&order, "x.ts").network.at(0, 0, 1), c(12.0, 0.0));
    assert_eq!(read(&order.replace("12_21", "21_12"), "x.ts").network.at(0, 1, 0), c(12.0, 0.0));
}

#[test]
fn noise_of_version_1_begins_where_frequencies_fall() {
    let text = "# GHz S MA\n2 .95 -26 3.57 157 .04 76 .66 -14\n22 .6 -144 1.3 40 .14 40 .56 -85\n! noise\n4 .7 .64 69 .38\n18 2.7 .46 -33 .4\n";
    let file = read(text, "x.s2p");
    assert_eq!(file.network.points(), 2);
    assert_eq!(file.noise.len(), 2);
    assert_eq!(file.noise[1].figure_db, 2.7);
    assert_eq!(file.noise[1].frequency_hz, 18e9);
    let cut = text.replace(" .46 -33 .4", " .46");
    assert_eq!(refused(&cut, "x.s2p")[0].code, "touchstone-noise");
}

#[test]
fn comments_of_field_solvers_are_read() {
    let text = "! x\n# GHz S RI R 50\n1 0 0 1 0 1 0 0 0\n! Gamma 1 2\n! 3 4\n! Port Impedance 50 1 60 2\n2 0 0 1 0 1 0 0 0\n! Gamma 5 6 7 8\n! Port Impedance50 1 60 2\n";
    let file = read(text, "x.s2p");
    assert_eq!(file.port_comments.gamma_per_m, [c(1.0, 2.0), c(3.0, 4.0), c(5.0, 6.0), c(7.0, 8.0)]);
    assert_eq!(file.port_comments.impedance_ohm[3], c(60.0, 2.0));
    assert_eq!(file.warnings.len(), 1);
}

#[test]
fn faults_have_line_and_column() {
    let places = |faults: &[Fault]| faults.iter().map(|f| (f.line, f.column)).collect::<Vec<_>>();
    let faults = refused("! é\n# GHz S RI R 50\n1 0 0 x 0\n2 0.0.1 1 0 0\n", "x.s2p");
    assert_eq!(places(&faults), [(3, 7), (4, 3)]);
    assert!(faults[0].to_string().starts_with("line 3, column 7: expected a number, found `x`"));
    let faults = refused("# GHz S RX R 50\n", "x.s2p");
    assert_eq!(places(&faults), [(1, 9)]);
    // A number short, and one too many, at the point where it is.
    let whole = "# GHz S RI R 50\n1 0 0 1 0 1 0 0 0\n2 0 0 1 0 1 0 0 0\n3 0 0 1 0 1 0 0 0\n";
    let faults = refused(&whole.replace("2 0 0 1", "2 0 1"), "x.s2p");
    assert_eq!(places(&faults), [(3, 15)], "{faults:?}");
    let faults = refused(&whole.replace("2 0 0 1", "2 0 0 0 1"), "x.s2p");
    assert_eq!(places(&faults), [(3, 19)], "{faults:?}");
    let faults = refused(whole, "x.s4p");
    assert!(faults[0].help.as_deref().is_some_and(|h| h.contains("shape of 2 ports")), "{faults:?}");
    let faults = refused(&whole.replace("3 0 0", "1.5 0 0"), "x.s2p");
    assert_eq!((places(&faults), faults[0].message.contains("not above")), (vec![(4, 1)], true), "{faults:?}");
    let faults = refused(&whole[..whole.len() - 5], "x.s2p");
    assert!(faults[0].message.contains("end after 7 numbers"), "{faults:?}");
    assert_eq!(refused("", "x.s2p")[0].code, "touchstone-empty");
    assert_eq!(refused("# GHz S RI R 50\n1 1e400 0\n", "x.s1p")[0].column, 3);
    let many = format!("# RI\n{}", "x ".repeat(5000));
    assert!(refused(&many, "x.s2p").len() <= 51);
}

#[test]
fn latin_1_comments_are_text_and_their_places_stay_true() {
    let mut bytes = b"! \xb5m \xb0C\n# GHz S RI R 50\n1 0 ".to_vec();
    let good = [&bytes[..], b"0\n"].concat();
    assert_eq!(parse(&good, "x.s1p").expect("good").comments[0].text, " µm °C");
    bytes.extend(b"zero ! \xb5\n");
    let faults = parse(&bytes, "x.s1p").expect_err("bad").faults;
    let mut texts = Texts::new();
    let list = problems(&faults, "x.s1p", &bytes, &mut texts);
    let problem = list.iter().find(|p| p.code == "touchstone-number").expect("it is there");
    assert_eq!(texts.place(problem.labels[0].0), "x.s1p:3:5");
    assert_eq!(texts.snippet(problem.labels[0].0), "zero");
}

fn some_file() -> impl Strategy<Value = TouchstoneFile> {
    let number = || prop_oneof![-2.0..2.0f64, Just(0.0), any::<f64>().prop_filter("finite", |v| v.abs() < 1e200)];
    let shape = (1usize..12, 1usize..5, any::<bool>(), 0usize..4);
    shape.prop_flat_map(move |(ports, points, v2, unit)| {
        let values = proptest::collection::vec((number(), number()), ports * ports * points);
        let frequencies = proptest::collection::btree_set(0u32..4_000_000, points);
        let references = proptest::collection::vec(1.0..100.0f64, ports);
        (values, frequencies, references).prop_map(move |(values, frequencies, references)| {
            let unit = [FrequencyUnit::Hz, FrequencyUnit::KHz, FrequencyUnit::MHz, FrequencyUnit::GHz][unit];
            let options = OptionLine {
                unit,
                format: NumberFormat::RealImaginary,
                resistance_ohm: if v2 { vec![references[0]] } else { references.clone() },
                ..OptionLine::default()
            };
            let same = references.iter().all(|r| *r == references[0]);
            let options = if same { OptionLine { resistance_ohm: vec![references[0]], ..options } } else { options };
            TouchstoneFile {
                version: if v2 { Version::V2_1 } else { Version::V1 },
                options,
                network: Network {
                    ports,
                    frequency_hz: frequencies.iter().map(|f| f64::from(*f) / 1e4 * unit.hertz()).collect(),
                    s: values.iter().map(|(re, im)| c(*re, *im)).collect(),
                    reference_ohm: references.iter().map(|r| c(*r, 0.0)).collect(),
                },
                modes: (0..ports).map(PortMode::Single).collect(),
                two_port_order: TwoPortOrder::TwentyOneFirst,
                matrix_format: MatrixFormat::Full,
                noise: Vec::new(),
                comments: vec![
                    Comment { text: " start".into(), place: CommentPlace::Start },
                    Comment { text: "before".into(), place: CommentPlace::BeforeData },
                    Comment { text: "! at the last".into(), place: CommentPlace::Point(points - 1) },
                ],
                information: if v2 { vec!["anything".into()] } else { Vec::new() },
                port_comments: PortComments::default(),
                warnings: Vec::new(),
            }
        })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(file in some_file()) {
        let text = write(&file, &WriteOptions::of(&file)).expect("can be written");
        let name = format!("x.s{}p", file.network.ports);
        prop_assert_eq!(&parse(text.as_bytes(), &name).map_err(|e| TestCaseError::fail(e.to_string()))?, &file);
        for format in [NumberFormat::MagnitudeAngle, NumberFormat::DecibelAngle] {
            let text = write(&file, &WriteOptions { format, ..WriteOptions::of(&file) }).expect("can be written");
            let again = parse(text.as_bytes(), &name).map_err(|e| TestCaseError::fail(e.to_string()))?;
            for (got, want) in again.network.s.iter().zip(&file.network.s) {
                // An angle is known to an ulp of 180°; decibels to an ulp of their size, up to 4000 here.
                prop_assert!((got - want).norm() <= 2e-13 * want.norm() + 1e-300, "{got} {want}");
            }
        }
    }

    #[test]
    fn numbers_are_read_as_the_library_reads_them(value in any::<f64>().prop_filter("finite", |v| v.is_finite()), digits in 0usize..25) {
        for text in [format!("{value}"), format!("{value:e}"), format!("{value:.digits$e}"), format!("{value:.digits$}")] {
            let file = parse(format!("# RI\n1 {text} 0").as_bytes(), "x.s1p");
            let want: f64 = text.parse().expect("a number");
            if want.is_finite() {
                prop_assert_eq!(file.expect("a file").network.s[0].re.to_bits(), want.to_bits(), "{}", text);
            }
        }
    }

    #[test]
    fn nothing_makes_it_panic(bytes in proptest::collection::vec(prop_oneof![
        any::<u8>().prop_map(|b| vec![b]),
        proptest::sample::select(vec!["[", "]", "#", "!", "\n", " 1 ", "R 50", "[Version] 2.0", "[Number of Ports] 2", "\n[Reference]",
            "[Network Data]\n", "[Noise Data]", "[Mixed-Mode Order] D1,2", "[End]", "1e999", "-", "Hz", "[Matrix Format] Lower\n"])
            .prop_map(|s| s.as_bytes().to_vec()),
    ], 0..60), name in proptest::sample::select(vec!["x.s1p", "x.s2p", "x.s3p", "x", "é.s9999p", "x.ts"])) {
        let bytes = bytes.concat();
        match parse(&bytes, name) {
            Ok(file) => prop_assert!(file.network.points() > 0),
            Err(error) => {
                prop_assert!(!error.faults.is_empty());
                let mut texts = Texts::new();
                problems(&error.faults, name, &bytes, &mut texts);
            }
        }
    }
}

/// Found by fuzzing: version 1 has no keyword between data and noise parameters.
#[test]
fn noise_above_the_data_needs_version_two() {
    let text = "[Version] 2.0\n# GHz S RI R 50\n[Number of Ports] 2\n[Two-Port Data Order] 12_21\n\
                [Number of Frequencies] 1\n[Number of Noise Frequencies] 1\n[Network Data]\n0 .1 0 .2 0 .2 0 .6 0\n\
                [Noise Data]\n1 2 .5 90 .3\n[End]\n";
    let file = parse(text.as_bytes(), "x.ts").expect("a good file");
    let first = WriteOptions { version: Version::V1, ..WriteOptions::of(&file) };
    assert!(write(&file, &first).is_err_and(|why| why.contains("version 2.0")));
    assert!(write(&file, &WriteOptions { version: Version::V2_0, ..first }).is_ok());
}
