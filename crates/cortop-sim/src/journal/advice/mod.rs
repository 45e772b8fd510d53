//! Advice on what a client does against the protocol, judged by what crosses its socket. A pure
//! state machine: crossings and the time go in, advice comes out. Whether a client uses `cols` is
//! not visible there, so there is no advice about it; mistaking a sample for an answer is only
//! visible if the client then sends an id or a token that it was never given.
//!
//! A refusal is not a mistake by itself: there is advice only if the client's next steps do not
//! resolve it. A client that tries, is refused and then does the right thing gets none.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    ops::RangeInclusive,
};

use serde_json::Value;
use strum::VariantArray as _;

use super::crossing::{ClientRequest, Crossing, CrossingEvent, Refusal};
use crate::{
    detection::Detection,
    methods::{self, ParamFault},
};
use cortop_protocol::{
    Method, Stream, Warning,
    code::{
        error::{
            HEADSET_NOT_READY, HEADSET_UNAVAILABLE, INVALID_PARAMS, INVALID_TOKEN,
            METHOD_NOT_FOUND, NO_ACTIVATION, NO_HEADSET, NO_SESSION, NOT_APPROVED, SESSION_EXISTS,
            TOKEN_EXPIRED, WRONG_CREDENTIALS,
        },
        warning::{HEADSET_CONNECTED, SESSION_CLOSED},
    },
    nearest_name::{nearest_name, suggest},
    wire::Side,
};

/// Seconds that a client has for the step that resolves a refusal.
const PATIENCE: f64 = 10.0;
/// Request ids remembered per client.
const MAX_IDS: usize = 4096;
/// The most pieces of advice for one client.
const MAX_ADVICE: usize = 64;
/// How many clients, sessions and headsets on a cable are remembered.
const MAX_KNOWN: usize = 1024;
/// Calls further apart than this, in seconds, are not polling.
const POLL_GAP: f64 = 0.6;
/// Polling has to continue for this many seconds to count.
const POLL_TIME: f64 = 2.0;
/// This many calls per second are too many, with some tolerance for inexact timers.
const POLL_RATE: f64 = 2.2;

/// Plausible times of a marker in milliseconds since 1970: from 2001 to 2100.
const MARKER_TIMES: RangeInclusive<f64> = 978e9..=4_103e9;

/// A kind of mistake.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Mistake {
    /// A message that is not a valid request by its envelope.
    InvalidRequest,
    /// A method that does not exist in the API.
    UnknownMethod,
    /// A parameter is misnamed, missing or of the wrong type.
    WrongParameter,
    /// Client id and secret do not belong together.
    WrongCredentials,
    /// A headset that does not exist.
    UnknownHeadset,
    /// The id was used by an earlier request.
    IdReused,
    /// A sample was mistaken for the answer to a request.
    SampleTakenForAnswer,
    /// The user has not approved the application.
    NotApproved,
    /// There is no token.
    NotAuthorized,
    /// The token has expired.
    TokenExpired,
    /// `license` was passed.
    LicencePassed,
    /// `debit` was not passed.
    DebitMissing,
    /// The headset is not connected.
    HeadsetNotConnected,
    /// -32152 was treated as final.
    NotReadyNotRetried,
    /// -32005 was treated as final.
    SessionExistsNotRetried,
    /// The same query is sent over and over.
    Polling,
    /// The socket is not read.
    SocketNotRead,
    /// The connection was closed before its sessions.
    SessionsLeft,
}

impl Mistake {
    /// All mistakes.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        Self::VARIANTS
    }

    /// Its name for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The section of docs/protocol.md that says what is right.
    #[must_use]
    pub const fn reference(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::IdReused => "§1.3",
            Self::UnknownMethod | Self::WrongParameter => "§3",
            Self::SampleTakenForAnswer | Self::SocketNotRead => "§7.1",
            Self::NotApproved => "§2.3",
            Self::NotAuthorized | Self::TokenExpired | Self::LicencePassed | Self::DebitMissing => {
                "§2.4"
            }
            Self::HeadsetNotConnected | Self::NotReadyNotRetried => "§2.6",
            Self::SessionExistsNotRetried => "§2.7",
            Self::WrongCredentials => "§7.2",
            Self::Polling | Self::UnknownHeadset => "§2.5",
            Self::SessionsLeft => "§2.11",
        }
    }
}

