# SPDX-License-Identifier: Apache-2.0
"""Names from the Kubernetes API and from the kubelet: each change of a pod lands in the labels, whatever the server does."""
import os
import time

from harness import pods, procs, session
from harness.case import Case
from harness.kube_api import KubeApi, make_certificates
from harness.kubelet import Kubelet
from harness.page import Page
from harness.pod_object import object_of, pod_object
from harness.wait import until

TOKEN = "e2e-token"
UP = "cloudmon_identity_source_up"
CPU = "container_cpu_usage_seconds_total"


class OnMachine(Case):
    """With the suite's pods, a token, and certificates for a server."""

    def setUp(self):
        self.machine = session.machine()
        session.need_tools("openssl")
        directory = self.temp_dir()
        self.ca, *self.tls = make_certificates(directory)
        self.token_file = os.path.join(directory, "token")
        self.write_token(TOKEN)

    def write_token(self, token):
        with open(self.token_file, "w", encoding="ascii") as file:
            file.write(token + "\n")

    def start(self, sources, *flags):
        self.exporter = self.started(procs.exporter(
            f"--identity.sources={sources}", f"--path.podlogs={self.machine.podlogs}",
            f"--kubernetes.token-file={self.token_file}", *flags))

    def page(self):
        return Page(self.exporter.get("/metrics").text)

    def seen(self, since, what, condition):
        """Waits until a page is so, and prints how long after `since` that was."""
        until(lambda: condition(self.page()), 10, what)
        print(f"     {self.id().rsplit('.', 1)[1]}: {what} after {time.monotonic() - since:.2f} s", flush=True)

    def run_pod(self, name):
        """A pod of this test alone, of which the server knows nothing yet."""
        pod = self.machine.run(pods.deployment_pod("shop", name, "7c9d", "k4m2x", [pods.ContainerSpec("app", ["idle"])],
                                                   stable=False))
        self.addCleanup(lambda: pod in self.machine.pods and self.machine.delete(pod))
        return pod

    def assert_all_named(self, page):
        have = sorted((c["namespace"], c["pod"], c["container"], c["container_id"], c["image"])
                      for c, _ in page.all("cloudmon_container_info"))
        containers = [c for pod in self.machine.pods for c in pod.containers.values()]
        self.assertEqual(have, sorted((c.pod.spec.namespace, c.pod.spec.name, c.spec.name, c.id, c.spec.image)
                                      for c in containers))
        for pod in self.machine.pods:
            info = page.labels("cloudmon_pod_info", pod=pod.spec.name)
            self.assertEqual((info["deployment"], info["workload"], info["workload_type"], info["sandbox_id"]),
                             (pod.spec.deployment, pod.spec.workload, pod.spec.workload_type, pod.sandbox_id))
            self.assertEqual(info["host_network"], "true" if pod.spec.host_network else "false")


