//! The temporary folder of one server.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    error::{Error, Result},
    user::User,
};

/// Where to look when another user cannot get to our own temporary folder.
const FOR_EVERYBODY: [&str; 2] = ["/tmp", "/var/tmp"];

/// Makes a folder that only its owner can look into: `user`, or ourselves.
pub(crate) fn make(name: &str, user: Option<User>) -> Result<TempDir> {
    let parent = match user {
        None => env::temp_dir(),
        Some(_) => open_to_others()?,
    };
    let prefix = format!("waybill-{name}-");
    let what = format!("a folder {prefix}… in {}", parent.display());
    let folder = tempfile::Builder::new()
        .prefix(&prefix)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .map_err(Error::io(&what))?;
    if let Some(user) = user {
        user.owns(folder.path()).map_err(Error::io(what))?;
    }
    Ok(folder)
}

/// A temporary folder that other users can pass through.
fn open_to_others() -> Result<PathBuf> {
    let mut candidates = vec![env::temp_dir()];
    candidates.extend(FOR_EVERYBODY.map(PathBuf::from));
    let found = candidates.iter().find(|folder| passable(folder));
    found.cloned().ok_or_else(|| {
        Error::Argument(format!(
            "none of {candidates:?} lets other users pass, and the server runs as one: set TMPDIR"
        ))
    })
}

/// Whether everybody may pass through this folder and all above it.
fn passable(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    folder.ancestors().all(|step| {
        fs::metadata(step).is_ok_and(|found| found.is_dir() && found.mode() & 0o001 != 0)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_below_a_private_one_lets_nobody_pass() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, Permissions::from_mode(0o711)).unwrap();
        fs::set_permissions(outer.path(), Permissions::from_mode(0o700)).unwrap();
        assert!(!passable(&inner));
        fs::set_permissions(outer.path(), Permissions::from_mode(0o711)).unwrap();
        assert_eq!(passable(&inner), passable(&env::temp_dir()));
    }
}
