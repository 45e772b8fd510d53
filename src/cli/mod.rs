//! The command line: its spellings are a contract. Knows no environment and no files; what a flag
//! leaves open is resolved by [`crate::config`].

#![expect(clippy::doc_markdown, reason = "clap prints these comments as the help")]

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{
    Args, CommandFactory, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};
use clap_complete::Shell;

use crate::stage;
use cortop_client::{HeadsetId, SessionPolicy, Stream, model::Model};
use cortop_sim::headset_config::HeadsetConfig;

const AFTER_HELP: &str = "\
Examples:
  cortop demo                       look around, without headset and account
  cortop doctor                     find out what is missing
  cortop --session open             without the licence: no EEG, nothing debited
  cortop --streams eeg,mot --max-rate 20
                                    over a slow link

Credentials are never arguments: set EMOTIV_CLIENT_ID and EMOTIV_CLIENT_SECRET, or \
put client_id and client_secret into the config file. Without headset and account: cortop demo

Exit status: 0 quit · 1 failed while running · 2 could not start as asked (arguments, config, \
credentials, not a terminal) · 10 to 24 a command without a screen could not go on (cortop doctor \
--help lists them) · 101 a fault of the program · 128+n ended by signal n

With its output piped or redirected, cortop without a subcommand does what cortop watch does.";

const WATCH_HELP: &str = "\
Examples:
  cortop watch --streams eeg --format csv --duration 10s > eeg.csv
  cortop watch --streams met,fac | jq .

Values are as Cortex sent them: not filtered, null where there is none. Refused streams are named \
on standard error. Ctrl-C, the end of --duration and a reader that has seen enough (| head) end it \
with exit status 0, and close the session that cortop opened.

Before the first sample it ends if only you can fix what is wrong, with an exit status of cortop \
doctor --help; afterwards it waits for what is lost to come back.";

const LSL_HELP: &str = "\
Examples:
  cortop lsl
  cortop lsl --markers-udp 5005     with markers from another program

Each stream of numbers is an LSL stream of its own, named after headset and content, such as \
cortop-EPOCX-1A2B3C4D-EEG; markers are one of texts. Values are as Cortex sent them, EEG in \
microvolts. Ctrl-C and the end of --duration end it with exit status 0.

Markers from outside go into the record that runs, if one does, and to the LSL stream of markers.

Before the first sample it ends if only you can fix what is wrong, with an exit status of cortop \
doctor --help; afterwards it waits for what is lost to come back.";

const DEMO_HELP: &str = "\
Examples:
  cortop demo
  cortop demo --headsets 16 --model insight
                                    a lab full of them
  cortop demo --scopes none         what a basic licence gives
  cortop demo --replay recording.csv
                                    your own data";

const SIM_HELP: &str = "\
Examples:
  cortop sim --approved --ca-out .  then: cortop --ca-file root.pem
  cortop sim --ws --port 7000       then: cortop --url ws://127.0.0.1:7000
  cortop sim --exec pytest          the tests of your application, then the end
  cortop sim --headset epocx@256 --headset insight:INSIGHT-0A1B2C3D:off
  cortop sim --scenario faults.toml
                                    what --list-faults lists, at its time

Any client id and secret will do.";

const PROXY_HELP: &str = "\
Examples:
  cortop proxy --listen 7000 --ws   then connect your application to ws://127.0.0.1:7000
  cortop proxy --listen 7000 --ca-out . --capture session.jsonl";

const DOCTOR_HELP: &str = "\
Examples:
  cortop doctor
  cortop doctor --headset EPOCX-1A2B3C4D
  cortop doctor --json | jq .";

const PRINT_HELP: &str = "\
Examples:
  cortop print config > ~/.config/cortop/config.toml
  cortop print theme > ~/.config/cortop/themes/mine.toml";

const MAN_HELP: &str = "\
Examples:
  cortop print man | man -l -
  cortop print man sim > cortop-sim.1";

const COMPLETIONS_HELP: &str = "\
Examples:
  cortop print completions bash > ~/.local/share/bash-completion/completions/cortop
  cortop print completions zsh > ~/.zfunc/_cortop
  cortop print completions fish > ~/.config/fish/completions/cortop.fish";

const LIST_HELP: &str = "\
It opens no session and debits no licence. Exit status: 0 printed · 10 to 24 could not go on \
(cortop doctor --help lists them) · 2 could not start as asked

