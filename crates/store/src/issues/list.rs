//! The list of issues, and one issue whole.

use std::collections::HashMap;

use waybill_model::{
    cause::Cause,
    fingerprint::{scope_of, version_of},
    issue::{
        HOUR_MS, HourCount, IssueDetail, IssueFilter, IssueKind, IssueLink, IssueLog, IssueMembers,
        IssueNote, IssueSort, IssueState, IssueTransition, Member, MemberList, Weight, hex,
    },
    protocol::Platform,
    time::UnixMillis,
    view::{Filter, List, Page},
};

use super::{
    fold::{KIND_COLUMNS, read_kind},
    row::{self, Row},
    tally::{Key, SORTS},
};
use crate::{
    Store, StoreError,
    sql::{Db, Result, Value, hex as bytes_as_hex, int, unhex, values},
};

/// Hours of a list's items.
const HOURS_SHOWN: i64 = 24;
/// Hours of one issue.
const HOURS_OF_ONE: i64 = 7 * 24;
/// Members of one sort that are shown.
const TOP: i64 = 10;
/// Changes and notes that are shown.
const NEWEST: i64 = 100;
/// Kinds of one issue that are shown, or looked for.
const MOST_KINDS: i64 = 500;
/// Matching issues are counted up to here.
const COUNT_LIMIT: u64 = 10_000;

/// An issue, as those look at it who ask which are in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueInState {
    /// Its key, hex.
    pub fingerprint: String,
    /// Its title.
    pub title: String,
    /// What happens.
    pub cause: Cause,
    /// Where.
    pub platform: Platform,
    /// Since when it is in that state.
    pub state_since: UnixMillis,
}

impl Store {
    /// Issues, by what they do to users or in another order.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`] for a cursor that this list, in this order, did not give out.
    pub async fn issues(
        &self,
        filter: &IssueFilter,
        sort: IssueSort,
        page: &Page,
        now: UnixMillis,
    ) -> Result<List<IssueLog>> {
        let (filter, page) = (filter.clone(), page.clone());
        self.readers
            .run(move |db| list(db, &filter, sort, &page, now))
            .await
    }

    /// Issues in a state, of one platform or of all: who came into it last comes first, and `most` at most.
    pub async fn issues_in(
        &self,
        state: IssueState,
        platform: Option<Platform>,
        most: u32,
    ) -> Result<Vec<IssueInState>> {
        self.readers
            .run(move |db| {
                let sql = "SELECT issue, title, cause, platform, state_since FROM issues WHERE total > 0 AND state = ?1
                     AND (CAST(?2 AS TEXT) IS NULL OR platform = ?2) ORDER BY state_since DESC, issue LIMIT ?3";
                let platform = platform.map(Platform::as_str);
                db.rows(sql, values![state.as_str(), platform, most], |cells| {
                    Ok(IssueInState {
                        fingerprint: hex::text(cells.next()?),
                        title: cells.next()?,
                        cause: cells.word("cause")?,
                        platform: cells.word("platform")?,
                        state_since: cells.time()?,
                    })
                })
            })
            .await
    }

    /// One issue, whole.
    pub async fn issue(&self, key: [u8; 16], now: UnixMillis) -> Result<Option<IssueDetail>> {
        self.readers.run(move |db| detail(db, key, now)).await
    }

    /// The issue that an error belongs to, once it is folded.
    pub async fn issue_of_error(&self, id: waybill_model::id::ErrorId) -> Result<Option<[u8; 16]>> {
        self.readers
            .run(move |db| {
                let sql = format!(
                    "SELECT {} FROM errors e WHERE e.id = ?1",
                    Belonging::COLUMNS
                );
                match db.first(&sql, values![id], Belonging::read)? {
                    Some(belonging) => belonging.issue(db),
                    None => Ok(None),
                }
            })
            .await
    }
}

/// What says to which issue an error belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Belonging {
    fingerprint: Key,
    of: Attributes,
}

impl Belonging {
    /// In the order [`Belonging::read`] reads them; `e` is the errors table.
    pub(crate) const COLUMNS: &'static str =
        "e.fingerprint, e.account_id, e.api_key_id, e.model, e.group_id";

    pub(crate) fn read(cells: &mut crate::sql::Cells<'_>) -> Result<Belonging> {
        Ok(Belonging {
            fingerprint: cells.next()?,
            of: Attributes::read(cells)?,
        })
    }

    pub(crate) fn fingerprint(&self) -> Key {
        self.fingerprint
    }

