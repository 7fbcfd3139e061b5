//! The keywords of version 2: `[Number of Ports] 4`.

use num_complex::Complex64;

use super::fault::Faults;
use super::scan::{Scanner, real, shown};
use super::{MatrixFormat, PORTS_LIMIT, PortMode, TwoPortOrder, Version};

/// A keyword in brackets, in lower case and with single spaces, and its place; the scanner stands behind it.
pub(super) fn name(scanner: &mut Scanner<'_>, faults: &mut Faults<'_>) -> (String, (usize, usize)) {
    let start = scanner.at;
    let rest = &scanner.bytes[start..];
    let line_length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    let length = match rest[..line_length].iter().position(|b| *b == b']') {
        Some(at) => at + 1,
        None => {
            faults.error(
                "touchstone-keyword",
                (start, start + line_length),
                "the keyword has no closing `]` on its line",
                "write it as [Number of Ports]",
            );
            line_length
        }
    };
    scanner.at = start + length;
    let inside = &rest[1..length.max(1)];
    let text = String::from_utf8_lossy(inside.strip_suffix(b"]").unwrap_or(inside)).to_ascii_lowercase();
    // The specification takes underscores and blanks in keywords for the same.
    let words: Vec<&str> = text.split([' ', '\t', '_']).filter(|w| !w.is_empty()).collect();
    (words.join(" "), (start, start + length))
}

/// A count behind a keyword.
pub(super) fn count(
    scanner: &mut Scanner<'_>,
    faults: &mut Faults<'_>,
    at: (usize, usize),
    what: &str,
) -> Option<usize> {
    let (word, place) = scanner.word_of_line().unwrap_or((b"", at));
    let value = std::str::from_utf8(word).ok().and_then(|text| text.parse::<usize>().ok()).filter(|n| *n > 0);
    if value.is_none() {
        let found = if word.is_empty() { "nothing".into() } else { format!("`{}`", shown(word)) };
        faults.error(
            "touchstone-keyword",
            place,
            format!("expected {what}, found {found}"),
            "write a whole number above zero",
        );
    }
    value
}

/// `[Number of Ports]`.
pub(super) fn ports(scanner: &mut Scanner<'_>, faults: &mut Faults<'_>, at: (usize, usize)) -> Option<usize> {
    let ports = count(scanner, faults, at, "the number of ports")?;
    if ports > PORTS_LIMIT {
        faults.error(
            "touchstone-ports",
            at,
            format!("{ports} ports are more than the {PORTS_LIMIT} that are read"),
            "",
        );
        return None;
    }
    Some(ports)
}

/// `[Version]`.
pub(super) fn version(scanner: &mut Scanner<'_>, faults: &mut Faults<'_>, at: (usize, usize)) -> Version {
    let (word, place) = scanner.word_of_line().unwrap_or((b"", at));
    match word {
        b"2.0" | b"2" => Version::V2_0,
        b"2.1" => Version::V2_1,
        b"1.0" | b"1.1" | b"1" => Version::V1,
        _ => {
            let message = format!("version `{}` is not known", shown(word));
            faults.error("touchstone-version", place, message, "versions 1.0, 1.1, 2.0 and 2.1 are read");
            Version::V2_0
        }
    }
}

/// `[Two-Port Data Order]`.
pub(super) fn two_port_order(scanner: &mut Scanner<'_>, faults: &mut Faults<'_>, at: (usize, usize)) -> TwoPortOrder {
    let (word, place) = scanner.word_of_line().unwrap_or((b"", at));
    match word {
        b"21_12" => TwoPortOrder::TwentyOneFirst,
        b"12_21" => TwoPortOrder::TwelveFirst,
        _ => {
            let message = format!("the order of a two-port cannot be `{}`", shown(word));
            faults.error("touchstone-keyword", place, message, "write 21_12 or 12_21");
            TwoPortOrder::TwentyOneFirst
        }
    }
}

/// `[Matrix Format]`.
pub(super) fn matrix_format(scanner: &mut Scanner<'_>, faults: &mut Faults<'_>, at: (usize, usize)) -> MatrixFormat {
    let (word, place) = scanner.word_of_line().unwrap_or((b"", at));
    match word.to_ascii_lowercase().as_slice() {
        b"full" => MatrixFormat::Full,
        b"lower" => MatrixFormat::Lower,
        b"upper" => MatrixFormat::Upper,
        _ => {
            let message = format!("the matrix format cannot be `{}`", shown(word));
            faults.error("touchstone-keyword", place, message, "write Full, Lower or Upper");
            MatrixFormat::Full
        }
    }
}

