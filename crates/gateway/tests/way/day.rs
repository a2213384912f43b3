//! A simulated day on a virtual clock: twenty accounts with scripted limits, a hundred thousand
//! requests, no sockets. What the server uses to choose, to judge and to decide is driven by a seeded
//! generator, and every answer of the providers is known to the test beforehand.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::HeaderMap;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use waybill_gateway::{
    egress::{CustomHeaders, Opened},
    routing::{Chosen, Line, LineSettings, NoRoute, Plan, Snapshot, Wanted},
    secrets::Secrets,
    standing::{Keeper, Served},
    upstream::{Broke, Course},
};
use waybill_model::{
    cause::Cause,
    entity::{Account, ApiKey, Group, HttpVersion, Sealed, Status, Sticky, User},
    id::{AccountId, ApiKeyId, GroupId, RequestId, UserId},
    limits::{Limits, Quota},
    protocol::{Platform, Protocol},
    secret::Secret,
    state::{AccountEvent, MarkKind, Reach, Scope, Standing},
    time::UnixMillis,
    waybill::{Decision, EventKind, Failure},
};
use waybill_wire::translate::tongue::Tongues;

const ACCOUNTS: usize = 20;
const REQUESTS: usize = 100_000;
const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 2026-03-02T00:00:00Z.
const MIDNIGHT: i64 = 1_772_409_600_000;
const MODELS: [&str; 2] = ["claude-opus-4-5", "claude-sonnet-4-5"];
/// How long a request waits for an account, as the line lets it.
const PATIENCE: i64 = 5 * SECOND;
const MAX_ATTEMPTS: u32 = 10;

/// How an account's provider limits it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Says {
    /// The true wait.
    Truth,
    /// Nothing.
    Nothing,
    /// A second, whatever is true.
    Soon,
    /// The true wait and half a minute.
    Late,
}

/// The truth about one account, which the gateway does not see.
#[derive(Debug, Clone)]
struct Provider {
    per_minute: f64,
    burst: f64,
    /// What is left, and when that was reckoned; one for each model where limits are kept per model.
    buckets: [(f64, i64); 2],
    says: Says,
    per_day: Option<u32>,
    today: u32,
    /// Since when its key is not accepted.
    revoked_at: Option<i64>,
    /// Whether its limits are kept per model.
    by_model: bool,
    /// Takes part in bursts of missing capacity.
    crowded: bool,
}

/// What a provider answers.
struct Answer {
    cause: Option<Cause>,
    status: u16,
    wait_ms: Option<i64>,
    reach: Reach,
    took: i64,
}

impl Provider {
    fn of(number: usize) -> Provider {
        let per_minute = 6.0 + (number % 5) as f64 * 2.0;
        Provider {
            per_minute,
            burst: per_minute,
            buckets: [(per_minute, MIDNIGHT); 2],
            says: match number {
                12..=14 => Says::Nothing,
                15 => Says::Soon,
                16 => Says::Late,
                _ => Says::Truth,
            },
            per_day: (17..=18).contains(&number).then_some(2000),
            today: 0,
            revoked_at: (number == 19).then_some(MIDNIGHT + 9 * HOUR),
            by_model: number % 4 == 3,
            crowded: number.is_multiple_of(3),
        }
    }

    fn bucket(&self, model: usize) -> usize {
        if self.by_model { model } else { 0 }
    }

    fn filled(&self, model: usize, now: i64) -> f64 {
        let (left, at) = self.buckets[self.bucket(model)];
        let more = (now - at) as f64 * self.per_minute / MINUTE as f64;
        (left + more).min(self.burst)
    }

