# SPDX-License-Identifier: Apache-2.0
"""Real answers of every route, with every parameter and every status that can be provoked, against docs/openapi.json."""
import gzip
import json
import os
import socket
import time
from urllib.parse import quote

from harness import http, procs
from harness.case import Case
from harness.contract import Contract
from harness.fake_target import FakeTarget, send
from harness.wait import until

KEYS = {"node": "node-a", "namespace": "shop", "deployment": "web", "pod": "web-1"}
UNKNOWN = {name: "unknown" for name in KEYS}
KINDS = {"/api/nodes": "Node", "/api/pods": "Pod", "/api/namespaces": "Namespace", "/api/deployments": "Deployment",
         "/api/cluster": "Cluster"}
SPANS = ("1", "30", "30s", "5m", "2h", "1d", "36500d"), ("", "0", "-5", "abc", "5w", "1.5", "36501d", "9" * 20)
INSTANTS = (("0", "1795369210", "1795369210.25", "2026-11-22T17:40:10Z", "2026-11-22t17:40:10.5z",
             "2026-11-22T17:40:10+01:00", "2026-11-22 17:40:10-01:00", "253402300799"),
            ("", "x", "-1", "1e9", "2026-11-22", "2026-13-01T00:00:00Z", "2026-11-22T17:40:10", "1795369210000"))
NAMES = ("node-a", "shop", "web", "web-1", "none", "ü/ %?&", "x" * 300), ("",)
# Good and bad texts of each parameter. The bad ones are not for the schema to refuse: some are wrong for other reasons.
VALUES = {
    "window": SPANS, "start": INSTANTS, "end": INSTANTS, "step": SPANS,
    "fields": (("memory_bytes", "cpu_millicores,pods", "nodes_missing"), ("", ",", "nope", "memory_bytes,nope")),
    "node": NAMES, "namespace": NAMES, "deployment": NAMES, "pod": NAMES,
    "sort": (("time", "-time", "name", "-name", "memory_bytes", "-network_rx_bytes_per_second"),
             ("", "-", "nope", "--time")),
    "limit": (("1", "2", "1000000"), ("", "0", "-1", "x", "1.5", "9" * 20)),
    "format": (("entries", "columns"), ("", "xml", "Entries")),
}
TOGETHER = ("window=1m&step=10&format=columns", "window=1m&step=2&sort=-cpu_millicores&limit=1",
            "start=0&end=9999999999&limit=1", "window=1m&format=columns&fields=memory_bytes,pods&sort=name", "sort=-time&window=30s&fields=cpu_usage_usec")
NOT_TOGETHER = ("window=1m&start=0", "window=1m&end=0", "start=20&end=10", "limit=1&limit=2", "colour=red", "=x", "window=%zz")
ORIGIN = "https://pages.example"
# Documented statuses that nothing here provokes.
NOT_PROVOKED = {"5XX": "a fault of the server", ("/api/ingest", "503"): "needs ten thousand nodes that push"}


def page(node, pods):
    """An answer with an exporter's names: counters that grow, and every value that there is."""
    def answer(handler):
        count = int(time.time() * 1000) % 10**9
        lines = [f'cloudmon_node_info{{node="{node}"}} 1', f"node_cpu_usage_seconds_total {count / 1e4}",
                 "machine_cpu_cores 4", "node_memory_MemTotal_bytes 8e9", "node_memory_MemAvailable_bytes 5e9",
                 "node_memory_working_set_bytes 2e9"]
        lines += [f"node_{name}_total {count}" for name in ("disk_read_bytes", "disk_written_bytes", "network_receive_bytes",
                                                            "network_transmit_bytes")]
        for namespace, deployment, pod in pods:
            labels = f'{{namespace="{namespace}",pod="{pod}",deployment="{deployment}"}}'
            lines += [f"cloudmon_pod_info{labels} 1", f"pod_cpu_usage_seconds_total{labels} {count / 1e4}"]
            lines += [f"pod_{name}{labels} {count}" for name in ("memory_usage_bytes", "memory_working_set_bytes",
                                                                 "fs_reads_bytes_total", "fs_writes_bytes_total")]
            lines += [f'container_network_{way}_bytes_total{{interface="eth0",{labels[1:]} {count}'
                      for way in ("receive", "transmit")]
        send(handler, "\n".join(lines) + "\n")
    return answer


