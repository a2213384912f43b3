//! From a filter to conditions: which column each filter reads, in which list, and which index serves.
//!
//! Promises: values are always bound, never spelled into the statement; both databases answer alike.

use waybill_model::{
    time::UnixMillis,
    view::{Filter, View},
};

use crate::sql::{Dialect, Value, unhex};

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
#[derive(Debug)]
pub(super) struct Conditions {
    dialect: Dialect,
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// None yet.
    pub(super) fn new(dialect: Dialect) -> Self {
        Conditions {
            dialect,
            sql: String::new(),
            values: Vec::new(),
        }
    }

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
            self.values.push(id.into());
        }
    }

    /// Adds "one of these"; none given narrows nothing.
    fn one_of(&mut self, column: &str, codes: &[u16]) {
        if !codes.is_empty() {
            let places = vec!["?"; codes.len()].join(", ");
            self.and(&format!("{column} IN ({places})"));
            self.values
                .extend(codes.iter().map(|code| Value::from(*code)));
        }
    }

    /// Adds "the text is in one of these columns", ASCII letters in either case.
    fn contains(&mut self, columns: &[&str], text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let dialect = self.dialect;
            let tests: Vec<String> = columns.iter().map(|column| dialect.like(column)).collect();
            self.and(&format!("({})", tests.join(" OR ")));
            let pattern = Value::Text(like_pattern(text).to_ascii_lowercase());
            self.values.extend(vec![pattern; columns.len()]);
        }
    }
}

/// What the error list is narrowed by; `e` is the errors table.
pub(super) fn on_errors(filter: &Filter, dialect: Dialect) -> Conditions {
    let mut all = Conditions::new(dialect);
    all.equal("e.recovered", Some(filter.recovered.unwrap_or(false)));
    all.equal(
        "e.platform",
        filter.platform.map(|word| text(word.as_str())),
    );
    all.equal("e.account_id", filter.account_id.map(|id| id.0));
    all.equal("e.cause", filter.cause.map(|word| text(word.as_str())));
    all.equal("e.model", filter.model.clone());
    all.one_of("e.status_code", &filter.status_codes);
    all.equal("e.stream", filter.stream);
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
pub(super) fn on_events(filter: &Filter, dialect: Dialect) -> Conditions {
    let mut all = Conditions::new(dialect);
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
    all.equal("e.recovered", filter.recovered);
    all.equal("e.stream", filter.stream);
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
pub(super) fn on_requests(filter: &Filter, dialect: Dialect) -> Conditions {
    let mut all = Conditions::new(dialect);
    all.equal(
        "r.platform",
        filter.platform.map(|word| text(word.as_str())),
    );
    all.equal("r.account_id", filter.account_id.map(|id| id.0));
    all.equal("r.cause", filter.cause.map(|word| text(word.as_str())));
    all.equal("r.model", filter.model.clone());
    all.one_of("r.status_code", &filter.status_codes);
    all.equal("r.recovered", filter.recovered);
    all.equal("r.stream", filter.stream);
    who(&mut all, "r", filter);
    ids(&mut all, "r", filter);
    all.after("r.id", filter.after_id);
    let mut of_the_error = Conditions::new(dialect);
    verdict(&mut of_the_error, filter);
    if !of_the_error.is_empty() {
        all.equal("r.recovered", filter.recovered.is_none().then_some(false));
        all.and_all(
            "EXISTS (SELECT 1 FROM errors e WHERE e.request_id = r.request_id AND e.created_at = r.created_at",
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
pub(super) fn way_to_errors(filter: &Filter, dialect: Dialect) -> String {
    let by = |index| dialect.by_index("errors", "e", index);
    if filter.request_id.is_some() {
        by("errors_by_request_id")
    } else if filter.client_request_id.is_some() {
        by("errors_by_client_request_id")
    } else if filter.after_id.is_some() {
        dialect.by_id("errors", "e")
    } else if filter.fingerprint.is_some() {
        by("errors_by_fingerprint")
    } else if filter.api_key_id.is_some() {
        by("errors_by_api_key")
    } else if filter.user_id.is_some() {
        by("errors_by_user")
    } else if filter.account_id.is_some() {
        by("errors_by_account")
    } else {
        by("errors_by_time")
    }
}

/// The requests table with the index that serves a filter.
pub(super) fn way_to_requests(filter: &Filter, dialect: Dialect) -> String {
    let index = match (&filter.request_id, &filter.client_request_id) {
        (Some(_), _) => "requests_by_request_id",
        (None, Some(_)) => "requests_by_client_request_id",
        (None, None) => "requests_by_time",
    };
    dialect.by_index("requests", "r", index)
}

/// Where failed attempts are looked for first: at the few errors that an id names, or along time.
pub(super) fn way_to_events(filter: &Filter, dialect: Dialect) -> String {
    let errors = |index| dialect.by_index("errors", "e", index);
    let events = |index| dialect.by_index("upstream_events", "u", index);
    let join = dialect.then_join();
    let of_error = of_error(dialect);
    let along = |index| format!("{} {join} errors e ON {of_error}", events(index));
    let from = |index| {
        let events = events("events_by_error");
        format!("{} {join} {events} ON {of_error}", errors(index))
    };
    if filter.request_id.is_some() {
        from("errors_by_request_id")
    } else if filter.client_request_id.is_some() {
        from("errors_by_client_request_id")
    } else if filter.account_id.is_some() {
        along("events_by_account")
    } else {
        along("events_by_time")
    }
}

/// Whether an attempt `u` belongs to an error `e`.
pub(super) fn of_error(dialect: Dialect) -> String {
    let same_day = dialect.and_same("u.error_at", "e.created_at");
    format!("u.error_id = e.id{same_day}")
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
    all.equal("e.resolved", filter.resolved);
    // A fingerprint that is no hex is nobody's: it is compared as empty bytes.
    all.equal(
        "e.fingerprint",
        filter
            .fingerprint
            .as_deref()
            .map(|hex| unhex(hex).unwrap_or_default()),
    );
    match filter.view {
        View::All => {}
        View::Errors => all.and("(e.owner <> 'client' AND NOT e.is_business_limited)"),
        View::Excluded => all.and("(e.owner = 'client' OR e.is_business_limited)"),
    }
}

fn text(word: &str) -> Value {
    Value::Text(word.to_owned())
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
