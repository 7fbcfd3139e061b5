//! Whether plugs, families and lanes go together.

use lanewright_model::catalogue::protocol::LaneTechnology;

/// Whether a plug of one form goes into a cage of another.
///
/// Cages take older plugs of their own family: QSFP-DD (8 lanes) takes every QSFP (4 lanes), a later QSFP,
/// SFP or OSFP takes the earlier ones. A closed-top OSFP heat sink does not fit the flat cage of a card
/// (`osfp-rhs`), and plugs of cards and drives only fit their own form.
pub fn form_fits(plug: &str, cage: &str) -> bool {
    if plug == cage {
        return true;
    }
    let (Some(plug), Some(cage)) = (family(plug), family(cage)) else { return false };
    plug.0 == cage.0 && plug.1 <= cage.1
}

/// Family of a plug form and its place in the family, later ones taking earlier ones.
fn family(form: &str) -> Option<(&'static str, u32)> {
    Some(match form {
        "sfp" | "sfp+" => ("sfp", 0),
        "sfp28" => ("sfp", 1),
        "sfp56" => ("sfp", 2),
        "sfp112" => ("sfp", 3),
        "sfp-dd" => ("sfp", 4),
        "qsfp" | "qsfp+" => ("qsfp", 0),
        "qsfp28" => ("qsfp", 1),
        "qsfp56" => ("qsfp", 2),
        "qsfp112" => ("qsfp", 3),
        "qsfp224" => ("qsfp", 4),
        "qsfp-dd" | "qsfp56-dd" => ("qsfp", 5),
        "qsfp-dd800" | "qsfp112-dd" => ("qsfp", 6),
        "qsfp-dd1600" => ("qsfp", 7),
        "osfp" | "osfp56" | "osfp112" => ("osfp", 0),
        "osfp224" | "osfp1600" => ("osfp", 1),
        _ => return None,
    })
}

/// Whether a list of families names this technology's. CXL runs on PCIe lanes, so PCIe parts carry it.
pub fn same_family(families: &[String], technology: &LaneTechnology) -> bool {
    families.iter().any(|f| f == "*" || *f == technology.family || (f == "pcie" && technology.family == "cxl"))
}

/// Whether a list of lane rates holds this one (within 1 %, for coded against payload rates).
pub(super) fn has_rate(rates: &[f64], technology: &LaneTechnology) -> bool {
    let rate = technology.lane_gbps.0;
    rates.iter().any(|r| (r - rate).abs() <= 0.01 * rate)
}

#[cfg(test)]
mod tests {
    use super::form_fits;

    #[test]
    fn cages_take_their_own_and_older_plugs() {
        for (plug, cage, fits) in [
            ("qsfp28", "qsfp56", true),
            ("qsfp28", "qsfp-dd", true),
            ("qsfp56", "qsfp28", false),
            ("qsfp-dd", "qsfp28", false),
            ("qsfp112", "qsfp-dd800", true),
            ("osfp", "osfp", true),
            ("osfp", "osfp224", true),
            ("osfp224", "osfp", false),
            ("osfp", "osfp-rhs", false),
            ("qsfp28", "osfp", false),
            ("sfp28", "sfp56", true),
            ("mcio", "mcio", true),
            ("mcio", "cem", false),
        ] {
            assert_eq!(form_fits(plug, cage), fits, "{plug} in {cage}");
        }
    }
}
