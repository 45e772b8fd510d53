//! What all loops share: a screen to draw on, input, the time of the next frame, and a heartbeat.

use std::{pin::Pin, time::Duration};

use ratatui::{
    Frame, Terminal,
    layout::{Position, Rect},
};
use tokio::{
    select,
    sync::mpsc,
    time::{Instant, Sleep, sleep_until},
};

use super::{exit::Exit, input::Input, probe::Answers, screen::Screen, signals};
use crate::{app::Key, ui::Ui};
use cortop_client::timer::next_tick;

/// A clock on the screen shows that the program is alive, and writing it detects a terminal that is gone.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A key is answered by a frame immediately, whatever the frame rate, but at most once in this time.
pub(super) const KEY_LATENCY: Duration = Duration::from_millis(100);

/// What a loop has to handle next.
pub(super) enum LoopEvent {
    /// An input.
    Input(Input),
    /// Something changed, and a frame may be drawn.
    Frame,
    /// A second has passed.
    Heartbeat,
}

/// Input for a state machine without a mouse, after the screen has handled its part.
pub(super) enum ScreenInput {
    Key(Key),
    Paste(String),
    Suspend,
}

/// The screen of a loop.
pub(super) struct LoopScreen<'a, S: Screen> {
    pub(super) terminal: &'a mut Terminal<S>,
    pub(super) area: Rect,
    /// Whether something has changed since the last frame.
    pub(super) dirty: bool,
    /// When the next frame may be drawn.
    next_frame: Instant,
    /// Whether a key has not been answered by a frame yet.
    key_pending: bool,
    /// When a frame last answered a key.
    key_answered: Option<Instant>,
    /// Whether the shell has the terminal.
    suspended: bool,
    heartbeat: Pin<Box<Sleep>>,
}

impl<'a, S: Screen> LoopScreen<'a, S> {
    pub(super) fn new(terminal: &'a mut Terminal<S>) -> Self {
        Self {
            area: terminal.get_frame().area(),
            terminal,
            dirty: true,
            next_frame: Instant::now(),
            key_pending: false,
            key_answered: None,
            suspended: false,
            heartbeat: Box::pin(sleep_until(next_tick(HEARTBEAT))),
        }
    }

    /// Waits for the most urgent event of the screen. Cancel safe.
    pub(super) async fn next(
        &mut self,
        input: &mut mpsc::Receiver<Input>,
    ) -> Result<LoopEvent, Exit> {
        select! {
            biased;
            () = self.terminal.backend().closed() => Err(Exit::TerminalGone),
            // Without input nobody could end the loop.
            input = input.recv() => input.map(LoopEvent::Input).ok_or(Exit::TerminalGone),
            () = sleep_until(self.next_frame), if self.dirty && !self.suspended => {
                Ok(LoopEvent::Frame)
            }
            () = self.heartbeat.as_mut() => {
                self.heartbeat.as_mut().reset(next_tick(HEARTBEAT));
                Ok(LoopEvent::Heartbeat)
            }
        }
    }

    /// A key was pressed: schedules a frame soon.
    pub(super) fn on_key(&mut self) {
        self.dirty = true;
        self.key_pending = true;
        let now = Instant::now();
        let soonest = self.key_answered.map_or(now, |at| now.max(at + KEY_LATENCY));
        self.next_frame = self.next_frame.min(soonest);
    }

    /// Handles input that concerns the screen itself, and returns the rest. For loops without a mouse.
    pub(super) fn on_input(
        &mut self,
        input: Input,
        ui: &mut Ui,
    ) -> Result<Option<ScreenInput>, Exit> {
        self.dirty = true;
        match input {
            Input::Key(key, _) => {
                self.on_key();
                return Ok(Some(ScreenInput::Key(key)));
            }
            Input::Paste(text) => return Ok(Some(ScreenInput::Paste(text))),
            Input::Suspend => return Ok(Some(ScreenInput::Suspend)),
            Input::Resize(columns, rows) => self.redraw(Rect::new(0, 0, columns, rows))?,
            Input::Answers(answers) => {
                self.on_answers(answers, ui)?;
            }
            Input::Resume => self.resume()?,
            Input::Exit(exit) => return Err(exit),
            Input::Mouse(..) => {}
        }
        Ok(None)
    }

    /// Applies the terminal's answers; returns whether drawing switches to ASCII. Checks the size, as changes
    /// were not reported while the answers were read.
    pub(super) fn on_answers(&mut self, answers: Answers, ui: &mut Ui) -> Result<bool, Exit> {
        self.dirty = true;
        if let Some(background) = answers.background {
            ui.set_background(background);
        }
        let is_wide = answers.wide == Some(true);
        if is_wide {
            ui.use_ascii();
        }
        let area = self.current_area()?;
        if is_wide || area != self.area {
            self.redraw(area)?;
        }
        Ok(is_wide)
    }

    /// Whether a frame can be drawn now; schedules the next one `frame` later. If the last frame has not been
    /// sent yet, a key is answered as soon as it has.
    pub(super) fn begin_frame(&mut self, frame: Duration) -> bool {
        let ready = self.terminal.backend_mut().is_ready(self.key_pending);
        let soon = self.key_pending && !ready;
        self.next_frame = Instant::now() + if soon { frame.min(KEY_LATENCY) } else { frame };
        if ready && std::mem::take(&mut self.key_pending) {
            self.key_answered = Some(Instant::now());
        }
        ready
    }

    /// Draws a frame that [`Self::begin_frame`] allowed.
    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Frame)) -> Result<(), Exit> {
        self.terminal.draw(render).map_err(terminal_gone)?;
        self.dirty = false;
        Ok(())
    }

    /// Redraws everything with the next frame. `Terminal::clear` would ask the terminal for its
    /// cursor and race the key reader for the answer.
    pub(super) fn redraw(&mut self, area: Rect) -> Result<(), Exit> {
        self.area = area;
        self.dirty = true;
        self.terminal.resize(area).map_err(terminal_gone)
    }

    /// Releases the terminal. Changes are drawn after [`Self::resume`].
    pub(super) async fn leave(&mut self) {
        self.suspended = true;
        self.terminal.backend_mut().leave().await;
    }

    /// Releases the terminal and stops the process; if nobody could continue it, returns a sentence that says
    /// so instead. For loops without a mouse.
    pub(super) async fn suspend(&mut self) -> Result<Option<String>, Exit> {
        if let Err(why) = signals::can_suspend() {
            return Ok(Some(why));
        }
        self.leave().await;
        signals::suspend().or_else(|_| self.resume()).map(|()| None)
    }

    /// Takes the terminal over again, at its current size, whoever stopped the process.
    pub(super) fn resume(&mut self) -> Result<(), Exit> {
        self.suspended = false;
        self.terminal.backend_mut().enter().map_err(terminal_gone)?;
        let area = self.current_area()?;
        self.redraw(area)
    }

    fn current_area(&self) -> Result<Rect, Exit> {
        let size = self.terminal.size().map_err(terminal_gone)?;
        Ok(Rect::from((Position::ORIGIN, size)))
    }
}

/// Ends a loop whose terminal no longer works.
pub(super) fn terminal_gone(error: impl std::error::Error) -> Exit {
    tracing::warn!("the terminal failed, leaving: {error}");
    Exit::TerminalGone
}
