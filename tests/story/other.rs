//! Another program at the same service, which sends plain JSON.

use std::time::Duration;

use cortop_sim::{Fault, Sim};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

const PATIENCE: Duration = Duration::from_secs(20);

/// Its connection.
pub(crate) struct OtherApplication {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    asked: u64,
    token: Value,
}

impl OtherApplication {
    /// Connects an application, which is the monitor's own if it is called `story`.
    pub(crate) async fn start(sim: &Sim, application: &str) -> Self {
        // Boxed, as it would take much room in every story.
        let (socket, _) = Box::pin(connect_async(sim.url())).await.expect("the simulator listens");
        let mut this = Self { socket, asked: 0, token: Value::Null };
        let keys = json!({ "clientId": application, "clientSecret": "story" });
        this.ask("requestAccess", keys.clone()).await;
        sim.control().inject(Fault::GrantAccess {});
        this.token = this.ask("authorize", keys).await["cortexToken"].take();
        this
    }

    /// The result of a request.
    pub(crate) async fn ask(&mut self, method: &str, mut params: Value) -> Value {
        self.asked += 1;
        if !self.token.is_null() {
            params["cortexToken"] = self.token.clone();
        }
        let request =
            json!({ "id": self.asked, "jsonrpc": "2.0", "method": method, "params": params });
        self.socket.send(Message::text(request.to_string())).await.expect("sent");
        loop {
            let next = timeout(PATIENCE, self.socket.next()).await.expect("an answer");
            let text = next.expect("the link stands").expect("a message").into_text();
            let mut value: Value = serde_json::from_str(&text.expect("a text")).expect("JSON");
            if value["id"] == self.asked {
                assert!(value.get("error").is_none(), "{method}: {value}");
                return value["result"].take();
            }
        }
    }
}
