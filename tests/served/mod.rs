//! `cortop sim` and `cortop proxy` as separate processes, for tests of programs.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

pub(crate) const CORTOP: &str = env!("CARGO_BIN_EXE_cortop");

/// A program that serves; killed when its test ends, however that ends.
pub(crate) struct Served {
    pub(crate) child: Child,
    /// Its address; empty until it is ready.
    pub(crate) url: String,
}

impl Served {
    /// A simulator that is ready.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::run(&[&["sim", "--port", "0"], args].concat())
    }

    /// A subcommand that serves and is ready.
    pub(crate) fn run(args: &[&str]) -> Self {
        Self::spawn(args, Stdio::null()).ready()
    }

    /// A subcommand that may wait for its input before it is ready.
    pub(crate) fn spawn(args: &[&str], input: Stdio) -> Self {
        let child = Command::new(CORTOP)
            .args(args)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        Self { child, url: String::new() }
    }

    /// Waits until it serves.
    pub(crate) fn ready(mut self) -> Self {
        let mut line = String::new();
        let mut output = BufReader::new(self.child.stdout.take().expect("piped"));
        output.read_line(&mut line).expect("a line");
        line.trim_end().strip_prefix("READY ").expect("READY").clone_into(&mut self.url);
        self
    }

    /// Sends it a signal; returns its exit code and output.
    pub(crate) fn end(&mut self, signal: Signal) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), signal).expect("signalled");
        let status = self.child.wait().expect("ended");
        let mut said = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        (status.code(), said)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended already if the test passed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