class Watch(OnMachine):
    def setUp(self):
        super().setUp()
        self.api = KubeApi(tls=self.tls)
        self.addCleanup(self.api.stop)
        self.api.tokens = {TOKEN}
        for pod in self.machine.pods:
            self.api.put("pods", object_of(pod))
        elsewhere = object_of(self.machine.pods[0])
        elsewhere["metadata"]["name"], elsewhere["spec"]["nodeName"] = "elsewhere", "another-node"
        self.api.put("pods", elsewhere)

    def watch(self, sources="kubernetes"):
        self.start(sources, f"--kubernetes.api-url={self.api.url}", f"--kubernetes.ca-file={self.ca}")

    def orphan(self, key):
        """Takes the label from a Deployment's pod that makes it one, as when it is taken out of its ReplicaSet; when, and what
        a page then has."""
        pod = self.machine.pod(key)
        changed = object_of(pod)
        del changed["metadata"]["labels"]["pod-template-hash"]
        return self.api.put("pods", changed), lambda page: self.belongs(page, pod, "", "replicaset")

    def restore(self, key):
        pod = self.machine.pod(key)
        return self.api.put("pods", object_of(pod)), lambda page: self.belongs(page, pod, pod.spec.deployment, "deployment")

    def belongs(self, page, pod, deployment, workload_type):
        found = {(labels["deployment"], labels["workload_type"]) for labels, _ in page.all(CPU, pod=pod.spec.name)}
        return found == {(deployment, workload_type)}

    def test_the_first_page_has_all_names(self):
        self.watch()
        page = self.page()
        self.assert_all_named(page)
        self.assertEqual(page.value(UP, source="kubernetes"), 1)

    def test_the_first_list_may_be_old(self):
        """A server among several may be behind the others; its watch brings the rest."""
        self.api.lag()
        when, condition = self.orphan("shop/api-5f-q9x2d")
        self.watch()
        self.seen(when, "a change that the list does not have", condition)
        self.assertEqual(self.api.lists, 1)

    def test_a_label_changes(self):
        self.watch()
        self.assert_all_named(self.page())
        when, condition = self.orphan("shop/api-5f-q9x2d")
        self.seen(when, "the pod is no Deployment's", condition)
        when, condition = self.restore("shop/api-5f-q9x2d")
        self.seen(when, "it is again", condition)

    def test_a_pod_comes_restarts_and_goes(self):
        self.watch()
        self.assert_all_named(self.page())
        pod = self.run_pod("kube-new")
        name = pod.spec.name
        time.sleep(0.6)
        page = self.page()
        self.assertEqual(page.all(CPU, pod=name) + page.all(CPU, pod=pod.uid), [], "its name may still come")

        def has_container(page):
            info = page.labels("cloudmon_container_info", pod=name)
            labels = page.labels(CPU, pod=name)
            return ((info["container_id"], info["container"], info["image"]) == (pod.container().id, "app", pods.LOAD_IMAGE)
                    and (labels["deployment"], labels["image"]) == ("kube-new", pods.LOAD_IMAGE))

        self.seen(self.api.put("pods", pod_object(pod.spec, pod.uid)), "a pod that the kubelet has not reported on", has_container)
        self.seen(self.api.put("pods", object_of(pod)), "a pod that runs", has_container)

        before = pod.container().id
        pod.restart("app")
        self.assertNotEqual(pod.container().id, before)
        self.seen(time.monotonic(), "a container's restart, not reported yet", has_container)
        self.seen(self.api.put("pods", object_of(pod)), "a container's restart", has_container)

        self.api.delete("pods", name, "shop")
        time.sleep(1.1)
        self.assertTrue(has_container(self.page()), "its processes are still ending")
        self.machine.delete(pod)
        self.seen(time.monotonic(), "a deleted pod is gone", lambda page: not page.all(CPU, pod=name))

    def test_a_pod_is_made_again_under_its_name(self):
        self.watch()
        first = self.run_pod("kube-again")
        self.api.put("pods", object_of(first))
        self.machine.delete(first)
        self.api.delete("pods", first.spec.name, "shop")
        second = self.run_pod("kube-again")
        self.seen(self.api.put("pods", object_of(second)), "the new pod's UID",
                  lambda page: page.labels("cloudmon_pod_info", pod=second.spec.name)["pod_uid"] == second.uid)

    def test_history_that_the_server_forgot(self):
        for as_status in (False, True):
            self.api.gone_as_status = as_status
            self.watch()
            self.assert_all_named(self.page())
            lists = self.api.lists
            when, condition = self.orphan("shop/api-5f-q9x2d")
            self.api.compact()
            if as_status:
                self.api.cut_watches()
            self.seen(when, f"a change that was compacted ({'status' if as_status else 'event'} 410)", condition)
            until(lambda: self.api.lists > lists, 10, "all is listed again")
            self.restore("shop/api-5f-q9x2d")

    def test_cut_connections_lose_nothing(self):
        self.watch()
        self.assert_all_named(self.page())
        random = self.random()
        changeable = [pod.spec.key for pod in self.machine.pods if pod.spec.workload_type == "deployment"]
        last = {}
        for _ in range(30):
            key = random.choice(changeable)
            last[key] = random.choice((self.orphan, self.restore))(key)
            if random.random() < 0.5:
                self.api.cut_watches()
            time.sleep(random.random() / 20)
        when = max(when for when, _ in last.values())
        self.seen(when, "the last of 30 changes among cuts",
                  lambda page: all(condition(page) for _, condition in last.values()))

    def test_slow_answers(self):
        self.api.delay_seconds = 1.0
        self.watch()
        self.assert_all_named(self.page())
        until(lambda: self.api.watches == 1, 10, "the watch")
        self.api.delay_seconds = 1.5
        self.api.cut_watches()
        when, condition = self.orphan("shop/api-5f-q9x2d")
        self.seen(when, "a change while connecting takes 1.5 s", condition)

    def test_an_expired_token(self):
        self.watch()
        self.assert_all_named(self.page())
        self.api.tokens = {"renewed"}
        self.api.cut_watches()
        when, condition = self.orphan("shop/api-5f-q9x2d")
        until(lambda: self.page().value(UP, source="kubernetes") == 0, 10, "it says that it is not up to date")
        page = self.page()
        self.assertEqual(page.labels(CPU, pod="api-5f-q9x2d")["deployment"], "api", "what was known stays")
        until(lambda: "has it expired?" in self.exporter.log(), 10, "the log says why")
        self.write_token("renewed")
        self.seen(time.monotonic(), "a change since, once the token is renewed", condition)
        self.assertGreater(time.monotonic(), when)
        until(lambda: self.page().value(UP, source="kubernetes") == 1, 20, "it is up to date")

    def test_podlogs_name_until_the_api_allows(self):
        self.api.forbidden.add("pods")
        self.watch(sources="kubernetes,podlogs")
        page = until(lambda: self.page_with_all_containers(), 15, "every container has a name")
        self.assertEqual(page.labels(CPU, pod="api-5f-q9x2d")["deployment"], "")
        self.assertEqual(page.value(UP, source="kubernetes"), 0)
        self.assertGreater(page.value("cloudmon_identity_source_errors_total", source="kubernetes", reason="denied"), 0)
        self.assertIn("pods is forbidden", self.exporter.log())
        self.api.forbidden.clear()
        self.seen(time.monotonic(), "the Deployments, once the role is granted",
                  lambda page: page.labels(CPU, pod="api-5f-q9x2d")["deployment"] == "api")
        self.assert_all_named(self.page())

    def test_memory(self):
        """250 pods of 10 kB on the node, those of the machine among them; beside the same without the API."""
        for number in range(250 - len(self.machine.pods)):
            spec = pods.deployment_pod("shop", f"more-{number}", "7c9d", "k4m2x", [pods.ContainerSpec("app", [])])
            more = pod_object(spec, f"more-{number}")
            more["spec"]["containers"][0]["env"] = [{"name": f"VARIABLE_{i}", "value": "x" * 200} for i in range(40)]
            self.api.put("pods", more)
        rss = {}
        for sources in ("podlogs", "kubernetes,podlogs"):
            self.watch(sources)
            until(self.page_with_all_containers, 15, "every container has a name")
            for _ in range(5):
                time.sleep(0.6)
                self.page()
            rss[sources] = self.exporter.cost().rss_bytes / 2**20
            self.exporter.stop()
        print("     RSS: " + ", ".join(f"{sources} {mib:.1f} MiB" for sources, mib in rss.items()), flush=True)
        self.assertLess(rss["kubernetes,podlogs"], rss["podlogs"] + 14, "libcurl with TLS is 9.3 MiB; lists are not kept")

    def page_with_all_containers(self):
        page = self.page()
        return page if len(page.all("cloudmon_container_info")) == sum(len(p.containers) for p in self.machine.pods) else None


