# SPDX-License-Identifier: Apache-2.0
"""Rules for dashboards, those of Grafana's dashboard-linter among them, under its names. A rule gives what is wrong, one line each."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

from harness import procs, promql

PLACE = os.path.join(procs.REPOSITORY, "dashboards")
sys.path.insert(0, PLACE)  # for the tests that import what the dashboards are made of

PROMETHEUS, INFINITY = "prometheus", "yesoreyeram-infinity-datasource"
KINDS = {"timeseries", "stat", "table", "bargauge", "gauge", "state-timeline"}
TABLE_UNITS = {"dateTimeAsIso"}  # of a column, besides those that have a dimension
VARIABLE = re.compile(r"\$\{?(\w+)")


def load():
    """{uid: dashboard} of those in the repository."""
    found = {}
    for path in sorted(glob.glob(PLACE + "/*.json")):
        with open(path, encoding="utf-8") as file:
            dashboard = json.load(file)
        found[dashboard["uid"]] = dashboard
    return found


def variables(dashboard):
    return dashboard["templating"]["list"]


def variable(dashboard, name):
    return next((item for item in variables(dashboard) if item["name"] == name), None)


def panels(dashboard):
    """Those that show something."""
    return [item for item in dashboard["panels"] if item["type"] != "row"]


def is_prometheus(dashboard):
    return any(item["type"] == "datasource" and item["query"] == PROMETHEUS for item in variables(dashboard))


def queries(dashboard):
    """(panel, target, tree) of Prometheus' queries that can be parsed."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            try:
                yield panel, target, promql.parse(target["expr"])
            except (KeyError, ValueError):
                continue  # target-promql-rule says so


def units(panel):
    """{column or None: unit}"""
    found = {None: panel["fieldConfig"]["defaults"].get("unit")}
    for override in panel["fieldConfig"]["overrides"]:
        for item in override["properties"]:
            if item["id"] == "unit":
                found[override["matcher"]["options"]] = item["value"]
    return found


def used(text):
    """Names of the variables in a text, Grafana's own left out."""
    return {name for name in VARIABLE.findall(text) if not name.startswith("__")}


def links(dashboard):
    """(title of the panel, link)"""
    for panel in panels(dashboard):
        config = panel["fieldConfig"]
        found = list(config["defaults"].get("links", ()))
        for override in config["overrides"]:
            found += [link for item in override["properties"] if item["id"] == "links" for link in item["value"]]
        yield from ((panel["title"], link) for link in found)


def source_of(dashboard):
    """What every panel's data source must be. The names differ because links pass variables on."""
    if is_prometheus(dashboard):
        return {"type": PROMETHEUS, "uid": "${datasource}"}
    return {"type": INFINITY, "uid": "${infinity_datasource}"}


def template_datasource(dashboard):
    found = [(item["name"], item["label"], item["query"]) for item in variables(dashboard) if item["type"] == "datasource"]
    want = source_of(dashboard)
    if found != [(want["uid"].strip("${}"), "Data Source", want["type"])]:
        yield f"not one data source variable with the label `Data Source` for {want}, but {found}"


def template_job(dashboard):
    """All its values are the jobs that there are, so other exporters' series of the same names stay out."""
    job = variable(dashboard, "job")
    if not is_prometheus(dashboard):
        return
    if job is None or not (job["multi"] and job["includeAll"]) or "allValue" in job:
        yield "no variable `job` with several values, and without an allValue"


def template_instance(dashboard):
    """An instance is a node: chosen by name, or through the namespace of its pods."""
    if is_prometheus(dashboard) and not (variable(dashboard, "node") or variable(dashboard, "namespace")):
        yield "neither a variable `node` nor `namespace`"


def template_label_promql(dashboard):
    for item in variables(dashboard):
        if not is_prometheus(dashboard) or item["type"] != "query":
            continue
        found = re.fullmatch(r"label_values\((.*), (\w+)\)", item["query"]["query"])
        try:
            if not found or not isinstance(promql.parse(found.group(1)), promql.Selector):
                yield f"{item['name']}: {item['query']['query']} is not label_values(selector, label)"
        except ValueError as error:
            yield f"{item['name']}: {error}"


def template_on_time_change_reload(dashboard):
    yield from (item["name"] for item in variables(dashboard) if item["type"] == "query" and item["refresh"] != 2)


