//! The state machine of alerts: takes facts and the time, returns alerts. It announces a condition once it
//! has held long enough, announces its end once that has lasted, and repeats neither within a minute.
//! Conditions of one kind and headset that begin or end together become one alert. It knows nothing about a
//! condition but its name.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use cortop_client::{HeadsetId, Stream};

/// The least time between two identical alerts.
const REPEAT_INTERVAL: Duration = Duration::from_secs(60);
/// Conditions of a headset that fall due within this time become one alert: when a headset falls silent, its
/// slower streams, with two samples a second, go stale later.
const GROUP_WINDOW: Duration = Duration::from_secs(1);
/// A condition is over once it has been absent this long; shorter absences are flicker.
const SETTLED: Duration = Duration::from_secs(2);

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum AlertKind {
    /// No samples of a stream.
    Stale,
    /// Samples lost, more than the threshold.
    Loss,
    /// A sensor without contact.
    Contact,
    /// A channel at the rail.
    Rail,
    /// The battery low.
    Battery,
    /// The disk of the Cortex computer nearly full.
    Disk,
    /// A record that ended with its session.
    Record,
}

/// An alert.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alert {
    /// The kind of condition.
    pub kind: AlertKind,
    /// The headset; `None` if it concerns all.
    pub headset: Option<HeadsetId>,
    /// The affected streams, sensors or channels; for a one-time event, the sentence.
    pub subjects: Vec<String>,
    /// The measured value, the worst of all subjects.
    pub value: Option<f64>,
    /// How long the condition has held, or held until it was over.
    pub lasted: Duration,
    /// Whether the condition is over.
    pub is_over: bool,
}

/// A condition that holds: the stream, sensor or channel, its value, and since when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fact {
    pub(super) subject: String,
    pub(super) value: Option<f64>,
    pub(super) since: Instant,
}

/// What is known of a watched headset: for each kind, all conditions that hold. A kind that is not listed is
/// unknown at the moment, and its conditions stay as they were.
#[derive(Clone, Debug)]
pub(super) struct Watched<'a> {
    pub(super) headset: &'a HeadsetId,
    pub(super) known: Vec<(AlertKind, Vec<Fact>)>,
}

/// A condition that holds, or held until recently.
#[derive(Clone, Debug)]
struct TrackedCondition {
    headset: Option<HeadsetId>,
    kind: AlertKind,
    subject: String,
    value: Option<f64>,
    holds: bool,
    /// Since when it holds, or since when it last held.
    since: Instant,
    /// When it was seen to begin, or to end.
    changed: Instant,
    /// Whether it has been announced and its end has not.
    raised: bool,
    /// When it was last announced.
    announced_at: Option<Instant>,
}

impl TrackedCondition {
    /// When it, or its end, is due to be announced.
    fn due(&self, delay: &impl Fn(AlertKind) -> Duration) -> Option<Instant> {
        match (self.holds, self.raised) {
            (true, false) => {
                let due = self.changed + delay(self.kind);
                Some(self.announced_at.map_or(due, |at| due.max(at + REPEAT_INTERVAL)))
            }
            (false, true) => Some(self.changed + SETTLED),
            _ => None,
        }
    }

    /// Conditions with the same group are announced together.
    fn group(&self) -> (Option<HeadsetId>, AlertKind, bool) {
        (self.headset.clone(), self.kind, self.raised)
    }

    fn is_of(&self, headset: &HeadsetId, kind: AlertKind) -> bool {
        self.kind == kind && self.headset.as_ref() == Some(headset)
    }
}

/// The tracked conditions: since when each holds, and whether it has been announced.
#[derive(Clone, Debug, Default)]
pub(super) struct AlertTracker {
    conditions: Vec<TrackedCondition>,
}

