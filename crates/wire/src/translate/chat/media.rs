//! Files in Chat's messages: `data:` URLs, and formats that go by a short name.
//!
//! Promises: the base64 of a body stays borrowed from it.

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer};

use crate::translate::{
    talk::{MediaKind, Source},
    text::Text,
};

/// The formats of `input_audio`, and the types that mean them; the first of each is what is read.
const AUDIO: &[(&str, &[&str])] = &[
    ("wav", &["audio/wav", "audio/x-wav", "audio/wave"]),
    ("mp3", &["audio/mp3", "audio/mpeg"]),
    ("amr", &["audio/amr"]),
];

/// The type of a format of `input_audio`.
pub(super) fn audio_type(format: &str) -> Option<&'static str> {
    let (_, types) = AUDIO.iter().find(|(name, _)| *name == format)?;
    types.first().copied()
}

/// The format of `input_audio` for a type.
pub(super) fn audio_format(mime: &str) -> Option<&'static str> {
    AUDIO
        .iter()
        .find(|(_, types)| types.iter().any(|one| one.eq_ignore_ascii_case(mime)))
        .map(|(name, _)| *name)
}

/// What kind of file a type is of.
pub(super) fn kind_of(mime: &str) -> MediaKind {
    match mime.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

/// What a field for an address or data holds: the type, if it says one, and the source.
pub(super) struct Located<'a> {
    pub mime: Option<Text<'a>>,
    pub source: Source<'a>,
}

/// Reads an address. The error is the end of a sentence about it.
pub(super) fn locate(url: Text<'_>) -> Result<Located<'_>, &'static str> {
    if !is_data(&url) {
        return Ok(Located {
            mime: None,
            source: Source::Url(url),
        });
    }
    let Some(comma) = url.find(',') else {
        return Err("is a data: URL without data");
    };
    let head = url.get("data:".len()..comma).unwrap_or_default();
    let mut parameters = head.split(';');
    let mime = parameters.next().filter(|mime| !mime.is_empty());
    if !parameters.any(|one| one.trim().eq_ignore_ascii_case("base64")) {
        return Err("is a data: URL that is not in base64");
    }
    let end = "data:".len() + mime.map_or(0, str::len);
    Ok(Located {
        mime: mime.is_some().then(|| cut(&url, "data:".len(), end)),
        source: Source::Base64(cut(&url, comma + 1, url.len())),
    })
}

/// Whether an address is the data itself.
pub(super) fn is_data(url: &str) -> bool {
    url.get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// A piece of a text, borrowed where the text is.
fn cut<'a>(text: &Text<'a>, from: usize, to: usize) -> Text<'a> {
    match &text.0 {
        Cow::Borrowed(text) => Text::from(text.get(from..to).unwrap_or_default()),
        Cow::Owned(text) => Text::from(text.get(from..to).unwrap_or_default().to_owned()),
    }
}

/// A `data:` URL, put together as it is written.
pub(super) struct DataUrl<'p> {
    pub mime: &'p str,
    pub data: &'p str,
}

impl fmt::Display for DataUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data:")?;
        f.write_str(self.mime)?;
        f.write_str(";base64,")?;
        f.write_str(self.data)
    }
}

impl Serialize for DataUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
