//! Prompts and answers of every kind that some dialects can say.
//!
//! [`Can`] says what a dialect has words for. What two of them can say is [`Can::both`]; what is generated for
//! it must come back from either unchanged, but for what [`Can::forget`] takes out: labels and defaults that
//! one side says and the other does not.

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::Number;
use waybill_wire::translate::{
    talk::{
        Amount, Answer, Content, Delta, Effort, Format, Maker, Media, MediaKind, Opening, Part,
        Prompt, Role, Signature, Source, Stop, Thinking, Thought, Tokens, Tool, ToolCall,
        ToolChoice, ToolResult, Turn,
    },
    text::{Json, Text},
};

/// What a dialect can say, and what it keeps.
#[derive(Debug, Clone, Copy)]
pub struct Can {
    /// Several texts of the system prompt stay apart.
    pub systems: bool,
    /// Neighbouring texts of a turn stay apart.
    pub texts: bool,
    /// The same of an answer.
    pub answer_texts: bool,
    /// Pictures in base64.
    pub images: bool,
    /// Pictures by address.
    pub image_urls: bool,
    /// PDFs in base64.
    pub pdfs: bool,
    /// Documents in plain text.
    pub plain: bool,
    /// Titles of documents are kept.
    pub titles: bool,
    /// Ids of calls are kept.
    pub call_ids: bool,
    /// Pictures in results of tools.
    pub result_images: bool,
    /// Several parts in a result.
    pub result_parts: bool,
    /// Several texts in a result stay apart.
    pub result_texts: bool,
    /// Whether a tool failed is kept.
    pub result_errors: bool,
    /// Thoughts in requests with a proof of this maker.
    pub proofs: Option<Maker>,
    /// Thoughts in requests without a proof.
    pub unproven: bool,
    /// Whether the model is held to a tool's schema.
    pub tool_strict: bool,
    /// The same of a format's schema.
    pub schema_strict: bool,
    /// A format's schema has a name.
    pub schema_names: bool,
    /// Any JSON object as a format.
    pub json: bool,
    /// A schema as a format.
    pub schema: bool,
    /// Tools at once or one by one.
    pub parallel: bool,
    /// Every request says its longest answer.
    pub needs_max_tokens: bool,
    /// Sampling.
    pub top_k: bool,
    /// Sampling.
    pub seed: bool,
    /// Sampling.
    pub penalties: bool,
    /// How many texts end an answer; 0: none.
    pub stops: usize,
    /// Who asks.
    pub user: bool,
    /// The body says that it is to be streamed.
    pub stream: bool,
    /// Thinking in words.
    pub efforts: &'static [Effort],
    /// Thinking in tokens.
    pub budgets: bool,
    /// As the model sees fit.
    pub adaptive: bool,
    /// Not at all.
    pub off: bool,
    /// Whether the client wants to see thoughts.
    pub shown: bool,
    /// Thoughts in answers.
    pub thoughts: bool,
    /// Proofs of thoughts in answers, of any maker.
    pub thought_proofs: bool,
    /// Sealed thoughts.
    pub sealed: bool,
    /// Gemini's proofs of calls.
    pub call_proofs: bool,
    /// Refusals in the model's own words.
    pub refusals: bool,
    /// Which text ended the answer.
    pub ended_by: bool,
    /// An answer that must not be said, and the word for why.
    pub refused: bool,
    /// The same.
    pub refused_why: bool,
    /// Tokens put into a cache.
    pub cache_write: bool,
    /// Tokens that were thought.
    pub thought_tokens: bool,
}

/// Anthropic Messages.
pub const MESSAGES: Can = Can {
    systems: true,
    texts: true,
    answer_texts: true,
    images: true,
    image_urls: true,
    pdfs: true,
    plain: true,
    titles: true,
    call_ids: true,
    result_images: true,
    result_parts: true,
    result_texts: true,
    result_errors: true,
    proofs: Some(Maker::Anthropic),
    unproven: false,
    tool_strict: true,
    schema_strict: false,
    schema_names: false,
    json: false,
    schema: true,
    parallel: true,
    needs_max_tokens: true,
    top_k: true,
    seed: false,
    penalties: false,
    stops: 4,
    user: true,
    stream: true,
    efforts: &[
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::XHigh,
        Effort::Max,
    ],
    budgets: true,
    adaptive: true,
    off: true,
    shown: true,
    thoughts: true,
    thought_proofs: true,
    sealed: true,
    call_proofs: true,
    refusals: false,
    ended_by: true,
    refused: true,
    refused_why: true,
    cache_write: true,
    thought_tokens: true,
};

