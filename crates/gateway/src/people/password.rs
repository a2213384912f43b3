//! Passwords: hashed with Argon2id, away from the threads that serve.
//!
//! Promises: as many are hashed at once as memory is set aside for; a name that nobody has takes as long as a
//! wrong password. Must not know: whose they are.

use std::sync::{Arc, OnceLock};

use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;
use waybill_model::secret::Secret;

/// Shortest password, in characters.
pub const MIN_CHARS: usize = 12;

/// Longest password, in bytes: what is longer is no password, and hashing it costs.
pub const MAX_BYTES: usize = 1024;

/// Hashed at once. Each takes 19 MiB.
const AT_ONCE: usize = 2;

/// Hashes and checks passwords.
#[derive(Debug, Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Passwords {
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

/// A hash could not be made: memory is short, or the process is ending.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed now")]
pub struct CannotHash;

impl Passwords {
    /// The hash that is stored.
    pub async fn hash(&self, password: Secret) -> Result<String, CannotHash> {
        self.run(move || hash(&password)).await?
    }

    /// Whether a password is the one whose hash is stored. `None`: there is none, and the answer is no, after as
    /// long.
    pub async fn is(&self, password: Secret, stored: Option<String>) -> Result<bool, CannotHash> {
        self.run(move || {
            let known = stored.is_some();
            let against = stored.unwrap_or_else(|| nobodys().to_owned());
            verify(&password, &against) && known
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, CannotHash> {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|_| CannotHash)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        })
        .await
        .map_err(|_| CannotHash)
    }
}

/// What is wrong with a new password.
pub fn check(password: &Secret) -> Result<(), String> {
    let text = password.expose();
    if text.chars().count() < MIN_CHARS {
        return Err(format!("at least {MIN_CHARS} characters are needed"));
    }
    if text.len() > MAX_BYTES {
        return Err(format!("it is longer than {MAX_BYTES} bytes"));
    }
    Ok(())
}

fn hash(password: &Secret) -> Result<String, CannotHash> {
    let salt: [u8; 16] = rand::random();
    Argon2::default()
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|_| CannotHash)
}

fn verify(password: &Secret, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|stored| {
        Argon2::default()
            .verify_password(password.expose().as_bytes(), &stored)
            .is_ok()
    })
}

/// A hash of what nobody knows, to check against where there is no name.
fn nobodys() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let unknown = Secret::new(crate::vault::random_text());
        hash(&unknown).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_no_other_is() {
        let passwords = Passwords::default();
        let right = || Secret::new("correct horse battery");
        let stored = passwords.hash(right()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert_ne!(stored, passwords.hash(right()).await.unwrap());
        let is = |password, stored| passwords.is(password, stored);
        assert!(is(right(), Some(stored.clone())).await.unwrap());
        assert!(!is(Secret::new("wrong"), Some(stored)).await.unwrap());
        assert!(!is(right(), None).await.unwrap());
        assert!(!is(right(), Some("damaged".to_owned())).await.unwrap());
    }

    #[test]
    fn a_short_password_is_refused_in_words() {
        assert!(check(&Secret::new("short")).unwrap_err().contains("12"));
        assert!(check(&Secret::new("long enough to keep")).is_ok());
        assert!(check(&Secret::new("x".repeat(2000))).is_err());
    }
}
