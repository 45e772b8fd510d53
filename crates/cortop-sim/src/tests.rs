//! The service without a socket, story by story: every method as it should go, and every refusal.

mod account;
mod devices;
mod recording;
mod training;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{sync::broadcast, time::advance};

use super::{
    Injection, Options, SharedService,
    outgoing::{Notification, NotificationKind, Payload},
    service,
};
use cortop_protocol::model::Model;

/// A client at the service's desk.
pub(super) struct TestClient {
    pub(super) shared: SharedService,
    pub(super) token: String,
    news: broadcast::Receiver<Notification>,
    client: u64,
    keys: Value,
}

impl TestClient {
    pub(super) fn new(options: &Options) -> Self {
        let (service, _) = service(options, None).unwrap();
        let shared = SharedService::new(service);
        let news = shared.news();
        let keys = json!({ "clientId": "id", "clientSecret": "no" });
        Self { shared, token: String::new(), news, client: 1, keys }
    }

    /// Nobody has been here before.
    pub(super) fn cold() -> Self {
        Self::new(&Options { warm: false, approved: false, ..Options::default() })
    }

    /// A warm headset of a model, and a token.
    pub(super) fn warm(model: Model) -> Self {
        let mut desk = Self::new(&Options::demo(model, 1, 0));
        desk.authorize();
        desk
    }

    /// Another client of the same service, of another application.
    pub(super) fn neighbour(&self, client: u64) -> Self {
        let keys = json!({ "clientId": format!("id {client}"), "clientSecret": "no" });
        let news = self.shared.news();
        let mut desk =
            Self { shared: self.shared.clone(), token: String::new(), news, client, keys };
        desk.authorize();
        desk
    }

    fn authorize(&mut self) {
        let token = self.call("authorize", &self.keys.clone())["cortexToken"].clone();
        token.as_str().unwrap().clone_into(&mut self.token);
    }

    /// The answer to a request as it stands.
    fn answer(&self, method: &str, params: &Value) -> Value {
        let request = json!({ "id": 1, "jsonrpc": "2.0", "method": method, "params": params });
        let text =
            self.shared.with(|service, now| service.answer(self.client, now, &request.to_string()));
        serde_json::from_str(&text.into_text()).unwrap()
    }

    /// The code of a refusal, 0 if there is none; no token is added.
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

    /// The result of a method without token.
    fn call(&self, method: &str, params: &Value) -> Value {
        let answer = self.answer(method, params);
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].clone()
    }

    /// The result of a method with token.
    fn own(&self, method: &str, params: &Value) -> Value {
        self.call(method, &self.with_token(params))
    }

    /// The code with which a method with token is refused.
    fn refused(&self, method: &str, params: &Value) -> i64 {
        self.raw(method, &self.with_token(params))
    }

    fn headset(&self) -> String {
        self.shared.quietly(|service, _| service.headsets[0].id.to_string())
    }

    fn session(&self, status: &str) -> Value {
        let params = json!({ "headset": self.headset(), "status": status });
        self.own("createSession", &params)["id"].clone()
    }

    fn subscribe(&self, session: &Value, streams: &[&str]) -> Value {
        self.own("subscribe", &json!({ "session": session, "streams": streams }))
    }

    /// Lets service time pass.
    async fn pass(&self, seconds: f64) {
        advance(Duration::from_secs_f64(seconds)).await;
        self.shared.quietly(|_, _| {});
    }

    /// The warnings since the last look: codes and messages.
    fn warnings(&mut self) -> Vec<(i64, Value)> {
        let mut all = Vec::new();
        while let Ok(Notification { what: NotificationKind::Say(Payload::Text(text)), .. }) =
            self.news.try_recv()
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
        self.shared.quietly(|service, now| {
            service.send_samples(self.client, now, |out| {
                samples.push(serde_json::from_str(out.text()).unwrap());
            });
        });
        samples
    }

    /// The values of a stream among the samples that are due.
    fn values(&self, stream: &str) -> Vec<Value> {
        self.samples().iter().filter_map(|sample| sample.get(stream).cloned()).collect()
    }

    /// The socket closes.
    fn leave(&self) {
        self.shared.with(|service, now| service.disconnect_client(self.client, now));
    }

    /// Milliseconds of the epoch, as markers have them.
    fn millis(&self) -> f64 {
        self.shared.quietly(|service, now| service.clock.epoch(now) * 1000.0)
    }
}
