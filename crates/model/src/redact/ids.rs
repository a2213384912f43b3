//! Whom an upstream account belongs to: organisations, projects, accounts and people, as providers
//! name them in their error messages. They are no credentials, but they are the operator's, and a
//! client has no business to see them.
//!
//! Ids with a prefix of their own (`org-…`, `user_…`) are in the table of shapes.

use std::ops::Range;

use super::{
    scan::Sight,
    shapes::{begins_word, near, run},
    spans::{Found, Kind},
    views,
};

/// Segments that follow a project in a Google resource name; other paths have a `projects/` too.
const AFTER_PROJECT: &[&str] = &[
    "/endpoints",
    "/global",
    "/instances",
    "/keys",
    "/locations",
    "/models",
    "/publishers",
    "/quotas",
    "/regions",
    "/secrets",
    "/serviceAccounts",
    "/services",
    "/topics",
    "/zones",
];

/// Words that say that the address after them is an account's, in lower case.
const BEFORE_EMAIL: &[&str] = &[
    "account",
    "admin",
    "email",
    "login",
    "member",
    "owner",
    "principal",
    "user",
    "identity",
];

/// How far behind a word a UUID may stand that belongs to it, in bytes of escaped text.
const FARTHEST_UUID: usize = 128;

/// A UUID right after the word that says whose it is: `organization (2f0a…)`, `account_id: 2f0a…`.
pub(super) fn owner_uuid(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) -> Sight {
    let kind = match text[hit.start] | 0x20 {
        b'a' => Kind::Account,
        _ => Kind::Organization,
    };
    let mut at = hit.end
        + run(near(text, hit.end), |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
        });
    // The rest of the word, or `_id`, and so on: not a whole sentence.
    if let Some(len) = uuid_at(text, hit.end + 1) {
        // `org-2f0a…`: the identifier itself holds the UUID.
        found.push(Found::new(hit.end + 1..hit.end + 1 + len, kind));
        return Sight::Open;
    }
    if at - hit.end > 24 {
        return Sight::Settled;
    }
    if let Some(rest) = text.get(at..)
        && rest.len() > 4
        && rest[..4].eq_ignore_ascii_case(b" id ")
    {
        at += 3;
    }
    let gap = run(near(text, at), |byte| !byte.is_ascii_alphanumeric());
    let uuid = (gap <= 6).then(|| uuid_at(text, at + gap)).flatten();
    if let Some(len) = uuid {
        found.push(Found::new(at + gap..at + gap + len, kind));
        return Sight::Open;
    }
    // What is escaped in the gap hides a UUID only if one stands behind it; it looks the same in every view.
    let hidden = views::has_escapes(&text[at..at + gap])
        && (gap >= FARTHEST_UUID / 2
            || (0..FARTHEST_UUID).any(|skip| uuid_at(text, at + skip).is_some()));
    Sight::settled_if(!hidden)
}

/// The account in an Amazon resource name, and for users and roles who they are.
pub(super) fn arn(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) -> Sight {
    if !begins_word(text, hit.start) {
        return Sight::Open;
    }
    let len = run(near(text, hit.start), |byte| {
        byte.is_ascii_alphanumeric() || b"-_:/.@+=,".contains(&byte)
    });
    let name = &text[hit.start..hit.start + len];
    let mut colons = memchr::memchr_iter(b':', name);
    let (service, account) = (colons.nth(1), colons.nth(1));
    let (Some(service), Some(account)) = (service, account) else {
        return Sight::Settled;
    };
    let digits = run(&name[account + 1..], |byte| byte.is_ascii_digit());
    if digits != 12 {
        return Sight::Settled;
    }
    let personal = [&b"iam:"[..], b"sts:"]
        .iter()
        .any(|kind| name[service + 1..].starts_with(kind));
    let end = if personal {
        name.trim_ascii_end().len() - run_back(name, |byte| matches!(byte, b'.' | b',' | b':'))
    } else {
        account + 1 + digits
    };
    found.push(Found::new(
        hit.start + account + 1..hit.start + end,
        Kind::Account,
    ));
    Sight::Open
}

