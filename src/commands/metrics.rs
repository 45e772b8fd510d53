//! `cortop metrics`: exports the state of headsets and streams for Prometheus, without a screen.

use std::{net::SocketAddr, pin::pin, time::Duration};

use color_eyre::eyre::{Result, WrapErr as _};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    after,
    client_state::ClientState,
    problem_reporter::{ProblemReporter, SERVICE_OVER},
};
use crate::{
    cli,
    console::{print, print_error, shutdown_signal},
    monitor::Monitor,
};
use cortop_client::ClientConfig;
use cortop_signal::decoder;

/// How often snapshots are published: a scraper comes every few seconds.
const FRAME: Duration = Duration::from_secs(1);

/// Bytes of history. Nobody scrolls back here, and the data for the streams' health is kept separately.
const HISTORY: usize = 1 << 20;

/// Serves until a signal ends it; returns the exit status. Problems are reported once and waited out: a
/// missing headset is worth exporting, too.
pub(super) async fn serve(config: ClientConfig, args: &cli::MetricsArgs) -> Result<u8> {
    let mut shutdown = pin!(shutdown_signal()?);
    let listener = listen(args.listen).await?;
    let url = format!("http://{}/metrics", listener.local_addr()?);
    let limits = decoder::Limits { frame: FRAME, history: HISTORY };
    let mut monitor = Monitor::start(config, limits);
    let serving = monitor.channels.metrics.serve(listener);
    print(&if args.json {
        format!("{}\n", json!({ "event": "ready", "url": url }))
    } else {
        format!("READY {url}\n")
    })?;
    let mut state = ClientState::default();
    let mut problems = ProblemReporter::default();
    let mut over = pin!(after(args.duration));
    let code = loop {
        tokio::select! {
            () = &mut shutdown => break 0,
            () = &mut over => break 0,
            event = monitor.channels.events.recv() => {
                let Some(event) = event else {
                    print_error("the client has ended: look into the log (--log-file FILE)");
                    break 1;
                };
                monitor.channels.metrics.on_event(&event);
                state.on_event(event);
                let problem = state.needs_user().map(|failure| failure.to_string());
                problems.report(problem, SERVICE_OVER);
            }
        }
    };
    serving.abort();
    monitor.stop().await;
    Ok(code)
}

/// Binds the address.
///
/// # Errors
/// The address is not available; the text says what to do.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.wrap_err_with(|| {
        format!("metrics cannot be served at {address}: choose another address or port")
    })
}
