//! What the headers of a good answer say about the account's limits.
//!
//! Promises: says that a limit is used up only where the provider says both that nothing is left and
//! until when; cheap where it says nothing.
//!
//! Must not know: what is done about it.

use http::HeaderMap;
use waybill_model::{protocol::Platform, time::UnixMillis};

use crate::reset::Reset;

/// When the limit ends that this good answer has used up; `None` while there is something left.
pub fn used_up(platform: Platform, headers: &HeaderMap, now: UnixMillis) -> Option<Reset> {
    let _ = (platform, headers, now);
    None
}
