//! Holds a session until it ends: executes its orders, follows what Cortex reports about it, and
//! determines why it ended.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{
    FIRST_PAUSE, HeadsetTask, HeldSession, HoldEnd, LONGEST_PAUSE, STEADY, SessionChange,
    TaskOrder, close, listed, not_held, release,
};
use crate::{Event, context::HeadsetProgress, records};
use cortop_protocol::{
    Error, ErrorKind, Headset, Method, Session, code::warning as codes, session::SessionStatus,
    tolerant,
};

/// How long a session may be missing from `querySessions` before it counts as closed: two polls.
const MISSING: Duration = Duration::from_secs(3);

/// How long after the end of a session a warning may still name its headset as the cause.
const CAUSE_AFTER_END: Duration = Duration::from_millis(500);

/// How long before the end of a session such a warning may have come.
const CAUSE_BEFORE_END: Duration = Duration::from_secs(10);

const BY_ANOTHER: &str = "closed by another program of this application";

impl HeadsetTask {
    /// Holds a session until it ends.
    pub(super) async fn hold(&mut self, mut held: HeldSession) -> HoldEnd {
        let mut sessions = self.context.sessions.subscribe();
        let mut missing: Option<Instant> = None;
        // When Cortex reported that all its streams have stopped (warning 0).
        let mut silenced: Option<Instant> = None;
        // The last warning that its headset cannot be reached.
        let mut unreachable: Option<(Instant, String)> = None;
        loop {
            let recent = unreachable.clone().filter(|(at, _)| at.elapsed() < CAUSE_BEFORE_END);
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(order) => if self.execute(&mut held, order).await {
                        return HoldEnd::Over;
                    },
                    None => return HoldEnd::Over,
                },
                warning = self.notices.warning() => {
                    let ours = warning.session().is_some_and(|id| id == held.session.id);
                    let here = warning.headset().is_some_and(|id| id == self.headset);
                    match warning.code {
                        codes::STREAMS_STOPPED if ours => {
                            silenced = Some(Instant::now());
                            self.context.refresh_now();
                        }
                        codes::SESSION_CLOSED if ours => {
                            let why = "closed by Cortex, while its headset stayed connected";
                            return self.on_ended(held, why, recent).await;
                        }
                        codes::CONNECTION_TIMEOUT if here => unreachable = Some((Instant::now(), warning.text())),
                        codes::HEADSET_LOST if here => {
                            let cause = Some((Instant::now(), warning.text()));
                            return self.on_ended(held, "", cause).await;
                        }
                        _ => {}
                    }
                }
                _ = sessions.changed() => {
                    let seen = sessions.borrow_and_update().iter().find(|one| one.id == held.session.id).cloned();
                    match seen {
                        Some(seen) if seen.status == SessionStatus::Closed => {
                            self.update(&mut held, seen).await;
                            return self.on_ended(held, BY_ANOTHER, recent).await;
                        }
                        Some(seen) => {
                            missing = None;
                            self.update(&mut held, seen).await;
                        }
                        None => {
                            let since = *missing.get_or_insert_with(Instant::now);
                            // A warning that its streams have stopped means the same.
                            if silenced.is_some() || since.elapsed() >= MISSING {
                                return self.on_ended(held, BY_ANOTHER, recent).await;
                            }
                        }
                    }
                }
                () = sleep_until(silenced.unwrap_or(held.since) + MISSING), if silenced.is_some() => {
                    silenced = None;
                    if !self.notices.take_resumed() {
                        held.streams.clear();
                        held.retry_at = (!held.foreign).then(Instant::now);
                        self.send_session(&held).await;
                    }
                }
                () = sleep_until(held.retry_at.unwrap_or(held.since)), if held.retry_at.is_some() => {
                    held.retry_at = None;
                    if let Err(failure) = self.subscribe_wanted(&mut held).await
                        && failure.kind == ErrorKind::SessionGone
                    {
                        return self.on_ended(held, BY_ANOTHER, recent).await;
                    }
                }
            }
        }
    }

    /// Carries out an order about the held session. Returns whether that ended it.
    async fn execute(&mut self, held: &mut HeldSession, order: TaskOrder) -> bool {
        let TaskOrder::Change(session, change, id) = order else {
            // There already is one.
            return false;
        };
        let outcome = if session == held.session.id {
            self.change(held, change).await
        } else {
            Err(not_held(change.method(), &session))
        };
        let over = matches!(outcome, Ok(true));
        self.context.events.send_outcome(id, outcome.map(|_| ())).await;
        over
    }

    /// Changes the held session. Returns whether that ended it.
    async fn change(
        &mut self,
        held: &mut HeldSession,
        change: SessionChange,
    ) -> Result<bool, Error> {
        match change {
            SessionChange::Activate => self.activate(held).await?,
            SessionChange::Subscribe(streams) => self.add(held, &streams).await?,
            SessionChange::Unsubscribe(streams) => self.drop(held, &streams).await?,
            SessionChange::Close => {
                close(&self.context, &held.session.id).await?;
                self.context.closed_as_ordered(&held.session.id, "closed by you").await;
                return Ok(true);
            }
            SessionChange::Release if held.foreign => {
                if self.context.record_log.is_ours(&held.session.id)
                    && let Err(refusal) = records::stop(
                        &self.context,
                        &held.session.id,
                        "cortop no longer follows its session",
                    )
                    .await
                {
                    self.context.events.send_error(refusal).await;
                }
                release(&self.context, &held.session.id, &held.streams).await;
                self.context.released(&held.session.id, "released at your request").await;
                return Ok(true);
            }
            SessionChange::Release => {
                let why = "cortop opened this session itself";
                return Err(
                    Error::new(ErrorKind::User, why, "close it instead").on(Method::Unsubscribe)
                );
            }
        }
        Ok(false)
    }

    /// Updates the held session with what Cortex reports.
    async fn update(&self, held: &mut HeldSession, mut seen: Session) {
        self.fill_in_headset(&mut seen);
        if held.foreign {
            let mut theirs = listed(&seen);
            theirs.retain(|stream| !held.streams.contains(stream));
            held.theirs = theirs;
        }
        records::follow(&self.context, &seen).await;
        if seen != held.session {
            held.session = seen;
            self.context.events.send(Event::Session(held.session.clone())).await;
        }
    }

    /// Handles the end of the session. The headset was the cause if a warning says so (`cause`, or
    /// one that arrives in a moment) or if it is no longer connected; otherwise `why` gives the
    /// reason.
    async fn on_ended(
        &mut self,
        held: HeldSession,
        why: &str,
        mut cause: Option<(Instant, String)>,
    ) -> HoldEnd {
        // Streams that resumed before now do not count.
        self.notices.take_resumed();
        let until = Instant::now() + CAUSE_AFTER_END;
        while cause.is_none()
            && let Ok(warning) = timeout_at(until, self.notices.warning()).await
        {
            if matches!(warning.code, codes::CONNECTION_TIMEOUT | codes::HEADSET_LOST)
                && warning.headset().as_ref() == Some(&self.headset)
            {
                cause = Some((Instant::now(), warning.text()));
            }
        }
        let lost = match cause {
            Some((_, text)) => Some(text),
            None if self.is_connected().await => None,
            None => Some("its headset is not connected any more".to_owned()),
        };
        self.context.rpc.session_lost(held.session.id.clone()).await;
        match lost {
            Some(lost) if !held.foreign => {
                HoldEnd::Lost(Box::new(self.wait_after_loss(held, &lost).await))
            }
            Some(lost) => {
                self.context.closed(&held.session.id, &lost).await;
                HoldEnd::TheirsEnded
            }
            None if held.foreign => {
                let why = "closed by the program that opened it, or for it";
                self.context.closed(&held.session.id, why).await;
                HoldEnd::TheirsEnded
            }
            None => {
                self.context.closed(&held.session.id, why).await;
                HoldEnd::Over
            }
        }
    }

    /// Queries whether the headset is connected. No answer counts as no.
    async fn is_connected(&self) -> bool {
        let answer = self.context.ask(Method::QueryHeadsets, json!({})).await;
        let headsets =
            answer.map(|answer| tolerant::objects::<Headset>(Method::QueryHeadsets.name(), answer));
        let known = headsets.unwrap_or_default().into_iter().find(|one| one.id == self.headset);
        known.is_some_and(|headset| headset.is_connected())
    }

    async fn wait_after_loss(&mut self, held: HeldSession, why: &str) -> HeldSession {
        if held.since.elapsed() >= STEADY {
            self.pause = FIRST_PAUSE;
        }
        self.context.closed(&held.session.id, why).await;
        self.report_progress(HeadsetProgress::Away).await;
        // The current list may show the headset as it was before the loss.
        self.context.refresh_now();
        // An order of the user cuts the pause short.
        let until = Instant::now() + self.pause;
        while let Ok(Some(order)) = timeout_at(until, self.orders.recv()).await {
            if self.take_order(order).await {
                break;
            }
        }
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        held
    }
}
