//! The search: one automaton for every word that can begin or name a secret, run over each view of the
//! text; only around its hits is anything looked at more closely.
//!
//! Promises: linear in the text (a hit looks at a bounded neighbourhood, or at bytes that no other hit
//! of its sort looks at again).

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use super::{fields, ids, live::LiveSecrets, shapes, spans::Found, views::View};

/// How often escaping is taken off. Each level doubles the backslashes: eight levels are 255 in a row.
const MOST_LEVELS: usize = 8;

/// Judges one hit: the text, where the hit begins, where it ends, and where to put what is found.
pub(super) type Matcher = fn(&[u8], std::ops::Range<usize>, &mut Vec<Found>);

/// The words that do not begin a token of fixed shape (see [`shapes::SHAPES`]), and who judges them.
const TRIGGERS: &[(&str, Matcher)] = &[
    ("key", fields::named),
    ("token", fields::named),
    ("secret", fields::named),
    ("passw", fields::named),
    ("passphrase", fields::named),
    ("pwd", fields::named),
    ("auth", fields::named),
    ("cookie", fields::named),
    ("credential", fields::named),
    ("jwt", fields::named),
    ("sig", fields::named),
    ("bearer ", fields::scheme),
    ("basic ", fields::scheme),
    ("eyJ", shapes::jwt),
    ("-----BEGIN ", shapes::private_key),
    ("://", shapes::user_info),
    ("arn:aws", ids::arn),
    ("projects/", ids::project_path),
    ("project_number", ids::project_label),
    ("project_id:", ids::project_label),
    ("project=", ids::project_label),
    ("in project ", ids::project_label),
    ("containerinfo", ids::project_label),
    ("cloudaicompanionproject", ids::project_label),
    ("organi", ids::owner_uuid),
    ("org", ids::owner_uuid),
    ("account", ids::owner_uuid),
    ("team", ids::owner_uuid),
    ("workspace", ids::owner_uuid),
    ("tenant", ids::owner_uuid),
    ("subscription", ids::owner_uuid),
    ("@", ids::email),
];

static WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let words = shapes::SHAPES
        .iter()
        .map(|shape| shape.prefix)
        .chain(TRIGGERS.iter().map(|(word, _)| *word));
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(words)
        .ok()
});

/// Everything to be taken out of `text`, in no order.
pub(super) fn all(text: &[u8], live: &LiveSecrets) -> Vec<Found> {
    let mut found = Vec::new();
    level(text, live, &mut found);
    let mut views: Vec<View> = Vec::new();
    while views.len() < MOST_LEVELS
        && let Some(view) = View::of(views.last().map_or(text, |view| &view.text))
    {
        let mut inner = Vec::new();
        level(&view.text, live, &mut inner);
        views.push(view);
        for one in &mut inner {
            for view in views.iter().rev() {
                one.range = view.source(&one.range);
                one.quote = one.quote.take().map(|quote| view.source(&quote));
            }
        }
        found.append(&mut inner);
    }
    found
}

/// What one view of the text shows.
fn level(text: &[u8], live: &LiveSecrets, found: &mut Vec<Found>) {
    live.find(text, found);
    let Some(words) = &*WORDS else { return };
    // Up to here, tokens of fixed shape, and named values, have been taken.
    let (mut tokens, mut values) = (0, 0);
    for hit in words.find_overlapping_iter(Input::new(text)) {
        let range = hit.start()..hit.end();
        let before = found.len();
        let (taken, matcher) = match shapes::SHAPES.get(hit.pattern().as_usize()) {
            Some(shape) => {
                if range.start >= tokens {
                    shape.find(text, range.clone(), found);
                }
                (&mut tokens, None)
            }
            None => {
                let matcher = TRIGGERS
                    .get(hit.pattern().as_usize() - shapes::SHAPES.len())
                    .map(|(_, matcher)| *matcher);
                (&mut values, matcher)
            }
        };
        if let Some(matcher) = matcher
            && (range.start >= *taken || !std::ptr::fn_addr_eq(matcher, fields::named as Matcher))
        {
            matcher(text, range, found);
        }
        for one in &found[before..] {
            *taken = (*taken).max(one.range.end);
        }
    }
}
