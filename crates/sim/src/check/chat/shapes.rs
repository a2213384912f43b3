//! The fields of the OpenAI Chat Completions API, as its reference lists them.

use super::super::shape::{
    Field,
    Presence::{May, Need},
    Shape::{self, Any, Flag, List, Map, Number, Object, Tagged, Text, TextOr, Whole, Word},
};

const BREAKPOINT: Field = ("prompt_cache_breakpoint", May, Any);
const TEXT_PART: (&str, Shape) = ("text", Object(&[("text", Need, Text), BREAKPOINT]));
static TEXTS: Shape = List(&Tagged("type", "", &[TEXT_PART]));
static PARTS: Shape = List(&Tagged(
    "type",
    "",
    &[
        TEXT_PART,
        (
            "image_url",
            Object(&[
                (
                    "image_url",
                    Need,
                    Object(&[
                        ("url", Need, Text),
                        ("detail", May, Word(&["auto", "low", "high", "original"])),
                    ]),
                ),
                BREAKPOINT,
            ]),
        ),
        (
            "input_audio",
            Object(&[
                (
                    "input_audio",
                    Need,
                    Object(&[
                        ("data", Need, Text),
                        ("format", Need, Word(&["wav", "mp3"])),
                    ]),
                ),
                BREAKPOINT,
            ]),
        ),
        (
            "file",
            Object(&[
                (
                    "file",
                    Need,
                    Object(&[
                        ("file_data", May, Text),
                        ("file_id", May, Text),
                        ("filename", May, Text),
                    ]),
                ),
                BREAKPOINT,
            ]),
        ),
    ],
));
static ASSISTANT_PARTS: Shape = List(&Tagged(
    "type",
    "",
    &[TEXT_PART, ("refusal", Object(&[("refusal", Need, Text)]))],
));
static CALLS: Shape = Tagged(
    "type",
    "",
    &[
        (
            "function",
            Object(&[
                ("id", Need, Text),
                // As it was in a stream's chunks.
                ("index", May, Whole),
                (
                    "function",
                    Need,
                    Object(&[
                        ("name", Need, Text),
                        ("arguments", Need, Text),
                        ("parsed_arguments", May, Any),
                    ]),
                ),
            ]),
        ),
        (
            "custom",
            Object(&[
                ("id", Need, Text),
                (
                    "custom",
                    Need,
                    Object(&[("name", Need, Text), ("input", Need, Text)]),
                ),
            ]),
        ),
    ],
);

const NAME: Field = ("name", May, Text);
const SYSTEM: Shape = Object(&[("content", Need, TextOr(&TEXTS)), NAME]);

static MESSAGE: Shape = Tagged(
    "role",
    "",
    &[
        ("system", SYSTEM),
        (
            "assistant",
            Object(&[
                ("content", May, TextOr(&ASSISTANT_PARTS)),
                NAME,
                ("refusal", May, Text),
                ("audio", May, Any),
                ("annotations", May, Any),
                // What the official SDKs send back of an answer they have parsed.
                ("parsed", May, Any),
                ("function_call", May, Any),
                ("tool_calls", May, List(&CALLS)),
            ]),
        ),
        ("user", Object(&[("content", Need, TextOr(&PARTS)), NAME])),
        (
            "function",
            Object(&[("content", May, Text), ("name", Need, Text)]),
        ),
        (
            "tool",
            Object(&[
                ("content", Need, TextOr(&TEXTS)),
                ("tool_call_id", Need, Text),
            ]),
        ),
        ("developer", SYSTEM),
    ],
);

static TOOL: Shape = Tagged(
    "type",
    "",
    &[
        (
            "function",
            Object(&[(
                "function",
                Need,
                Object(&[
                    ("name", Need, Text),
                    ("description", May, Text),
                    ("parameters", May, Map(&Any)),
                    ("strict", May, Flag),
                ]),
            )]),
        ),
        ("custom", Any),
    ],
);

static CHOICE: Shape = Tagged(
    "type",
    "",
    &[
        (
            "function",
            Object(&[("function", Need, Object(&[("name", Need, Text)]))]),
        ),
        ("allowed_tools", Any),
        ("custom", Any),
    ],
);

const FORMAT: Shape = Tagged(
    "type",
    "",
    &[
        ("text", Object(&[])),
        ("json_object", Object(&[])),
        (
            "json_schema",
            Object(&[(
                "json_schema",
                Need,
                Object(&[
                    ("name", Need, Text),
                    ("description", May, Text),
                    ("schema", May, Map(&Any)),
                    ("strict", May, Flag),
                ]),
            )]),
        ),
    ],
);

/// The body of a request.
pub static BODY: Shape = Object(&[
    ("messages", Need, List(&MESSAGE)),
    ("model", Need, Text),
    ("audio", May, Any),
    ("frequency_penalty", May, Number),
    ("function_call", May, Any),
    ("functions", May, Any),
    ("logit_bias", May, Map(&Number)),
    ("logprobs", May, Flag),
    ("max_completion_tokens", May, Whole),
    ("max_tokens", May, Whole),
    ("metadata", May, Map(&Any)),
    ("modalities", May, Any),
    ("moderation", May, Any),
    ("n", May, Whole),
    ("parallel_tool_calls", May, Flag),
    ("prediction", May, Any),
    ("presence_penalty", May, Number),
    ("prompt_cache_key", May, Text),
    ("prompt_cache_options", May, Any),
    ("prompt_cache_retention", May, Text),
    (
        "reasoning_effort",
        May,
        Word(&["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    ),
    ("response_format", May, FORMAT),
    ("safety_identifier", May, Text),
    ("seed", May, Whole),
    (
        "service_tier",
        May,
        Word(&["auto", "default", "flex", "scale", "priority", "fast"]),
    ),
    ("stop", May, TextOr(&List(&Text))),
    ("store", May, Flag),
    ("stream", May, Flag),
    (
        "stream_options",
        May,
        Object(&[
            ("include_usage", May, Flag),
            ("include_obfuscation", May, Flag),
        ]),
    ),
    ("temperature", May, Number),
    ("tool_choice", May, TextOr(&CHOICE)),
    ("tools", May, List(&TOOL)),
    ("top_logprobs", May, Whole),
    ("top_p", May, Number),
    ("user", May, Text),
    ("verbosity", May, Word(&["low", "medium", "high"])),
    ("web_search_options", May, Any),
]);
