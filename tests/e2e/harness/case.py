# SPDX-License-Identifier: Apache-2.0
"""The base of the suite's test cases: comparisons of measured values."""
import os
import random
import shutil
import tempfile
import time
import unittest


class Case(unittest.TestCase):
    longMessage = True

    def assert_close(self, got, want, what, ratio=0.05, absolute=0.0):
        """|got - want| is at most `ratio` of want, or `absolute` where that is more."""
        self.assertLessEqual(abs(got - want), max(ratio * abs(want), absolute),
                             f"{what}: got {got:.6g}, want {want:.6g} within {ratio:.0%} or {absolute:g}")

    def assert_between(self, got, before, after, what, ratio=0.0, absolute=0.0):
        """A value that was read between two others of the same source lies between them, whichever is greater;
        `ratio` and `absolute` widen the range for values that a kernel keeps only roughly."""
        low, high = min(before, after), max(before, after)
        slack = max(ratio * high, absolute)
        self.assertTrue(low - slack <= got <= high + slack,
                        f"{what}: got {got:.12g}, want {low:.12g} to {high:.12g} with {slack:g} to spare")

    def temp_dir(self):
        """A directory for this test alone, open to all users."""
        directory = tempfile.mkdtemp(prefix="cloud-monitor-e2e-test.")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        return directory

    def random(self):
        """Random choices that CM_E2E_SEED repeats; the seed is printed."""
        seed = os.environ.get("CM_E2E_SEED") or str(int(time.time()))
        print(f"     {self.id()}: CM_E2E_SEED={seed}", flush=True)
        return random.Random(seed)

    def started(self, program):
        """A Program that is to end with this test."""
        self.addCleanup(program.stop)
        return program
