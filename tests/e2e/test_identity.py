# SPDX-License-Identifier: Apache-2.0
"""Where the names come from: each source by itself, sources that fail, and none at all."""
import os
import shutil

from harness import kernel, procs, session
from harness.case import Case
from harness.page import Page, Scraper
from harness.wait import until

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
          "--no-new-privs")


class Identity(Case):
    @classmethod
    def setUpClass(cls):
        cls.machine = session.machine()
        cls.containers = [container for pod in cls.machine.pods for container in pod.containers.values()]

    def start(self, *flags, **more):
        """An exporter on the machine, its scraper, and its first page on which every container has a name."""
        exporter = self.started(procs.exporter_on(self.machine, *flags, **more))
        scraper = Scraper(exporter)

        def named_page():
            page = scraper.page()
            return page if len(page.all("cloudmon_container_info")) == len(self.containers) else None
        return exporter, scraper, until(named_page, 15, "every container has a name")

    def check_names(self, page):
        have = sorted((labels["namespace"], labels["pod"], labels["container"])
                      for labels, _ in page.all("container_cpu_usage_seconds_total"))
        self.assertEqual(have, sorted((c.pod.spec.namespace, c.pod.spec.name, c.spec.name) for c in self.containers))

    def check_ids(self, page):
        """Each name is that of the right cgroup, not only of some cgroup of the pod."""
        for container in self.containers:
            labels = page.labels("cloudmon_container_info", pod=container.pod.spec.name, container=container.spec.name)
            self.assertEqual(labels["container_id"], container.id)

    def test_podlogs_alone_gives_the_names(self):
        _, _, page = self.start(sources="podlogs")
        self.check_names(page)
        self.check_ids(page)

    def test_the_runtime_alone_gives_the_names(self):
        _, _, page = self.start(sources="cri")
        self.check_names(page)
        self.check_ids(page)

    def test_without_root_and_capabilities(self):
        session.need_tools("setpriv")
        program = os.path.join(self.temp_dir(), "cloud-monitor-exporter")
        os.chmod(os.path.dirname(program), 0o755)
        shutil.copy(procs.EXPORTER, program)
        exporter = self.started(procs.Program([*NOBODY, program, "--web.listen-address=127.0.0.1:0",
                                               "--identity.sources=podlogs", f"--path.podlogs={self.machine.podlogs}"]))
        status = kernel.read(f"/proc/{exporter.process.pid}/status")
        self.assertRegex(status, r"Uid:\s+65534\s+65534")
        self.assertRegex(status, r"CapEff:\s+0{16}\n")
        page = until(lambda: self.full_page(exporter), 15, "every container has a name")
        self.check_names(page)
        self.check_ids(page)
        worker = self.machine.pod("batch-jobs/worker")
        self.assertGreater(page.value("container_cpu_usage_seconds_total", pod=worker.spec.name), 0)
        for pod in self.machine.pods:
            self.assertEqual(len(page.all("container_network_receive_bytes_total", pod=pod.spec.name)),
                             0 if pod.spec.host_network else 1, pod.spec.key)

    def full_page(self, exporter):
        page = Page(exporter.get("/metrics").text)
        return page if len(page.all("cloudmon_container_info")) == len(self.containers) else None

    def test_a_missing_socket_counts_and_the_other_source_names(self):
        _, _, page = self.start(socket="/nonexistent/containerd.sock")
        self.check_names(page)
        self.assertGreater(page.value("cloudmon_identity_source_errors_total", source="cri"), 0)
        self.assertEqual(page.value("cloudmon_identity_source_up", source="cri"), 0)
        self.assertEqual(page.value("cloudmon_identity_source_up", source="podlogs"), 1)

    def test_a_socket_that_goes_away_leaves_the_names(self):
        link = os.path.join(self.temp_dir(), "cri.sock")
        os.symlink(self.machine.socket, link)
        _, scraper, page = self.start(socket=link)
        self.check_names(page)
        os.unlink(link)
        page = scraper.page()
        self.check_names(page)
        self.assertEqual(page.labels("cloudmon_container_info", pod="db-0")["image"],
                         self.machine.pod("batch-jobs/db-0").container().spec.image, "what was known stays known")

    def check_nameless(self, page):
        """Every container is there under its pod's UID. Its own name the kubelet's mounts tell; if not, its ID stands in."""
        for container in self.containers:
            found = [labels["container"] for labels, _ in page.all("container_cpu_usage_seconds_total", namespace="",
                                                                   pod=container.pod.uid)]
            self.assertEqual(len(found), len(container.pod.containers), container.pod.spec.key)
            self.assertTrue({container.spec.name, container.id[:12]} & set(found), f"{container.pod.spec.key}: {found}")
        self.assertEqual(page.value("cloudmon_unidentified_pods"), len(self.machine.pods))

    def test_without_any_source_the_cgroups_count_at_once(self):
        exporter = self.started(procs.exporter("--identity.sources=podlogs", "--path.podlogs=/nonexistent"))
        self.check_nameless(until(lambda: self.full_page(exporter), 15, "the pods appear without names"))

    def test_a_source_that_knows_nothing_holds_them_back_for_a_while(self):
        exporter = self.started(procs.exporter("--identity.sources=podlogs", f"--path.podlogs={self.temp_dir()}"))
        page = Page(exporter.get("/metrics").text)
        self.assertEqual(page.all("container_cpu_usage_seconds_total"), [], "a name may still come")
        self.assertEqual(page.all("pod_cpu_usage_seconds_total"), [])
        self.check_nameless(until(lambda: self.full_page(exporter), 45, "the pods appear without names"))
