//! The real `waybill` binary as a child process.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{ADMIN_TOKEN, Answer, DEADLINE, client, send};

/// A gateway process. Dropping it kills it.
pub struct Binary {
    child: Child,
    pub url: String,
    /// Everything it wrote to its standard outputs, in its folder.
    pub log: PathBuf,
    client: Client<HttpConnector, Full<bytes::Bytes>>,
}

/// `waybill` with nothing of this process's environment.
pub fn waybill(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waybill"));
    command
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

impl Binary {
    /// Starts `waybill serve` on a free port, with the configuration and data of `folder`, and waits
    /// until it listens.
    pub async fn serve(folder: &Path, configuration: &str, variables: &[(&str, &str)]) -> Binary {
        let file = folder.join("waybill.toml");
        std::fs::write(&file, configuration).unwrap();
        let log = folder.join("output.log");
        let errors = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let mut child = waybill(variables)
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&file)
            .arg("--data-dir")
            .arg(folder.join("data"))
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = async {
            loop {
                let line = lines.next_line().await.unwrap();
                let line = line.unwrap_or_else(|| {
                    panic!("it ended: {}", std::fs::read_to_string(&log).unwrap())
                });
                if let Some((_, address)) = line.split_once("listening on ") {
                    return address.to_owned();
                }
            }
        };
        let url = tokio::time::timeout(DEADLINE, listening)
            .await
            .expect("it listens in time");
        // What it prints later must have somewhere to go, and is looked at like the rest.
        let copy = log.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                use std::io::Write as _;
                let file = std::fs::OpenOptions::new().append(true).open(&copy);
                let _ = file.and_then(|mut file| writeln!(file, "{line}"));
            }
        });
        Binary {
            child,
            url,
            log,
            client: client(),
        }
    }

    /// `kill -9`.
    pub async fn kill(mut self) {
        self.child.start_kill().unwrap();
        self.child.wait().await.unwrap();
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let id = self.child.id().expect("it runs").to_string();
        assert!(
            // The shell's own: a program of this name is not everywhere.
            std::process::Command::new("sh")
                .args(["-c", "kill -TERM \"$0\"", &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> ExitStatus {
        tokio::time::timeout(DEADLINE, self.child.wait())
            .await
            .expect("it ends in time")
            .unwrap()
    }

    /// Asks the admin API.
    pub async fn admin(&self, method: Method, path: &str, body: String) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1/admin{path}", self.url))
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .header("content-type", "application/json")
            .body(Full::new(body.into()))
            .unwrap();
        send(&self.client, request).await
    }

    /// Asks anything that needs no token.
    pub async fn get(&self, path: &str) -> Answer {
        let request = Request::get(format!("{}{path}", self.url));
        send(&self.client, request.body(Full::default()).unwrap()).await
    }

    /// Asks operations.
    pub async fn ops(&self, path: &str) -> Value {
        let answer = self
            .admin(Method::GET, &format!("/ops/{path}"), String::new())
            .await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Every row of a list, page after page.
    pub async fn all(&self, path: &str, rows: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self.ops(&format!("{path}&page_size=500{cursor}")).await;
            let Value::Array(found) = page[rows].take() else {
                panic!("{path}: {page}")
            };
            all.extend(found);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }
}
