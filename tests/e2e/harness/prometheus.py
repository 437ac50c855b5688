# SPDX-License-Identifier: Apache-2.0
"""A Prometheus that runs the project's own configuration (config/prometheus.yml with its rules) on the programs under test."""
import shutil
import urllib.parse

from harness import procs

CONFIG = procs.REPOSITORY + "/config"
NODE = "node-e2e"  # what the suite's exporter is called
MIXIN_JOBS = tuple(f"#   - {{source_labels: [__name__], regex: {names}_.+, target_label: job, replacement: {job}}}"
                   for names, job in (("container", "cadvisor"), ("node", "node-exporter")))


class Prometheus(procs.Program):
    """Scrapes host:port targets. `directory` gets a copy of config/, in which addresses, names and intervals alone are others,
    and the data. With `mixin_jobs` the part of prometheus.yml that is for kubernetes-mixin's dashboards is no comment."""

    def __init__(self, directory, exporter, aggregator, interval_seconds, mixin_jobs=False):
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(CONFIG, directory + "/config")
        self._directory = directory
        self._replace("targets/exporters.yml", {"127.0.0.1:9780": exporter, "node: localhost": "node: " + NODE})
        self._replace("targets/aggregators.yml", {"127.0.0.1:8082": aggregator})
        self._replace("prometheus.yml", {f"\n  {name}_interval: 15s\n": f"\n  {name}_interval: {interval_seconds}s\n"
                                         for name in ("scrape", "evaluation")})
        if mixin_jobs:
            lines = [f"    {line}\n" for line in ("# metric_relabel_configs:", *MIXIN_JOBS)]
            self._replace("prometheus.yml", {line: line.replace("# ", "", 1) for line in lines})
        super().__init__(["prometheus", f"--config.file={directory}/config/prometheus.yml",
                          f"--storage.tsdb.path={directory}/data", "--web.listen-address=127.0.0.1:0"])

    def _replace(self, name, replacements):
        """Each must be there exactly once: a file of another shape is not to be tested as something else."""
        path = f"{self._directory}/config/{name}"
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for old, new in replacements.items():
            if text.count(old) != 1:
                raise AssertionError(f"config/{name}: {old!r} is there {text.count(old)} times, expected once")
            text = text.replace(old, new)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def api(self, path, **parameters):
        """The data of an answer of /api/v1/PATH; an error answer is an AssertionError that says what was wrong."""
        answer = self.get(f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}").json
        if answer["status"] != "success":
            raise AssertionError(f"{path} {parameters}: {answer['error']}")
        return answer["data"]

    def query(self, expression, moment=None):
        """[(labels, value)] of an instant query."""
        at = {"time": moment} if moment else {}
        result = self.api("query", query=expression, **at)
        if result["resultType"] == "scalar":
            return [({}, float(result["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in result["result"]]
