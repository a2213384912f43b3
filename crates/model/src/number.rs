//! Numbers as people read them.

/// With a comma before every three digits: `1204` as `1,204`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_stand_together() {
        assert_eq!(
            [0, 999, 1_000, 1_204_000, u64::MAX].map(grouped),
            [
                "0",
                "999",
                "1,000",
                "1,204,000",
                "18,446,744,073,709,551,615"
            ]
        );
    }
}
