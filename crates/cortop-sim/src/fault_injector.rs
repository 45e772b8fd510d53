//! Tracks which faults are planned, awaited and active, and whom they affect. Does not carry them
//! out: see [`Service::apply`](super::service::Service::apply).

use std::collections::BTreeSet;

use super::{
    fault::{Fault, FaultTarget, Seconds},
    scenario::Injection,
    tls::CertificateFlaw,
};
use cortop_protocol::{HeadsetId, Stream};

/// The most faults that may be planned, awaited or active; further ones from clients are refused.
const MAX_FAULTS: usize = 1024;

/// The active faults and those to come.
#[derive(Debug, Default)]
pub(super) struct FaultInjector {
    /// Whether clients may inject faults.
    pub(super) allowed: bool,
    /// What is wrong with the certificate.
    pub(super) flaw: Option<CertificateFlaw>,
    planned: Vec<(f64, Injection)>,
    /// With the number of calls still to come.
    awaited: Vec<(Injection, u32)>,
    active: Vec<ActiveFault>,
    /// Connections that no longer get answers.
    mute: BTreeSet<u64>,
    /// Faults that have begun since the last query.
    begun: Vec<Injection>,
}

/// An active fault.
#[derive(Debug)]
struct ActiveFault {
    injection: Injection,
    until: f64,
    left: u32,
}

impl FaultInjector {
    /// When the next planned fault begins.
    pub(super) fn next(&self) -> Option<f64> {
        self.planned.iter().map(|(time, _)| *time).min_by(f64::total_cmp)
    }

    pub(super) fn is_full(&self) -> bool {
        self.planned.len() + self.awaited.len() + self.active.len() >= MAX_FAULTS
    }

    /// Adds a fault, whose time counts from now. Returns it if it takes effect at once.
    pub(super) fn inject(&mut self, injection: Injection, now: f64) -> Option<Injection> {
        match injection.at.map(Seconds::get) {
            Some(wait) if wait > 0.0 => {
                self.planned.push((now + wait, injection));
                None
            }
            _ => self.begin(injection, now),
        }
    }

    /// Begins the faults that are due. Returns those that take effect at once.
    pub(super) fn begin_due(&mut self, now: f64) -> Vec<Injection> {
        let due: Vec<_> = self.planned.extract_if(.., |(time, _)| *time <= now).collect();
        due.into_iter().filter_map(|(_, injection)| self.begin(injection, now)).collect()
    }

    /// Begins the faults that have waited for a call of this method. Returns those that take effect
    /// at once.
    pub(super) fn called(&mut self, client: u64, method: &str, now: f64) -> Vec<Injection> {
        for (injection, left) in &mut self.awaited {
            if injection.call.as_deref() == Some(method) && injection.is_for(client) {
                *left -= 1;
            }
        }
        let begun: Vec<_> = self.awaited.extract_if(.., |(_, left)| *left == 0).collect();
        let of_caller = |injection: Injection| Injection {
            client: injection.client.or(Some(client)),
            ..injection
        };
        begun
            .into_iter()
            .filter_map(|(injection, _)| self.activate(of_caller(injection), now))
            .collect()
    }

    fn begin(&mut self, injection: Injection, now: f64) -> Option<Injection> {
        if injection.call.is_some() {
            let nth = injection.nth.unwrap_or(1).max(1);
            self.awaited.push((injection, nth));
            None
        } else {
            self.activate(injection, now)
        }
    }

    /// Activates a fault. Returns it if it takes effect at once.
    fn activate(&mut self, mut injection: Injection, now: f64) -> Option<Injection> {
        self.begun.push(injection.clone());
        let (until, left) = match injection.fault.target() {
            FaultTarget::Once => return Some(injection),
            FaultTarget::Lasting(seconds) => {
                (seconds.map_or(f64::INFINITY, |span| now + span.get()), 1)
            }
            FaultTarget::Answers(_, times) => (f64::INFINITY, times),
            FaultTarget::Samples(count) => (f64::INFINITY, count),
        };
        // A fault of answers affects those of the awaited method.
        if let (
            Some(call),
            Fault::Refuse { method, .. }
            | Fault::Late { method, .. }
            | Fault::OutOfOrder { method, .. }
            | Fault::Twice { method, .. }
            | Fault::Never { method, .. },
        ) = (&injection.call, &mut injection.fault)
        {
            method.get_or_insert_with(|| call.clone());
        }
        self.active.retain(|own| own.until > now);
        self.active.push(ActiveFault { injection, until, left });
        None
    }

    /// Takes the faults that have begun since the last call.
    pub(super) fn take_begun(&mut self) -> Vec<Injection> {
        std::mem::take(&mut self.begun)
    }

    /// Ends every lasting fault.
    pub(super) fn clear(&mut self) {
        self.active.clear();
        self.mute.clear();
        self.flaw = None;
    }

    /// Stops answering a connection for good.
    pub(super) fn mute(&mut self, client: u64) {
        self.mute.insert(client);
    }

    /// Forgets a closed connection.
    pub(super) fn forget(&mut self, client: u64) {
        self.mute.remove(&client);
    }

    /// Whether requests of this client go unanswered.
    pub(super) fn is_unresponsive(&self, client: u64, now: f64) -> bool {
        let hangs = |own: &ActiveFault| {
            matches!(own.injection.fault, Fault::Hang { .. })
                && own.until > now
                && own.injection.is_for(client)
        };
        self.mute.contains(&client) || self.active.iter().any(hangs)
    }

    /// Whether sessions of a headset end without a warning when this client closes them.
    pub(super) fn closes_silently(&self, client: u64, headset: &HeadsetId) -> bool {
        self.active.iter().any(|own| {
            let injection = &own.injection;
            matches!(injection.fault, Fault::SilentClose {})
                && injection.is_for(client)
                && injection.headset.as_ref().is_none_or(|own| own == headset)
        })
    }

    /// The fault that affects the answer to a call.
    pub(super) fn answer(&mut self, client: u64, method: &str) -> Option<Fault> {
        self.hit(|injection| {
            let fits = |wanted: Option<&str>| wanted.is_none_or(|wanted| wanted == method);
            matches!(injection.fault.target(), FaultTarget::Answers(wanted, _) if fits(wanted))
                && injection.is_for(client)
        })
    }

    /// The fault that affects a sample.
    pub(super) fn sample(
        &mut self,
        client: u64,
        headset: &HeadsetId,
        stream: Stream,
        now: f64,
    ) -> Option<Fault> {
        if self.active.is_empty() {
            return None;
        }
        let fits = |injection: &Injection| {
            injection.is_for(client)
                && injection.headset.as_ref().is_none_or(|own| own == headset)
                && injection.stream.is_none_or(|own| own == stream)
        };
        let stalls = |own: &&ActiveFault| {
            matches!(own.injection.fault, Fault::Stall { .. })
                && own.until > now
                && fits(&own.injection)
        };
        let stalled = self.active.iter().find(stalls).map(|own| own.injection.fault.clone());
        stalled.or_else(|| {
            self.hit(|injection| {
                matches!(injection.fault.target(), FaultTarget::Samples(_)) && fits(injection)
            })
        })
    }

    /// Decrements the count of the first matching fault and returns that fault.
    fn hit(&mut self, fits: impl Fn(&Injection) -> bool) -> Option<Fault> {
        let at = self.active.iter().position(|own| own.left > 0 && fits(&own.injection))?;
        let own = self.active.get_mut(at)?;
        own.left -= 1;
        let fault = own.injection.fault.clone();
        self.active.retain(|own| own.left > 0);
        Some(fault)
    }
}
