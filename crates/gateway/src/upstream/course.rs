//! The course of one request over its accounts, without sockets: what each failure does to its account,
//! and what follows from it.
//!
//! Promises: knows the time only as an argument, and awaits nothing, so that whole days of requests can
//! be driven through it. Must not know: how an account is asked.

use std::sync::Arc;

use waybill_model::{
    cause::Blame,
    id::RequestId,
    time::UnixMillis,
    waybill::{Decision, Failure},
};

use waybill_wire::translate::unsigned::Stage;

use super::decide::{self, Facts};
use crate::{
    routing::{AccountEntry, GroupEntry},
    standing::{Blamed, Failed, Keeper, Marked},
};

/// What is remembered from attempt to attempt.
#[derive(Debug)]
pub struct Course {
    request_id: RequestId,
    /// Whether failures have an effect on accounts.
    acts: bool,
    max_attempts: u32,
    retries_here: u32,
    token_retries_here: u32,
    blamed: Blamed,
    /// Credentials that were refused.
    refused: Vec<Refused>,
    /// Some were refused alike, so that nobody is marked so far.
    refused_alike: bool,
}

/// What is needed to mark an account later.
#[derive(Debug)]
struct Refused {
    account: Arc<AccountEntry>,
    model: Option<Arc<str>>,
    failure: Failure,
    status: Option<u16>,
    number: u32,
    began_at: UnixMillis,
}

/// An attempt that did not serve.
#[derive(Debug, Clone, Copy)]
pub struct Broke<'a> {
    /// The group its account was chosen from.
    pub group: &'a GroupEntry,
    /// Its account.
    pub account: &'a Arc<AccountEntry>,
    /// The model the provider was asked for.
    pub model: Option<&'a Arc<str>>,
    /// What went wrong.
    pub failure: &'a Failure,
    /// The provider's status, if it answered.
    pub status: Option<u16>,
    /// Its number, from 1.
    pub number: u32,
    /// When it began.
    pub began_at: UnixMillis,
    /// Now.
    pub now: UnixMillis,
    /// An idle connection had been closed under it.
    pub stale_connection: bool,
    /// Its signatures were refused, and it can be told without them, so far.
    pub retold: Option<Stage>,
    /// The provider refused an access token before its end: a new one may do.
    pub stale_token: bool,
    /// It was the address that failed, and the account has another one.
    pub elsewhere: bool,
    /// The time for attempts is spent.
    pub out_of_time: bool,
}

/// What follows from a failed attempt.
#[derive(Debug, Clone, Copy)]
pub struct Follows {
    /// The decision.
    pub decision: Decision,
    /// Why.
    pub reason: &'static str,
    /// What happened to the account, and whether the request is at fault.
    pub marked: Marked,
    facts: Facts,
}

impl Course {
    /// A request that has not been tried yet.
    pub fn new(request_id: RequestId, request_bytes: u64, max_attempts: u32) -> Course {
        Course {
            request_id,
            acts: true,
            max_attempts,
            retries_here: 0,
            token_retries_here: 0,
            blamed: Blamed {
                request_bytes,
                ..Blamed::default()
            },
            refused: Vec::new(),
            refused_alike: false,
        }
    }

    /// The same for a request that an operator sends again: what becomes of it does nothing to accounts.
    #[must_use]
    pub fn without_effect(self) -> Course {
        Course {
            acts: false,
            ..self
        }
    }

    /// An account serves it. So the request was not at fault where several credentials were refused
    /// alike: their accounts cannot do what this one can.
    pub fn served(&mut self, keeper: &Keeper, now: UnixMillis) {
        if !self.refused_alike || !self.acts {
            return;
        }
        for refused in self.refused.drain(..) {
            keeper.failed(Failed {
                account: &refused.account,
                group_rules: &[],
                model: refused.model.as_ref(),
                failure: &refused.failure,
                status: refused.status,
                request_id: Some(self.request_id),
                attempt: Some(refused.number),
                actor: None,
                began_at: refused.began_at,
                now,
                stale_connection: false,
                acts: true,
                blamed: &mut Blamed::default(),
            });
        }
    }

    /// An attempt failed. `has_next`: whether another account can be tried, or will be soon; asked after
    /// the failure has had its effect.
    pub fn failed(
        &mut self,
        keeper: &Keeper,
        broke: Broke<'_>,
        has_next: impl FnOnce() -> bool,
    ) -> Follows {
        // Whether the account is at fault shows with a new token.
        let stale_token = broke.stale_token && self.token_retries_here == 0;
        let of_account = Failed {
            account: broke.account,
            group_rules: &broke.group.state_rules,
            model: broke.model,
            failure: broke.failure,
            status: broke.status,
            request_id: Some(self.request_id),
            attempt: Some(broke.number),
            actor: None,
            began_at: broke.began_at,
            now: broke.now,
            stale_connection: broke.stale_connection,
            acts: self.acts,
            blamed: &mut self.blamed,
        };
        // Nor is an address the account.
        let marked = match stale_token || broke.elsewhere {
            true => Marked::default(),
            false => keeper.failed(of_account),
        };
        let blame = match broke.failure.cause.info().blame {
            // The operator knows better than the table whose fault this one is.
            Blame::Request if marked.ruled => Blame::Account,
            blame => blame,
        };
        let of_credential = blame == Blame::Credential;
        if of_credential && !stale_token {
            self.refused_alike |= marked.repeats;
            self.refused.push(Refused {
                account: Arc::clone(broke.account),
                model: broke.model.cloned(),
                failure: broke.failure.clone(),
                status: broke.status,
                number: broke.number,
                began_at: broke.began_at,
            });
        }
        let facts = Facts {
            blame: Some(blame),
            answered: broke.status.is_some_and(|status| status >= 400),
            // What credentials may not do is the pool's affair: another account may.
            repeats: marked.repeats && !of_credential,
            stale_connection: broke.stale_connection,
            stale_token,
            attempts: broke.number,
            max_attempts: self.max_attempts,
            retries_here: self.retries_here,
            token_retries_here: self.token_retries_here,
            has_next: has_next(),
            retold: broke.retold.is_some(),
            elsewhere: broke.elsewhere,
            out_of_time: broke.out_of_time,
        };
        let (decision, reason) = decide::decide(facts);
        match decision {
            Decision::RetrySameAccount if stale_token => self.token_retries_here += 1,
            Decision::RetrySameAccount => self.retries_here += 1,
            Decision::NextAccount | Decision::Serve | Decision::Surface | Decision::GiveUp => {
                (self.retries_here, self.token_retries_here) = (0, 0);
            }
        }
        Follows {
            decision,
            reason,
            marked,
            facts,
        }
    }
}

impl Follows {
    /// Whether the request is at fault.
    pub fn blames_request(&self) -> bool {
        self.facts.repeats
    }

    /// What follows where the account that was decided for could not be had after all.
    pub fn without_next(self) -> Follows {
        let facts = Facts {
            has_next: false,
            stale_connection: false,
            retold: false,
            stale_token: false,
            elsewhere: false,
            retries_here: u32::MAX,
            ..self.facts
        };
        let (decision, reason) = decide::decide(facts);
        Follows {
            decision,
            reason,
            facts,
            ..self
        }
    }
}