    /// The issue, once the error is folded.
    pub(crate) fn issue(&self, db: &dyn Db) -> Result<Option<Key>> {
        key_of(db, self.fingerprint, &self.of)
    }
}

/// What an issue may be divided by, of one error.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Attributes {
    account: Option<i64>,
    key: Option<i64>,
    model: Option<String>,
    group: Option<i64>,
}

impl Attributes {
    fn read(cells: &mut crate::sql::Cells<'_>) -> Result<Attributes> {
        Ok(Attributes {
            account: cells.next()?,
            key: cells.next()?,
            model: cells.next()?,
            group: cells.next()?,
        })
    }

    pub(crate) fn of(log: &waybill_model::view::ErrorLog) -> Attributes {
        Attributes {
            account: log.account_id.map(|id| id.0),
            key: log.api_key_id.map(|id| id.0),
            model: log.model.clone(),
            group: log.group_id.map(|id| id.0),
        }
    }

    fn value(&self, by: waybill_model::issue::SplitBy) -> String {
        use waybill_model::issue::SplitBy as By;
        let id = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
        match by {
            By::Account => id(self.account),
            By::Key => id(self.key),
            By::Model => self.model.clone().unwrap_or_default(),
            By::Group => id(self.group),
        }
    }
}

fn key_of(db: &dyn Db, fingerprint: Key, of: &Attributes) -> Result<Option<Key>> {
    let issue: Option<Key> = db.cell(
        "SELECT issue FROM issue_kinds WHERE fingerprint = ?1",
        values![fingerprint.as_slice()],
    )?;
    let Some(issue) = issue else { return Ok(None) };
    let rules = super::rules::bodies(db)?;
    Ok(Some(match waybill_model::issue::split_of(issue, &rules) {
        Some(by) => waybill_model::issue::part(issue, by, &of.value(by)),
        None => issue,
    }))
}

/// The issue of an error, as its detail shows it.
pub(crate) fn link(db: &dyn Db, fingerprint: &str, of: &Attributes) -> Result<Option<IssueLink>> {
    let Some(fingerprint) = hex::key(fingerprint) else {
        return Ok(None);
    };
    let Some(key) = key_of(db, fingerprint, of)? else {
        return Ok(None);
    };
    Ok(row::find(db, key)?.map(|row| IssueLink {
        fingerprint: hex::text(key),
        state: row.standing.state,
        count: row.count.seen,
        hidden_count: row.count.hidden,
    }))
}

/// A filter by an issue as one by what its errors have in common.
pub(crate) fn resolve(db: &dyn Db, filter: &Filter) -> Result<Filter> {
    let mut filter = filter.clone();
    let Some(text) = filter.issue.take() else {
        return Ok(filter);
    };
    let nothing = vec![String::new()];
    let Some(row) = hex::key(&text)
        .map(|key| row::find(db, key))
        .transpose()?
        .flatten()
    else {
        filter.fingerprints = nothing;
        return Ok(filter);
    };
    let whole = row.part.as_ref().map_or(row.key, |part| part.of);
    let kinds: Vec<Key> = db.rows(
        "SELECT fingerprint FROM issue_kinds WHERE issue = ?1 ORDER BY fingerprint LIMIT ?2",
        values![whole.as_slice(), MOST_KINDS],
        |cells| cells.next(),
    )?;
    let mut is_empty = kinds.is_empty();
    match kinds.as_slice() {
        [only] if filter.fingerprint.is_none() => filter.fingerprint = Some(hex::text(*only)),
        many => filter.fingerprints = many.iter().map(|key| hex::text(*key)).collect(),
    }
    if let Some(part) = &row.part {
        use waybill_model::issue::SplitBy as By;
        let id = part.value.parse::<i64>().ok();
        let fits = match part.by {
            By::Account => narrow(&mut filter.account_id, id.map(waybill_model::id::AccountId)),
            By::Key => narrow(&mut filter.api_key_id, id.map(waybill_model::id::ApiKeyId)),
            By::Group => narrow(&mut filter.group_id, id.map(waybill_model::id::GroupId)),
            By::Model => narrow(&mut filter.model, Some(part.value.clone())),
        };
        is_empty |= !fits;
    }
    if is_empty {
        filter.fingerprints = nothing;
    }
    Ok(filter)
}

