//! Turns events and snapshots into states of headsets. Numbers are rounded to the precision that readers
//! need, so that noise does not count as a change.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use crate::{app::AlertSettings, known::Known};
use cortop_client::{
    Headset, HeadsetId, Moment, Session, Stream, headset::HeadsetStatus, model::Model,
    sanitize::floor_char_boundary,
};
use cortop_mqtt::{
    Text,
    payload::{
        HeadsetCondition, HeadsetState, MOST_EXACT, MOST_HEADSETS, MOST_SENSORS, SensorState,
        SessionState, StationAlert, StreamReport,
    },
};
use cortop_signal::{
    Defect, Snapshot, StreamHealth,
    snapshot::{DeviceReadings, LatestValues},
};

/// A loss needs samples of at least this many seconds to be meaningful.
const ENOUGH: f64 = 5.0;

/// Maximum length of a sensor's name in bytes, so that the longest state is still short enough for readers.
const LONGEST_NAME: usize = 32;

/// Creates the states of headsets, and remembers what alerts need from the past.
#[derive(Debug)]
pub(super) struct Facts {
    alerts: AlertSettings,
    /// Since when each of these sensors has had no contact.
    contact_lost: BTreeMap<(HeadsetId, String), Instant>,
}

impl Facts {
    pub(super) fn new(alerts: AlertSettings) -> Self {
        Self { alerts, contact_lost: BTreeMap::new() }
    }

    /// Changes the settings of the alerts.
    pub(super) fn set_alerts(&mut self, alerts: AlertSettings) {
        self.alerts = alerts;
    }

    /// The states of all headsets that are listed or have a live session. While the service is away, those
    /// of the headsets that were listed before, without anything else that was known of them.
    pub(super) fn states(
        &mut self,
        known: &Known,
        snapshot: &Snapshot,
        now: Moment,
    ) -> Vec<HeadsetState> {
        let listed = |id: &HeadsetId| known.headsets.iter().any(|own| own.id == *id);
        // A headset with running streams may be missing from the list.
        let unlisted = known.sessions.iter().map(|own| &own.headset).filter(|own| !listed(&own.id));
        let headsets = known.headsets.iter().chain(unlisted).take(MOST_HEADSETS);
        let mut lost = BTreeSet::new();
        let states = headsets.map(|headset| {
            let session = known.session_on(&headset.id);
            let view = HeadsetView::new(headset, session, known, snapshot);
            self.note_contact(&view, now.instant, &mut lost);
            let alerts = self.alerts_of(&view, now.instant);
            view.state(alerts, now)
        });
        let states: Vec<_> = states.collect();
        self.contact_lost.retain(|key, _| lost.contains(key));
        let before = known.before.iter().take(MOST_HEADSETS - states.len()).map(|headset| {
            let state = HeadsetView::new(headset, None, known, snapshot).state(Vec::new(), now);
            HeadsetState { condition: HeadsetCondition::NoService, ..state }
        });
        states.into_iter().chain(before).collect()
    }

    /// Records which sensors have no contact, and since when.
    fn note_contact(
        &mut self,
        view: &HeadsetView<'_>,
        now: Instant,
        lost: &mut BTreeSet<(HeadsetId, String)>,
    ) {
        for (sensor, level) in view.sensors() {
            if level.is_some_and(|level| level <= 0.0) {
                let key = (view.headset.id.clone(), sensor.to_owned());
                self.contact_lost.entry(key.clone()).or_insert(now);
                lost.insert(key);
            }
        }
    }

    /// The alerts of a headset.
    fn alerts_of(&self, view: &HeadsetView<'_>, now: Instant) -> Vec<StationAlert> {
        let settings = &self.alerts;
        let mut alerts = Vec::new();
        let mut add = |kind: &str, subjects: Vec<&str>, says: &str| {
            if !subjects.is_empty() {
                let text = format!("{} {says}", subjects.join(" "));
                alerts.push(StationAlert { kind: kind.into(), text: Text::new(text.trim()) });
            }
        };
        let streams = |is: &dyn Fn(&StreamHealth) -> bool| -> Vec<&str> {
            view.health.iter().filter(|own| is(own)).map(|own| own.stream.name()).collect()
        };
        if settings.stale {
            add("stale", streams(&|own| own.stale_since.is_some()), "stale");
        }
        if let Some(limit) = settings.loss {
            let is_lossy = |own: &StreamHealth| loss(own).is_some_and(|loss| loss > limit);
            add("loss", streams(&is_lossy), "loses samples");
        }
        if let Some(limit) = settings.contact {
            let is_lost = |sensor: &str| {
                let key = (view.headset.id.clone(), sensor.to_owned());
                let since = self.contact_lost.get(&key);
                since.is_some_and(|since| now.saturating_duration_since(*since) >= limit)
            };
            let lost = view.sensors().map(|(sensor, _)| sensor).filter(|sensor| is_lost(sensor));
            // Report one problem per sensor, the same everywhere: a defect of its signal takes
            // precedence.
            let (bad, lost): (Vec<_>, Vec<_>) =
                lost.partition(|sensor| view.defect(sensor).is_some());
            add("contact", lost, "no contact");
            for defect in Defect::ALL {
                let is_it = |sensor: &&str| view.defect(sensor) == Some(defect);
                if defect != Defect::Railed || !settings.rail {
                    add("contact", bad.iter().copied().filter(is_it).collect(), defect.name());
                }
            }
        }
        if settings.rail {
            let railed = view.bad_channels().filter(|(_, defect)| *defect == Defect::Railed);
            add("rail", railed.map(|(label, _)| label).collect(), "railed");
        }
        if let Some(limit) = settings.battery
            && let Some(percent) = view.device.and_then(DeviceReadings::battery)
            && percent < limit
        {
            add("battery", vec![""], "battery low");
        }
        alerts
    }
}

