//! What every loop has: a screen to draw on, input, the moment of the next frame, and a heartbeat.

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

/// A clock on the screen shows that it is alive, and its write notices a terminal that is gone.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A key is answered by a frame at once, however few frames a second are asked for, unless the last
/// key was no longer ago than this; then so long after that one's.
pub(super) const KEY_LATENCY: Duration = Duration::from_millis(100);

/// Why a loop goes on.
pub(super) enum LoopEvent {
    /// A key or the like.
    Input(Input),
    /// Something changed, and a frame may be drawn.
    Frame,
    /// A second has passed.
    Heartbeat,
}

/// Input that the screen leaves to a state machine without a mouse.
pub(super) enum ScreenInput {
    Key(Key),
    Paste(String),
    Suspend,
}

/// The screen of a loop.
pub(super) struct LoopScreen<'a, S: Screen> {
    pub(super) terminal: &'a mut Terminal<S>,
    pub(super) area: Rect,
    /// Something changed since the last frame.
    pub(super) dirty: bool,
    /// When the next one may be drawn.
    next_frame: Instant,
    /// A key has not been answered by a frame yet.
    key_pending: bool,
    /// When a frame last answered a key.
    key_answered: Option<Instant>,
    /// The shell has the terminal.
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

    /// Waits for the most urgent of what concerns the screen. Loses nothing when dropped.
    pub(super) async fn next(
        &mut self,
        input: &mut mpsc::Receiver<Input>,
    ) -> Result<LoopEvent, Exit> {
        select! {
            biased;
            () = self.terminal.backend().closed() => Err(Exit::TerminalGone),
            // Without input nobody is left who could end the loop.
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

    /// A key has come, which a frame answers soon.
    pub(super) fn on_key(&mut self) {
        self.dirty = true;
        self.key_pending = true;
        let now = Instant::now();
        let soonest = self.key_answered.map_or(now, |at| now.max(at + KEY_LATENCY));
        self.next_frame = self.next_frame.min(soonest);
    }

    /// Takes what concerns the screen itself, and gives the rest. For loops without a mouse.
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

    /// Draws as the terminal's answers ask for; whether it has to be in ASCII from now on. A new size
    /// was not reported while they were read.
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

    /// Whether a frame can be drawn now; the next one follows `frame` later. Where the last one has
    /// not been sent yet, a key is answered as soon as it has.
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

    /// Gives the terminal back. What happens meanwhile is drawn after [`Self::resume`].
    pub(super) async fn leave(&mut self) {
        self.suspended = true;
        self.terminal.backend_mut().leave().await;
    }

    /// Gives the terminal back and stops the process; if nobody could continue it, gives a sentence
    /// saying so in place of that. For loops without a mouse.
    pub(super) async fn suspend(&mut self) -> Result<Option<String>, Exit> {
        if let Err(why) = signals::can_suspend() {
            return Ok(Some(why));
        }
        self.leave().await;
        signals::suspend().or_else(|_| self.resume()).map(|()| None)
    }

    /// Takes the terminal over again, at its present size, whoever stopped the process.
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

/// Ends a loop whose terminal does not work any more.
pub(super) fn terminal_gone(error: impl std::error::Error) -> Exit {
    tracing::warn!("the terminal failed, leaving: {error}");
    Exit::TerminalGone
}