/// Asks for one value; `false` where another one is asked for already, or there is none.
fn narrow<T: PartialEq>(asked: &mut Option<T>, value: Option<T>) -> bool {
    let fits = value.is_some() && (asked.is_none() || *asked == value);
    if fits {
        *asked = value;
    }
    fits
}

fn column(sort: IssueSort) -> (&'static str, &'static str, u8) {
    match sort {
        IssueSort::Impact => ("i.impact", "issues_by_impact", b'i'),
        IssueSort::LastSeen => ("i.last_seen", "issues_by_last_seen", b'l'),
        IssueSort::FirstSeen => ("i.first_seen", "issues_by_first_seen", b'f'),
        IssueSort::Count => ("i.total", "issues_by_total", b'c'),
    }
}

/// The conditions and their values; an issue without failures is none.
fn conditions(db: &dyn Db, filter: &IssueFilter) -> (String, Vec<Value>) {
    let mut sql = "i.total > 0".to_owned();
    let mut given: Vec<Value> = Vec::new();
    let mut and = |condition: &str, value: Value| {
        sql += " AND ";
        sql += condition;
        given.push(value);
    };
    let words = [
        ("i.platform = ?", filter.platform.map(|word| word.as_str())),
        ("i.cause = ?", filter.cause.map(|word| word.as_str())),
        ("i.owner = ?", filter.owner.map(|word| word.as_str())),
        ("i.severity = ?", filter.severity.map(|word| word.as_str())),
    ];
    for (condition, word) in words {
        if let Some(word) = word {
            and(condition, word.into());
        }
    }
    if let Some(start) = filter.start {
        and("i.last_seen >= ?", start.into());
    }
    if let Some(end) = filter.end {
        and("i.first_seen < ?", end.into());
    }
    let members = [
        ("user", filter.user_id.map(|id| id.to_string())),
        ("key", filter.api_key_id.map(|id| id.to_string())),
        ("account", filter.account_id.map(|id| id.to_string())),
        ("model", filter.model.clone()),
        ("group", filter.group_id.map(|id| id.to_string())),
    ];
    for (sort, member) in members {
        if let Some(member) = member {
            let condition = format!(
                "i.issue IN (SELECT m.issue FROM issue_members m WHERE m.sort = '{sort}' AND m.member = ?)"
            );
            and(&condition, member.into());
        }
    }
    if let Some(q) = filter.q.as_deref().filter(|q| !q.is_empty()) {
        let pattern = Value::Text(crate::query::like_pattern(q).to_ascii_lowercase());
        let dialect = db.dialect();
        let tests = format!(
            "({} OR {})",
            dialect.like("i.title"),
            dialect.like("coalesce(i.provider_code, '')")
        );
        and(&tests, pattern.clone());
        given.push(pattern);
    }
    if !filter.states.is_empty() {
        let places = vec!["?"; filter.states.len()].join(", ");
        sql += &format!(" AND i.state IN ({places})");
        given.extend(filter.states.iter().map(|state| state.as_str().into()));
    }
    (sql, given)
}

fn list(
    db: &dyn Db,
    filter: &IssueFilter,
    sort: IssueSort,
    page: &Page,
    now: UnixMillis,
) -> Result<List<IssueLog>> {
    let page_size = page.page_size.clamp(1, 500);
    let number = page.page.max(1);
    let (by, index, mark) = column(sort);
    let (conditions, given) = conditions(db, filter);
    let from = db.dialect().by_index("issues", "i", index);
    let mut sql = format!(
        "SELECT {}, {by} FROM {from} WHERE {conditions}",
        row::COLUMNS
    );
    let mut values = given.clone();
    let mut offset = u64::from(number - 1) * u64::from(page_size);
    if let Some(cursor) = page.cursor.as_deref() {
        let (value, key) = read_cursor(cursor, mark)?;
        sql += &format!(" AND ({by}, i.issue) < (?, ?)");
        values.extend([Value::Int(value), key.as_slice().into()]);
        offset = 0;
    }
    sql += &format!(" ORDER BY {by} DESC, i.issue DESC LIMIT ? OFFSET ?");
    values.extend([
        Value::Int(i64::from(page_size) + 1),
        Value::Int(int(offset)),
    ]);
    let mut rows = db.rows(&sql, &values, |cells| {
        Ok((row::read(cells)?, cells.next::<i64>()?))
    })?;
    let has_more = rows.len() > page_size as usize;
    rows.truncate(page_size as usize);
    let next_cursor = rows
        .last()
        .filter(|_| has_more)
        .map(|(row, value)| write_cursor(*value, row.key, mark));
    let counted = db.count(
        &format!(
            "SELECT count(*) FROM (SELECT 1 FROM issues i WHERE {conditions} LIMIT {}) AS counted",
            COUNT_LIMIT + 1
        ),
        &given,
    )?;
    let rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
    Ok(List {
        items: logs(db, &rows, now)?,
        total: counted.min(COUNT_LIMIT),
        page: number,
        page_size,
        next_cursor,
        total_is_estimate: counted > COUNT_LIMIT,
    })
}

