//! Records: starts, stops, changes, deletes, exports and lists them, and follows them until Cortex
//! has processed them (§2.9, §3.4).

use std::time::Duration;

use super::{Event, RecordCommand, clock_sync, context::Context};
use cortop_protocol::{
    Error, ErrorKind, ErrorSubject, HeadsetId, Method, Record, RecordEvent, RecordId, Session,
    SessionId, Warning,
    record::{Export, NewRecord, RecordChange, RecordList},
    tolerant,
};
use serde_json::{Value, json};

/// How long `querySessions` may lag behind what we know about a record.
const SETTLING: Duration = Duration::from_secs(3);

/// Carries out a command. `headset`: that of the session, if known.
pub(super) async fn execute(
    context: Context,
    command: RecordCommand,
    headset: Option<HeadsetId>,
) -> Result<(), Error> {
    match command {
        RecordCommand::Start(session, new) => {
            if let Some(headset) = headset {
                clock_sync::measure_before_record(&context, headset).await;
            }
            start(&context, &session, new).await
        }
        RecordCommand::Stop(session) => stop(&context, &session, "stopped by you").await,
        RecordCommand::Update(record, change) => update(&context, &record, change).await,
        RecordCommand::Delete(record) => delete(&context, record).await,
        RecordCommand::Export(record, how) => export(&context, record, how).await,
        RecordCommand::List => list(&context).await,
    }
}

async fn send(context: &Context, event: RecordEvent) {
    context.events.send(Event::Record(event)).await;
}

async fn start(context: &Context, session: &SessionId, new: NewRecord) -> Result<(), Error> {
    let NewRecord { title, description, subject, tags } = new;
    let mut params = json!({"session": session.as_str(), "title": title});
    if !description.is_empty() {
        params["description"] = description.into();
    }
    if !tags.is_empty() {
        params["tags"] = tags.into();
    }
    if let Some(subject) = subject.filter(|name| !name.is_empty()) {
        // Cortex accepts only names it knows, and refuses to create one twice.
        let person = json!({"subjectName": subject});
        if let Err(failure) = context.ask_as_user(Method::CreateSubject, person).await {
            tracing::debug!("{}", failure);
        }
        params["subjectName"] = subject.into();
    }
    context.record_log.expect(session, &title);
    let answer = match context.ask_as_user(Method::CreateRecord, params).await {
        Ok(answer) => answer,
        Err(failure) => {
            // Without an answer, the record may have been started anyway.
            if failure.code.is_some() {
                context.record_log.expect_no_more(session);
            }
            return Err(failure);
        }
    };
    let record = record_of(answer);
    if record.uuid.as_str().is_empty() {
        let next = "look at the session: if nothing is being recorded, start it again";
        return Err(
            Error::new(ErrorKind::User, "Cortex returned no record", next).on(Method::CreateRecord)
        );
    }
    context.record_log.expect(session, &record.title);
    begin(context, session, record).await;
    context.refresh_now();
    Ok(())
}

async fn begin(context: &Context, session: &SessionId, record: Record) {
    if let Some(foreign) = context.record_log.begin(session, &record) {
        send(context, RecordEvent::Started { session: session.clone(), record, foreign }).await;
    }
}

/// Stops the record of a session, if Cortex can be reached.
pub(super) async fn stop(context: &Context, session: &SessionId, why: &str) -> Result<(), Error> {
    let answer =
        context.ask_as_user(Method::StopRecord, json!({"session": session.as_str()})).await?;
    let known = context.record_log.end(session);
    let mut record = record_of(answer);
    if record.uuid.as_str().is_empty() {
        record = known.unwrap_or_default();
    }
    let (session, why) = (session.clone(), why.to_owned());
    send(context, RecordEvent::Ended { session, record, why, ordered: true }).await;
    context.refresh_now();
    Ok(())
}

/// Follows what a session object shows about its record: another program of this application may
/// have started or stopped it.
pub(super) async fn follow(context: &Context, session: &Session) {
    match (session.recording, context.record_log.since(&session.id)) {
        (Some(false), Some(since)) if since.elapsed() >= SETTLING => {
            context.record_ended(&session.id, "stopped by another program", false).await;
        }
        (Some(true), None) => {
            let Some(id) = session.record_ids.iter().flatten().last() else { return };
            match context.ask_as_user(Method::GetRecordInfos, json!({"recordIds": [id]})).await {
                Ok(answer) => {
                    let records =
                        tolerant::objects::<Record>(Method::GetRecordInfos.name(), answer);
                    let running = |record: &Record| {
                        record.uuid.as_str() == id && record.end_datetime.is_empty()
                    };
                    if let Some(record) = records.into_iter().find(running) {
                        begin(context, &session.id, record).await;
                    }
                }
                Err(failure) => tracing::debug!("{}", failure),
            }
        }
        _ => {}
    }
}

