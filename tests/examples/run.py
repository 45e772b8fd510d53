#!/usr/bin/env python3
"""Runs EMOTIV's own examples, each as the first program on a fresh simulator, to its end:
`run.py PROGRAM FOLDER [WORD…]`, where FOLDER is a checkout of https://github.com/Emotiv/cortex-example
and words choose among the cases by their names.

The examples are used as they are. The blanks left to their user are filled in on a copy: the title
of a record, the folder of an export, the name of a profile, and the root certificate. Client id and
secret stay what they are, as any will do.

The examples know one address only, port 6868 of this computer. So each case has a network of its
own, and a trust store of its own for Qt, which reads that of the system: all run side by side, and
nothing on this computer changes. Examples that cannot be built here are skipped by name.
"""

import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

# The longest example, a training of three actions, takes half a minute; a slow machine more.
PATIENCE = 120
TRUST_STORE = "/etc/ssl/certs"
OWN_NETWORK = ["unshare", "--map-root-user", "--mount", "--net"]

TITLE = ("record_title = ''", "record_title = 'rest'")
EXPORTS = ("record_export_folder = ''", "record_export_folder = 'PLACE/exports'")
PROFILE = ("profile_name = '' #", "profile_name = 'ana' #")
ASKED_TO_ACCEPT = "You must accept access request from this app on CortexUI then rerun"
NODE = "nodejs/cortex_code_example.js"
# Its placeholder would be refused, as it is not a licence.
NO_LICENCE = ('"license":"your license"', '"license":""')
# The lines of Node's example that its user swaps to train instead of showing a stream.
NODE_TRAINS = [
    NO_LICENCE,
    ("let streams = ['eeg']\nc.sub(streams)", ""),
    ("// let profileName", "let profileName"),
    ("// let numberOfTrain", "let numberOfTrain"),
    ("// let trainingActions", "let trainingActions"),
    ("// c.train(", "c.train("),
]


class Case:
    """An example: the blanks its user fills in, its expected output, and what it leaves behind."""

    def __init__(self, path, says, fill=(), leaves=(), endless=False, options=(), again=None,
                 name=None):
        self.path = path
        self.name = name or path
        self.says = says
        self.fill = fill
        self.leaves = leaves
        # Runs until it is stopped, after all of its expected output.
        self.endless = endless
        self.options = options
        # The output of a second run, if the first one ended with an error.
        self.again = again


def stream(path, name):
    sample = re.escape(f'"{name}" QJsonArray([')
    return Case(f"cpp-qt/{path}", ["Subscription successful", sample, "Session closed.",
                                   "Disconnected."])


def training(path, count):
    return Case(path, ["train_.._action: -+: neutral:start", *["_Completed"] * count,
                       "Save profile ana successfully", "The profile ana is unloaded", "on_close"],
                fill=[PROFILE])


CASES = [
    Case("python/sub_data.py", ["eeg data: {'eeg'", "motion data: {'mot'", "pow data: {'pow'",
                                "pm data: {'met'"], endless=True),
    Case("python/record.py", ["recording at 9 s", "has been post-processed",
                              r"on_export_record_done", r"\['[0-9a-f-]{36}'\]", "on_close"],
         fill=[TITLE, EXPORTS], leaves=["exports/rest_*.csv"]),
    Case("python/marker.py", [*["on_inject_marker_done: .* type: instance"] * 10,
                              "has been post-processed", r"\['[0-9a-f-]{36}'\]", "on_close"],
         fill=[TITLE, EXPORTS], leaves=["exports/rest_*.csv", "exports/rest_*.json"]),
    training("python/mental_command_train.py", 3),
    training("python/facial_expression_train.py", 3),
    Case("python/live_advance.py", ["on_get_mc_active_action_done", "on_mc_action_sensitivity_done",
                                    "Save profile ana successfully", "mc data: {'action'"],
         fill=[PROFILE], endless=True),
    Case("python/query_records.py", ["on_query_records_done: total records are 0"], endless=True),
    Case(NODE, ['"streamName":"eeg"', '{"eeg":\\['], fill=[NO_LICENCE], endless=True,
         options=["--approved"], name=f"{NODE} --approved"),
    Case(NODE, [ASKED_TO_ACCEPT], again=['"streamName":"eeg"', '{"eeg":\\['],
         fill=[NO_LICENCE], endless=True),
    Case(NODE, ['"streamName":"sys"', "MC_Started", "MC_Succeeded", "MC_Completed", "MC_Started",
                "MC_Succeeded", "MC_Completed", "COMPLETED SAVE push FOR test"],
         fill=NODE_TRAINS, endless=True, options=["--approved"], name=f"{NODE} train"),
    stream("band-power", "pow"),
    stream("eeg", "eeg"),
    stream("facial-expression", "fac"),
    stream("mental-command", "com"),
    stream("motion", "mot"),
    stream("performance-metric", "met"),
    Case("cpp-qt/marker", ["Inject marker OK", "Inject marker OK", "Update marker OK",
                           "The record was successfuly exported", "Disconnected"],
         leaves=["home/Cortex Examples C*.csv"]),
    Case("cpp-qt/mental-command-training", [*["Well done! You successfully trained"] * 3,
                                            'Training profile saved "cortex-v2-example"']),
    Case("cpp-qt/facial-expression-training", [*["Well done! You successfully trained"] * 3,
                                               'Training profile saved "cortex-v2-example"']),
]


