//! Pictures and documents: `input_image` and `input_file`, both ways.
//!
//! Promises: data is neither decoded nor checked, and copied only where its text is escaped. A document that
//! is plain text is written in base64, since there is no field for it.

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer};

use super::{faults, shapes::Piece};
use crate::translate::{
    Spot, Untranslatable,
    talk::{At, Media, MediaKind, Source},
    text::Text,
};

/// Reads an `input_image`.
pub(super) fn read_image<'a>(
    place: &dyn Fn() -> String,
    piece: Piece<'a>,
) -> Result<Media<'a>, Untranslatable> {
    let (mime, source) = match (piece.image_url, piece.file_id) {
        (Some(url), None) => match data_url(&url) {
            Some(DataUrl { mime, data }) => (Some(mime), Source::Base64(data)),
            None if url.starts_with("data:") => {
                return Err(Untranslatable::named(
                    format!("{}.image_url", place()),
                    "is no data URL in base64",
                ));
            }
            None => (None, Source::Url(url)),
        },
        (None, Some(id)) => (None, Source::File(id)),
        (None, None) => return Err(faults::missing(format!("{}.image_url", place()))),
        (Some(_), Some(_)) => return Err(two_sources(place())),
    };
    Ok(Media {
        kind: MediaKind::Image,
        mime,
        source,
        name: None,
    })
}

/// Reads an `input_file`.
pub(super) fn read_file<'a>(
    place: &dyn Fn() -> String,
    piece: Piece<'a>,
) -> Result<Media<'a>, Untranslatable> {
    let (mime, source) = match (piece.file_data, piece.file_url, piece.file_id) {
        (Some(data), None, None) => match data_url(&data) {
            Some(DataUrl { mime, data }) => (Some(mime), Source::Base64(data)),
            None if data.starts_with("data:") => {
                return Err(Untranslatable::named(
                    format!("{}.file_data", place()),
                    "is no data URL in base64",
                ));
            }
            // OpenAI goes by the file's name then.
            None => (type_of(piece.filename.as_deref()), Source::Base64(data)),
        },
        (None, Some(url), None) => (None, Source::Url(url)),
        (None, None, Some(id)) => (None, Source::File(id)),
        (None, None, None) => return Err(faults::missing(format!("{}.file_data", place()))),
        _ => return Err(two_sources(place())),
    };
    Ok(Media {
        kind: MediaKind::Document,
        mime,
        source,
        name: piece.filename,
    })
}

fn two_sources(place: String) -> Untranslatable {
    Untranslatable::named(place, "says twice where it is")
}

/// `data:image/png;base64,…`
struct DataUrl<'a> {
    mime: Text<'a>,
    data: Text<'a>,
}

fn data_url<'a>(url: &Text<'a>) -> Option<DataUrl<'a>> {
    let (head, _) = url.split_once(',')?;
    let mime = head.strip_prefix("data:")?.strip_suffix(";base64")?;
    // Parameters such as a character set say nothing that a provider's field for the type takes.
    let mime = mime.split(';').next().unwrap_or_default();
    let (start, end) = ("data:".len(), "data:".len() + mime.len());
    let data = head.len() + 1;
    Some(match &url.0 {
        Cow::Borrowed(url) => DataUrl {
            mime: Text::from(&url[start..end]),
            data: Text::from(&url[data..]),
        },
        Cow::Owned(url) => DataUrl {
            mime: Text::from(url[start..end].to_owned()),
            data: Text::from(url[data..].to_owned()),
        },
    })
}

/// Types of documents that OpenAI's reference names, and how files of them are called.
const TYPES: &[(&str, &str)] = &[
    ("application/pdf", ".pdf"),
    ("text/plain", ".txt"),
    ("text/markdown", ".md"),
    ("text/csv", ".csv"),
    ("text/html", ".html"),
    ("application/json", ".json"),
];

