//! Answers from roll-ups: a window as the sum of its parts, and what is not folded yet.

use std::collections::BTreeMap;

use waybill_model::{
    rollup::{Bucket, By, Counts, Facet, Ignore, LeftOut, Measure, Scope, Seen, Side, Span, Why},
    time::UnixMillis,
};

use super::{
    Length, SPANS,
    fold::Folded,
    name::{Name, Part},
    read::{self, BATCH, Models, Read},
    strangers,
    tally::{Pick, Sum, Tally},
    write::{Kept, read_sketches},
};
use crate::{
    Store,
    sql::{Db, Dialect, Result, Value, values},
};

/// Of whom roll-ups are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollupOf {
    /// Each value of a facet.
    Each(Facet),
    /// One scope. One that is no facet's is added up from the rows themselves.
    One(Scope),
}

/// What is asked of roll-ups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupQuery {
    /// From here on,
    pub start: UnixMillis,
    /// and before here. Both ends are moved outwards to where a minute begins, or an hour or a day where the
    /// minutes have gone: the answer says where to.
    pub end: UnixMillis,
    /// A bucket per so long, as far as that is kept, the next longer one else; `None`: one for the whole window.
    pub step: Option<Span>,
    /// By which moment requests are counted. By their end they are by minutes alone: a window that reaches further
    /// back than those, and what is added up from rows, is answered by arrival, and the answer says so.
    pub by: By,
    /// Of whom.
    pub of: RollupOf,
    /// Whether causes are wanted.
    pub causes: bool,
    /// Which sketches are wanted: they are most of what is read.
    pub sketches: &'static [Measure],
    /// From the rows themselves, however many there are. The answer is the same, as long as they are all there.
    pub raw: bool,
    /// What is left out.
    pub ignore: Ignore,
}

impl RollupQuery {
    /// Everything of a window in one bucket, with causes and sketches, with nothing left out that somebody chose.
    pub fn whole(start: UnixMillis, end: UnixMillis, of: RollupOf) -> RollupQuery {
        RollupQuery {
            start,
            end,
            step: None,
            by: By::Arrival,
            of,
            causes: true,
            sketches: Measure::ALL,
            raw: false,
            ignore: Ignore::default(),
        }
    }
}

/// What a window adds up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollups {
    /// Where the window begins that is answered for.
    pub start: UnixMillis,
    /// Where it ends.
    pub end: UnixMillis,
    /// How long a bucket is.
    pub step: Option<Span>,
    /// By which moment requests were counted.
    pub by: By,
    /// Those in which something happened, in the order of their beginning and value.
    pub buckets: Vec<Bucket>,
    /// Whether every request of the window is counted. Otherwise the fold is far behind, requests had to go before
    /// they were folded, or rows have gone that were to be added up.
    pub is_complete: bool,
    /// Whether the fold is so far behind that not all that is stored could be added.
    pub is_behind: bool,
    /// When the youngest request arrived that has been folded; what was stored since is added as it is asked for.
    pub folded_to: Option<UnixMillis>,
    /// Whether it was added up from the rows themselves.
    pub is_raw: bool,
    /// What was left out of the buckets.
    pub left_out: LeftOut,
}

impl Rollups {
    /// All buckets together.
    pub fn total(&self) -> Bucket {
        let mut sum = Sum::default();
        for bucket in &self.buckets {
            sum.counts.add(&bucket.counts);
            sum.sketches.merge(&bucket.sketches);
            for cause in &bucket.causes {
                *sum.causes.entry(cause.why).or_default() += cause.count;
            }
        }
        Bucket {
            start: self.start,
            value: String::new(),
            counts: sum.counts,
            causes: sum.causes(),
            sketches: sum.sketches,
        }
    }
}

impl Store {
    /// What a window adds up to, by roll-ups and what is not folded yet.
    pub async fn rollups(&self, query: RollupQuery) -> Result<Rollups> {
        let mut answers = self.rollups_of(vec![query]).await?;
        // As many answers as questions.
        answers.pop().ok_or(crate::StoreError::Closed)
    }

    /// Several answers of one instant, in the order of the questions.
    pub async fn rollups_of(&self, queries: Vec<RollupQuery>) -> Result<Vec<Rollups>> {
        self.readers
            .run(move |db| {
                let at = Instant::load(db)?;
                queries.iter().map(|query| answer(db, &at, query)).collect()
            })
            .await
    }
}

impl Store {
    /// From when on minutes are kept, by one of the moments of requests.
    pub async fn minutes_kept_from(&self, by: By) -> Result<UnixMillis> {
        self.readers
            .run(move |db| {
                let span = Span::Minute;
                Ok(Kept::load(db)?.from(Length { span, by }))
            })
            .await
    }

