# SPDX-License-Identifier: Apache-2.0
"""A dashboard of panels: their places, the variables, and what all dashboards have in common."""
from source.panels import PROMETHEUS

COLUMNS = 24
TAG = "cloud-monitor"
ALL = {"text": "All", "value": "$__all"}


def data_source(kind="prometheus", name="datasource"):
    return {"name": name, "label": "Data Source", "type": "datasource", "query": kind, "description": "",
            "regex": "", "refresh": 1, "hide": 0, "includeAll": False, "multi": False, "options": [], "skipUrlSync": False}


def variable(name, label, query, *, source=PROMETHEUS, multi=False, include_all=False, all_value=".*", hidden=False,
             description=""):
    """Filled by a query, again whenever the time range changes. `all_value` None: all is what the query found."""
    result = {"name": name, "label": label, "type": "query", "datasource": source, "description": description,
              "regex": "", "refresh": 2, "sort": 1, "hide": 2 if hidden else 0,
              "includeAll": include_all, "multi": multi, "options": [], "skipUrlSync": False,
              "query": query}
    if include_all:
        result["current"] = {key: [text] for key, text in ALL.items()} if multi else dict(ALL)
        if all_value:
            result["allValue"] = all_value
    return result


def label_values(label, metric, *matchers):
    return {"qryType": 1, "query": f"label_values({metric}{{{', '.join(matchers)}}}, {label})", "refId": "variable"}


def matching(name, label=None):
    return f'{label or name}=~"${name}"'


CLUSTER = variable("cluster", "Cluster", label_values("cluster", "cloudmon_node_info"), include_all=True,
                   description="Label `cluster` of the series, where the Prometheus has one.")
# Other exporters have series of the same names: this keeps to ours, whatever their job is called.
JOB = variable("job", "Job", label_values("job", "cloudmon_node_info", matching("cluster")), include_all=True, multi=True,
               all_value=None, hidden=True, description="Jobs of the exporters.")
BASE = [data_source(), CLUSTER, JOB]
_OURS = [matching("cluster"), matching("job")]


def node(**options):
    return variable("node", "Node", label_values("node", "cloudmon_node_info", *_OURS), **options)


def namespace(*more, **options):
    return variable("namespace", "Namespace", label_values("namespace", "cloudmon_pod_info", *_OURS, *more), **options)


def deployment(**options):
    matchers = [*_OURS, matching("namespace"), 'deployment!=""']
    return variable("deployment", "Deployment", label_values("deployment", "cloudmon_pod_info", *matchers), **options)


def pod(**options):
    matchers = [*_OURS, matching("namespace"), matching("deployment")]
    return variable("pod", "Pod", label_values("pod", "cloudmon_pod_info", *matchers), **options)


def place(sections):
    """The panels of (title, [panel]) sections, each section under a row: from left to right, in lines."""
    placed, top = [], 0
    for title, panels in sections:
        placed.append({"type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1}})
        left, top, height = 0, top + 1, 0
        for item in panels:
            size = item["gridPos"]
            if left + size["w"] > COLUMNS:
                left, top, height = 0, top + height, 0
            placed.append({**item, "gridPos": {"x": left, "y": top, **size}})
            left, height = left + size["w"], max(height, size["h"])
        top += height
    return [{"id": index, **item} for index, item in enumerate(placed, 1)]


def dashboard(uid, title, description, variables, sections, *, refresh="1m"):
    others = {"type": "dashboards", "title": "cloud-monitor", "tags": [TAG], "asDropdown": True, "includeVars": True,
              "keepTime": True, "targetBlank": False, "icon": "external link", "tooltip": "The other dashboards", "url": ""}
    return {"uid": uid, "title": title, "description": description, "tags": [TAG], "schemaVersion": 39, "version": 1,
            "editable": False, "graphTooltip": 1, "timezone": "browser", "time": {"from": "now-1h", "to": "now"},
            "refresh": refresh, "fiscalYearStartMonth": 0, "annotations": {"list": []}, "links": [others],
            "templating": {"list": variables}, "panels": place(sections)}
