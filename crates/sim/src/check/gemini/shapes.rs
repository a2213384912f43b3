//! The fields of the Gemini API, as its reference lists them.

use super::super::shape::{
    Field,
    Presence::May,
    Shape::{self, Any, Flag, List, Map, Number, Object, Of, Text, Whole, Word},
};

/// The part of OpenAPI's schema that the service knows.
static SCHEMA: Shape = Object(&[
    (
        "type",
        May,
        Word(&[
            "TYPE_UNSPECIFIED",
            "STRING",
            "NUMBER",
            "INTEGER",
            "BOOLEAN",
            "ARRAY",
            "OBJECT",
            "NULL",
        ]),
    ),
    ("format", May, Text),
    ("title", May, Text),
    ("description", May, Text),
    ("nullable", May, Flag),
    ("enum", May, List(&Text)),
    ("maxItems", May, Whole),
    ("minItems", May, Whole),
    ("properties", May, Map(&SCHEMA)),
    ("required", May, List(&Text)),
    ("minProperties", May, Whole),
    ("maxProperties", May, Whole),
    ("minLength", May, Whole),
    ("maxLength", May, Whole),
    ("pattern", May, Text),
    ("example", May, Any),
    ("anyOf", May, List(&SCHEMA)),
    ("propertyOrdering", May, List(&Text)),
    ("default", May, Any),
    ("items", May, Of(&SCHEMA)),
    ("minimum", May, Number),
    ("maximum", May, Number),
]);

static PART: Shape = Object(&[
    ("text", May, Text),
    (
        "inlineData",
        May,
        Object(&[
            ("mimeType", May, Text),
            ("data", May, Text),
            ("displayName", May, Text),
        ]),
    ),
    (
        "fileData",
        May,
        Object(&[
            ("mimeType", May, Text),
            ("fileUri", May, Text),
            ("displayName", May, Text),
        ]),
    ),
    (
        "functionCall",
        May,
        Object(&[
            ("id", May, Text),
            ("name", May, Text),
            ("args", May, Map(&Any)),
            ("partialArgs", May, Any),
            ("willContinue", May, Flag),
        ]),
    ),
    (
        "functionResponse",
        May,
        Object(&[
            ("id", May, Text),
            ("name", May, Text),
            ("response", May, Map(&Any)),
            ("parts", May, List(&Any)),
            ("willContinue", May, Flag),
            ("scheduling", May, Text),
        ]),
    ),
    ("executableCode", May, Any),
    ("codeExecutionResult", May, Any),
    ("toolCall", May, Any),
    ("toolResponse", May, Any),
    ("videoMetadata", May, Any),
    ("mediaResolution", May, Any),
    ("partMetadata", May, Any),
    ("audioMetadata", May, Any),
    ("audioTranscription", May, Any),
    ("documentMetadata", May, Any),
    ("mediaProcessing", May, Any),
    ("speechMetadata", May, Any),
    ("spreadsheetMetadata", May, Any),
    ("thought", May, Flag),
    ("thoughtSignature", May, Text),
]);

const CONTENT_FIELDS: &[Field] = &[("parts", May, List(&PART)), ("role", May, Text)];
static CONTENT: Shape = Object(CONTENT_FIELDS);

static FUNCTION: Shape = Object(&[
    ("name", May, Text),
    ("description", May, Text),
    (
        "behavior",
        May,
        Word(&["UNSPECIFIED", "BLOCKING", "NON_BLOCKING"]),
    ),
    ("parameters", May, Of(&SCHEMA)),
    ("parametersJsonSchema", May, Any),
    ("response", May, Of(&SCHEMA)),
    ("responseJsonSchema", May, Any),
]);

