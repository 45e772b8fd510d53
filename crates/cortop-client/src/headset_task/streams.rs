//! Which streams a held session has: those the user wants, as far as Cortex grants them (§2.8).

use serde_json::json;
use tokio::time::Instant;

use super::{Keeper, Live, REST};
use crate::{Event, SessionMode, rpc::Effect, subscribe};
use cortop_protocol::{
    Error, ErrorKind, Method, Stream, Subject, code,
    session::SessionStatus,
    unavailable::{self, Circumstances},
};

impl Keeper {
    /// The streams that the user wants of the headset.
    pub(super) fn wanted(&self) -> Vec<Stream> {
        let chosen = self.context.wishes.of(&self.headset).streams;
        chosen.unwrap_or_else(|| self.context.config.streams.clone())
    }

    fn want(&self, change: impl FnOnce(&mut Vec<Stream>)) {
        let mut streams = self.wanted();
        change(&mut streams);
        self.context.wishes.change(&self.headset, |wish| wish.streams = Some(streams));
    }

    /// Subscribes what is wanted and does not flow, and tells what flows then. If the call fails,
    /// the session is kept and the call is repeated after a pause.
    pub(super) async fn subscribe_wanted(&mut self, live: &mut Live) -> Result<(), Error> {
        let mut streams = self.wanted();
        streams.retain(|stream| !live.streams.contains(stream));
        self.subscribe_or_retry(live, &streams).await
    }

    async fn subscribe_or_retry(
        &mut self,
        live: &mut Live,
        streams: &[Stream],
    ) -> Result<(), Error> {
        let answered = self.subscribe(live, streams).await;
        if let Err(error) = &answered {
            self.context.outbox.refused(error.clone()).await;
            live.again = Some(Instant::now() + live.pause);
            live.pause = (live.pause * 2).min(REST);
        }
        self.tell_live(live).await;
        answered
    }

    /// Subscribes, and notes what flows and what was refused. What the program that opened the
    /// session has subscribed is its own.
    async fn subscribe(&mut self, live: &mut Live, streams: &[Stream]) -> Result<(), Error> {
        live.refused.retain(|(stream, _)| !streams.contains(stream));
        let mut streams = streams.to_vec();
        streams.retain(|stream| !live.theirs.contains(stream));
        if streams.is_empty() {
            return Ok(());
        }
        let mut asked = live.streams.clone();
        asked.extend(&streams);
        let flowing = (!live.streams.is_empty()).then_some(true);
        self.stage_live(live, asked, flowing).await;
        let effect = Effect::Subscribe {
            session: live.session.id.clone(),
            headset: Box::new(live.session.headset.clone()),
            fast_met: live.mode == SessionMode::Active
                && self.context.account.licence().is_some_and(|licence| licence.has_scope("pm")),
        };
        let names: Vec<_> = streams.iter().map(|stream| stream.name()).collect();
        let params = json!({"session": live.session.id.as_str(), "streams": names});
        let answer = subscribe::Answer::of(
            Method::Subscribe,
            self.context.ask_with_effect(Method::Subscribe, params, effect).await?,
        );
        live.pause = super::LOST;
        for stream in streams {
            live.streams.retain(|&own| own != stream);
            let error = answer.failure.iter().find(|(refused, _)| *refused == stream);
            if answer.success.iter().any(|(granted, _)| *granted == stream) {
                live.streams.push(stream);
            } else {
                let error = match error {
                    Some((_, error)) => self.explain(live, stream, error.clone()),
                    None => not_mentioned(stream),
                };
                live.refused.push((stream, error));
            }
        }
        // What the licence was debited for has come about.
        self.context.wishes.change(&self.headset, |wish| wish.debited = false);
        live.list_streams();
        Ok(())
    }

    /// Gives the reason where Cortex gives none, and names the stream in any case.
    fn explain(&self, live: &Live, stream: Stream, error: Error) -> Error {
        let licence = self.context.account.licence();
        let next = match error.code {
            Some(code::error::STREAM_UNAVAILABLE) => {
                let circumstances = Circumstances {
                    headset: &live.session.headset,
                    version: &self.context.version.borrow(),
                    licence: licence.as_ref(),
                    activated: live.mode == SessionMode::Active,
                };
                unavailable::reason(stream, &circumstances)
            }
            _ => format!("{stream}: {}", error.next),
        };
        Error { next: next.into(), ..error }
    }

