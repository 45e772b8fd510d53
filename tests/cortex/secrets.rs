//! Client id, client secret and token occur in requests and nowhere else.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use cortop::cortex::{Event, Link, Step};
use serde_json::json;
use tracing::{instrument::WithSubscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, layer::SubscriberExt};

use crate::service::{CLIENT_ID, CLIENT_SECRET, Say, Service, TOKEN, Tested, config};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn they_are_in_no_log_and_no_event_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .with_filter(
            tracing_subscriber::filter::Targets::new().with_target("cortop", LevelFilter::TRACE),
        );
    let subscriber = tracing_subscriber::registry().with(layer);
    let _guard = tracing::subscriber::set_default(subscriber);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let events = runtime.block_on(
        async {
            let mut refusals = [-32015, -32014].into_iter();
            let service = Service::start(move |seen| match seen.method.as_str() {
                "hasAccessRight" => Say::Result(json!({"accessGranted": false})),
                // An answer that is cut off in the middle of a token, and one of another shape.
                "querySessions" => {
                    Say::Texts(vec![format!(r#"{{"id":{},"result":"{TOKEN}"#, seen.id)])
                }
                "getLicenseInfo" => Say::Result(json!(TOKEN)),
                "createSession" => match refusals.next() {
                    Some(code) => Say::Error(code, "no"),
                    None => Say::Usual,
                },
                _ => Say::Usual,
            })
            .await;
            let config = config(&service.url);
            assert!(!format!("{config:?}").contains(CLIENT_ID));
            let mut tested = Tested::start(config);
            tested
                .until(|event| {
                    matches!(event, Event::Link(Link::Up { step: Step::Streaming, .. }))
                        .then_some(())
                })
                .await;
            service.drop_connections();
            tested
                .until(|event| matches!(event, Event::Link(Link::Waiting { .. })).then_some(()))
                .await;
            tested.quit().await
        }
        .with_current_subscriber(),
    );
    drop(runtime);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("generateNewToken") && log.contains("no part of the protocol"), "{log}");
    let events = format!("{events:?}");
    for secret in [CLIENT_ID, CLIENT_SECRET, TOKEN] {
        assert!(!log.contains(secret), "{log}");
        assert!(!events.contains(secret), "{events}");
    }
}
