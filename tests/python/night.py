#!/usr/bin/env python3
"""Compares a night recorded by the test `a_night_has_each_sample_and_marker_at_its_place` with what was
sent, sample by sample, as read by pandas, pyedflib, MNE and EDFlib-Python, and as counted by `cortop
report`: `night.py PROGRAM FOLDER`."""

import json
import pathlib
import subprocess
import sys
import time

from record import PADDING, SKIP, edf, measured, one, strict

import mne
import numpy as np
import pandas as pd

SENSORS = "AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4".split()
STEP = 5 / 39
BASE = 4100 - 4100 % STEP
EVERY = 5000
WITHIN = {"rtol": 0, "atol": 2e-3}


class Sent:
    """What was sent, read in pieces."""

    def __init__(self, folder):
        fields = [("index", "<u8"), ("time", "<f8"), ("steps", "<u2", len(SENSORS))]
        self.all = np.memmap(folder / "sent", np.dtype(fields), "r")
        self.at = 0

    def __len__(self):
        return len(self.all)

    def value(self, channel, part=slice(None)):
        return BASE + STEP * self.all["steps"][part, channel]

    def markers(self):
        index = np.asarray(self.all["index"])
        return index[index % EVERY == EVERY - 1]

    def expect(self, times, values):
        """Checks the next samples: their times, and the values of each channel."""
        part = slice(self.at, self.at + len(times))
        assert part.stop <= len(self), "more than was sent"
        assert np.allclose(self.all["time"][part], times, rtol=0, atol=1e-6), part
        for channel, own in enumerate(values):
            assert np.allclose(self.value(channel, part), own, **WITHIN), (part, SENSORS[channel])
        self.at = part.stop

    def expect_end(self):
        assert self.at == len(self), (self.at, len(self))
        self.at = 0


def as_csv(path, sent):
    markers = 0
    columns = ["Timestamp", "MarkerIndex", *(f"EEG.{own}" for own in SENSORS)]
    for rows in pd.read_csv(path, skiprows=1, usecols=columns, chunksize=1 << 18):
        sent.expect(rows["Timestamp"], [rows[f"EEG.{own}"] for own in SENSORS])
        markers += rows["MarkerIndex"].notna().sum()
    sent.expect_end()
    assert markers == len(sent.markers()), markers


def in_pieces(samples, sent):
    times, rows = [], []
    for stamp, values in samples:
        times.append(stamp)
        rows.append(values)
        if len(times) == 1 << 16:
            sent.expect(times, np.array(rows).T)
            times, rows = [], []
    sent.expect(times, np.array(rows).T)
    sent.expect_end()


def as_json_lines(path, sent):
    def samples():
        with path.open() as file:
            for line in file:
                if line.startswith('{"stream":"eeg"'):
                    own = json.loads(line)
                    yield own["time"], [own["values"][name] for name in SENSORS]

    in_pieces(samples(), sent)


def as_capture(path, sent):
    def samples():
        with path.open() as file:
            for line in file:
                own = json.loads(line)
                assert own["event"] != "lost", own
                if own["event"] == "text" and own["text"].startswith('{"eeg"'):
                    message = json.loads(own["text"])
                    yield message["time"], message["eeg"][2 : 2 + len(SENSORS)]

    in_pieces(samples(), sent)


def as_edf(path, sent):
    signals, notes, length = edf(path)
    assert strict(path), path
    own = measured(notes, len(signals["AF3"]), length)
    assert own.sum() == len(sent), (own.sum(), len(sent))
    for channel, name in enumerate(SENSORS):
        assert np.allclose(signals[name][own], sent.value(channel), **WITHIN), name
    rate = len(own) / length
    events = sorted(onset for onset, _, text in notes if text.startswith("event"))
    off = np.abs(np.array(events) * rate - sent.markers())
    assert len(events) == len(sent.markers()) and off.max() < 2, off.max()
    texts = [text for *_, text in notes]
    assert sum(text.startswith("clock set") for text in texts) == 1, "one step of the clock"
    assert texts.count(PADDING) <= 1, "padding"
    reader = mne.io.read_raw_bdf if path.suffix == ".bdf" else mne.io.read_raw_edf
    raw = reader(path, include=SENSORS, verbose="error")
    for channel, name in enumerate(SENSORS):
        values = raw.get_data(units="uV", picks=[name])[0]
        assert np.allclose(values[own], sent.value(channel), **WITHIN), name
    gaps = [own for own in raw.annotations if own["description"] == SKIP]
    print(f"{path.suffix}: {len(gaps)} gaps, markers at most {off.max():.2f} samples off")


def as_report(program, path, sent):
    text = subprocess.run(
        [program, "report", "--json", str(path)], check=True, stdout=subprocess.PIPE
    ).stdout
    own = json.loads(text)
    assert own["samples"] == len(sent), own["samples"]
    return own


def main(program, folder):
    sent = Sent(folder)
    for ending, check in [
        (".edf", as_edf), (".bdf", as_edf), (".csv", as_csv),
        ("00.jsonl", as_json_lines), ("capture.jsonl", as_capture),
    ]:
        begun = time.time()
        if ending == ".csv":
            path = next(own for own in folder.glob("*.csv") if "interval" not in own.name)
        else:
            path = one(folder, ending)
        check(path, sent)
        report = as_report(program, path, sent)
        size = path.stat().st_size / 1e6
        print(f"{path.name}: {size:.0f} MB, {len(sent)} samples as they were sent, "
              f"lost {report['lost']}, read in {time.time() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
