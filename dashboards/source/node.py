# SPDX-License-Identifier: Apache-2.0
from source import dashboard, panels, usage
from source.panels import BUSY, BYTES, BYTES_PER_SECOND, COUNT, NEAR_LIMIT, PRESSURE, RATIO, SECONDS, label
from source.promql import EXPORTER, PER_POD, gauge, highest, rate, total

NODES = EXPORTER + ', node=~"$node"'
BY = "cluster, node"
NAME = "{{node}} {{cluster}}"
DEVICE = "{{node}} {{device}}"
BY_DEVICE = BY + ", device"


def now():
    uptime = "time() - " + highest(gauge("node_boot_time_seconds", NODES), BY)
    return [
        panels.stat("CPU", "CPU in use, of all cores.", RATIO, usage.node_cpu(NODES, BY), limits=BUSY, legend=NAME),
        panels.stat("Memory", "Memory that is not available.", RATIO, usage.node_memory(NODES, BY), limits=NEAR_LIMIT, legend=NAME),
        panels.stat("Fullest disk", "The fullest file system.", RATIO, usage.fullest_disk(NODES, BY), limits=NEAR_LIMIT, legend=NAME),
        panels.stat("Load for each core", "Load average of one minute divided by the number of cores.", COUNT,
                    f"{total(gauge('node_load1', NODES), BY)} / {usage.cores(NODES, BY)}", limits=(1, 2), legend=NAME, decimals=2),
        panels.stat("Up", "Time since the node was started.", SECONDS, uptime, graph=False, legend=NAME),
        usage.pods(NODES)]


def pressure(what, title):
    queries = [(usage.node_pressure(what, NODES, BY), NAME + " some")]
    if what != "cpu":
        queries.append((usage.node_pressure(what, NODES, BY, "stalled"), NAME + " all"))
    return panels.series(f"{title} pressure", f"Share of the time in which some, or all, tasks waited for {title}. Needs a kernel "
                         "with pressure stall information.", RATIO, queries, limits=PRESSURE, size=(8, 8))


def cpu():
    modes = rate("node_cpu_seconds_total", NODES + ', mode!="idle"')
    loads = [(total(gauge(f"node_load{minutes}", NODES), BY), f"{NAME} {minutes} min") for minutes in (1, 5, 15)]
    return [
        panels.series("CPU by mode", "What the CPUs did, in cores; idle is not shown.", panels.CORES,
                      [(total(modes, BY + ", mode"), "{{node}} {{mode}}")], stacked=True, size=(8, 8)),
        panels.series("Load", "Load averages, and the number of cores.", COUNT, [*loads, (usage.cores(NODES, BY), NAME + " cores")],
                      overrides=[panels.limit_line(" cores$")], size=(8, 8)),
        pressure("cpu", "CPU")]


def memory():
    sizes = [("MemAvailable", "available"), ("MemFree", "free"), ("Cached", "page cache"), ("Buffers", "buffers"),
             ("MemTotal", "total")]
    swap = f"{total(gauge('node_memory_SwapTotal_bytes', NODES), BY)} - {total(gauge('node_memory_SwapFree_bytes', NODES), BY)}"
    queries = [(total(gauge(f"node_memory_{name}_bytes", NODES), BY), f"{{{{node}}}} {title}") for name, title in sizes]
    in_use = (total(gauge("node_memory_working_set_bytes", NODES), BY), "{{node}} not available")
    return [panels.series("Memory", "Memory of the node and what it is used for.", BYTES, [in_use, *queries, (swap, "{{node}} swap in use")],
                          overrides=[panels.limit_line(" total$")], size=(16, 8)),
            pressure("memory", "Memory")]


def disk():
    by_way = {way: [(total(rate(f"node_disk_{way}", NODES), BY_DEVICE), DEVICE)] for way in
              ("read_bytes_total", "written_bytes_total", "reads_completed_total", "writes_completed_total", "io_time_seconds_total")}
    share = f"1 - {gauge('node_filesystem_avail_bytes', NODES)} / {gauge('node_filesystem_size_bytes', NODES)}"
    return [
        panels.series("Disk reads", "Bytes read, a second.", BYTES_PER_SECOND, by_way["read_bytes_total"], size=(8, 8)),
        panels.series("Disk writes", "Bytes written, a second.", BYTES_PER_SECOND, by_way["written_bytes_total"], size=(8, 8)),
        pressure("io", "I/O"),
        panels.series("Disk operations", "Reads and writes completed, a second.", "iops",
                      [(by_way[way][0][0], f"{DEVICE} {title}") for way, title in
                       (("reads_completed_total", "reads"), ("writes_completed_total", "writes"))], size=(8, 8)),
        panels.series("Disk busy", "Share of the time in which the disk had work.", RATIO, by_way["io_time_seconds_total"], limits=BUSY,
                      size=(8, 8)),
        panels.bars("File systems", "How full each file system is.", RATIO, highest(share, BY + ", mountpoint"),
                    "{{node}} {{mountpoint}}", limits=NEAR_LIMIT, max=1, size=(8, 8))]


def network():
    def ways(suffix, unit, title, says):
        queries = [(total(rate(f"node_network_{way}_{suffix}", NODES), BY_DEVICE), f"{DEVICE} {word}")
                   for way, word in (("receive", "received"), ("transmit", "sent"))]
        return panels.series(title, says, unit, queries, size=(8, 8))
    dropped = [(total(rate(f"node_network_{way}_{kind}_total", NODES), BY_DEVICE), f"{DEVICE} {word} {title}")
               for way, word in (("receive", "received"), ("transmit", "sent")) for kind, title in (("errs", "errors"), ("drop", "dropped"))]
    return [ways("bytes_total", BYTES_PER_SECOND, "Network", "Bytes received and sent, a second, by interface."),
            ways("packets_total", "pps", "Packets", "Packets received and sent, a second, by interface."),
            panels.series("Network errors", "Packets with errors or dropped, a second, by interface.", "pps", dropped, size=(8, 8))]


def pods():
    table = panels.table(
        "Pods", "What each pod of the node uses now.",
        {"cluster": "Cluster", "node": "Node", "namespace": "Namespace", "deployment": "Deployment", "pod": "Pod"},
        [*usage.columns(NODES, BY + ", namespace, deployment, pod"), *usage.limit_columns(NODES, BY + ", namespace, deployment, pod"),
         *usage.ended_columns(NODES, BY + ", namespace, deployment, pod")], sort_by="CPU",
        links={"Pod": usage.to_pod(panels.cell), "Namespace": usage.to_namespace(panels.cell),
               "Deployment": usage.to_deployment(panels.cell)})
    return [table, *usage.charts(NODES, PER_POD, "{{namespace}}/{{pod}} {{cluster}}", "by pod", usage.to_pod(label))]


def build():
    return dashboard.dashboard(
        "cloud-monitor-node", "cloud-monitor / Node", "How busy a node is, and which of its pods make it so.",
        [*dashboard.BASE, dashboard.node(multi=True)],
        [("Now", now()), ("CPU", cpu()), ("Memory", memory()), ("Disk", disk()), ("Network", network()), ("Pods", pods())])
