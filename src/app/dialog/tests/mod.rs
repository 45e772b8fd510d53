//! Dialogs as pure state: keys go in, effects come out.

mod forms;
mod menus;
mod questions;

use std::time::Duration;

use super::*;
use crate::app::{App, AppSettings, Message, Pane};
use cortop_client::{
    Command, CommandId, ConnectionStep, Error, ErrorKind, Event, HeadsetId, Link, Marker,
    MarkerCommand, Method, Moment, Profile, Record, RecordCommand, RecordEvent, Security, Session,
    SessionId, Stream, code,
    marker::MarkerValue,
    record::{Export, ExportFormat, NewRecord, RecordList, RecordName},
    session::SessionStatus,
};

const SID: &str = "s";

/// An application with an activated session on an EPOC X.
fn app() -> App {
    let settings = AppSettings {
        markers: ["rest", "task"].map(str::to_owned).to_vec(),
        folder: "/data".to_owned(),
        ..AppSettings::default()
    };
    let mut app = App::new(settings, Moment::now());
    let link = Link::Up { security: Security::Plain, step: ConnectionStep::Streaming };
    on_event(&mut app, Event::Link(link));
    let headset = cortop_client::Headset { id: "EPOCX-00000001".into(), ..Default::default() };
    on_event(&mut app, Event::Headsets(vec![headset.clone()]));
    let status = SessionStatus::Activated;
    on_event(
        &mut app,
        Event::Session(Session { id: SID.into(), status, headset, ..Session::default() }),
    );
    app
}

fn on_event(app: &mut App, event: Event) {
    app.update(Message::Cortex(event));
}

/// Presses keys one after the other; returns the effects of the last one, commands without their ids.
fn press(app: &mut App, keys: impl IntoIterator<Item = Key>) -> Vec<Effect> {
    let effects = keys.into_iter().fold(Vec::new(), |_, key| app.update(Message::Key(key)));
    let bare = |effect| match effect {
        Effect::Command(Command::Tracked { command, .. }) => Effect::Command(*command),
        other => other,
    };
    effects.into_iter().map(bare).collect()
}

fn typed(text: &str) -> impl Iterator<Item = Key> {
    text.chars().map(Key::char)
}

fn record(uuid: &str) -> Record {
    Record { uuid: uuid.into(), title: format!("title of {uuid}"), ..Record::default() }
}

fn start(app: &mut App) {
    let event = RecordEvent::Started { session: SID.into(), record: record("r"), foreign: false };
    on_event(app, Event::Record(event));
}

/// A record has ended that nobody here stopped.
fn unordered_end(why: String) -> RecordEvent {
    RecordEvent::Ended { session: SID.into(), record: record("r"), why, ordered: false }
}

fn commands(effects: &[Effect]) -> Vec<&Command> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Command(command) => Some(command),
            _ => None,
        })
        .collect()
}
