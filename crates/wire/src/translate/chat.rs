//! OpenAI Chat Completions, as OpenAI's API reference and its SDKs' types describe it, and as servers speak
//! it that call themselves compatible.
//!
//! Promises: a request is read strictly (what is not known is refused by its name), an answer leniently
//! (providers add fields, and compatible servers leave some out).
//!
//! What Chat says in its own way:
//! - System and developer messages, wherever they stand, become the system prompt, in order. It is written as
//!   one `system` message at the top: every compatible server knows that role, and OpenAI reads it as
//!   `developer` where a model wants that.
//! - An assistant's words and its tool calls stand in two fields. Words between two calls move before the
//!   first.
//! - A `tool` message holds text only. Files in a tool's result follow the `tool` messages in a `user`
//!   message; both places say so in words. That a tool failed is said in words too ([`write`]).
//! - There is no field for thinking. `reasoning_content`, as compatible servers use it, shows it to clients;
//!   what a client hands back is a thought without proof. Nothing of it is sent to a provider: OpenAI's API
//!   has no place for it. How much to think is sent; whether to show it is the server's own choice.
//! - A call's proof, which Google's models demand back, travels in
//!   `tool_calls[].extra_content.google.thought_signature`, where Google documents it for its compatible API.
//! - The longest answer is sent as `max_completion_tokens`: `max_tokens` is deprecated and refused by
//!   reasoning models, and it means the same where both are known.
//! - The text that ended an answer, and a provider's word for why it must not be said, have no field.
//!
//! What is left out of requests because it changes no answer:
//!
//! | field | why |
//! |---|---|
//! | `metadata`, `store` | labels and copies for OpenAI's own dashboard |
//! | `service_tier` | how fast and at what price OpenAI serves; the account's affair |
//! | `prompt_cache_key`, `prompt_cache_options`, `prompt_cache_retention`, a part's `prompt_cache_breakpoint` | hints for OpenAI's cache |
//! | `stream_options.include_obfuscation` | padding of OpenAI's own chunks |
//! | `image_url.detail` of `auto` and `high` | other models look as closely as they can |
//! | a message's `annotations` and `extra_content`, a call's `index` | of an answer that is handed back: sources of what was said, a proof that nobody demands, a place in a stream |
//! | `user` beside `safety_identifier` | two names for one thing; the newer one counts |
//! | a tool message's `name` | repeats the name of the call |
//!
//! Must not know: any other dialect.

mod answer;
mod decode;
mod encode;
mod media;
mod misread;
mod names;
mod read;
mod request;
mod usage;
mod write;

#[cfg(test)]
mod tests;

pub use answer::{read_answer, write_answer};
pub use decode::Decoder;
pub use encode::Encoder;
pub use names::spell;
pub use read::read_prompt;
pub use write::write_prompt;
