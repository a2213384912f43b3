//! The instance's key and what is done with it: sealing what rests, hashing client keys.
//!
//! Promises: nothing sealed can be read, and no client key guessed from its hash, without the
//! instance key. Must not know: what is sealed, or where it rests.

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use waybill_model::{entity::Sealed, secret::Secret};

/// First byte of everything sealed, so that a later scheme can live beside this one.
const SCHEME: u8 = 1;
const NONCE_BYTES: usize = 24;

/// Seals, opens and hashes with keys derived from the instance key.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
    hash_key: [u8; 32],
}

/// Why something sealed could not be opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("sealed with another instance key, or damaged")]
pub struct CannotOpen;

/// What a sealed value is for: it opens only for the same purpose.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// An account's credential.
    Credential,
    /// A request's exact bytes.
    Replay,
    /// The address of an account's proxy.
    Proxy,
    /// Headers an account is sent with.
    Headers,
    /// A credential that expires, with its newest access token.
    Expiring,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Purpose::Credential => b"credential",
            Purpose::Replay => b"replay",
            Purpose::Proxy => b"proxy",
            Purpose::Headers => b"headers",
            Purpose::Expiring => b"expiring credential",
        }
    }
}

impl Vault {
    /// Derives the working keys. Any text is accepted; its strength is the operator's.
    pub fn new(instance_key: &Secret) -> Self {
        let seal_key = blake3::derive_key("waybill 2026 seal", instance_key.expose().as_bytes());
        let hash_key = blake3::derive_key(
            "waybill 2026 api key hash",
            instance_key.expose().as_bytes(),
        );
        Vault {
            cipher: XChaCha20Poly1305::new(&Key::from(seal_key)),
            hash_key,
        }
    }

    /// The keyed hash under which a client key is stored and looked up.
    pub fn hash_key(&self, key: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.hash_key, key.as_bytes()).as_bytes()
    }

    /// Tells instance keys apart, and nothing of them.
    pub fn check_text(&self) -> String {
        blake3::keyed_hash(&self.hash_key, b"waybill 2026 which instance key")
            .to_hex()
            .to_string()
    }

    /// Seals `plain`.
    pub fn seal(&self, purpose: Purpose, plain: &[u8]) -> Sealed {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload {
            msg: plain,
            aad: purpose.label(),
        };
        // Encryption fails only beyond 256 GiB.
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .unwrap_or_default();
        let mut out = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        out.push(SCHEME);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Sealed(out)
    }

    /// Opens what [`Vault::seal`] made for the same purpose.
    pub fn open(&self, purpose: Purpose, sealed: &Sealed) -> Result<Vec<u8>, CannotOpen> {
        let (scheme, rest) = sealed.0.split_first().ok_or(CannotOpen)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(CannotOpen)?;
        if *scheme != SCHEME {
            return Err(CannotOpen);
        }
        let payload = Payload {
            msg: sealed,
            aad: purpose.label(),
        };
        self.cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| CannotOpen)
    }

    /// Opens a credential.
    pub fn open_credential(&self, sealed: &Sealed) -> Result<Secret, CannotOpen> {
        let plain = self.open(Purpose::Credential, sealed)?;
        String::from_utf8(plain)
            .map(Secret::new)
            .map_err(|_| CannotOpen)
    }
}

/// A new key for a client: 192 bits, with a prefix by which people and scanners know it.
pub fn new_client_key() -> Secret {
    Secret::new(format!("sk-wb-{}", random_text()))
}

/// Text of 192 random bits: for tokens and instance keys.
pub fn random_text() -> String {
    use base64::Engine as _;
    let bytes: [u8; 24] = rand::random();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_for_the_same_purpose_and_key_alone() {
        let vault = Vault::new(&Secret::new("one"));
        let sealed = vault.seal(Purpose::Credential, b"sk-secret");
        assert_eq!(
            vault.open(Purpose::Credential, &sealed).unwrap(),
            b"sk-secret"
        );
        assert_eq!(vault.open(Purpose::Replay, &sealed), Err(CannotOpen));
        assert_eq!(
            Vault::new(&Secret::new("two")).open(Purpose::Credential, &sealed),
            Err(CannotOpen)
        );
        let mut damaged = sealed.clone();
        *damaged.0.last_mut().unwrap() ^= 1;
        assert_eq!(vault.open(Purpose::Credential, &damaged), Err(CannotOpen));
        assert!(!sealed.0.windows(9).any(|window| window == b"sk-secret"));
    }
}
