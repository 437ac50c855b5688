# SPDX-License-Identifier: Apache-2.0
"""dashboards/: what the generator gives, by all rules, and each rule refuses what it is for."""
import copy
import glob
import json
import os
import re
import subprocess

import yaml

from harness import dashboard_lint, procs, promql, session
from harness.case import Case
from harness.dashboard_lint import PLACE

from source import dashboard, panels, promql as pieces  # found through dashboard_lint's path

PROMETHEUS_OWN = {"up", "scrape_duration_seconds", "scrape_samples_scraped"}


def read(path):
    with open(os.path.join(procs.REPOSITORY, path), encoding="utf-8") as file:
        return file.read()


def small():
    """A dashboard that no rule minds."""
    where = pieces.EXPORTER + ', node=~"$node"'
    series = panels.series("CPU", "CPU in use.", "short", [(pieces.total(pieces.rate("pod_cpu_usage_seconds_total", where), "cluster, pod"),
                                                           "{{pod}}")])
    table = panels.table("Memory", "Memory in use.", {"cluster": "Cluster", "pod": "Pod"},
                         [panels.column("Memory", "bytes", pieces.total(pieces.gauge("pod_memory_usage_bytes", where), "cluster, pod"))],
                         links={"Pod": [panels.link("Pod", "cloud-monitor-pod", pod=panels.cell("pod"))]})
    return dashboard.dashboard("cloud-monitor-small", "Small", "Small.", [*dashboard.BASE, dashboard.node(include_all=True)],
                               [("Row", [series, table])])


def chosen(item, *path):
    for key in path:
        item = item[key]
    return item


def change(*path):
    """A mutation: change("panels", 1, "title")("") sets it."""
    return lambda value: lambda item: chosen(item, *path[:-1]).__setitem__(path[-1], value)


def remove(*path):
    return lambda item: chosen(item, *path[:-1]).__delitem__(path[-1])


EXPRESSION = ("panels", 1, "targets", 0, "expr")
CHOSEN = '{cluster=~"$cluster", job=~"$job", node=~"$node"}'
CPU = f"sum by (cluster, pod) (rate(pod_cpu_usage_seconds_total{CHOSEN}[$__rate_interval]))"
query = change(*EXPRESSION)
# rule: what it must refuse, each a change of small(). The last variable is the node.
BAD = {
    "template-datasource-rule": [change("templating", "list", 0, "label")("Source"), change("templating", "list", 0, "name")("source")],
    "template-job-rule": [change("templating", "list", 2, "allValue")(".*"), change("templating", "list", 2, "multi")(False)],
    "template-instance-rule": [change("templating", "list", 3, "name")("place")],
    "template-label-promql-rule": [change("templating", "list", 3, "query", "query")(text) for text in
                                   ('label_values(x{cluster=~"$cluster", job=~"$job"} +, node)', 'values(x{cluster=~"$cluster"}, node)',
                                    'label_values(sum(x{cluster=~"$cluster"}), node)')],
    "template-on-time-change-reload-rule": [change("templating", "list", 3, "refresh")(1)],
    "template-all-value": [change("templating", "list", 3, "allValue")(".+"), remove("templating", "list", 1, "allValue")],
    "template-chain": [lambda item: item["templating"]["list"].insert(1, item["templating"]["list"].pop()),
                       change("templating", "list", 3, "query", "query")("label_values(cloudmon_node_info, node)")],
    "template-unused": [lambda item: item["templating"]["list"].append(dashboard.pod(include_all=True))],
    "panel-datasource-rule": [change("panels", 1, "datasource", "uid")("prometheus"),
                              change("panels", 1, "targets", 0, "datasource")({"type": "prometheus", "uid": "P1"}),
                              change("templating", "list", 3, "datasource")({"type": "prometheus", "uid": "P1"})],
    "panel-title-description-rule": [change("panels", 1, "title")(""), remove("panels", 1, "description")],
    "panel-units-rule": [change("panels", 1, "fieldConfig", "defaults", "unit")("furlong"),
                         remove("panels", 1, "fieldConfig", "defaults", "unit"),
                         change("panels", 2, "fieldConfig", "overrides", 0, "properties", 0, "value")("kilobytes")],
    "panel-no-targets-rule": [change("panels", 1, "targets")([])],
    "panel-kind": [change("panels", 1, "type")("graph")],
    "panel-grid": [change("panels", 2, "gridPos", "y")(3), change("panels", 1, "id")(3), change("panels", 1, "gridPos", "x")(20)],
    "target-promql-rule": [query("sum by (pod) (up"), query(CPU.replace("sum", "summe")), query(CPU + " offset")],
    "target-rate-interval-rule": [query(CPU.replace("$__rate_interval", "5m")), query(CPU.replace("$__rate_interval", "$__range")),
                                  query(CPU.replace("rate(", "increase(").replace("$__rate_interval", "1h"))],
    "target-counter-agg-rule": [query(CPU.replace("rate(", "(").replace("[$__rate_interval]", "").replace("_seconds", "")),
                                query(CPU.replace("rate(", "max_over_time(").replace("rate_interval", "range").replace("_seconds", ""))],
    "target-job-rule": [query(CPU.replace('job=~"$job", ', ""))],
    "target-instance-rule": [query(CPU.replace(', node=~"$node"', "")), query(CPU.replace('cluster=~"$cluster", ', ""))],
    "target-dimension": [change("panels", 1, "fieldConfig", "defaults", "unit")("bytes"),
                         query(f"{CPU} + {CPU.replace('cpu_usage_seconds', 'bytes')}"),
                         query(CPU.replace("pod_cpu_usage_seconds_total", "pod_flavour")),
                         change("panels", 2, "fieldConfig", "overrides", 0, "properties", 0, "value")("Bps")],
    "target-labels": [change("panels", 1, "targets", 0, "legendFormat")("{{container}}"),
                      change("panels", 2, "targets", 0, "expr")(f"sum by (cluster, pod, node) (pod_memory_usage_bytes{CHOSEN})"),
                      change("panels", 2, "fieldConfig", "overrides", 1, "properties", 0, "value", 0, "url")("/d/x?var-x=${__data.fields.x}")],
    "uneditable-dashboard": [change("editable")(True)],
    "dashboard-identity": [change("uid")("x"), change("tags")([]), change("__inputs")([]), change("refresh")("")],
}


