#!/usr/bin/env python3
"""Reads what `PROGRAM lsl` serves with liblsl (pylsl), sends markers to it, and ends either side in
between: `lsl.py PROGRAM [SECONDS]`. Starts a simulated headset of 32 channels at 256 Hz itself, in a
network of its own where the system lets it."""

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from lsl_setup import (
    CHANNELS, EEG, HEADSET, PATIENCE, RATE, WHERE, Program, free_port, simulator,
)

import pylsl  # liblsl looks at the network when it is loaded, which is the test's own by now

RECEIVERS = 4


def found(predicate, minimum=1):
    streams = pylsl.resolve_bypred(predicate, minimum, PATIENCE)
    assert len(streams) >= minimum, f"{predicate}: {[stream.name() for stream in streams]}"
    return streams


def found_by_properties(name, source_id):
    """Programs that query by one property, over IPv4 only or over both, find the stream and read it."""
    ask = "import sys, pylsl; own = pylsl.resolve_byprop(sys.argv[1], sys.argv[2], 1, 30); " \
        "assert [one.name() for one in own] == [sys.argv[3]], own; " \
        "inlet = pylsl.StreamInlet(own[0]); assert inlet.pull_sample(timeout=30)[0]"
    for version in ("disable", "allow"):
        with tempfile.NamedTemporaryFile("w", suffix=".cfg") as settings:
            settings.write(f"[ports]\nIPv6 = {version}\n[log]\nlevel = -3\n")
            settings.flush()
            environment = {**os.environ, "LSLAPICFG": settings.name}
            for prop, value in [("name", name), ("type", "EEG"), ("source_id", source_id)]:
                command = [sys.executable, "-c", ask, prop, value, name]
                asked = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
                assert asked.returncode == 0, (version, prop, asked.stderr)