/// What a client should do differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The kind of mistake.
    pub mistake: Mistake,
    /// What the client did, and what is right, in one sentence.
    pub text: String,
}

/// The steps that resolve a refusal, and the advice if they do not follow.
struct Rule {
    code: i64,
    /// The methods to which it applies; if empty, all.
    methods: &'static [Method],
    mistake: Mistake,
    fixed_by: fn(&ClientRequest) -> bool,
    text: &'static str,
}

const fn rule(
    code: i64,
    methods: &'static [Method],
    mistake: Mistake,
    fixed_by: fn(&ClientRequest) -> bool,
    text: &'static str,
) -> Rule {
    Rule { code, methods, mistake, fixed_by, text }
}

fn is(request: &ClientRequest, methods: &[Method]) -> bool {
    request.method.is_some_and(|own| methods.contains(&own))
}

fn connects(request: &ClientRequest) -> bool {
    is(request, &[Method::ControlDevice]) && request.text("command") == "connect"
}

fn signs_in(request: &ClientRequest) -> bool {
    is(request, &[Method::Authorize, Method::GenerateNewToken])
}

/// Whether it manages without an activation, or obtains some.
fn needs_no_activation(request: &ClientRequest) -> bool {
    let debits = || request.params.get("debit").and_then(Value::as_f64).is_some_and(|it| it > 0.0);
    is(request, &[Method::Authorize]) && debits()
        || is(request, &[Method::CreateSession]) && request.text("status") != "active"
}

#[rustfmt::skip]
const RULES: &[Rule] = &[
    rule(NOT_APPROVED, &[], Mistake::NotApproved,
        |next| is(next, &[Method::RequestAccess, Method::HasAccessRight]),
        "the user has not approved the application: call requestAccess, and wait for warning 9 or ask again"),
    rule(INVALID_TOKEN, &[], Mistake::NotAuthorized, signs_in,
        "the token is not one of this service: call authorize, and pass the cortexToken of its answer"),
    rule(TOKEN_EXPIRED, &[], Mistake::TokenExpired, signs_in,
        "the token has run out (48 h): call generateNewToken, else authorize, and use the new one"),
    rule(NO_ACTIVATION, &[Method::CreateSession, Method::UpdateSession], Mistake::DebitMissing, needs_no_activation,
        "no activation is left on this computer: call authorize with debit, which moves some from the licence, or open the session with status open"),
    rule(HEADSET_UNAVAILABLE, &[Method::CreateSession], Mistake::HeadsetNotConnected, connects,
        "the headset is not connected: call controlDevice with connect, and wait for warning 104 before createSession"),
    rule(NO_HEADSET, &[Method::CreateSession], Mistake::HeadsetNotConnected, connects,
        "no headset is connected: call controlDevice with connect, and wait for warning 104 before createSession"),
    rule(HEADSET_NOT_READY, &[Method::CreateSession], Mistake::NotReadyNotRetried,
        |next| is(next, &[Method::CreateSession]),
        "the headset was not ready yet: call createSession again, with growing pauses"),
    rule(SESSION_EXISTS, &[Method::CreateSession], Mistake::SessionExistsNotRetried,
        |next| is(next, &[Method::QuerySessions, Method::UpdateSession, Method::CreateSession]),
        "the application has a session on this headset: find it with querySessions, close it or use it, and call createSession again, as Cortex may still be closing it"),
];

/// Methods that only query: repeating them is polling.
const QUESTIONS: &[Method] = &[
    Method::GetCortexInfo,
    Method::GetUserLogin,
    Method::HasAccessRight,
    Method::RequestAccess,
    Method::GetUserInformation,
    Method::GetLicenseInfo,
    Method::QueryHeadsets,
    Method::QuerySessions,
    Method::QueryRecords,
    Method::QueryProfile,
    Method::GetCurrentProfile,
];

