//! Admission: whether a key and its user may make another request, and the ticket that says so.

use std::sync::Arc;

use waybill_model::{
    limits::{Limits, Window},
    money::MicroUsd,
    time::UnixMillis,
    waybill::Arrival,
};

use super::{
    Exceeded, Place, PriceTable, Tally, Unit,
    bill::{Bill, is_billed},
};
use crate::{
    respond::{Code, Refusal},
    routing::{GroupEntry, KeyEntry, Snapshot, mapping},
};

/// A request that was let in: it holds its place with its key and its user, and is counted with both.
/// Dropping it gives the places back; [`Ticket::settle`] also says what was used.
#[derive(Debug)]
pub struct Ticket {
    key: Arc<KeyEntry>,
    counted_at: UnixMillis,
    _places: [Place; 2],
}

/// Lets a request in, or says which limit of whom is reached. Counts it in the same steps: a refused
/// request counts nowhere.
pub fn admit(key: &Arc<KeyEntry>, now: UnixMillis) -> Result<Ticket, Refusal> {
    let [of_key, of_user] = parties(key);
    has_balance(key, now)?;
    let places = [of_key.enter()?, of_user.enter()?];
    of_key.count(now)?;
    of_user.count(now).inspect_err(|_| {
        of_key.tally.meter().take_back_request(now);
    })?;
    Ok(Ticket {
        key: Arc::clone(key),
        counted_at: now,
        _places: places,
    })
}

impl Ticket {
    /// Counts what the request used, and gives back what it did not.
    pub(crate) fn settle(self, bill: &Bill, snapshot: &Snapshot, now: UnixMillis) {
        for tally in [&self.key.tally, &self.key.user_tally] {
            if !bill.has_reached {
                tally.meter().take_back_request(self.counted_at);
            }
            tally.meter().add(bill.spent, now);
        }
        bill.settle_accounts(snapshot, now);
    }
}

/// Whether what a request will cost can be known, where somebody counts money. `group` serves it.
pub fn check_price(
    key: &KeyEntry,
    arrival: &Arrival,
    group: &GroupEntry,
    prices: &PriceTable,
) -> Result<(), Refusal> {
    let (Some(model), true) = (arrival.model.as_ref(), is_billed(arrival.endpoint)) else {
        return Ok(());
    };
    let Some(whose) = who_counts_money(key) else {
        return Ok(());
    };
    if prices.of(model).is_some() || is_priced_upstream(model, group, prices) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::NoPrice,
        format!("{whose} has a limit in money, and the model `{model}` has no price"),
    ))
}

/// Whether every account sends the model under a name that has a price.
fn is_priced_upstream(model: &Arc<str>, group: &GroupEntry, prices: &PriceTable) -> bool {
    let model = group
        .model_map
        .get(model)
        .unwrap_or_else(|| Arc::clone(model));
    group.accounts.iter().all(|account| {
        let sent = account.model_map.get(&model);
        let serves = sent.is_some() || mapping::serves(&account.models, &model);
        !serves || prices.of(sent.as_deref().unwrap_or(&model)).is_some()
    })
}

/// The key or the user with a limit in money.
fn who_counts_money(key: &KeyEntry) -> Option<String> {
    let [of_key, of_user] = parties(key);
    let has_limit = |party: &Party<'_>| {
        party.limits.usd_per_day.is_some() || party.limits.usd_per_month.is_some()
    };
    if has_limit(&of_key) {
        Some(of_key.to_string())
    } else if has_limit(&of_user) || key.credit_usd.is_some() {
        Some(of_user.to_string())
    } else {
        None
    }
}

/// One of the two whose limits apply.
struct Party<'a> {
    kind: &'static str,
    name: &'a str,
    limits: &'a Limits,
    tally: &'a Arc<Tally>,
}

fn parties(key: &KeyEntry) -> [Party<'_>; 2] {
    [
        Party {
            kind: "key",
            name: &key.name,
            limits: &key.limits,
            tally: &key.tally,
        },
        Party {
            kind: "user",
            name: &key.user_name,
            limits: &key.user_limits,
            tally: &key.user_tally,
        },
    ]
}

impl std::fmt::Display for Party<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the {} `{}`", self.kind, self.name)
    }
}

impl Party<'_> {
    fn enter(&self) -> Result<Place, Refusal> {
        let limit = self.limits.concurrency;
        self.tally.enter(limit).ok_or_else(|| {
            let limit = limit.unwrap_or(u32::MAX);
            let requests = amount(Unit::Requests, u64::from(limit));
            Refusal::new(
                Code::ConcurrencyLimit,
                format!("{self} may have {requests} in flight at once, and has {limit}"),
            )
        })
    }

    fn count(&self, now: UnixMillis) -> Result<(), Refusal> {
        self.tally
            .meter()
            .try_request(self.limits, now)
            .map_err(|exceeded| self.refusal(exceeded, now))
    }

    fn refusal(&self, exceeded: Exceeded, now: UnixMillis) -> Refusal {
        let Exceeded {
            window,
            unit,
            limit,
            used,
            until,
        } = exceeded;
        let (limit, used) = (amount(unit, limit), amount(unit, used));
        let (code, per, again) = match window {
            Window::Minute => (Code::RateLimit, "minute", "there is room again"),
            Window::Day => (Code::QuotaExhausted, "day", "the day ends"),
            Window::Month => (Code::QuotaExhausted, "month", "the month ends"),
            Window::Total => (Code::QuotaExhausted, "lifetime", "it never ends"),
        };
        let said = format!("{self} may use {limit} per {per}, and has used {used}");
        match until {
            Some(until) => {
                Refusal::new(code, format!("{said}; {again} at {until}")).until(until, now)
            }
            None => Refusal::new(code, said),
        }
    }
}

/// An amount with its unit.
fn amount(unit: Unit, n: u64) -> String {
    let of = |word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match unit {
        Unit::Requests => of("request"),
        Unit::Tokens => of("token"),
        Unit::Usd => MicroUsd(i64::try_from(n).unwrap_or(i64::MAX)).to_string(),
    }
}

/// Whether something of what the user has paid is left.
fn has_balance(key: &KeyEntry, now: UnixMillis) -> Result<(), Refusal> {
    let Some(credit) = key.credit_usd else {
        return Ok(());
    };
    let used = key.user_tally.meter().used(Window::Total, now).usd;
    if used < credit {
        return Ok(());
    }
    Err(Refusal::new(
        Code::BalanceExhausted,
        format!(
            "the user `{}` has a credit of {credit}, and has used {used}",
            key.user_name
        ),
    ))
}
