# SPDX-License-Identifier: Apache-2.0
"""What several dashboards show in the same way: the use of pods and nodes, against what they may use."""
from source import panels
from source.panels import BUSY, BYTES, BYTES_PER_SECOND, CORES, COUNT, NEAR_LIMIT, PRESSURE, RATIO, THROTTLED
from source.promql import (changes, count, cpu_limit, gauge, highest, increase, limited_cpu, limited_memory, memory_limit, rate,
                           throttled, total)

NAMESPACE, DEPLOYMENT, POD, NODE = (f"cloud-monitor-{name}" for name in ("namespace", "deployment", "pod", "node"))
# (what, counter of pods, what it says)
FLOWS = (("Disk reads", "pod_fs_reads_bytes_total", "Bytes read from disks"),
         ("Disk writes", "pod_fs_writes_bytes_total", "Bytes written to disks"),
         ("Network received", "container_network_receive_bytes_total",
          "Bytes received; pods on the host's network are not in it"),
         ("Network sent", "container_network_transmit_bytes_total", "Bytes sent; pods on the host's network are not in it"))


def charts(where, by, legend, of, links=(), size=(12, 8)):
    """CPU, memory, disk and network of pods, summed `by` labels; `of`: "by namespace"."""
    shown = {"stacked": True, "links": links, "size": size}
    result = [
        panels.series(f"CPU {of}", "CPU in use, in cores.", CORES, [(total(rate("pod_cpu_usage_seconds_total", where), by), legend)],
                      **shown),
        panels.series(f"Memory {of}", "Working set: memory in use without file pages that can be dropped.", BYTES,
                      [(total(gauge("pod_memory_working_set_bytes", where), by), legend)], **shown)]
    return result + [panels.series(f"{what} {of}", f"{says}, a second.", BYTES_PER_SECOND, [(total(rate(metric, where), by), legend)],
                                   **shown) for what, metric, says in FLOWS]


def columns(where, by):
    """The same as columns of a table."""
    result = [panels.column("CPU", CORES, total(rate("pod_cpu_usage_seconds_total", where), by), decimals=3),
              panels.column("Memory", BYTES, total(gauge("pod_memory_working_set_bytes", where), by))]
    return result + [panels.column(what, BYTES_PER_SECOND, total(rate(metric, where), by)) for what, metric, _ in FLOWS]


def pods_column(where, by):
    return panels.column("Pods", COUNT, count(gauge("cloudmon_pod_info", where), by))


def limit_columns(where, by):
    """Of those containers that have a limit."""
    return [panels.column("CPU of quota", RATIO, f"{limited_cpu(where, by)} / {cpu_limit(where, by)}", BUSY),
            panels.column("Throttled", RATIO, throttled(where, by), THROTTLED),
            panels.column("Memory of limit", RATIO, f"{limited_memory(where, by)} / {memory_limit(where, by)}", NEAR_LIMIT)]


def ended_columns(where, by):
    """Over the shown time range."""
    return [panels.column("Restarts", COUNT, total(changes("container_start_time_seconds", where), by), panels.ANY, decimals=0),
            panels.column("OOM kills", COUNT, total(increase("pod_oom_events_total", where), by), panels.ANY, decimals=0)]


def oom_kills(where, **more):
    return panels.stat("OOM kills", "Processes that the kernel killed for lack of memory, in the shown time range.", COUNT,
                       total(increase("pod_oom_events_total", where)), limits=panels.ANY, graph=False, decimals=0, **more)


def restarts(where, **more):
    return panels.stat("Container restarts", "Containers that were started again, in the shown time range.", COUNT,
                       total(changes("container_start_time_seconds", where)), limits=panels.ANY, graph=False, decimals=0, **more)


def pods(where, **more):
    return panels.stat("Pods", "Pods that the exporters see.", COUNT, count(gauge("cloudmon_pod_info", where)), **more)


def throttling(where, by, legend, links=()):
    return panels.series("CPU throttled", "Share of the CPU quota's periods in which the quota was used up. Containers without a "
                         "CPU limit are not in it.", RATIO, [(throttled(where, by), legend)], limits=THROTTLED, links=links)


def memory_near_limit(where, by, legend, links=()):
    return panels.series("Memory of limit", "Working set as a share of the memory limit. Containers without a limit are not in it.",
                         RATIO, [(f"{limited_memory(where, by)} / {memory_limit(where, by)}", legend)], limits=NEAR_LIMIT, links=links)


def pressure(what, where, by, legend, links=(), size=(8, 8)):
    """Of containers. `what`: cpu, memory, io."""
    title = {"cpu": "CPU", "memory": "Memory", "io": "I/O"}[what]
    return panels.series(f"{title} pressure", f"Share of the time in which a task waited for {title}, of the container that waited "
                         "most. Needs a kernel with pressure stall information.", RATIO,
                         [(highest(rate(f"container_pressure_{what}_waiting_seconds_total", where), by), legend)],
                         limits=PRESSURE, links=links, size=size)


def cores(where, by=""):
    return count(rate("node_cpu_seconds_total", f'{where}, mode="idle"'), by)


def node_cpu(where, by=""):
    return f"{total(rate('node_cpu_usage_seconds_total', where), by)} / {cores(where, by)}"


def node_memory(where, by=""):
    available, whole = (total(gauge(f"node_memory_{name}_bytes", where), by) for name in ("MemAvailable", "MemTotal"))
    return f"1 - {available} / {whole}"


def fullest_disk(where, by=""):
    share = f"{gauge('node_filesystem_avail_bytes', where)} / {gauge('node_filesystem_size_bytes', where)}"
    return highest(f"1 - {share}", by)


def node_pressure(what, where, by, kind="waiting"):
    return highest(rate(f"node_pressure_{what}_{kind}_seconds_total", where), by)


def to_namespace(value):
    return [panels.link("Namespace", NAMESPACE, namespace=value("namespace"))]


def to_deployment(value):
    return [panels.link("Deployment", DEPLOYMENT, namespace=value("namespace"), deployment=value("deployment"))]


def to_pod(value):
    return [panels.link("Pod", POD, namespace=value("namespace"), pod=value("pod"))]


def to_node(value):
    return [panels.link("Node", NODE, node=value("node"))]