/// The project in a Google resource name.
pub(super) fn project_path(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) -> Sight {
    let len = slug(&text[hit.end..]);
    let end = hit.end + len;
    let number = len >= 6 && text[hit.end..end].iter().all(u8::is_ascii_digit);
    let before = &text[hit.start.saturating_sub(40)..hit.start];
    let google = memchr::memmem::find(before, b".googleapis.com/").is_some();
    let resource = AFTER_PROJECT.iter().any(|next| {
        text[end..].starts_with(next.as_bytes())
            && !text
                .get(end + next.len())
                .is_some_and(u8::is_ascii_alphanumeric)
    });
    if len >= 4 && (number || google || (resource && begins_word(text, hit.start))) {
        found.push(Found::new(hit.end..end, Kind::Project));
        return Sight::Open;
    }
    Sight::settled_if(len < 4 || !(resource || views::has_escapes(before)))
}

/// A Google project after a word that introduces one: `project_number:784…`, `?project=name`.
pub(super) fn project_label(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) -> Sight {
    let word = text[hit.clone()].to_ascii_lowercase();
    let gap = run(near(text, hit.end), |byte| {
        byte == b':' || byte == b'=' || byte == b' ' || byte == b'"' || byte == b'\''
    });
    let start = hit.end + gap;
    if text.get(start) == Some(&b'\\') {
        return Sight::Open;
    }
    if gap > 5 {
        return Sight::Settled;
    }
    let len = slug(&text[start..]);
    let value = &text[start..start + len];
    let number = len >= 6 && value.iter().all(u8::is_ascii_digit);
    let fits = match word.as_slice() {
        b"project_number" | b"containerinfo" => number,
        // Of a link into Google's console, not of any program's command line.
        b"project=" => {
            let link = &text[hit.start.saturating_sub(160)..hit.start];
            gap == 0
                && link.last().is_some_and(|last| b"?&;".contains(last))
                && memchr::memmem::find(link, b"google").is_some()
        }
        b"in project " => {
            number
                || text[start + len..].starts_with(b" before")
                || text[start + len..].starts_with(b" or ")
        }
        b"cloudaicompanionproject" => gap > 0,
        _ => true,
    };
    if len >= 4 && fits {
        found.push(Found::new(start..start + len, Kind::Project));
        return Sight::Open;
    }
    // A link goes back to before what is escaped in it.
    Sight::settled_if(len < 4 || word != b"project=")
}

/// The addresses of accounts: after a word that says so, or of a service account.
pub(super) fn emails(text: &[u8], found: &mut Vec<Found>) -> Sight {
    let mut sight = Sight::Settled;
    let mut taken = 0;
    for at in memchr::memchr_iter(b'@', text) {
        if at < taken {
            continue;
        }
        let before = found.len();
        if email(text, at..at + 1, found) == Sight::Open {
            sight = Sight::Open;
        }
        if let Some(one) = found.get(before) {
            taken = one.range.end;
        }
    }
    sight
}

fn email(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) -> Sight {
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte);
    let local = run_back(&text[hit.start.saturating_sub(64)..hit.start], is_local);
    let domain = run(near(text, hit.end), |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
    });
    let domain = text[hit.end..hit.end + domain.min(128)].trim_ascii_end();
    let domain = &domain[..domain.len() - run_back(domain, |byte| matches!(byte, b'.' | b'-'))];
    let (start, end) = (hit.start - local, hit.end + domain.len());
    if local == 0 || !domain.contains(&b'.') {
        return Sight::Settled;
    }
    let context = start.saturating_sub(24);
    let before = text[context..start].to_ascii_lowercase();
    let owned = BEFORE_EMAIL
        .iter()
        .any(|word| memchr::memmem::find(&before, word.as_bytes()).is_some());
    if owned || domain.ends_with(b".gserviceaccount.com") {
        found.push(Found::new(start..end, Kind::Email));
        return Sight::Open;
    }
    Sight::settled_if(!views::has_escapes(&text[context..hit.start]))
}

/// The length of the UUID that stands at `at`, if one does.
fn uuid_at(text: &[u8], at: usize) -> Option<usize> {
    const LEN: usize = 36;
    let uuid = text.get(at..at + LEN)?;
    let fits = uuid.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    let ends = text
        .get(at + LEN)
        .is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (fits && ends).then_some(LEN)
}

/// The length of a project's name or number at the start of `text`.
fn slug(text: &[u8]) -> usize {
    let slug = run(near(text, 0), |byte| {
        byte.is_ascii_alphanumeric() || byte == b'-'
    });
    slug.min(64)
}

fn run_back(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    text.iter().rev().take_while(|byte| is(**byte)).count()
}
