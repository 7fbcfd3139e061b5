//! Sizes, rates and times as people write them, in flags and files: `64KiB`, `1.6T`, `500ns`.

use crate::time::{Rate, Time};

/// A number and the unit behind it.
pub fn number_and_unit(text: &str) -> Result<(f64, &str), String> {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|(at, c)| {
            let exponent = matches!(c, 'e' | 'E')
                && text[at + 1..].starts_with(|next: char| next.is_ascii_digit() || next == '-' || next == '+');
            !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '_') || exponent)
        })
        .map_or(text.len(), |(at, _)| at);
    let digits = text[..end].replace('_', "");
    match digits.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok((number, text[end..].trim())),
        _ => Err("a number is expected, as in 1GiB, 400G or 500ns".into()),
    }
}

/// Bytes: `2000000`, `64KiB`, `1MiB`, `1GiB`, `2MB`.
pub fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = number_and_unit(text)?;
    let factor: f64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" | "k" => 1e3,
        "mb" | "m" => 1e6,
        "gb" | "g" => 1e9,
        "tb" | "t" => 1e12,
        "kib" | "ki" => 1024.0,
        "mib" | "mi" => 1024.0f64.powi(2),
        "gib" | "gi" => 1024.0f64.powi(3),
        "tib" | "ti" => 1024.0f64.powi(4),
        _ => return Err(format!("`{unit}` is no unit of size; B, kB, MB, GB, TB, KiB, MiB, GiB and TiB are")),
    };
    let bytes = (number * factor).round();
    if bytes < 1.0 || bytes > 2f64.powi(53) {
        return Err("a size is at least 1 byte and at most 8 PiB".into());
    }
    Ok(bytes as u64)
}

/// A rate, in Gb/s where no unit is given: `400`, `400G`, `1.6T`.
pub fn gbps(text: &str) -> Result<Rate, String> {
    let (number, unit) = number_and_unit(text)?;
    let unit = unit.to_ascii_lowercase();
    let factor = match unit.trim_end_matches("b/s").trim_end_matches("bps").trim_end_matches("bit/s") {
        "" | "g" => 1.0,
        "t" => 1e3,
        "m" => 1e-3,
        _ => return Err(format!("`{unit}` is no unit of rate; Mb/s, Gb/s and Tb/s are")),
    };
    Rate::gbps(number * factor).ok_or_else(|| "a rate must be above 0".into())
}

/// A time, in microseconds where no unit is given: `1`, `0.5`, `500ns`, `2ms`.
pub fn microseconds(text: &str) -> Result<Time, String> {
    let (number, unit) = number_and_unit(text)?;
    let seconds = match unit.to_ascii_lowercase().as_str() {
        "ps" => 1e-12,
        "ns" => 1e-9,
        "" | "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        other => return Err(format!("`{other}` is no unit of time; ps, ns, us, ms and s are")),
    };
    Time::from_seconds(number * seconds).ok_or_else(|| "a time must be at least 0 and less than 213 days".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(bytes("1GiB"), Ok(1 << 30));
        assert_eq!(bytes("64 MiB"), Ok(64 << 20));
        assert_eq!(bytes("2_000_000"), Ok(2_000_000));
        assert_eq!(bytes("1.5kB"), Ok(1500));
        assert_eq!(bytes("2e6"), Ok(2_000_000));
        assert_eq!(bytes("4g"), Ok(4_000_000_000));
        for wrong in ["", "GiB", "0", "-1", "1 parsec", "1e300", "nan"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_and_times() {
        assert_eq!(gbps("400").map(|rate| rate.as_gbps()), Ok(400.0));
        assert_eq!(gbps("1.6T").map(|rate| rate.as_gbps()), Ok(1600.0));
        assert_eq!(gbps("100Gb/s").map(|rate| rate.as_gbps()), Ok(100.0));
        assert!(gbps("0").is_err() && gbps("5 apples").is_err());
        assert_eq!(microseconds("1"), Ok(Time::us(1)));
        assert_eq!(microseconds("500ns"), Ok(Time::ns(500)));
        assert_eq!(microseconds("0"), Ok(Time::ZERO));
        assert!(microseconds("-1").is_err() && microseconds("1 day").is_err());
    }
}