class Dashboards(Case):
    @classmethod
    def setUpClass(cls):
        session.need_tools("promtool")
        cls.dashboards = dashboard_lint.load()

    def test_the_files_are_what_the_generator_gives(self):
        place = self.temp_dir()
        done = procs.run([PLACE + "/generate", place])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(os.listdir(place)), sorted(map(os.path.basename, glob.glob(PLACE + "/*.json"))))
        for name in os.listdir(place):
            with open(f"{place}/{name}", encoding="utf-8") as file:
                self.assertTrue(file.read() == read("dashboards/" + name), f"{name}: run dashboards/generate")

    def test_rules(self):
        self.assertEqual(len(self.dashboards), 7)
        for uid, item in self.dashboards.items():
            with self.subTest(uid):
                self.assertEqual(dashboard_lint.lint(item), [])

    def test_rules_refuse(self):
        self.assertEqual(dashboard_lint.lint(small()), [])
        self.assertEqual(set(BAD), set(dashboard_lint.RULES))
        for rule, changes in BAD.items():
            for number, spoil in enumerate(changes):
                bad = copy.deepcopy(small())
                spoil(bad)
                with self.subTest(f"{rule} {number}"):
                    self.assertIn(rule, {name for name, _ in dashboard_lint.lint(bad)})

    def test_links_lead_to_dashboards_that_take_what_they_give(self):
        names = {uid: {item["name"] for item in dashboard_lint.variables(found)} for uid, found in self.dashboards.items()}
        count = 0
        for uid, item in self.dashboards.items():
            for title, link in dashboard_lint.links(item):
                with self.subTest(f"{uid}: {title}"):
                    target, parameters = re.fullmatch(r"/d/([\w-]+)\?(.*)", link["url"]).groups()
                    given = set(re.findall(r"\bvar-(\w+)=", parameters)) | set(re.findall(r"\$\{(\w+):queryparam\}", parameters))
                    self.assertLessEqual(given, names[target])
                    self.assertIn("${__url_time_range}", parameters)
                    count += 1
        self.assertGreater(count, 40)

    def test_metrics_are_those_of_the_programs(self):
        known = set(re.findall(r"^\| `([a-z_A-Z0-9]+)` \| ", read("docs/metrics.md"), re.MULTILINE)) | PROMETHEUS_OWN
        for uid, item in self.dashboards.items():
            texts = [tree for _, _, tree in dashboard_lint.queries(item)]
            used = {node.metric for tree in texts for node in promql.selectors(tree)}
            used |= set(re.findall(r"label_values\((\w+)", json.dumps(item["templating"])))
            with self.subTest(uid):
                self.assertEqual(used - known, set())

    def test_provisioning(self):
        """config/grafana has the data sources that the dashboards ask for, and agrees with config/prometheus.yml."""
        place = "config/grafana/provisioning/"
        found = yaml.safe_load(read(place + "datasources/cloud-monitor.yml"))["datasources"]
        wanted = {item["query"] for found in self.dashboards.values() for item in dashboard_lint.variables(found)
                  if item["type"] == "datasource"}
        self.assertEqual({item["type"] for item in found}, wanted)
        (prometheus,) = (item for item in found if item["type"] == dashboard_lint.PROMETHEUS)
        interval = yaml.safe_load(read("config/prometheus.yml"))["global"]["scrape_interval"]
        self.assertEqual(prometheus["jsonData"]["timeInterval"], interval)
        (provider,) = yaml.safe_load(read(place + "dashboards/cloud-monitor.yml"))["providers"]
        self.assertEqual((provider["type"], provider["allowUiUpdates"]), ("file", False))

    def test_types_refuse(self):
        """scripts/lint-dashboards, which tests/run calls for the dashboards themselves, finds each of these."""
        session.need_tools("node", "npm")
        bad = copy.deepcopy(small())
        bad["panels"][1]["options"]["legend"]["calc"] = []
        bad["panels"][1]["fieldConfig"]["defaults"]["color"]["mode"] = "palette"
        bad["templating"]["list"][3]["refresh"] = 3
        lacking = small()
        del lacking["schemaVersion"]
        paths = []
        for name, item in (("good", small()), ("bad", bad), ("lacking", lacking)):
            paths.append(f"{self.temp_dir()}/{name}.json")
            with open(paths[-1], "w", encoding="utf-8") as file:
                json.dump(item, file)
        done = subprocess.run([procs.REPOSITORY + "/scripts/lint-dashboards", *paths], capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        for word in ("'\"calc\"'", "'\"palette\"'", "'3'", "'schemaVersion'"):
            self.assertIn(word, done.stderr)
        self.assertNotIn("good.json", done.stderr)
