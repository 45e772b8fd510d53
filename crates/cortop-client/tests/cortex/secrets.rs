//! Client id, client secret and token occur in requests and nowhere else.

use std::future::Future;

use cortop_client::{ConnectionStep, Event, HIDDEN, Link};
use serde_json::json;
use tracing::{instrument::WithSubscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, layer::SubscriberExt};

use crate::{
    log_capture::LogCapture,
    service::{
        CLIENT_ID, CLIENT_SECRET, ClientUnderTest, INSIGHT, Reply, ScriptedService, TOKEN, config,
        reached, session,
    },
};

/// Runs a scenario, and returns its result and everything that was logged meanwhile.
pub(crate) fn logged<T>(story: impl Future<Output = T>) -> (T, String) {
    let log = LogCapture::default();
    let layer =
        tracing_subscriber::fmt::layer().with_ansi(false).with_writer(log.clone()).with_filter(
            tracing_subscriber::filter::Targets::new().with_target("cortop", LevelFilter::TRACE),
        );
    let subscriber = tracing_subscriber::registry().with(layer);
    let _guard = tracing::subscriber::set_default(subscriber);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(story.with_current_subscriber());
    drop(runtime);
    (result, log.text())
}

fn assert_none_in(text: &str) {
    for secret in [CLIENT_ID, CLIENT_SECRET, TOKEN] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn they_are_in_no_log_and_no_event_at_any_level() {
    let (events, log) = logged(async {
        let mut refusals = [-32015, -32014].into_iter();
        let service = ScriptedService::start(move |seen| match seen.method.as_str() {
            "hasAccessRight" => Reply::Result(json!({"accessGranted": false})),
            // An answer cut off in the middle of a token, and one of another shape.
            "querySessions" => {
                Reply::Texts(vec![format!(r#"{{"id":{},"result":"{TOKEN}"#, seen.id)])
            }
            "getLicenseInfo" => Reply::Result(json!(TOKEN)),
            "createSession" => match refusals.next() {
                Some(code) => Reply::Error(code, "no"),
                None => Reply::Usual,
            },
            _ => Reply::Usual,
        })
        .await;
        let config = config(&service.url);
        assert!(!format!("{config:?}").contains(CLIENT_ID));
        let mut tested = ClientUnderTest::start(config);
        tested.until(reached(ConnectionStep::Streaming)).await;
        service.drop_connections();
        tested
            .until(|event| matches!(event, Event::Link(Link::Waiting { .. })).then_some(()))
            .await;
        tested.quit().await
    });
    assert!(log.contains("generateNewToken") && log.contains("malformed messages"), "{log}");
    assert_none_in(&log);
    assert_none_in(&format!("{events:?}"));
}

#[test]
fn what_cortex_echoes_of_them_is_hidden() {
    let (events, log) = logged(async {
        let echo = format!("bad clientId {CLIENT_ID} secret {CLIENT_SECRET} or token {TOKEN}!");
        let mut authorized = 0;
        let service = ScriptedService::start(move |seen| {
            let refuse = |code: i64| {
                let error = json!({"code": code, "message": echo});
                // A slash may be escaped in JSON, which makes the text different.
                let text = json!({"error": error, "id": seen.id}).to_string().replace('/', "\\/");
                Reply::Texts(vec![text])
            };
            match seen.method.as_str() {
                "hasAccessRight" => refuse(-32102),
                "authorize" if authorized < 1 => {
                    authorized += 1;
                    Reply::Result(json!({
                        "cortexToken": TOKEN, "warning": {"code": 6, "message": {"message": echo}}
                    }))
                }
                "getLicenseInfo" | "querySessions" => refuse(-32602),
                "subscribe" => Reply::Result(json!({"failure": [
                    {"code": -32016, "message": echo, "streamName": "dev"}
                ], "success": []})),
                _ => Reply::Usual,
            }
        })
        .await;
        let mut tested = ClientUnderTest::start(config(&service.url));
        tested.until(reached(ConnectionStep::Agreement)).await;
        service.warn(7, json!({"behavior": format!("{CLIENT_ID} asks with {TOKEN}")}));
        service.warn(99, json!({TOKEN: CLIENT_SECRET}));
        // Longer than any accepted text: cut in the middle of the secret.
        service.warn(98, json!(format!("{}{CLIENT_SECRET}", "x".repeat(1010))));
        service.warn(17, json!("accepted"));
        tested.until(reached(ConnectionStep::Stopped)).await;
        tested.quit().await
    });
    let events = format!("{events:?}");
    for text in [&log, &events] {
        assert!(text.contains("bad clientId"), "{text}");
        assert!(!text.contains(&CLIENT_SECRET[..8]), "{text}");
        assert_none_in(text);
    }
}

#[test]
fn a_field_of_cortex_is_shown_as_it_is_unless_it_is_one_of_them() {
    let (events, log) = logged(async {
        let service = ScriptedService::start(|seen| match seen.method.as_str() {
            "createSession" => {
                let mut object = session(&format!("of-{CLIENT_ID}"), INSIGHT, "opened");
                object["appId"] = json!(format!("com.ana.{CLIENT_ID}"));
                object["owner"] = json!(CLIENT_ID);
                Reply::Result(object)
            }
            _ => Reply::Usual,
        })
        .await;
        let mut tested = ClientUnderTest::start(config(&service.url));
        tested.until(reached(ConnectionStep::Streaming)).await;
        tested.quit().await
    });
    let seen = events.iter().find_map(|event| match event {
        Event::Session(session) => Some((session.app_id.clone(), session.owner.clone())),
        _ => None,
    });
    assert_eq!(seen, Some((Some(format!("com.ana.{CLIENT_ID}")), Some(HIDDEN.to_owned()))));
    assert!(log.contains("session of-[hidden]"), "{log}");
    assert_none_in(&log);
}
