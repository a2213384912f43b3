//! How messages are signed: ours, and what two receivers ask for.
//!
//! Promises: pure. Must not know: what is signed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
use waybill_model::secret::Secret;

fn tag(key: &[u8], text: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text)
}

/// A webhook's signature: HMAC-SHA256 over `{seconds}.{body}`, in hex. The time is in it, so that what somebody
/// recorded cannot be sent again later.
pub fn webhook(secret: &Secret, seconds: i64, body: &[u8]) -> String {
    let mut text = format!("{seconds}.").into_bytes();
    text.extend_from_slice(body);
    let tag = tag(secret.expose().as_bytes(), &text);
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("v1={hex}")
}

/// Feishu's: the time and the secret are the key, and nothing is what is signed.
pub fn feishu(secret: &Secret, seconds: i64) -> String {
    let key = format!("{seconds}\n{}", secret.expose());
    STANDARD.encode(tag(key.as_bytes(), b""))
}

/// DingTalk's: the secret is the key, and it and the time are what is signed.
pub fn dingtalk(secret: &Secret, millis: i64) -> String {
    let text = format!("{millis}\n{}", secret.expose());
    STANDARD.encode(tag(secret.expose().as_bytes(), text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Python's `hmac`, as the receivers' own examples do it.
    #[test]
    fn signatures_are_what_receivers_compute() {
        let secret = Secret::new("this is secret");
        assert_eq!(webhook(&secret, 1_800_000_000, br#"{"a":1}"#), WEBHOOK);
        assert_eq!(feishu(&secret, 1_800_000_000), FEISHU);
        assert_eq!(dingtalk(&secret, 1_800_000_000_000), DINGTALK);
    }

    const WEBHOOK: &str = "v1=95018dd979bafd4c80cddcfde0f2093fa725f938a4c2a15b0be404011d6faee2";
    const FEISHU: &str = "JQ+MZduJ9sA5BJ4lhiCym/llEy37neNXOIbe1mat0Z4=";
    const DINGTALK: &str = "Ndw8rUu+Va45YXBuzmtv9TJUwgtirxASNSNEhD0zGQI=";
}
