#![allow(clippy::unwrap_used, clippy::panic)]
//! How well failures of one kind come together: 10,000 failures drawn from a corpus of real provider errors,
//! where one is at hand (`WAYBILL_CORPUS`, else `../shared/corpus` beside the workspace), with other ids,
//! numbers and names in each. The corpus is not part of the repository; without it the test says so and passes.
//!
//! What is replaced, and by what, is decided here by plain looking at characters: nothing of it knows the
//! template's rules.

/// Prints past the test runner, which hides what a passing test says: the scores are to be seen.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use waybill_model::{
    fingerprint::{fingerprint, scope, template},
    protocol::Platform,
    redact::Redactor,
    time::UnixMillis,
};
use waybill_wire::error::read;

const SOME_DAY: UnixMillis = UnixMillis(1_775_000_000_000);
const FAILURES: usize = 10_000;

#[test]
fn failures_with_other_ids_numbers_and_names_fall_into_their_entries_classes() {
    let Some(entries) = corpus() else { return };
    for seed in [1, 2, 3] {
        score(&entries, seed);
    }
}

fn score(entries: &[Value], seed: u64) {
    let mut random = Random(seed);
    let twins = twins(entries);
    // By issue: how many failures of each class, and of each coarse class.
    let mut issues: HashMap<[u8; 16], BTreeMap<usize, usize>> = HashMap::new();
    let mut coarse: HashMap<[u8; 16], BTreeMap<String, usize>> = HashMap::new();
    let mut classes: BTreeMap<usize, BTreeSet<[u8; 16]>> = BTreeMap::new();
    let mut seen: BTreeMap<usize, BTreeMap<String, usize>> = BTreeMap::new();
    let redactor = Redactor::default();
    for _ in 0..FAILURES {
        let at = random.below(entries.len());
        let entry = &entries[at];
        let body = varied(entry, &mut random);
        let (key, shown) = key_of(entry, &body, &redactor);
        let class = twins[at];
        *issues.entry(key).or_default().entry(class).or_default() += 1;
        let word = entry["expect"]["class"].as_str().unwrap().to_owned();
        *coarse.entry(key).or_default().entry(word).or_default() += 1;
        classes.entry(class).or_default().insert(key);
        *seen.entry(class).or_default().entry(shown).or_default() += 1;
    }
    let purest = |counts: usize| counts as f64 / FAILURES as f64 * 100.0;
    let purity = purest(issues.values().filter_map(|of| of.values().max()).sum());
    let coarse = purest(coarse.values().filter_map(|of| of.values().max()).sum());
    let fragments: usize = classes.values().map(BTreeSet::len).sum();
    let fragmentation = fragments as f64 / classes.len() as f64;
    say!(
        "seed {seed}: {} failures of {} classes in {} issues: purity {purity:.2} % (of coarse classes {coarse:.2} %), \
         {fragmentation:.3} issues per class",
        FAILURES,
        classes.len(),
        issues.len()
    );
    for (class, keys) in classes.iter().filter(|(_, keys)| keys.len() > 1) {
        say!("  {} issues for {}:", keys.len(), entries[*class]["id"]);
        for (template, count) in seen[class].iter().take(4) {
            say!("    {count} {template}");
        }
    }
    for of in issues.values().filter(|of| of.len() > 1) {
        let ids: Vec<_> = of.keys().map(|class| &entries[*class]["id"]).collect();
        say!("  together: {ids:?}");
    }
    assert!(
        purity >= 97.0 && coarse >= 97.0,
        "purity {purity}, {coarse}"
    );
    assert!(fragmentation <= 1.2, "{fragmentation} issues per class");
}

fn key_of(entry: &Value, body: &str, redactor: &Redactor) -> ([u8; 16], String) {
    let status = entry["http_status"]
        .as_u64()
        .map(|status| u16::try_from(status).unwrap());
    let platform = platform(entry);
    let got = read(platform, status, &headers(entry), body.as_bytes(), SOME_DAY);
    let shown = redactor.text_bounded(&got.message, 2048);
    let template = template(shown.as_str());
    let key = fingerprint(
        platform,
        got.cause.info().phase,
        got.cause,
        scope(got.cause, Some(got.reach)),
        status,
        got.name.as_deref(),
        &template,
    );
    (key, format!("{} {:?} {template}", got.cause, got.name))
}

