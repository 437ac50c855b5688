# SPDX-License-Identifier: Apache-2.0
from source import dashboard, panels, usage
from source.panels import BYTES, CORES, label
from source.promql import EXPORTER, PER_POD, cpu_limit, gauge, memory_limit, rate, total

PODS = EXPORTER + ', namespace=~"$namespace"'
BY_WORKLOAD = "cluster, namespace, workload_type, workload"
BY_DEPLOYMENT = "cluster, namespace, deployment"
CONTAINER = PER_POD + ", container"


def now(where):
    """Also of a deployment: what stands at the top."""
    return [
        usage.pods(where),
        panels.stat("CPU", "CPU in use, in cores.", CORES, total(rate("pod_cpu_usage_seconds_total", where)), decimals=3),
        panels.stat("Memory", "Working set: memory in use without file pages that can be dropped.", BYTES,
                    total(gauge("pod_memory_working_set_bytes", where))),
        panels.stat("Memory limits", "Sum of the limits of the containers that have one.", BYTES, memory_limit(where, "")),
        usage.oom_kills(where), usage.restarts(where)]


def deployments():
    where = PODS + ', deployment!=""'
    return [panels.table(
        "Deployments", "What the pods of each deployment use now.",
        {"cluster": "Cluster", "namespace": "Namespace", "deployment": "Deployment"},
        [usage.pods_column(where, BY_DEPLOYMENT), *usage.columns(where, BY_DEPLOYMENT), *usage.limit_columns(where, BY_DEPLOYMENT),
         *usage.ended_columns(where, BY_DEPLOYMENT)], sort_by="CPU", links={"Deployment": usage.to_deployment(panels.cell)},
        size=(24, 8))]


def limits():
    links, legend = usage.to_pod(label), "{{pod}}/{{container}} {{cluster}}"
    quotas = [(total(rate("container_cpu_usage_seconds_total", PODS)), "in use"), (cpu_limit(PODS, ""), "quota of those that have one")]
    sizes = [(total(gauge("container_memory_working_set_bytes", PODS)), "working set"),
             (total(gauge("container_memory_rss", PODS)), "anonymous"), (memory_limit(PODS, ""), "limit of those that have one")]
    return [
        panels.series("CPU and quotas", "CPU in use by all containers, and the sum of the CPU quotas, in cores.", CORES, quotas,
                      overrides=[panels.limit_line("^quota")]),
        panels.series("Memory and limits", "Memory in use by all containers, and the sum of the memory limits.", BYTES, sizes,
                      overrides=[panels.limit_line("^limit")]),
        usage.throttling(PODS, CONTAINER, legend, links), usage.memory_near_limit(PODS, CONTAINER, legend, links),
        *(usage.pressure(what, PODS, CONTAINER, legend, links) for what in ("cpu", "memory", "io"))]


def pods():
    by = "cluster, node, namespace, deployment, pod"
    return [panels.table(
        "Pods", "What each pod uses now.",
        {"cluster": "Cluster", "namespace": "Namespace", "deployment": "Deployment", "pod": "Pod", "node": "Node"},
        [*usage.columns(PODS, by), *usage.limit_columns(PODS, by), *usage.ended_columns(PODS, by)], sort_by="CPU",
        links={"Pod": usage.to_pod(panels.cell), "Deployment": usage.to_deployment(panels.cell), "Node": usage.to_node(panels.cell)})]


def build():
    return dashboard.dashboard(
        "cloud-monitor-namespace", "cloud-monitor / Namespace", "What the deployments and pods of a namespace use.",
        [*dashboard.BASE, dashboard.namespace()],
        [("Now", now(PODS)), ("Deployments", deployments()),
         ("Workloads", usage.charts(PODS, BY_WORKLOAD, "{{workload}} ({{workload_type}}) {{cluster}}", "by workload")),
         ("Limits", limits()), ("Pods", pods())])
