# SPDX-License-Identifier: Apache-2.0
"""Real servers that take remote_write: what they have is asked for as raw samples."""
import math
import urllib.parse

from harness import procs


def prometheus(directory):
    config = directory + "/prometheus.yml"
    with open(config, "w", encoding="utf-8") as file:
        file.write("global: {}\n")
    return procs.Program(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}/prometheus",
                          "--web.listen-address=127.0.0.1:0", "--web.enable-remote-write-receiver"])


def victoria_metrics(directory):
    # By default it hides the newest 30 s.
    return procs.Program(["victoria-metrics", f"-storageDataPath={directory}/victoria-metrics",
                          "-httpListenAddr=127.0.0.1:0", "-search.latencyOffset=0s"], ready_path="/health")


def query(program, expression, moment):
    """The result of an instant query."""
    parameters = urllib.parse.urlencode({"query": expression, "time": moment, "nocache": 1})
    answer = program.get("/api/v1/query?" + parameters, timeout=60)
    assert answer.status == 200, f"{expression}: {answer.status} {answer.text}"
    return answer.json["data"]["result"]


def raw_samples(program, selector, seconds, end):
    """{(name, ((label, value), ...)): {time: {values}}} of the range; without those that say that a series has ended."""
    found = {}
    for series in query(program, f"{selector}[{seconds}s]", end):
        labels = dict(series["metric"])
        samples = found.setdefault((labels.pop("__name__"), tuple(sorted(labels.items()))), {})
        for moment, text in series["values"]:
            if not math.isnan(float(text)):
                samples.setdefault(round(moment), set()).add(float(text))
    return found