def template_all_value(dashboard):
    for item in variables(dashboard):
        if item["type"] == "query" and item["includeAll"] and not item["name"].endswith("job") and item.get("allValue") != ".*":
            yield f"{item['name']}: allValue is not `.*`, so a series without the label is in no All"


def template_chain(dashboard):
    """A variable's query may use those before it, and has to be told of the cluster."""
    before = set()
    for item in variables(dashboard):
        text = str(item["query"])
        if not used(text) <= before:
            yield f"{item['name']} uses {used(text) - before}, which come later"
        if is_prometheus(dashboard) and item["type"] == "query" and item["name"] != "cluster" and "cluster" not in used(text):
            yield f"{item['name']} does not keep to the cluster"
        before.add(item["name"])


def panel_datasource(dashboard):
    want = source_of(dashboard)
    for item in [*panels(dashboard), *(item for item in variables(dashboard) if item["type"] == "query")]:
        if any(source != want for source in (item["datasource"], *(target["datasource"] for target in item.get("targets", ())))):
            yield f"{item.get('title', item.get('name'))}: its data source is not {want}"


def panel_title_description(dashboard):
    yield from (f"panel {item['id']}" for item in panels(dashboard) if not item.get("title") or not item.get("description"))


def panel_units(dashboard):
    for panel in panels(dashboard):
        for column, unit in units(panel).items():
            if unit not in promql.UNITS and not (column and unit in TABLE_UNITS):
                yield f"{panel['title']}: the unit {unit} of {column or 'the panel'} is none that is known"


def panel_no_targets(dashboard):
    yield from (panel["title"] for panel in panels(dashboard) if not panel["targets"])


def panel_kind(dashboard):
    yield from (f"{panel['title']} is a {panel['type']}" for panel in panels(dashboard) if panel["type"] not in KINDS)


def target_promql(dashboard):
    expressions = [(panel["title"], target["expr"]) for panel in panels(dashboard) for target in panel["targets"] if "expr" in target]
    for title, text in expressions:
        try:
            promql.parse(text)
        except ValueError as error:
            yield f"{title}: {text}: {error}"
    yield from promtool_problems(expressions)


def promtool_problems(expressions):
    """What promtool says of (title, query)s."""
    if not expressions:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        file.write("groups:\n- name: all\n  rules:\n")
        for index, (_, text) in enumerate(expressions):
            text = re.sub(r"\$__(rate_interval|range|interval)\b", "5m", text).replace("'", "''")
            file.write(f"  - record: query_{index}\n    expr: '{text}'\n")
        file.flush()
        done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        yield done.stdout + done.stderr


def target_rate_interval(dashboard):
    for panel, target, tree in queries(dashboard):
        for node, parents in promql.walk(tree):
            if isinstance(node, promql.Selector) and node.range:
                allowed = ["$__rate_interval"] if parents and parents[-1].function in ("rate", "irate") else ["$__rate_interval", "$__range"]
                if node.range not in allowed:
                    yield f"{panel['title']}: [{node.range}] is none of {allowed} in {target['expr']}"


def target_counter_agg(dashboard):
    for panel, target, tree in queries(dashboard):
        for node, parents in promql.walk(tree):
            if isinstance(node, promql.Selector) and node.metric.endswith("_total"):
                if getattr(parents[-1] if parents else None, "function", "") not in ("rate", "irate", "increase"):
                    yield f"{panel['title']}: {node.metric} is in no rate, irate or increase"


def target_job(dashboard):
    for panel, _, tree in queries(dashboard):
        for node in promql.selectors(tree):
            if not any((label, operator, text) in node.matchers for label, operator, text in
                       (("job", "=~", "$job"), ("job", "=~", "$aggregator_job"))):
                yield f"{panel['title']}: {node.metric} of whatever job"


def target_instance(dashboard):
    chosen = {name: f"${name}" for name in ("node", "namespace", "deployment", "pod")} | {"instance": "$aggregator"}
    for panel, _, tree in queries(dashboard):
        for node in promql.selectors(tree):
            if ("cluster", "=~", "$cluster") not in node.matchers:
                yield f"{panel['title']}: {node.metric} of whatever cluster"
            if not any(chosen.get(label) == text for label, _, text in node.matchers):
                yield f"{panel['title']}: {node.metric} is of nothing that was chosen"


