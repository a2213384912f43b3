//! One simulation: the trace driven over the accounts, from event to event.
//!
//! Promises: everything that decides is what decides in the running gateway; of what happens at the same moment,
//! ends come before arrivals, and both in the order of the record. Must not know: what is compared.

mod waiting;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::HeaderMap;
use waybill_model::{
    entity,
    id::AccountId,
    limits::Used,
    money::MicroUsd,
    state::{AccountEvent, AccountEventKind},
    time::UnixMillis,
    waybill::{Decision, EventKind, Failure},
};
use waybill_wire::{
    endpoint::protocol_of,
    translate::{tongue::Tongues, unsigned::Stage},
};

use self::waiting::lane_of;
use super::{
    Patience, Policy, Stopped,
    answers::{Oracle, Question},
    past::{Answered, Fault, Past, Spell},
    tally::Tally,
    world::{Rules, Setting, World},
};
use crate::{
    quota,
    routing::{Chosen, GroupEntry, Kept, Plan, Wanted},
    secrets::Secrets,
    standing::{Blamed, Failed, Keeper, Served},
    upstream::{Again, Broke, Course},
};

/// Steps between two looks at the time.
const STEPS: u32 = 256;

/// What happens next; at the same moment in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// An account is changed by nobody's request; the number is the event's.
    Changes,
    /// An answer, or its first content, is there.
    Answered,
    /// An answer is over.
    Over,
    /// A request arrives.
    Arrives,
    /// A request that waits looks again.
    LooksAgain,
}

/// One request under way.
struct UnderWay {
    plan: Plan,
    course: Course,
    attempts: u32,
    has_failed: bool,
    /// Accounts that it was tried on.
    tried: Vec<AccountId>,
    attempt: Option<Attempt>,
    gives_up_at: Option<i64>,
    /// When it looks again at the latest.
    alarm: Option<i64>,
}

struct Attempt {
    chosen: Chosen,
    answer: Arc<Answered>,
    began: UnixMillis,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub served: bool,
    /// The account of its last attempt.
    pub account: Option<AccountId>,
    pub attempts: u32,
}

/// A simulation that has ended.
pub(super) struct Played {
    pub tally: Tally,
    /// How each request ended; `None` for those that cannot be replayed.
    pub ends: Vec<Option<End>>,
    /// What happened to accounts.
    #[cfg(test)]
    pub events: Vec<AccountEvent>,
}

/// A simulation.
pub(super) struct Run<'a> {
    past: &'a Past,
    answers: &'a dyn Oracle,
    playable: &'a [bool],
    rules: Rules,
    /// Whose turn it was says nothing any more.
    mixed: Vec<AccountId>,
    world: World,
    keeper: Keeper,
    heard: Arc<Mutex<Vec<AccountEvent>>>,
    queue: BinaryHeap<Reverse<(i64, What, usize)>>,
    under_way: HashMap<usize, UnderWay>,
    waiting: Vec<usize>,
    /// Something was given back, or changed: who waits may be served.
    is_stirred: bool,
    tally: Tally,
    ends: Vec<Option<End>>,
    #[cfg(test)]
    events: Vec<AccountEvent>,
}

impl<'a> Run<'a> {
    /// Which requests can be replayed: their groups are there, and can serve them.
    pub(super) fn playable(setting: &Setting, past: &Past) -> Vec<bool> {
        let world = setting.world(&Policy::default());
        past.spells
            .iter()
            .map(|spell| {
                let group = world.groups.get(&spell.group);
                group.is_some_and(|group| plan(group, spell, &[]).is_some())
            })
            .collect()
    }

