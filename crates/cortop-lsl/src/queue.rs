//! The queue of one receiver: encoded samples, bounded, in reused buffers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::codec::ByteOrder;

/// The most bytes that wait for one receiver, whatever it asks for.
const MOST_BYTES: usize = 16 << 20;

/// The samples waiting for a receiver.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) order: ByteOrder,
    capacity: usize,
    waiting: Mutex<QueuedSamples>,
    ready: Notify,
}

#[derive(Debug, Default)]
struct QueuedSamples {
    bytes: Vec<u8>,
    samples: usize,
}

impl Queue {
    /// For this many samples.
    pub(crate) fn new(order: ByteOrder, capacity: usize) -> Self {
        Self { order, capacity, waiting: Mutex::default(), ready: Notify::new() }
    }

    /// Appends a sample; returns false if there is no room.
    pub(crate) fn push(&self, sample: &[u8]) -> bool {
        let mut waiting = self.lock();
        let fits =
            waiting.samples < self.capacity && waiting.bytes.len() + sample.len() <= MOST_BYTES;
        if fits {
            waiting.samples += 1;
            waiting.bytes.extend_from_slice(sample);
        }
        fits
    }

    /// Wakes the sending task.
    pub(crate) fn flush(&self) {
        self.ready.notify_one();
    }

    /// Waits for samples and swaps them into `buffer`, which must be empty and is reused for later
    /// samples.
    pub(crate) async fn take(&self, buffer: &mut Vec<u8>) {
        loop {
            {
                let mut waiting = self.lock();
                if waiting.samples > 0 {
                    waiting.samples = 0;
                    std::mem::swap(&mut waiting.bytes, buffer);
                    return;
                }
            }
            self.ready.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueuedSamples> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_bounded_and_gives_what_waits_at_once() {
        let queue = Queue::new(ByteOrder::Little, 3);
        let taken = [1, 2, 3, 4].map(|sample| queue.push(&[sample]));
        assert_eq!(taken, [true, true, true, false]);
        let mut buffer = Vec::new();
        queue.take(&mut buffer).await;
        assert_eq!(buffer, [1, 2, 3]);
        buffer.clear();
        assert!(queue.push(&[5]));
        queue.take(&mut buffer).await;
        assert_eq!(buffer, [5]);
        let wide = Queue::new(ByteOrder::Little, usize::MAX);
        assert!(wide.push(&vec![0; MOST_BYTES]) && !wide.push(&[0]));
    }
}
