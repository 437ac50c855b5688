# SPDX-License-Identifier: Apache-2.0
"""A containerd of the suite's own: its files under one directory, its network one bridge, its pods known by their UIDs.

Everything it makes carries the directory's path, the bridge's name or the UID prefix, so sweep() finds what an earlier
run left behind, even one that was killed.
"""
import glob
import json
import os
import shutil
import signal
import subprocess
import time

from harness import images, kernel
from harness.cri import Runtime
from harness.wait import until

BRIDGE = "cme2e0"
SUBNET = "10.88.77.0/24"
UID_PREFIX = "e2ec10bd"  # every pod UID of the suite starts with this
PAUSE_IMAGE = "e2e.local/pause:1"

CONFIG = """
version = 2
root = "{dir}/root"
state = "{dir}/state"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  disable_tcp_service = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_plugins}"
    conf_dir = "{dir}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "{dir}/runc"
[plugins."io.containerd.internal.v1.opt"]
  path = "{dir}/opt"
"""


def _cni_plugins():
    for directory in ("/usr/lib/cni", "/opt/cni/bin"):
        if os.path.exists(directory + "/bridge"):
            return directory
    raise FileNotFoundError("no CNI plugins: apt-get install containernetworking-plugins")


def _network(directory, gateway):
    """Pods talk to each other over the bridge and, unless it is their gateway, to nobody else: there is no route out."""
    bridge = {"type": "bridge", "bridge": BRIDGE, "isDefaultGateway": gateway,
              "ipam": {"type": "host-local", "dataDir": directory + "/ipam", "ranges": [[{"subnet": SUBNET}]]}}
    return {"cniVersion": "0.4.0", "name": BRIDGE, "plugins": [bridge]}


def pod_cgroups():
    """The directories of the suite's pods in every hierarchy."""
    return [path for mount in kernel.hierarchies()
            for path in glob.glob(f"{mount}/kubepods/**/pod{UID_PREFIX}*", recursive=True)]


class Containerd:
    """`prefix` begins its command, such as with nsenter for another network, where pods may have their bridge as gateway.
    `cgroups` tells the directories of its pods."""

    def __init__(self, directory, prefix=(), gateway=False, cgroups=pod_cgroups):
        self.directory, self._prefix, self._gateway, self._cgroups = directory, prefix, gateway, cgroups
        self.socket = directory + "/containerd.sock"
        self.log_path = directory + "/containerd.log"
        self.process = None
        self.runtime = Runtime(self.socket)

    def start(self):
        """Starts with the images in place; raises with the end of the log when it does not come up."""
        for name in ("cni", "images"):
            os.makedirs(os.path.join(self.directory, name))
        with open(self.directory + "/cni/10-e2e.conflist", "w", encoding="utf-8") as file:
            json.dump(_network(self.directory, self._gateway), file)
        with open(self.directory + "/config.toml", "w", encoding="utf-8") as file:
            file.write(CONFIG.format(dir=self.directory, socket=self.socket, pause=PAUSE_IMAGE,
                                     cni_plugins=_cni_plugins()))
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([*self._prefix, "containerd", "--config", self.directory + "/config.toml"],
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            until(self.runtime.version, 30, "containerd answers")
        except AssertionError as e:
            raise RuntimeError(f"{e}\n{self.log_tail()}") from e
        self.import_images("pause", PAUSE_IMAGE)

    def import_images(self, source, *names):
        """Compiles images/<source>.c and makes an image of it under each name."""
        directory = self.directory + "/images"
        program = images.compile_static(source, directory)
        for name in names:
            images.pack(directory + "/image.tar", program, name)
            self.import_archive(directory + "/image.tar")

    def import_archive(self, archive):
        subprocess.run(["ctr", "-a", self.socket, "-n", "k8s.io", "images", "import", archive],
                       check=True, stdout=subprocess.DEVNULL)

    def log_tail(self):
        return "".join(kernel.read(self.log_path).splitlines(keepends=True)[-15:])

    def stop(self):
        """Ends the pods in the orderly way, then everything that is left."""
        try:
            for sandbox in self.runtime.sandboxes():
                self.runtime.remove_sandbox(sandbox)
        finally:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            sweep(self.directory, self._cgroups)


def foreign_pods():
    """Pods on this machine that are not the suite's, whatever their kubelet's root is."""
    return [path for mount in kernel.hierarchies()
            for path in glob.glob(f"{mount}/**/*kubepods*/**/*pod????????*", recursive=True)
            if UID_PREFIX not in path and os.path.isdir(path)]


def remove_cgroup(path):
    """Removes a cgroup directory and those below it; they must be without processes."""
    for directory, _, _ in os.walk(path, topdown=False):
        try:
            os.rmdir(directory)
        except FileNotFoundError:
            pass


def _kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def _daemons(directory):
    """The containerd and the shims that were started with files of this directory."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            words = kernel.read(path).split("\0")
        except OSError:
            continue
        if os.path.basename(words[0]) in ("containerd", "containerd-shim-runc-v2") and any(
                word.startswith(directory + "/") for word in words[1:]):
            found.append(int(path.split("/")[2]))
    return found


def _processes(cgroups):
    pids = set()
    for cgroup in cgroups:
        for procs in glob.glob(cgroup + "/**/cgroup.procs", recursive=True):
            pids.update(int(pid) for pid in kernel.read(procs).split())
    return pids - {0}  # of another PID namespace; to kill() it is the caller's own group


def _shim_sockets(directory):
    """containerd keeps them outside its own directories, whatever those are."""
    for path in glob.glob(directory + "/state/io.containerd.runtime.v2.task/*/*/address"):
        yield kernel.read(path).strip().removeprefix("unix://")


def _mounts_below(directory):
    points = (line.split()[4] for line in kernel.read("/proc/self/mountinfo").splitlines())
    return sorted((point for point in points if point.startswith(directory + "/")), reverse=True)


def sweep(directory, cgroups=pod_cgroups):
    """Removes all that a run in this directory made: processes, mounts, interfaces, cgroups, files."""
    until(lambda: not (_kill(_daemons(directory)) or _daemons(directory)), 20, "containerd and its shims are gone")
    until(lambda: not (_kill(_processes(cgroups())) or _processes(cgroups())), 20, "the pods' processes are gone")
    for path in _shim_sockets(directory):
        if os.path.exists(path):
            os.unlink(path)
    for point in _mounts_below(directory):
        subprocess.run(["umount", "-l", point], check=False)
    subprocess.run(["ip", "link", "del", BRIDGE], stderr=subprocess.DEVNULL, check=False)
    for cgroup in cgroups():
        until(lambda path=cgroup: remove_cgroup(path) or True, 10, f"{cgroup} can be removed")
    for mount in kernel.hierarchies():
        for empty in ("kubepods/burstable", "kubepods/besteffort", "kubepods"):
            try:
                os.rmdir(f"{mount}/{empty}")
            except OSError:
                pass  # not there, or in use by others
    for path in glob.glob(f"/var/lib/cni/results/{BRIDGE}-*"):
        os.unlink(path)
    shutil.rmtree(directory, ignore_errors=True)
    if os.path.exists(directory):
        time.sleep(0.2)  # a lazily unmounted file system may hold it for a moment
        shutil.rmtree(directory)
