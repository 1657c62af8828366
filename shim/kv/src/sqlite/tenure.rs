//! Whether a process is the first on a file, or others have it already: what the tenure tells.
//!
//! Each process that has the file open holds a shared lock on a file beside it until it ends,
//! however it ends. Who gets that lock for itself alone is the first: no process of before lives,
//! and it names a new tenure in that file. The others read the name there, and so have the same.
//!
//! The lock is the system's (`flock`), on a file of its own, as SQLite locks the database by means
//! that a second handle of this process would break.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use uuid::Uuid;

/// What is added to the name of the database.
const SUFFIX: &str = ".lock";

/// A tenure, which lasts at least as long as this value.
#[derive(Debug)]
pub(super) struct Tenure {
    /// Its name.
    pub(super) id: Uuid,
    /// Holds the shared lock.
    _lock: File,
}

impl Tenure {
    /// Joins the tenure of the database at `path`, or begins one if nobody else has it open. May
    /// wait for as long as another process takes to write a name.
    pub(super) fn join(path: &Path) -> io::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(SUFFIX);
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(name)?;
        match lock.try_lock() {
            Ok(()) => begin(&mut lock)?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Between the two locks another may have been alone and begun one of its own. So the name
        // is what is in the file now: it stays while this lock is held.
        lock.lock_shared()?;
        let id = read(&mut lock)?;
        Ok(Self { id, _lock: lock })
    }
}

/// Names a new tenure.
fn begin(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    lock.write_all(Uuid::new_v4().to_string().as_bytes())
}

fn read(lock: &mut File) -> io::Result<Uuid> {
    let mut name = String::new();
    lock.rewind()?;
    lock.read_to_string(&mut name)?;
    Uuid::try_parse(&name).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::ScopedJoinHandle;

    fn join(path: &Path) -> Tenure {
        Tenure::join(path).expect("a lock in a directory of ours")
    }

    #[test]
    fn a_tenure_is_that_of_all_who_have_the_file_and_ends_with_the_last() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("kv.db");
        let first = join(&path);
        let second = join(&path);
        assert_eq!(second.id, first.id);
        let id = first.id;
        drop(first);
        let third = join(&path);
        assert_eq!(third.id, id);
        drop((second, third));
        assert_ne!(join(&path).id, id);
    }

    #[test]
    fn of_many_who_come_at_once_all_have_the_same_tenure() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("kv.db");
        let came = std::sync::Barrier::new(16);
        let tenures: Vec<_> = std::thread::scope(|scope| {
            let join = || {
                came.wait();
                join(&path)
            };
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(join)).collect();
            let joined = threads.into_iter().map(ScopedJoinHandle::join);
            joined.map(|tenure| tenure.expect("no panic")).collect()
        });
        assert!(tenures.iter().all(|tenure| tenure.id == tenures[0].id));
    }
}
