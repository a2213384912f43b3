//! Trace context: what a client says of the trace that its request belongs to (W3C Trace Context, level 1),
//! and the ids of the spans that are made of a waybill.
//!
//! Promises: what does not follow the recommendation to the letter is as if it had not been sent; the ids of
//! spans follow from the request's, so that nothing has to be kept to know them. Must not know: who collects
//! spans.

use std::{collections::HashSet, fmt};

use http::{HeaderMap, HeaderValue};

use crate::id::RequestId;

/// The header that names trace and parent.
pub const TRACEPARENT: &str = "traceparent";
/// The header in which tracing systems keep what is theirs.
pub const TRACESTATE: &str = "tracestate";

/// Members of a `tracestate` at most.
const MAX_MEMBERS: usize = 32;
/// Bytes of it that are passed on; longer ones are let go, as the recommendation allows.
const MAX_STATE_BYTES: usize = 512;

/// The id of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(pub [u8; 16]);

/// The id of a span.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(pub [u8; 8]);

/// The trace that a request belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The client's span; `None`: the trace begins here.
    pub parent: Option<SpanId>,
    /// Whether its spans are wanted.
    pub sampled: bool,
    /// What other tracing systems said of themselves.
    pub state: Option<Box<str>>,
}

impl TraceContext {
    /// The client's trace, whose decision about sampling stands; without one, or with one that cannot be
    /// read, a trace of our own, wanted for this `share` of them.
    pub fn of(request_id: RequestId, headers: &HeaderMap, share: f64) -> TraceContext {
        TraceContext::read(headers).unwrap_or_else(|| TraceContext::begin(request_id, share))
    }

    /// A trace of our own. Its id is the request's, so that one is found by the other.
    pub fn begin(request_id: RequestId, share: f64) -> TraceContext {
        TraceContext {
            trace_id: TraceId(request_id.as_u128().to_be_bytes()),
            parent: None,
            sampled: request_id.is_sampled(share),
            state: None,
        }
    }

    fn read(headers: &HeaderMap) -> Option<TraceContext> {
        let mut lines = headers.get_all(TRACEPARENT).iter();
        let line = lines.next()?;
        if lines.next().is_some() {
            return None;
        }
        let (trace_id, parent, sampled) = traceparent(line.as_bytes())?;
        Some(TraceContext {
            trace_id,
            parent: Some(parent),
            sampled,
            state: tracestate(headers),
        })
    }

    /// The header that names `span` as the parent.
    pub fn traceparent(&self, span: SpanId) -> Option<HeaderValue> {
        let flags = u8::from(self.sampled);
        HeaderValue::from_str(&format!("00-{}-{span}-{flags:02x}", self.trace_id)).ok()
    }

    /// The header that goes along with it.
    pub fn tracestate(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.state.as_deref()?).ok()
    }
}

