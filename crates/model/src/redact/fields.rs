//! Values that are credentials because of the name before them: in JSON, in query strings, in
//! environment files, in header lines, in program text and in prose.
//!
//! Promises: only the value goes, never a quote, comma or brace around it. Words that merely speak of
//! a credential ("password: required", `token = getToken()`) stay.

use std::ops::Range;

use super::{
    names::{self, Strength},
    scan::Sight,
    shapes::{begins_word, looks_random, near, run},
    spans::{Found, Kind, mark_len},
    views,
};

/// Words that stand where a value would, and are none.
const NO_VALUES: &[&str] = &[
    "any",
    "bool",
    "boolean",
    "empty",
    "expired",
    "false",
    "int",
    "integer",
    "invalid",
    "missing",
    "n/a",
    "nil",
    "none",
    "null",
    "number",
    "optional",
    "required",
    "str",
    "string",
    "true",
    "undefined",
    "unknown",
];

/// Words between the name and the value in prose: "API key provided: …".
const FILLERS: &[&str] = &[
    "given", "is", "provided", "set", "supplied", "to", "used", "value", "was",
];

/// Words that make the `key` after them a credential in prose.
const BEFORE_KEY: &[&str] = &[
    "access", "account", "api", "auth", "private", "secret", "service", "signing",
];

/// Schemes of `Authorization` whose parameters go on to the end of the line.
const LONG_SCHEMES: &[&str] = &["aws4-hmac-sha256", "digest", "hawk", "oauth", "signature"];

/// Schemes of `Authorization` with one token after them.
const SHORT_SCHEMES: &[&str] = &[
    "api-key", "apikey", "basic", "bearer", "bot", "key", "token",
];

/// What may follow the word that was hit, for the name to end there: no name of a credential ends
/// otherwise (`tokens`, `authors`, `keyboard`).
const ENDINGS: &[&str] = &["", "s", "d", "ord", "ords", "orization", "hrase", "nature"];

/// How many bytes of blank may stand between a name, its separator and its value.
const MOST_BLANK: usize = 16;

/// The longest list of credentials under one name that is followed.
const MOST_ITEMS: usize = 256;

/// A word of a credential's name was hit: takes out the value of the name it belongs to.
pub(super) fn named(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) -> Sight {
    let ending = run(near(text, hit.end), in_name);
    let ending = &text[hit.end..hit.end + ending];
    if !ENDINGS
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known.as_bytes()))
    {
        return Sight::Settled;
    }
    let Some(name) = identifier(text, hit) else {
        return Sight::Open;
    };
    let before = found.len();
    let judged = judge(text, &name);
    if let Some((strength, kind)) = judged {
        value(text, &name, strength, kind, found);
    }
    Sight::settled_if(found.len() == before && settled(text, &name, judged))
}

/// Whether a name without a credential has none in any view: nothing that is escaped stands where the
/// name and its value are looked for.
fn settled(text: &[u8], name: &Range<usize>, judged: Option<(Strength, Kind)>) -> bool {
    let around = &text[name.start.saturating_sub(13)..name.start];
    // `\nkey`: the letter of the line end is none of the name's, and ends what came before it.
    if let Some(b'n' | b'r' | b't') = text.get(name.start)
        && around.ends_with(b"\\")
    {
        let rest = name.start + 1..name.end;
        let inner = judge(text, &rest);
        return (rest.is_empty() || inner.is_none_or(|judged| quiet(text, &rest, judged)))
            && judged.is_none_or(|judged| quiet(text, name, judged));
    }
    match judged {
        None => !around
            .last()
            .is_some_and(|byte| views::has_escapes(&[*byte])),
        Some(judged) => !views::has_escapes(around) && quiet(text, name, judged),
    }
}

