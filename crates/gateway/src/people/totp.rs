//! Codes of authenticator apps (RFC 6238), as all of them make them: SHA-1, six digits, 30 seconds.
//!
//! Promises: a code is good for its own step of time and one on either side, for clocks that are not the same; it is
//! compared in constant time. Must not know: whose it is, where its secret rests, which codes were used.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use totp_rs::{Builder, Totp};
use waybill_model::time::UnixMillis;

/// How long a code is good for, in seconds.
const STEP_SECONDS: u64 = 30;

/// Steps before and after the one that it is now.
const SKEW: i64 = 1;

/// What a secret has: as long as SHA-1's output, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;

/// What is not as it is in an address: all that RFC 3986 does not leave so.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A new secret: 160 random bits.
pub fn new_secret() -> [u8; SECRET_BYTES] {
    rand::random()
}

/// A secret as people type it: base32.
pub fn text(secret: &[u8]) -> String {
    totp_rs::Secret::from(secret).to_base32()
}

/// What apps read from a QR code: who asks for codes, of whom, and the secret. Algorithm, digits and period are what
/// every app takes where nothing is said: a short address is a code that is easy to scan.
pub fn address(issuer: &str, name: &str, secret: &[u8]) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let (issuer, name, secret) = (encoded(issuer), encoded(name), text(secret));
    format!("otpauth://totp/{issuer}:{name}?secret={secret}&issuer={issuer}")
}

/// Which installation an app shows codes for, where people have those of several: its host goes with the name.
pub fn issuer(host: Option<&str>) -> String {
    let host = host.unwrap_or_default();
    // A colon would end the issuer's part of a label: ports, and addresses of version 6.
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    match host.is_empty() || host.contains(':') {
        true => "Waybill".to_owned(),
        false => format!("Waybill ({host})"),
    }
}

/// Which step of time a code is of, if it is right now and of a step `after` the last one that was used.
pub fn step_of(secret: &[u8], code: &str, now: UnixMillis, after: i64) -> Option<i64> {
    // Apps show a gap in the middle.
    let code: String = code.split_whitespace().collect();
    let codes = codes(secret)?;
    let current = now.0.div_euclid(1_000 * i64::try_from(STEP_SECONDS).ok()?);
    (current - SKEW..=current + SKEW)
        .filter(|step| *step > after)
        .find(|step| {
            let at = u64::try_from(*step).map(|step| step * STEP_SECONDS);
            at.is_ok_and(|at| codes.check(&code, at).is_some())
        })
}

/// `None`: the secret is none.
fn codes(secret: &[u8]) -> Option<Totp> {
    // Skew is looked after here: the library says nothing about steps that were used.
    let codes = Builder::new().with_skew(0).with_secret(secret);
    codes.build().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis(seconds * 1_000)
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1; of its eight digits the last six.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = seconds / 30;
            assert_eq!(step_of(SECRET, code, at(seconds), 0), Some(step), "{code}");
        }
    }

    #[test]
    fn a_code_is_good_one_step_early_and_one_late_and_not_after_it_was_used() {
        // 081804 is of the seconds from 1111111080 on.
        let (code, begin) = ("081804", 1_111_111_080);
        let step = Some(begin / 30);
        for (seconds, found) in [
            (begin - 31, None),
            (begin - 30, step),
            (begin, step),
            (begin + 59, step),
            (begin + 60, None),
        ] {
            assert_eq!(step_of(SECRET, code, at(seconds), 0), found, "{seconds}");
        }
        assert_eq!(step_of(SECRET, code, at(begin), begin / 30 - 1), step);
        assert_eq!(step_of(SECRET, code, at(begin), begin / 30), None);
    }

    #[test]
    fn a_code_is_six_digits_with_or_without_a_gap() {
        let read = |code| step_of(SECRET, code, at(59), 0).is_some();
        assert!(read("287082") && read("287 082") && read(" 287082\n"));
        for code in [
            "", "28708", "2870820", "94287082", "+28708", "2870８2", "abcdef",
        ] {
            assert!(!read(code), "{code}");
        }
        assert_eq!(step_of(b"", "287082", at(59), 0), None);
        assert_eq!(step_of(SECRET, "287082", at(-59), -100), None);
    }

    #[test]
    fn an_app_is_told_who_for_whom_and_the_secret() {
        assert_eq!(text(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            address(&issuer(Some("gw.example.com:8080")), "eve & co", SECRET),
            "otpauth://totp/Waybill%20%28gw.example.com%29:eve%20%26%20co\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Waybill%20%28gw.example.com%29"
        );
        for host in [None, Some(""), Some(":80"), Some("[::1]:80"), Some("::1")] {
            assert_eq!(issuer(host), "Waybill", "{host:?}");
        }
        assert_ne!(new_secret(), new_secret());
    }
}
