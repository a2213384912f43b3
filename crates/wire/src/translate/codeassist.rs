//! The envelope of Google Cloud Code Assist, around requests and answers in Gemini's language.
//!
//! Promises: what is wrapped is not parsed but for the names of its fields, and what is unwrapped is
//! borrowed; a field that the service's request lacks is refused. Nothing is said of a client but what the
//! service demands, which is an empty `metadata`.
//!
//! Must not know: accounts, addresses.
//!
//! The service is documented by Google's own client in the open (`gemini-cli`, `code_assist/`): a request is
//! `{"model", "project", "request"}`, and `request` holds Vertex AI's fields of `generateContent`, which are
//! fewer than the Gemini API's. An answer, and every event of a stream, is `{"response"}`. Counting takes
//! `{"request": {"model", "contents"}}` and answers without an envelope.

use serde::{Deserialize, Deserializer, de::MapAccess, de::Visitor};
use serde_json::value::RawValue;

use super::{Unreadable, Untranslatable, gemini::out::Group, text::Text};

/// Fields of the service's request, in both spellings that Google reads.
const REQUEST: &[(&str, &str)] = &[
    ("contents", "contents"),
    ("systemInstruction", "system_instruction"),
    ("cachedContent", "cached_content"),
    ("tools", "tools"),
    ("toolConfig", "tool_config"),
    ("labels", "labels"),
    ("safetySettings", "safety_settings"),
    ("generationConfig", "generation_config"),
];

/// Fields of its `generationConfig`.
const SETTINGS: &[(&str, &str)] = &[
    ("temperature", "temperature"),
    ("topP", "top_p"),
    ("topK", "top_k"),
    ("candidateCount", "candidate_count"),
    ("maxOutputTokens", "max_output_tokens"),
    ("stopSequences", "stop_sequences"),
    ("responseLogprobs", "response_logprobs"),
    ("logprobs", "logprobs"),
    ("presencePenalty", "presence_penalty"),
    ("frequencyPenalty", "frequency_penalty"),
    ("seed", "seed"),
    ("responseMimeType", "response_mime_type"),
    ("responseSchema", "response_schema"),
    ("responseJsonSchema", "response_json_schema"),
    ("routingConfig", "routing_config"),
    ("modelSelectionConfig", "model_selection_config"),
    ("responseModalities", "response_modalities"),
    ("mediaResolution", "media_resolution"),
    ("speechConfig", "speech_config"),
    ("audioTimestamp", "audio_timestamp"),
    ("thinkingConfig", "thinking_config"),
];

/// Puts the body of `generateContent` or `streamGenerateContent` into the envelope.
///
/// # Errors
/// It is no object, or has a field that the service lacks.
pub fn wrap(body: &[u8], project: &str, model: &str) -> Result<Vec<u8>, Untranslatable> {
    let members = members(body)?;
    known(&members, REQUEST, "")?;
    if let Some(settings) = find(&members, "generationConfig") {
        known(
            &self::members(settings.as_bytes())?,
            SETTINGS,
            "generationConfig.",
        )?;
    }
    let mut out = Vec::with_capacity(body.len() + 128);
    let mut envelope = Group::object(&mut out);
    envelope.text("model", bare(model));
    envelope.text("project", project);
    envelope.member("request").extend_from_slice(body);
    envelope.close();
    Ok(out)
}

