//! From a filter to conditions: which column each filter reads, in which list, and which index serves.
//!
//! Promises: values are always bound, never spelled into the statement; both databases answer alike.

use waybill_model::{
    time::UnixMillis,
    view::{Filter, View},
};

use super::{events, walk::Walk, wanted::Wanted};
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
#[derive(Debug, Clone)]
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

    /// That a time of PostgreSQL's lies in a window.
    pub(super) fn within(column: &str, window: Window) -> Self {
        let mut conditions = Conditions::new(Dialect::Postgres);
        conditions.with(
            &format!("{column} >= ? AND {column} <= ?"),
            &[window.first.into(), window.last.into()],
        );
        conditions
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

    /// Adds a condition with its values.
    pub(super) fn with(&mut self, condition: &str, values: &[Value]) {
        self.and(condition);
        self.values.extend_from_slice(values);
    }

    /// Adds `column = flag` if there is one.
    fn flag(&mut self, column: &str, flag: Option<bool>) {
        if let Some(flag) = flag {
            let sql = format!("{} = ?", self.dialect.flag(column));
            self.with(&sql, &[Value::Int(flag.into())]);
        }
    }

    /// Adds "one of these"; none given narrows nothing.
    fn one_of(&mut self, column: &str, codes: &[u16]) {
        if !codes.is_empty() {
            let values: Vec<Value> = codes.iter().map(|code| Value::from(*code)).collect();
            self.with(&self.dialect.one_of(column, codes.len()), &values);
        }
    }

    /// Adds "the text is in one of these columns", ASCII letters in either case.
    fn contains(&mut self, columns: &[&str], text: Option<&str>) {
        if let Some(pattern) = pattern(text) {
            let dialect = self.dialect;
            let tests: Vec<String> = columns.iter().map(|column| dialect.like(column)).collect();
            let values = vec![pattern; columns.len()];
            self.with(&format!("({})", tests.join(" OR ")), &values);
        }
    }
}

/// The text that PostgreSQL's index on text is made of, letter by letter.
const INDEXED_TEXT: &str = r"lower(e.message || E'\x1f' || e.request_id || E'\x1f' || coalesce(e.client_request_id, '') || E'\x1f' ||
    coalesce(e.model, '') || E'\x1f' || coalesce(nullif(e.upstream_error_message, e.message), '') || E'\x1f' ||
    coalesce(e.events_text, ''))";

/// What a list is narrowed by, in the parts that are put together differently.
#[derive(Debug)]
pub(super) struct Asked {
    /// Of its rows.
    pub(super) own: Conditions,
    /// True of every row that all else is true of: it only leads to an index.
    pub(super) lead: Conditions,
    /// Of attempts: the model that was sent, or the one that was asked for.
    pub(super) model: Option<String>,
    /// Of requests: what their error row says.
    pub(super) failure: Conditions,
    /// Whether an id is among it that few rows have.
    pub(super) is_few: bool,
    /// Whether attempts are narrowed by what their error says.
    pub(super) by_error: bool,
    /// How the embedded store is walked through; `None` where an index leads to few rows.
    pub(super) walk: Option<Walk>,
}

impl Asked {
    fn new(filter: &Filter, dialect: Dialect) -> Self {
        let few = filter.request_id.is_some() || filter.client_request_id.is_some();
        Asked {
            own: Conditions::new(dialect),
            lead: Conditions::new(dialect),
            model: None,
            failure: Conditions::new(dialect),
            is_few: few || filter.after_id.is_some(),
            by_error: true,
            walk: None,
        }
    }

    /// What is narrowed by nothing but conditions that are there already.
    pub(super) fn of(own: Conditions) -> Self {
        let dialect = own.dialect;
        Asked {
            own,
            lead: Conditions::new(dialect),
            model: None,
            failure: Conditions::new(dialect),
            is_few: true,
            by_error: true,
            walk: None,
        }
    }

    /// Everything in one statement.
    pub(super) fn whole(mut self) -> Conditions {
        if let Some(model) = &self.model {
            let model = text(model);
            self.own
                .with("(u.model = ? OR e.model = ?)", &[model.clone(), model]);
        }
        if !self.failure.is_empty() {
            self.own.and_all(
                "EXISTS (SELECT 1 FROM errors e WHERE e.request_id = r.request_id AND e.created_at = r.created_at",
                self.failure,
                ")",
            );
        }
        self.own
    }

    /// Text is looked for by its index first, where there is one.
    fn leads_to(&mut self, q: Option<&str>) {
        if let (Dialect::Postgres, Some(pattern)) = (self.lead.dialect, pattern(q)) {
            self.lead
                .with(&format!("{INDEXED_TEXT} LIKE ?"), &[pattern]);
        }
    }
}

