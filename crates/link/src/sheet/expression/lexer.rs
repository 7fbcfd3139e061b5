//! Characters to tokens. Blanks matter inside brackets, so every token knows whether blanks stand before and after it.

use super::ExpressionError;

/// A token with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    /// What it is.
    pub kind: Kind,
    /// Characters before it.
    pub at: usize,
    /// Whether a blank stands before it.
    pub blank_before: bool,
    /// Whether a blank stands after it.
    pub blank_after: bool,
}

/// Kinds of tokens.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A number.
    Number(f64),
    /// A name of a function or constant.
    Name(String),
    /// A text in quotes.
    Text(String),
    /// An operator or bracket of one character; element-wise operators are told by [`Kind::Dotted`].
    Sign(char),
    /// `.*`, `./`, `.^`, `.'`.
    Dotted(char),
}

/// Splits a text into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ExpressionError> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    let mut blank = false;
    let mut depth = 0_usize;
    while let Some(&c) = characters.get(at) {
        let next = characters.get(at + 1).copied();
        if c == '%' || c == '#' {
            // A comment runs to the end of its line.
            while characters.get(at).is_some_and(|c| *c != '\n') {
                at += 1;
            }
            continue;
        }
        if c == '.' && next == Some('.') && characters.get(at + 2) == Some(&'.') {
            // A continued line.
            while characters.get(at).is_some_and(|c| *c != '\n') {
                at += 1;
            }
            at += 1;
            blank = true;
            continue;
        }
        if c == '\n' && depth > 0 {
            // Inside brackets a line's end ends a row.
            push(&mut tokens, Kind::Sign(';'), at, blank);
            at += 1;
            blank = false;
            continue;
        }
        if c.is_whitespace() || c == '\u{a0}' {
            blank = true;
            if let Some(last) = tokens.last_mut() {
                last.blank_after = true;
            }
            at += 1;
            continue;
        }
        let start = at;
        let kind = if c.is_ascii_digit() || (c == '.' && next.is_some_and(|n| n.is_ascii_digit())) {
            number(&characters, &mut at)?
        } else if c.is_ascii_alphabetic() || c == '_' {
            let mut name = String::new();
            while let Some(c) = characters.get(at).filter(|c| c.is_ascii_alphanumeric() || **c == '_') {
                name.push(*c);
                at += 1;
            }
            Kind::Name(name)
        } else if c == '.' && next.is_some_and(|n| "*/^'".contains(n)) {
            at += 2;
            Kind::Dotted(next.unwrap_or('*'))
        } else if c == '"' || (c == '\'' && !transposes(tokens.last(), blank, depth > 0)) {
            quoted(&characters, &mut at, c)?
        } else if "+-*/^:,;()[]'".contains(c) {
            match c {
                '[' | '(' => depth += 1,
                ']' | ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            at += 1;
            Kind::Sign(c)
        } else if c == '\u{2212}' || c == '\u{2013}' {
            // Minus signs that word processors make of hyphens.
            at += 1;
            Kind::Sign('-')
        } else {
            return Err(ExpressionError::new(
                at,
                format!("`{c}` is not understood; numbers, ranges such as `[-6:1:0]` and matrices are"),
            ));
        };
        push(&mut tokens, kind, start, blank);
        blank = false;
    }
    Ok(tokens)
}

fn push(tokens: &mut Vec<Token>, kind: Kind, at: usize, blank_before: bool) {
    tokens.push(Token { kind, at, blank_before, blank_after: false });
}

/// A quote directly behind a value transposes it; anywhere else it opens a text.
fn transposes(before: Option<&Token>, blank: bool, in_brackets: bool) -> bool {
    if blank && in_brackets {
        return false;
    }
    before.is_some_and(|token| {
        matches!(token.kind, Kind::Number(_) | Kind::Name(_) | Kind::Sign(')' | ']' | '\'') | Kind::Dotted('\''))
    })
}

fn number(characters: &[char], at: &mut usize) -> Result<Kind, ExpressionError> {
    let start = *at;
    let digits = |at: &mut usize| {
        while characters.get(*at).is_some_and(char::is_ascii_digit) {
            *at += 1;
        }
    };
    digits(at);
    // A point that belongs to an operator (`2.*x`) is none of the number's.
    let operator = characters.get(*at + 1).is_some_and(|c| "*/^'".contains(*c));
    if characters.get(*at) == Some(&'.') && !operator {
        *at += 1;
        digits(at);
    }
    if characters.get(*at).is_some_and(|c| "eEdD".contains(*c)) {
        let mark = *at;
        *at += 1;
        if characters.get(*at).is_some_and(|c| "+-".contains(*c)) {
            *at += 1;
        }
        let exponent = *at;
        digits(at);
        if *at == exponent {
            *at = mark;
        }
    }
    let text: String = characters[start..*at].iter().map(|c| if "dD".contains(*c) { 'e' } else { *c }).collect();
    text.parse().map(Kind::Number).map_err(|_| ExpressionError::new(start, format!("`{text}` is not a number")))
}

fn quoted(characters: &[char], at: &mut usize, quote: char) -> Result<Kind, ExpressionError> {
    let start = *at;
    *at += 1;
    let mut text = String::new();
    loop {
        match characters.get(*at) {
            None => return Err(ExpressionError::new(start, format!("a closing {quote} is missing"))),
            Some(c) if *c == quote => {
                *at += 1;
                if characters.get(*at) != Some(&quote) {
                    return Ok(Kind::Text(text));
                }
                text.push(quote);
                *at += 1;
            }
            Some(c) => {
                text.push(*c);
                *at += 1;
            }
        }
    }
}
