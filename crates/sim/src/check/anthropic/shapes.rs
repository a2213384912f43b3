//! The fields of the Anthropic Messages API, as its reference lists them.

use super::super::shape::{
    Field,
    Presence::{May, Need},
    Shape::{self, Any, Flag, List, Map, Number, Object, Tagged, Text, TextOr, Whole, Word},
};

const CACHE: Field = (
    "cache_control",
    May,
    Tagged(
        "type",
        "",
        &[("ephemeral", Object(&[("ttl", May, Word(&["5m", "1h"]))]))],
    ),
);

const TOOLSET: Field = ("toolset_name", May, Text);

const TEXT: Shape = Object(&[("text", Need, Text), CACHE, ("citations", May, Any)]);

const IMAGE: Shape = Object(&[
    (
        "source",
        Need,
        Tagged(
            "type",
            "",
            &[
                (
                    "base64",
                    Object(&[
                        (
                            "media_type",
                            Need,
                            Word(&["image/jpeg", "image/png", "image/gif", "image/webp"]),
                        ),
                        ("data", Need, Text),
                    ]),
                ),
                ("url", Object(&[("url", Need, Text)])),
                ("file", Object(&[("file_id", Need, Text)])),
            ],
        ),
    ),
    CACHE,
    ("transformations", May, Any),
]);

const DOCUMENT: Shape = Object(&[
    (
        "source",
        Need,
        Tagged(
            "type",
            "",
            &[
                (
                    "base64",
                    Object(&[
                        ("media_type", Need, Word(&["application/pdf"])),
                        ("data", Need, Text),
                    ]),
                ),
                (
                    "text",
                    Object(&[
                        ("media_type", Need, Word(&["text/plain"])),
                        ("data", Need, Text),
                    ]),
                ),
                ("content", Object(&[("content", Need, Any)])),
                ("url", Object(&[("url", Need, Text)])),
                ("file", Object(&[("file_id", Need, Text)])),
            ],
        ),
    ),
    CACHE,
    ("citations", May, Object(&[("enabled", May, Flag)])),
    ("context", May, Text),
    ("title", May, Text),
]);

const SEARCH_RESULT: Shape = Object(&[
    ("source", Need, Text),
    ("title", Need, Text),
    ("content", Need, List(&Any)),
    CACHE,
    ("citations", May, Any),
]);

static SYSTEM: Shape = List(&Tagged("type", "", &[("text", TEXT)]));

static RESULT: Shape = List(&Tagged(
    "type",
    "",
    &[
        ("text", TEXT),
        ("image", IMAGE),
        ("document", DOCUMENT),
        ("search_result", SEARCH_RESULT),
        ("tool_reference", Any),
        ("browser_state", Any),
    ],
));

static BLOCKS: Shape = List(&Tagged(
    "type",
    "",
    &[
        ("text", TEXT),
        ("image", IMAGE),
        ("document", DOCUMENT),
        ("search_result", SEARCH_RESULT),
        (
            "thinking",
            Object(&[("thinking", Need, Text), ("signature", Need, Text)]),
        ),
        ("redacted_thinking", Object(&[("data", Need, Text)])),
        (
            "tool_use",
            Object(&[
                ("id", Need, Text),
                ("name", Need, Text),
                ("input", Need, Map(&Any)),
                CACHE,
                ("caller", May, Any),
                TOOLSET,
            ]),
        ),
        (
            "tool_result",
            Object(&[
                ("tool_use_id", Need, Text),
                ("content", May, TextOr(&RESULT)),
                ("is_error", May, Flag),
                CACHE,
                TOOLSET,
            ]),
        ),
        ("server_tool_use", Any),
        ("web_search_tool_result", Any),
        ("web_fetch_tool_result", Any),
        ("code_execution_tool_result", Any),
        ("bash_code_execution_tool_result", Any),
        ("text_editor_code_execution_tool_result", Any),
        ("tool_search_tool_result", Any),
        ("container_upload", Any),
        ("mcp_tool_use", Any),
        ("mcp_tool_result", Any),
        ("mcp_tool_listing", Any),
        ("advisor_tool_result", Any),
        ("compaction", Any),
        ("fallback", Any),
        ("tool_addition", Any),
        ("tool_removal", Any),
    ],
));

static MESSAGE: Shape = Object(&[
    ("role", Need, Word(&["user", "assistant", "system"])),
    ("content", Need, TextOr(&BLOCKS)),
]);

