#!/usr/bin/env python3
"""Walks through the protocol reference's section 2 from start to end, as a client of another
language and another library sees it: `walk.py PROGRAM` starts `PROGRAM sim`, checks its
certificate against the root it wrote, and ends it. Time runs fourfold to keep the walk short."""

import base64
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time

import websocket

SPEED = 4
PATIENCE = 20
KEYS = {"clientId": "walk", "clientSecret": "secret"}
STREAMS = ["eeg", "mot", "dev", "eq", "pow", "met", "com", "fac", "sys"]


class Refused(Exception):
    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]


class Client:
    def __init__(self, url, root):
        trust = {"ca_certs": root, "cert_reqs": ssl.CERT_REQUIRED, "check_hostname": True}
        self.socket = websocket.create_connection(url, sslopt=trust, timeout=PATIENCE)
        self.id = 0
        self.token = None
        self.warnings = []
        self.samples = []

    def read(self):
        text = self.socket.recv()
        message = json.loads(text)
        assert list(message) == sorted(message), f"not in alphabetical order: {text}"
        if "sid" in message:
            self.samples.append(message)
        elif "warning" in message:
            self.warnings.append(message["warning"])
        else:
            return message
        return None

    def call(self, method, **params):
        self.id += 1
        if self.token and "cortexToken" not in params:
            params["cortexToken"] = self.token
        request = {"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}
        self.socket.send(json.dumps(request))
        while True:
            answer = self.read()
            if answer:
                assert answer["id"] == self.id, answer
                if "error" in answer:
                    raise Refused(answer["error"])
                return answer["result"]

    def bare(self, method, **params):
        """Calls a method without a token."""
        token, self.token = self.token, None
        try:
            return self.call(method, **params)
        finally:
            self.token = token

    def warned(self, code):
        while True:
            for warning in self.warnings:
                if warning["code"] == code:
                    self.warnings.remove(warning)
                    return warning["message"]
            self.read()

    def sample(self, stream):
        while True:
            for sample in self.samples:
                if stream in sample:
                    self.samples.remove(sample)
                    return sample
            self.read()

    def event(self, name):
        sample = self.sample("sys")
        assert sample["sys"] == ["mentalCommand", name], sample


def refused(code, act, *args, **params):
    try:
        act(*args, **params)
    except Refused as refusal:
        assert refusal.code == code, refusal
    else:
        raise AssertionError(f"{args} was not refused with {code}")


def enter(client):
    """2.1 to 2.4: the version, the user, access, and the token."""
    assert client.bare("getCortexInfo")["version"].startswith("4.")
    user = client.bare("getUserLogin")[0]
    assert user["currentOSUId"] == user["loggedInOSUId"]
    assert client.bare("hasAccessRight", **KEYS)["accessGranted"] is False
    refused(-32102, client.bare, "authorize", **KEYS)
    assert client.bare("requestAccess", **KEYS)["accessGranted"] is False
    assert "granted" in client.warned(9)
    assert client.bare("requestAccess", **KEYS)["accessGranted"] is True
    client.token = client.bare("authorize", **KEYS, license="", debit=10)["cortexToken"]
    claims = json.loads(base64.b64decode(client.token.split(".")[1], validate=True))
    assert claims["exp"] - claims["nbf"] == 259200 and claims["version"] == "2.0", claims
    fresh = client.call("generateNewToken", **KEYS)["cortexToken"]
    assert fresh != client.token
    client.token = fresh
    assert client.call("getUserInformation")["licenseAgreement"]["accepted"] is True
    assert client.call("getLicenseInfo")["license"]["localQuota"] >= 10


def connect(client):
    """2.5 and 2.6: scan, list, connect."""
    assert client.bare("controlDevice", command="refresh")["command"] == "refresh"
    assert client.warned(142)["headsetId"] == ""
    found = client.bare("queryHeadsets", id="EPOCX-*")[0]
    assert (found["status"], found["sensors"]) == ("discovered", []), found
    assert found["settings"]["mode"] == "UNKNOWN"
    headset = found["id"]
    refused(-32004, client.call, "createSession", headset=headset, status="open")
    answer = client.bare("controlDevice", command="connect", headset=headset)
    assert answer["message"] == f"Start connecting to headset {headset}"
    assert client.warned(104)["headsetId"] == headset
    found = client.bare("queryHeadsets")[0]
    assert found["status"] == "connected" and len(found["sensors"]) == 14, found
    now = {"systemTime": time.time(), "monotonicTime": time.monotonic()}
    assert client.bare("syncWithHeadsetClock", headset=headset, **now)["headset"] == headset
    return headset


def open_session(client, headset):
    """2.7: a session, with growing pauses while the headset is not ready."""
    deadline, pause, session = time.monotonic() + PATIENCE, 0.05, None
    while session is None:
        try:
            session = client.call("createSession", headset=headset, status="active")
        except Refused as refusal:
            assert refusal.code == -32152 and time.monotonic() < deadline, refusal
            time.sleep(pause)
            pause *= 2
    assert session["status"] == "activated" and session["headset"]["id"] == headset, session
    refused(-32005, client.call, "createSession", headset=headset, status="open")
    assert [own["id"] for own in client.call("querySessions")] == [session["id"]]
    return session["id"]


def stream(client, session):
    """2.8 and section 5: columns match samples, counters increase, time is in epoch seconds."""
    answer = client.call("subscribe", session=session, streams=STREAMS + ["nonsense"])
    assert [bad["streamName"] for bad in answer["failure"]] == ["nonsense"], answer
    assert answer["failure"][0]["code"] == -32016
    cols = {good["streamName"]: good["cols"] for good in answer["success"]}
    assert list(cols) == STREAMS
    for name in STREAMS[:-1]:
        sample = client.sample(name)
        assert len(sample[name]) == len(cols[name]), sample
        assert sample["sid"] == session and abs(sample["time"] - time.time()) < 1e6
    assert len(client.sample("dev")["dev"][2]) == len(cols["dev"][2]) == 15
    first, second = client.sample("eeg"), client.sample("eeg")
    assert (first["eeg"][0] + 1) % 128 == second["eeg"][0], (first, second)
    assert all(3500 < value < 5000 for value in first["eeg"][2:16]), first


def record(client, session):
    """2.9: a record, a marker in it that becomes an interval, and exports once the record is ready."""
    answer = client.call("createRecord", session=session, title="walk")
    assert answer["record"]["endDatetime"] == "" and answer["sessionId"] == session
    uuid = answer["record"]["uuid"]
    client.samples.clear()
    # The service's clock is ahead of ours: take its time from a sample.
    now = client.sample("eeg")["time"] * 1000
    mark = client.call("injectMarker", session=session, time=now + 2000, value=1, label="go")
    marker = mark["marker"]
    assert mark["recordId"] == uuid and marker["type"] == "instance"
    while True:
        sample = client.sample("eeg")
        if sample["eeg"][-1]:
            break
    assert sample["eeg"][-1][0]["uuid"] == marker["uuid"]
    assert 0 <= sample["time"] * 1000 - (now + 2000) < 10, (sample, now)
    mark = client.call("updateMarker", session=session, markerId=marker["uuid"], time=now + 3000)
    assert mark["marker"]["type"] == "interval"
    assert client.call("stopRecord", session=session)["record"]["endDatetime"] != ""
    with tempfile.TemporaryDirectory() as folder:
        wish = {"recordIds": [uuid], "folder": folder, "streamTypes": ["EEG", "MOTION"]}
        assert client.warned(30)["recordId"] == uuid
        for more in [{"format": "CSV", "version": "V2"}, {"format": "EDF"}, {"format": "BDFPLUS"}]:
            assert client.call("exportRecord", **more, **wish)["success"] == [{"recordId": uuid}]
        names = sorted(os.listdir(folder))
        stem = next(name for name in names if name.endswith(".json")).removesuffix(".json")
        # One file for all streams in CSV V2 and BDF+, one per stream in EDF, with the markers beside them.
        wanted = [".edf", ".json", ".md.bdf", ".md.csv", ".md.edf", "_intervalMarker.csv"]
        assert names == [stem + ending for ending in wanted], names
    found = client.call("queryRecords", query={"keyword": "walk"}, orderBy=[{"title": "ASC"}],
                        limit=1, offset=0, includeMarkers=True)
    assert (found["count"], len(found["records"][0]["markers"])) == (1, 1), found
    assert client.call("deleteRecord", records=[uuid])["failure"] == []


def train(client, headset, session):
    """2.10: a profile of our own, a training, a command."""
    assert client.call("getCurrentProfile", headset=headset) == {"name": None}
    client.call("setupProfile", profile="ana", status="create")
    client.call("setupProfile", profile="ana", status="load", headset=headset)
    assert client.warned(13)["profile"] == "ana"
    refused(-32127, client.call, "setupProfile", profile="ana", status="load", headset=headset)
    what = {"session": session, "detection": "mentalCommand", "action": "push"}
    client.samples.clear()
    assert client.call("training", status="start", **what)["status"] == "start"
    client.event("MC_Started")
    client.event("MC_Succeeded")
    client.call("training", status="accept", **what)
    client.event("MC_Completed")
    client.call("setupProfile", profile="ana", status="save", headset=headset)
    actions = client.call("mentalCommandActiveAction", profile="ana", status="get")
    assert actions == ["neutral", "push"], actions
    while client.sample("com")["com"][0] != "push":
        pass
    client.call("setupProfile", profile="ana", status="unload", headset=headset)
    assert client.warned(14)["profile"] == "ana"


def leave(client, headset, session):
    """2.11: leaving in order."""
    answer = client.call("unsubscribe", session=session, streams=STREAMS)
    assert answer["failure"] == [], answer
    closed = client.call("updateSession", session=session, status="close")
    assert (closed["status"], closed["streams"]) == ("closed", []), closed
    refused(-32007, client.call, "updateSession", session=session, status="close")
    client.bare("controlDevice", command="disconnect", headset=headset)
    deadline = time.monotonic() + PATIENCE
    while client.bare("queryHeadsets")[0]["status"] != "discovered":
        assert time.monotonic() < deadline
    client.socket.close()


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        expected = os.path.join(folder, "expected.toml")
        with open(expected, "w", encoding="utf-8") as file:
            # One piece of advice: about the request for a stream called nonsense.
            file.write("advice = 1\nsessions_closed = true\nsubscribed = [\"eeg\", \"sys\"]\n")
        command = [program, "sim", "--port", "0", "--ca-out", folder, "--headset", "epocx@128",
                   "--speed", str(SPEED), "--quiet", "--expect", expected]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sim:
            try:
                line = next((line for line in sim.stdout if line.startswith("READY ")), None)
                assert line, "the simulator did not start"
                url = line.split()[1]
                root = os.path.join(folder, "root.pem")
                try:
                    websocket.create_connection(url, timeout=PATIENCE)
                    raise AssertionError("trusted without its root")
                except ssl.SSLCertVerificationError:
                    pass
                client = Client(url, root)
                enter(client)
                headset = connect(client)
                session = open_session(client, headset)
                stream(client, session)
                record(client, session)
                train(client, headset, session)
                leave(client, headset, session)
            finally:
                sim.terminate()
        assert sim.returncode == 0, "the simulator has advice for this walk, see above"
    print("the walk is done: every step was answered as the reference tells")


if __name__ == "__main__":
    main(sys.argv[1])
