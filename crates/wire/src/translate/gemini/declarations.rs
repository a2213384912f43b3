//! Writes the tools, and whether the model must call them.
//!
//! Promises: a schema that Gemini takes is passed on as it stands.
//!
//! Must not know: what was said.

use super::super::{
    Spot, Untranslatable, schema,
    talk::{Tool, ToolChoice},
    text::Text,
};
use super::out::Group;

pub(super) fn write_tools(tools: &[Tool<'_>], body: &mut Group<'_>) -> Result<(), Untranslatable> {
    let mut list = body.list("tools");
    let mut tool = Group::object(list.element());
    let mut declarations = tool.list("functionDeclarations");
    for (place, tool) in tools.iter().enumerate() {
        let Tool {
            name,
            description,
            parameters,
            strict: _,
        } = tool;
        let mut declaration = Group::object(declarations.element());
        declaration.text("name", name);
        if let Some(description) = description {
            declaration.text("description", description);
        }
        if let Some(parameters) = parameters {
            let cleaned = schema::parameters(parameters).map_err(|error| {
                let why = format!(
                    "has a schema that Gemini has no words for: {} {}",
                    error.under("parameters"),
                    error.why
                );
                Untranslatable::at(Spot::Tool(place), why)
            })?;
            // Google documents that a function without parameters leaves them out.
            if let Some(cleaned) = cleaned {
                declaration.raw("parameters", cleaned);
            }
        }
        declaration.close();
    }
    declarations.close();
    tool.close();
    list.close();
    Ok(())
}

/// `VALIDATED` holds calls to the schemas where the model is free to call; where it must call, it is held
/// to them anyhow.
pub(super) fn write_choice(
    choice: Option<&ToolChoice<'_>>,
    tools: &[Tool<'_>],
    body: &mut Group<'_>,
) {
    let strict = tools.iter().any(|tool| tool.strict == Some(true));
    let mut named: Option<&Text<'_>> = None;
    let mode = match choice {
        None | Some(ToolChoice::Auto) if strict => "VALIDATED",
        None => return,
        Some(ToolChoice::Auto) => "AUTO",
        Some(ToolChoice::None) => "NONE",
        Some(ToolChoice::Any) => "ANY",
        Some(ToolChoice::Named(name)) => {
            named = Some(name);
            "ANY"
        }
    };
    let mut config = body.inner("toolConfig");
    let mut calling = config.inner("functionCallingConfig");
    calling.text("mode", mode);
    if let Some(name) = named {
        let mut list = calling.list("allowedFunctionNames");
        super::out::string(list.element(), name);
        list.close();
    }
    calling.close();
    config.close();
}