/// The class of each entry: its own, or the first that says the same. Two entries say the same if they have
/// the same platform, status, type and class, and all but a tenth of their words are the same.
fn twins(entries: &[Value]) -> Vec<usize> {
    let facts = |entry: &Value| {
        let expect = &entry["expect"];
        format!(
            "{:?} {} {} {}",
            platform(entry),
            entry["http_status"],
            expect["type"],
            expect["class"]
        )
    };
    let words = |entry: &Value| -> BTreeSet<String> {
        let text = entry["expect"]["message"].as_str().unwrap_or_default();
        text.split_whitespace()
            .filter(|token| {
                let inner = token.trim_end_matches(['.', ',', ':', ')']);
                !inner.contains(|c: char| c.is_ascii_digit() || c == '*' || c == '.')
            })
            .flat_map(|token| token.split(|char: char| !char.is_alphabetic()))
            .filter(|word| word.len() > 1)
            .map(str::to_lowercase)
            .collect()
    };
    let alike = |one: &Value, other: &Value| {
        let (a, b) = (words(one), words(other));
        let both = a.intersection(&b).count();
        facts(one) == facts(other) && both * 10 >= a.union(&b).count() * 9
    };
    (0..entries.len())
        .map(|at| {
            (0..at)
                .find(|earlier| alike(&entries[*earlier], &entries[at]))
                .unwrap_or(at)
        })
        .collect()
}

/// The entry's body with other ids, numbers and names in its message.
fn varied(entry: &Value, random: &mut Random) -> String {
    let body = entry["body"].as_str().unwrap();
    let message = entry["expect"]["message"].as_str().unwrap_or_default();
    let (mut old, mut new) = (message.to_owned(), vary(message, random));
    // As it stands, or as JSON in a string in JSON, up to three deep.
    for _ in 0..4 {
        if !old.is_empty() && body.contains(&old) {
            return body.replace(&old, &new);
        }
        (old, new) = (escaped(&old), escaped(&new));
    }
    body.to_owned()
}

fn escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Cuts a text at what cannot be part of a name, and puts something else in each place that asks for it.
fn vary(text: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut token = String::new();
    for char in text.chars().chain(['\0']) {
        if char.is_alphanumeric() || "-_./:@*%".contains(char) {
            token.push(char);
            continue;
        }
        let tail_at = token.trim_end_matches(['.', ':', '/', '-']).len();
        let tail = token.split_off(tail_at);
        out.push_str(&other(&token, random));
        out.push_str(&tail);
        token.clear();
        if char != '\0' {
            out.push(char);
        }
    }
    out
}

fn other(token: &str, random: &mut Random) -> String {
    let count = |has: fn(&char) -> bool| token.chars().filter(has).count();
    let (digits, letters) = (
        count(char::is_ascii_digit),
        count(char::is_ascii_alphabetic),
    );
    let has = |sign: char| token.contains(sign);
    if token.contains("***") {
        let (len, end) = (random.below(90) + 8, random.word(4));
        return format!(
            "{}{}{end}",
            random.pick(&["", "sk-", "key-", "sk-proj-"]),
            "*".repeat(len)
        );
    }
    if token.contains("://") {
        return match random.below(3) {
            0 => token.to_owned(),
            1 => format!("{token}/{}", random.word(9)),
            _ => format!("{token}?ref={}", random.id(10)),
        };
    }
    if let Some(at) = token.find("/projects/") {
        let rest = &token[at + "/projects/".len()..];
        let after = rest.find('/').map_or("", |slash| &rest[slash..]);
        return format!("{}/projects/{}{after}", &token[..at], random.name());
    }
    if has('@') {
        return format!("{}@{}.example.com", random.word(6), random.word(8));
    }
    // Numbers alone, with marks of thousands, fractions and units.
    if digits > 0 && letters == 0 && !has('/') {
        return match (has('.'), has(':'), has('-')) {
            // An HTTP status says what happened.
            (false, false, false) if token.len() == 3 && "45".contains(&token[..1]) => {
                token.to_owned()
            }
            (false, false, false) if digits >= 2 => random.number(),
            (true, false, false) => format!("{}.{}", random.below(900), random.below(1000)),
            (false, false, true) if digits == 8 => format!(
                "20{}-{:02}-{:02}",
                random.below(70) + 26,
                random.below(12) + 1,
                random.below(28) + 1
            ),
            (false, true, false) => format!("{:02}:{:02}", random.below(24), random.below(60)),
            _ => token.to_owned(),
        };
    }
    let is_span = token.starts_with(|first: char| first.is_ascii_digit())
        && !has('-')
        && token
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
            .chars()
            .all(|c| "hmsd".contains(c) || c.is_ascii_digit() || c == '.');
    if is_span {
        return match random.below(4) {
            0 => format!("{}ms", random.below(999) + 1),
            1 => format!("{}.{}s", random.below(59) + 1, random.below(99_999)),
            2 => format!("{}m{}s", random.below(59) + 1, random.below(60)),
            _ => format!(
                "{}h{}m{}s",
                random.below(23) + 1,
                random.below(60),
                random.below(60)
            ),
        };
    }
    if token.len() == 36 && token.matches('-').count() == 4 {
        return random.uuid();
    }
    // Places in a document: only the numbers move.
    let steps: Vec<&str> = token.split('.').collect();
    let whole_number = |step: &&&str| step.chars().all(|c| c.is_ascii_digit()) && !step.is_empty();
    if steps.len() > 2 && steps.iter().filter(whole_number).count() > 0 && !has('-') {
        let moved = steps.iter().map(|step| match whole_number(&step) {
            true => random.below(60).to_string(),
            false => (*step).to_owned(),
        });
        return moved.collect::<Vec<_>>().join(".");
    }
    let of_words = token.split('_').all(|part| {
        part.chars().all(char::is_alphabetic) || part.chars().all(|c| c.is_ascii_digit())
    });
    if !of_words && digits >= 3 && letters >= 6 && token.len() >= 18 && !has('.') && !has('/') {
        let prefix = token.find(['-', '_']).map_or("", |at| &token[..=at]);
        let len = random.below(24) + 14;
        return format!("{prefix}{}", random.id(len));
    }
    let words: Vec<&str> = token.split(['-', '/']).collect();
    let is_model = words.len() > 1
        && digits > 0
        && token.starts_with(|first: char| first.is_ascii_alphabetic())
        && !has('_')
        && !token.starts_with("Error");
    if is_model && token.len() > 6 {
        return random.model();
    }
    token.to_owned()
}

