#!/usr/bin/env python3
"""Records a simulated headset whose samples are lost, whose connection breaks and whose clock is set,
and compares the files, sample by sample, with what was sent, as pandas, pyedflib and MNE read them;
then kills recorders and opens what they leave: `record.py PROGRAM [KILLS]`."""

import datetime
import json
import os
import pathlib
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

try:
    import mne
    import numpy as np
    import pandas as pd
    import pyedflib
    from EDFlib.edfreader import EDFreader
except ImportError as missing:
    print(f"skipped: {missing.name} is missing")
    sys.exit(77)

ENVIRONMENT = os.environ | {"EMOTIV_CLIENT_ID": "record", "EMOTIV_CLIENT_SECRET": "record"}
SCENARIO = """
[[fault]]
at = 5
stream = "eeg"
do.lose = { count = 7 }

[[fault]]
at = 6
do.lose = { count = 40 }

[[fault]]
at = 7
do.interpolate = { count = 3 }

[[fault]]
at = 9
do.set-clock = { seconds = 3.25 }

[[fault]]
at = 15
do.drop = {}
"""
SKIP = "BAD_ACQ_SKIP"
PADDING = "BAD_PADDING"


class Simulator:
    """A simulated service."""

    def __init__(self, program, folder, *options):
        command = [program, "sim", "--ws", "--port", "0", "--quiet", "--approved", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def recorder(program, url, out, *options, **more):
    command = [program, "record", "--url", url, "--out", str(out), "--json", *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, **more
    )


def lines(path):
    """The EEG samples in JSON lines."""
    whole = [json.loads(line) for line in path.read_text().splitlines()]
    return [own for own in whole if own["stream"] == "eeg"]


def one(out, ending):
    found = [own for own in out.iterdir() if own.name.endswith(ending)]
    assert len(found) == 1, found
    return found[0]


def sensors(samples):
    return [own for own in samples[0]["values"] if own[0] in "ACFOPT" and own != "COUNTER"]


def edf(path):
    """The signals of a file, its annotations and its first time."""
    with pyedflib.EdfReader(str(path)) as read:
        labels = read.getSignalLabels()
        signals = {label: read.readSignal(place) for place, label in enumerate(labels)}
        notes = list(zip(*read.readAnnotations()))
        length = read.file_duration
    return signals, notes, length


def strict(path):
    """A file as read by the library of EDFbrowser's author, which rejects whatever breaks a rule; the
    annotations with onset and length in seconds."""
    read = EDFreader(str(path))
    try:
        plus = read.EDFLIB_FILETYPE_BDFPLUS if path.suffix == ".bdf" else read.EDFLIB_FILETYPE_EDFPLUS
        assert read.getFileType() == plus, read.getFileType()
        seconds = read.getFileDuration() / read.EDFLIB_TIME_DIMENSION
        notes = [(own.onset / 1e7, max(own.duration, 0) / 1e7, own.description)
                 for own in read.annotationslist]
    finally:
        read.close()
    with pyedflib.EdfReader(str(path)) as other:
        assert abs(other.file_duration - seconds) < 1e-3, (path, other.file_duration, seconds)
        others = sorted(zip(*other.readAnnotations()))
    assert len(others) == len(notes), (path, others, notes)
    for (onset, length, text), own in zip(others, sorted(notes)):
        assert abs(onset - own[0]) < 1e-3 and abs(max(length, 0) - own[1]) < 1e-3, (own, others)
        assert text == own[2], (own, others)
    assert all(0 <= onset <= onset + length <= seconds + 1e-3 for onset, length, _ in notes), notes
    return notes


def measured(notes, count, length):
    """Which samples were measured, not interpolated."""
    own = np.ones(count, bool)
    step = length / count
    for onset, duration, text in notes:
        if text in (SKIP, PADDING):
            own[round(onset / step) : round((onset + duration) / step)] = False
    return own


def compare(out, count):
    samples = lines(one(out, ".jsonl"))
    assert len(samples) >= count, len(samples)
    names = sensors(samples)
    sent = pd.DataFrame([own["values"] for own in samples])
    stamps = np.array([own["time"] for own in samples])
    table = pd.read_csv(one(out, ".csv"), skiprows=1)
    rows = table[table["EEG.Counter"].notna()]
    assert len(rows) == len(samples), (len(rows), len(samples))
    for name in names:
        assert np.abs(rows[f"EEG.{name}"].to_numpy() - sent[name].to_numpy()).max() < 1e-6, name
    assert np.abs(rows["Timestamp"].to_numpy() - stamps).max() < 1e-6
    moved = table["MOT.AccX"].notna().sum()
    assert moved > len(rows) / 4, moved
    for ending in (".edf", ".bdf"):
        path = one(out, ending)
        signals, notes, length = edf(path)
        assert [own for own in strict(path) if own[2] == SKIP], path
        own = measured(notes, len(signals[names[0]]), length)
        assert own.sum() == len(samples), (ending, own.sum(), len(samples))
        for name in names:
            off = np.abs(signals[name][own] - sent[name].to_numpy()).max()
            assert off < 2e-3, (ending, name, off)
        # The padding of the last record is not a gap, but MNE rejects it, too.
        padded = [(onset, duration) for onset, duration, text in notes if text == PADDING]
        assert all(abs(onset + duration - length) < 1e-3 for onset, duration in padded), padded
        clock = [text for *_, text in notes if text.startswith("clock set")]
        assert len(clock) == 1, notes
        reader = mne.io.read_raw_bdf if ending == ".bdf" else mne.io.read_raw_edf
        raw = reader(path, include=names, verbose="error")
        values = raw.get_data(units="uV", picks=names[:1])[0]
        assert np.abs(values[own] - sent[names[0]].to_numpy()).max() < 2e-3
        kept = raw.get_data(picks=names[:1], reject_by_annotation="omit")
        assert abs(kept.shape[1] - len(samples)) <= 2 * len(notes), kept.shape
        print(f"{ending}: {len(samples)} samples in {length:.1f} s, {len(own) - own.sum()} filled")
    return samples


def faults(program, folder):
    scenario = folder / "faults.toml"
    scenario.write_text(SCENARIO)
    out = folder / "faults"
    options = ["--headset", "epocx@128", "--seed", "5", "--scenario", str(scenario)]
    with Simulator(program, folder, *options) as simulator:
        formats = ["--format", "csv,edf", "--format", "bdf,jsonl", "--duration", "24s"]
        process = recorder(program, simulator.url, out, *formats, "--title", "faults")
        said, errors = process.communicate()
    assert process.returncode == 0, (process.returncode, errors)
    end = json.loads(said.splitlines()[-1])
    assert end["event"] == "end" and end["lost"] > 20, end
    samples = compare(out, 24 * 100)
    assert end["samples"] == len(samples), end


class Witness(threading.Thread):
    """Knows the time of the newest sample that a client on the same machine has received."""

    def __init__(self, program, url, headset):
        super().__init__(daemon=True)
        command = [program, "watch", "--url", url, "--headset", headset, "--streams", "eeg"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT)
        self.newest = json.loads(self.process.stdout.readline())["time"]
        self.start()

    def run(self):
        for line in self.process.stdout:
            self.newest = json.loads(line)["time"]


def kills(program, folder, turns):
    """Kills recorders at random moments: each file opens and lacks at most its last second."""
    ids = [f"EPOCX-0000000{number}" for number in range(5)]
    witness = "EPOCX-00000009"
    options = [word for own in [*ids, witness] for word in ("--headset", f"epocx@128:{own}:discovered")]
    worst = {}
    with Simulator(program, folder, *options) as simulator:
        witness = Witness(program, simulator.url, witness)
        for turn in range(0, turns, len(ids)):
            running = []
            for number, headset in enumerate(ids[: turns - turn]):
                out = folder / f"kill{turn + number}"
                formats = ["--format", "csv,edf,bdf,jsonl", "--headset", headset]
                process = recorder(program, simulator.url, out, *formats)
                begun = process.stdout.readline()
                assert json.loads(begun)["event"] == "file", begun
                running.append((time.time() + random.uniform(1.5, 4.0), process, out))
            for at, process, out in sorted(running, key=lambda own: own[0]):
                time.sleep(max(0, at - time.time()))
                process.send_signal(signal.SIGKILL)
                now = witness.newest
                process.wait()
                for ending, last in left(out):
                    worst[ending] = max(worst.get(ending, 0), now - last)
                    assert now - last < 1, (ending, now - last, out)
        witness.process.terminate()
        witness.process.wait()
    print(f"{turns} times kill -9: all files open; at most lacking, in seconds:",
          {ending: round(float(own), 2) for ending, own in worst.items()})


def left(out):
    """The files of a killed recorder, with the times of their last samples."""
    text = one(out, ".jsonl").read_text()
    assert text.endswith("\n")
    yield ".jsonl", lines(one(out, ".jsonl"))[-1]["time"]
    text = one(out, ".csv").read_text()
    assert text.endswith("\n")
    table = pd.read_csv(one(out, ".csv"), skiprows=1)
    first = dict(own.strip().split(":", 1) for own in text.splitlines()[0].split(",") if ":" in own)
    assert 0 <= len(table) - int(first["samples"]) < 128, (len(table), first)
    yield ".csv", table["Timestamp"].iloc[-1]
    for ending in (".edf", ".bdf"):
        path = one(out, ending)
        strict(path)
        with pyedflib.EdfReader(str(path)) as read:
            start = read.getStartdatetime().replace(microsecond=0, tzinfo=datetime.timezone.utc)
            begun = start.timestamp() + read.starttime_subsecond / 1e7
            length = read.file_duration
        reader = mne.io.read_raw_bdf if ending == ".bdf" else mne.io.read_raw_edf
        assert abs(reader(path, verbose="error").duration - length) < 0.1
        yield ending, begun + length


def full_disk(program, folder):
    """A file that cannot grow any more ends the recording; its content is intact."""
    out = folder / "full"

    def limited(most):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        return limit

    with Simulator(program, folder, "--headset", "epocx@128") as simulator:
        # What is written at once is lost as a whole.
        for format, most, once in [("csv", 300_000, 90_000), ("edf", 30_000, 9_000),
                                   ("jsonl", 300_000, 90_000)]:
            process = recorder(
                program, simulator.url, out, "--format", format, preexec_fn=limited(most)
            )
            said, errors = process.communicate(timeout=60)
            assert process.returncode == 1, (process.returncode, errors)
            assert "cannot be written any more" in errors, errors
            path = one(out, f".{format}")
            assert most - once < path.stat().st_size <= most, path.stat()
            if format == "csv":
                table = pd.read_csv(path, skiprows=1)
                assert table["EEG.AF4"].notna().all() and path.read_text().endswith("\n")
            elif format == "edf":
                signals, _, length = edf(path)
                strict(path)
                assert len(signals["AF3"]) == length * 128
            else:
                lines(path)
    print("a full disk ends the recording, and its files are whole")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        faults(sys.argv[1], folder)
        full_disk(sys.argv[1], folder)
        kills(sys.argv[1], folder, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
