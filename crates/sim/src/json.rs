//! JSON written with its keys in the order given, as providers write theirs (`type` first).
//!
//! `serde_json`'s own map sorts keys, which would hide a reader that depends on their order.

use serde::Serialize;
use serde_json::value::RawValue;

/// A finished piece of JSON text; nests by copying.
pub type Json = Box<RawValue>;

/// An object with its keys in the order written: `obj! { "type": "error", "error": inner }`.
/// A value is anything that serialises, another `obj!` included.
macro_rules! obj {
    ($($key:literal : $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut writer = $crate::json::ObjectWriter::new();
        $( writer.field($key, &$value); )*
        writer.end()
    }};
}
pub(crate) use obj;

/// Behind [`obj!`].
pub struct ObjectWriter {
    text: Vec<u8>,
}

impl ObjectWriter {
    /// An object with no key yet.
    pub fn new() -> Self {
        ObjectWriter { text: vec![b'{'] }
    }

    /// Appends one key and its value.
    pub fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        if self.text.len() > 1 {
            self.text.push(b',');
        }
        write(&mut self.text, key);
        self.text.push(b':');
        write(&mut self.text, value);
    }

    /// The finished object.
    pub fn end(mut self) -> Json {
        self.text.push(b'}');
        raw(self.text)
    }
}

/// Any value as finished JSON text.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Json {
    let mut text = Vec::new();
    write(&mut text, value);
    raw(text)
}

fn write<T: Serialize + ?Sized>(text: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(text, value)
        .expect("what this crate serialises has string keys and no failing impl");
}

fn raw(text: Vec<u8>) -> Json {
    let text = String::from_utf8(text).expect("serde_json writes UTF-8");
    RawValue::from_string(text).expect("the writer writes whole values only")
}
