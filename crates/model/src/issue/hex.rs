//! Keys as they are written: 32 hexadecimal digits.

/// The key that is written here; `None` if it is none.
pub fn key(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

/// A key, written.
pub fn text(key: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_being_written_and_read() {
        for key_of in [[0; 16], [255; 16], [2; 16]] {
            assert_eq!(key(&text(key_of)), Some(key_of));
        }
        for bad in ["", "x", "+0000000000000000000000000000000"] {
            assert_eq!(key(bad), None, "{bad}");
        }
    }
}
