# SPDX-License-Identifier: Apache-2.0
"""What the whole suite shares: one machine with containerd and pods, started at first use, ended by close()."""
import fcntl
import os
import shutil
import unittest

from harness import containerd, kernel, pods

DIRECTORY = os.environ.get("CM_E2E_DIR", "/var/tmp/cloud-monitor-e2e")
LOCK = "/var/tmp/cloud-monitor-e2e.lock"
_machine = None
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
        self.containerd.import_image("load", [pods.WEB_IMAGE, pods.LOAD_IMAGE])
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
        _lock = open(LOCK, "w", encoding="utf-8")
        fcntl.flock(_lock, fcntl.LOCK_EX)


def _missing():
    """Why this machine cannot run pods, or None."""
    if os.geteuid() != 0:
        return "pods need root"
    if not os.access("/sys/fs/cgroup", os.W_OK) or not kernel.MOUNTS:
        return "no writable cgroup mounts under /sys/fs/cgroup"
    if containerd.foreign_pods():
        return "this machine runs pods of its own: " + containerd.foreign_pods()[0]
    return None


def need_tools(*names):
    """Skips the test where a program is not installed; in CI that is a failure."""
    for name in names:
        if shutil.which(name) is None:
            if os.environ.get("CI") == "true":
                raise AssertionError(f"{name} is not installed")
            raise unittest.SkipTest(f"{name} is not installed")


def machine():
    """The running machine. Skips where there cannot be one."""
    global _machine
    if _machine is None:
        need_tools("containerd", "runc", "ctr", "curl", "gcc", "ip")
        reason = _missing()
        if reason:
            raise unittest.SkipTest(reason)
        lock()
        containerd.sweep(DIRECTORY)
        os.makedirs(DIRECTORY, mode=0o755)
        started = Machine()
        try:
            started.start()
        except BaseException:
            close_machine(started)
            raise
        _machine = started
    return _machine


def close_machine(started):
    if started.containerd.process is not None:
        started.containerd.stop()
    containerd.sweep(DIRECTORY)


def close():
    global _machine
    if _machine is not None:
        close_machine(_machine)
        _machine = None
