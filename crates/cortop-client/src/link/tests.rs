//! The link against a peer at the other end of a pipe, on a paused clock.

use serde_json::Value;
use tokio::{io::DuplexStream, task::JoinSet};
use tokio_tungstenite::tungstenite::{Message as Frame, protocol::Role};

use super::*;
use crate::{feed::FeedReceiver, feed::feed, socket};
use cortop_protocol::Headset;
use cortop_protocol::Stream;

struct FakeServer {
    socket: WebSocketStream<DuplexStream>,
    link: LinkHandle,
    feed: FeedReceiver,
}

impl FakeServer {
    async fn new() -> Self {
        let (ours, theirs) = tokio::io::duplex(4 << 20);
        let config = Some(socket::web_socket_config());
        let client = WebSocketStream::from_raw_socket(ours, Role::Client, config).await;
        let socket = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
        let (sender, feed) = feed();
        let link = spawn(client, sender, Arc::default(), Secrets::default(), Tap::default());
        Self { socket, link, feed }
    }

    /// Sends a request in a task of its own.
    fn ask(
        &self,
        asked: &mut JoinSet<(Method, Result<Value, Error>)>,
        method: Method,
        effect: AnswerEffect,
    ) {
        let rpc = self.link.rpc.clone();
        asked.spawn(async move {
            (method, rpc.call(Request::new(method, json!({})).with(effect)).await)
        });
    }

    async fn request(&mut self) -> Value {
        let frame = self.socket.next().await.unwrap().unwrap();
        serde_json::from_str(frame.to_text().unwrap()).unwrap()
    }

    async fn say(&mut self, text: impl Into<String>) {
        self.socket.send(Frame::text(text.into())).await.unwrap();
    }

    /// Sends several messages in one write.
    async fn say_at_once(&mut self, texts: &[&str]) {
        for text in texts {
            self.socket.feed(Frame::text(*text)).await.unwrap();
        }
        self.socket.flush().await.unwrap();
    }

    async fn fed(&mut self) -> Feed {
        self.feed.queue.recv().await.unwrap()
    }

