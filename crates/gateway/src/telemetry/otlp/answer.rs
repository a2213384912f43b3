//! What a receiver answers: it took everything, or says how much it did not.

use super::wire::{Field, fields};

/// Of what was sent, something was not taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Partial {
    /// Spans, or points of metrics.
    pub rejected: u64,
    /// Why; may be said though everything was taken.
    pub message: String,
}

/// Reads the body of a success; traces and metrics are answered alike.
pub fn partial(body: &[u8]) -> Option<Partial> {
    let of_answer = fields(body).find_map(|field| match field {
        (1, Field::Bytes(partial)) => Some(partial),
        _ => None,
    });
    let mut partial = Partial::default();
    for field in fields(of_answer?) {
        match field {
            (1, Field::Varint(rejected)) => partial.rejected = rejected,
            (2, Field::Bytes(text)) => partial.message = String::from_utf8_lossy(text).into_owned(),
            _ => {}
        }
    }
    (partial != Partial::default()).then_some(partial)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_answer_and_an_empty_partial_success_mean_that_all_is_well() {
        assert_eq!(partial(b""), None);
        assert_eq!(partial(&[0x0a, 0x00]), None);
        assert_eq!(partial(b"not protobuf"), None);
    }

    #[test]
    fn what_was_not_taken_is_read_with_the_reason() {
        let expected = Partial {
            rejected: 3,
            message: "no".to_owned(),
        };
        assert_eq!(
            partial(&[0x0a, 0x06, 0x08, 0x03, 0x12, 0x02, b'n', b'o']),
            Some(expected)
        );
    }
}
