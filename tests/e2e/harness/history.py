# SPDX-License-Identifier: Apache-2.0
"""Points whose values follow from their names and times, as files for the import command."""
import json
import random
import tempfile

from harness import procs


class History:
    """Pods past-0, past-1, ... and their node, with an entry in every bucket from `start` to `end` (exclusive)."""

    def __init__(self, start, end, pods=2, interval=1):
        self.times = range(start, end, interval)
        self._interval = interval
        self.pods = [f"past-{number}" for number in range(pods)]

    @staticmethod
    def values(name, time):
        noise = random.Random(f"{name} {time}").getrandbits(40)
        return {"cpu_usage_usec": (time % 10**7) * 1000 + noise % 1000, "memory_bytes": noise}

    def entries(self):
        """What an aggregator is to show, keyed as reference.entries()."""
        found = {}
        for time in self.times:
            node = {"time": time, "node": "past"}
            found["nodes", "past", "", "", "", time] = {**node, **self.values("past", time)}
            for pod in self.pods:
                labels = {**node, "namespace": "history", "pod": pod}
                found["pods", "past", "history", "", pod, time] = {**labels, **self.values(pod, time)}
        return found

    def write(self, directory):
        with open(f"{directory}/nodes.json", "w", encoding="utf-8") as file:
            json.dump({"past": {str(time): [self.values("past", time)] for time in self.times}}, file)
        with open(f"{directory}/pods.json", "w", encoding="utf-8") as file:
            json.dump({pod: {str(time): [{"namespace": "history", "node": "past", **self.values(pod, time)}]
                             for time in self.times} for pod in self.pods}, file)

    def store(self, data):
        """Imports all into the database in the directory `data`."""
        with tempfile.TemporaryDirectory() as files:
            self.write(files)
            import_files(files, data, self._interval)


def import_files(files, data, interval=1):
    done = procs.run([procs.AGGREGATOR, "import", files, f"--storage.path={data}", f"--scrape.interval={interval}s"],
                     timeout=600)
    assert done.returncode == 0, done.stderr
