//! Packs the page into the component: its files, and the client's modules that it imports,
//! each compressed and with the entity tag under which it is served.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// Where the files are, relative to this package; and which of each folder's, by their ending.
const SOURCES: &[(&str, &[&str])] = &[
    ("../../web", &["html"]),
    ("../../web/assets", &["css", "js", "svg"]),
    ("../../clients/js/src", &["js"]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut table = String::from("&[\n");
    for (folder, endings) in SOURCES {
        println!("cargo::rerun-if-changed={folder}");
        for file in files(Path::new(folder), endings)? {
            pack(&file, &out, &mut table)?;
        }
    }
    table.push(']');
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// The files of `folder`, not of those below it, in a fixed order.
fn files(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        // What configures tools at the top of `web` is no part of the page.
        if path.is_file() && ending.is_some_and(|ending| endings.contains(&ending)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Compresses `file` into `out` and adds its line to the table.
fn pack(file: &Path, out: &Path, table: &mut String) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", file.display());
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or("a file's name is not text")?;
    let bytes = fs::read(file)?;
    let content_type = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        _ => "image/svg+xml",
    };
    let mut etag = String::from("\"");
    for byte in Sha256::digest(&bytes).iter().take(8) {
        write!(etag, "{byte:02x}")?;
    }
    etag.push('"');
    let packed = out.join(format!("{name}.gz"));
    let mut encoder = GzEncoder::new(fs::File::create(&packed)?, Compression::best());
    encoder.write_all(&bytes)?;
    encoder.finish()?;
    let packed = packed.to_str().ok_or("the build's directory is not text")?;
    writeln!(
        table,
        "    Asset {{ name: {name:?}, content_type: {content_type:?}, etag: {etag:?}, gzip: include_bytes!({packed:?}) }},"
    )?;
    Ok(())
}