def target_dimension(dashboard):
    """A query gives what the unit of its panel or column says."""
    for panel, target, tree in queries(dashboard):
        try:
            got = promql.dimension(tree)
            unit = units(panel).get(column_of(panel, target), units(panel)[None])
            if got != promql.UNITS.get(unit, got):
                yield f"{panel['title']}: {unit}, but {target['expr']} gives {got}"
        except ValueError as error:
            yield f"{panel['title']}: {target['expr']}: {error}"


def column_of(panel, target):
    """The title of a query's column in a table."""
    for item in panel.get("transformations", ()):
        renamed = item["options"].get("renameByName", {})
        title = renamed.get(f"Value #{target['refId']}", renamed.get("Value"))
        if title:
            return title
    return None


def labels(dashboard):
    """Legends, keys of tables and links name labels that the query keeps."""
    for panel, target, tree in queries(dashboard):
        kept = kept_labels(tree)
        asked = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        asked |= {name for title, link in links({"panels": [panel]}) for name in
                  re.findall(r"__field\.labels\.(\w+)", link["url"])}
        if panel["type"] == "table":
            (organize,) = (item["options"] for item in panel["transformations"] if item["id"] == "organize")
            keys = {name for name in organize["renameByName"] if not name.startswith("Value")}
            asked |= keys
            asked |= {name for title, link in links({"panels": [panel]}) for name in re.findall(r"__data\.fields\.(\w+)", link["url"])}
            if kept - keys:
                yield f"{panel['title']}: no column for {kept - keys}"
        if asked - kept:
            yield f"{panel['title']}: {asked - kept} are not labels of {target['expr']}"


def kept_labels(tree):
    """Labels by which the outermost aggregations group."""
    if isinstance(tree, promql.Call) and tree.function in promql.AGGREGATIONS - {"topk", "bottomk"}:
        return set(tree.by)
    return set().union(*(kept_labels(part) for part in tree.parts))


def uneditable(dashboard):
    if dashboard["editable"] is not False:
        yield "can be edited, though the files would overwrite it"


def identity(dashboard):
    if "cloud-monitor" not in dashboard["tags"] or not re.fullmatch(r"cloud-monitor-[a-z]{1,20}", dashboard["uid"]):
        yield "the tag cloud-monitor, or a uid that begins so, is missing"
    if "__inputs" in dashboard or dashboard.get("id"):
        yield "has an id or __inputs, which are for dashboards that are imported by hand"
    if not dashboard["refresh"] or dashboard["time"]["from"] not in ("now-1h", "now-3h"):
        yield "no refresh, or an unusual time range"


def grid(dashboard):
    taken = {}
    if len({item["id"] for item in dashboard["panels"]}) != len(dashboard["panels"]):
        yield "an id is there twice"
    for item in dashboard["panels"]:
        place = item["gridPos"]
        if place["x"] + place["w"] > 24:
            yield f"{item['title']} is beyond the right edge"
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if taken.setdefault((x, y), item["title"]) != item["title"]:
                    yield f"{item['title']} lies over {taken[x, y]}"
                    return


def unused_variables(dashboard):
    everything = str(dashboard["panels"]) + str([item["query"] for item in variables(dashboard)])
    yield from (item["name"] for item in variables(dashboard) if item["name"] not in used(everything))


RULES = {
    "template-datasource-rule": template_datasource, "template-job-rule": template_job,
    "template-instance-rule": template_instance, "template-label-promql-rule": template_label_promql,
    "template-on-time-change-reload-rule": template_on_time_change_reload, "panel-datasource-rule": panel_datasource,
    "panel-title-description-rule": panel_title_description, "panel-units-rule": panel_units, "panel-no-targets-rule": panel_no_targets,
    "target-promql-rule": target_promql, "target-rate-interval-rule": target_rate_interval, "target-job-rule": target_job,
    "target-instance-rule": target_instance, "target-counter-agg-rule": target_counter_agg, "uneditable-dashboard": uneditable,
    # Of this project alone.
    "template-all-value": template_all_value, "template-chain": template_chain, "template-unused": unused_variables,
    "panel-kind": panel_kind, "panel-grid": grid, "target-dimension": target_dimension, "target-labels": labels,
    "dashboard-identity": identity,
}


def lint(dashboard):
    """[(rule, what is wrong)]"""
    return [(name, problem) for name, rule in RULES.items() for problem in rule(dashboard)]
