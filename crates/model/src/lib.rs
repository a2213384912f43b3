//! The words every other part of Waybill speaks: ids, platforms and protocols, the facts a request
//! collects on its way, the causes a failure can have, and the verdict drawn from those facts.
//!
//! Promises: everything here is a value or a pure function. There is no I/O, no clock and no
//! randomness; times and ids come in as arguments.
//!
//! Must not know: HTTP servers, SQL, async.
//!
//! Reading order follows a request: [`id`] and [`time`] name it, [`protocol`] says which language it
//! speaks, [`number`] writes numbers for people, [`limits`] says what may be used and [`state`] what keeps an account from serving ([`fold`] where several say so),
//! [`waybill`] travels with it ([`trace`] says in which trace), [`cause`] and [`classify`] judge it, [`redact`] makes it safe to show,
//! [`record`] is what the store is given, [`view`] what an operator is shown, [`retry`] what comes of sending it
//! again, [`issue`] what failures of one kind make up together, [`differs`] what they have in common by their
//! [`traits`], [`whatif`] what would have become of them under other rules, [`objective`] what is promised, [`alert`]
//! what somebody is woken for, [`notify`] how they are told, [`report`] what is told without being asked, [`settings`] what operators choose, and [`people`] who may be.

pub mod alert;
pub mod cause;
pub mod classify;
pub mod differs;
pub mod entity;
pub mod fingerprint;
pub mod fold;
pub mod id;
pub mod issue;
pub mod limits;
pub mod money;
pub mod notify;
pub mod number;
pub mod objective;
pub mod people;
pub mod protocol;
pub mod record;
pub mod redact;
pub mod report;
pub mod retry;
pub mod rollup;
pub mod secret;
pub mod settings;
pub mod sketch;
pub mod state;
pub mod time;
pub mod trace;
pub mod traits;
pub mod view;
pub mod waybill;
pub mod whatif;
