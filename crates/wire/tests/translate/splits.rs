//! A stream gives the client the same bytes however the provider's arrive.

use waybill_model::protocol::StreamFormat;
use waybill_wire::translate::Unreadable;

use crate::{
    crossing::{Crossing, said},
    dialects::{Dialect, all},
    goldens::format_of,
};

/// What a client is given follows from what is said, one thing after the other, so splits are tried for that alone.
#[test]
fn every_split_of_every_stream_says_the_same() {
    for provider in all() {
        for (name, stream) in provider.fixtures("stream") {
            let format = format_of(&name, provider.format);
            let bytes = stream.as_bytes();
            let whole = said(&provider, format, [bytes]);
            for at in 0..=bytes.len() {
                let (first, second) = bytes.split_at(at);
                let split = said(&provider, format, [first, second]);
                assert_eq!(split, whole, "{} {name}, split at {at}", provider.name);
            }
        }
    }
}

fn cross(
    (provider, format): (&Dialect, StreamFormat),
    client: &Dialect,
    stream: &str,
    size: usize,
) -> Result<Vec<u8>, Unreadable> {
    let mut crossing = Crossing::new(provider, format, client);
    for chunk in stream.as_bytes().chunks(size) {
        crossing.feed(chunk)?;
    }
    crossing.finish()
}

#[test]
fn a_stream_that_comes_whole_or_byte_by_byte_gives_every_client_the_same_bytes() {
    for provider in all() {
        for (name, stream) in provider.fixtures("stream") {
            let from = (&provider, format_of(&name, provider.format));
            for client in all() {
                let whole = cross(from, &client, &stream, stream.len());
                for size in [1, 2, 7] {
                    assert_eq!(
                        cross(from, &client, &stream, size),
                        whole,
                        "{} {name} to {}, {size} bytes at a time",
                        provider.name,
                        client.name
                    );
                }
            }
        }
    }
}
