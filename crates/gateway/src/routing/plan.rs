//! The plan of one request: which accounts may serve it, in which order, and why the others do not.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

use waybill_model::{
    cause::Cause,
    entity,
    id::{AccountId, GroupId, RequestId},
    protocol::{Platform, Protocol},
    state::Standing,
    time::UnixMillis,
    waybill::{Sticky, StickySource},
};
use waybill_wire::translate::tongue::{Tongue, Tongues};

use super::{
    AccountEntry, GroupEntry, KeyEntry, Slot,
    choice::{Obstacle, Pick},
    kept::Kept,
    lane::{Lane, Served},
    live::Readiness,
};

/// The route of one request. Hands out each account at most once, unless told to retry it.
#[derive(Debug)]
pub struct Plan {
    pub(super) group: Arc<GroupEntry>,
    /// The client's model after the group's mapping.
    pub(super) model: Option<Arc<str>>,
    pub(super) lane: Arc<Lane>,
    /// What ties the request to its conversation, where the group asks for that.
    pub(super) sticky: Option<u64>,
    /// The one account that is asked, where an operator says so; its lane is its own.
    pub(super) pinned: Option<AccountId>,
    /// Accounts it keeps to where only load and turns decide; none but in a simulation.
    pub(super) kept: Option<Box<Kept>>,
    /// What it will use, about.
    pub(super) tokens: u64,
    request_id: Option<RequestId>,
    pub(super) tried: Vec<AccountId>,
    /// What accounts may be spoken to in.
    pub(super) open: Tongues,
    /// What was found to have no words for this request. Hardly any request has one: plans are moved about.
    pub(super) closed: Option<Box<Closed>>,
    /// Requests in flight on the account chosen last, this one not counted, and what they were compared
    /// with.
    pub(super) load: (u32, u32),
}

/// A tongue that has no words for a request.
#[derive(Debug)]
pub(super) struct Closed {
    pub tongue: Tongue,
    pub why: String,
    /// The one that was found before.
    pub before: Option<Box<Closed>>,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The language of the client.
    pub protocol: Protocol,
    /// The platform whose accounts alone may serve it; `None`: any that a group serves its protocol by.
    pub only: Option<Platform>,
    /// What accounts may be spoken to in: where there is a way to serve it.
    pub open: Tongues,
    /// The model, as the client names it.
    pub model: Option<&'a Arc<str>>,
    /// What ties it to earlier requests.
    pub sticky: Option<Sticky>,
    /// How many tokens it will use, about; for quotas that are known.
    pub tokens: u64,
    /// The request, to be named where it finds out whether an account serves again.
    pub request_id: Option<RequestId>,
}

/// An account chosen for one attempt, with its slot.
#[derive(Debug)]
pub struct Chosen {
    /// The account.
    pub account: Arc<AccountEntry>,
    /// The name the provider is sent; `None` when the request names no model.
    pub upstream_model: Option<Arc<str>>,
    /// Held until the attempt, and the answer's relay, are over.
    pub slot: Slot,
}

/// Which groups of a key were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sought {
    /// Those that serve clients of this protocol,
    pub protocol: Protocol,
    /// and, where it is given, have accounts of this platform.
    pub only: Option<Platform>,
}

impl fmt::Display for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.only {
            None => write!(f, "serves {} clients", self.protocol),
            Some(platform) => {
                write!(f, "serves {} clients by {platform} accounts", self.protocol)
            }
        }
    }
}

/// No account for this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoute {
    /// The key has no such group.
    NoGroup(Sought),
    /// It has, but none of them has the model.
    ModelNotServed(Sought),
    /// They have, but it cannot be asked of their accounts; those of the first are of this platform.
    NoWords(Platform),
    /// Accounts have the model, but every one that could serve is full.
    NoSlot,
    /// Accounts have the model, but none may be used.
    NoneUsable {
        /// When the first of them may be tried again, as far as is known.
        soonest: Option<UnixMillis>,
    },
    /// It waited for an account as long as it may.
    QueueTimeout,
    /// As many wait for an account as may.
    QueueFull,
}