/// `[Reference]`: impedances over any number of lines, up to the next keyword or option line.
pub(super) fn reference(scanner: &mut Scanner<'_>, faults: &mut Faults<'_>, at: (usize, usize)) -> Vec<Complex64> {
    let mut list = Vec::new();
    loop {
        match scanner.peek() {
            None | Some(b'[' | b'#') => break,
            Some(b'!') => {
                // Comments between impedances are of no port; they are dropped.
                scanner.line();
            }
            Some(_) => {
                let start = scanner.at;
                let word = scanner.word();
                match impedance(word) {
                    Some(value) => list.push(value),
                    None => {
                        faults.error(
                            "touchstone-reference",
                            (start, scanner.at),
                            format!("expected a reference impedance in ohm, found `{}`", shown(word)),
                            "write 50, or 50+1.5j for a complex one; its real part must be above zero",
                        );
                        list.push(Complex64::new(50.0, 0.0));
                    }
                }
                if list.len() > PORTS_LIMIT || faults.is_full() {
                    break;
                }
            }
        }
    }
    if list.is_empty() {
        faults.error(
            "touchstone-reference",
            at,
            "no reference impedance behind [Reference]",
            "give one per port, in ohm",
        );
    }
    list
}

/// An impedance: `50`, `50+1.5j`, `50-2i` or `(50,1.5)`. The specification has real ones alone; programs write others.
fn impedance(word: &[u8]) -> Option<Complex64> {
    let value = match real(word) {
        Some(value) => Complex64::new(value, 0.0),
        None => match word {
            [b'(', inner @ .., b')'] => {
                let comma = inner.iter().position(|b| *b == b',')?;
                Complex64::new(real(&inner[..comma])?, real(&inner[comma + 1..])?)
            }
            [inner @ .., b'j' | b'J' | b'i' | b'I'] => {
                // The sign of the imaginary part is the last one that is not an exponent's.
                let split = (1..inner.len())
                    .rfind(|at| matches!(inner[*at], b'+' | b'-') && !matches!(inner[*at - 1], b'e' | b'E'))?;
                Complex64::new(real(&inner[..split])?, real(&inner[split..])?)
            }
            _ => return None,
        },
    };
    (value.re > 0.0).then_some(value)
}

/// `[Mixed-Mode Order]`: `D2,3 D6,5 C2,3 C6,5 S4`.
pub(super) fn modes(scanner: &mut Scanner<'_>, faults: &mut Faults<'_>) -> Vec<(PortMode, (usize, usize))> {
    let mut list = Vec::new();
    loop {
        match scanner.peek() {
            None | Some(b'[' | b'#') => break,
            Some(b'!') => {
                scanner.line();
            }
            Some(_) => {
                let start = scanner.at;
                let word = scanner.word();
                let place = (start, scanner.at);
                match mode(word) {
                    Some(mode) => list.push((mode, place)),
                    None => faults.error(
                        "touchstone-mixed-mode",
                        place,
                        format!("`{}` is not a mode", shown(word)),
                        "write D1,2 (differential), C1,2 (common) or S3 (single-ended)",
                    ),
                }
                if list.len() > PORTS_LIMIT || faults.is_full() {
                    break;
                }
            }
        }
    }
    list
}

fn mode(word: &[u8]) -> Option<PortMode> {
    let text = std::str::from_utf8(word).ok()?;
    let port = |text: &str| text.parse::<usize>().ok()?.checked_sub(1).filter(|port| *port < PORTS_LIMIT);
    match text.as_bytes().first()?.to_ascii_uppercase() {
        b'S' => Some(PortMode::Single(port(&text[1..])?)),
        kind @ (b'D' | b'C') => {
            let (a, b) = text[1..].split_once(',')?;
            let (a, b) = (port(a)?, port(b)?);
            (a != b).then_some(())?;
            Some(if kind == b'D' { PortMode::Differential(a, b) } else { PortMode::Common(a, b) })
        }
        _ => None,
    }
}
