//! The protocol by which replicas share slots, with everything that can go wrong between them.

use proptest::prelude::*;
use waybill_gateway::cluster::share::{Claim, Share, Timing};

use super::judge::{Caller, Judged, Ledger, News, Said};

const TIMING: Timing = Timing {
    lease_ms: 5_000,
    margin_ms: 500,
    renew_ms: 1_000,
    tenure_ms: 500,
    patience_ms: 1_000,
};

const REPLICAS: usize = 3;

/// A replica with its requests.
#[derive(Debug, Clone)]
struct Replica {
    share: Share,
    taken: u32,
    waiting: u32,
    seq: u64,
    first: Option<i64>,
    /// The call whose answer it waits for.
    asked: Option<(u64, Claim, i64)>,
}

/// A message on its way.
#[derive(Debug, Clone)]
enum Message {
    Call(usize, Caller, Claim),
    Answer(usize, u64, i64, Judged),
    News(usize, u32),
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Join(usize),
    Serve(usize),
    End(usize),
    Call(usize),
    GiveUp(usize),
    Deliver(usize),
    DeliverTwice(usize),
    Lose(usize),
    Wait(i64),
    Die(usize),
    Forget,
}

struct World {
    limit: u32,
    now: i64,
    ledger: Ledger,
    replicas: Vec<Replica>,
    messages: Vec<Message>,
}

impl World {
    fn new(limit: u32) -> World {
        World {
            limit,
            now: 1_000_000,
            ledger: Ledger {
                began: 1_000_000,
                ..Ledger::default()
            },
            replicas: vec![fresh(1_000_000); REPLICAS],
            messages: Vec::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Join(r) => self.replicas[r].waiting = (self.replicas[r].waiting + 1).min(12),
            Step::Serve(r) => {
                let replica = &mut self.replicas[r];
                if replica.waiting > 0 && replica.taken < replica.share.allotment() {
                    replica.waiting -= 1;
                    replica.taken += 1;
                }
            }
            Step::End(r) => self.replicas[r].taken = self.replicas[r].taken.saturating_sub(1),
            Step::Call(r) => self.call(r),
            Step::GiveUp(r) => self.replicas[r].asked = None,
            Step::Deliver(n) => {
                if let Some(message) = self.pick(n) {
                    self.deliver(message);
                }
            }
            Step::DeliverTwice(n) => {
                if let Some(message) = self.pick(n) {
                    self.messages.push(message.clone());
                    self.deliver(message);
                }
            }
            Step::Lose(n) => drop(self.pick(n)),
            Step::Wait(ms) => {
                self.now += ms;
                for replica in &mut self.replicas {
                    if replica.share.lapse(0, self.now) {
                        // Its requests are short ones.
                        replica.taken = 0;
                    }
                }
            }
            // Not while an earlier memory may still be in use: one that starts just then is trusted.
            Step::Die(r) => {
                if self.ledger.began == 1_000_000 || self.now - self.ledger.began >= TIMING.lease_ms
                {
                    let seq = self.replicas[r].seq;
                    self.replicas[r] = Replica {
                        seq,
                        ..fresh(self.now)
                    };
                }
            }
            // Nor while one is just starting, for the same reason.
            Step::Forget => {
                if self.replicas.iter().any(|replica| replica.first.is_none()) {
                    return;
                }
                self.ledger.records.clear();
                self.now += 1;
                self.ledger.began = self.now;
            }
        }
    }

    fn call(&mut self, r: usize) {
        let (limit, now) = (self.limit, self.now);
        let replica = &mut self.replicas[r];
        if replica.asked.is_some() {
            return;
        }
        let claim = replica.share.claim(limit, replica.taken, replica.waiting);
        replica.seq += 1;
        replica.asked = Some((replica.seq, claim, now));
        let caller = Caller {
            id: format!("r{r}"),
            number: u16::try_from(r).unwrap(),
            seq: replica.seq,
            first: replica.first,
        };
        self.messages.push(Message::Call(r, caller, claim));
    }

    fn pick(&mut self, n: usize) -> Option<Message> {
        let count = self.messages.len();
        (count > 0).then(|| self.messages.swap_remove(n % count))
    }

    fn deliver(&mut self, message: Message) {
        match message {
            Message::Call(r, caller, claim) => {
                let seq = caller.seq;
                let said = Said::Claim(claim);
                let (judged, news) = self
                    .ledger
                    .judge(&caller, 1, self.limit, said, self.now, &TIMING);
                let answer = Message::Answer(r, seq, self.ledger.began, judged);
                self.messages.push(answer);
                self.tell(news);
            }
            Message::Answer(r, seq, began, judged) => {
                let replica = &mut self.replicas[r];
                let Some((asked, claim, sent_at)) = replica.asked else {
                    return;
                };
                if asked != seq {
                    return;
                }
                replica.asked = None;
                match judged {
                    Judged::Verdict(verdict) => {
                        replica.share.judged(claim, verdict, sent_at, &TIMING);
                        replica.first.get_or_insert(began);
                        // The answer may come after the lease that it tells of.
                        if replica.share.lapse(0, self.now) {
                            replica.taken = 0;
                        }
                    }
                    Judged::Overtaken(known) => replica.seq = replica.seq.max(known),
                }
            }
            Message::News(r, target) => {
                self.replicas[r].share.told(target);
            }
        }
    }

