#!/usr/bin/env python3
"""Reads what `PROGRAM lsl` serves with MNE-LSL, sample by sample and through its `StreamLSL`, and
sends markers with it: `lsl_mne.py PROGRAM [SECONDS]`."""

import json
import os
import signal
import sys
import time

from lsl_setup import CHANNELS, EEG, HEADSET, PATIENCE, RATE, WHERE, Program, simulator

import numpy as np
from mne_lsl.lsl import (
    StreamInfo, StreamInlet, StreamOutlet, library_version, local_clock, resolve_streams,
)
from mne_lsl.stream import StreamLSL


def found(name):
    deadline = time.time() + PATIENCE
    while time.time() < deadline:
        own = resolve_streams(timeout=5, name=name, minimum=1)
        if own:
            return own[0]
    raise AssertionError(f"{name} is not found")


def check_description(inlet):
    info = inlet.get_sinfo(PATIENCE)
    assert (info.sfreq, info.n_channels, info.stype) == (RATE, CHANNELS, "EEG"), info
    assert info.source_id == f"cortop:{HEADSET}:EEG", info.source_id
    names = info.get_channel_names()
    assert names[0] == "Cz" and len(set(names)) == CHANNELS, names
    assert set(info.get_channel_units()) == {"microvolts"}, info.get_channel_units()
    assert {own.lower() for own in info.get_channel_types()} == {"eeg"}, info.get_channel_types()


def check_inlet(inlet, seconds):
    """Nothing is missing and the timestamps are regular."""
    times, values, until = [], [], time.time() + seconds
    while time.time() < until:
        data, stamps = inlet.pull_chunk(timeout=0.2)
        times.extend(stamps)
        values.extend(data)
    steps = np.diff(times)
    assert len(times) > RATE * seconds * 0.9, len(times)
    assert (steps > 0).all() and steps.max() < 1.5 / RATE, (steps.min(), steps.max())
    assert np.shape(values) == (len(times), CHANNELS), np.shape(values)
    return len(times)


def check_stream(seconds):
    """A program that uses MNE's real-time stream gets the same samples and times."""
    stream = StreamLSL(bufsize=seconds + 2, name=EEG)
    stream.connect(acquisition_delay=0.05, timeout=PATIENCE)
    try:
        assert stream.info["sfreq"] == RATE and len(stream.ch_names) == CHANNELS, stream.info
        time.sleep(seconds + 0.5)
        data, times = stream.get_data(winsize=seconds)
        steps = np.diff(times)
        assert data.shape == (CHANNELS, seconds * RATE), data.shape
        assert steps.max() < 1.5 / RATE and steps.min() > 0, (steps.min(), steps.max())
        assert (np.ptp(data, axis=1) > 0).all(), "a channel stands still"
    finally:
        stream.disconnect()


def check_markers():
    """Markers from MNE-LSL come back with their times."""
    # Before the outlet: liblsl 1.17 queries only the program on a machine that was started last.
    inlet = StreamInlet(found(f"cortop-{HEADSET}-Markers"))
    outlet = StreamOutlet(StreamInfo("task", "Markers", 1, 0, "string", "task of MNE-LSL"))
    assert outlet.wait_for_consumers(PATIENCE), "nobody takes the markers"
    inlet.open_stream(PATIENCE)
    time.sleep(0.3)
    off = []
    for at in range(5):
        stamp = local_clock() - 0.1 * at
        outlet.push_sample([f"stimulus {at}"], stamp)
        values, got = inlet.pull_sample(timeout=PATIENCE)
        assert list(values) == [f"stimulus {at}"], values
        off.append(abs(got - stamp))
    assert max(off) < 0.05, off
    return max(off)


def main(program, seconds):
    sim, url = simulator(program)
    arguments = [
        "lsl", "--url", url, "--session", "active", "--streams", "eeg,dev", "--json",
        "--markers-lsl", "task",
    ]
    server = Program(program, *arguments)
    server.until(lambda line: json.loads(line).get("name") == EEG)
    inlet = StreamInlet(found(EEG), max_buffered=60)
    inlet.open_stream(PATIENCE)
    check_description(inlet)
    time.sleep(1.5)
    inlet.flush()
    count = check_inlet(inlet, seconds)
    print(f"MNE-LSL with liblsl {library_version()} in {WHERE}: {count} samples, no gap")
    check_stream(2)
    print(f"markers from MNE-LSL came back, at most {1000 * check_markers():.1f} ms off")
    assert server.end(signal.SIGINT) == 0, "not ended well"
    assert sim.end() == 0
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 4.0)
