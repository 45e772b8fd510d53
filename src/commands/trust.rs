//! `cortop trust`: shows the certificate of the service on this machine, and stores it if the user confirms.
//! From then on the client connects to a local service with this certificate.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use color_eyre::eyre::{Result, WrapErr as _, bail};
use jiff::Timestamp;

use super::{load, report_warnings};
use crate::{
    cli, config,
    console::{block_on, print, print_error},
    stage::Stage,
};
use cortop_client::{
    Error, ErrorKind,
    certificate::{Certificate, Claims},
    sanitize::clean,
    transport::{Transport, TrustFiles},
};

/// The exit status if the user did not confirm.
const NOT_TRUSTED: u8 = 1;

/// What the service presents.
enum Presented {
    /// A certificate that is trusted anyway.
    Known,
    Unknown(Certificate),
    /// Plain text.
    None,
}

/// Shows, asks and stores; returns the exit status.
///
/// # Errors
/// It cannot start as asked, or cannot store the certificate; the text says what to do.
pub fn run(args: &cli::TrustArgs, display: &cli::DisplayArgs) -> Result<u8> {
    let service = cli::ServiceArgs::from(&args.connection);
    let config = load(&service, display, || None).inspect(report_warnings)?;
    let url = config.url.as_str();
    let Some(place) = config::trusted_path(url) else {
        bail!(
            "cortop trusts a certificate by itself on this machine only, and {url} is not there: give \
             its root with --ca-file, or use a tunnel"
        );
    };
    if args.forget {
        let there = place.exists();
        if there {
            fs::remove_file(&place).wrap_err_with(|| format!("{} stays", place.display()))?;
        }
        let text = if there { "is trusted no longer" } else { "was not trusted" };
        print(&format!("The certificate of {url} {text}.\n"))?;
        return Ok(0);
    }
    let files = TrustFiles { ca_file: config.ca_file.as_deref(), ..TrustFiles::default() };
    match block_on(async { Ok(look(url, files).await) })? {
        Err(error) => {
            print_error(&error.to_string());
            let stage = if is_of_tls(&error) { Stage::Tls } else { Stage::Service };
            Ok(stage.exit_code())
        }
        Ok(Presented::None) => {
            print(&format!("{url} is plain text, and shows no certificate.\n"))?;
            Ok(0)
        }
        Ok(Presented::Known) => {
            print(&format!("The certificate of {url} leads to a known root: nothing to do.\n"))?;
            Ok(0)
        }
        Ok(Presented::Unknown(certificate)) => ask(url, &certificate, &place),
    }
}

fn is_of_tls(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Tls | ErrorKind::Untrusted)
}

/// Connects as the client does; if that is refused, without verification.
async fn look(url: &str, files: TrustFiles<'_>) -> Result<Presented, Error> {
    match Transport::new(url, files)?.certificate().await {
        Ok(Some(_)) => return Ok(Presented::Known),
        Ok(None) => return Ok(Presented::None),
        Err(error) if !is_of_tls(&error) => return Err(error),
        Err(_) => {}
    }
    let unchecked = TrustFiles { insecure: true, ..files };
    let shown = Transport::new(url, unchecked)?.certificate().await?;
    Ok(shown.map_or(Presented::None, Presented::Unknown))
}

fn ask(url: &str, certificate: &Certificate, place: &Path) -> Result<u8> {
    let before = match place.exists().then(|| Certificate::read(place)).transpose() {
        Ok(before) => before,
        Err(error) => {
            let place = place.display();
            print(&format!(
                "Which certificate you trusted is unknown: {place} cannot be read ({error}).\n\n"
            ))?;
            None
        }
    };
    match &before {
        Some(before) if before == certificate => {
            print(&format!("The certificate of {url} is the one that you trust.\n"))?;
            return Ok(0);
        }
        Some(before) => print(&format!(
            "THE CERTIFICATE OF {url} HAS CHANGED since you trusted it. Unless you reinstalled EMOTIV \
             Launcher, another program is impersonating it.\n\nbefore:\n{}\nnow:\n",
            describe(before)
        ))?,
        None => print(&format!("{url} shows this certificate, which leads to no known root:\n\n"))?,
    }
    print(&format!("{}\nTrust it? [y/N] ", describe(certificate)))?;
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).wrap_err("standard input cannot be read")?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        print("It is not trusted; nothing has changed.\n")?;
        return Ok(NOT_TRUSTED);
    }
    let write = || {
        place.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(place, certificate.to_pem())
    };
    write().wrap_err_with(|| format!("{} cannot be written", place.display()))?;
    print(&format!("It is trusted, and kept in {}.\n", place.display()))?;
    Ok(0)
}

/// The details for a person to compare.
fn describe(certificate: &Certificate) -> String {
    let claims = certificate.claims();
    let name = |name: fn(&Claims) -> &str| {
        claims.as_ref().map_or_else(|| "unknown".to_owned(), |claims| clean(name(claims)))
    };
    let day = |time: Timestamp| time.strftime("%F").to_string();
    let validity = claims.as_ref().and_then(|claims| claims.validity);
    let valid = validity.map(|(from, to)| {
        let expired = if to < Timestamp::now() { ": EXPIRED, update EMOTIV Launcher" } else { "" };
        format!("{} to {}{expired}", day(from), day(to))
    });
    let lines = [
        ("subject", name(|claims| &claims.subject)),
        ("issuer", name(|claims| &claims.issuer)),
        ("valid", valid.unwrap_or_else(|| "unknown".to_owned())),
        ("SHA-256", certificate.fingerprint()),
    ];
    lines.map(|(name, text)| format!("  {name:<8} {text}\n")).concat()
}
