//! Slack incoming webhooks: Block Kit (docs.slack.dev, "Sending messages using incoming webhooks", "Block Kit").
//!
//! Limits: 50 blocks; a header 150 characters, a section's text 3,000. `&`, `<` and `>` are written as entities: so
//! nothing is a link, a mention of a person or `<!channel>`, whatever the text says.

use serde_json::{Value, json};
use waybill_model::notify::Notice;

use super::{MOST_SHOWN, MOST_TEXT, Message, words};

const MOST_HEADER: usize = 150;
const MOST_SECTION: usize = 3000;

/// The body.
pub fn body(message: &Message<'_>) -> Value {
    let headline = words::headline(message);
    let mut blocks = vec![json!({
        "type": "header",
        "text": {"type": "plain_text", "text": words::fit(&headline, MOST_HEADER), "emoji": false},
    })];
    let is_one = message.notices.len() == 1;
    for notice in message.notices.iter().take(MOST_SHOWN) {
        blocks.push(json!({
            "type": "section",
            "text": {"type": "mrkdwn", "text": section(message, notice, is_one), "verbatim": true},
        }));
    }
    if let Some(more) = words::and_more(message, MOST_SHOWN) {
        blocks.push(json!({"type": "context", "elements": [{"type": "plain_text", "text": more}]}));
    }
    json!({"text": escape(&words::fit(&headline, MOST_HEADER)), "blocks": blocks})
}

fn section(message: &Message<'_>, notice: &Notice, is_one: bool) -> String {
    let mut lines = Vec::new();
    if !is_one {
        let title = words::fit(&words::title(notice), MOST_HEADER);
        lines.push(format!("*{}*", escape(&title).replace('*', "∗")));
    }
    lines.push(escape(&words::fit(&words::text(notice), MOST_TEXT)));
    lines.extend(
        words::fact_lines(notice)
            .iter()
            .map(|line| escape(&words::fit(line, 200))),
    );
    // The link comes first into what is cut, for it must stay whole.
    let link = words::link(message, notice).map(|url| format!("\n<{}|Open>", escape(&url)));
    let link = link.unwrap_or_default();
    let text = words::fit(&lines.join("\n"), MOST_SECTION - link.chars().count());
    text + &link
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
