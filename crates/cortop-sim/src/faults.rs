//! What is wrong with the service now, and what will be: orders are taken, wait for their time or
//! for a call, and then hit answers, samples, clients, headsets or the account. All faults are done
//! here; elsewhere stand only the hooks that ask.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    account::Login,
    dispatch::reply,
    fault::{Fault, FaultTarget, Seconds},
    outgoing::{Delivery, Notification, NotificationKind, Outgoing, Payload},
    refusal::{ApiError, BAD_PARAMS, CallResult},
    scenario::Injection,
    service::Service,
    tls::Flaw,
};
use cortop_protocol::{HeadsetId, Stream};

/// The method that only this simulator has.
const CONTROL: &str = "sim.fault";
/// How long an answer waits for the one that is to overtake it.
const OVERTAKEN: f64 = 1.0;
/// Orders that may be planned, awaited or in force; a client that sends more has them refused.
const ORDERS: usize = 1024;

/// What is wrong, and what will be.
#[derive(Debug, Default)]
pub(super) struct FaultInjector {
    /// Whether clients may order it.
    pub(super) allowed: bool,
    /// What is wrong with the certificate.
    pub(super) flaw: Option<Flaw>,
    planned: Vec<(f64, Injection)>,
    /// With how many calls are still to come.
    awaited: Vec<(Injection, u32)>,
    active: Vec<ActiveFault>,
    /// Connections that are never answered again.
    mute: BTreeSet<u64>,
}

/// In force.
#[derive(Debug)]
struct ActiveFault {
    order: Injection,
    until: f64,
    left: u32,
}

impl FaultInjector {
    /// When the next order begins.
    pub(super) fn next(&self) -> Option<f64> {
        self.planned.iter().map(|(time, _)| *time).min_by(f64::total_cmp)
    }

    /// Forgets a connection that is gone.
    pub(super) fn forget(&mut self, client: u64) {
        self.mute.remove(&client);
    }

    fn is_full(&self) -> bool {
        self.planned.len() + self.awaited.len() + self.active.len() >= ORDERS
    }

    /// Whether requests of this client go unanswered.
    fn is_deaf(&self, client: u64, now: f64) -> bool {
        let hangs = |own: &ActiveFault| {
            matches!(own.order.fault, Fault::Hang { .. })
                && own.until > now
                && own.order.is_for(client)
        };
        self.mute.contains(&client) || self.active.iter().any(hangs)
    }

    /// What goes wrong with the answer to a call.
    fn answer(&mut self, client: u64, method: &str) -> Option<Fault> {
        self.hit(|order| {
            let fits = |wanted: Option<&str>| wanted.is_none_or(|wanted| wanted == method);
            matches!(order.fault.kind(), FaultTarget::Answers(wanted, _) if fits(wanted) && order.is_for(client))
        })
    }

    /// What goes wrong with a sample.
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
        let fits = |order: &Injection| {
            order.is_for(client)
                && order.headset.as_ref().is_none_or(|own| own == headset)
                && order.stream.is_none_or(|own| own == stream)
        };
        let stalls = |own: &&ActiveFault| {
            matches!(own.order.fault, Fault::Stall { .. }) && own.until > now && fits(&own.order)
        };
        let stalled = self.active.iter().find(stalls).map(|own| own.order.fault.clone());
        stalled.or_else(|| {
            self.hit(|order| matches!(order.fault.kind(), FaultTarget::Samples(_)) && fits(order))
        })
    }

    /// Counts the first that fits down and gives its fault.
    fn hit(&mut self, fits: impl Fn(&Injection) -> bool) -> Option<Fault> {
        let at = self.active.iter().position(|own| own.left > 0 && fits(&own.order))?;
        let own = self.active.get_mut(at)?;
        own.left -= 1;
        let fault = own.order.fault.clone();
        self.active.retain(|own| own.left > 0);
        Some(fault)
    }
}

/// What a request is told by. One that is wrong in itself is not looked at here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    id: Value,
    method: String,
    params: Value,
}

impl Service {
    /// What a client gets for one message of its.
    pub(super) fn respond(&mut self, client: u64, now: f64, text: &str) -> Vec<Outgoing> {
        let Head { id, method, params } = serde_json::from_str(text).unwrap_or_default();
        self.called(client, &method, now);
        if self.trouble.is_deaf(client, now) {
            return Vec::new();
        }
        if method == CONTROL && self.trouble.allowed {
            return vec![Outgoing::now(reply(&id, self.control(params, now)))];
        }
        let fault = self.trouble.answer(client, &method);
        match fault {
            Some(Fault::Refuse { code, message, .. }) => {
                tracing::debug!("client {client}: {method:.40} is refused with {code}");
                let usual = ApiError::new(code);
                let message = message.unwrap_or(usual.message);
                return vec![Outgoing::now(reply(&id, Err(ApiError { code, message })))];
            }
            Some(Fault::Unidentified { .. }) => {
                self.trouble.mute.insert(client);
                let text = " The APIs cannot be registered. Please re-open the connection.";
                return vec![Outgoing::now(warning(11, &json!(text)))];
            }
            _ => {}
        }
        let answer = Outgoing { body: self.answer(client, now, text), when: Delivery::Now };
        if let Some(fault) = &fault {
            tracing::debug!("client {client}: {method:.40} is hit by {fault:?}");
        }
        match fault {
            Some(Fault::Late { seconds, .. }) => {
                vec![Outgoing { when: Delivery::At(now + seconds.get()), ..answer }]
            }
            Some(Fault::OutOfOrder { .. }) => {
                vec![Outgoing { when: Delivery::AfterNext(now + OVERTAKEN), ..answer }]
            }
            Some(Fault::Twice { .. }) => vec![answer.clone(), answer],
            Some(Fault::Never { .. }) => Vec::new(),
            _ => vec![answer],
        }
    }