class OpenApi(Case):
    def setUp(self):
        targets = [FakeTarget(page("node-a", [("shop", "web", "web-1"), ("shop", "", "job-1")])),
                   FakeTarget(page("node-b", [("shop", "web", "web-2"), ("infra", "web", "web-1")]))]
        for target in targets:
            self.addCleanup(target.stop)
        self.full = self.aggregator(targets=[target.address for target in targets] + ["127.0.0.1:1"])
        self.small = self.aggregator("--query.max-points=1000", "--ingest.max-body-bytes=1024",
                                     f"--web.cors-origins={ORIGIN}",
                                     f"--ingest.token-file={self.file('token', 'secret')}",
                                     "--config.file=" + self.file("config.yaml", "storage: {retention: 2h}\n"))
        self.contract = Contract(self.full.get("/api/openapi.json").json)

    def aggregator(self, *flags, interval="1s", **more):
        return self.started(procs.aggregator(self.temp_dir(), *flags, interval=interval, **more))

    def file(self, name, text):
        path = os.path.join(self.temp_dir(), name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def check(self, program, path, query="", keys=None, method="get", want=200, **more):
        """One request to a route, `path` as the contract writes it: the status wanted, and all as documented."""
        url = path.format(**{name: quote(value, safe="") for name, value in (keys or KEYS).items()}) + query
        answer = program.get(url, method=method.upper(), **more)
        with self.subTest(f"{method} {url}"):
            self.assertEqual(answer.status, want, answer.text[:300])
            self.assertEqual(self.contract.judge(path, method, answer), [])
        return answer

    def series_routes(self):
        for path, _, operation in self.contract.operations():
            if operation["tags"] == ["series"]:
                yield path, operation

    # One test: what is seen adds up to the whole contract.
    def test_every_answer_is_as_documented(self):
        until(lambda: len(self.full.get("/api/cluster?window=1h").json) >= 4, 30, "some buckets")
        self.check_schemas()
        self.check_first_answers()
        for path, operation in self.series_routes():
            self.check_parameters(path, operation)
            self.check_members(path, operation)
        self.check_every_value_is_seen()
        self.check_limits()
        self.check_pushes()
        self.check_exports()
        self.check_reload()
        self.check_operation_routes()
        self.check_methods()
        self.check_cors()
        self.check_wrong_requests()
        unseen = [(path, key) for path, _, key in self.contract.unseen()
                  if key not in NOT_PROVOKED and (path, key) not in NOT_PROVOKED]
        self.assertEqual(unseen, [], "documented, but nothing answered so")

    def check_schemas(self):
        """The schemas are schemas, and their examples and those of parameters are right."""
        for name, schema in self.contract.document["components"]["schemas"].items():
            with self.subTest(name):
                self.assertEqual(self.contract.problems(schema, META_SCHEMA), [])
                for example in schema.get("examples", ()):
                    self.assertEqual(self.contract.problems(example, self.contract.schema(name)), [])
        for name, parameter in self.contract.document["components"]["parameters"].items():
            with self.subTest(name):
                self.assertEqual(self.contract.problems(parameter["example"], parameter["schema"]), [])

    def check_first_answers(self):
        """Before the first bucket."""
        interval = 300
        left = interval - time.time() % interval  # the first bucket ends on a multiple of the interval
        time.sleep(left + 1 if left < 10 else 0)
        empty = self.aggregator(interval=f"{interval}s")
        for path, method, operation in self.contract.operations():
            if "503" in operation["responses"] and method == "get":
                self.check(empty, path, want=503)
        self.assertEqual(self.check(empty, "/api/targets").json, [])

    def check_parameters(self, path, operation):
        parameters = self.contract.parameters(operation, "query")
        for name, (good, bad) in VALUES.items():
            if name not in parameters:
                self.check(self.full, path, f"?{name}={quote(good[0])}", want=400)
                continue
            for value in good:
                self.check(self.full, path, f"?{name}={quote(value)}")
                self.assertEqual(self.contract.parameter_problems(parameters[name], value), [], f"{name}={value}")
            for value in bad:
                self.check(self.full, path, f"?{name}={quote(value)}", want=400)
        self.assertLessEqual(set(parameters), set(VALUES), path)
        for query in TOGETHER:
            self.check(self.full, path, "?" + query)
        for query in NOT_TOGETHER:
            self.check(self.full, path, "?" + query, want=400)

    def check_members(self, path, operation):
        """Members that are not known, `__all__`, and names that need escaping."""
        names = self.contract.parameters(operation, "path")
        if names:
            self.check(self.full, path, keys=UNKNOWN, want=404)
            self.check(self.full, path, keys={name: "ü/ %?&" for name in KEYS}, want=404)
        for name in names:
            self.assertTrue(self.check(self.full, path, "?window=1m", keys={**KEYS, name: "__all__"}).json, name)
            self.check(self.full, path, "?format=columns", keys={**KEYS, name: "__all__"})

    def check_every_value_is_seen(self):
        """Entries and columns of each kind have, between them, all that their schemas name."""
        for path, kind in KINDS.items():
            entries = self.check(self.full, path, "?window=1m").json
            columns = self.check(self.full, path, "?window=1m&format=columns").json
            schema = self.contract.schema(kind + "Entry")
            with self.subTest(kind):
                for entry in entries:
                    self.assertEqual(self.contract.problems(entry, schema), [])
                self.assertEqual(self.contract.problems(columns, self.contract.schema(kind + "Columns")), [])
                self.assertEqual({key for entry in entries for key in entry}, self.names_in(schema))
                seen = {key for series in columns["series"] for key in (*series, *series["labels"])}
                self.assertEqual(seen, {"labels"} | self.names_in(schema) - {"time", "timestamp"})
                for series in columns["series"]:
                    lengths = {len(values) for key, values in series.items() if key != "labels"}
                    self.assertEqual(lengths, {len(columns["time"])})

    def names_in(self, schema):
        schema = self.contract.follow(schema)
        names = set(schema.get("properties", ()))
        return names.union(*(self.names_in(part) for part in schema.get("allOf", ())))

    def check_limits(self):
        """query.max-points: a node pushes what it measured in the last half hour."""
        pod = {"pod": KEYS["pod"], "namespace": KEYS["namespace"], "deployment": KEYS["deployment"], "memory_bytes": 1}
        now = int(time.time())
        for timestamp in range(now - 1800, now - 600):
            document = json.dumps({"timestamp": timestamp, "node": KEYS["node"], "pods": [pod]}).encode()
            answer = self.small.get("/api/ingest", method="POST", body=document,
                                    headers={"Authorization": "Bearer secret", "Content-Type": "application/json"})
            self.assertEqual(answer.status, 200, answer.text)
        until(lambda: self.small.get("/api/cluster?window=1h").status == 422, 30, "more points than allowed")
        for path, _ in self.series_routes():
            self.check(self.small, path, "?window=1h", want=422)

    def check_pushes(self):
        def push(document, want, program=self.full, **headers):
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            headers = {name.replace("_", "-"): text for name, text in headers.items()}
            headers.setdefault("Content-Type", "application/json")
            return self.check(program, "/api/ingest", method="post", want=want, body=body, headers=headers)

        now = time.time()
        example = self.contract.document["components"]["schemas"]["IngestDocument"]["examples"][0]
        good = {**example, "timestamp": now, "node": "node-p"}
        self.assertEqual(self.contract.problems(good, self.contract.schema("IngestDocument")), [])
        self.assertEqual(push(good, 200).json, {"status": "ok", "accepted": 2})
        push(gzip.compress(json.dumps(good).encode()), 200, Content_Encoding="gzip")
        push({"timestamp": now, "node": "node-q", "other": [], "node_data": None,
              "namespaces": [{"namespace": "shop", "memory_bytes": 1.5, "other_mb": 1}]}, 200)
        for bad in ([], {}, {"node": "a"}, {**good, "timestamp": "now"}, {**good, "node": ""}, {**good, "pods": {}},
                    {**good, "pods": [{}]}, {**good, "pods": [{"pod": "a", "namespace": "b", "memory_bytes": -1}]},
                    {**good, "node_data": {"cpu_millicores": True}}):
            push(bad, 400)
            self.assertTrue(self.contract.problems(bad, self.contract.schema("IngestDocument")), bad)
        push({**good, "node_data": {"memory_mb": 1}}, 400)
        push(b"{", 400)
        push(b"not gzip", 400, Content_Encoding="gzip")
        push({**good, "node": "node-a"}, 409)
        push(good, 415, Content_Type="text/csv")
        push(good, 415, Content_Encoding="br")
        push({**good, "timestamp": now - 4000}, 422)
        push({**good, "timestamp": now + 100}, 422)
        push(good, 401, self.small)
        push(good, 401, self.small, Authorization="Bearer wrong")
        push({**good, "filler": "x" * 1024}, 413, self.small, Authorization="Bearer secret")
        push({"timestamp": now, "node": "node-p"}, 200, self.small, Authorization="Bearer secret")

    def check_exports(self):
        routes = [(path, operation) for path, _, operation in self.contract.operations() if operation["tags"] == ["export"]]
        for path, operation in routes:
            self.check(self.full, path)
            parameters = self.contract.parameters(operation, "query")
            for name, (good, bad) in VALUES.items():
                for value in good:
                    self.check(self.full, path, f"?{name}={quote(value)}", want=200 if name in parameters else 400)
                for value in bad:
                    self.check(self.full, path, f"?{name}={quote(value)}", want=400)
            for query in NOT_TOGETHER:
                self.check(self.full, path, "?" + query, want=400)

    def check_reload(self):
        self.check(self.small, "/-/reload", method="post")
        config = next(flag for flag in self.small.command if flag.startswith("--config.file=")).split("=", 1)[1]
        with open(config, "w", encoding="utf-8") as file:
            file.write("nonsense: true\n")
        self.check(self.small, "/-/reload", method="post", want=500)

    def check_operation_routes(self):
        """The routes that are about the program itself."""
        listed = {(route["method"].lower(), route["path"]) for route in self.check(self.full, "/api").json}
        self.assertEqual(listed, {(method, path) for path, method, _ in self.contract.operations()})
        targets = self.check(self.full, "/api/targets").json
        self.assertEqual({target["source"] for target in targets}, {"static", "push"})
        self.assertIn(("127.0.0.1:1", False), [(target["node"], target["up"]) for target in targets])
        for path in ("/", "/api/openapi.json", "/-/healthy", "/-/ready", "/metrics"):
            self.check(self.full, path)
        answer = self.check(self.full, "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
        self.assertTrue(answer.headers["Content-Type"].startswith("application/openmetrics-text"))
        answer = self.check(self.full, "/api/openapi.json", headers={"Accept-Encoding": "gzip"})
        self.assertEqual((answer.headers["Content-Encoding"], answer.headers["Vary"]), ("gzip", "Accept-Encoding"))

    def check_methods(self):
        """HEAD, OPTIONS and methods that a path does not know."""
        for path, method, _ in self.contract.operations():
            url = path.format(**KEYS)
            known = {"OPTIONS", "POST"} if method == "post" else {"OPTIONS", "GET", "HEAD"}
            with self.subTest(path):
                if method == "get":
                    head = self.full.get(url, method="HEAD")
                    self.assertEqual(head.status, 200)
                    self.assertEqual(self.contract.judge_as(self.response(path, "200"), head, head=True), [])
                options = self.full.get(url, method="OPTIONS")
                self.assertEqual((options.status, options.body), (204, b""))
                self.assertEqual(set(options.headers["Allow"].split(", ")), known)
            for wrong in {"DELETE", "PUT", "PATCH", "POST", "GET", "HEAD"} - known:
                answer = self.full.get(url, method=wrong, body=b"" if wrong == "POST" else None)
                with self.subTest(f"{wrong} {path}"):
                    self.assertEqual(answer.status, 405)
                    self.assertEqual(self.contract.judge(path, method, answer, head=wrong == "HEAD"), [])
                    self.assertEqual(set(answer.headers["Allow"].split(", ")), known)
                    self.check_cache_control(path, answer)

    def response(self, path, status, method="get"):
        return self.contract.follow(self.contract.document["paths"][path][method]["responses"][status])

    def check_cache_control(self, path, answer):
        is_api = path == "/api" or path.startswith("/api/")
        self.assertEqual(answer.headers["Cache-Control"], "no-store" if is_api else None, path)

    def check_cors(self):
        """Only the origins that web.cors-origins lists, and by default none."""
        preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
        for program, want in ((self.full, None), (self.small, ORIGIN)):
            answers = [self.check(program, "/api/targets", headers={"Origin": ORIGIN}),
                       program.get("/api/targets", method="OPTIONS", headers=preflight)]
            self.assertEqual([answer.headers["Access-Control-Allow-Origin"] for answer in answers], [want, want])
        self.assertIn("GET", answers[1].headers["Access-Control-Allow-Methods"])
        other = self.check(self.small, "/api/targets", headers={"Origin": "https://other.example"})
        self.assertIsNone(other.headers["Access-Control-Allow-Origin"])

    def check_wrong_requests(self):
        """What any route may answer where the request itself is wrong."""
        wrong = self.contract.document["components"]["responses"]["RequestError"]
        for path, status in (("/nothing", 404), ("/api/nothing", 404), ("/api/pods/", 404), ("/api/pods/%zz", 400)):
            answer = self.full.get(path)
            with self.subTest(path):
                self.assertEqual(answer.status, status)
                self.assertEqual(self.contract.judge_as(wrong, answer), [])
                self.check_cache_control(path, answer)
        for head, status in (("Content-Length: 99999999", 413), ("Expect: nothing", 417), ("Content-Length: x", 400),
                             ("\r\n".join(f"H{i}: x" for i in range(80)), 431)):
            answer = self.raw(f"GET /api/pods HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n")
            with self.subTest(head[:30]):
                self.assertEqual(answer.status, status, answer.text)
                self.assertEqual(self.contract.judge_as(wrong, answer), [])
                self.assertEqual(self.contract.judge("/api/pods", "get", answer), [])
                self.check_cache_control("/api/pods", answer)

    def raw(self, text):
        """The answer to a request that no client library would send."""
        with socket.create_connection(("127.0.0.1", self.full.port), timeout=10) as connection:
            connection.sendall(text.encode())
            return http.read(connection)


META_SCHEMA = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