/// OpenAI Chat Completions.
pub const CHAT: Can = Can {
    answer_texts: false,
    plain: false,
    titles: false,
    result_images: false,
    result_errors: false,
    proofs: None,
    schema_strict: true,
    schema_names: true,
    json: true,
    needs_max_tokens: false,
    top_k: false,
    seed: true,
    penalties: true,
    efforts: &[
        Effort::Minimal,
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::XHigh,
    ],
    budgets: false,
    adaptive: false,
    shown: false,
    thought_proofs: false,
    sealed: false,
    refusals: true,
    ended_by: false,
    refused_why: false,
    cache_write: false,
    ..MESSAGES
};

/// OpenAI Responses.
pub const RESPONSES: Can = Can {
    plain: false,
    titles: false,
    result_errors: false,
    proofs: Some(Maker::OpenAi),
    schema_strict: true,
    schema_names: true,
    json: true,
    needs_max_tokens: false,
    top_k: false,
    stops: 0,
    efforts: &[
        Effort::Minimal,
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::XHigh,
    ],
    budgets: false,
    adaptive: false,
    shown: false,
    refusals: true,
    ended_by: false,
    refused_why: false,
    cache_write: false,
    // Folded back where a client hands it back, not in answers: no account of OpenAI's gives any.
    call_proofs: false,
    ..MESSAGES
};

/// Gemini.
pub const GEMINI: Can = Can {
    // Its streams do not say where one text ends and the next begins.
    answer_texts: false,
    image_urls: false,
    // It has a word for every reason.
    refused_why: false,
    plain: false,
    titles: false,
    call_ids: false,
    proofs: Some(Maker::Gemini),
    tool_strict: false,
    json: true,
    parallel: false,
    needs_max_tokens: false,
    seed: true,
    penalties: true,
    user: false,
    stream: false,
    efforts: &[],
    shown: false,
    sealed: false,
    ended_by: false,
    cache_write: false,
    result_texts: false,
    ..MESSAGES
};

impl Can {
    /// What both can say.
    pub fn both(self, other: Can) -> Can {
        let efforts = if self.efforts.len() <= other.efforts.len() {
            (self.efforts, other.efforts)
        } else {
            (other.efforts, self.efforts)
        };
        macro_rules! both {
            ($($field:ident),*) => {
                Can {
                    $($field: self.$field && other.$field,)*
                    proofs: self.proofs.filter(|maker| other.proofs == Some(*maker)),
                    needs_max_tokens: self.needs_max_tokens || other.needs_max_tokens,
                    stops: self.stops.min(other.stops),
                    efforts: common(efforts.0, efforts.1),
                }
            };
        }
        both!(
            systems,
            texts,
            answer_texts,
            images,
            image_urls,
            pdfs,
            plain,
            titles,
            call_ids,
            result_images,
            result_parts,
            result_texts,
            result_errors,
            unproven,
            tool_strict,
            schema_strict,
            schema_names,
            json,
            schema,
            parallel,
            top_k,
            seed,
            penalties,
            user,
            stream,
            budgets,
            adaptive,
            off,
            shown,
            thoughts,
            thought_proofs,
            sealed,
            call_proofs,
            refusals,
            ended_by,
            refused,
            refused_why,
            cache_write,
            thought_tokens
        )
    }