    /// Activates the session, then subscribes what that makes possible: `eeg` and the fast `met`
    /// come only to a subscription made afterwards (§2.8).
    pub(super) async fn activate(&mut self, live: &mut Live) -> Result<(), Error> {
        let id = live.session.id.as_str();
        let params = json!({"session": id, "status": "active"});
        let answer = self.context.ask_as_user(Method::UpdateSession, params).await;
        if answer.as_ref().is_err_and(|error| error.code == Some(code::error::NO_ACTIVATION)) {
            // What is known of the licence is out of date.
            self.context.read_licence().await;
        }
        answer?;
        live.mode = SessionMode::Active;
        live.session.status = SessionStatus::Activated;
        if !live.foreign {
            self.context.wishes.change(&self.headset, |wish| wish.mode = Some(SessionMode::Active));
        }
        self.context.read_licence().await;
        if live.streams.contains(&Stream::Met)
            && let Err(failure) = self.unsubscribe(live, &[Stream::Met]).await
        {
            tracing::debug!("{}", failure);
        }
        let mut streams = self.wanted();
        streams.retain(|stream| !live.streams.contains(stream) || *stream == Stream::Met);
        // Refused again, or not: what Cortex said before is not repeated.
        live.refused.retain(|(stream, _)| !streams.contains(stream));
        // A failure is reported there, and the session is activated all the same.
        let _ = self.subscribe_or_retry(live, &streams).await;
        Ok(())
    }

    /// Subscribes more streams on the user's word. A stream of the program that opened the session
    /// is refused.
    pub(super) async fn add(&mut self, live: &mut Live, streams: &[Stream]) -> Result<(), Error> {
        self.want(|wanted| {
            wanted.retain(|stream| !streams.contains(stream));
            wanted.extend(streams);
        });
        let _ = self.subscribe_or_retry(live, streams).await;
        let not_ours = streams.iter().find(|stream| live.theirs.contains(stream));
        not_ours.map_or(Ok(()), |&stream| Err(self::not_ours(stream)))
    }

    /// Gives up streams on the user's word, those that were refused too.
    pub(super) async fn drop(&mut self, live: &mut Live, streams: &[Stream]) -> Result<(), Error> {
        self.want(|wanted| wanted.retain(|stream| !streams.contains(stream)));
        let (flowing, mut gone): (Vec<_>, Vec<_>) =
            streams.iter().partition(|stream| live.streams.contains(stream));
        live.refused.retain(|(stream, _)| !gone.contains(stream));
        let answer = self.unsubscribe(live, &flowing).await;
        gone.extend(flowing.iter().filter(|stream| !live.streams.contains(stream)));
        live.list_streams();
        let session = live.session.id.clone();
        self.context.outbox.tell(Event::Unsubscribed { session, streams: gone }).await;
        self.tell_live(live).await;
        answer?.failure.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    async fn unsubscribe(
        &mut self,
        live: &mut Live,
        streams: &[Stream],
    ) -> Result<subscribe::Answer, Error> {
        if streams.is_empty() {
            return Ok(subscribe::Answer::default());
        }
        let effect = Effect::Unsubscribe { session: live.session.id.clone() };
        let names: Vec<_> = streams.iter().map(|stream| stream.name()).collect();
        let params = json!({"session": live.session.id.as_str(), "streams": names});
        let answer = self.context.ask_with_effect(Method::Unsubscribe, params, effect).await?;
        let answer = subscribe::Answer::of(Method::Unsubscribe, answer);
        live.streams.retain(|own| !answer.success.iter().any(|(gone, _)| gone == own));
        Ok(answer)
    }
}

impl Live {
    /// Has the session object list what flows, until Cortex says so itself.
    fn list_streams(&mut self) {
        let flows =
            |stream: &&Stream| self.streams.contains(stream) || self.theirs.contains(stream);
        let names = Stream::ALL.iter().filter(flows).map(ToString::to_string);
        self.session.streams = Some(names.collect());
    }
}

fn not_mentioned(stream: Stream) -> Error {
    let message = format!("Cortex answered without a word on {stream}");
    Error::new(ErrorKind::User, message, "open the headset again")
        .on(Method::Subscribe)
        .about(Subject::Stream(stream))
}

fn not_ours(stream: Stream) -> Error {
    let message = format!("{stream} is subscribed by the program that opened the session");
    Error::new(ErrorKind::User, message, "another program receives it")
        .on(Method::Subscribe)
        .about(Subject::Stream(stream))
}
