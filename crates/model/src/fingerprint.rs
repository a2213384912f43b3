//! Fingerprints: failures of one kind share one, whatever ids, numbers, names and times they mention.
//!
//! Promises: the same facts give the same fingerprint on every machine and in every release, until
//! [`FINGERPRINT_VERSION`] changes; its first byte is that version, its second the [`Scope`]. Must not know
//! who asked or when.

mod names;
mod template;

use crate::{
    cause::{Blame, Cause, Phase},
    protocol::Platform,
    state::Reach,
    words,
};

pub use template::{template, template_without};

/// Version of the rules below and of the template; the first byte of every fingerprint since 2.
///
/// 2: models, hosts, links and other names are no difference; what the failure reaches is one.
pub const FINGERPRINT_VERSION: u8 = 2;

words! {
    /// What a failure of a kind reaches: who else would have met it at that moment.
    pub enum Scope {
        /// The request alone: it would fail the same anywhere.
        Request = "request",
        /// Every request of the client's key or user.
        Key = "key",
        /// Requests for the same model on the same account.
        Model = "model",
        /// Every request on the same account.
        Account = "account",
        /// Every account on the same way to the same provider.
        Provider = "provider",
        /// Every request of the group: none of its accounts could take it.
        Pool = "pool",
        /// Every request of this gateway.
        Gateway = "gateway",
        /// Not known: the fingerprint is of an older version.
        Unknown = "unknown",
    }
}

/// What a failure reaches; `reach` is what its provider said of a limit, where there was an attempt.
pub fn scope(cause: Cause, reach: Option<Reach>) -> Scope {
    let info = cause.info();
    match (info.blame, info.phase) {
        (Blame::Account, _) | (Blame::Transient, Phase::Upstream) if is_limit(cause) => match reach
        {
            Some(Reach::Model | Reach::Family(_)) => Scope::Model,
            Some(Reach::Account) | None => Scope::Account,
        },
        (Blame::Account | Blame::Credential, _) => Scope::Account,
        (Blame::Transient, _) => Scope::Provider,
        (Blame::Request, Phase::Auth | Phase::Billing | Phase::Concurrency) => Scope::Key,
        (Blame::Request, Phase::Scheduling) => Scope::Pool,
        (Blame::Request, Phase::Internal) => Scope::Gateway,
        (Blame::Request, Phase::Request | Phase::Upstream | Phase::Network | Phase::Response) => {
            Scope::Request
        }
    }
}

/// Whether a provider says of it what it reaches.
fn is_limit(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::RateLimitRequests
            | Cause::RateLimitTokens
            | Cause::RateLimitConcurrency
            | Cause::QuotaExhausted
            | Cause::Overloaded
    )
}

/// The fingerprint of a failure: where it happened, what it really was and reaches, what the provider called
/// it (`provider_name`, its machine name for the error), and the [`template`] of its message.
pub fn fingerprint(
    platform: Platform,
    phase: Phase,
    cause: Cause,
    scope: Scope,
    status: Option<u16>,
    provider_name: Option<&str>,
    message_template: &str,
) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[FINGERPRINT_VERSION]);
    let status = status.map(|status| status.to_string()).unwrap_or_default();
    let parts = [
        platform.as_str(),
        phase.as_str(),
        cause.as_str(),
        scope.as_str(),
        &status,
        provider_name.unwrap_or_default(),
        message_template,
    ];
    for part in parts {
        // Length first, so that no two lists of parts run together into the same bytes.
        let len = u64::try_from(part.len()).unwrap_or(u64::MAX);
        hasher.update(&len.to_le_bytes());
        hasher.update(part.as_bytes());
    }
    marked(hasher, scope)
}

