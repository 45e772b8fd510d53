//! The loop of the screen of simulator and proxy: joins input, the journal and a clock with its state
//! machine, and draws when something has changed and the screen is ready. Knows neither tty nor
//! socket, so that tests run it headless.

use std::{pin::pin, time::Duration};

use jiff::Timestamp;
use ratatui::{
    Terminal,
    layout::{Position, Rect},
};
use tokio::{
    select,
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{exit::Exit, input::Input, screen::Screen, signals};
use crate::{
    traffic::{Traffic, TrafficEffect},
    ui::Ui,
};
use cortop_sim::{
    Injection,
    journal::{Journal, JournalReader},
};

/// A clock on the screen shows that it is alive, and its write notices a terminal that is gone.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Runs until the user quits, or the terminal or the process ends. `frame`: shortest time between two
/// frames. `inject` has something go wrong. Closes nothing.
pub async fn run_traffic<S: Screen>(
    traffic: Traffic,
    ui: Ui,
    terminal: &mut Terminal<S>,
    journal: &Journal,
    inject: &dyn Fn(Injection),
    input: &mut mpsc::Receiver<Input>,
    frame: Duration,
) -> (Traffic, Exit) {
    let area = terminal.get_frame().area();
    let mut this = TrafficLoop {
        traffic,
        ui,
        terminal,
        journal,
        inject,
        area,
        next_frame: Instant::now(),
        is_dirty: true,
        is_suspended: false,
    };
    let end = this.run(journal.reader(), input, frame).await;
    (this.traffic, end)
}

struct TrafficLoop<'a, S: Screen> {
    traffic: Traffic,
    ui: Ui,
    terminal: &'a mut Terminal<S>,
    journal: &'a Journal,
    inject: &'a dyn Fn(Injection),
    area: Rect,
    /// When the next frame may be drawn.
    next_frame: Instant,
    /// Something changed since the last one.
    is_dirty: bool,
    /// The shell has the terminal.
    is_suspended: bool,
}

impl<S: Screen> TrafficLoop<'_, S> {
    async fn run(
        &mut self,
        mut reader: JournalReader,
        input: &mut mpsc::Receiver<Input>,
        frame: Duration,
    ) -> Exit {
        let mut heartbeat = pin!(sleep_until(Instant::now() + HEARTBEAT));
        loop {
            let step = select! {
                biased;
                () = self.terminal.backend().closed() => Err(Exit::TerminalGone),
                input = input.recv() => match input {
                    Some(input) => self.on_input(input).await,
                    // Nobody is left who could end the loop.
                    None => Err(Exit::TerminalGone),
                },
                () = sleep_until(self.next_frame), if self.is_dirty && !self.is_suspended => {
                    self.draw(frame)
                }
                () = heartbeat.as_mut() => {
                    heartbeat.as_mut().reset(Instant::now() + HEARTBEAT);
                    self.is_dirty = true;
                    Ok(())
                }
                entries = reader.next() => {
                    self.traffic.take(entries);
                    self.is_dirty = true;
                    Ok(())
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn on_input(&mut self, input: Input) -> Result<(), Exit> {
        self.is_dirty = true;
        match input {
            Input::Key(key, _) => {
                // An answer to a key waits for no frame.
                self.next_frame = Instant::now();
                for effect in self.traffic.on_key(key) {
                    match effect {
                        TrafficEffect::Inject(injection) => (self.inject)(injection),
                        TrafficEffect::Redraw => self.redraw(self.area)?,
                        TrafficEffect::Suspend => self.suspend().await?,
                        TrafficEffect::Quit => return Err(Exit::Quit),
                    }
                }
                Ok(())
            }
            Input::Paste(text) => {
                self.traffic.paste(&text);
                Ok(())
            }
            Input::Resize(columns, rows) => self.redraw(Rect::new(0, 0, columns, rows)),
            Input::Answers(answers) => {
                if let Some(background) = answers.background {
                    self.ui.set_background(background);
                }
                if answers.wide == Some(true) {
                    self.ui.use_ascii();
                }
                let size = self.terminal.size().map_err(terminal_gone)?;
                self.redraw(Rect::from((Position::ORIGIN, size)))
            }
            Input::Suspend => self.suspend().await,
            Input::Resume => self.resume(),
            Input::Exit(exit) => Err(exit),
            Input::Mouse(..) => Ok(()),
        }
    }

    fn draw(&mut self, frame: Duration) -> Result<(), Exit> {
        self.next_frame = Instant::now() + frame;
        if !self.terminal.backend_mut().is_ready(false) {
            return Ok(());
        }
        let (clients, sessions) = (self.journal.clients(), self.journal.sessions());
        self.traffic.tick(Timestamp::now(), clients, sessions);
        self.terminal
            .draw(|frame| self.ui.draw_traffic(&self.traffic, frame))
            .map_err(terminal_gone)?;
        self.is_dirty = false;
        Ok(())
    }

    /// Redraws everything with the next frame.
    fn redraw(&mut self, area: Rect) -> Result<(), Exit> {
        self.area = area;
        self.terminal.resize(area).map_err(terminal_gone)
    }

    /// Gives the terminal back and stops the process.
    async fn suspend(&mut self) -> Result<(), Exit> {
        if let Err(why) = signals::can_suspend() {
            self.traffic.notice = Some((why, true, Timestamp::now()));
            return Ok(());
        }
        self.is_suspended = true;
        self.terminal.backend_mut().leave().await;
        signals::suspend().or_else(|_| self.resume())
    }

    /// Takes the terminal over again, at its present size, whoever stopped the process.
    fn resume(&mut self) -> Result<(), Exit> {
        self.is_suspended = false;
        self.terminal.backend_mut().enter().map_err(terminal_gone)?;
        let size = self.terminal.size().map_err(terminal_gone)?;
        self.redraw(Rect::from((Position::ORIGIN, size)))
    }
}

fn terminal_gone(_: impl std::error::Error) -> Exit {
    Exit::TerminalGone
}
