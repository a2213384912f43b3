//! What keys, users and accounts use, told to other replicas and heard of them.
//!
//! In: the counts of [`quota`](crate::quota), of consumers with a limit that spans replicas. Out: what
//! others counted, put beside them.
//!
//! Promises: each replica writes its own counts alone, so nothing is lost or counted twice, whatever is
//! told again; a limit is overrun by no more than what other replicas let in between two exchanges, which
//! is [`EVERY`] while something changes. Must not know: what a limit is, or who is refused.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::Value;
use tokio::time::{MissedTickBehavior, interval};
use waybill_model::{
    limits::{Consumer, Limits, Quota, UsageCount, Used, Window},
    money::MicroUsd,
    time::UnixMillis,
};

use super::{
    Place,
    link::{Ask, Away, State, parts_of, string_of},
    member::Members,
};
use crate::{
    app::Shared,
    quota::{Foreign, Meter, Notes, Source, Tally, Watch},
    routing::{Live, Snapshot},
};

/// How often what has changed is told.
const EVERY: Duration = Duration::from_millis(50);

/// How often those who used something lately are looked at although nothing changed here.
const LOOK_AGAIN_MS: i64 = 1_000;

/// Who used something so long ago is looked at with all the others, now and then.
const LATELY_MS: i64 = 10_000;

/// All others are looked at once in so many looks.
const PARTS: usize = 30;

/// Commands in one go.
const MOST_COMMANDS: usize = 1_000;

/// How long a replica's number in flight is believed without being told again, in milliseconds.
const IN_FLIGHT_KEPT_MS: i64 = 120_000;

/// What is shared of whom.
pub struct Usage {
    place: Arc<Place>,
    notes: Arc<Notes>,
    consumers: Mutex<HashMap<Consumer, Consumed>>,
}

/// Whose counts they are.
#[derive(Clone)]
enum Counted {
    Account(Arc<Live>),
    KeyOrUser(Arc<Tally>),
}

/// What is shared of one consumer.
struct Consumed {
    counted: Counted,
    /// Windows that it has a limit in.
    windows: Vec<Window>,
    /// It has a limit of requests at once.
    shares_in_flight: bool,
    /// What was told of a window, by its start.
    told: HashMap<(Window, i64), Used>,
    told_in_flight: Option<(u32, i64)>,
    heard: HashMap<(Window, i64), Foreign>,
    used_at: i64,
}

/// What an answer is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// To be noted as told, now that it is.
    Told(Consumer, Telling),
    /// Nothing that anybody waits for.
    Nothing,
    /// What others used.
    Used(Consumer, Window, UnixMillis),
    /// What others have in flight.
    InFlight(Consumer),
}

/// What was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    Used(Window, UnixMillis, Used),
    InFlight(u32),
}

impl Usage {
    pub(super) fn new(place: Arc<Place>) -> Usage {
        Usage {
            place,
            notes: Arc::default(),
            consumers: Mutex::default(),
        }
    }

    /// Takes up the consumers of a picture that have a limit.
    pub(super) fn adopt(&self, snapshot: &Snapshot) {
        let mut limited: HashMap<Consumer, (Counted, Vec<Window>, bool)> = HashMap::new();
        for key in snapshot.keys() {
            let windows = windows_of(&key.limits, false);
            let shares = key.limits.concurrency.is_some();
            let counted = Counted::KeyOrUser(Arc::clone(&key.tally));
            limited.insert(Consumer::Key(key.id), (counted, windows, shares));
            let windows = windows_of(&key.user_limits, key.credit_usd.is_some());
            let shares = key.user_limits.concurrency.is_some();
            let counted = Counted::KeyOrUser(Arc::clone(&key.user_tally));
            limited.insert(Consumer::User(key.user_id), (counted, windows, shares));
        }
        for account in snapshot.accounts() {
            let counted = Counted::Account(Arc::clone(&account.live));
            let windows = windows_of_quota(&account.quota);
            limited.insert(Consumer::Account(account.id), (counted, windows, false));
        }
        limited.retain(|_, (_, windows, shares)| !windows.is_empty() || *shares);
        let mut consumers = self.lock();
        consumers.retain(|consumer, _| limited.contains_key(consumer));
        for (consumer, (counted, windows, shares_in_flight)) in limited {
            counted
                .meter()
                .watch(Watch::new(consumer, Arc::clone(&self.notes)));
            match consumers.get_mut(&consumer) {
                Some(known) => {
                    (known.windows, known.shares_in_flight) = (windows, shares_in_flight);
                }
                None => {
                    consumers.insert(consumer, Consumed::new(counted, windows, shares_in_flight));
                }
            }
        }
    }