/// Puts the body of `countTokens` into the envelope. The service counts `contents` alone: instructions and
/// tools are put before them as contents of their own, so that they are counted, too. What only steers the
/// answer counts nothing, and is left out.
///
/// # Errors
/// It is no object, or has a field that the service lacks.
pub fn wrap_count(body: &[u8], model: &str) -> Result<Vec<u8>, Untranslatable> {
    let outer = members(body)?;
    let request = match find(&outer, "generateContentRequest")
        .or_else(|| find(&outer, "generate_content_request"))
    {
        Some(request) => members(request.as_bytes())?,
        None => outer,
    };
    let counted: &[(&str, &str)] = &[("model", "model")];
    let all: Vec<(&str, &str)> = REQUEST.iter().chain(counted).copied().collect();
    known(&request, &all, "")?;
    let mut out = Vec::with_capacity(body.len() + 128);
    let mut envelope = Group::object(&mut out);
    let mut inner = envelope.inner("request");
    inner.text("model", &format!("models/{}", bare(model)));
    let mut contents = inner.list("contents");
    if let Some(system) = find(&request, "systemInstruction") {
        let system = members(system.as_bytes())?;
        if let Some(parts) = find(&system, "parts") {
            let mut content = Group::object(contents.element());
            content.text("role", "user");
            content.raw("parts", parts);
            content.close();
        }
    }
    if let Some(tools) = find(&request, "tools") {
        let mut content = Group::object(contents.element());
        content.text("role", "user");
        let mut parts = content.list("parts");
        let mut part = Group::object(parts.element());
        part.text("text", tools);
        part.close();
        parts.close();
        content.close();
    }
    let said = find(&request, "contents").unwrap_or("[]");
    let said = said.trim();
    let inside = said
        .strip_prefix('[')
        .and_then(|said| said.strip_suffix(']'))
        .ok_or_else(|| Untranslatable::named("contents", "is no list"))?;
    if !inside.trim().is_empty() {
        contents.element().extend_from_slice(inside.as_bytes());
    }
    contents.close();
    inner.close();
    envelope.close();
    Ok(out)
}

/// The answer inside the envelope: of a whole answer's body, or of one event's data.
///
/// # Errors
/// There is none.
pub fn unwrap(body: &str) -> Result<&str, Unreadable> {
    enveloped(body)?.ok_or_else(|| Unreadable::new("the answer holds nothing (no `response`)"))
}

/// The same of one event of a stream, which may hold nothing: a trace's id alone, or an empty answer. Such a one
/// is passed over.
///
/// # Errors
/// It is no event of Code Assist's.
pub fn unwrap_event(data: &str) -> Result<Option<&str>, Unreadable> {
    let is_nothing = |answer: &str| {
        let inside = answer
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        inside.is_some_and(|inside| inside.trim().is_empty())
    };
    Ok(enveloped(data)?.filter(|answer| !is_nothing(answer)))
}

fn enveloped(body: &str) -> Result<Option<&str>, Unreadable> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        response: Option<&'a RawValue>,
    }

    let envelope: Envelope<'_> = serde_json::from_str(body)
        .map_err(|error| Unreadable::new(format!("this is no answer of Code Assist's: {error}")))?;
    match envelope.response.map(RawValue::get) {
        Some(answer) if !answer.starts_with('{') => Err(Unreadable::new(
            "this is no answer of Code Assist's: `response` is no object",
        )),
        answer => Ok(answer),
    }
}

/// The body of `loadCodeAssist`, which tells an account's project. `project`: one that the operator named.
pub fn load_code_assist_request(project: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut body = Group::object(&mut out);
    if let Some(project) = project {
        body.text("cloudaicompanionProject", project);
    }
    body.inner("metadata").close();
    body.close();
    out
}

/// The project that `loadCodeAssist` told.
///
/// # Errors
/// It told none; why, in the service's words where it says.
pub fn project_of(answer: &str) -> Result<String, Unreadable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Loaded<'a> {
        #[serde(borrow)]
        cloudaicompanion_project: Option<&'a RawValue>,
        #[serde(default)]
        ineligible_tiers: Option<Vec<Ineligible<'a>>>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Ineligible<'a> {
        #[serde(borrow)]
        reason_message: Option<Text<'a>>,
    }

    #[derive(Deserialize)]
    struct Project<'a> {
        #[serde(borrow)]
        id: Option<Text<'a>>,
    }

    let loaded: Loaded<'_> = serde_json::from_str(answer)
        .map_err(|error| Unreadable::new(format!("this is no answer of Code Assist's: {error}")))?;
    let named = loaded.cloudaicompanion_project.and_then(|project| {
        // Its name, or an object that holds it.
        let plain = serde_json::from_str::<Text<'_>>(project.get()).ok();
        plain.or_else(|| serde_json::from_str::<Project<'_>>(project.get()).ok()?.id)
    });
    if let Some(project) = named.filter(|project| !project.is_empty()) {
        return Ok(project.to_string());
    }
    let reasons = loaded.ineligible_tiers.unwrap_or_default();
    let reasons: Vec<&str> = reasons
        .iter()
        .filter_map(|tier| tier.reason_message.as_deref())
        .collect();
    Err(Unreadable::new(if reasons.is_empty() {
        "Code Assist names no project for this account".to_owned()
    } else {
        format!(
            "Code Assist names no project for this account: {}",
            reasons.join(" ")
        )
    }))
}

