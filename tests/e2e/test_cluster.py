# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes, deployed to by ./deploy: API server, controllers, scheduler and kubelet (harness/cluster.py).

`run --all test_cluster`, once kubernetes/build has made them. What the API server says of owners is the judge of the labels.
"""
import json
import os
import signal
import subprocess
import threading
import time
import unittest

from harness import cluster, identities, manifests, procs, recorded_pods, session
from harness.case import Case
from harness.deployed import NAMESPACE, Deployed
from harness.page import Page
from harness.pod_changes import PodChanges
from harness.wait import until

kubernetes = None  # one for all tests


def setUpModule():
    global kubernetes
    if not os.access(cluster.PROGRAM, os.X_OK):
        raise unittest.SkipTest("tests/e2e/kubernetes/build makes the cluster's programs")
    session.need_tools("buildah", "containerd", "etcd", "gcc", "kubectl", "mmdebstrap", "openssl")
    session.lock()
    kubernetes = Deployed()
    unittest.addModuleCleanup(kubernetes.stop)
    kubernetes.start()


class ClusterCase(Case):
    maxDiff = None

    def page(self):
        return Page(kubernetes.fetch(f"http://{kubernetes.pod_of(manifests.EXPORTER)['status']['podIP']}:9780/metrics"))

    def api(self, path):
        return json.loads(kubernetes.fetch(f"http://{kubernetes.pod_of(manifests.AGGREGATOR)['status']['podIP']}:8082{path}"))

    def assert_named(self, page=None, uid_of=identities.uid_of_api):
        """Every pod and container is named as the API server has it, and nothing else is."""
        page = page or self.page
        try:
            until(lambda: identities.shown(page()) == kubernetes.wanted(uid_of), 20, "the labels are right")
        except AssertionError:
            self.assertEqual(identities.shown(page()), kubernetes.wanted(uid_of))


class Names(ClusterCase):
    def test_pods_of_each_kind(self):
        kinds = {wanted[2] for wanted in kubernetes.wanted().values()}
        self.assertEqual(kinds | {"cronjob"}, {*identities.KINDS.values(), "pod"})
        self.assert_named()
        self.assertEqual(self.page().value("cloudmon_unidentified_pods"), 0)

    def test_each_change_within_a_second(self):
        """From what the API server tells to the page that has it. UPDATE_GOLDEN=1 keeps what it told for the other tests."""
        watch = cluster.PodWatch(kubernetes)
        self.addCleanup(watch.stop)
        shown = Shown(self.page)
        self.addCleanup(shown.stop)
        for change in PodChanges(kubernetes).all():
            with self.subTest(change.__name__):
                change()
                self.assert_named()
        time.sleep(1)
        lags = shown.lags(watch.events)
        self.assertGreater(len(lags), 10)
        print(f"     {self.id()}: {len(lags)} containers that the API server told of, on a page after "
              f"{lags[len(lags) // 2]:.2f} s (median), {lags[-1]:.2f} s (most)", flush=True)
        if os.environ.get("UPDATE_GOLDEN") == "1":
            recorded_pods.save(recorded_pods.Recording(watch.listed, [event for _, event in watch.events], kubernetes.owners()))

    def test_an_api_server_that_was_away_has_forgotten(self):
        """While the exporter stands still, pods change and the server starts again: only a new list tells what happened."""
        exporter = kubernetes.pod_of(manifests.EXPORTER)
        version = json.loads(kubernetes.kubectl("get", "--raw=/api/v1/pods?limit=1"))["metadata"]["resourceVersion"]
        os.kill(kubernetes.process_of(exporter, "exporter"), signal.SIGSTOP)
        try:
            PodChanges(kubernetes).rollout()
            kubernetes.restart_api_server()
            PodChanges(kubernetes).rollout()
        finally:
            os.kill(kubernetes.process_of(exporter, "exporter"), signal.SIGCONT)
        self.assert_named()
        self.assertEqual(identities.running(kubernetes.pod_of(manifests.EXPORTER)), identities.running(exporter), "not started anew")
        until(lambda: self.page().value("cloudmon_identity_source_up", source="kubernetes") == 1, 20, "the watch goes on")
        watch = kubernetes.kubectl("get", f"--raw=/api/v1/pods?watch=1&timeoutSeconds=1&resourceVersion={version}")
        self.assertEqual(json.loads(watch.splitlines()[0])["object"].get("code"), 410, "it has forgotten, in truth")

    def test_names_from_the_kubelet(self):
        """With a token that may read pods of the kubelet, and nothing of the API server."""
        kubernetes.kubectl("create", "clusterrole", "kubelet-pods", "--verb=get", "--resource=nodes/proxy")
        kubernetes.kubectl("create", "clusterrolebinding", "kubelet-pods", "--clusterrole=kubelet-pods",
                             "--serviceaccount=default:default")
        token = os.path.join(self.temp_dir(), "token")
        with open(token, "w", encoding="ascii") as file:
            file.write(kubernetes.kubectl("create", "token", "default"))
        exporter = subprocess.Popen(cluster.inside(
            procs.EXPORTER, "--web.listen-address=127.0.0.1:9790", f"--node.name={cluster.NODE}", "--identity.sources=kubelet",
            f"--kubelet.url=https://{cluster.NODE_IP}:10250", f"--kubelet.ca-file={kubernetes.authority.certificate}",
            f"--kubernetes.token-file={token}"), preexec_fn=procs.end_with_parent)
        self.addCleanup(exporter.wait)
        self.addCleanup(exporter.terminate)
        page = lambda: Page(kubernetes.fetch("http://127.0.0.1:9790/metrics"))  # noqa: E731
        until(page, 20, "it answers")
        self.assert_named(page, identities.uid_of_kubelet)
        self.assertEqual(page().value("cloudmon_identity_source_up", source="kubelet"), 1)


class Shown:
    """When each container was first on a page, looked at again and again."""

    def __init__(self, page):
        self.since = {}  # container ID -> monotonic seconds
        self._page, self._stopped = page, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self):
        while not self._stopped.wait(0.05):
            for labels, _ in self._page().all("cloudmon_container_info"):
                self.since.setdefault(labels["container_id"], time.monotonic())

    def stop(self):
        self._stopped.set()
        self._thread.join()

    def lags(self, events):
        """Seconds from the first event that tells of a container to the first page with it, sorted; those that live."""
        told = {}
        for at, event in events:
            for container_id in identities.running(event["object"]).values() if event["object"].get("status") else ():
                told.setdefault(container_id, at)
        return sorted(self.since[container_id] - at for container_id, at in told.items() if container_id in self.since)


class Answers(ClusterCase):
    def test_deploy_says_how_to_reach_the_api(self):
        forward, curl = [line.strip() for line in kubernetes.said.splitlines() if line.startswith("  ")]
        forwarding = subprocess.Popen(cluster.inside("kubectl", f"--kubeconfig={kubernetes.kubeconfig}", *forward.split()[1:]),
                                      stdout=subprocess.DEVNULL, preexec_fn=procs.end_with_parent)
        self.addCleanup(forwarding.wait)
        self.addCleanup(forwarding.terminate)
        answer = until(lambda: json.loads(subprocess.run(cluster.inside("sh", "-c", curl), capture_output=True, check=True).stdout),
                       40, curl)
        self.assertEqual([node["node"] for node in answer], [cluster.NODE])

    def test_the_aggregator_has_all_pods(self):
        wanted = kubernetes.wanted()
        until(lambda: {(pod["namespace"], pod["pod"]) for pod in self.api("/api/pods")} >= set(wanted), 40, "all pods")
        have = {(pod["namespace"], pod["pod"]): pod.get("deployment", "") for pod in self.api("/api/pods")}
        self.assertEqual({key: have[key] for key in wanted}, {key: found[3] for key, found in wanted.items()})
        (target,) = until(lambda: [target for target in self.api("/api/targets") if target["up"]], 40, "the exporter is up")
        self.assertEqual((target["node"], target["source"]), (cluster.NODE, f"kubernetes {NAMESPACE}/{manifests.EXPORTER}"))
        web = next(entry for entry in self.api("/api/deployments") if entry["deployment"] == "web")
        self.assertEqual(web["pods"], 2)

    def test_history_outlives_the_aggregator(self):
        history = f"/api/nodes/{cluster.NODE}?window=1h"
        before = until(lambda: self.api(history), 40, "a bucket")
        kubernetes.kubectl("delete", "pod", "cloud-monitor-aggregator-0", f"--namespace={NAMESPACE}")
        kubernetes.kubectl("rollout", "status", "statefulset/cloud-monitor-aggregator", f"--namespace={NAMESPACE}", "--timeout=90s")
        self.assertEqual(self.api(history)[:len(before)], before)

    def test_rights_are_what_is_needed_and_no_more(self):
        for name, wanted in ((manifests.EXPORTER, {("", "pods")}), (manifests.AGGREGATOR, {("discovery.k8s.io", "endpointslices")})):
            account = f"system:serviceaccount:{NAMESPACE}:{name}"
            rules = json.loads(kubernetes.kubectl(
                "create", "--validate=false", "--filename=-", "--output=json", f"--as={account}", stdin=json.dumps({
                    "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": NAMESPACE}})))
            granted = {(group, resource) for rule in rules["status"]["resourceRules"] for group in rule["apiGroups"]
                       for resource in rule["resources"]}
            everyone = {entry for entry in granted if entry[1].startswith("selfsubject")}
            self.assertEqual(granted - everyone, wanted)

    def test_each_overlay_is_accepted(self):
        """The API server checks it all, and stores nothing."""
        for overlay in manifests.overlays():
            if overlay != "overlays/prometheus-operator":  # its kinds are the operator's
                with self.subTest(overlay):
                    said = kubernetes.kubectl("apply", "--dry-run=server", "-k", os.path.join(manifests.MANIFESTS, overlay))
                    self.assertIn("daemonset.apps/cloud-monitor-exporter", said)

    def test_delete_leaves_nothing(self):
        kubernetes.deploy("delete")
        kinds = "clusterroles,clusterrolebindings,namespaces"
        self.assertNotIn("cloud-monitor", kubernetes.kubectl("get", kinds, "--output=name"))
        kubernetes.kubectl("delete", "persistentvolume", "history")
        kubernetes.make_volume()
        kubernetes.deploy("--timeout=60s")
