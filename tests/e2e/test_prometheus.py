# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes the exporter, and its figures are the API's."""
from harness.prometheus import NODE
from harness.stack_case import StackCase
from harness.wait import until

MINUTE = 60


class Scraped(StackCase):
    def cluster_with_cpu(self):
        entries = self.stack.aggregator.get("/api/cluster?window=5m").json
        return [entry for entry in entries if "cpu_millicores" in entry]

    def test_the_targets_are_up(self):
        jobs = {"cloud-monitor-exporter", "cloud-monitor-aggregator"}
        until(lambda: len(self.query("up == 1")) == len(jobs), 20, "Prometheus has scraped both")
        self.assertEqual({labels["job"] for labels, _ in self.query("up")}, jobs)
        # Prometheus would drop samples that are there twice or out of order, and count them.
        for counter in ("scrape_series_added", "scrape_samples_scraped"):
            for labels, value in self.query(f"max_over_time({counter}[5m])"):
                self.assertGreater(value, 50, (counter, labels))

    def test_labels_are_the_pods_and_the_nodes(self):
        """honor_labels and relabelling of config/prometheus.yml."""
        until(lambda: self.query("cloudmon_namespace_pods") and self.query("container_memory_rss"), 30, "both are scraped")
        self.assertEqual(self.query('count({__name__=~".+", exported_namespace!=""}) or count({__name__=~".+", exported_node!=""})'),
                         [])
        of_exporter = self.query('count by (node, instance) ({job="cloud-monitor-exporter"})')
        self.assertEqual([labels for labels, _ in of_exporter], [{"node": NODE, "instance": NODE}])
        self.assertGreaterEqual({labels["namespace"] for labels, _ in self.query("cloudmon_namespace_pods")},
                                {pod.spec.namespace for pod in self.machine.pods if pod.spec.stable})

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
