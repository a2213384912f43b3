//! `generationConfig` and `safetySettings`.
//!
//! Promises: every field of theirs is read, written or refused.
//!
//! Must not know: contents and tools.

use serde_json::Number;

use super::super::{
    Setting, Spot, Untranslatable, schema,
    talk::{Amount, Effort, Format, Prompt, Thinking},
    text::{Json, Text},
};
use super::{
    body::{GenerationConfig, SafetySetting, ThinkingConfig},
    generation,
    out::Group,
};

const HERE: &str = "generationConfig";

fn refuse(field: &str, why: &'static str) -> Untranslatable {
    Untranslatable::named(format!("{HERE}.{field}"), why)
}

/// Settings of Google's filter ask for less than, or as much as it does by itself: no other provider has
/// such a filter, and nothing is lost. One that asks for more cannot be kept.
pub(super) fn check_safety(settings: Vec<SafetySetting<'_>>) -> Result<(), Untranslatable> {
    for (place, setting) in settings.into_iter().enumerate() {
        let SafetySetting {
            category: _,
            threshold,
            method: _,
        } = setting;
        if threshold.is_some_and(|threshold| *threshold == *"BLOCK_LOW_AND_ABOVE") {
            return Err(Untranslatable::named(
                format!("safetySettings.{place}.threshold"),
                "asks for a stricter filter than other providers have",
            ));
        }
    }
    Ok(())
}

/// Reads `generationConfig`.
pub(super) fn read<'a>(
    config: GenerationConfig<'a>,
    prompt: &mut Prompt<'a>,
) -> Result<(), Untranslatable> {
    let GenerationConfig {
        candidate_count,
        stop_sequences,
        max_output_tokens,
        temperature,
        top_p,
        top_k,
        seed,
        presence_penalty,
        frequency_penalty,
        response_mime_type,
        response_schema,
        response_json_schema,
        response_modalities,
        response_logprobs,
        thinking_config,
    } = config;
    if candidate_count.is_some_and(|count| count != 1) {
        return Err(refuse("candidateCount", "asks for other than one answer"));
    }
    let modalities = response_modalities.unwrap_or_default();
    if modalities
        .iter()
        .any(|modality| !modality.eq_ignore_ascii_case("text"))
    {
        return Err(refuse("responseModalities", "asks for other than text"));
    }
    if response_logprobs == Some(true) {
        return Err(refuse(
            "responseLogprobs",
            "is not something that can be said to another provider",
        ));
    }
    prompt.max_tokens = max_output_tokens;
    prompt.temperature = temperature;
    prompt.top_p = top_p;
    prompt.top_k = top_k.map(whole).transpose()?;
    prompt.seed = seed;
    prompt.presence_penalty = presence_penalty;
    prompt.frequency_penalty = frequency_penalty;
    prompt.stop = stop_sequences.unwrap_or_default();
    prompt.format = format(response_mime_type, response_schema, response_json_schema)?;
    prompt.thinking = thinking_config.map(thinking).transpose()?;
    Ok(())
}

fn whole(number: Number) -> Result<u64, Untranslatable> {
    let fraction = number.as_f64().unwrap_or(-1.0);
    match number.as_u64() {
        Some(whole) => Ok(whole),
        None if fraction >= 0.0 && fraction.fract() == 0.0 && fraction <= 1e9 => {
            format!("{fraction:.0}")
                .parse()
                .map_err(|_| refuse("topK", "is no whole number"))
        }
        None => Err(refuse("topK", "is no whole number")),
    }
}