Times are those of this computer; --json has them as Cortex sent them.";

/// The end of the help of a list: how it is called, then what holds for all.
macro_rules! list_help {
    ($($line:literal)+) => {
        format!(concat!("Examples:\n", $("  cortop ", $line, "\n",)+ "\n{}"), LIST_HELP)
    };
}

/// Spellings that are accepted still, and what they are called now: these are suggested in their
/// place.
const OLD_SPELLINGS: [(&str, &str); 2] =
    [("plain-output", "full-redraw"), ("unsure", "assumptions")];

/// Not a doc comment, which would take the brackets for a link.
const MARKERS_UDP_HELP: &str =
    "Take markers as lines LABEL [VALUE] over UDP at this port of 127.0.0.1, or at ADDR:PORT";

/// Not a doc comment, which would take the brackets for links.
const SPEC_HELP: &str = "Headset as model[@eegRate][:id][:state], such as epocx@256 or \
insight:INSIGHT-0A1B2C3D:off; up to 64 [default: epocx]";

/// Terminal monitor for EMOTIV headsets: contact quality, EEG and every other Cortex stream, live
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do instead of running the monitor.
    #[command(subcommand)]
    pub command: Option<CliCommand>,
    /// Which service and how to use it.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub service: ServiceArgs,
    /// What is exchanged with other programs.
    #[command(flatten, next_help_heading = "Other programs")]
    pub exchange: ExchangeArgs,
    /// How to show it.
    #[command(flatten, next_help_heading = "Display")]
    pub display: DisplayArgs,
}

/// What to do instead of running the monitor.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Run the monitor on a simulated headset: no account, no headset, no network
    Demo(DemoArgs),
    /// Serve a simulated Cortex service to any client, until Ctrl-C
    Sim(Box<SimArgs>),
    /// Pass messages on between clients and a real service, and log what the clients do
    Proxy(ProxyArgs),
    /// Check everything between you and the samples, one thing after the other
    Doctor(DoctorArgs),
    /// Print samples to standard output, without a screen
    Watch(WatchArgs),
    /// Serve a headset's streams by Lab Streaming Layer (LSL), without a screen
    Lsl(LslArgs),
    /// List the headsets that the service sees
    #[command(after_help = list_help!("headsets" "headsets --json | jq -r '.[].id'"))]
    Headsets(ListArgs),
    /// List the live sessions of this application
    #[command(after_help = list_help!("sessions" "sessions --json | jq -r '.[].id'"))]
    Sessions(ListArgs),
    /// Print the licence: scopes, what is left on this computer, expiry
    #[command(after_help = list_help!("license" "license --json | jq .localQuota"))]
    License(ListArgs),
    /// List the records of this application
    #[command(after_help = list_help!("records" "records --json | jq -r '.[].title'"))]
    Records(ListArgs),
    /// Print something to standard output
    #[command(subcommand, after_help = PRINT_HELP)]
    Print(Print),
}

/// What can be printed.
#[derive(Debug, Subcommand)]
pub enum Print {
    /// A commented config file with every setting and key at its default
    Config,
    /// A commented theme file with every token as in the theme ansi
    Theme,
    /// The JSON schema of the config file
    Schema,
    /// The keys in force, as a Markdown table
    Keys,
    /// A man page, as roff: of cortop, or of one of its commands
    #[command(after_help = MAN_HELP)]
    Man {
        /// Command whose page is printed
        command: Option<String>,
    },
    /// A script by which a shell completes command lines, with the names of headsets and themes
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// Shell to complete for
        #[arg(value_enum)]
        shell: Shell,
    },
}

/// Which service.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionArgs {
    /// Address of the Cortex service, ws:// or wss:// [env: EMOTIV_CORTEX_URL] [default:
    /// wss://localhost:6868]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Root certificate to trust beside the system's [env: CORTOP_CA_FILE]
    #[arg(long, value_name = "PEM")]
    pub ca_file: Option<PathBuf>,
    /// Skip certificate checks; only for a service on this machine
    #[arg(long)]
    pub insecure: bool,
}

