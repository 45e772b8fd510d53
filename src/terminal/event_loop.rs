//! The event loop: joins input, the client's events, the decoder's snapshots and two timers with the state
//! machine, and draws when something has changed and the screen is ready. Knows neither tty nor socket, so
//! that tests run it headless.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use ratatui::{Terminal, layout::Rect};
use tokio::{select, sync::mpsc};

use super::{
    alert_command::AlertCommand,
    exit::Exit,
    input::Input,
    loop_screen::{LoopEvent, LoopScreen, terminal_gone},
    screen::Screen,
    signals,
};
use crate::{
    app::{App, Effect, Message, ReloadedSettings},
    exchange::{MarkerReceiver, OutsideMarker},
    monitor::Channels,
    playback::{PlaybackCommand, PlaybackStep, Player},
    station::{StationNotice, StationService},
    ui::Ui,
};
use cortop_client::{Command, Event, Feed, HeadsetId, Moment, SessionMarker};
use cortop_files::recorder::RecorderOptions;

/// A configuration that was read again.
pub struct Reloaded {
    /// The settings for the state machine.
    pub settings: ReloadedSettings,
    /// The themes.
    pub ui: Ui,
}

/// What the loop needs from its caller.
pub struct Host {
    /// Minimum time between two frames.
    pub frame: Duration,
    /// Reads configuration and themes again; the error says why that failed.
    pub reload: Box<dyn FnMut() -> Result<Reloaded, String> + Send>,
}

/// A host without a configuration.
impl From<Duration> for Host {
    fn from(frame: Duration) -> Self {
        Self { frame, reload: Box::new(|| Err("there is no configuration".to_owned())) }
    }
}

/// Runs until the user quits or the terminal, the client or the process ends. Closes nothing: the caller
/// restores the terminal and stops the client.
pub async fn run<S: Screen>(
    app: App,
    ui: Ui,
    terminal: &mut Terminal<S>,
    channels: &mut Channels,
    input: &mut mpsc::Receiver<Input>,
    host: impl Into<Host>,
) -> (App, Exit) {
    let mut this = EventLoop {
        app,
        ui,
        screen: LoopScreen::new(terminal),
        channels,
        host: host.into(),
        alert_command: AlertCommand::default(),
    };
    let end = this.run(input).await;
    (this.app, end)
}

struct EventLoop<'a, S: Screen> {
    app: App,
    ui: Ui,
    screen: LoopScreen<'a, S>,
    channels: &'a mut Channels,
    host: Host,
    /// Runs the user's command at an alert.
    alert_command: AlertCommand,
}

