//! The streams of a held session: those the user wants, as far as Cortex grants them (§2.8).

use serde_json::json;
use tokio::time::Instant;

use super::{FIRST_PAUSE, HeadsetTask, HeldSession, LONGEST_PAUSE};
use crate::{Event, SessionMode, rpc::AnswerEffect, subscribe};
use cortop_protocol::{
    Error, ErrorKind, ErrorSubject, Method, Stream, code,
    session::SessionStatus,
    unavailable::{self, Circumstances},
};

impl HeadsetTask {
    /// The streams that the user wants of the headset.
    pub(super) fn wanted(&self) -> Vec<Stream> {
        let chosen = self.context.desired.of(&self.headset).streams;
        chosen.unwrap_or_else(|| self.context.config.streams.clone())
    }

    fn want(&self, change: impl FnOnce(&mut Vec<Stream>)) {
        let mut streams = self.wanted();
        change(&mut streams);
        self.context.desired.change(&self.headset, |desired| desired.streams = Some(streams));
    }

    /// Subscribes to what is wanted and not running, then reports what is running. If the call
    /// fails, the session is kept and the call is repeated after a pause.
    pub(super) async fn subscribe_wanted(&mut self, held: &mut HeldSession) -> Result<(), Error> {
        let mut streams = self.wanted();
        streams.retain(|stream| !held.streams.contains(stream));
        self.subscribe_or_retry(held, &streams).await
    }

    async fn subscribe_or_retry(
        &mut self,
        held: &mut HeldSession,
        streams: &[Stream],
    ) -> Result<(), Error> {
        let answered = self.subscribe(held, streams).await;
        if let Err(error) = &answered {
            self.context.events.send_error(error.clone()).await;
            held.retry_at = Some(Instant::now() + held.pause);
            held.pause = (held.pause * 2).min(LONGEST_PAUSE);
        }
        self.send_session(held).await;
        answered
    }

    /// Subscribes, and notes the running and the refused streams. Those that the program which
    /// opened the session has subscribed to remain its own.
    async fn subscribe(&mut self, held: &mut HeldSession, streams: &[Stream]) -> Result<(), Error> {
        held.refused.retain(|(stream, _)| !streams.contains(stream));
        let mut streams = streams.to_vec();
        streams.retain(|stream| !held.theirs.contains(stream));
        if streams.is_empty() {
            return Ok(());
        }
        let mut asked = held.streams.clone();
        asked.extend(&streams);
        let flowing = (!held.streams.is_empty()).then_some(true);
        self.report_held(held, asked, flowing).await;
        let effect = AnswerEffect::Subscribe {
            session: held.session.id.clone(),
            headset: Box::new(held.session.headset.clone()),
            fast_met: held.mode == SessionMode::Active
                && self.context.account.licence().is_some_and(|licence| licence.has_scope("pm")),
        };
        let names: Vec<_> = streams.iter().map(|stream| stream.name()).collect();
        let params = json!({"session": held.session.id.as_str(), "streams": names});
        let answer = subscribe::SubscribeAnswer::of(
            Method::Subscribe,
            self.context.ask_with_effect(Method::Subscribe, params, effect).await?,
        );
        held.pause = FIRST_PAUSE;
        for stream in streams {
            held.streams.retain(|&own| own != stream);
            let error = answer.failure.iter().find(|(refused, _)| *refused == stream);
            if answer.success.iter().any(|(granted, _)| *granted == stream) {
                held.streams.push(stream);
            } else {
                let error = match error {
                    Some((_, error)) => self.explain(held, stream, error.clone()),
                    None => not_mentioned(stream),
                };
                held.refused.push((stream, error));
            }
        }
        // The session streams, so the debit was used.
        self.context.desired.change(&self.headset, |desired| desired.debited = false);
        held.list_streams();
        Ok(())
    }

    /// Adds a reason if Cortex gives none, and always names the stream.
    fn explain(&self, held: &HeldSession, stream: Stream, error: Error) -> Error {
        let licence = self.context.account.licence();
        let next = match error.code {
            Some(code::error::STREAM_UNAVAILABLE) if error.text == unavailable::NOT_RECORDED => {
                format!("{stream}: the other streams keep running")
            }
            Some(code::error::STREAM_UNAVAILABLE) => {
                let circumstances = Circumstances {
                    headset: &held.session.headset,
                    version: &self.context.version.borrow(),
                    licence: licence.as_ref(),
                    activated: held.mode == SessionMode::Active,
                };
                unavailable::reason(stream, &circumstances)
            }
            _ => format!("{stream}: {}", error.next),
        };
        Error { next: next.into(), ..error }
    }