fn format<'a>(
    mime: Option<Text<'a>>,
    google_schema: Option<Json<'a>>,
    json_schema: Option<Json<'a>>,
) -> Result<Option<Format<'a>>, Untranslatable> {
    let schema = match (google_schema, json_schema) {
        (Some(_), Some(_)) => {
            return Err(refuse(
                "responseJsonSchema",
                "is said beside `responseSchema`, and only one of both can be meant",
            ));
        }
        (Some(schema), None) => Some(schema::read(&schema).map_err(|error| {
            Untranslatable::named(error.under("generationConfig.responseSchema"), error.why)
        })?),
        (None, schema) => schema,
    };
    match (mime.as_deref(), schema) {
        (None | Some("" | "application/json"), Some(schema)) => Ok(Some(Format::Schema {
            name: None,
            description: None,
            schema,
            strict: None,
        })),
        (Some("application/json"), None) => Ok(Some(Format::Json)),
        (None | Some("" | "text/plain"), None) => Ok(None),
        (Some(_), _) => Err(refuse(
            "responseMimeType",
            "is not something that can be said to another provider",
        )),
    }
}

/// Words of `thinkingLevel`, and what they are here.
const LEVELS: &[(&str, Effort)] = &[
    ("minimal", Effort::Minimal),
    ("low", Effort::Low),
    ("medium", Effort::Medium),
    ("high", Effort::High),
];

fn thinking(config: ThinkingConfig<'_>) -> Result<Thinking, Untranslatable> {
    let ThinkingConfig {
        include_thoughts,
        thinking_budget,
        thinking_level,
    } = config;
    let level = thinking_level.filter(|level| **level != *"THINKING_LEVEL_UNSPECIFIED");
    let amount = match (thinking_budget, level) {
        (Some(_), Some(_)) => {
            return Err(refuse(
                "thinkingConfig.thinkingLevel",
                "is said beside `thinkingBudget`, and only one of both can be meant",
            ));
        }
        (None, Some(level)) => LEVELS
            .iter()
            .find(|(word, _)| level.eq_ignore_ascii_case(word))
            .map(|(_, effort)| Amount::Effort(*effort))
            .ok_or_else(|| {
                refuse(
                    "thinkingConfig.thinkingLevel",
                    "is not a level that is known here",
                )
            })?,
        (Some(0), None) => Amount::Off,
        (None | Some(-1), None) => Amount::Adaptive,
        (Some(budget), None) => match u64::try_from(budget) {
            Ok(budget) => Amount::Tokens(budget),
            Err(_) => {
                return Err(refuse("thinkingConfig.thinkingBudget", "is less than -1"));
            }
        },
    };
    Ok(Thinking {
        amount,
        // Other dialects show thoughts, or do not; this one does not unless it is told to.
        shown: Some(include_thoughts.unwrap_or(false)),
    })
}

/// What of a [`Prompt`] becomes `generationConfig`.
pub(super) struct Settings<'p, 'a> {
    pub(super) max_tokens: Option<u64>,
    pub(super) temperature: Option<&'p Number>,
    pub(super) top_p: Option<&'p Number>,
    pub(super) top_k: Option<u64>,
    pub(super) seed: Option<i64>,
    pub(super) presence_penalty: Option<&'p Number>,
    pub(super) frequency_penalty: Option<&'p Number>,
    pub(super) stop: &'p [Text<'a>],
    pub(super) thinking: Option<&'p Thinking>,
    pub(super) format: Option<&'p Format<'a>>,
}

/// At most so many texts that end an answer, as Google documents.
const MAX_STOPS: usize = 5;

/// Writes `generationConfig`, if there is anything to say in it.
pub(super) fn write(
    settings: &Settings<'_, '_>,
    model: &str,
    body: &mut Group<'_>,
) -> Result<(), Untranslatable> {
    let Settings {
        max_tokens,
        temperature,
        top_p,
        top_k,
        seed,
        presence_penalty,
        frequency_penalty,
        stop,
        thinking,
        format,
    } = settings;
    let mut inside = Vec::new();
    let mut config = Group::object(&mut inside);
    if let Some(max) = max_tokens {
        config.raw(
            "maxOutputTokens",
            small(i64::try_from(*max), Setting::MaxTokens)?,
        );
    }
    for (key, number) in [
        ("temperature", temperature),
        ("topP", top_p),
        ("presencePenalty", presence_penalty),
        ("frequencyPenalty", frequency_penalty),
    ] {
        if let Some(number) = number {
            config.raw(key, number);
        }
    }
    if let Some(top_k) = top_k {
        config.raw("topK", small(i64::try_from(*top_k), Setting::TopK)?);
    }
    if let Some(seed) = seed {
        config.raw("seed", small::<()>(Ok(*seed), Setting::Seed)?);
    }
    if stop.len() > MAX_STOPS {
        return Err(Untranslatable::at(
            Spot::Setting(Setting::Stop),
            "names more texts than the 5 that Gemini takes",
        ));
    }
    if !stop.is_empty() {
        let mut list = config.list("stopSequences");
        for text in *stop {
            super::out::string(list.element(), text);
        }
        list.close();
    }
    if let Some(format) = format {
        write_format(format, &mut config);
    }
    if let Some(thinking) = thinking {
        write_thinking(thinking, model, &mut config)?;
    }
    if config.is_empty() {
        return Ok(());
    }
    config.close();
    body.member("generationConfig").extend_from_slice(&inside);
    Ok(())
}