    /// When the first request arrived that was folded; `None`: none was.
    pub async fn rolled_up_since(&self) -> Result<Option<UnixMillis>> {
        self.readers
            .run(|db| {
                let folded = Folded::load(db)?;
                Ok((folded.to > 0).then_some(folded.oldest_at))
            })
            .await
    }

    /// Requests that had to go before they were folded, for want of room.
    pub async fn requests_given_up(&self) -> Result<u64> {
        self.readers.run(|db| Ok(Folded::load(db)?.given_up)).await
    }

    /// How many requests arrived in a window, up to `most`: no more are looked at.
    pub async fn count_requests(
        &self,
        start: UnixMillis,
        end: UnixMillis,
        most: u64,
    ) -> Result<u64> {
        self.readers
            .run(move |db| {
                let from = db.dialect().by_index("requests", "r", "requests_by_time");
                let sql = format!(
                    "SELECT count(*) FROM (SELECT 1 FROM {from} WHERE r.created_at >= ?1 AND r.created_at < ?2
                     LIMIT {most}) AS counted"
                );
                db.count(&sql, values![start, end])
            })
            .await
    }

    /// Bytes that the store takes.
    pub async fn size_bytes(&self) -> Result<u64> {
        self.quick
            .run(|db| match db.dialect() {
                Dialect::Sqlite => {
                    Ok(db.count("PRAGMA page_count", &[])? * db.count("PRAGMA page_size", &[])?)
                }
                Dialect::Postgres => db.count("SELECT pg_database_size(current_database())", &[]),
            })
            .await
    }
}

/// What all answers of one instant share.
struct Instant {
    kept: Kept,
    folded: Folded,
    /// What is stored and not folded, as far as it is read.
    tail: Vec<Read>,
}

impl Instant {
    fn load(db: &dyn Db) -> Result<Instant> {
        let folded = Folded::load(db)?;
        Ok(Instant {
            kept: Kept::load(db)?,
            tail: read::behind(db, folded.to, BATCH, &mut Models::default())?,
            folded,
        })
    }
}

fn answer(db: &dyn Db, at: &Instant, query: &RollupQuery) -> Result<Rollups> {
    let name = match &query.of {
        RollupOf::Each(facet) => Some((*facet, None)),
        RollupOf::One(scope) => scope.facet().map(|(facet, value)| (facet, Some(value))),
    };
    let is_raw = query.raw || name.is_none();
    let window = Window::of(query, is_raw, &at.kept);
    let mut answer = Answer {
        window: &window,
        query,
        sums: BTreeMap::new(),
        token_count_errors: BTreeMap::new(),
    };
    match &name {
        Some((facet, value)) if !is_raw => {
            let parts = match query.ignore.count_tokens_errors {
                true => &[Part::Whole, Part::TokenCountErrors][..],
                false => &[Part::Whole],
            };
            for piece in window.pieces(&at.kept) {
                for part in parts {
                    let name = Name {
                        facet: *facet,
                        part: *part,
                    };
                    answer.read_counts(db, name, value.as_deref(), piece)?;
                    if query.causes {
                        answer.read_causes(db, name, value.as_deref(), piece)?;
                    }
                }
            }
            answer.tally(at.tail.iter().filter(|row| window.has(&row.seen)));
        }
        _ => {
            let mut models = Models::default();
            let mut behind = (UnixMillis(i64::MIN), 0);
            loop {
                let rows = read::within(
                    db,
                    (window.start, window.end),
                    behind,
                    i64::MAX,
                    &mut models,
                )?;
                answer.tally(rows.iter());
                match rows.last() {
                    Some(last) if rows.len() as i64 >= BATCH => behind = (last.seen.at, last.id),
                    _ => break,
                }
            }
        }
    }
    // Strangers are refused in no time: they end in the minute in which they arrive.
    if !query.ignore.invalid_api_keys && matches!(name, Some((Facet::All, _))) {
        for (minute, sum) in strangers::by_minute(db, window.start, window.end)? {
            answer.sum(Part::Whole, minute, String::new()).add(&sum);
        }
    }
    let (buckets, left_out) = answer.end();
    let is_behind = !is_raw && at.tail.len() as i64 >= BATCH;
    Ok(Rollups {
        start: window.start,
        end: window.end,
        step: window.step,
        by: window.by,
        buckets,
        is_complete: match is_raw {
            true => window.start >= at.kept.rows_from(),
            false => !is_behind && !at.folded.gave_up_of(window.start, window.end),
        },
        is_behind,
        folded_to: at.folded.newest_at,
        is_raw,
        left_out,
    })
}

