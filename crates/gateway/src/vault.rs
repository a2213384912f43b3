//! The instance's key and what is done with it: sealing what rests, hashing client keys.
//!
//! Promises: nothing sealed can be read, and no client key guessed from its hash, without the
//! instance key. Must not know: what is sealed, or where it rests.

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use waybill_model::{entity::Sealed, record::PartName, secret::Secret};

/// First byte of everything sealed, so that a later scheme can live beside this one.
const SCHEME: u8 = 1;
const NONCE_BYTES: usize = 24;
/// 128 bits: nobody without the key can look for two parts of one name.
const PART_NAME_BYTES: usize = 16;

/// Characters of a pass that say who made it: 64 bits.
const MARK_CHARS: usize = 16;

/// Seals, opens and hashes with keys derived from the instance key.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
    hash_key: [u8; 32],
    pass_key: [u8; 32],
    part_key: [u8; 32],
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
    /// A part of them, which other requests may have, too.
    ReplayPart,
    /// The address of an account's proxy.
    Proxy,
    /// Headers an account is sent with.
    Headers,
    /// A credential that expires, with its newest access token.
    Expiring,
    /// The secrets of a notification channel.
    Channel,
    /// What somebody's authenticator app makes codes from.
    Totp,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Purpose::Credential => b"credential",
            Purpose::Replay => b"replay",
            Purpose::ReplayPart => b"replay part",
            Purpose::Proxy => b"proxy",
            Purpose::Headers => b"headers",
            Purpose::Expiring => b"expiring credential",
            Purpose::Channel => b"notification channel",
            Purpose::Totp => b"second factor",
        }
    }
}

/// Of what installations are told apart by: 64 bits.
const INSTALLATION_CHARS: usize = 16;

impl Vault {
    /// Derives the working keys. Any text is accepted; its strength is the operator's.
    pub fn new(instance_key: &Secret) -> Self {
        let seal_key = blake3::derive_key("waybill 2026 seal", instance_key.expose().as_bytes());
        let hash_key = blake3::derive_key(
            "waybill 2026 api key hash",
            instance_key.expose().as_bytes(),
        );
        let pass_key =
            blake3::derive_key("waybill 2026 admin pass", instance_key.expose().as_bytes());
        let part_key =
            blake3::derive_key("waybill 2026 replay part", instance_key.expose().as_bytes());
        Vault {
            cipher: XChaCha20Poly1305::new(&Key::from(seal_key)),
            hash_key,
            pass_key,
            part_key,
        }
    }

    /// The keyed hash under which a client key is stored and looked up.
    pub fn hash_key(&self, key: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.hash_key, key.as_bytes()).as_bytes()
    }

    /// A new token, or what a session's cookie holds: 192 bits, and a mark by which [`Vault::made`] knows it.
    pub fn new_pass(&self, prefix: &str) -> Secret {
        let text = format!("{prefix}{}", random_text());
        let mark = self.of_pass(b"mark", &text).to_hex();
        Secret::new(format!("{text}{}", &mark[..MARK_CHARS]))
    }

    /// Whether a text was made by [`Vault::new_pass`], here or by another replica: nothing need be looked up for
    /// one that was not.
    pub fn made(&self, prefix: &str, text: &str) -> bool {
        let split = text.len().checked_sub(MARK_CHARS);
        let Some((body, mark)) = split.and_then(|at| text.split_at_checked(at)) else {
            return false;
        };
        let right = self.of_pass(b"mark", body).to_hex();
        // Equality of hashes is decided in constant time.
        body.starts_with(prefix)
            && blake3::hash(mark.as_bytes()) == blake3::hash(&right.as_bytes()[..MARK_CHARS])
    }

    /// The keyed hash under which a token, a session or a set-up token is stored and looked up.
    pub fn hash_pass(&self, text: &str) -> [u8; 32] {
        *self.of_pass(b"hash", text).as_bytes()
    }

    /// What a page must know, beside the cookie that a browser sends by itself, to change something.
    pub fn csrf_token(&self, session: &str) -> String {
        self.of_pass(b"csrf", session).to_hex().to_string()
    }

    fn of_pass(&self, purpose: &[u8], text: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.pass_key);
        hasher.update(purpose).update(&[0]).update(text.as_bytes());
        hasher.finalize()
    }

    /// The name under which a part of requests is stored: who has no instance key can neither tell what is in
    /// it nor try whether it is what they think.
    pub fn name_part(&self, plain: &[u8]) -> PartName {
        let hash = blake3::keyed_hash(&self.part_key, plain);
        let (name, _) = hash.as_bytes().split_at(PART_NAME_BYTES);
        name.try_into().unwrap_or_default()
    }

    /// Numbers that decide where requests are cut into parts: sizes of parts tell nothing without them.
    pub fn cuts(&self) -> [u64; 256] {
        let mut bytes = [0; 256 * 8];
        let mut hasher = blake3::Hasher::new_keyed(&self.part_key);
        hasher.update(b"waybill 2026 where to cut");
        hasher.finalize_xof().fill(&mut bytes);
        let mut cuts = [0; 256];
        for (cut, bytes) in cuts.iter_mut().zip(bytes.chunks_exact(8)) {
            *cut = bytes
                .iter()
                .fold(0, |cut, byte| cut << 8 | u64::from(*byte));
        }
        cuts
    }

    /// Tells instance keys apart, and nothing of them.
    pub fn check_text(&self) -> String {
        blake3::keyed_hash(&self.hash_key, b"waybill 2026 which instance key")
            .to_hex()
            .to_string()
    }

    /// What this installation, all of its replicas, is told from others by, where several tell the same receiver
    /// something. It tells nothing of the instance key, and stays when the store moves along with its key.
    pub fn installation(&self) -> String {
        let hash = blake3::keyed_hash(&self.hash_key, b"waybill 2026 which installation");
        hash.to_hex().as_str()[..INSTALLATION_CHARS].to_owned()
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
    fn installations_are_told_apart_by_their_key() {
        let of = |key: &str| Vault::new(&Secret::new(key.to_owned())).installation();
        assert_eq!(of("one"), of("one"));
        assert_ne!(of("one"), of("two"));
        assert_eq!(of("one").len(), INSTALLATION_CHARS);
    }

    #[test]
    fn a_pass_is_known_by_whoever_has_the_instance_key_alone() {
        let vault = Vault::new(&Secret::new("one"));
        let pass = vault.new_pass("wb-pat-");
        let text = pass.expose();
        assert!(vault.made("wb-pat-", text) && !vault.made("wb-ses-", text));
        assert!(!Vault::new(&Secret::new("two")).made("wb-pat-", text));
        assert!(!vault.made("wb-pat-", &text[1..]) && !vault.made("", "") && !vault.made("", "é"));
        assert_ne!(vault.hash_pass(text), vault.hash_key(text));
        assert_ne!(vault.csrf_token(text), vault.csrf_token("other"));
    }

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
