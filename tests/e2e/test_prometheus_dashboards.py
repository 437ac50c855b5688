# SPDX-License-Identifier: Apache-2.0
"""Every query of every dashboard on real data: Prometheus' on the stack's Prometheus, Infinity's on the aggregator."""
import math
import os
import re
import signal
import time
import unittest
import urllib.parse

from harness import dashboard_lint, procs, session
from harness.dashboard_lint import PLACE, load
from harness.stack_case import StackCase
from harness.wait import until

from source import data  # found through dashboard_lint's path

SECONDS = 180  # of data
# What each dashboard is looked at with; every query must find something with one of the choices. The others are as Grafana picks.
CHOICES = {
    "cloud-monitor-namespace": [{"namespace": "batch-jobs"}, {"namespace": "shop"}],
    "cloud-monitor-deployment": [{"namespace": "batch-jobs", "deployment": "cruncher"}, {"namespace": "shop", "deployment": "leaky"}],
    "cloud-monitor-pod": [{"namespace": "batch-jobs", "pod": "db-1"}, {"namespace": "batch-jobs", "pod": "cruncher-6d4cf56db6-x8r2k"}],
}
# Queries that may find nothing here, and why: {dashboard: {panel, or "" for any: (metrics, reason)}}
DISK_BYTES = tuple(f"pod_fs_{way}_bytes_total" for way in ("reads", "writes"))
PRESSURE = tuple(f"container_pressure_{what}_waiting_seconds_total" for what in ("cpu", "memory", "io"))
NO_DISK = DISK_BYTES, "no Deployment of the suite writes to a disk"
NO_PRESSURE = () if os.path.exists("/proc/pressure/cpu") else PRESSURE, "the kernel has no pressure stall information"
MAY_BE_EMPTY = {
    "cloud-monitor-namespace": {"Deployments": NO_DISK, "": NO_PRESSURE},
    "cloud-monitor-deployment": {"Pods": NO_DISK, "Disk reads by pod": NO_DISK, "Disk writes by pod": NO_DISK, "": NO_PRESSURE},
    "cloud-monitor-pod": {"": NO_PRESSURE, "Threads of limit": (("container_threads", "container_threads_max"), "there is no limit")},
    "cloud-monitor-self": {
        "Collector errors": (("cloudmon_collector_errors_total",), "nothing fails"),
        "Identity source errors": (("cloudmon_identity_source_errors_total",), "nothing fails"),
        "HTTP errors": (("cloudmon_http_requests_total",), "no request was wrong"),
        "Push queue": (("cloudmon_push_queue_documents",), "the exporter does not push"),
        "Remote write": (tuple(f"cloudmon_remote_write_{name}_total" for name in ("samples", "samples_dropped", "retries")), "it is off"),
        "Remote write lag": (("cloudmon_remote_write_lag_seconds",), "it is off")},
}
SHARE = -0.001, 1.2  # a rate's numerator and denominator are read at moments that differ a little


class Queries(StackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prometheus = data.Prometheus(cls.stack.prometheus.url, cls.stack.INTERVAL)
        until(cls.has_data, SECONDS + 30, f"{SECONDS} s of data", pause_seconds=2)
        os.kill(cls.machine.pod("shop/leaky").container().pid, signal.SIGUSR1)  # for the panels of OOM kills
        killed = f"increase(pod_oom_events_total[{SECONDS}s]) > 0"
        # Seen a moment ago: views end at whole seconds.
        until(lambda: cls.prometheus.get("query", query=killed, time=time.time() - 2)["result"], 30, "an OOM kill is seen")

    @classmethod
    def has_data(cls):
        now = time.time()
        series = cls.prometheus.get("query_range", query="min(up)", start=now - 2 * SECONDS, end=now, step=5)["result"]
        return series and series[0]["values"][0][0] <= now - SECONDS

    def views(self, uid, dashboard):
        return [data.View(dashboard, self.prometheus, seconds=SECONDS, chosen=chosen) for chosen in CHOICES.get(uid, [{}])]

    def test_every_query_finds_something(self):
        count = 0
        for uid, dashboard in load().items():
            if not dashboard_lint.is_prometheus(dashboard):
                continue
            views = self.views(uid, dashboard)
            for view in views:
                missing = [name for name, found in view.found.items() if not found and name != "cluster"]
                self.assertEqual(missing, [], f"{uid}: variables without values")
            for panel, target, tree in dashboard_lint.queries(dashboard):
                answers = [series for view in views for series in view.ask(target)]
                values = [value for _, points in answers for _, value in points if math.isfinite(value)]
                with self.subTest(f"{uid}: {panel['title']}: {target['expr']}"):
                    if not values and self.may_be_empty(uid, panel, tree):
                        continue
                    self.assertTrue(values, "no value")
                    self.check_answer(panel, target, answers, values)
                    count += 1
        self.assertGreater(count, 250)

    def may_be_empty(self, uid, panel, tree):
        reasons = MAY_BE_EMPTY.get(uid, {})
        metrics = {node.metric for node in dashboard_lint.promql.selectors(tree)}
        return any(metrics <= set(reasons[title][0]) for title in ("", panel["title"]) if title in reasons)

    def check_answer(self, panel, target, answers, values):
        unit = dashboard_lint.units(panel).get(dashboard_lint.column_of(panel, target), dashboard_lint.units(panel)[None])
        low, high = SHARE if unit == "percentunit" else (0, math.inf)
        self.assertGreaterEqual(min(values), low)
        self.assertLessEqual(max(values), high)
        # Pods need not be of a Deployment, and a Prometheus need not say its cluster.
        asked = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) - {"cluster"}
        self.assertLessEqual(asked, {name for labels, _ in answers for name in labels})


