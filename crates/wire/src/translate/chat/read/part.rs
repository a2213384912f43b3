//! Reads one part of a message: text, a refusal, or a file.
//!
//! Promises: what a file holds stays borrowed from the body.
//!
//! Must not know: which role may say what.

use super::{Read, missing, unknown};
use crate::translate::{
    Untranslatable,
    chat::{media, misread::short, request},
    talk::{Content, Media, MediaKind, Source},
};

/// What one of a message's parts holds. `at` names a field of it.
pub(super) fn piece_of<'a>(
    piece: request::Part<'a>,
    at: &dyn Fn(&str) -> String,
) -> Read<Content<'a>> {
    let request::Part {
        r#type,
        text,
        refusal,
        image_url,
        input_audio,
        file,
        _prompt_cache_breakpoint: _,
    } = piece;
    let given = [
        ("text", text.is_some()),
        ("refusal", refusal.is_some()),
        ("image_url", image_url.is_some()),
        ("input_audio", input_audio.is_some()),
        ("file", file.is_some()),
    ];
    if let Some((field, _)) = given
        .into_iter()
        .find(|(field, given)| *given && **field != *r#type)
    {
        return Err(Untranslatable::named(
            at(&format!(".{field}")),
            format!("has no place in a part of the type `{}`", short(&r#type)),
        ));
    }
    let content = match (text, refusal, image_url, input_audio, file) {
        (Some(text), ..) => Content::Text(text),
        (_, Some(refusal), ..) => Content::Refusal(refusal),
        (_, _, Some(image), ..) => Content::Media(image_of(image, at)?),
        (_, _, _, Some(audio), _) => Content::Media(audio_of(audio, at)?),
        (.., Some(file)) => Content::Media(file_of(file, at)?),
        _ => return Err(missing(at(&format!(".{}", r#type)))),
    };
    Ok(content)
}

fn image_of<'a>(image: request::ImageUrl<'a>, at: &dyn Fn(&str) -> String) -> Read<Media<'a>> {
    let request::ImageUrl { url, detail } = image;
    if let Some(detail) = detail.filter(|detail| !matches!(&**detail, "auto" | "high")) {
        return Err(Untranslatable::named(
            at(".image_url.detail"),
            format!(
                "is `{}`: how closely to look can only be said to OpenAI's own API",
                short(&detail)
            ),
        ));
    }
    let located =
        media::locate(url).map_err(|why| Untranslatable::named(at(".image_url.url"), why))?;
    Ok(Media {
        kind: located
            .mime
            .as_ref()
            .map_or(MediaKind::Image, |mime| media::kind_of(mime)),
        mime: located.mime,
        source: located.source,
        name: None,
    })
}

fn audio_of<'a>(audio: request::InputAudio<'a>, at: &dyn Fn(&str) -> String) -> Read<Media<'a>> {
    let request::InputAudio { data, format } = audio;
    let mime =
        media::audio_type(&format).ok_or_else(|| unknown(at(".input_audio.format"), &format))?;
    Ok(Media {
        kind: MediaKind::Audio,
        mime: Some(mime.into()),
        source: Source::Base64(data),
        name: None,
    })
}

fn file_of<'a>(file: request::File<'a>, at: &dyn Fn(&str) -> String) -> Read<Media<'a>> {
    let request::File {
        file_data,
        file_id,
        filename,
    } = file;
    let (mime, source) = match (file_data, file_id) {
        (Some(data), None) if media::is_data(&data) => {
            let located = media::locate(data)
                .map_err(|why| Untranslatable::named(at(".file.file_data"), why))?;
            (located.mime, located.source)
        }
        // Bare base64: a PDF, the only kind of file that the API documents here.
        (Some(data), None) => (Some("application/pdf".into()), Source::Base64(data)),
        (None, Some(id)) => (None, Source::File(id)),
        (Some(_), Some(_)) => {
            return Err(Untranslatable::named(
                at(".file.file_id"),
                "contradicts file_data",
            ));
        }
        (None, None) => return Err(missing(at(".file.file_data"))),
    };
    Ok(Media {
        kind: mime
            .as_ref()
            .map_or(MediaKind::Document, |mime| media::kind_of(mime)),
        mime,
        source,
        name: filename,
    })
}
