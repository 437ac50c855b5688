# SPDX-License-Identifier: Apache-2.0
"""The kernel's own files about a cgroup or a process, read without any of the code under test.

Works on cgroup v1, v2 and hybrid mounts: each controller is looked up where mountinfo says it is mounted.
"""
import os

CGROUP_MOUNTS_ARE_UNDER = "/sys/fs/cgroup"


def _mounts():
    """{controller: mount point}; "" is the v2 hierarchy."""
    found = {}
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        for line in lines:
            left, _, right = line.partition(" - ")
            point, (fstype, _, options) = left.split()[4], right.split()[:3]
            if not point.startswith(CGROUP_MOUNTS_ARE_UNDER):
                continue
            if fstype == "cgroup2":
                found.setdefault("", point)
            elif fstype == "cgroup":
                for option in options.split(","):
                    found.setdefault(option, point)
    return found


MOUNTS = _mounts()


def hierarchies():
    """Every cgroup mount point once."""
    return sorted(set(MOUNTS.values()))


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def keyed(text):
    """"key value" lines as a dict of integers."""
    return {key: int(value) for key, value in (line.split()[:2] for line in text.splitlines() if " " in line)}


class Cgroup:
    """One cgroup by its path below the hierarchies' roots, such as /kubepods/burstable/pod<uid>."""

    def __init__(self, path):
        self.path = path

    def __repr__(self):
        return f"Cgroup({self.path})"

    def file(self, v1_controller, v1_name, v2_name):
        """The text of the file of whichever version has this controller."""
        if v1_controller in MOUNTS:
            return read(f"{MOUNTS[v1_controller]}{self.path}/{v1_name}")
        return read(f"{MOUNTS['']}{self.path}/{v2_name}")

    def v1(self, controller):
        return controller in MOUNTS

    def exists(self):
        return any(os.path.isdir(mount + self.path) for mount in hierarchies())

    def pids(self):
        mount = MOUNTS.get("memory", MOUNTS.get(""))
        return [int(pid) for pid in read(f"{mount}{self.path}/cgroup.procs").split()]

    def cpu_seconds(self):
        if self.v1("cpuacct"):
            return int(self.file("cpuacct", "cpuacct.usage", "")) / 1e9
        return keyed(self.file("cpu", "", "cpu.stat"))["usage_usec"] / 1e6

    def throttled(self):
        """(periods, throttled periods, throttled seconds)"""
        stat = keyed(self.file("cpu", "cpu.stat", "cpu.stat"))
        seconds = stat["throttled_time"] / 1e9 if "throttled_time" in stat else stat["throttled_usec"] / 1e6
        return stat["nr_periods"], stat["nr_throttled"], seconds

    def memory_bytes(self):
        return int(self.file("memory", "memory.usage_in_bytes", "memory.current"))

    def memory_stat(self, v1_key, v2_key):
        return keyed(self.file("memory", "memory.stat", "memory.stat"))[v1_key if self.v1("memory") else v2_key]

    def working_set_bytes(self):
        return max(0, self.memory_bytes() - self.memory_stat("total_inactive_file", "inactive_file"))

    def oom_kills(self):
        return keyed(self.file("memory", "memory.oom_control", "memory.events"))["oom_kill"]

    def written_bytes(self, recursive=False):
        """{major:minor: bytes written}"""
        if not self.v1("blkio"):
            lines = (line.split() for line in self.file("io", "", "io.stat").splitlines())
            return {line[0]: int(field[7:]) for line in lines for field in line[1:] if field.startswith("wbytes=")}
        name = "blkio.throttle.io_service_bytes" + ("_recursive" if recursive else "")
        lines = (line.split() for line in self.file("blkio", name, "").splitlines())
        return {line[0]: int(line[2]) for line in lines if len(line) == 3 and line[1] == "Write"}


def net_dev(pid):
    """{interface: {"receive_bytes": n, ...}} in the network namespace of the process."""
    names = {0: "receive_bytes", 1: "receive_packets", 2: "receive_errors", 3: "receive_packets_dropped",
             8: "transmit_bytes", 9: "transmit_packets", 10: "transmit_errors", 11: "transmit_packets_dropped"}
    interfaces = {}
    for line in read(f"/proc/{pid}/net/dev").splitlines()[2:]:
        interface, _, columns = line.partition(":")
        interfaces[interface.strip()] = {names[i]: int(n) for i, n in enumerate(columns.split()) if i in names}
    return interfaces


def meminfo():
    """{key: bytes}"""
    lines = (line.split() for line in read("/proc/meminfo").splitlines())
    return {line[0].rstrip(":"): int(line[1]) * (1024 if len(line) > 2 else 1) for line in lines}


def node_cpu_seconds():
    """Time the node's CPUs worked: not idle, waiting for a disk or stolen. Guest time is inside user and nice."""
    ticks = [int(n) for n in read("/proc/stat").splitlines()[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4] - ticks[7]) / os.sysconf("SC_CLK_TCK")


def device_name(number):
    """"254:0" as the kernel's name for it, such as vda."""
    return os.path.basename(os.path.realpath(f"/sys/dev/block/{number}"))


def disk_of(path):
    """The major:minor of the whole disk that holds a file, or None where that is no block device."""
    number = os.stat(path).st_dev
    device = f"/sys/dev/block/{os.major(number)}:{os.minor(number)}"
    if not os.path.exists(device):
        return None
    if os.path.exists(device + "/partition"):
        device = os.path.dirname(os.path.realpath(device))
    return read(device + "/dev").strip()


def count_disk_io(cgroup, disk):
    """Makes a v1 kernel count the disk's bytes.

    From 6.10 on, blk-throttle counts nothing on a disk before some cgroup has a limit on it. This one is 4 GiB/s.
    """
    if "blkio" in MOUNTS:
        with open(f"{MOUNTS['blkio']}{cgroup.path}/blkio.throttle.write_bps_device", "w", encoding="utf-8") as file:
            file.write(f"{disk} {4 << 30}")