class Infinity(StackCase):
    """What the data source does with a query: one request, and of each entry of the answer the columns' selectors."""
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.aggregator = cls.stack.aggregator
        cls.dashboard = load()["cloud-monitor-api"]
        until(lambda: len(cls.aggregator.get("/api/cluster?window=1m").json) > 20, 90, "a minute of buckets", pause_seconds=1)

    def answer(self, target, variables):
        def fill(text):
            return re.sub(r"\$\{([^}]+)\}", lambda found: variables[found.group(1)], text)
        self.assertEqual((target["root_selector"], target["url_options"]["method"]), ("", "GET"))
        parameters = {item["key"]: fill(item["value"]) for item in target["url_options"]["params"]}
        answer = self.aggregator.get(fill(target["url"]) + "?" + urllib.parse.urlencode(parameters))
        self.assertEqual(answer.status, 200, f"{target['url']} {parameters}: {answer.text}")
        return answer.json

    def check_columns(self, target, entries, may_lack=()):
        self.assertTrue(entries)
        for column in target["columns"]:
            values = [entry[column["selector"]] for entry in entries if entry.get(column["selector"]) is not None]
            if column["selector"] in may_lack and not values:
                continue
            self.assertTrue(values, f"no entry has {column['selector']}")
            for value in values:
                is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
                self.assertEqual(is_number, column["type"] != "string", f"{column}: {value!r}")
                if column["type"] == "timestamp_epoch_s":
                    self.assertLess(abs(time.time() - value), 3600)

    def test_every_request(self):
        now = int(time.time())
        variables = {"__from:date:seconds": str(now - 60), "__to:date:seconds": str(now), "__interval": "20s"}
        for item in dashboard_lint.variables(self.dashboard):
            if item["type"] == "query":
                target = item["query"]["infinityQuery"]
                entries = self.answer(target, variables)
                self.check_columns(target, entries)
                variables[item["name"]] = sorted(entry[item["name"]] for entry in entries)[-1]
        self.assertEqual((variables["namespace"], variables["deployment"]), ("shop", "web-frontend"))
        # Web servers use no disk, and what never failed has no error.
        may_lack = {"disk_read_bytes_per_second", "disk_write_bytes_per_second", "last_error", "deployment"}
        for panel in dashboard_lint.panels(self.dashboard):
            (target,) = panel["targets"]
            with self.subTest(panel["title"]):
                entries = self.answer(target, variables)
                self.check_columns(target, entries, may_lack)
                if target["format"] == "timeseries":
                    times = {entry["time"] for entry in entries}
                    self.assertGreaterEqual(len(times), 3, "of a minute in steps of 20 s")
                    self.assertEqual({at % 20 for at in times}, {0})


class Picture(StackCase):
    def test_a_picture_is_drawn(self):
        if not session.everything:
            raise unittest.SkipTest("only with --all: needs a browser")
        session.need_tools("chromium")
        stack = self.stack
        until(lambda: data.Prometheus(stack.prometheus.url).get("query", query="cloudmon_pod_info")["result"], 60, "a scrape")
        for uid, dashboard in load().items():
            if not dashboard_lint.is_prometheus(dashboard):
                continue
            out = f"{self.temp_dir()}/{uid}.png"
            done = procs.run([PLACE + "/picture", "--minutes=3", f"--scrape-interval={stack.INTERVAL}", stack.prometheus.url,
                                      f"{PLACE}/{uid}.json", out], timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(out, "rb") as file:
                picture = file.read()
            self.assertEqual(picture[:8], b"\x89PNG\r\n\x1a\n")
            self.assertGreater(len(picture), 30000, "little more than an empty page")