static TOOL: Shape = Object(&[
    ("functionDeclarations", May, List(&FUNCTION)),
    ("googleSearch", May, Any),
    ("googleSearchRetrieval", May, Any),
    ("codeExecution", May, Any),
    ("computerUse", May, Any),
    ("fileSearch", May, Any),
    ("googleMaps", May, Any),
    ("urlContext", May, Any),
    ("mcpServers", May, Any),
    ("enterpriseWebSearch", May, Any),
    ("exaAiSearch", May, Any),
    ("parallelAiSearch", May, Any),
    ("retrieval", May, Any),
]);

static SAFETY: Shape = Object(&[
    ("category", May, Text),
    (
        "threshold",
        May,
        Word(&[
            "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
            "BLOCK_LOW_AND_ABOVE",
            "BLOCK_MEDIUM_AND_ABOVE",
            "BLOCK_ONLY_HIGH",
            "BLOCK_NONE",
            "OFF",
        ]),
    ),
    ("method", May, Text),
]);

const CALLING: Field = (
    "toolConfig",
    May,
    Object(&[
        (
            "functionCallingConfig",
            May,
            Object(&[
                (
                    "mode",
                    May,
                    Word(&["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"]),
                ),
                ("allowedFunctionNames", May, List(&Text)),
                ("streamFunctionCallArguments", May, Flag),
            ]),
        ),
        ("retrievalConfig", May, Any),
        ("includeServerSideToolInvocations", May, Flag),
    ]),
);

const CONFIG: Field = (
    "generationConfig",
    May,
    Object(&[
        ("stopSequences", May, List(&Text)),
        ("responseMimeType", May, Text),
        ("responseSchema", May, Of(&SCHEMA)),
        ("responseJsonSchema", May, Any),
        ("responseModalities", May, List(&Text)),
        ("candidateCount", May, Whole),
        ("maxOutputTokens", May, Whole),
        ("temperature", May, Number),
        ("topP", May, Number),
        ("topK", May, Number),
        ("seed", May, Whole),
        ("presencePenalty", May, Number),
        ("frequencyPenalty", May, Number),
        ("responseLogprobs", May, Flag),
        ("logprobs", May, Whole),
        ("enableEnhancedCivicAnswers", May, Flag),
        ("speechConfig", May, Any),
        (
            "thinkingConfig",
            May,
            Object(&[
                ("includeThoughts", May, Flag),
                ("thinkingBudget", May, Whole),
                (
                    "thinkingLevel",
                    May,
                    Word(&[
                        "THINKING_LEVEL_UNSPECIFIED",
                        "MINIMAL",
                        "LOW",
                        "MEDIUM",
                        "HIGH",
                        "XHIGH",
                    ]),
                ),
            ]),
        ),
        ("imageConfig", May, Any),
        ("audioTranscriptionConfig", May, Any),
        ("enableAffectiveDialog", May, Flag),
        ("responseFormat", May, Any),
        ("translationConfig", May, Any),
        ("mediaResolution", May, Text),
        ("audioTimestamp", May, Flag),
        ("routingConfig", May, Any),
        ("modelSelectionConfig", May, Any),
    ]),
);

macro_rules! request {
    ($($more:expr),* $(,)?) => {
        Object(&[
            ("contents", May, List(&CONTENT)),
            ("systemInstruction", May, Object(CONTENT_FIELDS)),
            ("tools", May, List(&TOOL)),
            CALLING,
            ("safetySettings", May, List(&SAFETY)),
            CONFIG,
            ("cachedContent", May, Text),
            ("model", May, Text),
            $($more,)*
        ])
    };
}

/// `…:generateContent`
pub static GENERATE: Shape = request!(
    ("labels", May, Map(&Text)),
    ("serviceTier", May, Text),
    ("store", May, Flag)
);

/// `request` of Code Assist, which follows Vertex AI.
pub static ASSIST_REQUEST: Shape = request!(("labels", May, Map(&Text)), ("sessionId", May, Text),);

/// `…:countTokens`
pub static COUNT_TOKENS: Shape = Object(&[
    ("contents", May, List(&CONTENT)),
    ("generateContentRequest", May, Any),
    ("model", May, Text),
]);
