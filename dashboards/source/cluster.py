# SPDX-License-Identifier: Apache-2.0
from source import dashboard, panels, usage
from source.panels import BUSY, COUNT, NEAR_LIMIT, PRESSURE, RATIO, label
from source.promql import (EXPORTER, PER_POD, count, cpu_limit, gauge, highest, increase, limited_memory, memory_limit, rate, throttled,
                           top, total)

NODES = EXPORTER + ', node=~"$node"'
PODS = NODES + ', namespace=~"$namespace"'
BY_NODE, BY_NAMESPACE = "cluster, node", "cluster, namespace"
PER_CONTAINER = PER_POD + ", container"
POD_NAME = "{{namespace}}/{{pod}} {{cluster}}"
CONTAINER_NAME = "{{namespace}}/{{pod}}/{{container}} {{cluster}}"


def now():
    return [
        panels.stat("Nodes", "Nodes whose exporter answers.", COUNT, count(gauge("cloudmon_node_info", NODES)), size=(3, 4)),
        panels.stat("Nodes down", "Exporters that Prometheus cannot scrape.", COUNT, total("1 - " + gauge("up", NODES)),
                    limits=panels.ANY, size=(3, 4)),
        usage.pods(PODS, size=(3, 4)),
        panels.stat("CPU", "CPU in use on the nodes, of all their cores.", RATIO, usage.node_cpu(NODES), limits=BUSY, size=(3, 4)),
        panels.stat("Memory", "Memory of the nodes that is not available.", RATIO, usage.node_memory(NODES), limits=NEAR_LIMIT,
                    size=(3, 4)),
        panels.stat("Fullest disk", "The fullest file system of the nodes.", RATIO, usage.fullest_disk(NODES), limits=NEAR_LIMIT,
                    size=(3, 4)),
        usage.oom_kills(PODS, size=(3, 4)), usage.restarts(PODS, size=(3, 4))]


def namespaces():
    table = panels.table(
        "Namespaces", "What the pods of each namespace use now.", {"cluster": "Cluster", "namespace": "Namespace"},
        [usage.pods_column(PODS, BY_NAMESPACE), *usage.columns(PODS, BY_NAMESPACE), *usage.limit_columns(PODS, BY_NAMESPACE),
         *usage.ended_columns(PODS, BY_NAMESPACE)], sort_by="CPU", links={"Namespace": usage.to_namespace(panels.cell)}, size=(24, 7))
    return [table, *usage.charts(PODS, BY_NAMESPACE, "{{namespace}} {{cluster}}", "by namespace", usage.to_namespace(label))]


def nodes():
    each = (NODES, BY_NODE)
    pressure = [panels.column(title, RATIO, usage.node_pressure(what, *each), PRESSURE) for what, title in
                (("cpu", "CPU pressure"), ("memory", "Memory pressure"), ("io", "I/O pressure"))]
    table = panels.table(
        "Nodes", "How busy each node is now.", {"cluster": "Cluster", "node": "Node"},
        [usage.pods_column(*each),
         panels.column("CPU", RATIO, usage.node_cpu(*each), BUSY), panels.column("Cores", COUNT, usage.cores(*each)),
         panels.column("Load for each core", COUNT, f"{total(gauge('node_load1', NODES), BY_NODE)} / {usage.cores(*each)}", (1, 2),
                       decimals=2),
         panels.column("Memory", RATIO, usage.node_memory(*each), NEAR_LIMIT),
         panels.column("Fullest disk", RATIO, usage.fullest_disk(*each), NEAR_LIMIT), *pressure],
        sort_by="CPU", links={"Node": usage.to_node(panels.cell)}, size=(24, 7))
    shown = {"links": usage.to_node(label), "max": 1}
    return [table,
            panels.series("CPU by node", "CPU in use, of the node's cores.", RATIO, [(usage.node_cpu(*each), "{{node}} {{cluster}}")],
                          limits=BUSY, **shown),
            panels.series("Memory by node", "Memory that is not available, of the node's memory.", RATIO,
                          [(usage.node_memory(*each), "{{node}} {{cluster}}")], limits=NEAR_LIMIT, **shown)]


def top_pods():
    links = usage.to_pod(label)
    disk = " + ".join(total(rate(f"pod_fs_{way}_bytes_total", PODS), PER_POD) for way in ("reads", "writes"))
    network = " + ".join(total(rate(f"container_network_{way}_bytes_total", PODS), PER_POD) for way in ("receive", "transmit"))
    return [
        panels.bars("CPU, highest 10", "Pods that use the most CPU now, in cores.", panels.CORES,
                    top(10, total(rate("pod_cpu_usage_seconds_total", PODS), PER_POD)), POD_NAME, links=links),
        panels.bars("Memory, highest 10", "Pods with the largest working sets now.", panels.BYTES,
                    top(10, total(gauge("pod_memory_working_set_bytes", PODS), PER_POD)), POD_NAME, links=links),
        panels.bars("Disk, highest 10", "Pods that read and write the most now.", panels.BYTES_PER_SECOND, top(10, disk), POD_NAME,
                    links=links),
        panels.bars("Network, highest 10", "Pods that receive and send the most now.", panels.BYTES_PER_SECOND, top(10, network),
                    POD_NAME, links=links)]


def trouble():
    links = usage.to_pod(label)
    near = f"{limited_memory(PODS, PER_CONTAINER)} / {memory_limit(PODS, PER_CONTAINER)}"
    over = total(rate("container_cpu_usage_seconds_total", PODS), PER_CONTAINER) + " / " + cpu_limit(PODS, PER_CONTAINER)
    oom = highest(increase("pod_oom_events_total", PODS), PER_POD)
    return [
        panels.bars("Memory of limit, highest 10", "Containers that are nearest to their memory limit.", RATIO, top(10, near),
                    CONTAINER_NAME, limits=NEAR_LIMIT, links=links, max=1),
        panels.bars("CPU of quota, highest 10", "Containers that use the most of their CPU quota.", RATIO, top(10, over),
                    CONTAINER_NAME, limits=BUSY, links=links, max=1),
        panels.bars("CPU throttled, highest 10", "Containers that wait for their quota in the largest share of its periods.", RATIO,
                    top(10, throttled(PODS, PER_CONTAINER)), CONTAINER_NAME, limits=panels.THROTTLED, links=links, max=1),
        panels.bars("OOM kills, highest 10", "Pods in which the kernel killed processes for lack of memory, in the shown time "
                    "range. Empty is good.", COUNT, top(10, f"{oom} > 0"), POD_NAME, limits=panels.ANY, links=links, decimals=0)]


def build():
    variables = [*dashboard.BASE, dashboard.node(multi=True, include_all=True),
                 dashboard.namespace(dashboard.matching("node"), multi=True, include_all=True)]
    return dashboard.dashboard(
        "cloud-monitor-cluster", "cloud-monitor / Cluster", "What uses the cluster now: nodes, namespaces, the largest pods.",
        variables, [("Now", now()), ("Namespaces", namespaces()), ("Nodes", nodes()), ("Largest pods", top_pods()),
                    ("Near a limit", trouble())])
