//! Protocol buffers: the few kinds of fields that OTLP has.
//!
//! Promises: a value that is the default is left out, as proto3 wants it, but where the name says otherwise.

/// A message as it is written.
#[derive(Debug, Default)]
pub struct Message(Vec<u8>);

/// How a field's value is laid out.
#[derive(Clone, Copy)]
enum Layout {
    Varint = 0,
    Eight = 1,
    Length = 2,
    Four = 5,
}

impl Message {
    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn varint(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.varint_even_zero(field, value);
        }
    }

    pub(super) fn varint_even_zero(&mut self, field: u32, value: u64) {
        self.tag(field, Layout::Varint);
        self.raw_varint(value);
    }

    pub(super) fn fixed32(&mut self, field: u32, value: u32) {
        if value != 0 {
            self.tag(field, Layout::Four);
            self.0.extend(value.to_le_bytes());
        }
    }

    pub(super) fn fixed64(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.fixed64_even_zero(field, value);
        }
    }

    pub(super) fn fixed64_even_zero(&mut self, field: u32, value: u64) {
        self.tag(field, Layout::Eight);
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn double_even_zero(&mut self, field: u32, value: f64) {
        self.tag(field, Layout::Eight);
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.raw_bytes(field, value);
        }
    }

    pub(super) fn text(&mut self, field: u32, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    pub(super) fn text_even_empty(&mut self, field: u32, value: &str) {
        self.raw_bytes(field, value.as_bytes());
    }

    /// A repeated field of eight bytes each, packed.
    pub(super) fn packed64(&mut self, field: u32, values: impl Iterator<Item = [u8; 8]>) {
        let values: Vec<u8> = values.flatten().collect();
        self.bytes(field, &values);
    }

    /// A message within this one, empty or not.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        write(&mut inner);
        self.raw_bytes(field, &inner.0);
    }

    /// The same of one that is written already.
    pub(super) fn put(&mut self, field: u32, inner: &Message) {
        self.raw_bytes(field, &inner.0);
    }

    fn raw_bytes(&mut self, field: u32, value: &[u8]) {
        self.tag(field, Layout::Length);
        self.raw_varint(value.len() as u64);
        self.0.extend(value);
    }

    fn tag(&mut self, field: u32, layout: Layout) {
        self.raw_varint(u64::from(field) << 3 | layout as u64);
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// One field of a message that is read.
#[derive(Debug, PartialEq)]
pub enum Field<'a> {
    /// A number.
    Varint(u64),
    /// Bytes, text or a message.
    Bytes(&'a [u8]),
    /// What nothing here asks for.
    Other,
}

/// Reads fields, until the end or until something cannot be read.
pub fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, Field<'_>)> {
    std::iter::from_fn(move || {
        let tag = take_varint(&mut bytes)?;
        let field = match tag & 7 {
            0 => Field::Varint(take_varint(&mut bytes)?),
            1 => take(&mut bytes, 8).map(|_| Field::Other)?,
            2 => {
                let length = usize::try_from(take_varint(&mut bytes)?).ok()?;
                Field::Bytes(take(&mut bytes, length)?)
            }
            5 => take(&mut bytes, 4).map(|_| Field::Other)?,
            _ => return None,
        };
        Some((tag >> 3, field))
    })
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = take(bytes, 1)? else { return None };
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let mut message = Message::default();
        message.varint(1, 300);
        message.varint(2, 0);
        message.fixed32(3, 7);
        message.fixed64(4, 7);
        message.text(5, "text");
        message.message(6, |inner| inner.varint(1, u64::MAX));
        let bytes = message.into_bytes();
        let read: Vec<_> = fields(&bytes).collect();
        assert_eq!(
            read[..4],
            [
                (1, Field::Varint(300)),
                (3, Field::Other),
                (4, Field::Other),
                (5, Field::Bytes(b"text"))
            ]
        );
        let (6, Field::Bytes(inner)) = read[4] else {
            unreachable!("{read:?}")
        };
        assert_eq!(fields(inner).next(), Some((1, Field::Varint(u64::MAX))));
    }

    #[test]
    fn garbage_ends_and_does_not_break() {
        for bytes in [
            &[0xff; 12][..],
            &[0x0a, 0xff, 0x01],
            &[0x08],
            &[0x0f],
            &[0x09, 1, 2],
        ] {
            assert_eq!(fields(bytes).count(), 0, "{bytes:?}");
        }
    }
}
