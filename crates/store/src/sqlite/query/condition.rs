//! From a filter to conditions: which column each filter reads, in which list, and which index serves.
//!
//! Promises: values are always bound, never spelled into the statement.

use rusqlite::types::Value;
use waybill_model::{
    time::UnixMillis,
    view::{Filter, View},
};

use super::super::row;

/// The instants a list covers, both ends included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) first: UnixMillis,
    pub(super) last: UnixMillis,
}

impl Window {
    /// From `start` on, before `end`.
    pub(super) fn between(start: UnixMillis, end: UnixMillis) -> Self {
        Window {
            first: start,
            last: end.plus_ms(-1),
        }
    }

    pub(super) fn up_to(self, last: UnixMillis) -> Self {
        Window {
            last: self.last.min(last),
            ..self
        }
    }

    pub(super) fn from(self, first: UnixMillis) -> Self {
        Window {
            first: self.first.max(first),
            ..self
        }
    }
}

/// Conditions joined by AND, with their values in order.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    pub(super) fn sql(&self) -> &str {
        &self.sql
    }

    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sql.is_empty()
    }

    /// Adds a condition without values.
    pub(super) fn and(&mut self, condition: &str) {
        self.sql += " AND ";
        self.sql += condition;
    }

    /// Adds all conditions of another set, inside `before` and `after`.
    pub(super) fn and_all(&mut self, before: &str, inner: Conditions, after: &str) {
        self.sql += &format!(" AND {before}{}{after}", inner.sql);
        self.values.extend(inner.values);
    }

    /// Adds `column = value` if there is a value.
    pub(super) fn equal(&mut self, column: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.and(&format!("{column} = ?"));
            self.values.push(value.into());
        }
    }

    /// Adds "written after the row with this id".
    fn after(&mut self, column: &str, id: Option<i64>) {
        if let Some(id) = id {
            self.and(&format!("{column} > ?"));
            self.values.push(Value::Integer(id));
        }
    }

    /// Adds "one of these"; none given narrows nothing.
    fn one_of(&mut self, column: &str, codes: &[u16]) {
        if !codes.is_empty() {
            let places = vec!["?"; codes.len()].join(", ");
            self.and(&format!("{column} IN ({places})"));
            self.values
                .extend(codes.iter().map(|code| Value::Integer(i64::from(*code))));
        }
    }

    /// Adds "the text is in one of these columns", ASCII letters in either case.
    fn contains(&mut self, columns: &[&str], text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let tests: Vec<String> = columns
                .iter()
                .map(|column| format!("{column} LIKE ? ESCAPE '\\'"))
                .collect();
            self.and(&format!("({})", tests.join(" OR ")));
            self.values
                .extend(vec![Value::Text(like_pattern(text)); columns.len()]);
        }
    }
}

/// What the error list is narrowed by; `e` is the errors table.
pub(super) fn on_errors(filter: &Filter) -> Conditions {
    let mut all = Conditions::default();
    all.equal("e.recovered", Some(flag(filter.recovered.unwrap_or(false))));
    all.equal(
        "e.platform",
        filter.platform.map(|word| text(word.as_str())),
    );
    all.equal("e.account_id", filter.account_id.map(|id| id.0));
    all.equal("e.cause", filter.cause.map(|word| text(word.as_str())));
    all.equal("e.model", filter.model.clone());
    all.one_of("e.status_code", &filter.status_codes);
    all.equal("e.stream", filter.stream.map(flag));
    who(&mut all, "e", filter);
    ids(&mut all, "e", filter);
    all.after("e.id", filter.after_id);
    verdict(&mut all, filter);
    all.contains(
        &[
            "e.message",
            "e.request_id",
            "e.client_request_id",
            "e.model",
            "e.upstream_error_message",
        ],
        filter.q.as_deref(),
    );
    all
}

/// What the list of failed attempts is narrowed by. `u` is the attempt, `e` the error row it belongs
/// to. Platform, account, status and cause are the attempt's own; the model is the one that was asked
/// for or the one that was sent; everything else is the request's.
pub(super) fn on_events(filter: &Filter) -> Conditions {
    let mut all = Conditions::default();
    all.equal(
        "u.platform",
        filter.platform.map(|word| text(word.as_str())),
    );
    all.equal("u.account_id", filter.account_id.map(|id| id.0));
    all.equal("u.cause", filter.cause.map(|word| text(word.as_str())));
    if let Some(model) = &filter.model {
        all.and("(u.model = ? OR e.model = ?)");
        all.values.extend([text(model), text(model)]);
    }
    all.one_of("u.upstream_status_code", &filter.status_codes);
    all.equal("e.recovered", filter.recovered.map(flag));
    all.equal("e.stream", filter.stream.map(flag));
    who(&mut all, "e", filter);
    ids(&mut all, "e", filter);
    all.after("u.id", filter.after_id);
    verdict(&mut all, filter);
    all.contains(
        &[
            "u.message",
            "u.upstream_request_id",
            "u.model",
            "e.request_id",
            "e.client_request_id",
            "e.model",
        ],
        filter.q.as_deref(),
    );
    all
}