    /// Takes out what one side does not keep, and defaults that may be left unsaid.
    pub fn forget(self, prompt: &mut Prompt<'_>) {
        for tool in &mut prompt.tools {
            tool.strict = tool.strict.filter(|strict| self.tool_strict && *strict);
        }
        if let Some(Format::Schema { name, strict, .. }) = &mut prompt.format {
            *name = name.take().filter(|_| self.schema_names);
            *strict = strict.filter(|_| self.schema_strict);
        }
        if let Some(thinking) = &mut prompt.thinking {
            thinking.shown = thinking.shown.filter(|_| self.shown);
        }
        prompt.tool_choice = prompt
            .tool_choice
            .take()
            .filter(|choice| *choice != ToolChoice::Auto);
        prompt.parallel_tool_calls = prompt.parallel_tool_calls.filter(|parallel| !parallel);
        prompt.stream &= self.stream;
        prompt.stream_usage = false;
        let mut ids = Ids::default();
        for part in prompt.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
            match &mut part.content {
                Content::ToolCall(call) if !self.call_ids => call.id = ids.called(&call.id),
                Content::ToolResult(result) => {
                    result.name = None;
                    if !self.call_ids {
                        result.id = ids.answered(&result.id);
                    }
                }
                Content::Media(media) => media.name = media.name.take().filter(|_| self.titles),
                Content::ToolCall(_)
                | Content::Text(_)
                | Content::Thinking(_)
                | Content::Refusal(_) => {}
            }
        }
    }

    /// The same of answers.
    pub fn forget_in_answer(self, answer: &mut Answer<'_>) {
        // Some give every id the form that their clients know.
        answer.id = None;
        if let Stop::Refused(why) = &mut answer.stop {
            *why = why.take().filter(|_| self.refused_why);
        }
        let mut ids = Ids::default();
        for part in &mut answer.parts {
            match &mut part.content {
                Content::ToolCall(call) if !self.call_ids => call.id = ids.called(&call.id),
                Content::ToolCall(_)
                | Content::Text(_)
                | Content::Media(_)
                | Content::ToolResult(_)
                | Content::Thinking(_)
                | Content::Refusal(_) => {}
            }
        }
    }
}

/// Names calls in the order in which they were made.
#[derive(Default)]
struct Ids(Vec<String>);

impl Ids {
    fn called(&mut self, id: &str) -> Text<'static> {
        self.0.push(id.to_owned());
        Text::from(format!("call {}", self.0.len()))
    }

    fn answered(&self, id: &str) -> Text<'static> {
        let place = self.0.iter().rposition(|known| known == id);
        Text::from(place.map_or_else(
            || format!("unknown {id}"),
            |place| format!("call {}", place + 1),
        ))
    }
}

fn common(few: &'static [Effort], many: &'static [Effort]) -> &'static [Effort] {
    // Efforts are ordered, and every dialect's are a run of them.
    let start = few.iter().position(|effort| many.contains(effort));
    let end = few.iter().rposition(|effort| many.contains(effort));
    match (start, end) {
        (Some(start), Some(end)) => &few[start..=end],
        _ => &[],
    }
}

/// Nothing, where it cannot be said.
fn maybe<T: std::fmt::Debug + Clone + 'static>(
    can: bool,
    some: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Option<T>> {
    if can {
        option::of(some).boxed()
    } else {
        Just(None).boxed()
    }
}

fn flag(can: bool) -> BoxedStrategy<bool> {
    if can {
        any::<bool>().boxed()
    } else {
        Just(false).boxed()
    }
}

/// A text with something to read in it, and with letters that JSON and streams escape.
fn words() -> impl Strategy<Value = Text<'static>> {
    "[a-zA-Z\"\\\\/é🌧][a-zA-Z0-9 .,\"\\\\\n\té—🌧]{0,12}[a-z]".prop_map(Text::from)
}

fn name() -> impl Strategy<Value = Text<'static>> {
    "[a-z][a-z_]{0,8}".prop_map(Text::from)
}

fn json(value: &serde_json::Value) -> Json<'static> {
    Json::parse(value.to_string()).unwrap()
}

fn arguments() -> impl Strategy<Value = Json<'static>> {
    proptest::collection::btree_map("[a-z]{1,5}", "[a-z\"\\\\é\n]{0,6}", 0..3)
        .prop_map(|fields| json(&serde_json::json!(fields)))
}

/// A schema that every dialect passes on as it is.
fn schema() -> impl Strategy<Value = Json<'static>> {
    proptest::collection::btree_map("[a-z]{1,6}", select(vec!["string", "integer", "boolean"]), 1..4).prop_map(|fields| {
        let properties = fields
            .iter()
            .map(|(name, kind)| (name.clone(), serde_json::json!({ "type": kind })))
            .collect::<serde_json::Map<_, _>>();
        let required = fields.keys().collect::<Vec<_>>();
        json(&serde_json::json!({ "type": "object", "properties": properties, "required": required }))
    })
}

