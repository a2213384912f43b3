//! Any failed answer: reading it ends, is bounded and invents nothing. The first bytes pick the platform
//! and the status; what stands before an empty line is taken for headers.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use waybill_model::{cause::Phase, protocol::Platform, time::UnixMillis};
use waybill_wire::{
    error::{MESSAGE_BYTES, read},
    limits::used_up,
};

const NOW: UnixMillis = UnixMillis(1_767_225_600_000);

const STATUSES: [Option<u16>; 8] = [
    None,
    Some(200),
    Some(400),
    Some(401),
    Some(403),
    Some(429),
    Some(503),
    Some(529),
];

fuzz_target!(|data: &[u8]| {
    let [platform, status, rest @ ..] = data else {
        return;
    };
    let platform = Platform::ALL[usize::from(*platform) % Platform::ALL.len()];
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let cut = rest.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = cut.map_or((&[][..], rest), |at| (&rest[..at], &rest[at + 2..]));
    let headers: HeaderMap = head
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b':')?;
            Some((
                HeaderName::from_bytes(&line[..at]).ok()?,
                HeaderValue::from_bytes(&line[at + 1..]).ok()?,
            ))
        })
        .collect();
    let got = read(platform, status, &headers, body, NOW);
    assert!(!got.message.is_empty() && got.message.len() <= MESSAGE_BYTES);
    assert!(got.name.is_none_or(|name| name.len() <= 128));
    assert!(
        got.detail
            .is_none_or(|detail| detail.len() <= MESSAGE_BYTES)
    );
    assert!(matches!(
        got.cause.info().phase,
        Phase::Upstream | Phase::Network
    ));
    for reset in got
        .reset
        .into_iter()
        .chain(used_up(platform, &headers, NOW))
    {
        assert!((1..=366 * 24 * 3_600_000).contains(&reset.after_ms));
    }
});
