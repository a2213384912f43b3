//! A query string as pairs, and what can be wrong with one.
//!
//! Promises: every pair is decoded or refused by name; no name comes twice. Must not know: which
//! parameters there are.

use percent_encoding::percent_decode_str;

/// A query string taken apart: decoded names and values, in order, each name once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

/// A parameter that cannot be taken as it is. The message names what would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{parameter}`: {message}")]
pub struct BadParameter {
    /// The parameter's name.
    pub parameter: String,
    /// What kind of mistake.
    pub mistake: Mistake,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

/// What is wrong with a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// Its value cannot be read, or not beside another one.
    Malformed,
    /// There is no such parameter here.
    Unknown,
    /// It asks for more time than one query may cover.
    WindowTooLong,
}

impl Pairs {
    /// Takes a query string apart, as forms encode it: `+` and `%20` are a space.
    pub fn parse(query: Option<&str>) -> Result<Pairs, BadParameter> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or_else(|| {
                BadParameter::malformed(
                    &name.chars().take(64).collect::<String>(),
                    "the name is not valid UTF-8",
                )
            })?;
            let value = decode(value)
                .ok_or_else(|| BadParameter::malformed(&name, "the value is not valid UTF-8"))?;
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(BadParameter::malformed(&name, "it is given more than once"));
            }
            pairs.push((name, value));
        }
        Ok(Pairs(pairs))
    }

    /// Names and values that are taken apart already, each name once.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Pairs {
        Pairs(pairs.into_iter().collect())
    }

    /// The pairs in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of one parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }
}

impl BadParameter {
    /// A value that cannot be read.
    pub fn malformed(parameter: &str, message: impl Into<String>) -> Self {
        BadParameter {
            parameter: parameter.to_owned(),
            mistake: Mistake::Malformed,
            message: message.into(),
        }
    }

    /// A name that is not among `known`.
    pub fn unknown<'a>(parameter: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known: Vec<_> = known.collect();
        let message = if known.is_empty() {
            "there is no such parameter: this takes none".to_owned()
        } else {
            format!("there is no such parameter; known are {}", known.join(", "))
        };
        BadParameter {
            parameter: parameter.to_owned(),
            mistake: Mistake::Unknown,
            message,
        }
    }
}

fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text)
        .decode_utf8()
        .ok()
        .map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pairs_are_decoded_as_forms_encode_them() {
        let pairs = Pairs::parse(Some("q=rate+limit%20%26&model=a%2Bb&stream&&x=")).unwrap();
        let pairs: Vec<_> = pairs.iter().collect();
        assert_eq!(
            pairs,
            [
                ("q", "rate limit &"),
                ("model", "a+b"),
                ("stream", ""),
                ("x", "")
            ]
        );
        assert_eq!(Pairs::parse(None).unwrap().iter().count(), 0);
    }

    #[test]
    fn a_name_given_twice_and_broken_utf_8_are_refused_by_name() {
        assert_eq!(
            Pairs::parse(Some("a=1&b=2&a=3")).unwrap_err().parameter,
            "a"
        );
        assert_eq!(
            Pairs::parse(Some("model=%ff")).unwrap_err().parameter,
            "model"
        );
        assert_eq!(Pairs::parse(Some("%ff=1")).unwrap_err().parameter, "%ff");
    }
}
