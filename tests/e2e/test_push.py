# SPDX-License-Identifier: Apache-2.0
"""An exporter that pushes: to a server of the test's own, with all that can go wrong, and to a real aggregator."""
import os
import threading
import time

from harness import procs, session
from harness.case import Case
from harness.page import Page, Scraper
from harness.receiver import Receiver, free_port
from harness.wait import until

INTERVAL = "--push.interval=1s"
TOKEN = "e2e-token-5b1c"
TOTALS = ["cpu_usage_usec", "disk_read_bytes", "disk_write_bytes", "network_rx_bytes", "network_tx_bytes"]


def page(exporter):
    return Page(exporter.get("/metrics", timeout=5).text)


def documents(exporter, result):
    return page(exporter).value("cloudmon_push_documents_total", result=result)


def timestamps(sent):
    return [document["timestamp"] for document in sent]


class Push(Case):
    def receiver(self, *arguments, **more):
        receiver = Receiver(*arguments, **more)
        self.addCleanup(receiver.stop)
        return receiver

    def pushing(self, url, *flags):
        return self.started(procs.exporter(f"--push.url={url}", INTERVAL, *flags))

    def write_token(self, path, token=TOKEN):
        """At once, as a Kubernetes secret changes."""
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(token + "\n")
        os.replace(path + ".new", path)
        return path

    def assert_lines(self, exporter, text, count):
        lines = [line for line in exporter.log().splitlines() if text in line]
        self.assertEqual(len(lines), count, exporter.log())
        return lines

    def test_documents_come_each_interval_with_what_a_scrape_shows(self):
        receiver = self.receiver()
        token_file = self.write_token(self.temp_dir() + "/token")
        exporter = self.pushing(receiver.url, f"--push.token-file={token_file}")
        scraper = Scraper(exporter)
        before = scraper.page()
        known = len(receiver.documents())
        until(lambda: len(receiver.documents()) >= known + 2, 20, "two documents")
        document = receiver.documents()[known + 1]
        after = scraper.page()
        sent = receiver.received[0]
        self.assertEqual(sent.path, "/api/ingest")
        self.assertEqual(sent.headers["Content-Type"], "application/json")
        self.assertEqual(sent.headers["Content-Encoding"], "gzip")
        self.assertEqual(sent.headers["Authorization"], f"Bearer {TOKEN}")
        self.assertEqual(document["node"], "node-e2e")
        self.assertLess(abs(document["timestamp"] - time.time()), 60)
        node = document["node_data"]
        self.assert_between(node["cpu_usage_usec"] / 1e6, before.value("node_cpu_usage_seconds_total"),
                            after.value("node_cpu_usage_seconds_total"), "CPU of the node", absolute=1e-6)
        self.assertEqual(node["memory_capacity_bytes"], after.value("node_memory_MemTotal_bytes"))
        self.assertEqual((document["namespaces"], document["deployments"]), ([], []))
        times = timestamps(receiver.documents())
        self.assertEqual(times, sorted(set(times)))
        self.assertGreaterEqual(after.value("cloudmon_push_documents_total", result="sent"), 2)
        self.assertEqual(after.value("cloudmon_push_failures_total"), 0)
        self.assertGreater(after.value("cloudmon_push_last_success_timestamp_seconds"), document["timestamp"])
        self.assert_lines(exporter, "push", 0)
        self.assertNotIn(TOKEN, exporter.log() + after.text)

    def test_without_a_url_nothing_is_pushed_or_shown(self):
        exporter = self.started(procs.exporter())
        self.assertNotIn("cloudmon_push", page(exporter).text)

    def test_settings_that_cannot_be_are_refused(self):
        for flags, message in (
                (["--push.token-file=/run/token"], "push.url: is empty"),
                (["--push.url=ftp://h"], "push.url: expected a URL"),
                (["--push.url=http://user:hidden@h"], "push.url: expected a URL without a user name"),
                (["--push.url=http://h", "--push.interval=10ms"], "push.interval: expected 1s to 5m"),
                (["--push.url=http://h", "--push.queue=0"], "push.queue: expected 1 to 10000")):
            with self.subTest(flags=flags):
                result = procs.run([procs.EXPORTER, *flags, "--check-config"])
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(message, result.stderr)
                self.assertNotIn("hidden", result.stderr)

    def test_refused_documents_are_dropped_and_said_once_for_each_status(self):
        statuses = iter([409, 422, 409, 422])
        receiver = self.receiver(lambda _: (next(statuses, 200), {}, '{"error": {"code": "c", "message": "not so"}}'))
        exporter = self.pushing(receiver.url)
        until(lambda: receiver.documents(200), 20, "a document is taken")
        times = timestamps(received.document for received in receiver.received)
        self.assertEqual(times, sorted(set(times)), "none was sent twice")
        self.assertEqual(documents(exporter, "refused"), 4)
        for status in (409, 422):
            line = self.assert_lines(exporter, f"HTTP {status}", 1)[0]
            self.assertIn("not so", line)

    def test_failures_are_tried_again_with_the_same_document(self):
        answers = iter([(401, {}), (503, {"Retry-After": "2"}), (500, {}), (404, {})])
        receiver = self.receiver(lambda _: (*next(answers, (200, {})), ""))
        exporter = self.pushing(receiver.url)
        until(lambda: len(receiver.documents(200)) >= 4, 40, "the backlog is sent")
        received = list(receiver.received)
        self.assertEqual([one.status for one in received[:5]], [401, 503, 500, 404, 200])
        self.assertEqual(len({one.document["timestamp"] for one in received[:5]}), 1)
        self.assertGreaterEqual(received[2].seconds - received[1].seconds, 1.9, "Retry-After")
        times = timestamps(receiver.documents())
        self.assertEqual(times, sorted(set(times)), "in order, each once")
        self.assertEqual(page(exporter).value("cloudmon_push_failures_total"), 4)
        self.assertIn("check push.token-file", self.assert_lines(exporter, "push: cannot send", 1)[0])
        self.assert_lines(exporter, "sending works again; documents dropped meanwhile: 0", 1)

    def test_an_outage_drops_the_oldest_and_then_the_backlog_comes_in_order(self):
        port = free_port()
        exporter = self.pushing(f"http://127.0.0.1:{port}", "--push.queue=2")
        until(lambda: documents(exporter, "dropped") >= 2, 30, "documents are dropped")
        shown = page(exporter)
        self.assertLessEqual(shown.value("cloudmon_push_queue_documents"), 2)
        self.assertEqual(shown.all("cloudmon_push_last_success_timestamp_seconds"), [])
        self.assertIn("Connection refused", self.assert_lines(exporter, "push: cannot send", 1)[0])
        receiver = self.receiver(port=port)
        until(lambda: len(receiver.documents()) >= 4, 60, "the backlog and more come")
        times = timestamps(receiver.documents())
        self.assertEqual(times, sorted(set(times)))
        dropped = int(documents(exporter, "dropped"))
        self.assert_lines(exporter, f"sending works again; documents dropped meanwhile: {dropped}", 1)

    def test_a_server_that_hangs_hinders_neither_metrics_nor_the_end(self):
        let_go = threading.Event()
        self.addCleanup(let_go.set)
        asked = threading.Event()

        def hang(_):
            asked.set()
            let_go.wait(60)
            return 200, {}, ""
        exporter = self.pushing(self.receiver(hang).url)
        self.assertTrue(asked.wait(20))
        for _ in range(3):
            self.assertIn("node_load1", exporter.get("/metrics", timeout=3).text)
        until(lambda: page(exporter).value("cloudmon_push_queue_documents") >= 2, 20, "documents are made meanwhile")
        start = time.monotonic()
        self.assertEqual(exporter.stop(), 0)
        self.assertLess(time.monotonic() - start, 3)
        self.assert_lines(exporter, "push: ending, unsent documents dropped:", 1)

    def test_a_token_that_comes_and_changes(self):
        receiver = self.receiver()
        path = self.temp_dir() + "/token"
        exporter = self.pushing(receiver.url, f"--push.token-file={path}")
        until(lambda: page(exporter).value("cloudmon_push_failures_total") >= 1, 20, "the missing token counts")
        self.assertEqual(receiver.received, [], "nothing is sent without the token")
        for token in (TOKEN, TOKEN + "-new"):
            self.write_token(path, token)
            until(lambda want=f"Bearer {token}": any(one.headers["Authorization"] == want
                                                     for one in list(receiver.received)), 30, "the token is used")
        self.assertIn(path, self.assert_lines(exporter, "push: cannot send", 1)[0])
        self.assertNotIn(TOKEN, exporter.log())


