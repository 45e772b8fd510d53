//! Help texts longer than the line of a flag: examples, exit statuses, and notes on a whole command.

pub(super) const AFTER_HELP: &str = "\
Examples:
  cortop demo                       look around, without a headset or an account
  cortop doctor                     find out what is missing
  cortop --session open             without the licence: no EEG, nothing debited
  cortop --streams eeg,mot --max-rate 20
                                    over a slow connection

Credentials are never arguments: set EMOTIV_CLIENT_ID and EMOTIV_CLIENT_SECRET, or \
put client_id and client_secret into the config file. Without a headset or an account: cortop demo

Exit status: 0 quit · 1 failed while running · 2 could not start as asked (arguments, config, \
credentials, not a terminal) · 10 to 24 a command without a screen could not go on (cortop doctor \
--help lists them) · 101 a fault of the program · 128+n ended by signal n

If its output is piped or redirected, cortop without a subcommand does what cortop watch does.";

pub(super) const WATCH_HELP: &str = "\
Examples:
  cortop watch --streams eeg --format csv --duration 10s > eeg.csv
  cortop watch --streams met,fac | jq .

Values are as Cortex sent them: not filtered, null where there is none. Refused streams are named \
on standard error. Ctrl-C, the end of --duration and a reader that closes the pipe (| head) end it \
with exit status 0, and close the session that cortop opened.

Before the first sample, a problem that only you can fix ends it, with an exit status of cortop \
doctor --help; afterwards it waits for whatever is lost to come back.";

pub(super) const LSL_HELP: &str = "\
Examples:
  cortop lsl
  cortop lsl --markers-udp 5005     with markers from another program

Each stream of numbers becomes an LSL stream, named after headset and content, such as \
cortop-EPOCX-1A2B3C4D-EEG; markers are an LSL stream of strings. Values are as Cortex sent them, EEG in \
microvolts. Ctrl-C and the end of --duration end it with exit status 0.

Markers from outside go into the running record, if there is one, and to the LSL stream of markers.

Before the first sample, a problem that only you can fix ends it, with an exit status of cortop \
doctor --help; afterwards it waits for whatever is lost to come back.";

pub(super) const REPORT_HELP: &str = "\
Examples:
  cortop report session.jsonl.zst
  cortop report recording.edf --html report.html
  cortop report recording.csv --json | jq .loss

Reports on a recording (CSV, EDF, BDF, XDF, or a capture): duration, gaps and loss, rate, contact by \
sensor over time, when a channel was railed, flat or off level, the share of mains, band powers, also \
with eyes open and closed if markers say so, and the markers. A file of gigabytes needs no more \
memory than a short one.";

pub(super) const OPEN_HELP: &str = "\
Examples:
  cortop open session.jsonl.zst
  cortop open --theme mono app.jsonl

The monitor shows what cortop capture, C in the monitor or cortop proxy --capture has captured, each \
pane as it was at that time. It also opens JSON lines with stream, time and data (or values). Space \
pauses and resumes, { and } change the speed, comma and period move 10 s back and forward, ( and ) \
move from marker to marker, @ moves to a time.";

pub(super) const CAPTURE_HELP: &str = "\
Examples:
  cortop capture session.jsonl.zst
  cortop capture --duration 10m --streams eeg,dev trouble.jsonl

All messages are written with their times, requests included, as JSON lines; compressed if the name \
ends with .zst. Credentials, tokens and licences are removed, EEG and names are not. cortop \
open shows it, cortop sim --replay plays it.

Ctrl-C and the end of --duration end it with exit status 0. Before the first sample, a problem \
that only you can fix ends it, with an exit status of cortop doctor --help; afterwards it waits for \
whatever is lost to come back.";

pub(super) const METRICS_HELP: &str = "\
Examples:
  cortop metrics --session open
  cortop metrics --listen 0.0.0.0:9464
                                    other machines can read them, too

Serves headsets, battery, contact, rate, loss, age, delay, clock offset, sessions and records at \
/metrics, for Prometheus and whatever reads its format. Prints READY and the address, keeps running \
whatever the service does, and ends with Ctrl-C or --duration, with exit status 0.";

pub(super) const STATION_HELP: &str = "\
Examples:
  cortop station --broker mqtts://broker.example.org --name PC-03
  cortop station --broker mqtt://localhost --accept-markers

Publishes the headsets' state, contact, rate, loss, battery, record and alerts after each change, at \
most once a second. User and password, or certificate, are set in [mqtt] of the config file. Prints \
READY once it publishes, and keeps running whatever service and broker do.

Exit status: 0 ended by Ctrl-C, SIGTERM or --duration · 2 could not start as asked, such as a name that \
another station has, or published nothing within --duration";

pub(super) const LAB_HELP: &str = "\
Examples:
  cortop lab --broker mqtts://broker.example.org

Shows what every `cortop station` of the broker publishes: headsets, contact, rate, loss, battery, \
records, alerts, and which stations are gone and since when. m sends one marker to all stations that accept markers. \
User and password, or certificate, are set in [mqtt] of the config file.";

