# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes the exporter, and its figures are the API's."""
import json
import subprocess

from harness import session
from harness.case import Case
from harness.wait import until

MINUTE = 60


class Prometheus(Case):
    @classmethod
    def setUpClass(cls):
        session.need_tools("prometheus", "promtool")
        cls.stack = session.stack()
        cls.machine = session.machine()

    def query(self, expression, moment=None):
        """[(labels, value)] of an instant query."""
        at = [f"--time={moment}"] if moment else []
        done = subprocess.run(["promtool", "query", "instant", "--format=json", *at, self.stack.prometheus.url, expression],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [(sample["metric"], float(sample["value"][1])) for sample in json.loads(done.stdout)]

    def cluster_with_cpu(self):
        entries = self.stack.aggregator.get("/api/cluster?window=5m").json
        return [entry for entry in entries if "cpu_millicores" in entry]

    def test_the_target_is_up(self):
        until(lambda: self.query("up") and self.query("up")[0][1] == 1, 20, "Prometheus has scraped")
        self.assertEqual([value for _, value in self.query("up")], [1])
        # Prometheus would drop samples that are there twice or out of order, and count them.
        for counter in ("scrape_series_added", "scrape_samples_scraped"):
            self.assertGreater(self.query(f"max_over_time({counter}[1h])")[0][1], 100)

    def test_cpu_of_deployments_is_the_apis(self):
        stable = {(pod.spec.namespace, pod.spec.deployment) for pod in self.machine.pods if pod.spec.stable}
        samples = MINUTE / self.stack.INTERVAL
        count = f"count_over_time(container_cpu_usage_seconds_total{{pod='db-0'}}[{MINUTE}s])"
        until(lambda: len(self.cluster_with_cpu()) > samples, 2 * MINUTE, "a minute of buckets", pause_seconds=1)

        def newest_with_a_minute_of_samples():
            newest = self.cluster_with_cpu()[-1]["time"]
            counted = self.query(count, newest)
            return newest if counted and counted[0][1] >= samples - 1 else None
        end = until(newest_with_a_minute_of_samples, 2 * MINUTE, "a minute of samples", pause_seconds=1)
        expression = f"sum by (namespace, deployment) (rate(container_cpu_usage_seconds_total[{MINUTE}s]))"
        compared = 0
        for labels, cores in self.query(expression, end):
            namespace, deployment = labels["namespace"], labels.get("deployment", "")
            if not deployment or (namespace, deployment) not in stable:
                continue
            path = f"/api/namespaces/{namespace}/deployments/{deployment}?start={end - MINUTE}&end={end}"
            entries = self.stack.aggregator.get(path).json
            self.assertGreaterEqual(len(entries), samples - 2, path)
            average = sum(entry["cpu_millicores"] for entry in entries) / len(entries)
            with self.subTest(namespace=namespace, deployment=deployment):
                self.assert_close(average, cores * 1000, "millicores", absolute=2)
            compared += 1
        self.assertEqual(compared, len({pair for pair in stable if pair[1]}))
