//! Finds what is wrong with the watched headsets, and words the alerts.

use std::fmt::Write as _;

use super::{
    AlertWhen,
    tracker::{Alert, AlertKind, Fact, Watched},
};
use crate::app::{App, SessionEntry};
use cortop_client::sanitize::clean_bounded;
use cortop_signal::{Defect, StreamHealth, snapshot::DeviceReadings};

/// The least number of seconds of samples for a loss in per cent to mean anything.
const ENOUGH: f64 = 5.0;

/// If an alert concerns at least two more parts of a headset than this, it names this many and counts the
/// rest.
const NAMED: usize = 3;

impl App {
    /// What is known of each watched headset.
    pub(super) fn watched(&self) -> Vec<Watched<'_>> {
        let is_watched = |entry: &&SessionEntry| match self.settings.alerts.when {
            AlertWhen::Off => false,
            AlertWhen::Recording => self.records.is_running_in(&entry.session.id),
            AlertWhen::Always => true,
        };
        let live = self.sessions.live().filter(|entry| self.is_live(entry));
        live.filter(is_watched).map(|entry| self.facts_of(entry)).collect()
    }

    fn facts_of<'a>(&'a self, entry: &'a SessionEntry) -> Watched<'a> {
        let settings = &self.settings.alerts;
        let now = self.now.instant;
        let health = self.snapshot.health_in(&entry.session.id);
        let headset = &entry.session.headset.id;
        let fact =
            |subject: &str, value| Fact { subject: clean_bounded(subject), value, since: now };
        let is_marked_bad = |label: &str| self.streams.bad.contains(label);
        let mut known = Vec::new();
        if settings.stale && !health.is_empty() {
            let subscribed = health.iter().filter(|own| entry.subscribed.contains(&own.stream));
            let stale = subscribed.filter_map(|own| {
                let since = own.stale_since?;
                let silent = now.saturating_duration_since(since).as_secs_f64();
                Some(Fact { since, ..fact(own.stream.name(), Some(silent.round())) })
            });
            known.push((AlertKind::Stale, stale.collect()));
        }
        if let Some(limit) = settings.loss
            && !health.is_empty()
        {
            let lossy = health.iter().filter_map(|own| Some((own, loss(own)?)));
            let lossy = lossy.filter(|(_, loss)| *loss > limit);
            let facts = lossy.map(|(own, loss)| fact(own.stream.name(), Some(loss)));
            known.push((AlertKind::Loss, facts.collect()));
        }
        // Cortex's last report of contact and battery may be out of date.
        let flows = |wanted: &str| {
            let mut own = health.iter().filter(|own| own.stream.name() == wanted);
            own.any(|own| own.stale_since.is_none() && own.last.is_some())
        };
        let device = self.snapshot.devices.get(headset);
        let contact = device.and_then(|device| device.dev.as_deref()).filter(|_| flows("dev"));
        if settings.contact.is_some()
            && let Some(contact) = contact
        {
            let lost = contact.sensors().filter(|(sensor, level)| {
                level.is_some_and(|level| level <= 0.0) && !is_marked_bad(sensor)
            });
            let facts = lost.map(|(sensor, _)| fact(sensor, None));
            known.push((AlertKind::Contact, facts.collect()));
        }
        if settings.rail && flows("eeg") {
            let bad = health.iter().flat_map(|own| own.bad_channels.iter());
            let railed =
                bad.filter(|bad| bad.defect == Defect::Railed && !is_marked_bad(&bad.label));
            let facts = railed.map(|bad| fact(&bad.label, None));
            known.push((AlertKind::Rail, facts.collect()));
        }
        let battery = device.filter(|_| flows("dev") || flows("eq"));
        if let Some(limit) = settings.battery
            && let Some(percent) = battery.and_then(DeviceReadings::battery)
        {
            let low = (percent < limit).then(|| fact("battery", Some(percent)));
            known.push((AlertKind::Battery, low.into_iter().collect()));
        }
        Watched { headset, known }
    }
}

/// The samples lost within the last 10 s, in per cent; `None` if the stream does not count its samples.
fn loss(health: &StreamHealth) -> Option<f64> {
    let recent = &health.recent;
    let enough = health.nominal_rate? * ENOUGH;
    let is_enough = recent.received.saturating_add(recent.lost) as f64 >= enough;
    (health.stream.is_trace() && is_enough).then(|| recent.loss() * 100.0)
}

