//! Asks the terminal whether it supports synchronized output. Only for commands without a screen:
//! nothing else may read the terminal meanwhile.

use std::time::Duration;

/// How long a terminal may take to answer, also over a slow line. A later answer would appear at the
/// shell's prompt as if it had been typed.
#[cfg(unix)]
const LIMIT: Duration = Duration::from_secs(5);

/// Ctrl-C, which is a mere character in raw mode.
#[cfg(unix)]
const INTERRUPT: u8 = 3;

/// DECRQM for mode 2026, then DA1. Every terminal answers DA1, so one without DECRQM causes no wait.
#[cfg(unix)]
const QUESTION: &[u8] = b"\x1b[?2026$p\x1b[c";

/// Whether the terminal supports synchronized output; `None` if it does not say.
#[must_use]
pub fn synchronized() -> Option<bool> {
    #[cfg(unix)]
    return reply(LIMIT).and_then(|reply| supported(&reply));
    #[cfg(not(unix))]
    None
}

/// What the terminal sends until it has answered DA1 or the time is up.
#[cfg(unix)]
fn reply(limit: Duration) -> Option<Vec<u8>> {
    use std::{
        io::{self, Write as _},
        time::Instant,
    };

    use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        termios::{QueueSelector, tcflush},
    };

    /// Restores the terminal on every way out and discards the rest of its answers.
    struct Raw;
    impl Drop for Raw {
        fn drop(&mut self) {
            let _ = tcflush(io::stdin(), QueueSelector::IFlush);
            let _ = disable_raw_mode();
        }
    }

    enable_raw_mode().ok()?;
    let _raw = Raw;
    let mut stdout = io::stdout();
    stdout.write_all(QUESTION).and_then(|()| stdout.flush()).ok()?;

    let stdin = io::stdin();
    let deadline = Instant::now() + limit;
    let mut reply = Vec::new();
    while !has_answered(&reply) && !reply.contains(&INTERRUPT) {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).ok()?;
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        if poll(&mut ready, Some(&left)).ok()? == 0 {
            break;
        }
        let mut bytes = [0; 64];
        match rustix::io::read(&stdin, &mut bytes).ok()? {
            0 => break,
            count => reply.extend_from_slice(&bytes[..count]),
        }
    }
    Some(reply)
}

/// Whether the answer to DA1 is there: `CSI ? … c`.
#[cfg(unix)]
fn has_answered(reply: &[u8]) -> bool {
    reply.windows(3).enumerate().filter(|(_, start)| *start == b"\x1b[?").any(|(at, _)| {
        reply[at + 3..].iter().find(|byte| byte.is_ascii_alphabetic()) == Some(&b'c')
    })
}

/// Reads `CSI ? 2026 ; n $ y`: 1 set, 2 reset, 3 always set; 0 unknown, 4 always reset.
#[cfg(unix)]
fn supported(reply: &[u8]) -> Option<bool> {
    const START: &[u8] = b"\x1b[?2026;";
    let at = reply.windows(START.len()).position(|window| window == START)?;
    match reply.get(at + START.len()..)? {
        [b'1'..=b'3', b'$', b'y', ..] => Some(true),
        [b'0' | b'4', b'$', b'y', ..] => Some(false),
        _ => None,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_a_report_on_the_mode_counts() {
        for (reply, expected) in [
            (&b"\x1b[?2026;2$y\x1b[?62;c"[..], Some(true)),
            (b"\x1b[?2026;1$y", Some(true)),
            (b"\x1b[?2026;0$y\x1b[?1;2c", Some(false)),
            (b"\x1b[?2026;4$y", Some(false)),
            (b"\x1b[?1;2c", None),
            (b"x\x1b[?2026;", None),
            (b"", None),
        ] {
            assert_eq!(supported(reply), expected, "{reply:?}");
        }
        assert!(has_answered(b"\x1b[?2026;2$y\x1b[?62;22c"));
        assert!(!has_answered(b"\x1b[?2026;2$y\x1b[?62;2") && !has_answered(b"c"));
    }
}