    fn control(&mut self, params: Value, now: f64) -> CallResult {
        let order: Injection = serde_json::from_value(params)
            .map_err(|error| ApiError { code: BAD_PARAMS, message: error.to_string() })?;
        if self.trouble.is_full() {
            let message = "Too many faults are planned; mend first.".to_owned();
            return Err(ApiError { code: BAD_PARAMS, message });
        }
        self.order(order, now);
        Ok(json!({ "message": "ordered" }))
    }

    /// Takes an order; its time counts from now.
    pub(super) fn order(&mut self, order: Injection, now: f64) {
        match order.at.map(Seconds::get) {
            Some(wait) if wait > 0.0 => self.trouble.planned.push((now + wait, order)),
            _ => self.begin(order, now),
        }
    }

    /// Begins what is due.
    pub(super) fn begin_due(&mut self, now: f64) {
        let due = |(time, _): &(f64, Injection)| *time <= now;
        while let Some(at) = self.trouble.planned.iter().position(due) {
            let (_, order) = self.trouble.planned.remove(at);
            self.begin(order, now);
        }
    }

    /// Begins what has waited for this call.
    fn called(&mut self, client: u64, method: &str, now: f64) {
        for (order, left) in &mut self.trouble.awaited {
            if order.call.as_deref() == Some(method) && order.is_for(client) {
                *left -= 1;
            }
        }
        while let Some(at) = self.trouble.awaited.iter().position(|(_, left)| *left == 0) {
            let (order, _) = self.trouble.awaited.remove(at);
            self.strike(Injection { client: order.client.or(Some(client)), ..order }, now);
        }
    }

    fn begin(&mut self, order: Injection, now: f64) {
        if order.call.is_some() {
            let nth = order.nth.unwrap_or(1).max(1);
            self.trouble.awaited.push((order, nth));
        } else {
            self.strike(order, now);
        }
    }

    /// Does it, or has it done to what comes.
    fn strike(&mut self, mut order: Injection, now: f64) {
        let (until, left) = match order.fault.kind() {
            FaultTarget::Once => return self.do_once(order, now),
            FaultTarget::Lasting(seconds) => {
                (seconds.map_or(f64::INFINITY, |span| now + span.get()), 1)
            }
            FaultTarget::Answers(_, times) => (f64::INFINITY, times),
            FaultTarget::Samples(count) => (f64::INFINITY, count),
        };
        // Of answers, those of the method that was waited for.
        if let (
            Some(call),
            Fault::Refuse { method, .. }
            | Fault::Late { method, .. }
            | Fault::OutOfOrder { method, .. }
            | Fault::Twice { method, .. }
            | Fault::Never { method, .. },
        ) = (&order.call, &mut order.fault)
        {
            method.get_or_insert_with(|| call.clone());
        }
        self.trouble.active.retain(|own| own.until > now);
        self.trouble.active.push(ActiveFault { order, until, left });
    }

    fn do_once(&mut self, Injection { client, headset, fault, .. }: Injection, now: f64) {
        let fits = |own: &HeadsetId| headset.as_ref().is_none_or(|wanted| wanted == own);
        let hit: Vec<_> = self.headsets.iter().map(|own| own.id.clone()).filter(fits).collect();
        let mut say =
            |body| self.announce(Notification { client, what: NotificationKind::Say(body) });
        match fault {
            Fault::Drop { close } => {
                self.announce(Notification { client, what: NotificationKind::HangUp { close } });
            }
            Fault::InvalidUtf8 {} => say(Payload::Bytes(b"{\"sid\":\"\xff\xfe\"}".to_vec())),
            Fault::Oversized { bytes } => say(Payload::Text(" ".repeat(bytes))),
            Fault::Warning { code, message } => say(Payload::Text(warning(code, &message))),
            Fault::SetClock { seconds } => self.clock.set(seconds.get()),
            Fault::ExpireTokens {} => self.expire_tokens(now),
            Fault::RevokeAccess {} => self.answer_all(false),
            Fault::GrantAccess {} => self.answer_all(true),
            Fault::Logout {} => self.log_in(Login::None, now),
            Fault::Login {} => self.log_in(Login::Same, now),
            Fault::ExhaustLicence {} => self.licence.quota = 0,
            Fault::HeadsetGone {} => hit.iter().for_each(|id| self.headset_gone(id, now)),
            Fault::HeadsetBack {} => hit.iter().for_each(|id| self.headset_back(id, now)),
            Fault::NotReady { seconds } => {
                for headset in self.headsets.iter_mut().filter(|own| hit.contains(&own.id)) {
                    headset.warm_up = seconds.get();
                    headset.ready_at = now + headset.warm_up;
                }
            }
            Fault::TlsUnknownRoot {} => self.trouble.flaw = Some(Flaw::UnknownRoot),
            Fault::TlsExpiredLeaf {} => self.trouble.flaw = Some(Flaw::ExpiredLeaf),
            Fault::TlsWrongName {} => self.trouble.flaw = Some(Flaw::WrongName),
            Fault::Mend {} => {
                self.trouble.active.clear();
                self.trouble.mute.clear();
                self.trouble.flaw = None;
                for headset in &mut self.headsets {
                    headset.warm_up = 0.0;
                    headset.ready_at = now;
                }
            }
            // All others last or count.
            _ => {}
        }
    }
}

/// The text of a warning (§6.2).
pub(super) fn warning(code: i64, message: &Value) -> String {
    json!({ "jsonrpc": "2.0", "warning": { "code": code, "message": message } }).to_string()
}