/// What the error list is narrowed by; `e` is the errors table.
pub(super) fn on_errors(filter: &Filter, dialect: Dialect) -> Asked {
    let mut asked = Asked::new(filter, dialect);
    asked.leads_to(filter.q.as_deref());
    let all = &mut asked.own;
    all.flag("e.recovered", Some(filter.recovered.unwrap_or(false)));
    all.equal(
        "e.platform",
        filter.platform.map(|word| text(word.as_str())),
    );
    all.equal("e.account_id", filter.account_id.map(|id| id.0));
    all.equal("e.cause", filter.cause.map(|word| text(word.as_str())));
    all.equal("e.model", filter.model.clone());
    all.one_of("e.status_code", &filter.status_codes);
    all.flag("e.stream", filter.stream);
    replayed(all, "e", of_clients(filter));
    who(all, "e", filter);
    ids(all, "e", filter);
    all.after("e.id", filter.after_id);
    verdict(all, filter);
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
    if dialect == Dialect::Sqlite && !asked.is_few && filter.replay != Some(true) {
        let by_id = dialect.by_id("errors", "e");
        asked.walk = Some(Walk {
            from: way_along_errors(filter, dialect),
            along: along_errors(filter, dialect),
            wanted: Wanted::of_errors(filter),
            by_block: [by_id.clone(), by_id],
            id: "e.id",
            span: ["first_at", "last_at"],
        });
    }
    asked
}

/// What the list of failed attempts is narrowed by. `u` is the attempt, `e` the error row it belongs
/// to. Platform, account, status and cause are the attempt's own; the model is the one that was asked
/// for or the one that was sent; everything else is the request's.
pub(super) fn on_events(filter: &Filter, dialect: Dialect) -> Asked {
    let mut asked = Asked::new(filter, dialect);
    asked.model.clone_from(&filter.model);
    asked.leads_to(filter.q.as_deref());
    let of_attempts = Filter {
        platform: filter.platform,
        account_id: filter.account_id,
        cause: filter.cause,
        status_codes: filter.status_codes.clone(),
        after_id: filter.after_id,
        ..Filter::between(filter.start, filter.end)
    };
    asked.by_error = *filter != of_attempts;
    let all = &mut asked.own;
    all.equal(
        "u.platform",
        filter.platform.map(|word| text(word.as_str())),
    );
    all.equal("u.account_id", filter.account_id.map(|id| id.0));
    all.equal("u.cause", filter.cause.map(|word| text(word.as_str())));
    all.one_of("u.upstream_status_code", &filter.status_codes);
    all.flag("e.recovered", filter.recovered);
    all.flag("e.stream", filter.stream);
    replayed(all, "e", filter.replay);
    who(all, "e", filter);
    ids(all, "e", filter);
    all.after("u.id", filter.after_id);
    verdict(all, filter);
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
    if dialect == Dialect::Sqlite && !asked.is_few {
        asked.walk = Some(walk_along_events(filter, dialect));
    }
    asked
}

/// What the request list is narrowed by; `r` is the requests table. What only a failure has is looked
/// up in the error row of the request. Whoever filters by it asks for failures: as in the error list,
/// requests that succeeded in the end are then left out unless `recovered` asks for them.
pub(super) fn on_requests(filter: &Filter, dialect: Dialect) -> Asked {
    let mut asked = Asked::new(filter, dialect);
    verdict(&mut asked.failure, filter);
    let all = &mut asked.own;
    all.equal(
        "r.platform",
        filter.platform.map(|word| text(word.as_str())),
    );
    all.equal("r.account_id", filter.account_id.map(|id| id.0));
    all.equal("r.cause", filter.cause.map(|word| text(word.as_str())));
    all.equal("r.model", filter.model.clone());
    all.one_of("r.status_code", &filter.status_codes);
    let hidden = (!asked.failure.is_empty()).then_some(false);
    all.flag("r.recovered", filter.recovered.or(hidden));
    all.flag("r.stream", filter.stream);
    replayed(all, "r", filter.replay.or(hidden));
    who(all, "r", filter);
    ids(all, "r", filter);
    all.after("r.id", filter.after_id);
    all.contains(
        &["r.request_id", "r.client_request_id", "r.model"],
        filter.q.as_deref(),
    );
    asked
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
    } else if filter.fingerprint.is_some() || !filter.fingerprints.is_empty() {
        by("errors_by_fingerprint")
    } else if filter.api_key_id.is_some() {
        by("errors_by_api_key")
    } else if filter.user_id.is_some() {
        by("errors_by_user")
    } else if filter.account_id.is_some() {
        by("errors_by_account")
    } else {
        match of_clients(filter) {
            Some(true) => by("errors_by_replay"),
            Some(false) => by("errors_of_clients"),
            None => by("errors_by_time"),
        }
    }
}

