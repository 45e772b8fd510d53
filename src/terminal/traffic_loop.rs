//! The event loop of the screen of simulator and proxy: joins input, the journal and a timer with its state
//! machine, and draws when something has changed and the screen is ready. Knows neither tty nor socket, so
//! that tests run it headless.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::Terminal;
use tokio::{select, sync::mpsc};

use super::{
    exit::Exit,
    input::Input,
    loop_screen::{LoopEvent, LoopScreen, ScreenInput},
    screen::Screen,
};
use crate::{
    traffic::{Traffic, TrafficEffect},
    ui::Ui,
};
use cortop_sim::{
    Injection,
    journal::{Journal, JournalReader},
};

/// Runs until the user quits, or the terminal or the process ends. `frame`: minimum time between two frames.
/// `inject` injects a fault. Closes nothing.
pub async fn run_traffic<S: Screen>(
    traffic: Traffic,
    ui: Ui,
    terminal: &mut Terminal<S>,
    journal: &Journal,
    inject: &dyn Fn(Injection),
    input: &mut mpsc::Receiver<Input>,
    frame: Duration,
) -> (Traffic, Exit) {
    let screen = LoopScreen::new(terminal);
    let mut this = TrafficLoop { traffic, ui, screen, journal, inject };
    let end = this.run(journal.reader(), input, frame).await;
    (this.traffic, end)
}

struct TrafficLoop<'a, S: Screen> {
    traffic: Traffic,
    ui: Ui,
    screen: LoopScreen<'a, S>,
    journal: &'a Journal,
    inject: &'a dyn Fn(Injection),
}

impl<S: Screen> TrafficLoop<'_, S> {
    async fn run(
        &mut self,
        mut reader: JournalReader,
        input: &mut mpsc::Receiver<Input>,
        frame: Duration,
    ) -> Exit {
        loop {
            let step = select! {
                biased;
                next = self.screen.next(input) => match next {
                    Ok(LoopEvent::Input(input)) => self.on_input(input).await,
                    Ok(LoopEvent::Frame) => self.draw(frame),
                    Ok(LoopEvent::Heartbeat) => {
                        self.screen.dirty = true;
                        Ok(())
                    }
                    Err(end) => Err(end),
                },
                entries = reader.next() => {
                    self.traffic.take(entries);
                    self.screen.dirty = true;
                    Ok(())
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn on_input(&mut self, input: Input) -> Result<(), Exit> {
        match self.screen.on_input(input, &mut self.ui)? {
            Some(ScreenInput::Key(key)) => {
                for effect in self.traffic.on_key(key) {
                    match effect {
                        TrafficEffect::Inject(injection) => (self.inject)(injection),
                        TrafficEffect::Redraw => self.screen.redraw(self.screen.area)?,
                        TrafficEffect::Suspend => self.suspend().await?,
                        TrafficEffect::Quit => return Err(Exit::Quit),
                    }
                }
                Ok(())
            }
            Some(ScreenInput::Paste(text)) => {
                self.traffic.paste(&text);
                Ok(())
            }
            Some(ScreenInput::Suspend) => self.suspend().await,
            None => Ok(()),
        }
    }

    fn draw(&mut self, frame: Duration) -> Result<(), Exit> {
        if !self.screen.begin_frame(frame) {
            return Ok(());
        }
        let (clients, sessions) = (self.journal.clients(), self.journal.sessions());
        self.traffic.tick(Timestamp::now(), clients, sessions);
        self.screen.draw(|frame| self.ui.draw_traffic(&self.traffic, frame))
    }

    async fn suspend(&mut self) -> Result<(), Exit> {
        if let Some(why) = self.screen.suspend().await? {
            self.traffic.notice = Some((why, true, Timestamp::now()));
        }
        Ok(())
    }
}
