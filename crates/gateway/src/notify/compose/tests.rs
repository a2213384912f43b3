//! What each receiver is sent, and that no text gets out of its place.
#![allow(clippy::unwrap_used, clippy::panic)]

use waybill_model::{
    alert::{Metric, Reading, Unit, default_rules, sentence},
    cause::Severity,
    notify::{ChannelBody, ChannelKind, Notice, NoticeKind},
    time::UnixMillis,
};

use super::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

/// A channel of a kind, told of everything.
pub fn channel(kind: ChannelKind) -> ChannelBody {
    ChannelBody {
        name: "ops".to_owned(),
        enabled: true,
        kind,
        min_severity: Severity::P3,
        group_seconds: 0,
        max_per_hour: None,
        send_resolved: true,
        email: None,
    }
}

/// A notice as the evaluator of alerts makes it.
pub fn notice(kind: NoticeKind) -> Notice {
    let is_over = kind == NoticeKind::AlertResolved;
    let rule = default_rules().remove(0);
    let about = "group claude";
    let value = if is_over { 1.25 } else { 12.5 };
    let reading = Reading {
        value: Some(value),
        samples: 240,
    };
    Notice {
        kind,
        topic: "alert:17".to_owned(),
        event_id: Some(17),
        severity: Severity::P1,
        title: "Requests fail".to_owned(),
        sentence: sentence(&rule, reading, Some(about)),
        text: "More than one request in twenty fails. Look at the issues.".to_owned(),
        rule: Some("Requests fail".to_owned()),
        subject: Some(about.to_owned()),
        metric: Some(Metric::ErrorRate),
        value: reading.value,
        threshold: Some(5.0),
        unit: Some(Unit::Percent),
        started_at: NOW.plus_ms(-300_000),
        ended_at: is_over.then_some(NOW),
        path: Some("/console/alerts?event=17".to_owned()),
        report: None,
    }
}

fn message(notices: &[Notice]) -> Message<'_> {
    Message {
        key: "wb-5-1800000000000",
        installation: "0123456789abcdef",
        notices,
        now: NOW,
        public_url: Some("https://waybill.example.com"),
    }
}

/// The page that says what arrives.
const PAGE: &str = include_str!("../../../../../docs/NOTIFICATIONS.md");

