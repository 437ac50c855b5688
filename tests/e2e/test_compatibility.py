# SPDX-License-Identifier: Apache-2.0
"""What widely used dashboards ask (tests/compatibility/queries.yaml) against a real Prometheus, and docs/compatibility.md."""
import math
import os

from harness import compatibility, procs, session
from harness.case import Case
from harness.prometheus import Prometheus
from harness.stack_case import StackCase
from harness.wait import until

DOCUMENT = procs.REPOSITORY + "/docs/compatibility.md"


class Document(Case):
    def test_it_is_made_from_the_queries(self):
        made = compatibility.markdown()
        if os.environ.get("UPDATE_GOLDEN") == "1":
            with open(DOCUMENT, "w", encoding="utf-8") as file:
                file.write(made)
        with open(DOCUMENT, encoding="utf-8") as file:
            self.assertTrue(file.read() == made, "UPDATE_GOLDEN=1 tests/e2e/run test_compatibility.Document makes it")

    def test_nine_of_ten_queries_about_containers_work(self):
        works = [not row.why for row in compatibility.rows() if row.area in compatibility.CONTAINER]
        self.assertGreaterEqual(sum(works) / len(works), 0.9)


class Queries(StackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prometheus = Prometheus(session.DIRECTORY + "/prometheus-mixin", f"127.0.0.1:{cls.stack.exporter.port}",
                                    f"127.0.0.1:{cls.stack.aggregator.port}", 1, mixin_jobs=True)
        cls.addClassCleanup(cls.prometheus.stop)

    def found(self, row):
        """Series; a scalar is one unless it is NaN."""
        return [value for labels, value in self.prometheus.query(row.expression()) if labels or not math.isnan(value)]

    def possible(self, row):
        """Containers are on a disk that the kernel counts, or there is nothing to show."""
        return row.area != "container disk" or self.machine.disk is not None

    def test_what_works_gives_series(self):
        for row in compatibility.rows():
            if not row.why and self.possible(row):
                with self.subTest(f"{row.dashboard}, {row.panel}", query=row.query):
                    until(lambda r=row: self.found(r), 20, row.expression(), pause_seconds=0.2)

    def test_what_does_not_gives_none(self):
        """Else the reason is no longer true."""
        until(lambda: self.prometheus.query("instance:node_cpu_utilisation:rate5m"), 20, "rules are evaluated")
        for row in compatibility.rows():
            if row.why:
                with self.subTest(f"{row.dashboard}, {row.panel}", query=row.query):
                    self.assertEqual(self.found(row), [])
