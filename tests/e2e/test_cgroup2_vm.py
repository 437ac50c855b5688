# SPDX-License-Identifier: Apache-2.0
"""The release exporter under a live kernel with cgroup v2, for both cgroup drivers (`run --all`).

A guest under qemu builds a kubelet's tree with running programs and scrapes the exporter twice, 5 s apart, with the
kernel's files copied before and after each scrape. Nothing there knows names, so the labels are UIDs and IDs.
"""
import os
import subprocess
import tempfile

from harness import images, kernel, procs, session
from harness.case import Case
from harness.page import Page

VM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cgroup2-vm")
GUEST_SCRIPTS = ("kubetree.sh", "measure.sh")
PODS = 4


class Recorded:
    """The kernel's files of one container, as measure.sh copied them."""

    def __init__(self, path):
        self._files = {}
        for line in kernel.read(path).splitlines():
            name, _, rest = line.partition(" ")
            self._files.setdefault(name, []).append(rest)

    def value(self, name):
        return int(self._files[name][0])

    def key(self, name, key):
        return kernel.keyed("\n".join(self._files[name]))[key]

    def written_bytes(self):
        fields = [field for line in self._files.get("io.stat", []) for field in line.split()]
        return sum(int(field[7:]) for field in fields if field.startswith("wbytes="))

    def cpu_seconds(self):
        return self.key("cpu.stat", "usage_usec") / 1e6

    def working_set_bytes(self):
        return self.value("memory.current") - self.key("memory.stat", "inactive_file")


class Cgroup2:
    """The tests, for each driver."""

    driver = ""

    @classmethod
    def setUpClass(cls):
        session.need_tools("qemu-system-x86_64", "busybox", "cpio", "gcc")
        if not os.path.isdir(VM + "/k/boot"):
            subprocess.run([VM + "/setup.sh"], check=True)
        temporary = tempfile.TemporaryDirectory(prefix="cloud-monitor-e2e-vm.")
        cls.addClassCleanup(temporary.cleanup)
        out = temporary.name + "/out"
        files = [f"{images.compile_static(name, temporary.name)}=/ctr/{name}" for name in ("pause", "load")]
        files += [f"{VM}/guest/{name}=/guest/{name}" for name in GUEST_SCRIPTS]
        files.append(f"{procs.EXPORTER}=/guest/exporter")
        done = subprocess.run([VM + "/boot.sh", out, *files, "--", "/guest/measure.sh", cls.driver], capture_output=True,
                              text=True, check=False)
        log = kernel.read(out + "/log") if os.path.exists(out + "/log") else ""
        if done.returncode != 0:
            raise AssertionError(f"the guest ended with {done.returncode}\n{log}{done.stderr}")
        cls.cgroups = dict(line.split()[:2] for line in kernel.read(out + "/containers").splitlines())
        cls.pages = [Page(kernel.read(f"{out}/{n}/page")) for n in (1, 2)]
        cls.recorded = [{when: {name: Recorded(f"{out}/{n}/{when}/{name}") for name in cls.cgroups}
                         for when in ("before", "after")} for n in (1, 2)]

    def container(self, name):
        """The `container` label: the first digits of the ID, which the cgroup's name holds."""
        leaf = os.path.basename(self.cgroups[name]).removeprefix("cri-containerd-")
        return leaf[:12]

    def value(self, n, metric, name, **labels):
        return self.pages[n].value(metric, container=self.container(name), **labels)

    def check_between(self, metric, read, names, ratio=0.0, absolute=0.0):
        for n in (0, 1):
            for name in names:
                before, after = (read(self.recorded[n][when][name]) for when in ("before", "after"))
                with self.subTest(metric=metric, container=name, scrape=n + 1):
                    self.assert_between(self.value(n, metric, name), before, after, metric, ratio, absolute)

    def workload(self):
        return [name for name in self.cgroups if not name.endswith("-pause")]

    def test_all_containers_are_there_without_the_pause_processes(self):
        for page in self.pages:
            have = {labels["container"] for labels, _ in page.all("container_cpu_usage_seconds_total")}
            self.assertEqual(have, {self.container(name) for name in self.workload()})
            self.assertEqual(page.value("cloudmon_unidentified_pods"), PODS)
            self.assertIn("2", page.labels("cloudmon_node_info")["cgroup_version"])
            paths = {labels["cgroup_path"] for labels, _ in page.all("cloudmon_pod_info")}
            self.assertEqual(paths, {os.path.dirname(path).removeprefix("/sys/fs/cgroup")
                                     for path in self.cgroups.values()})
            self.assertEqual({labels["qos"] for labels, _ in page.all("cloudmon_pod_info")},
                             {"guaranteed", "burstable", "besteffort"})

    def test_cpu_and_memory_are_the_kernels(self):
        self.check_between("container_cpu_usage_seconds_total", Recorded.cpu_seconds, self.workload(), absolute=1e-6)
        batches = 512 * 1024
        for metric, read in (("container_memory_usage_bytes", lambda r: r.value("memory.current")),
                             ("container_memory_working_set_bytes", Recorded.working_set_bytes),
                             ("container_memory_rss", lambda r: r.key("memory.stat", "anon"))):
            self.check_between(metric, read, self.workload(), 0.05, batches)
        self.assertGreater(self.value(1, "container_memory_rss", "holder"), 40 << 20)

    def test_the_throttled_container_throttles(self):
        for metric, key, scale in (("periods_total", "nr_periods", 1), ("throttled_periods_total", "nr_throttled", 1),
                                   ("throttled_seconds_total", "throttled_usec", 1e6)):
            self.check_between("container_cpu_cfs_" + metric, lambda r, k=key, s=scale: r.key("cpu.stat", k) / s,
                               ["throttled"], absolute=1e-6)
            self.assertGreater(self.value(1, "container_cpu_cfs_" + metric, "throttled"),
                               self.value(0, "container_cpu_cfs_" + metric, "throttled"))
        self.assertEqual(self.value(1, "container_spec_cpu_quota", "throttled"), 20000)

    def test_the_writer_writes(self):
        self.check_between("container_fs_writes_bytes_total", Recorded.written_bytes, ["writer"])
        written = [self.value(n, "container_fs_writes_bytes_total", "writer") for n in (0, 1)]
        self.assertGreater(written[1], written[0])

    def test_the_killed_one_counts(self):
        self.check_between("container_oom_events_total", lambda r: r.key("memory.events", "oom_kill"), self.workload())
        self.assertEqual([self.value(n, "container_oom_events_total", "leaky") for n in (0, 1)], [0, 1])

    def test_pressure_is_there(self):
        self.assertGreater(self.value(1, "container_pressure_cpu_waiting_seconds_total", "throttled"), 0)


class SystemdDriver(Cgroup2, Case):
    driver = "systemd"


class CgroupfsDriver(Cgroup2, Case):
    driver = "cgroupfs"