    /// Activates the session, then subscribes to what that makes possible: `eeg` and the fast `met`
    /// come only with a subscription made afterwards (§2.8).
    pub(super) async fn activate(&mut self, held: &mut HeldSession) -> Result<(), Error> {
        let id = held.session.id.as_str();
        let params = json!({"session": id, "status": "active"});
        let answer = self.context.ask_as_user(Method::UpdateSession, params).await;
        if answer.as_ref().is_err_and(|error| error.code == Some(code::error::NO_ACTIVATION)) {
            // What is known about the licence is out of date.
            self.context.read_licence().await;
        }
        answer?;
        self.context.count_activation().await;
        held.mode = SessionMode::Active;
        held.session.status = SessionStatus::Activated;
        if !held.foreign {
            self.context
                .desired
                .change(&self.headset, |desired| desired.mode = Some(SessionMode::Active));
        }
        self.context.read_licence().await;
        if held.streams.contains(&Stream::Met)
            && let Err(failure) = self.unsubscribe(held, &[Stream::Met]).await
        {
            tracing::debug!("{}", failure);
        }
        let mut streams = self.wanted();
        streams.retain(|stream| !held.streams.contains(stream) || *stream == Stream::Met);
        // Refused again or not, the earlier refusal is not repeated.
        held.refused.retain(|(stream, _)| !streams.contains(stream));
        // A failure is reported there; the session is activated all the same.
        let _ = self.subscribe_or_retry(held, &streams).await;
        Ok(())
    }

    /// Subscribes to more streams at the user's request. Refuses a stream of the program that
    /// opened the session.
    pub(super) async fn add(
        &mut self,
        held: &mut HeldSession,
        streams: &[Stream],
    ) -> Result<(), Error> {
        self.want(|wanted| {
            wanted.retain(|stream| !streams.contains(stream));
            wanted.extend(streams);
        });
        let _ = self.subscribe_or_retry(held, streams).await;
        let not_ours = streams.iter().find(|stream| held.theirs.contains(stream));
        not_ours.map_or(Ok(()), |&stream| Err(self::not_ours(stream)))
    }

    /// Unsubscribes from streams at the user's request, and drops those that were refused.
    pub(super) async fn drop(
        &mut self,
        held: &mut HeldSession,
        streams: &[Stream],
    ) -> Result<(), Error> {
        self.want(|wanted| wanted.retain(|stream| !streams.contains(stream)));
        let (flowing, mut gone): (Vec<_>, Vec<_>) =
            streams.iter().partition(|stream| held.streams.contains(stream));
        held.refused.retain(|(stream, _)| !gone.contains(stream));
        let answer = self.unsubscribe(held, &flowing).await;
        gone.extend(flowing.iter().filter(|stream| !held.streams.contains(stream)));
        held.list_streams();
        let session = held.session.id.clone();
        self.context.events.send(Event::Unsubscribed { session, streams: gone }).await;
        self.send_session(held).await;
        answer?.failure.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    async fn unsubscribe(
        &mut self,
        held: &mut HeldSession,
        streams: &[Stream],
    ) -> Result<subscribe::SubscribeAnswer, Error> {
        if streams.is_empty() {
            return Ok(subscribe::SubscribeAnswer::default());
        }
        let effect = AnswerEffect::Unsubscribe { session: held.session.id.clone() };
        let names: Vec<_> = streams.iter().map(|stream| stream.name()).collect();
        let params = json!({"session": held.session.id.as_str(), "streams": names});
        let answer = self.context.ask_with_effect(Method::Unsubscribe, params, effect).await?;
        let answer = subscribe::SubscribeAnswer::of(Method::Unsubscribe, answer);
        held.streams.retain(|own| !answer.success.iter().any(|(gone, _)| gone == own));
        Ok(answer)
    }
}

impl HeldSession {
    /// Makes the session object list the running streams, until Cortex itself does.
    fn list_streams(&mut self) {
        let flows =
            |stream: &&Stream| self.streams.contains(stream) || self.theirs.contains(stream);
        let names = Stream::ALL.iter().filter(flows).map(ToString::to_string);
        self.session.streams = Some(names.collect());
    }
}

fn not_mentioned(stream: Stream) -> Error {
    let message = format!("Cortex did not mention {stream} in its answer");
    Error::new(ErrorKind::User, message, "open the headset again")
        .on(Method::Subscribe)
        .about(ErrorSubject::Stream(stream))
}

fn not_ours(stream: Stream) -> Error {
    let message = format!("{stream} is subscribed by the program that opened the session");
    Error::new(ErrorKind::User, message, "another program receives it")
        .on(Method::Subscribe)
        .about(ErrorSubject::Stream(stream))
}
