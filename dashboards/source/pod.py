# SPDX-License-Identifier: Apache-2.0
from source import dashboard, namespace, panels, usage
from source.panels import BYTES, BYTES_PER_SECOND, CORES, COUNT
from source.promql import EXPORTER, PER_POD, changes, cpu_limit, gauge, highest, increase, memory_limit, rate, total

PODS = EXPORTER + ', namespace=~"$namespace", pod=~"$pod"'
CONTAINER = PER_POD + ", container"
NAME = "{{pod}}/{{container}} {{cluster}}"


def cpu():
    request = total(f"{gauge('container_spec_cpu_shares', PODS)} / 1024", CONTAINER)
    modes = [(total(rate(f"container_cpu_{mode}_seconds_total", PODS), CONTAINER), f"{NAME} {mode}") for mode in ("user", "system")]
    return [
        panels.series("CPU by container", "CPU in use, in cores; the quota; and what the CPU shares ask for (1024 for a core).", CORES,
                      [(total(rate("container_cpu_usage_seconds_total", PODS), CONTAINER), NAME),
                       (cpu_limit(PODS, CONTAINER), NAME + " quota"), (request, NAME + " request")],
                      overrides=[panels.limit_line(" quota$"), panels.limit_line(" request$", "orange")]),
        panels.series("CPU in user mode and in the kernel", "CPU in use, in cores.", CORES, modes, stacked=True),
        usage.throttling(PODS, CONTAINER, NAME), usage.pressure("cpu", PODS, CONTAINER, NAME, size=(12, 8))]


def memory():
    kinds = (("container_memory_working_set_bytes", "working set"), ("container_memory_usage_bytes", "usage"),
             ("container_memory_max_usage_bytes", "highest usage"), ("container_memory_rss", "anonymous"),
             ("container_memory_cache", "page cache"), ("container_memory_mapped_file", "mapped files"), ("container_memory_swap", "swap"))
    queries = [(total(gauge(metric, PODS), CONTAINER), f"{NAME} {title}") for metric, title in kinds]
    faults = total(rate("container_memory_failures_total", PODS), CONTAINER + ", failure_type")
    return [
        panels.series("Memory by container", "What a container has in use, by kind. The kernel kills it when the usage that it cannot "
                      "reclaim reaches the limit; the kubelet evicts by the working set.", BYTES,
                      [*queries, (memory_limit(PODS, CONTAINER), NAME + " limit")], overrides=[panels.limit_line(" limit$")],
                      size=(16, 10)),
        panels.series("Page faults", "Page faults a second; pgmajfault had to read from a disk.", "ops",
                      [(faults, NAME + " {{failure_type}}")], size=(8, 10)),
        usage.memory_near_limit(PODS, CONTAINER, NAME), usage.pressure("memory", PODS, CONTAINER, NAME, size=(12, 8))]


def processes():
    ended = [(total(increase("container_oom_events_total", PODS, "$__rate_interval"), CONTAINER), NAME + " OOM kills"),
             (total(changes("container_start_time_seconds", PODS, "$__rate_interval"), CONTAINER), NAME + " restarts")]
    running = [(total(gauge("container_processes", PODS), CONTAINER), NAME + " processes"),
               (total(gauge("container_threads", PODS), CONTAINER), NAME + " threads")]
    return [
        panels.series("Processes and threads", "Processes and threads that run in each container.", COUNT, running, size=(8, 8)),
        panels.series("Threads of limit", "Threads as a share of the most that are allowed.", panels.RATIO,
                      [(f"{total(gauge('container_threads', PODS), CONTAINER)} / "
                        f"({total(gauge('container_threads_max', PODS), CONTAINER)} > 0)", NAME)],
                      limits=panels.NEAR_LIMIT, size=(8, 8)),
        panels.series("OOM kills and restarts", "Processes that the kernel killed for lack of memory, and starts of the container, when "
                      "they were.", COUNT, ended, size=(8, 8), decimals=0)]


def disk():
    def flows(ways, unit, title, says):
        return panels.series(title, says, unit, [(total(rate(metric, PODS), CONTAINER + ", device"), f"{NAME} {{{{device}}}} {word}")
                                                 for metric, word in ways], size=(8, 8))
    return [flows((("container_fs_reads_bytes_total", "read"), ("container_fs_writes_bytes_total", "written")), BYTES_PER_SECOND,
                  "Disk", "Bytes read and written, a second, by device."),
            flows((("container_fs_reads_total", "reads"), ("container_fs_writes_total", "writes")), "iops",
                  "Disk operations", "Reads and writes a second, by device."),
            usage.pressure("io", PODS, CONTAINER, NAME)]


def network():
    def ways(kinds, unit, title, says):
        queries = [(total(rate(f"container_network_{way}_{kind}_total", PODS), PER_POD + ", interface"),
                    f"{{{{pod}}}} {{{{interface}}}} {word}{kind_word}")
                   for way, word in (("receive", "received"), ("transmit", "sent")) for kind, kind_word in kinds]
        return panels.series(title, says + " Pods on the host's network have none.", unit, queries, size=(8, 8))
    return [ways((("bytes", ""),), BYTES_PER_SECOND, "Network", "Bytes received and sent, a second."),
            ways((("packets", ""),), "pps", "Packets", "Packets received and sent, a second."),
            ways((("errors", " errors"), ("packets_dropped", " dropped")), "pps", "Network errors",
                 "Packets with errors or dropped, a second.")]


def identity():
    pod_keys = {"cluster": "Cluster", "namespace": "Namespace", "pod": "Pod", "node": "Node", "workload_type": "Workload type",
                "workload": "Workload", "deployment": "Deployment", "qos": "QoS class", "host_network": "Host network", "pod_uid": "UID"}
    container_keys = {"cluster": "Cluster", "namespace": "Namespace", "pod": "Pod", "container": "Container", "image": "Image",
                      "container_id": "ID"}
    started = highest(gauge("container_start_time_seconds", PODS), CONTAINER)
    return [
        panels.table("Pods", "Who the pods are.", pod_keys,
                     [panels.column("Seen", COUNT, highest(gauge("cloudmon_pod_info", PODS), ", ".join(pod_keys)))], sort_by="Pod",
                     links={"Node": usage.to_node(panels.cell), "Namespace": usage.to_namespace(panels.cell),
                            "Deployment": usage.to_deployment(panels.cell)}, size=(24, 5)),
        panels.table("Containers", "Images of the containers.", container_keys,
                     [panels.column("Seen", COUNT, highest(gauge("cloudmon_container_info", PODS), ", ".join(container_keys)))],
                     sort_by="Container", size=(16, 6)),
        panels.table("Ages", "Time since each container was started.",
                     {"cluster": "Cluster", "namespace": "Namespace", "pod": "Pod", "container": "Container"},
                     [panels.column("Age", panels.SECONDS, f"time() - {started}")], size=(8, 6))]


def build():
    return dashboard.dashboard(
        "cloud-monitor-pod", "cloud-monitor / Pod", "What the containers of a pod use, of which kind, and against which limits.",
        [*dashboard.BASE, dashboard.namespace(), dashboard.deployment(include_all=True), dashboard.pod(multi=True)],
        [("Now", namespace.now(PODS)), ("CPU", cpu()), ("Memory", memory()), ("Processes", processes()), ("Disk", disk()),
         ("Network", network()), ("Identity", identity())])
