#!/usr/bin/env python3
"""Reads what `PROGRAM metrics` serves as Prometheus does: `metrics.py PROGRAM`. The parser of
OpenMetrics is prometheus_client's, which rejects what the specification does not allow."""

import atexit
import http.client
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse

from prometheus_client.openmetrics.parser import text_string_to_metric_families

HEADSET = "EPOCX-0A1B2C3D"
PATIENCE = 30

WANTED = {
    "cortop_build": "info",
    "cortop_connected": "gauge",
    "cortop_headset": "info",
    "cortop_headset_connected": "gauge",
    "cortop_battery_ratio": "gauge",
    "cortop_contact_ratio": "gauge",
    "cortop_sensor_contact_level": "gauge",
    "cortop_stream_rate_hertz": "gauge",
    "cortop_stream_nominal_rate_hertz": "gauge",
    "cortop_stream_samples": "counter",
    "cortop_stream_lost_samples": "counter",
    "cortop_stream_loss_ratio": "gauge",
    "cortop_stream_age_seconds": "gauge",
    "cortop_stream_delay_seconds": "gauge",
    "cortop_stream_stale": "gauge",
    "cortop_clock_offset_seconds": "gauge",
    "cortop_sessions": "gauge",
    "cortop_records_running": "gauge",
    "cortop_dropped_samples": "counter",
}


def start(*args):
    environment = {
        **os.environ,
        "XDG_CONFIG_HOME": tempfile.mkdtemp(),
        "EMOTIV_CLIENT_ID": "metrics",
        "EMOTIV_CLIENT_SECRET": "secret",
    }
    process = subprocess.Popen(
        [PROGRAM, *args], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment
    )
    atexit.register(process.kill)
    ready, url = process.stdout.readline().split()
    assert ready == "READY"
    return process, url


def scrape(address):
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    connection.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    assert answer.getheader("Content-Type").startswith("application/openmetrics-text; version=1.0.0")
    return {family.name: family for family in text_string_to_metric_families(answer.read().decode())}


def values(families, name, **labels):
    """The values of the samples with these labels; empty if there is no such family."""
    samples = families[name].samples if name in families else []
    return [own.value for own in samples if labels.items() <= own.labels.items()]


def main():
    _, url = start(
        "sim", "--ws", "--port", "0", "--quiet", "--approved", "--seed", "7", "--headset", f"epocx:{HEADSET}"
    )
    exporter, address = start("metrics", "--url", url, "--listen", "127.0.0.1:0")
    address = urllib.parse.urlparse(address).netloc
    deadline = time.time() + PATIENCE
    eeg = {"headset": HEADSET, "stream": "eeg"}
    while True:
        families = scrape(address)
        if values(families, "cortop_stream_rate_hertz", **eeg) and values(families, "cortop_clock_offset_seconds"):
            break
        assert time.time() < deadline, families.keys()
        time.sleep(0.2)
    kinds = {name: family.type for name, family in families.items()}
    assert WANTED.items() <= kinds.items(), WANTED.items() - kinds.items()
    (rate,) = values(families, "cortop_stream_rate_hertz", **eeg)
    (nominal,) = values(families, "cortop_stream_nominal_rate_hertz", **eeg)
    assert nominal in (128, 256) and abs(rate / nominal - 1) < 0.03, (rate, nominal)
    assert values(families, "cortop_connected") == [1]
    assert values(families, "cortop_stream_lost_samples", **eeg) == [0]
    assert values(families, "cortop_stream_stale", **eeg) == [0]
    assert values(families, "cortop_sessions", status="activated") == [1]
    assert values(families, "cortop_headset_connected", headset=HEADSET) == [1]
    assert len(values(families, "cortop_sensor_contact_level", headset=HEADSET)) == 14
    (battery,) = values(families, "cortop_battery_ratio", headset=HEADSET)
    (age,) = values(families, "cortop_stream_age_seconds", **eeg)
    assert 0 < battery <= 1 and 0 <= age < 3, (battery, age)
    before = values(families, "cortop_stream_samples", **eeg)
    time.sleep(1.5)
    assert values(scrape(address), "cortop_stream_samples", **eeg) > before
    exporter.terminate()
    assert exporter.wait(timeout=PATIENCE) == 0
    print(f"{len(kinds)} families at {rate:.1f} Hz, as prometheus_client reads them")


PROGRAM = sys.argv[1]
main()