impl SpanId {
    /// The span of a request's attempt; number 0 is the request's own.
    pub fn of(request_id: RequestId, attempt: u32) -> SpanId {
        // The lower half of a request's id is random but for two bits: mixed with the number, it stays so.
        let random = request_id.as_u128() as u64;
        let mut mixed = random.wrapping_add(u64::from(attempt).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // All zeros is no id.
        SpanId(mixed.max(1).to_be_bytes())
    }
}

/// `00-<trace>-<parent>-<flags>`; later versions may say more behind that.
fn traceparent(line: &[u8]) -> Option<(TraceId, SpanId, bool)> {
    const LENGTH: usize = 55;
    let (line, more) = line.split_at_checked(LENGTH)?;
    if [2, 35, 52].iter().any(|dash| line[*dash] != b'-') {
        return None;
    }
    let [version] = hex::<1>(&line[..2])?;
    match (version, more) {
        (0xff, _) => return None,
        (_, []) => {}
        (0, _) => return None,
        (_, [b'-', ..]) => {}
        (_, _) => return None,
    }
    let trace_id = hex::<16>(&line[3..35])?;
    let parent = hex::<8>(&line[36..52])?;
    let [flags] = hex::<1>(&line[53..])?;
    let is_id = trace_id.iter().any(|byte| *byte != 0) && parent.iter().any(|byte| *byte != 0);
    is_id.then_some((TraceId(trace_id), SpanId(parent), flags & 1 == 1))
}

/// Lower case alone, as the recommendation wants it.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// All members of all lines, where every one of them can be read.
fn tracestate(headers: &HeaderMap) -> Option<Box<str>> {
    let mut members: Vec<&str> = Vec::new();
    for line in headers.get_all(TRACESTATE) {
        let line = std::str::from_utf8(line.as_bytes()).ok()?;
        let of_line = line
            .split(',')
            .map(|member| member.trim_matches([' ', '\t']));
        members.extend(of_line.filter(|member| !member.is_empty()));
    }
    let mut keys = HashSet::new();
    let all_good = members.iter().all(|member| {
        let read = member.split_once('=');
        read.is_some_and(|(key, value)| is_key(key) && is_value(value) && keys.insert(key))
    });
    let joined = members.join(",");
    let fits = members.len() <= MAX_MEMBERS && joined.len() <= MAX_STATE_BYTES;
    (all_good && fits && !joined.is_empty()).then(|| joined.into_boxed_str())
}

fn is_key(key: &str) -> bool {
    let begins = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let goes_on = |byte: u8| begins(byte) || matches!(byte, b'_' | b'-' | b'*' | b'/');
    let is_word = |word: &str, most: usize| {
        (1..=most).contains(&word.len())
            && word.bytes().next().is_some_and(begins)
            && word.bytes().all(goes_on)
    };
    match key.split_once('@') {
        None => is_word(key, 256),
        Some((tenant, system)) => {
            is_word(tenant, 241)
                && is_word(system, 14)
                && system
                    .bytes()
                    .next()
                    .is_some_and(|byte| byte.is_ascii_lowercase())
        }
    }
}

fn is_value(value: &str) -> bool {
    let plain = |byte: u8| (0x20..=0x7e).contains(&byte) && byte != b',' && byte != b'=';
    (1..=256).contains(&value.len()) && value.bytes().all(plain) && !value.ends_with(' ')
}

macro_rules! shown_in_hex {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

shown_in_hex!(TraceId, SpanId);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::time::UnixMillis;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";

    fn id() -> RequestId {
        RequestId::new(UnixMillis(1_700_000_000_000), *b"0123456789")
    }

    fn read(lines: &[(&'static str, &str)]) -> Option<TraceContext> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        TraceContext::read(&headers)
    }

    fn read_parent(line: &str) -> Option<TraceContext> {
        read(&[(TRACEPARENT, line)])
    }

    #[test]
    fn a_trace_context_goes_out_as_it_came_with_another_parent() {
        let context = read_parent(&format!("00-{TRACE}-{PARENT}-01")).unwrap();
        assert_eq!(context.trace_id.to_string(), TRACE);
        assert_eq!(context.parent.unwrap().to_string(), PARENT);
        assert!(context.sampled && context.state.is_none());
        let span = SpanId::of(id(), 1);
        let line = context.traceparent(span).unwrap();
        assert_eq!(line, format!("00-{TRACE}-{span}-01"));
        assert_eq!(
            read_parent(line.to_str().unwrap()).unwrap().parent,
            Some(span)
        );
    }

    #[test]
    fn what_is_not_to_the_letter_is_as_if_it_were_not_there() {
        let zero = "0".repeat(32);
        for line in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{PARENT}"),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("00-{TRACE}-{PARENT}-0g"),
            format!("00-{TRACE}-{PARENT}-01-"),
            format!("00-{TRACE}-{PARENT}-01-more"),
            format!("00_{TRACE}-{PARENT}-01"),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("0F-{TRACE}-{PARENT}-01"),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{zero}-{PARENT}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("01-{TRACE}-{PARENT}-01more"),
            format!(" 00-{TRACE}-{PARENT}-01"),
        ] {
            assert_eq!(read_parent(&line), None, "{line}");
        }
        let good = format!("00-{TRACE}-{PARENT}-01");
        assert_eq!(read(&[(TRACEPARENT, &good), (TRACEPARENT, &good)]), None);
    }

    #[test]
    fn later_versions_are_read_as_far_as_they_are_known() {
        for line in [
            format!("01-{TRACE}-{PARENT}-03"),
            format!("cc-{TRACE}-{PARENT}-01-what-comes-later"),
        ] {
            let context = read_parent(&line).unwrap();
            assert!(context.sampled);
            let out = context.traceparent(SpanId::of(id(), 2)).unwrap();
            assert!(
                out.to_str().unwrap().starts_with("00-") && out.to_str().unwrap().ends_with("-01")
            );
        }
        assert!(
            !read_parent(&format!("00-{TRACE}-{PARENT}-02"))
                .unwrap()
                .sampled
        );
    }

    #[test]
    fn a_state_that_cannot_be_read_is_let_go_and_the_parent_is_kept() {
        let parent = format!("00-{TRACE}-{PARENT}-00");
        let state = |lines: &[&str]| {
            let mut all = vec![(TRACEPARENT, parent.as_str())];
            all.extend(lines.iter().map(|line| (TRACESTATE, *line)));
            read(&all).unwrap().state.map(String::from)
        };
        assert_eq!(
            state(&["a=1, b@x=2\t,", "c/d=3"]),
            Some("a=1,b@x=2,c/d=3".to_owned())
        );
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=1")).collect();
        for bad in [
            "",
            "a",
            "A=1",
            "a=",
            "a=1,a=2",
            "a=1=2",
            "a@1=2",
            "@a=1",
            "a=\u{e4}",
            &many.join(","),
        ] {
            assert_eq!(state(&[bad]), None, "{bad}");
        }
        assert_eq!(state(&[&format!("a={}", "x".repeat(257))]), None);
        // Without a parent there is nothing that it belongs to.
        assert_eq!(read(&[(TRACESTATE, "a=1")]), None);
    }

    #[test]
    fn a_trace_of_our_own_has_the_id_of_its_request() {
        let context = TraceContext::of(id(), &HeaderMap::new(), 1.0);
        assert_eq!(
            context.trace_id.to_string(),
            id().to_string().replace('-', "")
        );
        assert!(context.sampled && context.parent.is_none());
        assert!(!TraceContext::begin(id(), 0.0).sampled);
    }

    #[test]
    fn every_attempt_has_a_span_of_its_own() {
        let ids: HashSet<SpanId> = (0..1000).map(|number| SpanId::of(id(), number)).collect();
        assert_eq!(ids.len(), 1000);
        assert_eq!(SpanId::of(id(), 3), SpanId::of(id(), 3));
    }
}