fn type_of(name: Option<&str>) -> Option<Text<'static>> {
    let name = name?;
    let (mime, _) = TYPES.iter().find(|(_, ending)| name.ends_with(ending))?;
    Some(Text::from(*mime))
}

/// A picture or document as a part of a message.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum MediaShape<'p> {
    InputImage {
        image_url: Address<'p>,
    },
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<Cow<'p, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<Address<'p>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<Address<'p>>,
    },
}

/// Where a file is, written without a copy of it.
pub(super) enum Address<'p> {
    Url(&'p str),
    Data { mime: &'p str, base64: &'p str },
    Plain { mime: &'p str, text: &'p str },
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Url(url) => f.write_str(url),
            Address::Data { mime, base64 } => write!(f, "data:{mime};base64,{base64}"),
            Address::Plain { mime, text } => {
                write!(f, "data:{mime};base64,")?;
                base64(text.as_bytes(), f)
            }
        }
    }
}

impl Serialize for Address<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Writes a picture or document.
pub(super) fn write<'p>(media: &'p Media<'_>, at: At) -> Result<MediaShape<'p>, Untranslatable> {
    let refused = |why: &'static str| Untranslatable::at(Spot::Part(at), why);
    let Media {
        kind,
        mime,
        source,
        name,
    } = media;
    match (kind, source) {
        (MediaKind::Audio, _) => Err(refused(
            "is sound, which is not something OpenAI Responses takes",
        )),
        (MediaKind::Video, _) => Err(refused(
            "is a video, which is not something OpenAI Responses takes",
        )),
        (_, Source::File(_)) => Err(refused("is a file that lies with another provider")),
        (MediaKind::Image, _) if name.is_some() => Err(refused(
            "is a picture with a name, which is not something OpenAI Responses takes",
        )),
        (MediaKind::Image, Source::Plain(_)) => Err(refused("is a picture in plain text")),
        (MediaKind::Image, Source::Url(url)) => Ok(MediaShape::InputImage {
            image_url: Address::Url(url),
        }),
        (MediaKind::Image, Source::Base64(base64)) => {
            let mime = mime
                .as_deref()
                .ok_or_else(|| refused("is a picture without a type"))?;
            Ok(MediaShape::InputImage {
                image_url: Address::Data { mime, base64 },
            })
        }
        (MediaKind::Document, Source::Url(url)) => Ok(MediaShape::InputFile {
            filename: name.as_deref().map(Cow::Borrowed),
            file_data: None,
            file_url: Some(Address::Url(url)),
        }),
        (MediaKind::Document, Source::Base64(base64)) => {
            let mime = mime.as_deref().unwrap_or("application/pdf");
            Ok(file(name.as_deref(), mime, Address::Data { mime, base64 }))
        }
        (MediaKind::Document, Source::Plain(text)) => {
            let mime = mime.as_deref().unwrap_or("text/plain");
            Ok(file(name.as_deref(), mime, Address::Plain { mime, text }))
        }
    }
}

/// OpenAI demands a name of what it is given in base64.
fn file<'p>(name: Option<&'p str>, mime: &str, address: Address<'p>) -> MediaShape<'p> {
    let ending = TYPES
        .iter()
        .find(|(known, _)| *known == mime)
        .map_or("", |(_, ending)| ending);
    MediaShape::InputFile {
        filename: Some(name.map_or_else(|| Cow::Owned(format!("document{ending}")), Cow::Borrowed)),
        file_data: Some(address),
        file_url: None,
    }
}

fn base64(bytes: &[u8], out: &mut impl fmt::Write) -> fmt::Result {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            if digit > chunk.len() {
                out.write_char('=')?;
            } else {
                let index = (bits >> (18 - 6 * digit)) & 63;
                out.write_char(char::from(DIGITS[index as usize]))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn base64_is_padded_to_fours() {
        for (plain, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("äö", "w6TDtg=="),
        ] {
            let mut out = String::new();
            base64(plain.as_bytes(), &mut out).unwrap();
            assert_eq!(out, expected);
        }
    }
}
