# SPDX-License-Identifier: Apache-2.0
"""tests/compatibility/queries.yaml: what widely used dashboards ask, and docs/compatibility.md, which is made from it."""
import collections
import dataclasses
import re

import yaml

from harness import procs

DIRECTORY = procs.REPOSITORY + "/tests/compatibility"
CONTAINER = ("container CPU", "container memory", "container network", "container disk")
NODE = ("node CPU", "node memory", "node network", "node disk")
OTHER = ("identity", "requests and limits")


@dataclasses.dataclass
class Row:
    dashboard: str
    panel: str
    area: str
    query: str
    why: str  # it does not work; empty: it works
    event: str  # what must have happened for the query to show anything, beside the panel's own comparison with 0
    values: dict  # of the dashboard's variables

    def expression(self):
        """The query with values for the dashboard's variables."""
        values = {"cluster": "", "__rate_interval": "1m", **self.values}
        text = re.sub(r"\$(\w+)", lambda match: values.get(match.group(1), ".+"), self.query)
        return text.removesuffix(" > 0") if self.event else text


def rows():
    with open(DIRECTORY + "/queries.yaml", encoding="utf-8") as file:
        for dashboard in yaml.safe_load(file):
            for query in dashboard["queries"]:
                unknown = set(query) - {"query", "area", "panel", "with", "why", "event"}
                if unknown or query["area"] not in CONTAINER + NODE + OTHER:
                    raise AssertionError(f"{query}: {unknown or 'area'}")
                yield Row(f"{dashboard['of']}: {dashboard['dashboard']}", query.get("panel", ""), query["area"], query["query"],
                          query.get("why", ""), query.get("event", ""), {**dashboard.get("with", {}), **query.get("with", {})})


def share(found):
    works = sum(not row.why for row in found)
    return f"{works} of {len(found)} | {100 * works // len(found)} %"


def summary(found):
    """Rows of a table: area, how many work, percentage."""
    lines = []
    for title, areas in (("containers", CONTAINER), ("nodes", NODE), ("", OTHER)):
        if title:
            lines.append(f"| **{title}** | {share([row for row in found if row.area in areas])} |")
        lines += [f"| {area} | {share([row for row in found if row.area == area])} |" for area in areas]
    return "\n".join(lines)


def reasons(found):
    counted = collections.Counter(row.why for row in found if row.why)
    return "\n".join(f"| {why} | {count} |" for why, count in counted.most_common())


def tables(found):
    """A table for each dashboard."""
    parts = []
    for name in dict.fromkeys(row.dashboard for row in found):
        parts.append(f"### {name}\n\n| panel | query | works |\n|---|---|---|")
        for row in (row for row in found if row.dashboard == name):
            query = row.query.replace("|", "\\|")
            parts.append(f"| {row.panel} | `{query}` | {'no: ' + row.why if row.why else 'yes'} |")
        parts[-1] += "\n"
    return "\n".join(parts).rstrip()


def markdown():
    """docs/compatibility.md: tests/compatibility/compatibility.md with the tables filled in."""
    found = list(rows())
    with open(DIRECTORY + "/compatibility.md", encoding="utf-8") as file:
        text = file.read()
    for mark, table in (("summary", summary(found)), ("reasons", reasons(found)), ("tables", tables(found))):
        text = text.replace(f"<!-- {mark} -->", table)
    return text