/// Handles warning 30, and warning 18 of older services, which does not name the record.
pub(super) async fn on_processed(context: &Context, warning: &Warning) {
    for record in context.record_log.done(warning.record()) {
        send(context, RecordEvent::Ready(context.record_log.name(record))).await;
    }
}

async fn update(context: &Context, record: &RecordId, change: RecordChange) -> Result<(), Error> {
    let RecordChange { title, description, tags } = change;
    let mut params = json!({"record": record.as_str()});
    let texts = [("title", title), ("description", description)];
    for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text?))) {
        params[name] = text.into();
    }
    if let Some(tags) = tags {
        params["tags"] = tags.into();
    }
    let answer = context.ask_as_user(Method::UpdateRecord, params).await?;
    let record = Record::from(answer);
    context.record_log.note_titles([&record]);
    send(context, RecordEvent::Updated(record)).await;
    Ok(())
}

async fn delete(context: &Context, record: RecordId) -> Result<(), Error> {
    let params = json!({"records": [record.as_str()]});
    first_failure(
        Method::DeleteRecord,
        &record,
        context.ask_as_user(Method::DeleteRecord, params).await?,
    )?;
    send(context, RecordEvent::Deleted(context.record_log.name(record))).await;
    Ok(())
}

async fn export(context: &Context, record: RecordId, how: Export) -> Result<(), Error> {
    const METHOD: Method = Method::ExportRecord;
    let Export { folder, format, streams } = how;
    if context.record_log.is_processing(&record) {
        let next = "wait until cortop reports that it is ready";
        return Err(
            Error::new(ErrorKind::User, "Cortex is still processing the record", next).on(METHOD)
        );
    }
    if let Some(stream) = streams.iter().find(|own| !format.streams().contains(own)) {
        let why = format!("{} cannot hold {}", format.title(), stream.title());
        return Err(
            Error::new(ErrorKind::User, why, "choose CSV, or EEG and motion only").on(METHOD)
        );
    }
    // The service has a working directory of its own.
    let absolute = std::path::absolute(&folder).ok();
    let Some(path) = absolute.as_deref().and_then(|path| path.to_str()) else {
        let why = "the name of the folder is not valid text";
        return Err(Error::new(ErrorKind::User, why, "choose another folder").on(METHOD));
    };
    let streams: Vec<_> = streams.iter().map(|stream| stream.name()).collect();
    let (name, version) = format.names();
    let mut params = json!({
        "recordIds": [record.as_str()], "folder": path, "format": name, "streamTypes": streams,
    });
    if let Some(version) = version {
        params["version"] = version.into();
    }
    first_failure(METHOD, &record, context.ask_as_user(METHOD, params).await?)?;
    let record = context.record_log.name(record);
    send(context, RecordEvent::Exported { record, folder }).await;
    Ok(())
}

async fn list(context: &Context) -> Result<(), Error> {
    let newest = json!({
        "query": {}, "orderBy": [{"startDatetime": "DESC"}], "limit": RecordList::MOST, "offset": 0,
    });
    let answer = context.ask_as_user(Method::QueryRecords, newest).await?;
    let records = RecordList::from(answer);
    context.record_log.note_titles(&records.records);
    context.events.send(Event::Records(records)).await;
    Ok(())
}

fn record_of(mut answer: Value) -> Record {
    answer.get_mut("record").map(Value::take).unwrap_or_default().into()
}

/// The first failure in the answer to a request about one record.
fn first_failure(method: Method, record: &RecordId, mut answer: Value) -> Result<(), Error> {
    let list = answer.get_mut("failure").map(Value::take).unwrap_or_default();
    match list.as_array().and_then(|list| list.first()) {
        Some(error) => {
            let subject = ErrorSubject::Record(record.clone());
            Err(Error::from_answer(method, error.clone()).about(subject))
        }
        None => Ok(()),
    }
}