/// What is known about a client.
#[derive(Default)]
struct ClientHistory {
    /// Hashes of its request ids.
    ids: BTreeSet<u64>,
    /// The same hashes, oldest first.
    order: VecDeque<u64>,
    /// Whether samples have been sent.
    sampled: bool,
    /// Refusals that wait for the right next step, and until when.
    open: Vec<(&'static Rule, f64)>,
    /// Repeated calls of a query: time of the first and the last, and their number.
    polled: BTreeMap<Method, (f64, f64, u32)>,
    /// The advice given so far, with its subject.
    given: BTreeSet<(Mistake, String)>,
}

/// Detects the mistakes of all clients.
#[derive(Default)]
pub(super) struct Advisor {
    clients: BTreeMap<u64, ClientHistory>,
    /// Live sessions, and the clients that created them.
    sessions: BTreeMap<String, u64>,
    /// The headsets that the service last listed.
    pub(super) headsets: BTreeSet<String>,
    /// Headsets that are being connected.
    connecting: BTreeSet<String>,
    /// Headsets on a USB cable, which never become ready (§2.7).
    on_cable: BTreeSet<String>,
}

impl Advisor {
    /// When the next advice may become due without another crossing.
    #[cfg(test)]
    fn next(&self) -> Option<f64> {
        let open = self.clients.values().flat_map(|own| &own.open).map(|(_, until)| *until);
        open.min_by(f64::total_cmp)
    }

    /// The advice that has become due with the passing of time.
    pub(super) fn advance(&mut self, now: f64) -> Vec<(u64, Advice)> {
        let mut all = Vec::new();
        for (&number, client) in &mut self.clients {
            for (rule, _) in client.open.extract_if(.., |(_, until)| *until <= now) {
                let advice = Advice { mistake: rule.mistake, text: rule.text.to_owned() };
                all.push((number, advice, ""));
            }
        }
        let new = all.into_iter().filter_map(|(number, advice, about)| {
            let client = self.clients.get_mut(&number)?;
            client.is_new(&advice, about).then_some((number, advice))
        });
        new.collect()
    }

    /// The advice that follows from a crossing.
    pub(super) fn observe(&mut self, crossing: &Crossing<'_>) -> Vec<Advice> {
        let (number, at) = (crossing.client, crossing.at);
        if self.clients.len() >= MAX_KNOWN && !self.clients.contains_key(&number) {
            self.clients.pop_first();
        }
        let client = self.clients.entry(number).or_default();
        let found = match &crossing.what {
            CrossingEvent::Connected => {
                *client = ClientHistory::default();
                Vec::new()
            }
            CrossingEvent::Requested(request) => {
                let found = client.requested(request, at, &self.connecting);
                if connects(request) {
                    remember(&mut self.connecting, request.text("headset"));
                }
                found
            }
            CrossingEvent::Answered { request, result: Ok(result) } => {
                self.learn(number, request, result);
                misnamed_streams(request, result)
            }
            CrossingEvent::Answered { request, result: Err(refusal) } => {
                let on_cable = self.on_cable.contains(request.text("headset"));
                let found = unknown_headset(request, refusal, &self.headsets)
                    .or_else(|| client.refused(request, refusal, at, on_cable));
                found.into_iter().collect()
            }
            CrossingEvent::Warned(warning) => {
                self.warned(warning);
                Vec::new()
            }
            CrossingEvent::Sampled => {
                client.sampled = true;
                Vec::new()
            }
            CrossingEvent::Unread(seconds) => vec![said(
                Mistake::SocketNotRead,
                "",
                format!(
                    "the socket has not been read for {seconds:.0} s: read it in a task or thread \
                     of its own, or samples get lost"
                ),
            )],
            CrossingEvent::Disconnected(side) => {
                let left = self.sessions.values().filter(|owner| **owner == number).count();
                self.sessions.retain(|_, owner| *owner != number);
                if *side == Side::Client { client.left(left) } else { Vec::new() }
            }
        };
        let Some(client) = self.clients.get_mut(&number) else { return Vec::new() };
        let new = found.into_iter().filter(|(advice, about)| client.is_new(advice, about));
        let new = new.map(|(advice, _)| advice).collect();
        if matches!(crossing.what, CrossingEvent::Disconnected(_)) {
            self.clients.remove(&number);
        }
        new
    }

