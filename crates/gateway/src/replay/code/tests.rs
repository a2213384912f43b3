//! A failed request as code: that it runs in a shell, and says for each language what was sent.
#![allow(clippy::unwrap_used, clippy::panic)]
use std::{io::Write as _, os::unix::fs::PermissionsExt as _, process::Command};

use http::HeaderValue;

use super::*;

const BASE: &str = "http://127.0.0.1:8080";

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("content-type", "application/json"),
        ("anthropic-version", "2023-06-01"),
        ("x-odd", "it's \"odd\" $HOME `id`"),
        ("user-agent", "sdk/1"),
        ("x-stainless-lang", "js"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

fn request<'a>(headers: &'a HeaderMap, path: &'a str, body: &'a [u8]) -> Request<'a> {
    Request {
        method: &Method::POST,
        path,
        protocol: Protocol::Anthropic,
        endpoint: Endpoint::Messages,
        headers,
        body,
        base: BASE,
    }
}

/// Runs a command with a `curl` that writes down what it was given.
fn given_to_curl(code: &[u8]) -> (Vec<String>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let curl = folder.path().join("curl");
    std::fs::write(
        &curl,
        "#!/bin/sh\nout=$(dirname \"$0\")\nfor a; do printf '%s\\0' \"$a\"; done > \"$out/args\"\n\
         for a; do [ \"$a\" = '@-' ] && cat > \"$out/stdin\"; done\nexit 0\n",
    )
    .unwrap();
    std::fs::set_permissions(&curl, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap()
    );
    let mut shell = Command::new("sh")
        .stdin(std::process::Stdio::piped())
        .env("PATH", path)
        .env("WAYBILL_API_KEY", "the-key")
        .env_remove("WAYBILL_URL")
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(code).unwrap();
    assert!(shell.wait().unwrap().success());
    let args = std::fs::read(folder.path().join("args")).unwrap();
    let args: Vec<String> = args
        .split(|byte| *byte == 0)
        .map(|arg| String::from_utf8(arg.to_vec()).unwrap())
        .collect();
    let stdin = std::fs::read(folder.path().join("stdin")).unwrap_or_default();
    (args, stdin)
}

#[test]
fn a_shell_gives_curl_the_exact_request_whatever_is_in_it() {
    let long = format!(
        "{{\"a\":\"it's\n{}\nWAYBILL_BODY\n é$HOME`id`\\\"\"}}",
        "x".repeat(40_000)
    );
    let bodies: [&[u8]; 6] = [
        br#"{"model":"m"}"#,
        "{\"text\":\"it's 'quoted' \\\" $HOME `id` \\\\ \u{e9}\u{1f600}\"}\n\n".as_bytes(),
        b"@/etc/passwd",
        b"\xff\x00 no text",
        long.as_bytes(),
        b"",
    ];
    let headers = headers();
    let path = "/v1/messages?beta=true&x='$HOME'[1-2]";
    for body in bodies {
        let code = request(&headers, path, body).write(Language::Curl);
        let (args, stdin) = given_to_curl(&code);
        let behind = |flag: &str| {
            let at = args.iter().position(|arg| arg == flag)?;
            args.get(at + 1).cloned()
        };
        let sent = match behind("--data-raw") {
            Some(text) => text.into_bytes(),
            None => stdin,
        };
        assert_eq!(sent, body, "{}", String::from_utf8_lossy(&code));
        assert!(args.contains(&format!("{BASE}{path}")), "{args:?}");
        assert!(args.contains(&"x-api-key: the-key".to_owned()), "{args:?}");
        assert!(
            args.contains(&"x-odd: it's \"odd\" $HOME `id`".to_owned()),
            "{args:?}"
        );
        assert!(
            !args
                .iter()
                .any(|arg| arg.contains("stainless") || arg.contains("user-agent"))
        );
    }
}

#[test]
fn a_body_too_large_for_code_is_read_from_a_file_and_the_code_says_how_to_save_it() {
    let headers = headers();
    let body = vec![b'a'; MAX_WITHIN_BYTES + 1];
    let request = request(&headers, "/v1/messages", &body);
    for language in [Language::Curl, Language::Python, Language::TypeScript] {
        let code = String::from_utf8(request.write(language)).unwrap();
        assert!(code.len() < 2_000, "{}", code.len());
        assert!(code.contains("--as body > request-body.json"), "{code}");
    }
    assert_eq!(request.write(Language::Body), body);
}

#[test]
fn code_for_every_language_and_protocol_is_as_it_was() {
    let headers = headers();
    let body = "{\"model\":\"m\",\"text\":\"it's \\\"é\\\"\"}".as_bytes();
    let mut all = String::new();
    for (protocol, path) in [
        (Protocol::Anthropic, "/v1/messages?beta=true"),
        (Protocol::OpenAi, "/v1/chat/completions"),
        (Protocol::Gemini, "/v1beta/models/m:generateContent"),
    ] {
        for language in [Language::Curl, Language::Python, Language::TypeScript] {
            let request = Request {
                protocol,
                ..request(&headers, path, body)
            };
            let code = String::from_utf8(request.write(language)).unwrap();
            all += &format!("== {protocol} as {language}\n{code}\n");
        }
    }
    let list = Request {
        method: &Method::GET,
        endpoint: Endpoint::Models,
        ..request(&headers, "/v1/models", b"")
    };
    for language in [Language::Curl, Language::Python, Language::TypeScript] {
        let code = String::from_utf8(list.write(language)).unwrap();
        all += &format!("== models as {language}\n{code}\n");
    }
    insta::assert_snapshot!(all);
}

#[test]
fn python_reads_the_exact_body_out_of_its_literal() {
    // The interpreter is not everywhere; JSON's own reader takes the same literals.
    let text = "{\"a\":\"\u{2028} \u{7f} \\u0000 \\\" ' \n\t é 😀\"}";
    let headers = headers();
    let code = String::from_utf8(
        request(&headers, "/v1/messages", text.as_bytes()).write(Language::Python),
    )
    .unwrap();
    let (_, rest) = code.split_once("json.loads(").unwrap();
    let (literal, _) = rest.rsplit_once(".encode())").unwrap();
    assert_eq!(serde_json::from_str::<String>(literal).unwrap(), text);
}