class PushToAggregator(Case):
    """The same pods, pushed to one aggregator and scraped by another, in buckets of 2 s."""

    STEP = 2

    @classmethod
    def setUpClass(cls):
        cls.machine = session.machine()

    def entries(self, aggregator, path):
        """{bucket: entry} of one member."""
        answer = aggregator.get(path + "?window=5m")
        return {entry["time"]: entry for entry in answer.json} if answer.status == 200 else {}

    def check(self, pushed, scraped, path):
        """Totals between those of the scraped buckets around; memory near them."""
        def around():
            want = self.entries(scraped, path)
            got = self.entries(pushed, path)
            return [(got[time_], want[time_ - self.STEP], want[time_ + self.STEP]) for time_ in got
                    if "cpu_usage_usec" in got[time_] and {time_ - self.STEP, time_ + self.STEP} <= want.keys()]
        found = until(lambda: len(around()) >= 3 and around(), 40, f"{path} in both aggregators")
        for got, before, after in found:
            for field in TOTALS:
                self.assertEqual(field in got, field in before, f"{path} {field}")
                if field in got:
                    self.assert_between(got[field], before[field], after[field], f"{path} {field}")
            for field in ("memory_bytes", "memory_working_set_bytes"):
                self.assert_between(got[field], before[field], after[field], f"{path} {field}", ratio=0.1)

    def test_the_same_values_as_a_scrape(self):
        interval = f"{self.STEP}s"
        pushed = self.started(procs.aggregator(self.temp_dir(), interval=interval))
        self.started(procs.exporter_on(self.machine, f"--push.url={pushed.url}", f"--push.interval={interval}"))
        target = self.started(procs.exporter_on(self.machine))
        scraped = self.started(procs.aggregator(self.temp_dir(), targets=[f"127.0.0.1:{target.port}"], interval=interval))
        until(lambda: self.entries(pushed, "/api/nodes/node-e2e"), 20, "the node is there")
        for path in ("/api/nodes/node-e2e", "/api/pods/db-0", "/api/pods/db-1"):
            with self.subTest(path=path):
                self.check(pushed, scraped, path)

        def names(aggregator):
            answer = aggregator.get("/api/pods")
            return {(entry["namespace"], entry["pod"], entry.get("deployment")) for entry in answer.json}
        self.assertEqual(names(pushed), names(scraped))
        self.assertEqual({entry["node"] for entry in pushed.get("/api/pods").json}, {"node-e2e"})