    fn warned(&mut self, warning: &Warning) {
        match warning.code {
            HEADSET_CONNECTED => {
                if let Some(id) = warning.headset() {
                    self.connecting.remove(id.as_str());
                }
            }
            SESSION_CLOSED => {
                if let Some(id) = warning.session() {
                    self.sessions.remove(id.as_str());
                }
            }
            _ => {}
        }
    }

    /// Learns about sessions and headsets from answers.
    fn learn(&mut self, client: u64, request: &ClientRequest, result: &Value) {
        let id = || result.get("id").and_then(Value::as_str).unwrap_or_default();
        match request.method {
            Some(Method::CreateSession) if self.sessions.len() < MAX_KNOWN => {
                self.sessions.insert(id().to_owned(), client);
            }
            Some(Method::UpdateSession) if request.text("status") == "close" => {
                self.sessions.remove(request.text("session"));
            }
            Some(Method::QueryHeadsets) => {
                if request.text("id").is_empty() {
                    self.headsets.clear();
                }
                for headset in result.as_array().into_iter().flatten() {
                    let text = |name| headset.get(name).and_then(Value::as_str).unwrap_or_default();
                    remember(&mut self.headsets, text("id"));
                    if text("connectedBy") == "usb cable" {
                        remember(&mut self.on_cable, text("id"));
                    } else {
                        self.on_cable.remove(text("id"));
                    }
                }
            }
            _ => {}
        }
    }
}

fn remember(known: &mut BTreeSet<String>, id: &str) {
    if known.len() < MAX_KNOWN {
        known.insert(id.to_owned());
    }
}

/// Advice and its subject: the same advice is given only once.
type GivenAdvice = (Advice, String);

fn said(mistake: Mistake, about: &str, text: impl Into<String>) -> GivenAdvice {
    (Advice { mistake, text: text.into() }, about.to_owned())
}

impl ClientHistory {
    /// The mistakes visible in a request. `connecting`: headsets that are being connected.
    fn requested(
        &mut self,
        request: &ClientRequest,
        at: f64,
        connecting: &BTreeSet<String>,
    ) -> Vec<GivenAdvice> {
        let mut found = Vec::new();
        self.open.retain(|(rule, _)| {
            // While a headset is being connected, retrying is as good as waiting.
            let headset = request.text("headset");
            let retried = rule.mistake == Mistake::HeadsetNotConnected
                && is(request, rule.methods)
                && connecting.iter().any(|id| headset.is_empty() || id == headset);
            !(rule.fixed_by)(request) && !retried
        });
        if let Some(fault) = request.fault {
            let text = format!(
                "a request {fault}: send one object with id, jsonrpc \"2.0\", method and params"
            );
            found.push(said(Mistake::InvalidRequest, fault, text));
        }
        if self.reuses(&request.id) {
            let text = format!(
                "the id {:.40} of {} was used before: give each request an id of its own, or answers \
                 cannot be told apart",
                request.id, request.name
            );
            found.push(said(Mistake::IdReused, "", text));
        }
        if is(request, &[Method::Authorize]) && !request.text("license").is_empty() {
            let text = "authorize was called with license, which is obsolete and often refused: \
                        leave it out";
            found.push(said(Mistake::LicencePassed, "", text));
        }
        if is(request, &[Method::InjectMarker, Method::UpdateMarker])
            && let Some(time) = request.params.get("time").and_then(Value::as_f64)
            && !MARKER_TIMES.contains(&time)
        {
            let looks = if MARKER_TIMES.contains(&(time * 1000.0)) {
                "in seconds: multiply it by 1000"
            } else {
                "of another century: pass the time of the computer's clock"
            };
            let name = &request.name;
            let text =
                format!("the time of {name} is in milliseconds since 1970, but {time} is {looks}");
            found.push(said(Mistake::WrongParameter, "marker time", text));
        }
        if let Some(method) = request.method.filter(|own| QUESTIONS.contains(own))
            && let Some(rate) = self.poll(method, at)
        {
            let text = format!(
                "{method} is called {rate:.0} times a second: ask at most twice a second, better \
                 every second or on a warning"
            );
            found.push(said(Mistake::Polling, method.name(), text));
        }
        found
    }