fn write_cursor(value: i64, key: Key, mark: u8) -> String {
    let mut bytes = vec![b's', mark];
    bytes.extend(value.to_be_bytes());
    bytes.extend(key);
    bytes_as_hex(&bytes)
}

fn read_cursor(text: &str, mark: u8) -> Result<(i64, Key)> {
    let bytes = unhex(text).ok_or(StoreError::BadCursor)?;
    let [b's', of, rest @ ..] = bytes.as_slice() else {
        return Err(StoreError::BadCursor);
    };
    let (value, key) = rest.split_first_chunk::<8>().ok_or(StoreError::BadCursor)?;
    let key = Key::try_from(key).map_err(|_| StoreError::BadCursor)?;
    match *of == mark {
        true => Ok((i64::from_be_bytes(*value), key)),
        false => Err(StoreError::BadCursor),
    }
}

/// Rows as they are shown, with their hours.
fn logs(db: &dyn Db, rows: &[Row], now: UnixMillis) -> Result<Vec<IssueLog>> {
    let this_hour = now.0.div_euclid(HOUR_MS);
    let first = this_hour - HOURS_SHOWN + 1;
    let mut hourly: HashMap<Key, Vec<u64>> = HashMap::new();
    for some in rows.chunks(100) {
        let places = vec!["?"; some.len()].join(", ");
        let mut values: Vec<Value> = some.iter().map(|row| row.key.as_slice().into()).collect();
        values.push(Value::Int(first * HOUR_MS));
        let sql = format!(
            "SELECT issue, hour, seen + hidden FROM issue_hours WHERE issue IN ({places}) AND hour >= ?"
        );
        let found = db.rows(&sql, &values, |cells| {
            Ok((cells.next::<Key>()?, cells.next::<i64>()?, cells.count()?))
        })?;
        for (key, hour, count) in found {
            let counts = hourly
                .entry(key)
                .or_insert_with(|| vec![0; HOURS_SHOWN as usize]);
            let at = usize::try_from(hour.div_euclid(HOUR_MS) - first).unwrap_or(usize::MAX);
            if let Some(slot) = counts.get_mut(at) {
                *slot += count;
            }
        }
    }
    let log = |row: &Row| {
        let hours = hourly.remove(&row.key);
        shown(
            row,
            hours.unwrap_or_else(|| vec![0; HOURS_SHOWN as usize]),
            now,
        )
    };
    Ok(rows.iter().map(log).collect())
}

fn shown(row: &Row, hourly: Vec<u64>, now: UnixMillis) -> IssueLog {
    let who = row.members[0].max(row.members[1]);
    let ignore = row.standing.ignore;
    IssueLog {
        fingerprint: hex::text(row.key),
        fingerprint_version: version_of(row.key),
        title: row.title.clone(),
        platform: row.platform,
        phase: row.phase,
        cause: row.cause,
        status_code: row.status_code,
        provider_code: row.provider_code.clone(),
        scope: scope_of(row.key),
        owner: row.owner,
        severity: row.severity,
        state: row.standing.state,
        state_since: row.standing.since,
        state_why: row.why,
        state_by: row.actor.clone(),
        ignore_until: ignore.until,
        ignore_count: ignore.until_count,
        ignore_escalation: ignore.until_escalation,
        first_seen: row.first.0,
        last_seen: row.last.0,
        first_error_id: row::error(row.first.1),
        last_error_id: row::error(row.last.1),
        sample_error_id: row::error(row.sample),
        count: row.count.seen,
        hidden_count: row.count.hidden,
        users: row.members[0],
        api_keys: row.members[1],
        accounts: row.members[2],
        models: row.members[3],
        groups: row.members[4],
        members_are_bounded: row.is_bounded,
        impact: Weight::shown(row.weight.impact(row.severity, who), now),
        hourly,
        part_of: row.part.as_ref().map(|part| hex::text(part.of)),
        part_by: row.part.as_ref().map(|part| part.by),
        part_value: row.part.as_ref().map(|part| part.value.clone()),
        recounting: row.recounting,
    }
}

