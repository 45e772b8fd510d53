//! The section `[mqtt]` of the config file: the broker, our account there, and the station.

use std::path::PathBuf;

use cortop_mqtt::{BrokerAccount, BrokerUser, ClientCertificate, StationName, check_address};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error as _};

/// The section as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct FileMqtt {
    #[serde(deserialize_with = "broker")]
    #[schemars(with = "String")]
    broker: Option<String>,
    user: Option<String>,
    #[schemars(with = "String")]
    pub(super) password: Option<SecretString>,
    ca_file: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    #[serde(deserialize_with = "name")]
    #[schemars(with = "String")]
    name: Option<String>,
    accept_markers: Option<bool>,
    publish: Option<bool>,
}

/// The section in force.
#[derive(Clone, Debug, Default)]
pub struct MqttSettings {
    /// The broker's address.
    pub broker: Option<String>,
    /// Our account at the broker.
    pub account: BrokerAccount,
    /// The station's name, if it differs from the computer's.
    pub name: Option<String>,
    /// Whether a station accepts markers from a lab.
    pub accept_markers: bool,
    /// Whether the monitor publishes, too.
    pub publish: bool,
}

impl FileMqtt {
    /// A setting that means nothing without another that is not there, and why.
    pub(super) fn lacking(&self) -> Option<(&'static str, &'static str)> {
        let Self { broker, user, password, certificate, key, publish, .. } = self;
        if password.is_some() && user.is_none() {
            Some(("password", "a password needs its user: set user, too"))
        } else if certificate.is_some() && key.is_none() {
            Some(("certificate", "a certificate needs its key: set key, too"))
        } else if key.is_some() && certificate.is_none() {
            Some(("key", "a key needs its certificate: set certificate, too"))
        } else if *publish == Some(true) && broker.is_none() {
            Some(("publish", "there is no broker to publish to: set broker, too"))
        } else {
            None
        }
    }

    /// The settings in force.
    pub(super) fn resolve(self) -> MqttSettings {
        let Self { user, password, ca_file, certificate, key, .. } = self;
        let pair = certificate.zip(key);
        MqttSettings {
            broker: self.broker,
            account: BrokerAccount {
                user: user.map(|name| BrokerUser { name, password }),
                ca_file,
                certificate: pair.map(|(chain, key)| ClientCertificate { chain, key }),
            },
            name: self.name,
            accept_markers: self.accept_markers.unwrap_or_default(),
            publish: self.publish.unwrap_or_default(),
        }
    }
}

fn broker<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let address = String::deserialize(from)?;
    check_address(&address).map_err(D::Error::custom)?;
    Ok(Some(address))
}

fn name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(from)?;
    name.parse::<StationName>().map_err(D::Error::custom)?;
    Ok(Some(name))
}
