//! Arithmetic in GF(2^m) by tables of powers and logarithms.

use super::super::process::Refusal;

/// A field of 2^m elements.
#[derive(Clone, Debug)]
pub struct Field {
    /// alpha^i for i up to twice the order, so that sums of logarithms need no reduction.
    powers: Vec<u16>,
    /// Logarithm to the base alpha; that of zero is never used.
    logs: Vec<u16>,
}

impl Field {
    /// The field for symbols of so many bits, made with a primitive polynomial: x^10 + x^3 + 1 for ten (802.3 clause
    /// 91.5.2.7), x^8 + x^4 + x^3 + x^2 + 1 for eight.
    pub fn of_bits(bits: u32) -> Result<Self, Refusal> {
        let polynomial: u32 = match bits {
            4 => 0b1_0011,
            8 => 0b1_0001_1101,
            9 => 0b10_0001_0001,
            10 => 0b100_0000_1001,
            _ => return Err(Refusal(format!("no field for symbols of {bits} bits; 4, 8, 9 and 10 are known"))),
        };
        let order = (1usize << bits) - 1;
        let mut powers = vec![0; 2 * order];
        let mut logs = vec![0; order + 1];
        let mut x = 1u32;
        for i in 0..order {
            powers[i] = x as u16;
            powers[i + order] = x as u16;
            logs[x as usize] = i as u16;
            x <<= 1;
            if x >> bits == 1 {
                x ^= polynomial;
            }
        }
        Ok(Self { powers, logs })
    }

    /// Elements other than zero.
    pub fn order(&self) -> usize {
        self.logs.len() - 1
    }

    /// alpha to the power given.
    pub fn power(&self, exponent: usize) -> u16 {
        self.powers[exponent % self.order()]
    }

    /// Product of two elements of the field.
    pub fn multiply(&self, a: u16, b: u16) -> u16 {
        if a == 0 || b == 0 {
            return 0;
        }
        self.powers[self.logs[a as usize] as usize + self.logs[b as usize] as usize]
    }

    /// Quotient; that by zero is taken as zero, which no caller asks for.
    pub fn divide(&self, a: u16, b: u16) -> u16 {
        if a == 0 || b == 0 {
            return 0;
        }
        self.powers[self.logs[a as usize] as usize + self.order() - self.logs[b as usize] as usize]
    }

    /// Value of a polynomial, lowest power first.
    pub fn value(&self, polynomial: &[u16], x: u16) -> u16 {
        polynomial.iter().rev().fold(0, |sum, coefficient| self.multiply(sum, x) ^ coefficient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_primitive() {
        for bits in [4, 8, 9, 10] {
            let field = Field::of_bits(bits).expect("known");
            let mut seen: Vec<u16> = (0..field.order()).map(|i| field.power(i)).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), field.order(), "{bits} bits: alpha does not generate the field");
        }
    }

    #[test]
    fn products_distribute_and_divide() {
        let field = Field::of_bits(10).expect("known");
        for (a, b, c) in [(3, 700, 1023), (512, 513, 9), (1, 0, 77)] {
            assert_eq!(field.multiply(a, b ^ c), field.multiply(a, b) ^ field.multiply(a, c));
            assert_eq!(field.divide(field.multiply(a, c), c), a);
        }
        // x^9 times x is x^10 = x^3 + 1.
        assert_eq!(field.multiply(512, 2), 9);
    }
}
