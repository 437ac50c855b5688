# SPDX-License-Identifier: Apache-2.0
"""What an aggregator has shown, as the judge of what it shows later."""
import http.client
import re
import time

LABELS = ("node", "namespace", "deployment", "pod")
# The cluster first: what is there when it is asked is there when the others are.
KINDS = ("cluster", "nodes", "pods", "namespaces", "deployments")
TOTALS = ("cpu_usage_usec", "disk_read_bytes", "disk_write_bytes", "network_rx_bytes", "network_tx_bytes")


def entries(aggregator, start, end):
    """All entries of start <= time < end as {(kind, labels ..., time): entry}, each of them only once."""
    found = {}
    for kind in KINDS:
        answer = aggregator.get(f"/api/{kind}?start={int(start)}&end={int(end)}", timeout=60)
        if answer.status == 503:
            continue  # there is no bucket yet
        assert answer.status == 200, f"/api/{kind}: {answer.status} {answer.text}"
        for entry in answer.json:
            key = (kind, *(entry.get(label, "") for label in LABELS), entry["time"])
            assert key not in found, f"twice in one answer: {key}"
            del entry["timestamp"]
            found[key] = entry
    return found


def metric(aggregator, name):
    """The value of a metric without labels."""
    return float(re.search(rf"^{name} (\S+)$", aggregator.get("/metrics").text, re.M).group(1))


def different(got, want):
    """The first few keys of both that have other values, with these; empty where all agree."""
    return [(key, got[key], want[key]) for key in got if key in want and got[key] != want[key]][:5]


def half_buckets(found):
    """What is wrong with buckets that are not whole: the cluster's entry says how many members have one."""
    counts = {}
    for kind, *_, moment in found:
        counts[kind, moment] = counts.get((kind, moment), 0) + 1
    wrong = []
    for (kind, *_, moment), entry in found.items():
        if kind == "cluster":
            members = [counts.get((name, moment), 0) for name in ("pods", "nodes")]
            if members != [entry["pods"], entry["nodes"]]:
                wrong.append((moment, entry, members))
    return wrong[:5]


def falling_totals(found):
    """Totals that are lower than the same member's before."""
    wrong, last = [], {}
    for key in sorted(found, key=lambda key: key[-1]):
        for name in TOTALS:
            value = found[key].get(name)
            if value is not None:
                if value < last.get((key[:-1], name), 0):
                    wrong.append((key, name, last[key[:-1], name], value))
                last[key[:-1], name] = value
    return wrong[:5]


class Reference:
    """Entries that were shown, and which of their buckets need not outlive a kill yet."""

    def __init__(self, known=()):
        self.shown = dict(known)
        self.unwritten = set()  # times of buckets that were not seen to be on the disk
        self.lost = 0  # buckets that were shown, and gone after a kill

    def poll(self, aggregator, *ranges):
        """Takes in what is shown for these (start, end). What has a value already must still have it."""
        found = {}
        for start, end in ranges:
            found.update(entries(aggregator, start, end))
        wrong = different(found, self.shown)
        assert not wrong, f"other values than before (now, then): {wrong}"
        # A bucket is shown a moment before it is queued, so what is new need not be in the queue yet.
        if metric(aggregator, "cloudmon_store_write_queue") == 0:
            self.unwritten.clear()
        self.add(found)

    def add(self, found):
        self.unwritten.update(key[-1] for key in found if key not in self.shown)
        self.shown.update(found)

    def poll_until_gone(self, aggregator, ranges):
        """Polls what ranges() says until the aggregator is killed."""
        while True:
            try:
                self.poll(aggregator, *ranges())
            except (OSError, http.client.HTTPException):
                aggregator.process.wait(10)
                return
            time.sleep(0.02)

    def check(self, aggregator, start, end):
        """Compares all that is shown for start <= time < end with what was shown before; returns it."""
        found = entries(aggregator, start, end)
        for wrong in (different(found, self.shown), half_buckets(found), falling_totals(found)):
            assert not wrong, f"{wrong}"
        missing = {key for key in self.shown if start <= key[-1] < end and key not in found}
        lost = {key[-1] for key in missing}
        assert lost <= self.unwritten, f"gone: {sorted(key for key in missing if key[-1] not in self.unwritten)[:5]}"
        half = [key for key in found if key[-1] in lost]
        assert not half, f"the rest of these buckets is gone: {half[:5]}"
        self.lost += len(lost)
        self.shown = {key: entry for key, entry in self.shown.items() if key[-1] not in lost}
        self.unwritten.clear()
        self.add(found)
        return found
