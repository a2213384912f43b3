//! The search: for every word that can begin or name a secret, in each view of the text that can show
//! something new; only around the hits is anything looked at more closely.
//!
//! Promises: linear in the text (a hit looks at a bounded neighbourhood, or at bytes that no other hit
//! of its sort looks at again).

use std::{ops::Range, sync::LazyLock};

use super::{
    fields, ids,
    live::LiveSecrets,
    shapes,
    spans::Found,
    views::{self, View},
    words::Words,
};

/// How often escaping is taken off. Each level doubles the backslashes: eight levels are 255 in a row.
const MOST_LEVELS: usize = 8;

/// Judges one hit: the text, where the hit stands, and where to put what is found.
pub(super) type Matcher = fn(&[u8], Range<usize>, &mut Vec<Found>) -> Sight;

/// Whether a hit is judged once and for all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sight {
    /// No view with less escaping can show a secret here that this one does not. Matchers may rest on
    /// what [`views::may_reveal`] rules out: that an escape sequence stands for a letter, a digit, a
    /// blank or a sign. Line ends, quotes, backslashes and what is not ASCII may still be escaped.
    Settled,
    /// Without the escaping around it, it may be judged otherwise.
    Open,
}

impl Sight {
    /// [`Sight::Settled`] if that holds.
    pub(super) fn settled_if(settled: bool) -> Sight {
        if settled { Sight::Settled } else { Sight::Open }
    }
}

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
];

/// The words of all shapes, then those of [`TRIGGERS`].
static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let shapes = shapes::SHAPES.iter().map(|shape| shape.prefix);
    Words::new(shapes.chain(TRIGGERS.iter().map(|(word, _)| *word)))
});

/// For each of [`TRIGGERS`], where it is kept how far its matcher has come: triggers of one matcher
/// share a place. The first place is that of the shapes.
static PLACES: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let same = |one: Matcher, other: Matcher| std::ptr::fn_addr_eq(one, other);
    let place = |(_, matcher): &(&str, Matcher)| {
        1 + TRIGGERS
            .iter()
            .take_while(|(_, other)| !same(*matcher, *other))
            .count()
    };
    TRIGGERS.iter().map(place).collect()
});

/// Everything to be taken out of `text`, in no order.
pub(super) fn all(text: &[u8], live: &LiveSecrets) -> Vec<Found> {
    let mut found = Vec::new();
    let mut sight = level(text, live, &mut found);
    let mut views: Vec<View> = Vec::new();
    while views.len() < MOST_LEVELS {
        let source = views.last().map_or(text, |view| &view.text);
        if sight == Sight::Settled && !views::may_reveal(source, live.escapable()) {
            break;
        }
        let Some(view) = View::of(source) else { break };
        let mut inner = Vec::new();
        sight = level(&view.text, live, &mut inner);
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

/// What one view of the text shows, and whether all of it is settled.
fn level(text: &[u8], live: &LiveSecrets, found: &mut Vec<Found>) -> Sight {
    live.find(text, found);
    let mut sight = ids::emails(text, found);
    // Up to where each matcher has taken something: what begins inside has been taken with it.
    let mut taken = [0; 1 + TRIGGERS.len()];
    for hit in WORDS.find(text) {
        let trigger = hit.word.checked_sub(shapes::SHAPES.len());
        let place = trigger.and_then(|trigger| PLACES.get(trigger));
        let Some(end) = taken.get_mut(place.copied().unwrap_or(0)) else {
            continue;
        };
        if hit.range.start < *end {
            continue;
        }
        let before = found.len();
        let seen = match trigger {
            Some(trigger) => TRIGGERS[trigger].1(text, hit.range, found),
            None => shapes::SHAPES[hit.word].find(text, hit.range, found),
        };
        if seen == Sight::Open {
            sight = Sight::Open;
        }
        for one in &found[before..] {
            *end = (*end).max(one.range.end);
        }
    }
    sight
}
