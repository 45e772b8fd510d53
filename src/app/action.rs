//! The single table of actions. Keys, help overlay, footer, config template and the manual's key table are
//! all generated from it. Each view of the streams adds its own row.

use std::iter;

use super::{key::Key, pane::Pane};

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The action.
    pub action: Action,
    /// The pane that must have the focus; `None` if the key works in every pane.
    pub pane: Option<Pane>,
    /// The part after the dot of its name in the config's `[keys]`.
    pub name: &'static str,
    /// Its default keys.
    pub keys: &'static [Key],
    /// The help text.
    pub help: &'static str,
    /// The word in the footer; `None` if the footer does not show it.
    pub hint: Option<&'static str>,
    /// The feature that a view needs for the action to have an effect; `None` if it works in every view.
    pub(super) feature: Option<Feature>,
}

/// A feature of a view that actions work on. Views without it ignore those actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// The height of a channel's row in µV.
    Amplitude,
    /// The automatic scale.
    AutoScale,
    /// The length of the window.
    Window,
    /// Sweep or scroll.
    Scrolling,
    /// The glyphs that draw traces.
    Glyphs,
    /// The channels, frequency range and scale of a spectrum.
    Spectrum,
    /// The frequency band of a topographic map.
    Band,
    /// Filters and montage.
    Filters,
    /// The selected channel, sensor or stream.
    Selection,
    /// Which channels are shown, and in which order.
    ChannelLayout,
    /// The scale of a single channel.
    ChannelScale,
    /// The cursors of a frozen picture.
    Cursor,
    /// A history to scroll back through.
    History,
    /// The last message of each stream: the selection keys choose the stream, the history keys scroll in its
    /// message.
    Messages,
}

impl Feature {
    /// Whether the effect of an action on this feature depends on what is drawn at that moment.
    pub(super) const fn depends_on_picture(self) -> bool {
        match self {
            Self::Selection
            | Self::ChannelLayout
            | Self::ChannelScale
            | Self::Cursor
            | Self::History => true,
            Self::Amplitude
            | Self::AutoScale
            | Self::Window
            | Self::Scrolling
            | Self::Band
            | Self::Glyphs
            | Self::Spectrum
            | Self::Filters
            | Self::Messages => false,
        }
    }
}