/// Which service and how to use it.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceArgs {
    /// Which service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Headset to take without asking, such as EPOCX-1A2B3C4D
    #[arg(long, value_name = "ID")]
    pub headset: Option<HeadsetId>,
    /// Session to open: active debits the licence, open does not and carries no EEG
    #[arg(long, value_name = "MODE", value_parser = session_parser())]
    pub session: Option<SessionPolicy>,
    /// Sessions to move from the licence to this computer
    #[arg(long, value_name = "N")]
    pub debit: Option<u32>,
    /// Streams to subscribe, of eeg,mot,dev,eq,pow,met,com,fac,sys [default: all]
    #[arg(long, value_name = "STREAM,…", value_delimiter = ',')]
    pub streams: Option<Vec<Stream>>,
}

/// What the doctor is to look at.
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{DOCTOR_HELP}\n\n{}", stage::LEGEND))]
pub struct DoctorArgs {
    /// Which service.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub connection: ConnectionArgs,
    /// Headset to check, such as EPOCX-1A2B3C4D [default: the one that is connected, or the only one]
    #[arg(long, value_name = "ID", help_heading = None)]
    pub headset: Option<HeadsetId>,
    /// Print JSON
    #[arg(long, help_heading = None)]
    pub json: bool,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// What is printed of the samples.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = WATCH_HELP)]
pub struct WatchArgs {
    /// Which service and how to use it.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub service: ServiceArgs,
    /// One JSON object a sample, or one line of values a sample of a single stream
    #[arg(long, value_enum, default_value_t, hide_possible_values = false, help_heading = None)]
    pub format: Format,
    /// How long, such as 10s, 2m, 500ms or 10 (seconds) [default: until Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = None)]
    pub duration: Option<Duration>,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// What is exchanged with other programs.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ExchangeArgs {
    /// Address of this machine where LSL is spoken, 0.0.0.0 for all; on any but the default, other
    /// machines can read
    #[arg(long, value_name = "ADDR", default_value_t = Ipv4Addr::LOCALHOST)]
    pub lsl_interface: Ipv4Addr,
    /// Take markers from the LSL stream of this name or type
    #[arg(long, value_name = "NAME")]
    pub markers_lsl: Option<String>,
    /// Take markers over UDP.
    #[arg(long, value_name = "PORT", value_parser = listening, help = MARKERS_UDP_HELP)]
    pub markers_udp: Option<SocketAddr>,
    /// The same over TCP
    #[arg(long, value_name = "PORT", value_parser = listening)]
    pub markers_tcp: Option<SocketAddr>,
}

impl Default for ExchangeArgs {
    fn default() -> Self {
        Self {
            lsl_interface: Ipv4Addr::LOCALHOST,
            markers_lsl: None,
            markers_udp: None,
            markers_tcp: None,
        }
    }
}

/// What is served by Lab Streaming Layer.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = LSL_HELP)]
pub struct LslArgs {
    /// Which service and how to use it.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub service: ServiceArgs,
    /// With whom.
    #[command(flatten, next_help_heading = "Other programs")]
    pub exchange: ExchangeArgs,
    /// How long, such as 10s, 2m, 500ms or 10 (seconds) [default: until Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = None)]
    pub duration: Option<Duration>,
    /// Print JSON, one object a line
    #[arg(long, help_heading = None)]
    pub json: bool,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// A form of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a sample.
    #[default]
    Jsonl,
    /// A line of column names, then one line of values a sample.
    Csv,
}

/// How a list is printed.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// Which service.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub connection: ConnectionArgs,
    /// Print JSON in place of a table
    #[arg(long, help_heading = None)]
    pub json: bool,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// How to show it: of the monitor and the demo, which have a screen.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct DisplayArgs {
    /// Frames a second, 1 to 60 [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=60))]
    pub fps: Option<u16>,
    /// Most bytes a second to the terminal, for slow links
    #[arg(long, value_name = "KB/s", value_parser = max_rate)]
    pub max_rate: Option<f64>,
    /// Draw without braille and box characters
    #[arg(long)]
    pub ascii: bool,
    /// Use the mouse: a click focuses and selects, the wheel scrolls; Shift selects text
    #[arg(long)]
    pub mouse: bool,
    /// Redraw each run of cells with its position and style, for terminals that garble the compact output
    #[arg(long, alias = "plain-output")]
    pub full_redraw: bool,
    /// Colour theme: auto, ansi, light, mono, high-contrast, hues-dark, hues-light, pastel, colour-blind, or
    /// one of your own; auto follows the terminal's background [default: auto]
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// Configuration and log, of whatever uses a Cortex service.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct CommonArgs {
    /// Config file in place of the usual one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Append the log to a file too
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// Log more; -vv also what this program does step by step
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl DisplayArgs {
    /// What is set here, else what is set there: each flag may stand before or after the subcommand.
    fn or(self, other: Self) -> Self {
        Self {
            fps: self.fps.or(other.fps),
            max_rate: self.max_rate.or(other.max_rate),
            ascii: self.ascii || other.ascii,
            mouse: self.mouse || other.mouse,
            full_redraw: self.full_redraw || other.full_redraw,
            theme: self.theme.or(other.theme),
            common: self.common.or(other.common),
        }
    }
}

impl CommonArgs {
    fn or(self, other: Self) -> Self {
        Self {
            config: self.config.or(other.config),
            log_file: self.log_file.or(other.log_file),
            verbose: self.verbose.saturating_add(other.verbose),
        }
    }
}

/// What the demo simulates.
#[derive(Args, Clone, Debug)]
#[command(after_help = DEMO_HELP)]
pub struct DemoArgs {
    /// Recording to play in a loop: a CSV, EDF, BDF or XDF file; - is standard input
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Headsets to simulate, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub headsets: u8,
    /// Their model
    #[arg(long, default_value = "epocx", value_parser = model_parser())]
    pub model: Model,
    /// Seed of the signal: the same seed gives the same signal
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Its licence.
    #[command(flatten)]
    pub licence: LicenceArgs,
    /// What is exchanged with other programs.
    #[command(flatten, next_help_heading = "Other programs")]
    pub exchange: ExchangeArgs,
    /// How to show it.
    #[command(flatten, next_help_heading = "Display")]
    pub display: DisplayArgs,
}

/// The simulated licence.
#[derive(Args, Clone, Debug)]
pub struct LicenceArgs {
    /// Scopes of the licence: eeg,pm, one of them, or none
    #[arg(long, value_name = "SCOPE,…", default_value = "eeg,pm", value_parser = scopes)]
    pub scopes: Scopes,
    /// Activations left on this computer; authorize with debit moves more here from the licence
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub activations: u32,
}

/// Between which clients and which service messages are passed on.
#[derive(Args, Clone, Debug)]
#[command(after_help = PROXY_HELP)]
pub struct ProxyArgs {
    /// Port of this machine to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub listen: u16,
    /// Address of the Cortex service, ws:// or wss://
    #[arg(long, value_name = "URL", default_value = "wss://localhost:6868")]
    pub to: String,
    /// Root certificate of the service to trust beside the system's
    #[arg(long, value_name = "PEM")]
    pub ca_file: Option<PathBuf>,
    /// Skip checks of the service's certificate; only for a service on this machine
    #[arg(long)]
    pub insecure: bool,
    /// Serve plain WebSocket in place of TLS
    #[arg(long)]
    pub ws: bool,
    /// Write the root certificate to DIR/root.pem, for a client's ca_certs
    #[arg(long, value_name = "DIR", conflicts_with = "ws")]
    pub ca_out: Option<PathBuf>,
    /// Write the messages to a new file as JSON lines, without credentials and licences
    #[arg(long, value_name = "FILE")]
    pub capture: Option<PathBuf>,
    /// Form of the log on standard error; json has a line for each event and each advice [default:
    /// text]
    #[arg(long, value_enum, value_name = "FORM", hide_possible_values = false)]
    pub log: Option<LogForm>,
    /// Log neither requests nor advice
    #[arg(short, long, conflicts_with = "log")]
    pub quiet: bool,
    /// How to show it.
    #[command(flatten, next_help_heading = "Display")]
    pub display: DisplayArgs,
}

/// A form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// Lines to read.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Scopes of a licence; none for a basic one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes(pub Vec<String>);

/// What is simulated and how it is served.
#[derive(Args, Clone, Debug)]
#[command(after_help = SIM_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct SimArgs {
    /// Port to listen on; 0 takes a free one [default: 6868, with --exec a free one]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Serve plain WebSocket in place of TLS
    #[arg(long)]
    pub ws: bool,
    /// Write the root certificate to DIR/root.pem, for a client's ca_certs
    #[arg(long, value_name = "DIR", conflicts_with = "ws")]
    pub ca_out: Option<PathBuf>,
    /// A headset, up to 64 times.
    #[arg(long, value_name = "SPEC", help = SPEC_HELP)]
    pub headset: Vec<HeadsetConfig>,
    /// Recording to play in a loop in place of the synthetic signal; - is standard input
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// What goes wrong and when (TOML)
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Seed of the signal and of all ids: the same seed gives the same ones again [default: 1, with
    /// new ids of sessions and records each time]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Approve every application from the start, in place of 3 s after requestAccess
    #[arg(long)]
    pub approved: bool,
    /// Its licence.
    #[command(flatten)]
    pub licence: LicenceArgs,
    /// Seconds of the service that pass in a second: clocks, rates and delays
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Show clients, requests and advice on a screen, and have things go wrong by keys
    #[arg(long, conflicts_with_all = ["exec", "log", "quiet"])]
    pub watch: bool,
    /// Run a command through the shell once all is ready, with EMOTIV_CORTEX_URL, EMOTIV_CLIENT_ID,
    /// EMOTIV_CLIENT_SECRET and CORTOP_CA_FILE in its environment, and end with its exit status
    #[arg(long, value_name = "COMMAND")]
    pub exec: Option<String>,
    /// What clients are expected to do (TOML); exit status 1 and a list if they did not
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    /// Form of the log on standard error; json has a line for each event and each advice [default:
    /// text, with --exec of advice only]
    #[arg(long, value_enum, value_name = "FORM", hide_possible_values = false)]
    pub log: Option<LogForm>,
    /// Log neither requests nor advice
    #[arg(short, long, conflicts_with = "log")]
    pub quiet: bool,
    /// Address to listen on in place of 127.0.0.1 and ::1
    #[arg(long, value_name = "ADDR")]
    pub bind: Option<IpAddr>,
    /// Let clients call sim.fault, which makes things go wrong
    #[arg(long)]
    pub allow_control: bool,
    /// List what can go wrong, and end
    #[arg(long)]
    pub list_faults: bool,
    /// List what the simulator assumes where the protocol is not known for sure, and end
    #[arg(long, alias = "unsure")]
    pub assumptions: bool,
    /// How to show it.
    #[command(flatten, next_help_heading = "Display")]
    pub display: DisplayArgs,
}

impl Cli {
    /// Reads the arguments; ends the process with clap's message where they are not understood or
    /// ask for the help.
    #[must_use]
    pub fn read() -> Self {
        Self::try_parse()
            .and_then(Self::checked)
            .unwrap_or_else(|error| without_old_spellings(error).exit())
    }

