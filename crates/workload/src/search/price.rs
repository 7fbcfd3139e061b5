//! What an hour of a device costs, and so a million tokens.

use serde::Serialize;

use crate::accelerator::Accelerator;
use crate::estimate::Estimate;

/// Hours of a year.
const YEAR_H: f64 = 8766.0;

/// Dollars per hour of one device.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HourPrice {
    /// Dollars per hour.
    pub usd: f64,
}

/// What a device costs beside its price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ownership {
    /// Years over which the price is paid off.
    pub life_years: f64,
    /// Dollars per kWh.
    pub usd_per_kwh: f64,
    /// Power at the meter over power of devices.
    pub pue: f64,
}

impl HourPrice {
    /// From the price and the power limit of a device; none without a price. Servers, network and people come on top.
    pub fn owned(device: &Accelerator, terms: &Ownership) -> Option<Self> {
        let price = device.price_usd?;
        let usd = price / (terms.life_years * YEAR_H) + device.power_w * 1e-3 * terms.pue * terms.usd_per_kwh;
        (usd.is_finite() && usd > 0.0).then_some(Self { usd })
    }

    /// Dollars per million output tokens at so many tokens per second and device.
    pub fn per_million(self, per_device: Estimate) -> Estimate {
        let per = |rate: f64| if rate > 0.0 { self.usd / (rate * 3600.0) * 1e6 } else { f64::INFINITY };
        Estimate { low: per(per_device.high), likely: per(per_device.likely), high: per(per_device.low) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accelerator::tests::plain;

    /// 30,000 USD over 4 years and 700 W x 1.25 at 0.08 USD/kWh: 0.8556 + 0.07 USD/h; at 1000 tokens/s 0.257 USD.
    #[test]
    fn an_hour_is_price_and_power() {
        let device = Accelerator { price_usd: Some(30_000.0), ..plain("nvidia/h100-sxm", 989e12, 3.35e12) };
        let terms = Ownership { life_years: 4.0, usd_per_kwh: 0.08, pue: 1.25 };
        let hour = HourPrice::owned(&device, &terms).expect("has a price");
        assert!((hour.usd - 0.9256).abs() < 1e-3, "{hour:?}");
        assert!((hour.per_million(Estimate::exact(1000.0)).likely - 0.2571).abs() < 1e-3);
        assert_eq!(HourPrice::owned(&plain("x", 1e12, 1e12), &terms), None);
    }
}
