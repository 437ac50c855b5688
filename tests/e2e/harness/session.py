# SPDX-License-Identifier: Apache-2.0
"""What the whole suite shares: one machine with containerd and pods, started at first use, ended by close()."""
import fcntl
import os
import shutil
import unittest

from harness import cluster, containerd, kernel, pods, procs, prometheus
from harness.recorder import Recorder

DIRECTORY = os.environ.get("CM_E2E_DIR", "/var/tmp/cloud-monitor-e2e")
CLUSTER_DIRECTORY = DIRECTORY + "-cluster"
LOCK = "/var/tmp/cloud-monitor-e2e.lock"
everything = False  # tests that can go on for minutes do so (run --all)
_machine = None
_obstacle = None  # why there is no machine
_stack = None
_lock = None


class Machine:
    """containerd with the suite's pods."""

    def __init__(self):
        self.containerd = containerd.Containerd(DIRECTORY)
        self.socket = self.containerd.socket
        self.podlogs = DIRECTORY + "/pods"
        self.pods = []
        self.disk = None  # major:minor that batch-jobs/db-1 writes to; None where the files are on no block device

    def start(self):
        self.containerd.start()
        self.containerd.import_images("load", pods.WEB_IMAGE, pods.LOAD_IMAGE)
        for spec in pods.specs():
            self.run(spec)
        for spec in pods.specs(server_ip=self.pods[0].ip):
            self.run(spec)
        self.disk = kernel.disk_of(DIRECTORY)
        if self.disk:
            kernel.count_disk_io(self.pod("batch-jobs/db-1").container().cgroup, self.disk)

    def run(self, spec):
        pod = pods.RunningPod(spec, self.containerd.runtime, DIRECTORY)
        self.pods.append(pod)
        return pod

    def delete(self, pod):
        self.pods.remove(pod)
        pod.delete()

    def pod(self, start):
        """The pod whose namespace/name starts so."""
        found = [pod for pod in self.pods if pod.spec.key.startswith(start)]
        if len(found) != 1:
            raise LookupError(f"{len(found)} pods start with {start}")
        return found[0]


def lock():
    """One run at a time on a machine: waits for the other."""
    global _lock
    if _lock is None:
        file = open(LOCK, "w", encoding="utf-8")
        fcntl.flock(file, fcntl.LOCK_EX)
        _lock = file


def _missing():
    """Why this machine cannot run pods, or None."""
    if os.geteuid() != 0:
        return "pods need root"
    if not os.access("/sys/fs/cgroup", os.W_OK) or not kernel.MOUNTS:
        return "no writable cgroup mounts under /sys/fs/cgroup"
    return None


def need_tools(*names):
    """Skips the test where a program is not installed; in CI that is a failure."""
    for name in names:
        if shutil.which(name) is None:
            if os.environ.get("CI") == "true":
                raise AssertionError(f"{name} is not installed")
            raise unittest.SkipTest(f"{name} is not installed")


def machine():
    """The running machine. Skips where there cannot be one; what failed once fails the same way again."""
    global _machine, _obstacle
    if _obstacle is not None:
        raise _obstacle
    if _machine is None:
        try:
            _machine = _new_machine()
        except (Exception, unittest.SkipTest) as e:
            _obstacle = e
            raise
    return _machine


def _new_machine():
    need_tools("containerd", "runc", "ctr", "curl", "gcc", "ip")
    reason = _missing()
    if reason:
        raise unittest.SkipTest(reason)
    lock()
    containerd.sweep(DIRECTORY)
    cluster.sweep(CLUSTER_DIRECTORY)  # its pods would be seen beside the machine's
    foreign = containerd.foreign_pods()
    if foreign:
        raise unittest.SkipTest("this machine runs pods of its own: " + foreign[0])
    os.makedirs(DIRECTORY, mode=0o755)
    started = Machine()
    try:
        started.start()
    except BaseException:
        close_machine(started)
        raise
    return started


def close_machine(started):
    if started.containerd.process is not None:
        started.containerd.stop()
    containerd.sweep(DIRECTORY)


class Stack:
    """What a cluster would run: an exporter that an aggregator scrapes, and a Prometheus that scrapes both, every 2 s."""

    INTERVAL = 2

    def __init__(self, on):
        self.recorder = Recorder(on)
        self.programs = []
        self.exporter = self._keep(procs.exporter_on(on))
        target = f"127.0.0.1:{self.exporter.port}"
        self.aggregator = self._keep(procs.aggregator(DIRECTORY + "/data-stack", targets=[target],
                                                      interval=f"{self.INTERVAL}s"))
        self.prometheus = None
        if shutil.which("prometheus"):
            self.prometheus = self._keep(prometheus.Prometheus(DIRECTORY + "/prometheus", target,
                                                               f"127.0.0.1:{self.aggregator.port}", self.INTERVAL))

    def _keep(self, program):
        self.programs.append(program)
        return program

    def close(self):
        self.recorder.stop()
        for program in reversed(self.programs):
            program.stop()


def stack():
    """The running stack on the running machine."""
    global _stack
    if _stack is None:
        _stack = Stack(machine())
    return _stack


def begin_stack():
    """Starts the stack ahead of the tests that use it; what hinders it is told by them."""
    try:
        stack()
    except (Exception, unittest.SkipTest):
        pass


def close():
    global _machine, _stack
    if _stack is not None:
        _stack.close()
        _stack = None
    if _machine is not None:
        close_machine(_machine)
        _machine = None