/// The samples lost within the last 10 s, in per cent; `None` for streams that do not count samples.
fn loss(health: &StreamHealth) -> Option<f64> {
    let recent = &health.recent;
    let enough = health.nominal_rate? * ENOUGH;
    let is_enough = recent.received.saturating_add(recent.lost) as f64 >= enough;
    (health.stream.is_trace() && is_enough).then(|| recent.loss() * 100.0)
}

/// A headset and everything known about it.
struct HeadsetView<'a> {
    headset: &'a Headset,
    session: Option<&'a Session>,
    is_recorded: bool,
    health: &'a [StreamHealth],
    device: Option<&'a DeviceReadings>,
}

impl<'a> HeadsetView<'a> {
    fn new(
        headset: &'a Headset,
        session: Option<&'a Session>,
        known: &Known,
        snapshot: &'a Snapshot,
    ) -> Self {
        let health = session.map_or(&[][..], |own| snapshot.health_in(&own.id));
        let device = session.and_then(|_| snapshot.devices.get(&headset.id));
        let is_recorded = session.is_some_and(|own| known.is_recorded(own));
        Self { headset, session, is_recorded, health, device }
    }

    fn sensors(&self) -> impl Iterator<Item = (&'a str, Option<f64>)> {
        self.device
            .and_then(|device| device.dev.as_deref())
            .into_iter()
            .flat_map(LatestValues::sensors)
    }

