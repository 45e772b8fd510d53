//! `cortop proxy`: runs between a client and a real service, from the arguments until a signal ends it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};
use cortop_client::{
    Error,
    transport::{Transport, TrustFiles},
};
use cortop_files::capture::CaptureFile;
use cortop_sim::{Listener, journal::Journal, tls::Tls};

use super::{
    follower::{Follower, LogOutput},
    sim::write_root,
    traffic::{TrafficScreen, has_terminal},
};
use crate::{
    cli, config,
    console::{ShutdownSignals, block_on, print, report_panics},
    logging::RequestLevel,
    proxy::Proxy,
    terminal::Exit,
    traffic::TrafficAbout,
};

/// Forwards messages until Ctrl-C or SIGTERM. Returns the exit status.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn run(args: &cli::ProxyArgs, display: &cli::DisplayArgs) -> Result<u8> {
    report_panics()?;
    let is_shown = has_terminal() && !args.requests.quiet && args.requests.log.is_none();
    let screen = is_shown.then(|| TrafficScreen::prepare(display)).transpose()?;
    let level = match (&screen, args.requests.quiet) {
        (Some(_), _) => RequestLevel::Off,
        (None, true) => RequestLevel::Quiet,
        (None, false) => RequestLevel::Requests,
    };
    let trusted = config::trusted_path(&args.to);
    let files = TrustFiles {
        ca_file: args.ca_file.as_deref(),
        trusted: trusted.as_deref(),
        insecure: args.insecure,
    };
    let service = Transport::new(&args.to, files).map_err(|error| eyre!(of_target(&error)))?;
    if args.listen != 0 && service.local_port() == Some(args.listen) {
        bail!("--listen {0} is the port of the service itself: choose another", args.listen);
    }
    let output = LogOutput::start(args.requests.log.unwrap_or_default(), level)?;
    let passed = block_on(pass(args, service, &output, screen));
    output.finish();
    passed
}

/// What is wrong with the service's address, with the name of the flag that sets it here.
fn of_target(error: &Error) -> String {
    error.to_string().replace("--url", "--to")
}

async fn pass(
    args: &cli::ProxyArgs,
    service: Transport,
    output: &LogOutput,
    screen: Option<TrafficScreen>,
) -> Result<u8> {
    let mut signals = ShutdownSignals::new()?;
    let bind: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let tls = if args.socket.ws { None } else { Some(Tls::new(&bind)?) };
    match (&tls, &args.socket.ca_out) {
        (Some(tls), Some(folder)) => {
            let path = write_root(folder, tls)?;
            output.note(&format!("root certificate: {}", path.display()));
        }
        (Some(_), None) => output.note(
            "clients cannot check the certificate: --ca-out DIR writes its root for their ca_certs",
        ),
        (None, _) => {}
    }
    let listener = Listener::bind("the proxy", &bind, args.listen)?;
    let address = listener.address();
    let capture = args.capture.as_deref().map(|path| {
        CaptureFile::create(path, &args.to).wrap_err_with(|| {
            format!("cannot make {}; give --capture the name of a new file", path.display())
        })
    });
    let capture = capture.transpose()?;
    let journal = Journal::new();
    let tls = tls.map(|tls| Arc::clone(tls.server_config()));
    let proxy = Proxy { service, tls, journal: journal.clone(), capture: capture.clone() };
    let serving = tokio::spawn(proxy.serve(listener));
    let mut follower = Follower::new(journal.clone(), output, None);
    let scheme = if args.socket.ws { "ws" } else { "wss" };
    let url = format!("{scheme}://localhost:{}", address.port());
    let ended = async {
        if let Some(screen) = screen {
            let service = args.to.clone();
            let about = TrafficAbout { title: "proxy", service, url, notes: output.notes() };
            return screen.show(about, &journal, None).await.map(Exit::code);
        }
        print(&format!("READY {url}\n"))?;
        signals.recv().await;
        Ok(0)
    };
    let code: Result<u8> = tokio::select! {
        code = ended => code,
        code = follower.follow() => code,
    };
    serving.abort();
    // An aborted task has ended, too.
    let _ = serving.await;
    follower.finish();
    if let Some(capture) = capture {
        let lost = capture.finish().lost;
        if lost > 0 {
            output.note(&format!("{lost} lines of the capture were lost: the disk is too slow"));
        }
    }
    code
}
