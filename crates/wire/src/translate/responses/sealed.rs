//! Thinking in `encrypted_content`: OpenAI's own, and that of others under a tag that names its maker.
//!
//! Clients hand a `reasoning` item back unread. So what the item has no field for stands before the tag: that
//! a thought must not be shown, and that a signature belongs to the call before it. The signature of a call is
//! an item of its own with nothing to show, directly before the call; only Gemini's calls are signed. In a
//! stream the signature may come when the call has been told already: then it follows, and says so.

use std::borrow::Cow;

use crate::translate::{
    talk::{Maker, Signature, Thought},
    text::Text,
};

/// A thought that the provider says must not be shown.
const REDACTED: &str = "waybill.redacted.";

/// The signature of the call before.
const AFTER: &str = "waybill.call.";

/// What a `reasoning` item turns out to be.
pub(super) enum Sealed<'a> {
    Thought(Thought<'a>),
    /// The signature of the call before.
    After(Signature<'a>),
}

/// Reads a `reasoning` item.
pub(super) fn read<'a>(text: Text<'a>, sealed: Option<Text<'a>>) -> Sealed<'a> {
    let sealed = sealed.filter(|sealed| !sealed.is_empty());
    let signed = |rest: &str| Signature::read(Maker::OpenAi, Text::from(rest.to_owned()));
    if let Some(rest) = sealed
        .as_deref()
        .and_then(|sealed| sealed.strip_prefix(AFTER))
    {
        return Sealed::After(signed(rest));
    }
    if let Some(rest) = sealed
        .as_deref()
        .and_then(|sealed| sealed.strip_prefix(REDACTED))
    {
        return Sealed::Thought(Thought {
            text,
            signature: Some(signed(rest)),
            redacted: true,
        });
    }
    Sealed::Thought(Thought {
        text,
        signature: sealed.map(|sealed| Signature::read(Maker::OpenAi, sealed)),
        redacted: false,
    })
}

/// Between the id of a `reasoning` item and what it seals: OpenAI wants both back, and another dialect has one
/// field for them. Stands in neither.
const JOINT: char = '~';

/// What OpenAI seals, with the item's id before it.
pub(super) fn with_id<'a>(id: Option<Text<'a>>, sealed: Option<Text<'a>>) -> Option<Text<'a>> {
    let sealed = sealed?;
    match id.filter(|id| !id.is_empty()) {
        Some(id)
            if !sealed.is_empty() && !sealed.contains(JOINT) && !sealed.starts_with("waybill.") =>
        {
            Some(Text::from(format!("{id}{JOINT}{sealed}")))
        }
        _ => Some(sealed),
    }
}

/// The id, where there is one, and what is sealed.
pub(super) fn apart(sealed: Cow<'_, str>) -> (Option<String>, Cow<'_, str>) {
    match sealed.split_once(JOINT) {
        Some((id, rest)) => (Some(id.to_owned()), Cow::Owned(rest.to_owned())),
        None => (None, sealed),
    }
}

/// Whether a thought is nothing but the signature of the call that follows.
pub(super) fn is_of_next_call(thought: &Thought<'_>) -> bool {
    let maker = thought.signature.as_ref().map(|signature| signature.maker);
    thought.text.is_empty() && !thought.redacted && maker == Some(Maker::Gemini)
}

/// What to put into `encrypted_content` of a thought.
pub(super) fn thought<'s>(signature: &'s Signature<'_>, redacted: bool) -> Cow<'s, str> {
    let tagged = signature.written(Maker::OpenAi);
    if redacted {
        Cow::Owned(format!("{REDACTED}{tagged}"))
    } else {
        tagged
    }
}

/// What to put there for the signature of the call before.
pub(super) fn after(signature: &Signature<'_>) -> String {
    format!("{AFTER}{}", signature.written(Maker::OpenAi))
}