/// The fingerprint of a part of an issue that is divided: those of its failures with one `value` of an
/// attribute. Of the same version and scope.
pub fn part_of(whole: [u8; 16], by: &str, value: &str) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&whole);
    for part in [by, value] {
        let len = u64::try_from(part.len()).unwrap_or(u64::MAX);
        hasher.update(&len.to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut short = marked(hasher, Scope::Unknown);
    short[..2].copy_from_slice(&whole[..2]);
    short
}

/// The version of the rules a fingerprint was made by. Those of version 1 bear no mark: one in 256 of
/// them is taken for a newer one, which changes nothing but this number.
pub fn version_of(fingerprint: [u8; 16]) -> u8 {
    match fingerprint[0] {
        FINGERPRINT_VERSION => FINGERPRINT_VERSION,
        _ => 1,
    }
}

/// What a fingerprint says the failure reaches.
pub fn scope_of(fingerprint: [u8; 16]) -> Scope {
    let known = version_of(fingerprint) == FINGERPRINT_VERSION;
    let code = usize::from(fingerprint[1]);
    let scope = Scope::ALL.get(code).copied().filter(|_| known);
    scope.unwrap_or(Scope::Unknown)
}

fn marked(hasher: blake3::Hasher, scope: Scope) -> [u8; 16] {
    let mut short = [0; 16];
    hasher.finalize_xof().fill(&mut short[2..]);
    short[0] = FINGERPRINT_VERSION;
    // Its place in the list above: a word is only ever added at the end.
    short[1] = u8::try_from(
        Scope::ALL
            .iter()
            .position(|word| *word == scope)
            .unwrap_or(0),
    )
    .unwrap_or(0);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_part_of_the_fingerprint() {
        let of = |scope, status, name, message| {
            fingerprint(
                Platform::OpenAi,
                Phase::Upstream,
                Cause::Overloaded,
                scope,
                status,
                name,
                message,
            )
        };
        let base = of(Scope::Model, Some(503), Some("overloaded"), "busy");
        assert_eq!(
            base,
            of(Scope::Model, Some(503), Some("overloaded"), "busy")
        );
        let others = [
            of(Scope::Account, Some(503), Some("overloaded"), "busy"),
            of(Scope::Model, None, Some("overloaded"), "busy"),
            of(Scope::Model, Some(529), Some("overloaded"), "busy"),
            of(Scope::Model, Some(503), None, "overloadedbusy"),
            of(Scope::Model, Some(503), Some("overloadedbusy"), ""),
            of(Scope::Model, Some(503), Some("overloaded"), "busy <n>"),
        ];
        assert!(others.iter().all(|other| *other != base));
    }

    #[test]
    fn a_fingerprint_tells_its_version_and_scope_and_so_do_its_parts() {
        for scope in Scope::ALL.iter().copied() {
            let whole = fingerprint(
                Platform::Gemini,
                Phase::Upstream,
                Cause::ServerError,
                scope,
                None,
                None,
                "x",
            );
            let part = part_of(whole, "account", "7");
            assert_ne!(whole, part);
            assert_ne!(part, part_of(whole, "account", "8"));
            assert_ne!(part, part_of(whole, "model", "7"));
            for one in [whole, part] {
                assert_eq!(
                    (version_of(one), scope_of(one)),
                    (FINGERPRINT_VERSION, scope)
                );
            }
        }
        assert_eq!(version_of([9; 16]), 1);
        assert_eq!(scope_of([9; 16]), Scope::Unknown);
    }

    #[test]
    fn what_a_limit_reaches_is_its_providers_word_and_all_else_follows_from_the_cause() {
        use Cause as C;
        for (cause, reach, expected) in [
            (C::RateLimitTokens, Some(Reach::Model), Scope::Model),
            (C::RateLimitTokens, Some(Reach::Account), Scope::Account),
            (C::Overloaded, Some(Reach::Family("opus")), Scope::Model),
            (C::AuthInvalidKey, Some(Reach::Model), Scope::Account),
            (C::ContextLength, Some(Reach::Account), Scope::Request),
            (C::ServerError, Some(Reach::Account), Scope::Provider),
            (C::NetworkReset, None, Scope::Provider),
            (C::GatewayQuotaExhausted, None, Scope::Key),
            (C::GatewayNoAccount, None, Scope::Pool),
            (C::GatewayInternal, None, Scope::Gateway),
        ] {
            assert_eq!(scope(cause, reach), expected, "{cause}");
        }
    }
}