impl AlertTracker {
    /// Takes the current facts; returns the alerts that are due. A condition is due once it has held for the
    /// `delay` of its kind. Conditions of headsets that are no longer watched are dropped silently.
    pub(super) fn observe(
        &mut self,
        watched: &[Watched<'_>],
        delay: impl Fn(AlertKind) -> Duration,
        now: Instant,
    ) -> Vec<Alert> {
        self.take_in(watched, now);
        let is_ripe = |due: Instant| due + GROUP_WINDOW <= now;
        let ripe = self.conditions.iter().filter(|own| own.due(&delay).is_some_and(is_ripe));
        let groups: BTreeSet<_> = ripe.map(TrackedCondition::group).collect();
        groups
            .into_iter()
            .map(|group| {
                let (headset, kind, is_over) = group.clone();
                let mut alert = Alert {
                    kind,
                    headset,
                    subjects: Vec::new(),
                    value: None,
                    lasted: Duration::ZERO,
                    is_over,
                };
                let members = self.conditions.iter_mut().filter(|own| {
                    own.group() == group && own.due(&delay).is_some_and(|due| due <= now)
                });
                for member in members {
                    let end = if is_over { member.changed } else { now };
                    let lasted = end.saturating_duration_since(member.since);
                    alert.lasted = alert.lasted.max(lasted);
                    alert.subjects.push(member.subject.clone());
                    alert.value = alert.value.into_iter().chain(member.value).reduce(f64::max);
                    member.raised = !is_over;
                    member.announced_at = if is_over { member.announced_at } else { Some(now) };
                }
                // The fastest streams first; the rest keep their order.
                let place = |name: &String| Stream::ALL.iter().position(|own| own.name() == name);
                alert.subjects.sort_by_key(place);
                alert
            })
            .collect()
    }

    /// A one-time event, which has no end; `None` if the same was announced recently.
    pub(super) fn event(
        &mut self,
        kind: AlertKind,
        headset: Option<HeadsetId>,
        subject: String,
        value: Option<f64>,
        now: Instant,
    ) -> Option<Alert> {
        self.forget(now);
        let known = self
            .conditions
            .iter()
            .any(|own| own.kind == kind && own.headset == headset && own.subject == subject);
        if known {
            return None;
        }
        self.conditions.push(TrackedCondition {
            headset: headset.clone(),
            kind,
            subject: subject.clone(),
            value,
            holds: false,
            since: now,
            changed: now,
            raised: false,
            announced_at: Some(now),
        });
        let (subjects, lasted) = (vec![subject], Duration::ZERO);
        Some(Alert { kind, headset, subjects, value, lasted, is_over: false })
    }

    /// The conditions that have been announced and are not over.
    pub(super) fn raised(&self) -> impl Iterator<Item = (AlertKind, &HeadsetId, &str)> {
        let raised = self.conditions.iter().filter(|own| own.raised);
        raised.filter_map(|own| Some((own.kind, own.headset.as_ref()?, own.subject.as_str())))
    }

    fn take_in(&mut self, watched: &[Watched<'_>], now: Instant) {
        for own in &mut self.conditions {
            let Some(headset) = &own.headset else { continue };
            let Some(watched) = watched.iter().find(|watched| watched.headset == headset) else {
                (own.holds, own.raised) = (false, false);
                continue;
            };
            let known = watched.known.iter().find(|(kind, _)| *kind == own.kind);
            let Some((_, facts)) = known else { continue };
            let fact = facts.iter().find(|fact| fact.subject == own.subject);
            if fact.is_some() != own.holds {
                own.holds = fact.is_some();
                own.changed = now;
                if let Some(fact) = fact.filter(|_| !own.raised) {
                    own.since = fact.since;
                }
            }
            own.value = fact.map_or(own.value, |fact| fact.value);
        }
        for Watched { headset, known } in watched {
            for (kind, facts) in known {
                for fact in facts {
                    let mut known = self.conditions.iter();
                    if known.any(|own| own.is_of(headset, *kind) && own.subject == fact.subject) {
                        continue;
                    }
                    self.conditions.push(TrackedCondition {
                        headset: Some((*headset).clone()),
                        kind: *kind,
                        subject: fact.subject.clone(),
                        value: fact.value,
                        holds: true,
                        since: fact.since,
                        changed: now,
                        raised: false,
                        announced_at: None,
                    });
                }
            }
        }
        self.forget(now);
    }

    /// Forgets conditions that neither hold nor were announced recently.
    fn forget(&mut self, now: Instant) {
        self.conditions.retain(|own| {
            own.holds || own.raised || own.announced_at.is_some_and(|at| now < at + REPEAT_INTERVAL)
        });
    }
}
