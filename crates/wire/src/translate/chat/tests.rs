//! Chat by itself: what is read, what is written, and that nothing changes on the way there and back.
#![allow(clippy::unwrap_used, clippy::panic)]

mod answers;
mod properties;
mod refusals;
mod requests;
mod streams;

use super::*;
use crate::translate::{Context, Target, talk::Prompt};

const TARGET: Target<'_> = Target {
    model: "gpt-5",
    max_tokens: 4096,
};

fn context() -> Context {
    Context {
        request_id: "req1".to_owned(),
        model: "their-name".to_owned(),
        created: 1_700_000_000,
        stream_usage: true,
    }
}

/// A prompt as it is written.
fn written(prompt: &Prompt<'_>) -> String {
    String::from_utf8(write_prompt(prompt, TARGET).unwrap()).unwrap()
}

/// A fixture's name and text.
macro_rules! fixtures {
    ($folder:literal, $extension:literal: $($name:literal)+) => {
        &[$((
            $name,
            include_str!(concat!("../../../../tests/fixtures/chat/", $folder, "/", $name, $extension)),
        )),+]
    };
}
use fixtures;
