# SPDX-License-Identifier: Apache-2.0
"""How the programs speak: formats of /metrics, the landing page, health, flags and configuration files."""
import gzip
import os
import re
import subprocess
import urllib.request

from harness import procs, session
from harness.case import Case
from harness.page import Page, Scraper
from harness.wait import until

OPENMETRICS = "application/openmetrics-text"
TEXT = "text/plain"
# promtool asks for snake_case; these names are node_exporter's own, kept because dashboards use them.
ACCEPTED_LINT = re.compile(r"^node_memory_\w+_bytes metric names should be written in 'snake_case' not 'camelCase'$")


class MetricsPage(Case):
    @classmethod
    def setUpClass(cls):
        cls.machine = session.machine()
        cls.exporter = procs.exporter_on(cls.machine)
        cls.addClassCleanup(cls.exporter.stop)
        scraper = Scraper(cls.exporter)
        until(lambda: scraper.page().all("cloudmon_container_info", pod="db-0"), 15, "a full page")

    def get(self, **headers):
        return self.exporter.get("/metrics", headers=headers)

    def test_text_is_the_default(self):
        answer = self.get()
        self.assertTrue(answer.headers["Content-Type"].startswith(TEXT + "; version=0.0.4"), answer.headers["Content-Type"])
        page = Page(answer.text)
        self.assertEqual(page.types["container_cpu_usage_seconds_total"], "counter")
        self.assertEqual(page.types["container_memory_working_set_bytes"], "gauge")
        self.assertNotIn("# EOF", answer.text)

    def test_no_series_is_there_twice(self):
        samples = [(name, tuple(sorted(labels.items()))) for name, labels, _ in Page(self.get().text).samples]
        self.assertEqual(len(samples), len(set(samples)))

    def test_openmetrics_where_it_is_asked_for(self):
        answer = self.get(Accept="application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
        self.assertTrue(answer.headers["Content-Type"].startswith(OPENMETRICS + "; version=1.0.0"),
                        answer.headers["Content-Type"])
        self.assertTrue(answer.text.endswith("# EOF\n"))
        self.assertIn("# TYPE container_cpu_usage_seconds counter\n", answer.text)
        body = answer.text.removesuffix("# EOF\n")
        self.assertEqual(Page(body).names(), Page(self.get().text).names())

    def test_the_header_that_prometheus_sends(self):
        accept = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
        self.assertIn(OPENMETRICS, self.get(Accept=accept).headers["Content-Type"])
        self.assertIn(TEXT, self.get(Accept="text/plain;q=0.9,application/openmetrics-text;q=0.1").headers["Content-Type"])

    def test_gzip_where_it_is_accepted(self):
        request = urllib.request.Request(self.exporter.url + "/metrics", headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=10) as response:
            self.assertEqual(response.headers["Content-Encoding"], "gzip")
            packed = response.read()
        self.assertIn("container_cpu_usage_seconds_total", gzip.decompress(packed).decode())
        self.assertIsNone(self.get().headers["Content-Encoding"])
        self.assertIsNone(self.get(**{"Accept-Encoding": "gzip;q=0"}).headers["Content-Encoding"])

    def test_promtool_accepts_the_page(self):
        session.need_tools("promtool")
        done = subprocess.run(["promtool", "check", "metrics"], input=self.get().body, capture_output=True, check=False)
        lines = (done.stdout + done.stderr).decode().splitlines()
        self.assertEqual([line for line in lines if not ACCEPTED_LINT.match(line)], [])

    def test_landing_page(self):
        answer = self.exporter.get("/")
        self.assertEqual(answer.status, 200)
        self.assertIn("text/html", answer.headers["Content-Type"])
        self.assertIn("/metrics", answer.text)

    def test_unknown_path_and_method(self):
        self.assertEqual(self.exporter.get("/nothing").status, 404)
        answer = self.exporter.get("/metrics", method="DELETE")
        self.assertEqual(answer.status, 405)
        self.assertIn("GET", answer.headers["Allow"])

    def test_the_log_names_the_port(self):
        self.assertIn(str(self.exporter.port), self.exporter.log())


class BothPrograms(Case):
    def programs(self):
        yield procs.exporter()
        yield procs.aggregator(self.temp_dir())

    def test_health_and_readiness(self):
        for program in self.programs():
            with program, self.subTest(program.command[0]):
                self.assertEqual(program.get("/-/healthy").status, 200)
                until(lambda p=program: p.get("/-/ready").status in (200, 503), 10, "readiness is told")

    def test_ends_on_sigterm(self):
        for program in self.programs():
            with self.subTest(program.command[0]):
                self.assertEqual(program.stop(), 0, program.log())


class CommandLine(Case):
    PROGRAMS = (procs.EXPORTER, procs.AGGREGATOR)

    def config(self, text):
        path = os.path.join(self.temp_dir(), "config.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def refused(self, command, *parts):
        """The command ends with an error that contains all the parts, and without starting anything."""
        done = procs.run(command)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        for part in parts:
            self.assertIn(part, done.stdout + done.stderr)

    def test_help_and_version(self):
        for program in self.PROGRAMS:
            with self.subTest(program):
                done = procs.run([program, "--help"])
                self.assertEqual(done.returncode, 0, done.stderr)
                for flag in ("--web.listen-address", "--config.file", "check-config", "--version"):
                    self.assertIn(flag, done.stdout)
                version = procs.run([program, "--version"])
                self.assertEqual(version.returncode, 0, version.stderr)
                self.assertRegex(version.stdout, re.escape(os.path.basename(program)) + r".*\d+\.\d+\.\d+")

    def test_unknown_flag_and_bad_values(self):
        for program in self.PROGRAMS:
            with self.subTest(program):
                self.refused([program, "--no.such.flag=1"], "no.such.flag")
                self.refused([program, "--web.listen-address=nonsense"], "nonsense")
                self.refused([program, "--web.listen-address=nonsense", "--check-config"], "web.listen-address")
        self.refused([procs.EXPORTER, "--identity.sources=oracle"], "identity.sources", "oracle")
        self.refused([procs.AGGREGATOR, "--scrape.interval=10"], "scrape.interval", "10s")
        self.refused([procs.AGGREGATOR, "--scrape.interval=1h"], "scrape.interval", "5m")
        self.refused([procs.AGGREGATOR, "--scrape.targets=a:b:c"], "scrape.targets", "a:b:c")

    def test_check_config_accepts_a_good_file(self):
        for program in self.PROGRAMS:
            with self.subTest(program):
                path = self.config("web:\n  listen-address: 127.0.0.1:0\n")
                done = procs.run([program, f"--config.file={path}", "--check-config"])
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_bad_file_is_refused_with_line_and_column(self):
        for program in self.PROGRAMS:
            with self.subTest(program):
                path = self.config("web:\n  listen-address: 127.0.0.1:0\n  listen-adress: x\n")
                self.refused([program, f"--config.file={path}", "--check-config"], path + ":3:3", "listen-adress")
                path = self.config("web: {listen-address: [\n")
                self.refused([program, f"--config.file={path}"], path + ":")
                self.refused([program, "--config.file=/nonexistent.yaml"], "/nonexistent.yaml")

    def test_a_flag_wins_over_the_file(self):
        path = self.config("node:\n  name: from-file\n")
        with procs.exporter(f"--config.file={path}", node="from-flag") as exporter:
            self.assertEqual(Page(exporter.get("/metrics").text).labels("cloudmon_node_info")["node"], "from-flag")

    def test_port_in_use(self):
        with procs.exporter() as first:
            self.refused([procs.EXPORTER, f"--web.listen-address=127.0.0.1:{first.port}"], str(first.port))
