//! A record as rows in PostgreSQL's binary format for `COPY`: made once, when it is committed to the spool,
//! and copied as it is when it is moved.
//!
//! Ids are given by the database when records are moved. Every row begins with the ids it needs, so that
//! they lie at known places and are filled in there.
//!
//! A payload is a list of rows, each behind the number of its table and its length. The columns of each
//! table are kept with the spool, so that a newer program can move what an older one left.

use waybill_model::{
    cause::Cause,
    record::{ErrorRow, EventRow, Record, ReplayRow, RequestRow, Subject},
    redact::Shown,
};

use super::take::{Entry, Layout};
use crate::{
    journal::{Step, Trouble, clip, json, ruled_version, spell, text},
    sql::{int, storable},
};

/// A table that records are rows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Requests,
    Errors,
    ErrorDetails,
    UpstreamEvents,
    EventDetails,
    ReplayBodies,
}

impl Table {
    /// Every one, in the order in which they are written.
    pub(crate) const ALL: [Table; 6] = [
        Table::Requests,
        Table::Errors,
        Table::ErrorDetails,
        Table::UpstreamEvents,
        Table::EventDetails,
        Table::ReplayBodies,
    ];

    /// Its name in the database.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Table::Requests => "requests",
            Table::Errors => "errors",
            Table::ErrorDetails => "error_details",
            Table::UpstreamEvents => "upstream_events",
            Table::EventDetails => "event_details",
            Table::ReplayBodies => "replay_bodies",
        }
    }

    /// The columns that are written, in order.
    pub(crate) const fn columns(self) -> &'static str {
        match self {
            Table::Requests => {
                "id, request_id, created_at, client_request_id, platform, endpoint, model, stream, status_code, \
                 latency_ms, time_to_first_token_ms, user_id, api_key_id, account_id, group_id, attempts, replay_of, \
                 client, traits, config_version, egress, cause, recovered, input_tokens, output_tokens, \
                 cache_read_tokens, cache_write_tokens, cost_micro_usd, body_bytes, auth_latency_ms, \
                 routing_latency_ms, upstream_latency_ms, response_latency_ms, unserved"
            }
            Table::Errors => {
                "id, request_id, created_at, client_request_id, platform, endpoint, model, stream, status_code, \
                 latency_ms, time_to_first_token_ms, user_id, api_key_id, account_id, group_id, attempts, replay_of, \
                 client, traits, config_version, egress, phase, error_type, cause, severity, owner, source, is_retryable, is_business_limited, rules_version, \
                 message, fingerprint, recovered, upstream_error_count, user_name, api_key_name, account_name, \
                 group_name, client_ip, request_path, upstream_status_code, upstream_error_message, \
                 auth_latency_ms, routing_latency_ms, upstream_latency_ms, response_latency_ms, \
                 request_body_truncated, request_body_bytes, queued_ahead, queued_ms, events_text, \
                 ruled_version, ruled_by, found"
            }
            Table::ErrorDetails => {
                "error_id, error_at, user_agent, error_body, upstream_error_detail, request_headers, route, \
                 request_body"
            }
            Table::UpstreamEvents => {
                "id, error_id, error_at, created_at, attempt, platform, model, account_id, account_name, \
                 upstream_host, upstream_status_code, upstream_request_id, kind, cause, name, message, connect_ms, \
                 first_byte_ms, duration_ms, retry_after_ms, retry_after_source, decision, decision_reason"
            }
            Table::EventDetails => {
                "event_id, error_at, detail, request_headers, response_headers, response_body"
            }
            Table::ReplayBodies => "error_id, created_at, body_bytes, sealed",
        }
    }

    pub(super) const fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn of(number: u8) -> Option<Table> {
        Table::ALL
            .into_iter()
            .find(|table| table.number() == number)
    }
}

/// The place of a row's first id: behind the count of its fields and the length of the first.
pub(crate) const FIRST_ID: usize = 6;

/// The place of its second one.
pub(crate) const SECOND_ID: usize = FIRST_ID + 12;

