//! The service without a socket: every method when it succeeds, and every refusal.

mod account;
mod devices;
mod recording;
mod training;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{sync::broadcast, time::advance};

use super::{
    Injection, Options, SharedService,
    dispatch::respond,
    outgoing::{ClientEvent, Notification, Payload},
    service,
    service::Service,
};
use cortop_protocol::model::Model;

/// A client of the service without a socket.
pub(super) struct TestClient {
    pub(super) shared: SharedService,
    pub(super) token: String,
    notifications: broadcast::Receiver<Notification>,
    client: u64,
    keys: Value,
}

impl TestClient {
    pub(super) fn new(options: &Options) -> Self {
        let (service, _) = service(options, None).unwrap();
        Self::serving(service)
    }

    fn serving(service: Service) -> Self {
        let shared = SharedService::new(service);
        let notifications = shared.notifications();
        let keys = json!({ "clientId": "id", "clientSecret": "no" });
        Self { shared, token: String::new(), notifications, client: 1, keys }
    }

    /// A client of a service that nobody has used before.
    pub(super) fn cold() -> Self {
        Self::new(&Options { warm: false, approved: false, ..Options::default() })
    }

    /// A client with a token, and a warm headset of a model.
    pub(super) fn warm(model: Model) -> Self {
        let mut peer = Self::new(&Options::demo(model, 1, 0));
        peer.authorize();
        peer
    }

    /// Another client of the same service, of another application.
    pub(super) fn neighbour(&self, client: u64) -> Self {
        let keys = json!({ "clientId": format!("id {client}"), "clientSecret": "no" });
        let notifications = self.shared.notifications();
        let mut peer =
            Self { shared: self.shared.clone(), token: String::new(), notifications, client, keys };
        peer.authorize();
        peer
    }

    fn authorize(&mut self) {
        let token = self.call("authorize", &self.keys.clone())["cortexToken"].clone();
        token.as_str().unwrap().clone_into(&mut self.token);
    }

    /// The raw answer to a request.
    fn answer(&self, method: &str, params: &Value) -> Value {
        let request = json!({ "id": 1, "jsonrpc": "2.0", "method": method, "params": params });
        let answer = self
            .shared
            .update(|service, now| respond(service, self.client, now, &request.to_string()))
            .remove(0);
        serde_json::from_str(&answer.payload.into_text()).unwrap()
    }

    /// The code of a refusal, 0 if there is none; adds no token.
    pub(super) fn raw(&self, method: &str, params: &Value) -> i64 {
        self.answer(method, params)["error"]["code"].as_i64().unwrap_or_default()
    }

    fn with_token(&self, params: &Value) -> Value {
        let mut params = params.clone();
        if !self.token.is_empty() && params.get("cortexToken").is_none() {
            params["cortexToken"] = json!(self.token);
        }
        params
    }

    /// The result of a method without a token.
    fn call(&self, method: &str, params: &Value) -> Value {
        let answer = self.answer(method, params);
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].clone()
    }

    /// The result of a method with a token.
    fn own(&self, method: &str, params: &Value) -> Value {
        self.call(method, &self.with_token(params))
    }

    /// The code with which a method with a token is refused.
    fn refused(&self, method: &str, params: &Value) -> i64 {
        self.raw(method, &self.with_token(params))
    }

    fn headset(&self) -> String {
        self.shared.with(|service, _| service.headsets.0[0].id.to_string())
    }

    fn session(&self, status: &str) -> Value {
        let params = json!({ "headset": self.headset(), "status": status });
        self.own("createSession", &params)["id"].clone()
    }

    fn subscribe(&self, session: &Value, streams: &[&str]) -> Value {
        self.own("subscribe", &json!({ "session": session, "streams": streams }))
    }

    /// Injects a fault.
    fn inject(&self, fault: impl Into<Injection>) {
        self.shared.update(|service, now| service.inject(fault.into(), now));
    }

    /// Lets service time pass.
    async fn pass(&self, seconds: f64) {
        advance(Duration::from_secs_f64(seconds)).await;
        self.shared.with(|_, _| {});
    }

    /// The warnings since the last call: codes and messages.
    fn warnings(&mut self) -> Vec<(i64, Value)> {
        let mut all = Vec::new();
        while let Ok(Notification { event: ClientEvent::Message(Payload::Text(text)), .. }) =
            self.notifications.try_recv()
        {
            let warning: Value = serde_json::from_str(&text).unwrap();
            let warning = &warning["warning"];
            all.push((warning["code"].as_i64().unwrap(), warning["message"].clone()));
        }
        all
    }

    fn codes(&mut self) -> Vec<i64> {
        self.warnings().into_iter().map(|(code, _)| code).collect()
    }

    /// The samples that are due.
    fn samples(&self) -> Vec<Value> {
        let mut samples = Vec::new();
        self.shared.with(|service, _| {
            service.send_samples(self.client, |sample| {
                samples.push(serde_json::from_str(sample.text()).unwrap());
            });
        });
        samples
    }

    /// The values of a stream in the samples that are due.
    fn values(&self, stream: &str) -> Vec<Value> {
        self.samples().iter().filter_map(|sample| sample.get(stream).cloned()).collect()
    }

    /// Closes the socket.
    fn leave(&self) {
        self.shared.update(|service, now| service.disconnect_client(self.client, now));
    }

    /// Epoch milliseconds, as used by markers.
    fn millis(&self) -> f64 {
        self.shared.with(|service, now| service.env.clock.epoch(now) * 1000.0)
    }
}