impl NoRoute {
    /// The cause it is recorded under.
    pub fn cause(self) -> Cause {
        match self {
            NoRoute::NoGroup(_) | NoRoute::ModelNotServed(_) => Cause::GatewayModelNotServed,
            NoRoute::NoWords(_) => Cause::GatewayUntranslatable,
            NoRoute::NoSlot => Cause::GatewayNoSlot,
            NoRoute::NoneUsable { .. } => Cause::GatewayNoAccount,
            NoRoute::QueueTimeout => Cause::GatewayQueueTimeout,
            NoRoute::QueueFull => Cause::GatewayQueueFull,
        }
    }
}

/// Why a group is passed over.
enum Unfit {
    NoModel,
    NoWords,
}

/// Times that a choice begins again because another request was quicker. Each time one more request has
/// its account, so this is reached only in a crowd; then there is no slot.
const MOST_RACES: u32 = 64;

/// Times that it does so only because another request has just taken the account's turn. Beyond, an even
/// share is not worth the time.
const RACES_FOR_TURNS: u32 = 4;

impl Plan {
    /// Picks the first group of the key that speaks the client's protocol and has the model on accounts
    /// which can be asked.
    pub fn new(key: &KeyEntry, wanted: Wanted<'_>) -> Result<Plan, NoRoute> {
        let sought = Sought {
            protocol: wanted.protocol,
            only: wanted.only,
        };
        let mut speaks = key
            .groups
            .iter()
            .filter(|group| group.is_sought(sought))
            .peekable();
        if speaks.peek().is_none() {
            return Err(NoRoute::NoGroup(sought));
        }
        let mut why = NoRoute::ModelNotServed(sought);
        for group in speaks {
            match (Plan::in_group(group, wanted), why) {
                (Ok(plan), _) => return Ok(plan),
                (Err(Unfit::NoWords), NoRoute::ModelNotServed(_)) => {
                    why = NoRoute::NoWords(group.platform);
                }
                (Err(Unfit::NoWords | Unfit::NoModel), _) => {}
            }
        }
        Err(why)
    }

    fn in_group(group: &Arc<GroupEntry>, wanted: Wanted<'_>) -> Result<Plan, Unfit> {
        let model = group.model_of(wanted);
        let lane = group.lanes.get(&group.accounts, &model);
        let tongues = match group.accounts.is_empty() {
            true => Tongues::from(Tongue::of(group.platform, &[])),
            false if lane.has_model => lane.tongues,
            false => return Err(Unfit::NoModel),
        };
        if !wanted.open.meets(tongues) {
            return Err(Unfit::NoWords);
        }
        Ok(Plan::over(group, model, lane, wanted))
    }

    /// A plan of this group, where it can serve such a request.
    pub(super) fn in_one(group: &Arc<GroupEntry>, wanted: Wanted<'_>) -> Option<Plan> {
        Plan::in_group(group, wanted).ok()
    }

    /// A plan of a lane.
    pub(super) fn over(
        group: &Arc<GroupEntry>,
        model: Option<Arc<str>>,
        lane: Arc<Lane>,
        wanted: Wanted<'_>,
    ) -> Plan {
        Plan {
            group: Arc::clone(group),
            model,
            lane,
            sticky: wanted
                .sticky
                .filter(|sticky| ties(group.sticky, sticky.from))
                .map(|sticky| sticky.key),
            pinned: None,
            kept: None,
            tokens: wanted.tokens,
            request_id: wanted.request_id,
            tried: Vec::new(),
            open: wanted.open,
            closed: None,
            load: (0, 1),
        }
    }

    /// The group that serves.
    pub fn group(&self) -> &Arc<GroupEntry> {
        &self.group
    }

    /// What accounts may be spoken to in.
    pub fn open(&self) -> Tongues {
        self.open
    }

