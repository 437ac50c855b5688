# SPDX-License-Identifier: Apache-2.0
"""./deploy local, as a new user runs it: what it prints works, twice is harmless, stop and Ctrl-C end it cleanly."""
import json
import os
import re
import signal
import socket
import subprocess

from harness import procs
from harness.case import Case
from harness.wait import until

DEPLOY = os.path.join(procs.REPOSITORY, "deploy")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DeployLocal(Case):
    def setUp(self):
        self.data = os.path.join(self.temp_dir(), "data")
        self.flags = [f"--data={self.data}", f"--port={free_port()}", f"--exporter-port={free_port()}"]
        self.addCleanup(self.deploy, "stop")
        self.output = open(os.path.join(self.temp_dir(), "output"), "w+")
        self.addCleanup(self.output.close)

    def deploy(self, *words):
        return subprocess.run([DEPLOY, "local", *words, *self.flags], capture_output=True, text=True, timeout=300)

    def start(self):
        """In a session of its own, so that a Ctrl-C can be sent to it and its children alone."""
        self.shell = subprocess.Popen([DEPLOY, "local", *self.flags], stdout=self.output, stderr=subprocess.STDOUT,
                                      start_new_session=True)
        until(lambda: "Ctrl-C ends both." in self.printed() or self.shell.poll() is not None, 300, "deploy is ready")
        self.assertIsNone(self.shell.poll(), self.printed())

    def printed(self):
        with open(self.output.name) as output:
            return output.read()

    def pids(self):
        found = []
        for name in ("exporter", "aggregator"):
            with open(os.path.join(self.data, name + ".pid")) as file:
                found.append(int(file.read()))
        return found

    def assert_ended(self, pids):
        self.assertEqual(self.shell.wait(20), 0, self.printed())
        for pid in pids:
            self.assertFalse(os.path.exists(f"/proc/{pid}"), pid)

    def test_start_again_and_stop(self):
        self.start()
        commands = re.findall(r"^  (curl .*)$", self.printed(), re.MULTILINE)
        self.assertEqual(len(commands), 3, self.printed())
        for command in commands:
            answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20)
            answer = json.loads(answer.stdout)
            self.assertTrue(isinstance(answer, list) or "series" in answer, f"{command}: {answer}")
        again = self.deploy()
        self.assertEqual(again.returncode, 0)
        self.assertIn("already running", again.stdout)
        pids = self.pids()
        self.assertEqual(self.deploy("stop").returncode, 0)
        self.assert_ended(pids)

    def test_ctrl_c(self):
        self.start()
        pids = self.pids()
        os.killpg(self.shell.pid, signal.SIGINT)
        self.assert_ended(pids)
