"""Shared by the tests of Lab Streaming Layer: a network of their own if the system allows one, and programs
whose output is read."""

import atexit
import fcntl
import os
import queue
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

RATE = 256
CHANNELS = 32
PATIENCE = 30
HEADSET = "FLEX2-0A1B2C3D"
EEG = f"cortop-{HEADSET}-EEG"


def own_network():
    """Continues in a network of its own."""
    if os.environ.get("CORTOP_LSL_NETWORK") == "own":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            up = struct.pack("16sh14s", b"lo", 0x1 | 0x40, b"")
            fcntl.ioctl(one, 0x8914, up)  # SIOCSIFFLAGS: IFF_UP, IFF_RUNNING
        return "a network of its own"
    alone = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") and subprocess.run([*alone, "true"], stderr=subprocess.DEVNULL).returncode == 0:
        environment = {**os.environ, "CORTOP_LSL_NETWORK": "own"}
        os.execvpe("unshare", [*alone, sys.executable, *sys.argv], environment)
    return "the loopback of this machine"


WHERE = own_network()
with tempfile.NamedTemporaryFile("w", suffix=".cfg", delete=False) as quiet:
    quiet.write("[log]\nlevel = -3\n")
os.environ["LSLAPICFG"] = quiet.name
atexit.register(os.unlink, quiet.name)


class Program:
    """A process whose lines of output are collected."""

    def __init__(self, program, *args):
        home = tempfile.mkdtemp()
        environment = {
            **os.environ,
            "XDG_CONFIG_HOME": home,
            "EMOTIV_CLIENT_ID": "lsl",
            "EMOTIV_CLIENT_SECRET": "secret",
        }
        self.process = subprocess.Popen(
            [program, *args], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment
        )
        atexit.register(self.process.kill)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def until(self, wanted):
        deadline = time.time() + PATIENCE
        while True:
            line = self.lines.get(timeout=max(0.1, deadline - time.time()))
            if wanted(line):
                return line

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(timeout=PATIENCE)


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def simulator(program):
    """A simulated headset of 32 channels, and the URL of its service."""
    sim = Program(
        program, "sim", "--ws", "--port", "0", "--quiet", "--approved", "--seed", "7",
        "--headset", f"flex2@{RATE}:{HEADSET}",
    )
    return sim, sim.until(lambda line: line.startswith("READY")).split()[1]