macro_rules! actions {
    ($($pane:ident { $($(#[hint = $hint:literal])? $action:ident $name:literal [$($key:expr),*] $help:literal $(on $feature:ident)?;)+ })+) => {
        /// Everything that a key can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[doc = $help] $action,)+)+
            /// Shows a view of the streams, given by its index among the views; pressed again, returns to the
            /// previous view.
            View(usize),
        }

        /// The table, in the order of the help.
        pub const TABLE: &[Binding] = &[
            $($(Binding {
                action: Action::$action,
                pane: actions!(@pane $pane),
                name: $name,
                keys: &[$($key),*],
                help: $help,
                hint: actions!(@hint $($hint)?),
                feature: actions!(@feature $($feature)?),
            },)+)+
        ];
    };
    (@pane Global) => { None };
    (@pane $pane:ident) => { Some(Pane::$pane) };
    (@feature) => { None };
    (@feature $feature:ident) => { Some(Feature::$feature) };
    (@hint) => { None };
    (@hint $hint:literal) => { Some($hint) };
}

actions! {
    Global {
        NextPane "next-pane" [Key::TAB] "next pane";
        PreviousPane "previous-pane" [Key::BACK_TAB] "previous pane";
        HeadsetsPane "headsets-pane" [Key::char('1')] "headsets pane";
        SessionPane "session-pane" [Key::char('2')] "session pane";
        StreamsPane "streams-pane" [Key::char('3')] "streams pane";
        LogPane "log-pane" [Key::char('4')] "log pane";
        #[hint = "zoom"]
        Zoom "zoom" [Key::char('z')] "zoom the focused pane, and back";
        #[hint = "record"]
        Record "record" [Key::char('R')] "start a record in this session, or stop it";
        RecordFiles "record-files" [Key::char('W')] "record the headset shown to files here, or stop it";
        #[hint = "marker"]
        Mark "mark" [Key::char('m')] "marker at this moment: then 1 to 9, or a text";
        MarkNow "mark-now" [Key::f(1), Key::f(2), Key::f(3), Key::f(4), Key::f(5), Key::f(6), Key::f(7), Key::f(8), Key::f(9)] "marker with this number at once";
        #[hint = "end marker"]
        EndMarker "end-marker" [Key::char('M')] "end the last marker now";
        Lsl "lsl" [Key::char('L')] "serve the streams of this headset by Lab Streaming Layer, or stop";
        Capture "capture" [Key::char('C')] "capture the messages of the socket to a file, or stop";
        #[hint = "try again"]
        Connect "connect" [Key::char('G')] "retry now: connection, login, headset";
        Theme "theme" [Key::char('t')] "next theme";
        #[hint = "help"]
        Help "help" [Key::char('?')] "all keys";
        Copy "copy" [Key::char('y')] "copy what is selected to the clipboard (OSC 52)";
        #[hint = "commands"]
        Commands "commands" [Key::char(':')] "any command by its name";
        Mouse "mouse" [] "mouse on or off; while it is on, Shift selects text";
        Reload "reload" [] "read the configuration and the themes again";
        Redraw "redraw" [Key::ctrl('l')] "redraw the whole screen";
        Suspend "suspend" [Key::ctrl('z')] "suspend; fg resumes";
        #[hint = "quit"]
        Quit "quit" [Key::char('q'), Key::ctrl('c')] "close our session and quit";
        #[hint = "slower"]
        PlaybackSlower "playback-slower" [Key::char('{')] "capture: play slower, down to a quarter";
        #[hint = "faster"]
        PlaybackFaster "playback-faster" [Key::char('}')] "capture: play faster, up to 16 times";
        #[hint = "back"]
        PlaybackBack "playback-back" [Key::char(',')] "capture: 10 seconds back";
        #[hint = "forward"]
        PlaybackForward "playback-forward" [Key::char('.')] "capture: 10 seconds forward";
        PreviousMarker "previous-marker" [Key::char('(')] "capture: to the previous marker";
        NextMarker "next-marker" [Key::char(')')] "capture: to the next marker";
        #[hint = "go to"]
        PlaybackGoTo "playback-go-to" [Key::char('@')] "capture: go to a place";
    }
    Headsets {
        HeadsetUp "up" [Key::UP, Key::char('k')] "previous headset";
        HeadsetDown "down" [Key::DOWN, Key::char('j')] "next headset";
        #[hint = "open"]
        Open "open" [Key::ENTER] "connect the headset and open a session, or all that are picked";
        #[hint = "pick"]
        PickHeadset "pick" [Key::SPACE] "pick the headset to open it with others, or drop it";
        #[hint = "open all"]
        OpenAll "open-all" [Key::char('A')] "open a session on each headset that has none";
        #[hint = "disconnect"]
        Disconnect "disconnect" [Key::char('d')] "disconnect the headset, also for other programs";
        CallOff "call-off" [Key::char('x')] "cancel opening a session";
        #[hint = "more"]
        HeadsetMenu "menu" [Key::char('e')] "more: connect by, settings, name, open activated or not";
        #[hint = "scan"]
        Scan "scan" [Key::char('r')] "scan for headsets (about 20 s; not while streams are running)";
        #[hint = "overview"]
        Overview "overview" [Key::char('o')] "overview of all headsets, and back";
        #[hint = "sort"]
        SortBy "sort" [Key::char('s')] "sort that table by its next column, the worst first";
        SortAgain "sort-again" [Key::char('S')] "sort it again by the same column";
    }
    Session {
        FieldUp "up" [Key::UP, Key::char('k')] "previous field";
        FieldDown "down" [Key::DOWN, Key::char('j')] "next field";
        #[hint = "unfold"]
        Unfold "unfold" [Key::ENTER] "unfold the field, or fold it again";
        FieldEarlier "earlier" [Key::PAGE_UP] "back in an unfolded field";
        FieldLater "later" [Key::PAGE_DOWN] "forward in an unfolded field";
        #[hint = "activate"]
        Activate "activate" [Key::char('a')] "activate the session (debits the licence)";
        #[hint = "close"]
        Close "close" [Key::char('x')] "close the session";
        Sessions "sessions" [Key::char('s')] "all live sessions of this application";
        #[hint = "profiles"]
        Profiles "profiles" [Key::char('p')] "load or unload a profile";
        Account "account" [Key::char('u')] "user and licence";
        History "history" [Key::char('h')] "history of this session";
        #[hint = "records"]
        Records "records" [Key::char('r')] "records: export, rename, delete";
        #[hint = "next"]
        NextSession "next" [Key::char('n')] "next session";
    }
    Streams {
        #[hint = "freeze"]
        Freeze "freeze" [Key::SPACE] "freeze the picture, or resume it; data keep flowing";
        #[hint = "view"]
        NextView "next-view" [Key::char('v')] "next view";
        PreviousView "previous-view" [Key::char('V')] "previous view";
        #[hint = "larger"]
        Larger "larger" [Key::char('+')] "draw larger: fewer µV per row" on Amplitude;
        #[hint = "smaller"]
        Smaller "smaller" [Key::char('-')] "draw smaller: more µV per row" on Amplitude;
        #[hint = "auto"]
        AutoScale "auto-scale" [Key::char('=')] "automatic scale, and back" on AutoScale;
        Shorter "shorter" [Key::char('[')] "shorter window" on Window;
        Longer "longer" [Key::char(']')] "longer window" on Window;
        #[hint = "sweep"]
        Sweep "sweep" [Key::char('s')] "sweep or scroll" on Scrolling;
        #[hint = "high-pass"]
        HighPass "high-pass" [Key::char('f')] "next high-pass" on Filters;
        LowPass "low-pass" [Key::char('F')] "next low-pass" on Filters;
        Notch "notch" [Key::char('n')] "next notch" on Filters;
        Reference "reference" [Key::char('r')] "next montage: as recorded, common average, against the selected channel, linked mastoids, longitudinal bipolar" on Filters;
        Band "band" [Key::char('b')] "next band of the topographic map" on Band;
        SpectrumChannels "all-channels" [Key::char('a')] "spectrum of the selected channel, of each, or of all as lines" on Spectrum;
        SpectrumEnd "spectrum-end" [Key::char('u')] "spectrum up to 45 Hz, 70 Hz or half the sampling rate" on Spectrum;
        SpectrumScale "spectrum-scale" [Key::char('D')] "spectrum in dB or linear" on Spectrum;
        Level "level" [Key::char('O')] "motion: set level; tilt is measured from here";
        ChooseStreams "choose" [Key::char('e')] "choose streams: subscribe and unsubscribe";
        GlyphSet "glyphs" [Key::char('w')] "draw with braille, half blocks or blocks" on Glyphs;
        ChannelUp "channel-up" [Key::UP, Key::char('k')] "select the channel or stream above" on Selection;
        ChannelDown "channel-down" [Key::DOWN, Key::char('j')] "select the channel or stream below" on Selection;
        HideChannel "hide-channel" [Key::char('H')] "hide the selected channel" on ChannelLayout;
        SoloChannel "solo-channel" [Key::char('o')] "only the selected channel, and back" on ChannelLayout;
        BadChannel "bad-channel" [Key::char('B')] "mark the selected channel as bad, out of averages, scale and map, or as good" on ChannelLayout;
        ChannelSmaller "channel-smaller" [Key::char('<')] "draw the selected channel smaller" on ChannelScale;
        ChannelLarger "channel-larger" [Key::char('>')] "draw the selected channel larger" on ChannelScale;
        MoveChannelDown "move-channel-down" [Key::char('J')] "move the selected channel down" on ChannelLayout;
        MoveChannelUp "move-channel-up" [Key::char('K')] "move the selected channel up" on ChannelLayout;
        ResetChannels "reset-channels" [Key::char('0')] "all channels in their original order and scale" on ChannelLayout;
        CursorLeft "cursor-left" [Key::LEFT] "cursor left, while frozen" on Cursor;
        CursorRight "cursor-right" [Key::RIGHT] "cursor right, while frozen" on Cursor;
        CursorBack "cursor-back" [Key::char('h')] "cursor one sample back" on Cursor;
        CursorOn "cursor-on" [Key::char('l')] "cursor one sample forward" on Cursor;
        SecondCursor "second-cursor" [Key::char('d')] "place the second cursor, for differences, or remove it" on Cursor;
        Earlier "earlier" [Key::PAGE_UP] "half a window back in the history" on History;
        Later "later" [Key::PAGE_DOWN] "half a window forward" on History;
        Oldest "oldest" [Key::HOME] "start of the history" on History;
        Newest "newest" [Key::END] "back to now";
    }
    Log {
        #[hint = "filter"]
        LogFilter "filter" [Key::char('/')] "show only lines with a text, or all";
        #[hint = "targets"]
        LogTargets "targets" [Key::char('o')] "show or hide the list of targets";
        #[hint = "only"]
        LogFocus "focus" [Key::char('f')] "only the selected target, and back";
        #[hint = "capture"]
        LogCapture "capture" [Key::char('c')] "level up to which the selected target is captured";
        #[hint = "show"]
        LogShow "show" [Key::char('s')] "level up to which the selected target is shown";
        LogUp "up" [Key::UP, Key::char('k')] "previous target";
        LogDown "down" [Key::DOWN, Key::char('j')] "next target";
        LogEarlier "earlier" [Key::PAGE_UP] "older lines";
        LogLater "later" [Key::PAGE_DOWN] "newer lines";
        LogOldest "oldest" [Key::HOME] "the oldest line";
        LogFollow "follow" [Key::END] "follow the newest line";
    }
}

impl Action {
    /// Whether it concerns the playback of a capture.
    #[must_use]
    pub const fn is_of_playback(self) -> bool {
        matches!(
            self,
            Self::PlaybackSlower
                | Self::PlaybackFaster
                | Self::PlaybackBack
                | Self::PlaybackForward
                | Self::PreviousMarker
                | Self::NextMarker
                | Self::PlaybackGoTo
        )
    }
}

/// The sections of the table in the order of the help: the keys of all panes, then those of each pane.
pub fn sections() -> impl Iterator<Item = Option<Pane>> {
    iter::once(None).chain(Pane::ALL.map(Some))
}

/// The name of a section in the help and before the dot in the config's `[keys]`.
#[must_use]
pub const fn section_name(pane: Option<Pane>) -> &'static str {
    match pane {
        None => "global",
        Some(pane) => pane.name(),
    }
}
