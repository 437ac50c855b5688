# SPDX-License-Identifier: Apache-2.0
"""Targets and data directories that are not as they should be: the rest goes on, and the message says what is wrong."""
import gzip
import json
import os
import socket
import threading
import time

from harness import procs, session
from harness.case import Case
from harness.fake_target import FakeTarget, counting_page, send
from harness.wait import until


def garbage(handler):
    send(handler, bytes(range(256)) * 64)


def half_garbage(handler):
    send(handler, b'up 1\n}}} not a sample {{{\n'
                  b'container_cpu_usage_seconds_total{pod="half",namespace="shop",container="c"} 5\n'
                  b'container_memory_usage_bytes{pod="half",namespace="shop",container="c"} 4096\n'
                  b'container_memory_usage_bytes{pod="bad\xff\xfe",namespace="shop",container="c"} 8192\n'
                  b'x{a="unclosed} 1\n')


def endless(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "text/plain")
    handler.end_headers()
    while True:
        handler.wfile.write(b"x_total 1\n" * 6000)


BOMB = gzip.compress(b"x_total 1\n" * 10_000_000, compresslevel=1)


def gzip_bomb(handler):
    send(handler, BOMB, Content_Encoding="gzip")


def server_error(handler):
    handler.send_error(500)


def slow_drip(handler):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"# ")
        handler.wfile.flush()
        time.sleep(0.2)