    /// Gives an account back to which the request cannot be said, `why`: to none of the same tongue.
    pub fn close(&mut self, chosen: Chosen, why: String) {
        let tongue = chosen.account.tongue;
        self.tried.retain(|tried| *tried != chosen.account.id);
        self.open = self.open.without(tongue);
        self.closed = Some(Box::new(Closed {
            tongue,
            why,
            before: self.closed.take(),
        }));
        chosen.slot.unused();
    }

    /// Whether some account not yet tried can be asked, now or later.
    pub fn has_words(&self) -> bool {
        let mut lane = self.lane.served();
        lane.any(|served| {
            self.open.contains(served.tongue) && !self.tried.contains(&served.account.id)
        })
    }

    /// What requests that wait for the same accounts have in common.
    pub fn lane(&self) -> (GroupId, Option<&Arc<str>>, Option<AccountId>) {
        (self.group.id, self.model.as_ref(), self.pinned)
    }

    /// The best account not yet tried, with a slot on it.
    pub fn choose(&mut self, now: UnixMillis) -> Result<Chosen, NoRoute> {
        for race in 0..MOST_RACES {
            let Some(pick) = self.best(now) else {
                return Err(self.no_route(now));
            };
            let load = pick.served.live.load(pick.served.limit);
            // Another worker may have taken its turn, or the last slot, since it was looked at.
            let has_turn = self.take_turn(pick, now) || race >= RACES_FOR_TURNS;
            if let Some(chosen) = has_turn.then(|| self.take(pick, now)).flatten() {
                self.tried.push(chosen.account.id);
                self.load = load;
                return Ok(chosen);
            }
        }
        Err(NoRoute::NoSlot)
    }

    /// The account just tried, to try it again in the same slot: given back first, it would go to
    /// somebody who waits. `None`, and the slot is given back, where the account may not be tried now.
    pub fn again(&self, mut chosen: Chosen, now: UnixMillis) -> Option<Chosen> {
        let mut lane = self.lane.served();
        let served = lane.find(|served| served.account.id == chosen.account.id)?;
        let model = served.upstream_model.as_deref();
        match served.live.readiness(model, served.asked, now) {
            Readiness::Ready => {}
            Readiness::Trying if chosen.slot.is_trial() => {}
            Readiness::Trying | Readiness::HalfOpen(_) | Readiness::Blocked => return None,
        }
        let quota = &served.account.quota;
        let reserved = served.live.meter().reserve(quota, self.tokens, now);
        chosen.slot.hold(reserved.ok()?);
        Some(chosen)
    }

    /// Whether [`Plan::choose`] would find an account now.
    pub fn has_next(&self, now: UnixMillis) -> bool {
        self.best(now).is_some()
    }

    /// Whether an account not yet tried lacks only a slot, or is being tried by another request.
    pub fn has_busy(&self, now: UnixMillis) -> bool {
        self.lane
            .served()
            .any(|served| match self.obstacle(served, now) {
                Err(Obstacle::NoSlot | Obstacle::Trying) => true,
                Ok(_)
                | Err(
                    Obstacle::Tried | Obstacle::NoWords | Obstacle::Blocked | Obstacle::Quota,
                ) => false,
            })
    }

    /// The earliest instant at which an account that is excluded now, and was not tried yet, may be
    /// tried. `None`: no deadline is known.
    pub fn soonest(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.lane
            .served()
            .filter_map(|served| match self.obstacle(served, now) {
                Err(Obstacle::Blocked) => blocked_until(served, now),
                Err(Obstacle::Quota) => self.quota_until(served, now),
                Ok(_)
                | Err(
                    Obstacle::Tried | Obstacle::NoWords | Obstacle::NoSlot | Obstacle::Trying,
                ) => None,
            })
            .min()
    }

    /// When an account not yet tried can be had, as far as is known: now, where one lacks no more than a
    /// slot that any request may give back. Each account is looked at once, so that one which changes
    /// hands meanwhile is not missed.
    pub(crate) fn hope(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.lane
            .served()
            .filter_map(|served| match self.obstacle(served, now) {
                Ok(_) | Err(Obstacle::NoSlot | Obstacle::Trying) => Some(now),
                Err(Obstacle::Blocked) => blocked_until(served, now),
                Err(Obstacle::Quota) => self.quota_until(served, now),
                Err(Obstacle::Tried | Obstacle::NoWords) => None,
            })
            .min()
    }