    fn refuses(&self, model: usize, now: i64) -> Option<Answer> {
        let answer = |cause, status, wait_ms, reach, took| {
            Some(Answer {
                cause: Some(cause),
                status,
                wait_ms,
                reach,
                took,
            })
        };
        if is_outage(now) {
            return answer(Cause::ServerError, 500, None, Reach::Account, 100);
        }
        if self.revoked_at.is_some_and(|at| at <= now) {
            return answer(Cause::AuthInvalidKey, 401, None, Reach::Account, 60);
        }
        if self.per_day.is_some_and(|most| self.today >= most) {
            let wait = MIDNIGHT + DAY - now;
            return answer(Cause::QuotaExhausted, 429, Some(wait), Reach::Account, 80);
        }
        if self.crowded && model == 0 && is_crowded(now) {
            return answer(Cause::Overloaded, 529, None, Reach::Model, 200);
        }
        let filled = self.filled(model, now);
        if filled < 1.0 {
            // Rounded up: at its end there is a token.
            let wait = ((1.0 - filled) * MINUTE as f64 / self.per_minute) as i64 + 2;
            let said = match self.says {
                Says::Truth => Some(wait),
                Says::Nothing => None,
                Says::Soon => Some(SECOND),
                Says::Late => Some(wait + 30 * SECOND),
            };
            let reach = if self.by_model {
                Reach::Model
            } else {
                Reach::Account
            };
            return answer(Cause::RateLimitRequests, 429, said, reach, 80);
        }
        None
    }

    fn serve(&mut self, model: usize, now: i64) {
        self.buckets[self.bucket(model)] = (self.filled(model, now) - 1.0, now);
        self.today += 1;
    }

    fn ask(&mut self, model: usize, now: i64, rng: &mut StdRng) -> Answer {
        if let Some(refused) = self.refuses(model, now) {
            return refused;
        }
        self.serve(model, now);
        Answer {
            cause: None,
            status: 200,
            wait_ms: None,
            reach: Reach::Account,
            took: rng.random_range(400..6000),
        }
    }
}

/// The provider is down for everybody, from 14:00 to 14:10.
fn is_outage(now: i64) -> bool {
    (MIDNIGHT + 14 * HOUR..MIDNIGHT + 14 * HOUR + 10 * MINUTE).contains(&now)
}

/// A third of the accounts has no capacity for one model, for half a minute every 20 minutes.
fn is_crowded(now: i64) -> bool {
    (now - MIDNIGHT) % (20 * MINUTE) < 30 * SECOND
}

/// What an attempt failed of.
fn failure(answer: &Answer) -> Option<Failure> {
    let cause = answer.cause?;
    let wait = answer.wait_ms.and_then(|wait| u64::try_from(wait).ok());
    Some(Failure {
        kind: EventKind::HttpError,
        cause,
        transport: None,
        stream: None,
        message: format!("refused: {cause}"),
        name: None,
        detail: None,
        body: Bytes::new(),
        request_headers: HeaderMap::new(),
        response_headers: HeaderMap::new(),
        retry_after_ms: wait,
        retry_after_source: wait.map(|_| "retry-after".to_owned()),
        reach: answer.reach,
    })
}

/// The pool: twenty accounts of one group in two tiers, and one key.
fn snapshot(line: &Arc<Line>) -> Snapshot {
    let at = UnixMillis(MIDNIGHT);
    let group = Group {
        id: GroupId(1),
        name: "claude".into(),
        platform: Platform::Anthropic,
        protocols: vec![Protocol::Anthropic],
        model_mapping: Vec::new(),
        sticky: Sticky::Off,
        state_rules: Vec::new(),
        status: Status::Active,
        created_at: at,
        updated_at: at,
    };
    let account = |number: usize| Account {
        id: AccountId(number as i64 + 1),
        name: format!("a{number}"),
        platform: Platform::Anthropic,
        base_url: "http://provider.invalid".into(),
        fallback_urls: Vec::new(),
        apis: Vec::new(),
        project: None,
        group_ids: vec![GroupId(1)],
        priority: if number < 14 { 1 } else { 2 },
        concurrency: None,
        models: Vec::new(),
        model_mapping: Vec::new(),
        http_version: HttpVersion::Auto,
        quota: Quota::default(),
        counted_statuses: None,
        state_rules: Vec::new(),
        probe: None,
        status: Status::Active,
        credential: Sealed(Vec::new()),
        proxy: None,
        headers: None,
        created_at: at,
        updated_at: at,
    };
    let user = User {
        id: UserId(1),
        name: "u".into(),
        limits: Limits::default(),
        credit_usd: None,
        status: Status::Active,
        created_at: at,
        updated_at: at,
    };
    let key = ApiKey {
        id: ApiKeyId(1),
        name: "k".into(),
        hash: [1; 32],
        prefix: "k".into(),
        user_id: UserId(1),
        group_ids: vec![GroupId(1)],
        limits: Limits::default(),
        status: Status::Active,
        expires_at: None,
        created_at: at,
        updated_at: at,
    };
    let accounts: Vec<Account> = (0..ACCOUNTS).map(account).collect();
    let open = |_: &Account| {
        Some(Opened {
            credential: waybill_gateway::credential::AtRest::new(
                waybill_gateway::credential::Definition::ApiKey(Secret::new("credential")),
            ),
            proxy: None,
            headers: CustomHeaders::default(),
        })
    };
    Snapshot::build(
        &[group],
        &accounts,
        &[user],
        &[key],
        open,
        line,
        &Snapshot::default(),
    )
}

