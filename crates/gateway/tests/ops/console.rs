//! The console as the gateway serves it, whether the build had one or not.

use crate::support::{Answer, World};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;

async fn ask(world: &World, method: Method, path: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", world.url))
        .body(Full::new(Bytes::new()))
        .unwrap();
    world.send(request).await
}

#[tokio::test]
async fn the_root_leads_to_it_without_saying_where_the_root_is() {
    let world = World::new().await;
    for path in ["/", "/console"] {
        let answer = ask(&world, Method::GET, path).await;
        assert_eq!(answer.status, 307, "{path}");
        assert_eq!(answer.header("location"), Some("console/"), "{path}");
    }
}

#[tokio::test]
async fn every_address_in_it_is_the_page_and_runs_nothing_but_its_own() {
    let world = World::new().await;
    for path in [
        "/console/",
        "/console/errors",
        "/console/errors/7?view=errors",
    ] {
        let answer = ask(&world, Method::GET, path).await;
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8"),
            "{path}"
        );
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        // One that was built says where it is and what may run; one that was not says how to build it.
        let text = answer.text();
        assert!(!text.contains("__BASE__") && !text.contains("__NONCE__"));
        assert_eq!(
            answer.status == 404,
            text.contains("npm run build"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_no_page_and_nothing_is_taken() {
    let world = World::new().await;
    let answer = ask(&world, Method::GET, "/console/assets/gone.js").await;
    assert_eq!(answer.status, 404);
    assert!(answer.body.is_empty());
    for path in [
        "/console/../Cargo.toml",
        "/console/assets/..%2f..%2fCargo.toml",
    ] {
        assert!(
            !ask(&world, Method::GET, path)
                .await
                .text()
                .contains("[package]")
        );
    }
    assert_eq!(ask(&world, Method::POST, "/console/").await.status, 405);
}