    /// The main stream: EEG, or motion if there is no EEG.
    fn main(&self) -> Option<&'a StreamHealth> {
        let of = |stream| self.health.iter().find(|own| own.stream == stream);
        of(Stream::Eeg).or_else(|| of(Stream::Mot))
    }

    fn bad_channels(&self) -> impl Iterator<Item = (&'a str, Defect)> {
        // The last values of a stream that has stopped say nothing about the present.
        let flowing = self.health.iter().filter(|own| own.stale_since.is_none());
        let bad = flowing.flat_map(|own| own.bad_channels.iter());
        bad.map(|own| (&*own.label, own.defect))
    }

    /// Why the signal of a sensor cannot be EEG.
    fn defect(&self, sensor: &str) -> Option<Defect> {
        self.bad_channels().find(|(label, _)| *label == sensor).map(|(_, defect)| defect)
    }

    fn condition(&self) -> HeadsetCondition {
        match (&self.headset.status, self.health) {
            (_, [first, ..]) => {
                if self.health.iter().any(|own| own.stale_since.is_some()) {
                    HeadsetCondition::Stale
                } else if self.main().is_some_and(StreamHealth::rate_is_off) {
                    HeadsetCondition::RateOff
                } else if first.last.is_some() {
                    HeadsetCondition::Streaming
                } else {
                    HeadsetCondition::NoData
                }
            }
            (_, []) if self.session.is_some() => HeadsetCondition::NoData,
            (HeadsetStatus::Connected, _) if self.headset.is_on_usb_cable() => {
                HeadsetCondition::UsbCable
            }
            (HeadsetStatus::Connected, _) => HeadsetCondition::Connected,
            (HeadsetStatus::Connecting, _) => HeadsetCondition::Connecting,
            (HeadsetStatus::Discovered | HeadsetStatus::Other(_), _) => {
                HeadsetCondition::Discovered
            }
        }
    }

    fn state(&self, alerts: Vec<StationAlert>, now: Moment) -> HeadsetState {
        let sensor = |(name, level): (&str, Option<f64>)| SensorState {
            name: Text::new(&name[..floor_char_boundary(name, LONGEST_NAME)]),
            level: level.and_then(|level| whole(level, 4)),
            defect: self.defect(name).map(|defect| defect.name().into()),
        };
        let model = self.headset.model();
        HeadsetState {
            headset: Text::new(self.headset.id.as_str()),
            name: Text::new(&self.headset.custom_name),
            model: if model == Model::Unknown { Text::default() } else { model.name().into() },
            firmware: Text::new(&self.headset.firmware),
            condition: self.condition(),
            battery: self
                .device
                .and_then(DeviceReadings::battery)
                .and_then(|percent| whole(percent, 100)),
            contact: self
                .device
                .and_then(DeviceReadings::contact)
                .and_then(|percent| whole(percent, 100)),
            sensors: self.sensors().take(MOST_SENSORS).map(sensor).collect(),
            streams: self.health.iter().map(|own| stream_state(own, now)).collect(),
            session: self.session.map(|own| SessionState {
                status: Text::new(&own.status.to_string()),
                started: Text::new(own.started.as_deref().unwrap_or_default()),
                recording: self.is_recorded,
            }),
            alerts,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a rate that people read")]
fn stream_state(health: &StreamHealth, now: Moment) -> StreamReport {
    let is_trace = health.stream.is_trace();
    StreamReport {
        name: health.stream.name().into(),
        nominal: health.nominal_rate.map(|rate| rate as f32),
        rate: health.rate.map(|rate| if is_trace { rate.round() as f32 } else { tenth(rate) }),
        loss: is_trace.then(|| tenth(health.recent.loss() * 100.0)),
        lost: is_trace.then_some(health.lost.min(MOST_EXACT)),
        stale_since: health.stale_since.map(|since| {
            let ago = now.instant.saturating_duration_since(since).as_secs_f64();
            // Rounded to seconds: the two clocks are read one after the other, and the jitter would count as
            // a change.
            (now.wall.as_duration().as_secs_f64() - ago).round()
        }),
    }
}

/// Rounds to one decimal place.
#[expect(clippy::cast_possible_truncation, reason = "a number that people read")]
fn tenth(number: f64) -> f32 {
    ((number * 10.0).round() / 10.0) as f32
}

/// Rounds to an integer from 0 to `most`; `None` if the number is out of range.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 255")]
fn whole(number: f64, most: u8) -> Option<u8> {
    (0.0..=f64::from(most)).contains(&number).then(|| number.round() as u8)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use cortop_client::Event;
    use cortop_signal::{
        BadChannel,
        snapshot::{Holes, RecentCounts},
    };

    /// A snapshot in which no sensor has contact, and `F7` is flat.
    fn snapshot(stale_since: Option<Instant>, now: Instant) -> Snapshot {
        let eeg = StreamHealth {
            session: "s".into(),
            headset: "E".into(),
            stream: Stream::Eeg,
            nominal_rate: Some(128.0),
            rate: Some(128.0),
            received: 1000,
            lost: u64::MAX,
            holes: Holes::default(),
            interpolated: 0,
            recent: RecentCounts::default(),
            bad_channels: [BadChannel { label: "F7".into(), defect: Defect::Flat }].into(),
            malformed: 0,
            wrong_times: 0,
            clock_step: None,
            subscribed: now,
            last: Some(now),
            last_time: None,
            gap: None,
            stale_since,
        };
        let values = ["AF3", "F7"].map(|name| (name.to_owned(), Some(0.0))).to_vec();
        let dev = Some(Arc::new(LatestValues { values, received: now }));
        let device = DeviceReadings { dev, ..DeviceReadings::default() };
        let devices = BTreeMap::from([("E".into(), device)]);
        Snapshot { health: vec![eeg], devices, ..Snapshot::default() }
    }

    #[test]
    fn a_sensor_is_called_the_same_in_its_state_and_in_the_alerts() {
        let mut known = Known::default();
        let headset = Headset { id: "E".into(), ..Headset::default() };
        known.on_event(&Event::Headsets(vec![headset.clone()]));
        let session = Session { id: "s".into(), headset, ..Session::default() };
        known.on_event(&Event::Session(session));
        let mut facts = Facts::new(AlertSettings::default());
        let start = Moment::now();
        let mut state = |stale_since, seconds| {
            let now = Moment { instant: start.instant + Duration::from_secs(seconds), ..start };
            facts.states(&known, &snapshot(stale_since, start.instant), now).remove(0)
        };
        let contact = |state: &HeadsetState| -> Vec<String> {
            let alerts = state.alerts.iter().filter(|own| &*own.kind == "contact");
            alerts.map(|own| own.text.to_string()).collect()
        };
        let defects = |state: &HeadsetState| -> Vec<Option<Text>> {
            state.sensors.iter().map(|own| own.defect.clone()).collect()
        };
        assert!(contact(&state(None, 0)).is_empty());
        let lost = state(None, 20);
        assert_eq!(contact(&lost), ["AF3 no contact", "F7 flat"]);
        assert_eq!(defects(&lost), [None, Some("flat".into())]);
        assert_eq!(lost.streams[0].lost, Some(MOST_EXACT));
        // A defect from before the stream stopped is not reported.
        let stopped = state(Some(start.instant), 21);
        assert_eq!(contact(&stopped), ["AF3 F7 no contact"]);
        assert_eq!(defects(&stopped), [None, None]);
    }
}
