# SPDX-License-Identifier: Apache-2.0
"""Every pod on /metrics, under its right names, with the kernel's own figures.

A scraped value must lie between the same value read from the kernel just before and just after the scrape.
"""
import re
import time

from harness import kernel, procs, session
from harness.case import Case
from harness.page import Scraper
from harness.pods import MIB
from harness.wait import until


def names(container):
    """The labels that find a container's series."""
    spec = container.pod.spec
    return {"namespace": spec.namespace, "pod": spec.name, "container": container.spec.name}


def pod_names(pod):
    return {"namespace": pod.spec.namespace, "pod": pod.spec.name}


class ExporterPods(Case):
    @classmethod
    def setUpClass(cls):
        cls.machine = session.machine()
        cls.exporter = procs.exporter_on(cls.machine)
        cls.addClassCleanup(cls.exporter.stop)
        cls.scraper = Scraper(cls.exporter)
        cls.containers = [container for pod in cls.machine.pods for container in pod.containers.values()]
        until(lambda: len(cls.scraper.page().all("cloudmon_container_info")) == len(cls.containers), 15,
              "the exporter has named all containers")

    def around_scrape(self, read, things):
        """[(thing, read before, read after)] and the page that was read between the two."""
        self.scraper.settle()
        before = [read(thing) for thing in things]
        page = self.scraper.page()
        return list(zip(things, before, [read(thing) for thing in things])), page

    def check_between(self, metric, read, ratio=0.0, absolute=0.0):
        readings, page = self.around_scrape(read, self.containers)
        for container, before, after in readings:
            with self.subTest(metric=metric, **names(container)):
                self.assert_between(page.value(metric, **names(container)), before, after, metric, ratio, absolute)

    def check_pods_between(self, metric, read, ratio=0.0, absolute=0.0):
        readings, page = self.around_scrape(read, self.machine.pods)
        for pod, before, after in readings:
            with self.subTest(metric=metric, **pod_names(pod)):
                self.assert_between(page.value(metric, **pod_names(pod)), before, after, metric, ratio, absolute)

    # Names.

    def test_every_container_has_its_labels(self):
        page = self.scraper.page()
        for container in self.containers:
            spec = container.pod.spec
            want = {**names(container), "image": container.spec.image, "deployment": spec.deployment,
                    "workload": spec.workload, "workload_type": spec.workload_type}
            for metric in ("container_cpu_usage_seconds_total", "container_memory_working_set_bytes"):
                with self.subTest(metric=metric, **names(container)):
                    self.assertEqual(page.labels(metric, **names(container)), want)

    def test_only_the_pods_containers_are_shown(self):
        page = self.scraper.page()
        want = sorted((c.pod.spec.namespace, c.pod.spec.name, c.spec.name) for c in self.containers)
        for metric in ("container_cpu_usage_seconds_total", "cloudmon_container_info"):
            have = sorted((l["namespace"], l["pod"], l["container"]) for l, _ in page.all(metric))
            self.assertEqual(have, want, "a pause container, a pod twice, or one too few")

    def test_every_pod_has_one_series_of_its_own(self):
        page = self.scraper.page()
        for pod in self.machine.pods:
            spec = pod.spec
            want = {**pod_names(pod), "deployment": spec.deployment, "workload": spec.workload,
                    "workload_type": spec.workload_type}
            with self.subTest(**pod_names(pod)):
                self.assertEqual(page.labels("pod_cpu_usage_seconds_total", **pod_names(pod)), want)
        self.assertEqual(len(page.all("pod_cpu_usage_seconds_total")), len(self.machine.pods))
        self.assertEqual(page.value("cloudmon_unidentified_pods"), 0)

    def test_info_metrics_carry_the_identity(self):
        page = self.scraper.page()
        for pod in self.machine.pods:
            labels = page.labels("cloudmon_pod_info", **pod_names(pod))
            want = {"pod_uid": pod.uid, "qos": pod.spec.qos, "sandbox_id": pod.sandbox_id,
                    "pause_pid": str(pod.pause_pid), "cgroup_path": pod.cgroup.path,
                    "host_network": "true" if pod.spec.host_network else "false", "deployment": pod.spec.deployment}
            with self.subTest(**pod_names(pod)):
                self.assertEqual({key: labels.get(key) for key in want}, want)
        for container in self.containers:
            labels = page.labels("cloudmon_container_info", **names(container))
            with self.subTest(**names(container)):
                self.assertEqual(labels, {**names(container), "container_id": container.id, "image": container.spec.image})
        self.assertEqual(page.labels("cloudmon_node_info")["node"], "node-e2e")

    # Values.

    def test_cpu(self):
        self.check_between("container_cpu_usage_seconds_total", lambda c: c.cgroup.cpu_seconds(), absolute=1e-6)
        self.check_pods_between("pod_cpu_usage_seconds_total", lambda pod: pod.cgroup.cpu_seconds(), absolute=1e-6)

    def test_user_and_system_make_up_the_cpu_time(self):
        page = self.scraper.page()
        for container in self.containers:
            parts = [page.value(f"container_cpu_{part}_seconds_total", **names(container)) for part in ("user", "system")]
            whole = page.value("container_cpu_usage_seconds_total", **names(container))
            with self.subTest(**names(container)):
                self.assert_close(sum(parts), whole, "user and system", absolute=0.05)

    def test_memory(self):
        # A kernel counts usage in batches for each CPU, hence a batch or two of tolerance.
        batches = 512 * 1024
        self.check_between("container_memory_usage_bytes", lambda c: c.cgroup.memory_bytes(), 0.05, batches)
        self.check_between("container_memory_working_set_bytes", lambda c: c.cgroup.working_set_bytes(), 0.05, batches)
        self.check_between("container_memory_rss", lambda c: c.cgroup.memory_stat("total_rss", "anon"), 0.05, batches)
        self.check_pods_between("pod_memory_usage_bytes", lambda pod: pod.cgroup.memory_bytes(), 0.05, batches)
        self.check_pods_between("pod_memory_working_set_bytes", lambda pod: pod.cgroup.working_set_bytes(), 0.05, batches)
        holder = self.machine.pod("batch-jobs/db-0").container()
        rss = self.scraper.page().value("container_memory_rss", **names(holder))
        self.assert_close(rss, 64 * MIB, "a container that holds 64 MiB")

    def test_network(self):
        pods = [pod for pod in self.machine.pods if not pod.spec.host_network]
        readings, page = self.around_scrape(lambda pod: kernel.net_dev(pod.pause_pid)["eth0"], pods)
        for pod, before, after in readings:
            for counter, value in before.items():
                with self.subTest(counter=counter, **pod_names(pod)):
                    got = page.value(f"container_network_{counter}_total", interface="eth0", **pod_names(pod))
                    self.assert_between(got, value, after[counter], counter)
        server = self.machine.pods[0]
        sent = page.value("container_network_transmit_bytes_total", interface="eth0", **pod_names(server))
        self.assertGreater(sent, MIB, "the web server has answered")

    def test_host_network_pod_has_no_network_series(self):
        static = self.machine.pod("kube-system/kube-scheduler")
        self.assertEqual(self.scraper.page().all("container_network_receive_bytes_total", **pod_names(static)), [])

    def test_disk(self):
        if not self.machine.disk:
            self.skipTest(f"{session.DIRECTORY} is on no block device")
        writer = self.machine.pod("batch-jobs/db-1").container()
        device = kernel.device_name(self.machine.disk)
        for metric, labels, read in (
                ("container_fs_writes_bytes_total", names(writer), writer.cgroup.written_bytes),
                ("pod_fs_writes_bytes_total", pod_names(writer.pod),
                 lambda: writer.pod.cgroup.written_bytes(recursive=True))):
            before = read()[self.machine.disk]
            page = self.scraper.page()
            after = read()[self.machine.disk]
            found = [(have, value) for have, value in page.all(metric, **labels)
                     if have["device"].rpartition("/")[2] == device]
            self.assertEqual(len(found), 1, f"{metric} of {device}")
            self.assert_between(found[0][1], before, after, metric)
            self.assertGreater(after, 0)

    def test_quota(self):
        cruncher = self.machine.pod("batch-jobs/cruncher").container()
        readings, page = self.around_scrape(lambda c: c.cgroup.throttled(), [cruncher])
        _, before, after = readings[0]
        metrics = ("periods_total", "throttled_periods_total", "throttled_seconds_total")
        for metric, low, high in zip(metrics, before, after):
            got = page.value("container_cpu_cfs_" + metric, **names(cruncher))
            self.assert_between(got, low, high, metric, absolute=1e-6)
        self.assertGreater(before[1], 0, "the load exceeds its quota")
        self.assertEqual(page.value("container_spec_cpu_quota", **names(cruncher)), 20000)
        self.assertEqual(page.value("container_spec_cpu_period", **names(cruncher)), 100000)
        without = self.machine.pod("shop/debug-shell").container()
        for metric in ("container_spec_cpu_quota", "container_cpu_cfs_periods_total"):
            self.assertEqual(page.all(metric, **names(without)), [], "there is no quota")

    def test_limits(self):
        page = self.scraper.page()
        for container in self.containers:
            with self.subTest(**names(container)):
                self.assertEqual(page.value("container_spec_memory_limit_bytes", **names(container)),
                                 container.spec.memory_limit_bytes)

    def test_processes_and_start(self):
        readings, page = self.around_scrape(lambda c: len(c.cgroup.pids()), self.containers)
        boot = int(re.search(r"btime (\d+)", kernel.read("/proc/stat")).group(1))
        for container, before, after in readings:
            started = boot + int(kernel.read(f"/proc/{container.pid}/stat").rpartition(")")[2].split()[19]) / 100
            with self.subTest(**names(container)):
                self.assert_between(page.value("container_processes", **names(container)), before, after, "processes")
                self.assert_close(page.value("container_start_time_seconds", **names(container)), started, "start",
                                  ratio=0, absolute=3)

    def test_node(self):
        self.scraper.settle()
        before, memory_before = kernel.node_cpu_seconds(), kernel.meminfo()
        page = self.scraper.page()
        after, memory_after = kernel.node_cpu_seconds(), kernel.meminfo()
        self.assert_between(page.value("node_cpu_usage_seconds_total"), before, after, "node CPU", absolute=0.05)
        modes = page.all("node_cpu_seconds_total")
        busy = sum(value for labels, value in modes if labels["mode"] not in ("idle", "iowait", "steal"))
        self.assert_between(busy, before, after, "sum of the modes", absolute=0.05 * len(modes))
        self.assertEqual(page.value("node_memory_MemTotal_bytes"), memory_before["MemTotal"])
        self.assert_between(page.value("node_memory_MemAvailable_bytes"), memory_before["MemAvailable"],
                            memory_after["MemAvailable"], "MemAvailable", 0.05)
        self.assertTrue(page.all("node_filesystem_size_bytes", mountpoint="/"))

    def test_rates_over_ten_seconds(self):
        def reading():
            self.scraper.settle()
            at = time.monotonic()
            kernels = {c.id: c.cgroup.cpu_seconds() for c in self.containers}
            network = {pod.uid: kernel.net_dev(pod.pause_pid)["eth0"]["transmit_bytes"] for pod in traffic}
            return at, kernels, network, self.scraper.page()

        traffic = [self.machine.pods[0], self.machine.pod("shop/api-5f-q9x2d")]
        first_at, first_cpu, first_network, first_page = reading()
        time.sleep(10)
        last_at, last_cpu, last_network, last_page = reading()
        seconds = last_at - first_at

        def page_rate(metric, **labels):
            return (last_page.value(metric, **labels) - first_page.value(metric, **labels)) / seconds

        for container in self.containers:
            want = (last_cpu[container.id] - first_cpu[container.id]) / seconds
            with self.subTest(**names(container)):
                self.assert_close(page_rate("container_cpu_usage_seconds_total", **names(container)), want, "cores",
                                  absolute=0.002)
        for pod in traffic:
            want = (last_network[pod.uid] - first_network[pod.uid]) / seconds
            with self.subTest(**pod_names(pod)):
                self.assert_close(page_rate("container_network_transmit_bytes_total", interface="eth0", **pod_names(pod)),
                                  want, "bytes a second")
        cruncher = self.machine.pod("batch-jobs/cruncher").container()
        self.assertLess(page_rate("container_cpu_usage_seconds_total", **names(cruncher)), 0.22, "held to 0.2 cores")
