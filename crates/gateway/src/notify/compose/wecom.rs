//! Group robots of WeCom (developer.work.weixin.qq.com, "Group robot"): Markdown.
//!
//! Limit: 4,096 bytes of content. `<@…>` mentions and `<font>` colours: so a text's own `<` and `>` are written in
//! their wide form, for there is no other escape.

use serde_json::{Value, json};
use waybill_model::notify::Notice;

use super::{Message, words};

const MOST_BYTES: usize = 4096;
const MOST_TITLE: usize = 200;

/// The body.
pub fn body(message: &Message<'_>) -> Value {
    let title = escape(&words::fit(&words::headline(message), MOST_TITLE));
    let mut content = format!("### {title}");
    let is_one = message.notices.len() == 1;
    let mut shown = 0;
    for notice in message.notices {
        let part = part(message, notice, is_one);
        // What follows it must still fit.
        let room = MOST_BYTES.saturating_sub(content.len() + "\n\nand 1000 more".len() + 2);
        if part.len() > room && shown > 0 {
            break;
        }
        content = format!("{content}\n\n{}", words::fit_bytes(&part, room));
        shown += 1;
    }
    if let Some(more) = words::and_more(message, shown) {
        content = format!("{content}\n\n{more}");
    }
    json!({"msgtype": "markdown", "markdown": {"content": words::fit_bytes(&content, MOST_BYTES)}})
}

fn part(message: &Message<'_>, notice: &Notice, is_one: bool) -> String {
    let mut lines = Vec::new();
    if !is_one {
        lines.push(format!(
            "**{}**",
            escape(&words::fit(&words::title(notice), MOST_TITLE))
        ));
    }
    // Before what may be cut.
    lines.extend(words::link(message, notice).map(|url| format!("[Open]({url})")));
    let text = words::text(notice);
    lines.extend(text.lines().map(escape));
    let facts = words::fact_lines(notice);
    lines.extend(
        facts
            .iter()
            .map(|line| format!("> {}", escape(&words::fit(line, MOST_TITLE)))),
    );
    lines.join("\n")
}

fn escape(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '<' => '＜',
            '>' => '＞',
            '[' => '［',
            ']' => '］',
            '`' => '\'',
            c => c,
        })
        .collect()
}