/// The body of `fetchAvailableModels`.
pub fn fetch_available_models_request(project: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut body = Group::object(&mut out);
    body.text("project", project);
    body.close();
    out
}

/// The models that `fetchAvailableModels` told, by the names that the service takes: the keys of `models`,
/// in its order.
///
/// # Errors
/// It told none.
pub fn models_of(answer: &str) -> Result<Vec<String>, Unreadable> {
    #[derive(Deserialize)]
    struct Available<'a> {
        #[serde(borrow)]
        models: Option<Keys<'a>>,
    }

    let available: Available<'_> = serde_json::from_str(answer)
        .map_err(|error| Unreadable::new(format!("this is no list of Code Assist's: {error}")))?;
    let Some(Keys(models)) = available.models else {
        return Err(Unreadable::new("the answer names no `models`"));
    };
    Ok(models
        .into_iter()
        .map(|(name, _)| name.to_string())
        .collect())
}

/// The service names models without `models/`.
fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// Members of an object, their values unread.
struct Keys<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Keys<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;

        impl<'de> Visitor<'de> for Reads {
            type Value = Keys<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Keys(members))
            }
        }

        deserializer.deserialize_map(Reads)
    }
}

fn members(body: &[u8]) -> Result<Vec<(Text<'_>, &RawValue)>, Untranslatable> {
    serde_json::from_slice::<Keys<'_>>(body)
        .map(|Keys(members)| members)
        .map_err(|error| Untranslatable::named("", format!("cannot be read: {error}")))
}

/// A member that says something, by its name in camel case.
fn find<'m>(members: &[(Text<'_>, &'m RawValue)], name: &str) -> Option<&'m str> {
    let spellings = REQUEST.iter().find(|(known, _)| *known == name);
    let snake = spellings.map_or(name, |(_, snake)| *snake);
    let found = members
        .iter()
        .find(|(key, _)| **key == *name || **key == *snake);
    found
        .map(|(_, value)| value.get())
        .filter(|value| *value != "null")
}

