//! Custom tools: their argument is free text, not JSON. No other provider has them.
//!
//! One is told to the model as a function whose only argument is `input`, under a marked name, and a call of
//! such a function is told to the client as a call of the custom tool. The mark is all that is needed to turn
//! back, in answers as well as in the next request, so nothing has to be remembered in between. A grammar is
//! told in the description: the model is asked to keep to it, no longer held to it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{faults, shapes::ToolShape};
use crate::translate::{
    Untranslatable,
    talk::Tool,
    text::{Json, Text},
};

/// Ends the name of a function that stands for a custom tool. A client's own functions must not end so.
pub(super) const MARK: &str = "__custom";

/// The arguments of such a function.
const PARAMETERS: &str = r#"{"type":"object","properties":{"input":{"type":"string","description":"The tool's whole input, as plain text."}},"required":["input"],"additionalProperties":false}"#;

/// Ends its description.
const HOW: &str = "Put the tool's whole input into the argument `input`, as plain text.";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped<'a> {
    #[serde(borrow)]
    input: Cow<'a, str>,
}

/// The function's name.
pub(super) fn marked(name: &str) -> Text<'static> {
    Text::from(format!("{name}{MARK}"))
}

/// The tool's name, if the function stands for a custom tool.
pub(super) fn unmarked(name: &str) -> Option<&str> {
    name.strip_suffix(MARK)
}

/// The function's arguments.
pub(super) fn wrapped(input: &str) -> Result<Json<'static>, serde_json::Error> {
    serde_json::value::to_raw_value(&Wrapped {
        input: Cow::Borrowed(input),
    })
    .map(Json::Owned)
}

/// The tool's input. Arguments that are not as asked for are the input as they stand: the client's tool will
/// say what is wrong with them.
pub(super) fn unwrapped(arguments: &str) -> Cow<'_, str> {
    match serde_json::from_str::<Wrapped<'_>>(arguments) {
        Ok(Wrapped { input }) => input,
        Err(_) => Cow::Borrowed(arguments),
    }
}

/// Reads a custom tool.
pub(super) fn read<'a>(place: &str, tool: ToolShape<'a>) -> Result<Tool<'a>, Untranslatable> {
    let ToolShape {
        r#type: _,
        name,
        description,
        parameters,
        strict,
        format,
        defer_loading: _,
    } = tool;
    if parameters.is_some() {
        return Err(faults::stray(format!("{place}.parameters")));
    }
    if strict.is_some() {
        return Err(faults::stray(format!("{place}.strict")));
    }
    let name = name.ok_or_else(|| faults::missing(format!("{place}.name")))?;
    let mut text = description
        .map(|text| text.0.into_owned())
        .unwrap_or_default();
    if let Some(format) = format {
        let kind = format.r#type.as_deref().unwrap_or_default();
        match kind {
            "text" => {}
            "grammar" => {
                let syntax = format.syntax.as_deref().unwrap_or_default();
                let definition = format
                    .definition
                    .as_deref()
                    .ok_or_else(|| faults::missing(format!("{place}.format.definition")))?;
                paragraph(&mut text);
                text.push_str("The input follows this grammar (");
                text.push_str(syntax);
                text.push_str("):\n");
                text.push_str(definition);
            }
            other => return Err(faults::kind(format!("{place}.format"), other)),
        }
    }
    paragraph(&mut text);
    text.push_str(HOW);
    Ok(Tool {
        name: marked(&name),
        description: Some(Text::from(text)),
        parameters: Json::parse(PARAMETERS.to_owned()).ok(),
        strict: None,
    })
}

/// The description without what reading adds to every one.
pub(super) fn described<'t>(description: Option<&'t Text<'_>>) -> Option<&'t str> {
    let text = description?;
    let own = text.strip_suffix(HOW).unwrap_or(text).trim_end();
    (!own.is_empty()).then_some(own)
}

fn paragraph(text: &mut String) {
    let kept = text.trim_end().len();
    text.truncate(kept);
    if !text.is_empty() {
        text.push_str("\n\n");
    }
}
