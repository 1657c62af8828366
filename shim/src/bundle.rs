//! An app inside an executable: `wasm-shim bundle` puts it there, and every command of the
//! executable so made finds it.
//!
//! Behind the executable's own bytes comes a tar archive, with the manifest and each component as
//! compiled code, and then its length and a mark. The system loads the executable as if nothing
//! followed.

use crate::fault::Fault;
use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

/// The last bytes of an executable with an app inside.
const MARK: &[u8; 16] = b"wasm-shim bundle";
/// The archive's length, little-endian, and the mark.
const FOOTER_BYTES: u64 = 8 + MARK.len() as u64;
/// The manifest's name in the archive.
const MANIFEST: &str = "spin.toml";
/// What a component's name in the archive ends with.
const COMPILED: &str = ".cwasm";

/// An app inside an executable.
pub(crate) struct Bundle {
    manifest: String,
    components: BTreeMap<String, Arc<[u8]>>,
}

impl Bundle {
    /// The app inside this executable, if it has one.
    ///
    /// # Errors
    /// If the executable cannot be read, or was damaged.
    pub(crate) fn of_this_executable() -> Result<Option<Self>, Fault> {
        let read = || -> io::Result<Option<Self>> {
            let mut file = File::open(std::env::current_exe()?)?;
            let Some(archive_bytes) = find(&mut file)? else {
                return Ok(None);
            };
            Self::read(file.take(archive_bytes)).map(Some)
        };
        read().map_err(|error| {
            Fault::new(format!(
                "cannot read the app inside this executable: {error}; copy the executable anew, or name an app with --from"
            ))
        })
    }

    /// The text of its manifest.
    pub(crate) fn manifest(&self) -> &str {
        &self.manifest
    }

    /// A component, compiled.
    pub(crate) fn component(&self, id: &str) -> Option<Arc<[u8]>> {
        self.components.get(id).cloned()
    }

    fn read(archive: impl io::Read) -> io::Result<Self> {
        let mut bundle = Self {
            manifest: String::new(),
            components: BTreeMap::new(),
        };
        for entry in tar::Archive::new(archive).entries()? {
            let mut entry = entry?;
            let name = entry.path()?.display().to_string();
            if name == MANIFEST {
                entry.read_to_string(&mut bundle.manifest)?;
            } else if let Some(id) = name.strip_suffix(COMPILED) {
                let mut compiled = Vec::new();
                entry.read_to_end(&mut compiled)?;
                bundle.components.insert(id.to_owned(), compiled.into());
            }
        }
        Ok(bundle)
    }
}

/// Writes a copy of this executable to `output`, with an app inside: its manifest, and each
/// component as it was compiled.
pub(crate) fn write<'a>(
    manifest: &[u8],
    components: impl IntoIterator<Item = (&'a str, Vec<u8>)>,
    output: &Path,
) -> io::Result<()> {
    let mut archive = tar::Builder::new(Vec::new());
    append(&mut archive, MANIFEST, manifest)?;
    for (id, compiled) in components {
        append(&mut archive, &format!("{id}{COMPILED}"), &compiled)?;
    }
    let archive = archive.into_inner()?;
    let mut executable = File::open(std::env::current_exe()?)?;
    let own_bytes = executable.metadata()?.len()
        - find(&mut executable)?.map_or(0, |archive_bytes| archive_bytes + FOOTER_BYTES);
    executable.rewind()?;

    let mut file = File::create(output)?;
    io::copy(&mut executable.take(own_bytes), &mut file)?;
    file.write_all(&archive)?;
    file.write_all(&(archive.len() as u64).to_le_bytes())?;
    file.write_all(MARK)?;
    file.set_permissions(Permissions::from_mode(0o755))?;
    file.sync_all()
}

fn append(archive: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) -> io::Result<()> {
    // The same input gives the same archive: no times, no owners.
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, name, bytes)
}

/// Leaves `file` at the begin of the archive in it, and returns the archive's length, if there is one.
fn find(file: &mut File) -> io::Result<Option<u64>> {
    let file_bytes = file.metadata()?.len();
    if file_bytes < FOOTER_BYTES {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(file_bytes - FOOTER_BYTES))?;
    let (mut length, mut mark) = ([0; 8], [0; MARK.len()]);
    file.read_exact(&mut length)?;
    file.read_exact(&mut mark)?;
    if mark != *MARK {
        return Ok(None);
    }
    let archive_bytes = u64::from_le_bytes(length);
    let begin = file_bytes
        .checked_sub(FOOTER_BYTES)
        .and_then(|rest| rest.checked_sub(archive_bytes))
        .ok_or_else(|| io::Error::other("it is shorter than it says"))?;
    file.seek(SeekFrom::Start(begin))?;
    Ok(Some(archive_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_of(parts: &[&[u8]]) -> File {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(&parts.concat()).expect("it can be written");
        file
    }

    #[test]
    fn an_archive_is_found_behind_any_executable() {
        let mut archive = tar::Builder::new(Vec::new());
        append(&mut archive, MANIFEST, b"manifest").expect("an entry");
        append(&mut archive, "api.cwasm", b"compiled").expect("an entry");
        let archive = archive.into_inner().expect("an archive");
        let length = (archive.len() as u64).to_le_bytes();
        let mut file = file_of(&[b"ELF...", &archive, &length, MARK]);

        let archive_bytes = find(&mut file).expect("a footer").expect("an archive");
        let bundle = Bundle::read(file.take(archive_bytes)).expect("a bundle");
        assert_eq!(bundle.manifest(), "manifest");
        assert_eq!(bundle.component("api").as_deref(), Some(&b"compiled"[..]));
        assert!(bundle.component("processor").is_none());
    }

    #[test]
    fn an_executable_without_a_footer_has_no_app() {
        for bytes in [&b""[..], b"ELF", &[0; 100]] {
            assert_eq!(find(&mut file_of(&[bytes])).expect("no error"), None);
        }
    }

    #[test]
    fn a_damaged_executable_is_told_from_one_without_an_app() {
        let mut file = file_of(&[b"ELF", &1000_u64.to_le_bytes(), MARK]);
        assert!(find(&mut file).is_err());
    }
}
