# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment, again and again: what was shown and written stays as it was, whole and once."""
import glob
import itertools
import os
import signal
import threading
import time

from harness import procs, session
from harness.case import Case
from harness.fake_target import FakeTarget, send
from harness.history import History
from harness.reference import Reference, different, entries
from harness.wait import until

RETENTION_SECONDS = 3600
# How much longer old buckets may stay: they may go many at a time, and not at once.
RETENTION_SLACK_SECONDS = 480
PODS_OF_A_TARGET = 3


def serial_target(node):
    """A node whose pods have, on each page, one more page of memory and a quarter second more of CPU time."""
    serial = itertools.count(1)

    def answer(handler):
        number = next(serial)
        lines = ["# TYPE cloudmon_node_info gauge", f'cloudmon_node_info{{node="{node}"}} 1']
        for pod in range(PODS_OF_A_TARGET):
            labels = (f'container="app",id="/kubepods/pod{pod}/app",image="i",name="n",namespace="ns-{pod % 2}",'
                      f'pod="{node}-{pod}"')
            lines += [f'container_cpu_usage_seconds_total{{{labels},cpu="total"}} {number / 4}',
                      f"container_memory_usage_bytes{{{labels}}} {number * 4096 + pod}"]
        send(handler, "\n".join(lines) + "\n")
    return FakeTarget(answer)


class Late:
    """A node that sends what it measured half an hour ago, second after second, as fast as it is taken; then all again."""

    def __init__(self, times):
        self._times = times
        self.next = times[0]
        self.aggregator = None  # where to, while one runs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @staticmethod
    def memory_bytes(moment):
        return moment * 64 % 10**10

    def _document(self):
        pod = {"pod": "late-1", "namespace": "late", "deployment": "late", "memory_bytes": self.memory_bytes(self.next),
               "cpu_usage_usec": self.next % 10**6 * 1000}
        return {"timestamp": self.next + 0.5, "node": "late", "node_data": {"memory_bytes": self.memory_bytes(self.next)},
                "pods": [pod], "namespaces": [], "deployments": []}

    def _run(self):
        while not self._stop.wait(0.01):
            aggregator = self.aggregator
            try:
                taken = aggregator and aggregator.push(self._document()).status == 200
            except Exception:  # killed meanwhile: the same document goes to the next one
                taken = False
            if taken:
                self.next = self.next + 1 if self.next < self._times[-1] else self._times[0]

    def stop(self):
        self._stop.set()
        self._thread.join()