/// Adds a record's rows to `out`, as far as `step` lets it.
pub(super) fn record(out: &mut Vec<u8>, record: &Record, step: Step) -> Result<(), Trouble> {
    if let Some(row) = &record.request {
        request(out, row);
    }
    match record.error.as_deref() {
        Some(row) => error(out, row, record, step),
        None if record.events.is_empty() && record.replay.is_none() => Ok(()),
        None => Err(Trouble::events_without_error()),
    }
}

fn request(out: &mut Vec<u8>, row: &RequestRow) {
    let mut fields = Fields::begin(out, Table::Requests);
    fields.id();
    fields.subject(&row.subject);
    let usage = row.usage;
    fields.optional_text(row.cause.map(Cause::as_str));
    fields.flag(row.recovered);
    for tokens in [
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
    ] {
        fields.optional(tokens.map(int));
    }
    fields.optional(row.cost.map(|cost| cost.0));
    fields.optional(row.body_bytes.map(int));
    for ms in row.stages.all() {
        fields.optional(ms);
    }
    fields.optional(row.unserved.then_some(1));
    fields.end();
}

fn error(out: &mut Vec<u8>, row: &ErrorRow, record: &Record, step: Step) -> Result<(), Trouble> {
    let at = row.subject.created_at.0;
    let body_dropped = step >= Step::WithoutBody && row.request_body.is_some();
    let of_events = events_text(row, &record.events);
    error_row(
        out,
        row,
        row.request_body_truncated || body_dropped,
        &of_events,
    );
    if step < Step::WithoutDetail {
        let mut fields = Fields::begin(out, Table::ErrorDetails);
        fields.id();
        fields.int(at);
        fields.shown(&row.user_agent);
        fields.shown(&row.error_body);
        fields.shown(&row.upstream_error_detail);
        fields.shown(&row.request_headers);
        fields.text(&json(&row.route)?);
        let body = text(&row.request_body).filter(|_| !body_dropped);
        fields.optional_text(body.as_deref());
        fields.end();
    }
    for event in &record.events {
        event_row(out, event, at);
        let long = [
            &event.detail,
            &event.request_headers,
            &event.response_headers,
            &event.response_body,
        ];
        if step < Step::WithoutDetail && long.iter().any(|text| text.is_some()) {
            let mut fields = Fields::begin(out, Table::EventDetails);
            fields.id();
            fields.int(at);
            long.into_iter().for_each(|text| fields.shown(text));
            fields.end();
        }
    }
    // A copy in parts is the embedded store's alone; without them it would be worth nothing.
    if let (
        Some(ReplayRow {
            sealed,
            body_bytes,
            parts,
        }),
        Step::Whole,
    ) = (&record.replay, step)
        && parts.is_empty()
    {
        let mut fields = Fields::begin(out, Table::ReplayBodies);
        fields.id();
        fields.int(at);
        fields.int(int(*body_bytes));
        fields.bytes(&sealed.0);
        fields.end();
    }
    Ok(())
}

/// What is looked for in attempts, as far as the error itself does not say it.
fn events_text(row: &ErrorRow, events: &[EventRow]) -> String {
    let said = [
        Some(row.message.as_str()),
        row.subject.model.as_ref().map(Shown::as_str),
        row.upstream_error_message.as_ref().map(Shown::as_str),
    ];
    let mut texts: Vec<&str> = Vec::new();
    for event in events {
        let model = event.model.as_ref().map(Shown::as_str);
        let id = event.upstream_request_id.as_ref().map(Shown::as_str);
        for text in [Some(event.message.as_str()), model, id]
            .into_iter()
            .flatten()
        {
            if !text.is_empty() && !said.contains(&Some(text)) && !texts.contains(&text) {
                texts.push(text);
            }
        }
    }
    texts.join("\u{1f}")
}

