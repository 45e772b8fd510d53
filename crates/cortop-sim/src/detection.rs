//! The two detections: their actions, controls and events (§3.7), and what a profile has learnt for
//! each.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detection {
    Mental,
    Facial,
}

#[rustfmt::skip]
const MENTAL: &[&str] = &[
    "neutral", "push", "pull", "lift", "drop", "left", "right", "rotateLeft", "rotateRight",
    "rotateClockwise", "rotateCounterClockwise", "rotateForwards", "rotateReverse", "disappear",
];
#[rustfmt::skip]
const FACIAL: &[&str] = &[
    "neutral", "blink", "winkL", "winkR", "horiEye", "surprise", "frown", "smile", "clench",
    "laugh", "smirkLeft", "smirkRight",
];
/// The facial expressions that can be trained.
const FACIAL_TRAINED: &[&str] = &["neutral", "surprise", "frown", "smile", "clench"];

impl Detection {
    /// The detection with this name in a request; the method table allows no other.
    pub(super) fn named(name: &str) -> Self {
        if name == "facialExpression" { Self::Facial } else { Self::Mental }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mental => "mentalCommand",
            Self::Facial => "facialExpression",
        }
    }

    /// The name of an event in `sys`.
    pub(super) fn event(self, what: &str) -> String {
        format!("{}_{what}", if self == Self::Mental { "MC" } else { "FE" })
    }

    /// Its actions.
    pub(super) const fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Mental => MENTAL,
            Self::Facial => FACIAL,
        }
    }

    /// The actions that can be trained.
    pub(super) const fn all_trainable(self) -> &'static [&'static str] {
        match self {
            Self::Mental => MENTAL,
            Self::Facial => FACIAL_TRAINED,
        }
    }

    /// The action with this name.
    pub(super) fn action(self, name: &str) -> Option<&'static str> {
        self.actions().iter().copied().find(|action| *action == name)
    }

    /// The trainable action with this name.
    pub(super) fn trainable(self, name: &str) -> Option<&'static str> {
        self.all_trainable().iter().copied().find(|action| *action == name)
    }

    /// The result of `getDetectionInfo`.
    pub(super) fn info(self) -> Value {
        let mut events =
            vec!["Started", "Succeeded", "Failed", "Completed", "DataErased", "Rejected", "Reset"];
        let (actions, signature): (_, &[&str]) = match self {
            Self::Mental => {
                events.extend(["AutoSamplingNeutralCompleted", "SignatureUpdated"]);
                (MENTAL, &[])
            }
            Self::Facial => (FACIAL, &["universal", "trained"]),
        };
        let events: Vec<_> = events.into_iter().map(|event| self.event(event)).collect();
        json!({
            "actions": actions,
            "controls": ["start", "accept", "reject", "erase", "reset"],
            "events": events,
            "signature": signature,
        })
    }
}

/// A training in progress.
#[derive(Clone, Debug)]
pub(super) struct Training {
    pub(super) detection: Detection,
    pub(super) action: &'static str,
    /// Whether it has succeeded and waits to be accepted or rejected.
    pub(super) succeeded: bool,
}

/// How often each action has been trained.
#[derive(Clone, Debug, Default)]
pub(super) struct TrainingHistory(BTreeMap<&'static str, u32>);

impl TrainingHistory {
    /// Records an accepted training.
    pub(super) fn learn(&mut self, action: &'static str) {
        *self.0.entry(action).or_default() += 1;
    }

    /// Erases all training of an action.
    pub(super) fn forget(&mut self, action: &str) {
        self.0.remove(action);
    }

    pub(super) fn times(&self, action: &str) -> u32 {
        self.0.get(action).copied().unwrap_or_default()
    }

    /// The result of `getTrainedSignatureActions`.
    pub(super) fn to_json(&self) -> Value {
        let trained =
            self.0.iter().map(|(action, times)| json!({ "action": action, "times": times }));
        json!({
            "totalTimesTraining": self.0.values().sum::<u32>(),
            "trainedActions": trained.collect::<Vec<_>>(),
        })
    }
}
