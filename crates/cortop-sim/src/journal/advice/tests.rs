//! Each mistake against the simulated service, and its advice; correct clients, which get none.

#![expect(clippy::needless_pass_by_value, reason = "helpers take json!(…) as it comes")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::advance;

use super::*;
use crate::{
    Fault, Options, SharedService, dispatch::respond, journal::SampleCount, scenario::Injection,
    service,
};

const CLIENT: u64 = 1;

/// A client, and what it has learnt.
struct Peer {
    shared: SharedService,
    id: u64,
    token: Value,
    session: Value,
}

impl Peer {
    fn new(options: &Options) -> Self {
        let (service, _) = service(options, None).unwrap();
        let shared = SharedService::new(service);
        shared.journal.connected(CLIENT);
        Self { shared, id: 0, token: Value::Null, session: Value::Null }
    }

    /// A client that finds a connected headset and everything approved.
    fn warm() -> Self {
        Self::new(&Options::default())
    }

    /// A client of a service that nobody has used before.
    fn cold() -> Self {
        let mut peer = Self::new(&Options { warm: false, ..Options::default() });
        peer.authorize();
        peer
    }

    fn streaming() -> Self {
        let mut peer = Self::warm();
        peer.authorize();
        peer.open();
        peer.own("subscribe", json!({ "session": peer.session, "streams": ["eeg"] }));
        peer
    }

    fn text(&self, text: &str) -> Value {
        self.shared.journal.received(CLIENT, text);
        let answers = self.shared.update(|service, now| respond(service, CLIENT, now, text));
        let mut last = Value::Null;
        for answer in answers {
            let text = answer.payload.into_text();
            self.shared.journal.sent(CLIENT, &text);
            last = serde_json::from_str(&text).unwrap();
        }
        last
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        let request =
            json!({ "id": self.id, "jsonrpc": "2.0", "method": method, "params": params });
        self.text(&request.to_string())
    }

    fn own(&mut self, method: &str, mut params: Value) -> Value {
        params["cortexToken"] = self.token.clone();
        self.call(method, params)
    }

    fn keys() -> Value {
        json!({ "clientId": "the client id", "clientSecret": "the client secret" })
    }

    fn authorize(&mut self) {
        self.token = self.call("authorize", Self::keys())["result"]["cortexToken"].clone();
    }

    fn open(&mut self) -> Value {
        let answer = self.own("createSession", json!({ "status": "active" }));
        self.session = answer["result"]["id"].clone();
        answer
    }

    fn close(&mut self) {
        self.own("updateSession", json!({ "session": self.session, "status": "close" }));
    }

    fn headset(&self) -> String {
        self.shared.with(|service, _| service.headsets.0[0].id.to_string())
    }

    fn connect(&mut self) {
        let headset = self.headset();
        self.call("controlDevice", json!({ "command": "connect", "headset": headset }));
    }

    fn sample(&self) {
        let mut samples = SampleCount::default();
        samples.count("{\"mot\":[]}", true);
        self.shared.journal.sampled(CLIENT, &samples);
    }

    fn inject(&self, fault: impl Into<Injection>) {
        self.shared.update(|service, now| service.inject(fault.into(), now));
    }

    fn refuse(&self, method: &str, code: i64, times: u32) {
        let method = Some(method.to_owned());
        self.inject(Fault::Refuse { method, code, message: None, times });
    }

    fn leave(&self, by: Side) {
        self.shared.journal.disconnected(CLIENT, by);
    }

    fn advice(&self) -> Vec<Advice> {
        self.shared.journal.advice()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        self.advice().into_iter().map(|advice| advice.mistake).collect()
    }
}

async fn pass(seconds: f64) {
    advance(Duration::from_secs_f64(seconds)).await;
}

