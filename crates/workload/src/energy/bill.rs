//! Joules and dollars per token: devices alone, and at the wall with hosts and cooling.

use serde::Serialize;

use crate::estimate::Estimate;

const SECONDS_A_YEAR: f64 = 365.25 * 86_400.0;

/// What running costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tariff {
    /// Dollars of a device, with its share of what it stands in where that is wanted; none where unknown.
    pub device_usd: Option<f64>,
    /// Years over which the price is spread.
    pub life_years: f64,
    /// Share of its life in which a device serves.
    pub used_share: f64,
    /// Dollars per kilowatt-hour.
    pub usd_per_kwh: f64,
    /// Watts of hosts, network cards and fans per device.
    pub host_w: Estimate,
    /// Power at the building's meter over power at the equipment.
    pub overhead: Estimate,
}

impl Default for Tariff {
    /// Four years, always in use, 8 cents; hosts of 1.5 to 2.5 kW per eight devices (general knowledge); a meter that shows
    /// 1.1 to 1.5 times what equipment draws (an estimate: new halls 1.1, the industry's mean 1.55).
    fn default() -> Self {
        Self {
            device_usd: None,
            life_years: 4.0,
            used_share: 1.0,
            usd_per_kwh: 0.08,
            host_w: Estimate { low: 187.5, likely: 250.0, high: 312.5 },
            overhead: Estimate { low: 1.1, likely: 1.25, high: 1.5 },
        }
    }
}

impl Tariff {
    /// Whether the figures can be used; the error says which cannot.
    pub fn check(&self) -> Result<(), String> {
        let figures = [
            ("price of a device", self.device_usd.unwrap_or(0.0), 0.0, 1e9),
            ("life in years", self.life_years, 0.01, 100.0),
            ("share of the life in use", self.used_share, 0.001, 1.0),
            ("price of a kilowatt-hour", self.usd_per_kwh, 0.0, 1e3),
            ("watts of a host per device", self.host_w.likely, 0.0, 1e5),
            ("overhead of the building", self.overhead.likely, 1.0, 10.0),
        ];
        match figures.iter().find(|(_, value, low, high)| !(*low..=*high).contains(value)) {
            Some((name, value, low, high)) => Err(format!("{name} is {value}; expected {low} to {high}")),
            None => Ok(()),
        }
    }
}

/// Energy and money of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bill {
    /// Watts of all devices.
    pub devices_w: Estimate,
    /// Watts at the meter: devices, hosts, the building's overhead.
    pub wall_w: Estimate,
    /// Joules of devices per output token.
    pub joules_per_token: Estimate,
    /// Joules at the meter per output token.
    pub wall_joules_per_token: Estimate,
    /// Dollars of electricity per million output tokens.
    pub electricity_usd: Estimate,
    /// Dollars of devices per million output tokens; none where their price is unknown.
    pub devices_usd: Option<Estimate>,
    /// Both together.
    pub usd_per_million: Option<Estimate>,
}

impl Bill {
    /// Of `devices` devices that draw `devices_w` together and write `tokens_per_s` tokens.
    pub fn of(devices: f64, devices_w: Estimate, tokens_per_s: Estimate, tariff: &Tariff) -> Self {
        let equipment = devices_w.plus(tariff.host_w.times(devices));
        let wall_w = Estimate {
            low: equipment.low * tariff.overhead.low,
            likely: equipment.likely * tariff.overhead.likely,
            high: equipment.high * tariff.overhead.high,
        };
        let joules_per_token = per(devices_w, tokens_per_s);
        let wall_joules_per_token = per(wall_w, tokens_per_s);
        let electricity_usd = wall_joules_per_token.times(1e6 / 3.6e6 * tariff.usd_per_kwh);
        let devices_usd = tariff.device_usd.map(|usd| {
            let per_second = usd * devices / (tariff.life_years * tariff.used_share * SECONDS_A_YEAR);
            per(Estimate::exact(per_second), tokens_per_s).times(1e6)
        });
        Self {
            devices_w,
            wall_w,
            joules_per_token,
            wall_joules_per_token,
            electricity_usd,
            devices_usd,
            usd_per_million: devices_usd.map(|usd| usd.plus(electricity_usd)),
        }
    }
}

/// A quantity over a rate. What it takes to write a token follows the bytes that are moved, so a rate that is missed moves
/// watts the other way too: the errors are joined as independent ones.
fn per(quantity: Estimate, rate: Estimate) -> Estimate {
    if rate.likely <= 0.0 || rate.likely.is_nan() {
        return Estimate::exact(f64::INFINITY);
    }
    let joined = |a: f64, b: f64| a.ln().hypot(b.ln()).exp();
    Estimate::spread(
        quantity.likely / rate.likely,
        joined(quantity.below(), rate.above()),
        joined(quantity.above(), rate.below()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device of 30,000 dollars over four years at 1000 tokens a second: 30000 / (4 * 31.56e6) / 1000 * 1e6 = 0.238 dollars
    /// per million; 700 W and 250 W of host at 1.25 are 1187.5 W, 1.1875 J a token, 0.33 kWh per million, 2.6 cents.
    #[test]
    fn a_device_over_its_life() {
        let tariff = Tariff { device_usd: Some(30_000.0), ..Tariff::default() };
        let bill = Bill::of(1.0, Estimate::exact(700.0), Estimate::exact(1000.0), &tariff);
        assert!((bill.devices_usd.expect("priced").likely - 0.23766).abs() < 1e-4);
        assert!((bill.wall_joules_per_token.likely - 1.1875).abs() < 1e-9);
        assert!((bill.electricity_usd.likely - 0.026_389).abs() < 1e-5);
        assert!((bill.joules_per_token.likely - 0.7).abs() < 1e-12);
        assert!(bill.wall_joules_per_token.low < 1.1875 && bill.wall_joules_per_token.high > 1.1875);
    }

    #[test]
    fn figures_that_cannot_be_are_named() {
        let wrong = Tariff { life_years: 0.0, ..Tariff::default() };
        assert!(wrong.check().expect_err("no life").contains("life in years is 0"));
        let wrong = Tariff { usd_per_kwh: f64::NAN, ..Tariff::default() };
        assert!(wrong.check().is_err());
        assert_eq!(Tariff::default().check(), Ok(()));
    }
}