fn number(highest: u32) -> impl Strategy<Value = Number> {
    // Quarters are exact in every format of numbers.
    (0..=highest * 4).prop_map(|quarters| Number::from_f64(f64::from(quarters) / 4.0).unwrap())
}

fn text(text: Text<'static>) -> Part<'static> {
    Content::Text(text).into()
}

fn media(
    kind: MediaKind,
    mime: Option<&'static str>,
    source: Source<'static>,
    name: Option<Text<'static>>,
) -> Part<'static> {
    let mime = mime.map(Text::from);
    Content::Media(Media {
        kind,
        mime,
        source,
        name,
    })
    .into()
}

/// What the user may show.
fn shown(can: Can) -> BoxedStrategy<Part<'static>> {
    let mut kinds = vec![words().prop_map(text).boxed()];
    if can.images {
        let image = |data: &'static str| {
            media(
                MediaKind::Image,
                Some("image/png"),
                Source::Base64(Text::from(data)),
                None,
            )
        };
        kinds.push(
            select(vec!["iVBORw0KGgo=", "R0lGODlhAQABAAAAACw="])
                .prop_map(image)
                .boxed(),
        );
    }
    if can.image_urls {
        let image = |url: String| media(MediaKind::Image, None, Source::Url(Text::from(url)), None);
        kinds.push(
            "https://example\\.com/[a-z]{1,8}\\.png"
                .prop_map(image)
                .boxed(),
        );
    }
    if can.pdfs {
        // A name where the dialect wants one; it is kept or forgotten.
        let pdf = |name| {
            let source = Source::Base64(Text::from("JVBERi0xLjcK"));
            media(
                MediaKind::Document,
                Some("application/pdf"),
                source,
                Some(name),
            )
        };
        kinds.push(
            "[a-z]{1,8}\\.pdf"
                .prop_map(Text::from)
                .prop_map(pdf)
                .boxed(),
        );
    }
    if can.plain {
        let plain = |words| {
            media(
                MediaKind::Document,
                Some("text/plain"),
                Source::Plain(words),
                None,
            )
        };
        kinds.push(words().prop_map(plain).boxed());
    }
    proptest::strategy::Union::new(kinds).boxed()
}

fn thought(can: Can) -> BoxedStrategy<Option<Part<'static>>> {
    let proof = |maker| {
        move |value: String| {
            Some(Signature {
                maker,
                value: Text::from(value),
            })
        }
    };
    let part = |(text, signature): (Text<'static>, Option<Signature<'static>>)| {
        let thought = Thought {
            text,
            signature,
            redacted: false,
        };
        Part::from(Content::Thinking(thought))
    };
    match can.proofs {
        Some(maker) => {
            option::of((words(), "[A-Za-z0-9+/]{8,20}".prop_map(proof(maker))).prop_map(part))
                .boxed()
        }
        None if can.unproven => option::of((words(), Just(None)).prop_map(part)).boxed(),
        None => Just(None).boxed(),
    }
}

/// One exchange: what the user says, what the model says, which tools it calls, what these answer.
#[derive(Debug, Clone)]
struct Round {
    user: Vec<Part<'static>>,
    thought: Option<Part<'static>>,
    said: Vec<Part<'static>>,
    calls: Vec<(Text<'static>, Json<'static>, Vec<Part<'static>>, bool)>,
}

fn round(can: Can) -> impl Strategy<Value = Round> {
    let texts = if can.texts { 3 } else { 2 };
    let result = result_parts(can);
    (
        vec(shown(can), 1..if can.texts { 3 } else { 2 }),
        thought(can),
        vec(words().prop_map(text), 1..texts),
        vec((name(), arguments(), result, flag(can.result_errors)), 0..3),
    )
        .prop_map(|(user, thought, said, calls)| Round {
            user,
            thought,
            said,
            calls,
        })
}

fn result_parts(can: Can) -> BoxedStrategy<Vec<Part<'static>>> {
    let text = words().prop_map(text);
    if !can.result_parts {
        return vec(text, 1..2).boxed();
    }
    if !can.result_images {
        return vec(text, 1..if can.result_texts { 3 } else { 2 }).boxed();
    }
    let image = Just(media(
        MediaKind::Image,
        Some("image/png"),
        Source::Base64(Text::from("iVBORw0KGgo=")),
        None,
    ));
    (text, option::of(image))
        .prop_map(|(text, image)| std::iter::once(text).chain(image).collect())
        .boxed()
}

