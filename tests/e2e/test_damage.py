# SPDX-License-Identifier: Apache-2.0
"""Damaged files of the database: what cannot be read is left out and said so; nothing is made up."""
import os
import re
import shutil
import tempfile
import time

from harness import procs, session
from harness.case import Case
from harness.history import History
from harness.reference import Reference, different, entries, metric
from harness.wait import until

ROUNDS = 30
BLOCK_BYTES = 4096
PAGE_BYTES = 16384


def flip_bits(choose, content, start):
    """A few bits close to each other, as a bad cell would."""
    for _ in range(choose.randint(1, 3)):
        content[min(start + choose.randrange(64), len(content) - 1)] ^= 1 << choose.randrange(8)


def lose_block(choose, content, start):
    """A block that was never written, or another one in its place."""
    start -= start % BLOCK_BYTES
    length = len(content[start:start + BLOCK_BYTES])
    other = choose.randrange(0, len(content) - length + 1)
    content[start:start + length] = choose.choice([bytes(length), bytes(content[other:other + length])])


def cut(_, content, start):
    del content[start:]


class Damage(Case):
    @classmethod
    def setUpClass(cls):
        cls.pristine = tempfile.mkdtemp(prefix="cloud-monitor-e2e-test.")
        cls.addClassCleanup(shutil.rmtree, cls.pristine, ignore_errors=True)
        cls.start = int(time.time()) - 3000
        cls.end = cls.start + 2000
        cls.reference = Reference()
        cls.fill()

    @classmethod
    def fill(cls):
        """A history that was imported, and after it a hundred buckets that were not; killed, so that a journal is left."""
        history = History(cls.start, cls.end - 200, pods=4)
        history.store(cls.pristine)
        with procs.aggregator(cls.pristine, interval="1s") as aggregator:
            for moment in range(cls.end - 200, cls.end - 100):
                document = {"timestamp": moment, "node": "pusher", "node_data": {"memory_bytes": moment * 3}, "namespaces": [],
                            "deployments": [], "pods": [{"pod": "pushed", "namespace": "shop", "memory_bytes": moment * 7}]}
                assert aggregator.push(document).status == 200
            path = f"/api/pods/pushed?start={cls.start}&end={cls.end}"
            until(lambda: len(aggregator.get(path).json) == 100, 30, "what was pushed")
            cls.reference.poll(aggregator, (cls.start, cls.end))
            until(lambda: metric(aggregator, "cloudmon_store_write_queue") == 0, 30, "it is written")
            aggregator.kill()

    def damaged_copy(self, choose):
        """(directory, what was done to which file)"""
        directory = self.temp_dir() + "/data"
        shutil.copytree(self.pristine, directory)
        # -shm is made anew after a kill; the lock has no content that is used.
        files = [entry for entry in os.scandir(directory) if entry.name in ("cloud-monitor.db", "cloud-monitor.db-wal")]
        chosen = choose.choices(files, [entry.stat().st_size for entry in files])[0]
        with open(chosen.path, "rb") as file:
            content = bytearray(file.read())
        start = choose.randrange(len(content))
        how = choose.choice([flip_bits, flip_bits, flip_bits, lose_block, cut])
        how(choose, content, start)
        with open(chosen.path, "wb") as file:
            file.write(content)
        return directory, f"{how.__name__} at {start} of {chosen.name}"

    @classmethod
    def kept_as_text(cls):
        """Whether the values stand in the database as decimal text: without a checksum, another digit is another value."""
        with open(cls.pristine + "/cloud-monitor.db", "rb") as file:
            return str(History.values("past-0", cls.start)["memory_bytes"]).encode() in file.read()

    def test_at_random_places(self):
        choose = self.random()
        made_up, silent = [], []
        for _ in range(ROUNDS):
            directory, what = self.damaged_copy(choose)
            with self.subTest(what):
                aggregator = self.started(procs.aggregator(directory, interval="1s"))
                found = entries(aggregator, self.start, self.end)
                self.assertEqual(aggregator.stop(), 0, aggregator.log())
                if different(found, self.reference.shown) or not found.keys() <= self.reference.shown.keys():
                    made_up.append(what)
                # A journal whose end is damaged cannot be told from one that ends there.
                elif len(found) < len(self.reference.shown) and not what.endswith("-wal"):
                    if not re.search("(warning|error) storage: ", aggregator.log()):
                        silent.append(what)
        if self.kept_as_text():
            print(f"     text without checksums: {len(made_up)} of {ROUNDS} showed other values, "
                  f"{len(silent)} left some out and did not say so")
        else:
            self.assertEqual((made_up, silent), ([], []), "(shown, and never stored; left out, and not said)")

    def test_what_is_left_comes_back_as_the_readme_says(self):
        session.need_tools("sqlite3")
        directory = self.temp_dir() + "/data"
        shutil.copytree(self.pristine, directory)
        self.assertEqual(self.started(procs.aggregator(directory, interval="1s")).stop(), 0)  # nothing is left in the -wal
        with open(directory + "/cloud-monitor.db", "r+b") as file:
            file.seek(os.path.getsize(file.name) // PAGE_BYTES // 2 * PAGE_BYTES)
            file.write(bytes([255] * BLOCK_BYTES))
        aggregator = self.started(procs.aggregator(directory, interval="1s"))
        self.assertEqual(entries(aggregator, self.start, self.end), {})
        aside = re.search("it is set aside as (.*) and an empty one is begun; `sqlite3 (.*) .dump`", aggregator.log())
        self.assertEqual(aside[1], aside[2])
        self.assertEqual(aggregator.stop(), 0)

        rescued = self.temp_dir()
        dump = f"sqlite3 {aside[1]} .dump | sed 's/^ROLLBACK.*/COMMIT;/' | sqlite3 {rescued}/cloud-monitor.db"
        for command in (["sh", "-c", dump],
                        [procs.AGGREGATOR, "export", f"--storage.path={rescued}", f"--out={rescued}/files"],
                        [procs.AGGREGATOR, "import", f"{rescued}/files", f"--storage.path={directory}",
                         "--scrape.interval=1s"]):
            done = procs.run(command)
            self.assertEqual(done.returncode, 0, done.stderr)
        found = entries(self.started(procs.aggregator(directory, interval="1s")), self.start, self.end)
        self.assertEqual(different(found, self.reference.shown), [])
        self.assertLessEqual(found.keys(), self.reference.shown.keys())
        self.assertGreater(len(found), len(self.reference.shown) / 2)