fn known(
    members: &[(Text<'_>, &RawValue)],
    fields: &[(&str, &str)],
    under: &str,
) -> Result<(), Untranslatable> {
    let unknown = members.iter().find(|(key, _)| {
        !fields
            .iter()
            .any(|(camel, snake)| **key == **camel || **key == **snake)
    });
    match unknown {
        None => Ok(()),
        Some((key, _)) => Err(Untranslatable::named(
            format!("{under}{key}"),
            "is not something that Code Assist takes",
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_request_is_put_into_the_envelope_as_it_stands() {
        let body = br#"{ "contents": [ {"role":"user","parts":[{"text":"Hi \u00e9"}]} ], "generation_config":{"top_p":0.50} }"#;
        let wrapped = wrap(body, "proj-1", "models/gemini-3-pro").unwrap();
        assert_eq!(
            text(wrapped),
            format!(
                r#"{{"model":"gemini-3-pro","project":"proj-1","request":{}}}"#,
                std::str::from_utf8(body).unwrap()
            )
        );
    }

    #[test]
    fn a_field_that_the_service_lacks_is_refused_by_its_name() {
        for (body, name) in [
            (r#"{"contents":[],"store":true}"#, "store"),
            (
                r#"{"contents":[],"generationConfig":{"enableEnhancedCivicAnswers":true}}"#,
                "generationConfig.enableEnhancedCivicAnswers",
            ),
            (r#"["contents"]"#, ""),
            ("", ""),
        ] {
            let error = wrap(body.as_bytes(), "p", "m").unwrap_err();
            assert_eq!(
                error.what,
                super::super::Spot::Named(name.to_owned()),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_counted_holds_instructions_and_tools() {
        let plain = wrap_count(br#"{"contents":[{"parts":[{"text":"a"}]}]}"#, "m").unwrap();
        assert_eq!(
            text(plain),
            r#"{"request":{"model":"models/m","contents":[{"parts":[{"text":"a"}]}]}}"#
        );
        let body = br#"{"generateContentRequest":{"model":"models/m","systemInstruction":{"parts":[{"text":"s"}]},"tools":[{"functionDeclarations":[{"name":"f"}]}],"contents":[{"parts":[{"text":"a"}]}]}}"#;
        let whole = wrap_count(body, "m").unwrap();
        assert_eq!(
            text(whole),
            r#"{"request":{"model":"models/m","contents":[{"role":"user","parts":[{"text":"s"}]},{"role":"user","parts":[{"text":"[{\"functionDeclarations\":[{\"name\":\"f\"}]}]"}]},{"parts":[{"text":"a"}]}]}}"#
        );
        assert_eq!(
            text(wrap_count(br#"{"contents":[]}"#, "m").unwrap()),
            r#"{"request":{"model":"models/m","contents":[]}}"#
        );
    }

    #[test]
    fn an_answer_is_taken_out_and_borrowed() {
        let body = r#"{"traceId":"t","response": {"candidates" : []} }"#;
        let inside = unwrap(body).unwrap();
        assert_eq!(inside, r#"{"candidates" : []}"#);
        assert_eq!(unwrap_event(body), Ok(Some(inside)));
        assert!(body.as_bytes().as_ptr_range().contains(&inside.as_ptr()));
        for body in ["{}", r#"{"response":null}"#, "[]", "", "nonsense"] {
            assert!(unwrap(body).is_err(), "{body}");
        }
    }

    #[test]
    fn an_event_that_holds_nothing_is_passed_over_and_what_is_none_is_not() {
        for data in [
            "{}",
            r#"{"traceId":"t"}"#,
            r#"{"response":null}"#,
            r#"{"response":{ }}"#,
        ] {
            assert_eq!(unwrap_event(data), Ok(None), "{data}");
        }
        for data in ["", "[]", "nonsense", r#""text""#, r#"{"response":1e9}"#] {
            assert!(unwrap_event(data).is_err(), "{data}");
        }
    }

    #[test]
    fn the_project_is_asked_for_without_saying_who_asks() {
        assert_eq!(text(load_code_assist_request(None)), r#"{"metadata":{}}"#);
        assert_eq!(
            text(load_code_assist_request(Some("p"))),
            r#"{"cloudaicompanionProject":"p","metadata":{}}"#
        );
        assert_eq!(
            text(fetch_available_models_request("p")),
            r#"{"project":"p"}"#
        );
    }

    #[test]
    fn the_project_is_found_or_why_there_is_none() {
        let plain = r#"{"currentTier":{"id":"standard-tier"},"cloudaicompanionProject":"p-1"}"#;
        assert_eq!(project_of(plain).unwrap(), "p-1");
        let inside = r#"{"cloudaicompanionProject":{"id":"p-2","name":"x"}}"#;
        assert_eq!(project_of(inside).unwrap(), "p-2");
        let refused = r#"{"cloudaicompanionProject":null,"ineligibleTiers":[{"reasonMessage":"Not in this country."}]}"#;
        assert!(
            project_of(refused)
                .unwrap_err()
                .why
                .contains("Not in this country.")
        );
        assert!(project_of("{}").is_err());
        assert!(project_of("").is_err());
    }

    #[test]
    fn models_come_by_the_service_s_own_names() {
        let answer = r#"{"models":{"gemini-3-pro-high":{"displayName":"Pro"},"claude-sonnet-4-5":{"quotaInfo":{"remainingFraction":0.5}}}}"#;
        assert_eq!(
            models_of(answer).unwrap(),
            ["gemini-3-pro-high", "claude-sonnet-4-5"]
        );
        assert!(models_of("{}").is_err());
    }
}
