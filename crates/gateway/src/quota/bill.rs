//! What a finished request used, and who used it. The one place that says so: meters and the store
//! count by it alike.

use waybill_model::{
    id::AccountId,
    limits::{Consumer, Used},
    money::MicroUsd,
    protocol::Endpoint,
    time::UnixMillis,
    waybill::{Attempt, TransportFault, Usage, Waybill},
};

use super::PriceTable;
use crate::routing::Snapshot;

/// Bytes of a request per token: what English text and JSON come to.
const BYTES_PER_TOKEN: u64 = 4;

/// What somebody used, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Who.
    pub consumer: Consumer,
    /// The instant whose windows it counts in.
    pub at: UnixMillis,
    /// How much.
    pub used: Used,
}

/// Everything that a finished request adds to what was used before. A request counts when it arrived,
/// an account's when its attempt began, tokens and money when the request ended. One that reached no
/// provider adds nothing.
pub fn charges(waybill: &Waybill, finished_at: UnixMillis) -> Vec<Charge> {
    let Some(admission) = &waybill.admission else {
        return Vec::new();
    };
    if waybill.attempts().is_empty() {
        return Vec::new();
    }
    // A request and what it spent, of each: nearly always there are so many.
    let mut charges = Vec::with_capacity(6);
    let one = Used {
        requests: 1,
        ..Used::default()
    };
    let spent = spent(waybill);
    let mut charge = |consumer, at, used| {
        if used != Used::default() {
            charges.push(Charge { consumer, at, used });
        }
    };
    // Sent again by an operator, it is nobody's but the accounts'.
    let clients = match waybill.replay_of {
        None => &[
            Consumer::Key(admission.api_key_id),
            Consumer::User(admission.user_id),
        ][..],
        Some(_) => &[],
    };
    for consumer in clients.iter().copied() {
        if has_reached(waybill) {
            charge(consumer, waybill.opened_at, one);
        }
        charge(consumer, finished_at, spent);
    }
    for attempt in waybill.attempts().iter().filter(|attempt| reached(attempt)) {
        charge(
            Consumer::Account(attempt.account_id),
            attempt.started_at,
            one,
        );
    }
    if let Some(last) = waybill.attempts().last() {
        charge(Consumer::Account(last.account_id), finished_at, spent);
    }
    charges
}

/// The same for the meters, which counted requests ahead.
#[derive(Debug)]
pub struct Bill {
    /// Whether the request counts.
    pub has_reached: bool,
    /// Tokens and money.
    pub spent: Used,
    /// The account that they are spent on.
    pub account: Option<AccountId>,
    /// Attempts that were counted and do not count: when they began, and where.
    pub unreached: Vec<(AccountId, UnixMillis)>,
}

impl Bill {
    /// Reads it from the facts.
    pub fn of(waybill: &Waybill) -> Self {
        let attempts = waybill.attempts();
        Bill {
            has_reached: has_reached(waybill),
            spent: spent(waybill),
            account: attempts.last().map(|last| last.account_id),
            unreached: attempts
                .iter()
                .filter(|attempt| !reached(attempt))
                .map(|attempt| (attempt.account_id, attempt.started_at))
                .collect(),
        }
    }
}

impl Bill {
    /// Counts what accounts were used for, and gives back what they were not. Requests that are sent again use
    /// accounts, and nothing of anybody's quota.
    pub(crate) fn settle_accounts(&self, snapshot: &Snapshot, now: UnixMillis) {
        if self.spent != Used::default()
            && let Some(account) = self.account.and_then(|id| snapshot.account(id))
        {
            account.live.meter().add(self.spent, now);
        }
        for (account, at) in &self.unreached {
            if let Some(account) = snapshot.account(*account) {
                account.live.meter().take_back_request(*at);
            }
        }
    }
}

/// Stamps what the request cost, where its model has a price.
pub fn stamp_cost(waybill: &mut Waybill, prices: &PriceTable) {
    if !is_billed(waybill.arrival.endpoint) {
        return;
    }
    let Some((platform, upstream_model)) = waybill
        .attempts()
        .last()
        .map(|last| (last.platform, last.upstream_model.clone()))
    else {
        return;
    };
    let price = prices.of_request(waybill.arrival.model.as_deref(), upstream_model.as_deref());
    let estimated = estimated(waybill);
    if let (Some(price), Some(relayed)) = (price, &mut waybill.relayed) {
        let usage = estimated.unwrap_or(relayed.usage);
        relayed.cost = Some(price.cost(platform, usage));
    }
}

/// How many tokens a request will use, as far as its size tells before an account is chosen.
pub fn estimate_tokens(endpoint: Option<Endpoint>, body_bytes: u64) -> u64 {
    if is_billed(endpoint) {
        body_bytes.div_ceil(BYTES_PER_TOKEN)
    } else {
        0
    }
}

/// Whether tokens are used. Counting them, or listing models, uses none.
pub fn is_billed(endpoint: Option<Endpoint>) -> bool {
    match endpoint {
        None | Some(Endpoint::CountTokens | Endpoint::GeminiCountTokens | Endpoint::Models) => {
            false
        }
        Some(
            Endpoint::Messages
            | Endpoint::ChatCompletions
            | Endpoint::Responses
            | Endpoint::Embeddings
            | Endpoint::GenerateContent
            | Endpoint::StreamGenerateContent
            | Endpoint::EmbedContent,
        ) => true,
    }
}

fn spent(waybill: &Waybill) -> Used {
    let (Some(relayed), Some(last)) = (&waybill.relayed, waybill.attempts().last()) else {
        return Used::default();
    };
    if !is_billed(waybill.arrival.endpoint) {
        return Used::default();
    }
    let usage = estimated(waybill).unwrap_or(relayed.usage);
    let tokens = usage.total_tokens(last.platform);
    Used {
        requests: 0,
        tokens,
        usd: relayed.cost.unwrap_or(MicroUsd(0)),
    }
}

/// A provider that began to answer and states no tokens at all has used some: those of the prompt, as
/// far as its size tells. What it answered is not known.
fn estimated(waybill: &Waybill) -> Option<Usage> {
    let (relayed, last) = (waybill.relayed.as_ref()?, waybill.attempts().last()?);
    let is_unstated = relayed.usage == Usage::default() && last.failure.is_none();
    is_unstated.then(|| Usage {
        input_tokens: Some(estimate_tokens(
            waybill.arrival.endpoint,
            waybill.arrival.body_bytes,
        )),
        ..Usage::default()
    })
}

/// Attempts beyond those kept were made, too.
fn has_reached(waybill: &Waybill) -> bool {
    waybill.attempts().iter().any(reached)
}

/// Whether the provider can know of the attempt: no connection, no request.
fn reached(attempt: &Attempt) -> bool {
    let fault = attempt
        .failure
        .as_ref()
        .and_then(|failure| failure.transport);
    match fault {
        Some(
            TransportFault::Dns
            | TransportFault::Connect
            | TransportFault::Tls
            | TransportFault::Proxy
            | TransportFault::Forbidden,
        ) => false,
        Some(TransportFault::Reset | TransportFault::Timeout | TransportFault::Protocol) | None => {
            true
        }
    }
}