def quiet(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)


def interpreters(examples, build):
    """How each language is run: a command before the path of the example, or why it is skipped."""
    ways = {}
    dispatch = quiet([sys.executable, "-c", "import websocket, pydispatch"])
    ways["python"] = [sys.executable, "-u"] if dispatch.returncode == 0 else (
        "websocket-client and python-dispatch are not installed")
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        shutil.copytree(os.path.join(examples, "nodejs"), os.path.join(build, "nodejs"))
        got = quiet([npm, "ci", "--no-audit", "--no-fund"], cwd=os.path.join(build, "nodejs"))
        ways["nodejs"] = [node] if got.returncode == 0 else f"npm ci: {got.stdout.strip()[-200:]}"
    else:
        ways["nodejs"] = "Node.js is missing"
    qmake = shutil.which("qmake6") or shutil.which("qmake")
    if qmake and shutil.which("make"):
        place = os.path.join(build, "cpp-qt")
        os.mkdir(place)
        project = os.path.join(examples, "cpp-qt", "cortex-v2-examples.pro")
        made = quiet([qmake, project], cwd=place)
        made = made if made.returncode else quiet(["make", f"-j{os.cpu_count()}"], cwd=place)
        ways["cpp-qt"] = [] if made.returncode == 0 else f"make: {made.stdout.strip()[-200:]}"
    else:
        ways["cpp-qt"] = "Qt with its WebSockets is missing"
    return ways


def prepare(case, examples, build, place):
    """Copies the example with the blanks filled in; returns the path to run."""
    language, name = case.path.split("/")
    for folder in ["home", "exports", "certificates"]:
        os.mkdir(os.path.join(place, folder))
    if language == "cpp-qt":
        return os.path.join(build, case.path, name)
    shutil.copytree(os.path.join(examples, language), os.path.join(place, language))
    if language == "nodejs":
        os.symlink(os.path.join(build, "nodejs/node_modules"),
                   os.path.join(place, "nodejs/node_modules"))
    path = os.path.join(place, case.path)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for blank, filled in case.fill:
        assert blank in text, f"{case.path} has no {blank!r} to fill in"
        text = text.replace(blank, filled.replace("PLACE", place))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def trust(root, place):
    """Makes Qt trust a root certificate: it finds the system's roots by their hash."""
    hashed = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", root], check=True,
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    shutil.copy(root, os.path.join(place, "certificates", f"{hashed}.0"))
    shutil.copy(root, os.path.join(place, "certificates/ca-certificates.crt"))
    subprocess.run(["mount", "--bind", os.path.join(place, "certificates"), TRUST_STORE],
                   check=True)


class Output:
    """The output of a program, read as it arrives."""

    def __init__(self, process, path):
        self.text = ""
        self.process = process
        self.reader = threading.Thread(target=self.read, args=(path,))
        self.reader.start()

    def read(self, path):
        with open(path, "w", encoding="utf-8") as file:
            for line in self.process.stdout:
                self.text += line
                file.write(line)

    def missing(self, says):
        """The first expected output that is missing, in order."""
        at, text = 0, self.text
        for pattern in says:
            found = re.compile(pattern).search(text, at)
            if not found:
                return pattern
            at = found.end()
        return None