    /// Subscribes to `dev` and `com` of session `s` on headset `H-1`.
    async fn subscribe(&mut self) {
        let mut asked = JoinSet::new();
        self.ask(&mut asked, Method::Subscribe, to("s"));
        let id = self.request().await["id"].clone();
        self.say_at_once(&[&subscribed(&id), r#"{"dev":[4,1,[4,100]],"sid":"s","time":1.0}"#])
            .await;
        asked.join_next().await.unwrap().unwrap().1.unwrap();
    }
}

fn to(session: &str) -> AnswerEffect {
    let headset = Headset { id: "H-1".into(), ..Headset::default() };
    AnswerEffect::Subscribe { session: session.into(), headset: Box::new(headset), fast_met: false }
}

fn subscribed(id: &Value) -> String {
    json!({"id": id, "jsonrpc": "2.0", "result": {"failure": [], "success": [
        {"cols": ["Battery", "Signal", ["AF3", "OVERALL"]], "sid": "s", "streamName": "dev"},
        {"cols": ["act", "pow"], "sid": "s", "streamName": "com"},
    ]}})
    .to_string()
}

fn answer(id: &Value, result: &str) -> String {
    json!({"id": id, "jsonrpc": "2.0", "result": result}).to_string()
}

#[tokio::test(start_paused = true)]
async fn a_close_frame_is_the_reason_of_the_end_whatever_follows() {
    let FakeServer { mut socket, link, feed: _feed } = FakeServer::new().await;
    socket.send(Frame::Close(None)).await.unwrap();
    // Nobody waits for the answer.
    drop(socket);
    assert_eq!(link.task.await.unwrap().message(), closed().message());
}

#[tokio::test(start_paused = true)]
async fn answers_find_their_request_in_any_order_and_notation() {
    let mut peer = FakeServer::new().await;
    let mut asked = JoinSet::new();
    let mut ids = Vec::new();
    let [a, b, c] = [Method::GetUserLogin, Method::QueryHeadsets, Method::QuerySessions];
    for method in [a, b, c] {
        peer.ask(&mut asked, method, AnswerEffect::None);
        ids.push(peer.request().await["id"].clone());
    }
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    peer.say(r#"{"com":["push",1],"sid":"nobody","time":1}"#).await;
    peer.say(answer(&ids[2], "to c")).await;
    peer.say(answer(&json!(ids[0].to_string()), "to a")).await;
    peer.say(answer(&ids[1], "to b")).await;
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(method, _)| *method);
    let answer = |text: &str| Ok(json!(text));
    assert_eq!(answers, [(a, answer("to a")), (b, answer("to b")), (c, answer("to c"))]);
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_request_ends_at_its_limit_and_its_late_answer_is_ignored() {
    let mut peer = FakeServer::new().await;
    let mut asked = JoinSet::new();
    let started = Instant::now();
    peer.ask(&mut asked, Method::QueryRecords, AnswerEffect::None);
    let id = peer.request().await["id"].clone();
    // The peer is alive, so the link is not dead: only this answer is missing.
    while asked.try_join_next().is_none() {
        peer.say(r#"{"jsonrpc":"2.0","warning":{"code":19,"message":"x"}}"#).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(started.elapsed() < Duration::from_secs(33));
    }
    assert!(started.elapsed() >= Duration::from_secs(30));
    peer.say(answer(&id, "late")).await;
    peer.say(answer(&id, "twice")).await;
    peer.say(answer(&json!("ours?"), "unknown")).await;
    peer.ask(&mut asked, Method::QueryProfile, AnswerEffect::None);
    let id = peer.request().await["id"].clone();
    peer.say(answer(&id, "fine")).await;
    assert_eq!(asked.join_next().await.unwrap().unwrap().1, Ok(json!("fine")));
}

/// How long the link waits for a peer that falls silent with a request open, and how it ends.
async fn silence(peer: &mut FakeServer) -> Duration {
    let mut asked = JoinSet::new();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let started = Instant::now();
    peer.ask(&mut asked, Method::GetUserLogin, AnswerEffect::None);
    assert_eq!(peer.request().await["method"], "getUserLogin");
    assert_eq!(peer.request().await["method"], "getCortexInfo");
    let (_, result) = asked.join_next().await.unwrap().unwrap();
    assert_eq!(result.unwrap_err().kind, ErrorKind::ConnectionLost);
    assert!((&mut peer.link.task).await.unwrap().message().contains("stopped answering"));
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn silence_is_judged_by_what_is_under_way() {
    // With only a request open, the answer may take its full time.
    let mut peer = FakeServer::new().await;
    assert_eq!(silence(&mut peer).await.as_secs(), 30);

    // If the samples stop as well, the link notices sooner.
    let mut peer = FakeServer::new().await;
    peer.subscribe().await;
    assert_eq!(silence(&mut peer).await.as_secs(), 10);

    // Unless the service has always been slow.
    let mut peer = FakeServer::new().await;
    let mut asked = JoinSet::new();
    peer.ask(&mut asked, Method::Subscribe, to("s"));
    let id = peer.request().await["id"].clone();
    tokio::time::sleep(Duration::from_secs(12)).await;
    peer.say(subscribed(&id)).await;
    asked.join_next().await.unwrap().unwrap().1.unwrap();
    // The probe during those 12 s.
    assert_eq!(peer.request().await["method"], "getCortexInfo");
    assert_eq!(silence(&mut peer).await.as_secs(), 24);
}

#[tokio::test(start_paused = true)]
async fn the_columns_are_known_before_the_first_sample_even_in_one_write() {
    let mut peer = FakeServer::new().await;
    peer.subscribe().await;
    let Feed::Subscribed(dev) = peer.fed().await else { panic!() };
    assert_eq!((dev.stream, dev.headset.as_str()), (Stream::Dev, "H-1"));
    assert_eq!(dev.columns.labels().nth(2), Some("AF3"));
    assert_eq!(dev.nominal_rate, Some(2.0));
    assert!(matches!(peer.fed().await, Feed::Subscribed(com) if com.stream == Stream::Com));
    let Feed::Sample(sample) = peer.fed().await else { panic!() };
    assert_eq!(sample.subscription, dev);
    assert!(sample.text.contains("[4,100]"));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_part_of_the_protocol_changes_nothing() {
    let mut peer = FakeServer::new().await;
    peer.subscribe().await;
    for malformed in [
        "",
        "{",
        "[]",
        "null",
        r#"{"hello":1}"#,
        r#"{"psy":[1],"sid":"s","time":1}"#,
        r#"{"eeg":[1],"sid":"s","time":1}"#,
        r#"{"com":["push",1],"sid":"other","time":1}"#,
        r#"{"error":{"code":-32700,"message":"?"},"id":null,"jsonrpc":"2.0"}"#,
    ] {
        peer.say(malformed).await;
    }
    peer.socket.send(Frame::binary(vec![0; 4])).await.unwrap();
    peer.say(r#"{"com":["push",0.5],"sid":"s","time":2}"#).await;
    for _ in 0..3 {
        peer.fed().await;
    }
    let Feed::Sample(sample) = peer.fed().await else { panic!() };
    assert_eq!(sample.subscription.stream, Stream::Com);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_ended_may_come_back_with_the_next_sample() {
    let mut peer = FakeServer::new().await;
    peer.subscribe().await;
    for _ in 0..3 {
        peer.fed().await;
    }
    for code in [0, 1] {
        let message = json!({"behavior": "gone", "sessionId": "s"});
        peer.say(
            json!({"jsonrpc": "2.0", "warning": {"code": code, "message": message}}).to_string(),
        )
        .await;
    }
    assert!(matches!(peer.fed().await, Feed::Ended(session) if session.as_str() == "s"));
    peer.say(r#"{"com":["push",1],"sid":"s","time":3}"#).await;
    assert!(matches!(peer.fed().await, Feed::Subscribed(one) if one.stream == Stream::Dev));
    assert!(matches!(peer.fed().await, Feed::Subscribed(one) if one.stream == Stream::Com));
    assert!(matches!(peer.fed().await, Feed::Sample(_)));
    let mut notices = Vec::new();
    while notices.len() < 3 {
        notices.push(peer.link.notices.recv().await.unwrap());
    }
    assert!(matches!(&notices[2], LinkNotice::Resumed(session) if session.as_str() == "s"));
}

#[tokio::test(start_paused = true)]
async fn a_message_beyond_the_limit_ends_the_link_and_its_sessions() {
    let mut peer = FakeServer::new().await;
    peer.subscribe().await;
    for _ in 0..3 {
        peer.fed().await;
    }
    peer.say("x".repeat((1 << 20) + 1)).await;
    assert!(matches!(peer.fed().await, Feed::Ended(_)));
    assert!((&mut peer.link.task).await.unwrap().message().contains("longer than 1048576 bytes"));
}

#[tokio::test(start_paused = true)]
async fn closing_and_unsubscribing_end_the_feed_in_order() {
    let mut peer = FakeServer::new().await;
    peer.subscribe().await;
    let mut asked = JoinSet::new();
    peer.ask(&mut asked, Method::Unsubscribe, AnswerEffect::Unsubscribe { session: "s".into() });
    let id = peer.request().await["id"].clone();
    let result = json!({"failure": [], "success": [{"streamName": "com"}]});
    peer.say(json!({"id": id, "result": result}).to_string()).await;
    peer.ask(&mut asked, Method::UpdateSession, AnswerEffect::Close { session: "s".into() });
    let id = peer.request().await["id"].clone();
    peer.say(json!({"id": id, "result": {"status": "closed"}}).to_string()).await;
    peer.say(r#"{"dev":[4,1,[4,100]],"sid":"s","time":1.0}"#).await;
    asked.join_all().await;
    for _ in 0..3 {
        peer.fed().await;
    }
    assert!(matches!(peer.fed().await, Feed::Unsubscribed(_, Stream::Com)));
    assert!(matches!(peer.fed().await, Feed::Ended(_)));
    peer.link.rpc.close().await;
    (&mut peer.link.task).await.unwrap();
    assert!(peer.feed.queue.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_warnings_costs_none_of_the_known_ones() {
    let mut peer = FakeServer::new().await;
    let warning = |code: i64, session: usize| {
        let message = json!({"behavior": "x", "sessionId": session.to_string()});
        json!({"jsonrpc": "2.0", "warning": {"code": code, "message": message}}).to_string()
    };
    for at in 0..200 {
        peer.say(warning(999, at)).await;
    }
    for at in 0..100 {
        peer.say(warning(0, at)).await;
        peer.say(warning(1, at)).await;
    }
    let mut known = 0;
    while known < 200 {
        match peer.link.notices.recv().await.unwrap() {
            LinkNotice::Warning(warning) if warning.code < 2 => known += 1,
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_that_have_ended_give_way_to_the_next() {
    let mut peer = FakeServer::new().await;
    for number in 0..=SESSIONS {
        let session = format!("s{number}");
        let headset = Headset { id: format!("H-{number}").into(), ..Headset::default() };
        let effect = AnswerEffect::Subscribe {
            session: session.as_str().into(),
            headset: Box::new(headset),
            fast_met: false,
        };
        let mut asked = JoinSet::new();
        peer.ask(&mut asked, Method::Subscribe, effect);
        let id = peer.request().await["id"].clone();
        peer.say(subscribed(&id)).await;
        asked.join_next().await.unwrap().unwrap().1.unwrap();
        for _ in 0..2 {
            assert!(matches!(peer.fed().await, Feed::Subscribed(_)), "{session} streams");
        }
        let message = json!({"behavior": "x", "sessionId": session});
        peer.say(json!({"warning": {"code": 1, "message": message}}).to_string()).await;
        assert!(matches!(peer.fed().await, Feed::Ended(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn more_sessions_than_are_taken_at_once_are_refused_before_they_are_asked_for() {
    let mut peer = FakeServer::new().await;
    let effect = |number: usize| AnswerEffect::Subscribe {
        session: format!("s{number}").as_str().into(),
        headset: Box::new(Headset { id: format!("H-{number}").into(), ..Headset::default() }),
        fast_met: false,
    };
    let mut asked = JoinSet::new();
    for number in 0..SESSIONS {
        peer.ask(&mut asked, Method::Subscribe, effect(number));
        let id = peer.request().await["id"].clone();
        peer.say(subscribed(&id)).await;
        asked.join_next().await.unwrap().unwrap().1.unwrap();
        for _ in 0..2 {
            peer.fed().await;
        }
    }
    peer.ask(&mut asked, Method::Subscribe, effect(SESSIONS));
    let refused = asked.join_next().await.unwrap().unwrap().1.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Limit);
    assert!(refused.to_string().contains("not subscribed: cortop takes"));
    // The next message is about the end of another session, which makes room.
    peer.ask(&mut asked, Method::UpdateSession, AnswerEffect::Close { session: "s3".into() });
    let request = peer.request().await;
    assert_eq!(request["method"], "updateSession");
    peer.say(json!({"id": request["id"], "result": {}}).to_string()).await;
    asked.join_next().await.unwrap().unwrap().1.unwrap();
    peer.ask(&mut asked, Method::Subscribe, effect(SESSIONS));
    assert_eq!(peer.request().await["method"], "subscribe");
}
