//! Reads the tools, and whether the model must call them.
//!
//! Promises: tools that Google runs are refused by their names.
//!
//! Must not know: what was said.

use super::super::{
    Untranslatable, schema,
    talk::{Prompt, Tool, ToolChoice},
};
use super::{body, read::demanded};

pub(super) fn declarations<'a>(
    place: usize,
    tool: body::Tool<'a>,
    tools: &mut Vec<Tool<'a>>,
) -> Result<(), Untranslatable> {
    let body::Tool {
        function_declarations,
        google_search,
        google_search_retrieval,
        google_maps,
        code_execution,
        url_context,
        computer_use,
        file_search,
        mcp_servers,
    } = tool;
    for (name, said) in [
        ("googleSearch", google_search),
        ("googleSearchRetrieval", google_search_retrieval),
        ("googleMaps", google_maps),
        ("codeExecution", code_execution),
        ("urlContext", url_context),
        ("computerUse", computer_use),
        ("fileSearch", file_search),
        ("mcpServers", mcp_servers),
    ] {
        if said.is_some() {
            return Err(Untranslatable::named(
                format!("tools.{place}.{name}"),
                "is a tool that Google runs, and no other provider",
            ));
        }
    }
    let declarations = function_declarations.unwrap_or_default();
    for (number, declaration) in declarations.into_iter().enumerate() {
        let here = || format!("tools.{place}.functionDeclarations.{number}");
        let body::Declaration {
            name,
            description,
            parameters,
            parameters_json_schema,
            response: _,
            response_json_schema: _,
            behavior,
        } = declaration;
        if behavior
            .as_deref()
            .is_some_and(|said| said == "NON_BLOCKING")
        {
            return Err(Untranslatable::named(
                format!("{}.behavior", here()),
                "is not something that can be said to another provider",
            ));
        }
        let parameters = match (parameters, parameters_json_schema) {
            (Some(_), Some(_)) => {
                return Err(Untranslatable::named(
                    format!("{}.parametersJsonSchema", here()),
                    "is said beside `parameters`, and only one of both can be meant",
                ));
            }
            (Some(parameters), None) => Some(schema::read(&parameters).map_err(|error| {
                Untranslatable::named(error.under(&format!("{}.parameters", here())), error.why)
            })?),
            (None, json_schema) => json_schema,
        };
        tools.push(Tool {
            name: demanded(name, || format!("{}.name", here()))?,
            description,
            parameters,
            strict: None,
        });
    }
    Ok(())
}

pub(super) fn choice<'a>(
    config: Option<body::ToolConfig<'a>>,
    prompt: &mut Prompt<'a>,
) -> Result<(), Untranslatable> {
    const HERE: &str = "toolConfig.functionCallingConfig";
    let Some(calling) = config.and_then(|config| config.function_calling_config) else {
        return Ok(());
    };
    let mut allowed = calling.allowed_function_names.unwrap_or_default();
    let unsayable = || {
        Err(Untranslatable::named(
            format!("{HERE}.allowedFunctionNames"),
            "names some of the tools, and other providers are told of one or all",
        ))
    };
    let everything = prompt.tools.iter().all(|tool| allowed.contains(&tool.name));
    prompt.tool_choice = match calling.mode.as_deref() {
        None | Some("" | "MODE_UNSPECIFIED") if allowed.is_empty() => None,
        None | Some("" | "MODE_UNSPECIFIED" | "AUTO" | "VALIDATED")
            if !allowed.is_empty() && !everything =>
        {
            return unsayable();
        }
        None | Some("" | "MODE_UNSPECIFIED" | "AUTO") => Some(ToolChoice::Auto),
        Some("VALIDATED") => {
            for tool in &mut prompt.tools {
                tool.strict = Some(true);
            }
            Some(ToolChoice::Auto)
        }
        Some("NONE") => Some(ToolChoice::None),
        Some("ANY") if allowed.len() == 1 => allowed.pop().map(ToolChoice::Named),
        Some("ANY") if allowed.is_empty() || everything => Some(ToolChoice::Any),
        Some("ANY") => return unsayable(),
        Some(_) => {
            return Err(Untranslatable::named(
                format!("{HERE}.mode"),
                "is not a mode that is known here",
            ));
        }
    };
    Ok(())
}
