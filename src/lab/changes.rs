//! Collects the changes at stations within a second: each gets a line in the log, but many of one kind
//! share a single line.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{LabLine, counted, stations};

/// Up to this many changes of a kind get a line each. If there are more, they share a line, which names
/// this many.
const MOST_LINES: usize = 8;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ChangeKind {
    /// A station ended or was lost.
    Gone,
    /// A station has not been heard for too long.
    Silent,
    /// It is heard again.
    Back,
    /// It cannot reach Cortex.
    CortexLost,
    /// It reaches Cortex again.
    CortexBack,
    /// Something is wrong with a headset.
    Alert,
    /// It is no longer wrong.
    AlertOver,
    /// Something happened there.
    Event,
}

impl ChangeKind {
    const fn is_problem(self) -> bool {
        matches!(self, Self::Gone | Self::Silent | Self::CortexLost | Self::Alert)
    }

    /// The text for several changes of this kind.
    fn of_many(self, count: usize) -> String {
        match self {
            Self::Gone => format!("{} are gone", stations(count)),
            Self::Silent => format!("{} are silent", stations(count)),
            Self::Back => format!("{} are back", stations(count)),
            Self::CortexLost => format!("{} do not reach Cortex", stations(count)),
            Self::CortexBack => format!("{} reach Cortex again", stations(count)),
            Self::Alert => format!("{} have come", counted(count, "alert")),
            Self::AlertOver => format!("{} are over", counted(count, "alert")),
            Self::Event => counted(count, "event"),
        }
    }
}

/// A change.
#[derive(Clone, Debug)]
struct LabChange {
    /// Its position among all changes of the second.
    place: usize,
    at: Timestamp,
    /// The station, and the headset if it is about one.
    subject: String,
    says: String,
}

/// The changes of a kind: the first few, and how many there are in total.
#[derive(Debug, Default)]
struct ChangeGroup {
    first: Vec<LabChange>,
    count: usize,
}

/// The changes of a second.
#[derive(Debug, Default)]
pub(super) struct LabChanges {
    groups: BTreeMap<ChangeKind, ChangeGroup>,
    count: usize,
}

impl LabChanges {
    pub(super) fn push(&mut self, kind: ChangeKind, at: Timestamp, subject: String, says: String) {
        let place = self.count;
        self.count += 1;
        let group = self.groups.entry(kind).or_default();
        group.count += 1;
        if group.first.len() < MOST_LINES {
            group.first.push(LabChange { place, at, subject, says });
        }
    }

    /// Removes all changes and returns their lines, in order.
    pub(super) fn take(&mut self) -> Vec<LabLine> {
        let Self { groups, .. } = std::mem::take(self);
        let mut lines = Vec::new();
        for (kind, ChangeGroup { first, count }) in groups {
            let is_problem = kind.is_problem();
            if count > first.len() {
                let names: Vec<_> = first.iter().map(|own| own.subject.as_str()).collect();
                let text = format!("{}: {} …", kind.of_many(count), names.join(", "));
                let LabChange { place, at, .. } = first[0];
                lines.push((place, LabLine { at, is_problem, text }));
            } else {
                lines.extend(first.into_iter().map(|LabChange { place, at, subject, says }| {
                    (place, LabLine { at, is_problem, text: subject + &says })
                }));
            }
        }
        lines.sort_by_key(|(place, _)| *place);
        lines.into_iter().map(|(_, line)| line).collect()
    }
}