/// Rounds as turns, ended by a last word of the user's.
fn turns(rounds: Vec<Round>, last: Part<'static>) -> Vec<Turn<'static>> {
    let mut turns = Vec::new();
    let mut user = Vec::new();
    for (at, round) in rounds.into_iter().enumerate() {
        user.extend(round.user);
        turns.push(Turn {
            role: Role::User,
            parts: std::mem::take(&mut user),
        });
        let mut parts = Vec::from_iter(round.thought);
        parts.extend(round.said);
        for (call, (name, arguments, result, is_error)) in round.calls.into_iter().enumerate() {
            let id = Text::from(format!("call_{at}_{call}"));
            user.push(Part::from(Content::ToolResult(ToolResult {
                id: id.clone(),
                name: None,
                parts: result,
                is_error,
            })));
            parts.push(Part::from(Content::ToolCall(ToolCall {
                id,
                name,
                arguments,
                signature: None,
            })));
        }
        turns.push(Turn {
            role: Role::Assistant,
            parts,
        });
    }
    user.push(last);
    turns.push(Turn {
        role: Role::User,
        parts: user,
    });
    turns
}

fn tool(can: Can) -> impl Strategy<Value = Tool<'static>> {
    (
        name(),
        option::of(words()),
        schema(),
        maybe(can.tool_strict, any::<bool>()),
    )
        .prop_map(|(name, description, schema, strict)| Tool {
            name,
            description,
            parameters: Some(schema),
            strict,
        })
}

fn choice(
    can: Can,
    tools: &[Tool<'static>],
) -> BoxedStrategy<(Option<ToolChoice<'static>>, Option<bool>)> {
    let Some(tool) = tools.first() else {
        return Just((None, None)).boxed();
    };
    let choices = vec![
        ToolChoice::Auto,
        ToolChoice::Any,
        ToolChoice::Named(tool.name.clone()),
    ];
    let with = (
        select(choices).prop_map(Some),
        maybe(can.parallel, any::<bool>()),
    );
    prop_oneof![
        Just((None, None)),
        Just((Some(ToolChoice::None), None)),
        with
    ]
    .boxed()
}

fn thinking(can: Can) -> BoxedStrategy<Option<Thinking>> {
    let mut amounts = Vec::new();
    if !can.efforts.is_empty() {
        amounts.push(
            select(can.efforts.to_vec())
                .prop_map(Amount::Effort)
                .boxed(),
        );
    }
    if can.budgets {
        // The least that Anthropic takes, and less than any longest answer generated here.
        amounts.push((1_024u64..8_000).prop_map(Amount::Tokens).boxed());
    }
    if can.adaptive {
        amounts.push(Just(Amount::Adaptive).boxed());
    }
    if amounts.is_empty() {
        return Just(None).boxed();
    }
    let thinks = (
        proptest::strategy::Union::new(amounts),
        maybe(can.shown, any::<bool>()),
    );
    let thinks = thinks.prop_map(|(amount, shown)| Some(Thinking { amount, shown }));
    let off = can.off.then_some(Thinking {
        amount: Amount::Off,
        shown: None,
    });
    prop_oneof![Just(None), Just(off), thinks].boxed()
}

fn format(can: Can) -> BoxedStrategy<Option<Format<'static>>> {
    let mut formats = vec![Just(None).boxed()];
    if can.json {
        formats.push(Just(Some(Format::Json)).boxed());
    }
    if can.schema {
        let schema = (name(), schema()).prop_map(move |(name, schema)| {
            Some(Format::Schema {
                name: can.schema_names.then_some(name),
                description: None,
                schema,
                strict: Some(true),
            })
        });
        formats.push(schema.boxed());
    }
    proptest::strategy::Union::new(formats).boxed()
}

