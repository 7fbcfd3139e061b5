//! Numbers as people read them: three figures that matter, a unit that fits.

/// Joins a number to its unit without letting a line break between them.
const GAP: char = '\u{A0}';

/// What a number measures; its value is always in the unit named here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Watts.
    Watts,
    /// US dollars.
    Usd,
    /// US dollars per year.
    UsdPerYear,
    /// Nanoseconds.
    Nanoseconds,
    /// Metres.
    Metres,
    /// Decibels.
    Decibels,
    /// Gigabits per second, per direction.
    Gbps,
    /// Events per year.
    PerYear,
    /// Hours.
    Hours,
    /// Years.
    Years,
    /// A share, 0 to 1, shown in percent.
    Share,
    /// A share of time in service, 0 to 1, shown in percent with as many decimals as it has nines.
    Availability,
    /// Things.
    Count,
}

impl Measure {
    /// Factor and unit that suit a value of this size.
    fn scale(self, size: f64) -> (f64, &'static str) {
        let size = size.abs();
        let pick = |steps: &[(f64, &'static str)]| {
            // 999.5 would be shown as 1000: step up a little early.
            // Nothing has no prefix.
            let fits = |limit: f64| if size == 0.0 { limit == 1.0 } else { size >= limit * 0.9995 };
            steps
                .iter()
                .find(|(limit, _)| fits(*limit))
                .or(steps.last())
                .map_or((1.0, ""), |(limit, unit)| (if *unit == "m" { 1.0 } else { *limit }, *unit))
        };
        match self {
            Self::Watts => pick(&[(1e9, "GW"), (1e6, "MW"), (1e3, "kW"), (1.0, "W"), (1e-3, "mW")]),
            // Prices of parts are compared to the dollar.
            Self::Usd if size < 9_999.5 => (1.0, ""),
            Self::Usd => pick(&[(1e9, "B"), (1e6, "M"), (1e3, "k"), (1.0, "")]),
            Self::UsdPerYear => pick(&[(1e9, "B/y"), (1e6, "M/y"), (1e3, "k/y"), (1.0, "/y")]),
            // Latencies are compared in ns up to 10 µs.
            Self::Nanoseconds if (1.0..1e4).contains(&size) => (1.0, "ns"),
            Self::Nanoseconds => pick(&[(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"), (1e-3, "ps")]),
            Self::Metres => pick(&[(1e3, "km"), (0.1, "m"), (1e-2, "cm"), (1e-3, "mm")]),
            Self::Decibels => (1.0, "dB"),
            Self::Gbps => pick(&[(1e6, "Pb/s"), (1e3, "Tb/s"), (1.0, "Gb/s"), (1e-3, "Mb/s")]),
            Self::PerYear => (1.0, "/y"),
            Self::Hours => (1.0, "h"),
            Self::Years => (1.0, "y"),
            Self::Share | Self::Availability => (0.01, "%"),
            Self::Count => (1.0, ""),
        }
    }

    /// One number with its unit: "1.23 MW", "$3.1 M", "700 ns".
    pub fn show(self, value: f64) -> String {
        let (factor, unit) = self.scale(value);
        self.dress(&self.digits(value / factor, value / factor, factor), unit)
    }

    /// Low to high with one unit: "1.10–1.40 MW".
    pub fn range(self, low: f64, high: f64) -> String {
        let (factor, unit) = self.scale(high.abs().max(low.abs()));
        let largest = high.abs().max(low.abs()) / factor;
        let (low, high) = (self.digits(low / factor, largest, factor), self.digits(high / factor, largest, factor));
        if low == high {
            self.dress(&low, unit)
        } else {
            // A dash beside a minus sign cannot be read.
            let between = if high.starts_with('−') || low.starts_with('−') { " to " } else { "–" };
            self.dress(&format!("{low}{between}{high}"), unit)
        }
    }

    fn digits(self, value: f64, largest: f64, factor: f64) -> String {
        match self {
            Self::Decibels => decimals(value, 1),
            Self::Count => grouped(value),
            Self::Availability if (90.0..100.0).contains(&value) => decimals(value, if value >= 99.9 { 3 } else { 2 }),
            // A share that rounds to 100 % but is less says so.
            Self::Share if (99.5..100.0).contains(&value) => decimals(value, 1),
            // Smaller shares do not matter to anybody.
            Self::Share if value > 0.0 && largest < 0.1 => "under 0.1".into(),
            Self::Share | Self::Availability => significant(value, largest.min(99.0), 2),
            Self::Years => plain(value),
            Self::Metres | Self::Gbps => trim(&significant(value, largest, 3)),
            // Whole dollars stay whole.
            Self::Usd | Self::UsdPerYear if factor == 1.0 && value.fract() == 0.0 => grouped(value),
            _ => significant(value, largest, 3),
        }
    }

    fn dress(self, digits: &str, unit: &str) -> String {
        match self {
            Self::Usd | Self::UsdPerYear => {
                let (sign, digits) = digits.strip_prefix('−').map_or(("", digits), |rest| ("−", rest));
                let gap = if unit.is_empty() || unit == "/y" { String::new() } else { GAP.to_string() };
                format!("{sign}${digits}{gap}{unit}")
            }
            Self::PerYear => format!("{digits}{unit}"),
            _ if unit.is_empty() => digits.to_string(),
            _ => format!("{digits}{GAP}{unit}"),
        }
    }
}

/// A whole number with thousands apart: "131,072".
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number of things that may be fractional in a plan: whole when it is whole.
fn grouped(value: f64) -> String {
    if !value.is_finite() {
        return "n/a".into();
    }
    let sign = if value < -0.5 { "−" } else { "" };
    let size = value.abs();
    if size < 100.0 && (size - size.round()).abs() > 0.005 {
        return format!("{sign}{}", decimals(size, if size < 10.0 { 2 } else { 1 }));
    }
    format!("{sign}{}", count(size.round() as u64))
}

/// So many decimals, with a real minus sign and no "−0".
pub fn decimals(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return "n/a".into();
    }
    let text = format!("{value:.places$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_string(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// So many significant figures, judged by `largest` so that both ends of a range have equal decimals.
fn significant(value: f64, largest: f64, figures: i32) -> String {
    let size = largest.abs();
    if size == 0.0 {
        return "0".into();
    }
    if size >= 10_000.0 {
        return grouped(value.round());
    }
    let before = size.log10().floor() as i32 + 1;
    let places = (figures - before).clamp(0, 6);
    // 9.996 with two decimals reads 10.00: one decimal too many.
    let places = if (size * 10f64.powi(places)).round() >= 10f64.powi(figures) { (places - 1).max(0) } else { places };
    if value.abs() >= 1000.0 && places == 0 { grouped(value.round()) } else { decimals(value, places as usize) }
}

/// A plain number of unknown measure for tables: up to four significant figures, no trailing zeros.
pub fn plain(value: f64) -> String {
    figures(value, 4)
}

/// The same with up to so many significant figures: symbol rates such as 53.125 GBd and their Nyquist frequencies take
/// up to six.
pub fn figures(value: f64, figures: i32) -> String {
    if value != 0.0 && value.abs() < 1e-4 {
        let power = value.abs().log10().floor() as i32;
        let lead = value / 10f64.powi(power);
        return format!("{}e{}", trim(&decimals(lead, 2)), power);
    }
    if value.abs() >= 1000.0 {
        return grouped(value.round());
    }
    trim(&significant(value, value, figures))
}

fn trim(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(measure: Measure, value: f64, shown: &str) {
        assert_eq!(measure.show(value).replace(GAP, " "), shown);
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        check(Measure::Watts, 1_234_000.0, "1.23 MW");
        check(Measure::Watts, 132_000.0, "132 kW");
        check(Measure::Watts, 999_700.0, "1.00 MW");
        check(Measure::Watts, 9.996, "10.0 W");
        check(Measure::Watts, 0.0, "0 W");
        check(Measure::Usd, 3_120_000.0, "$3.12 M");
        check(Measure::Usd, 700.0, "$700");
        check(Measure::Usd, 3_040.0, "$3,040");
        check(Measure::Usd, 24.5, "$24.5");
        check(Measure::Usd, -312.6, "−$313");
        check(Measure::UsdPerYear, 45_000.0, "$45.0 k/y");
        check(Measure::Nanoseconds, 700.0, "700 ns");
        check(Measure::Nanoseconds, 2_345.0, "2,345 ns");
        check(Measure::Nanoseconds, 12_345.0, "12.3 µs");
        check(Measure::Nanoseconds, 0.25, "250 ps");
        check(Measure::Metres, 2.5, "2.5 m");
        check(Measure::Metres, 0.62, "0.62 m");
        check(Measure::Metres, 0.035, "3.5 cm");
        check(Measure::Decibels, -0.04, "0.0 dB");
        check(Measure::Decibels, -1.26, "−1.3 dB");
        check(Measure::Gbps, 52_428_800.0, "52.4 Pb/s");
        check(Measure::Gbps, 10.0, "10 Gb/s");
        check(Measure::Availability, 0.99953, "99.953 %");
        check(Measure::Availability, 0.9853, "98.53 %");
        check(Measure::Share, 0.9943, "99 %");
        check(Measure::Share, 0.9981, "99.8 %");
        check(Measure::Share, 0.0042, "0.42 %");
        check(Measure::Years, 5.0, "5 y");
        check(Measure::Share, 0.412, "41 %");
        check(Measure::Share, 1.0, "100 %");
        check(Measure::Count, 131_072.0, "131,072");
        check(Measure::Count, 1.5, "1.50");
        check(Measure::PerYear, 12.34, "12.3/y");
        check(Measure::Watts, f64::NAN, "n/a mW");
    }

    #[test]
    fn ranges_share_unit_and_decimals() {
        assert_eq!(Measure::Watts.range(998_000.0, 1_400_000.0).replace(GAP, " "), "1.00–1.40 MW");
        assert_eq!(Measure::Decibels.range(-2.0, 3.0).replace(GAP, " "), "−2.0 to 3.0 dB");
        assert_eq!(Measure::Usd.range(5.0, 5.0), "$5");
    }

    #[test]
    fn plain_numbers_keep_small_ones() {
        assert_eq!(plain(2.4e-8), "2.4e-8");
        assert_eq!(plain(26.5625), "26.56");
        assert_eq!(plain(51_200.0), "51,200");
        assert_eq!(plain(0.5), "0.5");
    }
}
