//! Text from the wire is harmless in log and events, and cannot flood them.

use cortop_client::{ConnectionStep, Event};
use serde_json::json;

use crate::{
    secrets::logged,
    service::{ClientUnderTest, Reply, ScriptedService, config, reached, refused, subscribed},
};

#[test]
fn it_drives_no_terminal_and_forges_no_line_of_the_log() {
    const EVIL: &str = "a\u{202e}b\u{2066}c\u{200b}d\u{1b}[2Je\nERROR forged";
    let (events, log) = logged(async {
        let service = ScriptedService::start(|seen| match seen.method.as_str() {
            "getCortexInfo" => Reply::Result(json!({"version": EVIL})),
            "getUserLogin" => Reply::Result(json!([{"username": EVIL}])),
            "getLicenseInfo" => Reply::Error(-32603, EVIL),
            "createSession" => Reply::Error(-32602, EVIL),
            _ => Reply::Usual,
        })
        .await;
        let mut tested = ClientUnderTest::start(config(&service.url));
        tested.until(reached(ConnectionStep::Stopped)).await;
        service.warn(19, json!(EVIL));
        service.warn(20, json!({"behavior": EVIL}));
        service.warn(21, json!({EVIL: 1}));
        tested
            .until(|event| matches!(event, Event::Warning(one) if one.code == 21).then_some(()))
            .await;
        tested.quit().await
    });
    let mut texts: Vec<_> = events.iter().filter_map(refused).collect();
    texts.extend(events.iter().filter_map(|event| match event {
        Event::Warning(warning) => Some(warning.text()),
        Event::Service(info) => Some(info.version.clone()),
        Event::User(Some(user)) => Some(user.username.clone()),
        _ => None,
    }));
    assert_eq!(texts.len(), 7, "{texts:?}");
    texts.extend(log.lines().map(str::to_owned));
    for text in texts {
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(!text.contains(['\u{202e}', '\u{2066}', '\u{200b}']), "{text:?}");
        assert!(!text.starts_with("ERROR forged"), "{text:?}");
    }
}

#[test]
fn a_flood_of_warnings_is_logged_once_for_each_code_and_counted() {
    let ((), log) = logged(async {
        let service = ScriptedService::start(|seen| match seen.method.as_str() {
            "subscribe" => {
                let answer = json!({"id": seen.id, "result": subscribed(&seen.params)});
                let warn = |n: usize| {
                    let warning = json!({"code": 500 + n % 2, "message": "flood"});
                    json!({"jsonrpc": "2.0", "warning": warning}).to_string()
                };
                Reply::Texts(
                    std::iter::once(answer.to_string()).chain((0..2000).map(warn)).collect(),
                )
            }
            _ => Reply::Usual,
        })
        .await;
        let mut tested = ClientUnderTest::start(config(&service.url));
        tested.until(reached(ConnectionStep::Streaming)).await;
        tested.quit().await;
    });
    for code in ["500", "501"] {
        let lines = log.lines().filter(|line| line.contains(&format!("Cortex says {code}: flood")));
        assert_eq!(lines.count(), 1, "{log}");
    }
    assert!(log.lines().count() < 100, "{log}");
}