    /// Whether an account not yet tried could be had if more of its slots were this replica's; each that
    /// could remembers that it was missed.
    pub(super) fn is_short(&self, now: UnixMillis) -> bool {
        let mut is_short = false;
        for served in self.lane.served() {
            let is_asked =
                self.open.contains(served.tongue) && !self.tried.contains(&served.account.id);
            if is_asked && served.is_short(now) {
                served.live.miss();
                is_short = true;
            }
        }
        is_short
    }

    /// Why nobody can be chosen now.
    pub(super) fn no_route(&self, now: UnixMillis) -> NoRoute {
        match self.hope(now) {
            Some(at) if at <= now => NoRoute::NoSlot,
            soonest => NoRoute::NoneUsable { soonest },
        }
    }

    fn take_turn(&self, pick: Pick<'_>, now: UnixMillis) -> bool {
        let live = &pick.served.live;
        let turn = self.group.turns.fetch_add(1, Ordering::Relaxed) + 1;
        let is_ours = live.take_turn(pick.turn.unwrap_or_else(|| live.turn()), turn, now);
        // Where its turn did not decide, nobody is too late.
        is_ours || pick.turn.is_none()
    }

    /// Takes a slot, and what else the attempt needs. `None` if another request was quicker.
    fn take(&self, pick: Pick<'_>, now: UnixMillis) -> Option<Chosen> {
        let Pick { served, trial, .. } = pick;
        let live = &served.live;
        let mut slot = match trial {
            None => live.take(served.limit)?,
            Some(event) => live.take_trial(served.limit, event, self.request_id)?,
        };
        // Something may have stopped it since it was looked at.
        let model = served.upstream_model.as_deref();
        match (live.readiness(model, served.asked, now), trial) {
            (Readiness::Ready, _) | (Readiness::Trying, Some(_)) => {}
            (Readiness::Blocked | Readiness::HalfOpen(_), _) | (Readiness::Trying, None) => {
                return None;
            }
        }
        let quota = &served.account.quota;
        slot.hold(live.meter().reserve(quota, self.tokens, now).ok()?);
        served.way.taken(now);
        Some(Chosen {
            account: Arc::clone(&served.account),
            upstream_model: served.upstream_model.clone(),
            slot,
        })
    }

    fn quota_until(&self, served: &Served, now: UnixMillis) -> Option<UnixMillis> {
        let quota = &served.account.quota;
        match served.live.meter().has_room(quota, self.tokens, now) {
            Err(full) => full.until,
            // It was given back just now.
            Ok(()) => Some(now),
        }
    }
}

fn blocked_until(served: &Served, now: UnixMillis) -> Option<UnixMillis> {
    match served
        .live
        .state()
        .standing(served.upstream_model.as_deref(), now)
    {
        Standing::Blocked(mark) => mark.until,
        Standing::HalfOpen(mark) => Some(served.live.trial_from(mark).max(now)),
        Standing::Ready => Some(now),
    }
}

impl GroupEntry {
    /// The client's model after the group's mapping.
    pub(super) fn model_of(&self, wanted: Wanted<'_>) -> Option<Arc<str>> {
        wanted.model.map(|model| {
            self.model_map
                .get(model)
                .unwrap_or_else(|| Arc::clone(model))
        })
    }

    pub(super) fn is_sought(&self, sought: Sought) -> bool {
        self.protocols.contains(&sought.protocol)
            && sought.only.is_none_or(|only| self.platform == only)
    }
}

/// Whether a group's setting takes what the request was recognised by.
fn ties(setting: entity::Sticky, from: StickySource) -> bool {
    match (setting, from) {
        (entity::Sticky::Off, _) | (entity::Sticky::Session, StickySource::Prefix) => false,
        (entity::Sticky::Session, StickySource::Session) | (entity::Sticky::Prefix, _) => true,
    }
}