class Kills(Case):
    def setUp(self):
        self.data = self.temp_dir()
        self.begin = int(time.time())
        # Half of the history is older than the retention already.
        self.history = History(self.begin - 3 * RETENTION_SECONDS // 2, self.begin - RETENTION_SECONDS // 2)
        self.targets = [serial_target(f"node-{number}") for number in range(3)]
        self.late = Late(range(self.begin - RETENTION_SECONDS // 2 + 60, self.begin - 60))
        self.addCleanup(self.late.stop)
        for target in self.targets:
            self.addCleanup(target.stop)

    def command(self):
        return procs.aggregator_command(self.data, f"--storage.retention={RETENTION_SECONDS}s", interval="1s",
                                        targets=[target.address for target in self.targets])

    def killed_at_start(self, seconds):
        code, said = procs.broken_off(self.command(), seconds)
        self.assertEqual(code, -signal.SIGKILL, said)

    @staticmethod
    def check(reference, aggregator):
        now = int(time.time())
        return reference.check(aggregator, now - RETENTION_SECONDS + 2, now + 1)

    def ranges(self):
        """What changes: the newest buckets, and those that come late."""
        now = int(time.time())
        return [(self.late.next - 60, self.late.next + 1), (now - 10, now + 1)]

    def killed_while_it_runs(self, reference, seconds, ending_seconds):
        """`ending_seconds`: how long before the kill it is told to end; None: not at all."""
        aggregator = self.started(procs.Program(self.command()))
        self.check(reference, aggregator)
        self.late.aggregator = aggregator

        def end():
            if ending_seconds is not None:
                aggregator.process.send_signal(signal.SIGTERM)
                time.sleep(ending_seconds)
            aggregator.process.kill()
        timer = threading.Timer(seconds, end)
        timer.start()
        reference.poll_until_gone(aggregator, self.ranges)
        timer.join()
        self.late.aggregator = None
        allowed = [-signal.SIGKILL] if ending_seconds is None else [-signal.SIGKILL, 0]
        self.assertIn(aggregator.process.returncode, allowed, aggregator.log())

    def test_at_random(self):
        choose = self.random()
        self.history.store(self.data)
        reference = Reference(self.history.entries())
        kills = 200 if session.everything else 12
        for _ in range(kills):
            if choose.random() < 0.3:
                self.killed_at_start(choose.uniform(0, 0.15))
            else:
                ending_seconds = choose.uniform(0, 0.05) if choose.random() < 0.2 else None
                self.killed_while_it_runs(reference, choose.uniform(0, 2.5), ending_seconds)

        aggregator = self.started(procs.Program(self.command()))
        self.check(reference, aggregator)
        until(lambda: sum(entry["nodes"] == len(self.targets) for entry in aggregator.get("/api/cluster?window=10m").json) > 2,
              30, "buckets of all targets")
        self.check_values(self.check(reference, aggregator))
        self.assertLessEqual(reference.lost, 2 * kills, "of buckets that were shown")
        too_old = self.begin - RETENTION_SECONDS - RETENTION_SLACK_SECONDS
        path = f"/api/pods?start={too_old - RETENTION_SECONDS}&end={too_old}"
        until(lambda: not aggregator.get(path).json, 20, "retention")
        self.assertNotIn("damaged", aggregator.log())

    def check_values(self, found):
        """All that is there was served once: memory grows with each page."""
        late = {key[-1]: entry["memory_bytes"] for key, entry in found.items() if key[0] == "pods" and key[1] == "late"}
        self.assertGreater(len(late), 100, "buckets that came late")
        self.assertEqual(late, {moment: Late.memory_bytes(moment) for moment in late})
        for number, target in enumerate(self.targets):
            for pod in range(PODS_OF_A_TARGET):
                pages = [entry["memory_bytes"] - pod for key, entry in sorted(found.items(), key=lambda item: item[0][-1])
                         if key[4] == f"node-{number}-{pod}"]
                self.assertGreater(len(pages), 2, "buckets of a target")
                self.assertEqual(pages, sorted(set(pages)), "a page is in one bucket")
                self.assertTrue(all(page % 4096 == 0 and page <= target.requests * 4096 for page in pages), pages)


class Commands(Case):
    """Imports and exports that are killed at random."""

    def setUp(self):
        self.files = self.temp_dir()
        end = int(time.time()) // 10 * 10
        self.history = History(end - 40_000, end, pods=20, interval=10)
        self.history.write(self.files)
        self.end = f"--end={end}"  # an aggregator that runs makes buckets, also without targets

    def export(self, data):
        out = self.temp_dir()
        done = procs.run([procs.AGGREGATOR, "export", f"--storage.path={data}", f"--out={out}", self.end], timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.contents(out)

    @staticmethod
    def contents(directory):
        found = {}
        for path in glob.glob(directory + "/*"):
            with open(path, "rb") as file:
                found[os.path.basename(path)] = file.read()
        return found

    def assert_same(self, got, want):
        """Two results of contents(), too long to be shown."""
        self.assertEqual(sorted(got), sorted(want), "these files and nothing else")
        self.assertEqual([name for name in want if got[name] != want[name]], [], "files that differ")

    def killed_until_done(self, choose, command):
        """Kills it after a random time, again and again, later each time; how often."""
        for kills in range(200):
            code, said = procs.broken_off(command, choose.uniform(0, 0.02 + kills / 50))
            if code == 0:
                return kills
            self.assertEqual(code, -signal.SIGKILL, said)
        self.fail(f"{command} never ends")

    def assert_history(self, aggregator):
        found = entries(aggregator, self.history.times[0], self.history.times[-1] + 1)
        want = self.history.entries()
        self.assertEqual((len(found), different(found, want)), (len(want), []))

    def test_an_import_goes_on(self):
        data, whole = self.temp_dir(), self.temp_dir()
        self.assertGreater(self.killed_until_done(self.random(), [
            procs.AGGREGATOR, "import", self.files, f"--storage.path={data}"]), 0)
        self.history.store(whole)
        self.assert_same(self.export(data), self.export(whole))
        aggregator = self.started(procs.aggregator(data, interval="10s"))
        self.assert_history(aggregator)

    def test_an_export_leaves_everything_as_it_was(self):
        data = self.temp_dir()
        self.history.store(data)
        aggregator = self.started(procs.aggregator(data, interval="10s"))
        before = self.export(data)
        out = self.temp_dir()
        self.assertGreater(self.killed_until_done(self.random(), [
            procs.AGGREGATOR, "export", f"--storage.path={data}", f"--out={out}", self.end]), 0)
        self.assert_same(self.contents(out), before)
        self.assert_history(aggregator)
        aggregator.kill()
        self.assert_same(self.export(data), before)