static TOOL: Shape = Tagged(
    "type",
    "custom",
    &[
        (
            "custom",
            Object(&[
                ("name", Need, Text),
                ("description", May, Text),
                ("input_schema", Need, Map(&Any)),
                CACHE,
                ("strict", May, Flag),
                ("defer_loading", May, Flag),
                ("allowed_callers", May, Any),
                ("eager_input_streaming", May, Flag),
                ("input_examples", May, Any),
            ]),
        ),
        ("advisor_*", Any),
        ("bash_*", Any),
        ("browser_*", Any),
        ("code_execution_*", Any),
        ("computer_*", Any),
        ("memory_*", Any),
        ("text_editor_*", Any),
        ("tool_search_tool_*", Any),
        ("web_fetch_*", Any),
        ("web_search_*", Any),
        ("mcp_toolset", Any),
    ],
);

const PARALLEL: Field = ("disable_parallel_tool_use", May, Flag);

const CHOICE: Shape = Tagged(
    "type",
    "",
    &[
        ("auto", Object(&[PARALLEL])),
        ("any", Object(&[PARALLEL])),
        ("tool", Object(&[("name", Need, Text), PARALLEL])),
        ("none", Object(&[])),
    ],
);

const DISPLAY: Field = ("display", May, Word(&["summarized", "omitted", "updates"]));
const BINDING: Field = ("block_binding", May, Any);

const THINKING: Shape = Tagged(
    "type",
    "",
    &[
        (
            "enabled",
            Object(&[("budget_tokens", Need, Whole), DISPLAY, BINDING]),
        ),
        ("adaptive", Object(&[DISPLAY, BINDING])),
        ("between_tools", Object(&[])),
        ("disabled", Object(&[])),
    ],
);

const OUTPUT: Shape = Object(&[
    (
        "effort",
        May,
        Word(&["low", "medium", "high", "xhigh", "max"]),
    ),
    (
        "format",
        May,
        Tagged(
            "type",
            "",
            &[("json_schema", Object(&[("schema", Need, Map(&Any))]))],
        ),
    ),
    ("task_budget", May, Any),
]);

macro_rules! messages {
    ($($more:expr),* $(,)?) => {
        Object(&[
            ("model", Need, Text),
            ("messages", Need, List(&MESSAGE)),
            ("max_tokens", Need, Whole),
            ("container", May, Any),
            ("diagnostics", May, Any),
            ("inference_geo", May, Text),
            ("metadata", May, Object(&[("user_id", May, Text)])),
            ("output_config", May, OUTPUT),
            ("service_tier", May, Word(&["auto", "standard_only"])),
            ("speed", May, Word(&["standard", "fast"])),
            ("stop_sequences", May, List(&Text)),
            ("stream", May, Flag),
            ("system", May, TextOr(&SYSTEM)),
            ("temperature", May, Number),
            ("thinking", May, THINKING),
            ("tool_choice", May, CHOICE),
            ("tools", May, List(&TOOL)),
            ("top_k", May, Whole),
            ("top_p", May, Number),
            ("user_profile_id", May, Text),
            ("workspace_id", May, Text),
            CACHE,
            $($more,)*
        ])
    };
}

/// `POST /v1/messages`
pub static MESSAGES: Shape = messages!();

/// The same for betas. A `thread` is not among them: nothing is held here between requests.
pub static MESSAGES_BETA: Shape = messages!(
    ("billing_policy", May, Any),
    ("compaction", May, Any),
    ("context_management", May, Any),
    ("fallback_credit_token", May, Text),
    ("fallbacks", May, Any),
    ("mcp_servers", May, Any),
    ("output_format", May, Any),
);

/// `POST /v1/messages/count_tokens`
pub static COUNT_TOKENS: Shape = Object(&[
    ("model", Need, Text),
    ("messages", Need, List(&MESSAGE)),
    ("context_management", May, Any),
    ("mcp_servers", May, Any),
    ("output_config", May, OUTPUT),
    ("speed", May, Word(&["standard", "fast"])),
    ("system", May, TextOr(&SYSTEM)),
    ("thinking", May, THINKING),
    ("tool_choice", May, CHOICE),
    ("tools", May, List(&TOOL)),
    ("user_profile_id", May, Text),
    ("workspace_id", May, Text),
    CACHE,
]);
