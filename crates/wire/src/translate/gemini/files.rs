//! Writes files: pictures, documents, sounds.
//!
//! Promises: what Gemini could not open is refused.
//!
//! Must not know: where in a conversation they stand.

use super::super::{
    Spot, Untranslatable,
    talk::{Media, Part, Source},
};
use super::{out::Group, parts::is_googles, write::text_part};

pub(super) fn untyped(part: &Part<'_>) -> Untranslatable {
    Untranslatable::at(
        Spot::Part(part.at),
        "does not say of what type it is, and Gemini wants to know",
    )
}

pub(super) fn blob(mime: &str, data: &str, part: &mut Group<'_>) {
    let mut blob = part.inner("inlineData");
    blob.text("mimeType", mime);
    blob.text("data", data);
    blob.close();
}

/// Types by the ends of addresses, for media that say none.
const ENDINGS: &[(&str, &str)] = &[
    (".png", "image/png"),
    (".jpg", "image/jpeg"),
    (".jpeg", "image/jpeg"),
    (".webp", "image/webp"),
    (".gif", "image/gif"),
    (".heic", "image/heic"),
    (".pdf", "application/pdf"),
    (".txt", "text/plain"),
    (".csv", "text/csv"),
    (".html", "text/html"),
    (".mp3", "audio/mp3"),
    (".wav", "audio/wav"),
    (".mp4", "video/mp4"),
];

pub(super) fn write_media(
    media: &Media<'_>,
    part: &Part<'_>,
    parts: &mut Group<'_>,
) -> Result<(), Untranslatable> {
    let Media {
        kind: _,
        mime,
        source,
        name: _,
    } = media;
    match source {
        Source::Plain(text) => text_part(parts.element(), text),
        Source::Base64(data) => {
            let mime = mime.as_ref().ok_or_else(|| untyped(part))?;
            let mut whole = Group::object(parts.element());
            blob(mime, data, &mut whole);
            whole.close();
        }
        Source::Url(uri) if uri.starts_with("https://") || uri.starts_with("http://") => {
            let path = uri.split(['?', '#']).next().unwrap_or(uri);
            let lower = path.to_ascii_lowercase();
            let guessed = ENDINGS.iter().find(|(ending, _)| lower.ends_with(ending));
            let mime = mime.as_deref().or(guessed.map(|(_, mime)| *mime));
            file(uri, mime, parts);
        }
        Source::Url(_) => {
            return Err(Untranslatable::at(
                Spot::Part(part.at),
                "is not at an address that Gemini fetches: one that begins with https:// or http://",
            ));
        }
        Source::File(uri) if is_googles(uri) && uri.contains("://") => {
            file(uri, mime.as_deref(), parts);
        }
        Source::File(_) => {
            return Err(Untranslatable::at(
                Spot::Part(part.at),
                "is kept with another provider, where Gemini cannot open it",
            ));
        }
    }
    Ok(())
}

fn file(uri: &str, mime: Option<&str>, parts: &mut Group<'_>) {
    let mut whole = Group::object(parts.element());
    let mut file = whole.inner("fileData");
    if let Some(mime) = mime {
        file.text("mimeType", mime);
    }
    file.text("fileUri", uri);
    file.close();
    whole.close();
}
