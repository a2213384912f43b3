//! The data folder: made for its owner alone, and used by one process at a time.
//!
//! Promises: two processes that hold the same folder never run at once, and who is refused is told which
//! folder it is; it is free as soon as its holder is gone, however that ended. Must not know: what lies in it.

use std::{
    fs::{File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use anyhow::Context as _;

/// What is locked: the file stays, it is the lock that goes.
const FILE: &str = "lock";

/// The right to a folder, until this is dropped.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

/// Makes the folder, for its owner alone: prompts of failed requests rest in it. One that is there already
/// keeps the mode somebody gave it.
fn make(folder: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("data_dir {}", folder.display()))
}

/// Makes the folder if it is not there, and keeps every other process away that would change what is in it.
///
/// # Errors
/// It cannot be made, or another process holds it.
pub fn hold(folder: &Path) -> anyhow::Result<Held> {
    make(folder)?;
    let shown = folder.display();
    let file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(folder.join(FILE))
        .with_context(|| format!("data_dir {shown}"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => anyhow::bail!(
            "data_dir {shown} is in use by another process of waybill: stop that first, or name another folder \
             (each replica needs one of its own)"
        ),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            tracing::warn!(folder = %shown, "this file system knows no locks: see that nobody else uses the folder");
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("data_dir {shown} cannot be locked"));
        }
    }
    Ok(Held { _file: file })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_at_a_time_and_free_when_that_one_is_gone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("made");
        let held = hold(&folder).unwrap();
        let refused = hold(&folder).unwrap_err().to_string();
        assert!(refused.contains(&folder.display().to_string()), "{refused}");
        drop(held);
        hold(&folder).unwrap();
    }
}
