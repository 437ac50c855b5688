# SPDX-License-Identifier: Apache-2.0
"""POST /api/ingest: nodes that send their values themselves, beside a node that is scraped."""
import gzip
import json
import os
import shutil
import tempfile
import time

from harness import procs
from harness.case import Case
from harness.fake_target import FakeTarget, counting_page
from harness.wait import until

INTERVAL = 2
BUCKETS = 4
# What a bucket that was pushed to after its end may take to show it.
SETTLE_SECONDS = 3 * INTERVAL


def document(node, timestamp, step=0):
    """A node of two pods: web-1 uses half a core and writes 1000 bytes a second, web-2 says its millicores."""
    return {"timestamp": timestamp, "node": node, "node_data": {"cpu_millicores": 812, "memory_bytes": 5 << 20},
            "pods": [{"pod": f"web-1-{node}", "namespace": "shop", "deployment": "web", "memory_bytes": 1 << 20,
                      "cpu_usage_usec": 10_000_000 + step * INTERVAL * 500_000,
                      "disk_write_bytes": step * INTERVAL * 1000, "io_stats": {"8:0_wbytes": 1}},
                     {"pod": f"web-2-{node}", "namespace": "shop", "deployment": "web", "memory_bytes": 2 << 20,
                      "cpu_millicores": 30}],
            "namespaces": [], "deployments": []}


