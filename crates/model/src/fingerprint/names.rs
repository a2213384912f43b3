//! What in a message is a name: of a model, a host, a person, a deployment.
//!
//! A name is known by its shape, or by the noun before it. Words that say *what* failed (fields of a
//! request, kinds of a limit) are no names, in quotes or not.

/// Families of models: a token with one of these among its letters, and a dash or a digit, is a model's name.
const FAMILIES: &[&str] = &[
    "gpt",
    "chatgpt",
    "codex",
    "davinci",
    "babbage",
    "whisper",
    "dall",
    "claude",
    "sonnet",
    "opus",
    "haiku",
    "gemini",
    "gemma",
    "imagen",
    "veo",
    "palm",
    "llama",
    "mistral",
    "mixtral",
    "ministral",
    "codestral",
    "pixtral",
    "magistral",
    "qwen",
    "qwq",
    "deepseek",
    "glm",
    "grok",
    "kimi",
    "moonshot",
    "minimax",
    "command",
    "nova",
    "titan",
    "jamba",
    "yi",
    "phi",
    "ernie",
    "hunyuan",
    "doubao",
    "step",
    "nemotron",
    "embedding",
    "sonar",
    "granite",
    "dbrx",
    "falcon",
    "hermes",
    "o1",
    "o3",
    "o4",
    "o5",
];

/// Second words of a model's name in prose: `Gemini 2.5 Pro`.
const EDITIONS: &[&str] = &[
    "pro", "flash", "lite", "ultra", "nano", "mini", "turbo", "sonnet", "opus", "haiku", "preview",
    "thinking", "instruct", "max", "plus", "large", "small", "medium",
];

/// Nouns that a name follows.
const NOUNS: &[&str] = &[
    "model",
    "models",
    "deployment",
    "engine",
    "organization",
    "organisation",
    "org",
    "project",
    "workspace",
    "team",
    "tenant",
    "account",
    "user",
    "consumer",
    "resource",
    "bucket",
    "region",
    "host",
    "server",
    "id",
    "cluster",
    "subscription",
    "endpoint",
    "enotfound",
    "for",
    "file",
    "domain",
    "namespace",
];

/// Collections: the step of a path after one of these is a name.
const COLLECTIONS: &[&str] = &[
    "projects",
    "models",
    "organizations",
    "orgs",
    "deployments",
    "locations",
    "engines",
    "accounts",
    "users",
    "workspaces",
    "files",
    "endpoints",
    "publishers",
    "regions",
    "teams",
    "tenants",
    "subscriptions",
    "resourcegroups",
    "batches",
    "assistants",
    "threads",
    "responses",
    "customers",
];

/// Ends of a host's name. Ways into a document have dots, too, and none of these ends.
const HOST_ENDS: &[&str] = &[
    "com", "net", "org", "io", "ai", "dev", "app", "cloud", "cn", "local", "internal", "invalid",
    "example", "test", "eu", "co", "sh", "svc",
];

/// Whether a token is a model's name by its shape: `gpt-4.1`, `claude-opus-4-20250514`, `z-ai/glm-5`.
pub(super) fn is_model(token: &str) -> bool {
    let letters_and_more = |has: fn(&u8) -> bool| token.bytes().any(|byte| has(&byte));
    if !token.starts_with(|first: char| first.is_ascii_alphanumeric())
        || !letters_and_more(|byte| byte.is_ascii_alphabetic())
        || token.contains("//")
    {
        return false;
    }
    let marked = letters_and_more(|byte| byte.is_ascii_digit() || *byte == b'-' || *byte == b'/');
    let lower = token.to_ascii_lowercase();
    let stems = || {
        lower
            .split(['-', '_', '.', '/', ':', '@'])
            .map(|part| part.trim_end_matches(|char: char| char.is_ascii_digit()))
            .chain(lower.split(['-', '_', '/', ':']))
    };
    // Words such as `rate-limit-model` have no number and no family.
    marked && !token.contains('_') && stems().any(|stem| FAMILIES.contains(&stem))
        || is_numbered_kebab(&lower)
        || is_vendors(&lower)
}

/// A vendor and its model, a number in the model's part: `acme/tiny-4.5-chat`.
fn is_vendors(token: &str) -> bool {
    token.split_once('/').is_some_and(|(vendor, model)| {
        !model.contains('/')
            && vendor.len() > 1
            && vendor
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
            && model.contains('-')
            && model.bytes().any(|byte| byte.is_ascii_digit())
    })
}

/// Three or more parts with dashes, the first a word, a number among them: `acme-large-7b-chat`.
fn is_numbered_kebab(token: &str) -> bool {
    let mut parts = token.split('-');
    let first = parts.next().is_some_and(|part| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    });
    first
        && parts.clone().count() >= 2
        && parts.clone().all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b':')
        })
        && parts.any(|part| part.starts_with(|first: char| first.is_ascii_digit()))
}

/// Whether a word is a family of models, as one writes it in prose.
pub(super) fn is_family(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    lower.len() > 3
        && FAMILIES.contains(&&*lower)
        && word.starts_with(|first: char| first.is_ascii_uppercase())
        || lower == "gpt"
}

/// Whether a word goes on a model's name in prose.
pub(super) fn is_edition(word: &str) -> bool {
    EDITIONS.contains(&&*word.to_ascii_lowercase())
}

/// Whether a name may follow a word.
pub(super) fn is_noun(word: &str) -> bool {
    NOUNS.contains(&&*word.to_ascii_lowercase())
}

/// Whether a quoted text after a noun is a name: after `for` only what has a name's shape.
pub(super) fn names_what_is_quoted(noun: &str) -> bool {
    is_noun(noun) && !noun.eq_ignore_ascii_case("for")
}

/// Whether a bare token after a noun is a name rather than the next word of the sentence.
pub(super) fn is_named(token: &str) -> bool {
    let bytes = token.as_bytes();
    bytes.len() > 1
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().any(u8::is_ascii_alphabetic)
        && bytes.iter().any(|byte| {
            byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':' | b'@')
        })
}

/// Whether a token is a host's name, with or without a port.
pub(super) fn is_host(token: &str) -> bool {
    let (host, port) = token.split_once(':').unwrap_or((token, ""));
    let mut labels = host.rsplit('.');
    let end = labels.next().unwrap_or_default().to_ascii_lowercase();
    let fits = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    port.bytes().all(|byte| byte.is_ascii_digit())
        && host.contains('.')
        && HOST_ENDS.contains(&&*end)
        && labels.all(fits)
}

/// Whether a token is an address of a person.
pub(super) fn is_address(token: &str) -> bool {
    token.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !host.contains('/')
    })
}

/// A path with steps, as `//host/projects/x/locations/y`: with the names among its steps taken out.
pub(super) fn without_names(path: &str, out: &mut String) -> bool {
    if !path.contains('/') {
        return false;
    }
    let mut after_collection = false;
    let mut any = false;
    let mut text = String::with_capacity(path.len());
    for (at, step) in path.split('/').enumerate() {
        if at > 0 {
            text.push('/');
        }
        let is_name = after_collection && !step.is_empty();
        any |= is_name;
        text.push_str(if is_name { "<id>" } else { step });
        after_collection = !is_name && COLLECTIONS.contains(&&*step.to_ascii_lowercase());
    }
    if any {
        out.push_str(&text);
    }
    any
}
