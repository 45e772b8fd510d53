#!/usr/bin/env python3
"""Compares the simulator's exports, sample by sample, with what it streamed meanwhile, as pandas,
pyedflib and MNE read them: `exports.py PROGRAM`. Libraries that are missing are named."""

import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

from walk import KEYS, SPEED, Client

try:
    import mne
    import numpy as np
    import pandas as pd
    import pyedflib
except ImportError as missing:
    print(f"skipped: {missing.name} is missing")
    sys.exit(77)

SECONDS = 5.3


def until(client, time):
    """Reads until an EEG sample is at least as late; returns its time."""
    while True:
        for own in client.samples[-1:]:
            if "eeg" in own and own["time"] >= time:
                return own["time"]
        client.read()


def stream(url, root, model):
    """A record of a headset with two markers, and all samples of it."""
    client = Client(url, root)
    client.bare("requestAccess", **KEYS)
    client.token = client.bare("authorize", **KEYS, debit=5)["cortexToken"]
    [headset] = [own["id"] for own in client.bare("queryHeadsets") if own["id"].startswith(model)]
    client.bare("controlDevice", command="connect", headset=headset)
    client.warned(104)
    session = client.call("createSession", headset=headset, status="active")["id"]
    streams = ["eeg", "mot", "dev", "eq"]
    columns = {
        own["streamName"]: own["cols"]
        for own in client.call("subscribe", session=session, streams=streams)["success"]
    }
    record = client.call("createRecord", session=session, title="compared")["record"]["uuid"]
    client.samples.clear()
    start = until(client, 0)
    times = [start + 1.5, start + 3.0]
    for label, at in zip(["eyes open", "eyes closed"], times):
        marker = client.call(
            "injectMarker", session=session, label=label, value=7, time=at * 1000
        )["marker"]
    until(client, start + SECONDS)
    client.call(
        "updateMarker", session=session, markerId=marker["uuid"], time=(start + 4.25) * 1000
    )
    client.call("stopRecord", session=session)
    client.warned(30)
    samples = [own for own in client.samples if "eeg" in own or "mot" in own]
    return client, record, columns, samples, times


def table(samples, columns, name):
    """The samples of a stream as a table with their times."""
    own = [sample for sample in samples if name in sample]
    labels = [label for label in columns[name] if label != "MARKERS"]
    rows = [dict(zip(labels, sample[name])) | {"time": sample["time"]} for sample in own]
    return pd.DataFrame(rows)


def aligned(exported, streamed, label):
    """The index of the first streamed sample among the exported ones; below 0 if the record
    began after it."""
    for place in range(len(exported) - 64):
        if np.allclose(exported[place : place + 64], streamed[16:80], atol=2e-3):
            return place - 16
    raise AssertionError(f"{label}: the export does not hold what was streamed")


def compare(name, exported, streamed, tolerance):
    for label, values in exported.items():
        values, expected = np.asarray(values, float), streamed[label].to_numpy(float)
        if np.ptp(expected) == 0:
            continue
        shift = compare.shift if compare.shift is not None else aligned(values, expected, label)
        compare.shift = shift
        values, expected = values[max(shift, 0) :], expected[max(-shift, 0) :]
        both = len(values)
        # Five seconds; a Flex sends motion at 16 Hz.
        least = 64 if "motion" in name else 300
        assert len(expected) >= both > least, f"{name} {label}: {len(expected)} for {both} samples"
        worst = np.abs(values - expected[:both]).max()
        assert worst <= tolerance, f"{name} {label}: off by {worst}"
    print(f"{name}: {len(exported)} signals, {both} samples each, within {tolerance}")


