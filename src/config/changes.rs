//! The differences between two readings of the settings, by their names in the config file.

use std::fmt::Debug;

use secrecy::ExposeSecret as _;

use super::{Config, MqttSettings};
use crate::app::section_name;

/// The settings that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those that take effect at once.
    pub applied: Vec<String>,
    /// Those that take effect with the next connection or sign-in.
    pub reconnect: Vec<String>,
    /// Those that take effect after a restart.
    pub restart: Vec<String>,
}

impl Changes {
    /// Compares two readings.
    #[must_use]
    pub fn between(before: &Config, after: &Config) -> Self {
        let mut applied = names(&[
            ("fps", before.fps != after.fps),
            ("mouse", before.mouse != after.mouse),
            ("theme", before.theme != after.theme),
            ("markers", before.markers != after.markers),
        ]);
        applied.extend(alerts(before, after));
        applied.extend(keys(before, after));
        let secrets = |config: &Config| {
            let secrets = config.credentials.as_ref().ok();
            secrets
                .map(|own| [&own.id, &own.secret].map(|secret| secret.expose_secret().to_owned()))
        };
        let mut restart = names(&[
            ("url", before.url != after.url),
            ("ca-file", before.ca_file != after.ca_file),
            ("insecure", before.insecure != after.insecure),
            ("headset", before.headset != after.headset),
            ("session", before.session != after.session),
            ("debit", before.debit != after.debit),
            ("streams", before.streams != after.streams),
            ("history-mib", before.history != after.history),
            ("max-rate", before.output.max_rate != after.output.max_rate),
            ("ascii", before.ascii != after.ascii),
            ("synchronized", before.output.synchronized != after.output.synchronized),
            ("full-redraw", before.output.full_redraw != after.output.full_redraw),
            ("metrics", before.metrics != after.metrics),
            ("log-file", before.log_file != after.log_file),
        ]);
        restart.extend(mqtt(before, after));
        let reconnect = names(&[("client_id or client_secret", secrets(before) != secrets(after))]);
        Self { applied, reconnect, restart }
    }

    /// A sentence about the changes.
    #[must_use]
    pub fn sentence(&self) -> String {
        let parts = [
            (&self.applied, ""),
            (&self.reconnect, ", used from the next sign-in on"),
            (&self.restart, ", in effect after a restart"),
        ];
        let parts = parts.iter().filter(|(names, _)| !names.is_empty());
        let parts: Vec<_> =
            parts.map(|(names, when)| format!("{} changed{when}", names.join(", "))).collect();
        match parts.as_slice() {
            [] => "configuration read again: nothing has changed".to_owned(),
            parts => format!("configuration read again: {}", parts.join("; ")),
        }
    }
}

/// The names of settings that differ.
fn names(pairs: &[(&str, bool)]) -> Vec<String> {
    let changed = pairs.iter().filter(|(_, changed)| *changed);
    changed.map(|(name, _)| (*name).to_owned()).collect()
}

/// The settings of a station that differ; it reads them only when it starts.
fn mqtt(before: &Config, after: &Config) -> Vec<String> {
    let (before, after) = (&before.mqtt, &after.mqtt);
    let secret = |own: &MqttSettings| {
        let password = own.account.user.as_ref().and_then(|user| user.password.as_ref());
        password.map(|own| own.expose_secret().to_owned())
    };
    let user = |own: &MqttSettings| own.account.user.as_ref().map(|user| user.name.clone());
    let certificate = |own: &MqttSettings| own.account.certificate.clone();
    let chain = |own: &MqttSettings| certificate(own).map(|own| own.chain);
    let key = |own: &MqttSettings| certificate(own).map(|own| own.key);
    names(&[
        ("mqtt.broker", before.broker != after.broker),
        ("mqtt.user", user(before) != user(after)),
        ("mqtt.password", secret(before) != secret(after)),
        ("mqtt.ca-file", before.account.ca_file != after.account.ca_file),
        ("mqtt.certificate", chain(before) != chain(after)),
        ("mqtt.key", key(before) != key(after)),
        ("mqtt.name", before.name != after.name),
        ("mqtt.accept-markers", before.accept_markers != after.accept_markers),
        ("mqtt.publish", before.publish != after.publish),
    ])
}

fn alerts(before: &Config, after: &Config) -> Vec<String> {
    let (before, after) = (&before.alerts, &after.alerts);
    let pairs: [(&str, &dyn Debug, &dyn Debug); 11] = [
        ("when", &before.when, &after.when),
        ("stale", &before.stale, &after.stale),
        ("loss", &before.loss, &after.loss),
        ("contact", &before.contact, &after.contact),
        ("rail", &before.rail, &after.rail),
        ("battery", &before.battery, &after.battery),
        ("disk", &before.disk, &after.disk),
        ("record", &before.record, &after.record),
        ("bell", &before.bell, &after.bell),
        ("notification", &before.notification, &after.notification),
        ("on-alert", &before.command, &after.command),
    ];
    let changed = pairs.iter().filter(|(_, one, other)| format!("{one:?}") != format!("{other:?}"));
    changed.map(|(name, ..)| format!("alerts.{name}")).collect()
}

fn keys(before: &Config, after: &Config) -> Vec<String> {
    let rows = before.keymap.rows().zip(after.keymap.rows());
    let changed = rows.filter(|((_, one), (_, other))| one != other);
    changed.map(|((row, _), _)| format!("keys.{}.{}", section_name(row.pane), row.name)).collect()
}
