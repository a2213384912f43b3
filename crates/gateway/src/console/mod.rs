//! The console: the files of the web application, as the build found them.
//!
//! Promises: every address under `/console/` that is no file is the page, so that the application's own addresses
//! can be opened and shared; it works under any path prefix that a proxy takes away; a page runs its own scripts and
//! styles and nothing else, and asks this gateway alone; a build without it says so, and how it is made. Must not
//! know: who is signed in. Its files hold no data: what it shows it asks of the admin API.

mod page;

use axum::{
    Router,
    body::Body,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::{Embed, EmbeddedFile};

/// Where it is.
const ROOT: &str = "/console";

/// The files that Vite made. A build of the workspace alone has none.
#[derive(Embed)]
#[folder = "../../console/dist/app"]
#[allow_missing = true]
struct Files;

/// Files with their hash in the name.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The same name may be another file tomorrow.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Whether a path belongs to the console. `/` leads there.
pub fn serves(path: &str) -> bool {
    path == "/"
        || path
            .strip_prefix(ROOT)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The console, for everybody.
pub fn router() -> Router {
    Router::new()
        .route("/", get(|| lead("console/")))
        .route("/console", get(|| lead("console/")))
        .route("/console/", get(|| async { page_at("") }))
        .route("/console/{*path}", get(file_or_page))
}

/// Leads on, relative to where one is: what a proxy took away from the path is not known here.
async fn lead(to: &'static str) -> Response {
    let to = [(header::LOCATION, HeaderValue::from_static(to))];
    (StatusCode::TEMPORARY_REDIRECT, to).into_response()
}

async fn file_or_page(Path(path): Path<String>, asked: HeaderMap) -> Response {
    match Files::get(&path) {
        Some(file) if path != page::NAME => of_file(&path, file, &asked),
        // An old page asks for files that a newer build does not have: a page would be no script.
        None if path.starts_with("assets/") => StatusCode::NOT_FOUND.into_response(),
        _ => page_at(&path),
    }
}

fn of_file(path: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let compressed = Files::get(&format!("{path}.br")).filter(|_| takes_brotli(asked));
    let encoding = compressed
        .is_some()
        .then_some((header::CONTENT_ENCODING, HeaderValue::from_static("br")));
    let keep = if path.starts_with("assets/") {
        FOR_EVER
    } else {
        ASK_AGAIN
    };
    let headers = [
        (header::CONTENT_TYPE, kind(path)),
        (header::CACHE_CONTROL, keep),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    let mut response = Body::from(compressed.unwrap_or(file).data).into_response();
    response
        .headers_mut()
        .extend(headers.into_iter().chain(encoding));
    response
}

fn page_at(path: &str) -> Response {
    let built = Files::get(page::NAME);
    let template = built.as_ref().map(|file| file.data.as_ref());
    page::at(path, template)
}

/// What a file is, by its name: the few kinds that the build makes.
fn kind(path: &str) -> HeaderValue {
    HeaderValue::from_static(match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    })
}

fn takes_brotli(asked: &HeaderMap) -> bool {
    asked
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .filter_map(|one| {
            let (name, weight) = one.split_once(';').unwrap_or((one, "q=1"));
            (name.trim() == "br").then_some(weight.trim())
        })
        .any(|weight| !matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_nothing_from_clients_and_nothing_from_the_api() {
        for path in ["/", "/console", "/console/", "/console/errors/7"] {
            assert!(serves(path), "{path}");
        }
        for path in ["/consoles", "/v1/messages", "/api/v1/admin/me", "/healthz"] {
            assert!(!serves(path), "{path}");
        }
    }

    #[test]
    fn brotli_is_for_those_who_take_it() {
        let takes = |text: &'static str| {
            let value = HeaderValue::from_static(text);
            takes_brotli(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]))
        };
        assert!(takes("gzip, deflate, br, zstd"));
        assert!(takes("br;q=0.5"));
        assert!(!takes("gzip, br;q=0"));
        assert!(!takes("gzip"));
        assert!(!takes_brotli(&HeaderMap::new()));
    }
}
