//! A request as code for the official SDKs.
//!
//! The SDKs are used by their generic call for any endpoint, because what they know by name refuses fields that
//! are newer than they are. They write the JSON anew: the fields are exact, the white space is theirs. Google's SDK
//! makes its own bodies, so for Gemini the languages' own HTTP clients are used, with the exact body.

use base64::Engine as _;
use http::Method;
use waybill_model::protocol::Protocol;

use super::{Request, about_file};

/// What differs between providers.
struct Sdk {
    import: &'static str,
    client: &'static str,
}

fn python_sdk(protocol: Protocol) -> Option<Sdk> {
    Some(match protocol {
        Protocol::Anthropic => Sdk {
            import: "from anthropic import Anthropic",
            client: "Anthropic",
        },
        Protocol::OpenAi => Sdk {
            import: "from openai import OpenAI",
            client: "OpenAI",
        },
        Protocol::Gemini => return None,
    })
}

fn typescript_sdk(protocol: Protocol) -> Option<Sdk> {
    Some(match protocol {
        Protocol::Anthropic => Sdk {
            import: "import Anthropic from \"@anthropic-ai/sdk\";",
            client: "Anthropic",
        },
        Protocol::OpenAi => Sdk {
            import: "import OpenAI from \"openai\";",
            client: "OpenAI",
        },
        Protocol::Gemini => return None,
    })
}

pub(super) fn python(request: &Request<'_>) -> String {
    let has_body = !request.body.is_empty();
    let mut out = String::new();
    let body = match (request.file(), request.text()) {
        (Some(file), _) => {
            out += &about_file(request, file, "#");
            format!("open({}, \"rb\").read()", literal(file))
        }
        (None, Some(text)) => format!("{}.encode()", literal(text)),
        (None, None) => format!("base64.b64decode({})", literal(&base64(request.body))),
    };
    let needs_base64 = body.starts_with("base64");
    let (path, base) = (literal(request.path), literal(request.base));
    let url = format!("os.environ.get(\"WAYBILL_URL\", {base})");
    if needs_base64 {
        out += "import base64\n";
    }
    match python_sdk(request.protocol) {
        Some(sdk) => {
            if has_body {
                out += "import json\n";
            }
            out += "import os\n\nimport httpx\n";
            out += &format!("{}\n\n", sdk.import);
            out += &format!(
                "client = {}(base_url={url}, api_key=os.environ[\"WAYBILL_API_KEY\"], max_retries=0)\n",
                sdk.client
            );
            let headers = object(request, &[], "    ");
            let verb = verb(request.method);
            if has_body {
                out += &format!("request = json.loads({body})\n");
            }
            out += &format!("response = client.{verb}(\n    {path},\n");
            if has_body {
                out += "    body=request,\n";
            }
            out += &format!(
                "    cast_to=httpx.Response,\n    options={{\"headers\": {headers}}},\n)\nprint(response.text)\n"
            );
        }
        None => {
            out += "import os\nimport urllib.request\n\n";
            out += &format!("url = {url} + {path}\n");
            let headers = object(
                request,
                &["\"x-goog-api-key\": os.environ[\"WAYBILL_API_KEY\"]"],
                "",
            );
            let data = if has_body { &*body } else { "None" };
            out += &format!(
                "request = urllib.request.Request(url, data={data}, method={}, headers={headers})\n\
                 print(urllib.request.urlopen(request).read().decode())\n",
                literal(request.method.as_str())
            );
        }
    }
    out
}

pub(super) fn typescript(request: &Request<'_>) -> String {
    let has_body = !request.body.is_empty();
    let mut out = String::new();
    let body = match (request.file(), request.text()) {
        (Some(file), _) => {
            out += &about_file(request, file, "//");
            out += "import { readFileSync } from \"node:fs\";\n";
            format!("readFileSync({}, \"utf8\")", literal(file))
        }
        (None, Some(text)) => literal(text),
        (None, None) => format!(
            "Buffer.from({}, \"base64\").toString()",
            literal(&base64(request.body))
        ),
    };
    let (path, base) = (literal(request.path), literal(request.base));
    let url = format!("process.env.WAYBILL_URL ?? {base}");
    match typescript_sdk(request.protocol) {
        Some(sdk) => {
            let headers = object(request, &[], "  ");
            out += &format!("{}\n\n", sdk.import);
            out += &format!(
                "const client = new {}({{ baseURL: {url}, apiKey: process.env.WAYBILL_API_KEY, maxRetries: 0 }});\n",
                sdk.client
            );
            let sent = match has_body {
                true => {
                    out += &format!("const request = JSON.parse({body});\n");
                    "body: request, "
                }
                false => "",
            };
            out += &format!(
                "const response = await client.{}({path}, {{ {sent}headers: {headers} }}).asResponse();\n\
                 console.log(await response.text());\n",
                verb(request.method)
            );
        }
        None => {
            let headers = object(
                request,
                &["\"x-goog-api-key\": process.env.WAYBILL_API_KEY!"],
                "",
            );
            let sent = match has_body {
                true => format!("body: {body}, "),
                false => String::new(),
            };
            out += &format!(
                "const response = await fetch(({url}) + {path}, {{ method: {}, {sent}headers: {headers} }});\n\
                 console.log(await response.text());\n",
                literal(request.method.as_str())
            );
        }
    }
    out
}

fn verb(method: &Method) -> &'static str {
    if *method == Method::GET {
        "get"
    } else {
        "post"
    }
}

/// Headers as an object: JSON is one in both languages.
fn object(request: &Request<'_>, first: &[&str], indent: &str) -> String {
    let telling = request
        .telling_headers()
        .map(|(name, value)| format!("{}: {}", literal(name), literal(value)));
    let lines: Vec<_> = first
        .iter()
        .map(|line| (*line).to_owned())
        .chain(telling)
        .collect();
    if lines.is_empty() {
        return "{}".to_owned();
    }
    let lines: Vec<_> = lines
        .iter()
        .map(|line| format!("\n{indent}  {line},"))
        .collect();
    format!("{{{}\n{indent}}}", lines.concat())
}

/// A text as a literal: JSON's are Python's and TypeScript's, too.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn base64(body: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(body)
}