/// A prompt that says nothing that cannot be said.
pub fn prompt(can: Can) -> impl Strategy<Value = Prompt<'static>> {
    let systems = vec(words().prop_map(text), 0..if can.systems { 3 } else { 2 });
    let talk = (systems, vec(round(can), 0..3), shown(can));
    let longest = 10_000u64..60_000;
    let max_tokens = if can.needs_max_tokens {
        longest.prop_map(Some).boxed()
    } else {
        option::of(longest).boxed()
    };
    let sampling = (
        option::of(number(1)),
        option::of(number(1)),
        maybe(can.top_k, 1u64..100),
        maybe(can.seed, 0i64..1_000),
        maybe(can.penalties, number(1)),
        maybe(can.penalties, number(1)),
    );
    let rest = (
        max_tokens,
        vec(words(), 0..=can.stops),
        thinking(can),
        format(can),
        maybe(can.user, "[a-z0-9]{1,12}".prop_map(Text::from)),
        flag(can.stream),
    );
    let tools = vec(tool(can), 0..3).prop_flat_map(move |mut tools| {
        tools.sort_by(|one, other| one.name.cmp(&other.name));
        tools.dedup_by(|one, other| one.name == other.name);
        (choice(can, &tools), Just(tools))
    });
    (talk, tools, sampling, rest).prop_map(
        |(
            (system, rounds, last),
            ((tool_choice, parallel_tool_calls), tools),
            (temperature, top_p, top_k, seed, presence_penalty, frequency_penalty),
            (max_tokens, stop, thinking, format, user, stream),
        )| Prompt {
            system,
            turns: turns(rounds, last),
            tools,
            tool_choice,
            parallel_tool_calls,
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
            user,
            stream,
            stream_usage: false,
        },
    )
}

fn answered_thought(can: Can) -> BoxedStrategy<Option<Part<'static>>> {
    if !can.thoughts {
        return Just(None).boxed();
    }
    let makers = select(vec![Maker::Anthropic, Maker::OpenAi, Maker::Gemini]);
    let proof = maybe(can.thought_proofs, (makers, "[A-Za-z0-9+/]{8,20}"));
    (option::of(words()), proof)
        .prop_map(|(text, proof)| {
            let text = text?;
            let signature = proof.map(|(maker, value)| seal_of(maker, value));
            Some(Part::from(Content::Thinking(Thought {
                text,
                signature,
                redacted: false,
            })))
        })
        .boxed()
}

/// OpenAI's are read together with the id of their item.
fn seal_of(maker: Maker, value: String) -> Signature<'static> {
    let value = match maker {
        Maker::OpenAi => Text::from(format!("rs_1~{value}")),
        Maker::Anthropic | Maker::Gemini => Text::from(value),
    };
    Signature { maker, value }
}

fn sealed(can: Can) -> BoxedStrategy<Option<Part<'static>>> {
    // Gemini's seals before a call are the call's.
    let seal = (
        select(vec![Maker::Anthropic, Maker::OpenAi]),
        "[A-Za-z0-9+/]{8,20}",
    );
    let seal = seal.prop_map(|(maker, value)| {
        Part::from(Content::Thinking(Thought {
            text: Text::default(),
            signature: Some(seal_of(maker, value)),
            redacted: true,
        }))
    });
    maybe(can.sealed, seal)
}

fn called(
    can: Can,
) -> impl Strategy<Value = (Text<'static>, Json<'static>, Option<Signature<'static>>)> {
    let proof = maybe(can.call_proofs, "[A-Za-z0-9+/]{8,20}").prop_map(|value| {
        value.map(|value| Signature {
            maker: Maker::Gemini,
            value: Text::from(value),
        })
    });
    (name(), arguments(), proof)
}

fn stop(can: Can) -> BoxedStrategy<Stop<'static>> {
    let mut stops = vec![Just(Stop::End).boxed(), Just(Stop::MaxTokens).boxed()];
    if can.ended_by {
        stops.push(words().prop_map(|text| Stop::Sequence(Some(text))).boxed());
    }
    if can.refused {
        let why = maybe(can.refused_why, name());
        stops.push(why.prop_map(Stop::Refused).boxed());
    }
    proptest::strategy::Union::new(stops).boxed()
}

