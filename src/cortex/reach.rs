//! Reaching a headset (§2.6): waits until it is there, connects it, and overhears what the service
//! says meanwhile.

use std::time::Duration;

use serde_json::json;
use tokio::{
    sync::broadcast,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    Headset, HeadsetId, Refusal, SessionId, Warning, code,
    context::{Context, Stage},
    event,
    link::Notice,
    open::{self, Refused},
};

/// How long a headset may take to connect (§9.2).
const CONNECT: Duration = Duration::from_secs(30);

/// How long the streams of an old session are waited for when the headset is back (§2.12).
const RESUME: Duration = Duration::from_millis(1500);

/// What the service says unasked, as one keeper hears it.
pub(super) struct Notices {
    receiver: broadcast::Receiver<Notice>,
    /// The last session that came back to life by itself: heard at any time, asked for later.
    resumed: Option<SessionId>,
}

impl Notices {
    pub(super) fn new(context: &Context) -> Self {
        Self { receiver: context.notices.subscribe(), resumed: None }
    }

    /// The next warning. May be dropped while it waits without losing one.
    pub(super) async fn warning(&mut self) -> Warning {
        loop {
            // Never closed, for the sender lives in the context; one who lags behind has missed
            // what the lists of headsets and sessions tell too.
            match self.receiver.recv().await {
                Ok(Notice::Warning(warning)) => return warning,
                Ok(Notice::Resumed(session)) => self.resumed = Some(session),
                Err(_) => {}
            }
        }
    }

    /// Forgets the warnings said before now.
    pub(super) fn forget(&mut self) {
        while let Ok(notice) = self.receiver.try_recv() {
            if let Notice::Resumed(session) = notice {
                self.resumed = Some(session);
            }
        }
    }

    /// Whether an old session's streams have come back, or do so within a moment.
    pub(super) async fn has_resumed(&mut self, session: &SessionId) -> bool {
        let until = Instant::now() + RESUME;
        self.forget();
        while self.resumed.as_ref() != Some(session) {
            match timeout_at(until, self.receiver.recv()).await {
                Ok(Ok(Notice::Resumed(session))) => self.resumed = Some(session),
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        self.resumed = None;
        true
    }
}

/// Waits until a headset is there, and connects it if need be.
pub(super) async fn reach(
    context: &Context,
    id: &HeadsetId,
    notices: &mut Notices,
) -> Result<(), Refused> {
    let mut headsets = context.headsets.subscribe();
    let mut deadline = None;
    loop {
        let headset = headsets.borrow_and_update().iter().find(|one| one.id == *id).cloned();
        match headset {
            None => {
                deadline = None;
                context.stage(id, Stage::Away).await;
            }
            Some(headset) if headset.is_on_usb_cable() => return Err(open::on_usb_cable(id)),
            Some(headset) if headset.is_connected() => return Ok(()),
            Some(_) if deadline.is_none() => {
                context.stage(id, Stage::Connecting).await;
                // What was said of an attempt before this one is void.
                notices.forget();
                let params = json!({"command": "connect", "headset": id.as_str()});
                context
                    .ask("controlDevice", params)
                    .await
                    .map_err(|failure| Refused::new("controlDevice", &failure))?;
                deadline = Some(Instant::now() + CONNECT);
            }
            Some(_) => {}
        }
        tokio::select! {
            _ = headsets.changed() => {}
            warning = notices.warning() => {
                if warning.headset().as_ref() == Some(id) {
                    match warning.code {
                        104 => return Ok(()),
                        100 | 101 | 102 | 112 | 113 => return Err(not_connected(&warning)),
                        _ => {}
                    }
                }
            }
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                let refusal = event::refusal(
                    "controlDevice",
                    &format!("{id} did not connect within {} s", CONNECT.as_secs()),
                    "switch it off and on, and bring it closer",
                );
                return Err(Refused { refusal, passing: true });
            }
        }
    }
}

/// Waits until the list of headsets tells another state of one.
pub(super) async fn changed(context: &Context, id: &HeadsetId) {
    let mut headsets = context.headsets.subscribe();
    let state = |headset: Headset| (headset.status, headset.connected_by);
    let before = context.headset(id).map(state);
    // The sender lives in the context.
    while headsets.changed().await.is_ok() {
        if context.headset(id).map(state) != before {
            return;
        }
    }
}

fn not_connected(warning: &Warning) -> Refused {
    let refusal = Refusal {
        method: "controlDevice".to_owned(),
        code: Some(warning.code),
        message: warning.text(),
        next: code::warning(warning.code).map_or("", |row| row.next).to_owned(),
    };
    Refused { refusal, passing: false }
}
