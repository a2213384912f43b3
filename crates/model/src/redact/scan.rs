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
    // Up to where each matcher has taken something: what begins inside has been taken with it.
    let mut taken = [0; 1 + TRIGGERS.len()];
    for hit in words.find_overlapping_iter(Input::new(text)) {
        let range = hit.start()..hit.end();
        let before = found.len();
        let pattern = hit.pattern().as_usize();
        let trigger = pattern.checked_sub(shapes::SHAPES.len());
        let Some(slot) = taken.get_mut(trigger.map_or(0, group)) else {
            continue;
        };
        if range.start < *slot {
            continue;
        }
        if let Some((_, matcher)) = trigger.and_then(|trigger| TRIGGERS.get(trigger)) {
            matcher(text, range, found);
        } else if let Some(shape) = shapes::SHAPES.get(pattern) {
            shape.find(text, range, found);
        }
        for one in &found[before..] {
            *slot = (*slot).max(one.range.end);
        }
    }
}

/// Where it is kept how far a trigger's matcher has come: triggers of one matcher share a place.
fn group(trigger: usize) -> usize {
    let same = |other: &&(&str, Matcher)| {
        TRIGGERS
            .get(trigger)
            .is_some_and(|(_, matcher)| std::ptr::fn_addr_eq(*matcher, other.1))
    };
    1 + TRIGGERS.iter().take_while(|other| !same(other)).count()
}