class KubeletPods(OnMachine):
    def setUp(self):
        super().setUp()
        self.kubelet = Kubelet(self.tls, TOKEN, [object_of(pod) for pod in self.machine.pods])
        self.addCleanup(self.kubelet.stop)

    def ask(self, *flags):
        self.start("kubelet,podlogs", f"--kubelet.url={self.kubelet.url}", *flags)

    def test_all_names(self):
        self.ask(f"--kubelet.ca-file={self.ca}")
        page = self.page()
        self.assert_all_named(page)
        self.assertEqual(page.value(UP, source="kubelet"), 1)

    def test_a_pod_comes_and_restarts(self):
        self.ask(f"--kubelet.ca-file={self.ca}")
        self.assert_all_named(self.page())
        pod = self.run_pod("kubelet-new")

        def has_container(page):
            info = page.labels("cloudmon_container_info", pod=pod.spec.name)
            return (info["container_id"], info["image"]) == (pod.container().id, pods.LOAD_IMAGE)

        self.kubelet.pods.append(object_of(pod))
        self.seen(time.monotonic(), "a pod", has_container)
        pod.restart("app")
        self.kubelet.pods[-1] = object_of(pod)
        self.seen(time.monotonic(), "a container's restart", has_container)

    def test_a_certificate_that_is_not_checked(self):
        self.ask("--kubelet.insecure-skip-verify")
        self.assert_all_named(self.page())

    def assert_away(self, *words):
        page = self.page()
        self.assertEqual(page.value(UP, source="kubelet"), 0)
        for word in words:
            self.assertIn(word, self.exporter.log())

    def test_an_unknown_authority(self):
        another, *_ = make_certificates(self.temp_dir())
        self.ask(f"--kubelet.ca-file={another}")
        self.assert_away("certificate", "set --kubelet.url, --kubelet.ca-file or --kubelet.insecure-skip-verify")

    def test_a_token_that_may_not(self):
        self.kubelet.allowed = False
        self.ask(f"--kubelet.ca-file={self.ca}")
        self.assert_away("HTTP 403", "let the service account get nodes/proxy, or nodes/pods")

    def test_a_token_that_is_refused(self):
        self.write_token("another")
        self.ask(f"--kubelet.ca-file={self.ca}")
        self.assert_away("HTTP 401", self.token_file)
