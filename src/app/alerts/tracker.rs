//! The state machine of alerts: facts and the time come in, alerts go out. It says a condition once
//! it has held long enough, its end once that has lasted, and the same at most once a minute; those
//! of one kind and headset that begin or end together are one alert. It knows no more of a condition
//! than its name.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use cortop_client::{HeadsetId, Stream};

/// The same is said at most once in so much time.
const APART: Duration = Duration::from_secs(60);
/// Conditions of a headset that are due within so much time are one alert: the slower streams of a
/// headset that falls silent have two samples a second.
const TOGETHER: Duration = Duration::from_secs(1);
/// What has been over for so long is over, and no flicker.
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

/// Something to be said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alert {
    /// What about.
    pub kind: AlertKind,
    /// Which headset, unless it concerns all.
    pub headset: Option<HeadsetId>,
    /// Which of its streams, sensors or channels; of what happens at once, the sentence.
    pub subjects: Vec<String>,
    /// The number behind it, the worst of all subjects.
    pub value: Option<f64>,
    /// How long it has held, or did until it was over.
    pub lasted: Duration,
    /// Whether it is over.
    pub is_over: bool,
}

/// A condition that holds: of which stream, sensor or channel, with which number, and since when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fact {
    pub(super) subject: String,
    pub(super) value: Option<f64>,
    pub(super) since: Instant,
}

/// What is known of a headset that is watched: of each kind, all that holds. Of a kind that is not
/// listed nothing is known at the moment, and all stays as it was.
#[derive(Clone, Debug)]
pub(super) struct Watched<'a> {
    pub(super) headset: &'a HeadsetId,
    pub(super) known: Vec<(AlertKind, Vec<Fact>)>,
}

/// A condition that holds, or did a short while ago.
#[derive(Clone, Debug)]
struct TrackedCondition {
    headset: Option<HeadsetId>,
    kind: AlertKind,
    subject: String,
    value: Option<f64>,
    holds: bool,
    /// Since when it holds, or did when it last did.
    since: Instant,
    /// When it was noticed to hold, or to hold no more.
    changed: Instant,
    /// Whether it has been said, and its end has not.
    raised: bool,
    /// When it was last said.
    said: Option<Instant>,
}

impl TrackedCondition {
    /// When it, or its end, is to be said.
    fn due(&self, delay: &impl Fn(AlertKind) -> Duration) -> Option<Instant> {
        match (self.holds, self.raised) {
            (true, false) => {
                let due = self.changed + delay(self.kind);
                Some(self.said.map_or(due, |said| due.max(said + APART)))
            }
            (false, true) => Some(self.changed + SETTLED),
            _ => None,
        }
    }

    /// What is said together.
    fn group(&self) -> (Option<HeadsetId>, AlertKind, bool) {
        (self.headset.clone(), self.kind, self.raised)
    }

    fn is_of(&self, headset: &HeadsetId, kind: AlertKind) -> bool {
        self.kind == kind && self.headset.as_ref() == Some(headset)
    }
}

/// What holds, since when, and what has been said of it.
#[derive(Clone, Debug, Default)]
pub(super) struct AlertTracker {
    conditions: Vec<TrackedCondition>,
}

impl AlertTracker {
    /// Takes in what is known now; gives what is to be said. A kind's conditions are due once they
    /// have held for its `delay`. What is known of headsets that are not watched any more is dropped
    /// without a word.
    pub(super) fn observe(
        &mut self,
        watched: &[Watched<'_>],
        delay: impl Fn(AlertKind) -> Duration,
        now: Instant,
    ) -> Vec<Alert> {
        self.take_in(watched, now);
        let is_ripe = |due: Instant| due + TOGETHER <= now;
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
                    member.said = if is_over { member.said } else { Some(now) };
                }
                // The fastest streams first; anything else as it came.
                let place = |name: &String| Stream::ALL.iter().position(|own| own.name() == name);
                alert.subjects.sort_by_key(place);
                alert
            })
            .collect()
    }

    /// What happened at once and has no end; nothing if the same was said a short while ago.
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
            said: Some(now),
        });
        let (subjects, lasted) = (vec![subject], Duration::ZERO);
        Some(Alert { kind, headset, subjects, value, lasted, is_over: false })
    }

    /// What has been said and is not over.
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
                        said: None,
                    });
                }
            }
        }
        self.forget(now);
    }

    /// Forgets what neither holds nor was said lately.
    fn forget(&mut self, now: Instant) {
        self.conditions.retain(|own| {
            own.holds || own.raised || own.said.is_some_and(|said| now < said + APART)
        });
    }
}
