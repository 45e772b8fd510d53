#!/usr/bin/env python3
"""Records a simulated headset into a BIDS dataset, with two commands and one that is killed, and reads
it with the BIDS validator and MNE-BIDS: `bids.py PROGRAM`."""

import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from record import PADDING, SCENARIO, SKIP, Simulator, lines, one, recorder, sensors

try:
    import mne_bids
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing.name} is missing")
    sys.exit(77)

VALIDATOR = shutil.which("bids-validator-deno", path=str(pathlib.Path(sys.executable).parent))


def validate(root):
    """The validator finds no error, and warns only about what only the owner of a dataset knows."""
    if not VALIDATOR:
        print("skipped: bids-validator-deno is missing")
        return
    said = subprocess.run(
        [VALIDATOR, str(root), "--format", "json"], capture_output=True, text=True, check=False
    )
    issues = json.loads(said.stdout)["issues"]["issues"]
    known = {"NO_AUTHORS", "TOO_FEW_AUTHORS", "JSON_KEY_RECOMMENDED", "SIDECAR_KEY_RECOMMENDED"}
    others = [own for own in issues if own["severity"] == "error" or own["code"] not in known]
    assert not others, others


def read(root, **entities):
    path = mne_bids.BIDSPath(root=root, datatype="eeg", **entities)
    raw = mne_bids.read_raw_bids(path, verbose="error")
    about = json.loads(path.copy().update(suffix="eeg", extension=".json").fpath.read_text())
    return raw, about


def marked(program, url, root, port):
    """A recording with losses, a clock that is set, and a marker each second."""
    options = ["--bids", "sub-07", "--bids-session", "1", "--task", "eyes open", "--mains", "50"]
    options += ["--format", "edf,jsonl", "--duration", "14s", "--markers-udp", str(port)]
    process = recorder(program, url, root, *options)
    assert json.loads(process.stdout.readline())["event"] == "file"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for turn in range(5):
            time.sleep(1)
            sender.sendto(f"blink {turn % 2}".encode(), ("127.0.0.1", port))
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, (process.returncode, errors)
    end = json.loads(said.splitlines()[-1])
    assert any("eyes open" in note and "eyesopen" in note for note in end["notes"]), end
    return end


def compare(root):
    """MNE-BIDS reads exactly what was sent."""
    raw, about = read(root, subject="07", session="1", task="eyesopen", run="01")
    source = root / "sourcedata" / "sub-07" / "ses-1" / "eeg"
    samples = lines(one(source, ".jsonl"))
    names = sensors(samples)
    assert raw.info["line_freq"] == 50
    assert abs(raw.info["sfreq"] - about["SamplingFrequency"]) < 1e-6
    assert abs(raw.duration - about["RecordingDuration"]) < 1e-3, (raw.duration, about)
    kinds = dict(zip(raw.ch_names, raw.get_channel_types()))
    assert [name for name, kind in kinds.items() if kind == "eeg"] == names, kinds
    assert kinds["MARKER_HARDWARE"] == "stim" and kinds["ACCX"] == "misc", kinds
    gaps = [own for own in raw.annotations if own["description"] == SKIP]
    blinks = [own for own in raw.annotations if own["description"].startswith("blink")]
    assert len(gaps) >= 2 and len(blinks) == 5, raw.annotations
    own = np.ones(raw.n_times, bool)
    for gap in gaps + [own for own in raw.annotations if own["description"] == PADDING]:
        first = round(gap["onset"] * raw.info["sfreq"])
        own[first : first + round(gap["duration"] * raw.info["sfreq"])] = False
    assert own.sum() == len(samples), (own.sum(), len(samples))
    values = raw.get_data(units="uV", picks=names)
    for name, read_values in zip(names, values):
        sent = np.array([sample["values"][name] for sample in samples])
        assert np.abs(read_values[own] - sent).max() < 2e-3, name
    print(f"MNE-BIDS: {len(samples)} samples, {len(gaps)} gaps, {len(blinks)} markers")


def ended_hard(program, url, root):
    """A killed recording leaves a valid dataset, and the next recording gets a new run."""
    process = recorder(program, url, root, "--bids", "07", "--bids-session", "1", "--task", "rest")
    assert json.loads(process.stdout.readline())["event"] == "file"
    time.sleep(2.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    validate(root)
    raw, about = read(root, subject="07", session="1", task="rest", run="01")
    assert raw.duration > 1 and "RecordingDuration" not in about, about
    options = ["--bids", "07", "--bids-session", "1", "--task", "rest", "--duration", "2s"]
    process = recorder(program, url, root, *options)
    process.communicate(timeout=60)
    assert process.returncode == 0
    raw, _ = read(root, subject="07", session="1", task="rest", run="02")
    assert 1.5 < raw.duration < 3, raw.duration


def refuses(program, url, root):
    for options in (["--format", "csv"], ["--format", "edf,bdf"], ["--task", "!"]):
        process = recorder(program, url, root / "none", "--bids", "07", *options)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 2 and "BIDS" in errors, (options, errors)
    assert not (root / "none").exists()


def check(program, folder):
    scenario = folder / "faults.toml"
    scenario.write_text(SCENARIO.split("[[fault]]\nat = 15")[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = folder / "study"
    options = ["--headset", "epocx@128", "--seed", "5", "--scenario", str(scenario)]
    with Simulator(program, folder, *options) as simulator:
        refuses(program, simulator.url, root)
        marked(program, simulator.url, root, port)
        validate(root)
        compare(root)
        ended_hard(program, simulator.url, root)
        validate(root)
    participants = (root / "participants.tsv").read_text().splitlines()
    assert len(participants) == 2 and participants[1].startswith("sub-07\t"), participants
    # Motion at 6.4 Hz does not fit beside the EEG.
    root = folder / "earbuds"
    with Simulator(program, folder, "--headset", "mn8") as simulator:
        process = recorder(program, simulator.url, root, "--bids", "1", "--duration", "8s")
        process.communicate(timeout=60)
    validate(root)
    raw, _ = read(root, subject="1", task="unnamed", run="01")
    assert raw.get_channel_types(picks=["T7", "T8"]) == ["eeg", "eeg"]
    assert one(root / "sourcedata" / "sub-1" / "eeg", ".md.edf").stat().st_size > 0
    print("the BIDS validator finds no error")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        check(sys.argv[1], pathlib.Path(folder))