class Tarpit:
    """Accepts connections and never answers."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._kept = []
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                self._kept.append(self._listener.accept()[0])
            except OSError:
                return

    def stop(self):
        self._listener.close()


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


class BadTargets(Case):
    def fake(self, answer):
        target = FakeTarget(answer)
        self.addCleanup(target.stop)
        return target.address

    def start(self, targets, *flags):
        return self.started(procs.aggregator(self.temp_dir(), "--scrape.timeout=900ms", *flags, targets=targets,
                                             interval="1s"))

    def targets(self, aggregator):
        """{host:port: what /api/targets says of it}"""
        return {entry["url"].split("/")[2]: entry for entry in aggregator.get("/api/targets").json}

    def pods(self, aggregator):
        answer = aggregator.get("/api/pods")
        return {entry["pod"] for entry in answer.json} if answer.status == 200 else set()

    def test_a_good_target_beside_bad_ones(self):
        good = self.fake(counting_page(pod="good-1"))
        tarpit = Tarpit()
        self.addCleanup(tarpit.stop)
        bad = {"garbage": self.fake(garbage), "endless": self.fake(endless), "bomb": self.fake(gzip_bomb),
               "error": self.fake(server_error), "tarpit": tarpit.address, "drip": self.fake(slow_drip),
               "closed": closed_port()}
        aggregator = self.start([good, *bad.values()], "--scrape.max-body-bytes=1048576")
        until(lambda: len(aggregator.get("/api/pods/good-1?window=1m").json) >= 4, 20, "buckets of the good target")
        until(lambda: all(entry["last_scrape"] for entry in self.targets(aggregator).values()), 10, "all were scraped")
        told = self.targets(aggregator)
        self.assertTrue(told[good]["up"])
        for name, address in bad.items():
            with self.subTest(name):
                self.assertFalse(told[address]["up"], told[address])
                self.assertTrue(told[address]["last_error"])
        for name in ("endless", "bomb"):
            self.assertIn("scrape.max-body-bytes", told[bad[name]]["last_error"])
        self.assertIn("500", told[bad["error"]]["last_error"])
        times = [entry["time"] for entry in aggregator.get("/api/pods/good-1?window=1m").json]
        self.assertEqual(times, list(range(times[0], times[-1] + 1)), "no gap in the good target's series")
        cluster = aggregator.get("/api/cluster").json[-1]
        self.assertEqual(cluster["nodes_missing"], len(bad))
        self.assertLess(aggregator.cost().rss_bytes, 200 << 20)

    def test_bad_lines_are_counted_and_the_rest_is_kept(self):
        address = self.fake(half_garbage)
        aggregator = self.start([address])
        until(lambda: "half" in self.pods(aggregator), 15, "the good lines' pod")
        told = self.targets(aggregator)[address]
        self.assertTrue(told["up"])
        self.assertGreaterEqual(told["rejected_lines"], 2)
        json.loads(aggregator.get("/api/pods").body.decode("utf-8", "strict"))

    def test_two_targets_with_one_node_name(self):
        first = self.fake(counting_page(pod="twin-1", node="node-x"))
        second = self.fake(counting_page(pod="twin-2", node="node-x"))
        aggregator = self.start([first, second])
        until(lambda: len([t for t in self.targets(aggregator).values() if t["last_error"]]) == 1, 15, "one is refused")
        told = self.targets(aggregator)
        self.assertEqual(set(told), {first, second}, "both are shown")
        refused = next(entry for entry in told.values() if entry["last_error"])
        self.assertFalse(refused["up"])
        self.assertIn("node-x", refused["last_error"])
        until(lambda: len(self.pods(aggregator)) == 1, 10, "the pods of one of them")
        self.assertEqual(aggregator.get("/api/cluster").json[-1]["nodes"], 1)

    def test_a_page_with_cadvisors_names(self):
        address = self.fake(counting_page(pod="plain-1", cores=0.5, memory_bytes=6 << 20))
        file_sd = os.path.join(self.temp_dir(), "targets.json")
        with open(file_sd, "w", encoding="utf-8") as file:
            json.dump([{"targets": [address], "labels": {"node": "cadvisor-node"}}], file)
        aggregator = self.started(procs.aggregator(self.temp_dir(), f"--scrape.file-sd={file_sd}", interval="1s"))

        def entries():
            answer = aggregator.get("/api/pods/plain-1?window=1m")
            return [entry for entry in answer.json if "cpu_millicores" in entry] if answer.status == 200 else []
        until(lambda: len(entries()) >= 3, 20, "three buckets")
        entry = entries()[-1]
        self.assertEqual((entry["node"], entry["namespace"]), ("cadvisor-node", "shop"))
        self.assertEqual(entry["memory_bytes"], 6 << 20, "the sum of its containers")
        average = sum(e["cpu_millicores"] for e in entries()) / len(entries())
        self.assert_close(average, 500, "millicores")
        self.assert_close(entry["network_rx_bytes_per_second"], 1000, "network", ratio=0.1)

    def test_targets_from_a_file_that_changes(self):
        first, second = self.fake(counting_page(pod="first-1")), self.fake(counting_page(pod="second-1"))
        file_sd = os.path.join(self.temp_dir(), "targets.yml")

        def write(*addresses):
            with open(file_sd + ".new", "w", encoding="utf-8") as file:
                file.write("".join(f"- targets: ['{address}']\n  labels: {{node: node-{i}}}\n"
                                   for i, address in enumerate(addresses)))
            os.rename(file_sd + ".new", file_sd)
        write(first)
        aggregator = self.started(procs.aggregator(self.temp_dir(), f"--scrape.file-sd={file_sd}", interval="1s"))
        until(lambda: self.pods(aggregator) == {"first-1"}, 20, "the first target's pod")
        write(first, second)
        until(lambda: self.pods(aggregator) == {"first-1", "second-1"}, 30, "the second target's pod too")
        with open(file_sd, "w", encoding="utf-8") as file:
            file.write("- targets: [")
        until(lambda: file_sd in aggregator.log(), 20, "the bad file is told")
        self.assertEqual(set(self.targets(aggregator)), {first, second}, "and the old targets stay")
        reloaded_at = aggregator.get("/api/cluster").json[-1]["time"]
        self.assertEqual(aggregator.get("/-/reload", method="POST").status, 200)
        until(lambda: aggregator.get("/api/cluster").json[-1]["time"] > reloaded_at + 2, 20, "buckets after the reload")
        self.assertEqual(set(self.targets(aggregator)), {first, second}, "also when the settings are read again")


class BadData(Case):
    def refused(self, command, *parts):
        done = procs.run(command)
        self.assertNotEqual(done.returncode, 0)
        for part in parts:
            self.assertIn(part, done.stdout + done.stderr)

    def test_an_unwritable_data_directory(self):
        directory = self.temp_dir()
        os.chmod(directory, 0o755)
        file = os.path.join(directory, "file")
        open(file, "w", encoding="utf-8").close()
        command = [procs.AGGREGATOR, "--web.listen-address=127.0.0.1:0"]
        self.refused([*command, f"--storage.path={file}/data"], f"{file}/data", "storage.path")
        session.need_tools("setpriv")
        if os.geteuid() == 0:
            program = os.path.join(directory, "aggregator")
            with open(procs.AGGREGATOR, "rb") as source, open(program, "wb") as copy:
                copy.write(source.read())
            os.chmod(program, 0o755)
            self.refused(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, *command[1:],
                          f"--storage.path={directory}/data"], f"{directory}/data", "storage.path")

    def database(self, directory):
        files = [name for name in os.listdir(directory) if name.endswith((".db", ".sqlite", ".sqlite3"))]
        self.assertEqual(len(files), 1, os.listdir(directory))
        return os.path.join(directory, files[0])

    def damaged(self, damage):
        """Fills a data directory, lets damage(path) spoil the database, and checks the start after it."""
        target = FakeTarget(counting_page(pod="kept-1"))
        self.addCleanup(target.stop)
        directory = self.temp_dir()
        with procs.aggregator(directory, targets=[target.address], interval="1s") as aggregator:
            until(lambda: aggregator.get("/api/pods/kept-1").status == 200, 15, "a bucket")
        database = self.database(directory)
        damage(database)
        before = set(os.listdir(directory))
        with procs.aggregator(directory, interval="1s") as aggregator:
            self.assertIn(database, aggregator.log())
            self.assertIn(aggregator.get("/api/pods").status, (200, 503))
            aside = set(os.listdir(directory)) - before
            self.assertTrue([name for name in aside if not name.endswith(("-wal", "-shm"))], "set aside under another name")
            self.assertEqual(aggregator.get("/api/pods/kept-1").status, 503, "starts empty")

    def test_a_database_with_a_damaged_header(self):
        def damage(path):
            with open(path, "r+b") as file:
                file.write(b"not a database at all" * 10)
        self.damaged(damage)

    def test_a_database_of_noise(self):
        def damage(path):
            size = os.path.getsize(path)
            with open(path, "wb") as file:
                file.write(b"\xa5" * size)
        self.damaged(damage)

    def test_a_database_with_damaged_pages(self):
        def damage(path):
            size = os.path.getsize(path)
            with open(path, "r+b") as file:
                file.seek(4096)
                file.write(b"\xa5" * (size - 4096))
        self.damaged(damage)
