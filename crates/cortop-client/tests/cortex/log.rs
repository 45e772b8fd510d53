//! The log names the headset, puts words before anything else, and shows no warnings about what the
//! user ordered.

use cortop_client::{Command, ConnectionStep, Event, RecordCommand, RecordEvent};
use cortop_protocol::record::NewRecord;
use cortop_sim::fault::Fault;
use tracing::subscriber::DefaultGuard;

use crate::{
    log_capture::LogCapture,
    service::{EPOCX, INSIGHT, closed, reached},
    simulated::SimHarness,
};

impl LogCapture {
    /// Captures everything logged on this thread while the guard lives.
    fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn lines(&self) -> Vec<String> {
        self.text().lines().map(|line| line.trim().to_owned()).collect()
    }

    fn has(&self, words: &str) -> bool {
        self.lines().iter().any(|line| line.contains(words))
    }
}

const BOTH: [&str; 2] = ["insight:INSIGHT-0A1B2C3D:connected", "epocx:EPOCX-1A2B3C4D:connected"];

#[tokio::test]
async fn each_line_on_a_session_names_its_headset_and_each_lost_headset_has_a_line() {
    let (log, _guard) = LogCapture::start();
    let mut rig = SimHarness::start(&BOTH).await;
    rig.tested.until(reached(ConnectionStep::Choosing)).await;
    for id in [INSIGHT, EPOCX] {
        rig.tested.command(Command::Open { headset: id.into(), mode: None }).await;
        let streaming = format!("INFO {id}: streaming");
        rig.tested.until(|_| log.has(&streaming).then_some(())).await;
    }
    rig.order(Fault::HeadsetGone {});
    for _ in 0..2 {
        rig.tested.until(closed).await;
    }
    for id in [INSIGHT, EPOCX] {
        for words in ["session", "subscribed to eeg dev", "streaming", "found, connected"] {
            assert!(log.has(&format!("INFO {id}: {words}")), "{id} {words}: {:#?}", log.lines());
        }
        assert!(log.has(&format!("WARN {id}: session")), "{id}: {:#?}", log.lines());
        // Two warnings with the same code in quick succession.
        let lost = |line: &String| line.contains("Cortex says 103: ") && line.contains(id);
        assert!(log.lines().iter().any(lost), "{id}: {:#?}", log.lines());
    }
    rig.tested.quit().await;
}

#[tokio::test]
async fn what_the_user_ordered_is_no_warning() {
    let mut rig = SimHarness::start(&["insight:INSIGHT-0A1B2C3D:connected"]).await;
    let session = rig.streaming().await;
    let (log, _guard) = LogCapture::start();
    let new = NewRecord { title: "rest".to_owned(), ..NewRecord::default() };
    let start = Command::Record(RecordCommand::Start(session.clone(), new));
    let began = |event: &Event| matches!(event, Event::Record(_)).then_some(());
    rig.ask(start, began).await;
    // Newer services send warning 0 around our own close, before or after the answer.
    let (mut ended, mut warned) = (None, false);
    let both = |event: &Event| {
        match event {
            Event::Closed { ordered, .. } => ended = Some(*ordered),
            Event::Warning(warning) => warned |= warning.code == 0,
            _ => {}
        }
        ended.filter(|_| warned)
    };
    assert!(rig.ask(Command::Close(session), both).await);
    rig.tested.quit().await;
    let lines = log.lines();
    assert!(lines.iter().any(|line| line.contains("ended: closed by you")), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.starts_with("WARN")), "{lines:#?}");
}

#[tokio::test]
async fn a_record_is_called_by_its_title() {
    let mut rig = SimHarness::start(&["insight:INSIGHT-0A1B2C3D:connected"]).await;
    let session = rig.streaming().await;
    let (log, _guard) = LogCapture::start();
    let new = NewRecord { title: "eyes closed".to_owned(), ..NewRecord::default() };
    let begun = |event: &Event| match event {
        Event::Record(RecordEvent::Started { record, .. }) => Some(record.uuid.clone()),
        _ => None,
    };
    let id = rig.ask(Command::Record(RecordCommand::Start(session.clone(), new)), begun).await;
    let ready = |event: &Event| matches!(event, Event::Record(RecordEvent::Ready(_))).then_some(());
    rig.ask(Command::Record(RecordCommand::Stop(session)), ready).await;
    rig.tested.quit().await;
    assert!(log.has("record eyes closed is ready for export"), "{:#?}", log.lines());
    assert!(!log.has(id.as_str()), "{:#?}", log.lines());
}
