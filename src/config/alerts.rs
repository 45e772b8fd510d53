//! The section `[alerts]` of the config file.

use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};
use toml::Value;

use crate::{
    app::{AlertSettings, AlertWhen, NotificationProtocol},
    cli::named,
};

/// Maximum time without contact before an alert, in seconds.
const LONGEST: i64 = 3600;

/// The section as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct FileAlerts {
    #[serde(deserialize_with = "when")]
    #[schemars(with = "String", extend("enum" = AlertWhen::NAMES.map(|(name, _)| name)))]
    when: Option<AlertWhen>,
    #[serde(deserialize_with = "switch")]
    stale: Option<bool>,
    #[serde(deserialize_with = "loss")]
    #[schemars(schema_with = "percent_schema")]
    loss: Option<Threshold<f64>>,
    #[serde(deserialize_with = "contact")]
    #[schemars(schema_with = "seconds_schema")]
    contact: Option<Threshold<Duration>>,
    #[serde(deserialize_with = "switch")]
    rail: Option<bool>,
    #[serde(deserialize_with = "battery")]
    #[schemars(schema_with = "percent_schema")]
    battery: Option<Threshold<f64>>,
    #[serde(deserialize_with = "switch")]
    disk: Option<bool>,
    #[serde(deserialize_with = "switch")]
    record: Option<bool>,
    #[serde(deserialize_with = "switch")]
    bell: Option<bool>,
    #[serde(deserialize_with = "notification")]
    #[schemars(with = "String", extend("enum" = NotificationProtocol::NAMES.map(|(name, _)| name)))]
    notification: Option<NotificationProtocol>,
    #[serde(deserialize_with = "command")]
    on_alert: Option<Vec<String>>,
}

/// A number above or below which there is an alert, or none at all.
#[derive(Clone, Copy, Debug)]
enum Threshold<T> {
    Off,
    At(T),
}

impl<T> Threshold<T> {
    fn value(self) -> Option<T> {
        match self {
            Self::Off => None,
            Self::At(value) => Some(value),
        }
    }
}

impl FileAlerts {
    /// The settings in force, with defaults for what is not set.
    pub(super) fn resolve(self) -> AlertSettings {
        let default = AlertSettings::default();
        AlertSettings {
            when: self.when.unwrap_or(default.when),
            stale: self.stale.unwrap_or(default.stale),
            loss: self.loss.map_or(default.loss, Threshold::value),
            contact: self.contact.map_or(default.contact, Threshold::value),
            rail: self.rail.unwrap_or(default.rail),
            battery: self.battery.map_or(default.battery, Threshold::value),
            disk: self.disk.unwrap_or(default.disk),
            record: self.record.unwrap_or(default.record),
            bell: self.bell.unwrap_or(default.bell),
            notification: self.notification.unwrap_or(default.notification),
            command: self.on_alert.unwrap_or(default.command),
        }
    }
}

fn percent_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [
        { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100 },
        { "type": "boolean", "enum": [false] }
    ] })
}

fn seconds_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": LONGEST },
        { "type": "boolean", "enum": [false] }
    ] })
}

fn when<'de, D: Deserializer<'de>>(from: D) -> Result<Option<AlertWhen>, D::Error> {
    one_of(from, "when", &AlertWhen::NAMES)
}

fn notification<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<NotificationProtocol>, D::Error> {
    one_of(from, "notification", &NotificationProtocol::NAMES)
}

fn one_of<'de, D: Deserializer<'de>, T: Copy>(
    from: D,
    key: &str,
    names: &[(&str, T)],
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(from)?;
    let found = value.as_str().and_then(|name| named(names, name));
    let allowed: Vec<_> = names.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let wrong = || D::Error::custom(format!("{key} must be one of {}", allowed.join(", ")));
    found.map(Some).ok_or_else(wrong)
}

fn switch<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    let value = Value::deserialize(from)?;
    value.as_bool().map(Some).ok_or_else(|| D::Error::custom("this must be true or false"))
}

fn loss<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Threshold<f64>>, D::Error> {
    percent(from, "loss")
}

fn battery<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Threshold<f64>>, D::Error> {
    percent(from, "battery")
}

fn percent<'de, D: Deserializer<'de>>(
    from: D,
    key: &str,
) -> Result<Option<Threshold<f64>>, D::Error> {
    let value = Value::deserialize(from)?;
    let number = value.as_float().or(value.as_integer().map(|whole| whole as f64));
    match number {
        _ if value.as_bool() == Some(false) => Ok(Some(Threshold::Off)),
        Some(percent) if percent > 0.0 && percent < 100.0 => Ok(Some(Threshold::At(percent))),
        _ => Err(D::Error::custom(format!(
            "{key} must be a percentage above 0 and below 100, or false"
        ))),
    }
}

fn contact<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Threshold<Duration>>, D::Error> {
    let value = Value::deserialize(from)?;
    let seconds = value.as_integer().filter(|seconds| (1..=LONGEST).contains(seconds));
    match seconds.and_then(|seconds| u64::try_from(seconds).ok()) {
        _ if value.as_bool() == Some(false) => Ok(Some(Threshold::Off)),
        Some(seconds) => Ok(Some(Threshold::At(Duration::from_secs(seconds)))),
        None => Err(D::Error::custom(format!("contact must be 1 to {LONGEST} seconds, or false"))),
    }
}

fn command<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let value = Value::deserialize(from)?;
    let words = value.as_array().map(|words| {
        words.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    match words.flatten() {
        Some(words)
            if words.first().is_none_or(|program| !program.trim().is_empty())
                && words.iter().all(|word| !word.contains('\0')) =>
        {
            Ok(Some(words))
        }
        _ => Err(D::Error::custom(
            "on-alert must be a program and its arguments, such as [\"/usr/bin/logger\", \"-t\", \
             \"cortop\"], or [] for none",
        )),
    }
}
