# SPDX-License-Identifier: Apache-2.0
"""A cgroup v2 hierarchy of plain files, for pods that only an API server tells of."""
import hashlib
import os
import shutil

from harness.identities import running, uid_of_kubelet

FILES = {"cgroup.controllers": "cpu io memory pids\n", "cgroup.procs": "", "cpu.stat": "usage_usec 10\nuser_usec 5\nsystem_usec 5\n",
         "memory.current": "4096\n", "memory.stat": "anon 4096\nfile 0\n", "io.stat": "", "pids.current": "1\n"}


class CgroupTree:
    def __init__(self, path):
        self.path = path
        self._make("")

    def _make(self, below):
        directory = os.path.join(self.path, below)
        os.makedirs(directory, exist_ok=True)
        for name, text in FILES.items():
            with open(os.path.join(directory, name), "w", encoding="ascii") as file:
                file.write(text)

    @staticmethod
    def _names(pod):
        """Below kubepods: the pod's cgroup, and in it its containers' and its sandbox's."""
        uid = uid_of_kubelet(pod)
        sandbox = hashlib.sha256(uid.encode()).hexdigest()
        top = {"Guaranteed": "kubepods"}.get(pod["status"]["qosClass"], f"kubepods/{pod['status']['qosClass'].lower()}")
        return f"{top}/pod{uid}", {sandbox, *running(pod).values()}

    def put(self, pod):
        """Makes it as the pod is; what no longer runs in it goes."""
        directory, containers = self._names(pod)
        self._make(directory)
        there = {name for name in os.listdir(os.path.join(self.path, directory)) if len(name) == 64}
        for name in containers - there:
            self._make(f"{directory}/{name}")
        for name in there - containers:
            shutil.rmtree(os.path.join(self.path, directory, name))

    def remove(self, pod):
        directory, _ = self._names(pod)
        shutil.rmtree(os.path.join(self.path, directory), ignore_errors=True)
