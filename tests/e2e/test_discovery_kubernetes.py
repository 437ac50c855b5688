# SPDX-License-Identifier: Apache-2.0
"""Targets from the Kubernetes API, asked of an API server that the test plays."""
import os
import time

from harness import procs, session
from harness.case import Case
from harness.fake_target import FakeTarget, counting_page
from harness.kube_api import KubeApi, make_certificates
from harness.wait import until

NAMESPACE = "monitoring"
SLICES = "endpointslices"


def endpoint(target, node, **more):
    return {"addresses": [target.host], "conditions": {"ready": True}, "nodeName": node,
            "targetRef": {"kind": "Pod", "name": f"exporter-{node}", "uid": f"uid-{node}"}, **more}


class KubernetesDiscovery(Case):
    def setUp(self):
        self.api = KubeApi()
        self.addCleanup(lambda: self.api.stop())  # whichever it is by then

    def target(self, page_node, host="127.0.0.1", port=0):
        target = FakeTarget(counting_page(pod=f"{page_node}-pod", node=page_node), host=host, port=port)
        target.host = host
        self.addCleanup(target.stop)
        return target

    def put_slice(self, *endpoints, port, name="exporters-x", service="exporters", port_name="metrics", namespace=NAMESPACE):
        return self.api.put(SLICES, {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": service}},
            "endpoints": list(endpoints), "ports": [{"name": port_name, "port": port, "protocol": "TCP"}]})

    def start(self, *flags, api=None, interval="2s"):
        return self.started(procs.aggregator(self.temp_dir(), f"--scrape.kubernetes.api-url={api or self.api.url}",
                                             *(flags or [f"--scrape.kubernetes.service={NAMESPACE}/exporters"]),
                                             interval=interval))

    def targets(self, aggregator):
        return {entry["url"].split("/")[2]: entry for entry in aggregator.get("/api/targets").json}

    def wait_for(self, aggregator, *addresses):
        until(lambda: set(self.targets(aggregator)) == set(addresses), 20, f"the targets are {addresses}")

    def wait_for_log(self, aggregator, *parts):
        until(lambda: any(all(part in line for part in parts) for line in aggregator.log().splitlines()), 30,
              f"a line with {parts}")

    def test_endpoints_come_and_go_and_name_their_nodes(self):
        first = self.target("named-by-its-page")
        second = self.target("node-2-by-its-page", host="127.0.0.2", port=first.port)
        third = self.target("node-3-by-its-page", host="127.0.0.3", port=first.port)
        self.put_slice(endpoint(first, None), port=first.port)
        self.put_slice(endpoint(third, "node-3"), port=first.port, service="others", name="others-x")
        self.put_slice(endpoint(third, "node-3"), port=first.port, namespace="elsewhere")
        aggregator = self.start()
        self.wait_for(aggregator, first.address)
        self.put_slice(endpoint(first, None), endpoint(second, "node-2"), port=first.port)
        self.wait_for(aggregator, first.address, second.address)
        # A second slice that also has an endpoint of the first, and one that is not ready.
        self.put_slice(endpoint(second, "node-2"), endpoint(third, "node-3", conditions={"ready": False}), port=first.port,
                       name="exporters-y")
        self.wait_for(aggregator, first.address, second.address, third.address)
        until(lambda: all(t["up"] for t in self.targets(aggregator).values()), 20, "all are up")
        told = self.targets(aggregator)
        self.assertEqual({address: told[address]["node"] for address in told},
                         {first.address: "named-by-its-page", second.address: "node-2", third.address: "node-3"})
        self.assertEqual(told[first.address]["source"], f"kubernetes {NAMESPACE}/exporters")
        until(lambda: {e["node"] for e in aggregator.get("/api/nodes").json} == {"named-by-its-page", "node-2", "node-3"}, 20,
              "a bucket of all")
        self.put_slice(endpoint(first, None, conditions={"ready": False, "terminating": True}), endpoint(second, "node-2"),
                       port=first.port)
        self.wait_for(aggregator, second.address, third.address)
        self.api.delete(SLICES, "exporters-x", NAMESPACE)
        self.wait_for(aggregator, second.address, third.address)
        self.api.delete(SLICES, "exporters-y", NAMESPACE)
        self.wait_for(aggregator)

    def test_news_do_not_wait_for_the_interval(self):
        target = self.target("node-1")
        aggregator = self.start(interval="120s")
        until(lambda: self.api.watches, 20, "the watch")
        self.put_slice(endpoint(target, "node-1"), port=target.port)
        self.wait_for(aggregator, target.address)
        self.put_slice(port=target.port)
        self.wait_for(aggregator)

    def test_the_watch_is_cut_and_what_happened_is_forgotten(self):
        first = self.target("node-1")
        second = self.target("node-2", host="127.0.0.2", port=first.port)
        self.put_slice(endpoint(first, "node-1"), port=first.port)
        aggregator = self.start()
        self.wait_for(aggregator, first.address)
        self.api.cut_watches()
        self.put_slice(endpoint(first, "node-1"), endpoint(second, "node-2"), port=first.port)
        self.wait_for(aggregator, first.address, second.address)
        for self.api.gone_as_status in (False, True):
            # Gone while the watch looked away: only a new list tells.
            self.api.delete(SLICES, "exporters-x", NAMESPACE)
            self.api.compact()
            self.wait_for(aggregator)
            self.put_slice(endpoint(second, "node-2"), port=first.port)
            self.wait_for(aggregator, second.address)

    def started_with_one(self):
        """An aggregator that has scraped its one target, and the time of its first bucket."""
        target = self.target("node-1")
        self.put_slice(endpoint(target, "node-1"), port=target.port)
        aggregator = self.start(interval="1s")
        until(lambda: aggregator.get("/api/cluster").json[-1]["nodes"] == 1, 20, "a bucket with the node")
        return aggregator, target, aggregator.get("/api/cluster").json[-1]["time"]

    def check_still_scraped(self, aggregator, target, began):
        now = int(time.time())
        until(lambda: aggregator.get("/api/cluster").json[-1]["time"] > now + 1, 20, "buckets go on")
        self.assertEqual(set(self.targets(aggregator)), {target.address})
        times = [entry["time"] for entry in aggregator.get(f"/api/nodes/node-1?start={began}").json]
        self.assertEqual(times, list(range(began, times[-1] + 1)), "no gap")

    def test_refused_the_targets_stay_and_the_log_says_what_to_change(self):
        aggregator, target, began = self.started_with_one()
        self.api.forbidden.add(SLICES)
        self.api.cut_watches()
        self.wait_for_log(aggregator, "403", SLICES)
        self.check_still_scraped(aggregator, target, began)

    def test_while_the_server_is_away_the_targets_stay(self):
        aggregator, target, began = self.started_with_one()
        port = int(self.api.url.rsplit(":", 1)[1])
        self.api.stop()
        self.wait_for_log(aggregator, "connect to server")
        self.check_still_scraped(aggregator, target, began)
        self.api = KubeApi(port=port)
        second = self.target("node-2", host="127.0.0.2", port=target.port)
        self.put_slice(endpoint(second, "node-2"), port=target.port)
        self.api.compact()  # it knows nothing of the versions of the one before
        self.wait_for(aggregator, second.address)

    def test_a_slow_server_holds_nobody_up(self):
        listed = self.target("node-1")
        static = self.target("node-static")
        self.put_slice(endpoint(listed, "node-1"), port=listed.port)
        self.api.delay_seconds = 4
        aggregator = self.started(procs.aggregator(
            self.temp_dir(), f"--scrape.kubernetes.api-url={self.api.url}",
            f"--scrape.kubernetes.service={NAMESPACE}/exporters", targets=[static.address], interval="1s"))
        until(lambda: aggregator.get("/api/nodes/node-static").status == 200, 20, "the static target's node")
        self.wait_for(aggregator, static.address, listed.address)
        until(lambda: aggregator.get("/api/nodes/node-1").status == 200, 20, "the listed one's")
        times = [e["time"] for e in aggregator.get("/api/nodes/node-static?window=1m").json]
        self.assertEqual(times, list(range(times[0], times[-1] + 1)), "no gap")
        self.api.delay_seconds = 30
        self.api.cut_watches()
        self.assertEqual(aggregator.stop(), 0, "ends although an answer is awaited")

    def test_tls_and_a_token_that_expires(self):
        session.need_tools("openssl")
        directory = self.temp_dir()
        certificates = make_certificates(directory)
        self.api.stop()
        self.api = KubeApi(tls=certificates[1:])
        self.api.tokens = {"first"}
        token = os.path.join(directory, "token")

        def renew(text):
            with open(token + ".new", "w", encoding="utf-8") as file:
                file.write(text)
            os.rename(token + ".new", token)
        renew("first")
        target = self.target("node-1")
        self.put_slice(endpoint(target, "node-1"), port=target.port)
        aggregator = self.start(f"--scrape.kubernetes.service={NAMESPACE}/exporters",
                                f"--scrape.kubernetes.ca-file={certificates[0]}", f"--scrape.kubernetes.token-file={token}")
        self.wait_for(aggregator, target.address)
        self.api.tokens = {"second"}
        self.api.cut_watches()
        self.wait_for_log(aggregator, "401")
        self.assertEqual(set(self.targets(aggregator)), {target.address})
        renew("second")
        self.put_slice(port=target.port)
        self.wait_for(aggregator)

    def test_pods_by_their_labels(self):
        first = self.target("node-1")
        second = self.target("node-2", host="127.0.0.2", port=first.port)

        def pod(name, target, app="exporter", **status):
            return {"metadata": {"name": name, "namespace": NAMESPACE, "uid": "uid-" + name, "labels": {"app": app}},
                    "spec": {"nodeName": "on-" + name,
                             "containers": [{"name": "c", "ports": [{"name": "metrics", "containerPort": first.port}]}]},
                    "status": {"phase": "Running", "podIP": target.host, **status}}
        self.api.put("pods", pod("a", first))
        self.api.put("pods", pod("b", second, podIP=None, phase="Pending"))
        self.api.put("pods", pod("c", second, app="other"))
        aggregator = self.start("--scrape.kubernetes.pod-selector=app=exporter", f"--scrape.kubernetes.namespace={NAMESPACE}")
        self.wait_for(aggregator, first.address)
        self.api.put("pods", pod("b", second))
        self.wait_for(aggregator, first.address, second.address)
        until(lambda: {t["node"] for t in self.targets(aggregator).values()} == {"on-a", "on-b"}, 20, "the nodes' names")
        ending = pod("a", first)
        ending["metadata"]["deletionTimestamp"] = "2026-11-23T06:00:00Z"
        self.api.put("pods", ending)
        self.wait_for(aggregator, second.address)
        self.api.delete("pods", "b", NAMESPACE)
        self.wait_for(aggregator)

    def test_a_service_without_the_port_is_told(self):
        target = self.target("node-1")
        self.put_slice(endpoint(target, "node-1"), port=target.port, port_name="web")
        aggregator = self.start()
        self.wait_for_log(aggregator, "exporters-x: no TCP port named metrics")
        self.assertEqual(self.targets(aggregator), {})

    def test_outside_a_cluster_it_says_what_is_missing(self):
        for flags, part in ((["--scrape.kubernetes.service=monitoring/exporters"], "scrape.kubernetes.api-url"),
                            ([f"--scrape.kubernetes.api-url={self.api.url}", "--scrape.kubernetes.service=exporters"],
                             "scrape.kubernetes.namespace")):
            ended = procs.run(procs.aggregator_command(self.temp_dir(), *flags))
            self.assertEqual(ended.returncode, 2)
            self.assertIn(part, ended.stderr)

    def test_a_reload_keeps_what_did_not_change(self):
        listed, static = self.target("node-1"), self.target("node-static")
        self.put_slice(endpoint(listed, "node-1"), port=listed.port)
        config = self.temp_dir() + "/aggregator.yaml"

        def write(*targets, service="exporters"):
            with open(config, "w", encoding="utf-8") as file:
                file.write(f"scrape:\n  targets: [{', '.join(repr(t) for t in targets)}]\n"
                           f"  kubernetes: {{api-url: '{self.api.url}', namespace: {NAMESPACE}, service: {service}}}\n")
        write()
        aggregator = self.start(f"--config.file={config}")
        self.wait_for(aggregator, listed.address)
        watches = self.api.watches
        write(static.address)
        self.assertEqual(aggregator.get("/-/reload", method="POST").status, 200)
        self.wait_for(aggregator, listed.address, static.address)
        self.assertEqual(self.api.watches, watches, "it was not asked again")
        self.put_slice(endpoint(static, "node-1"), port=static.port, name="others-x", service="others")
        write(service="others")
        self.assertEqual(aggregator.get("/-/reload", method="POST").status, 200)
        self.wait_for(aggregator, static.address)
        self.assertEqual(self.targets(aggregator)[static.address]["node"], "node-1")