def check(program, model, option):
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "sim", "--port", "0", "--quiet", "--approved", "--ca-out", folder]
        command += ["--speed", str(SPEED), "--headset", option, "--seed", "5"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            url = server.stdout.readline().split()[1]
            root = str(pathlib.Path(folder) / "root.pem")
            client, record, columns, samples, times = stream(url, root, model)
            eeg, mot = table(samples, columns, "eeg"), table(samples, columns, "mot")
            sensors = [
                label
                for label in columns["eeg"]
                if label[0] in "ACFOPT" and label not in ("COUNTER", "INTERPOLATED")
            ]
            for format, version in [
                ("CSV", "V2"), ("CSV", "V1"), ("EDF", None), ("EDFPLUS", None), ("BDFPLUS", None)
            ]:
                out = pathlib.Path(folder) / f"{format}{version or ''}"
                out.mkdir()
                asked = {"recordIds": [record], "folder": str(out), "format": format,
                         "streamTypes": ["EEG", "MOTION"], "includeMarkerExtraInfos": True}
                if version:
                    asked["version"] = version
                answer = client.call("exportRecord", **asked)
                assert not answer["failure"], answer
                files = sorted(out.iterdir())
                data = [own for own in files if own.suffix in (".csv", ".edf", ".bdf")
                        and "intervalMarker" not in own.name]
                assert len(data) == (2 if format == "EDF" or version == "V1" else 1), files
                [names] = [own for own in files if own.suffix == ".json"]
                labels = [own["label"] for own in json.loads(names.read_text())["Markers"]]
                assert labels == ["eyes open", "eyes closed"], labels
                [intervals] = [own for own in files if "intervalMarker" in own.name]
                intervals = pd.read_csv(intervals)
                assert np.allclose(intervals["duration"], [0, 1.25], atol=2e-3), intervals
                compare.shift = None
                if format == "CSV":
                    as_csv(f"{model} {format} {version}", data[0], eeg, sensors, times)
                else:
                    as_edf(f"{model} {format}", data, eeg, mot, sensors, times)
        finally:
            server.terminate()
            server.wait()


def as_csv(name, file, eeg, sensors, times):
    line = file.read_text().splitlines()[0]
    metadata = dict(pair.strip().split(":", 1) for pair in line.split(",") if ":" in pair)
    read = pd.read_csv(file, skiprows=1)
    assert int(metadata["samples"]) == len(read)
    for key, row in [("start timestamp", 0), ("stop timestamp", -1)]:
        assert abs(float(metadata[key]) - read["Timestamp"].iloc[row]) < 2e-6, key
    compare(name, {own: read[f"EEG.{own}"] for own in sensors}, eeg, 1.1e-3)
    compare(name + " stamps", {"time": read["Timestamp"]}, eeg, 1.1e-4)
    marked = read[read["MarkerIndex"].notna()]
    step = np.diff(read["Timestamp"]).max()
    for stamp, at in zip(marked["Timestamp"], times):
        assert -1e-4 <= stamp - at <= step + 1e-4, (stamp, at)


def as_edf(name, files, eeg, mot, sensors, times):
    signals = {}
    for file in files:
        with pyedflib.EdfReader(str(file)) as read:
            for place, label in enumerate(read.getSignalLabels()):
                signals[label] = read.readSignal(place)
            rate = read.getSampleFrequency(read.getSignalLabels().index(sensors[0])) \
                if sensors[0] in read.getSignalLabels() else None
            if rate:
                start = read.getStartdatetime().replace(tzinfo=datetime.timezone.utc)
                begun = start.timestamp()
                if "PLUS" in name:
                    begun = int(begun) + read.starttime_subsecond / 1e7
                length = read.getFileDuration() if "PLUS" not in name else read.file_duration
                onsets, durations, texts = read.readAnnotations()
    compare(name, {own: signals[own] for own in sensors}, eeg, 1.1e-3)
    shift = compare.shift
    first = eeg["time"].iloc[0] - shift / round(len(signals[sensors[0]]) / length)
    if "PLUS" in name:
        assert abs(begun - first) < 1e-3, (begun, first)
        assert list(texts) == ["eyes open", "eyes closed"], texts
        for onset, at in zip(onsets, times):
            assert abs(begun + onset - at) < 2e-3, (begun + onset, at)
    compare.shift = None
    axes = [own for own in mot.columns if own.startswith("ACC")]
    compare(name + " motion", {own: signals[own] for own in axes}, mot, 3e-4)
    [main] = [own for own in files if ".md." not in own.name or "PLUS" in name]
    reader = mne.io.read_raw_bdf if main.suffix == ".bdf" else mne.io.read_raw_edf
    raw = reader(main, include=sensors, verbose="error")
    compare.shift = shift
    values = dict(zip(raw.ch_names, raw.get_data(units="uV")))
    compare(name + " by MNE", values, eeg, 1.1e-3)
    if "PLUS" in name:
        assert list(raw.annotations.description) == ["eyes open", "eyes closed"]


if __name__ == "__main__":
    check(sys.argv[1], "EPOCX", "epocx")
    check(sys.argv[1], "INSIGHT", "insight")
    check(sys.argv[1], "EPOCFLEX", "flex")
