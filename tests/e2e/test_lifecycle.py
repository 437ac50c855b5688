# SPDX-License-Identifier: Apache-2.0
"""Pods that come, go, restart and run out of memory."""
import os
import signal
import threading

from harness import kernel, pods, procs, session
from harness.case import Case
from harness.containerd import UID_PREFIX
from harness.page import Scraper
from harness.wait import until

BURN = [pods.ContainerSpec("app", ["burn", "1", "200"])]


class Churn:
    """Makes and removes the cgroups of a pod with 50 containers in every hierarchy, over and over, on a thread."""

    POD = f"/kubepods/burstable/pod{UID_PREFIX}-0000-4000-8000-00000000c0de"

    def __init__(self):
        self.rounds = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        pods = [mount + self.POD for mount in kernel.hierarchies() if os.path.isdir(mount + os.path.dirname(self.POD))]
        while not self._stop.is_set():
            made = pods + [f"{pod}/{number:064x}" for number in range(50) for pod in pods]
            for directory in made:
                os.mkdir(directory)
            for directory in reversed(made):
                os.rmdir(directory)
            self.rounds += 1


class Lifecycle(Case):
    @classmethod
    def setUpClass(cls):
        cls.machine = session.machine()
        cls.exporter = procs.exporter_on(cls.machine)
        cls.addClassCleanup(cls.exporter.stop)
        cls.scraper = Scraper(cls.exporter)
        until(lambda: cls.scraper.page().all("cloudmon_container_info", pod="db-0"), 15, "the exporter names pods")

    def run_pod(self, name, containers=None):
        pod = self.machine.run(pods.deployment_pod("shop", name, "6c9f4d", "tmp42", containers or BURN, stable=False))
        self.addCleanup(lambda: pod in self.machine.pods and self.machine.delete(pod))
        return pod

    def test_a_new_pod_appears_with_its_names_and_a_deleted_one_goes(self):
        pod = self.run_pod("newcomer")
        labels = self.scraper.page().labels("container_cpu_usage_seconds_total", pod=pod.spec.name)
        self.assertEqual((labels["namespace"], labels["deployment"], labels["container"]), ("shop", "newcomer", "app"))
        self.machine.delete(pod)
        left = [sample for sample in self.scraper.page().samples if pod.spec.name in sample[1].values()]
        self.assertEqual(left, [], "gone from the next scrape")

    def test_an_ended_container_goes_while_its_pod_stays(self):
        pod = self.run_pod("half", [pods.ContainerSpec("one", ["idle"]), pods.ContainerSpec("two", ["idle"])])
        self.assertEqual(len(self.scraper.page().all("container_cpu_usage_seconds_total", pod=pod.spec.name)), 2)
        pod.runtime.stop_container(pod.container("one").id)
        page = self.scraper.page()
        left = page.all("container_cpu_usage_seconds_total", pod=pod.spec.name)
        self.assertEqual([labels["container"] for labels, _ in left], ["two"])
        self.assertEqual(len(page.all("pod_cpu_usage_seconds_total", pod=pod.spec.name)), 1)

    def test_cgroups_that_go_while_they_are_read_are_no_errors(self):
        churn = Churn()
        with churn:
            pages = [self.scraper.page() for _ in range(5)]
        self.assertGreater(churn.rounds, 5, "cgroups came and went meanwhile")
        for page in pages:
            self.assertEqual(page.value("cloudmon_collector_success", collector="cgroup"), 1)
            self.assertEqual(page.all("cloudmon_collector_errors_total", collector="cgroup"), [])
            self.assertEqual(len(page.all("pod_cpu_usage_seconds_total", pod="db-0")), 1, "the others are shown")

    def test_oom_kills_count(self):
        leaky = self.machine.pod("shop/leaky")
        container = leaky.container()

        def kills(page):
            return page.value("container_oom_events_total", pod=leaky.spec.name, container="app")
        before = kills(self.scraper.page())
        self.assertEqual(before, container.cgroup.oom_kills())
        os.kill(container.pid, signal.SIGUSR1)
        until(lambda: container.cgroup.oom_kills() == before + 1, 20, "the kernel kills the child")
        page = self.scraper.page()
        self.assertEqual(kills(page), before + 1)
        self.assertEqual(page.value("pod_oom_events_total", pod=leaky.spec.name), before + 1)

    def test_totals_do_not_fall_when_a_container_restarts(self):
        pod = self.run_pod("restarter")
        target = f"127.0.0.1:{self.exporter.port}"
        aggregator = self.started(procs.aggregator(self.temp_dir(), targets=[target], interval="1s"))

        def entries(path):
            answer = aggregator.get(path + "?window=5m")
            return answer.json if answer.status == 200 else []

        def buckets_with_cpu():
            return len([entry for entry in entries(f"/api/pods/{pod.spec.name}") if "cpu_usage_usec" in entry])
        until(lambda: buckets_with_cpu() >= 3, 20, "buckets before the restart")
        for _ in range(2):
            old_id = pod.container().id
            pod.restart("app")
            self.assertNotEqual(pod.container().id, old_id)
            seen = buckets_with_cpu()
            until(lambda n=seen: buckets_with_cpu() >= n + 3, 20, "buckets after the restart")
        for path in (f"/api/pods/{pod.spec.name}", "/api/namespaces/shop/deployments/restarter", "/api/namespaces/shop",
                     "/api/cluster"):
            for field in ("cpu_usage_usec", "network_rx_bytes", "disk_write_bytes"):
                totals = [entry[field] for entry in entries(path) if field in entry]
                with self.subTest(path=path, field=field):
                    self.assertEqual(totals, sorted(totals))
        totals = [entry["cpu_usage_usec"] for entry in entries(f"/api/pods/{pod.spec.name}")]
        self.assertLessEqual(abs(totals[-1] / 1e6 - pod.cgroup.cpu_seconds()), 3, "the pod's cgroup goes on counting")

    def test_totals_of_a_deployment_do_not_fall_when_a_pod_goes(self):
        stays = self.run_pod("shrinking")
        goes = self.machine.run(pods.deployment_pod("shop", "shrinking", "6c9f4d", "tmp43", BURN, stable=False))
        target = f"127.0.0.1:{self.exporter.port}"
        aggregator = self.started(procs.aggregator(self.temp_dir(), targets=[target], interval="1s"))

        def entries():
            answer = aggregator.get("/api/namespaces/shop/deployments/shrinking?window=5m")
            return answer.json if answer.status == 200 else []
        until(lambda: len([e for e in entries() if e["pods"] == 2]) >= 3, 20, "buckets with two pods")
        self.machine.delete(goes)
        until(lambda: len([e for e in entries() if e["pods"] == 1]) >= 2, 20, "buckets with one pod")
        totals = [entry["cpu_usage_usec"] for entry in entries() if "cpu_usage_usec" in entry]
        self.assertEqual(totals, sorted(totals))
        self.assertTrue(stays.cgroup.exists())
