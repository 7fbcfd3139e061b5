//! Workers with their layout in one word: `4xtp2`, `2xtp8dp2ep16`.

use super::Layout;

/// Reads a number of workers and the layout of each: `[COUNTx]tpN[dpN][epN][ppN]`, in any order, commas and spaces allowed.
/// What is left out is 1, but for experts: with groups of attention (`dp`) they are spread over all devices of a stage.
pub fn parse(text: &str) -> Result<(u32, Layout), String> {
    let wrong = |why: &str| format!("`{text}` {why}; expected workers and a layout such as 4xtp2 or 2xtp4dp2ep8");
    let plain: String =
        text.chars().filter(|c| !c.is_whitespace() && *c != ',').map(|c| c.to_ascii_lowercase()).collect();
    let (workers, rest) = match plain.split_once('x') {
        Some((count, rest)) => (count.parse().map_err(|_| wrong("does not begin with a number of workers"))?, rest),
        None => (1_u32, plain.as_str()),
    };
    if !(1..=100_000).contains(&workers) {
        return Err(wrong("has no worker, or more than 100,000"));
    }
    let (mut layout, mut expert, mut rest, mut given) = (Layout::SINGLE, None, rest, 0);
    while !rest.is_empty() {
        let word = rest.get(..2).ok_or_else(|| wrong("ends in the middle of a size"))?;
        let digits: String = rest[2..].chars().take_while(char::is_ascii_digit).collect();
        let size: u32 = digits.parse().map_err(|_| wrong(&format!("has no number after `{word}`")))?;
        if !(1..=4096).contains(&size) {
            return Err(wrong(&format!("has {word} {size}, which is not 1 to 4096")));
        }
        match word {
            "tp" => layout.tensor = size,
            "dp" => layout.data = size,
            "ep" => expert = Some(size),
            "pp" => layout.pipeline = size,
            _ => return Err(wrong(&format!("has `{word}`, which is not tp, dp, ep or pp"))),
        }
        given += 1;
        rest = &rest[2 + digits.len()..];
    }
    if given == 0 {
        return Err(wrong("has no layout"));
    }
    layout.expert = expert.unwrap_or(if layout.data > 1 { layout.stage_devices() } else { 1 });
    Ok((workers, layout))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn workers_and_sizes() {
        assert_eq!(parse("4xtp2"), Ok((4, Layout { tensor: 2, ..Layout::SINGLE })));
        let wide = Layout { tensor: 4, data: 2, expert: 8, pipeline: 3 };
        assert_eq!(parse("2x TP4, dp2, pp3"), Ok((2, wide)));
        assert_eq!(parse("ep4tp8"), Ok((1, Layout { tensor: 8, expert: 4, ..Layout::SINGLE })));
        for wrong in ["", "tp", "4x", "xtp2", "0xtp2", "tp0", "tq4", "tp2d", "tp99999", "tpé"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