/// What happens next.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Arrives,
    /// An attempt has its answer.
    Answered,
    /// A request that waits looks again.
    LooksAgain,
}

/// One request on its way.
struct Request {
    plan: Plan,
    course: Course,
    arrived: i64,
    waits_since: Option<i64>,
    model: usize,
    attempts: u32,
    attempt: Option<(Chosen, Answer, i64)>,
}

/// The marks as the events tell them, kept by the test itself.
#[derive(Default)]
struct Deadlines(HashMap<(AccountId, Scope, MarkKind), (i64, waybill_model::id::AccountEventId)>);

impl Deadlines {
    fn hear(&mut self, event: &AccountEvent) {
        match event.kind.sets() {
            Some(kind) => {
                let until = event.until.expect("every mark here has a deadline");
                let key = (event.account_id, event.scope.clone(), kind);
                self.0.insert(key, (until.0, event.id));
            }
            None => self.0.retain(|(account, scope, _), (_, id)| {
                let recovered = *account == event.account_id && *scope == event.scope;
                Some(*id) != event.undoes && !(event.undoes.is_none() && recovered)
            }),
        }
    }

    fn runs(&self, account: AccountId, model: &str, now: i64) -> Option<MarkKind> {
        self.0
            .iter()
            .find(|((of, scope, _), (until, _))| {
                *of == account && scope.covers(Some(model)) && *until > now
            })
            .map(|((_, _, kind), _)| *kind)
    }
}

/// What a day came to.
#[derive(Debug, Default)]
struct Tally {
    served: usize,
    failed: usize,
    /// Requests for which no account could have served, had every earlier one been sent to the right one.
    unavoidable: usize,
    attempts: usize,
    limited: usize,
    events: usize,
    most_limited_in_a_minute: usize,
}

struct Day {
    snapshot: Snapshot,
    keeper: Keeper,
    events: Arc<Mutex<Vec<AccountEvent>>>,
    deadlines: Deadlines,
    providers: Vec<Provider>,
    /// The same providers, asked by somebody who knows everything but the future.
    ideal: Vec<Provider>,
    requests: HashMap<usize, Request>,
    queue: BinaryHeap<Reverse<(i64, usize, What)>>,
    rng: StdRng,
    trials: HashMap<AccountId, usize>,
    limited_at: HashMap<AccountId, Vec<i64>>,
    tally: Tally,
}

impl Day {
    fn new(seed: u64) -> Day {
        let line = Line::new(LineSettings::default());
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        let keeper = Keeper::new(
            Arc::new(Secrets::new(Vec::new())),
            0,
            Box::new(move |event| heard.lock().unwrap().push(event)),
        );
        Day {
            snapshot: snapshot(&line),
            keeper,
            events,
            deadlines: Deadlines::default(),
            providers: (0..ACCOUNTS).map(Provider::of).collect(),
            ideal: (0..ACCOUNTS).map(Provider::of).collect(),
            requests: HashMap::new(),
            queue: BinaryHeap::new(),
            rng: StdRng::seed_from_u64(seed),
            trials: HashMap::new(),
            limited_at: HashMap::new(),
            tally: Tally::default(),
        }
    }

