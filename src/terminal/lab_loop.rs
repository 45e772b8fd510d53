//! The event loop of a lab's screen: joins input, the broker's messages and a timer with its state machine,
//! and draws when something has changed and the screen is ready. Knows neither tty nor socket, so that tests
//! run it headless.

use std::time::Duration;

use ratatui::Terminal;
use tokio::{
    select,
    sync::mpsc::{self, error::TrySendError},
};

use super::{
    exit::Exit,
    input::Input,
    loop_screen::{LoopEvent, LoopScreen, ScreenInput, terminal_gone},
    screen::Screen,
};
use crate::{
    lab::{BrokerLink, Lab, LabEffect},
    ui::Ui,
};
use cortop_client::Moment;
use cortop_mqtt::{LabNotice, Subscriber, payload::LabMarker};

/// Runs until the user quits, or the terminal or the process ends. `frame`: minimum time between two frames.
/// Closes nothing.
pub async fn run_lab<S: Screen>(
    lab: Lab,
    ui: Ui,
    terminal: &mut Terminal<S>,
    subscriber: &mut Subscriber,
    input: &mut mpsc::Receiver<Input>,
    frame: Duration,
) -> (Lab, Exit) {
    let screen = LoopScreen::new(terminal);
    let markers = subscriber.markers.clone();
    let mut this = LabLoop { lab, ui, screen, markers };
    let end = this.run(&mut subscriber.notices, input, frame).await;
    (this.lab, end)
}

struct LabLoop<'a, S: Screen> {
    lab: Lab,
    ui: Ui,
    screen: LoopScreen<'a, S>,
    markers: mpsc::Sender<LabMarker>,
}

impl<S: Screen> LabLoop<'_, S> {
    async fn run(
        &mut self,
        notices: &mut mpsc::Receiver<LabNotice>,
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
                        let effects = self.lab.tick(Moment::now());
                        self.carry_out(effects).await
                    }
                    Err(end) => Err(end),
                },
                Some(notice) = notices.recv() => {
                    self.screen.dirty = true;
                    let effects = self.on_notice(&notice);
                    self.carry_out(effects).await
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    fn on_notice(&mut self, notice: &LabNotice) -> Vec<LabEffect> {
        let mut effects = self.lab.tick(Moment::now());
        match notice {
            LabNotice::Connected => self.lab.on_link(BrokerLink::Connected),
            LabNotice::Disconnected(error, until) => {
                self.lab.on_link(BrokerLink::Lost(error.to_string(), *until));
            }
            LabNotice::Refused(error) => self.lab.on_refusal(&error.to_string()),
            LabNotice::Message(message) => effects.extend(self.lab.on_message(message)),
        }
        effects
    }

    async fn carry_out(&mut self, effects: Vec<LabEffect>) -> Result<(), Exit> {
        for effect in effects {
            match effect {
                LabEffect::Mark(marker) => {
                    if let Err(TrySendError::Full(_) | TrySendError::Closed(_)) =
                        self.markers.try_send(marker)
                    {
                        self.lab.on_refusal("the marker was not sent: the broker takes none now");
                    }
                }
                LabEffect::Bell => {
                    self.screen.terminal.backend_mut().bell().map_err(terminal_gone)?;
                }
                LabEffect::Redraw => self.screen.redraw(self.screen.area)?,
                LabEffect::Suspend => self.suspend().await?,
                LabEffect::Quit => return Err(Exit::Quit),
            }
        }
        Ok(())
    }

    async fn on_input(&mut self, input: Input) -> Result<(), Exit> {
        match self.screen.on_input(input, &mut self.ui)? {
            Some(ScreenInput::Key(key)) => {
                let effects = self.lab.on_key(key);
                self.carry_out(effects).await
            }
            Some(ScreenInput::Paste(text)) => {
                self.lab.paste(&text);
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
        self.screen.draw(|frame| self.ui.draw_lab(&self.lab, frame))
    }

    async fn suspend(&mut self) -> Result<(), Exit> {
        if let Some(why) = self.screen.suspend().await? {
            self.lab.notice = Some((why, true, self.lab.now.wall));
        }
        Ok(())
    }
}
