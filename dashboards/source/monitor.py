# SPDX-License-Identifier: Apache-2.0
from source import dashboard, panels
from source.panels import ANY, BYTES, CORES, COUNT, RATIO, SECONDS
from source.promql import EXPORTER, gauge, highest, increase, rate, total

AGGREGATOR = 'cluster=~"$cluster", job=~"$aggregator_job", instance=~"$aggregator"'
NODES = EXPORTER + ', node=~"$node"'
AGGREGATORS, BY_NODE = "cluster, instance", "cluster, node"
INSTANCE, NODE = "{{instance}} {{cluster}}", "{{node}} {{cluster}}"
YES_NO = panels.values({0: ("no", "red"), 1: ("yes", "green")})


def aggregator_rate(metric):
    return total(rate(f"cloudmon_{metric}", AGGREGATOR), AGGREGATORS)


def now():
    newest = highest(gauge("cloudmon_store_newest_bucket_timestamp_seconds", AGGREGATOR), AGGREGATORS)
    lost = total(increase("cloudmon_store_buckets_lost_total", AGGREGATOR))
    return [
        panels.stat("Targets up", "Targets whose last scrape by the aggregator was good, and nodes that push.", COUNT,
                    total(gauge("cloudmon_targets", AGGREGATOR + ', state="up"')), steps=panels.floor((1, 1))),
        panels.stat("Targets down", "Targets whose last scrape by the aggregator failed; /api/targets says why.", COUNT,
                    total(gauge("cloudmon_targets", AGGREGATOR + ', state="down"')), limits=ANY),
        panels.stat("Newest bucket", "Age of the newest bucket that the aggregator serves, from its start.", SECONDS,
                    f"time() - {newest}", limits=(60, 300), legend=INSTANCE),
        panels.stat("Buckets lost", "Buckets that left memory before they could be written, in the shown time range.", COUNT, lost,
                    limits=ANY, graph=False, decimals=0),
        panels.stat("Exporters down", "Exporters that Prometheus cannot scrape.", COUNT, total("1 - " + gauge("up", NODES)), limits=ANY),
        panels.stat("Pods without name", "Pods that no identity source can name; they are shown by their UIDs.", COUNT,
                    total(gauge("cloudmon_unidentified_pods", NODES)), limits=ANY)]


def scraping():
    scrapes = [(aggregator_rate("scrapes_total"), INSTANCE + " scrapes"), (aggregator_rate("scrape_failures_total"), INSTANCE + " failed"),
               (aggregator_rate("scrape_skipped_ticks_total"), INSTANCE + " skipped")]
    refused = [(aggregator_rate("late_samples_total"), INSTANCE + " late samples"),
               (aggregator_rate("scrape_rejected_lines_total"), INSTANCE + " rejected lines")]
    return [
        panels.series("Scrape duration", "How long the aggregator's last scrape of each target took.", SECONDS,
                      [(highest(gauge("cloudmon_target_scrape_duration_seconds", AGGREGATOR), "cluster, target, node"),
                        "{{node}} {{target}}")]),
        panels.states("Target up", "Whether the aggregator's last scrape of each target was good.",
                      f"min by (cluster, target, node) ({gauge('cloudmon_target_up', AGGREGATOR)})", "{{node}} {{target}}", YES_NO),
        panels.series("Scrapes", "Scrapes a second: made, failed, and not made because the one before had not ended.", "ops", scrapes,
                      size=(8, 8)),
        panels.series("Samples", "Samples read from targets, a second.", "ops", [(aggregator_rate("scrape_samples_total"), INSTANCE)],
                      size=(8, 8)),
        panels.series("Late and rejected", "Samples that came after their bucket was sealed, and lines that could not be read, a second.",
                      "ops", refused, size=(8, 8)),
        panels.series("Pushed documents", "Documents that nodes pushed, a second, by result.", "ops",
                      [(total(rate("cloudmon_ingest_documents_total", AGGREGATOR), AGGREGATORS + ", result"), "{{result}} " + INSTANCE)],
                      size=(8, 8)),
        panels.series("Buckets", "Buckets sealed, and written to the database, a second.", "ops",
                      [(aggregator_rate("buckets_sealed_total"), INSTANCE + " sealed"),
                       (aggregator_rate("store_buckets_written_total"), INSTANCE + " written")], size=(8, 8)),
        panels.series("Write failures", "Writes to the database that failed and were tried again, and buckets lost, a second.", "ops",
                      [(aggregator_rate("store_write_failures_total"), INSTANCE + " failures"),
                       (aggregator_rate("store_buckets_lost_total"), INSTANCE + " lost")], size=(8, 8))]


