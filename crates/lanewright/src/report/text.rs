//! Texts inside drawings, where nothing wraps: how wide they are at most, and cutting them to fit.

/// Width that a text may take at a font size, in the same unit. Estimated on the wide side, since the report
/// loads no font and so cannot know which one will be there.
pub fn width(text: &str, font_size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * font_size
}

/// Cuts a text to a width, with an ellipsis where something is missing.
pub fn fit(text: &str, font_size: f64, room: f64) -> String {
    if width(text, font_size) <= room {
        return text.to_string();
    }
    let mut out = String::new();
    let mut used = advance('…') * font_size;
    for c in text.chars() {
        used += advance(c) * font_size;
        if used > room {
            break;
        }
        out.push(c);
    }
    let cut = out.trim_end().len();
    out.truncate(cut);
    out.push('…');
    out
}

/// Advance of a character in em.
fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | 'I' => 0.29,
        ' ' | 'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' | '\u{A0}' => 0.38,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '—' | '…' => 0.95,
        'A'..='Z' | '&' | '+' | '<' | '>' | '=' | '×' | '−' | '·' => 0.71,
        '\u{300}'..='\u{36F}' | '\u{200B}'..='\u{200D}' => 0.0,
        c if (c as u32) < 0x250 => 0.58,
        // Scripts that we do not know the widths of, CJK and emoji.
        c if (c as u32) < 0x1100 => 0.8,
        _ => 1.35,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_to_their_room() {
        assert_eq!(fit("leaf[3]", 10.0, 60.0), "leaf[3]");
        let cut = fit("a very long name of a device", 10.0, 60.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0) <= 60.0, "{cut}");
        assert_eq!(fit("🙂🙂🙂🙂🙂", 10.0, 40.0).chars().filter(|c| *c == '🙂').count(), 2);
        assert_eq!(fit("abc", 10.0, 0.0), "…");
    }
}
