//! The exact request, packed and sealed for sending again.
//!
//! Promises: what is opened is what was sealed, to the byte: the body, and of the head what a provider is sent;
//! no credential of the client's is in it. What was sealed by older programs opens, too.
//!
//! Must not know: where it rests, who sends it again.
//!
//! What is sealed begins with a byte that says how the rest is packed ([`Packing`]).

use std::io::Read as _;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, uri::PathAndQuery};
use waybill_model::{
    entity::Sealed,
    protocol::{Endpoint, Protocol},
    waybill::Arrival,
};

use crate::{
    ingress::without_credentials,
    upstream::passed_on,
    vault::{CannotOpen, Purpose, Vault},
};

/// Smaller bodies are kept as they are: the tables of a compressor cost more than it saves.
const MIN_COMPRESSED_BYTES: usize = 4096;

/// Largest head that is kept: twice what is accepted unless an operator says otherwise.
const MAX_HEAD_BYTES: usize = 128 << 10;

/// Largest body that is unpacked; no configuration accepts more.
const MAX_BODY_BYTES: u64 = 4 << 30;

/// How a copy is packed: its first byte. A number is never used for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    /// A body alone, as it is. Read, not written any more.
    BodyPlain = 0,
    /// A body alone, compressed. Read, not written any more.
    BodyZstd = 1,
    /// The length of the head, the head, the body as it is.
    Plain = 2,
    /// The length of the head, the head, the body compressed.
    Zstd = 3,
}

impl Packing {
    fn of(byte: u8) -> Option<Packing> {
        [
            Packing::BodyPlain,
            Packing::BodyZstd,
            Packing::Plain,
            Packing::Zstd,
        ]
        .into_iter()
        .find(|packing| *packing as u8 == byte)
    }
}

/// What a provider is sent of a request's head, and what it was recognised as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// Path and query as they came, without credentials.
    pub path: PathAndQuery,
    /// The client's language.
    pub protocol: Protocol,
    /// What was asked for.
    pub endpoint: Endpoint,
    /// The headers that are passed on, in their order.
    pub headers: HeaderMap,
}

impl Head {
    /// That of a request that was recognised; `None` for a path that is none of ours.
    pub fn of(arrival: &Arrival) -> Option<Head> {
        Some(Head {
            method: arrival.method.clone(),
            path: without_credentials(&arrival.path),
            protocol: arrival.protocol,
            endpoint: arrival.endpoint?,
            headers: passed_on(&arrival.headers),
        })
    }
}

/// What was kept of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The head; `None`: it was kept by a program that did not keep heads.
    pub head: Option<Head>,
    /// The body, as it came.
    pub body: Bytes,
}

/// Packs and seals, with tables of its own.
pub struct Packer {
    compressor: Option<zstd::bulk::Compressor<'static>>,
}

impl Default for Packer {
    fn default() -> Self {
        // Level 1: this runs for every failed request.
        let compressor = zstd::bulk::Compressor::new(1)
            .inspect_err(|error| tracing::error!(%error, "no compressor: replay copies are large"))
            .ok();
        Packer { compressor }
    }
}

impl Packer {
    /// Seals a request; `None` where its head is larger than any that should be kept.
    pub fn seal(&mut self, vault: &Vault, head: &Head, body: &[u8]) -> Option<Sealed> {
        let head = write(head);
        if head.len() > MAX_HEAD_BYTES {
            return None;
        }
        let compressed = match &mut self.compressor {
            Some(compressor) if body.len() >= MIN_COMPRESSED_BYTES => compressor
                .compress(body)
                .inspect_err(
                    |error| tracing::warn!(%error, "a replay copy could not be compressed"),
                )
                .ok(),
            _ => None,
        };
        let (packing, body) = match &compressed {
            Some(compressed) => (Packing::Zstd, &compressed[..]),
            None => (Packing::Plain, body),
        };
        let mut packed = Vec::with_capacity(1 + 4 + head.len() + body.len());
        packed.push(packing as u8);
        put(&mut packed, &head);
        packed.extend_from_slice(body);
        Some(vault.seal(Purpose::Replay, &packed))
    }
}

/// Opens what [`Packer::seal`] made.
///
/// # Errors
/// It was sealed with another instance key, or is damaged, or was packed by a newer program.
pub fn open(vault: &Vault, sealed: &Sealed) -> Result<Kept, CannotOpen> {
    let packed = vault.open(Purpose::Replay, sealed)?;
    unpack(packed).ok_or(CannotOpen)
}