impl AlertKind {
    /// Its name in the environment of the user's command.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Loss => "loss",
            Self::Contact => "contact",
            Self::Rail => "rail",
            Self::Battery => "battery",
            Self::Disk => "disk",
            Self::Record => "record",
        }
    }

    /// A short phrase for what is wrong with a part of a headset.
    #[must_use]
    pub(crate) fn words(self, subject: &str) -> String {
        match self {
            Self::Stale => format!("{subject} stale"),
            Self::Loss => format!("{subject} loses samples"),
            Self::Contact => format!("{subject} no contact"),
            Self::Rail => format!("{subject} railed"),
            Self::Battery => "battery low".to_owned(),
            Self::Disk | Self::Record => subject.to_owned(),
        }
    }
}

impl Alert {
    /// One sentence, without control characters.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        let subjects = match &self.subjects[..] {
            // The picture shows the rest, and so do the variables of the user's command.
            [first @ .., _, _] if first.len() >= NAMED => {
                let more = self.subjects.len() - NAMED;
                format!("{} and {more} more", self.subjects[..NAMED].join(" "))
            }
            all => all.join(" "),
        };
        let many = self.subjects.len() > 1;
        let number = self.value.unwrap_or_default();
        let seconds = self.lasted.as_secs();
        let is = if many { "are" } else { "is" };
        let has = if many { "have" } else { "has" };
        let its = if many { "their" } else { "its" };
        let what = match (self.kind, self.is_over) {
            (AlertKind::Stale, false) => {
                format!("{subjects} {is} stale, no sample for {number:.0} s")
            }
            (AlertKind::Stale, true) => format!("{subjects} came back after {seconds} s"),
            (AlertKind::Loss, false) => {
                format!("{subjects} {has} lost {number:.1} % of {its} samples within 10 s")
            }
            (AlertKind::Loss, true) => format!("{subjects}: loss is below the threshold again"),
            (AlertKind::Contact, false) => {
                format!("{subjects} {has} had no contact for {seconds} s")
            }
            (AlertKind::Contact, true) => {
                format!("{subjects} {has} contact again after {seconds} s")
            }
            (AlertKind::Rail, false) => format!("{subjects} {is} railed"),
            (AlertKind::Rail, true) => {
                format!("{subjects} {is} no longer railed after {seconds} s")
            }
            (AlertKind::Battery, false) => format!("battery low, {number:.0} % left"),
            (AlertKind::Battery, true) => "battery no longer low".to_owned(),
            (AlertKind::Disk | AlertKind::Record, _) => subjects,
        };
        let headset = self.headset.as_ref().map(|headset| clean_bounded(headset.as_str()));
        headset.map_or(what.clone(), |headset| format!("{headset}: {what}"))
    }

    /// The environment variables for the user's command. All of them are always set, so that none is
    /// inherited.
    #[must_use]
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let subjects = |kinds: [AlertKind; 2]| {
            if kinds.contains(&self.kind) { self.subjects.join(" ") } else { String::new() }
        };
        let headset = self.headset.as_ref().map(|headset| clean_bounded(headset.as_str()));
        let value = match self.kind {
            // At its end an alert reports only how long the condition lasted.
            _ if self.is_over => Some(self.lasted.as_secs() as f64),
            AlertKind::Contact => Some(self.lasted.as_secs() as f64),
            _ => self.value,
        };
        let mut number = String::new();
        if let Some(value) = value {
            // Writing to a `String` cannot fail.
            let _ = write!(number, "{}", (value * 10.0).round() / 10.0);
        }
        vec![
            ("CORTOP_ALERT", self.kind.name().to_owned()),
            ("CORTOP_STATE", if self.is_over { "over" } else { "begun" }.to_owned()),
            ("CORTOP_HEADSET", headset.unwrap_or_default()),
            ("CORTOP_STREAM", subjects([AlertKind::Stale, AlertKind::Loss])),
            ("CORTOP_SENSOR", subjects([AlertKind::Contact, AlertKind::Rail])),
            ("CORTOP_VALUE", number),
            ("CORTOP_TEXT", self.text()),
        ]
    }
}
