//! A Redis server of one's own. It keeps everything in memory: a new start is an empty one.

use std::{
    env,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    error::{Error, Result},
    server::Server,
};

const PROGRAM: &str = "redis-server";

/// Names the folder to take the program from, before the path.
const VARIABLE: &str = "WAYBILL_REDIS_BIN";

/// For one question to a server that is starting.
const PATIENCE: Duration = Duration::from_secs(1);

/// A Redis server. Dropping it stops it.
#[derive(Debug)]
pub struct Redis {
    server: Server,
    program: PathBuf,
    settings: Vec<String>,
}

impl Redis {
    /// Makes a server and starts it.
    ///
    /// # Errors
    /// Redis is not installed.
    pub fn new() -> Result<Redis> {
        Redis::with(&[])
    }

    /// The same with further settings, name and value: `[("requirepass", "secret")]`.
    ///
    /// # Errors
    /// Redis is not installed, or refuses a setting.
    pub fn with(settings: &[(&str, &str)]) -> Result<Redis> {
        let program = find()?;
        let server = Server::new("redis", None, "TERM")?;
        let redis = Redis {
            settings: arguments(&server, settings),
            server,
            program,
        };
        redis.start()?;
        Ok(redis)
    }

    /// Its address, as clients take it.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Where it listens when it runs.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Where its files are: `log`.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// Everything it wrote into its log.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Whether its process is there, suspended or not.
    pub fn is_running(&self) -> bool {
        self.server.is_running()
    }

    /// Stops it in order.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop(&self) -> Result<()> {
        self.server.end("TERM")
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// It does not end.
    pub fn kill(&self) -> Result<()> {
        self.server.kill()
    }

    /// Starts it again, empty, on the same port, and waits until it takes commands.
    ///
    /// # Errors
    /// It ends again; with the end of its log.
    pub fn start(&self) -> Result<()> {
        let address = self.address();
        let ready = |_| answers(address).is_ok();
        let settings = self.settings.iter().map(String::as_str);
        self.server.start(&self.program, settings, ready)
    }

    /// Stops it in its tracks: connections stay, and get no answer; new ones are taken by the kernel and
    /// get none either.
    ///
    /// # Errors
    /// It is not running.
    pub fn suspend(&self) -> Result<()> {
        self.server.suspend()
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It is not running.
    pub fn resume(&self) -> Result<()> {
        self.server.resume()
    }
}

fn arguments(server: &Server, settings: &[(&str, &str)]) -> Vec<String> {
    let port = server.address().port().to_string();
    let folder = server.folder().to_string_lossy();
    let own = [
        ("bind", "127.0.0.1"),
        ("port", &port),
        ("dir", &folder),
        ("save", ""),
        ("appendonly", "no"),
    ];
    own.iter()
        .chain(settings)
        .flat_map(|(name, value)| [format!("--{name}"), (*value).to_owned()])
        .collect()
}

/// Waits for an answer, any: without the password it is an error. It listens before it is ready.
fn answers(address: SocketAddr) -> io::Result<()> {
    let mut connection = TcpStream::connect_timeout(&address, PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(b"PING\r\n")?;
    connection.read_exact(&mut [0])
}

fn find() -> Result<PathBuf> {
    let folders = match env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        Some(folder) => folder,
        None => env::var_os("PATH").unwrap_or_default(),
    };
    env::split_paths(&folders)
        .map(|folder| folder.join(PROGRAM))
        .find(|program| program.is_file())
        .ok_or(Error::Missing {
            program: PROGRAM,
            package: PROGRAM,
            variable: VARIABLE,
        })
}
