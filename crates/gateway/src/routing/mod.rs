//! Routing: which account serves a request.
//!
//! In: an [`Admitted`](crate::auth::Admitted) key, a protocol and a model. Out: a [`Plan`] that hands out
//! accounts one by one, best first, and remembers why each other one was passed over.
//!
//! Promises: a choice reads one immutable [`Snapshot`] and atomics; it takes no lock and awaits nothing.
//! Must not know: HTTP, the store.

mod choice;
mod explain;
mod kept;
mod lane;
mod latency;
mod line;
mod live;
pub(crate) mod mapping;
mod obstacle;
mod pinned;
mod places;
mod plan;
mod reach;
mod sharing;
mod snapshot;
mod upstream;
mod way;

pub use kept::Kept;
pub use lane::Lanes;
pub use line::{Line, LineCounts, LineSettings, Routed};
pub use live::{Live, Slot};
pub use mapping::ModelMap;
pub use obstacle::{Down, down, is_stopped, obstacle};
pub use pinned::Unpinnable;
pub use plan::{Chosen, NoRoute, Plan, Sought, Wanted};
pub use sharing::Sharing;
pub use snapshot::{AccountEntry, Address, GroupEntry, KeyEntry, Place, Snapshot};
pub use upstream::{Credential, SnapshotError, Upstream};
pub use way::{FailingWay, Way, WayKey};
