//! What redaction takes out and what it leaves, by example.
#![allow(clippy::unwrap_used, clippy::panic)]

use waybill_model::{redact::Redactor, secret::Secret};

fn text(input: &str) -> String {
    Redactor::default().text(input).into_string()
}

fn live(secret: &str) -> Redactor {
    Redactor::new([Secret::new(secret)])
}

/// A fake credential, put together here so that no whole one stands in the repository.
fn key(prefix: &str) -> String {
    format!("{prefix}{}", "Zq7Xw9Lm2Kd4Vt8Rb3Nc6Hf1")
}

#[test]
fn credentials_go_by_their_shape_in_prose() {
    for prefix in [
        "sk-",
        "sk-ant-api03-",
        "sk-ant-oat01-",
        "sk-proj-",
        "sk-or-v1-",
        "AIzaSyD9z",
        "ya29.a0",
        "1//0g",
        "gsk_",
        "xai-",
        "AKIA",
        "ghp_",
        "github_pat_",
        "xoxb-",
        "AQ.Ab8",
        "GOCSPX-",
        "hf_",
        "org-",
        "org_",
        "user-",
        "user_",
        "proj_",
    ] {
        let secret = format!("{}Aa1", key(prefix));
        for (before, after) in [
            ("key ", " is wrong"),
            ("(", ")"),
            ("\"", "\""),
            ("", ""),
            ("'", "',"),
            ("see ", "."),
        ] {
            let shown = text(&format!("{before}{secret}{after}"));
            assert!(shown.starts_with(&format!("{before}[redacted:")), "{shown}");
            assert!(shown.ends_with(after), "{shown}");
            assert!(!shown.contains("Zq7Xw9Lm"), "{shown}");
        }
    }
}

#[test]
fn credentials_go_by_the_name_of_their_field() {
    for (input, expected) in [
        (
            r#"{"api_key":"abc def"}"#,
            r#"{"api_key":"[redacted:api_key]"}"#,
        ),
        (
            r#"{"a":{"clientSecret": "x\"y"}}"#,
            r#"{"a":{"clientSecret": "[redacted:secret]"}}"#,
        ),
        (
            r#"{"password":123456,"n":1}"#,
            r#"{"password":"[redacted:password]","n":1}"#,
        ),
        (
            r#"{"raw":"{\"password\":123456}"}"#,
            r#"{"raw":"{\"password\":\"[redacted:password]\"}"}"#,
        ),
        (
            r#"{"raw":"{\"apiKey\":\"hello\"}"}"#,
            r#"{"raw":"{\"apiKey\":\"[redacted:api_key]\"}"}"#,
        ),
        (
            r#"{"api_keys":["one","two"]}"#,
            r#"{"api_keys":["[redacted:api_key]","[redacted:api_key]"]}"#,
        ),
        (
            r#"{"name":"x-api-key","value":"opaque"}"#,
            r#"{"name":"x-api-key","value":"[redacted:api_key]"}"#,
        ),
        ("{'api_key': 'opaque'}", "{'api_key': '[redacted:api_key]'}"),
        ("x-api-key: opaqueopaque", "x-api-key: [redacted:api_key]"),
        (
            "DB_PASSWORD=hunter\nNEXT=1",
            "DB_PASSWORD=[redacted:password]\nNEXT=1",
        ),
        (
            "password: hunter2, please",
            "password: [redacted:password], please",
        ),
        (
            "curl -H 'Authorization: Bearer abc123abc123'",
            "curl -H 'Authorization: Bearer [redacted:authorization]'",
        ),
        (
            "Cookie: a=b; c=d\r\nHost: x",
            "Cookie: [redacted:cookie]\r\nHost: x",
        ),
        (
            "run --token abc123456 now",
            "run --token [redacted:token] now",
        ),
        (
            "/v1beta/models?key=opaque&alt=sse",
            "/v1beta/models?key=[redacted:api_key]&alt=sse",
        ),
        (
            "https://h/p?a=1&sig=ab%2Fc&b=2",
            "https://h/p?a=1&sig=[redacted:signature]&b=2",
        ),
        (
            "redis://user:pa@ss@host:6379/0",
            "redis://[redacted:userinfo]@host:6379/0",
        ),
        (
            "Invalid API key: Zq7Xw9Lm2Kd4",
            "Invalid API key: [redacted:api_key]",
        ),
        (
            "Incorrect API key provided: Zq7Xw9Lm2Kd4Vt8R.",
            "Incorrect API key provided: [redacted:api_key].",
        ),
        (r"\ntoken beforeZq7Xw9Lm2Kd4", r"\ntoken [redacted:token]"),
        (
            "token 'Zq7Xw9Lm2Kd4Vt8R' is not valid",
            "token '[redacted:token]' is not valid",
        ),
    ] {
        assert_eq!(text(input), expected);
    }
}

