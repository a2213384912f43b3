//! Mail: a subject, and the same in plain text and in HTML.
//!
//! Everything that a notice says is escaped in HTML, and the subject has one line.

use std::fmt::Write as _;

use waybill_model::notify::Notice;

use super::{Message, words};
use crate::report::render;

/// A subject that mail programs show whole, more or less.
const MOST_SUBJECT: usize = 200;

/// Notices of one mail; the others are counted.
const MOST_SHOWN: usize = 50;

/// Characters of one notice.
const MOST_TEXT: usize = 20_000;

/// A mail, but for whom it is from and to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its subject.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
    /// What mails about the same have in common, so that programs show them together.
    pub thread: Option<String>,
}

/// The mail.
pub fn mail(message: &Message<'_>) -> Mail {
    let headline = words::headline(message);
    let shown = &message.notices[..message.notices.len().min(MOST_SHOWN)];
    let more = words::and_more(message, MOST_SHOWN);
    let mut text = String::new();
    let mut html = String::from(TOP);
    for notice in shown {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}\n\n", plain(message, notice));
        html.push_str(&rich(message, notice));
    }
    if let Some(more) = more {
        let _ = writeln!(text, "{more}");
        let _ = write!(html, "<p>{}</p>", escape(&more));
    }
    html.push_str("</body></html>\n");
    Mail {
        subject: words::fit(&headline, MOST_SUBJECT),
        text: text.trim_end().to_owned() + "\n",
        html,
        thread: match message.notices {
            [one] => {
                let topic = format!("{}-{}", message.installation, one.topic);
                Some(topic.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
            }
            _ => None,
        },
    }
}

const TOP: &str = "<!doctype html><html><body style=\"font-family:sans-serif;font-size:14px\">";

fn plain(message: &Message<'_>, notice: &Notice) -> String {
    let mut lines = vec![words::title(notice), String::new()];
    lines.push(match &notice.report {
        Some(report) => render::text(report),
        None => words::fit(&words::text(notice), MOST_TEXT),
    });
    let facts = words::fact_lines(notice);
    if !facts.is_empty() {
        lines.push(String::new());
        lines.extend(facts);
    }
    lines.extend(words::link(message, notice));
    lines.join("\n")
}

fn rich(message: &Message<'_>, notice: &Notice) -> String {
    let text = match &notice.report {
        Some(report) => render::html(report),
        None => {
            let text = words::fit(&words::text(notice), MOST_TEXT);
            format!("<p>{}</p>", escape(&text).replace('\n', "<br>"))
        }
    };
    let mut out = format!(
        "<h3 style=\"border-left:4px solid #{:06x};padding-left:8px\">{}</h3>{text}",
        words::colour(notice),
        escape(&words::title(notice)),
    );
    let facts = words::facts(notice);
    if !facts.is_empty() {
        out.push_str("<table>");
        for (name, value) in facts {
            let _ = write!(
                out,
                "<tr><td style=\"color:#57606a;padding-right:12px\">{name}</td><td>{}</td></tr>",
                escape(&value)
            );
        }
        out.push_str("</table>");
    }
    if let Some(url) = words::link(message, notice) {
        let _ = write!(out, "<p><a href=\"{}\">Open</a></p>", escape(&url));
    }
    out
}

/// Text that is text in HTML, in an attribute, too.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
