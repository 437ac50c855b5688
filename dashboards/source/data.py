# SPDX-License-Identifier: Apache-2.0
"""Asks a Prometheus what a dashboard would show, with variables and intervals put in as Grafana does."""
import json
import math
import re
import time
import urllib.error
import urllib.parse
import urllib.request


class Prometheus:
    """A server, and the interval in seconds at which it scrapes: Grafana knows that from the data source's settings."""

    def __init__(self, url, scrape_interval=15):
        self.url, self.scrape_interval = url, scrape_interval

    def get(self, path, **parameters):
        """The data of an answer. OSError with the server's own words where it refuses."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise OSError(f"{parameters}: {error.read().decode(errors='replace')}") from error


class View:
    """A dashboard with chosen variables and a time range that ends at `end` (Unix seconds, now when not given).

    `chosen`: {variable: value}; of the others that value which Grafana picks, all or the first.
    """

    def __init__(self, dashboard, prometheus, *, seconds=3600, end=None, width=800, chosen=None):
        self.dashboard, self.prometheus, self.seconds = dashboard, prometheus, seconds
        self.end = math.floor(end or time.time())
        self.step = max(math.ceil(seconds / width), prometheus.scrape_interval)
        self.rate_interval = max(self.step + prometheus.scrape_interval, 4 * prometheus.scrape_interval)
        self.variables, self.found, self.shown = {}, {}, {}  # each by name: as in a query; all there are; as a person reads it
        for item in dashboard["templating"]["list"]:
            if item["type"] == "query":
                self._choose(item, (chosen or {}).get(item["name"]))

    def _choose(self, item, value):
        name = item["name"]
        selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", self.fill(item["query"]["query"])).groups()
        values = self.prometheus.get(f"label/{label}/values", **{"match[]": selector, "start": self.end - self.seconds, "end": self.end})
        self.found[name] = sorted(text for text in values if text)
        if value is not None:
            self.variables[name], self.shown[name] = re.escape(value), value
        elif item["includeAll"]:
            self.variables[name], self.shown[name] = item.get("allValue") or "(" + "|".join(map(re.escape, self.found[name])) + ")", "All"
        else:
            first = self.found[name][0] if self.found[name] else ""
            self.variables[name], self.shown[name] = re.escape(first), first

    def fill(self, text):
        text = text.replace("$__rate_interval", f"{self.rate_interval}s").replace("$__range", f"{self.seconds}s")
        # A backslash of the regular expression stands in a string of PromQL.
        return re.sub(r"\$(\w+)", lambda found: self.variables[found.group(1)].replace("\\", "\\\\"), text)

    def ask(self, target):
        """[(labels, [(time, value)])] of a panel's query; a single point where it is instant."""
        query = self.fill(target["expr"])
        if target["instant"]:
            series = self.prometheus.get("query", query=query, time=self.end)["result"]
            return [(item["metric"], [(item["value"][0], float(item["value"][1]))]) for item in series]
        series = self.prometheus.get("query_range", query=query, start=self.end - self.seconds, end=self.end, step=self.step)["result"]
        return [(item["metric"], [(at, float(value)) for at, value in item["values"]]) for item in series]


def legend(target, labels):
    """The name of a series, as Grafana makes it."""
    if not target["legendFormat"]:
        return "{" + ", ".join(f'{key}="{value}"' for key, value in labels.items()) + "}"
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found.group(1), ""), target["legendFormat"]).strip()
