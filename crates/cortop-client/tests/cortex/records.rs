//! Records and markers (§2.9, §3.4, §3.5): processed, refused, and lost with the connection.

use std::time::Duration;

use serde_json::json;

use cortop_client::{
    Command, CommandId, Event, Feed, Interpreted, Interpreter, Marker, MarkerCommand, MarkerId,
    Method, Moment, Record, RecordCommand, RecordEvent, SessionId, SessionMarker,
    marker::{MarkerText, MarkerValue},
    record::{Export, ExportFormat, ExportStream, NewRecord, RecordChange},
};
use cortop_sim::fault::Fault;

use crate::{
    service::{ClientUnderTest, refused},
    simulated::{SimHarness, options},
};

fn start(session: &SessionId) -> Command {
    let new = NewRecord {
        title: "rest".to_owned(),
        description: "eyes closed, then open".to_owned(),
        subject: Some("Eva".to_owned()),
        tags: vec!["pilot".to_owned()],
    };
    Command::Record(RecordCommand::Start(session.clone(), new))
}

fn stop(session: &SessionId) -> Command {
    Command::Record(RecordCommand::Stop(session.clone()))
}

fn mark(session: &SessionId, at: Moment) -> Command {
    let (label, value) = ("eyes closed".to_owned(), MarkerValue::Number(1));
    Command::Marker(MarkerCommand::Mark { session: session.clone(), label, value, at })
}

fn export(format: ExportFormat, streams: &[ExportStream], folder: &std::path::Path) -> Export {
    Export { folder: folder.to_owned(), format, streams: streams.to_vec() }
}

fn started(event: &Event) -> Option<Record> {
    match event {
        Event::Record(RecordEvent::Started { record, .. }) => Some(record.clone()),
        _ => None,
    }
}

fn ended(event: &Event) -> Option<(Record, String)> {
    match event {
        Event::Record(RecordEvent::Ended { record, why, ordered, .. }) => {
            let by_us = why == "stopped by you" || why == "cortop has ended";
            assert_eq!(*ordered, by_us, "{why}");
            Some((record.clone(), why.clone()))
        }
        _ => None,
    }
}

fn marker(event: &Event) -> Option<Marker> {
    match event {
        Event::Marker { marker, .. } => Some(marker.clone()),
        _ => None,
    }
}

fn ready(event: &Event) -> Option<()> {
    matches!(event, Event::Record(RecordEvent::Ready(_))).then_some(())
}

async fn clock(tested: &mut ClientUnderTest) {
    let compared = |event: &Event| matches!(event, Event::Clock { .. }).then_some(());
    if tested.events.iter().find_map(compared).is_none() {
        tested.until(compared).await;
    }
}