    /// What is on record of another replica, in one window.
    pub(super) fn learn(&self, replica: &str, count: &UsageCount) {
        let mut consumers = self.lock();
        if let Some(consumer) = consumers.get_mut(&count.consumer) {
            consumer.hear(
                Source::Recorded,
                count.window,
                count.started_at,
                [(replica, count.used)],
                &self.place.replica.id,
            );
        }
    }

    /// Exchanges for as long as it is let.
    pub(super) async fn exchange(&self, shared: &Shared, members: &Members) {
        let mut link = self.place.link.state();
        let mut every = interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut looked_at, mut part) = (i64::MIN, 0);
        loop {
            every.tick().await;
            if !self.place.link.is_up() {
                // What changes meanwhile stays noted.
                continue;
            }
            let is_new = link.has_changed().unwrap_or(false)
                && matches!(*link.borrow_and_update(), State::Up { .. });
            let now = self.place.now();
            let noted = self.notes.take();
            let looks = is_new || now >= looked_at.saturating_add(LOOK_AGAIN_MS);
            let about = match noted {
                _ if is_new => self.all(),
                None => self.all(),
                Some(noted) if looks => {
                    part = (part + 1) % PARTS;
                    self.lately_used(noted, part, now)
                }
                Some(noted) => noted.into_iter().collect(),
            };
            if looks {
                looked_at = now;
            }
            if about.is_empty() {
                continue;
            }
            if is_new {
                self.forget_what_was_told();
            }
            if self.tell(about, shared, members).await.is_ok() {
                self.place.counts.usage_exchanges.add(1);
            }
        }
    }

    /// Gives back what this replica has in flight, so that nobody is refused for it.
    pub(super) async fn leave(&self) {
        let in_flight: Vec<Consumer> = {
            let consumers = self.lock();
            let told = consumers.iter();
            told.filter(|(_, consumer)| consumer.told_in_flight.is_some_and(|(n, _)| n > 0))
                .map(|(id, _)| *id)
                .collect()
        };
        for some in in_flight.chunks(MOST_COMMANDS) {
            let Ok(mut ask) = self.place.link.ask() else {
                return;
            };
            for consumer in some {
                let key = self.place.keys.in_flight(*consumer);
                ask.command("HDEL").arg(key).arg(&self.place.replica.id);
            }
            // What is not heard of is not believed for long.
            let _ = self.place.link.answers(ask).await;
        }
    }

    async fn tell(
        &self,
        about: HashSet<Consumer>,
        shared: &Shared,
        members: &Members,
    ) -> Result<(), Away> {
        let mut about = about.into_iter().peekable();
        while about.peek().is_some() {
            let mut ask = self.place.link.ask()?;
            let mut asked = Vec::new();
            let now = shared.clock.now();
            {
                let mut consumers = self.lock();
                while ask.len() < MOST_COMMANDS
                    && let Some(id) = about.next()
                {
                    if let Some(consumer) = consumers.get_mut(&id) {
                        self.ask_about(id, consumer, now, members.run(), &mut ask, &mut asked);
                    }
                }
            }
            if ask.is_empty() {
                continue;
            }
            let answers = self.place.link.answers(ask).await?;
            let runs = runs(members);
            let mut consumers = self.lock();
            for (asked, answer) in asked.into_iter().zip(answers) {
                self.hear(asked, answer, &mut consumers, &runs);
            }
        }
        Ok(())
    }

    /// Puts together what is told, and asked, of one consumer.
    fn ask_about(
        &self,
        id: Consumer,
        consumer: &mut Consumed,
        now: UnixMillis,
        run: &str,
        ask: &mut Ask,
        asked: &mut Vec<Asked>,
    ) {
        let own = &self.place.replica.id;
        let windows = consumer.now_counted(now);
        let (meter, keys) = (consumer.counted.meter(), &self.place.keys);
        meter.read_from_now();
        for (window, started_at) in windows {
            let key = keys.used(id, window, started_at);
            let used = meter.own(window, started_at);
            let told = consumer.told.get(&(window, started_at.0));
            if told.copied().unwrap_or_default() != used {
                let is_first = told.is_none();
                ask.command("HSET")
                    .arg(&key)
                    .arg(own)
                    .arg(format!("{} {} {}", used.requests, used.tokens, used.usd.0));
                asked.push(Asked::Told(id, Telling::Used(window, started_at, used)));
                if is_first {
                    ask.command("PEXPIRE").arg(&key).arg(kept_ms(window));
                    asked.push(Asked::Nothing);
                }
            }
            ask.command("HGETALL").arg(&key);
            asked.push(Asked::Used(id, window, started_at));
        }
        if let (true, Counted::KeyOrUser(tally)) = (consumer.shares_in_flight, &consumer.counted) {
            let key = keys.in_flight(id);
            let (here, at) = (tally.in_flight(), self.place.now());
            let is_told = consumer.told_in_flight.is_some_and(|(told, told_at)| {
                told == here && (here == 0 || at - told_at < IN_FLIGHT_KEPT_MS / 4)
            });
            if !is_told {
                ask.command("HSET")
                    .arg(&key)
                    .arg(own)
                    .arg(format!("{run} {here}"));
                asked.push(Asked::Told(id, Telling::InFlight(here)));
                ask.command("PEXPIRE").arg(&key).arg(IN_FLIGHT_KEPT_MS);
                asked.push(Asked::Nothing);
            }
            ask.command("HGETALL").arg(&key);
            asked.push(Asked::InFlight(id));
        }
    }

    fn hear(
        &self,
        asked: Asked,
        answer: Value,
        consumers: &mut HashMap<Consumer, Consumed>,
        runs: &HashMap<String, String>,
    ) {
        let own = &self.place.replica.id;
        match asked {
            Asked::Nothing => {}
            Asked::Told(id, telling) => {
                let now = self.place.now();
                let Some(consumer) = consumers.get_mut(&id) else {
                    return;
                };
                match telling {
                    Telling::Used(window, started_at, used) => {
                        // Being refused touches nothing, so this is somebody who is served here.
                        consumer.used_at = now;
                        consumer.told.insert((window, started_at.0), used);
                    }
                    Telling::InFlight(n) => consumer.told_in_flight = Some((n, now)),
                }
            }
            Asked::Used(id, window, started_at) => {
                let said = by_replica(answer);
                let reports = said
                    .iter()
                    .filter_map(|(replica, text)| Some((&**replica, used_in(text)?)));
                if let Some(consumer) = consumers.get_mut(&id) {
                    consumer.hear(Source::Told, window, started_at, reports, own);
                }
            }
            Asked::InFlight(id) => {
                let others = by_replica(answer)
                    .into_iter()
                    .filter(|(replica, _)| replica != own)
                    .filter_map(|(replica, text)| {
                        let (run, n) = text.split_once(' ')?;
                        // What a run said that is gone is gone with it.
                        (runs.get(&replica).is_some_and(|known| known == run))
                            .then(|| n.parse::<u32>().ok())?
                    })
                    .fold(0u32, u32::saturating_add);
                if let Some(Counted::KeyOrUser(tally)) = consumers.get(&id).map(|c| &c.counted) {
                    tally.set_foreign_in_flight(others);
                }
            }
        }
    }

    /// A Redis that was emptied has to be told everything again.
    fn forget_what_was_told(&self) {
        for consumer in self.lock().values_mut() {
            consumer.told.clear();
            consumer.told_in_flight = None;
        }
    }

    fn all(&self) -> HashSet<Consumer> {
        self.lock().keys().copied().collect()
    }

    /// Those noted, those who used something lately, and a part of all others.
    fn lately_used(&self, noted: Vec<Consumer>, part: usize, now: i64) -> HashSet<Consumer> {
        let consumers = self.lock();
        let lately = consumers
            .iter()
            .enumerate()
            .filter(|(at, (_, consumer))| {
                now.saturating_sub(consumer.used_at) < LATELY_MS
                    || consumer.told_in_flight.is_some_and(|(n, _)| n > 0)
                    || at % PARTS == part
            })
            .map(|(_, (id, _))| *id);
        noted.into_iter().chain(lately).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Consumer, Consumed>> {
        self.consumers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Consumed {
    fn new(counted: Counted, windows: Vec<Window>, shares_in_flight: bool) -> Consumed {
        Consumed {
            counted,
            windows,
            shares_in_flight,
            told: HashMap::new(),
            told_in_flight: None,
            heard: HashMap::new(),
            used_at: i64::MIN,
        }
    }

    /// The windows that count now: of minutes the last one, too. What passed is forgotten.
    fn now_counted(&mut self, now: UnixMillis) -> Vec<(Window, UnixMillis)> {
        let mut counted = Vec::new();
        for window in &self.windows {
            let start = window.start(now);
            if *window == Window::Minute {
                counted.push((*window, window.start(start.plus_ms(-1))));
            }
            counted.push((*window, start));
        }
        let counts = |key: &(Window, i64)| counted.contains(&(key.0, UnixMillis(key.1)));
        self.told.retain(|key, _| counts(key));
        self.heard.retain(|key, _| counts(key));
        counted
    }

    fn hear<'a>(
        &mut self,
        source: Source,
        window: Window,
        started_at: UnixMillis,
        reports: impl IntoIterator<Item = (&'a str, Used)>,
        own: &str,
    ) {
        let foreign = self.heard.entry((window, started_at.0)).or_default();
        for (replica, used) in reports {
            foreign.learn(source, replica, used);
        }
        let others = foreign.of_others(own);
        self.counted.meter().set_foreign(window, started_at, others);
    }
}

impl Counted {
    fn meter(&self) -> &Meter {
        match self {
            Counted::Account(live) => live.meter(),
            Counted::KeyOrUser(tally) => tally.meter(),
        }
    }
}

/// The run of every replica that is there.
fn runs(members: &Members) -> HashMap<String, String> {
    let seen = members.seen();
    let seen = seen.iter();
    seen.map(|member| (member.id.clone(), member.card.run.clone()))
        .collect()
}

fn by_replica(answer: Value) -> Vec<(String, String)> {
    let mut parts = parts_of(answer).into_iter().map(string_of);
    let mut pairs = Vec::new();
    while let (Some(replica), Some(text)) = (parts.next(), parts.next()) {
        pairs.extend(replica.zip(text));
    }
    pairs
}

fn used_in(text: &str) -> Option<Used> {
    let mut numbers = text.split(' ');
    Some(Used {
        requests: numbers.next()?.parse().ok()?,
        tokens: numbers.next()?.parse().ok()?,
        usd: MicroUsd(numbers.next()?.parse().ok()?),
    })
}

/// How long Redis keeps what was told of a window, from the first time on.
fn kept_ms(window: Window) -> i64 {
    const DAY: i64 = 86_400_000;
    match window {
        Window::Minute => 180_000,
        Window::Day => 2 * DAY,
        Window::Month => 32 * DAY,
        Window::Total => 90 * DAY,
    }
}

fn windows_of(limits: &Limits, has_credit: bool) -> Vec<Window> {
    let Limits {
        concurrency: _,
        requests_per_minute,
        tokens_per_minute,
        requests_per_day,
        tokens_per_day,
        usd_per_day,
        requests_per_month,
        tokens_per_month,
        usd_per_month,
    } = limits;
    let minute = requests_per_minute.is_some() || tokens_per_minute.is_some();
    let day = requests_per_day.is_some() || tokens_per_day.is_some() || usd_per_day.is_some();
    let month =
        requests_per_month.is_some() || tokens_per_month.is_some() || usd_per_month.is_some();
    windows([minute, day, month, has_credit])
}

fn windows_of_quota(quota: &Quota) -> Vec<Window> {
    let Quota {
        requests_per_minute,
        tokens_per_minute,
        requests_per_day,
        tokens_per_day,
    } = quota;
    let minute = requests_per_minute.is_some() || tokens_per_minute.is_some();
    let day = requests_per_day.is_some() || tokens_per_day.is_some();
    windows([minute, day, false, false])
}

fn windows(limited: [bool; 4]) -> Vec<Window> {
    let all = [Window::Minute, Window::Day, Window::Month, Window::Total];
    let limited = all.into_iter().zip(limited);
    limited
        .filter(|(_, is)| *is)
        .map(|(window, _)| window)
        .collect()
}
