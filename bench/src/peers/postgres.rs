//! A `PostgreSQL` of a benchmark's own: in a directory of its own, and reached by a socket there alone.
//!
//! It commits as it does by default, after its fsync.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::process::Process;

/// Where Debian keeps the programs of each version, which it leaves out of the PATH.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A running server, which is killed, and its data removed, when this is dropped.
pub struct Postgres {
    process: Process,
    directory: TempDir,
}

impl Postgres {
    /// Starts a server with an empty database.
    ///
    /// # Errors
    /// If it is not installed, or does not start.
    pub fn start() -> Result<Self> {
        let directory = TempDir::new()?;
        let data = directory.path().join("data");
        let user = unprivileged_user()?;
        if let Some((user, group)) = user {
            std::os::unix::fs::chown(directory.path(), Some(user), Some(group))?;
        }
        let command = |program: &str| -> Result<Command> {
            let mut command = Command::new(program_path(program)?);
            command.arg("-D").arg(&data).current_dir(directory.path());
            if let Some((user, group)) = user {
                command.uid(user).gid(group);
            }
            Ok(command)
        };
        let initialised = command("initdb")?
            .args(["--username=bench", "--auth=trust", "--encoding=UTF8"])
            .output()?;
        ensure!(
            initialised.status.success(),
            "`initdb` failed: {}",
            String::from_utf8_lossy(&initialised.stderr).trim()
        );
        let mut server = command("postgres")?;
        server.arg("-k").arg(directory.path());
        server.args(["-c", "listen_addresses="]);
        let (process, _) = Process::start(server, "ready to accept connections")?;
        Ok(Self { process, directory })
    }

    /// The directory in which its socket is.
    pub fn socket_directory(&self) -> &Path {
        self.directory.path()
    }

    /// The number of its first process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }
}

/// Where one of its programs is: of the newest version that is installed.
pub fn program_path(program: &str) -> Result<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&on_path);
    let of_debian = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut of_debian: Vec<_> = of_debian.map(|entry| entry.path().join("bin")).collect();
    of_debian.sort();
    let mut candidates = on_path
        .chain(of_debian.into_iter().rev())
        .map(|directory| directory.join(program));
    let found = candidates.find(|path| path.is_file());
    found.with_context(|| {
        format!("cannot find `{program}`; on Debian, `sudo apt-get install postgresql` installs it")
    })
}

/// Whom it runs as, and his group, if this is root's process: it refuses to run as root.
fn unprivileged_user() -> Result<Option<(u32, u32)>> {
    let id = |arguments: &[&str]| -> Result<u32> {
        let output = Command::new("id").args(arguments).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        match text.trim().parse() {
            Ok(id) => Ok(id),
            Err(_) => bail!("expected a user called `postgres`, found none"),
        }
    };
    if id(&["-u"])? != 0 {
        return Ok(None);
    }
    Ok(Some((id(&["-u", "postgres"])?, id(&["-g", "postgres"])?)))
}
