//! Sizes, rates, times and shares as flags take them.

use lanewright_fabric::spelling::number_and_unit;
pub use lanewright_fabric::spelling::{bytes, gbps, microseconds};
use lanewright_fabric::time::Time;

/// A time, in nanoseconds where no unit is given.
pub fn nanoseconds(text: &str) -> Result<Time, String> {
    let (number, unit) = number_and_unit(text)?;
    if unit.is_empty() { microseconds(&format!("{number}ns")) } else { microseconds(text) }
}

/// Time from one to the next of so many per second: `200M`, `1.5M/s`.
pub fn spacing(text: &str) -> Result<Time, String> {
    let (number, unit) = number_and_unit(text)?;
    let factor = match unit.trim_end_matches("/s") {
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        _ => return Err(format!("`{unit}` is no rate; k, M and G per second are")),
    };
    let found = Time::from_seconds(1.0 / (number * factor)).filter(|time| *time > Time::ZERO);
    found.ok_or_else(|| "a rate above 0 and up to 1 in a picosecond is expected".into())
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
    fn times_of_nics() {
        assert_eq!((nanoseconds("700"), nanoseconds("1.5us")), (Ok(Time::ns(700)), Ok(Time::ns(1500))));
        assert_eq!((spacing("200M"), spacing("1M/s")), (Ok(Time::ns(5)), Ok(Time::us(1))));
        assert!(spacing("0").is_err() && spacing("5 apples").is_err() && spacing("9e30").is_err());
    }

    #[test]
    fn shares_and_buffers() {
        assert_eq!(shares("0.2,0.8"), Ok((0.2, 0.8)));
        assert!(shares("0.8,0.2").is_err() && shares("1").is_err());
        assert!(positive("inf").is_err() && positive("0").is_err());
        assert_eq!((buffer("0"), buffer("64KiB")), (Ok(0), Ok(65_536)));
        assert_eq!(pool("64MB,0.5"), Ok((64_000_000, 0.5)));
        assert_eq!(red("800kB, 3200kB, 0.2"), Ok((800_000, 3_200_000, 0.2)));
        assert!(buffer("8GiB").is_err() && pool("64MB").is_err() && red("2kB,1kB,0.2").is_err() && red("1,2").is_err());
    }
}
