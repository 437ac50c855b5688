# SPDX-License-Identifier: Apache-2.0
"""remote_write: to real servers through an outage and kills, and to a server of the test's own with all else that can be."""
import base64
import math
import os
import shutil
import tempfile
import threading
import time

from harness import prom_servers, procs, reference, session
from harness.case import Case
from harness.fake_target import FakeTarget, counting_page, send
from harness.page import Page
from harness.receiver import Receiver, free_port
from harness.tls import Authority
from harness.wait import until

KINDS = {"cluster": "cluster", "nodes": "node", "pods": "pod", "namespaces": "namespace", "deployments": "deployment"}
# API field: (suffix of the metric, what a unit of it is)
FIELDS = {"cpu_usage_usec": ("cpu_usage_seconds_total", 1e6), "memory_bytes": ("memory_bytes", 1),
          "memory_working_set_bytes": ("memory_working_set_bytes", 1), "disk_read_bytes": ("disk_read_bytes_total", 1),
          "disk_write_bytes": ("disk_written_bytes_total", 1), "network_rx_bytes": ("network_receive_bytes_total", 1),
          "network_tx_bytes": ("network_transmit_bytes_total", 1), "pods": ("pods", 1)}
EXTERNAL = {"cluster": "e2e", "pod": "not-this"}
TAKEN = (204, {}, "")


def series_of(entries):
    """What a receiver is to have of the API's entries, keyed as prom_servers.raw_samples: {time: value}."""
    found = {}
    for (kind, *_, moment), entry in entries.items():
        labels = {label: entry[label] for label in reference.LABELS if entry.get(label)}
        key = tuple(sorted({**EXTERNAL, **labels}.items()))
        for field, (suffix, unit) in FIELDS.items():
            if field in entry:
                found.setdefault((f"cloudmon_{KINDS[kind]}_{suffix}", key), {})[moment] = entry[field] / unit
    return found


def many_pods(count, ends):
    """A page of `count` pods; of pod 0 only until that time."""
    def answer(handler):
        lines = ["# TYPE container_cpu_usage_seconds_total counter", "# TYPE container_memory_usage_bytes gauge",
                 "# TYPE container_memory_working_set_bytes gauge"]
        for number in range(0 if time.time() < ends() else 1, count):
            labels = f'container="app",id="/kubepods/pod{number}/app",image="i",namespace="team-{number % 3}",pod="web-{number}"'
            seconds = time.time() * (number + 1) / 97 % 1e6
            lines += [f"container_cpu_usage_seconds_total{{{labels}}} {seconds:.6f}",
                      f"container_memory_usage_bytes{{{labels}}} {int(seconds * 4096)}",
                      f"container_memory_working_set_bytes{{{labels}}} {int(seconds * 1024)}"]
        send(handler, "\n".join(lines) + "\n")
    return answer


def sent(aggregator, name, **labels):
    return Page(aggregator.get("/metrics").text).value("cloudmon_remote_write_" + name, **labels)


def all_is_sent(aggregator):
    return sent(aggregator, "lag_seconds") == 0 and sent(aggregator, "up") == 1


class Line:
    """An aggregator that sends to a real server; a relay between them can stop, and kill the aggregator."""

    def __init__(self, name, start_server, target):
        self.name = name
        self._start_server = start_server
        self._target = target
        self._directory = tempfile.mkdtemp(prefix="cloud-monitor-e2e-test.")
        self._port = free_port()
        self._kill_after = None  # so many requests that the server has taken, the last without an answer
        self.kills = 0
        self.begin()
        self.start()

    def begin(self):
        self.server = self._start_server(self._directory)
        self._relay = Receiver(self._forward, port=self._port, decode=bytes)

    def end(self):
        self._relay.stop()
        self.server.stop()

    def start(self):
        labels = ",".join(f"{name}={value}" for name, value in EXTERNAL.items())
        self.aggregator = procs.aggregator(
            self._directory + "/data", f"--remote-write.url=http://127.0.0.1:{self._port}",
            f"--remote-write.external-labels={labels}", "--remote-write.max-samples-per-send=100",
            targets=[self._target.address], interval="1s")

    def kill(self):
        self.kills += 1
        self.aggregator.kill()

    def kill_after(self, requests):
        self._kill_after = threading.Semaphore(requests)
        self.killed = threading.Event()

    def _forward(self, body):
        answer = self.server.get("/api/v1/write", method="POST", body=body, headers={
            "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"})
        if self._kill_after and not self._kill_after.acquire(blocking=False):
            self._kill_after = None
            self.kill()
            self.killed.set()
        return answer.status, {}, answer.text

    def close(self):
        self.aggregator.stop()
        self.end()
        shutil.rmtree(self._directory, ignore_errors=True)


