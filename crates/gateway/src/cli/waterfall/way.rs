//! From what is on record of a request to the lines of its way: when each began, and for how long.

use waybill_model::view::{ErrorLogDetail, UpstreamErrorEvent};

use super::super::table::Tone;

/// A gap at the end is shown from this share of the whole on, in percent: rounding alone makes smaller ones.
const GAP_PERCENT: u64 = 2;

/// What a part of a bar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// In the line for a slot.
    Queue,
    /// Name, TCP and TLS.
    Connect,
    /// Until the answer's head.
    Wait,
    /// Something is done.
    Work,
    /// Nobody knows.
    Unknown,
}

impl Phase {
    pub(super) const ALL: &[Phase] = &[
        Phase::Queue,
        Phase::Connect,
        Phase::Wait,
        Phase::Work,
        Phase::Unknown,
    ];

    pub(super) const fn letter(self) -> char {
        match self {
            Phase::Queue => '░',
            Phase::Connect => '▒',
            Phase::Wait => '─',
            Phase::Work => '█',
            Phase::Unknown => '·',
        }
    }

    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Phase::Queue => "in the line",
            Phase::Connect => "connect",
            Phase::Wait => "wait for the first byte",
            Phase::Work => "work",
            Phase::Unknown => "not on record",
        }
    }
}

/// One bar.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) label: String,
    /// Since the arrival.
    pub(super) from_ms: u64,
    /// Where it begins follows from other times.
    pub(super) is_derived: bool,
    /// One after the other.
    pub(super) phases: Vec<(Phase, u64)>,
    pub(super) tone: Tone,
    /// Said below it.
    pub(super) notes: Vec<String>,
}

impl Line {
    pub(super) fn took_ms(&self) -> u64 {
        self.phases.iter().map(|(_, took_ms)| took_ms).sum()
    }

    fn end_ms(&self) -> u64 {
        self.from_ms + self.took_ms()
    }
}

/// The whole way.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) lines: Vec<Line>,
    /// What the bars are measured by.
    pub(super) length_ms: u64,
}

impl Way {
    pub(super) fn of(error: &ErrorLogDetail) -> Way {
        let total_ms = u64::from(error.log.latency_ms);
        let attempts = attempts(error);
        let answer = answer(error, attempts.last());
        let first = attempts.first().filter(|_| has_first(error));
        let mut lines: Vec<Line> = auth(error).into_iter().collect();
        let auth_end = lines.last().map_or(0, Line::end_ms);
        let routing_end = match (first, answer.first()) {
            (Some(first), _) => Some(first.from_ms),
            (None, Some(answer)) if attempts.is_empty() => Some(answer.from_ms),
            // Refused for want of an account: nothing came after.
            (None, None) if attempts.is_empty() && error.log.account_id.is_none() => Some(total_ms),
            _ => None,
        };
        lines.extend(routing(error, auth_end, routing_end));
        lines.extend(attempts);
        lines.extend(answer);
        let end_ms = lines.iter().map(Line::end_ms).max().unwrap_or(0);
        lines.extend(rest(error, end_ms, total_ms));
        Way {
            lines,
            length_ms: total_ms.max(end_ms),
        }
    }
}

/// Whether the first attempt is on record: of very many the oldest are not, nor is one that served.
fn has_first(error: &ErrorLogDetail) -> bool {
    error.attempts.iter().any(|event| event.attempt == 1)
}

fn auth(error: &ErrorLogDetail) -> Option<Line> {
    Some(Line {
        label: "auth".to_owned(),
        from_ms: 0,
        is_derived: true,
        phases: vec![(Phase::Work, error.auth_latency_ms?.into())],
        tone: Tone::Plain,
        notes: Vec::new(),
    })
}

/// Choosing an account, and waiting for one. Ends where an attempt begins, where one is known.
fn routing(error: &ErrorLogDetail, auth_end: u64, end: Option<u64>) -> Vec<Line> {
    let Some(took_ms) = error.routing_latency_ms.map(u64::from) else {
        return Vec::new();
    };
    let waited_ms = error.queued.map_or(0, |queued| queued.waited_ms.into());
    let waited_ms = took_ms.min(waited_ms);
    let from_ms = end.map_or(auth_end, |end| end.saturating_sub(took_ms));
    let line = |label: &str, from_ms, phase, took_ms, notes| Line {
        label: label.to_owned(),
        from_ms,
        is_derived: true,
        phases: vec![(phase, took_ms)],
        tone: Tone::Plain,
        notes,
    };
    let all_choices = (error.attempts.len() > 1)
        .then(|| "all choices together, those between the attempts too".to_owned());
    let notes = all_choices.into_iter().collect();
    let mut lines = vec![line(
        "routing",
        from_ms,
        Phase::Work,
        took_ms - waited_ms,
        notes,
    )];
    if let Some(queued) = error.queued {
        let note = format!("for a slot, behind {} others", queued.ahead);
        let from_ms = from_ms + took_ms - waited_ms;
        lines.push(line(
            "in the line",
            from_ms,
            Phase::Queue,
            waited_ms,
            vec![note],
        ));
    }
    lines
}

