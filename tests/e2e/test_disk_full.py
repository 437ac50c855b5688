# SPDX-License-Identifier: Apache-2.0
"""No room for the database: answers go on from memory, and what was not written is written when there is room."""
import itertools
import os
import re
import signal
import time

from harness import procs, session
from harness.case import Case
from harness.fake_target import FakeTarget, counting_page
from harness.history import History
from harness.reference import Reference, different, entries, metric
from harness.small_disk import FailingDisk, SmallDisk
from harness.wait import until


class DiskFull(Case):
    def setUp(self):
        self.begin = int(time.time())
        self.path = self.temp_dir()
        self.target = FakeTarget(counting_page(node="node-1"))
        self.addCleanup(self.target.stop)
        self.reference = Reference()

    def small_disk(self, megabytes=4):
        self.disk = SmallDisk(self.path, megabytes)
        self.addCleanup(self.disk.close)

    def start(self, *flags):
        return self.started(procs.aggregator(self.path + "/data", *flags, targets=[self.target.address], interval="1s"))

    def poll(self, aggregator):
        """All buckets since the test began."""
        self.reference.poll(aggregator, (self.begin, time.time() + 2))
        return {key[-1] for key in self.reference.shown if key[0] == "pods" and key[1] == "node-1"}

    def wait_for_buckets(self, aggregator, count):
        """Polls until there are so many more."""
        before = len(self.poll(aggregator))
        until(lambda: len(self.poll(aggregator)) >= before + count, 30, f"{count} buckets")

    def wait_until_written(self, aggregator):
        until(lambda: self.poll(aggregator) and not self.reference.unwritten, 40, "all buckets are written")

    def wait_for_failures(self, aggregator, more=2):
        before = metric(aggregator, "cloudmon_store_write_failures_total")
        until(lambda: metric(aggregator, "cloudmon_store_write_failures_total") >= before + more, 30, "failures to write")

    def errors(self, aggregator):
        """Lines of the log that say what went wrong with the store."""
        return re.findall("^.* (?:error|warning) storage: .*$", aggregator.log(), re.M)

    def check_after_kill(self, aggregator):
        self.wait_until_written(aggregator)
        aggregator.kill()
        again = self.start()
        self.reference.check(again, self.begin, time.time() + 2)
        self.assertEqual(self.reference.lost, 0)
        return again

    def test_while_it_runs(self):
        self.small_disk()
        aggregator = self.start()
        self.wait_for_buckets(aggregator, 2)
        self.wait_until_written(aggregator)
        for outage in range(1, 4 if session.everything else 2):
            self.disk.fill()
            self.wait_for_failures(aggregator)
            self.wait_for_buckets(aggregator, 1)
            self.assertGreater(metric(aggregator, "cloudmon_store_write_queue"), 0)
            self.assertEqual(len(self.errors(aggregator)), outage, aggregator.log())
            self.assertIn("full", self.errors(aggregator)[-1])
            self.disk.free()
            self.wait_until_written(aggregator)  # by itself
        self.assertEqual(metric(aggregator, "cloudmon_store_buckets_lost_total"), 0)
        self.check_after_kill(aggregator)

    def test_started_while_it_is_full(self):
        self.small_disk()
        for end in (self.kill_while_it_is_full, self.stop_before_it_is_full):
            with self.subTest(end.__name__):
                aggregator = self.start()
                self.wait_for_buckets(aggregator, 2)
                self.wait_until_written(aggregator)
                written = max(self.poll(aggregator))
                end(aggregator)
                self.check_start_on_full_disk(written)

    def kill_while_it_is_full(self, aggregator):
        self.disk.fill()
        self.wait_for_failures(aggregator)
        aggregator.kill()

    def stop_before_it_is_full(self, aggregator):
        self.assertEqual(aggregator.stop(), 0, aggregator.log())
        self.disk.fill()

    def check_start_on_full_disk(self, written):
        """It answers from what is stored and from memory, and writes when there is room."""
        aggregator = self.start()
        self.reference.check(aggregator, self.begin, written + 1)
        self.assertEqual(self.reference.lost, 0)
        self.reference = Reference()  # what came later is lost
        self.wait_for_failures(aggregator)
        self.wait_for_buckets(aggregator, 2)
        self.assertGreater(metric(aggregator, "cloudmon_store_write_queue"), 0)
        self.assertIn("full", self.errors(aggregator)[-1])
        self.assertNotIn("damaged", aggregator.log())
        self.disk.free()
        self.wait_until_written(aggregator)
        self.assertEqual(self.check_after_kill(aggregator).stop(), 0)

    def test_full_from_the_start(self):
        """Where there is no database it says what to change, and takes nothing away."""
        self.small_disk()
        os.mkdir(self.path + "/data")
        self.disk.fill()
        command = procs.aggregator_command(self.path + "/data", targets=[self.target.address], interval="1s")
        code, said = procs.broken_off(command, 2, signal.SIGTERM)
        self.assertEqual(code, 2, said)
        self.assertIn("storage.path", said)
        self.assertNotIn("damaged", said)
        self.disk.free()
        aggregator = self.start()
        self.wait_for_buckets(aggregator, 1)
        self.check_after_kill(aggregator)

    def test_while_buckets_come_fast(self):
        """Now and then a little room is left, so that whatever is done with many buckets at once fails somewhere."""
        self.small_disk(8)
        choose = self.random()
        self.begin -= 1800
        History(self.begin - 10, self.begin).store(self.path + "/data")  # so that all that follows is in memory
        aggregator = self.start()
        moments = iter(range(self.begin, self.begin + 1700))
        for left in [0] + [choose.randrange(400_000) for _ in range(20 if session.everything else 3)]:
            self.disk.fill(left)
            for moment in itertools.islice(moments, 80):
                self.assertEqual(aggregator.push(self.document(moment)).status, 200)
            if not left:
                until(lambda: metric(aggregator, "cloudmon_store_write_failures_total") > 0, 20, "a write fails")
            self.poll(aggregator)
            self.disk.free()
            until(lambda: (moment, 2) in self.pushed(aggregator), 20, "the last document is shown")
        want = [(past, 2) for past in range(self.begin, moment + 1)]
        self.assertEqual(self.pushed(aggregator), want)
        self.assertGreater(metric(aggregator, "cloudmon_store_write_failures_total"), 0)
        self.assertEqual(metric(aggregator, "cloudmon_store_buckets_lost_total"), 0)
        self.assertEqual(self.pushed(self.check_after_kill(aggregator)), want)

    def pushed(self, aggregator):
        """The cluster's buckets before those of the target: [(time, pods)]."""
        cluster = aggregator.get(f"/api/cluster?start={self.begin}&end={self.begin + 1700}").json
        return [(entry["time"], entry["pods"]) for entry in cluster]

    @staticmethod
    def document(moment):
        pods = [{"pod": f"pushed-{pod}", "namespace": "shop", "memory_bytes": moment * 4096 % (10**9 + pod)}
                for pod in range(2)]
        return {"timestamp": moment, "node": "pusher", "node_data": {}, "namespaces": [], "deployments": [], "pods": pods}

    def test_while_old_buckets_go(self):
        self.small_disk(64)
        history = History(self.begin - 9000, self.begin - 1800)
        history.store(self.path + "/data")
        config = self.temp_dir() + "/config.yaml"
        self.write_retention(config, "7d")
        aggregator = self.start(f"--config.file={config}")
        self.wait_for_buckets(aggregator, 1)
        self.disk.fill()
        self.write_retention(config, "1h")
        self.assertEqual(aggregator.get("/-/reload", method="POST").status, 200)
        self.wait_for_failures(aggregator)
        self.assert_history(aggregator, history)
        self.assertLessEqual(len(self.errors(aggregator)), 2, "one line for what is new, one for what is old")

        self.disk.free()
        self.wait_until_written(aggregator)
        if not session.everything:  # by itself it tries again after a minute
            self.assertEqual(aggregator.get("/-/reload", method="POST").status, 200)
        too_old = f"/api/pods?start={history.times[0]}&end={self.begin - 4200}"
        until(lambda: not aggregator.get(too_old).json, 120, "retention")
        aggregator = self.check_after_kill(aggregator)
        self.assert_history(aggregator, history)

    def write_retention(self, config, retention):
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"storage.retention: {retention}\n")

    def assert_history(self, aggregator, history):
        """What is not older than an hour is all there."""
        start, end = int(time.time()) - 3600 + 2, history.times[-1] + 1
        found = entries(aggregator, start, end)
        want = {key: entry for key, entry in history.entries().items() if key[-1] >= start}
        self.assertEqual((len(found), different(found, want)), (len(want), []))

    def test_a_disk_that_turns_read_only(self):
        self.disk = FailingDisk(self.path, 16, self.temp_dir() + "/image")
        self.addCleanup(self.disk.close)
        aggregator = self.start()
        self.wait_for_buckets(aggregator, 2)
        self.wait_until_written(aggregator)
        written = max(self.poll(aggregator))
        self.disk.fail()
        self.wait_for_failures(aggregator)
        self.wait_for_buckets(aggregator, 1)
        self.assertEqual(len(self.errors(aggregator)), 1, aggregator.log())
        code, said = procs.broken_off(aggregator.command, 2)
        self.assertEqual(code, 2, said)
        self.assertIn("storage.path", said)
        aggregator.kill()
        self.disk.repair()
        self.reference.check(self.start(), self.begin, written + 1)
        self.assertEqual(self.reference.lost, 0)
