//! Whom an upstream account belongs to: organisations, projects, accounts and people, as providers
//! name them in their error messages. They are no credentials, but they are the operator's, and a
//! client has no business to see them.
//!
//! Ids with a prefix of their own (`org-…`, `user_…`) are in the table of shapes.

use std::ops::Range;

use super::{
    shapes::{begins_word, near, run},
    spans::{Found, Kind},
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

/// A UUID right after the word that says whose it is: `organization (2f0a…)`, `account_id: 2f0a…`.
pub(super) fn owner_uuid(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) {
    let kind = match text[hit.start] | 0x20 {
        b'a' => Kind::Account,
        _ => Kind::Organization,
    };
    let mut at = hit.end
        + run(near(text, hit.end), |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
        });
    // The rest of the word, or `_id`, and so on: not a whole sentence.
    if at - hit.end > 24 && uuid_at(text, hit.end + 1).is_none() {
        return;
    }
    if let Some(len) = uuid_at(text, hit.end + 1) {
        // `org-2f0a…`: the identifier itself holds the UUID.
        found.push(Found::new(hit.end + 1..hit.end + 1 + len, kind));
        return;
    }
    if let Some(rest) = text.get(at..)
        && rest.len() > 4
        && rest[..4].eq_ignore_ascii_case(b" id ")
    {
        at += 3;
    }
    let gap = run(near(text, at), |byte| !byte.is_ascii_alphanumeric());
    if gap > 6 {
        return;
    }
    at += gap;
    if let Some(len) = uuid_at(text, at) {
        found.push(Found::new(at..at + len, kind));
    }
}

/// The account in an Amazon resource name, and for users and roles who they are.
pub(super) fn arn(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) {
    if !begins_word(text, hit.start) {
        return;
    }
    let len = run(near(text, hit.start), |byte| {
        byte.is_ascii_alphanumeric() || b"-_:/.@+=,".contains(&byte)
    });
    let name = &text[hit.start..hit.start + len];
    let mut colons = memchr::memchr_iter(b':', name);
    let (service, account) = (colons.nth(1), colons.nth(1));
    let (Some(service), Some(account)) = (service, account) else {
        return;
    };
    let digits = run(&name[account + 1..], |byte| byte.is_ascii_digit());
    if digits != 12 {
        return;
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
}

/// The project in a Google resource name.
pub(super) fn project_path(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) {
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
    }
}

/// A Google project after a word that introduces one: `project_number:784…`, `?project=name`.
pub(super) fn project_label(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) {
    let word = text[hit.clone()].to_ascii_lowercase();
    let gap = run(near(text, hit.end), |byte| {
        byte == b':' || byte == b'=' || byte == b' ' || byte == b'"' || byte == b'\''
    });
    let start = hit.end + gap;
    if gap > 5 {
        return;
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
    }
}

/// The address of an account: after a word that says so, or of a service account.
pub(super) fn email(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) {
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte);
    let local = run_back(&text[hit.start.saturating_sub(64)..hit.start], is_local);
    let domain = run(near(text, hit.end), |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
    });
    let domain = text[hit.end..hit.end + domain.min(128)].trim_ascii_end();
    let domain = &domain[..domain.len() - run_back(domain, |byte| matches!(byte, b'.' | b'-'))];
    let (start, end) = (hit.start - local, hit.end + domain.len());
    if local == 0 || !domain.contains(&b'.') {
        return;
    }
    let before = text[start.saturating_sub(24)..start].to_ascii_lowercase();
    let owned = BEFORE_EMAIL
        .iter()
        .any(|word| memchr::memmem::find(&before, word.as_bytes()).is_some());
    if owned || domain.ends_with(b".gserviceaccount.com") {
        found.push(Found::new(start..end, Kind::Email));
    }
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
