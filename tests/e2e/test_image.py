# SPDX-License-Identifier: Apache-2.0
"""The exporter's image in a real runtime, with the rights and mounts of the manifests: it sees and names all pods.

What is in the image was compiled beforehand, as compiling it in the image's own build stage takes minutes: that is left to
`run --all`.
"""
import os
import re
import shutil
import subprocess
import unittest

from harness import kernel, manifests, own_image, procs, session
from harness.case import Case
from harness.manifest_pod import ManifestPod
from harness.page import Page
from harness.wait import until

IMAGE = "cloud-monitor-exporter:e2e"
MIB = 1 << 20


class ExporterImage(Case):
    @classmethod
    def setUpClass(cls):
        cls.machine = session.machine()
        session.need_tools("buildah", "mmdebstrap", "kubectl", "nsenter", "readelf")
        work = os.path.join(session.DIRECTORY, "own-image")
        os.makedirs(work)
        cls.addClassCleanup(shutil.rmtree, work)
        cls.builder = own_image.Builder(work)
        cls.archive = cls.builder.build_around(procs.EXPORTER, "exporter", IMAGE)
        cls.machine.containerd.import_archive(cls.archive)

    def run_exporter(self, overlay, sources):
        """The DaemonSet's pod. Its first page on which every container has a name."""
        template = manifests.build(overlay).pods()["cloud-monitor-exporter"]
        pod = ManifestPod(template, self.machine, session.DIRECTORY, name=f"cloud-monitor-exporter-{sources}", image=IMAGE,
                          # There is no API server to ask.
                          instead={"--identity.sources": sources},
                          paths={"/var/log/pods": self.machine.podlogs, "/run/containerd": session.DIRECTORY})
        self.addCleanup(pod.delete)
        self.containers = [container for some in [*self.machine.pods, pod] for container in some.containers.values()]
        pid = pod.container().pid

        def named_page():
            answer = subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "curl", "-fsS", "--max-time", "10",
                                     "http://127.0.0.1:9780/metrics"], capture_output=True, text=True, check=True)
            page = Page(answer.stdout)
            return page if len(page.all("cloudmon_container_info")) == len(self.containers) else None
        return pod, until(named_page, 20, "every container has a name")

    def check_page(self, page):
        have = sorted((labels["namespace"], labels["pod"], labels["container"], labels["container_id"])
                      for labels, _ in page.all("cloudmon_container_info"))
        self.assertEqual(have, sorted((c.pod.spec.namespace, c.pod.spec.name, c.spec.name, c.id) for c in self.containers))
        for pod in self.machine.pods:  # the network is read in each pod's own namespace
            self.assertEqual(len(page.all("container_network_receive_bytes_total", pod=pod.spec.name)),
                             0 if pod.spec.host_network else 1, pod.spec.key)
        cruncher = self.machine.pod("batch-jobs/cruncher")
        self.assert_close(page.value("pod_cpu_usage_seconds_total", pod=cruncher.spec.name), cruncher.cgroup.cpu_seconds(),
                          "CPU time of cruncher", absolute=5)
        self.assertEqual(page.value("node_memory_MemTotal_bytes"), kernel.meminfo()["MemTotal"])
        self.assertEqual(page.value("node_filesystem_size_bytes", mountpoint="/"),
                         os.statvfs("/").f_blocks * os.statvfs("/").f_frsize)
        self.assertEqual(page.labels("cloudmon_node_info")["node"], "node-e2e")

    def check_rights(self, pod, user):
        status = dict(re.findall(r"^(\w+):\s+(.*)$", kernel.read(f"/proc/{pod.container().pid}/status"), re.M))
        self.assertEqual(set(status["Uid"].split()), {str(user)})
        self.assertEqual([status[key] for key in ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs")], ["0" * 16] * 3 + ["1"])
        self.assertEqual(status["Seccomp"], "2")  # filtered
        self.assertTrue(os.statvfs(f"/proc/{pod.container().pid}/root").f_flag & os.ST_RDONLY)

    def check_libraries(self, root):
        """The aggregator's image stands on the same libraries as this one."""
        there = procs.run(["chroot", root, "/sbin/ldconfig", "-p"]).stdout.split()
        for program in (procs.EXPORTER, procs.AGGREGATOR):
            needed = re.findall(r"NEEDED.*\[(.+)\]", procs.run(["readelf", "-d", program]).stdout)
            self.assertIn("libc.so.6", needed)
            self.assertLessEqual(set(needed), set(there), program)

    def test_as_nobody_with_names_from_the_log_directories(self):
        pod, page = self.run_exporter(".", "podlogs")
        self.check_rights(pod, 65534)
        self.check_page(page)
        self.check_libraries(f"/proc/{pod.container().pid}/root")
        # libcurl is loaded only where the exporter pushes, so nothing else would tell that it is missing.
        pushes = procs.run(["chroot", f"/proc/{pod.container().pid}/root", "/usr/bin/cloud-monitor-exporter",
                            "--check-config", "--push.url=http://aggregator:8082"])
        self.assertEqual(pushes.returncode, 0, pushes.stderr)

    def test_as_root_with_names_from_the_runtime(self):
        pod, page = self.run_exporter("overlays/cri", "cri")
        self.check_rights(pod, 0)
        self.check_page(page)
        for some in self.machine.pods:
            labels = page.labels("cloudmon_pod_info", pod=some.spec.name)
            self.assertEqual((labels["deployment"], labels["workload"]), (some.spec.deployment, some.spec.workload))

    def test_what_it_adds_to_the_base(self):
        added = os.path.getsize(self.archive) - os.path.getsize(own_image.BASE_ARCHIVE)
        print(f"     {self.id()}: {added / MIB:.1f} MiB", flush=True)
        self.assertLess(added, 60 * MIB)


class WholeBuild(Case):
    def test_deploy_build(self):
        """./deploy build, with the compilers inside."""
        if not session.everything:
            raise unittest.SkipTest("takes minutes: run --all")
        session.need_tools("buildah", "mmdebstrap")
        directory = self.temp_dir()
        builder = own_image.Builder(directory)
        checkout = own_image.checkout(directory)
        done = subprocess.run([checkout + "/deploy", "build", "--engine=buildah", f"--base={own_image.BASE}"],
                              env=builder.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:])
        for program, archive in (("exporter", "monitor.tar"), ("aggregator", "monitor-api.tar")):
            image = builder.buildah("pull", "--quiet", f"docker-archive:{checkout}/{archive}").strip()
            container = builder.buildah("from", image).strip()
            said = builder.buildah("run", "--", container, f"/usr/bin/cloud-monitor-{program}", "--version")
            self.assertIn(program, said)