/// What is answered for.
#[derive(Debug, Clone, Copy)]
struct Window {
    start: UnixMillis,
    end: UnixMillis,
    step: Option<Span>,
    by: By,
}

/// Roll-ups of one length that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    length: Length,
    from: UnixMillis,
    to: UnixMillis,
}

impl Window {
    fn of(query: &RollupQuery, is_raw: bool, kept: &Kept) -> Window {
        let is_by_end = query.by == By::End
            && !is_raw
            && query.step.is_none_or(|step| step == Span::Minute)
            && Span::Minute.begin(query.start) >= kept.from(Length::ENDED);
        if is_by_end {
            return Window {
                start: Span::Minute.begin(query.start),
                end: Span::Minute.end(query.end),
                step: query.step,
                by: By::End,
            };
        }
        let there = |span: Span, at: UnixMillis| span.begin(at) >= kept.from(Length::arrived(span));
        // The shortest length, but for what is asked for, by which an instant can be told.
        let finest = |at: UnixMillis| {
            let mut spans = SPANS.into_iter();
            let found = spans.find(|span| Some(*span) >= query.step && there(*span, at));
            found.unwrap_or(Span::Day)
        };
        let before = query.end.plus_ms(-1);
        let step = query.step.map(|_| finest(query.start));
        match step {
            Some(step) => Window {
                start: step.begin(query.start),
                end: step.end(query.end),
                step: Some(step),
                by: By::Arrival,
            },
            None => Window {
                start: finest(query.start).begin(query.start),
                end: finest(before).end(query.end),
                step,
                by: By::Arrival,
            },
        }
    }

    fn has(&self, seen: &Seen) -> bool {
        let at = seen.moment(self.by);
        self.start <= at && at < self.end
    }

    /// The longest roll-ups that make up the window.
    fn pieces(&self, kept: &Kept) -> Vec<Piece> {
        let only = match (self.by, self.step) {
            (By::End, _) => Some(Length::ENDED),
            (By::Arrival, step) => step.map(Length::arrived),
        };
        if let Some(length) = only {
            return vec![Piece {
                length,
                from: self.start,
                to: self.end,
            }];
        }
        let mut pieces: Vec<Piece> = Vec::new();
        let mut at = self.start;
        while at < self.end {
            let fits = |span: &Span| {
                span.begin(at) == at
                    && at.plus_ms(span.millis()) <= self.end
                    && at >= kept.from(Length::arrived(*span))
            };
            let span = SPANS.into_iter().rev().find(fits).unwrap_or(Span::Minute);
            let to = at.plus_ms(span.millis());
            let length = Length::arrived(span);
            match pieces.last_mut() {
                Some(last) if last.length == length => last.to = to,
                _ => pieces.push(Piece {
                    length,
                    from: at,
                    to,
                }),
            }
            at = to;
        }
        pieces
    }
}

/// An answer under way.
struct Answer<'a> {
    window: &'a Window,
    query: &'a RollupQuery,
    sums: Sums,
    /// What of them requests are that count tokens and failed, where that is to be left out.
    token_count_errors: Sums,
}

type Sums = BTreeMap<(UnixMillis, String), Sum>;