    pub(super) fn new(
        setting: &Setting,
        past: &'a Past,
        answers: &'a dyn Oracle,
        playable: &'a [bool],
        policy: &Policy,
    ) -> Run<'a> {
        let world = setting.world(policy);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&heard);
        let keeper = Keeper::new(
            Arc::new(Secrets::new(Vec::new())),
            0,
            Box::new(move |event| {
                sink.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(event)
            }),
        )
        .with_cool_downs(policy.cooldown.clone());
        keeper.restore(&world.snapshot, &past.before);
        let tally = Tally::new(past);
        let mut run = Run {
            past,
            answers,
            playable,
            rules: setting.rules,
            mixed: setting.mixed(policy),
            world,
            keeper,
            heard,
            queue: BinaryHeap::with_capacity(past.spells.len()),
            under_way: HashMap::new(),
            waiting: Vec::new(),
            is_stirred: false,
            tally,
            ends: vec![None; past.spells.len()],
            #[cfg(test)]
            events: Vec::new(),
        };
        run.not_made_yet(setting);
        run
    }

    /// Accounts that were made within the window are away until then.
    fn not_made_yet(&mut self, setting: &Setting) {
        let made = setting
            .accounts
            .iter()
            .filter(|account| account.created_at > self.past.start);
        for account in made {
            let Some(entry) = self.world.snapshot.account(account.id) else {
                continue;
            };
            let by_hand = AccountEventKind::Disabled;
            self.keeper
                .by_hand(entry, by_hand, WHAT_IF, String::new(), self.past.start);
            let at = account.created_at.0;
            let number = usize::try_from(account.id.0).unwrap_or(usize::MAX);
            self.queue.push(Reverse((at, What::Changes, MADE + number)));
        }
    }

    /// Plays it to its end.
    pub(super) fn play(mut self, patience: &Patience) -> Result<Played, Stopped> {
        for (number, event) in self.past.events.iter().enumerate() {
            if event.actor.is_some() {
                self.queue
                    .push(Reverse((event.at.0, What::Changes, number)));
            }
        }
        for (number, spell) in self.past.spells.iter().enumerate() {
            if self.playable[number] {
                self.queue
                    .push(Reverse((spell.at.0, What::Arrives, number)));
            }
        }
        let mut steps = 0_u32;
        while let Some(Reverse((now, what, number))) = self.queue.pop() {
            steps = steps.wrapping_add(1);
            if steps.is_multiple_of(STEPS) {
                patience.check()?;
            }
            let at = UnixMillis(now);
            match what {
                What::Changes => self.changes(number, at),
                What::Arrives => self.arrives(number, at),
                What::LooksAgain => self.looks_again(number, at),
                What::Answered => self.answered(number, at),
                What::Over => self.over(number, at),
            }
            self.hear();
            if std::mem::take(&mut self.is_stirred) && !self.waiting.is_empty() {
                self.serve_waiting(at);
                self.hear();
            }
        }
        Ok(Played {
            tally: self.tally,
            ends: self.ends,
            #[cfg(test)]
            events: self.events,
        })
    }

    fn hear(&mut self) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        for event in heard.drain(..) {
            self.is_stirred = true;
            self.tally.rests.hear(&event);
            #[cfg(test)]
            self.events.push(event);
        }
    }

    /// Hands and probes did what they did, as far as it still makes sense.
    fn changes(&mut self, number: usize, now: UnixMillis) {
        if let Some(made) = number.checked_sub(MADE) {
            let id = AccountId(i64::try_from(made).unwrap_or(0));
            if let Some(entry) = self.world.snapshot.account(id) {
                let by_hand = AccountEventKind::Enabled;
                self.keeper
                    .by_hand(entry, by_hand, WHAT_IF, String::new(), now);
            }
            return;
        }
        let Some(event) = self.past.events.get(number) else {
            return;
        };
        let Some(account) = self.world.snapshot.account(event.account_id) else {
            return;
        };
        let state = account.live.state();
        let mut of_scope = state
            .marks()
            .iter()
            .filter(|mark| mark.scope == event.scope);
        // A probe came when a deadline had passed; under other rules it passes later.
        let is_early =
            event.kind == AccountEventKind::Recovered && !of_scope.all(|mark| mark.is_over(now));
        drop(state);
        if is_early {
            return;
        }
        // Its number orders it among what happens here; what took something back did so elsewhere.
        if self.keeper.learn(&self.world.snapshot, event).is_some() {
            self.is_stirred = true;
            self.tally.rests.hear(event);
        }
    }

    fn arrives(&mut self, number: usize, now: UnixMillis) {
        let spell = &self.past.spells[number];
        let group = self.world.groups.get(&spell.group);
        let Some(plan) = group.and_then(|group| plan(group, spell, &self.mixed)) else {
            self.end(number, false, None);
            return;
        };
        let under_way = UnderWay {
            course: Course::new(spell.request_id, spell.body_bytes, self.rules.max_attempts),
            plan,
            attempts: 0,
            has_failed: false,
            tried: Vec::new(),
            attempt: None,
            gives_up_at: None,
            alarm: None,
        };
        let lane = lane_of(&under_way.plan);
        let is_behind = self.waiting.iter().any(|other| {
            let other = self.under_way.get(other);
            other.is_some_and(|other| lane_of(&other.plan) == lane)
        });
        self.under_way.insert(number, under_way);
        if is_behind {
            self.waits(number, now);
        } else {
            self.looks(number, now);
        }
    }

    /// Chooses an account and asks it; waits, or gives up. Whether it has an account, or is over.
    fn looks(&mut self, number: usize, now: UnixMillis) -> bool {
        let Some(under_way) = self.under_way.get_mut(&number) else {
            return true;
        };
        match under_way.plan.choose(now) {
            Ok(chosen) => {
                under_way.gives_up_at = None;
                self.begins(number, chosen, now);
                true
            }
            Err(_) => self.waits(number, now),
        }
    }

    fn begins(&mut self, number: usize, chosen: Chosen, now: UnixMillis) {
        let spell = &self.past.spells[number];
        let Some(under_way) = self.under_way.get_mut(&number) else {
            return;
        };
        let account = chosen.account.id;
        let nth = under_way
            .tried
            .iter()
            .filter(|tried| **tried == account)
            .count();
        let (answer, ground) = self.answers.answer(Question {
            spell,
            account,
            model: chosen.upstream_model.as_deref(),
            nth,
            now,
        });
        if spell.in_scope {
            self.tally.begins(account, ground);
        }
        under_way.tried.push(account);
        under_way.attempts += 1;
        let seen_ms = match &answer.fault {
            None => answer.first_ms.unwrap_or(answer.ms),
            Some(_) => answer.ms,
        };
        under_way.attempt = Some(Attempt {
            chosen,
            answer,
            began: now,
        });
        self.queue
            .push(Reverse((now.0 + seen_ms.max(0), What::Answered, number)));
    }

    fn answered(&mut self, number: usize, now: UnixMillis) {
        let Some(attempt) = self
            .under_way
            .get_mut(&number)
            .and_then(|under_way| under_way.attempt.take())
        else {
            return;
        };
        match &attempt.answer.fault {
            Some(fault) if !attempt.answer.is_late => {
                let failure = failure_of(fault);
                self.broke(number, attempt, &failure, now);
            }
            Some(_) | None => self.serves(number, attempt, now),
        }
    }

    fn serves(&mut self, number: usize, attempt: Attempt, now: UnixMillis) {
        let Some(under_way) = self.under_way.get_mut(&number) else {
            return;
        };
        let Attempt {
            chosen,
            answer,
            began,
        } = &attempt;
        self.keeper.served(Served {
            account: &chosen.account,
            model: chosen.upstream_model.as_ref(),
            is_trial: chosen.slot.is_trial(),
            first_byte_ms: u32::try_from(now.0 - began.0).ok(),
            used_up: answer.used_up.as_ref(),
            request_id: self.past.spells[number].request_id,
            attempt: under_way.attempts,
            now,
        });
        under_way.course.served(&self.keeper, now);
        let over_at = (began.0 + answer.ms).max(now.0);
        under_way.attempt = Some(attempt);
        self.queue.push(Reverse((over_at, What::Over, number)));
    }

    /// An answer is over: whole, or broken after its first content.
    fn over(&mut self, number: usize, now: UnixMillis) {
        let Some(attempt) = self
            .under_way
            .get_mut(&number)
            .and_then(|under_way| under_way.attempt.take())
        else {
            return;
        };
        let Attempt {
            chosen,
            answer,
            began,
        } = attempt;
        let spell = &self.past.spells[number];
        let account = chosen.account.id;
        match &answer.fault {
            None => {
                self.keeper.completed(&chosen.account);
                let used = Used {
                    requests: 0,
                    tokens: spell.tokens,
                    usd: MicroUsd(0),
                };
                chosen.account.live.meter().add(used, now);
                self.end(number, true, Some(account));
            }
            Some(fault) => {
                let group = self.world.groups.get(&spell.group).cloned();
                self.keeper.failed(Failed {
                    account: &chosen.account,
                    group_rules: group.as_deref().map_or(&[], |group| &group.state_rules),
                    model: chosen.upstream_model.as_ref(),
                    failure: &failure_of(fault),
                    status: fault.status,
                    request_id: Some(spell.request_id),
                    attempt: Some(1),
                    actor: None,
                    began_at: began,
                    now,
                    stale_connection: false,
                    acts: true,
                    blamed: &mut Blamed::default(),
                });
                if spell.in_scope {
                    self.tally.broke(account, fault.cause, now.0 - began.0);
                }
                self.end(number, false, Some(account));
            }
        }
        drop(chosen);
        self.is_stirred = true;
    }

    fn broke(&mut self, number: usize, attempt: Attempt, failure: &Failure, now: UnixMillis) {
        let spell = &self.past.spells[number];
        let give_up_at = self.gives_up_at(number, now);
        let Some(under_way) = self.under_way.get_mut(&number) else {
            return;
        };
        let Attempt {
            chosen,
            answer,
            began,
        } = attempt;
        let account = chosen.account.id;
        if spell.in_scope {
            self.tally.broke(account, failure.cause, now.0 - began.0);
        }
        under_way.has_failed = true;
        let group: Arc<GroupEntry> = Arc::clone(under_way.plan.group());
        let status = answer.fault.as_ref().and_then(|fault| fault.status);
        let broke = Broke {
            group: &group,
            account: &chosen.account,
            model: chosen.upstream_model.as_ref(),
            failure,
            status,
            number: under_way.attempts,
            began_at: began,
            now,
            stale_connection: answer.again == Some(Again::StaleConnection),
            retold: (answer.again == Some(Again::Retold)).then_some(Stage::Thoughts),
            stale_token: answer.again == Some(Again::StaleToken),
            elsewhere: answer.again == Some(Again::Elsewhere),
            out_of_time: now.0.saturating_sub(spell.at.0) >= self.rules.attempts_ms,
        };
        let plan = &under_way.plan;
        let follows = under_way.course.failed(&self.keeper, broke, || {
            plan.has_next(now) || plan.hope(now).is_some_and(|hope| hope.0 < give_up_at)
        });
        self.is_stirred = true;
        match follows.decision {
            Decision::RetrySameAccount => match under_way.plan.again(chosen, now) {
                Some(chosen) => self.begins(number, chosen, now),
                None => {
                    self.looks(number, now);
                }
            },
            Decision::NextAccount => {
                drop(chosen);
                self.looks(number, now);
            }
            Decision::Serve | Decision::Surface | Decision::GiveUp => {
                drop(chosen);
                self.end(number, false, Some(account));
            }
        }
    }

    fn end(&mut self, number: usize, served: bool, account: Option<AccountId>) {
        let under_way = self.under_way.remove(&number);
        let has_failed = under_way
            .as_ref()
            .is_some_and(|under_way| under_way.has_failed);
        let last = under_way
            .as_ref()
            .and_then(|under_way| under_way.tried.last());
        let account = account.or(last.copied());
        if self.past.spells[number].in_scope {
            self.tally.over(account.filter(|_| served), has_failed);
        }
        self.ends[number] = Some(End {
            served,
            account,
            attempts: under_way.map_or(0, |under_way| under_way.attempts),
        });
    }
}

