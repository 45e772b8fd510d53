//! The bounded queue from the reader of the socket to the decoder of samples.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use cortop_protocol::{Feed, Sample};
use tokio::sync::mpsc;

/// Samples that may wait for the decoder: two seconds of sixteen headsets.
const QUEUE: usize = 8192;

/// The reader's end of the bounded queue to the decoder.
#[derive(Clone, Debug)]
pub struct FeedSender {
    queue: mpsc::Sender<Feed>,
    dropped: Arc<AtomicU64>,
}

/// The decoder's end of the queue.
#[derive(Debug)]
pub struct FeedReceiver {
    /// The items in the order in which the reader saw them.
    pub queue: mpsc::Receiver<Feed>,
    /// Samples that found the queue full and were dropped, since the start.
    pub dropped: Arc<AtomicU64>,
}

/// Makes the bounded queue between reader and decoder.
#[must_use]
pub fn feed() -> (FeedSender, FeedReceiver) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let dropped = Arc::new(AtomicU64::new(0));
    (
        FeedSender { queue: sender, dropped: Arc::clone(&dropped) },
        FeedReceiver { queue: receiver, dropped },
    )
}

impl FeedSender {
    /// Hands a sample over without ever waiting; what does not fit is dropped and counted.
    pub fn sample(&self, sample: Arc<Sample>) {
        if self.queue.try_send(Feed::Sample(sample)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Hands over a change of the subscriptions, which is never dropped: waits for room.
    pub async fn change(&self, change: Feed) {
        // A decoder that is gone means that the program is ending.
        let _ = self.queue.send(change).await;
    }
}