/// A small generator of numbers (SplitMix64): the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn of(&mut self, alphabet: &str, len: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..len)
            .map(|_| alphabet[self.below(alphabet.len())])
            .collect()
    }

    fn word(&mut self, most: usize) -> String {
        let len = self.below(most) + 3;
        self.of("abcdefghijklmnoprstuvwz", len)
    }

    /// As providers make them: base 62, hexadecimal, base 32.
    fn id(&mut self, len: usize) -> String {
        match self.below(3) {
            0 => self.of("0123456789abcdef", len),
            1 => self.of("0123456789ABCDEFGHJKMNPQRSTVWXYZ", len),
            _ => self.of(
                "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                len,
            ),
        }
    }

    fn uuid(&mut self) -> String {
        let mut part = |len| self.of("0123456789abcdef", len);
        format!(
            "{}-{}-{}-{}-{}",
            part(8),
            part(4),
            part(4),
            part(4),
            part(12)
        )
    }

    fn number(&mut self) -> String {
        let number = self.next() % 10_u64.pow(1 + u32::try_from(self.below(7)).unwrap());
        match self.below(4) {
            0 if number >= 1000 => format!("{},{:03}", number / 1000, number % 1000),
            _ => number.to_string(),
        }
    }

    fn name(&mut self) -> String {
        format!("{}-{}-{}", self.word(7), self.word(7), self.below(9999))
    }

    fn model(&mut self) -> String {
        let (number, size, date) = (
            self.below(9) + 1,
            self.below(400),
            20_250_101 + self.below(900),
        );
        match self.below(7) {
            0 => format!("gpt-{number}.{}", self.below(9)),
            1 => format!(
                "claude-{}-{number}-{date}",
                self.pick(&["opus", "sonnet", "haiku"])
            ),
            2 => format!(
                "gemini-{number}.{}-{}",
                self.below(9),
                self.pick(&["pro", "flash"])
            ),
            3 => format!("llama-{number}.3-{size}b-instruct"),
            4 => format!("{}-{}-{number}", self.word(6), self.word(5)),
            5 => format!("{}/{}-{number}.5-chat", self.word(6), self.word(6)),
            _ => format!("qwen{number}-{size}b"),
        }
    }
}

/// The account's platform that would have got this answer.
fn platform(entry: &Value) -> Platform {
    match entry["platform"].as_str().unwrap() {
        "anthropic" | "bedrock" | "edge" => Platform::Anthropic,
        "gemini" => Platform::Gemini,
        "antigravity" => Platform::Antigravity,
        _ => Platform::OpenAi,
    }
}

fn headers(entry: &Value) -> HeaderMap {
    let members = entry["headers"].as_object().into_iter().flatten();
    members
        .map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(&value).unwrap(),
            )
        })
        .collect()
}

fn corpus() -> Option<Vec<Value>> {
    let folder = std::env::var_os("WAYBILL_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(folder.join("errors.jsonl")) else {
        say!("skipped: no corpus in {}", folder.display());
        return None;
    };
    Some(
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}