impl Answer<'_> {
    fn sum(&mut self, part: Part, at: UnixMillis, value: String) -> &mut Sum {
        let start = self
            .window
            .step
            .map_or(self.window.start, |step| step.begin(at));
        let sums = match part {
            Part::Whole => &mut self.sums,
            Part::TokenCountErrors => &mut self.token_count_errors,
        };
        sums.entry((start, value)).or_default()
    }

    /// What there is, without what is left out, and that.
    fn end(mut self) -> (Vec<Bucket>, LeftOut) {
        let query = self.query;
        let (mut all, mut causes) = (LeftOut::default(), BTreeMap::new());
        let mut buckets = Vec::with_capacity(self.sums.len());
        for (place, mut sum) in self.sums {
            let errors = self.token_count_errors.remove(&place).unwrap_or_default();
            all.add(&query.ignore.apply(&mut sum.counts, &errors.counts));
            for (why, count) in leave_out(&query.ignore, &mut sum.causes, &errors.causes) {
                *causes.entry(why).or_default() += count;
            }
            let (start, value) = place;
            buckets.push(Bucket {
                start,
                value,
                causes: match query.causes {
                    true => sum.causes(),
                    false => Vec::new(),
                },
                counts: sum.counts,
                sketches: sum.sketches.only(query.sketches),
            });
        }
        if query.causes {
            let causes = Sum {
                causes,
                ..Sum::default()
            };
            all.causes = causes.causes();
        }
        (buckets, all)
    }

    fn read_counts(
        &mut self,
        db: &dyn Db,
        name: Name,
        value: Option<&str>,
        piece: Piece,
    ) -> Result<()> {
        let measures = match name.part {
            Part::Whole => self.query.sketches,
            Part::TokenCountErrors => &[],
        };
        let sketches = measures.iter().map(|measure| measure.name());
        let columns: Vec<&str> = Counts::NAMES.iter().copied().chain(sketches).collect();
        let columns = columns.join(", ");
        let (sql, values) = of_piece(db.dialect(), "rollups", &columns, name, value, piece);
        db.each(&sql, &values, &mut |cells| {
            let (at, value) = (cells.time()?, cells.next()?);
            let mut counts = [0; Counts::NAMES.len()];
            for count in &mut counts {
                *count = cells.count()?;
            }
            let sum = self.sum(name.part, at, value);
            sum.counts.add(&Counts::of(&counts));
            sum.sketches.merge(&read_sketches(cells, measures)?);
            Ok(())
        })
    }

    fn read_causes(
        &mut self,
        db: &dyn Db,
        name: Name,
        value: Option<&str>,
        piece: Piece,
    ) -> Result<()> {
        let columns = "side, cause, phase, owner, is_business_limited, status, count";
        let (sql, values) = of_piece(db.dialect(), "rollup_causes", columns, name, value, piece);
        db.each(&sql, &values, &mut |cells| {
            let (at, value) = (cells.time()?, cells.next()?);
            let why = Why {
                side: cells.word("side")?,
                cause: cells.word("cause")?,
                phase: cells.word("phase")?,
                owner: cells.word("owner")?,
                is_business_limited: cells.next()?,
                status: cells.next()?,
            };
            let count = cells.count()?;
            // What was judged anew leaves kinds behind that nothing is of any more.
            if count > 0 {
                let sum = self.sum(name.part, at, value);
                *sum.causes.entry(why).or_default() += count;
            }
            Ok(())
        })
    }

    /// Adds rows up.
    fn tally<'r>(&mut self, rows: impl Iterator<Item = &'r Read>) {
        let mut tally = Tally::of(match &self.query.of {
            RollupOf::Each(facet) => Pick::Each(*facet),
            RollupOf::One(scope) => Pick::One(scope.clone()),
        });
        rows.filter(|row| !row.is_replay)
            .for_each(|row| tally.add(&row.seen));
        for ((arrived, ended), name, value, sum) in tally.minutes() {
            let minute = match self.window.by {
                By::Arrival => arrived,
                By::End => ended,
            };
            let value = match &self.query.of {
                RollupOf::Each(_) => value,
                RollupOf::One(scope) => scope.facet().map(|(_, value)| value).unwrap_or_default(),
            };
            self.sum(name.part, minute, value).add(&sum);
        }
    }
}

/// Takes out of causes what is left out; answers those of requests.
fn leave_out(
    ignore: &Ignore,
    causes: &mut BTreeMap<Why, u64>,
    token_count_errors: &BTreeMap<Why, u64>,
) -> Vec<(Why, u64)> {
    let mut left_out = Vec::new();
    if ignore.count_tokens_errors {
        for (why, count) in token_count_errors {
            if let Some(all) = causes.get_mut(why) {
                *all = all.saturating_sub(*count);
            }
            left_out.push((*why, *count));
        }
    }
    for (why, count) in causes.iter_mut().filter(|(why, _)| ignore.leaves_out(why)) {
        left_out.push((*why, std::mem::take(count)));
    }
    causes.retain(|_, count| *count > 0);
    left_out.retain(|(why, count)| why.side == Side::Failed && *count > 0);
    left_out
}

/// The roll-ups of a piece, of one value or of all.
fn of_piece(
    dialect: Dialect,
    table: &str,
    columns: &str,
    name: Name,
    value: Option<&str>,
    piece: Piece,
) -> (String, Vec<Value>) {
    // One value of many lies scattered among the others in the order of the key.
    let from = match value {
        Some(_) if name.facet != Facet::All => {
            dialect.by_index(table, "r", &format!("{table}_by_value"))
        }
        _ => format!("{table} r"),
    };
    let mut sql = format!(
        "SELECT begins_at, value, {columns} FROM {from} WHERE span_ms = ?1 AND facet = ?2
         AND begins_at >= ?3 AND begins_at < ?4"
    );
    let mut values: Vec<Value> =
        values![piece.length.key(), name.text(), piece.from, piece.to].into();
    if let Some(value) = value {
        sql += " AND value = ?5";
        values.push(Value::from(value));
    }
    (sql, values)
}