fn error_row(out: &mut Vec<u8>, row: &ErrorRow, truncated: bool, of_events: &str) {
    let verdict = &row.verdict;
    let mut fields = Fields::begin(out, Table::Errors);
    fields.id();
    fields.subject(&row.subject);
    fields.text(verdict.phase.as_str());
    fields.text(verdict.error_type.as_str());
    fields.text(verdict.cause.as_str());
    fields.text(verdict.severity.as_str());
    fields.text(verdict.owner.as_str());
    fields.text(verdict.source.as_str());
    fields.flag(verdict.is_retryable);
    fields.flag(verdict.is_business_limited);
    fields.int(verdict.rules_version);
    fields.text(row.message.as_str());
    fields.bytes(&row.fingerprint);
    fields.flag(row.recovered);
    fields.int(row.upstream_error_count);
    for name in [
        &row.user_name,
        &row.api_key_name,
        &row.account_name,
        &row.group_name,
    ] {
        fields.shown(name);
    }
    fields.text(&row.client_ip.to_string());
    fields.text(row.request_path.as_str());
    fields.optional(row.upstream_status_code);
    fields.shown(&row.upstream_error_message);
    for ms in [
        row.auth_latency_ms,
        row.routing_latency_ms,
        row.upstream_latency_ms,
        row.response_latency_ms,
    ] {
        fields.optional(ms);
    }
    fields.flag(truncated);
    fields.int(int(row.request_body_bytes));
    fields.optional(row.queued.map(|queued| queued.ahead));
    fields.optional(row.queued.map(|queued| queued.waited_ms));
    fields.optional_text(Some(of_events).filter(|text| !text.is_empty()));
    fields.optional(ruled_version(&row.ruling));
    fields.optional(row.ruling.by);
    let found = row.ruling.found.map(|found| found.to_string());
    fields.optional_text(found.as_deref());
    fields.end();
}

fn event_row(out: &mut Vec<u8>, event: &EventRow, error_at: i64) {
    let mut fields = Fields::begin(out, Table::UpstreamEvents);
    fields.id();
    fields.id();
    fields.int(error_at);
    fields.int(event.created_at.0);
    fields.int(event.attempt);
    fields.text(event.platform.as_str());
    fields.shown(&event.model);
    fields.int(event.account_id.0);
    fields.text(event.account_name.as_str());
    fields.text(event.upstream_host.as_str());
    fields.optional(event.upstream_status_code);
    fields.shown(&event.upstream_request_id);
    fields.text(event.kind.as_str());
    fields.text(event.cause.as_str());
    fields.shown(&event.name);
    fields.text(event.message.as_str());
    fields.optional(event.connect_ms);
    fields.optional(event.first_byte_ms);
    fields.int(event.duration_ms);
    fields.optional(event.retry_after_ms.map(int));
    fields.shown(&event.retry_after_source);
    fields.text(event.decision.as_str());
    fields.text(event.decision_reason);
    fields.end();
}

/// One row under way.
struct Fields<'o> {
    out: &'o mut Vec<u8>,
    begins_at: usize,
    count: i16,
}

impl<'o> Fields<'o> {
    fn begin(out: &'o mut Vec<u8>, table: Table) -> Self {
        out.push(table.number());
        // The row's length, then its number of fields: known at the end.
        out.extend([0; 4]);
        let begins_at = out.len();
        out.extend([0; 2]);
        Fields {
            out,
            begins_at,
            count: 0,
        }
    }

    fn end(self) {
        let length = u32::try_from(self.out.len() - self.begins_at).unwrap_or(u32::MAX);
        self.out[self.begins_at - 4..self.begins_at].copy_from_slice(&length.to_be_bytes());
        self.out[self.begins_at..self.begins_at + 2].copy_from_slice(&self.count.to_be_bytes());
    }

    /// A place for an id.
    fn id(&mut self) {
        self.int(0);
    }

    fn int(&mut self, value: impl Into<i64>) {
        self.bytes(&value.into().to_be_bytes());
    }

    fn optional(&mut self, value: Option<impl Into<i64>>) {
        match value {
            Some(value) => self.int(value),
            None => self.nothing(),
        }
    }

    fn flag(&mut self, value: bool) {
        self.bytes(&[u8::from(value)]);
    }

    fn text(&mut self, text: &str) {
        self.bytes(storable(text).as_bytes());
    }

