//! Every secret the gateway knows in the clear, and the redactor that looks for them.
//!
//! Promises: a secret is looked for from the moment it is known. Must not know: what is redacted.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use waybill_model::{
    id::{AccountId, ChannelId},
    redact::Redactor,
    secret::Secret,
};

/// Keys learnt from requests that are remembered; a gateway with more keys in use than this forgets
/// none, but looks for the newer ones by their shape and place alone.
const MAX_LEARNT: usize = 4096;

/// Tokens of one account that are remembered: those that may still be valid, and some.
const MAX_TOKENS: usize = 16;

/// Secrets of accounts that were replaced or deleted and are remembered: requests that were sent with them may still
/// be answered.
const MAX_FORMER: usize = 1024;

/// The live secrets.
pub struct Secrets {
    known: Mutex<Known>,
    redactor: ArcSwap<Redactor>,
}

/// The lock is held while the redactor is made anew: off the request path, and rarely.
#[derive(Default)]
struct Known {
    /// The admin token, the instance key, keys of the configuration.
    own: Vec<Secret>,
    /// Account credentials in use.
    accounts: Vec<Secret>,
    /// Account credentials that were in use before, oldest first.
    former: VecDeque<Secret>,
    /// Access tokens and rotated refresh tokens that were had, newest last.
    tokens: BTreeMap<AccountId, VecDeque<Secret>>,
    /// Secrets of notification channels that were opened.
    channels: BTreeMap<ChannelId, Vec<Secret>>,
    /// Client keys, which are stored as hashes and known only when somebody uses them.
    learnt: HashSet<String>,
}

impl Secrets {
    /// Begins with the gateway's own.
    pub fn new(own: Vec<Secret>) -> Self {
        let known = Known {
            own,
            ..Known::default()
        };
        Secrets {
            redactor: ArcSwap::from_pointee(known.redactor()),
            known: Mutex::new(known),
        }
    }

    /// Looks for everything known so far.
    pub fn redactor(&self) -> Arc<Redactor> {
        self.redactor.load_full()
    }

    /// The account credentials have changed.
    pub fn set_accounts(&self, accounts: Vec<Secret>) {
        self.change(|known| {
            let before = std::mem::replace(&mut known.accounts, accounts);
            let now = known.accounts.iter().chain(&known.former);
            let now: HashSet<&str> = now.map(Secret::expose).collect();
            let gone = before.into_iter();
            let gone: Vec<Secret> = gone
                .filter(|secret| !now.contains(secret.expose()))
                .collect();
            known.former.extend(gone);
            let too_many = known.former.len().saturating_sub(MAX_FORMER);
            known.former.drain(..too_many);
            true
        });
    }

    /// An account has had these from its token endpoint.
    pub fn learn_token(&self, account: AccountId, had: impl IntoIterator<Item = Secret>) {
        self.change(|known| {
            let tokens = known.tokens.entry(account).or_default();
            let before = tokens.len();
            for secret in had {
                if !tokens.contains(&secret) {
                    tokens.push_back(secret);
                }
            }
            let is_new = tokens.len() > before;
            tokens.drain(..tokens.len().saturating_sub(MAX_TOKENS));
            is_new
        });
    }

    /// The secrets of a notification channel are these.
    pub fn set_channel(&self, channel: ChannelId, secrets: Vec<Secret>) {
        self.change(|known| known.channels.insert(channel, secrets.clone()) != Some(secrets));
    }

    /// A client key was used.
    pub fn learn(&self, key: &str) {
        self.change(|known| known.learnt.len() < MAX_LEARNT && known.learnt.insert(key.to_owned()));
    }

    fn change(&self, change: impl FnOnce(&mut Known) -> bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if change(&mut known) {
            self.redactor.store(Arc::new(known.redactor()));
        }
    }
}

impl Known {
    fn redactor(&self) -> Redactor {
        let learnt = self.learnt.iter().map(Secret::new);
        let tokens = self.tokens.values().flatten();
        let channels = self.channels.values().flatten();
        let accounts = self.accounts.iter().chain(&self.former).chain(tokens);
        let kept = self.own.iter().chain(accounts).chain(channels).cloned();
        Redactor::new(kept.chain(learnt))
    }
}
