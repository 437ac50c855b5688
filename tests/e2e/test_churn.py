# SPDX-License-Identifier: Apache-2.0
"""Pods that live for a few buckets only: what is kept of them is bounded, in memory and on the disk."""
import json
import os
import time

from harness import procs, session
from harness.case import Case
from harness.fake_target import FakeTarget, send
from harness.history import import_files
from harness.reference import metric
from harness.wait import until

LIFE_PAGES = 3
NAMESPACES = 20
HEAD_BUCKETS = 20  # that memory has room for


class ChurningTarget:
    """A node on each of whose pages some pods are new; each is on LIFE_PAGES pages, and its memory is its number."""

    def __init__(self, new_pods):
        self.new_pods = new_pods
        self.pages = 0
        self._lines = []  # of the pods that live, by page
        self._target = FakeTarget(self._answer)
        self.address = self._target.address
        self.stop = self._target.stop

    def _lines_of(self, number):
        labels = (f'container="app",id="/kubepods/pod{number}/app",image="i",name="n",namespace="ns-{number % NAMESPACES}",'
                  f'pod="churn-{number}"')
        return (f'container_cpu_usage_seconds_total{{{labels},cpu="total"}} {number % 1000}\n'
                f"container_memory_usage_bytes{{{labels}}} {number}\n")

    def _answer(self, handler):
        first = self.pages * self.new_pods
        self._lines.append("".join(map(self._lines_of, range(first, first + self.new_pods))))
        self._lines = self._lines[-LIFE_PAGES:]
        self.pages += 1
        send(handler, '# TYPE cloudmon_node_info gauge\ncloudmon_node_info{node="node-1"} 1\n' + "".join(self._lines))


class Live(Case):
    def start(self, new_pods):
        self.target = ChurningTarget(new_pods)
        self.addCleanup(self.target.stop)
        self.aggregator = self.started(procs.aggregator(
            self.temp_dir(), f"--storage.head-points={HEAD_BUCKETS * new_pods * LIFE_PAGES}",
            targets=[self.target.address], interval="1s"))
        self.begin = int(time.time())

    def assert_newest(self):
        """The newest bucket has the pods of one page, and these are young."""
        pods = self.aggregator.get("/api/pods?window=1s").json
        self.assertEqual(len(pods), LIFE_PAGES * self.target.new_pods)
        numbers = sorted(entry["memory_bytes"] for entry in pods)
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(pods))))
        self.assertGreater(numbers[-1], (self.target.pages - 4) * self.target.new_pods, "at most three pages ago")

    def assert_past(self, number):
        """A pod that has gone is still known by its buckets; one of them may lie on another page's tick."""
        answer = self.aggregator.get(f"/api/pods/churn-{number}?start={self.begin - 1}&end={int(time.time())}", timeout=60)
        self.assertEqual(answer.status, 200, answer.text)
        self.assertIn(len(answer.json), range(1, LIFE_PAGES + 1), answer.text)
        self.assertEqual({(entry["memory_bytes"], entry["namespace"]) for entry in answer.json},
                         {(number, f"ns-{number % NAMESPACES}")})

    def test_pods_of_the_past(self):
        self.start(new_pods=700)
        until(lambda: self.target.pages >= 10, 30, "ten pages")
        until(lambda: self.aggregator.get("/api/cluster").json[0]["pods"] == 700 * LIFE_PAGES, 10, "a whole bucket")
        self.assert_newest()
        for number in (699, 700 * 4):
            self.assert_past(number)

    def test_memory(self):
        if not session.everything:
            self.skipTest("takes minutes (run --all)")
        self.start(new_pods=2000)
        rss, members = [], []
        while self.target.pages < 500:
            self.assertLess(time.time(), self.begin + 700, "pages are scraped each second")
            time.sleep(1)
            rss.append(self.aggregator.cost().rss_bytes)
            members.append(metric(self.aggregator, "cloudmon_store_members"))
        self.assert_newest()
        for number in (1999, 2000 * 100, 2000 * 490):
            self.assert_past(number)
        third = len(rss) // 3
        for name, values in (("resident bytes", rss), ("members in memory", members)):
            with self.subTest(name):
                first, last = max(values[:third]), max(values[-third:])
                print(f"     {name}: most {first:.4g} in the first third, {last:.4g} in the last")
                self.assertLess(last, 1.5 * first)
        self.assertEqual(metric(self.aggregator, "cloudmon_store_buckets_lost_total"), 0)


class Retention(Case):
    """Pods of which nothing is left after the retention."""

    LIFE_BUCKETS = 2

    def import_pods(self, data, prefix, pods, start):
        """Pods one after the other, a hundred in each bucket."""
        files = self.temp_dir()
        with open(f"{files}/pods.json", "w", encoding="utf-8") as file:
            for number in range(pods):
                entry = {"namespace": f"ns-{number % NAMESPACES}", "node": "node-1", "memory_bytes": number}
                buckets = {str(start + number // 100 + i): [entry] for i in range(self.LIFE_BUCKETS)}
                file.write(f'{"," if number else "{"}"{prefix}-{number}":{json.dumps(buckets)}\n')
            file.write("}")
        import_files(files, data)

    def test_a_pod_is_forgotten(self):
        now = int(time.time())
        pods = 50_000 if session.everything else 20_000
        data = self.temp_dir()
        self.import_pods(data, "old", pods, now - 6 * 3600 - pods // 100)
        self.import_pods(data, "new", 1000, now - 1800)
        before = size_of(data)

        aggregator = self.started(procs.aggregator(data, "--storage.retention=1h", interval="1s"))
        for number in (0, pods - 1):
            path = f"/api/pods/old-{number}?window=1d"
            until(lambda: aggregator.get(path).status == 404, 300, f"pod {number} is forgotten")
        kept = aggregator.get("/api/pods/new-999?window=1h").json
        self.assertEqual([entry["memory_bytes"] for entry in kept], [999] * self.LIFE_BUCKETS)
        until(lambda: metric(aggregator, "cloudmon_store_members") < 2000, 60, "only members that are left are in memory")
        # The journal may be large until the end.
        until(lambda: metric(aggregator, "cloudmon_store_database_bytes") < before / 4 + (20 << 20), 300, "space is back")
        self.assertEqual(aggregator.stop(), 0)
        self.assertLess(size_of(data), before / 4 + (1 << 20))  # a little free space is kept


def size_of(directory):
    return sum(entry.stat().st_size for entry in os.scandir(directory))