class Receiver(threading.Thread):
    """Reads a numeric stream sample by sample, like a program that reacts to each."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.inlet = pylsl.StreamInlet(found(f"name='{name}'")[0], max_buflen=60)
        self.inlet.open_stream(PATIENCE)
        self.samples = []
        self.going = True

    def run(self):
        while self.going:
            values, stamp = self.inlet.pull_sample(timeout=0.5)
            if values is not None:
                self.samples.append((stamp, pylsl.local_clock() - stamp, tuple(values)))

    def stop(self):
        self.going = False
        self.join(PATIENCE)
        return self.samples


def check_description(stream):
    info = pylsl.StreamInlet(stream).info(PATIENCE)
    assert (info.nominal_srate(), info.channel_count()) == (RATE, CHANNELS), info.as_xml()
    assert info.source_id() == f"cortop:{HEADSET}:EEG", info.source_id()
    assert info.desc().child_value("manufacturer") == "EMOTIV"
    labels = info.get_channel_labels()
    assert labels[0] == "Cz" and len(set(labels)) == CHANNELS, labels
    assert set(info.get_channel_units()) == {"microvolts"}, info.get_channel_units()
    channel = info.desc().child("channels").child("channel")
    assert float(channel.child("location").child_value("Z")) == 85.0, info.as_xml()
    uncertainty = info.desc().child("synchronization").child_value("uncertainty")
    assert 0 < float(uncertainty) < 0.1, info.as_xml()
    return float(uncertainty)


def check_samples(all_samples):
    """Nothing is missing, the timestamps are regular and the receivers agree."""
    gaps = 0
    for samples in all_samples:
        steps = [after[0] - before[0] for before, after in zip(samples, samples[1:])]
        gaps += sum(not 0 < step < 1.5 / RATE for step in steps)
    start = max(samples[0][0] for samples in all_samples)
    end = min(samples[-1][0] for samples in all_samples)
    common = [[(s[0], s[2]) for s in samples if start <= s[0] <= end] for samples in all_samples]
    assert all(samples == common[0] for samples in common), "receivers differ"
    rate = (len(common[0]) - 1) / (end - start)
    assert abs(rate - RATE) < 2, rate
    assert gaps == 0, f"{gaps} gaps"
    return len(common[0])


def check_delay(all_samples):
    delays = sorted(sample[1] for samples in all_samples for sample in samples)
    text = ", ".join(
        f"{name} {1000 * value:.1f} ms"
        for name, value in [
            ("median", statistics.median(delays)),
            ("99 %", delays[int(0.99 * len(delays))]),
            ("most", delays[-1]),
        ]
    )
    assert -0.02 < delays[0] and statistics.median(delays) < 0.2, text
    return text


def check_markers(name, udp, tcp):
    """Markers from outside come back with their times."""
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo("task", "Markers", 1, 0, "string", "task of the test"))
    assert outlet.wait_for_consumers(PATIENCE), "nobody takes the LSL markers"
    inlet = pylsl.StreamInlet(found(f"name='{name}'")[0])
    inlet.open_stream(PATIENCE)
    off = []

    def expect(text, stamp):
        values, got = inlet.pull_sample(timeout=PATIENCE)
        assert values == [text], values
        off.append(abs(got - stamp))

    time.sleep(0.3)
    for at in range(5):
        stamp = pylsl.local_clock() - 0.1 * at
        outlet.push_sample([f"stimulus {at}"], stamp)
        expect(f"stimulus {at}", stamp)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"\x00\xff" * 2000, ("127.0.0.1", udp))
        stamp = pylsl.local_clock()
        one.sendto(b"key 7\n", ("127.0.0.1", udp))
    values, got = inlet.pull_sample(timeout=PATIENCE)
    while values != ["key 7"]:
        values, got = inlet.pull_sample(timeout=PATIENCE)
        assert values, "no marker over UDP"
    off.append(abs(got - stamp))
    with socket.create_connection(("127.0.0.1", tcp)) as one:
        stamp = pylsl.local_clock()
        one.sendall(b"eyes closed\n")
        expect("eyes closed", stamp)
    assert max(off) < 0.05, off
    return max(off)


def main():
    sim, url = simulator(PROGRAM)
    udp, tcp = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    arguments = [
        "lsl", "--url", url, "--session", "active", "--streams", "eeg,mot,dev,eq,pow", "--json",
        "--markers-lsl", "task", "--markers-udp", str(udp), "--markers-tcp", str(tcp),
    ]
    server = Program(PROGRAM, *arguments)
    eeg = EEG
    server.until(lambda line: json.loads(line).get("name") == eeg)

    streams = {}
    deadline = time.time() + PATIENCE
    while len(streams) < 6 and time.time() < deadline:
        streams.update({stream.name(): stream for stream in found("starts-with(source_id,'cortop:')")})
        streams.update({stream.name(): stream for stream in pylsl.resolve_streams(0.5)})
    names = sorted(name.removeprefix(f"cortop-{HEADSET}-") for name in streams if HEADSET in name)
    assert names == ["BandPower", "Contact", "EEG", "EEGQuality", "Markers", "Motion"], names
    # Query as LabRecorder and recovering receivers do.
    hostname = streams[eeg].hostname()
    found(f"session_id='default' and name='{eeg}' and hostname='{hostname}'")
    found(f"channel_count='{CHANNELS}' and name='{eeg}' and type='EEG' and channel_format='float32'")
    found(f"type='EEG' and count(desc/channels/channel)={CHANNELS}")
    found_by_properties(eeg, streams[eeg].source_id())
    print(f"found {len(names)} streams in {WHERE}")
    time.sleep(1.5)
    print(f"times are known to ±{1000 * check_description(streams[eeg]):.1f} ms")

    receivers = [Receiver(eeg) for _ in range(RECEIVERS)]
    for receiver in receivers:
        receiver.start()
    off = check_markers(f"cortop-{HEADSET}-Markers", udp, tcp)
    print(f"markers from LSL, UDP and TCP came back, at most {1000 * off:.1f} ms off")
    time.sleep(SECONDS)
    samples = [receiver.stop() for receiver in receivers]
    count = check_samples(samples)
    print(f"{RECEIVERS} receivers of {CHANNELS} channels at {RATE} Hz: {count} samples each, no gap")
    print(f"delay from the stamp to the receiver: {check_delay(samples)}")

    # The server disappears without notice and comes back: a receiver finds it by its source_id.
    receiver = Receiver(eeg)
    receiver.start()
    server.end(signal.SIGKILL)
    before = len(receiver.samples)
    ended = time.time()
    server = Program(PROGRAM, *arguments)
    while len(receiver.samples) <= before + RATE:
        assert time.time() < ended + 2 * PATIENCE, "the receiver has not come back"
        time.sleep(0.05)
    print(f"a receiver went on {time.time() - ended - 1:.1f} s after its server was killed")
    receiver.stop()
    # So does the receiver of a marker stream, which is cortop.
    check_markers(f"cortop-{HEADSET}-Markers", udp, tcp)

    assert server.end(signal.SIGINT) == 0, "not ended well"
    assert sim.end() == 0
    print("1 passed, 0 failed")


PROGRAM = os.path.abspath(sys.argv[1])
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 4.0
main()
