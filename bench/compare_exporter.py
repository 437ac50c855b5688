#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our exporter beside node_exporter and netdata: one after the other on the same pods (cgroups of two containers with a live
process each), each collects as often. Prints what a pass costs, beside the floor: the same files read through
descriptors that stay open, nothing parsed, once in each interval too.

Needs root, cgroup v1, the release build, and the Debian packages prometheus-node-exporter (which knows nothing of pods) and
netdata-core; one that is missing is left out. CPU and memory are those of a cgroup made for each program: all its processes
and threads, and what the kernel keeps for it.
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests/e2e"))
sys.dont_write_bytecode = True

from harness import kernel, procs  # noqa: E402  (found through the path set above, as the following)
from harness.wait import until  # noqa: E402

HOLD = os.path.join(procs.BIN_DIR, "cgroup_hold")
WARM_UP_SECONDS = 12  # settings of cgroups younger than 10 s are read each time
CONTAINERS_OF_A_POD = 2


class Tree:
    """Cgroups with live processes, and the floor of reading them."""

    def __init__(self, pods):
        self.pods = pods
        self.process = subprocess.Popen([HOLD, str(pods)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.path = self.process.stdout.readline().strip()
        if not self.path:
            sys.exit(f"cgroup_hold ended with {self.process.wait()}")

    def floor_ms(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def remove(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit(f"cgroup_hold ended with {self.process.returncode}: is a cgroup cmbench-{self.process.pid} left?")


class Meter:
    """A cgroup of its own for a program, in which the kernel counts."""

    def __init__(self):
        self.name = f"cmcompare-{os.getpid()}"
        self.cpu, self.memory = (os.path.join(kernel.MOUNTS[controller], self.name) for controller in ("cpuacct", "memory"))
        for place in (self.cpu, self.memory):
            os.mkdir(place)

    def enter(self):
        """What a command is prefixed with to run in it."""
        return ["/bin/sh", "-c", f'echo $$ >{self.cpu}/cgroup.procs && echo $$ >{self.memory}/cgroup.procs && exec "$@"', "sh"]

    def cpu_ms(self):
        return int(kernel.read(self.cpu + "/cpuacct.usage")) / 1e6

    def rss_bytes(self):
        """Of all processes, pages that they share counted in each."""
        total = 0
        for pid in kernel.read(self.cpu + "/cgroup.procs").split():
            found = re.search(r"^VmRSS:\s+(\d+) kB", kernel.read(f"/proc/{pid}/status"), re.M)
            total += int(found[1]) * 1024 if found else 0
        return total

    def kernel_bytes(self):
        return int(kernel.read(self.memory + "/memory.kmem.usage_in_bytes"))

    def remove(self):
        """Ends what still runs in it."""
        for pid in kernel.read(self.cpu + "/cgroup.procs").split():
            os.kill(int(pid), signal.SIGKILL)
        for place in (self.cpu, self.memory):
            until(lambda place=place: not kernel.read(place + "/cgroup.procs").split(), 20, f"{place} is empty")
            os.rmdir(place)


class Scraped:
    """A program that collects when it is asked for its page."""

    def __init__(self, command, headers):
        self.program = procs.Program(command)
        self.headers = headers

    def collect(self):
        answer = self.program.get("/metrics", headers=self.headers, timeout=60)
        if answer.status != 200:
            raise AssertionError(f"/metrics answers {answer.status}")
        return answer.text


def pod_logs(tree, directory):
    """The kubelet's directory of pod logs, from which pods and, in the order in which they began, containers have names."""
    burstable = os.path.join(tree.path, "cpuacct", "kubepods", "burstable")
    uids = sorted(name.removeprefix("pod") for name in os.listdir(burstable) if name.startswith("pod"))
    for container in range(CONTAINERS_OF_A_POD):
        time.sleep(0.05)
        for uid in uids:
            place = os.path.join(directory, f"bench_web-{uid[:8]}_{uid}", f"app-{container}")
            os.makedirs(place)
            with open(os.path.join(place, "0.log"), "w", encoding="utf-8"):
                pass
    return directory


class Ours(Scraped):
    name = "cloud-monitor"
    headers = {}

    def __init__(self, tree, directory, interval, enter):
        del interval
        super().__init__([*enter, procs.EXPORTER, "--web.listen-address=127.0.0.1:0", "--node.name=bench",
                          f"--path.cgroup={tree.path}", "--identity.sources=podlogs",
                          f"--path.podlogs={pod_logs(tree, directory)}"], self.headers)
        self.tree = tree

    @staticmethod
    def installed():
        return os.access(procs.EXPORTER, os.X_OK)

    def check(self):
        """It must see what it is measured on."""
        seen = len(re.findall(r'^container_memory_usage_bytes\{.*container="app-', self.collect(), re.M))
        return seen, self.tree.pods * CONTAINERS_OF_A_POD


class OursPacked(Ours):
    """As Prometheus and the aggregator ask."""

    name = "cloud-monitor, gzip"
    headers = {"Accept-Encoding": "gzip"}


class NodeExporter(Scraped):
    name = "node_exporter"

    def __init__(self, tree, directory, interval, enter):
        del tree, directory, interval
        super().__init__([*enter, "prometheus-node-exporter", "--web.listen-address=127.0.0.1:0"], {"Accept-Encoding": "gzip"})

    @staticmethod
    def installed():
        return shutil.which("prometheus-node-exporter") is not None

    def check(self):
        return int("node_cpu_seconds_total" in self.collect()), 1


# The cgroups and the node's /proc, nothing else; the last minutes in memory; nobody is told anything. By default it reads
# no more of a cgroup whose values are zero, as those of idle containers are here and seldom elsewhere.
NETDATA = """
[global]
  run as user = root
[directories]
  config = {directory}
  cache = {directory}
  lib = {directory}
  log = {directory}
  home = {directory}
[db]
  mode = ram
  update every = {interval}
  retention = 60
[logs]
  debug = none
  error = {directory}/error.log
  access = none
[web]
  bind to = 127.0.0.1
  default port = {port}
[ml]
  enabled = no
[health]
  enabled = no
[registry]
  enabled = no
[cloud]
  enabled = no
[statsd]
  enabled = no
[plugins]
  proc = yes
  cgroups = yes
  apps = no
  checks = no
  diskspace = no
  enable running new plugins = no
  idlejitter = no
  netdata monitoring = no
  netdata monitoring extended = no
  nfacct = no
  perf = no
  slabinfo = no
  statsd = no
  tc = no
  timex = no
[plugin:cgroups]
  update every = {interval}
  check for new cgroups every = 10
  use unified cgroups = no
  enable cpuacct stat (total CPU) = yes
  enable cpuacct usage (per core CPU) = yes
  enable memory = yes
  enable detailed memory = yes
  path to /sys/fs/cgroup/cpuacct = {cgroups}/cpuacct
  path to /sys/fs/cgroup/cpuset = {cgroups}/cpuset
  path to /sys/fs/cgroup/blkio = {cgroups}/blkio
  path to /sys/fs/cgroup/memory = {cgroups}/memory
  path to /sys/fs/cgroup/devices = {cgroups}/devices
  max cgroups to allow = 100000
  max cgroups depth to monitor = 0
  search for cgroups in subpaths matching = *
  enable by default cgroups matching = *
  enable by default cgroups names matching = *
  run script to rename cgroups matching = !*
  cgroups to match as systemd services = !*
"""


def seen_all(seen, there):
    if seen != there:
        raise AssertionError(f"{seen} of {there}")
    return True


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Netdata:
    """Collects by itself; it is only waited for. It reads no pressure files, and no network of pods here."""

    name = "netdata"
    path = "/usr/sbin/netdata"

    def __init__(self, tree, directory, interval, enter):
        config = os.path.join(directory, "netdata.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(NETDATA.format(directory=directory, interval=interval, port=free_port(), cgroups=tree.path))
        self.program = procs.Program([*enter, self.path, "-D", "-c", config], ready_path="/api/v1/info",
                                     env={"DISABLE_TELEMETRY": "1"})
        self.tree = tree
        # It starts a program for each cgroup, to learn its network interfaces.
        until(lambda: seen_all(*self.check()), 60 + tree.pods / 4, "netdata sees every container", pause_seconds=5)

    @classmethod
    def installed(cls):
        return os.access(cls.path, os.X_OK)

    def collect(self):
        pass

    def check(self):
        charts = self.program.get("/api/v1/charts", timeout=60).json["charts"]
        seen = sum(1 for chart in charts if re.match(r"cgroup_kubepods_burstable_pod[^_]*_[^.]*\.mem_usage$", chart))
        return seen, self.tree.pods * CONTAINERS_OF_A_POD


CONTENDERS = [Ours, OursPacked, NodeExporter, Netdata]


def passes(contender, tree, meter, options, number):
    """({CPU ms of each pass}, {floor ms of each}): each interval one collection and, half an interval later, one floor."""
    cpu, floor = [], []
    begin, before = time.monotonic(), meter.cpu_ms()
    for done in range(1, number + 1):
        contender.collect()
        time.sleep(max(0.0, begin + (done - 0.5) * options.interval - time.monotonic()))
        floor.append(tree.floor_ms())
        time.sleep(max(0.0, begin + done * options.interval - time.monotonic()))
        cpu.append(meter.cpu_ms() - before)
        before += cpu[-1]
    return cpu, floor


def measure(kind, tree, options):
    directory = tempfile.mkdtemp(prefix="cloud-monitor-compare.")
    meter = Meter()
    try:
        contender = kind(tree, directory, options.interval, meter.enter())
        passes(contender, tree, meter, options, -(-WARM_UP_SECONDS // options.interval))
        cpu, floor = passes(contender, tree, meter, options, options.passes)
        figures = {"cpu_ms": statistics.fmean(cpu), "cpu_ms_median": statistics.median(cpu),
                   "floor_ms": statistics.fmean(floor), "rss_bytes": meter.rss_bytes(), "kernel_bytes": meter.kernel_bytes()}
        seen_all(*contender.check())
        contender.program.stop()
        return {"contender": kind.name, "pods": tree.pods, **figures}
    finally:
        procs.end_all()
        meter.remove()
        shutil.rmtree(directory, ignore_errors=True)


def machine():
    model = re.search(r"^model name\s*: (.*)$", kernel.read("/proc/cpuinfo"), re.M)
    return f"{os.cpu_count()} x {model[1] if model else '?'}, Linux {os.uname().release}"


def text(results):
    lines = [["pods", "", "CPU ms a pass", "median", "floor ms", "ratio", "RSS MiB", "kernel MiB"]]
    for one in results:
        lines.append([str(one["pods"]), one["contender"], f"{one['cpu_ms']:.1f}", f"{one['cpu_ms_median']:.1f}",
                      f"{one['floor_ms']:.1f}", f"{one['cpu_ms'] / one['floor_ms']:.2f}",
                      f"{one['rss_bytes'] / 2**20:.1f}", f"{one['kernel_bytes'] / 2**20:.1f}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], ["---"] * len(lines[0]), *lines[1:]])


def parse():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--pods", default="50,250,1000", help="sizes of the node (50,250,1000)")
    flags.add_argument("--interval", type=int, default=1, help="seconds between collections (1)")
    flags.add_argument("--passes", type=int, default=20, help="that count (20)")
    flags.add_argument("--only", action="append", choices=[kind.name for kind in CONTENDERS], help="may be repeated")
    flags.add_argument("--json", metavar="FILE", help="write the figures there too")
    options = flags.parse_args()
    if os.geteuid() != 0:
        flags.error("makes cgroups, so it must run as root")
    if "cpuacct" not in kernel.MOUNTS or "memory" not in kernel.MOUNTS:
        flags.error("needs cgroup v1 mounts")
    return options


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended and removed
    present = [kind for kind in CONTENDERS if kind.installed() and (not options.only or kind.name in options.only)]
    results, failed = [], []
    for pods in (int(size) for size in options.pods.split(",")):
        tree = Tree(pods)
        try:
            for kind in present:
                print(f"{pods} pods: {kind.name}", flush=True)
                try:
                    results.append(measure(kind, tree, options))
                except AssertionError as error:
                    failed.append(f"{pods} pods: {kind.name}: {error}")
        finally:
            tree.remove()
    print(f"{machine()}; every {options.interval} s, {options.passes} passes; load average "
          + " ".join(f"{load:.1f}" for load in os.getloadavg()))
    print(text(results))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine(), "results": results}, file, indent=1)
            file.write("\n")
    if failed:
        sys.exit("not measured: " + "\n".join(failed))


if __name__ == "__main__":
    main()
