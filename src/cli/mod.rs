//! The command line: its spellings are a contract. Reads no environment and no files; [`crate::config`]
//! resolves what the flags leave open.

#![expect(clippy::doc_markdown, reason = "clap prints these comments as the help")]

mod args;
mod help;
#[cfg(test)]
mod tests;
mod values;

use clap::{
    CommandFactory, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use clap_complete::Shell;

use self::help::{AFTER_HELP, COMPLETIONS_HELP, MAN_HELP, PRINT_HELP, list_help};
pub use self::{
    args::{
        CaptureArgs, CommonArgs, ConnectionArgs, DemoArgs, DisplayArgs, DoctorArgs, ExchangeArgs,
        LabArgs, LicenceArgs, ListArgs, LogForm, LoginArgs, LslArgs, MetricsArgs, OpenArgs,
        OutputFormat, ProxyArgs, RecordArgs, ReportArgs, SecretStore, ServiceArgs, SimArgs,
        StationArgs, TrustArgs, WatchArgs,
    },
    values::{
        METRICS, NO_SCOPES, SCOPES, SESSIONS, Scopes, check_max_rate, metrics_address, named,
    },
};

/// Old spellings that are still accepted, and the current ones, which are suggested instead.
const OLD_SPELLINGS: [(&str, &str); 2] =
    [("plain-output", "full-redraw"), ("unsure", "assumptions")];

/// Terminal monitor for EMOTIV headsets: contact quality, EEG and every other Cortex stream, live
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do instead of running the monitor.
    #[command(subcommand)]
    pub command: Option<CliCommand>,
    /// The service, and how to use it.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub service: ServiceArgs,
    /// LSL and markers of other programs.
    #[command(flatten, next_help_heading = "Other programs")]
    pub exchange: ExchangeArgs,
    /// The display.
    #[command(flatten, next_help_heading = "Display")]
    pub display: DisplayArgs,
}

/// What to do instead of running the monitor.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Run the monitor on a simulated headset: no account, no headset, no network
    Demo(DemoArgs),
    /// Replay a capture in the monitor
    Open(OpenArgs),
    /// Run a simulated Cortex service for any client, until Ctrl-C
    Sim(Box<SimArgs>),
    /// Relay messages between clients and a real service, and log what the clients do
    Proxy(ProxyArgs),
    /// Ask for client id and secret, check them with Cortex, and store them
    Login(LoginArgs),
    /// Show the certificate of the service on this machine, and store it if you trust it
    Trust(TrustArgs),
    /// Check everything between you and the samples, step by step
    Doctor(DoctorArgs),
    /// Print samples to standard output, without a screen
    Watch(WatchArgs),
    /// Serve a headset's streams by Lab Streaming Layer (LSL), without a screen
    Lsl(LslArgs),
    /// Record a headset's samples to CSV, EDF+, BDF+ or JSON lines, without a screen
    Record(RecordArgs),
    /// Capture all messages to and from Cortex in a file, without a screen
    Capture(CaptureArgs),
    /// Report on a recording: is it complete, was contact good, is it EEG
    Report(ReportArgs),
    /// Serve battery, contact, rate, loss and more for Prometheus, without a screen
    Metrics(MetricsArgs),
    /// Publish the state of this computer's headsets for a lab (MQTT), without a screen
    Station(StationArgs),
    /// Show the headsets of all stations of a broker (MQTT) on one screen
    Lab(LabArgs),
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
    /// A commented config file with every setting and key
    Config,
    /// A commented theme file with every token as in the theme ansi
    Theme,
    /// The JSON schema of the config file
    Schema,
    /// The JSON schema of what stations publish over MQTT
    MqttSchema,
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

impl Cli {
    /// Reads the arguments; exits with clap's message if they are invalid or ask for help.
    #[must_use]
    pub fn read() -> Self {
        Self::try_parse()
            .and_then(Self::checked)
            .unwrap_or_else(|error| without_old_spellings(error).exit())
    }

    /// Merges the subcommand's options for display, configuration and log; rejects options before a
    /// subcommand that does not use them, which clap cannot check itself.
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
            Some(CliCommand::Open(open)) => open.display.clone(),
            Some(CliCommand::Sim(sim)) => sim.display.clone(),
            Some(CliCommand::Proxy(proxy)) => proxy.display.clone(),
            Some(CliCommand::Lab(lab)) => lab.display.clone(),
            Some(command) => {
                let common = match command {
                    CliCommand::Login(args) => Some(&args.common),
                    CliCommand::Trust(args) => Some(&args.common),
                    CliCommand::Doctor(args) => Some(&args.common),
                    CliCommand::Watch(args) => Some(&args.common),
                    CliCommand::Lsl(args) => Some(&args.common),
                    CliCommand::Capture(args) => Some(&args.common),
                    CliCommand::Metrics(args) => Some(&args.common),
                    CliCommand::Station(args) => Some(&args.common),
                    CliCommand::Record(args) => Some(&args.common),
                    CliCommand::Headsets(args)
                    | CliCommand::Sessions(args)
                    | CliCommand::License(args)
                    | CliCommand::Records(args) => Some(&args.common),
                    _ => None,
                };
                let takes = DisplayArgs { common: before.common.clone(), ..DisplayArgs::default() };
                if before != takes {
                    return refuse(
                        "the flags for the screen are for what has one: cortop, demo, lab, open, sim and proxy",
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

/// The same error, without suggestions that the help does not list.
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