/// Whether what follows a name is neither a value nor escaped.
fn quiet(text: &[u8], name: &Range<usize>, (strength, _): (Strength, Kind)) -> bool {
    if strength == Strength::InQuery {
        return text.get(name.end) != Some(&b'=');
    }
    let rest = near(text, name.end);
    // A line end, escaped or not, ends the search for a value behind a bare name.
    if rest.starts_with(b"\\") {
        let next = rest.get(views::past_backslashes(rest));
        return matches!(next, Some(b'n' | b'r'));
    }
    let searched = name.end..text.len().min(prose(text, name.end).end + 1);
    Place::after(text, name).is_none()
        && in_prose(text, name.end).is_none()
        && !views::has_escapes(&text[searched])
}

/// Takes out the value of `name`, if one follows.
fn value(text: &[u8], name: &Range<usize>, strength: Strength, kind: Kind, found: &mut Vec<Found>) {
    if in_query(text, name) {
        let at = name.end + 1;
        let len = run(&text[at..], |byte| {
            !byte.is_ascii_whitespace() && !b"&\"'`<>#\\)".contains(&byte)
        });
        push(text, at..at + len, kind, found);
        return;
    }
    if strength == Strength::InQuery {
        return;
    }
    let Some(place) = Place::after(text, name) else {
        if let Some(value) = in_prose(text, name.end) {
            push(text, value, kind, found);
        }
        return;
    };
    let at = place.value;
    match text.get(at) {
        Some(&quote @ (b'"' | b'\'' | b'`')) => {
            let value = quoted(text, at, quote);
            let sure = strength == Strength::Certain && !place.loose;
            if sure || plausible(&text[value.clone()], 8) {
                push(text, value, kind, found);
            }
        }
        Some(b'[') if strength == Strength::Certain && place.key_quote.is_some() => {
            list(text, at + 1, kind, found);
        }
        Some(b'{') | None => {}
        Some(b'-' | b'0'..=b'9') if place.key_quote.is_some() => {
            let len = run(&text[at..], |byte| {
                byte.is_ascii_digit() || b"+-.eE".contains(&byte)
            });
            let ends = text
                .get(at + len)
                .is_none_or(|byte| byte.is_ascii_whitespace() || b",}]".contains(byte));
            if strength == Strength::Certain && ends {
                found.push(Found {
                    range: at..at + len,
                    kind,
                    quote: place.key_quote,
                });
            }
        }
        Some(_) if place.loose => {}
        Some(_) if kind == Kind::Cookie => {
            if near(text, at)[..line_len(near(text, at))].contains(&b'=') {
                push(text, at..at + line_len(&text[at..]), kind, found);
            }
        }
        Some(_) => bare(text, name, &place, strength, kind, found),
    }
}

/// `Bearer …` and `Basic …`, wherever they stand.
pub(super) fn scheme(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) -> Sight {
    let at = hit.end + run(near(text, hit.end), |byte| byte == b' ');
    let basic = text[hit.start] | 0x20 == b'b' && text[hit.start + 1] | 0x20 == b'a';
    let part = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || b"+/=".contains(&byte)
            || (!basic && b"-._~|:".contains(&byte))
    };
    let len = run(near(text, at), part);
    let value = &text[at..at + len];
    let cut_off = at + len == text.len() && len >= 6;
    let fits = if basic {
        let both =
            value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
        let on = text.get(at + len).is_some_and(|byte| b"-._".contains(byte));
        (len >= 8 || cut_off) && !on && looks_random(value) && (both || value.ends_with(b"="))
    } else {
        plausible(value, if cut_off { 6 } else { 8 })
    };
    if !fits {
        return Sight::Settled;
    }
    if begins_word(text, hit.start) {
        let value = &text[at..at + run(&text[at..], part)];
        let kept = value.len()
            - value
                .iter()
                .rev()
                .take_while(|byte| matches!(byte, b'.' | b':'))
                .count();
        push(text, at..at + kept, Kind::Authorization, found);
    }
    Sight::Open
}

