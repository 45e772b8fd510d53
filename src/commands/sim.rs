//! `cortop sim`: the simulated service for other people's clients, from the arguments until it is
//! told to end. Needs no terminal. What it says for programs goes to standard output, everything
//! else to standard error.

use std::{
    collections::BTreeSet,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    pin::pin,
    sync::Arc,
};

use color_eyre::eyre::{Result, WrapErr as _, bail};

use crate::{
    cli,
    console::{print, report_panics, shutdown_signal},
    logging,
};
use cortop_sim::{
    Options, Sim, assumptions, fault,
    headset_config::{HeadsetConfig, MAX_HEADSETS},
    scenario::Scenario,
    tls::Tls,
};

/// Serves until Ctrl-C or SIGTERM, or prints the list asked for.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn run(args: &cli::SimArgs) -> Result<()> {
    if args.list_faults || args.assumptions {
        let faults = if args.list_faults { fault::list() } else { String::new() };
        let assumptions = if args.assumptions { assumptions::list() } else { String::new() };
        return print(&(faults + &assumptions));
    }
    report_panics()?;
    let requests = logging::init_requests(args.quiet)?;
    let options = options(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(serve(args, options));
    // Neither an export nor a file that is still being read holds the exit back.
    runtime.shutdown_background();
    requests.finish();
    served
}

async fn serve(args: &cli::SimArgs, options: Options) -> Result<()> {
    // Before anybody can be told that all is ready, and then ends it.
    let mut end = pin!(shutdown_signal()?);
    let sim = tokio::select! {
        sim = Sim::start(options) => sim?,
        () = &mut end => return Ok(()),
    };
    for note in &sim.notes {
        eprintln!("{note}");
    }
    let scheme = if args.ws { "ws" } else { "wss" };
    let host = match args.bind.filter(|address| !address.is_loopback() && !address.is_unspecified())
    {
        Some(IpAddr::V6(address)) => format!("[{address}]"),
        Some(IpAddr::V4(address)) => address.to_string(),
        None => "localhost".to_owned(),
    };
    print(&format!("READY {scheme}://{host}:{}\n", sim.address.port()))?;
    end.await;
    sim.stop().await;
    Ok(())
}

/// What the arguments ask for.
fn options(args: &cli::SimArgs) -> Result<Options> {
    let bind: Vec<IpAddr> = match args.bind {
        Some(address) => vec![address],
        None => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
    };
    if args.bind.is_some_and(|address| !address.is_loopback()) {
        eprintln!("anybody who reaches this machine can use this simulator");
    }
    let tls = match (args.ws, &args.ca_out) {
        (true, _) => None,
        (false, folder) => {
            let tls = Tls::new(&bind)?;
            match folder {
                Some(folder) => write_root(folder, &tls)?,
                None => eprintln!(
                    "clients cannot check the certificate: --ca-out DIR writes its root for their \
                     ca_certs"
                ),
            }
            Some(Arc::new(tls))
        }
    };
    let scenario = args.scenario.as_deref().map(Scenario::read).transpose()?.unwrap_or_default();
    let defaults = Options::default();
    Ok(Options {
        headsets: headsets(&args.headset)?.unwrap_or(defaults.headsets),
        replay: args.replay.clone(),
        seed: args.seed.unwrap_or(1),
        ids: args.seed,
        warm: false,
        approved: args.approved,
        tls,
        bind,
        port: args.port,
        scenario: scenario.injections,
        control: args.allow_control,
        scopes: args.licence.scopes.0.clone(),
        quota: args.licence.activations,
        speed: args.speed,
        ..Options::default()
    })
}

/// The headsets, if any are asked for.
fn headsets(wanted: &[HeadsetConfig]) -> Result<Option<Vec<HeadsetConfig>>> {
    if wanted.len() > MAX_HEADSETS {
        bail!("{} headsets are too many: leave out all but {MAX_HEADSETS}", wanted.len());
    }
    let mut ids = BTreeSet::new();
    for id in wanted.iter().filter_map(|own| own.id.as_ref()) {
        if !ids.insert(id.as_str()) {
            bail!("two headsets have the id {id}: give one of them another");
        }
    }
    Ok((!wanted.is_empty()).then(|| wanted.to_vec()))
}

/// Writes the root where clients find it, and says where.
fn write_root(folder: &Path, tls: &Tls) -> Result<()> {
    let path = folder.join("root.pem");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, &tls.root_pem))
        .wrap_err_with(|| format!("cannot write {}; choose another --ca-out", path.display()))?;
    eprintln!("root certificate: {}", path.display());
    Ok(())
}
