//! The values of flags, and how they are parsed.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use cortop_client::{SessionPolicy, model::Model};

/// Scopes of a licence; none for a basic one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes(pub Vec<String>);

/// The session policies and their names on the command line and in the config file.
pub const SESSIONS: [(&str, SessionPolicy); 3] = [
    ("auto", SessionPolicy::Auto),
    ("active", SessionPolicy::Active),
    ("open", SessionPolicy::Open),
];

/// The scopes that a licence can have.
pub const SCOPES: [&str; 2] = ["eeg", "pm"];
/// The name for a licence without scopes.
pub const NO_SCOPES: &str = "none";

/// The models that the demo offers.
const MODELS: [Model; 5] =
    [Model::EpocX, Model::EpocPlus, Model::Insight, Model::EpocFlex, Model::Mn8];

/// The value with a name.
#[must_use]
pub fn named<T: Copy>(names: &[(&str, T)], name: &str) -> Option<T> {
    names.iter().find(|(own, _)| *own == name).map(|&(_, value)| value)
}

pub(super) fn session_parser() -> impl TypedValueParser<Value = SessionPolicy> {
    PossibleValuesParser::new(SESSIONS.map(|(name, _)| name))
        .map(|name| named(&SESSIONS, &name).unwrap_or_default())
}

pub(super) fn model_parser() -> impl TypedValueParser<Value = Model> {
    let named = |name: &str| MODELS.into_iter().find(|model| model.cli_name() == name);
    PossibleValuesParser::new(MODELS.map(Model::cli_name))
        .map(move |name| named(&name).unwrap_or(Model::EpocX))
}

pub(super) fn max_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().map_err(|_| "not a number".to_owned())?;
    check_max_rate(rate).map(|()| rate)
}

pub(super) fn scopes(text: &str) -> Result<Scopes, String> {
    let names: Vec<_> = text.split(',').map(str::to_owned).collect();
    if text == NO_SCOPES {
        Ok(Scopes(Vec::new()))
    } else if names.iter().all(|name| SCOPES.contains(&name.as_str())) {
        Ok(Scopes(names))
    } else {
        Err("must be eeg, pm, eeg,pm or none".to_owned())
    }
}

pub(super) fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=1000.0).contains(&speed) {
        Ok(speed)
    } else {
        Err("must be 0.01 to 1000".to_owned())
    }
}

/// Parses a duration; a plain number is in seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as 10s, 2m, 500ms or 10 (seconds)".to_owned();
    let duration = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?,
        Err(_) => text
            .parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|duration| duration.try_into().ok())
            .ok_or_else(wrong)?,
    };
    if duration.is_zero() {
        Err("must be more than 0".to_owned())
    } else if duration >= LONGEST {
        Err("must be less than 8784h, a year".to_owned())
    } else {
        Ok(duration)
    }
}

/// A duration of this length or more is taken for a typing error.
const LONGEST: Duration = Duration::from_secs(8784 * 3600);

/// The mains frequency in Hz.
///
/// # Errors
/// Only 50 and 60 exist.
pub(super) fn mains(text: &str) -> Result<u16, String> {
    match text {
        "50" => Ok(50),
        "60" => Ok(60),
        _ => Err("mains have 50 or 60 Hz".to_owned()),
    }
}

/// The default address for metrics, on this machine, with the usual port of OpenTelemetry's Prometheus
/// exporters.
pub const METRICS: &str = "127.0.0.1:9464";

/// Parses the address for metrics; a port alone means 127.0.0.1.
///
/// # Errors
/// A sentence that says how to write it.
pub fn metrics_address(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse::<u16>().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    port.or_else(|_| text.parse())
        .map_err(|_| "write it as PORT or ADDR:PORT, such as 9464 or 0.0.0.0:9464".to_owned())
}

/// Parses an address to listen on; a port alone means 127.0.0.1.
pub(super) fn listening(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse::<u16>().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let address = port.or_else(|_| text.parse());
    let address = address.ok().filter(|address| address.port() > 0);
    address.ok_or_else(|| "write it as PORT or ADDR:PORT, such as 5005 or 0.0.0.0:5005".to_owned())
}

/// Checks a rate in kB/s.
///
/// # Errors
/// A sentence that says what a rate must be.
pub fn check_max_rate(rate: f64) -> Result<(), String> {
    if rate.is_finite() && rate > 0.0 { Ok(()) } else { Err("must be more than 0 kB/s".to_owned()) }
}
