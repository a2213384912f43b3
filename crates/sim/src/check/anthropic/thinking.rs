//! Thinking: its budget, what it rules out, and the signatures of thoughts that come back.

use serde_json::Value;
use waybill_model::protocol::Platform;

use super::{super::items, refuse, text};
use crate::{ask::BadRequest, signature};

const LEAST_BUDGET: i64 = 1024;

const MUST_START: &str = "When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable `thinking`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking";

pub fn check(body: &Value) -> Result<(), BadRequest> {
    let kind = text(&body["thinking"]["type"]);
    let enabled = kind == "enabled";
    if enabled {
        budget(body)?;
    }
    if enabled || kind == "adaptive" {
        rules_out(body)?;
    }
    signatures(items(&body["messages"]))?;
    if enabled {
        starts_with_thought(items(&body["messages"]))?;
    }
    Ok(())
}

fn budget(body: &Value) -> Result<(), BadRequest> {
    let budget = body["thinking"]["budget_tokens"]
        .as_i64()
        .unwrap_or_default();
    if budget < LEAST_BUDGET {
        return refuse(format!(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to {LEAST_BUDGET}"
        ));
    }
    match body["max_tokens"].as_i64() {
        Some(most) if most <= budget => refuse(
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size",
        ),
        _ => Ok(()),
    }
}

fn rules_out(body: &Value) -> Result<(), BadRequest> {
    const SEE: &str = "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking";
    if body["temperature"]
        .as_f64()
        .is_some_and(|t| (t - 1.0).abs() > f64::EPSILON)
    {
        return refuse(format!(
            "`temperature` may only be set to 1 when thinking is enabled. {SEE}"
        ));
    }
    if body["top_p"].as_f64().is_some_and(|p| p < 0.95) {
        return refuse(format!(
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled. {SEE}"
        ));
    }
    if body["top_k"].is_number() {
        return refuse(format!(
            "`top_k` must be unset when thinking is enabled. {SEE}"
        ));
    }
    if matches!(text(&body["tool_choice"]["type"]), "any" | "tool") {
        return refuse("Thinking may not be enabled when tool_choice forces tool use.");
    }
    Ok(())
}

fn signatures(messages: &[Value]) -> Result<(), BadRequest> {
    for (number, message) in messages.iter().enumerate() {
        for (place, block) in items(&message["content"]).iter().enumerate() {
            let at = format!("messages.{number}.content.{place}");
            match text(&block["type"]) {
                "thinking" => {
                    let (thought, signature) =
                        (text(&block["thinking"]), text(&block["signature"]));
                    if !signature::is_signed(Platform::Anthropic, thought, signature) {
                        return refuse(format!("{at}: Invalid `signature` in `thinking` block"));
                    }
                }
                // The simulator redacts nothing, so that none of these is its own.
                "redacted_thinking" => {
                    return refuse(format!("{at}: Invalid `data` in `redacted_thinking` block"));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// In the middle of a tool loop, its last assistant turn begins with what was thought.
fn starts_with_thought(messages: &[Value]) -> Result<(), BadRequest> {
    let Some(last) = messages
        .iter()
        .rposition(|message| message["role"] == "assistant")
    else {
        return Ok(());
    };
    let has = |message: &Value, kind: &str| {
        items(&message["content"])
            .iter()
            .any(|block| block["type"] == kind)
    };
    let continues = last + 1 == messages.len()
        || messages[last + 1..]
            .iter()
            .any(|message| has(message, "tool_result"));
    let first = &items(&messages[last]["content"]).first();
    let kind = first.map_or("text", |block| text(&block["type"]));
    if continues && !matches!(kind, "thinking" | "redacted_thinking") {
        return refuse(format!(
            "messages.{last}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{kind}`. {MUST_START}"
        ));
    }
    Ok(())
}