/// A client that makes this mistake.
#[expect(clippy::too_many_lines, reason = "an arm for each mistake")]
async fn make(mistake: Mistake) -> Peer {
    let mut peer;
    match mistake {
        Mistake::InvalidRequest => {
            peer = Peer::warm();
            peer.text("{\"id\":1,\"method\":\"getCortexInfo\"}");
        }
        Mistake::UnknownMethod => {
            peer = Peer::warm();
            peer.call("GetCortexInfo", json!({}));
        }
        Mistake::WrongParameter => {
            peer = Peer::warm();
            peer.call("authorize", json!({ "client_id": "id", "clientSecret": "no" }));
        }
        Mistake::IdReused => {
            peer = Peer::warm();
            for _ in 0..3 {
                peer.id = 6;
                peer.call("queryHeadsets", json!({}));
            }
        }
        Mistake::SampleTakenForAnswer => {
            peer = Peer::streaming();
            peer.sample();
            peer.own("updateSession", json!({ "session": null, "status": "close" }));
            peer.close();
        }
        Mistake::NotApproved => {
            peer = Peer::new(&Options { approved: false, ..Options::default() });
            peer.authorize();
            peer.authorize();
        }
        Mistake::NotAuthorized => {
            peer = Peer::warm();
            peer.call("createSession", json!({ "status": "open" }));
        }
        Mistake::TokenExpired => {
            peer = Peer::streaming();
            pass(49.0 * 3600.0).await;
            peer.own("querySessions", json!({}));
            peer.own("querySessions", json!({}));
            peer.authorize();
            peer.close();
        }
        Mistake::LicencePassed => {
            peer = Peer::warm();
            let mut keys = Peer::keys();
            keys["license"] = json!("Basic License");
            peer.call("authorize", keys);
        }
        Mistake::DebitMissing => {
            peer = Peer::new(&Options { quota: 0, ..Options::default() });
            peer.authorize();
            peer.open();
            pass(11.0).await;
        }
        Mistake::HeadsetNotConnected => {
            peer = Peer::cold();
            let headset = peer.headset();
            peer.own("createSession", json!({ "headset": headset, "status": "open" }));
            peer.call("queryHeadsets", json!({}));
            peer.own("createSession", json!({ "headset": headset, "status": "open" }));
        }
        Mistake::UnknownHeadset => {
            peer = Peer::cold();
            peer.own("createSession", json!({ "headset": "EPOCX-00000000", "status": "open" }));
        }
        Mistake::WrongCredentials => {
            peer = Peer::warm();
            peer.call(
                "requestAccess",
                json!({ "clientId": "the client id", "clientSecret": "typo" }),
            );
            peer.authorize();
        }
        Mistake::NotReadyNotRetried => {
            peer = Peer::warm();
            peer.authorize();
            peer.refuse("createSession", -32152, 1);
            peer.open();
            peer.leave(Side::Client);
        }
        Mistake::SessionExistsNotRetried => {
            peer = Peer::warm();
            peer.authorize();
            peer.refuse("createSession", -32005, 1);
            peer.open();
            pass(11.0).await;
        }
        Mistake::Polling => {
            peer = Peer::warm();
            for _ in 0..20 {
                peer.call("queryHeadsets", json!({}));
                pass(0.25).await;
            }
        }
        Mistake::SocketNotRead => {
            peer = Peer::streaming();
            peer.shared.journal.unread(CLIENT, Duration::from_secs(5));
            peer.close();
        }
        Mistake::SessionsLeft => {
            peer = Peer::streaming();
            peer.leave(Side::Client);
        }
    }
    peer
}

#[tokio::test(start_paused = true)]
async fn each_mistake_gives_exactly_its_advice_without_secrets() {
    for &mistake in Mistake::all() {
        let peer = make(mistake).await;
        let advice = peer.advice();
        assert_eq!(peer.mistakes(), [mistake], "{advice:?}");
        let text = &advice[0].text;
        assert!(!text.contains("client secret") && text.len() < 200, "{text}");
        assert!(text.contains([':', ',']), "it says what is right: {text}");
        peer.leave(Side::Client);
    }
}

