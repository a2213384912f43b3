//! Outlives the owner of a server just long enough to stop the server and remove its folder.
//!
//! It is a shell that reads the server's process id from a pipe. Each server tells its id itself, before
//! it becomes the server, and holds the pipe open until it has: there is no moment at which the owner
//! could end and leave a server that the watchdog does not know.

use std::{
    io::{self, PipeWriter, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

const SCRIPT: &str = include_str!("watchdog.sh");

/// Tells the watchdog its process id, then becomes the program, with its output appended to the log `$0`.
const BECOME: &str = r#"echo $$ && exec "$@" >>"$0" 2>&1"#;

/// A watchdog. Dropping it releases it.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
    /// `None` once there is nothing more to tell.
    pipe: Option<PipeWriter>,
}

impl Watchdog {
    /// Starts to watch over a folder and the server in it, which `signal` ends at once but orderly.
    pub fn over(folder: &Path, signal: &str) -> io::Result<Watchdog> {
        let (reader, writer) = io::pipe()?;
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "watchdog"])
            .arg(folder)
            .arg(signal)
            .current_dir("/")
            .stdin(reader)
            // Whoever reads our output need not wait for the watchdog.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What ends our process group, such as Ctrl-C, must not end it.
            .process_group(0)
            .spawn()?;
        let pipe = Some(writer);
        Ok(Watchdog { shell, pipe })
    }

    /// A command that runs the program under watch, in a process group of its own, its output going to
    /// the log. To be given arguments and started.
    pub fn watched(&self, program: &Path, log: &Path) -> io::Result<Command> {
        let pipe = match &self.pipe {
            Some(pipe) => Stdio::from(pipe.try_clone()?),
            None => Stdio::null(),
        };
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", BECOME])
            .arg(log)
            .arg(program)
            .stdin(Stdio::null())
            .stdout(pipe)
            .stderr(Stdio::null())
            .process_group(0);
        Ok(command)
    }

    /// The server has ended; its process id may become another's.
    pub fn ended(&mut self) {
        if let Some(pipe) = &mut self.pipe {
            // Should the watchdog be gone, there is nobody to tell.
            let _ = pipe.write_all(b"0\n");
        }
    }

    /// Lets it do its work, and waits for that. Nothing can be watched afterwards.
    pub fn release(&mut self) {
        self.pipe = None;
        let _ = self.shell.wait();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.release();
    }
}