    fn run(mut self) -> Tally {
        for (number, at) in arrivals(&mut self.rng).into_iter().enumerate() {
            self.queue.push(Reverse((at, number, What::Arrives)));
        }
        while let Some(Reverse((now, number, what))) = self.queue.pop() {
            match what {
                What::Arrives => self.arrive(number, now),
                What::LooksAgain => self.look(number, now),
                What::Answered => self.answered(number, now),
            }
        }
        assert!(self.requests.is_empty(), "every request has an end");
        let accounts: Vec<_> = self.snapshot.accounts().cloned().collect();
        for account in accounts {
            assert_eq!(account.live.in_flight(), 0, "{}", account.name);
            let blocked =
                |mark: &&waybill_model::state::Mark| mark.cause == Some(Cause::ServerError);
            let state = account.live.state();
            assert_eq!(state.marks().iter().find(blocked), None, "{}", account.name);
        }
        self.tally
    }

    fn arrive(&mut self, number: usize, now: i64) {
        let model = usize::from(self.rng.random_range(0..10) < 6);
        let request_id = RequestId::new(UnixMillis(now), self.rng.random());
        let name: Arc<str> = MODELS[model].into();
        let key = Arc::clone(self.snapshot.key(&[1; 32]).unwrap());
        let wanted = Wanted {
            protocol: Protocol::Anthropic,
            only: None,
            open: Tongues::ALL,
            model: Some(&name),
            sticky: None,
            tokens: 0,
            request_id: Some(request_id),
        };
        self.tally.unavoidable += usize::from(!self.ideally(model, now));
        let request = Request {
            plan: Plan::new(&key, wanted).unwrap(),
            course: Course::new(request_id, 1000, MAX_ATTEMPTS),
            arrived: now,
            waits_since: None,
            model,
            attempts: 0,
            attempt: None,
        };
        self.requests.insert(number, request);
        self.look(number, now);
    }

    /// Whether it is served where it is known which account can.
    fn ideally(&mut self, model: usize, now: i64) -> bool {
        let best = self
            .ideal
            .iter_mut()
            .filter(|provider| provider.refuses(model, now).is_none())
            .max_by(|a, b| a.filled(model, now).total_cmp(&b.filled(model, now)));
        let is_served = best.is_some();
        if let Some(best) = best {
            best.serve(model, now);
        }
        is_served
    }

    /// Chooses an account and asks it, waits, or gives up, as the line does.
    fn look(&mut self, number: usize, now: i64) {
        let at = UnixMillis(now);
        let request = self.requests.get_mut(&number).unwrap();
        let chosen = match request.plan.choose(at) {
            Ok(chosen) => chosen,
            Err(why) => {
                let since = *request.waits_since.get_or_insert(now);
                let give_up_at = since + PATIENCE;
                if now < give_up_at && may_wait(&request.plan, why, at, give_up_at) {
                    self.queue
                        .push(Reverse((now + 50, number, What::LooksAgain)));
                } else {
                    self.fail(number);
                }
                return;
            }
        };
        request.waits_since = None;
        request.attempts += 1;
        let account = chosen.account.id;
        let model = MODELS[request.model];
        let stopped = self.deadlines.runs(account, model, now);
        assert_eq!(
            stopped, None,
            "account {account} is asked before its deadline"
        );
        if let Standing::HalfOpen(mark) = chosen.account.live.state().standing(Some(model), at) {
            assert!(chosen.slot.is_trial(), "half open: {mark:?}");
        }
        if chosen.slot.is_trial() {
            let running = self.trials.entry(account).or_default();
            *running += 1;
            assert_eq!(*running, 1, "two trials at once on {account}");
        }
        let provider = &mut self.providers[account.0 as usize - 1];
        let answer = provider.ask(request.model, now, &mut self.rng);
        self.tally.attempts += 1;
        let took = answer.took;
        request.attempt = Some((chosen, answer, now));
        self.queue
            .push(Reverse((now + took, number, What::Answered)));
    }

