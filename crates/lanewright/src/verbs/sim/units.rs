//! Sizes, rates and times as people type them.

use lanewright_fabric::time::{Rate, Time};

/// A number and the unit behind it.
fn split(text: &str) -> Result<(f64, &str), String> {
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
    let (number, unit) = split(text)?;
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
    let (number, unit) = split(text)?;
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
    let (number, unit) = split(text)?;
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

/// Two shares of a queue: `0.2,0.8`.
pub fn shares(text: &str) -> Result<(f64, f64), String> {
    let both = text.split_once(',').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    match both {
        Some((low, high)) if (0.0..=1.0).contains(&low) && (low..=1.0).contains(&high) => Ok((low, high)),
        _ => Err("two rising shares from 0 to 1 are expected, as in 0.2,0.8".into()),
    }
}

/// Bytes of a buffer, none too: `0`, `64KiB`.
pub fn buffer(text: &str) -> Result<u32, String> {
    let bytes = if text.trim() == "0" { 0 } else { bytes(text)? };
    u32::try_from(bytes).map_err(|_| "a buffer is smaller than 4 GiB".into())
}

/// A shared buffer and a share of it: `64MB,0.5`.
pub fn pool(text: &str) -> Result<(u64, f64), String> {
    let wrong = || "a size and a share are expected, as in 64MB,0.5".to_string();
    let (size, share) = text.split_once(',').ok_or_else(wrong)?;
    Ok((bytes(size)?, positive(share.trim())?))
}

/// Two rising queues and a share: `800kB,3200kB,0.2`.
pub fn red(text: &str) -> Result<(u64, u64, f64), String> {
    let wrong = || "two rising sizes and a share from 0 to 1 are expected, as in 800kB,3200kB,0.2".to_string();
    let mut parts = text.split(',');
    let (Some(from), Some(to), Some(most), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(wrong());
    };
    let (from, to, most) = (bytes(from)?, bytes(to)?, positive(most.trim())?);
    if from <= to && most <= 1.0 { Ok((from, to, most)) } else { Err(wrong()) }
}

/// A number above zero.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("a number above 0 is expected".into()),
    }
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
        assert_eq!(shares("0.2,0.8"), Ok((0.2, 0.8)));
        assert!(shares("0.8,0.2").is_err() && shares("1").is_err());
        assert!(positive("inf").is_err() && positive("0").is_err());
        assert_eq!((buffer("0"), buffer("64KiB")), (Ok(0), Ok(65_536)));
        assert_eq!(pool("64MB,0.5"), Ok((64_000_000, 0.5)));
        assert_eq!(red("800kB, 3200kB, 0.2"), Ok((800_000, 3_200_000, 0.2)));
        assert!(buffer("8GiB").is_err() && pool("64MB").is_err() && red("2kB,1kB,0.2").is_err() && red("1,2").is_err());
    }
}