fn tokens(can: Can) -> impl Strategy<Value = Tokens> {
    let write = if can.cache_write { 0..1_000u64 } else { 0..1 };
    let thinking = if can.thought_tokens { 0..100u64 } else { 0..1 };
    (0..1_000u64, 0..1_000u64, write, 100..1_000u64, thinking).prop_map(
        |(input, cache_read, cache_write, output, thinking)| Tokens {
            input,
            cache_read,
            cache_write,
            output,
            thinking,
        },
    )
}

/// An answer that says nothing that cannot be said.
pub fn answer(can: Can) -> impl Strategy<Value = Answer<'static>> {
    let thinks = (answered_thought(can), sealed(can));
    let says = vec(words(), 1..if can.answer_texts { 3 } else { 2 });
    (
        thinks,
        says,
        vec(called(can), 0..3),
        stop(can),
        tokens(can),
        flag(can.refusals),
    )
        .prop_map(|((thought, sealed), says, calls, stop, tokens, declines)| {
            let mut parts = Vec::from_iter(thought.into_iter().chain(sealed));
            if declines {
                parts.extend(
                    says.into_iter()
                        .take(1)
                        .map(|words| Part::from(Content::Refusal(words))),
                );
            } else {
                parts.extend(says.into_iter().map(text));
            }
            let calls = if declines { Vec::new() } else { calls };
            let stop = match (declines, calls.is_empty()) {
                (true, _) => Stop::End,
                (false, true) => stop,
                (false, false) => Stop::ToolUse,
            };
            for (at, (name, arguments, signature)) in calls.into_iter().enumerate() {
                parts.push(Part::from(Content::ToolCall(ToolCall {
                    id: Text::from(format!("call_{at}")),
                    name,
                    arguments,
                    signature,
                })));
            }
            Answer {
                id: Some(Text::from("answer-1")),
                model: Some(Text::from("some-model")),
                parts,
                stop,
                tokens,
            }
        })
}

/// An answer as a provider streams it, in pieces of so many letters.
pub fn deltas(answer: &Answer<'_>, letters: usize) -> Vec<Delta<'static>> {
    let answer = owned_answer(answer);
    let mut all = vec![Delta::Begin {
        id: answer.id,
        model: answer.model,
        tokens: Tokens::default(),
    }];
    let pieces = |text: &str, all: &mut Vec<Delta<'static>>| {
        let text = text.chars().collect::<Vec<_>>();
        all.extend(
            text.chunks(letters)
                .map(|piece| Delta::More(Text::from(piece.iter().collect::<String>()))),
        );
    };
    for part in answer.parts {
        match part.content {
            Content::Text(text) => {
                all.push(Delta::Open(Opening::Text));
                pieces(&text, &mut all);
            }
            Content::Refusal(text) => {
                all.push(Delta::Open(Opening::Refusal));
                pieces(&text, &mut all);
            }
            Content::Thinking(thought) => {
                all.push(Delta::Open(Opening::Thinking {
                    redacted: thought.redacted,
                }));
                pieces(&thought.text, &mut all);
                all.extend(thought.signature.map(Delta::Signed));
            }
            Content::ToolCall(call) => {
                all.push(Delta::Open(Opening::ToolCall {
                    id: call.id,
                    name: call.name,
                }));
                all.extend(call.signature.map(Delta::Signed));
                pieces(call.arguments.get(), &mut all);
            }
            Content::Media(_) | Content::ToolResult(_) => panic!("not generated"),
        }
        all.push(Delta::Close);
    }
    all.push(Delta::End {
        stop: answer.stop,
        tokens: answer.tokens,
    });
    all
}

