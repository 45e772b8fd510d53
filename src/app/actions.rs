//! Performs actions.

use super::{
    Action, App, Effect, HelpPane, LogPane, Pane, Severity, Sort, StreamsPane, dialog::Menu,
};
use cortop_client::{Command, RecordCommand};

const OLDEST_LINE: &str = "this is the oldest line of the log";
const NEWEST_LINE: &str = "the log follows the newest line";

impl App {
    /// Performs an action immediately.
    #[expect(clippy::too_many_lines, reason = "one arm an action, so that none is forgotten")]
    pub(super) fn perform(&mut self, action: Action) -> Vec<Effect> {
        let binding = self.settings.keymap.binding(action);
        let works_on = binding.and_then(|row| Some((row.feature?, row.help)));
        if let Some((feature, help)) = works_on
            && !self.has(feature)
        {
            self.notify(Severity::Info, format!("this view does not show it: {help}"));
            return Vec::new();
        }
        match action {
            Action::NextPane => self.focus = self.focus.next(),
            Action::PreviousPane => self.focus = self.focus.previous(),
            Action::HeadsetsPane => self.focus = Pane::Headsets,
            Action::SessionPane => self.focus = Pane::Session,
            Action::StreamsPane => self.focus = Pane::Streams,
            Action::LogPane => self.focus = Pane::Log,
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Lsl | Action::RecordFiles if self.playback.is_some() => {
                self.notify(
                    Severity::Info,
                    "this is a capture: no live streams to serve or record",
                );
            }
            Action::Freeze if self.playback.is_some() => return self.pause_playback(),
            Action::Freeze => self.freeze(),
            Action::Connect => return self.connect(),
            Action::Theme => {
                self.choose_theme((self.theme + 1) % self.settings.themes.len().max(1));
            }
            Action::Help => {
                self.help = self.help.take().map_or_else(|| Some(HelpPane::default()), |_| None);
            }
            Action::Mouse => return self.toggle_mouse(),
            Action::Commands => return self.open_palette(),
            Action::Reload => return vec![Effect::Reload],
            Action::Redraw => return vec![Effect::Redraw],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Quit => return self.quit(),
            Action::Record => self.record(),
            Action::RecordFiles => self.record_files(),
            Action::Lsl => return self.toggle_lsl(),
            Action::Capture => return self.toggle_capture(),
            Action::PlaybackSlower => return self.playback_slower(),
            Action::PlaybackFaster => return self.playback_faster(),
            Action::PlaybackBack => return self.playback_back(),
            Action::PlaybackForward => return self.playback_forward(),
            Action::PreviousMarker => return self.playback_to_marker(false),
            Action::NextMarker => return self.playback_to_marker(true),
            Action::PlaybackGoTo => return self.ask_playback_place(),
            // The palette has no function key that would give the number: ask for it.
            Action::Mark | Action::MarkNow => self.mark(),
            Action::EndMarker => return self.end_marker(),
            Action::Records => {
                let list = Command::Record(RecordCommand::List);
                return self.open_menu(Menu::Records, Some(list));
            }
            Action::Copy => return self.copy(),
            Action::Sessions => return self.open_menu(Menu::Sessions, None),
            Action::Profiles => return self.open_profiles(),
            Action::Account => return self.open_menu(Menu::Account, None),
            Action::History => self.open_history(),
            Action::HeadsetMenu => return self.open_headset_menu(),
            Action::ChooseStreams => return self.open_streams(),
            Action::HeadsetUp => self.step_headset(-1),
            Action::HeadsetDown => self.step_headset(1),
            Action::PickHeadset => self.pick_headset(),
            Action::Overview => self.toggle_overview(),
            Action::SortBy => self.sort_overview(Sort::next),
            Action::SortAgain => self.sort_overview(|sort| sort),
            Action::Open if self.headsets.picked.is_empty() => return self.open_selected(),
            Action::Open => {
                let picked = self.headsets.picked.clone();
                return self.open_headsets(|id| picked.contains(id));
            }
            Action::OpenAll => return self.open_headsets(|_| true),
            Action::Disconnect => return self.disconnect_selected(),
            Action::CallOff => return self.cancel_opening(),
            Action::Scan => return self.scan(),
            Action::FieldUp => self.sessions.step_field(-1),
            Action::FieldDown => self.sessions.step_field(1),
            Action::Unfold => return self.unfold(),
            Action::FieldEarlier => self.page_field(false),
            Action::FieldLater => self.page_field(true),
            Action::Activate => self.activate(),
            Action::Close => self.close(),
            Action::NextSession => self.sessions.next(),
            Action::NextView => self.streams.step_view(self.settings.keymap.views(), true),
            Action::PreviousView => self.streams.step_view(self.settings.keymap.views(), false),
            Action::View(place) => self.toggle_view(place),
            Action::Larger => self.set(|streams| streams.step_amplitude(-1)),
            Action::Smaller => self.set(|streams| streams.step_amplitude(1)),
            Action::AutoScale => self.set(StreamsPane::toggle_auto_scale),
            Action::Shorter => self.set(|streams| streams.step_window(-1)),
            Action::Longer => self.set(|streams| streams.step_window(1)),
            Action::Sweep => self.set(StreamsPane::next_scroll_mode),
            Action::HighPass => self.set(StreamsPane::next_high_pass),
            Action::LowPass => self.set(StreamsPane::next_low_pass),
            Action::Notch => self.set(StreamsPane::next_notch),
            Action::Reference => self.next_montage(),
            Action::BadChannel => self.mark_bad_channel(),
            Action::SpectrumChannels => self.set(StreamsPane::next_spectrum_channels),
            Action::SpectrumEnd => self.set(StreamsPane::next_spectrum_end),
            Action::SpectrumScale => self.set(StreamsPane::toggle_spectrum_scale),
            Action::GlyphSet => self.set(StreamsPane::next_glyph_set),
            Action::Band => self.set(StreamsPane::next_band),
            Action::Level => self.set_level(),
            Action::ChannelUp => self.step_channel(-1),
            Action::ChannelDown => self.step_channel(1),
            Action::HideChannel => self.hide_channel(),
            Action::SoloChannel => self.solo_channel(),
            Action::ChannelSmaller => self.scale_channel(1),
            Action::ChannelLarger => self.scale_channel(-1),
            Action::MoveChannelUp => self.move_channel(-1),
            Action::MoveChannelDown => self.move_channel(1),
            Action::ResetChannels => self.reset_channels(),
            Action::CursorLeft => self.move_cursor(u64::saturating_sub),
            Action::CursorRight => self.move_cursor(u64::saturating_add),
            Action::CursorBack => self.move_cursor(|at, _| at.saturating_sub(1)),
            Action::CursorOn => self.move_cursor(|at, _| at.saturating_add(1)),
            Action::SecondCursor => self.second_cursor(),
            Action::Earlier => self.earlier(),
            Action::Later => self.later(),
            Action::Oldest => self.oldest(),
            Action::Newest => self.newest(),
            Action::LogFilter => self.ask_log_filter(),
            Action::LogTargets => self.log.toggle_targets(),
            Action::LogFocus => self.set_log(LogPane::toggle_only),
            Action::LogCapture => self.set_log(LogPane::next_captured),
            Action::LogShow => self.set_log(LogPane::next_shown),
            Action::LogUp => self.set_log(|log| log.step_target(-1)),
            Action::LogDown => self.set_log(|log| log.step_target(1)),
            Action::LogEarlier => self.scroll_log(OLDEST_LINE, LogPane::earlier),
            Action::LogLater => self.scroll_log(NEWEST_LINE, LogPane::later),
            Action::LogOldest => self.scroll_log(OLDEST_LINE, LogPane::oldest),
            Action::LogFollow => self.scroll_log(NEWEST_LINE, LogPane::follow),
        }
        Vec::new()
    }

    fn toggle_view(&mut self, place: usize) {
        if let Some(view) = self.settings.keymap.views().get(place) {
            self.streams.toggle(view);
        }
    }

    /// Switches to the theme at an index, and shows its name.
    pub(super) fn choose_theme(&mut self, place: usize) {
        self.theme = place;
        if let Some(name) = self.settings.themes.get(self.theme) {
            let text = format!("theme {name}");
            self.notify(Severity::Info, text);
        }
    }
}
