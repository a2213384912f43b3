//! A stream gives the client the same bytes however the provider's arrive.

use waybill_wire::translate::Unreadable;

use crate::{crossing::Crossing, dialects::all, goldens::format_of};

#[test]
fn every_split_of_every_stream_gives_the_same_bytes() {
    let all = all();
    for provider in &all {
        for (name, stream) in provider.fixtures("stream") {
            let format = format_of(&name, provider.format);
            for client in &all {
                let cross =
                    |chunks: &mut dyn Iterator<Item = &[u8]>| -> Result<Vec<u8>, Unreadable> {
                        let mut crossing = Crossing::new(provider, format, client);
                        for chunk in chunks {
                            crossing.feed(chunk)?;
                        }
                        crossing.finish()
                    };
                let bytes = stream.as_bytes();
                let whole = cross(&mut [bytes].into_iter());
                for at in 0..=bytes.len() {
                    let (first, second) = bytes.split_at(at);
                    let split = cross(&mut [first, second].into_iter());
                    assert_eq!(
                        split, whole,
                        "{} {name} to {}, split at {at}",
                        provider.name, client.name
                    );
                }
                let single = cross(&mut bytes.chunks(1));
                assert_eq!(
                    single, whole,
                    "{} {name} to {}, byte by byte",
                    provider.name, client.name
                );
            }
        }
    }
}