    fn tell(&mut self, news: News) {
        for (id, target) in news {
            let r = id[1..].parse().unwrap();
            self.messages.push(Message::News(r, target));
        }
    }

    /// The most that may be in use at the provider.
    fn used(&self) -> u32 {
        let most = |replica: &Replica| replica.taken.max(replica.share.allotment());
        self.replicas.iter().map(most).sum()
    }

    /// A while in which nothing goes wrong: everyone serves, and calls in turn.
    fn calm(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.step(Step::Wait(100));
            for r in 0..REPLICAS {
                self.step(Step::GiveUp(r));
                self.step(Step::Call(r));
                while !self.messages.is_empty() {
                    self.step(Step::Deliver(0));
                }
            }
            for r in 0..REPLICAS {
                for _ in 0..self.limit {
                    self.step(Step::Serve(r));
                }
            }
        }
    }
}

fn fresh(now: i64) -> Replica {
    Replica {
        share: Share::nothing(now),
        taken: 0,
        waiting: 0,
        seq: 0,
        first: None,
        asked: None,
    }
}

fn steps(forgets: bool) -> impl Strategy<Value = Vec<Step>> {
    let replica = 0..REPLICAS;
    let step = prop_oneof![
        4 => replica.clone().prop_map(Step::Join),
        6 => replica.clone().prop_map(Step::Serve),
        4 => replica.clone().prop_map(Step::End),
        6 => replica.clone().prop_map(Step::Call),
        1 => replica.clone().prop_map(Step::GiveUp),
        9 => (0..20usize).prop_map(Step::Deliver),
        2 => (0..20usize).prop_map(Step::DeliverTwice),
        1 => (0..20usize).prop_map(Step::Lose),
        3 => (0..800i64).prop_map(Step::Wait),
        1 => replica.prop_map(Step::Die),
        1 => Just(if forgets { Step::Forget } else { Step::Wait(0) }),
    ];
    proptest::collection::vec(step, 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_is_lost_doubled_late_or_dead_the_limit_holds(limit in 1..9u32, steps in steps(false)) {
        let mut world = World::new(limit);
        for step in steps {
            world.step(step);
            prop_assert!(world.used() <= limit, "{} of {limit} after {step:?}: {:?}", world.used(), world.replicas);
        }
    }

    #[test]
    fn it_holds_when_the_judge_forgets_everything(limit in 1..9u32, steps in steps(true)) {
        let mut world = World::new(limit);
        for step in steps {
            world.step(step);
            prop_assert!(world.used() <= limit, "{} of {limit} after {step:?}: {:?}", world.used(), world.replicas);
        }
    }

    #[test]
    fn after_a_calm_while_everyone_has_its_part_and_nothing_lies_idle(
        limit in 1..9u32, steps in steps(true), waiting in proptest::array::uniform3(0..12u32),
    ) {
        let mut world = World::new(limit);
        for step in steps {
            world.step(step);
        }
        // Requests come without end, and each is short.
        let mut served = [0u32; REPLICAS];
        for round in 0..180 {
            for (replica, waiting) in world.replicas.iter_mut().zip(waiting) {
                (replica.taken, replica.waiting) = (0, waiting);
            }
            world.calm(1);
            for (replica, served) in world.replicas.iter().zip(&mut served) {
                *served += if round >= 80 { replica.taken } else { 0 };
            }
        }
        let demand = waiting.map(|waiting| waiting.min(limit));
        let most = demand.iter().sum::<u32>().min(limit);
        // Of a hundred rounds; slots that go round in turns are on their way now and then.
        prop_assert!(served.iter().sum::<u32>() >= 80 * most, "{served:?} for {demand:?}");
        for (served, demand) in served.iter().zip(demand) {
            let least = demand.min(limit / REPLICAS as u32);
            prop_assert!(*served >= 80 * least, "{served:?} for {demand:?}");
        }
    }

    #[test]
    fn who_wants_one_gets_one_in_its_turn(limit in 1..3u32, first in 0..REPLICAS) {
        let mut world = World::new(limit);
        // One comes first and never stops wanting them all; requests are short.
        let mut served = [0u32; REPLICAS];
        for round in 0..200 {
            for r in 0..REPLICAS {
                world.replicas[r].waiting = if round >= 20 || r == first { 5 } else { 0 };
            }
            world.calm(1);
            for (replica, served) in world.replicas.iter_mut().zip(&mut served) {
                *served += std::mem::take(&mut replica.taken);
            }
        }
        let least = served.iter().min().copied().unwrap_or(0);
        prop_assert!(least >= 180 * limit / 3 / 2, "{served:?}");
    }
}
