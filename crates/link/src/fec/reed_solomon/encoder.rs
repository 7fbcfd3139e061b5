//! Systematic encoding: message first, check symbols behind it.

use super::super::process::Refusal;
use super::{Codec, Field};

/// Product of (x - alpha^i) for i below `checks`, without its leading one, highest power first.
pub(super) fn generator(field: &Field, checks: usize) -> Vec<u16> {
    let mut product = vec![1u16];
    for root in 0..checks {
        let alpha = field.power(root);
        let mut next = product.clone();
        next.push(0);
        for (place, coefficient) in product.iter().enumerate() {
            next[place + 1] ^= field.multiply(*coefficient, alpha);
        }
        product = next;
    }
    product.remove(0);
    product
}

impl Codec {
    /// The code word of a message.
    pub fn encode(&self, message: &[u16]) -> Result<Vec<u16>, Refusal> {
        if message.len() != self.code.message {
            return Err(Refusal(format!("{} message symbols; the code takes {}", message.len(), self.code.message)));
        }
        if let Some(symbol) = message.iter().find(|s| usize::from(**s) > self.field.order()) {
            return Err(Refusal(format!("symbol {symbol} does not fit into {} bits", self.code.symbol_bits)));
        }
        let mut remainder = vec![0u16; self.generator.len()];
        for symbol in message {
            let lead = symbol ^ remainder[0];
            remainder.rotate_left(1);
            if let Some(last) = remainder.last_mut() {
                *last = 0;
            }
            if lead != 0 {
                for (place, coefficient) in remainder.iter_mut().zip(&self.generator) {
                    *place ^= self.field.multiply(lead, *coefficient);
                }
            }
        }
        let mut word = message.to_vec();
        word.extend_from_slice(&remainder);
        Ok(word)
    }
}
