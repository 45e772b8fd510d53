//! Connects a headset (§2.6): waits until it is visible, requests the connection, and follows the
//! service's warnings meanwhile.

use std::time::Duration;

use serde_json::json;
use tokio::{
    sync::broadcast,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    context::{Context, HeadsetProgress},
    link::LinkNotice,
    open_session,
};
use cortop_protocol::{
    Error, ErrorKind, ErrorSubject, Headset, HeadsetId, Method, SessionId, Warning,
    code::warning as codes,
    settings::{Connecting, ConnectionType},
};

/// How long a headset may take to connect (§9.2).
const CONNECT: Duration = Duration::from_secs(30);

/// How long to wait for the streams of an old session to resume once the headset is back (§2.12).
const RESUME: Duration = Duration::from_millis(1500);

/// Receives the link's notices about one headset.
pub(super) struct NoticeReceiver {
    receiver: broadcast::Receiver<LinkNotice>,
    /// The session whose streams may resume without being asked to.
    session: Option<SessionId>,
    /// Whether they have resumed.
    resumed: bool,
}

impl NoticeReceiver {
    pub(super) fn new(context: &Context) -> Self {
        Self { receiver: context.notices.subscribe(), session: None, resumed: false }
    }

    /// Watches this session from now on: its streams may resume.
    pub(super) fn watch(&mut self, session: SessionId) {
        self.session = Some(session);
        self.resumed = false;
    }

    /// The next warning. Cancel-safe.
    pub(super) async fn warning(&mut self) -> Warning {
        loop {
            // Never closed, for the sender lives in the context. A receiver that lags has missed
            // only what the lists of headsets and sessions show too.
            if let Ok(notice) = self.receiver.recv().await
                && let Some(warning) = self.take(notice)
            {
                return warning;
            }
        }
    }

    fn take(&mut self, notice: LinkNotice) -> Option<Warning> {
        match notice {
            LinkNotice::Warning(warning) => Some(warning),
            LinkNotice::ClockStepped(_) => None,
            LinkNotice::Resumed(session) => {
                self.resumed |= self.session.as_ref() == Some(&session);
                None
            }
        }
    }

    /// Forgets all warnings received before now.
    pub(super) fn forget(&mut self) {
        loop {
            match self.receiver.try_recv() {
                Ok(notice) => {
                    self.take(notice);
                }
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return,
            }
        }
    }

    /// Whether the streams of the watched session have come back since they stopped.
    pub(super) fn take_resumed(&mut self) -> bool {
        std::mem::take(&mut self.resumed)
    }

    /// Like [`take_resumed`](Self::take_resumed), but waits a moment for them to resume.
    pub(super) async fn has_resumed(&mut self) -> bool {
        let until = Instant::now() + RESUME;
        self.forget();
        while !self.resumed {
            match timeout_at(until, self.receiver.recv()).await {
                Ok(Ok(notice)) => {
                    self.take(notice);
                }
                Ok(Err(_)) => {}
                Err(_) => return false,
            }
        }
        self.take_resumed()
    }
}

/// Waits until a headset is visible, and connects it if need be.
pub(super) async fn reach_headset(
    context: &Context,
    id: &HeadsetId,
    notices: &mut NoticeReceiver,
) -> Result<(), Error> {
    let mut headsets = context.headsets.subscribe();
    loop {
        let headset = headsets.borrow_and_update().iter().find(|one| one.id == *id).cloned();
        match headset {
            None => {
                context.report_progress(id, HeadsetProgress::Away).await;
                // The sender lives in the context.
                let _ = headsets.changed().await;
            }
            Some(headset) if headset.is_on_usb_cable() => {
                return Err(open_session::on_usb_cable(id));
            }
            Some(headset) if headset.is_connected() => return Ok(()),
            Some(_) => {
                context.report_progress(id, HeadsetProgress::Connecting).await;
                let how = context.desired.of(id).how;
                if connect_headset(context, id, how, notices).await? {
                    return Ok(());
                }
            }
        }
    }
}

/// Connects a headset and waits for the outcome. Returns `false` if it has vanished meanwhile, or
/// is connected by a cable that nobody asked for.
pub(super) async fn connect_headset(
    context: &Context,
    id: &HeadsetId,
    Connecting { by, mapping }: Connecting,
    notices: &mut NoticeReceiver,
) -> Result<bool, Error> {
    let mut headsets = context.headsets.subscribe();
    headsets.mark_unchanged();
    // Warnings about earlier attempts no longer apply.
    notices.forget();
    let mut params = json!({"command": "connect", "headset": id.as_str()});
    if let Some(by) = by {
        params["connectionType"] = by.name().into();
    }
    if let Some(mapping) = mapping {
        params["mappings"] = json!(mapping.mappings);
    }
    context.ask(Method::ControlDevice, params).await?;
    let deadline = Instant::now() + CONNECT;
    loop {
        tokio::select! {
            _ = headsets.changed() => match context.headset(id) {
                Some(headset) if headset.is_connected() => return Ok(true),
                Some(headset)
                    if !headset.is_on_usb_cable() || by == Some(ConnectionType::UsbCable) => {}
                _ => return Ok(false),
            },
            warning = notices.warning() => {
                if warning.headset().as_ref() == Some(id) {
                    match warning.code {
                        codes::HEADSET_CONNECTED => return Ok(true),
                        codes::HEADSET_INFO_WRONG
                        | codes::CONNECTION_FAILED
                        | codes::CONNECTION_TIMEOUT
                        | codes::SETTING_NOT_FOR_BLUETOOTH
                        | codes::MOTION_TOO_MUCH => {
                            let subject = ErrorSubject::Headset(id.clone());
                            return Err(warning.error(Method::ControlDevice).about(subject));
                        }
                        _ => {}
                    }
                }
            }
            () = sleep_until(deadline) => {
                let meaning = format!("{id} did not connect within {} s", CONNECT.as_secs());
                let next = "switch it off and on, and bring it closer";
                return Err(Error::new(ErrorKind::NoAnswer, meaning, next)
                    .on(Method::ControlDevice)
                    .about(ErrorSubject::Headset(id.clone())));
            }
        }
    }
}

/// Waits until the list of headsets shows a headset in a different state.
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
