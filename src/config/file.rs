//! The config file as written: every setting is optional. An unknown setting is a warning with its name; a
//! wrong type or value is toml's own error, with line, column and a caret.

use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use color_eyre::eyre::{Result, WrapErr as _};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error as _};
use toml::{Spanned, de::DeTable};

use super::{MARKERS, alerts::FileAlerts, mqtt::FileMqtt, sample};
use crate::{
    app::Keymap,
    cli::{SESSIONS, check_max_rate, metrics_address, named},
    ui::{self, Ui, UiOptions},
};
use cortop_client::{
    HeadsetId, SessionPolicy, Stream, nearest_name::suggest_or, transport::check_url,
};

/// The config file. Its names are those of the flags.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct FileSettings {
    #[serde(deserialize_with = "url")]
    #[schemars(with = "String")]
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
    #[serde(deserialize_with = "theme")]
    #[schemars(with = "String")]
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
    #[schemars(with = "BTreeMap<String, BTreeMap<String, Vec<String>>>")]
    pub(super) keys: BTreeMap<String, BTreeMap<String, Spanned<Vec<String>>>>,
}

/// What is wrong in a config file that is used nevertheless.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{found}; {next}")]
pub struct ConfigWarning {
    /// What is wrong, and where.
    pub found: String,
    /// The next step.
    pub next: String,
    /// Whether others can read a secret; otherwise the setting is ignored.
    pub exposes_secret: bool,
}

/// A config file that is not valid.
#[derive(Debug, thiserror::Error)]
#[error(
    "the config file {} is not valid:\n{}\nfix it, or compare with `cortop print config`",
    path.display(),
    problem.quoted
)]
pub struct InvalidFile {
    path: PathBuf,
    problem: FileProblem,
}

impl InvalidFile {
    /// What is wrong, on one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{}: {}", self.path.display(), self.problem.sentence)
    }
}

/// What is wrong in a config file.
#[derive(Debug)]
pub(super) struct FileProblem {
    /// Position and reason, on one line.
    sentence: String,
    /// The same with the line quoted, if it may be shown.
    quoted: String,
}

impl From<String> for FileProblem {
    fn from(text: String) -> Self {
        Self { sentence: text.replace('\n', "; "), quoted: text }
    }
}

/// Reads the file and the keymap that it defines; `None` if there is no file.
pub(super) fn read(
    path: &Path,
    warnings: &mut Vec<ConfigWarning>,
) -> Result<Option<(FileSettings, Keymap)>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).wrap_err_with(|| {
                format!("cannot read the config file {}; it must be a text file", path.display())
            });
        }
    };
    let (file, keymap, unknown) =
        parse(&text).map_err(|problem| InvalidFile { path: path.to_owned(), problem })?;
    let path_shown = path.display();
    warnings.extend(unknown.into_iter().map(|unknown| ConfigWarning {
        found: format!("{path_shown}: {}", unknown.found),
        ..unknown
    }));
    let secret = match &file {
        FileSettings { client_secret: Some(_), .. } => Some("the client secret"),
        FileSettings { mqtt: FileMqtt { password: Some(_), .. }, .. } => {
            Some("the password of the broker")
        }
        _ => None,
    };
    if let Some(secret) = secret.filter(|_| readable_by_others(path)) {
        warnings.push(ConfigWarning {
            found: format!("{path_shown} holds {secret} and others can read it"),
            next: format!("chmod 600 {path_shown}"),
            exposes_secret: true,
        });
    }
    Ok(Some((file, keymap)))
}

/// The settings, the keymap, and a warning for each setting that does not exist.
pub(super) fn parse(text: &str) -> Result<(FileSettings, Keymap, Vec<ConfigWarning>), FileProblem> {
    let mut unknown = Vec::new();
    let mut warnings = Vec::new();
    let file: FileSettings = toml::Deserializer::parse(text)
        .and_then(|file| serde_ignored::deserialize(file, |path| unknown.push(path.to_string())))
        .map_err(|error| show(&error, text))?;
    let lacking = file.mqtt.lacking();
    if !unknown.is_empty() || lacking.is_some() {
        let keys = DeTable::parse(text).map_err(|error| show(&error, text))?;
        let at = |path: &str| {
            let at = key_at(path, keys.get_ref()).map(|at| format!("{}: ", place(text, at)));
            at.unwrap_or_default()
        };
        warnings.extend(unknown.iter().map(|path| unknown_setting(path, &at(path))));
        if let Some((name, why)) = lacking {
            return Err(format!("{}mqtt: {why}", at(&format!("mqtt.{name}"))).into());
        }
    }
    let keymap = keymap(&file, text)?;
    Ok((file, keymap, warnings))
}