    fn optional_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.nothing(),
        }
    }

    fn shown(&mut self, shown: &Option<Shown>) {
        self.optional_text(text(shown).as_deref());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count += 1;
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        self.out.extend(length.to_be_bytes());
        self.out.extend(bytes);
    }

    fn nothing(&mut self) {
        self.count += 1;
        self.out.extend((-1_i32).to_be_bytes());
    }

    /// What requests and errors share.
    fn subject(&mut self, subject: &Subject) {
        let mut id = [0; 36];
        self.text(spell(subject.request_id, &mut id));
        self.int(subject.created_at.0);
        self.shown(&subject.client_request_id);
        self.text(subject.platform.as_str());
        self.optional_text(subject.endpoint.map(|endpoint| endpoint.as_str()));
        self.shown(&subject.model);
        self.flag(subject.stream);
        self.int(subject.status_code);
        self.int(subject.latency_ms);
        self.optional(subject.time_to_first_token_ms);
        self.optional(subject.user_id.map(|id| id.0));
        self.optional(subject.api_key_id.map(|id| id.0));
        self.optional(subject.account_id.map(|id| id.0));
        self.optional(subject.group_id.map(|id| id.0));
        self.int(subject.attempts);
        self.optional(subject.replay_of.map(|id| id.0));
        self.shown(&subject.traits.client);
        self.shown(&subject.traits.headers);
        self.optional(subject.traits.config_version);
        self.shown(&subject.traits.egress);
    }
}

/// The columns of a table in a layout.
pub(crate) fn columns_of<'l>(layout: &'l Layout, table: &str) -> Option<&'l str> {
    let found = layout.iter().find(|(name, _)| name == table);
    found.map(|(_, columns)| columns.as_str())
}

/// Of a record that is kept as it is: its request's id, and its main facts as far as they can be read.
pub(crate) fn facts(entry: &Entry, layout: &Layout) -> (Option<String>, serde_json::Value) {
    let mut facts = serde_json::Map::new();
    let mut attempts = 0;
    for (table, row) in Rows::of(&entry.payload) {
        match table {
            Table::Requests | Table::Errors => {}
            Table::UpstreamEvents => {
                attempts += 1;
                continue;
            }
            Table::ErrorDetails | Table::EventDetails | Table::ReplayBodies => continue,
        }
        let columns = columns_of(layout, table.name()).unwrap_or_default();
        for (name, field) in columns.split(',').map(str::trim).zip(fields_of(row)) {
            if let Some(fact) = field.and_then(|field| fact(name, field)) {
                facts.insert(name.to_owned(), fact);
            }
        }
    }
    facts.insert("upstream_errors".to_owned(), attempts.into());
    let request_id = match facts.remove("request_id") {
        Some(serde_json::Value::String(id)) => Some(id),
        _ => None,
    };
    (request_id, serde_json::Value::Object(facts))
}

/// A column that belongs into a summary.
fn fact(name: &str, field: &[u8]) -> Option<serde_json::Value> {
    match name {
        "request_id" | "platform" | "endpoint" | "model" | "cause" | "message" => {
            Some(clip(std::str::from_utf8(field).ok()?).into())
        }
        "status_code" | "account_id" | "user_id" => {
            Some(i64::from_be_bytes(field.try_into().ok()?).into())
        }
        "recovered" => Some((field == [1]).into()),
        _ => None,
    }
}

/// The fields of a row; `None` for nothing.
fn fields_of(row: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    // Behind the count of fields.
    let mut rest = row.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        match usize::try_from(i32::from_be_bytes(*length)) {
            Err(_) => {
                rest = after;
                Some(None)
            }
            Ok(length) => {
                let (field, after) = after.split_at_checked(length)?;
                rest = after;
                Some(Some(field))
            }
        }
    })
}

/// The rows of a payload, one by one.
pub(crate) struct Rows<'p> {
    rest: &'p [u8],
}

impl<'p> Rows<'p> {
    pub(crate) fn of(payload: &'p [u8]) -> Self {
        Rows { rest: payload }
    }
}

impl<'p> Iterator for Rows<'p> {
    type Item = (Table, &'p [u8]);

    /// Ends early at what is no row: the rest of a payload that was cut.
    fn next(&mut self) -> Option<Self::Item> {
        let (table, rest) = self.rest.split_first()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (row, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        self.rest = rest;
        Some((Table::of(*table)?, row))
    }
}