fn detail(db: &dyn Db, key: Key, now: UnixMillis) -> Result<Option<IssueDetail>> {
    let Some(row) = row::find(db, key)? else {
        return Ok(None);
    };
    let info = row.cause.info();
    let text = hex::text(key);
    let from = UnixMillis((now.0.div_euclid(HOUR_MS) - HOURS_OF_ONE + 1) * HOUR_MS);
    let hours = db.rows(
        "SELECT hour, seen, hidden FROM issue_hours WHERE issue = ?1 AND hour >= ?2 ORDER BY hour",
        values![key.as_slice(), from],
        |cells| {
            Ok(HourCount {
                hour: cells.time()?,
                count: cells.count()?,
                hidden_count: cells.count()?,
            })
        },
    )?;
    let log = logs(db, std::slice::from_ref(&row), now)?.pop();
    let Some(log) = log else { return Ok(None) };
    let whole = row.part.as_ref().map_or(key, |part| part.of);
    Ok(Some(IssueDetail {
        explanation: info.explanation.to_owned(),
        remedy: info.remedy.to_owned(),
        errors_path: format!("/api/v1/admin/ops/errors?issue={text}&time_range=30d"),
        members: members(db, &row)?,
        timeline: timeline(db, key)?,
        notes: notes(db, key)?,
        hours,
        kinds: kinds(db, whole)?,
        log,
    }))
}

fn members(db: &dyn Db, row: &Row) -> Result<IssueMembers> {
    let mut lists = Vec::with_capacity(SORTS.len());
    for (sort, known) in SORTS.into_iter().zip(row.members) {
        let top = db.rows(
            "SELECT member, name, seen, hidden, last_seen FROM issue_members
             WHERE issue = ?1 AND sort = ?2 AND member <> '' ORDER BY seen + hidden DESC, member LIMIT ?3",
            values![row.key.as_slice(), sort, TOP],
            |cells| {
                Ok(Member {
                    id: cells.next()?,
                    name: cells.next()?,
                    count: cells.count()?,
                    hidden_count: cells.count()?,
                    last_seen: cells.time()?,
                })
            },
        )?;
        let others = db.count(
            "SELECT seen + hidden FROM issue_members WHERE issue = ?1 AND sort = ?2 AND member = ''",
            values![row.key.as_slice(), sort],
        )?;
        lists.push(MemberList { top, known, others });
    }
    let mut lists = lists.into_iter();
    let mut next = || lists.next().unwrap_or_default();
    Ok(IssueMembers {
        users: next(),
        api_keys: next(),
        accounts: next(),
        models: next(),
        groups: next(),
    })
}

fn timeline(db: &dyn Db, key: Key) -> Result<Vec<IssueTransition>> {
    db.rows(
        "SELECT at, from_state, to_state, why, actor, detail FROM issue_history WHERE issue = ?1
         ORDER BY id DESC LIMIT ?2",
        values![key.as_slice(), NEWEST],
        |cells| {
            Ok(IssueTransition {
                at: cells.time()?,
                from: cells.optional_word::<IssueState>("from_state")?,
                to: cells.word("to_state")?,
                why: cells.word("why")?,
                by: cells.next()?,
                detail: cells.next()?,
            })
        },
    )
}

fn notes(db: &dyn Db, key: Key) -> Result<Vec<IssueNote>> {
    db.rows(
        "SELECT id, at, author, note FROM issue_notes WHERE issue = ?1 ORDER BY id DESC LIMIT ?2",
        values![key.as_slice(), NEWEST],
        |cells| {
            Ok(IssueNote {
                id: cells.next()?,
                at: cells.time()?,
                author: cells.next()?,
                text: cells.next()?,
            })
        },
    )
}

fn kinds(db: &dyn Db, issue: Key) -> Result<Vec<IssueKind>> {
    let sql = format!(
        "SELECT {KIND_COLUMNS} FROM issue_kinds k WHERE k.issue = ?1 ORDER BY k.fingerprint LIMIT ?2"
    );
    db.rows(&sql, values![issue.as_slice(), MOST_KINDS], |cells| {
        let kind = read_kind(cells)?;
        Ok(IssueKind {
            fingerprint: hex::text(kind.fingerprint),
            title: kind.title,
            platform: kind.platform,
            cause: kind.cause,
            status_code: kind.status_code,
            provider_code: kind.provider_code,
        })
    })
}