/// The same in the order of time: of several fingerprints no index is.
pub(super) fn way_along_errors(filter: &Filter, dialect: Dialect) -> String {
    let filter = Filter {
        fingerprints: Vec::new(),
        ..filter.clone()
    };
    way_to_errors(&filter, dialect)
}

/// What of a filter the index serves that leads to errors along time.
fn along_errors(filter: &Filter, dialect: Dialect) -> Conditions {
    let mut along = Conditions::new(dialect);
    if let Some(fingerprint) = &filter.fingerprint {
        along.equal(
            "e.fingerprint",
            Some(unhex(fingerprint).unwrap_or_default()),
        );
    } else if filter.api_key_id.is_some() {
        along.equal("e.api_key_id", filter.api_key_id.map(|id| id.0));
    } else if filter.user_id.is_some() {
        along.equal("e.user_id", filter.user_id.map(|id| id.0));
    } else if filter.account_id.is_some() {
        along.equal("e.account_id", filter.account_id.map(|id| id.0));
    } else {
        along.flag("e.recovered", Some(filter.recovered.unwrap_or(false)));
        replayed(&mut along, "e", of_clients(filter));
    }
    along
}

/// How attempts are walked through: along time, or from their errors' blocks.
fn walk_along_events(filter: &Filter, dialect: Dialect) -> Walk {
    let mut along = Conditions::new(dialect);
    along.equal("u.account_id", filter.account_id.map(|id| id.0));
    let index = match filter.account_id {
        Some(_) => "events_by_account",
        None => "events_by_time",
    };
    let by_block = format!(
        "{} {} errors e ON {}",
        dialect.by_index("upstream_events", "u", "events_by_error"),
        dialect.then_join(),
        of_error(dialect)
    );
    Walk {
        from: dialect.by_index("upstream_events", "u", index),
        along,
        wanted: Wanted::of_attempts(filter),
        by_block: [by_block.clone(), events::with_details(&by_block, dialect)],
        id: "u.error_id",
        span: ["first_attempt_at", "last_attempt_at"],
    }
}

/// Whether errors of requests that were sent again are listed alone (`true`), not at all, or beside all
/// others: unless it is said, or one request is asked for by its id, they are nobody's failures.
fn of_clients(filter: &Filter) -> Option<bool> {
    let by_id = filter.request_id.is_some();
    filter.replay.or((!by_id).then_some(false))
}

/// Spelled as in the indexes.
fn replayed(all: &mut Conditions, alias: &str, replay: Option<bool>) {
    match replay {
        None => {}
        Some(true) => all.and(&format!("{alias}.replay_of IS NOT NULL")),
        Some(false) => all.and(&format!("{alias}.replay_of IS NULL")),
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

/// Which view an error is in, spelled as in PostgreSQL's index.
const VIEW: &str =
    "(CASE WHEN e.owner = 'client' OR e.is_business_limited THEN 'excluded' ELSE 'errors' END)";

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
    match filter.resolved {
        None => {}
        Some(true) => all.and("e.resolved"),
        Some(false) => all.and("NOT e.resolved"),
    }
    // A fingerprint that is no hex is nobody's: it is compared as empty bytes.
    all.equal(
        "e.fingerprint",
        filter
            .fingerprint
            .as_deref()
            .map(|hex| unhex(hex).unwrap_or_default()),
    );
    if !filter.fingerprints.is_empty() {
        let values: Vec<Value> = filter
            .fingerprints
            .iter()
            .map(|hex| Value::Bytes(unhex(hex).unwrap_or_default()))
            .collect();
        all.with(&all.dialect.one_of("e.fingerprint", values.len()), &values);
    }
    if filter.view != View::All {
        let view = filter.view.as_str();
        all.and(&format!("{VIEW} = '{view}'"));
    }
}

fn text(word: &str) -> Value {
    Value::Text(word.to_owned())
}

/// What a text is looked for by; `None` where there is none.
fn pattern(text: Option<&str>) -> Option<Value> {
    let text = text.filter(|text| !text.is_empty())?;
    Some(Value::Text(like_pattern(text).to_ascii_lowercase()))
}

/// Text to be found literally: `%` and `_` in it stand for themselves.
pub(crate) fn like_pattern(text: &str) -> String {
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
