//! The config file as it is written: every setting is optional. Unknown settings are warned about by
//! name; a wrong type or value is toml's own error, which has line, column and a caret.

use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use color_eyre::eyre::{Result, WrapErr as _, eyre};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{MARKERS, alerts::FileAlerts, mqtt::FileMqtt};
use crate::cli::{SESSIONS, check_max_rate, metrics_address, named};
use cortop_client::{HeadsetId, SessionPolicy, Stream};

/// The config file. Its names are those of the flags.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct FileSettings {
    pub(super) url: Option<String>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) insecure: Option<bool>,
    #[schemars(with = "String")]
    pub(super) headset: Option<HeadsetId>,
    #[serde(deserialize_with = "session")]
    #[schemars(with = "String", extend("enum" = SESSIONS.map(|(name, _)| name)))]
    pub(super) session: Option<SessionPolicy>,
    pub(super) debit: Option<u32>,
    #[serde(deserialize_with = "streams")]
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub(super) streams: Option<Vec<Stream>>,
    #[serde(rename = "client_id")]
    #[schemars(with = "String")]
    pub(super) client_id: Option<SecretString>,
    #[serde(rename = "client_secret")]
    #[schemars(with = "String")]
    pub(super) client_secret: Option<SecretString>,
    #[serde(deserialize_with = "fps")]
    #[schemars(with = "u16", range(min = 1, max = 60))]
    pub(super) fps: Option<u16>,
    #[serde(deserialize_with = "history_mib")]
    #[schemars(with = "u16", range(min = 1, max = 32768))]
    pub(super) history_mib: Option<u16>,
    #[serde(deserialize_with = "max_rate")]
    #[schemars(with = "f64", extend("exclusiveMinimum" = 0))]
    pub(super) max_rate: Option<f64>,
    pub(super) ascii: Option<bool>,
    pub(super) mouse: Option<bool>,
    pub(super) theme: Option<String>,
    pub(super) synchronized: Option<bool>,
    #[serde(alias = "plain-output")]
    pub(super) full_redraw: Option<bool>,
    pub(super) log_file: Option<PathBuf>,
    #[serde(deserialize_with = "markers")]
    #[schemars(with = "Vec<String>", length(max = MARKERS))]
    pub(super) markers: Option<Vec<String>>,
    #[serde(deserialize_with = "metrics")]
    #[schemars(with = "String")]
    pub(super) metrics: Option<SocketAddr>,
    pub(super) alerts: FileAlerts,
    pub(super) mqtt: FileMqtt,
    /// Section → action → keys.
    pub(super) keys: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// Reads the file; `None` if there is none.
pub(super) fn read(path: &Path, warnings: &mut Vec<String>) -> Result<Option<FileSettings>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).wrap_err_with(|| {
                format!("cannot read the config file {}; it must be a text file", path.display())
            });
        }
    };
    let file = parse(&text, warnings).map_err(|error| {
        eyre!(
            "the config file {} is not valid:\n{error}\nfix it, or compare with `cortop print config`",
            path.display()
        )
    })?;
    let secret = match &file {
        FileSettings { client_secret: Some(_), .. } => Some("the client secret"),
        FileSettings { mqtt: FileMqtt { password: Some(_), .. }, .. } => {
            Some("the password of the broker")
        }
        _ => None,
    };
    if let Some(secret) = secret.filter(|_| readable_by_others(path)) {
        let path = path.display();
        warnings.push(format!("{path} holds {secret} and others can read it: chmod 600 it"));
    }
    Ok(Some(file))
}

pub(super) fn parse(text: &str, warnings: &mut Vec<String>) -> Result<FileSettings, String> {
    toml::Deserializer::parse(text)
        .and_then(|file| {
            serde_ignored::deserialize(file, |name| {
                warnings.push(format!(
                    "config: there is no setting \"{name}\"; `cortop print config` lists them"
                ));
            })
        })
        .map_err(|error| show(&error, text))
}

/// toml's own text, which quotes the line, unless the line may contain a credential.
fn show(error: &toml::de::Error, text: &str) -> String {
    let Some(span) = error.span() else { return error.message().to_owned() };
    let start = text[..span.start.min(text.len())].rfind('\n').map_or(0, |at| at + 1);
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let quoted = &text[start..end.max(span.end.min(text.len()))];
    if !["client_", "password"].iter().any(|name| quoted.contains(name)) {
        return error.to_string();
    }
    let line = text[..start].lines().count() + 1;
    format!("line {line} must be a name, = and a text in quotes (not shown: it may hold a secret)")
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> bool {
    false
}

fn session<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SessionPolicy>, D::Error> {
    let name = String::deserialize(from)?;
    named(&SESSIONS, &name).map(Some).ok_or_else(|| {
        D::Error::custom(format!(
            "\"{name}\" is none of {}",
            SESSIONS.map(|(name, _)| name).join(" ")
        ))
    })
}

fn streams<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Stream>>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    if names.is_empty() {
        return Err(D::Error::custom("name at least one stream"));
    }
    names
        .iter()
        .map(|name| name.parse().map_err(D::Error::custom))
        .collect::<Result<_, _>>()
        .map(Some)
}

fn markers<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let labels = Vec::<String>::deserialize(from)?;
    if labels.len() > MARKERS || labels.iter().any(|label| label.trim().is_empty()) {
        return Err(D::Error::custom(format!("name up to {MARKERS} labels, none of them empty")));
    }
    Ok(Some(labels))
}

fn metrics<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    metrics_address(&text).map(Some).map_err(D::Error::custom)
}

fn fps<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    let fps = u16::deserialize(from)?;
    if (1..=60).contains(&fps) { Ok(Some(fps)) } else { Err(D::Error::custom("must be 1 to 60")) }
}

fn history_mib<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    let mib = u16::deserialize(from)?;
    if (1..=32_768).contains(&mib) {
        Ok(Some(mib))
    } else {
        Err(D::Error::custom("must be 1 to 32768"))
    }
}

fn max_rate<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let rate = f64::deserialize(from)?;
    check_max_rate(rate).map_err(D::Error::custom)?;
    Ok(Some(rate))
}