/// The whole identifier around a hit.
fn identifier(text: &[u8], hit: Range<usize>) -> Option<Range<usize>> {
    let part = |byte: &u8| in_name(*byte);
    let before = text[hit.start.saturating_sub(names::LONGEST)..hit.start]
        .iter()
        .rev();
    let mut start = hit.start - before.take_while(|byte| part(byte)).count();
    let after = text[hit.end..].iter().take(names::LONGEST);
    let end = hit.end + after.take_while(|byte| part(byte)).count();
    while start < hit.start && text[start] == b'-' {
        start += 1;
    }
    // The kind in a mark of an earlier pass is no name.
    let marked = text[..start].ends_with(b"[redacted:");
    (end - start <= names::LONGEST && !marked).then_some(start..end)
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// What the name says; a `key` is asked for the word before it.
fn judge(text: &[u8], name: &Range<usize>) -> Option<(Strength, Kind)> {
    let verdict = names::field(&text[name.clone()])?;
    if verdict.0 == Strength::InQuery
        && text[name.clone()].eq_ignore_ascii_case(b"key")
        && let Some(b' ') = name.start.checked_sub(1).and_then(|at| text.get(at))
    {
        let before = &text[name.start.saturating_sub(12)..name.start - 1];
        let len = before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let word = &before[before.len() - len..];
        if BEFORE_KEY
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
        {
            return Some((Strength::IfPlausible, Kind::ApiKey));
        }
    }
    Some(verdict)
}

fn in_query(text: &[u8], name: &Range<usize>) -> bool {
    let before = &text[..name.start];
    text.get(name.end) == Some(&b'=')
        && (matches!(before.last(), Some(b'?' | b'&')) || before.ends_with(b"&amp;"))
}

/// Where the value of a name begins, and how it is joined to it.
struct Place {
    value: usize,
    /// The closing quote of the name, if it is quoted.
    key_quote: Option<Range<usize>>,
    /// `name=value` with nothing in between, as in environment files.
    tight: bool,
    /// Joined by a comma only: the next string is probably the value, not surely.
    loose: bool,
}

impl Place {
    fn after(text: &[u8], name: &Range<usize>) -> Option<Place> {
        let mut at = name.end;
        let before = name.start.checked_sub(1).and_then(|at| text.get(at));
        let key_quote = match (before, text.get(at)) {
            (Some(open @ (b'"' | b'\'' | b'`')), Some(close)) if open == close => Some(at..at + 1),
            _ => None,
        };
        at += usize::from(key_quote.is_some());
        at += usize::from(text.get(at) == Some(&b']'));
        let gap = blank(text, at, key_quote.is_some());
        at += gap;
        let (mut tight, mut loose) = (false, false);
        match text.get(at)? {
            b':' => at += 1 + usize::from(text.get(at + 1) == Some(&b'=')),
            b'=' => {
                let arrow = matches!(text.get(at + 1), Some(b'>' | b'='));
                at += 1 + usize::from(arrow);
                tight = gap == 0 && !text.get(at).is_some_and(u8::is_ascii_whitespace);
            }
            b',' if key_quote.is_some() => {
                at += 1;
                at += blank(text, at, true);
                loose = true;
                // `"name": "x-api-key", "value": "…"`
                if let Some(rest) = text
                    .get(at..)
                    .and_then(|rest| rest.strip_prefix(b"\"value\""))
                {
                    at = text.len() - rest.len();
                    at += blank(text, at, true);
                    (text.get(at)? == &b':').then_some(())?;
                    at += 1;
                    loose = false;
                }
            }
            // `--api-key VALUE`
            _ if gap == 1 && text[..name.start].ends_with(b"--") => tight = true,
            _ => return None,
        }
        at += blank(text, at, key_quote.is_some());
        Some(Place {
            value: at,
            key_quote,
            tight,
            loose,
        })
    }
}

/// How many blanks stand at `at`; line ends count between quoted things only.
fn blank(text: &[u8], at: usize, lines: bool) -> usize {
    let most = if lines { 64 } else { MOST_BLANK };
    text[at..]
        .iter()
        .take(most)
        .take_while(|byte| matches!(byte, b' ' | b'\t') || (lines && matches!(byte, b'\n' | b'\r')))
        .count()
}

/// What stands between the quote at `at` and the one that closes it, or the end of the text.
fn quoted(text: &[u8], at: usize, quote: u8) -> Range<usize> {
    let start = at + 1;
    let mut next = start;
    while let Some(offset) = memchr::memchr2(quote, b'\\', text.get(next..).unwrap_or_default()) {
        let stop = next + offset;
        if text[stop] == quote {
            return start..stop;
        }
        next = stop + 2;
    }
    start..text.len()
}

/// Takes out every string of the list that begins at `at`.
fn list(text: &[u8], mut at: usize, kind: Kind, found: &mut Vec<Found>) {
    for _ in 0..MOST_ITEMS {
        at += run(near(text, at), |byte| {
            byte.is_ascii_whitespace() || byte == b','
        });
        let Some(&quote @ (b'"' | b'\'')) = text.get(at) else {
            return;
        };
        let item = quoted(text, at, quote);
        at = (item.end + 1).min(text.len());
        push(text, item, kind, found);
    }
}

/// A value without quotes.
fn bare(
    text: &[u8],
    name: &Range<usize>,
    place: &Place,
    strength: Strength,
    kind: Kind,
    found: &mut Vec<Found>,
) {
    let mut at = place.value;
    if kind == Kind::Authorization {
        let word = run(near(text, at), |byte| {
            byte.is_ascii_alphanumeric() || byte == b'-'
        });
        let is = |schemes: &[&str]| {
            text.get(at + word) == Some(&b' ')
                && schemes
                    .iter()
                    .any(|known| text[at..at + word].eq_ignore_ascii_case(known.as_bytes()))
        };
        if is(LONG_SCHEMES) {
            push(text, at..at + line_len(&text[at..]), kind, found);
            return;
        }
        if is(SHORT_SCHEMES) {
            at += word + 1;
        }
    }
    // Marks of an earlier pass are no values.
    let mut rest = at;
    while let Some(len) = mark_len(&text[rest..]) {
        rest += len;
    }
    // The punctuation of a sentence is not the value's; in `name=value` it is.
    let kept = |value: &[u8]| {
        let sentence = value.iter().rev();
        let sentence = sentence.take_while(|byte| b".:!?".contains(byte)).count();
        value.len() - if place.tight { 0 } else { sentence }
    };
    let value = near(text, rest);
    let value = &value[..value_len(value)];
    let value = &value[..kept(value)];
    let header = text[name.clone()].contains(&b'-');
    let certain = strength == Strength::Certain;
    let fits = if certain && (place.tight || header) {
        !value.is_empty()
    } else {
        plausible(value, if certain { 4 } else { 8 })
    };
    if fits && !speaks_of_it(value) && !masked(value) {
        let whole = &text[rest..rest + value_len(&text[rest..])];
        push(text, at..rest + kept(whole), kind, found);
    }
}

/// "API key provided: …", "token 'abc…' is not valid": the value after a few words, if it looks random.
fn in_prose(text: &[u8], at: usize) -> Option<Range<usize>> {
    let value = prose(text, at);
    let (at, len) = (value.start, value.len());
    let value = &text[value];
    let plain = value.iter().all(u8::is_ascii_alphanumeric);
    let classes = [
        u8::is_ascii_digit,
        u8::is_ascii_lowercase,
        u8::is_ascii_uppercase,
    ];
    let classes = classes
        .iter()
        .filter(|class| value.iter().any(*class))
        .count();
    let random =
        (len >= 16 && classes == 3) || (len >= 24 && plain && classes == 2 && looks_random(value));
    let ends = text
        .get(at + len)
        .is_none_or(|byte| !b"*:@".contains(byte) || len >= 24);
    (random && ends).then(|| at..at + run(&text[at..], in_prose_value))
}

/// Where the value would stand behind a name that ends at `at`, after a few words.
fn prose(text: &[u8], mut at: usize) -> Range<usize> {
    for _ in 0..3 {
        let len = run(near(text, at + 1), |byte| byte.is_ascii_alphabetic());
        let word = &near(text, at + 1)[..len];
        if text.get(at) != Some(&b' ')
            || !FILLERS
                .iter()
                .any(|filler| word.eq_ignore_ascii_case(filler.as_bytes()))
        {
            break;
        }
        at += 1 + len;
    }
    at += run(near(text, at), |byte| matches!(byte, b':' | b'=')).min(1);
    at += run(near(text, at), |byte| byte == b' ').min(2);
    at += usize::from(text.get(at).is_some_and(|byte| b"'\"`(".contains(byte)));
    at..at + run(near(text, at), in_prose_value)
}

fn in_prose_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-+/=".contains(&byte)
}

