//! Outputs beside the decoder: distributes one feed to several sinks, each with a thread and a
//! bounded queue of its own, so that a slow sink delays neither the others nor the socket. What a
//! sink does with the samples is up to it.
//!
//! A new output is an `impl Sink`, handed to [`FanOut::add`].

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use tokio::sync::{mpsc, oneshot};

use cortop_protocol::{Feed, Sample, SessionId, SessionMarker, Stream, Subscription};

/// Room in a queue, beyond its samples, for items that are never dropped: changes of subscriptions,
/// markers and gaps.
const CHANGES: usize = 1024;

/// A consumer of samples: a file, standard output, another protocol. It runs on a thread of its own
/// and may block. After its first error it is not called again.
pub trait Sink {
    /// Why the sink cannot continue.
    type Error;

    /// A subscription started, or its columns were replaced.
    ///
    /// # Errors
    /// The sink cannot continue.
    fn subscription(&mut self, _subscription: &Arc<Subscription>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// A sample of a running subscription.
    ///
    /// # Errors
    /// The sink cannot continue.
    fn sample(&mut self, sample: &Sample) -> Result<(), Self::Error>;

    /// A marker of ours was set in a session, or has become an interval.
    ///
    /// # Errors
    /// The sink cannot continue.
    fn marker(&mut self, _marker: &SessionMarker) -> Result<(), Self::Error> {
        Ok(())
    }

    /// This many samples of a stream are missing here because this sink was too slow. Losses of the
    /// headset are not reported here; they show in the counter of the samples (§5.2).
    ///
    /// # Errors
    /// The sink cannot continue.
    fn gap(&mut self, _subscription: &Subscription, _samples: u64) -> Result<(), Self::Error> {
        Ok(())
    }

    /// A stream of a session has ended, or all of them.
    ///
    /// # Errors
    /// The sink cannot continue.
    fn end(&mut self, _session: &SessionId, _stream: Option<Stream>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Nothing else is waiting: write buffered data.
    ///
    /// # Errors
    /// The sink cannot continue.
    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Nothing more will come.
    ///
    /// # Errors
    /// Buffered data cannot be written.
    fn finish(&mut self) -> Result<(), Self::Error> {
        self.flush()
    }
}

/// Distributes the feed to each sink, and never waits for one.
#[derive(Debug, Default)]
pub struct FanOut {
    outlets: Vec<SinkQueue>,
    /// The running subscriptions, for a sink that is added later.
    in_force: Vec<Arc<Subscription>>,
    last: SinkId,
}

/// Sinks that can be added and removed while samples arrive.
#[derive(Clone, Debug, Default)]
pub struct SharedSinks(Arc<Mutex<FanOut>>);

impl SharedSinks {
    /// Locks the sinks; samples wait until the guard is dropped.
    pub fn lock(&self) -> MutexGuard<'_, FanOut> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Identifies a sink of a [`FanOut`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkId(u64);

/// A running sink.
#[derive(Debug)]
pub struct SinkHandle<E> {
    /// Its id.
    pub id: SinkId,
    /// Samples that were dropped because its queue was full, since the start.
    pub dropped: Arc<AtomicU64>,
    /// How it ended: with an error, or successfully after the [`FanOut`] was dropped and everything
    /// was written.
    pub ended: oneshot::Receiver<Result<(), E>>,
}

impl FanOut {
    /// Starts a sink on a thread of its own, and sends it the running subscriptions. Up to `queue`
    /// samples may wait for it; those that do not fit are dropped, counted, and reported to it as a
    /// gap.
    ///
    /// # Errors
    /// The operating system cannot create a thread.
    pub fn add<S>(&mut self, mut sink: S, queue: usize) -> io::Result<SinkHandle<S::Error>>
    where
        S: Sink + Send + 'static,
        S::Error: Send + 'static,
    {
        let (sender, items) = mpsc::channel(queue.max(1) + CHANGES);
        let (notify, ended) = oneshot::channel();
        thread::Builder::new().name("sink".to_owned()).spawn(move || {
            // Nobody waits for it if the program ends at once.
            let _ = notify.send(run(items, &mut sink));
        })?;
        let dropped = Arc::new(AtomicU64::new(0));
        self.last.0 += 1;
        let (id, missing) = (self.last, Vec::new());
        let mut outlet = SinkQueue { id, queue: sender, dropped: Arc::clone(&dropped), missing };
        for subscription in &self.in_force {
            outlet.push(&Feed::Subscribed(Arc::clone(subscription)));
        }
        self.outlets.push(outlet);
        Ok(SinkHandle { id, dropped, ended })
    }

    /// Stops feeding a sink: it ends when it has processed what is waiting.
    pub fn remove(&mut self, id: SinkId) {
        self.outlets.retain(|outlet| outlet.id != id);
    }

    /// Distributes the next item of the feed. A sink that has ended, or that has not even accepted
    /// changes of the subscriptions for a long time, gets nothing more.
    pub fn push(&mut self, item: &Feed) {
        match item {
            Feed::Sample(_) | Feed::Marker(_) => {}
            Feed::Subscribed(new) => {
                let is_same = |own: &Arc<Subscription>| {
                    own.session == new.session && own.stream == new.stream
                };
                self.in_force.retain(|own| !is_same(own));
                self.in_force.push(Arc::clone(new));
            }
            Feed::Unsubscribed(session, stream) => {
                self.in_force.retain(|own| own.session != *session || own.stream != *stream);
            }
            Feed::Ended(session) => self.in_force.retain(|own| own.session != *session),
        }
        self.outlets.retain_mut(|outlet| outlet.push(item));
    }
}

/// The sending end of a sink's queue.
#[derive(Debug)]
struct SinkQueue {
    id: SinkId,
    queue: mpsc::Sender<QueuedItem>,
    dropped: Arc<AtomicU64>,
    /// Samples dropped since the last one that fitted, by subscription.
    missing: Vec<(Arc<Subscription>, u64)>,
}

/// An item that waits for a sink.
#[derive(Debug)]
enum QueuedItem {
    Feed(Feed),
    Gap(Arc<Subscription>, u64),
}

impl SinkQueue {
    /// Returns false if the sink no longer accepts items.
    fn push(&mut self, item: &Feed) -> bool {
        if let Feed::Sample(sample) = item
            && self.queue.capacity() <= CHANGES
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            let own = &sample.subscription;
            match self.missing.iter_mut().find(|(other, _)| Arc::ptr_eq(own, other)) {
                Some((_, missing)) => *missing += 1,
                None => self.missing.push((Arc::clone(own), 1)),
            }
            return !self.queue.is_closed();
        }
        let gaps = self
            .missing
            .drain(..)
            .map(|(subscription, samples)| QueuedItem::Gap(subscription, samples));
        gaps.chain([QueuedItem::Feed(item.clone())]).all(|item| self.queue.try_send(item).is_ok())
    }
}

fn run<S: Sink>(mut items: mpsc::Receiver<QueuedItem>, sink: &mut S) -> Result<(), S::Error> {
    while let Some(item) = items.blocking_recv() {
        match item {
            QueuedItem::Feed(Feed::Subscribed(subscription)) => sink.subscription(&subscription)?,
            QueuedItem::Feed(Feed::Sample(sample)) => sink.sample(&sample)?,
            QueuedItem::Feed(Feed::Marker(marker)) => sink.marker(&marker)?,
            QueuedItem::Feed(Feed::Unsubscribed(session, stream)) => {
                sink.end(&session, Some(stream))?;
            }
            QueuedItem::Feed(Feed::Ended(session)) => sink.end(&session, None)?,
            QueuedItem::Gap(subscription, samples) => sink.gap(&subscription, samples)?,
        }
        if items.is_empty() {
            sink.flush()?;
        }
    }
    sink.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as blocking;

    use cortop_protocol::marker::{MarkerText, MarkerValue};

    use super::*;

    /// Logs its calls; processes each sample only when allowed to.
    struct LoggingSink {
        lines: Arc<Mutex<Vec<String>>>,
        may: Option<blocking::Receiver<()>>,
    }

    impl Sink for LoggingSink {
        type Error = String;

        fn subscription(&mut self, subscription: &Arc<Subscription>) -> Result<(), String> {
            self.line(format!("subscribed {}", subscription.stream))
        }

        fn sample(&mut self, sample: &Sample) -> Result<(), String> {
            if let Some(may) = &self.may {
                may.recv().map_err(|error| error.to_string())?;
            }
            self.line(format!("{:?}", sample.values.numbers))
        }

        fn marker(&mut self, marker: &SessionMarker) -> Result<(), String> {
            self.line(format!("{} at {}", marker.text, marker.time))
        }

        fn gap(&mut self, subscription: &Subscription, samples: u64) -> Result<(), String> {
            self.line(format!("gap of {samples} in {}", subscription.stream))
        }

        fn end(&mut self, _: &SessionId, stream: Option<Stream>) -> Result<(), String> {
            self.line(format!("end of {}", stream.map_or("all", Stream::name)))
        }
    }

    impl LoggingSink {
        fn line(&self, line: String) -> Result<(), String> {
            self.lines.lock().map_err(|error| error.to_string())?.push(line);
            Ok(())
        }
    }

    fn subscription(stream: Stream) -> Arc<Subscription> {
        Arc::new(Subscription {
            session: "s".into(),
            headset: "h".into(),
            stream,
            columns: serde_json::from_str(r#"["COUNTER"]"#).unwrap(),
            nominal_rate: None,
        })
    }

    fn sample(subscription: &Arc<Subscription>, counter: usize) -> Feed {
        let text = format!(r#"{{"{}":[{counter}],"sid":"s","time":1}}"#, subscription.stream);
        let now = std::time::Instant::now();
        Feed::Sample(Arc::new(Sample::new(Arc::clone(subscription), text.into(), now)))
    }

    #[test]
    fn a_slow_sink_misses_samples_and_is_told_which_while_the_other_gets_all() {
        let (quick, slow) = (Arc::default(), Arc::default());
        let (allow, may) = blocking::channel();
        let mut sinks = FanOut::default();
        let all = sinks.add(LoggingSink { lines: Arc::clone(&quick), may: None }, 1000).unwrap();
        let some = sinks.add(LoggingSink { lines: Arc::clone(&slow), may: Some(may) }, 5).unwrap();
        let eeg = subscription(Stream::Eeg);
        sinks.push(&Feed::Subscribed(Arc::clone(&eeg)));
        // The sink takes the first out of the queue and blocks on it; five more fit.
        sinks.push(&sample(&eeg, 0));
        while sinks.outlets[1].queue.capacity() < 5 + CHANGES {
            std::thread::yield_now();
        }
        (1..=20).for_each(|counter| sinks.push(&sample(&eeg, counter)));
        let label = "eyes closed".to_owned();
        let text = MarkerText { value: MarkerValue::Text(label.clone()), label };
        let (session, id) = ("s".into(), None);
        sinks.push(&Feed::Marker(SessionMarker { session, id, time: 2.5, end: None, text }));
        sinks.push(&Feed::Unsubscribed("s".into(), Stream::Eeg));
        sinks.push(&Feed::Ended("s".into()));
        (0..6).for_each(|_| allow.send(()).unwrap());
        drop(sinks);
        assert_eq!(all.ended.blocking_recv(), Ok(Ok(())));
        assert_eq!(some.ended.blocking_recv(), Ok(Ok(())));
        let taken = |handle: &Arc<AtomicU64>| handle.load(Ordering::Relaxed);
        assert_eq!((taken(&all.dropped), taken(&some.dropped)), (0, 15));
        let expected = |last: usize, gap: &[&str]| {
            let samples = (0..=last).map(|counter| format!("[{counter}.0]"));
            let rest = ["eyes closed at 2.5", "end of eeg", "end of all"];
            let rest = gap.iter().chain(&rest).map(ToString::to_string);
            ["subscribed eeg".to_owned()].into_iter().chain(samples).chain(rest).collect::<Vec<_>>()
        };
        assert_eq!(*quick.lock().unwrap(), expected(20, &[]));
        assert_eq!(*slow.lock().unwrap(), expected(5, &["gap of 15 in eeg"]));
    }

    #[test]
    fn a_sink_that_comes_later_is_told_what_is_in_force_until_it_is_removed() {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut sinks = FanOut::default();
        let (eeg, mot) = (subscription(Stream::Eeg), subscription(Stream::Mot));
        for item in [
            Feed::Subscribed(Arc::clone(&eeg)),
            Feed::Subscribed(Arc::clone(&mot)),
            Feed::Subscribed(subscription(Stream::Dev)),
            Feed::Subscribed(Arc::clone(&eeg)),
            Feed::Unsubscribed("s".into(), Stream::Dev),
            sample(&eeg, 1),
        ] {
            sinks.push(&item);
        }
        let late = sinks.add(LoggingSink { lines: Arc::clone(&lines), may: None }, 100).unwrap();
        sinks.push(&sample(&eeg, 2));
        sinks.remove(late.id);
        sinks.push(&sample(&eeg, 3));
        assert_eq!(late.ended.blocking_recv(), Ok(Ok(())));
        assert_eq!(*lines.lock().unwrap(), ["subscribed mot", "subscribed eeg", "[2.0]"]);
        let after: Arc<Mutex<Vec<String>>> = Arc::default();
        sinks.push(&Feed::Ended("s".into()));
        let late = sinks.add(LoggingSink { lines: Arc::clone(&after), may: None }, 100).unwrap();
        drop(sinks);
        assert_eq!(late.ended.blocking_recv(), Ok(Ok(())));
        assert!(after.lock().unwrap().is_empty());
    }

    #[test]
    fn a_sink_that_fails_ends_alone() {
        let (lines, rest) = (Arc::default(), Arc::default());
        let (_, may) = blocking::channel();
        let mut sinks = FanOut::default();
        let failing =
            sinks.add(LoggingSink { lines: Arc::clone(&lines), may: Some(may) }, 5).unwrap();
        let other = sinks.add(LoggingSink { lines: Arc::clone(&rest), may: None }, 100).unwrap();
        let eeg = subscription(Stream::Eeg);
        sinks.push(&sample(&eeg, 0));
        assert!(failing.ended.blocking_recv().unwrap().is_err());
        (1..10).for_each(|counter| sinks.push(&sample(&eeg, counter)));
        assert_eq!(sinks.outlets.len(), 1);
        drop(sinks);
        assert_eq!(other.ended.blocking_recv(), Ok(Ok(())));
        assert_eq!((lines.lock().unwrap().len(), rest.lock().unwrap().len()), (0, 10));
    }
}