def store():
    def size(metric):
        return highest(gauge(f"cloudmon_store_{metric}", AGGREGATOR), AGGREGATORS)
    span = f"{size('newest_bucket_timestamp_seconds')} - {size('oldest_bucket_timestamp_seconds')}"
    return [
        panels.series("Database", "Size of the database on disk.", BYTES, [(size("database_bytes"), INSTANCE)], size=(8, 8)),
        panels.series("Room for the database", "Free space of the file system that it lies on.", BYTES,
                      [(size("available_bytes"), INSTANCE)], size=(8, 8)),
        panels.series("History", "Time between the oldest and the newest bucket.", SECONDS, [(span, INSTANCE)], size=(8, 8)),
        panels.series("Members and points", "Members that the store knows, and points of them that are in memory.", COUNT,
                      [(size("members"), INSTANCE + " members"), (size("head_points"), INSTANCE + " points")]),
        panels.series("Write queue", "Sealed buckets that are not yet in the database.", COUNT, [(size("write_queue"), INSTANCE)])]


def requests():
    by_route = total(rate("cloudmon_http_requests_total", AGGREGATOR), "cluster, route, code")
    failed = total(rate("cloudmon_http_requests_total", AGGREGATOR + ', code=~"4..|5.."'), "cluster, route, code")
    return [
        panels.series("HTTP requests", "Requests answered, a second, by route and status.", "reqps", [(by_route, "{{route}} {{code}}")],
                      stacked=True),
        panels.series("HTTP errors", "Requests answered with 4xx or 5xx, a second. Empty is good.", "reqps",
                      [(failed, "{{route}} {{code}}")], stacked=True)]


def remote_write():
    samples = [(aggregator_rate("remote_write_samples_total"), INSTANCE + " sent"),
               (aggregator_rate("remote_write_samples_dropped_total"), INSTANCE + " dropped"),
               (aggregator_rate("remote_write_retries_total"), INSTANCE + " retries")]
    return [
        panels.series("Remote write", "Samples sent to the receiver and dropped, and requests made again, a second. Empty unless "
                      "remote write is on.", "ops", samples),
        panels.series("Remote write lag", "How far the receiver is behind the newest bucket. Empty unless remote write is on.", SECONDS,
                      [(highest(gauge("cloudmon_remote_write_lag_seconds", AGGREGATOR), AGGREGATORS), INSTANCE)], limits=(60, 300))]


def process(where, by, legend):
    files = f"{total(gauge('process_open_fds', where), by)} / {total(gauge('process_max_fds', where), by)}"
    return [
        panels.series("CPU", "CPU that the program uses, in cores.", CORES, [(total(rate("process_cpu_seconds_total", where), by), legend)],
                      size=(8, 8)),
        panels.series("Resident memory", "Resident memory of the program.", BYTES,
                      [(total(gauge("process_resident_memory_bytes", where), by), legend)], size=(8, 8)),
        panels.series("Open files", "Open file descriptors, of the most that the program may open.", RATIO, [(files, legend)],
                      limits=(0.8, 0.95), size=(8, 8))]