#[test]
fn the_webhooks_body_is_the_one_that_is_documented() {
    let block = PAGE.split("```json\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    let documented: Value = serde_json::from_str(block).unwrap();
    let sent = of(ChannelKind::Webhook, &[notice(NoticeKind::AlertFired)]);
    assert_eq!(documented, sent);
}

fn of(kind: ChannelKind, notices: &[Notice]) -> Value {
    body(kind, &message(notices)).unwrap()
}

const OVER_HTTP: &[ChannelKind] = &[
    ChannelKind::Webhook,
    ChannelKind::Slack,
    ChannelKind::Discord,
    ChannelKind::Feishu,
    ChannelKind::Dingtalk,
    ChannelKind::Wecom,
    ChannelKind::Pagerduty,
];

#[test]
fn a_begin_has_its_form_everywhere() {
    let notices = [notice(NoticeKind::AlertFired)];
    for kind in OVER_HTTP {
        insta::assert_json_snapshot!(format!("one_{kind}"), of(*kind, &notices));
    }
    let mail = mail(&message(&notices));
    insta::assert_snapshot!(
        "one_email",
        format!("{}\n\n{}\n{}", mail.subject, mail.text, mail.html)
    );
}

#[test]
fn several_that_go_together_have_their_form_everywhere() {
    let mut other = notice(NoticeKind::AlertFired);
    other.severity = Severity::P2;
    other.title = "An account is down".to_owned();
    let notices = [other, notice(NoticeKind::AlertResolved)];
    for kind in OVER_HTTP {
        if kind.groups() {
            insta::assert_json_snapshot!(format!("several_{kind}"), of(*kind, &notices));
        }
    }
    let mail = mail(&message(&notices));
    insta::assert_snapshot!(
        "several_email",
        format!("{}\n\n{}", mail.subject, mail.text)
    );
}

#[test]
fn an_end_resolves_the_incident_that_its_begin_triggered() {
    let begun = of(ChannelKind::Pagerduty, &[notice(NoticeKind::AlertFired)]);
    let over = of(ChannelKind::Pagerduty, &[notice(NoticeKind::AlertResolved)]);
    assert_eq!(begun["event_action"], "trigger");
    assert_eq!(over["event_action"], "resolve");
    assert_eq!(begun["dedup_key"], over["dedup_key"]);
    // An alert of the same number of another installation is another one, by mail, too.
    let notices = [notice(NoticeKind::AlertFired)];
    let elsewhere = Message {
        installation: "fedcba9876543210",
        ..message(&notices)
    };
    let other = body(ChannelKind::Pagerduty, &elsewhere).unwrap();
    assert_ne!(begun["dedup_key"], other["dedup_key"]);
    assert_ne!(mail(&message(&notices)).thread, mail(&elsewhere).thread);
}

/// A notice whose every text tries to be more than text.
fn hostile() -> Notice {
    let text = "@everyone @all <!channel> <@U123> <at user_id=\"all\"></at> [x](https://evil.example) \
        <script>alert(1)</script> *b* `c` \r\nBcc: x@evil.example";
    Notice {
        title: text.to_owned(),
        sentence: text.to_owned(),
        text: text.to_owned(),
        rule: Some(text.to_owned()),
        subject: Some(text.to_owned()),
        ..notice(NoticeKind::AlertFired)
    }
}

/// Every text within a body.
fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| texts(value, out)),
        Value::Object(map) => map.values().for_each(|value| texts(value, out)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn no_text_becomes_a_mention_or_markup() {
    for count in [1, 3] {
        let notices = vec![hostile(); count];
        let text_of = |kind| {
            let mut all = Vec::new();
            texts(&of(kind, &notices), &mut all);
            all.join("\n")
        };
        let slack = text_of(ChannelKind::Slack);
        let marked = of(ChannelKind::Slack, &notices);
        for section in marked["blocks"].as_array().unwrap().iter().skip(1) {
            let text = section["text"]["text"].as_str().unwrap_or_default();
            let open = "<https://waybill.example.com/console/alerts?event=17|Open>";
            assert!(!text.replace(open, "").contains('<'), "{slack}");
        }
        let discord = of(ChannelKind::Discord, &notices);
        assert_eq!(
            discord["allowed_mentions"],
            serde_json::json!({"parse": []})
        );
        assert!(!text_of(ChannelKind::Discord).contains("[x]("));
        let wecom = text_of(ChannelKind::Wecom);
        assert!(!wecom.contains("<@") && !wecom.contains("[x]("), "{wecom}");
        let dingtalk = of(ChannelKind::Dingtalk, &notices);
        let text = dingtalk["markdown"]["text"].as_str().unwrap();
        assert!(!text.contains('@') && !text.contains('<'), "{text}");
        assert!(!text.replace("\\[x\\](", "").contains("[x]("), "{text}");
        // Every text of Feishu's is of a kind without markup.
        let feishu = of(ChannelKind::Feishu, &notices).to_string();
        assert!(!feishu.contains("lark_md") && !feishu.contains("\"markdown\""));
        let mail = mail(&message(&notices));
        assert!(!mail.html.contains("<script") && !mail.html.contains("<at"));
        assert!(!mail.subject.contains('\n') && !mail.subject.contains('\r'));
    }
}

#[test]
fn no_receivers_limit_is_passed_and_what_is_left_out_is_counted() {
    let long = Notice {
        title: "t\"ü".repeat(300),
        sentence: "s<&>ü😀".repeat(2_000),
        text: "x*_[]\n".repeat(3_000),
        subject: Some("über".repeat(500)),
        ..notice(NoticeKind::AlertFired)
    };
    for count in [1, 2, 30, 400] {
        let notices = vec![long.clone(); count];
        let units = |value: &Value| value.as_str().unwrap_or_default().encode_utf16().count();

        let slack = of(ChannelKind::Slack, &notices);
        let blocks = slack["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50);
        assert!(units(&blocks[0]["text"]["text"]) <= 150);
        assert!(
            blocks[1..]
                .iter()
                .all(|block| units(&block["text"]["text"]) <= 3000)
        );

        let discord = of(ChannelKind::Discord, &notices);
        assert!(units(&discord["content"]) <= 2000);
        let embeds = discord["embeds"].as_array().unwrap();
        assert!(embeds.len() <= 10);
        let mut together = 0;
        for embed in embeds {
            let (title, description) = (units(&embed["title"]), units(&embed["description"]));
            assert!(title <= 256 && description <= 4096);
            together += title + description;
        }
        assert!(together <= 6000, "{together}");

        for kind in [ChannelKind::Feishu, ChannelKind::Dingtalk] {
            let bytes = of(kind, &notices).to_string().len();
            assert!(bytes <= 19_500, "{kind}: {bytes}");
        }
        let wecom = of(ChannelKind::Wecom, &notices);
        let content = wecom["markdown"]["content"].as_str().unwrap();
        assert!(content.len() <= 4096);
        let pagerduty = of(ChannelKind::Pagerduty, &notices);
        assert!(units(&pagerduty["payload"]["summary"]) <= 1024);
        assert!(pagerduty.to_string().len() <= 512 << 10);

        if count == 400 {
            assert!(slack.to_string().contains("and 380 more"));
            assert!(
                discord["content"]
                    .as_str()
                    .unwrap()
                    .contains("and 390 more")
            );
            assert!(content.contains("more"));
            let all = of(ChannelKind::Webhook, &notices);
            assert_eq!(all["notices"].as_array().unwrap().len(), 400);
        }
    }
}