#[test]
fn what_only_sounds_like_a_credential_stays() {
    for input in [
        r#"{"max_tokens":4096,"max_output_tokens":1,"usage":{"input_tokens":12,"cache_creation_input_tokens":3}}"#,
        r#"{"type":"thinking","thinking":"…","signature":"EqQBCkYIBxgCKkDk3Zq7Xw9Lm2Kd4Vt8Rb3Nc6Hf1=="}"#,
        r#"{"thoughtSignature":"CiQB0e2Kb3Zq7Xw9Lm2Kd4Vt8Rb3Nc6Hf1","text":"x"}"#,
        r#"{"prompt_cache_key":"session-1234567890","token_count":7,"tokenizer":"cl100k_base"}"#,
        r#"{"token":" Hello","logprob":-0.1,"bytes":[32,72]}"#,
        r#"{"properties":{"password":{"type":"string","description":"The password"}},"required":["password","user"]}"#,
        r#"{"next_page_token":"CAUQAA1234567","key":"value12345678"}"#,
        "input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000",
        "Bearer token missing; Basic authentication is not supported",
        "password: required, token: string, secret = os.environ.get",
        "let token = getToken(1); auth = process.env.AUTH",
        "Your api key: ****heck is invalid",
        "Incorrect API key provided: sk-proj-********************************o61c. See https://platform.openai.com/account/api-keys.",
        "the task-2024-01-01-something-12 risk-averse disk-usage sk-learn user-defined-behaviour org-mode",
        "request req_011CX9eN3YnQn7GoywcLoUiw, cf-ray 30fca77b1d2ebd14-SJC, id 705298be-4771-49de-a282-9d6b3da83aca",
        "claude-sonnet-4-20250514 gpt-4o-mini-2024-07-18 anthropic.claude-sonnet-4-20250514-v1:0",
        "write to me@example.com or see git@github.com:a/b.git and https://example.com/@user/x",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "cd ~/projects/waybill/src && make",
        r"C:\users\key\token\x",
        "100% of %zz",
    ] {
        assert_eq!(text(input), input);
    }
}

