//! Custom robots of DingTalk (open.dingtalk.com, "Custom robot access"): Markdown.
//!
//! Limits: 20,000 bytes; 20 messages a minute, which `max_per_hour` and the wait after a refusal keep. Nobody is
//! mentioned: `at` names nobody. What is markup in a text is escaped.

use serde_json::{Value, json};
use waybill_model::notify::Notice;

use super::{Message, Shape, within, words};

const MOST_BYTES: usize = 19_000;
const MOST_TITLE: usize = 200;

/// The body.
pub fn body(message: &Message<'_>) -> Value {
    within(MOST_BYTES, message, |shape| {
        let title = words::fit(&words::headline(message), MOST_TITLE);
        let mut parts = vec![format!("### {}", escape(&title))];
        let is_one = message.notices.len() == 1;
        let shown = message.notices.iter().take(shape.shown);
        parts.extend(shown.map(|notice| part(message, notice, shape, is_one)));
        parts.extend(words::and_more(message, shape.shown));
        json!({
            "msgtype": "markdown",
            "markdown": {"title": title, "text": parts.join("\n\n")},
            "at": {"isAtAll": false},
        })
    })
}

fn part(message: &Message<'_>, notice: &Notice, shape: &Shape, is_one: bool) -> String {
    let mut lines = Vec::new();
    if !is_one {
        lines.push(format!(
            "**{}**",
            escape(&words::fit(&words::title(notice), MOST_TITLE))
        ));
    }
    let text = words::fit(&words::text(notice), shape.text);
    lines.extend(text.lines().map(escape));
    let facts = words::fact_lines(notice);
    lines.extend(
        facts
            .iter()
            .map(|line| format!("- {}", escape(&words::fit(line, MOST_TITLE)))),
    );
    lines.extend(words::link(message, notice).map(|url| format!("[Open]({url})")));
    // Two blanks end a line.
    lines.join("  \n")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '*' | '_' | '`' | '#' | '[' | ']' | '!' | '|' => {
                out.push('\\');
                out.push(c);
            }
            // A mention is one even as text.
            '@' => out.push('＠'),
            c => out.push(c),
        }
    }
    out
}
