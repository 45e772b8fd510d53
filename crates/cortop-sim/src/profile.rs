//! A profile: what a person has trained, stored or loaded on a headset (§2.10, §4.7).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::detection::{Detection, TrainingHistory};

/// The most mental commands that can be active in addition to neutral.
pub(super) const ACTIVE: usize = 4;
/// The initial sensitivity of a command, of 1..10.
const SENSITIVITY: u64 = 5;

/// The id of the profile loaded on a warm headset.
const DEMO_ID: &str = "de300000-0000-4000-8000-51b1a7ed0001";

/// A profile.
#[derive(Clone, Debug)]
pub(super) struct StoredProfile {
    pub(super) name: String,
    /// Whether it is of an older version, which can be used but not changed.
    pub(super) read_only: bool,
    /// The sensors with which it was trained; a headset with other sensors cannot load it.
    pub(super) channels: Vec<String>,
    pub(super) mental: TrainingHistory,
    pub(super) facial: TrainingHistory,
    /// Sensitivities of the active commands, in their order, 1..10.
    pub(super) sensitivity: [u64; ACTIVE],
    /// Thresholds of facial expressions, 0..1000.
    pub(super) thresholds: BTreeMap<&'static str, u64>,
    /// Whether facial expressions use what was trained.
    pub(super) signature: &'static str,
    /// The score of the last training.
    pub(super) last_score: Option<f64>,
    /// The active commands without neutral.
    active: Vec<&'static str>,
    /// The trained commands among them.
    commands: Vec<&'static str>,
    uuid: String,
}

impl StoredProfile {
    pub(super) fn new(name: &str, uuid: String, channels: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            read_only: false,
            channels,
            mental: TrainingHistory::default(),
            facial: TrainingHistory::default(),
            sensitivity: [SENSITIVITY; ACTIVE],
            thresholds: BTreeMap::new(),
            signature: "universal",
            last_score: None,
            active: Vec::new(),
            commands: Vec::new(),
            uuid,
        }
    }

    /// A copy with another name and id.
    pub(super) fn copy(&self, name: &str, uuid: String) -> Self {
        Self { name: name.to_owned(), uuid, ..self.clone() }
    }

    /// The mental commands that it can detect, in addition to neutral.
    pub(super) fn commands(&self) -> &[&'static str] {
        &self.commands
    }

    pub(super) fn active(&self) -> &[&'static str] {
        &self.active
    }

    /// Sets the active commands.
    pub(super) fn activate(&mut self, active: Vec<&'static str>) {
        self.active = active;
        self.update_commands();
    }

    pub(super) fn skill(&self, detection: Detection) -> &TrainingHistory {
        if detection == Detection::Mental { &self.mental } else { &self.facial }
    }

    /// Records an accepted training. A command becomes active with its first training if there is
    /// room (inferred).
    pub(super) fn learn(&mut self, detection: Detection, action: &'static str) {
        match detection {
            Detection::Mental => self.mental.learn(action),
            Detection::Facial => self.facial.learn(action),
        }
        let command = detection == Detection::Mental && action != "neutral";
        if command && !self.active.contains(&action) && self.active.len() < ACTIVE {
            self.active.push(action);
        }
        self.update_commands();
    }

    /// Erases all training of an action.
    pub(super) fn forget(&mut self, detection: Detection, action: &str) {
        match detection {
            Detection::Mental => self.mental.forget(action),
            Detection::Facial => self.facial.forget(action),
        }
        self.update_commands();
    }

    fn update_commands(&mut self) {
        let trained = |action: &&'static str| self.mental.times(action) > 0;
        self.commands = self.active.iter().copied().filter(trained).collect();
    }

    /// An entry of `queryProfile`.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "eegChannels": self.channels,
            "name": self.name,
            "readOnly": self.read_only,
            "uuid": self.uuid,
        })
    }
}

/// A profile loaded on a headset. Changes remain here until saved.
#[derive(Clone, Debug)]
pub(super) struct ActiveProfile {
    pub(super) profile: StoredProfile,
    /// The client id that loaded it; empty for EMOTIV Launcher.
    pub(super) app: String,
    /// The connection that loaded it.
    pub(super) connection: Option<u64>,
}

impl ActiveProfile {
    /// The profile that an application has loaded on a warm headset.
    pub(super) fn demo(app: &str) -> Self {
        let mut profile = StoredProfile::new("demo", DEMO_ID.to_owned(), Vec::new());
        for action in ["neutral", "push", "lift", "left", "rotateRight"] {
            profile.learn(Detection::Mental, action);
        }
        Self { profile, app: app.to_owned(), connection: None }
    }
}
