# SPDX-License-Identifier: Apache-2.0
"""The aggregator's API: the kernel's own figures after a few buckets, and every route and parameter."""
import json
import time

from harness import session
from harness.case import Case
from harness.wait import until

ROUTES = ("/api/nodes", "/api/nodes/node-e2e", "/api/nodes/node-e2e/pods", "/api/pods", "/api/pods/db-0", "/api/namespaces",
          "/api/namespaces/shop", "/api/namespaces/batch-jobs/pods", "/api/namespaces/batch-jobs/pods/db-0",
          "/api/namespaces/shop/deployments", "/api/namespaces/shop/deployments/api",
          "/api/namespaces/shop/deployments/api/pods", "/api/deployments", "/api/cluster", "/api/nodes/__all__",
          "/api/pods/__all__", "/api/namespaces/__all__", "/api/deployments/__all__")
# Buckets of 2 s over which averages are compared.
AVERAGED_BUCKETS = 5
# Where a counter's exact moment is not known: one interval of a bucket, and a page may be a second old.
BEFORE_SECONDS, AFTER_SECONDS = 1.5, 2.5


class Api(Case):
    @classmethod
    def setUpClass(cls):
        cls.stack = session.stack()
        cls.machine = session.machine()
        cls.recorder = cls.stack.recorder
        cls.pods = [pod for pod in cls.machine.pods if pod.spec.stable]
        until(lambda: len([entry for entry in cls.entries("/api/pods/db-0?window=5m") if "cpu_millicores" in entry])
              >= AVERAGED_BUCKETS + 4, 90, "enough buckets")

    @classmethod
    def get(cls, path):
        return cls.stack.aggregator.get(path)

    @classmethod
    def entries(cls, path):
        answer = cls.get(path)
        if answer.status != 200:
            raise AssertionError(f"{path}: {answer.status} {answer.text[:300]}")
        return answer.json

    def settled_window(self, buckets=6):
        """(start, end) of whole buckets in the past that the recorder has seen too."""
        end = max(entry["time"] for entry in self.entries("/api/cluster?window=1m")) - self.stack.INTERVAL
        return end - buckets * self.stack.INTERVAL, end

    def window(self, path):
        """A member's entries in a settled window, oldest first."""
        start, end = self.settled_window(AVERAGED_BUCKETS)
        entries = self.entries(f"{path}?start={start}&end={end}")
        self.assertGreaterEqual(len(entries), AVERAGED_BUCKETS - 1, path)
        return sorted(entries, key=lambda entry: entry["time"])

    def around(self, owner, what, entry):
        """(lowest, highest) of the kernel's readings about when this entry was scraped."""
        return self.recorder.span(owner, what, entry["time"] - BEFORE_SECONDS, entry["time"] + AFTER_SECONDS)

    def average(self, entries, field):
        return sum(entry[field] for entry in entries) / len(entries)

    def kernel_millicores(self, owners, entries):
        """What the kernel says of these owners together, from the start of the first entry's interval to the last."""
        start, end = entries[0]["time"] - self.stack.INTERVAL / 2, entries[-1]["time"] + self.stack.INTERVAL / 2
        return sum(self.recorder.rate(owner, "cpu_seconds", start, end) for owner in owners) * 1000

    def pod_path(self, pod):
        return f"/api/namespaces/{pod.spec.namespace}/pods/{pod.spec.name}"

    # Figures.

    def test_totals_of_pods_are_the_kernels(self):
        fields = {"cpu_usage_usec": ("cpu_seconds", 1e6), "disk_write_bytes": ("disk_write_bytes", 1),
                  "network_rx_bytes": ("network_rx_bytes", 1), "network_tx_bytes": ("network_tx_bytes", 1)}
        for pod in self.pods:
            entry = self.window(self.pod_path(pod))[-1]
            for field, (what, scale) in fields.items():
                if pod.spec.host_network and field.startswith("network"):
                    self.assertNotIn(field, entry)
                    continue
                if field == "disk_write_bytes" and pod.spec.name != "db-1":
                    continue
                low, high = self.around(pod.spec.key, what, entry)
                with self.subTest(pod=pod.spec.key, field=field):
                    self.assert_between(entry[field], low * scale, high * scale, field, absolute=1)

    def test_memory_of_pods_is_the_kernels(self):
        for pod in self.pods:
            entry = self.window(self.pod_path(pod))[-1]
            for field in ("memory_bytes", "memory_working_set_bytes"):
                low, high = self.around(pod.spec.key, field, entry)
                with self.subTest(pod=pod.spec.key, field=field):
                    self.assert_between(entry[field], low, high, field, ratio=0.05, absolute=1 << 20)

    def test_millicores_and_rates_of_pods(self):
        for pod in self.pods:
            entries = self.window(self.pod_path(pod))
            with self.subTest(pod=pod.spec.key):
                self.assert_close(self.average(entries, "cpu_millicores"), self.kernel_millicores([pod.spec.key], entries),
                                  "millicores", absolute=3)
        client = self.machine.pod("shop/api-5f-q9x2d")
        entries = self.window(self.pod_path(client))
        want = self.recorder.rate(client.spec.key, "network_rx_bytes", entries[0]["time"] - 1, entries[-1]["time"] + 1)
        self.assert_close(self.average(entries, "network_rx_bytes_per_second"), want, "network")
        if self.machine.disk:
            writer = self.machine.pod("batch-jobs/db-1")
            entries = self.window(self.pod_path(writer))
            want = self.recorder.rate(writer.spec.key, "disk_write_bytes", entries[0]["time"] - 1, entries[-1]["time"] + 1)
            self.assert_close(self.average(entries, "disk_write_bytes_per_second"), want, "disk")

    def test_deployments_and_namespaces_are_their_pods(self):
        groups = {}
        for pod in self.pods:
            groups.setdefault(f"/api/namespaces/{pod.spec.namespace}", []).append(pod.spec.key)
            if pod.spec.deployment:
                path = f"/api/namespaces/{pod.spec.namespace}/deployments/{pod.spec.deployment}"
                groups.setdefault(path, []).append(pod.spec.key)
        for path, owners in groups.items():
            entries = self.window(path)
            with self.subTest(path):
                self.assertEqual({entry["pods"] for entry in entries}, {len(owners)})
                self.assert_close(self.average(entries, "cpu_millicores"), self.kernel_millicores(owners, entries),
                                  "millicores", absolute=4)
                spans = [self.around(owner, "memory_bytes", entries[-1]) for owner in owners]
                self.assert_between(entries[-1]["memory_bytes"], sum(low for low, _ in spans),
                                    sum(high for _, high in spans), "memory", ratio=0.05, absolute=1 << 20)

    def test_a_bucket_adds_up(self):
        start, end = self.settled_window()
        pods = self.entries(f"/api/pods?start={start}&end={end}")
        for entry in self.entries(f"/api/namespaces?start={start}&end={end}"):
            members = [pod for pod in pods if pod["time"] == entry["time"] and pod["namespace"] == entry["namespace"]]
            with self.subTest(namespace=entry["namespace"], time=entry["time"]):
                self.assertEqual(entry["pods"], len(members))
                self.assertEqual(entry["memory_bytes"], sum(pod["memory_bytes"] for pod in members))
                self.assert_close(entry["cpu_millicores"], sum(pod.get("cpu_millicores", 0) for pod in members),
                                  "millicores", absolute=len(members))

    def test_the_node_is_the_kernels(self):
        entries = self.window("/api/nodes/node-e2e")
        first, last = entries[0], entries[-1]
        first_low, first_high = self.around("node", "cpu_seconds", first)
        last_low, last_high = self.around("node", "cpu_seconds", last)
        self.assert_between((last["cpu_usage_usec"] - first["cpu_usage_usec"]) / 1e6, last_low - first_high,
                            last_high - first_low, "node CPU seconds", ratio=0.05)
        low, high = self.around("node", "memory_bytes", last)
        self.assert_between(last["memory_bytes"], low, high, "node memory", ratio=0.05)
        self.assertGreater(last["cpu_capacity_millicores"], 0)
        self.assertGreater(last["memory_capacity_bytes"], last["memory_bytes"])

    def test_the_cluster_counts_its_members(self):
        for path in ("/api/cluster", "/api/pods/__all__"):
            entry = self.window(path)[-1]
            self.assertEqual((entry["nodes"], entry["nodes_missing"]), (1, 0))
            self.assertEqual(entry["pods"], len(self.machine.pods))
        start, end = self.settled_window()
        cluster = self.entries(f"/api/cluster?start={start}&end={end}")
        self.assertEqual(cluster, self.entries(f"/api/namespaces/__all__?start={start}&end={end}"))
        for entry in cluster:
            namespaces = [n for n in self.entries(f"/api/namespaces?start={start}&end={end}") if n["time"] == entry["time"]]
            self.assertEqual(entry["memory_bytes"], sum(n["memory_bytes"] for n in namespaces))
            self.assert_close(entry["cpu_millicores"], sum(n["cpu_millicores"] for n in namespaces), "millicores",
                              absolute=3)

    # Routes and parameters.

    def test_every_route_answers(self):
        for path in ROUTES:
            with self.subTest(path):
                entries = self.entries(path)
                self.assertTrue(entries)
                for entry in entries:
                    self.assertEqual(entry["time"] % self.stack.INTERVAL, 0)
                    self.assertEqual(entry["timestamp"], time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry["time"])))
        pods = {(entry["namespace"], entry["pod"]): entry for entry in self.entries("/api/pods")}
        self.assertEqual(set(pods), {(pod.spec.namespace, pod.spec.name) for pod in self.machine.pods})
        for pod in self.machine.pods:
            entry = pods[pod.spec.namespace, pod.spec.name]
            self.assertEqual((entry["node"], entry.get("deployment", "")), ("node-e2e", pod.spec.deployment))
        self.assertEqual({entry["pod"] for entry in self.entries("/api/namespaces/shop/deployments/web-frontend/pods")},
                         {"web-frontend-7d9c6b8f5-auej7", "web-frontend-7d9c6b8f5-zk2lp"})

    def test_windows_and_steps(self):
        start, end = self.settled_window()
        entries = self.entries(f"/api/pods/db-0?start={start}&end={end}")
        self.assertEqual([entry["time"] for entry in entries], list(range(start, end, self.stack.INTERVAL)))
        rfc3339 = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)) for moment in (start, end)]
        self.assertEqual(self.entries("/api/pods/db-0?start={}&end={}".format(*rfc3339)), entries)
        coarse = self.entries(f"/api/pods/db-0?start={start}&end={end}&step={2 * self.stack.INTERVAL}")
        self.assertTrue(coarse)
        self.assertTrue(all(entry["time"] % (2 * self.stack.INTERVAL) == 0 for entry in coarse))
        self.assertEqual(coarse[-1]["cpu_usage_usec"], entries[-1]["cpu_usage_usec"], "a total is the last of its step")
        for window in ("30", "30s", "1m", "1h"):
            self.assertTrue(self.entries(f"/api/pods/db-0?window={window}"))

    def test_filters_fields_sort_and_limit(self):
        shop = self.entries("/api/pods?namespace=shop")
        self.assertEqual({entry["namespace"] for entry in shop}, {"shop"})
        self.assertEqual([entry["pod"] for entry in self.entries("/api/pods?pod=db-1&node=node-e2e")], ["db-1"])
        self.assertEqual({entry["deployment"] for entry in self.entries("/api/pods?deployment=api")}, {"api"})
        self.assertEqual(self.entries("/api/pods?namespace=none"), [])
        only = self.entries("/api/pods?fields=memory_bytes")[0]
        self.assertEqual({key for key in only if "_" in key}, {"memory_bytes"})
        top = [entry["cpu_millicores"] for entry in self.entries("/api/pods?sort=-cpu_millicores&limit=3")]
        self.assertEqual(len(top), 3)
        self.assertEqual(top, sorted(top, reverse=True))
        largest = self.entries("/api/pods?sort=-memory_bytes&limit=1")[0]
        self.assertEqual(largest["pod"], "db-0", "it holds 64 MiB")

    def test_columns(self):
        start, end = self.settled_window()
        columns = self.entries(f"/api/pods?start={start}&end={end}&format=columns")
        self.assertEqual(columns["time"], list(range(start, end, self.stack.INTERVAL)))
        series = {entry["labels"]["pod"]: entry for entry in columns["series"]}
        entries = self.entries(f"/api/pods/db-0?start={start}&end={end}")
        self.assertEqual(series["db-0"]["memory_bytes"], [entry["memory_bytes"] for entry in entries])

    def test_nonsense_is_refused_with_a_reason(self):
        bad = {"window=abc": "window", "window=-5": "window", "window=99999999999999999999": "window", "window=%zz": "",
               "start=x": "start", "start=20&end=10": "end", "step=7": "step", "step=0": "step", "fields=nope": "fields",
               "sort=nope": "sort", "limit=-1": "limit", "limit=x": "limit", "format=xml": "format", "colour=red": "colour"}
        for query, named in bad.items():
            answer = self.get("/api/pods?" + query)
            with self.subTest(query):
                self.assertEqual(answer.status, 400, answer.text)
                self.assertTrue(answer.headers["Content-Type"].startswith("application/json"))
                self.assertIn(named, answer.json["error"]["message"])
                self.assertTrue(answer.json["error"]["code"])

    def test_unknown_members_routes_and_methods(self):
        for path in ("/api/pods/nothing", "/api/namespaces/nothing", "/api/nodes/nothing", "/api/nope",
                     "/api/namespaces/shop/deployments/nothing", "/api/namespaces/nothing/pods/db-0"):
            with self.subTest(path):
                answer = self.get(path)
                self.assertEqual(answer.status, 404, answer.text)
                self.assertIn("error", answer.json)
        answer = self.stack.aggregator.get("/api/pods", method="DELETE")
        self.assertEqual(answer.status, 405)
        self.assertIn("GET", answer.headers["Allow"])

    def test_targets(self):
        targets = self.entries("/api/targets")
        self.assertEqual([(target["node"], target["up"]) for target in targets], [("node-e2e", True)])
        self.assertIn(f":{self.stack.exporter.port}/metrics", targets[0]["url"])
        self.assertGreater(targets[0]["samples"], 100)

    def test_own_routes(self):
        for path in ("/", "/api", "/-/healthy", "/-/ready", "/metrics"):
            with self.subTest(path):
                self.assertEqual(self.get(path).status, 200)
        self.assertEqual(self.stack.aggregator.get("/-/reload", method="POST").status, 200)
        self.assertIn("/api/namespaces", self.get("/api").text)

    def test_answers_are_valid_json_for_any_client(self):
        for path in ROUTES:
            json.loads(self.get(path).body.decode("utf-8", "strict"))