/// What a stream says, all in all.
pub fn whole(deltas: &[Delta<'_>]) -> Answer<'static> {
    let mut answer = Answer {
        id: None,
        model: None,
        parts: Vec::new(),
        stop: Stop::End,
        tokens: Tokens::default(),
    };
    let mut open: Option<(Opening<'static>, String, Option<Signature<'static>>)> = None;
    let mut ended = false;
    for (at, delta) in deltas.iter().cloned().map(owned).enumerate() {
        assert!(!ended, "{deltas:?} goes on after its end");
        assert_eq!(
            at == 0,
            matches!(delta, Delta::Begin { .. }),
            "{deltas:?} does not begin once"
        );
        match delta {
            Delta::Begin { id, model, .. } => (answer.id, answer.model) = (id, model),
            Delta::Open(opening) => {
                assert!(open.is_none(), "{deltas:?} opens two parts at once");
                open = Some((opening, String::new(), None));
            }
            Delta::More(text) => open.as_mut().expect("a part is open").1.push_str(&text),
            Delta::Signed(signature) => open.as_mut().expect("a part is open").2 = Some(signature),
            Delta::Close => {
                let (opening, text, signature) = open.take().expect("a part is open");
                answer.parts.push(part(opening, text, signature).into());
            }
            Delta::End { stop, tokens } => {
                assert!(open.is_none(), "{deltas:?} ends within a part");
                (answer.stop, answer.tokens) = (stop, tokens);
                ended = true;
            }
        }
    }
    assert!(ended, "{deltas:?} does not end");
    answer
}

fn part(
    opening: Opening<'static>,
    text: String,
    signature: Option<Signature<'static>>,
) -> Content<'static> {
    match opening {
        Opening::Text => Content::Text(Text::from(text)),
        Opening::Refusal => Content::Refusal(Text::from(text)),
        Opening::Thinking { redacted } => Content::Thinking(Thought {
            text: Text::from(text),
            signature,
            redacted,
        }),
        Opening::ToolCall { id, name } => Content::ToolCall(ToolCall {
            id,
            name,
            arguments: Json::parse(text).unwrap(),
            signature,
        }),
    }
}

fn owned_signature(signature: Signature<'_>) -> Signature<'static> {
    Signature {
        maker: signature.maker,
        value: signature.value.into_owned(),
    }
}

fn owned_stop(stop: Stop<'_>) -> Stop<'static> {
    match stop {
        Stop::End => Stop::End,
        Stop::MaxTokens => Stop::MaxTokens,
        Stop::ToolUse => Stop::ToolUse,
        Stop::Sequence(text) => Stop::Sequence(text.map(Text::into_owned)),
        Stop::Refused(why) => Stop::Refused(why.map(Text::into_owned)),
    }
}

/// A delta that keeps its own memory.
pub fn owned(delta: Delta<'_>) -> Delta<'static> {
    match delta {
        Delta::Begin { id, model, tokens } => Delta::Begin {
            id: id.map(Text::into_owned),
            model: model.map(Text::into_owned),
            tokens,
        },
        Delta::Open(opening) => Delta::Open(match opening {
            Opening::Text => Opening::Text,
            Opening::Refusal => Opening::Refusal,
            Opening::Thinking { redacted } => Opening::Thinking { redacted },
            Opening::ToolCall { id, name } => Opening::ToolCall {
                id: id.into_owned(),
                name: name.into_owned(),
            },
        }),
        Delta::More(text) => Delta::More(text.into_owned()),
        Delta::Signed(signature) => Delta::Signed(owned_signature(signature)),
        Delta::Close => Delta::Close,
        Delta::End { stop, tokens } => Delta::End {
            stop: owned_stop(stop),
            tokens,
        },
    }
}

/// An answer of texts, thoughts and calls that keeps its own memory.
fn owned_answer(answer: &Answer<'_>) -> Answer<'static> {
    let content = |content: &Content<'_>| match content.clone() {
        Content::Text(text) => Content::Text(text.into_owned()),
        Content::Refusal(text) => Content::Refusal(text.into_owned()),
        Content::Thinking(thought) => Content::Thinking(Thought {
            text: thought.text.into_owned(),
            signature: thought.signature.map(owned_signature),
            redacted: thought.redacted,
        }),
        Content::ToolCall(call) => Content::ToolCall(ToolCall {
            id: call.id.into_owned(),
            name: call.name.into_owned(),
            arguments: Json::parse(call.arguments.get().to_owned()).unwrap(),
            signature: call.signature.map(owned_signature),
        }),
        Content::Media(_) | Content::ToolResult(_) => panic!("not generated"),
    };
    Answer {
        id: answer.id.clone().map(Text::into_owned),
        model: answer.model.clone().map(Text::into_owned),
        parts: answer
            .parts
            .iter()
            .map(|part| content(&part.content).into())
            .collect(),
        stop: owned_stop(answer.stop.clone()),
        tokens: answer.tokens,
    }
}
