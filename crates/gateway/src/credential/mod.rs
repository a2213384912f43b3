//! Credentials: what accounts present to providers, and access tokens that are had before they end.
//!
//! In: what an operator gave for an account. Out: a header that is valid when a request is sent, or why there is
//! none. A key is sent as it is. For a refresh token or a service account's key, [`keep_tokens`] has access
//! tokens from a token endpoint, early, one flight at a time per account, writes them down sealed before they are
//! used, and says what failed. An Antigravity account for which no project is named has it found out the same way.
//!
//! Promises: a request that finds a valid token waits for nothing and takes no lock; one that finds none waits for
//! the account's flight, for at most the connect time-out, and never begins a second; a token endpoint may say
//! anything, at any length. Must not know: how an account is chosen, or what a request asks.

mod answer;
mod ask;
mod bearer;
mod definition;
mod flight;
mod keep;
mod key_file;
mod project;
mod rest;
mod runway;
mod wait;
mod when;

pub use answer::NoToken;
pub use ask::{TIME_TO_ANSWER, answers};
pub use bearer::{Bearer, Trouble};
pub use definition::{DEFAULT_SCOPE, Definition, GOOGLE_TOKEN_URL, Given, Mistake, Source};
pub use flight::{CREDENTIAL, failure_of};
pub use keep::{Tokens, keep_tokens};
pub use key_file::KeyFile;
pub use project::{Discovery, Project};
pub use rest::{AtRest, Grant};
pub use wait::{project_of, refused_by_provider, token_of};