    /// The mistake that a refusal makes visible at once, if any. `on_cable`: the requested headset
    /// is connected by a USB cable and never becomes ready.
    fn refused(
        &mut self,
        request: &ClientRequest,
        refusal: &Refusal,
        at: f64,
        on_cable: bool,
    ) -> Option<GivenAdvice> {
        if let Some(found) = explain(self, request, refusal) {
            return Some(found);
        }
        let concerns = |rule: &Rule| rule.methods.is_empty() || is(request, rule.methods);
        let rule = RULES.iter().find(|rule| rule.code == refusal.code && concerns(rule))?;
        if self.open.iter().any(|(open, _)| open.mistake == rule.mistake) {
            return Some(said(rule.mistake, "", rule.text));
        }
        if !(on_cable && rule.mistake == Mistake::NotReadyNotRetried) {
            self.open.push((rule, at + PATIENCE));
        }
        None
    }

    /// The mistakes that become visible when the client leaves with this many open sessions.
    fn left(&mut self, sessions: usize) -> Vec<GivenAdvice> {
        let open = self.open.drain(..).map(|(rule, _)| said(rule.mistake, "", rule.text));
        let left = (sessions > 0).then(|| {
            let noun = if sessions == 1 { "a session" } else { "sessions" };
            let text = format!(
                "the connection was closed with {noun} still open: unsubscribe, then updateSession \
                 with close, then close the socket"
            );
            said(Mistake::SessionsLeft, "", text)
        });
        open.chain(left).collect()
    }

    /// Whether an earlier request had this id.
    fn reuses(&mut self, id: &str) -> bool {
        if id == "null" {
            return false;
        }
        // An id may be long, and only its repetition matters.
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let id = hasher.finish();
        if !self.ids.insert(id) {
            return true;
        }
        self.order.push_back(id);
        if self.order.len() > MAX_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        false
    }

    /// Counts a query. Returns its rate per second if that is too high.
    fn poll(&mut self, method: Method, at: f64) -> Option<f64> {
        let run = self.polled.entry(method).or_insert((at, at, 0));
        if at - run.1 > POLL_GAP {
            *run = (at, at, 0);
        }
        (run.1, run.2) = (at, run.2 + 1);
        let time = run.1 - run.0;
        let rate = f64::from(run.2 - 1) / time.max(f64::EPSILON);
        (time >= POLL_TIME && rate > POLL_RATE).then_some(rate)
    }

