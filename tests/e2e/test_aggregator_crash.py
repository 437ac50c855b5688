# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the aggregator while a scrape runs: what it had told before is there again, once."""
import threading
import time

from harness import procs
from harness.case import Case
from harness.fake_target import FakeTarget, counting_page
from harness.wait import until


class AggregatorCrash(Case):
    def setUp(self):
        self.hold = threading.Event()
        self.held = threading.Event()
        page = counting_page(cores=0.5)

        def answer(handler):
            if self.hold.is_set():
                self.held.set()
                time.sleep(5)  # longer than the test needs to kill the scraper
            else:
                page(handler)
        self.target = FakeTarget(answer)
        self.addCleanup(self.target.stop)
        self.data = self.temp_dir()

    def start(self):
        return self.started(procs.aggregator(self.data, targets=[self.target.address], interval="1s"))

    def entries(self, aggregator, path="/api/pods/web-1"):
        answer = aggregator.get(path + "?window=10m")
        return answer.json if answer.status == 200 else []

    def test_kill_in_a_running_scrape(self):
        aggregator = self.start()
        until(lambda: len(self.entries(aggregator)) >= 5, 20, "five buckets")
        self.hold.set()
        self.assertTrue(self.held.wait(10), "a scrape is running")
        before = self.entries(aggregator)
        cluster_before = self.entries(aggregator, "/api/cluster")
        aggregator.kill()
        killed_at = time.time()
        self.hold.clear()

        aggregator = self.start()
        # Before the first new bucket: the old ones are read back, not waited for.
        after = until(lambda: self.entries(aggregator), 20, "buckets after the restart")
        kept = [entry for entry in after if entry["time"] <= before[-1]["time"]]
        self.assertGreaterEqual(len(kept), len(before) - 1, "at most the bucket in flight is missing")
        self.assertEqual(kept, before[:len(kept)], "what was told stays so")
        kept = [entry for entry in self.entries(aggregator, "/api/cluster") if entry["time"] <= cluster_before[-1]["time"]]
        self.assertEqual(kept, cluster_before[:len(kept)])

        def new():
            return [entry for entry in self.entries(aggregator) if entry["time"] > killed_at]
        until(lambda: len(new()) >= 3, 20, "new buckets")
        times = [entry["time"] for entry in self.entries(aggregator)]
        self.assertEqual(times, sorted(set(times)), "no bucket twice")
        for path in ("/api/pods/web-1", "/api/namespaces/shop", "/api/cluster"):
            totals = [entry["cpu_usage_usec"] for entry in self.entries(aggregator, path) if "cpu_usage_usec" in entry]
            self.assertEqual(totals, sorted(totals), "totals go on where they were")

    def test_an_orderly_end_keeps_everything(self):
        aggregator = self.start()
        until(lambda: len(self.entries(aggregator)) >= 3, 20, "three buckets")
        before = self.entries(aggregator)
        self.assertEqual(aggregator.stop(), 0)
        after = self.entries(self.start())
        self.assertEqual([entry for entry in after if entry["time"] <= before[-1]["time"]], before)
