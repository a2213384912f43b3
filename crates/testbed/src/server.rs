//! One server process: started, ended, suspended, started again on the same port.
//!
//! Promises: a call returns when what it was asked for is so; one that asks for what is so already does
//! nothing. Must not know: which server it is.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    error::{Error, Result},
    folder,
    port::Port,
    proc::{self, Standing, wait_until},
    user::User,
    watchdog::Watchdog,
};

/// For a server to start or end; several may be starting at once on a small machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// How much of a log is shown in an error.
const LOG_TAIL: usize = 2000;

/// A server that runs, or could. Dropping it ends the process and removes the folder.
#[derive(Debug)]
pub(crate) struct Server {
    name: &'static str,
    folder: PathBuf,
    port: Port,
    user: Option<User>,
    /// Held while the process is started, ended or sent a signal.
    process: Mutex<Process>,
}

#[derive(Debug)]
struct Process {
    child: Option<Child>,
    watchdog: Watchdog,
}

impl Server {
    /// Reserves a folder and a port; starts nothing. `at_once` is the signal that ends it without delay.
    pub fn new(name: &'static str, user: Option<User>, at_once: &str) -> Result<Server> {
        let folder = folder::make(name, user)?;
        let port = Port::reserve().map_err(Error::io(format!("a port for {name}")))?;
        let watchdog = Watchdog::over(folder.path(), at_once)
            .map_err(Error::io(format!("a watchdog for {name}")))?;
        let child = None;
        Ok(Server {
            name,
            folder: folder.keep(),
            port,
            user,
            process: Mutex::new(Process { child, watchdog }),
        })
    }

    /// Where it listens when it runs.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it wrote, over all its starts.
    pub fn log(&self) -> String {
        let text = fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Runs a command as the user that the server runs as.
    pub fn as_its_user(&self, mut command: Command) -> Command {
        if let Some(user) = self.user {
            user.runs(&mut command);
        }
        command.current_dir(&self.folder);
        command
    }

    /// Starts it, and waits until `ready` says so of its process id.
    pub fn start<'a>(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = &'a str>,
        ready: impl Fn(u32) -> bool,
    ) -> Result<()> {
        let mut process = self.process();
        process.look();
        if process.child.is_some() {
            return Ok(());
        }
        let what = || format!("{} did not start", self.name);
        let watched = process.watchdog.watched(program, &self.folder.join("log"));
        let mut command = self.as_its_user(watched.map_err(Error::io(what()))?);
        command.args(arguments);
        let child = command.spawn().map_err(Error::io(what()))?;
        let pid = child.id();
        process.child = Some(child);

        let mut ended = None;
        let came = wait_until(DEADLINE, || {
            ended = process.look();
            ended.is_some() || ready(pid)
        });
        match ended {
            Some(status) => Err(Error::Failed {
                what: format!("starting {}", self.name),
                status,
                output: self.log_tail(),
            }),
            None if came => Ok(()),
            None => Err(self.late("was started")),
        }
    }

    /// Asks it to end, and waits until it has.
    pub fn end(&self, signal: &str) -> Result<()> {
        let mut process = self.process();
        let Some(pid) = process.pid() else {
            return Ok(());
        };
        proc::signal(signal, &[pid])?;
        resume(pid)?;
        match wait_until(DEADLINE, || process.look().is_some()) {
            true => Ok(()),
            false => Err(self.late("was told to end")),
        }
    }

    /// Ends every process of it without asking: `kill -9`.
    pub fn kill(&self) -> Result<()> {
        let mut process = self.process();
        let Some(pid) = process.pid() else {
            return Ok(());
        };
        // First the one that starts others, so that there are no others afterwards.
        suspend(&[pid])?;
        let children = proc::children(pid);
        proc::signal("KILL", &[pid])?;
        proc::signal("KILL", &children)?;
        let gone = |child: &u32| proc::standing(*child) == Standing::Gone;
        match wait_until(DEADLINE, || {
            process.look();
            process.child.is_none() && children.iter().all(gone)
        }) {
            true => Ok(()),
            false => Err(self.late("was killed")),
        }
    }

    /// Stops all its processes in their tracks. Connections stay, and get no answer.
    pub fn suspend(&self) -> Result<()> {
        let pid = self.running()?;
        match suspend(&[pid])? && suspend(&proc::children(pid))? {
            true => Ok(()),
            false => Err(self.late("was suspended")),
        }
    }

    /// Lets them go on.
    pub fn resume(&self) -> Result<()> {
        resume(self.running()?)
    }

    /// Whether it runs, suspended or not.
    pub fn is_running(&self) -> bool {
        self.process().pid().is_some()
    }

    fn running(&self) -> Result<u32> {
        self.process().pid().ok_or(Error::NotRunning(self.name))
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        // What is in there is looked at anew at every use.
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn late(&self, what: &str) -> Error {
        Error::Late {
            what: format!("{} {what}", self.name),
            log: self.log_tail(),
        }
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let mut from = log.len().saturating_sub(LOG_TAIL);
        while !log.is_char_boundary(from) {
            from += 1;
        }
        log[from..].trim().to_owned()
    }
}

impl Process {
    /// The process id, unless it has ended.
    fn pid(&mut self) -> Option<u32> {
        self.look();
        self.child.as_ref().map(Child::id)
    }

    /// Notices that it has ended. Says how, the first time.
    fn look(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().ok().flatten()?;
        self.child = None;
        self.watchdog.ended();
        Some(status)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The same way as if we had been killed, so that there is one.
        self.watchdog.release();
        if let Some(mut child) = self.child.take() {
            // Nothing is left to end, unless the watchdog itself was.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until they are suspended, for a signal takes its time; says whether they were in time.
fn suspend(pids: &[u32]) -> Result<bool> {
    proc::signal("STOP", pids)?;
    let still = |pid: &u32| proc::standing(*pid) != Standing::Running;
    Ok(wait_until(DEADLINE, || pids.iter().all(still)))
}

/// The process and its children.
fn resume(pid: u32) -> Result<()> {
    let mut pids = proc::children(pid);
    pids.push(pid);
    proc::signal("CONT", &pids)
}
