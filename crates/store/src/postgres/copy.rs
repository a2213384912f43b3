//! A batch of a spool as what goes into one transaction: rows to be copied, table by table, and small
//! things to be added.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{BufMut, Bytes, BytesMut};
use waybill_model::view::NoiseCount;

use crate::spool::{
    Entry, EntryKind, FIRST_ID, Rows, SECOND_ID, SpooledEvent, SpooledSetAside, SpooledUsage, Table,
};

/// Begins a stream of rows: its signature, no flags, nothing more in the header.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Ends it.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

const DAY_MS: i64 = 86_400_000;

/// The first ids that the rows of a batch get.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstIds {
    pub(super) request: i64,
    pub(super) error: i64,
    pub(super) event: i64,
}

/// What used what, in which window.
pub(super) type UsageKey = (String, i64, String);

/// A batch, ready but for its ids.
#[derive(Debug, Default)]
pub(super) struct Batch<'e> {
    records: Vec<&'e Entry>,
    pub(super) layout: i64,
    pub(super) ids: [i64; 3],
    pub(super) days: BTreeSet<i64>,
    pub(super) account_events: Vec<SpooledEvent>,
    pub(super) usage: BTreeMap<UsageKey, SpooledUsage>,
    pub(super) noise: Vec<NoiseCount>,
    pub(super) set_aside: Vec<SpooledSetAside>,
    /// The last of its entries.
    pub(super) position: i64,
}

impl<'e> Batch<'e> {
    /// Makes a batch of entries. What is not readable, whoever wrote it, is left out and said.
    pub(super) fn of(entries: &'e [Entry]) -> Self {
        let mut batch = Batch::default();
        for entry in entries {
            batch.position = entry.id;
            let taken = match entry.kind {
                EntryKind::Record => {
                    batch.record(entry);
                    Ok(())
                }
                EntryKind::AccountEvent => serde_json::from_slice(&entry.payload)
                    .map(|event| batch.account_events.push(event)),
                EntryKind::Usage => {
                    serde_json::from_slice(&entry.payload).map(|usage| batch.add_usage(usage))
                }
                EntryKind::Noise => {
                    serde_json::from_slice(&entry.payload).map(|noise| batch.noise.push(noise))
                }
                EntryKind::SetAside => {
                    serde_json::from_slice(&entry.payload).map(|aside| batch.set_aside.push(aside))
                }
            };
            if let Err(error) = taken {
                tracing::error!(%error, entry = entry.id, "an entry of the spool cannot be read; it is left out");
            }
        }
        batch
    }

    /// How many records it stores whole.
    pub(super) fn records(&self) -> i64 {
        self.records.len() as i64
    }

    fn record(&mut self, entry: &'e Entry) {
        for (sum, more) in self.ids.iter_mut().zip(entry.ids()) {
            *sum += more;
        }
        self.days.insert(entry.at.div_euclid(DAY_MS) * DAY_MS);
        self.layout = entry.layout;
        self.records.push(entry);
    }

    /// Within a batch, counts of the same window are added up; one that began later replaces the one before.
    fn add_usage(&mut self, usage: SpooledUsage) {
        let key = (
            usage.consumer.clone(),
            usage.consumer_id,
            usage.window.clone(),
        );
        match self.usage.get_mut(&key) {
            Some(sum) if sum.started_at == usage.started_at => {
                sum.requests += usage.requests;
                sum.tokens += usage.tokens;
                sum.micro_usd += usage.micro_usd;
            }
            Some(sum) if sum.started_at > usage.started_at => {}
            _ => {
                self.usage.insert(key, usage);
            }
        }
    }

    /// The rows of each table that has any, with their ids, as a stream to be copied.
    pub(super) fn streams(&self, first: FirstIds) -> Vec<(Table, Bytes)> {
        let mut streams: [BytesMut; Table::ALL.len()] = Default::default();
        let mut next = first;
        for entry in &self.records {
            let (mut error, mut event) = (0, 0);
            for (table, row) in Rows::of(&entry.payload) {
                let stream = &mut streams[table as usize];
                if stream.is_empty() {
                    stream.put_slice(HEADER);
                }
                let begins_at = stream.len();
                stream.put_slice(row);
                let mut put = |at: usize, id: i64| {
                    let at = begins_at + at;
                    if let Some(place) = stream.get_mut(at..at + 8) {
                        place.copy_from_slice(&id.to_be_bytes());
                    }
                };
                match table {
                    Table::Requests => put(FIRST_ID, take(&mut next.request)),
                    Table::Errors => {
                        error = take(&mut next.error);
                        put(FIRST_ID, error);
                    }
                    Table::UpstreamEvents => {
                        event = take(&mut next.event);
                        put(FIRST_ID, event);
                        put(SECOND_ID, error);
                    }
                    Table::ErrorDetails | Table::ReplayBodies => put(FIRST_ID, error),
                    Table::EventDetails => put(FIRST_ID, event),
                }
            }
        }
        let full = Table::ALL.into_iter().zip(streams);
        full.filter(|(_, stream)| !stream.is_empty())
            .map(|(table, mut stream)| {
                stream.put_slice(&TRAILER);
                (table, stream.freeze())
            })
            .collect()
    }
}

fn take(next: &mut i64) -> i64 {
    *next += 1;
    *next - 1
}
