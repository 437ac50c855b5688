# SPDX-License-Identifier: Apache-2.0
"""The benchmarks that are Python programs run and measure, in the small."""
import json
import os
import shutil
import sys

from harness import kernel, procs, session
from harness.case import Case

BENCH = os.path.join(procs.REPOSITORY, "bench")
sys.path.append(BENCH)
import table  # noqa: E402  (found through the path set above)

COMPARE = os.path.join(BENCH, "compare.py")
TARGETS = os.path.join(procs.BIN_DIR, "synthetic_targets")
PODS = 6


class Compare(Case):
    def compared(self, *flags):
        """(result of the process, what it wrote as JSON)"""
        session.need_tools(TARGETS)
        path = self.temp_dir() + "/result.json"
        done = procs.run([sys.executable, COMPARE, "--targets=2", "--pods=3", "--scrapes=5", "--queries=3",
                          "--json=" + path, *flags], timeout=180)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(path, encoding="utf-8") as file:
            return done, json.load(file)

    def test_every_row_has_a_figure_of_each_contender(self):
        names = ["cloud-monitor"] + (["prometheus"] if shutil.which("prometheus") else [])
        directory = self.temp_dir()
        done, result = self.compared("--directory=" + directory, *("--only=" + name for name in names))
        self.assertEqual([run["contender"] for run in result["runs"]], names)
        self.assertGreater(len(result["rows"]), 10)
        for row in result["rows"]:
            with self.subTest(row=row["name"]):
                self.assertEqual(sorted(row["values"]), names)
                self.assertIn(row["name"], done.stdout)
                if not row["name"].startswith("CPU"):  # of the kernel's ticks, so small a run may have none
                    self.assertGreater(min(row["values"].values()), 0)
                    self.assertEqual(sorted(row["ratios"]), names[1:])
        self.assertEqual(os.listdir(directory), [], "data of the run is left behind")

    def test_the_answers_are_those_of_the_same_pods(self):
        _, result = self.compared("--only=cloud-monitor")
        answers = result["runs"][0]["answers"]
        self.assertEqual(answers["newest memory of all pods"]["members"], PODS)
        self.assertEqual(answers["one pod, whole run"]["members"], 1)
        # Pages that are on their way count on one side only.
        self.assert_close(answers["samples of a round"]["mean"], 12 * PODS + 2, "samples of a round", ratio=0.35)
        # All pods are of one deployment.
        self.assert_close(answers["memory by deployment, whole run"]["mean"],
                          PODS * answers["newest memory of all pods"]["mean"], "memory of the deployment")


class LateDocuments(Case):
    def test_it_measures(self):
        done = procs.run([sys.executable, os.path.join(BENCH, "late_documents.py"), "--nodes=2", "--pods=3",
                          "--documents=5"], timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"answers +\{200: 10\}")
        self.assertRegex(done.stdout, r"all shown after +\d+\.\d s")


class CompareExporter(Case):
    def test_it_measures_and_leaves_nothing_behind(self):
        if os.geteuid() != 0 or "cpuacct" not in kernel.MOUNTS:
            self.skipTest("makes cgroups (v1), as root")
        session.need_tools(os.path.join(procs.BIN_DIR, "cgroup_hold"))
        session.lock()  # its pods are seen by every exporter on the machine
        path = self.temp_dir() + "/result.json"
        before = set(os.listdir(kernel.MOUNTS["cpuacct"]))
        done = procs.run([sys.executable, os.path.join(BENCH, "compare_exporter.py"), "--pods=2", "--passes=2",
                          "--only=cloud-monitor", "--json=" + path], timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(path, encoding="utf-8") as file:
            (result,) = json.load(file)["results"]
        for figure in ("cpu_ms", "floor_ms", "rss_bytes", "kernel_bytes"):
            self.assertGreater(result[figure], 0, figure)
        self.assertEqual(set(os.listdir(kernel.MOUNTS["cpuacct"])) - before, set(), "cgroups are left behind")


class Table(Case):
    @staticmethod
    def run_of(contender, figure, members=2, mean=100.0):
        return {"contender": contender, "measures": {name: figure for name, _, _ in table.ROWS},
                "answers": {"a question": {"members": members, "mean": mean}}}

    def agree(self, *runs):
        return table.summary(list(runs))["checks"][0]["agree"]

    def test_a_row_has_medians_and_their_ratio(self):
        runs = [self.run_of(table.OURS, figure) for figure in (1, 9, 2)] + [self.run_of("other", 8)]
        row = table.summary(runs)["rows"][0]
        self.assertEqual(row["values"], {table.OURS: 2, "other": 8})
        self.assertEqual(row["ratios"], {"other": 0.25})

    def test_answers_that_differ_are_marked(self):
        ours = self.run_of(table.OURS, 1)
        self.assertTrue(self.agree(ours, self.run_of("other", 1, mean=96)))
        self.assertFalse(self.agree(ours, self.run_of("other", 1, mean=94)))
        self.assertFalse(self.agree(ours, self.run_of("other", 1, members=3)))
