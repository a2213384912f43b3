//! Custom bots of Feishu and Lark (open.feishu.cn, "Custom bot usage guide"): a card of plain text.
//!
//! Limit: 20 KB for the whole body, the signature included. All text is `plain_text`, in which `<at …>` and Markdown
//! mean nothing.

use serde_json::{Value, json};
use waybill_model::{
    cause::Severity,
    notify::{Notice, NoticeKind},
};

use super::{Message, Shape, within, words};

/// Below the limit by what the signature takes, and some.
const MOST_BYTES: usize = 19_000;

const MOST_HEADER: usize = 200;

/// The body, without its signature.
pub fn body(message: &Message<'_>) -> Value {
    within(MOST_BYTES, message, |shape| card(message, shape))
}

fn card(message: &Message<'_>, shape: &Shape) -> Value {
    let is_one = message.notices.len() == 1;
    let mut elements = Vec::new();
    for (index, notice) in message.notices.iter().take(shape.shown).enumerate() {
        if index > 0 {
            elements.push(json!({"tag": "hr"}));
        }
        elements.push(div(&content(notice, shape.text, is_one)));
    }
    elements.extend(words::and_more(message, shape.shown).map(|more| div(&more)));
    let linked = message.notices.first();
    if let Some(url) = linked.and_then(|notice| words::link(message, notice)) {
        elements.push(json!({"tag": "action", "actions": [{
            "tag": "button", "type": "default", "url": url,
            "text": {"tag": "plain_text", "content": "Open"},
        }]}));
    }
    json!({
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": true},
            "header": {
                "template": template(message),
                "title": {"tag": "plain_text", "content": words::fit(&words::headline(message), MOST_HEADER)},
            },
            "elements": elements,
        },
    })
}

fn content(notice: &Notice, most: usize, is_one: bool) -> String {
    let title = (!is_one).then(|| words::title(notice));
    let lines = title.into_iter().chain([words::text(notice)]);
    let lines = lines.chain(words::fact_lines(notice));
    words::fit(&lines.collect::<Vec<_>>().join("\n"), most)
}

fn div(content: &str) -> Value {
    json!({"tag": "div", "text": {"tag": "plain_text", "content": content}})
}

/// The header's colour, by what is worst.
fn template(message: &Message<'_>) -> &'static str {
    let fired = |notice: &&Notice| notice.kind == NoticeKind::AlertFired;
    let worst = message
        .notices
        .iter()
        .filter(fired)
        .map(|notice| notice.severity)
        .min();
    match worst {
        Some(Severity::P0 | Severity::P1) => "red",
        Some(Severity::P2) => "orange",
        Some(Severity::P3) => "blue",
        None if message
            .notices
            .iter()
            .any(|notice| notice.kind == NoticeKind::AlertResolved) =>
        {
            "green"
        }
        None => "grey",
    }
}
