//! The journal as its readers see it.

use serde_json::json;
use tokio::time::advance;

use cortop_protocol::Stream;

use super::{
    state::{MAX_CLIENTS, MAX_ENTRIES, MAX_PENDING},
    *,
};
use crate::Fault;

const TOKEN: &str = "aaaaaaaaaaaa.bbbbbbbbbbbb.cccccccccccc";

fn ask(journal: &Journal, id: u64, method: &str, params: &Value) {
    let request = json!({ "id": id, "jsonrpc": "2.0", "method": method, "params": params });
    journal.received(1, &request.to_string());
}

fn answer(journal: &Journal, id: u64, result: &Value) {
    journal.sent(1, &json!({ "id": id, "jsonrpc": "2.0", "result": result }).to_string());
}

/// The journal of a client that does everything once.
async fn kept() -> Journal {
    let journal = Journal::new();
    journal.connected(1);
    let keys = json!({ "clientId": "the client id", "clientSecret": "the client secret" });
    ask(&journal, 1, "authorize", &keys);
    advance(Duration::from_millis(20)).await;
    answer(&journal, 1, &json!({ "cortexToken": TOKEN }));
    let params = json!({ "cortexToken": TOKEN, "headset": "EPOCX-1A2B3C4D", "status": "active" });
    ask(&journal, 2, "createSession", &params);
    answer(
        &journal,
        2,
        &json!({ "id": "S", "headset": { "id": "EPOCX-1A2B3C4D" }, "status": "activated" }),
    );
    let params = json!({ "cortexToken": TOKEN, "session": "S", "streams": ["eeg", "mot"] });
    ask(&journal, 3, "subscribe", &params);
    let failure = json!({ "code": -32016, "message": "no", "streamName": "eeg" });
    let success = json!({ "cols": [], "sid": "S", "streamName": "mot" });
    answer(&journal, 3, &json!({ "failure": [failure], "success": [success] }));
    for _ in 0..3 {
        journal.sent(1, "{\"mot\":[1,2],\"sid\":\"S\",\"time\":1.5}");
    }
    // A service that echoes secrets, in a text that would control a terminal.
    ask(&journal, 4, "getLicenseInfo", &json!({ "cortexToken": TOKEN }));
    let error = json!({ "code": -32014, "message": format!("\u{1b}[2J{TOKEN} is bad") });
    journal.sent(1, &json!({ "id": 4, "jsonrpc": "2.0", "error": error }).to_string());
    let gone = json!({ "behavior": "closed", "sessionId": "S" });
    journal.sent(
        1,
        &json!({ "jsonrpc": "2.0", "warning": { "code": 1, "message": gone } }).to_string(),
    );
    journal.disconnected(1, Side::Client);
    journal
}

/// A text is truncated only after its secrets have been hidden.
#[tokio::test(start_paused = true)]
async fn nothing_of_a_long_secret_is_kept() {
    let journal = Journal::new();
    journal.connected(1);
    let secret = "s3cret".repeat(40);
    let keys = json!({ "client_id": 1, "client_secret": secret });
    ask(&journal, 1, "authorize", &keys);
    for (place, text) in [&secret, "getUserLogin"].iter().enumerate() {
        let request = json!({ "id": secret, "jsonrpc": "2.0", "method": text,
            "params": { &secret: 1, "headset": secret, "profile": [&secret] } });
        journal.received(1, &request.to_string());
        let message = format!("{} and {secret}", " ".repeat(900 + 60 * place));
        let error = json!({ "code": -32602, "message": message });
        journal.sent(1, &json!({ "id": secret, "jsonrpc": "2.0", "error": error }).to_string());
    }
    let lines: Vec<_> = journal.entries().iter().map(|entry| journal.json(entry)).collect();
    let refused = lines.iter().filter(|line| line["ok"] == false).count();
    assert_eq!(refused, 2, "answers are matched by their ids all the same");
    let text = serde_json::to_string(&lines).unwrap();
    assert!(text.contains("id-reused") && text.contains("has no parameter [hidden]"), "{text}");
    assert!(!text.contains("s3c"), "{text}");
}