    /// Whether the client has not had this advice before.
    fn is_new(&mut self, advice: &Advice, about: &str) -> bool {
        self.given.len() < MAX_ADVICE && self.given.insert((advice.mistake, about.to_owned()))
    }
}

/// The mistake that a refusal proves by itself, whatever comes next.
fn explain(
    client: &ClientHistory,
    request: &ClientRequest,
    refusal: &Refusal,
) -> Option<GivenAdvice> {
    let name = &request.name;
    if refusal.code == METHOD_NOT_FOUND {
        let alike = nearest_name(Method::VARIANTS.iter().map(|own| own.name()), name);
        let meant = alike.map_or_else(
            || "names are case-sensitive".to_owned(),
            |method| format!("the name is {method}"),
        );
        let text = format!("there is no method {name:.40}: {meant}");
        return Some(said(Mistake::UnknownMethod, name, text));
    }
    if refusal.code == WRONG_CREDENTIALS {
        let text = "the clientSecret is not that of the clientId: compare both with those of the \
                    application; in the simulator a clientId keeps the secret that it came with first";
        return Some(said(Mistake::WrongCredentials, "", text));
    }
    if ![INVALID_PARAMS, NO_SESSION, INVALID_TOKEN].contains(&refusal.code) {
        return None;
    }
    let operation = methods::find(name)?;
    let fault = operation.param_fault(&request.params);
    let is_lacking = |param: &&str| match request.params.get(*param) {
        None | Some(Value::Null) => true,
        Some(value) => value.as_str().is_some_and(str::is_empty),
    };
    let misnamed = matches!(fault, Some(ParamFault::Unknown(_)));
    let lacking = operation.needed_texts().find(is_lacking).filter(|_| !misnamed);
    if let Some(param) = lacking.filter(|_| client.sampled) {
        let text = format!(
            "{name} was called without {param} while samples come: a sample was probably taken for \
             the answer that gives it, so match answers by id"
        );
        return Some(said(Mistake::SampleTakenForAnswer, "", text));
    }
    if lacking == Some(methods::TOKEN) {
        let text = format!(
            "{name} was called without a token: call authorize first, and pass the cortexToken of \
             its answer"
        );
        return Some(said(Mistake::NotAuthorized, "", text));
    }
    if refusal.code != INVALID_PARAMS {
        return None;
    }
    let Some(fault) = fault else { return unknown_action(request) };
    let (param, text) = match fault {
        ParamFault::Unknown(param) => {
            let alike = nearest_name(operation.param_names(), &param);
            let names: Vec<_> = operation.param_names().collect();
            let meant = match alike {
                Some(own) => format!("it is called {own}"),
                None if names.is_empty() => "it takes none".to_owned(),
                None => format!("it takes {}", names.join(", ")),
            };
            let text = format!("{name} has no parameter {param:.40}: {meant}");
            (param, text)
        }
        ParamFault::Missing { name: param, other } => {
            let or = other.map_or_else(String::new, |other| format!(" or {other}"));
            (param.to_owned(), format!("{name} needs the parameter {param}{or}"))
        }
        ParamFault::Mistyped(param, kind) => {
            (param.to_owned(), format!("the parameter {param} of {name} has to be {kind}"))
        }
    };
    Some(said(Mistake::WrongParameter, &format!("{name}.{param:.40}"), text))
}

/// Streams refused in a subscription because they do not exist in the API.
fn misnamed_streams(request: &ClientRequest, result: &Value) -> Vec<GivenAdvice> {
    if !is(request, &[Method::Subscribe, Method::Unsubscribe]) {
        return Vec::new();
    }
    let refused = result.get("failure").and_then(Value::as_array).into_iter().flatten();
    let names = refused.filter_map(|refused| refused.get("streamName")?.as_str());
    let unknown = names.filter(|name| Stream::from_name(name).is_none()).take(16);
    let advice = unknown.map(|name| {
        let meant = suggest(Stream::ALL.map(Stream::name), name);
        let text = format!("there is no stream {name:.40}: {meant}");
        said(Mistake::WrongParameter, &format!("stream {name:.40}"), text)
    });
    advice.collect()
}

/// A refusal because there is no such headset, if the existing ones are known.
fn unknown_headset(
    request: &ClientRequest,
    refusal: &Refusal,
    headsets: &BTreeSet<String>,
) -> Option<GivenAdvice> {
    let named = ["headset", "headsetId"].map(|name| request.text(name));
    let id = named.into_iter().find(|id| !id.is_empty())?;
    if refusal.code != HEADSET_UNAVAILABLE || headsets.is_empty() || headsets.contains(id) {
        return None;
    }
    let meant = suggest(headsets.iter().map(String::as_str), id);
    let text = format!("there is no headset {id:.40}: {meant}; take the id from queryHeadsets");
    Some(said(Mistake::UnknownHeadset, id, text))
}

/// An action that does not exist in the detection, in a refused request.
fn unknown_action(request: &ClientRequest) -> Option<GivenAdvice> {
    let actions = match request.method? {
        Method::Training => Detection::named(request.text("detection")).all_trainable(),
        Method::FacialExpressionThreshold => Detection::Facial.actions(),
        Method::MentalCommandActiveAction | Method::MentalCommandGetSkillRating => {
            Detection::Mental.actions()
        }
        _ => return None,
    };
    let list = request.params.get("actions").and_then(Value::as_array).into_iter().flatten();
    let all = list.chain(request.params.get("action")).filter_map(Value::as_str);
    let unknown = all.into_iter().find(|name| !actions.contains(name))?;
    let text = format!(
        "{} knows no action {unknown:.40}: {}",
        request.name,
        suggest(actions.iter().copied(), unknown)
    );
    Some(said(Mistake::WrongParameter, &format!("action {unknown:.40}"), text))
}

#[cfg(test)]
mod tests;