/// What the request list is narrowed by; `r` is the requests table. What only a failure has is looked
/// up in the error row of the request. Whoever filters by it asks for failures: as in the error list,
/// requests that succeeded in the end are then left out unless `recovered` asks for them.
pub(super) fn on_requests(filter: &Filter) -> Conditions {
    let mut all = Conditions::default();
    all.equal(
        "r.platform",
        filter.platform.map(|word| text(word.as_str())),
    );
    all.equal("r.account_id", filter.account_id.map(|id| id.0));
    all.equal("r.cause", filter.cause.map(|word| text(word.as_str())));
    all.equal("r.model", filter.model.clone());
    all.one_of("r.status_code", &filter.status_codes);
    all.equal("r.recovered", filter.recovered.map(flag));
    all.equal("r.stream", filter.stream.map(flag));
    who(&mut all, "r", filter);
    ids(&mut all, "r", filter);
    all.after("r.id", filter.after_id);
    let mut of_the_error = Conditions::default();
    verdict(&mut of_the_error, filter);
    if !of_the_error.is_empty() {
        all.equal(
            "r.recovered",
            filter.recovered.is_none().then_some(flag(false)),
        );
        all.and_all(
            "EXISTS (SELECT 1 FROM errors e WHERE e.request_id = r.request_id",
            of_the_error,
            ")",
        );
    }
    all.contains(
        &["r.request_id", "r.client_request_id", "r.model"],
        filter.q.as_deref(),
    );
    all
}

/// The errors table with the index that serves a filter, the most selective first. Rows written after
/// one with a given id are the last of the table, whatever their times: they are read from its end.
pub(super) fn way_to_errors(filter: &Filter) -> &'static str {
    let choices = [
        (
            filter.request_id.is_some(),
            "errors e INDEXED BY errors_by_request_id",
        ),
        (
            filter.client_request_id.is_some(),
            "errors e INDEXED BY errors_by_client_request_id",
        ),
        (filter.after_id.is_some(), "errors e NOT INDEXED"),
        (
            filter.fingerprint.is_some(),
            "errors e INDEXED BY errors_by_fingerprint",
        ),
        (
            filter.api_key_id.is_some(),
            "errors e INDEXED BY errors_by_api_key",
        ),
        (
            filter.user_id.is_some(),
            "errors e INDEXED BY errors_by_user",
        ),
        (
            filter.account_id.is_some(),
            "errors e INDEXED BY errors_by_account",
        ),
    ];
    choices
        .iter()
        .find(|(given, _)| *given)
        .map_or("errors e INDEXED BY errors_by_time", |(_, way)| way)
}

/// The index that serves a filter on requests.
pub(super) fn index_on_requests(filter: &Filter) -> &'static str {
    match (&filter.request_id, &filter.client_request_id) {
        (Some(_), _) => "requests_by_request_id",
        (None, Some(_)) => "requests_by_client_request_id",
        (None, None) => "requests_by_time",
    }
}

/// Where failed attempts are looked for first: at the few errors that an id names, or along time.
pub(super) fn way_to_events(filter: &Filter) -> &'static str {
    if filter.request_id.is_some() {
        "errors e INDEXED BY errors_by_request_id CROSS JOIN upstream_events u INDEXED BY events_by_error \
         ON u.error_id = e.id"
    } else if filter.client_request_id.is_some() {
        "errors e INDEXED BY errors_by_client_request_id CROSS JOIN upstream_events u \
         INDEXED BY events_by_error ON u.error_id = e.id"
    } else if filter.account_id.is_some() {
        "upstream_events u INDEXED BY events_by_account CROSS JOIN errors e ON e.id = u.error_id"
    } else {
        "upstream_events u INDEXED BY events_by_time CROSS JOIN errors e ON e.id = u.error_id"
    }
}

/// Key, user and group: columns of every list.
fn who(all: &mut Conditions, alias: &str, filter: &Filter) {
    all.equal(&format!("{alias}.group_id"), filter.group_id.map(|id| id.0));
    all.equal(
        &format!("{alias}.api_key_id"),
        filter.api_key_id.map(|id| id.0),
    );
    all.equal(&format!("{alias}.user_id"), filter.user_id.map(|id| id.0));
}

fn ids(all: &mut Conditions, alias: &str, filter: &Filter) {
    all.equal(
        &format!("{alias}.request_id"),
        filter.request_id.as_deref().map(str::to_ascii_lowercase),
    );
    all.equal(
        &format!("{alias}.client_request_id"),
        filter.client_request_id.clone(),
    );
}

/// What only an error row has.
fn verdict(all: &mut Conditions, filter: &Filter) {
    all.equal("e.phase", filter.phase.map(|word| text(word.as_str())));
    all.equal(
        "e.error_type",
        filter.error_type.map(|word| text(word.as_str())),
    );
    all.equal(
        "e.severity",
        filter.severity.map(|word| text(word.as_str())),
    );
    all.equal("e.owner", filter.owner.map(|word| text(word.as_str())));
    all.equal("e.source", filter.source.map(|word| text(word.as_str())));
    all.equal("e.resolved", filter.resolved.map(flag));
    // A fingerprint that is no hex is nobody's: it is compared as empty bytes.
    all.equal(
        "e.fingerprint",
        filter
            .fingerprint
            .as_deref()
            .map(|hex| row::unhex(hex).unwrap_or_default()),
    );
    match filter.view {
        View::All => {}
        View::Errors => all.and("(e.owner <> 'client' AND e.is_business_limited = 0)"),
        View::Excluded => all.and("(e.owner = 'client' OR e.is_business_limited = 1)"),
    }
}

fn text(word: &str) -> Value {
    Value::Text(word.to_owned())
}

fn flag(value: bool) -> Value {
    Value::Integer(i64::from(value))
}

/// Text to be found literally: `%` and `_` in it stand for themselves.
fn like_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