#[test]
fn no_depth_of_escaping_hides_a_secret() {
    let secret = key("sk-ant-api03-");
    let mut body = format!("the key is {secret}");
    for _ in 0..5 {
        body = serde_json::to_string(&serde_json::json!({ "raw": body, "n": "\n" })).unwrap();
        let shown = text(&body);
        assert!(!shown.contains("Zq7Xw9Lm"), "{shown}");
        let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert!(value["raw"].is_string());
    }
    let unicode: String = secret
        .chars()
        .map(|c| format!("\\u{:04x}", u32::from(c)))
        .collect();
    assert_eq!(
        text(&format!(r#"{{"a":"x {unicode} y"}}"#)),
        r#"{"a":"x [redacted:api_key] y"}"#
    );
    let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    assert_eq!(text(&format!("/a/{percent}/b")), "/a/[redacted:api_key]/b");
}

#[test]
fn private_keys_go_whole_or_cut_off_and_with_escaped_line_ends() {
    let (begin, end) = (
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END RSA PRIVATE KEY-----",
    );
    assert_eq!(
        text(&format!("a\n{begin}\nMIIB/x+\nzz==\n{end}\nb")),
        "a\n[redacted:private_key]\nb"
    );
    assert_eq!(
        text(&format!("a {begin}\nMIIB/x+\nzz")),
        "a [redacted:private_key]"
    );
    assert_eq!(
        text(&format!(r#"{{"k":"{begin}\nMIIB\nzz\n{end}\n","n":1}}"#)),
        r#"{"k":"[redacted:private_key]\n","n":1}"#
    );
}

#[test]
fn json_web_tokens_go() {
    let token = [
        "eyJhbGciOiJIUzI1NiJ9",
        "eyJzdWIiOiIxMjM0In0",
        "Zq7Xw9Lm2Kd4Vt8Rb3Nc6Hf1",
    ]
    .join(".");
    assert_eq!(
        text(&format!("got {token}, sorry")),
        "got [redacted:token], sorry"
    );
}

#[test]
fn whose_account_it_is_goes() {
    let uuid = "2f0ae424-5caf-4e81-abad-559a22c03cbf";
    for (input, expected) in [
        (format!("your organization ({uuid}) of"), "your organization ([redacted:organization]) of"),
        (format!(r#"{{"account_id":"{uuid}"}}"#), r#"{"account_id":"[redacted:account]"}"#),
        (format!("see https://console.example/team/{uuid}."), "see https://console.example/team/[redacted:organization]."),
        ("consumer 'project_number:784556245259'".to_owned(), "consumer 'project_number:[redacted:project]'"),
        ("//x.googleapis.com/projects/my-proj/locations/global".to_owned(), "//x.googleapis.com/projects/[redacted:project]/locations/global"),
        (
            "not been used in project my-proj-1 before. Visit https://console.developers.google.com/apis/overview?project=my-proj-1 then".to_owned(),
            "not been used in project [redacted:project] before. Visit https://console.developers.google.com/apis/overview?project=[redacted:project] then",
        ),
        ("User: arn:aws:iam::123456789012:user/bob is not".to_owned(), "User: arn:aws:iam::[redacted:account] is not"),
        ("account bob@example.com is".to_owned(), "account [redacted:email] is"),
    ] {
        assert_eq!(text(&input), expected);
    }
}

#[test]
fn a_live_secret_goes_in_every_form() {
    // "opaque~/credential+1"
    let redactor = live("opaque~/credential+1");
    for (input, expected) in [
        (
            "you sent opaque~/credential+1, which",
            "you sent [redacted:live_secret], which",
        ),
        (
            "k=opaque%7E%2Fcredential%2b1&n=1",
            "k=[redacted:live_secret]&n=1",
        ),
        (
            r#"{"m":"opaque~\/credential\u002b1"}"#,
            r#"{"m":"[redacted:live_secret]"}"#,
        ),
        (
            "b64 b3BhcXVlfi9jcmVkZW50aWFsKzE=",
            "b64 [redacted:live_secret]E=",
        ),
    ] {
        assert_eq!(redactor.text(input).as_str(), expected);
    }
    assert!(!format!("{redactor:?}").contains("opaque"));
}

#[test]
fn headers_become_an_object_without_credentials() {
    let mut headers = http::HeaderMap::new();
    for (name, value) in [
        ("authorization", "Bearer x"),
        ("x-api-key", "y"),
        ("accept", "a"),
        ("accept", "b"),
        ("x-ratelimit-remaining-tokens", "12"),
        ("openai-organization", "user-SiEKTeKnKzLcVjCRnxosnmBa"),
    ] {
        headers.append(name, value.parse().unwrap());
    }
    assert_eq!(
        Redactor::default().headers(&headers).as_str(),
        r#"{"accept":["a","b"],"authorization":"[redacted:authorization]","openai-organization":"[redacted:user]","x-api-key":"[redacted:api_key]","x-ratelimit-remaining-tokens":"12"}"#
    );
}

#[test]
fn a_secret_that_straddles_the_cut_leaves_nothing() {
    let secret = key("sk-proj-");
    let input = format!("0123456789{secret} tail");
    for max in 0..input.len() + 2 {
        let shown = Redactor::default().text_bounded(&input, max);
        assert!(
            shown.as_str().len() <= max && !shown.as_str().contains("sk-"),
            "{max}: {shown}"
        );
        let (shown, truncated) = Redactor::default().bytes(input.as_bytes(), max);
        assert!(
            shown.as_str().len() <= max && !shown.as_str().contains("sk-"),
            "{max}: {shown}"
        );
        assert!(truncated || max >= 10 + "[redacted:api_key] tail".len());
    }
}

#[test]
fn a_small_body_is_shown_whole() {
    let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let shown = Redactor::default().request_body(body, 1024);
    assert_eq!(shown.text.as_str().as_bytes(), body);
    assert!(!shown.truncated);
}

#[test]
fn a_large_body_keeps_its_newest_turns_and_says_what_is_missing() {
    for member in ["messages", "contents", "input"] {
        let turns: Vec<_> = (0..500).map(|n| serde_json::json!({ "role": "user", "content": format!("turn {n} {}", "x".repeat(200)) })).collect();
        let body = serde_json::json!({ "model": "m", "max_tokens": 7, "system": "s".repeat(9000), member: turns, "tools": vec!["t".repeat(900); 40], "stream": true });
        let shown = Redactor::default().request_body(body.to_string().as_bytes(), 8192);
        assert!(shown.truncated && shown.text.as_str().len() <= 8192);
        assert!(
            shown.text.as_str().len() > 6000,
            "{}",
            shown.text.as_str().len()
        );
        let value: serde_json::Value = serde_json::from_str(shown.text.as_str()).unwrap();
        assert_eq!(
            (&value["model"], &value["max_tokens"], &value["stream"]),
            (&"m".into(), &7.into(), &true.into())
        );
        let turns = value[member].as_array().unwrap();
        assert!(
            turns[0]
                .as_str()
                .unwrap()
                .contains("earlier items left out"),
            "{}",
            turns[0]
        );
        assert!(
            turns.len() > 10
                && turns.last().unwrap()["content"]
                    .as_str()
                    .unwrap()
                    .starts_with("turn 499 ")
        );
    }
}

#[test]
fn an_image_is_shortened_where_it_stands() {
    let body = serde_json::json!({ "model": "m", "messages": [{ "role": "user", "content": [
        { "type": "image", "source": { "type": "base64", "data": "iVBORw0KGgo".repeat(50_000) } },
        { "type": "text", "text": "what is this?" },
    ] }] });
    let shown = Redactor::default().request_body(body.to_string().as_bytes(), 4096);
    let value: serde_json::Value = serde_json::from_str(shown.text.as_str()).unwrap();
    let content = value["messages"].as_array().unwrap().last().unwrap()["content"]
        .as_array()
        .unwrap();
    assert_eq!(content.last().unwrap()["text"], "what is this?");
    assert!(
        content[0]["source"]["data"]
            .as_str()
            .unwrap()
            .contains("more bytes left out"),
        "{value}"
    );
}

#[test]
fn a_large_body_that_is_not_json_is_cut() {
    let shown = Redactor::default().request_body("é".repeat(1000).as_bytes(), 101);
    assert_eq!((shown.text.as_str().len(), shown.truncated), (100, true));
}