    fn answered(&mut self, number: usize, now: i64) {
        let request = self.requests.get_mut(&number).unwrap();
        let (chosen, answer, began) = request.attempt.take().unwrap();
        let at = UnixMillis(now);
        let account = chosen.account.id;
        if chosen.slot.is_trial() {
            *self.trials.get_mut(&account).unwrap() -= 1;
        }
        if answer.status == 429 {
            self.tally.limited += 1;
            let seen = self.limited_at.entry(account).or_default();
            seen.retain(|at| *at > now - MINUTE);
            seen.push(now);
            let most = self.tally.most_limited_in_a_minute.max(seen.len());
            self.tally.most_limited_in_a_minute = most;
        }
        let Some(failure) = failure(&answer) else {
            self.keeper.served(Served {
                account: &chosen.account,
                model: chosen.upstream_model.as_ref(),
                is_trial: chosen.slot.is_trial(),
                first_byte_ms: u32::try_from(answer.took).ok(),
                used_up: None,
                request_id: RequestId::new(at, [0; 10]),
                attempt: request.attempts,
                now: at,
            });
            self.keeper.completed(&chosen.account);
            drop(chosen);
            self.tally.served += 1;
            self.requests.remove(&number);
            self.hear();
            return;
        };
        let group = Arc::clone(request.plan.group());
        let broke = Broke {
            group: &group,
            account: &chosen.account,
            model: chosen.upstream_model.as_ref(),
            failure: &failure,
            status: Some(answer.status),
            number: request.attempts,
            began_at: UnixMillis(began),
            now: at,
            stale_connection: false,
            retold: None,
            stale_token: false,
            elsewhere: false,
            out_of_time: now - request.arrived > MINUTE,
        };
        let plan = &request.plan;
        let follows = request.course.failed(&self.keeper, broke, || {
            let end = now + PATIENCE;
            plan.has_next(at) || may_wait(plan, NoRoute::NoSlot, at, end)
        });
        drop(chosen);
        self.hear();
        match follows.decision {
            Decision::NextAccount => self.look(number, now),
            Decision::Surface | Decision::GiveUp => self.fail(number),
            Decision::Serve | Decision::RetrySameAccount => {
                panic!("an answered failure is neither: {:?}", follows.reason)
            }
        }
    }

    fn hear(&mut self) {
        for event in self.events.lock().unwrap().drain(..) {
            self.tally.events += 1;
            self.deadlines.hear(&event);
        }
    }

    fn fail(&mut self, number: usize) {
        self.requests.remove(&number);
        self.tally.failed += 1;
    }
}

/// Whether an account will be free before the wait is over.
fn may_wait(plan: &Plan, _why: NoRoute, now: UnixMillis, give_up_at: i64) -> bool {
    let soon = plan
        .soonest(now)
        .is_some_and(|soonest| soonest.0 <= give_up_at);
    plan.has_busy(now) || soon
}

/// When requests come: a quiet night, a busy day, and now and then far more than the pool can take.
fn arrivals(rng: &mut StdRng) -> Vec<i64> {
    let weight = |at: i64| {
        let hour = (at - MIDNIGHT) / HOUR;
        let busy = if (8..20).contains(&hour) { 3 } else { 1 };
        let peak = (at - MIDNIGHT) % (3 * HOUR) < 5 * MINUTE;
        if peak { busy * 3 } else { busy }
    };
    let mut times = Vec::with_capacity(REQUESTS);
    while times.len() < REQUESTS {
        let at = MIDNIGHT + rng.random_range(0..DAY);
        if rng.random_range(0..9) < weight(at) {
            times.push(at);
        }
    }
    times.sort_unstable();
    times
}

#[test]
fn a_day_of_limits_costs_clients_hardly_more_than_the_limits_themselves() {
    for seed in [1, 2] {
        let day = Day::new(seed).run();
        let share = |count: usize| count as f64 / REQUESTS as f64 * 100.0;
        assert_eq!(day.served + day.failed, REQUESTS);
        assert!(
            day.unavoidable > 100,
            "a day without hardship proves nothing"
        );
        // What is refused is refused to those that were in flight together, and to trials.
        assert!(day.most_limited_in_a_minute <= 90, "seed {seed}: {day:?}");
        assert!(day.limited * 6 < day.attempts, "seed {seed}: {day:?}");
        assert!(
            share(day.failed) <= share(day.unavoidable) + 0.5,
            "seed {seed}: {:.2} % failed, {:.2} % could not be served: {day:?}",
            share(day.failed),
            share(day.unavoidable),
        );
    }
}