def push(aggregator, body, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return aggregator.get("/api/ingest", method="POST", body=data, headers={"Content-Type": "application/json", **sent})


class Pushed(Case):
    """Two nodes that have pushed for a few buckets, and one that is scraped."""

    @classmethod
    def setUpClass(cls):
        cls.target = FakeTarget(counting_page(node="scraped-1"))
        cls.addClassCleanup(cls.target.stop)
        directory = tempfile.mkdtemp(prefix="cloud-monitor-e2e-test.")
        cls.addClassCleanup(shutil.rmtree, directory, ignore_errors=True)
        cls.aggregator = procs.aggregator(directory, targets=[cls.target.address], interval=f"{INTERVAL}s")
        cls.addClassCleanup(cls.aggregator.stop)
        cls.start = (int(time.time()) // INTERVAL + 1) * INTERVAL
        cls.end = cls.start + BUCKETS * INTERVAL
        cls.sent = []
        for step in range(BUCKETS):
            moment = cls.start + step * INTERVAL + 0.5
            time.sleep(max(0.0, moment - time.time()))
            for node in ("push-1", "push-2"):
                cls.sent.append(document(node, moment, step))
                answer = push(cls.aggregator, cls.sent[-1])
                if answer.status != 200 or answer.json != {"status": "ok", "accepted": 3}:
                    raise AssertionError(f"{answer.status} {answer.text}")
        until(lambda: len(cls.of("/api/nodes/push-2")) == BUCKETS, 20, "the last bucket")

    @classmethod
    def of(cls, path, start=None, end=None):
        answer = cls.aggregator.get(f"{path}?start={start or cls.start}&end={end or cls.end}")
        if answer.status != 200:
            raise AssertionError(f"{path}: {answer.status} {answer.text}")
        return answer.json

    def everything(self):
        """What the pushed nodes are known by in their buckets; the scraped one's change until they are all sealed."""
        return [self.of(path) for path in ("/api/nodes/push-1", "/api/nodes/push-2", "/api/nodes/push-1/pods",
                                           "/api/nodes/push-2/pods", "/api/namespaces/shop/deployments/web")]

    def test_nodes(self):
        entries = [entry for entry in self.of("/api/nodes") if entry["node"].startswith("push-")]
        self.assertEqual([(entry["time"], entry["node"]) for entry in entries],
                         [(self.start + step * INTERVAL, node) for step in range(BUCKETS) for node in ("push-1", "push-2")])
        for entry in entries:
            self.assertEqual((entry["cpu_millicores"], entry["memory_bytes"], entry["pods"]), (812, 5 << 20, 2))

    def test_pods(self):
        for node in ("push-1", "push-2"):
            first, *rest = self.of(f"/api/pods/web-1-{node}")
            self.assertEqual((first["node"], first["namespace"], first["deployment"]), (node, "shop", "web"))
            self.assertNotIn("cpu_millicores", first, "there is nothing to subtract from yet")
            self.assertEqual(len(rest), BUCKETS - 1)
            for step, entry in enumerate(rest, 1):
                self.assertEqual(entry["cpu_usage_usec"], 10_000_000 + step * INTERVAL * 500_000)
                self.assert_close(entry["cpu_millicores"], 500, "millicores", absolute=1)
                self.assert_close(entry["disk_write_bytes_per_second"], 1000, "disk", absolute=1)
            told = self.of(f"/api/pods/web-2-{node}")
            self.assertEqual([entry["cpu_millicores"] for entry in told], [30] * BUCKETS)
            self.assertNotIn("network_rx_bytes", told[0], "what is not said is not known")

    def test_rollups(self):
        for path in ("/api/namespaces/shop/deployments/web", "/api/deployments/web"):
            entries = self.of(path)
            self.assertEqual(len(entries), BUCKETS)
            for entry in entries:
                self.assertEqual((entry["pods"], entry["memory_bytes"]), (4, 6 << 20))
            self.assert_close(entries[-1]["cpu_millicores"], 1060, "millicores", absolute=4)
        # The scraped node's pod is in the same namespace; its first scrape may be after the first bucket.
        last = self.of("/api/namespaces/shop")[-1]
        self.assertEqual((last["pods"], last["memory_bytes"]), (5, 7 << 20))
        self.assertEqual(self.of("/api/cluster")[-1]["nodes"], 3)

    def test_a_scraped_node_cannot_be_pushed(self):
        until(lambda: self.aggregator.get("/api/targets").json[0]["node"] == "scraped-1", 10, "the target's name")
        answer = push(self.aggregator, document("scraped-1", time.time()))
        self.assertEqual(answer.status, 409, answer.text)
        self.assertEqual(answer.json["error"]["code"], "conflict")
        self.assertIn("scraped-1", answer.json["error"]["message"])
        self.assertEqual([entry["pod"] for entry in self.aggregator.get("/api/nodes/scraped-1/pods").json], ["web-1"])

    def test_the_same_document_again_changes_nothing(self):
        before = self.everything()
        for again in self.sent:
            answer = push(self.aggregator, again)
            self.assertEqual((answer.status, answer.json["accepted"]), (200, 3), answer.text)
        time.sleep(SETTLE_SECONDS)
        self.assertEqual(self.everything(), before)

    def test_a_late_document_goes_into_its_bucket(self):
        late = (int(time.time()) // INTERVAL - 30) * INTERVAL
        sent = document("late-1", late + 0.5)
        self.assertEqual(push(self.aggregator, sent).status, 200)
        until(lambda: self.of("/api/nodes/late-1", late, late + INTERVAL), SETTLE_SECONDS + 5, "the late bucket")
        self.assertEqual([entry["memory_bytes"] for entry in self.of("/api/nodes/late-1/pods", late, late + INTERVAL)],
                         [1 << 20, 2 << 20])
        self.assertEqual([entry["time"] for entry in self.of("/api/nodes/late-1", late - 60, self.end)], [late])
        corrected = {**sent, "node_data": {"memory_bytes": 6 << 20}, "pods": sent["pods"][:1]}
        self.assertEqual(push(self.aggregator, corrected).json["accepted"], 2)
        until(lambda: self.of("/api/nodes/late-1", late, late + INTERVAL)[0]["memory_bytes"] == 6 << 20,
              SETTLE_SECONDS + 5, "the corrected values")
        self.assertEqual([entry["pod"] for entry in self.of("/api/nodes/late-1/pods", late, late + INTERVAL)],
                         ["web-1-late-1"])

    def test_compressed(self):
        packed = gzip.compress(json.dumps(document("push-gzip", time.time())).encode())
        self.assertEqual(push(self.aggregator, packed, Content_Encoding="gzip").status, 200)
        pods = until(lambda: self.of("/api/nodes/push-gzip/pods", end=int(time.time()) + 60), 10, "what came compressed")
        self.assertEqual({entry["pod"] for entry in pods}, {"web-1-push-gzip", "web-2-push-gzip"})


class Refused(Case):
    """What is not accepted, and says why."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.mkdtemp(prefix="cloud-monitor-e2e-test.")
        cls.addClassCleanup(shutil.rmtree, directory, ignore_errors=True)
        cls.aggregator = procs.aggregator(directory, interval=f"{INTERVAL}s")
        cls.addClassCleanup(cls.aggregator.stop)

    @classmethod
    def tearDownClass(cls):
        time.sleep(2 * INTERVAL)  # by then it would be in a bucket
        answer = cls.aggregator.get("/api/nodes/push-9")
        if answer.status != 404:
            raise AssertionError(f"a part of what was refused is stored: {answer.text}")

    def test_times_far_from_the_clock(self):
        now = time.time()
        for timestamp, named in ((now - 3700, "behind"), (now + 120, "ahead"), (now * 1000, "milliseconds"), (0, "behind")):
            answer = push(self.aggregator, document("push-9", timestamp))
            with self.subTest(timestamp):
                self.assertEqual((answer.status, answer.json["error"]["code"]), (422, "bad_timestamp"), answer.text)
                self.assertIn(named, answer.json["error"]["message"])

    def test_bad_documents(self):
        good = document("push-9", time.time())
        wrong_type = {**good, "pods": [good["pods"][0], {**good["pods"][1], "memory_bytes": "2"}]}
        wrong_unit = {**good, "pods": [{**good["pods"][0], "memory_mb": 2}]}
        nameless = {key: value for key, value in good.items() if key != "node"}
        for body, start in ((wrong_type, "/pods/1/memory_bytes: "), (wrong_unit, "/pods/0/memory_mb: "),
                            (nameless, "/node: "), ([good], "the document: "),
                            (b"{\n x", "byte 4 (line 2, column 2)"), (b"", "byte 1 "), (b'{"node": "\xff"}', "byte 11 "),
                            (b"[" * 1_000_000, "the document: ")):
            answer = push(self.aggregator, body)
            with self.subTest(start):
                self.assertEqual((answer.status, answer.json["error"]["code"]), (400, "bad_document"), answer.text)
                self.assertTrue(answer.json["error"]["message"].startswith(start), answer.text)

    def test_types_and_encodings(self):
        packed = gzip.compress(json.dumps(document("push-9", time.time())).encode())
        self.assertEqual(push(self.aggregator, packed[:-4], Content_Encoding="gzip").status, 400)
        self.assertEqual(push(self.aggregator, packed, Content_Encoding="br").status, 415)
        self.assertEqual(push(self.aggregator, packed, Content_Type="text/plain").status, 415)
        self.assertEqual(self.aggregator.get("/api/ingest").status, 405)


class Guarded(Case):
    """Tokens and limits."""

    def start(self, *flags):
        return self.started(procs.aggregator(self.temp_dir(), *flags))

    def token_file(self, text):
        path = os.path.join(self.temp_dir(), "token")
        self.write(path, text)
        os.chmod(path, 0o600)
        return path

    def write(self, path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def status(self, aggregator, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return push(aggregator, document("push-1", time.time()), **headers).status

    def test_token(self):
        path = self.token_file("first\n")
        aggregator = self.start(f"--ingest.token-file={path}")
        answer = push(aggregator, document("push-1", time.time()))
        self.assertEqual((answer.status, answer.headers["WWW-Authenticate"]), (401, "Bearer"))
        self.assertIn("Authorization: Bearer", answer.json["error"]["message"])
        self.assertEqual([self.status(aggregator, token) for token in ("wrong", "first")], [401, 200])
        self.assertNotIn("every user", aggregator.log())

        self.write(path, "second\n")
        self.assertEqual(self.status(aggregator, "first"), 200, "it is read on reload")
        os.chmod(path, 0o644)
        self.assertEqual(aggregator.get("/-/reload", method="POST").status, 200)
        self.assertEqual([self.status(aggregator, token) for token in ("first", "second")], [401, 200])
        self.assertIn("every user of this machine can read", aggregator.log())

        self.write(path, "\n")
        answer = aggregator.get("/-/reload", method="POST")
        self.assertEqual(answer.status, 500)
        self.assertIn("ingest.token-file", answer.json["error"]["message"])
        self.assertEqual(self.status(aggregator, "second"), 200, "the old one stays")

    def test_a_bad_token_file_is_refused_at_start(self):
        for path in (self.token_file(" \n"), "/nonexistent/token"):
            ended = procs.run([procs.AGGREGATOR, f"--ingest.token-file={path}", "--check-config"])
            self.assertEqual(ended.returncode, 2)
            self.assertIn(f"ingest.token-file: {path}: ", ended.stderr)

    def test_large_bodies(self):
        aggregator = self.start("--ingest.max-body-bytes=4096")
        good = json.dumps(document("push-1", time.time())).encode()
        self.assertEqual(push(aggregator, good + b" " * (4096 - len(good))).status, 200)
        for body, headers in ((good + b" " * (4097 - len(good)), {}),
                              (gzip.compress(good + b" " * 10_000_000), {"Content_Encoding": "gzip"}),
                              (gzip.compress(good + b" " * (4097 - len(good))), {"Content_Encoding": "gzip"})):
            answer = push(aggregator, body, **headers)
            self.assertEqual((answer.status, answer.json["error"]["code"]), (413, "body_too_large"), answer.text)
            self.assertIn("4096", answer.json["error"]["message"])