/// Whether a value looks like a credential and not like a word, a name or a number of prose.
fn plausible(value: &[u8], least: usize) -> bool {
    if value.len() < least || value.iter().any(u8::is_ascii_whitespace) {
        return false;
    }
    let digit = value.iter().any(u8::is_ascii_digit);
    let sign = value
        .iter()
        .any(|byte| b"!@#$%^&+/=~|".contains(byte) || !byte.is_ascii());
    let word = value.iter().all(u8::is_ascii_alphabetic);
    digit || sign || (value.len() >= 12 && looks_random(value)) || (word && value.len() >= 24)
}

/// Whether a value is program text or a word about values.
fn speaks_of_it(value: &[u8]) -> bool {
    if NO_VALUES
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
    {
        return true;
    }
    let path = run(value, |byte| {
        byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.')
    });
    let call = path > 0 && matches!(value.get(path), Some(b'(' | b'['));
    let dotted = path == value.len() && value.contains(&b'.');
    let variable = match value {
        [b'$', rest @ ..] => rest
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || b"_{}(".contains(byte)),
        [b'<' | b'{', ..] => true,
        _ => false,
    };
    call || dotted || variable
}

/// Whether a provider has already masked it: stars or dots with little left around them.
fn masked(value: &[u8]) -> bool {
    let masked = [&b"***"[..], b"...", "…".as_bytes()]
        .iter()
        .any(|mask| memchr::memmem::find(value, mask).is_some());
    let longest = value
        .split(|byte| matches!(byte, b'*' | b'.') || !byte.is_ascii())
        .map(<[u8]>::len)
        .max();
    masked && longest.unwrap_or(0) <= 12
}

/// Where an unquoted value ends. A backslash belongs to it unless it begins an escape sequence.
fn value_len(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let ends = match byte {
            b'\\' => !text
                .get(at + 1)
                .is_some_and(|next| next.is_ascii_alphanumeric() && !b"nrtbfux".contains(next)),
            b'"' | b'\'' | b'`' | b',' | b';' | b'<' | b'>' | b')' | b'}' | b']' | b'&' => true,
            byte => byte.is_ascii_whitespace(),
        };
        if ends {
            break;
        }
        at += 1;
    }
    at
}

/// To the end of the line or of the string it stands in.
fn line_len(text: &[u8]) -> usize {
    text.iter()
        .take_while(|byte| !b"\n\r\"'`\\".contains(byte))
        .count()
}

/// Keeps a find unless it is empty or is nothing but marks of an earlier pass.
fn push(text: &[u8], range: Range<usize>, kind: Kind, found: &mut Vec<Found>) {
    let mut rest = &text[range.clone()];
    while let Some(len) = mark_len(rest) {
        rest = &rest[len..];
    }
    if !rest.is_empty() {
        found.push(Found::new(range, kind));
    }
}
