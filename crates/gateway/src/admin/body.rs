//! The JSON body of a change.
//!
//! Promises: at most [`MAX_BODY_BYTES`] are read; what cannot be read is refused with the field and
//! the place. Must not know: what the fields mean.

use std::fmt;

use axum::extract::{FromRequest, Request};
use http_body_util::BodyExt as _;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};

use waybill_model::money::BadAmount;

use super::{
    note::Note,
    problem::{Problem, ProblemCode},
};

/// Largest body. A change is a form, not a file.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// How much of a body that is too large is taken from the client before it is cut off.
const MAX_DISCARDED_BYTES: usize = 32 << 20;

/// A body read as JSON, whatever its content type says.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let note = Note::of(request.extensions());
        let bytes = collect(request.into_body()).await?;
        let body = read(&bytes)?;
        note.fields(&bytes);
        Ok(Body(body))
    }
}

/// A body read as JSON that may be left out: then it is `T::default()`.
pub struct MaybeBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for MaybeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let note = Note::of(request.extensions());
        let bytes = collect(request.into_body()).await?;
        match bytes.trim_ascii() {
            b"" | b"null" => Ok(MaybeBody(T::default())),
            bytes => {
                let body = read(bytes)?;
                note.fields(bytes);
                Ok(MaybeBody(body))
            }
        }
    }
}

/// Reads a body to its end. One that is too large is read on for a while and let go, because a client
/// that is still sending would lose our answer with the connection.
async fn collect(mut body: axum::body::Body) -> Result<Vec<u8>, Problem> {
    let (mut bytes, mut seen) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Problem::new(
                ProblemCode::InvalidBody,
                "the body broke off before its end",
            )
        })?;
        let data = frame.into_data().unwrap_or_default();
        seen += data.len();
        if seen <= MAX_BODY_BYTES {
            bytes.extend_from_slice(&data);
        } else if seen > MAX_DISCARDED_BYTES {
            break;
        }
    }
    if seen > MAX_BODY_BYTES {
        let detail = format!("the body is larger than {MAX_BODY_BYTES} bytes");
        return Err(Problem::new(ProblemCode::BodyTooLarge, detail));
    }
    Ok(bytes)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.is_empty() {
        return Err(Problem::new(
            ProblemCode::InvalidBody,
            "a JSON object is needed; the body is empty",
        ));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (field, inner) = (error.path().to_string(), error.into_inner());
        // What serde's reader of words calls broken may be JSON all the same.
        let is_json = serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
        let problem = Problem::new(ProblemCode::InvalidBody, without_value(&inner, is_json));
        // "." is the body as a whole, and a syntax error is no field's.
        if field == "." || !is_json {
            problem
        } else {
            problem.at_field(field)
        }
    })?;
    json.end()
        .map_err(|error| Problem::new(ProblemCode::InvalidBody, error.to_string()))?;
    Ok(value)
}

/// What JSON's reader refuses, without the value it quotes: that may be a credential in the wrong place.
fn without_value(error: &serde_json::Error, is_json: bool) -> String {
    if !is_json && !error.is_data() {
        return error.to_string();
    }
    let text = error.to_string();
    let place = format!("line {} column {}", error.line(), error.column());
    let text = text
        .strip_suffix(&place)
        .map_or(text.as_str(), |text| text.trim_end_matches(" at "));
    // These quote names of fields alone.
    if ["unknown field", "missing field", "duplicate field"]
        .iter()
        .any(|names| text.starts_with(names))
    {
        return format!("{text} at {place}");
    }
    // Of these the end is serde's own text, whatever the value was.
    let known = [
        "invalid type",
        "invalid value",
        "invalid length",
        "unknown variant",
    ]
    .iter()
    .any(|start| text.starts_with(start));
    match text.rsplit_once(", expected ").filter(|_| known) {
        Some((_, expected)) => format!("{} is needed at {place}", form(expected)),
        // What our own types say about a value is meant to be read.
        None if text == BadAmount.to_string() => format!("{text} at {place}"),
        None => format!("the value cannot be read at {place}"),
    }
}

/// What serde expects, in words of JSON.
fn form(expected: &str) -> &str {
    match expected {
        "i32" | "i64" => "a whole number",
        "u32" | "u64" | "usize" => "a whole number, 0 or more,",
        "a sequence" => "an array",
        "a borrowed string" => "a string",
        form if form.starts_with("struct ") => "an object",
        form => form,
    }
}

/// Something named by its name or its id.
#[derive(Debug, Clone, PartialEq, Eq, utoipa::ToSchema)]
#[schema(example = "claude")]
#[serde(untagged)]
pub enum NameOrId {
    /// Its id.
    Id(i64),
    /// Its name.
    Name(String),
}

impl NameOrId {
    /// Whether something with this id and name is meant.
    pub fn means(&self, id: i64, name: &str) -> bool {
        match self {
            NameOrId::Id(given) => *given == id,
            NameOrId::Name(given) => given == name,
        }
    }
}

impl fmt::Display for NameOrId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameOrId::Id(id) => write!(f, "{id}"),
            NameOrId::Name(name) => write!(f, "`{name}`"),
        }
    }
}

impl<'de> Deserialize<'de> for NameOrId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = NameOrId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or an id")
            }
            fn visit_i64<E>(self, id: i64) -> Result<NameOrId, E> {
                Ok(NameOrId::Id(id))
            }
            fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<NameOrId, E> {
                i64::try_from(id)
                    .map(NameOrId::Id)
                    .map_err(|_| E::custom("an id is a 64-bit integer"))
            }
            fn visit_str<E>(self, name: &str) -> Result<NameOrId, E> {
                Ok(NameOrId::Name(name.to_owned()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Tells a field that is `null` from one that is not there.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        groups: Vec<NameOrId>,
        #[serde(default, deserialize_with = "present")]
        limit: Option<Option<u32>>,
    }

    #[test]
    fn null_and_absent_are_told_apart() {
        let limit = |text: &str| read::<Form>(text.as_bytes()).unwrap().limit;
        assert_eq!(limit(r#"{"groups":[]}"#), None);
        assert_eq!(limit(r#"{"groups":[],"limit":null}"#), Some(None));
        assert_eq!(limit(r#"{"groups":[],"limit":3}"#), Some(Some(3)));
    }

    #[test]
    fn a_group_is_named_by_name_or_id() {
        let form: Form = read(br#"{"groups":[1,"one"]}"#).unwrap();
        assert!(form.groups[0].means(1, "x") && form.groups[1].means(9, "one"));
        assert!(!form.groups[1].means(1, "1"));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_field_and_place() {
        for (text, says) in [
            ("", "empty"),
            ("{", "line 1 column 1"),
            ("[]", "an object is needed"),
            (r#"{"groups":[1.5]}"#, "a name or an id"),
            (r#"{"groups":[],"grops":1}"#, "unknown field `grops`"),
            (r#"{"groups":[],"limit":-1}"#, "line 1 column"),
            (r#"{"groups":[]} x"#, "trailing"),
        ] {
            let problem = format!("{:?}", read::<Form>(text.as_bytes()).unwrap_err());
            assert!(problem.contains(says), "{text}: {problem}");
        }
        let problem = format!("{:?}", read::<Form>(br#"{"groups":[1,{}]}"#).unwrap_err());
        assert!(problem.contains(r#"field: Some("groups[1]")"#), "{problem}");
    }
}
