# SPDX-License-Identifier: Apache-2.0
"""Starts the programs under test on a port of the kernel's choosing, and says what they cost."""
import ctypes
import dataclasses
import glob
import json
import os
import re
import signal
import subprocess
import tempfile

from harness import http, kernel
from harness.wait import until

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BIN_DIR = os.environ.get("CM_BIN_DIR", os.path.join(REPOSITORY, "build/release/bin"))
EXPORTER = os.path.join(BIN_DIR, "cloud-monitor-exporter")
AGGREGATOR = os.path.join(BIN_DIR, "cloud-monitor-aggregator")
os.environ["PATH"] = os.path.join(REPOSITORY, "build/tools") + os.pathsep + os.environ["PATH"]  # tests/e2e/install
_LIBC = ctypes.CDLL(None)


@dataclasses.dataclass
class Cost:
    cpu_seconds: float
    rss_bytes: int
    pss_bytes: int
    fds: int
    threads: int


def listening_ports(pid):
    """The TCP ports a process listens on, from the kernel: its socket descriptors looked up in /proc/PID/net."""
    sockets = set()
    for descriptor in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            sockets.add(os.readlink(descriptor))
        except OSError:
            continue
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in kernel.read(f"/proc/{pid}/net/{table}").splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and f"socket:[{columns[9]}]" in sockets:
                ports.add(int(columns[1].split(":")[1], 16))
    return sorted(ports)


def end_with_parent():
    """Runs in the child: the kernel kills it when this suite is killed."""
    PR_SET_PDEATHSIG = 1
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A running program that serves HTTP. Its output goes to a file, read by log()."""

    started = []  # all that were ever started, for end_all()

    def __init__(self, command, ready_path="/-/healthy", env=None):
        self.command = command
        self._log = tempfile.NamedTemporaryFile(prefix="cloud-monitor-e2e-log.")
        self.process = subprocess.Popen(command, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL,
                                        env={**os.environ, **(env or {})}, preexec_fn=end_with_parent)
        Program.started.append(self)
        try:
            ports = until(lambda: self._ended() or listening_ports(self.process.pid), 20, f"{command[0]} listens")
            if self._ended():
                raise AssertionError(f"ended with {self.process.returncode}")
            self.port = ports[0]
            self.url = f"http://127.0.0.1:{self.port}"
            until(lambda: http.get(self.url + ready_path).status == 200, 20, f"{command[0]} answers {ready_path}")
        except BaseException as e:
            self.kill()
            raise AssertionError(f"{e}\n{' '.join(command)}\n{self.log()}") from e

    def _ended(self):
        return self.process.poll() is not None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def log(self):
        return kernel.read(self._log.name)

    def get(self, path, **more):
        return http.get(self.url + path, **more)

    def push(self, document):
        """Sends a document to an aggregator."""
        return self.get("/api/ingest", method="POST", body=json.dumps(document).encode(),
                        headers={"Content-Type": "application/json"})

    def stop(self):
        """SIGTERM; the exit code. Kills what does not end in 20 s, and says so."""
        if not self._ended():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired as e:
                self.kill()
                raise AssertionError(f"{self.command[0]} did not end on SIGTERM\n{self.log()}") from e
        return self.process.returncode

    def kill(self):
        if not self._ended():
            self.process.kill()
        self.process.wait()

    def cost(self):
        pid = self.process.pid
        # In nanoseconds, of the threads there are: programs this small use few ticks of /proc/PID/stat.
        threads = [int(kernel.read(path).split()[0]) for path in glob.glob(f"/proc/{pid}/task/*/schedstat")]
        rollup = kernel.read(f"/proc/{pid}/smaps_rollup")
        size = {key: int(kib) * 1024 for key, kib in re.findall(r"^(Rss|Pss): +(\d+) kB", rollup, re.M)}
        return Cost(cpu_seconds=sum(threads) / 1e9, rss_bytes=size["Rss"],
                    pss_bytes=size["Pss"], fds=len(os.listdir(f"/proc/{pid}/fd")),
                    threads=len(threads))


def end_all():
    """Kills what a run that was broken off has left running."""
    for program in Program.started:
        program.kill()


def run(command, timeout=20, **more):
    """Runs a program that is to end by itself. The result has returncode, stdout, stderr."""
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False,
                          stdin=subprocess.DEVNULL, **more)


def broken_off(command, seconds, number=signal.SIGKILL):
    """Runs a program and sends it a signal after so long, unless it has ended by then: (exit code, what it said)."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                          preexec_fn=end_with_parent) as running:
        try:
            running.wait(seconds)
        except subprocess.TimeoutExpired:
            running.send_signal(number)
        said, _ = running.communicate(timeout=60)
    return running.returncode, said


def exporter(*flags, prefix=(), node="node-e2e"):
    """An exporter on 127.0.0.1. `prefix` goes before the command (setpriv and the like)."""
    return Program([*prefix, EXPORTER, "--web.listen-address=127.0.0.1:0", f"--node.name={node}", *flags])


def exporter_on(machine, *flags, sources="cri,podlogs", socket=None, **more):
    """An exporter that looks at the machine's pods, through the machine's CRI socket unless another is given."""
    return exporter(f"--identity.sources={sources}", f"--cri.endpoint=unix://{socket or machine.socket}",
                    f"--path.podlogs={machine.podlogs}", *flags, **more)


def aggregator_command(directory, *flags, targets=(), interval="2s", prefix=()):
    listed = [f"--scrape.targets={','.join(targets)}"] if targets else []
    return [*prefix, AGGREGATOR, "--web.listen-address=127.0.0.1:0", f"--storage.path={directory}",
            f"--scrape.interval={interval}", *listed, *flags]


def aggregator(directory, *flags, **more):
    """An aggregator on 127.0.0.1 that keeps its data in `directory` and scrapes host:port targets."""
    return Program(aggregator_command(directory, *flags, **more))
