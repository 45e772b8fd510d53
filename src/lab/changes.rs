//! What happened at stations within a second: a line of the log each, and where it is the same for many,
//! one for all of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{LabLine, counted, stations};

/// So many of a kind within a second have a line each, and so many are named in the line of more.
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

    /// What is said of so many.
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

/// One of them.
#[derive(Clone, Debug)]
struct LabChange {
    /// Its place among all of the second.
    place: usize,
    at: Timestamp,
    /// The station, and its headset.
    subject: String,
    says: String,
}

/// Those of a kind: the first ones, and how many there are.
#[derive(Debug, Default)]
struct ChangeGroup {
    first: Vec<LabChange>,
    count: usize,
}

/// Those of a second.
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

    /// The lines of all of them, in their order.
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
