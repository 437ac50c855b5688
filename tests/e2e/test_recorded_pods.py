# SPDX-License-Identifier: Apache-2.0
"""What a real API server said while pods of each kind changed, said again by the stand-in: each step lands in the labels."""
import os
import time

from harness import identities, procs, recorded_pods
from harness.case import Case
from harness.cgroup_tree import CgroupTree
from harness.cluster import NODE
from harness.kube_api import KubeApi
from harness.page import Page
from harness.wait import until


def key_of(pod):
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


class RecordedPods(Case):
    maxDiff = None

    def setUp(self):
        self.recording = recorded_pods.load()
        self.changes = [event for event in self.recording.events if event["type"] != "BOOKMARK"]
        self.pods = {}  # (namespace, name) -> pod, as the API server has them now
        directory = self.temp_dir()
        self.tree = CgroupTree(os.path.join(directory, "cgroup"))
        self.api = KubeApi()
        self.addCleanup(self.api.stop)
        for pod in self.recording.listed["items"]:
            self.put(pod)
        self.exporter = self.started(procs.exporter(
            "--identity.sources=kubernetes", f"--kubernetes.api-url={self.api.url}", f"--path.cgroup={self.tree.path}", node=NODE))

    def put(self, pod):
        self.pods[key_of(pod)] = pod
        if identities.has_sandbox(pod):
            self.tree.put(pod)
        else:
            self.tree.remove(pod)
        self.api.put("pods", pod)

    def take(self, event):
        """The node does what the API server then tells."""
        pod = event["object"]
        if event["type"] != "DELETED":
            self.put(pod)
            return
        del self.pods[key_of(pod)]
        self.tree.remove(pod)
        self.api.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"])

    def wanted(self):
        return identities.wanted(self.pods.values(), self.recording.owners)

    def shown(self):
        return identities.shown(Page(self.exporter.get("/metrics").text))

    def assert_shown(self, seconds=10):
        wanted = self.wanted()
        try:
            until(lambda: self.shown() == wanted, seconds, "the labels are right")
        except AssertionError:
            self.assertEqual(self.shown(), wanted)

    def test_each_change(self):
        lags, kinds, before = [], set(), self.wanted()
        self.assert_shown()
        for event in self.changes:
            began = time.monotonic()
            self.take(event)
            if self.wanted() != before:
                self.assert_shown()
                lags.append(time.monotonic() - began)
            before = self.wanted()
            kinds.update(found[2] for found in before.values())
        self.assertEqual(kinds, {*identities.KINDS.values(), "pod"})
        self.assertGreater(len(lags), 30)
        lags.sort()
        print(f"     {self.id()}: {len(lags)} changes of labels, each on a page after {lags[len(lags) // 2]:.2f} s (median), "
              f"{lags[-1]:.2f} s (most)", flush=True)

    def test_cuts_lose_nothing(self):
        """Connections break off and the history is forgotten at any place."""
        random = self.random()
        for event in self.changes:
            self.take(event)
            if random.random() < 0.2:
                random.choice((self.api.cut_watches, self.api.compact))()
            time.sleep(random.random() / 20)
        self.assert_shown(seconds=10 + 30)  # the longest wait after failures in a row
