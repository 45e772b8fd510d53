//! The decoder task on a paused clock: when it publishes, and how it reports silence.

use std::{sync::Arc, time::Duration};

use cortop_protocol::{Feed, Sample, Stream, Subscription};
use cortop_signal::{
    Filters, Snapshot, View,
    decoder::{DecoderInput, Limits, spawn},
    sink::SharedSinks,
    view::ViewEnd,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, advance, sleep, timeout},
};

use crate::harness::{eeg, message, view};

const FRAME: Duration = Duration::from_millis(33);

/// A running decoder task and both of its ends.
struct Task {
    feed: mpsc::Sender<Feed>,
    view: watch::Sender<View>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    handle: JoinHandle<()>,
    subscription: Arc<Subscription>,
    next: u64,
}

impl Task {
    async fn start() -> Self {
        let (sender, queue) = mpsc::channel(1024);
        let (view, views) = watch::channel(view(2.0, 64, Filters::default()));
        let config = Limits { frame: FRAME, history: 1 << 20 };
        let (snapshots, handle) = spawn(
            DecoderInput { queue, dropped: Arc::default(), sinks: SharedSinks::default() },
            views,
            config,
        );
        let subscription = eeg(&["Pz"], 128.0);
        sender.send(Feed::Subscribed(Arc::clone(&subscription))).await.unwrap();
        Self { feed: sender, view, snapshots, handle, subscription, next: 0 }
    }

    fn send(&mut self) {
        let time = 1.7e9 + self.next as f64 / 128.0;
        let text = message(self.next % 128, &[4200.0], time).into();
        let received = Instant::now().into_std();
        let sample = Sample::new(Arc::clone(&self.subscription), text, received);
        self.feed.try_send(Feed::Sample(Arc::new(sample))).unwrap();
        self.next += 1;
    }

    /// Sends samples at 128 Hz and counts the snapshots meanwhile.
    async fn stream(&mut self, samples: u32) -> u32 {
        let mut published = 0;
        for _ in 0..samples {
            self.send();
            sleep(Duration::from_secs(1) / 128).await;
            published += u32::from(self.snapshots.has_changed().unwrap());
            self.snapshots.mark_unchanged();
        }
        published
    }

    fn newest(&mut self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow_and_update())
    }
}

#[tokio::test(start_paused = true)]
async fn it_publishes_at_most_once_a_frame_and_nothing_when_nothing_comes() {
    let mut task = Task::start().await;
    let start = Instant::now();
    let published = task.stream(256).await;
    let frames = (start.elapsed().as_secs_f64() / FRAME.as_secs_f64()) as u32;
    assert!((frames / 2..=frames + 1).contains(&published), "{published} in {frames} frames");
    sleep(FRAME * 2).await;
    assert_eq!(task.newest().traces.as_ref().unwrap().end, 256, "the last samples are shown too");
    let silent = timeout(Duration::from_millis(1500), task.snapshots.changed()).await;
    assert!(silent.is_err(), "nothing came, nothing changed");
}

#[tokio::test(start_paused = true)]
async fn a_view_is_answered_at_once() {
    let mut task = Task::start().await;
    task.stream(64).await;
    for columns in [10, 20, 30] {
        task.snapshots.mark_unchanged();
        let asked = Instant::now();
        task.view.send_modify(|view| view.columns = columns);
        task.snapshots.changed().await.unwrap();
        assert_eq!(asked.elapsed(), Duration::ZERO);
        assert_eq!(task.newest().traces.as_ref().unwrap().bins.columns, columns as u64);
    }
    task.view.send_modify(|view| view.headset = None);
    task.snapshots.changed().await.unwrap();
    let snapshot = task.newest();
    assert!(snapshot.traces.is_none() && snapshot.health.len() == 1);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_view_stands_still_while_samples_are_counted() {
    let mut task = Task::start().await;
    task.stream(128).await;
    let end = task.newest().traces.as_ref().unwrap().end;
    task.view.send_modify(|view| view.end = ViewEnd::At(end));
    task.stream(64).await;
    sleep(FRAME).await;
    let snapshot = task.newest();
    assert_eq!(snapshot.traces.as_ref().unwrap().end, end);
    assert_eq!(snapshot.health[0].received, 192);
    task.view.send_modify(|view| view.end = ViewEnd::Live);
    task.snapshots.changed().await.unwrap();
    assert_eq!(task.newest().traces.as_ref().unwrap().end, 192);
}

#[tokio::test(start_paused = true)]
async fn silence_is_stale_after_two_seconds_and_ends_with_a_sample() {
    let mut task = Task::start().await;
    let subscribed = Instant::now();
    // A stream that never sent anything, and one of events, for which silence means nothing.
    let mut sys = (*task.subscription).clone();
    (sys.stream, sys.nominal_rate) = (Stream::Sys, None);
    task.feed.send(Feed::Subscribed(sys.into())).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    task.snapshots.mark_unchanged();
    task.snapshots.changed().await.unwrap();
    assert_eq!(subscribed.elapsed(), Duration::from_secs(2));
    let session = task.subscription.session.clone();
    let snapshot = task.newest();
    assert_eq!(snapshot.health_of(&session, Stream::Eeg).unwrap().stale_since, Some(subscribed));
    assert_eq!(snapshot.health_of(&session, Stream::Sys).unwrap().stale_since, None);

    let last = Instant::now();
    task.send();
    task.snapshots.changed().await.unwrap();
    assert_eq!(task.newest().health[0].stale_since, None);
    task.snapshots.changed().await.unwrap();
    assert_eq!(last.elapsed(), Duration::from_secs(2));
    assert_eq!(task.newest().health[0].stale_since, Some(last));
}

#[tokio::test(start_paused = true)]
async fn sessions_come_and_go_and_the_task_ends_with_the_feed() {
    let mut task = Task::start().await;
    task.stream(10).await;
    let mut other = (*task.subscription).clone();
    (other.session, other.headset) = ("other".into(), "INSIGHT2-0A1B2C3D".into());
    task.feed.send(Feed::Subscribed(other.into())).await.unwrap();
    sleep(FRAME).await;
    assert_eq!(task.newest().health.len(), 2);
    task.feed.send(Feed::Ended(task.subscription.session.clone())).await.unwrap();
    task.feed.send(Feed::Unsubscribed("other".into(), Stream::Eeg)).await.unwrap();
    // Samples that were still on their way are ignored.
    task.send();
    sleep(FRAME).await;
    let snapshot = task.newest();
    assert!(snapshot.health.is_empty());
    assert_eq!(snapshot.traces.as_ref().unwrap().end, 10, "what came of it stands");
    drop(task.view);
    advance(FRAME).await;
    drop(task.feed);
    timeout(FRAME, task.handle).await.unwrap().unwrap();
}
