//! The terminal as a file: unbuffered standard output, and a second handle for writes that never block. Knows
//! bytes only.

use std::{fs::File, io};

/// Standard output without the line buffer of [`io::stdout`].
#[cfg(unix)]
pub(super) fn stdout() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

/// Standard output; the console's own encoding needs the standard library's writer.
#[cfg(not(unix))]
pub(super) fn stdout() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

/// The terminal at standard output, opened a second time for non-blocking writes: `O_NONBLOCK` belongs to the
/// open file, which standard output shares with the shell.
#[cfg(unix)]
pub(super) fn nonblocking_stdout() -> Option<File> {
    use rustix::fs::{Mode, OFlags};
    let name = rustix::termios::ttyname(io::stdout(), Vec::new()).ok()?;
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Some(rustix::fs::open(name, flags, Mode::empty()).ok()?.into())
}

/// Not available on this system.
#[cfg(not(unix))]
pub(super) fn nonblocking_stdout() -> Option<File> {
    None
}
