//! Routing: which account serves a request.
//!
//! In: an [`Admitted`](crate::auth::Admitted) key, a protocol and a model. Out: a [`Plan`] that hands out
//! accounts one by one, best first, and remembers why each other one was passed over.
//!
//! Promises: reads one immutable [`Snapshot`] and atomics; takes no lock and awaits nothing.
//! Must not know: HTTP, the store.

mod live;
pub(crate) mod mapping;
mod plan;
mod snapshot;

pub use live::{Live, Slot};
pub use mapping::ModelMap;
pub use plan::{Chosen, NoRoute, Plan};
pub use snapshot::{
    AccountEntry, Credential, GroupEntry, KeyEntry, Snapshot, SnapshotError, Upstream,
};
