//! People who use the admin API: how they are known, and how guessing who they are is made useless.
//!
//! Promises: no password, token or session is kept in the clear. Must not know: routes, HTTP; `admin` asks.

pub mod known;
pub mod password;
pub mod refused;
pub mod setup;
pub mod throttle;
pub mod totp;

use self::{
    known::Known,
    password::Passwords,
    refused::{Minute, Repeated},
    throttle::Throttle,
};

/// What the admin API knows people by.
#[derive(Debug, Default)]
pub struct People {
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// Counts attempts.
    pub throttle: Throttle,
    /// Who tokens and sessions belong to.
    pub known: Known,
    /// Which refusals of strangers were written down this minute.
    pub refused: Minute,
    /// What one source does again and again.
    pub repeated: Repeated,
}