def exporters():
    def worst(metric, by):
        return highest(gauge(f"cloudmon_{metric}", NODES), f"cluster, node, {by}")
    errors = total(rate("cloudmon_collector_errors_total", NODES), "cluster, node, collector, reason")
    source_errors = total(rate("cloudmon_identity_source_errors_total", NODES), "cluster, node, source, reason")
    return [
        panels.series("Collector duration", "Time that each collector's last pass took.", SECONDS,
                      [(worst("collector_duration_seconds", "collector"), "{{node}} {{collector}}")]),
        panels.states("Collector success", "Whether each collector's last pass read all that was there.",
                      f"min by (cluster, node, collector) ({gauge('cloudmon_collector_success', NODES)})", "{{node}} {{collector}}",
                      YES_NO),
        panels.series("Collector errors", "What collectors could not read, a second, by reason. Empty is good.", "ops",
                      [(errors, "{{node}} {{collector}}: {{reason}}")], size=(8, 8)),
        panels.series("Pods without name", "Pods that no identity source can name.", COUNT,
                      [(highest(gauge("cloudmon_unidentified_pods", NODES), BY_NODE), NODE)], size=(8, 8)),
        panels.states("Identity source up", "Whether each identity source answered when it was last asked.",
                      f"min by (cluster, node, source) ({gauge('cloudmon_identity_source_up', NODES)})", "{{node}} {{source}}", YES_NO,
                      size=(8, 8)),
        panels.series("Identity source asked", "Times that each identity source was asked, a second.", "ops",
                      [(total(rate("cloudmon_identity_refreshes_total", NODES), "cluster, node, source"), "{{node}} {{source}}")],
                      size=(8, 8)),
        panels.series("Identity source errors", "Times that an identity source failed, a second, by reason. Empty is good.", "ops",
                      [(source_errors, "{{node}} {{source}}: {{reason}}")], size=(8, 8)),
        panels.series("Age of values", "Time between reading the page's values and the request for it.", SECONDS,
                      [(highest(gauge("cloudmon_collection_age_seconds", NODES), BY_NODE), NODE)], size=(8, 8)),
        panels.series("Prometheus' scrapes", "How long Prometheus' scrape of each exporter took.", SECONDS,
                      [(highest(gauge("scrape_duration_seconds", NODES), BY_NODE), NODE)], size=(8, 8)),
        panels.series("Samples of a scrape", "Samples of each exporter's page.", COUNT,
                      [(highest(gauge("scrape_samples_scraped", NODES), BY_NODE), NODE)], size=(8, 8)),
        panels.series("Push queue", "Documents that are not sent yet. Empty unless the exporters push.", COUNT,
                      [(highest(gauge("cloudmon_push_queue_documents", NODES), BY_NODE), NODE)], size=(8, 8))]


def versions():
    keys = {"cluster": "Cluster", "node": "Node", "version": "Version"}
    return [
        panels.table("Exporters", "Versions of the exporters.", keys,
                     [panels.column("Exporters", COUNT, total(gauge("cloudmon_exporter_build_info", NODES), ", ".join(keys)))], size=(12, 6)),
        panels.table("Aggregators", "Versions of the aggregators.",
                     {"cluster": "Cluster", "instance": "Aggregator", "version": "Version"},
                     [panels.column("Aggregators", COUNT, total(gauge("cloudmon_build_info", AGGREGATOR), AGGREGATORS + ", version"))],
                     size=(12, 6))]


def build():
    values, matching = dashboard.label_values, dashboard.matching
    job = dashboard.variable("aggregator_job", "Aggregator job", values("job", "cloudmon_targets", matching("cluster")), include_all=True,
                             multi=True, all_value=None, hidden=True, description="Jobs of the aggregators.")
    instance = dashboard.variable("aggregator", "Aggregator", values("instance", "cloudmon_targets", matching("cluster"),
                                                                     matching("aggregator_job", "job")), multi=True, include_all=True)
    return dashboard.dashboard(
        "cloud-monitor-self", "cloud-monitor / cloud-monitor", "Whether the exporters and the aggregator themselves are well.",
        [*dashboard.BASE, job, instance, dashboard.node(multi=True, include_all=True)],
        [("Now", now()), ("Aggregator: scraping", scraping()), ("Aggregator: store", store()), ("Aggregator: API", requests()),
         ("Aggregator: remote write", remote_write()), ("Aggregator: process", process(AGGREGATOR, AGGREGATORS, INSTANCE)),
         ("Exporters", exporters()), ("Exporters: process", process(NODES, BY_NODE, NODE)), ("Versions", versions())])