class RemoteWrite(Case):
    """The outage of the real servers passes while the other tests run."""

    @classmethod
    def setUpClass(cls):
        session.need_tools("prometheus", "victoria-metrics", "openssl")
        cls.outage_seconds = 300 if session.everything else 30
        cls.begun = int(time.time())
        cls.ends = cls.begun + 4
        cls.target = FakeTarget(many_pods(40, lambda: cls.ends))
        cls.addClassCleanup(cls.target.stop)
        cls.lines = []
        for name, server in (("Prometheus", prom_servers.prometheus), ("VictoriaMetrics", prom_servers.victoria_metrics)):
            cls.lines.append(Line(name, server, cls.target))
            cls.addClassCleanup(cls.lines[-1].close)
        cls.ends = time.time() + 3
        time.sleep(6)
        cls.sent_before = [sent(line.aggregator, "samples_total") for line in cls.lines]
        for line in cls.lines:
            line.end()
        cls.outage_begun = time.monotonic()

    # A server of the test's own.

    def receiver(self, *arguments, **more):
        receiver = Receiver(*arguments, decode=bytes, **more)
        self.addCleanup(receiver.stop)
        return receiver

    def sending(self, url, *flags):
        target = FakeTarget(counting_page(node="node-a"))
        self.addCleanup(target.stop)
        return self.started(procs.aggregator(self.temp_dir(), f"--remote-write.url={url}", *flags,
                                             targets=[target.address], interval="1s"))

    def said(self, aggregator, text, count=1):
        lines = [line for line in aggregator.log().splitlines() if text in line]
        self.assertEqual(len(lines), count, aggregator.log())
        return lines

    def write(self, path, text):
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path + ".new", path)
        return path

    def test_failures_are_tried_again_as_the_receiver_asks(self):
        answers = iter([(429, {"Retry-After": "2"}, "slow down"), (500, {}, ""), (503, {}, "")])
        receiver = self.receiver(lambda _: next(answers, TAKEN))
        aggregator = self.sending(receiver.url)
        until(lambda: len(receiver.documents(204)) >= 6 and all_is_sent(aggregator), 30, "the backlog is sent")
        received = list(receiver.received)
        self.assertEqual([one.status for one in received[:4]], [429, 500, 503, 204])
        self.assertEqual(len({one.document for one in received[:4]}), 1, "the same request")
        self.assertGreaterEqual(received[1].seconds - received[0].seconds, 1.9, "Retry-After")
        taken = receiver.documents(204)
        self.assertEqual(len(set(taken)), len(taken), "no request twice")
        self.assertEqual(received[0].path, "/api/v1/write")
        headers = {name: received[0].headers[name] for name in (
            "Content-Type", "Content-Encoding", "X-Prometheus-Remote-Write-Version", "Authorization")}
        self.assertEqual(headers, {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                                   "X-Prometheus-Remote-Write-Version": "0.1.0", "Authorization": None})
        self.assertTrue(received[0].headers["User-Agent"].startswith("cloud-monitor/"))
        for name, value in (("retries_total", 3), ("samples_dropped_total", 0)):
            self.assertEqual(sent(aggregator, name), value, name)
        self.assertEqual(sent(aggregator, "requests_total", result="failed"), 3)
        self.assertIn("HTTP 429; the server says: slow down", self.said(aggregator, "remote_write: cannot send")[0])
        self.said(aggregator, "remote_write: sending works again")

    def test_refused_requests_are_dropped_counted_and_said_once(self):
        statuses = iter([400, 404, 400])
        receiver = self.receiver(lambda _: (next(statuses, 204), {}, "out of order sample"))
        aggregator = self.sending(receiver.url)
        until(lambda: receiver.documents(204) and all_is_sent(aggregator), 20, "a request is taken")
        self.assertEqual(len({one.document for one in receiver.received}), len(receiver.received), "none twice")
        self.assertEqual(sent(aggregator, "requests_total", result="refused"), 3)
        self.assertGreaterEqual(sent(aggregator, "samples_dropped_total"), 3)
        self.assertIn("out of order sample", self.said(aggregator, "the receiver refused")[0])

    def test_credentials_and_certificates_change_without_a_restart(self):
        directory = self.temp_dir()
        authority = Authority(directory)
        receiver = self.receiver(lambda _: TAKEN, tls=authority.server_context())
        other = Authority(directory, "other")
        token_file, password_file = self.write(directory + "/token", "first\n"), self.write(directory + "/password", "a b")
        config = directory + "/aggregator.yaml"

        def settings(*lines):
            self.write(config, "\n  ".join(["remote-write:", f"url: {receiver.url}", *lines]) + "\n")

        def authorized(text):
            until(lambda: receiver.received and receiver.received[-1].headers["Authorization"] == text, 20, text)
        settings(f"ca-file: {other.certificate}", f"bearer-token-file: {token_file}")
        target = FakeTarget(counting_page(node="node-a"))
        self.addCleanup(target.stop)
        aggregator = self.started(procs.aggregator(directory + "/data", f"--config.file={config}", targets=[target.address],
                                                   interval="1s"))

        def reload(*lines):
            settings(*lines)
            answer = aggregator.get("/-/reload", method="POST")
            self.assertEqual(answer.status, 200, answer.text)
        until(lambda: "remote-write.ca-file" in aggregator.log(), 20, "the certificate is not trusted")
        self.assertEqual(receiver.received, [], "nothing is sent to who is not known")
        reload(f"ca-file: {authority.certificate}", f"bearer-token-file: {token_file}")
        authorized("Bearer first")
        self.write(token_file, "second")
        authorized("Bearer second")
        reload("insecure-skip-verify: true", "username: me", f"password-file: {password_file}")
        authorized("Basic " + base64.b64encode(b"me:a b").decode())
        self.write(config, "remote-write: {}\n")
        self.assertEqual(aggregator.get("/-/reload", method="POST").status, 200)
        self.assertNotIn("cloudmon_remote_write", aggregator.get("/metrics").text)
        for secret in ("first", "second", "a b"):
            self.assertNotIn(secret, aggregator.log())

    def test_late_documents_arrive(self):
        server = self.started(prom_servers.victoria_metrics(self.temp_dir()))
        aggregator = self.sending(server.url)
        until(lambda: len(aggregator.get("/api/cluster?window=5m").json) >= 3 and all_is_sent(aggregator), 20, "three buckets")
        moment = aggregator.get("/api/cluster?window=5m").json[0]["time"]
        document = {"timestamp": moment + 0.5, "node": "late-1", "node_data": {"memory_bytes": 4711},
                    "pods": [], "namespaces": [], "deployments": []}
        self.assertEqual(aggregator.push(document).status, 200)

        selector = 'cloudmon_node_memory_bytes{node="late-1"}'
        until(lambda: [list(samples.items()) for samples in prom_servers.raw_samples(server, selector, 60, moment + 30).values()]
              == [[(moment, {4711.0})]], 20, "the late value, in its bucket")

    def test_settings_that_cannot_be_are_refused(self):
        for flags, message in ((["--remote-write.username=me"], "remote-write.url: is empty"),
                               (["--remote-write.url=http://me:hidden@h"], "remote-write.url: expected a URL without a user"),
                               (["--remote-write.url=http://h", "--remote-write.external-labels=a"],
                                "remote-write.external-labels: expected NAME=VALUE")):
            with self.subTest(flags=flags):
                result = procs.run([procs.AGGREGATOR, *flags, "--check-config"])
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(message, result.stderr)
                self.assertNotIn("hidden", result.stderr)

    def test_silence_does_not_hold_up_the_end(self):
        let_go = threading.Event()
        self.addCleanup(let_go.set)
        asked = threading.Event()

        def hang(_):
            asked.set()
            let_go.wait(60)
            return TAKEN
        aggregator = self.sending(self.receiver(hang).url)
        self.assertTrue(asked.wait(20))
        buckets = len(aggregator.get("/api/cluster").json)
        until(lambda: len(aggregator.get("/api/cluster?window=5m").json) >= buckets + 2, 20, "buckets meanwhile")
        start = time.monotonic()
        self.assertEqual(aggregator.stop(), 0)
        self.assertLess(time.monotonic() - start, 5)

    # The real ones; the last test.

    def test_with_real_servers_every_bucket_arrives_through_an_outage_and_kills(self):
        for line in self.lines:
            # A server that ends may say so first.
            self.assertRegex(self.said(line.aggregator, "remote_write: cannot send")[0], "Connection refused|HTTP 503")
            line.kill()
            line.start()
        time.sleep(max(0.0, self.outage_begun + self.outage_seconds - time.monotonic()))
        for line in self.lines:
            line.kill_after(requests=20)
            line.begin()
        for line in self.lines:
            # Tried again within a minute of the last failure.
            self.assertTrue(line.killed.wait(90), f"{line.name}: killed while it sent")
            line.start()
        for line, before in zip(self.lines, self.sent_before):
            with self.subTest(line.name):
                self.assertGreater(before, 0)
                until(lambda l=line: all_is_sent(l.aggregator) and sent(l.aggregator, "samples_total") > 0, 60, "all is sent")
                self.compare(line)

    def compare(self, line):
        end = int(time.time()) - 1
        entries = reference.entries(line.aggregator, self.begun, end)
        want = series_of(entries)
        self.assertGreater(len({key[-1] for key in entries}), self.outage_seconds)
        selector = f'{{cluster="{EXTERNAL["cluster"]}"}}'

        def everything():
            got = prom_servers.raw_samples(line.server, selector, end - self.begun + 10, end)
            missing = [(key, moment) for key, samples in want.items() for moment in samples
                       if moment not in got.get(key, {})]
            self.assertEqual(missing[:5], [], f"{line.name}: {len(missing)} samples are missing")
            return got
        got = until(everything, 10, f"{line.name} shows all")
        extra = set()
        stored = {key[-1] for key in entries}
        for key, samples in got.items():
            for moment, values in samples.items():
                self.assertEqual(len(values), 1, f"{line.name}: {key} has several values at {moment}: {values}")
                if moment >= end:
                    continue
                value = want.get(key, {}).get(moment)
                if value is None:
                    self.assertNotIn(moment, stored, f"{line.name}: {key} at {moment} is not stored")
                    extra.add(moment)  # a bucket that was sent, and lost by a kill before it was stored
                else:
                    # VictoriaMetrics keeps 15 digits or so.
                    self.assertTrue(math.isclose(value, *values, rel_tol=1e-14), f"{line.name}: {key} at {moment}")
        self.assertLessEqual(len(extra), line.kills)
        self.check_end(line, want)

    def check_end(self, line, want):
        """A pod that has gone is gone from the bucket after its last one, not five minutes later."""
        (samples,) = [samples for (name, labels), samples in want.items()
                      if name == "cloudmon_pod_memory_bytes" and dict(labels)["pod"] == "web-0"]
        last = max(samples)
        for moment, shown in ((last, 1), (last + 1, 0), (last + 5, 0)):
            found = prom_servers.query(line.server, 'cloudmon_pod_memory_bytes{pod="web-0"}', moment)
            self.assertEqual(len(found), shown, f"{line.name}: {moment - last} s after the last bucket: {found}")
