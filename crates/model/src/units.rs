//! Typed quantities. A number with a unit is never a bare `f64` in a public signature.
//!
//! Each type holds its value in one canonical unit (the one in its name's documentation) and knows the
//! other spellings that a description may use, with the factor to the canonical unit.

use serde::Serialize;

/// A physical or monetary quantity held in one canonical unit.
pub trait Quantity: Copy + PartialOrd + std::fmt::Debug + 'static {
    /// What is measured, for messages: "power", "length".
    const NAME: &'static str;
    /// Spellings accepted in a description, with the factor to the canonical unit; the first is canonical.
    const UNITS: &'static [(&'static str, f64)];
    /// Smallest value that makes sense (a length is never negative, a loss in dB may be a gain).
    const MIN: f64;

    /// Wraps a number that is already in the canonical unit.
    fn new(canonical: f64) -> Self;
    /// The number in the canonical unit.
    fn get(self) -> f64;
}

macro_rules! quantities {
    ($($(#[$doc:meta])* $name:ident, $what:literal, min $min:expr, [$(($unit:literal, $factor:expr)),+ $(,)?];)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl Quantity for $name {
            const NAME: &'static str = $what;
            const UNITS: &'static [(&'static str, f64)] = &[$(($unit, $factor)),+];
            const MIN: f64 = $min;
            fn new(canonical: f64) -> Self { Self(canonical) }
            fn get(self) -> f64 { self.0 }
        }

        impl std::ops::Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self { Self(self.0 + other.0) }
        }

        impl std::ops::Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self { Self(self.0 - other.0) }
        }

        impl std::ops::Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self { Self(self.0 * factor) }
        }
    )+};
}

quantities! {
    /// Length in metres.
    Metres, "length", min 0.0, [("m", 1.0), ("mm", 1e-3), ("cm", 1e-2), ("km", 1e3), ("in", 0.0254), ("ft", 0.3048)];
    /// Power in watts.
    Watts, "power", min 0.0, [("W", 1.0), ("mW", 1e-3), ("kW", 1e3), ("MW", 1e6)];
    /// Money in US dollars.
    Usd, "price", min 0.0, [("USD", 1.0), ("kUSD", 1e3), ("MUSD", 1e6)];
    /// Money per length in US dollars per metre.
    UsdPerMetre, "price per length", min 0.0, [("USD/m", 1.0)];
    /// Insertion loss in decibels at the frequency that the context names; positive is loss.
    Decibels, "loss", min 0.0, [("dB", 1.0)];
    /// Insertion loss per length in decibels per metre at the frequency that the context names.
    DecibelsPerMetre, "loss per length", min 0.0, [("dB/m", 1.0), ("dB/in", 39.370_078_740_157_48), ("dB/km", 1e-3)];
    /// Frequency in gigahertz.
    Gigahertz, "frequency", min 0.0, [("GHz", 1.0), ("MHz", 1e-3)];
    /// Symbol rate in gigabaud.
    Gigabaud, "symbol rate", min 0.0, [("GBd", 1.0), ("MBd", 1e-3)];
    /// Data rate in gigabits per second; the context says per lane or per port, and it is per direction.
    Gbps, "data rate", min 0.0, [("Gb/s", 1.0), ("Tb/s", 1e3), ("Mb/s", 1e-3), ("GB/s", 8.0), ("TB/s", 8e3)];
    /// Time in nanoseconds.
    Nanoseconds, "latency", min 0.0, [("ns", 1.0), ("ps", 1e-3), ("us", 1e3), ("ms", 1e6)];
    /// Propagation delay in nanoseconds per metre.
    NanosecondsPerMetre, "delay per length", min 0.0, [("ns/m", 1.0), ("us/km", 1.0)];
    /// Random failure rate in FIT: failures per 1e9 hours.
    Fit, "failure rate", min 0.0, [("FIT", 1.0)];
    /// Time in hours.
    Hours, "time", min 0.0, [("h", 1.0), ("min", 1.0 / 60.0), ("day", 24.0)];
    /// Time in years of 8,760 hours.
    Years, "life", min 0.0, [("year", 1.0), ("month", 1.0 / 12.0)];
    /// Mass in kilograms.
    Kilograms, "mass", min 0.0, [("kg", 1.0), ("g", 1e-3), ("lb", 0.453_592_37)];
    /// Energy per bit in picojoules.
    PicojoulesPerBit, "energy per bit", min 0.0, [("pJ/bit", 1.0)];
    /// Memory or storage capacity in gigabytes (1e9 bytes).
    Gigabytes, "capacity", min 0.0, [("GB", 1.0), ("TB", 1e3), ("MB", 1e-3), ("GiB", 1.073_741_824), ("TiB", 1_099.511_627_776)];
    /// Memory or storage bandwidth in gigabytes (1e9 bytes) per second.
    GigabytesPerSecond, "bandwidth", min 0.0, [("GB/s", 1.0), ("TB/s", 1e3), ("MB/s", 1e-3)];
    /// Arithmetic rate in tera-operations per second; the figure's name gives the number format.
    Tops, "arithmetic rate", min 0.0, [("TFLOP/s", 1.0), ("PFLOP/s", 1e3), ("GFLOP/s", 1e-3), ("TOP/s", 1.0)];
    /// Vendor "equivalent TOPS": a marketing figure, never converted to operations without a calibration.
    EquivalentTops, "vendor eTOPS", min 0.0, [("eTOPS", 1.0)];
    /// Image size in megapixels.
    Megapixels, "image size", min 0.0, [("MP", 1.0)];
    /// Rate of frames, scans or samples in hertz.
    Hertz, "rate", min 0.0, [("Hz", 1.0), ("fps", 1.0)];
    /// Packet or message rate in millions per second.
    MegaPerSecond, "packet rate", min 0.0, [("M/s", 1.0), ("Mpps", 1.0), ("Bpps", 1e3)];
    /// A pure number.
    Ratio, "ratio", min 0.0, [("1", 1.0), ("%", 0.01)];
}

/// Hours in a year as used for every yearly rate (365 days).
pub const HOURS_PER_YEAR: f64 = 8760.0;

impl Nanoseconds {
    /// The value in microseconds.
    pub fn microseconds(self) -> f64 {
        self.0 * 1e-3
    }
}

impl Fit {
    /// Expected failures of one part in one year of operation (rate times 8,760 h).
    pub fn failures_per_year(self) -> f64 {
        self.0 * 1e-9 * HOURS_PER_YEAR
    }
}