    /// Takes over what a subcommand says of display, configuration and log; refuses what stands
    /// before one that has no use for it, which clap cannot tell by itself.
    pub(crate) fn checked(mut self) -> Result<Self, clap::Error> {
        let refuse = |why| Err(Self::command().error(ErrorKind::ArgumentConflict, why));
        if self.command.is_some() && self.service != ServiceArgs::default() {
            return refuse(
                "the flags for the Cortex service come after the subcommand, if it takes them",
            );
        }
        if self.command.is_some() && self.exchange != ExchangeArgs::default() {
            return refuse(
                "the flags for other programs come after the subcommand, if it takes them",
            );
        }
        let before = std::mem::take(&mut self.display);
        let own = match &self.command {
            None => DisplayArgs::default(),
            Some(CliCommand::Demo(demo)) => demo.display.clone(),
            Some(CliCommand::Sim(sim)) => sim.display.clone(),
            Some(CliCommand::Proxy(proxy)) => proxy.display.clone(),
            Some(command) => {
                let common = match command {
                    CliCommand::Doctor(args) => Some(&args.common),
                    CliCommand::Watch(args) => Some(&args.common),
                    CliCommand::Lsl(args) => Some(&args.common),
                    CliCommand::Headsets(args)
                    | CliCommand::Sessions(args)
                    | CliCommand::License(args)
                    | CliCommand::Records(args) => Some(&args.common),
                    _ => None,
                };
                let takes = DisplayArgs { common: before.common.clone(), ..DisplayArgs::default() };
                if before != takes {
                    return refuse(
                        "the flags for the screen are for what has one: cortop, demo, sim and proxy",
                    );
                }
                if common.is_none() && before.common != CommonArgs::default() {
                    return refuse("this subcommand reads no config file and writes no log");
                }
                let common = common.cloned().unwrap_or_default();
                DisplayArgs { common, ..DisplayArgs::default() }
            }
        };
        self.display = own.or(before);
        Ok(self)
    }
}

/// The same, with no spelling suggested that the help does not have.
fn without_old_spellings(mut error: clap::Error) -> clap::Error {
    let renamed = |text: &str| {
        let spellings = OLD_SPELLINGS.iter();
        spellings.fold(text.to_owned(), |text, (old, new)| {
            text.replace(&format!("--{old}"), &format!("--{new}"))
        })
    };
    let flag = match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(flag)) => Some(renamed(flag)),
        _ => None,
    };
    if let Some(flag) = flag {
        error.insert(ContextKind::SuggestedArg, ContextValue::String(flag));
    }
    let tips = match error.get(ContextKind::Suggested) {
        Some(ContextValue::StyledStrs(tips)) => {
            Some(tips.iter().map(|tip| renamed(&tip.ansi().to_string()).into()).collect())
        }
        _ => None,
    };
    if let Some(tips) = tips {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

/// The session policies and their names on the command line and in the config file.
pub const SESSIONS: [(&str, SessionPolicy); 3] = [
    ("auto", SessionPolicy::Auto),
    ("active", SessionPolicy::Active),
    ("open", SessionPolicy::Open),
];

/// The models of the demo.
const MODELS: [Model; 5] =
    [Model::EpocX, Model::EpocPlus, Model::Insight, Model::EpocFlex, Model::Mn8];

/// The value behind one of a few names.
#[must_use]
pub fn named<T: Copy>(names: &[(&str, T)], name: &str) -> Option<T> {
    names.iter().find(|(own, _)| *own == name).map(|&(_, value)| value)
}

fn session_parser() -> impl TypedValueParser<Value = SessionPolicy> {
    PossibleValuesParser::new(SESSIONS.map(|(name, _)| name))
        .map(|name| named(&SESSIONS, &name).unwrap_or_default())
}

fn model_parser() -> impl TypedValueParser<Value = Model> {
    let named = |name: &str| MODELS.into_iter().find(|model| model.option() == name);
    PossibleValuesParser::new(MODELS.map(Model::option))
        .map(move |name| named(&name).unwrap_or(Model::EpocX))
}

fn max_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().map_err(|_| "not a number".to_owned())?;
    check_max_rate(rate).map(|()| rate)
}

