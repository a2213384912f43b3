//! The fields of the OpenAI Responses API, as its reference lists them.

use super::super::shape::{
    Field,
    Presence::{May, Need},
    Shape::{self, Any, Flag, List, Map, Number, Object, Tagged, Text, TextOr, Whole, Word},
};

const STATUS: Field = (
    "status",
    May,
    Word(&["in_progress", "completed", "incomplete"]),
);
const BREAKPOINT: Field = ("prompt_cache_breakpoint", May, Any);
const CALLER: Field = ("caller", May, Any);
const ID: Field = ("id", May, Text);

static PARTS: Shape = List(&Tagged(
    "type",
    "",
    &[
        ("input_text", Object(&[("text", Need, Text), BREAKPOINT])),
        (
            "input_image",
            Object(&[
                ("detail", May, Word(&["auto", "low", "high", "original"])),
                ("file_id", May, Text),
                ("image_url", May, Text),
                BREAKPOINT,
            ]),
        ),
        (
            "output_text",
            Object(&[
                ("text", Need, Text),
                ("annotations", May, List(&Any)),
                ("logprobs", May, List(&Any)),
            ]),
        ),
        ("refusal", Object(&[("refusal", Need, Text)])),
        (
            "input_file",
            Object(&[
                ("detail", May, Text),
                ("file_data", May, Text),
                ("file_id", May, Text),
                ("file_url", May, Text),
                ("filename", May, Text),
                BREAKPOINT,
            ]),
        ),
        ("input_audio", Any),
        ("computer_screenshot", Any),
        ("summary_text", Object(&[("text", Need, Text)])),
        ("reasoning_text", Object(&[("text", Need, Text)])),
    ],
));

static ITEM: Shape = Tagged(
    "type",
    "message",
    &[
        (
            "message",
            Object(&[
                (
                    "role",
                    Need,
                    Word(&["assistant", "system", "developer", "user"]),
                ),
                ("content", Need, TextOr(&PARTS)),
                ("phase", May, Text),
                ID,
                STATUS,
            ]),
        ),
        (
            "function_call",
            Object(&[
                ("call_id", Need, Text),
                ("name", Need, Text),
                ("arguments", Need, Text),
                ("namespace", May, Text),
                ("async", May, Flag),
                CALLER,
                ID,
                STATUS,
            ]),
        ),
        (
            "function_call_output",
            Object(&[
                ("call_id", Need, Text),
                ("output", Need, TextOr(&PARTS)),
                ("name", May, Text),
                ("namespace", May, Text),
                CALLER,
                ID,
                STATUS,
            ]),
        ),
        (
            "reasoning",
            Object(&[
                ("id", Need, Text),
                (
                    "summary",
                    Need,
                    List(&Tagged(
                        "type",
                        "",
                        &[("summary_text", Object(&[("text", Need, Text)]))],
                    )),
                ),
                ("content", May, List(&Any)),
                ("encrypted_content", May, Text),
                STATUS,
            ]),
        ),
        ("item_reference", Object(&[("id", Need, Text)])),
        ("custom_tool_call", Any),
        ("custom_tool_call_output", Any),
        ("web_search_call", Any),
        ("file_search_call", Any),
        ("computer_call", Any),
        ("computer_call_output", Any),
        ("image_generation_call", Any),
        ("code_interpreter_call", Any),
        ("local_shell_call", Any),
        ("local_shell_call_output", Any),
        ("shell_call", Any),
        ("shell_call_output", Any),
        ("apply_patch_call", Any),
        ("apply_patch_call_output", Any),
        ("mcp_call", Any),
        ("mcp_list_tools", Any),
        ("mcp_approval_request", Any),
        ("mcp_approval_response", Any),
        ("compaction", Any),
        ("compaction_trigger", Any),
        ("additional_tools", Any),
        ("configuration_update", Any),
        ("program", Any),
        ("program_output", Any),
        ("tool_search_call", Any),
        ("tool_search_output", Any),
    ],
);
static ITEMS: Shape = List(&ITEM);

static TOOL: Shape = Tagged(
    "type",
    "",
    &[
        (
            "function",
            Object(&[
                ("name", Need, Text),
                ("parameters", May, Map(&Any)),
                ("strict", May, Flag),
                ("description", May, Text),
                ("defer_loading", May, Flag),
                ("allowed_callers", May, Any),
                ("async", May, Flag),
                ("output_schema", May, Any),
            ]),
        ),
        ("file_search", Any),
        ("web_search*", Any),
        ("computer*", Any),
        ("mcp", Any),
        ("code_interpreter", Any),
        ("image_generation", Any),
        ("local_shell", Any),
        ("shell", Any),
        ("custom", Any),
        ("apply_patch", Any),
        ("namespace", Any),
        ("tool_search", Any),
        ("programmatic_tool_calling", Any),
    ],
);

static CHOICE: Shape = Tagged(
    "type",
    "",
    &[
        ("function", Object(&[("name", Need, Text)])),
        ("allowed_tools", Any),
        ("custom", Any),
        ("mcp", Any),
        ("file_search", Any),
        ("web_search*", Any),
        ("computer*", Any),
        ("image_generation", Any),
        ("code_interpreter", Any),
        ("apply_patch", Any),
        ("shell", Any),
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
            Object(&[
                ("name", Need, Text),
                ("schema", Need, Map(&Any)),
                ("description", May, Text),
                ("strict", May, Flag),
            ]),
        ),
    ],
);

/// The body of a request.
pub static BODY: Shape = Object(&[
    ("access_programs", May, Any),
    ("background", May, Flag),
    ("background_options", May, Any),
    ("context_management", May, Any),
    ("conversation", May, Any),
    ("image", May, Any),
    ("include", May, List(&Text)),
    ("input", May, TextOr(&ITEMS)),
    ("instructions", May, Text),
    ("max_output_tokens", May, Whole),
    ("max_tool_calls", May, Whole),
    ("metadata", May, Map(&Any)),
    ("model", May, Text),
    ("moderation", May, Any),
    ("parallel_tool_calls", May, Flag),
    ("previous_response_id", May, Text),
    ("prompt", May, Any),
    ("prompt_cache_key", May, Text),
    ("prompt_cache_options", May, Any),
    ("prompt_cache_retention", May, Text),
    (
        "reasoning",
        May,
        Object(&[
            (
                "effort",
                May,
                Word(&["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
            ),
            ("context", May, Word(&["auto", "current_turn", "all_turns"])),
            ("mode", May, Text),
            ("summary", May, Word(&["auto", "concise", "detailed"])),
            (
                "generate_summary",
                May,
                Word(&["auto", "concise", "detailed"]),
            ),
        ]),
    ),
    ("safety_identifier", May, Text),
    (
        "service_tier",
        May,
        Word(&["auto", "default", "flex", "scale", "priority", "fast"]),
    ),
    ("store", May, Flag),
    ("stream", May, Flag),
    (
        "stream_options",
        May,
        Object(&[("include_obfuscation", May, Flag)]),
    ),
    ("temperature", May, Number),
    (
        "text",
        May,
        Object(&[
            ("format", May, FORMAT),
            ("verbosity", May, Word(&["low", "medium", "high"])),
        ]),
    ),
    ("tool_choice", May, TextOr(&CHOICE)),
    ("tools", May, List(&TOOL)),
    ("top_logprobs", May, Whole),
    ("top_p", May, Number),
    ("truncation", May, Word(&["auto", "disabled"])),
    ("user", May, Text),
]);
