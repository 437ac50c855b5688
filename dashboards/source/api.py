# SPDX-License-Identifier: Apache-2.0
"""The aggregator's API through the Infinity data source, whose URL is the aggregator's address."""
from source import dashboard, panels
from source.panels import BYTES, BYTES_PER_SECOND, COUNT, SECONDS

KIND = "yesoreyeram-infinity-datasource"
# Of another name than Prometheus' one, which links between dashboards pass on.
VARIABLE = "infinity_datasource"
SOURCE = {"type": KIND, "uid": f"${{{VARIABLE}}}"}
TIME = ("time", "Time", "timestamp_epoch_s")
# Of every entry: (field, title, unit)
USE = (("cpu_millicores", "CPU (millicores)", "none"), ("memory_working_set_bytes", "Memory", BYTES),
       ("disk_read_bytes_per_second", "Disk reads", BYTES_PER_SECOND), ("disk_write_bytes_per_second", "Disk writes", BYTES_PER_SECOND),
       ("network_rx_bytes_per_second", "Network received", BYTES_PER_SECOND),
       ("network_tx_bytes_per_second", "Network sent", BYTES_PER_SECOND))
CPU_AND_MEMORY = USE[:2]
NAMES = {"node": "Node", "namespace": "Namespace", "deployment": "Deployment", "pod": "Pod"}
# The interval of a panel: Grafana's steps from here on are multiples of the aggregator's 10 s.
SMALLEST_STEP = "20s"


def query(path, columns, parameters=(), form="table"):
    """One request; `columns` are (selector, title, type) of each entry of the array that it answers."""
    return {"datasource": SOURCE, "refId": "A", "type": "json", "source": "url", "parser": "backend", "format": form, "url": path,
            "url_options": {"method": "GET", "data": "", "params": [{"key": key, "value": value} for key, value in parameters]},
            "root_selector": "", "filters": [],
            "columns": [{"selector": selector, "text": title, "type": kind} for selector, title, kind in columns]}


def names(*labels):
    return [(label, NAMES[label], "string") for label in labels]


def infinity(result, target, **more):
    return {**result, "datasource": SOURCE, "targets": [target], **more}


def over_time(title, description, unit, path, field, by, *, stacked=True, size=(12, 8), **more):
    parameters = [("start", "${__from:date:seconds}"), ("end", "${__to:date:seconds}"), ("step", "${__interval}"), ("fields", field)]
    result = panels.series(title, description, unit, [], stacked=stacked, size=size,
                           displayName="${__field.labels." + NAMES[by] + "}" if by else title, **more)
    return infinity(result, query(path, [TIME, *(names(by) if by else []), (field, title, "number")], parameters, "timeseries"),
                    interval=SMALLEST_STEP)


def newest(title, description, path, keys, extra=(), *, limit=None, size=(24, 9)):
    """A table of the newest entries; `extra` are further (field, title, unit)."""
    fields = [*extra, *USE]
    parameters = [("sort", "-cpu_millicores"), *([("limit", str(limit))] if limit else []),
                  ("fields", ",".join(field for field, _, _ in fields))]
    overrides = [panels.override(title, {"unit": unit}) for _, title, unit in fields]
    result = panels.table(title, description, {}, [], sort_by=USE[0][1], size=size)
    result["fieldConfig"]["overrides"] = overrides
    del result["transformations"]
    return infinity(result, query(path, names(*keys) + [(field, title, "number") for field, title, _ in fields], parameters))


def number(title, description, unit, field, limits=(), **more):
    result = panels.stat(title, description, unit, "", limits=limits, graph=False, **more)
    return infinity(result, query("/api/cluster", [TIME, (field, title, "number")], [("fields", field)]))


def now():
    return [number("CPU (millicores)", "CPU that all pods use.", "none", "cpu_millicores", size=(5, 4)),
            number("Memory", "Working sets of all pods.", BYTES, "memory_working_set_bytes", size=(5, 4)),
            number("Pods", "Pods that reported in the newest bucket.", COUNT, "pods", size=(5, 4)),
            number("Nodes", "Nodes that reported in the newest bucket.", COUNT, "nodes", size=(4, 4)),
            number("Nodes missing", "Nodes that did not.", COUNT, "nodes_missing", panels.ANY, size=(5, 4))]


