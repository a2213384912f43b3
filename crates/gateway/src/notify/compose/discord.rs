//! Discord webhooks (discord.com/developers, "Execute Webhook", "Embed Limits").
//!
//! Limits: content 2,000 characters, 10 embeds, a title 256, a description 4,096, all embeds together 6,000.
//! `allowed_mentions` with an empty `parse` keeps `@everyone` and all others from being one; markup is escaped.

use serde_json::{Value, json};
use waybill_model::notify::Notice;

use super::{Message, words};

const MOST_EMBEDS: usize = 10;
const MOST_TITLE: usize = 256;
const MOST_DESCRIPTION: usize = 4096;

/// Of all embeds, with something to spare.
const MOST_TOGETHER: usize = 5900;

/// Of the content, far below what it may be.
const MOST_CONTENT: usize = 500;

/// The body.
pub fn body(message: &Message<'_>) -> Value {
    let shown = message.notices.len().clamp(1, MOST_EMBEDS);
    let share = MOST_TOGETHER / shown;
    let embeds: Vec<Value> = message
        .notices
        .iter()
        .take(shown)
        .map(|notice| embed(message, notice, share))
        .collect();
    let mut content = words::headline(message);
    if let Some(more) = words::and_more(message, shown) {
        content = format!("{content} ({more})");
    }
    json!({
        "content": words::fit(&escape(&content), MOST_CONTENT),
        "embeds": embeds,
        "allowed_mentions": {"parse": []},
    })
}

fn embed(message: &Message<'_>, notice: &Notice, share: usize) -> Value {
    let title = words::fit(&escape(&words::title(notice)), MOST_TITLE.min(share / 3));
    let mut lines = vec![escape(&words::text(notice))];
    lines.extend(words::fact_lines(notice).iter().map(|line| escape(line)));
    let left = share - title.encode_utf16().count();
    let mut embed = json!({
        "title": title,
        "description": words::fit(&lines.join("\n"), MOST_DESCRIPTION.min(left)),
        "color": words::colour(notice),
        "timestamp": notice.ended_at.unwrap_or(notice.started_at),
    });
    if let Some(url) = words::link(message, notice) {
        embed["url"] = json!(url);
    }
    embed
}

/// Markup that means nothing.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\*_~`|>#[]<".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
