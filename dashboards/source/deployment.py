# SPDX-License-Identifier: Apache-2.0
from source import dashboard, namespace, panels, usage
from source.panels import BYTES, CORES, label
from source.promql import EXPORTER, PER_POD, cpu_limit, gauge, highest, memory_limit, rate, total

PODS = EXPORTER + ', namespace=~"$namespace", deployment=~"$deployment"'
CONTAINER = PER_POD + ", container"


def pods():
    by = "cluster, node, namespace, pod"
    return [panels.table(
        "Pods", "What each pod uses now.", {"cluster": "Cluster", "namespace": "Namespace", "pod": "Pod", "node": "Node"},
        [*usage.columns(PODS, by), *usage.limit_columns(PODS, by), *usage.ended_columns(PODS, by)], sort_by="CPU",
        links={"Pod": usage.to_pod(panels.cell), "Node": usage.to_node(panels.cell),
               "Namespace": usage.to_namespace(panels.cell)}, size=(24, 8))]


def limits():
    links, legend = usage.to_pod(label), "{{pod}}/{{container}} {{cluster}}"
    return [
        panels.series("CPU of a pod and its quota", "CPU in use by the pod that uses most, and the lowest CPU quota of a pod, in cores.",
                      CORES, [(highest(total(rate("container_cpu_usage_seconds_total", PODS), PER_POD)), "highest"),
                              (f"min({cpu_limit(PODS, PER_POD)})", "quota")], overrides=[panels.limit_line("^quota")]),
        panels.series("Memory of a pod and its limit", "Working set of the pod that uses most, and the lowest memory limit of a pod.",
                      BYTES, [(highest(total(gauge("container_memory_working_set_bytes", PODS), PER_POD)), "highest"),
                              (f"min({memory_limit(PODS, PER_POD)})", "limit")], overrides=[panels.limit_line("^limit")]),
        usage.throttling(PODS, CONTAINER, legend, links), usage.memory_near_limit(PODS, CONTAINER, legend, links),
        *(usage.pressure(what, PODS, CONTAINER, legend, links) for what in ("cpu", "memory", "io"))]


def build():
    return dashboard.dashboard(
        "cloud-monitor-deployment", "cloud-monitor / Deployment", "What the pods of a deployment use, and how near they are to their limits.",
        [*dashboard.BASE, dashboard.namespace('deployment!=""'), dashboard.deployment()],
        [("Now", namespace.now(PODS)), ("Pods", pods()),
         ("Use", usage.charts(PODS, PER_POD, "{{pod}} {{cluster}}", "by pod", usage.to_pod(label))), ("Limits", limits())])
