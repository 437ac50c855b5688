# SPDX-License-Identifier: Apache-2.0
"""The programs that bench/compare.py compares: how each is started, asked and measured on disk."""
import json
import os
import shutil
import urllib.parse

from harness import procs
from harness.wait import until

VALUES_OF_A_POD = 7  # that the aggregator keeps; the others keep every series


def _write(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)  # JSON is YAML too


def _target_file(cluster, directory):
    """file_sd, which all of them read."""
    path = os.path.join(directory, "targets.json")
    _write(path, [{"targets": [cluster.address],
                   "labels": {"__metrics_path__": f"/t/{number}/metrics", "node": f"node-{number}"}}
                  for number in range(cluster.targets)])
    return path


def _scrape_config(cluster, directory, interval):
    path = os.path.join(directory, "prometheus.yml")
    _write(path, {"global": {"scrape_interval": f"{interval}s", "scrape_timeout": f"{interval}s"},
                  "scrape_configs": [{"job_name": "pods", "file_sd_configs": [
                      {"files": [_target_file(cluster, directory)]}]}]})
    return path


def _file_bytes(directory):
    """What files hold on disk: their size, without parts that were only reserved."""
    sizes = (os.stat(os.path.join(place, name)) for place, _, names in os.walk(directory) for name in names)
    return sum(min(size.st_size, size.st_blocks * 512) for size in sizes)


class Aggregator:
    """cloud-monitor-aggregator. Its queries take the ranges' start and end as Unix seconds."""

    name = "cloud-monitor"
    ROUNDS_OF_A_CHUNK = 360  # docs/store_format.md: on a fixed grid of time

    def __init__(self, cluster, directory, interval):
        self.data = os.path.join(directory, "data")
        self.program = procs.aggregator(self.data, f"--scrape.file-sd={_target_file(cluster, directory)}",
                                        interval=f"{interval}s")

    @staticmethod
    def installed():
        return os.access(procs.AGGREGATOR, os.X_OK)

    def newest_memory(self):
        return "/api/pods?fields=memory_bytes"

    def pod_memory(self, namespace, pod, start, end):
        return f"/api/namespaces/{namespace}/pods/{pod}?fields=memory_bytes&start={start}&end={end}&format=columns"

    def deployment_memory(self, start, end):
        return f"/api/deployments?fields=memory_bytes&start={start}&end={end}&format=columns"

    def newest_cpu(self):
        return "/api/namespaces?fields=cpu_millicores"

    def cpu_over_time(self, start, end):
        return f"/api/namespaces?fields=cpu_millicores&start={start}&end={end}&format=columns"

    @staticmethod
    def values(document):
        """The numbers of an answer, a list for each member."""
        if isinstance(document, list):
            return [[entry[key]] for entry in document for key in ("memory_bytes", "cpu_millicores") if key in entry]
        return [[value for value in series[key] if value is not None]
                for series in document["series"] for key in ("memory_bytes", "cpu_millicores") if key in series]

    def samples(self):
        """How many it says it has scraped."""
        lines = self.program.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("cloudmon_scrape_samples_total"))

    @staticmethod
    def stored(pods, series, scrapes):
        """Values it keeps of so many pods, or series, and scrapes; those of rollups are not counted."""
        del series
        return pods * VALUES_OF_A_POD * scrapes

    def compact(self):
        """Bytes of what it has in its most compact form, where that is not what lies on disk after it has ended."""

    def stop(self):
        """Ends it; the bytes on disk."""
        self.program.stop()
        return _file_bytes(self.data)


class _PromQl:
    """A program with Prometheus' query API."""

    program = None
    ROUNDS_OF_A_CHUNK = float("inf")  # its chunks begin as it starts
    no_cache = ""  # added to queries so that answers are made, not remembered

    def __init__(self, interval):
        self.interval = interval

    def _instant(self, expression):
        return "/api/v1/query?query=" + urllib.parse.quote(expression) + self.no_cache

    def _range(self, expression, start, end):
        return (f"/api/v1/query_range?query={urllib.parse.quote(expression)}&start={start}&end={end}"
                f"&step={self.interval}{self.no_cache}")

    def newest_memory(self):
        return self._instant("pod_memory_usage_bytes")

    def pod_memory(self, namespace, pod, start, end):
        return self._range(f'pod_memory_usage_bytes{{namespace="{namespace}",pod="{pod}"}}', start, end)

    def deployment_memory(self, start, end):
        return self._range("sum by (namespace, deployment) (pod_memory_usage_bytes)", start, end)

    def _cpu(self):
        # irate is what a bucket is: the last two samples.
        return f"1000 * sum by (namespace) (irate(pod_cpu_usage_seconds_total[{4 * self.interval}s]))"

    def newest_cpu(self):
        return self._instant(self._cpu())

    def cpu_over_time(self, start, end):
        return self._range(self._cpu(), start, end)

    @staticmethod
    def values(document):
        return [[float(value) for _, value in series.get("values") or [series["value"]]]
                for series in document["data"]["result"]]

    def samples(self):
        answer = self.program.get(self._instant("sum(sum_over_time(scrape_samples_scraped[1d]))"), timeout=60).json
        return sum(sum(values) for values in self.values(answer))

    @staticmethod
    def stored(pods, series, scrapes):
        del pods
        return series * scrapes


class Prometheus(_PromQl):
    name = "prometheus"

    def __init__(self, cluster, directory, interval):
        super().__init__(interval)
        self.data = os.path.join(directory, "data")
        config = _scrape_config(cluster, directory, interval)
        self.program = procs.Program(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.data}",
                                      "--web.listen-address=127.0.0.1:0", "--web.enable-admin-api"])

    @staticmethod
    def installed():
        return shutil.which("prometheus") is not None

    def compact(self):
        # A snapshot writes the head as the block that it would become after two hours.
        answer = self.program.get("/api/v1/admin/tsdb/snapshot", method="POST", timeout=120)
        snapshot = os.path.join(self.data, "snapshots", answer.json["data"]["name"])
        size = _file_bytes(snapshot)
        shutil.rmtree(snapshot)
        return size

    def stop(self):
        self.program.stop()
        return _file_bytes(self.data)


class VictoriaMetrics(_PromQl):
    name = "victoria-metrics"
    no_cache = "&nocache=1"

    def __init__(self, cluster, directory, interval):
        super().__init__(interval)
        self.data = os.path.join(directory, "data")
        config = _scrape_config(cluster, directory, interval)
        # By default it hides the newest 30 s.
        self.program = procs.Program(["victoria-metrics", f"-promscrape.config={config}", f"-storageDataPath={self.data}",
                                      "-httpListenAddr=127.0.0.1:0", "-search.latencyOffset=0s"], ready_path="/health")

    @staticmethod
    def installed():
        return shutil.which("victoria-metrics") is not None

    def _merging(self):
        lines = self.program.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("vm_active_force_merges"))

    def compact(self):
        # What it merges now stays merged: stop() counts it.
        self.program.get("/internal/force_merge", timeout=120)
        until(lambda: not self._merging(), 120, "the forced merge has ended")

    def stop(self):
        self.program.stop()
        return _file_bytes(self.data) - _file_bytes(os.path.join(self.data, "cache"))  # what it can do without


CONTENDERS = [Aggregator, Prometheus, VictoriaMetrics]