/// A client may have put anything into the message of a fault.
#[tokio::test(start_paused = true)]
async fn a_fault_is_kept_without_secrets_and_on_one_line() {
    let journal = Journal::new();
    journal.connected(1);
    let secret = "a \"quoted\" secret";
    ask(&journal, 1, "authorize", &json!({ "clientId": "x", "clientSecret": secret }));
    let text = format!("\u{1b}[2J\u{202e}{secret}\n");
    let message = json!({ "behavior": text.clone() });
    let refuse = Fault::Refuse { method: None, code: -1, message: Some(text), times: 1 };
    for fault in [refuse, Fault::Warning { code: 9, message }] {
        let injection = Injection { headset: Some("EPOCX-1".into()), ..fault.into() };
        journal.injected(injection.on(Stream::Eeg));
    }
    let faults: Vec<_> =
        journal.entries().iter().rev().take(2).map(|own| journal.json(own)).collect();
    for line in &faults {
        let text = line["fault"].as_str().unwrap();
        assert!(text.contains("[hidden]") && !text.contains("quoted"), "{text}");
        assert!(!text.contains(cortop_protocol::sanitize::is_harmful), "{text}");
        assert_eq!((&line["headset"], &line["stream"]), (&json!("EPOCX-1"), &json!("eeg")));
        assert_eq!(line.get("client"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_happened_is_kept_in_order_and_without_secrets() {
    let journal = kept().await;
    let lines: Vec<Value> = journal.entries().iter().map(|entry| journal.json(entry)).collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(
        events,
        [
            "connected",
            "request",
            "answer",
            "request",
            "answer",
            "session-opened",
            "request",
            "answer",
            "subscribed",
            "stream-refused",
            "request",
            "answer",
            "warning",
            "session-closed",
            "samples",
            "advice",
            "disconnected",
        ]
    );
    assert_eq!(lines[2]["ms"], 20.0);
    assert_eq!(lines[3]["subject"], "active EPOCX-1A2B3C4D");
    assert_eq!(
        lines[13],
        json!({ "by": "service", "client": 1, "event": "session-closed", "session": "S", "time": lines[13]["time"] })
    );
    assert_eq!(lines[14]["sent"], json!({ "mot": 3 }));
    assert_eq!(lines[15]["mistake"], "not-authorized");
    let book = include_str!("../../../../docs/journal.md");
    let fields = lines.iter().flat_map(|line| line.as_object().unwrap().keys().map(String::as_str));
    let mistakes = Mistake::all().iter().map(|mistake| mistake.name());
    for word in fields.chain(events.iter().copied()).chain(mistakes) {
        assert!(book.contains(&format!("`{word}`")), "docs/journal.md lacks {word}");
    }
    let text = format!("{lines:?} {:?}", journal.clients());
    for secret in ["the client id", "the client secret", TOKEN, "\\u{1b}"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert!(text.contains("[hidden] is bad"), "{text}");
    let client = &journal.clients()[0];
    assert_eq!((client.requests, client.refused, client.sent["mot"]), (4, 1, 3));
    assert_eq!(journal.sessions(), []);
    assert_eq!(journal.calls(), ["authorize", "createSession", "subscribe", "getLicenseInfo"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_gets_each_entry_once_and_knows_what_it_missed() {
    let journal = Journal::new();
    let mut reader = journal.reader();
    journal.connected(1);
    assert_eq!(reader.next().await.len(), 1);
    assert_eq!(reader.take(), []);
    for id in 0..MAX_ENTRIES as u64 {
        ask(&journal, id, "getCortexInfo", &json!({}));
    }
    ask(&journal, 1 << 40, "getUserLogin", &json!({}));
    assert_eq!((reader.next().await.len(), reader.missed), (MAX_ENTRIES, 1));
    let late = journal.reader().next().await;
    assert_eq!(late[0].number, 3);
    // Requests without an answer are bounded, too.
    assert!(journal.lock().clients[&1].pending.len() <= MAX_PENDING);
    for client in 2..1000 {
        journal.connected(client);
        journal.disconnected(client, Side::Client);
    }
    let clients = journal.clients();
    assert!(clients.len() <= MAX_CLIENTS && clients[0].number == 1);
}

#[tokio::test(start_paused = true)]
async fn ids_of_more_than_64_bits_are_told_apart() {
    let journal = Journal::new();
    journal.connected(1);
    let ids = ["36893488147419103232", "36893488147419103233", "-99999999999999999999"];
    for (id, method) in ids.iter().zip(["getCortexInfo", "getUserLogin", "queryHeadsets"]) {
        let request = format!("{{\"id\":{id},\"jsonrpc\":\"2.0\",\"method\":\"{method}\"}}");
        journal.received(1, &request);
    }
    for id in ids.iter().rev() {
        journal.sent(1, &format!("{{\"id\":{id},\"jsonrpc\":\"2.0\",\"result\":{{}}}}"));
    }
    let answered = journal.entries().into_iter().filter_map(|entry| match entry.event {
        JournalEvent::Answer { method, .. } => Some(method),
        _ => None,
    });
    let answered: Vec<_> = answered.collect();
    assert_eq!(answered, ["queryHeadsets", "getUserLogin", "getCortexInfo"]);
    assert_eq!(journal.advice(), []);
    // A repeated id is shown in full.
    journal.received(
        1,
        "{\"id\":36893488147419103233,\"jsonrpc\":\"2.0\",\"method\":\"getCortexInfo\"}",
    );
    assert!(
        journal.advice()[0].text.contains("the id 36893488147419103233 of"),
        "{:?}",
        journal.advice()
    );
}
