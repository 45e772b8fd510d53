//! The bounded queue from the task that reads the socket to the decoder of samples.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use cortop_protocol::{Feed, Sample};
use tokio::sync::mpsc;

/// Capacity: two seconds of samples from sixteen headsets.
const QUEUE: usize = 8192;

/// The sending end of the queue to the decoder.
#[derive(Clone, Debug)]
pub struct FeedSender {
    queue: mpsc::Sender<Feed>,
    dropped: Arc<AtomicU64>,
}

/// The decoder's end of the queue.
#[derive(Debug)]
pub struct FeedReceiver {
    /// The items in the order in which they were read from the socket.
    pub queue: mpsc::Receiver<Feed>,
    /// Samples dropped since the start because the queue was full.
    pub dropped: Arc<AtomicU64>,
}

/// Creates the bounded queue between the socket's reader and the decoder.
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
    /// Enqueues a sample without ever waiting; if there is no room, it is dropped and counted.
    pub fn sample(&self, sample: Arc<Sample>) {
        if self.queue.try_send(Feed::Sample(sample)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Enqueues a change of the subscriptions, which is never dropped: waits for room.
    pub async fn change(&self, change: Feed) {
        // If the decoder is gone, the program is ending.
        let _ = self.queue.send(change).await;
    }
}
