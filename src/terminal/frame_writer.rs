//! Writes frames to the terminal while the screen is ours. What the terminal takes at once is
//! written at once; the rest by a thread, behind a mailbox of one frame: a terminal that stalls
//! blocks this thread and nothing else. Knows bytes only.

use std::{fs::File, io::Write, mem, thread};

use tokio::sync::mpsc;

use super::guard::Out;

/// The loop's end of the mailbox.
#[derive(Debug)]
pub(super) struct Writer<D = Out<File>> {
    /// The terminal once more, whose writes never block.
    direct: Option<D>,
    frames: mpsc::Sender<Vec<u8>>,
    /// Gives back each buffer, emptied, once its frame is written.
    written: mpsc::Receiver<Vec<u8>>,
    /// The buffer for the next frame; none while a frame is on its way.
    spare: Option<Vec<u8>>,
}

impl<D: Write> Writer<D> {
    /// Starts the thread. It ends with this handle, or when a write fails: the terminal is gone.
    /// `direct`: the same terminal, if it can be had so that writes to it never block.
    pub(super) fn spawn(
        mut out: impl Write + Send + 'static,
        direct: Option<D>,
    ) -> std::io::Result<Self> {
        let (frames, mut mailbox) = mpsc::channel::<Vec<u8>>(1);
        let (give_back, written) = mpsc::channel(1);
        thread::Builder::new().name("terminal writer".to_owned()).spawn(move || {
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
        })?;
        Ok(Self { direct, frames, written, spare: Some(Vec::new()) })
    }

    /// Whether the mailbox is free: the last frame has been written.
    pub(super) fn is_free(&mut self) -> bool {
        if self.spare.is_none() {
            self.spare = self.written.try_recv().ok();
        }
        self.spare.is_some()
    }

    /// Writes a frame, or puts what the terminal does not take at once into the mailbox, and leaves
    /// an empty buffer in the frame's place. While the mailbox is not free the frame stays where it
    /// is.
    pub(super) fn send(&mut self, frame: &mut Vec<u8>) -> bool {
        if !self.is_free() {
            return false;
        }
        // Whatever is wrong, the thread finds out again.
        let taken = self.direct.as_mut().and_then(|direct| direct.write(frame).ok());
        frame.drain(..taken.unwrap_or_default());
        if frame.is_empty() {
            return true;
        }
        let next = mem::replace(frame, self.spare.take().unwrap_or_default());
        // It can fail only because the terminal is gone, which `gone` tells.
        let _ = self.frames.try_send(next);
        true
    }

    /// Waits until the last frame has been written, or never will be.
    pub(super) async fn drained(&mut self) {
        if !self.is_free() {
            self.spare = self.written.recv().await;
        }
    }

    /// Waits until the terminal is gone.
    pub(super) async fn gone(&self) {
        self.frames.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::mpsc::{Receiver, SyncSender, sync_channel},
    };

    use super::*;

    /// A terminal that tells each write and blocks until allowed to go on with a result.
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

    fn stalling() -> (Writer, Receiver<Vec<u8>>, SyncSender<io::Result<()>>) {
        let (writes, written) = sync_channel(16);
        let (allow, go) = sync_channel(16);
        (Writer::spawn(Stalling { writes, go }, None).expect("a thread"), written, allow)
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

    /// Takes so many bytes in all, then none.
    struct Room(usize);

    impl Write for Room {
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
        let (told, written) = sync_channel(16);
        let (allow, go) = sync_channel(16);
        let out = Stalling { writes: told, go };
        let mut writer = Writer::spawn(out, Some(Room(8))).expect("a thread");
        let mut frame = b"first".to_vec();
        assert!(writer.send(&mut frame) && frame.is_empty() && writer.is_free());
        for rest in ["ond", "third"] {
            frame.extend(if rest == "ond" { "second" } else { rest }.bytes());
            assert!(writer.send(&mut frame) && !writer.is_free());
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
        writer.gone().await;
        writer.drained().await;
        assert!(!writer.is_free());
    }
}
