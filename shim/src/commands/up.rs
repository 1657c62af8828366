//! `wasm-shim up`: serves the app until it is told to stop.

use crate::admin::{self, Now};
use crate::cli::UpArgs;
use crate::config::App;
use crate::fault::{Fault, misuse, refuse};
use crate::runtime::Runtimes;
use crate::serve::{Listener, Server, serve};
use crate::start::{Scope, Started, start};
use crate::stop::Signals;
use crate::sweeper::keep_sweeping;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::time::Instant;

pub(crate) fn run(arguments: &UpArgs, signals: Signals) -> ExitCode {
    let app = match App::load(&arguments.app) {
        Ok(app) => app,
        Err(faults) => return refuse(&faults),
    };
    let listeners = match Listeners::bind(arguments) {
        Ok(listeners) => listeners,
        Err(fault) => return refuse(&[fault]),
    };
    let runtimes = match Runtimes::new() {
        Ok(runtimes) => runtimes,
        Err(error) => {
            return misuse(&format!(
                "cannot start threads: {error}; raise the limit on processes"
            ));
        }
    };
    let started = match start(&app, &runtimes, Scope::App) {
        Ok(started) => started,
        Err(faults) => return refuse(&faults),
    };
    let summary = summary(&app, &started, &listeners);
    let served = runtimes.serving.block_on(serve_until_stopped(
        app, listeners, started, &runtimes, summary, signals,
    ));
    runtimes.shut_down();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = error.to_string(), "serving failed");
            ExitCode::FAILURE
        }
    }
}

/// The addresses that are served on.
struct Listeners {
    clients: Listener,
    admin: Option<Listener>,
}

impl Listeners {
    fn bind(arguments: &UpArgs) -> Result<Self, Fault> {
        let admin = arguments.admin_listen.as_deref();
        Ok(Self {
            clients: Listener::bind("--listen", &arguments.listen)?,
            admin: admin
                .map(|listen| Listener::bind("--admin-listen", listen))
                .transpose()?,
        })
    }
}

/// Serves, and stops in this order: no more connections; requests finish and attempts with them,
/// as far as the time for both allows; attempts that still run are handed back; stores close.
async fn serve_until_stopped(
    app: App,
    listeners: Listeners,
    started: Started,
    runtimes: &Runtimes,
    summary: String,
    signals: Signals,
) -> std::io::Result<()> {
    let Started {
        pools,
        stores,
        sweeper,
        dispatcher,
        metrics,
        ..
    } = started;
    let sweeping = sweeper.map(|sweeper| runtimes.working.spawn(keep_sweeping(sweeper)));
    let server = Arc::new(Server::new(&app, pools.clone(), metrics.clone()));
    if let Some(listener) = listeners.admin {
        let now = Now::new(server.clone(), pools, dispatcher.clone());
        tokio::spawn(admin::serve(listener.into_tokio()?, metrics, now));
    }
    let mut serving = tokio::spawn(serve(listeners.clients, server.clone()));
    // What nobody reads is no reason not to serve.
    let _ = std::io::stdout().write_all(summary.as_bytes());
    tokio::select! {
        ended = &mut serving => return ended?,
        () = signals.first() => {}
    }
    let deadline = Instant::now() + app.processor.drain;
    server.stop();
    if let Some(sweeping) = sweeping {
        sweeping.abort();
    }
    let drained = tokio::join!(tokio::time::timeout_at(deadline, serving), async {
        if let Some(dispatcher) = dispatcher {
            dispatcher.stop(deadline).await;
        }
    });
    if drained.0.is_err() {
        tracing::warn!("requests were cut off because `drain_seconds` passed");
    }
    stores.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// What is printed once the app serves. The first line is for scripts, the rest for people.
fn summary(app: &App, started: &Started, listeners: &Listeners) -> String {
    let base = format!("http://{}", listeners.clients.address());
    let mut text = format!("Serving {base}\n\n{}", app.name);
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        // OK to ignore: writing to a string does not fail.
        let _ = text.write_fmt(arguments);
    };
    if !app.version.is_empty() {
        line(format_args!(" {}", app.version));
    }
    if !app.description.is_empty() {
        line(format_args!(": {}", app.description));
    }
    line(format_args!("\n\nRoutes\n"));
    for route in app.routes.iter() {
        line(format_args!("  {route} -> {}\n", route.component));
    }
    for id in app
        .components
        .keys()
        .filter(|id| app.routes.iter().all(|route| route.component != **id))
    {
        line(format_args!("  private -> {id}\n"));
    }
    line(format_args!("\nKey-value stores\n"));
    for (label, summary) in started.stores.summaries() {
        line(format_args!("  {label}: {summary}\n"));
    }
    if let Some(admin) = &listeners.admin {
        line(format_args!(
            "\nMetrics\n  http://{}/metrics\n",
            admin.address()
        ));
    }
    line(format_args!(
        "\nCompiled in {} ms. Try\n  {base}/ in a browser, or\n  curl {base}/openapi.json\n",
        started.compiled_in.as_millis()
    ));
    text
}
