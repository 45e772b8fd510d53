//! Writes frames to the terminal. What the terminal accepts without blocking is written immediately; a thread
//! behind a mailbox of one frame writes the rest, so that a stalling terminal blocks only that thread. The
//! thread starts with the first rest: starting it earlier would delay the first frame. Knows bytes only.

use std::{fs::File, io::Write, mem, thread};

use tokio::sync::mpsc;

use super::guard::GuardedOutput;

/// The thread's function, until it starts.
type WriterThread = Box<dyn FnOnce() + Send>;

/// The loop's end of the mailbox.
pub(super) struct FrameWriter<D = GuardedOutput<File>> {
    /// The same terminal, opened so that writes never block.
    nonblocking: Option<D>,
    frames: mpsc::Sender<Vec<u8>>,
    /// Returns each buffer, emptied, once its frame is written.
    written: mpsc::Receiver<Vec<u8>>,
    /// The buffer for the next frame; `None` while a frame is being written.
    spare: Option<Vec<u8>>,
    /// The thread's function; taken when it starts.
    job: Option<WriterThread>,
}

impl<D: Write> FrameWriter<D> {
    /// `nonblocking`: a second handle of the same terminal whose writes never block, if available. The thread
    /// ends with this handle, or when a write fails because the terminal is gone.
    pub(super) fn new(mut out: impl Write + Send + 'static, nonblocking: Option<D>) -> Self {
        let (frames, mut mailbox) = mpsc::channel::<Vec<u8>>(1);
        let (give_back, written) = mpsc::channel(1);
        let job = Box::new(move || {
            while let Some(mut frame) = mailbox.blocking_recv() {
                if let Err(error) = out.write_all(&frame).and_then(|()| out.flush()) {
                    tracing::warn!("the terminal cannot be written to, leaving: {error}");
                    return;
                }
                frame.clear();
                if give_back.blocking_send(frame).is_err() {
                    return;
                }
            }
        });
        Self { nonblocking, frames, written, spare: Some(Vec::new()), job: Some(job) }
    }

    /// Whether the last frame has been written.
    pub(super) fn is_idle(&mut self) -> bool {
        if self.spare.is_none() {
            self.spare = self.written.try_recv().ok();
        }
        self.spare.is_some()
    }

    /// Writes a frame, or passes what the terminal does not accept immediately to the thread, and leaves an
    /// empty buffer in its place. Does nothing while the last frame is still being written.
    pub(super) fn send(&mut self, frame: &mut Vec<u8>) -> bool {
        if !self.is_idle() {
            return false;
        }
        // The thread meets the same error and reports it.
        let taken = self.nonblocking.as_mut().and_then(|nonblocking| nonblocking.write(frame).ok());
        frame.drain(..taken.unwrap_or_default());
        if frame.is_empty() {
            return true;
        }
        if let Some(job) = self.job.take() {
            // Without a thread the mailbox is closed, as if the terminal were gone.
            if let Err(error) = thread::Builder::new().name("terminal writer".to_owned()).spawn(job)
            {
                tracing::warn!("cannot start a thread for the terminal, leaving: {error}");
            }
        }
        let next = mem::replace(frame, self.spare.take().unwrap_or_default());
        // This fails only if the terminal is gone, which `closed` reports.
        let _ = self.frames.try_send(next);
        true
    }

    /// Waits until the last frame has been written or has failed.
    pub(super) async fn drained(&mut self) {
        if !self.is_idle() {
            self.spare = self.written.recv().await;
        }
    }

    /// Waits until the terminal is gone.
    pub(super) fn closed(&self) -> impl Future<Output = ()> + Send {
        self.frames.closed()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::mpsc::{Receiver, SyncSender, sync_channel},
    };

    use super::*;

    /// A terminal that reports each write and blocks until it is given a result.
    struct Stalling {
        writes: SyncSender<Vec<u8>>,
        go: Receiver<io::Result<()>>,
    }

    impl Write for Stalling {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes.send(bytes.to_vec()).expect("the test listens");
            self.go.recv().expect("the test lives").map(|()| bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn stalling() -> (FrameWriter, Receiver<Vec<u8>>, SyncSender<io::Result<()>>) {
        let (sender, written) = sync_channel(16);
        let (allow, go) = sync_channel(16);
        (FrameWriter::new(Stalling { writes: sender, go }, None), written, allow)
    }

    #[tokio::test]
    async fn a_frame_is_one_write_and_its_buffer_comes_back() {
        let (mut writer, written, allow) = stalling();
        let mut frame = vec![b'x'; 20_000];
        let place = frame.as_ptr();
        assert!(writer.send(&mut frame));
        assert!(frame.is_empty());
        assert_eq!(written.recv().expect("a write").len(), 20_000);

        frame.extend(b"second");
        assert!(!writer.send(&mut frame), "the first has not been written");
        assert_eq!(frame, b"second");

        allow.send(Ok(())).expect("the writer lives");
        writer.drained().await;
        assert!(writer.send(&mut frame));
        assert_eq!(frame.as_ptr(), place, "the first frame's buffer is used again");
        assert_eq!(written.recv().expect("a write"), b"second");
        allow.send(Ok(())).expect("the writer lives");
        writer.drained().await;
        assert!(written.try_recv().is_err(), "two frames, two writes");
    }

    /// Accepts this many bytes in total.
    struct LimitedWriter(usize);

    impl Write for LimitedWriter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken > 0 { Ok(taken) } else { Err(io::ErrorKind::WouldBlock.into()) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn the_thread_writes_only_what_the_terminal_does_not_take_at_once() {
        let (sender, written) = sync_channel(16);
        let (allow, go) = sync_channel(16);
        let out = Stalling { writes: sender, go };
        let mut writer = FrameWriter::new(out, Some(LimitedWriter(8)));
        let mut frame = b"first".to_vec();
        assert!(writer.send(&mut frame) && frame.is_empty() && writer.is_idle());
        for rest in ["ond", "third"] {
            frame.extend(if rest == "ond" { "second" } else { rest }.bytes());
            assert!(writer.send(&mut frame) && !writer.is_idle());
            assert_eq!(written.recv().expect("a write"), rest.as_bytes());
            allow.send(Ok(())).expect("the writer lives");
            writer.drained().await;
        }
    }

    #[tokio::test]
    async fn a_failed_write_means_the_terminal_is_gone() {
        let (mut writer, written, allow) = stalling();
        assert!(writer.send(&mut b"frame".to_vec()));
        written.recv().expect("a write");
        allow.send(Err(io::Error::from(io::ErrorKind::BrokenPipe))).expect("the writer lives");
        writer.closed().await;
        writer.drained().await;
        assert!(!writer.is_idle());
    }
}