fn unpack(packed: Vec<u8>) -> Option<Kept> {
    let packed = Bytes::from(packed);
    let packing = Packing::of(*packed.first()?)?;
    let mut rest = &packed[1..];
    let head = match packing {
        Packing::BodyPlain | Packing::BodyZstd => None,
        Packing::Plain | Packing::Zstd => Some(read(take(&mut rest)?)?),
    };
    let body = match packing {
        Packing::BodyPlain | Packing::Plain => packed.slice_ref(rest),
        Packing::BodyZstd | Packing::Zstd => {
            let mut body = Vec::new();
            let decoder = zstd::stream::read::Decoder::new(rest).ok()?;
            decoder.take(MAX_BODY_BYTES).read_to_end(&mut body).ok()?;
            body.into()
        }
    };
    Some(Kept { head, body })
}

/// A head as a list of fields, each behind its length.
fn write(head: &Head) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    for field in [
        head.method.as_str(),
        head.path.as_str(),
        head.protocol.as_str(),
        head.endpoint.as_str(),
    ] {
        put(&mut out, field.as_bytes());
    }
    for (name, value) in &head.headers {
        put(&mut out, name.as_str().as_bytes());
        put(&mut out, value.as_bytes());
    }
    out
}

fn read(mut rest: &[u8]) -> Option<Head> {
    let method = Method::from_bytes(take(&mut rest)?).ok()?;
    let path = PathAndQuery::try_from(take(&mut rest)?).ok()?;
    let protocol = std::str::from_utf8(take(&mut rest)?).ok()?.parse().ok()?;
    let endpoint = std::str::from_utf8(take(&mut rest)?).ok()?.parse().ok()?;
    let mut headers = HeaderMap::new();
    while !rest.is_empty() {
        let name = HeaderName::from_bytes(take(&mut rest)?).ok()?;
        headers.append(name, HeaderValue::from_bytes(take(&mut rest)?).ok()?);
    }
    Some(Head {
        method,
        path,
        protocol,
        endpoint,
        headers,
    })
}

fn put(out: &mut Vec<u8>, field: &[u8]) {
    // No field comes near the limit: heads are bounded.
    let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(field);
}

fn take<'r>(rest: &mut &'r [u8]) -> Option<&'r [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (field, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = after;
    Some(field)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use waybill_model::secret::Secret;

    use super::*;

    fn vault() -> Vault {
        Vault::new(&Secret::new("instance"))
    }

    fn head() -> Head {
        let mut headers = HeaderMap::new();
        headers.append("anthropic-version", HeaderValue::from_static("2023-06-01"));
        headers.append("x-a", HeaderValue::from_static("1"));
        headers.append("x-a", HeaderValue::from_bytes(b"\xff2").unwrap());
        Head {
            method: Method::POST,
            path: PathAndQuery::from_static("/antigravity/v1/messages?beta=true"),
            protocol: Protocol::Anthropic,
            endpoint: Endpoint::Messages,
            headers,
        }
    }

    proptest! {
        #[test]
        fn what_is_opened_is_what_was_sealed(
            unit in proptest::collection::vec(any::<u8>(), 0..200), times in 0..200_usize,
        ) {
            let body = unit.repeat(times);
            let sealed = Packer::default().seal(&vault(), &head(), &body).unwrap();
            let kept = open(&vault(), &sealed).unwrap();
            prop_assert_eq!(kept.head, Some(head()));
            prop_assert_eq!(&kept.body[..], &body[..]);
        }

        #[test]
        fn what_is_damaged_is_refused_and_nothing_else_happens(packed in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = unpack(packed);
        }
    }

    #[test]
    fn what_older_programs_sealed_opens_without_a_head() {
        let body = b"{}".repeat(5000);
        for (packing, packed) in [
            (0, body.clone()),
            (1, zstd::bulk::compress(&body, 1).unwrap()),
        ] {
            let copy = [&[packing], &packed[..]].concat();
            let sealed = vault().seal(Purpose::Replay, &copy);
            let kept = open(&vault(), &sealed).unwrap();
            assert_eq!((kept.head, &kept.body[..]), (None, &body[..]));
        }
    }

    #[test]
    fn another_instance_key_opens_nothing_and_a_newer_packing_is_not_guessed() {
        let sealed = Packer::default().seal(&vault(), &head(), b"{}").unwrap();
        assert!(open(&Vault::new(&Secret::new("other")), &sealed).is_err());
        let newer = vault().seal(Purpose::Replay, &[200, 1, 2]);
        assert_eq!(open(&vault(), &newer), Err(CannotOpen));
    }

    #[test]
    fn a_head_beyond_all_bounds_is_not_kept() {
        let mut large = head();
        let value = HeaderValue::from_bytes(&vec![b'a'; MAX_HEAD_BYTES]).unwrap();
        large.headers.insert("x-large", value);
        assert_eq!(Packer::default().seal(&vault(), &large, b"{}"), None);
    }
}