fn attempts(error: &ErrorLogDetail) -> Vec<Line> {
    let mut events: Vec<&UpstreamErrorEvent> = error.attempts.iter().collect();
    events.sort_by_key(|event| event.attempt);
    let arrived = error.log.created_at.0;
    events
        .into_iter()
        .map(|event| Line {
            label: format!("#{} {}", event.attempt, event.account_name),
            // The clock may have been set meanwhile.
            from_ms: u64::try_from(event.created_at.0 - arrived).unwrap_or(0),
            is_derived: false,
            phases: phases(event),
            tone: Tone::Red,
            notes: vec![what(event), then(event)],
        })
        .collect()
}

/// Connecting, waiting for the head, and the rest.
fn phases(event: &UpstreamErrorEvent) -> Vec<(Phase, u64)> {
    let whole = u64::from(event.duration_ms);
    let connect = u64::from(event.connect_ms.unwrap_or(0)).min(whole);
    let head = match event.first_byte_ms {
        Some(ms) => u64::from(ms).clamp(connect, whole),
        None => whole,
    };
    vec![
        (Phase::Connect, connect),
        (Phase::Wait, head - connect),
        (Phase::Work, whole - head),
    ]
}

fn what(event: &UpstreamErrorEvent) -> String {
    let mut text = match event.upstream_status_code {
        Some(status) => format!("{status} {}", event.cause),
        None => format!("no answer, {}", event.cause),
    };
    for (name, ms) in [
        ("connect", event.connect_ms.map(u64::from)),
        ("first byte", event.first_byte_ms.map(u64::from)),
        ("asked to wait", event.retry_after_ms),
    ] {
        if let Some(ms) = ms {
            text += &format!(", {name} {ms} ms");
        }
    }
    let model = event.model.as_deref().unwrap_or("no model");
    text + &format!(", {}/{model}", event.platform)
}

fn then(event: &UpstreamErrorEvent) -> String {
    format!("then {}: {}", event.decision, event.decision_reason)
}

/// The answer that reached the client, and, if that is no failed attempt, waiting for its head.
fn answer(error: &ErrorLogDetail, last: Option<&Line>) -> Vec<Line> {
    let Some(took_ms) = error.response_latency_ms.map(u64::from) else {
        return Vec::new();
    };
    let from_ms = u64::from(error.log.latency_ms).saturating_sub(took_ms);
    let mut lines = Vec::new();
    let is_other = last.is_none_or(|last| last.end_ms() <= from_ms);
    if let (true, Some(head_ms)) = (is_other, error.upstream_latency_ms.map(u64::from)) {
        lines.push(Line {
            label: served_by(error),
            from_ms: from_ms.saturating_sub(head_ms),
            is_derived: true,
            phases: vec![(Phase::Wait, head_ms)],
            tone: Tone::Green,
            notes: Vec::new(),
        });
    }
    let first = error.time_to_first_token_ms;
    let first = first.map(|ms| format!("first content to the client at {ms} ms"));
    lines.push(Line {
        label: "answer".to_owned(),
        from_ms,
        is_derived: true,
        phases: vec![(Phase::Work, took_ms)],
        tone: Tone::Green,
        notes: first.into_iter().collect(),
    });
    lines
}

/// The attempt that served is no failure, so it is not among them; its account is the one that was chosen.
fn served_by(error: &ErrorLogDetail) -> String {
    let mut chosen = error
        .route
        .iter()
        .filter(|candidate| candidate.excluded.is_none());
    match (chosen.next(), chosen.next()) {
        (Some(only), None) => format!("served by {}", only.account_name),
        _ => "served".to_owned(),
    }
}

/// What is between the last thing on record and the end.
fn rest(error: &ErrorLogDetail, end_ms: u64, total_ms: u64) -> Option<Line> {
    let left_ms = total_ms.checked_sub(end_ms).filter(|left| *left > 0)?;
    if left_ms * 100 < total_ms * GAP_PERCENT {
        return None;
    }
    let under_way = error
        .log
        .account_name
        .as_ref()
        .filter(|_| error.attempts.is_empty())
        .map(|account| format!("an attempt on {account} was under way"));
    Some(Line {
        label: "the rest".to_owned(),
        from_ms: end_ms,
        is_derived: true,
        phases: vec![(Phase::Unknown, left_ms)],
        tone: Tone::Dim,
        notes: under_way.into_iter().collect(),
    })
}
