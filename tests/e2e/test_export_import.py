# SPDX-License-Identifier: Apache-2.0
"""Export and import: what one aggregator stored is, byte by byte, what another has after it."""
import json
import os
import pty
import resource
import signal
import subprocess
import time

from harness import procs
from harness.case import Case
from harness.fake_target import FakeTarget, counting_page
from harness.wait import until

FILES = ("nodes.json", "pods.json", "namespaces.json", "deployments.json")
EMPTY = '{\n"__all__":{}\n}\n'


def command(name, *arguments, zone="UTC", **more):
    return procs.run([procs.AGGREGATOR, name, *arguments], timeout=120, env={**os.environ, "TZ": zone}, **more)


def read(directory):
    """The four files' bytes, by name."""
    texts = {}
    for name in FILES:
        with open(f"{directory}/{name}", "rb") as file:
            texts[name] = file.read()
    return texts


def write_pods(directory, pods, buckets):
    """A pods.json of its own, ending now."""
    newest = int(time.time()) // 10 * 10
    times = [newest - 10 * i for i in reversed(range(buckets))]
    content = {f"web-{pod}": {str(t): [{"namespace": "shop", "node": f"node-{pod % 7}", "cpu_usage_usec": t * pod % 10**9,
                                        "memory_bytes": (t + pod) % 10**8, "network_rx_bytes_per_second": pod / 10,
                                        "io_stats": {"8:0_rbytes": 1}}] for t in times}
               for pod in range(pods)}
    with open(f"{directory}/pods.json", "w", encoding="utf-8") as file:
        json.dump(content, file)


def read_terminal(descriptor):
    """All that was written to it; a read gives a part."""
    parts = []
    while True:
        try:
            parts.append(os.read(descriptor, 1 << 16))
        except OSError:  # nobody has it open any more, and nothing is left
            return b"".join(parts)


