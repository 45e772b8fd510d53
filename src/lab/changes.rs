//! Changes at stations within a second: one line of the log each, or a single line if many are of the same
//! kind.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{LabLine, counted, stations};

/// Up to this many changes of a kind have a line each; the line for more names as many.
const MOST_LINES: usize = 8;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ChangeKind {
    /// A station went, or was lost.
    Gone,
    /// A station was not heard for too long.
    Silent,
    /// It is heard again.
    Back,
    /// It does not reach Cortex.
    CortexLost,
    /// It reaches Cortex again.
    CortexBack,
    /// Something is wrong with a headset.
    Alert,
    /// It no longer is.
    AlertOver,
    /// Something happened there.
    Event,
}

impl ChangeKind {
    const fn is_problem(self) -> bool {
        matches!(self, Self::Gone | Self::Silent | Self::CortexLost | Self::Alert)
    }

    /// The text for many changes.
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
    /// Its place among all changes of the second.
    place: usize,
    at: Timestamp,
    /// The station, and its headset.
    subject: String,
    says: String,
}

/// The changes of a kind: the first ones, and the number of all.
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

    /// Takes the lines for all changes, in order.
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
