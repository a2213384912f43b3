//! The gateway's own live secrets, in the forms in which they may come back.
//!
//! Promises: a secret is found wherever all of it stands, and where the text ends inside it. Its bytes
//! leave by no way: there is no `Debug` of them.

use std::{collections::BTreeMap, fmt};

use aho_corasick::AhoCorasick;

use super::spans::{Found, Kind};
use crate::secret::Secret;

/// Shorter secrets are not scanned for: they would match ordinary words. It is also how many bytes of
/// a secret the automaton looks for; the rest is compared.
const HEAD: usize = 8;

/// Every live secret, ready to be searched for.
#[derive(Default)]
pub(super) struct LiveSecrets {
    heads: Option<AhoCorasick>,
    /// By pattern of `heads`: the forms that begin so, longest first.
    forms: Vec<Vec<Vec<u8>>>,
    longest: usize,
}

impl LiveSecrets {
    pub(super) fn new(live: impl IntoIterator<Item = Secret>) -> Self {
        let mut by_head: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
        for secret in live {
            let secret = secret.expose().trim().as_bytes();
            if secret.len() < HEAD {
                continue;
            }
            for form in base64_forms(secret).chain([secret.to_vec()]) {
                if form.len() >= HEAD {
                    by_head.entry(form[..HEAD].to_vec()).or_default().push(form);
                }
            }
        }
        let longest = by_head.values().flatten().map(Vec::len).max().unwrap_or(0);
        // Building fails only for more patterns than memory holds; then there is nothing to search.
        let heads = (!by_head.is_empty())
            .then(|| AhoCorasick::new(by_head.keys()).ok())
            .flatten();
        let forms = by_head
            .into_values()
            .map(|mut forms| {
                forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
                forms.dedup();
                forms
            })
            .collect();
        LiveSecrets {
            heads,
            forms,
            longest,
        }
    }

    /// Length in bytes of the longest form.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Adds every live secret in `text`.
    pub(super) fn find(&self, text: &[u8], found: &mut Vec<Found>) {
        let Some(heads) = &self.heads else { return };
        let mut from = 0;
        while let Some(hit) = heads.find(aho_corasick::Input::new(text).range(from..)) {
            let rest = &text[hit.start()..];
            let forms = self.forms.get(hit.pattern().as_usize());
            let len = forms.into_iter().flatten().find_map(|form| {
                // At the end of the text, the beginning of a secret is enough.
                (rest.starts_with(form) || form.starts_with(rest))
                    .then_some(form.len().min(rest.len()))
            });
            if let Some(len) = len {
                found.push(Found::new(hit.start()..hit.start() + len, Kind::Live));
            }
            from = hit.start() + 1;
        }
    }
}

impl fmt::Debug for LiveSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "LiveSecrets({} forms)",
            self.forms.iter().map(Vec::len).sum::<usize>()
        )
    }
}

/// What is the same in every base64 text that contains `secret`, for both alphabets and each of the
/// three places at which it may begin within a group.
fn base64_forms(secret: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let alphabets = [b"+/", b"-_"];
    alphabets
        .into_iter()
        .flat_map(move |last| (0..3).map(move |skew| base64_core(secret, skew, last)))
}

fn base64_core(secret: &[u8], skew: usize, last: &[u8; 2]) -> Vec<u8> {
    // Six bits a digit. Digits that also hold bits of a neighbour are not the secret's own.
    let bits = secret.len() * 8;
    let first = match skew {
        0 => 0,
        1 => 4,
        _ => 2,
    };
    let mut digits = Vec::with_capacity(bits / 6);
    let mut at = first;
    while at + 6 <= bits {
        let high = u16::from(secret[at / 8]) << 8;
        let low = u16::from(secret.get(at / 8 + 1).copied().unwrap_or(0));
        let value = ((high | low) >> (10 - at % 8)) & 0x3f;
        digits.push(digit(u8::try_from(value).unwrap_or(0), last));
        at += 6;
    }
    digits
}

fn digit(value: u8, last: &[u8; 2]) -> u8 {
    match value {
        0..26 => b'A' + value,
        26..52 => b'a' + (value - 26),
        52..62 => b'0' + (value - 52),
        62 => last[0],
        _ => last[1],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::{LiveSecrets, base64_core};
    use crate::secret::Secret;

    fn hits(secrets: &[&str], text: &str) -> Vec<String> {
        let live = LiveSecrets::new(secrets.iter().map(|secret| Secret::new(*secret)));
        let mut found = Vec::new();
        live.find(text.as_bytes(), &mut found);
        found
            .into_iter()
            .map(|one| text[one.range].to_owned())
            .collect()
    }

    #[test]
    fn the_base64_core_is_what_every_encoding_shares() {
        // base64 of "secret12", "xsecret12" and "xxsecret12", without the digits neighbours share.
        assert_eq!(base64_core(b"secret12", 0, b"+/"), b"c2VjcmV0MT");
        assert_eq!(base64_core(b"secret12", 1, b"+/"), b"NlY3JldDEy");
        assert_eq!(base64_core(b"secret12", 2, b"+/"), b"zZWNyZXQxM");
    }

    #[test]
    fn the_longest_of_several_secrets_with_one_beginning_is_taken() {
        assert_eq!(
            hits(
                &["pool-key-1", "pool-key-1-extended"],
                "<pool-key-1-extended>"
            ),
            ["pool-key-1-extended"]
        );
    }

    #[test]
    fn a_secret_that_the_end_of_the_text_cuts_is_found() {
        assert_eq!(
            hits(&["opaque~credential"], "sent opaque~cre"),
            ["opaque~cre"]
        );
        assert!(hits(&["opaque~credential"], "sent opaque~cre and more").is_empty());
    }

    #[test]
    fn short_secrets_are_not_searched_for() {
        assert!(hits(&["admin"], "the admin is away").is_empty());
    }
}