def run_example(command, says, endless, place, log):
    """Why it did not finish; `None` if it did."""
    env = {**os.environ, "HOME": os.path.join(place, "home"), "QT_LOGGING_TO_CONSOLE": "1"}
    process = subprocess.Popen(command, cwd=place, env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace")
    output = Output(process, log)
    deadline = time.monotonic() + PATIENCE
    try:
        while process.poll() is None and time.monotonic() < deadline:
            if endless and output.missing(says) is None:
                return None
            time.sleep(0.1)
    finally:
        ended = process.poll()
        if ended is None:
            process.kill()
        process.wait()
        output.reader.join()
    missing = output.missing(says)
    if missing:
        return f"it did not say {missing!r}, exit status {ended}"
    return None if ended == 0 else f"exit status {ended}"


def inside(case_name, program, examples, build, ways, keep):
    """Runs a case, in its own network."""
    case = next(case for case in CASES if case.name == case_name)
    place = tempfile.mkdtemp(prefix=re.sub(r"\W+", "-", case.name) + ".", dir=keep)
    path = prepare(case, examples, build, place)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with open(os.path.join(place, "sim.log"), "w", encoding="utf-8") as log:
        sim = subprocess.Popen([program, "sim", "--ca-out", place, *case.options], stdout=subprocess.PIPE,
                               stderr=log, text=True)
        try:
            next(line for line in sim.stdout if line.startswith("READY "))
            root = os.path.join(place, "root.pem")
            shutil.copy(root, os.path.join(place, "certificates/rootCA.pem"))
            if case.path.startswith("cpp-qt"):
                trust(root, place)
            command = [*ways, path]
            first = run_example(command, case.says, case.endless and not case.again, place,
                                os.path.join(place, "1.log"))
            if case.again:
                if first != "exit status 1":
                    return f"first run: {first}"
                # Its user approves in EMOTIV Launcher, and runs it again.
                time.sleep(4)
                first = run_example(command, case.again, case.endless, place,
                                    os.path.join(place, "2.log"))
            if first:
                return first
        finally:
            sim.terminate()
            sim.wait()
    for pattern in case.leaves:
        if not glob.glob(os.path.join(place, pattern)):
            return f"it left no {pattern}"
    return None


def main(program, examples, *words):
    program, examples = os.path.abspath(program), os.path.abspath(examples)
    if quiet([*OWN_NETWORK, "ip", "link", "set", "lo", "up"]).returncode:
        print("skipped: EMOTIV's examples: no network of their own can be had (unshare, ip)")
        return 0
    keep = tempfile.mkdtemp(prefix="cortop-examples.")
    build = os.path.join(keep, "build")
    os.mkdir(build)
    ways = interpreters(examples, build)
    chosen = [case for case in CASES if all(word in case.name for word in words)]
    failed = 0

    def case_result(case):
        way = ways[case.path.split("/")[0]]
        if isinstance(way, str):
            return case, f"skipped: {case.name}: {way}"
        command = [*OWN_NETWORK, sys.executable, os.path.abspath(__file__), "--inside", case.name,
                   program, examples, build, keep, *way]
        started = time.monotonic()
        done = quiet(command)
        seconds = time.monotonic() - started
        if done.returncode == 0:
            return case, f"ok: {case.name} ({seconds:.0f} s)"
        return case, f"FAILED: {case.name} ({seconds:.0f} s): {done.stdout.strip()}"

    with concurrent.futures.ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)) as pool:
        for _, line in pool.map(case_result, chosen):
            print(line, flush=True)
            failed += line.startswith("FAILED")
    if failed:
        print(f"{failed} of {len(chosen)} did not run to their end; their output is in {keep}")
        return 1
    shutil.rmtree(keep)
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        name, program, examples, build, keep, *way = sys.argv[2:]
        reason = inside(name, program, examples, build, way, keep)
        print(reason or "", end="")
        sys.exit(1 if reason else 0)
    sys.exit(main(*sys.argv[1:]))
