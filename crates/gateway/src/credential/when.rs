//! When a token is had anew: pure functions of times.
//!
//! Must not know: clocks, sockets.

use waybill_model::time::UnixMillis;

/// A token is had anew so long before its end, in milliseconds; one that lives shortly, in the last quarter of
/// its life.
const LEAD_MS: i64 = 300_000;

/// Further ahead of that, by a share that differs from account to account and from replica to replica, so that
/// not all of them ask at once.
const SPREAD_MS: i64 = 60_000;

/// A token whose end is not stated is taken to live so long, in milliseconds.
pub const UNSTATED_LIFE_MS: i64 = 300_000;

/// Longest life that is believed, in milliseconds: a week.
pub const LONGEST_LIFE_MS: i64 = 7 * 86_400_000;

/// A token that the provider refused is had anew at once, but not if it is younger than this: then it is not the
/// token's age that is at fault.
pub const YOUNG_MS: i64 = 30_000;

/// Longest wait that a token endpoint may ask for, in milliseconds.
const LONGEST_STATED_MS: u64 = 600_000;

/// When a token that was had at `obtained` and ends at `expires` is had anew; `share` is from 0 to 1.
pub fn refresh_at(obtained: UnixMillis, expires: UnixMillis, share: f64) -> UnixMillis {
    let life = expires.0.saturating_sub(obtained.0).max(0);
    let lead = LEAD_MS.min(life / 4);
    let spread = SPREAD_MS.min(life / 10);
    // Far below 2^52: a share of it is as exact as it has to be.
    let ahead = lead + (spread as f64 * share.clamp(0.0, 1.0)) as i64;
    expires.plus_ms(-ahead)
}

/// A share from 0 to 1 that is the same whenever it is asked for.
pub fn share_of(replica: &str, account: i64, obtained: UnixMillis) -> f64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(replica.as_bytes());
    hasher.update(&account.to_le_bytes());
    hasher.update(&obtained.0.to_le_bytes());
    let [a, b, c, d, ..] = *hasher.finalize().as_bytes();
    f64::from(u32::from_le_bytes([a, b, c, d])) / f64::from(u32::MAX)
}

/// How long a token endpoint is left alone after so many failures in a row, in milliseconds: one that says no is
/// asked again rarely, for people have to act; one that says nothing soon.
pub fn pause_ms(refused: bool, in_a_row: u32, stated_ms: Option<u64>) -> i64 {
    let (first, longest) = match refused {
        true => (300_000_i64, 3_600_000),
        false => (1_000, 60_000),
    };
    let doubled = first << in_a_row.saturating_sub(1).min(20);
    let stated = stated_ms.unwrap_or(0).min(LONGEST_STATED_MS);
    doubled
        .min(longest)
        .max(i64::try_from(stated).unwrap_or(longest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_hours_token_is_had_anew_some_minutes_before_its_end_and_a_short_one_in_its_last_quarter()
    {
        let at =
            |life_s: i64, share| refresh_at(UnixMillis(0), UnixMillis(life_s * 1_000), share).0;
        assert_eq!(at(3_600, 0.0), 3_300_000);
        assert_eq!(at(3_600, 1.0), 3_240_000);
        assert_eq!(at(40, 0.0), 30_000);
        assert_eq!(at(0, 1.0), 0);
    }

    #[test]
    fn who_says_no_is_asked_rarely_and_who_says_nothing_soon() {
        let pauses: Vec<_> = (1..=8).map(|row| pause_ms(false, row, None)).collect();
        assert_eq!(
            pauses,
            [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
        );
        assert_eq!(pause_ms(true, 1, None), 300_000);
        assert_eq!(pause_ms(true, 100, None), 3_600_000);
        assert_eq!(pause_ms(false, 1, Some(30_000)), 30_000);
        assert_eq!(pause_ms(false, 1, Some(u64::MAX)), 600_000);
    }

    proptest! {
        #[test]
        fn it_is_always_after_half_of_its_life_and_never_after_its_end(
            life in 0..LONGEST_LIFE_MS, share in 0.0..1.0_f64,
        ) {
            let at = refresh_at(UnixMillis(0), UnixMillis(life), share).0;
            prop_assert!(at >= life / 2 && at <= life);
        }
    }
}