/// Who changes accounts in a simulation.
const WHAT_IF: &str = "what-if";

/// From this number on, what happens to an account is that it is made.
const MADE: usize = 1 << 40;

/// The plan of a recorded request.
fn plan(group: &Arc<GroupEntry>, spell: &Spell, mixed: &[AccountId]) -> Option<Plan> {
    let protocol = protocol_of(spell.endpoint)?;
    let wanted = Wanted {
        protocol,
        only: None,
        open: Tongues::open(protocol, spell.endpoint),
        model: spell.model.as_ref(),
        // Not on record: the account that was chosen stands for the conversation.
        sticky: None,
        tokens: quota::estimate_tokens(Some(spell.endpoint), spell.body_bytes),
        request_id: Some(spell.request_id),
    };
    let chosen = spell.tries.iter().map(|attempt| attempt.account);
    let kept = Kept {
        accounts: chosen.filter(|account| !mixed.contains(account)).collect(),
        is_tied: group.sticky != entity::Sticky::Off,
    };
    Plan::kept_in(group, wanted, kept)
}

fn failure_of(fault: &Fault) -> Failure {
    Failure {
        kind: EventKind::HttpError,
        cause: fault.cause,
        transport: None,
        stream: None,
        message: fault.message.clone(),
        name: fault.name.clone(),
        detail: None,
        body: Bytes::new(),
        request_headers: HeaderMap::new(),
        response_headers: HeaderMap::new(),
        retry_after_ms: fault.retry_after_ms,
        retry_after_source: fault.source.clone(),
        reach: fault.reach,
    }
}