pub(super) const RECORD_HELP: &str = "\
Examples:
  cortop record --title sleep --subject 07 --format csv,edf --out recordings
  cortop record --format bdf --duration 8h --markers-udp 5005
  cortop record --bids 07 --task rest --mains 50 --out study

The files are named after title, subject, headset and time; an existing file is never overwritten. \
Values are as Cortex sent them, neither filtered nor referenced. CSV has the columns of EmotivPRO's \
exports, and its markers in files beside it; EDF and BDF have each sample at its time, with what was \
lost filled in and annotated BAD_ACQ_SKIP; jsonl has what cortop watch prints.

With --bids, DIR (default: bids) is a BIDS dataset: EEG as edf, or as bdf, with its sidecars, and \
other formats under sourcedata.

Samples are on the disk within a second: after a power cut or kill -9 the files open and lack no more \
than that. Ctrl-C, SIGTERM and the end of --duration end it with exit status 0.

Before the first sample, a problem that only you can fix ends it, with an exit status of cortop \
doctor --help; afterwards it waits for whatever is lost to come back.";

pub(super) const DEMO_HELP: &str = "\
Examples:
  cortop demo
  cortop demo --headsets 16 --model insight
                                    a room full of them
  cortop demo --lab 12              a lab of twelve computers, over a broker
  cortop demo --scopes none         what a basic licence gives
  cortop demo --replay recording.csv
                                    your own data";

pub(super) const SIM_HELP: &str = "\
Examples:
  cortop sim --approved --ca-out .  then: cortop --ca-file root.pem
  cortop sim --ws --port 7000       then: cortop --url ws://127.0.0.1:7000
  cortop sim --exec pytest          the tests of your application, then the end
  cortop sim --headset epocx@256 --headset insight:INSIGHT-0A1B2C3D:off
  cortop sim --scenario faults.toml
                                    the faults of --list-faults, on a schedule

Any client id and secret will do.";

pub(super) const PROXY_HELP: &str = "\
Examples:
  cortop proxy --listen 7000 --ws   then connect your application to ws://127.0.0.1:7000
  cortop proxy --listen 7000 --ca-out . --capture session.jsonl";

pub(super) const LOGIN_HELP: &str = "\
Examples:
  cortop login
  cortop login --store file         on a machine without a desktop
  cortop login --forget

Client id and secret are those of a Cortex application of your EMOTIV account. The secret is not \
shown as you type it. If standard input is not a terminal, its first line is the id and its second \
the secret. Only what Cortex has accepted is stored. EMOTIV_CLIENT_ID and \
EMOTIV_CLIENT_SECRET in the environment override what is stored.

Exit status: 0 stored, or removed · 1 cannot be stored · 10 to 24 the check that failed (cortop doctor \
--help lists them)";

pub(super) const TRUST_HELP: &str = "\
Examples:
  cortop trust
  cortop trust --url wss://localhost:7000
  cortop trust --forget

For a service on this machine whose certificate leads to no root that the system knows. The \
certificate that you trust is stored beside the config file; if the service presents another one \
later, cortop refuses to connect, and says so.

Exit status: 0 trusted, or nothing to do · 1 not trusted · 12 the service cannot be reached · 13 it \
does not speak TLS";

pub(super) const DOCTOR_HELP: &str = "\
Examples:
  cortop doctor
  cortop doctor --headset EPOCX-1A2B3C4D
  cortop doctor --json | jq .";

pub(super) const PRINT_HELP: &str = "\
Examples:
  cortop print config > ~/.config/cortop/config.toml
  cortop print theme > ~/.config/cortop/themes/mine.toml";

pub(super) const MAN_HELP: &str = "\
Examples:
  cortop print man | man -l -
  cortop print man sim > cortop-sim.1";

pub(super) const COMPLETIONS_HELP: &str = "\
Examples:
  cortop print completions bash > ~/.local/share/bash-completion/completions/cortop
  cortop print completions zsh > ~/.zfunc/_cortop
  cortop print completions fish > ~/.config/fish/completions/cortop.fish";

pub(super) const LIST_HELP: &str = "\
Opens no session and debits no licence. Exit status: 0 printed · 10 to 24 could not go on \
(cortop doctor --help lists them) · 2 could not start as asked

Times are in this computer's time zone; --json has them as Cortex sent them.";

/// The end of a list's help: its invocation, then the notes common to all lists.
macro_rules! list_help {
    ($($line:literal)+) => {
        format!(concat!("Examples:\n", $("  cortop ", $line, "\n",)+ "\n{}"), $crate::cli::help::LIST_HELP)
    };
}
pub(super) use list_help;

/// Not a doc comment, in which the brackets would be a link.
pub(super) const MARKERS_UDP_HELP: &str =
    "Take markers as lines LABEL [VALUE] over UDP at this port of 127.0.0.1, or at ADDR:PORT";

/// Not a doc comment, in which the brackets would be links.
pub(super) const SPEC_HELP: &str = "Headset as model[@eegRate][:id][:state], such as epocx@256 or \
insight:INSIGHT-0A1B2C3D:off; up to 64 [default: epocx]";