/// A number that fits Google's 32 bits.
fn small<E>(number: Result<i64, E>, setting: Setting) -> Result<i32, Untranslatable> {
    number
        .ok()
        .and_then(|number| i32::try_from(number).ok())
        .ok_or_else(|| {
            Untranslatable::at(
                Spot::Setting(setting),
                "is larger than any number that Gemini takes there",
            )
        })
}

/// `responseJsonSchema` takes JSON Schema as it stands. Google documents that not all of it is heeded, and
/// that the model is held to what is. The schema's name is a label, and has no place; what it is for is said
/// in the schema itself.
fn write_format(format: &Format<'_>, config: &mut Group<'_>) {
    config.text("responseMimeType", "application/json");
    let Format::Schema {
        name: _,
        description,
        schema,
        strict: _,
    } = format
    else {
        return;
    };
    let described = description
        .as_deref()
        .filter(|_| schema.is_object() && !schema::is_described(schema));
    let Some(description) = described else {
        config.raw("responseJsonSchema", schema.get());
        return;
    };
    let rest = schema.get().trim_start_matches('{').trim_start();
    let out = config.member("responseJsonSchema");
    out.extend_from_slice(b"{\"description\":");
    super::out::string(out, description);
    if !rest.starts_with('}') {
        out.push(b',');
    }
    out.extend_from_slice(rest.as_bytes());
}

/// Budgets that models of the second generation take at most, as Google documents them. A budget is the
/// most that may be thought, so that a smaller one keeps to it.
const BUDGETS: &[(&str, u64)] = &[("flash", 24_576), ("pro", 32_768)];

fn write_thinking(
    thinking: &Thinking,
    model: &str,
    config: &mut Group<'_>,
) -> Result<(), Untranslatable> {
    let Thinking { amount, shown } = thinking;
    let generation = generation(model);
    let levels = generation.is_some_and(|generation| generation >= 3);
    let capped = |tokens: u64| {
        BUDGETS
            .iter()
            .filter(|_| generation == Some(2))
            .find(|(word, _)| model.contains(word))
            .map_or(tokens, |(_, most)| tokens.min(*most))
    };
    let mut inner = config.inner("thinkingConfig");
    match amount {
        Amount::Off => inner.raw("thinkingBudget", 0),
        // From the third generation on, a budget is taken for the sake of older clients only: what is not
        // said is as the model sees fit.
        Amount::Adaptive if levels => {}
        Amount::Adaptive => inner.raw("thinkingBudget", -1),
        Amount::Tokens(tokens) => {
            let tokens = i64::try_from(capped(*tokens));
            inner.raw("thinkingBudget", small(tokens, Setting::Thinking)?);
        }
        Amount::Effort(effort) if levels => inner.text("thinkingLevel", level(*effort)),
        Amount::Effort(effort) => inner.raw("thinkingBudget", capped(effort.tokens())),
    }
    match (amount, shown) {
        (Amount::Off, _) | (_, Some(false)) => {}
        (_, None | Some(true)) => inner.raw("includeThoughts", true),
    }
    inner.close();
    Ok(())
}

const fn level(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::XHigh | Effort::Max => "high",
    }
}