#[tokio::test]
async fn from_the_start_over_two_markers_to_the_files_and_the_end_of_it() {
    let mut options = options(&["epocx:connected"]);
    // Long enough for an export to be refused meanwhile, however slow this machine is.
    options.delays.processing = Duration::from_secs(3);
    let mut rig = SimHarness::with(options, |config| config).await;
    let session = rig.streaming().await;
    clock(&mut rig.tested).await;
    let record = rig.ask(start(&session), started).await;
    assert_eq!((record.title.as_str(), record.subject.subject_name.as_str()), ("rest", "Eva"));
    assert_eq!((record.tags.as_slice(), record.end_datetime.as_str()), (&["pilot".into()][..], ""));

    let at = Moment::now();
    let first = rig.ask(mark(&session, at), marker).await;
    assert_eq!((first.label.as_str(), &first.value), ("eyes closed", &MarkerValue::Number(1)));
    let pressed = at.wall.as_duration().as_secs_f64();
    assert!((first.start - pressed).abs() < 0.1 && !first.is_interval(), "{first:?} {pressed}");
    // The decoder gets it too, for traces of streams that carry no markers.
    let handed = async |tested: &mut ClientUnderTest| loop {
        if let Feed::Marker(marker) = tested.fed().await {
            break marker;
        }
    };
    let expected = SessionMarker {
        session: session.clone(),
        id: Some(first.uuid.clone()),
        time: first.start,
        end: None,
        text: MarkerText { label: "eyes closed".to_owned(), value: MarkerValue::Number(1) },
    };
    assert_eq!(handed(&mut rig.tested).await, expected);
    // An interval must not end in the millisecond in which it starts.
    let second = Duration::from_secs(1);
    let end = MarkerCommand::End {
        session: session.clone(),
        marker: first.uuid.clone(),
        at: Moment { wall: at.wall + second, instant: at.instant + second },
    };
    let interval = rig.ask(Command::Marker(end), marker).await;
    assert!(interval.is_interval() && interval.uuid == first.uuid, "{interval:?}");
    let expected = SessionMarker { end: Some(interval.end), ..expected };
    assert_eq!(handed(&mut rig.tested).await, expected);

    let (record, why) = rig.ask(stop(&session), ended).await;
    assert!(!record.end_datetime.is_empty() && why == "stopped by you", "{record:?}");
    let uuid = record.uuid;
    let folder = tempfile::tempdir().unwrap();
    let csv =
        export(ExportFormat::CsvV2, &[ExportStream::Eeg, ExportStream::Motion], folder.path());
    let csv = || Command::Record(RecordCommand::Export(uuid.clone(), csv.clone()));
    let refusal = rig.ask(csv(), refused).await;
    assert!(refusal.contains("still processing the record"), "{refusal}");
    rig.tested.until(ready).await;
    let exported = |event: &Event| match event {
        Event::Record(event @ RecordEvent::Exported { folder, .. }) => {
            // By its title, as people call it.
            assert!(event.to_string().starts_with("record rest has been written"), "{event}");
            Some(folder.clone())
        }
        _ => None,
    };
    assert_eq!(rig.ask(csv(), exported).await, folder.path());
    assert!(folder.path().read_dir().unwrap().count() > 0);

    let change = RecordChange { title: Some("rest 1".to_owned()), ..RecordChange::default() };
    let update = Command::Record(RecordCommand::Update(uuid.clone(), change));
    let updated = |event: &Event| match event {
        Event::Record(RecordEvent::Updated(record)) => Some(record.clone()),
        _ => None,
    };
    let record = rig.ask(update, updated).await;
    assert_eq!((record.title.as_str(), record.tags.len()), ("rest 1", 1));
    let listed = |event: &Event| match event {
        Event::Records(records) => Some(records.clone()),
        _ => None,
    };
    let records = rig.ask(Command::Record(RecordCommand::List), listed).await;
    assert_eq!((records.count, records.records.len()), (1, 1));
    let deleted = |event: &Event| match event {
        Event::Record(RecordEvent::Deleted(record)) => Some(record.clone()),
        _ => None,
    };
    let delete = Command::Record(RecordCommand::Delete(uuid.clone()));
    let gone = rig.ask(delete, deleted).await;
    assert_eq!((gone.id, gone.title.as_str()), (uuid, "rest 1"));
    let records = rig.ask(Command::Record(RecordCommand::List), listed).await;
    assert_eq!(records.count, 0);
    rig.tested.quit().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_the_next_step() {
    let mut rig = SimHarness::start(&["epocx:connected"]).await;
    let session = rig.streaming().await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    let folder = tempfile::tempdir().unwrap();
    let record = |command| Command::Record(command);
    let export = |format, folder| {
        let how = export(format, &[ExportStream::Eeg, ExportStream::Metrics], folder);
        record(RecordCommand::Export(unknown.into(), how))
    };
    let change = RecordChange { title: Some("new".to_owned()), ..RecordChange::default() };
    let at = Moment::now();
    let end = MarkerCommand::End { session: session.clone(), marker: MarkerId::from(unknown), at };
    for (command, said) in [
        (mark(&session, at), "injectMarker -32602: No record is running. → start a record first"),
        (Command::Marker(end), "updateMarker -32602"),
        (stop(&session), "stopRecord -32602: No record is running."),
        (start(&"no session".into()), "createRecord -32007"),
        (record(RecordCommand::Update(unknown.into(), change)), "updateRecord -32602"),
        (record(RecordCommand::Delete(unknown.into())), "deleteRecord -32602"),
        (export(ExportFormat::CsvV1, folder.path()), "exportRecord -32602"),
        (export(ExportFormat::Edf, folder.path()), "exportRecord: EDF cannot hold performance"),
    ] {
        let refusal = rig.ask(command, refused).await;
        assert!(refusal.starts_with(said) && refusal.contains(" → "), "{refusal}");
    }
    for (method, code, next) in [
        ("createRecord", -32012, "activate the session"),
        ("createRecord", -32006, "licence"),
        ("queryRecords", -32603, "try again"),
    ] {
        rig.refuse(method, code);
        let command = match method {
            "createRecord" => start(&session),
            _ => Command::Record(RecordCommand::List),
        };
        let refusal = rig.ask(command, refused).await;
        assert!(refusal.starts_with(&format!("{method} {code}")), "{refusal}");
        assert!(refusal.contains(next), "{refusal}");
    }
    rig.tested.quit().await;
}

#[tokio::test]
async fn a_lost_connection_ends_the_record_and_says_so() {
    let mut rig = SimHarness::start(&["epocx:connected"]).await;
    let session = rig.streaming().await;
    let record = rig.ask(start(&session), started).await;
    rig.order(Fault::Drop { close: false });
    let (lost, why) = rig.tested.until(ended).await;
    assert_eq!(lost.uuid, record.uuid);
    assert!(why.contains("the connection to the service was lost"), "{why}");
    let again = rig.streaming().await;
    assert_ne!(again, session);
    let events = rig.tested.quit().await;
    assert_eq!(events.iter().filter_map(started).count(), 1, "nothing is recorded unasked");
    assert_eq!(events.iter().filter_map(ended).count(), 1);
}

/// Warning 18 of an older service does not name the record.
#[tokio::test]
async fn an_older_service_tells_the_end_of_its_work_in_its_own_way() {
    let mut slow = options(&["epocx:connected"]);
    slow.delays.processing = Duration::from_secs(3600);
    let mut rig = SimHarness::with(slow, |config| config).await;
    let session = rig.streaming().await;
    rig.ask(start(&session), started).await;
    let (record, _) = rig.ask(stop(&session), ended).await;
    rig.order(Fault::Warning { code: 18, message: "saved".into() });
    let ready = |event: &Event| match event {
        Event::Record(RecordEvent::Ready(ready)) => Some(ready.clone()),
        _ => None,
    };
    let ready = rig.tested.until(ready).await;
    assert_eq!((ready.id, ready.title), (record.uuid, record.title));
    rig.tested.quit().await;
}

#[tokio::test]
async fn leaving_stops_the_record_before_its_session_is_closed() {
    let mut rig = SimHarness::start(&["epocx:connected"]).await;
    let session = rig.streaming().await;
    rig.ask(start(&session), started).await;
    let events = rig.tested.quit().await;
    let (record, why) = events.iter().find_map(ended).unwrap();
    assert!(!record.end_datetime.is_empty() && why == "cortop has ended", "{record:?} {why}");
}

#[tokio::test]
async fn a_command_with_an_id_is_answered_under_it_once() {
    let mut rig = SimHarness::start(&["epocx:connected"]).await;
    let session = rig.streaming().await;
    let outcome_of = |id| {
        move |event: &Event| match event {
            Event::Outcome { command, outcome } if *command == id => Some(outcome.clone()),
            _ => None,
        }
    };
    let tracked = |id, command| Command::Tracked { id, command: Box::new(command) };
    // There is no record to mark or stop.
    let (first, second, third) = (CommandId(7), CommandId(8), CommandId(9));
    let refused = rig.ask(tracked(first, mark(&session, Moment::now())), outcome_of(first)).await;
    assert_eq!(refused.unwrap_err().method, Some(Method::InjectMarker));
    let listed = rig.ask(tracked(second, Command::Record(RecordCommand::List)), outcome_of(second));
    assert_eq!(listed.await, Ok(()));
    let closed = rig.ask(tracked(third, Command::Close(session.clone())), outcome_of(third)).await;
    assert_eq!(closed, Ok(()));
    let events = rig.tested.quit().await;
    let refused = events.iter().filter(|event| matches!(event, Event::Refused(_)));
    assert_eq!(refused.count(), 0, "{events:?}");
}

#[test]
fn a_capture_hands_on_a_marker_and_its_end() {
    let mut capture = Interpreter::new("ws://127.0.0.1:6868");
    capture.connected(1);
    let mut answered = |id: u64, method: &str, end: &str| {
        let request = json!({
            "id": id, "jsonrpc": "2.0", "method": method, "params": {"session": "s"},
        });
        let marker = json!({
            "uuid": "m", "label": "eyes closed", "value": 1,
            "startDatetime": "2026-01-09T08:21:40.125000+01:00", "endDatetime": end,
        });
        let result = json!({"marker": marker, "recordId": "r", "sessionId": "s"});
        let answer = json!({"id": id, "jsonrpc": "2.0", "result": result});
        capture.sent(1, &request.to_string(), Moment::now());
        capture.received(1, &answer.to_string(), Moment::now());
        let marker = |own| match own {
            Interpreted::Feed(Feed::Marker(marker)) => Some(marker),
            _ => None,
        };
        capture.take().into_iter().find_map(marker)
    };
    let set = SessionMarker {
        session: "s".into(),
        id: Some("m".into()),
        time: 1_767_943_300.125,
        end: None,
        text: MarkerText { label: "eyes closed".to_owned(), value: MarkerValue::Number(1) },
    };
    let now = answered(1, "injectMarker", "2026-01-09T08:21:40.125000+01:00");
    assert_eq!(now, Some(set.clone()));
    let later = answered(2, "updateMarker", "2026-01-09T08:22:10.125000+01:00");
    assert_eq!(later, Some(SessionMarker { end: Some(set.time + 30.0), ..set }));
}
