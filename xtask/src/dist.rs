//! `cargo xtask dist`: one static executable with the manifest, the page and both components
//! inside, compiled ahead of time; and a bill of what it is made of, beside that directory.
//!
//! It is then seen to serve an order in an empty directory, and timed from its start to the first
//! `202`. The time is told, not judged: machines differ, and this one may be busy.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, ensure};

use crate::wasi::Wasi;
use crate::{build, native, process, sbom, setup, workspace};

/// The executable, relative to the root.
const EXECUTABLE: &str = "target/dist/wasm-shim";

/// How often it is started for the time of a cold start.
const STARTS: usize = 5;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);

const ORDER: &str = include_str!("../../orders/example.json");

/// Makes it, and sees that it serves.
pub(crate) fn run() -> Result<()> {
    let target = native::static_target();
    setup::require_musl(&target)?;
    build::components(Wasi::default())?;
    let mut cargo = process::cargo(&["build", "--profile", "dist", "--package", "wasm-shim"]);
    cargo.args(["--target", &target]);
    native::tell_c_compiler(&mut cargo, &target);
    process::run(&mut cargo)?;
    bundle(&format!("target/{target}/dist/wasm-shim"))
}

/// The same of the shim that was built for the tests, which is optimised less.
pub(crate) fn run_built() -> Result<()> {
    bundle(&native::shim().to_string_lossy())
}

/// Puts the app into `shim`, and sees that it serves.
fn bundle(shim: &str) -> Result<()> {
    let directory = workspace::root().join(EXECUTABLE);
    fs::create_dir_all(directory.parent().context("it is in a directory")?)?;
    process::run(process::command(shim).args(["bundle", "--from", "spin.toml", EXECUTABLE]))?;
    build::report(Path::new(EXECUTABLE))?;
    sbom::write(&native::static_target())?;
    build::report(Path::new(sbom::FILE))?;

    let mut times = (0..STARTS)
        .map(|_| cold_start())
        .collect::<Result<Vec<_>>>()?;
    times.sort();
    println!(
        "{:>7} ms   cold start to the first 202, median of {STARTS} (fastest {} ms)",
        times[STARTS / 2].as_millis(),
        times[0].as_millis()
    );
    Ok(())
}

/// How long it takes from the start of the process, in an empty directory, to the first `202`.
fn cold_start() -> Result<Duration> {
    let directory = workspace::root().join("target/cold-start");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    let mut command = process::command(&workspace::root().join(EXECUTABLE).to_string_lossy());
    command
        .args(["up", "--listen", "127.0.0.1:0"])
        .current_dir(&directory)
        .stdout(Stdio::piped());
    let began = Instant::now();
    let mut host = Host(command.spawn().context("the executable does not run")?);
    let output = host.0.stdout.take().context("the host has no output")?;
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let address = lines
        .find_map(|line| Some(line.strip_prefix("Serving http://")?.to_owned()))
        .context("the host ended before it served")?;
    thread::spawn(move || lines.for_each(drop));

    let mut stream = TcpStream::connect(&address)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    write!(
        stream,
        "POST /orders HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ORDER}",
        ORDER.len()
    )?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    let elapsed = began.elapsed();
    ensure!(
        &answer == b"HTTP/1.1 202",
        "expected 202, found `{}`",
        String::from_utf8_lossy(&answer)
    );
    Ok(elapsed)
}

struct Host(Child);

impl Drop for Host {
    fn drop(&mut self) {
        // OK to ignore: it has ended already then.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