#[test]
fn every_reference_is_a_section_of_the_book() {
    let book = include_str!("../../../../../docs/protocol.md");
    for mistake in Mistake::all() {
        let section = mistake.reference().trim_start_matches('§');
        let heading = if section.contains('.') {
            format!("\n### {section} ")
        } else {
            format!("\n## {section}. ")
        };
        assert!(book.contains(&heading), "{}", mistake.reference());
    }
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_is_wrong_is_named_with_what_is_right() {
    let mut peer = Peer::cold();
    for (method, params, said) in [
        ("authorize", json!({ "client_id": "x", "clientSecret": "x" }), "it is called clientId"),
        ("generateNewToken", json!({ "token": "x" }), "it is called cortexToken"),
        ("queryHeadsets", json!({ "colour": 1 }), "it takes id, includeFlexMappings"),
        ("getCortexInfo", json!({ "colour": 1 }), "it takes none"),
        ("controlDevice", json!({ "comand": "refresh" }), "it is called command"),
        ("createSession", json!({ "headest": "x", "status": "open" }), "it is called headset"),
        ("setupProfile", json!({ "newProfileNam": "x" }), "it is called newProfileName"),
        (
            "setupProfile",
            json!({ "cortexToken": "x", "status": "load", "profile": "x" }),
            "needs the parameter headset",
        ),
        (
            "mentalCommandBrainMap",
            json!({ "cortexToken": "x" }),
            "needs the parameter session or profile",
        ),
        ("requestAccess", json!({ "clientId": "x" }), "needs the parameter clientSecret"),
        ("controlDevice", json!({ "command": "stop" }), "one of connect, disconnect, refresh"),
        ("authorize", json!({ "clientId": "x", "clientSecret": "x", "debit": "1" }), "from 0"),
    ] {
        assert_eq!(peer.call(method, params)["error"]["code"], -32602, "{method}");
        let advice = peer.advice();
        let last = advice.last().map(|advice| advice.text.clone()).unwrap_or_default();
        assert!(last.contains(said), "{last}");
    }
    assert!(peer.mistakes().iter().all(|mistake| *mistake == Mistake::WrongParameter));
}

#[tokio::test(start_paused = true)]
async fn a_name_or_a_time_that_is_wrong_is_named_with_what_is_right() {
    let mut peer = Peer::streaming();
    let id = peer.headset();
    let near = format!("{}Z", &id[..id.len() - 1]);
    let session = peer.session.clone();
    for (method, params, said) in [
        (
            "subscribe",
            json!({ "session": session, "streams": ["eeg", "motion"] }),
            "no stream motion: did you mean mot?",
        ),
        (
            "unsubscribe",
            json!({ "session": session, "streams": ["quaternions"] }),
            "there are eeg, mot, dev",
        ),
        (
            "createSession",
            json!({ "headset": near, "status": "open" }),
            &format!("did you mean {id}?"),
        ),
        (
            "createSession",
            json!({ "headset": "no", "status": "open" }),
            &format!("there is only {id}; take"),
        ),
        ("getCurrentProfile", json!({ "headset": "nothing" }), "no headset nothing"),
        (
            "training",
            json!({ "session": session, "detection": "mentalCommand", "status": "start", "action": "pushh" }),
            "training knows no action pushh: did you mean push?",
        ),
        (
            "training",
            json!({ "session": session, "detection": "facialExpression", "status": "start", "action": "blink" }),
            "there are neutral, surprise, frown, smile, clench",
        ),
        (
            "mentalCommandActiveAction",
            json!({ "session": session, "status": "set", "actions": ["push", "pul"] }),
            "no action pul: did you mean pull?",
        ),
        (
            "injectMarker",
            json!({ "session": session, "time": 1_767_946_200.5, "value": 1, "label": "x" }),
            "is in milliseconds since 1970, but 1767946200.5 is in seconds: multiply it by 1000",
        ),
    ] {
        peer.own(method, params);
        let advice = peer.advice();
        let last = advice.last().map(|advice| advice.text.clone()).unwrap_or_default();
        assert!(last.contains(said) && last.len() < 200, "{method}: {last}");
    }
    let count = peer.advice().len();
    for time in [json!(1_767_946_200_500_u64), json!("1767946200500")] {
        let marker = json!({ "session": session, "time": time, "value": 1, "label": "y" });
        peer.own("injectMarker", marker);
    }
    // A text is another mistake; the right value is none.
    assert_eq!(peer.advice().len(), count + 1);
    // Refused for another reason.
    peer.own("subscribe", json!({ "session": session, "streams": ["sys", "fac"] }));
    assert_eq!(peer.advice().len(), count + 1);
}

/// A client that is refused and then does the right thing has made no mistake.
#[tokio::test(start_paused = true)]
async fn right_clients_get_none() {
    // From the approval to the session, as the reference describes it.
    let mut peer = Peer::new(&Options { warm: false, approved: false, ..Options::default() });
    peer.call("getCortexInfo", json!({}));
    peer.authorize();
    peer.call("requestAccess", Peer::keys());
    pass(3.5).await;
    let mut keys = Peer::keys();
    (keys["license"], keys["debit"]) = (json!(""), json!(10));
    peer.token = peer.call("authorize", keys)["result"]["cortexToken"].clone();
    assert_eq!(peer.open()["error"]["code"], -32001);
    peer.connect();
    for _ in 0..4 {
        peer.call("queryHeadsets", json!({}));
        // Attempts that come too early are as good as waiting for 104.
        if !peer.session.is_string() {
            peer.open();
        }
        pass(1.0).await;
    }
    assert!(peer.session.is_string());
    peer.own("subscribe", json!({ "session": peer.session, "streams": ["eeg", "sys"] }));
    peer.sample();
    // Queries may come in a burst and in parallel.
    for _ in 0..30 {
        peer.call("queryHeadsets", json!({}));
    }
    peer.close();
    peer.leave(Side::Client);
    assert_eq!(peer.advice(), []);

    // Refusals that are resolved in time, one way or the other.
    let mut peer = Peer::warm();
    peer.authorize();
    for code in [-32152, -32005, -32019] {
        peer.refuse("createSession", code, 1);
        peer.open();
        pass(5.0).await;
        peer.own("createSession", json!({ "status": "open" }));
        peer.own("querySessions", json!({}));
        peer.session = peer.own("querySessions", json!({}))["result"][0]["id"].clone();
        peer.close();
        pass(11.0).await;
    }
    peer.inject(Fault::ExpireTokens {});
    peer.own("querySessions", json!({}));
    peer.authorize();
    peer.open();
    assert_eq!(peer.advice(), []);
    // A client that the service drops has left nothing behind.
    peer.leave(Side::Service);
    assert_eq!(peer.advice(), []);

    // On a USB cable, retrying is pointless.
    let mut peer = Peer::cold();
    let headset = peer.call("queryHeadsets", json!({}))["result"][0]["id"].clone();
    let params = json!({ "command": "connect", "headset": headset, "connectionType": "usb cable" });
    peer.call("controlDevice", params);
    pass(3.0).await;
    peer.call("queryHeadsets", json!({}));
    let params = json!({ "headset": headset, "status": "open" });
    assert_eq!(peer.own("createSession", params)["error"]["code"], -32152);
    peer.leave(Side::Client);
    assert_eq!(peer.advice(), []);
}

#[tokio::test(start_paused = true)]
async fn the_same_advice_is_given_once_and_what_is_kept_is_bounded() {
    let mut peer = Peer::warm();
    for _ in 0..200 {
        peer.call("authorize", json!({ "client_id": "x" }));
    }
    assert_eq!(peer.mistakes(), [Mistake::WrongParameter]);
    for number in 0..200 {
        peer.call("authorize", json!({ format!("x{number}"): "x" }));
    }
    assert_eq!(peer.mistakes().len(), MAX_ADVICE);
    let mut advisor = Advisor::default();
    for client in 0..3000 {
        advisor.observe(&Crossing { at: 0.0, client, what: CrossingEvent::Connected });
    }
    assert!(advisor.clients.len() <= MAX_KNOWN && advisor.next().is_none());
}