/// The warning about an unknown setting, with its position `at` and the setting that was probably meant.
fn unknown_setting(path: &str, at: &str) -> ConfigWarning {
    let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
    let names: Vec<&str> = match section {
        "" => {
            let sections = ["alerts", "mqtt", "keys"];
            sample::rows().iter().map(|row| row.0).chain(sections).collect()
        }
        "alerts" => sample::alerts().iter().map(|row| row.0).collect(),
        "mqtt" => sample::mqtt().iter().map(|row| row.0).collect(),
        _ => Vec::new(),
    };
    let next = suggest_or(names, name, || "`cortop print config` lists them".to_owned());
    let found = format!("{at}there is no setting \"{path}\"");
    ConfigWarning { found, next, exposes_secret: false }
}

/// The byte offset of a setting's key.
fn key_at(path: &str, file: &DeTable<'_>) -> Option<usize> {
    let (sections, name) =
        path.rsplit_once('.').map_or((None, path), |(own, name)| (Some(own), name));
    let sections = sections.into_iter().flat_map(|sections| sections.split('.'));
    let mut table = file;
    for section in sections {
        table = table.get(section)?.get_ref().as_table()?;
    }
    table.keys().find(|key| key.get_ref() == name).map(|key| key.span().start)
}

/// A position in the file, for people.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    format!("line {}, column {}", before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// The keys in force.
fn keymap(file: &FileSettings, text: &str) -> Result<Keymap, String> {
    let mut overrides = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (section, actions) in &file.keys {
        for (action, keys) in actions {
            let name = format!("{section}.{action}");
            places.insert(name.clone(), keys.span().start);
            overrides.insert(name, keys.get_ref().clone());
        }
    }
    Keymap::new(ui::views()).rebind(&overrides).map_err(|errors| {
        let sentences = errors.iter().map(|error| {
            let at = places.get(&error.name);
            let at = at.map(|&at| format!("{}: ", place(text, at))).unwrap_or_default();
            format!("{at}keys: {}", error.why)
        });
        sentences.collect::<Vec<_>>().join("\n")
    })
}

/// Quotes the line as toml does, unless it may contain a credential.
fn show(error: &toml::de::Error, text: &str) -> FileProblem {
    let Some(span) = error.span() else { return error.message().to_owned().into() };
    let start = text[..span.start.min(text.len())].rfind('\n').map_or(0, |at| at + 1);
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let line = &text[start..end.max(span.end.min(text.len()))];
    let has = |names: &[&str]| names.iter().any(|name| line.contains(name));
    let place = place(text, span.start);
    // An address that contains a user, which does not belong there, is not shown either.
    if has(&["client_", "password"]) && !has(&["@"]) {
        return format!(
            "{place}: this must be a name, = and a text in quotes (not shown: it may hold a secret)"
        )
        .into();
    }
    if has(&["@"]) {
        return format!("{place}: {}", error.message()).into();
    }
    let name = line.split_once('=').map(|(name, _)| format!("{}: ", name.trim()));
    let sentence = format!("{place}: {}{}", name.unwrap_or_default(), error.message());
    FileProblem { quoted: error.to_string(), ..sentence.into() }
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

fn url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let url = String::deserialize(from)?;
    check_url(&url).map_err(D::Error::custom)?;
    Ok(Some(url))
}

fn theme<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(from)?;
    let themes = super::folder().map(|folder| folder.join("themes"));
    let (ui, wrong) = Ui::new(&UiOptions { themes, ..UiOptions::default() });
    let names = ui.theme_names();
    if names.contains(&name) {
        return Ok(Some(name));
    }
    let missing = format!("there is no theme \"{name}\"; there are {}", names.join(", "));
    Err(D::Error::custom([wrong, vec![missing]].concat().join("; ")))
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
