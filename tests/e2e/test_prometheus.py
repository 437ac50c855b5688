# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes both programs, in OpenMetrics, and its figures are the API's."""
import subprocess

from prometheus_client.openmetrics import parser as openmetrics

from harness.prometheus import NODE
from harness.page import Page
from harness.stack_case import StackCase
from harness.wait import until
from test_formats import ACCEPTED_LINT, OPENMETRICS

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
            for labels, value in self.query(f"max_over_time({counter}[1h])"):
                self.assertGreater(value, 50, (counter, labels))

    def test_it_takes_openmetrics(self):
        """Prometheus asks for it; the names of counters that it remembers show what it got: only there they have no _total."""
        until(lambda: len(self.query("up == 1")) == 2, 20, "Prometheus has scraped both")
        for job, counter in (("exporter", "container_cpu_usage_seconds"), ("aggregator", "cloudmon_scrapes")):
            with self.subTest(job):
                target = f'{{job="cloud-monitor-{job}"}}'
                found = self.stack.prometheus.api("targets/metadata", match_target=target)
                types = {entry["metric"]: entry["type"] for entry in found}
                self.assertEqual(types.get(counter), "counter")
                self.assertEqual([name for name in types if name.endswith("_total")], [])
        for target in self.stack.prometheus.api("targets")["activeTargets"]:
            self.assertEqual((target["health"], target["lastError"]), ("up", ""))

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


class Formats(StackCase):
    """Judges of /metrics that are not ours: promtool, which reads the text format, and Python's client of Prometheus."""

    def programs(self):
        for program in (self.stack.exporter, self.stack.aggregator):
            until(lambda p=program: Page(p.get("/metrics").text).names() & {"container_memory_rss", "cloudmon_namespace_pods"}, 20,
                  "a full page")
            yield program

    def test_text(self):
        for program in self.programs():
            with self.subTest(program.command[0]):
                done = subprocess.run(["promtool", "check", "metrics"], input=program.get("/metrics").body, capture_output=True,
                                      check=False)
                lines = (done.stdout + done.stderr).decode().splitlines()
                self.assertEqual([line for line in lines if not ACCEPTED_LINT.match(line)], [])

    def test_openmetrics(self):
        for program in self.programs():
            with self.subTest(program.command[0]):
                answer = program.get("/metrics", headers={"Accept": OPENMETRICS + ";version=1.0.0"})
                self.assertIn(OPENMETRICS, answer.headers["Content-Type"])
                families = list(openmetrics.text_string_to_metric_families(answer.text))
                samples = [(sample.name, tuple(sorted(sample.labels.items()))) for family in families for sample in family.samples]
                self.assertEqual(len(samples), len(set(samples)))
                self.assertEqual({name for name, _ in samples}, Page(program.get("/metrics").text).names())
                self.assertEqual({family.type for family in families}, {"counter", "gauge"})