def cluster():
    return [over_time(f"{title} of the cluster", "All pods together.", unit, "/api/cluster", field, None)
            for field, title, unit in CPU_AND_MEMORY]


def by(kind, path, says, fields=USE, size=(8, 8)):
    return [over_time(f"{title} by {kind}", says, unit, path, field, kind, size=size) for field, title, unit in fields]


def nodes():
    capacity = (("pods", "Pods", COUNT), ("cpu_capacity_millicores", "Cores (millicores)", "none"),
                ("memory_capacity_bytes", "Memory there is", BYTES))
    return [newest("Nodes", "The newest bucket of each node.", "/api/nodes", ("node",), capacity, size=(24, 7)),
            *by("node", "/api/nodes", "The node's own, from its /proc.")]


def one_namespace():
    pods_of = "/api/namespaces/${namespace}/deployments/${deployment}/pods"
    deployments = "/api/namespaces/${namespace}/deployments"
    return [newest("Deployments", "The newest bucket of each deployment of the namespace.", deployments, ("namespace", "deployment"),
                   (("pods", "Pods", COUNT),), size=(24, 7)),
            *by("deployment", deployments, "Sums of each deployment's pods.", CPU_AND_MEMORY, (12, 8)),
            newest("Pods of the deployment", "The newest bucket of each pod of the deployment.", pods_of,
                   ("node", "namespace", "deployment", "pod"), size=(24, 7)),
            *by("pod", pods_of, "The pods of the deployment.", CPU_AND_MEMORY, (12, 8))]


def targets():
    columns = [*names("node"), ("source", "Source", "string"), ("url", "URL", "string"), ("up", "Up", "string"),
               ("last_scrape", "Last scrape", "timestamp_epoch_s"), ("duration_seconds", "Duration", "number"),
               ("samples", "Samples", "number"), ("rejected_lines", "Rejected lines", "number"), ("last_error", "Last error", "string")]
    up = panels.values({"true": ("up", "green"), "false": ("down", "red")})
    overrides = [panels.override("Duration", {"unit": SECONDS}), panels.override("Last scrape", {"unit": "dateTimeAsIso"}),
                 panels.override("Up", {"mappings": up, "custom.cellOptions": {"type": "color-text"}})]
    result = panels.table("Targets", "Every scrape target and every node that pushes, and how its last scrape went.", {}, [],
                          sort_by="Node", size=(24, 8))
    result["fieldConfig"]["overrides"] = overrides
    del result["transformations"]
    return [infinity(result, query("/api/targets", columns))]


def variable(name, path):
    found = {**query(path, names(name)), "refId": "variable"}
    return dashboard.variable(name, NAMES[name], {"queryType": "infinity", "query": "", "infinityQuery": found}, source=SOURCE)


def build():
    largest = newest("Pods, highest 20", "The newest bucket of the pods that use the most CPU.", "/api/pods",
                     ("namespace", "deployment", "pod", "node"), limit=20)
    every = newest("Namespaces", "The newest bucket of each namespace.", "/api/namespaces", ("namespace",), (("pods", "Pods", COUNT),),
                   size=(24, 7))
    return dashboard.dashboard(
        "cloud-monitor-api", "cloud-monitor / API", "The aggregator's API through the Infinity data source: no Prometheus is needed.",
        [dashboard.data_source(KIND, VARIABLE), variable("namespace", "/api/deployments"),
         variable("deployment", "/api/namespaces/${namespace}/deployments")],
        [("Now", now()), ("Cluster", cluster()), ("Nodes", nodes()),
         ("Namespaces", [every, *by("namespace", "/api/namespaces", "Sums of each namespace's pods."), largest]),
         ("Namespace $namespace", one_namespace()), ("Targets", targets())])