fn scopes(text: &str) -> Result<Scopes, String> {
    let names: Vec<_> = text.split(',').map(str::to_owned).collect();
    if text == "none" {
        Ok(Scopes(Vec::new()))
    } else if names.iter().all(|name| name == "eeg" || name == "pm") {
        Ok(Scopes(names))
    } else {
        Err("must be eeg, pm, eeg,pm or none".to_owned())
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=1000.0).contains(&speed) {
        Ok(speed)
    } else {
        Err("must be 0.01 to 1000".to_owned())
    }
}

/// A number is in seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as 10s, 2m, 500ms or 10 (seconds)".to_owned();
    let duration = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?,
        Err(_) => text
            .parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|duration| duration.try_into().ok())
            .ok_or_else(wrong)?,
    };
    if duration.is_zero() { Err("must be more than 0".to_owned()) } else { Ok(duration) }
}

/// A port alone is one of 127.0.0.1.
fn listening(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse::<u16>().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let address = port.or_else(|_| text.parse());
    let address = address.ok().filter(|address| address.port() > 0);
    address.ok_or_else(|| "write it as PORT or ADDR:PORT, such as 5005 or 0.0.0.0:5005".to_owned())
}

/// Whether a rate in kB/s can be kept.
///
/// # Errors
/// What a rate must be.
pub fn check_max_rate(rate: f64) -> Result<(), String> {
    if rate.is_finite() && rate > 0.0 { Ok(()) } else { Err("must be more than 0 kB/s".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' ')).and_then(Cli::checked)
    }

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help() {
        insta::assert_snapshot!(Cli::command().term_width(80).render_help());
    }

    #[test]
    fn help_of_the_subcommands() {
        let mut command = Cli::command().term_width(80);
        command.build();
        for name in
            ["demo", "sim", "proxy", "doctor", "watch", "lsl", "headsets", "records", "print"]
        {
            let subcommand = command.find_subcommand_mut(name).expect("a subcommand");
            insta::assert_snapshot!(format!("{name}_help"), subcommand.render_help());
        }
    }

    /// All commands, the top one first.
    fn commands() -> Vec<clap::Command> {
        let mut command = Cli::command().term_width(80);
        command.build();
        let mut all = vec![command.clone()];
        for subcommand in command.get_subcommands() {
            all.push(subcommand.clone());
            all.extend(subcommand.get_subcommands().cloned());
        }
        all
    }

    #[test]
    fn each_help_has_examples_that_are_understood() {
        for mut command in commands() {
            // The name of `cortop print config` and its like says it all.
            if command.get_arguments().all(|argument| argument.get_id() == "help") {
                continue;
            }
            let help = command.render_help().to_string();
            let (_, end) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{help}"));
            let lines = end.lines().take_while(|line| !line.is_empty());
            for line in lines.filter(|line| line.starts_with("  cortop")) {
                let line = line.trim().split(['|', '>']).next().expect("one");
                let line = line.split("  ").next().expect("one");
                parse(line.trim()).unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }

    #[test]
    fn no_old_spelling_is_suggested() {
        for command in commands() {
            for arg in command.get_arguments() {
                let all = arg.get_all_aliases().unwrap_or_default();
                let visible = arg.get_visible_aliases().unwrap_or_default();
                for old in all.iter().filter(|old| !visible.contains(old)) {
                    let new = arg.get_long().expect("a long one");
                    assert!(OLD_SPELLINGS.contains(&(old, new)), "{old}");
                }
            }
        }
        for line in ["cortop --plain", "cortop --plain-outpu", "cortop sim --plain-outpu"]
            .into_iter()
            .chain(["cortop headsets --plain-output", "cortop sim --unsur", "cortop --unsur"])
        {
            let error = without_old_spellings(parse(line).expect_err(line)).to_string();
            let error = error.replace(line.rsplit(' ').next().expect("one"), "");
            assert!(
                !error.contains("plain-output") && !error.contains("unsure"),
                "{line}: {error}"
            );
        }
    }

    #[test]
    fn every_spelling_is_understood() {
        let cli = parse(
            "cortop --url ws://127.0.0.1:1 --ca-file ca.pem --insecure --headset EPOCX-1A2B3C4D \
             --session open --debit 3 --streams eeg,mot --fps 60 --max-rate 0.5 --ascii \
             --theme mono --config c.toml --log-file l.txt -vvv",
        )
        .expect("valid");
        assert_eq!(cli.service.session, Some(SessionPolicy::Open));
        assert_eq!(cli.service.streams, Some(vec![Stream::Eeg, Stream::Mot]));
        assert_eq!((cli.display.fps, cli.display.common.verbose), (Some(60), 3));

        for before in ["cortop --fps 5 demo", "cortop demo --fps 5"] {
            let line = format!("{before} --replay r.csv --headsets 64 --model mn8 --seed 7 -v");
            let cli = parse(&line).expect("valid");
            assert_eq!((cli.display.fps, cli.display.common.verbose), (Some(5), 1));
            let Some(CliCommand::Demo(demo)) = cli.command else { panic!("{:?}", cli.command) };
            assert_eq!((demo.headsets, demo.model, demo.seed), (64, Model::Mn8, 7));
        }
        for (text, expected) in [
            ("", &["eeg", "pm"][..]),
            (" --scopes pm,eeg", &["pm", "eeg"]),
            (" --scopes eeg --activations 0", &["eeg"]),
            (" --scopes none", &[]),
        ] {
            let (demo, sim) = (format!("cortop demo{text}"), format!("cortop sim{text}"));
            let licences = [demo, sim].map(|line| match parse(&line).expect("valid").command {
                Some(CliCommand::Demo(demo)) => demo.licence,
                Some(CliCommand::Sim(sim)) => sim.licence,
                other => panic!("{other:?}"),
            });
            for licence in licences {
                let activations = if text.contains("--activations") { 0 } else { 1000 };
                assert_eq!(licence.scopes.0, expected);
                assert_eq!(licence.activations, activations);
            }
        }

        let cli = parse(
            "cortop sim --port 0 --ca-out ca --headset epocx@256 \
             --headset insight:INSIGHT-0A1B2C3D:off --replay r.csv --scenario s.toml --seed 7 \
             --speed 60 --quiet --bind 127.0.0.2 --allow-control --approved --exec pytest \
             --expect e.toml",
        )
        .expect("valid");
        let Some(CliCommand::Sim(sim)) = cli.command else { panic!("{:?}", cli.command) };
        assert_eq!((sim.port, sim.headset.len(), sim.ws), (Some(0), 2, false));
        assert!((sim.speed - 60.0).abs() < f64::EPSILON && sim.quiet && sim.allow_control);
        let cli = parse(
            "cortop watch --url ws://127.0.0.1:1 --streams eeg,mot --session open --format csv \
             --duration 500ms",
        )
        .expect("valid");
        let Some(CliCommand::Watch(watch)) = cli.command else { panic!("{:?}", cli.command) };
        assert_eq!(watch.service.streams, Some(vec![Stream::Eeg, Stream::Mot]));
        assert_eq!((watch.format, watch.duration), (Format::Csv, Some(Duration::from_millis(500))));
        let cli = parse(
            "cortop lsl --headset EPOCX-1 --streams eeg,dev --lsl-interface 0.0.0.0 --duration 2m \
             --json --markers-lsl PsychoPy --markers-udp 5005 --markers-tcp 0.0.0.0:5006",
        )
        .expect("valid");
        let Some(CliCommand::Lsl(lsl)) = cli.command else { panic!("{:?}", cli.command) };
        assert_eq!((lsl.exchange.lsl_interface, lsl.json), (Ipv4Addr::UNSPECIFIED, true));
        let ports = [lsl.exchange.markers_udp, lsl.exchange.markers_tcp];
        let ports = ports.map(|port| port.map(|port| port.to_string()).unwrap_or_default());
        assert_eq!(ports, ["127.0.0.1:5005", "0.0.0.0:5006"]);
        for (text, seconds) in [("10", 10.0), ("10s", 10.0), ("2m", 120.0), ("0.25", 0.25)] {
            assert_eq!(duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for name in ["doctor", "headsets", "sessions", "license", "records"] {
            for flags in ["", " --json", " --url ws://127.0.0.1:1 --ca-file ca.pem --insecure"] {
                parse(&format!("cortop {name}{flags}")).expect(name);
            }
        }
        for line in [
            "cortop sim",
            "cortop sim --ws",
            "cortop sim --list-faults --assumptions",
            "cortop sim --unsure",
            "cortop sim --watch --expect e.toml",
            "cortop sim --log json",
            "cortop proxy --listen 7000",
            "cortop proxy --listen 0 --to wss://localhost:1 --ca-file s.pem --ca-out ca --capture c.jsonl",
            "cortop demo --plain-output",
            "cortop --plain-output",
            "cortop --plain-output demo",
            "cortop -v --config c.toml headsets",
            "cortop watch --config c.toml --log-file l.txt -vv",
            "cortop doctor --config c.toml",
        ] {
            parse(line).expect(line);
        }
    }

    #[test]
    fn values_out_of_range_and_mixed_up_flags_are_refused() {
        for line in [
            "cortop --fps 0",
            "cortop --fps 61",
            "cortop --max-rate 0",
            "cortop --max-rate nan",
            "cortop --streams eeg,egg",
            "cortop --session maybe",
            "cortop demo --headsets 0",
            "cortop demo --headsets 65",
            "cortop demo --model epoc",
            "cortop sim --headset epocy",
            "cortop sim --speed 0",
            "cortop sim --scopes egg",
            "cortop sim --scopes eeg,none",
            "cortop demo --activations -1",
            "cortop demo --approved",
            "cortop sim --speed inf",
            "cortop sim --port 65536",
            "cortop sim --bind localhost",
            "cortop sim --ws --ca-out ca",
            "cortop sim --quiet --log json",
            "cortop proxy",
            "cortop proxy --listen 7000 --ws --ca-out ca",
            "cortop sim --log xml",
            "cortop sim --watch --exec true",
            "cortop --url ws://127.0.0.1:1 sim",
            "cortop demo --url ws://127.0.0.1:1",
            "cortop --insecure print config",
            "cortop --client-secret x",
            "cortop --url ws://127.0.0.1:1 watch",
            "cortop watch --duration 0",
            "cortop watch --duration -1s",
            "cortop watch --duration soon",
            "cortop watch --format xml",
            "cortop doctor --session active",
            "cortop headsets --streams eeg",
            "cortop lsl --markers-udp 0",
            "cortop lsl --markers-tcp localhost:1",
            "cortop lsl --lsl-interface ::1",
            "cortop sim --markers-udp 5005",
            "cortop --markers-udp 5005 watch",
            "cortop headsets --fps 5",
            "cortop --theme mono headsets",
            "cortop watch --ascii",
            "cortop --mouse print config",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
