//! Names and texts of users on their way into HTML.
//!
//! Everything that does not come from this program goes through here: names may hold any character.

use std::fmt;

/// A text that shows itself escaped: fit for element content and for quoted attributes.
///
/// Control characters become U+FFFD, and characters that turn the writing direction are left out, since one
/// of them in a name would reorder the rest of its line.
#[derive(Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' | '\r' => f.write_char(' ')?,
                c if turns_direction(c) => {}
                c if c.is_control() || is_noncharacter(c) => f.write_char('\u{FFFD}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Embeddings, overrides, isolates and marks of direction.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Code points that HTML calls an error in a document.
fn is_noncharacter(c: char) -> bool {
    let code = c as u32;
    matches!(code, 0xFDD0..=0xFDEF) || code & 0xFFFE == 0xFFFE
}

/// A name for element content, kept apart from the direction of the text around it.
#[derive(Clone, Copy)]
pub struct Name<'a>(pub &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_ascii() { write!(f, "{}", Escaped(self.0)) } else { write!(f, "<bdi>{}</bdi>", Escaped(self.0)) }
    }
}

/// Whether an address may become a link: anything but plain web addresses stays text.
pub fn is_web_address(address: &str) -> bool {
    let lower = address.trim_start().to_ascii_lowercase();
    lower.starts_with("https://") || lower.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_quotes_and_controls_lose_their_power() {
        let shown = Escaped("<script>alert('x')</script> & \"q\" \u{0}\u{7}\u{202E}txt\u{2069}\nend").to_string();
        assert_eq!(
            shown,
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;q&quot; \u{FFFD}\u{FFFD}txt end"
        );
    }

    #[test]
    fn foreign_scripts_stay_and_are_isolated() {
        assert_eq!(Name("שרת🙂").to_string(), "<bdi>שרת🙂</bdi>");
        assert_eq!(Name("a<b").to_string(), "a&lt;b");
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert!(is_web_address("https://example.org/a"));
        assert!(!is_web_address("javascript:alert(1)"));
        assert!(!is_web_address("data:text/html,x"));
    }
}