impl<S: Screen> EventLoop<'_, S> {
    async fn run(&mut self, input: &mut mpsc::Receiver<Input>) -> Exit {
        if self.app.mouse
            && let Err(error) = self.screen.terminal.backend_mut().mouse(true)
        {
            return terminal_gone(error);
        }
        // Draw the first frame before client and decoder get a turn.
        if let Err(end) = self.draw().await {
            return end;
        }
        loop {
            // In order of urgency; later branches cannot starve, as the queues are short.
            let step = select! {
                biased;
                next = self.screen.next(input) => match next {
                    Ok(LoopEvent::Input(input)) => self.on_input(input).await,
                    Ok(LoopEvent::Frame) => self.draw().await,
                    Ok(LoopEvent::Heartbeat) => self.on_heartbeat().await,
                    Err(end) => Err(end),
                },
                event = self.channels.events.recv() => self.on_events(event).await,
                step = next_step(&mut self.channels.playback) => self.on_step(step).await,
                marker = next_marker(&mut self.channels.markers) => {
                    self.update_now(Message::OutsideMarker(marker)).await
                }
                notice = next_notice(&mut self.channels.station) => self.on_station(notice).await,
                Ok(()) = self.channels.snapshots.changed() => {
                    let snapshot = Arc::clone(&self.channels.snapshots.borrow_and_update());
                    self.update(Message::Snapshot(snapshot)).await
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn on_input(&mut self, input: Input) -> Result<(), Exit> {
        match input {
            Input::Key(key, at) => {
                self.screen.on_key();
                let at = self.channels.playback.as_deref().map_or(at, Player::now);
                self.update(Message::Tick(at)).await?;
                self.update(Message::Key(key)).await
            }
            Input::Mouse(input, column, row) => match self.ui.target((column, row).into()) {
                Some(target) => self.update_now(Message::Mouse(target, input)).await,
                None => Ok(()),
            },
            Input::Paste(text) => self.update_now(Message::Paste(text)).await,
            Input::Resize(columns, rows) => self.screen.redraw(Rect::new(0, 0, columns, rows)),
            Input::Answers(answers) => {
                if self.screen.on_answers(answers, &mut self.ui)? {
                    let text =
                        "this terminal draws ● and the like two cells wide: drawn in ASCII instead";
                    self.app.update(Message::Notice(text.to_owned()));
                }
                Ok(())
            }
            Input::Suspend => self.suspend().await,
            Input::Resume => self.resume(),
            Input::Exit(exit) => Err(exit),
        }
    }

    async fn on_heartbeat(&mut self) -> Result<(), Exit> {
        let throughput = self.screen.terminal.backend_mut().throughput();
        if throughput != self.app.throughput {
            self.update(Message::Throughput(throughput)).await?;
        }
        self.update_lsl().await?;
        self.update_recorder().await?;
        self.update_capture().await?;
        self.update_station().await?;
        self.update(Message::Tick(self.now())).await
    }

    /// Serves a headset's streams over LSL, or none.
    async fn serve(&mut self, headset: Option<HeadsetId>) -> Result<(), Exit> {
        match headset {
            None => self.channels.lsl.stop(),
            Some(headset) => {
                if let Err(error) = self.channels.lsl.serve(headset) {
                    let text = format!("LSL cannot be served here: {error}");
                    self.update(Message::Notice(text)).await?;
                }
            }
        }
        self.update_lsl().await
    }

    /// The displayed moment: now, or the position in the capture.
    fn now(&self) -> Moment {
        self.channels.playback.as_deref().map_or_else(Moment::now, Player::now)
    }

    /// Handles a step of a capture: the same messages that client and decoder would have sent, each with its
    /// time.
    async fn on_step(&mut self, step: PlaybackStep) -> Result<(), Exit> {
        if step.restarted {
            self.app.restart(step.now);
        }
        for (at, event) in step.events {
            self.update(Message::Tick(at)).await?;
            self.update(Message::Cortex(event)).await?;
        }
        self.update(Message::Tick(step.now)).await?;
        self.update(Message::Snapshot(step.snapshot)).await?;
        self.update_playback().await
    }

    /// Sends a command to the player.
    async fn play(&mut self, command: PlaybackCommand) -> Result<(), Exit> {
        let done = self.channels.playback.as_mut().map(|player| player.execute(command));
        if let Some(Err(error)) = done {
            self.update(Message::Notice(error.to_string())).await?;
        }
        self.update_playback().await
    }

    /// Notifies the state machine if the state of the playback has changed.
    async fn update_playback(&mut self) -> Result<(), Exit> {
        let state = self.channels.playback.as_deref().map(Player::state);
        match state {
            Some(state) if self.app.playback.as_ref() != Some(&state) => {
                self.update(Message::Playback(state)).await
            }
            _ => Ok(()),
        }
    }

    /// Whether an effect has to be dropped during playback: it reaches beyond the screen, but what caused it
    /// is long past.
    fn is_over(&self, effect: &Effect) -> bool {
        let is_loud = matches!(effect, Effect::Bell | Effect::Notification(..));
        let reaches_out = matches!(
            effect,
            Effect::Lsl(_)
                | Effect::Recorder(_)
                | Effect::Capture(_)
                | Effect::Mark { .. }
                | Effect::AlertCommand(..)
        );
        self.app.playback.as_ref().is_some_and(|state| reaches_out || is_loud && state.is_seeking)
    }

    /// Captures what crosses the socket to a file, or stops capturing.
    async fn capture(&mut self, path: Option<&Path>) -> Result<(), Exit> {
        let problem = match path {
            None => self.channels.capture.stop().and_then(|state| state.error).map(Message::Notice),
            Some(path) => {
                let started = self.channels.capture.start(path);
                let why = started.err().map(|error| {
                    format!(
                        "cannot make {} ({error}): choose another folder or name",
                        path.display()
                    )
                });
                why.map(Message::NotStarted)
            }
        };
        self.update_capture().await?;
        match problem {
            Some(problem) => self.update(problem).await,
            None => Ok(()),
        }
    }

    /// Notifies the state machine if the state of the capture has changed.
    async fn update_capture(&mut self) -> Result<(), Exit> {
        let state = self.channels.capture.state();
        if state == self.app.capture { Ok(()) } else { self.update(Message::Capture(state)).await }
    }

    /// Notifies the state machine if what is served over LSL has changed.
    async fn update_lsl(&mut self) -> Result<(), Exit> {
        let state = match self.channels.lsl.state() {
            Ok(state) => state,
            Err(error) => {
                self.update(Message::Notice(error.to_string())).await?;
                None
            }
        };
        if state == self.app.lsl { Ok(()) } else { self.update(Message::Lsl(state)).await }
    }

    /// Handles a notice from a station.
    async fn on_station(&mut self, notice: StationNotice) -> Result<(), Exit> {
        match notice {
            StationNotice::Marker(marker) => self.update_now(Message::OutsideMarker(marker)).await,
            StationNotice::Report(_) => self.update_station().await,
        }
    }

    /// Notifies the state machine if the station's status has changed.
    async fn update_station(&mut self) -> Result<(), Exit> {
        let status = self.channels.station.as_ref().map(StationService::status);
        match status {
            Some(status) if self.app.station.as_ref() != Some(&status) => {
                self.update(Message::Station(status)).await
            }
            _ => Ok(()),
        }
    }

    /// Records to files, or stops.
    async fn record(&mut self, options: Option<RecorderOptions>) -> Result<(), Exit> {
        match options {
            None => self.channels.recorder.stop(),
            Some(options) => {
                if let Err(error) = self.channels.recorder.start(options) {
                    let text = format!("nothing can be recorded there: {error}");
                    self.update(Message::NotStarted(text)).await?;
                }
            }
        }
        self.update_recorder().await
    }

    /// Notifies the state machine if what is recorded to files has changed.
    async fn update_recorder(&mut self) -> Result<(), Exit> {
        let state = self.channels.recorder.state().map_err(|error| error.to_string());
        let is_known = matches!(&state, Ok(state) if *state == self.app.recorder);
        if is_known { Ok(()) } else { self.update(Message::Recorder(state)).await }
    }

    /// Handles an event and all events queued behind it.
    async fn on_events(&mut self, first: Option<Event>) -> Result<(), Exit> {
        let Some(first) = first else { return self.update(Message::ClientEnded).await };
        self.pass_on(&first);
        self.update_now(Message::Cortex(first)).await?;
        while let Ok(event) = self.channels.events.try_recv() {
            self.pass_on(&event);
            self.update(Message::Cortex(event)).await?;
        }
        Ok(())
    }

    /// LSL needs the clocks of the headsets from their first measurement on; metrics and station need more
    /// events.
    fn pass_on(&mut self, event: &Event) {
        self.channels.metrics.on_event(event);
        if let Some(station) = &self.channels.station {
            station.on_event(event);
        }
        if let Event::Clock { headset, clock } = event {
            self.channels.lsl.set_clock(headset, *clock);
        }
        if let Event::Session(session) = event {
            let headset = &session.headset;
            self.channels.recorder.set_firmware(&headset.id, &headset.firmware);
        }
    }

    /// Updates the state machine with a message, after a tick with the current time.
    async fn update_now(&mut self, message: Message) -> Result<(), Exit> {
        self.update(Message::Tick(self.now())).await?;
        self.update(message).await
    }

    async fn update(&mut self, message: Message) -> Result<(), Exit> {
        self.screen.dirty = true;
        for effect in self.app.update(message) {
            if self.is_over(&effect) {
                continue;
            }
            match effect {
                Effect::Playback(command) => Box::pin(self.play(command)).await?,
                Effect::Command(command) => self.send(command),
                Effect::Lsl(headset) => Box::pin(self.serve(headset)).await?,
                Effect::Recorder(options) => {
                    Box::pin(self.record(options.map(|own| *own))).await?;
                }
                Effect::Capture(path) => Box::pin(self.capture(path.as_deref())).await?,
                Effect::Mark { session, id, time, end, text } => {
                    let seconds = |time: Timestamp| time.as_duration().as_secs_f64();
                    let (time, end) = (seconds(time), end.map(seconds));
                    let marker = SessionMarker { session, id, time, end, text };
                    self.channels.feed.change(Feed::Marker(marker)).await;
                }
                Effect::Copy(text) => {
                    self.screen.terminal.backend_mut().copy(&text).map_err(terminal_gone)?;
                }
                Effect::Mouse(on) => {
                    self.screen.terminal.backend_mut().mouse(on).map_err(terminal_gone)?;
                }
                // Boxed, because the new configuration may have effects of its own.
                Effect::Reload => Box::pin(self.reload()).await?,
                Effect::Bell => {
                    self.screen.terminal.backend_mut().bell().map_err(terminal_gone)?;
                }
                Effect::Notification(protocol, text) => {
                    let screen = self.screen.terminal.backend_mut();
                    screen.notification(protocol, &text).map_err(terminal_gone)?;
                }
                Effect::AlertCommand(command, environment) => {
                    self.alert_command.run((command, environment));
                }
                Effect::Quit => return Err(Exit::Quit),
                Effect::Redraw => self.screen.redraw(self.screen.area)?,
                // Boxed, because suspending may resume, and resuming updates again.
                Effect::Suspend => Box::pin(self.suspend()).await?,
            }
        }
        Ok(())
    }

    /// Reads configuration and themes again. All of it takes effect with the next frame, or none.
    async fn reload(&mut self) -> Result<(), Exit> {
        let reloaded = (self.host.reload)().map(|Reloaded { mut settings, ui }| {
            let changed = self.ui.replace_themes(ui);
            if !changed.is_empty() {
                settings.report.push(format!("themes changed: {}", changed.join(", ")));
            }
            self.host.frame = Duration::from_secs(1) / u32::from(settings.fps.max(1));
            if let Some(station) = &self.channels.station {
                station.set_alerts(settings.alerts.clone());
            }
            Box::new(settings)
        });
        self.update(Message::Reloaded(reloaded)).await
    }

    fn send(&mut self, command: Command) {
        if self.channels.playback.is_some() {
            let text = "this is a capture: nothing can be asked of its service";
            self.app.update(Message::Notice(text.to_owned()));
            return;
        }
        if let Err(mpsc::error::TrySendError::Full(_)) = self.channels.commands.try_send(command) {
            let busy = "the client is still busy with the last keys; try again in a moment";
            self.app.update(Message::Notice(busy.to_owned()));
        }
    }

    async fn draw(&mut self) -> Result<(), Exit> {
        if !self.screen.begin_frame(self.host.frame) {
            return Ok(());
        }
        self.update(Message::Tick(self.now())).await?;
        tui_logger::move_events();
        let view = self.ui.view(&self.app, self.screen.area);
        self.channels.view.send_if_modified(|sent| {
            let changed = *sent != view;
            if changed {
                *sent = view;
            }
            changed
        });
        self.screen.draw(|frame| self.ui.draw(&self.app, frame))
    }

    /// Restores the terminal and stops the process.
    async fn suspend(&mut self) -> Result<(), Exit> {
        if let Err(why) = signals::can_suspend() {
            self.app.update(Message::Notice(why));
            self.screen.dirty = true;
            return Ok(());
        }
        self.screen.leave().await;
        signals::suspend().or_else(|error| {
            tracing::warn!("cannot suspend: {error}");
            self.resume()
        })
    }

    /// Takes the terminal over again, with or without the mouse.
    fn resume(&mut self) -> Result<(), Exit> {
        self.screen.resume()?;
        self.screen.terminal.backend_mut().mouse(self.app.mouse).map_err(terminal_gone)
    }
}

/// The next step of a capture; pending forever without one.
async fn next_step(player: &mut Option<Box<Player>>) -> PlaybackStep {
    match player {
        Some(player) => player.next().await,
        None => std::future::pending().await,
    }
}

/// The next marker from outside; pending forever without a source.
async fn next_marker(markers: &mut Option<MarkerReceiver>) -> OutsideMarker {
    if let Some(receiver) = markers
        && let Some(marker) = receiver.recv().await
    {
        return marker;
    }
    std::future::pending().await
}

/// The next notice of a station; pending forever without one.
async fn next_notice(station: &mut Option<StationService>) -> StationNotice {
    if let Some(station) = station
        && let Some(notice) = station.next().await
    {
        return notice;
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use ratatui::backend::TestBackend;
    use tokio::task::JoinHandle;

    use tokio::sync::watch;

    use super::*;
    use crate::{
        app::{AppSettings, Key},
        terminal::{input, loop_screen::KEY_LATENCY, screen},
        ui,
    };
    use cortop_client::{Headset, HeadsetId, Link};
    use cortop_signal::{Snapshot, View};

    const FRAME: Duration = Duration::from_millis(100);

    /// The far ends of all queues, and the running loop.
    struct LoopHarness {
        input: mpsc::Sender<Input>,
        events: Option<mpsc::Sender<Event>>,
        commands: mpsc::Receiver<Command>,
        view: watch::Receiver<View>,
        snapshots: watch::Sender<Arc<Snapshot>>,
        ended: JoinHandle<(App, Exit, usize)>,
    }

    fn rig() -> LoopHarness {
        rig_of(FRAME)
    }

    fn rig_of(frame: Duration) -> LoopHarness {
        let (input, mut inputs) = input::queue();
        let (events, received) = mpsc::channel(16);
        let (asked, commands) = mpsc::channel(1);
        let (view, viewed) = watch::channel(View::default());
        let (snapshots, pictures) = watch::channel(Arc::default());
        let mut channels = Channels::alone(asked, received, view, pictures);
        let (ui, warnings) = Ui::new(&ui::UiOptions::default());
        assert_eq!(warnings, [""; 0]);
        let app = App::new(AppSettings::default(), Moment::now());
        let mut terminal = screen::terminal(TestBackend::new(80, 24)).expect("in memory");
        let ended = tokio::spawn(async move {
            let (app, end) = run(app, ui, &mut terminal, &mut channels, &mut inputs, frame).await;
            (app, end, terminal.get_frame().count())
        });
        LoopHarness { input, events: Some(events), commands, view: viewed, snapshots, ended }
    }

    impl LoopHarness {
        async fn key(&self, char: char) {
            self.input
                .send(Input::Key(Key::char(char), Moment::now()))
                .await
                .expect("the loop runs");
        }

        async fn event(&self, event: Event) {
            self.events.as_ref().expect("open").send(event).await.expect("the loop runs");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn keys_reach_the_state_and_its_commands_the_client() {
        let mut rig = rig();
        let id = HeadsetId::from("EPOCX-1A2B3C4D");
        rig.event(Event::Headsets(vec![Headset { id: id.clone(), ..Headset::default() }])).await;
        // Input is handled before events, so wait until the headset has been drawn.
        tokio::time::sleep(2 * FRAME).await;
        rig.key('1').await;
        rig.input.send(Input::Key(Key::ENTER, Moment::now())).await.expect("the loop runs");
        assert_eq!(rig.commands.recv().await, Some(Command::Open { headset: id, mode: None }));
        rig.key('q').await;
        let (app, end, _) = rig.ended.await.expect("no panic");
        assert_eq!((end, app.headsets.list.len()), (Exit::Quit, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_finds_the_client_busy_is_said_to_be_so() {
        let rig = rig();
        rig.key('1').await;
        rig.key('r').await;
        rig.key('r').await;
        rig.key('q').await;
        let (app, ..) = rig.ended.await.expect("no panic");
        assert!(app.notice.expect("said").text.contains("busy"));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_drawn_without_a_change_and_no_faster_than_the_frame_clock() {
        let rig = rig();
        // Ten idle seconds: the first frame and the heartbeats.
        tokio::time::sleep(Duration::from_millis(9_950)).await;
        // A second of changes every millisecond: ten frames and one heartbeat.
        for _ in 0..1000 {
            rig.snapshots.send(Arc::default()).expect("the loop runs");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        rig.key('q').await;
        let (_, _, frames) = rig.ended.await.expect("no panic");
        assert!((20..=23).contains(&frames), "{frames}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_decoder_is_told_what_is_looked_at_now() {
        let mut rig = rig();
        rig.key('[').await;
        let changed = rig.view.wait_for(|view| view.window < View::default().window);
        assert!(tokio::time::timeout(10 * FRAME, changed).await.is_ok(), "a shorter window");
        rig.key('q').await;
        rig.ended.await.expect("no panic");
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_answered_at_once_however_few_frames_are_asked_for() {
        let mut rig = rig_of(Duration::from_secs(60));
        let mut window = View::default().window;
        // The second key comes right after the frame of the first, and has to wait.
        for latency in [Duration::ZERO, KEY_LATENCY] {
            let pressed = tokio::time::Instant::now();
            rig.key('[').await;
            let changed = rig.view.wait_for(|view| view.window < window);
            let drawn = tokio::time::timeout(2 * KEY_LATENCY, changed).await;
            window = drawn.expect("drawn").expect("the loop runs").window;
            assert!(pressed.elapsed().abs_diff(latency) <= Duration::from_millis(2), "{latency:?}");
        }
        rig.key('q').await;
        rig.ended.await.expect("no panic");
    }

    #[tokio::test(start_paused = true)]
    async fn every_way_out_says_which_it_was() {
        for end in [Exit::Signal(15), Exit::Panicked, Exit::TerminalGone] {
            let rig = rig();
            rig.input.send(Input::Exit(end)).await.expect("the loop runs");
            assert_eq!(rig.ended.await.expect("no panic").1, end);
        }
        let mut rig = rig();
        rig.event(Event::Link(Link::Connecting)).await;
        drop(rig.events.take());
        assert_eq!(rig.ended.await.expect("no panic").1, Exit::Quit, "the client ended");
    }
}
