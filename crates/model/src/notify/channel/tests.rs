//! Channels that can be, and those that cannot.
#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;

fn of(kind: ChannelKind) -> ChannelBody {
    ChannelBody {
        name: "ops".to_owned(),
        enabled: true,
        kind,
        min_severity: Severity::P2,
        group_seconds: 0,
        max_per_hour: None,
        send_resolved: true,
        email: (kind == ChannelKind::Email).then(mail),
    }
}

fn mail() -> Email {
    Email {
        to: vec!["ops@example.com".to_owned()],
        from: "waybill@example.com".to_owned(),
        host: "mail.example.com".to_owned(),
        port: None,
        security: SmtpSecurity::Starttls,
        username: None,
    }
}

fn secrets_of(kind: ChannelKind) -> ChannelSecrets {
    let secret = || Some(Secret::new("https://example.com/token"));
    ChannelSecrets {
        url: (kind.url() == Wants::Needs).then(secret).flatten(),
        routing_key: (kind == ChannelKind::Pagerduty)
            .then(|| Secret::new("r0"))
            .or(None),
        ..ChannelSecrets::default()
    }
}

fn refused(body: &ChannelBody, secrets: &ChannelSecrets) -> &'static str {
    body.check(secrets).unwrap_err().field
}

#[test]
fn every_kind_needs_what_it_is_reached_by_and_takes_nothing_it_has_no_use_for() {
    for kind in ChannelKind::ALL {
        let (body, secrets) = (of(*kind), secrets_of(*kind));
        body.check(&secrets).unwrap();
        let none = ChannelSecrets::default();
        match kind {
            ChannelKind::Email => body.check(&none).unwrap(),
            ChannelKind::Pagerduty => assert_eq!(refused(&body, &none), "routing_key"),
            _ => assert_eq!(refused(&body, &none), "url"),
        }
        let signed = ChannelSecrets {
            signing_secret: Some(Secret::new("s")),
            ..secrets.clone()
        };
        match kind.signing_secret() {
            Wants::Takes => body.check(&signed).unwrap(),
            _ => assert_eq!(refused(&body, &signed), "signing_secret"),
        }
        let mailed = ChannelBody {
            email: Some(mail()),
            ..body
        };
        if *kind != ChannelKind::Email {
            assert_eq!(refused(&mailed, &secrets), "email");
        }
    }
}

#[test]
fn a_refusal_names_the_field() {
    let hook = of(ChannelKind::Webhook);
    let url = secrets_of(ChannelKind::Webhook);
    for (body, field) in [
        (
            ChannelBody {
                name: " ".to_owned(),
                ..hook.clone()
            },
            "name",
        ),
        (
            ChannelBody {
                group_seconds: 4000,
                ..hook.clone()
            },
            "group_seconds",
        ),
        (
            ChannelBody {
                max_per_hour: Some(0),
                ..hook.clone()
            },
            "max_per_hour",
        ),
    ] {
        assert_eq!(refused(&body, &url), field);
    }
    let paged = ChannelBody {
        group_seconds: 5,
        ..of(ChannelKind::Pagerduty)
    };
    let key = secrets_of(ChannelKind::Pagerduty);
    assert_eq!(refused(&paged, &key), "group_seconds");
    let broken = ChannelSecrets {
        url: Some(Secret::new("https://x/\nbcc")),
        ..ChannelSecrets::default()
    };
    assert_eq!(refused(&hook, &broken), "url");
}

#[test]
fn a_password_needs_a_name_and_does_not_travel_in_the_clear() {
    let body = |email| ChannelBody {
        email: Some(email),
        ..of(ChannelKind::Email)
    };
    let password = ChannelSecrets {
        password: Some(Secret::new("p")),
        ..ChannelSecrets::default()
    };
    let named = Email {
        username: Some("ops".to_owned()),
        ..mail()
    };
    assert_eq!(refused(&body(mail()), &password), "email.username");
    let none = ChannelSecrets::default();
    assert_eq!(refused(&body(named.clone()), &none), "email.password");
    body(named.clone()).check(&password).unwrap();
    let clear = Email {
        security: SmtpSecurity::None,
        ..named
    };
    assert_eq!(refused(&body(clear.clone()), &password), "email.security");
    let here = Email {
        host: "127.0.0.1".to_owned(),
        ..clear
    };
    body(here).check(&password).unwrap();
}

#[test]
fn a_channel_is_told_of_what_is_bad_enough_and_of_ends_where_it_wants_them() {
    let notice = |kind, severity| Notice {
        kind,
        topic: "alert:1".to_owned(),
        event_id: Some(1),
        severity,
        title: String::new(),
        sentence: String::new(),
        text: String::new(),
        rule: None,
        subject: None,
        metric: None,
        value: None,
        threshold: None,
        unit: None,
        started_at: UnixMillis(0),
        ended_at: None,
        path: None,
        report: None,
    };
    let body = of(ChannelKind::Slack);
    assert!(body.takes(&notice(NoticeKind::AlertFired, Severity::P0)));
    assert!(body.takes(&notice(NoticeKind::AlertResolved, Severity::P2)));
    assert!(!body.takes(&notice(NoticeKind::AlertFired, Severity::P3)));
    let quiet = ChannelBody {
        send_resolved: false,
        ..body.clone()
    };
    assert!(!quiet.takes(&notice(NoticeKind::AlertResolved, Severity::P0)));
    let off = ChannelBody {
        enabled: false,
        ..body
    };
    assert!(!off.takes(&notice(NoticeKind::AlertFired, Severity::P0)));
}