class ExportImport(Case):
    def export(self, data, *flags, zone="UTC", **more):
        """Exports into a new directory; its path."""
        out = self.temp_dir() + "/new/export"
        done = command("export", f"--storage.path={data}", f"--out={out}", *flags, zone=zone, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertRegex(done.stdout, r"^exported \d+ entries, [\d.]+ k?M?B, to ")
        self.assertEqual(sorted(os.listdir(out)), sorted(FILES), "the files and nothing else")
        return out

    def test_round_trip(self):
        for zone in ("UTC", "Asia/Kolkata"):
            with self.subTest(zone):
                self.round_trip(zone)

    def round_trip(self, zone):
        target = FakeTarget(counting_page(node="node-a"))
        self.addCleanup(target.stop)
        data = self.temp_dir()
        prefix = ("env", f"TZ={zone}")
        aggregator = self.started(procs.aggregator(data, targets=[target.address], interval="1s", prefix=prefix))
        until(lambda: len(aggregator.get("/api/cluster?window=5m").json) >= 6, 20, "six buckets")
        times = [entry["time"] for entry in aggregator.get("/api/cluster?window=5m").json]
        start, end = times[1], times[5]
        exported = until(lambda: self.complete_export(data, start, end, zone), 20, "an export of what is committed")
        for name, text in read(exported).items():
            answer = aggregator.get(f"/api/export/{name}?start={start}&end={end}")
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["Content-Disposition"], f'attachment; filename="{name}"')
            self.assertEqual(answer.body, text, f"{name}: the command and the route")
        pods = json.loads(read(exported)["pods.json"])
        self.assertEqual(list(pods), ["web-1", "__all__"])
        self.assertEqual([int(bucket) for bucket in pods["web-1"]], times[1:5])

        copy = self.temp_dir()
        for again in range(2):  # what is there already stays the same
            done = command("import", exported, f"--storage.path={copy}", "--scrape.interval=1s", zone=zone)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"^imported \d+ entries in 4 buckets into ")
            self.assertNotIn("skipped", done.stdout)
            self.assertEqual(read(self.export(copy, zone=zone)), read(exported), f"import {again + 1}")
        other = self.started(procs.aggregator(copy, interval="1s", prefix=prefix))
        for path in ("nodes", "pods", "namespaces", "cluster", "namespaces/shop/pods/web-1"):
            query = f"/api/{path}?start={start}&end={end}"
            self.assertEqual(other.get(query).json, aggregator.get(query).json, path)
            self.assertEqual(len(other.get(query).json), 4, path)

    def complete_export(self, data, start, end, zone):
        """Buckets are committed shortly after they are told: None while one is missing."""
        out = self.export(data, f"--start={start}", f"--end={end}", zone=zone)
        return out if len(json.loads(read(out)["nodes.json"])["__all__"]) == 4 else None

    def test_killed_and_stopped_imports_go_on(self):
        files = self.temp_dir()
        write_pods(files, pods=150, buckets=700)
        whole, broken = self.temp_dir(), self.temp_dir()
        done = command("import", files, f"--storage.path={whole}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("left out: nodes.json, namespaces.json, deployments.json", done.stderr)
        self.assertIn("skipped fields: io_stats (105000 times)", done.stdout)

        ends = [self.broken_off(files, broken, signal.SIGKILL, seconds) for seconds in (0.05, 0.3, 0.6, 0.9, 1.2)]
        self.assertIn(-signal.SIGKILL, ends, "killed while it ran")
        self.broken_off(files, broken, signal.SIGINT, 0.1)
        done = command("import", files, f"--storage.path={broken}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("import.db", os.listdir(broken), "the staging file is gone")
        self.assertEqual(read(self.export(broken)), read(self.export(whole)))

    def broken_off(self, files, data, number, seconds):
        """Starts an import and sends a signal after so long, or none where it has ended; its exit code."""
        code, said = procs.broken_off([procs.AGGREGATOR, "import", files, f"--storage.path={data}"], seconds, number)
        if number == signal.SIGINT and code != 0:
            self.assertIn("stopped; run the same command again and it goes on", said)
        return code

    def test_bad_files_are_refused_with_the_place(self):
        good = '{"web-1": {\n"1795369210": [{"namespace": "shop", "memory_bytes": 1}]}}'
        for text, message in (
                (good.replace(": 1}", ': "1"}'),
                 "pods.json: line 2, column 54: /web-1/1795369210/0/memory_bytes: expected a number, got a string"),
                (good[:40], "pods.json: line 2, column 29: /web-1/1795369210/0/namespace: syntax error"),
                (good.replace("9210", "9215"),
                 "pods.json: line 2, column 1: /web-1/1795369215: expected a multiple of the interval, 10 s"),
                (good.replace('"namespace"', '"pod"'),
                 "pods.json: line 2, column 24: /web-1/1795369210/0/pod: does not agree with its key 'web-1': 'shop'"),
                ("", "pods.json: line 1, column 1: syntax error")):
            with self.subTest(message):
                files, data = self.temp_dir(), self.temp_dir()
                with open(f"{files}/nodes.json", "w", encoding="utf-8") as file:
                    file.write('{"node-a": {"1795369210": [{"memory_bytes": 1}]}}')
                with open(f"{files}/pods.json", "w", encoding="utf-8") as file:
                    file.write(text)
                done = command("import", files, f"--storage.path={data}")
                self.assertEqual(done.returncode, 2)
                self.assertIn(message, done.stderr)
                self.assertEqual(set(read(self.export(data)).values()), {EMPTY.encode()}, "nothing is imported")
                self.assertNotIn("import.db", os.listdir(data), "nothing is left")

    def test_files_of_another_time_zone(self):
        files, data = self.temp_dir(), self.temp_dir()
        hour = int(time.time()) // 3600 * 3600
        # In Tokyo, nine hours ahead.
        local, old = (time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(hour + 3600 * more)) for more in (9, -1))
        with open(f"{files}/nodes.json", "w", encoding="utf-8") as file:
            json.dump({"node-a": {old: [{"memory_bytes": 1}]}}, file)
        with open(f"{files}/pods.json", "w", encoding="utf-8") as file:
            json.dump({"web-1": {local: [{"namespace": "shop"}]}}, file)
        done = command("import", files, f"--storage.path={data}")
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"pods.json: line 1, column {len(local) + 38}: /web-1/{local}: the bucket lies in the future; ",
                      done.stderr)
        done = command("import", files, f"--storage.path={data}", zone="Asia/Tokyo")
        self.assertEqual(done.returncode, 0, done.stderr)
        nodes = json.loads(read(self.export(data))["nodes.json"])
        self.assertEqual(list(nodes["node-a"]), [str(hour - 10 * 3600)], "nothing is left of the other zone's")

    def test_a_full_disk_leaves_what_was_there(self):
        files, data = self.temp_dir(), self.temp_dir()
        write_pods(files, pods=10, buckets=300)
        self.assertEqual(command("import", files, f"--storage.path={data}").returncode, 0)
        out = self.export(data, "--window=1m")
        before = read(out)

        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        done = command("export", f"--storage.path={data}", f"--out={out}", preexec_fn=small_files)
        self.assertEqual(done.returncode, 2)
        self.assertIn("pods.json: File too large", done.stderr)
        self.assertEqual(read(out), before)
        self.assertEqual(sorted(os.listdir(out)), sorted(FILES), "no half file")
        done = command("export", f"--storage.path={data}", f"--out={out}/pods.json")
        self.assertEqual(done.returncode, 2)
        self.assertIn("pods.json: Not a directory", done.stderr)

    def test_many_pods_of_one_name(self):
        files, data = self.temp_dir(), self.temp_dir()
        newest = int(time.time()) // 10 * 10
        buckets = {str(newest - 10 * i): [{"namespace": f"tenant-{pod}", "memory_bytes": i} for pod in range(300)]
                   for i in range(700)}
        with open(f"{files}/pods.json", "w", encoding="utf-8") as file:
            json.dump({"db-0": buckets}, file)
        self.assertEqual(command("import", files, f"--storage.path={data}").returncode, 0)
        done = command("export", f"--storage.path={data}", f"--out={files}/out")
        self.assertIn("exported 210000 entries", done.stdout)
        pods = json.loads(read(f"{files}/out")["pods.json"])["db-0"]
        self.assertEqual(list(pods), sorted(buckets), "in the order of time")
        for bucket, entries in pods.items():
            self.assertEqual({(entry["namespace"], entry["memory_bytes"]) for entry in entries},
                             {(entry["namespace"], entry["memory_bytes"]) for entry in buckets[bucket]}, bucket)

    def test_progress_on_a_terminal(self):
        files, data = self.temp_dir(), self.temp_dir()
        write_pods(files, pods=50, buckets=300)
        for arguments in (["import", files], ["export", f"--out={files}/out"]):
            shown, terminal = pty.openpty()
            done = subprocess.run([procs.AGGREGATOR, *arguments, f"--storage.path={data}"], stdout=subprocess.PIPE,
                                  stderr=terminal, timeout=60, check=True)
            os.close(terminal)
            text = read_terminal(shown).decode()
            os.close(shown)
            self.assertRegex(text, r"pods\.json  \[[#.]{20}\] +\d+ %  ")
            self.assertTrue(text.endswith("\r\x1b[K"), "the line is gone at the end")
            self.assertEqual(done.stdout.count(b"\n"), 2 if arguments[0] == "import" else 1)

    def test_an_import_where_an_aggregator_runs_is_refused(self):
        files, data = self.temp_dir(), self.temp_dir()
        write_pods(files, pods=1, buckets=1)
        self.started(procs.aggregator(data, interval="10s"))
        done = command("import", files, f"--storage.path={data}")
        self.assertEqual(done.returncode, 2)
        self.assertIn("storage.path", done.stderr)
