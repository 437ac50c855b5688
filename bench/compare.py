#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our aggregator beside Prometheus and VictoriaMetrics: one after the other, each scrapes the same invented nodes for as
many rounds at the same interval, and is asked the same questions. Prints one table with ratios.

Needs the release build, and the Debian packages prometheus and victoria-metrics; one that is missing is left out.
"""
import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests/e2e"))
sys.dont_write_bytecode = True

import table  # noqa: E402  (found through the path set above, as the following)
from contenders import CONTENDERS  # noqa: E402
from harness import kernel, procs  # noqa: E402
from harness.wait import until  # noqa: E402
from latency import latencies  # noqa: E402

SERIES_OF_A_POD = 12
WARM_UP_ROUNDS = 2  # of scraping, before CPU is counted
START_SECONDS = 3  # from the start of a program to its first round of scrapes, about
RANGE_BUCKETS = 120  # that the budgets of ranges speak of
TICKS = os.sysconf("SC_CLK_TCK")


class Cluster:
    """The invented nodes, started anew for each contender, so that each sees the same values."""

    def __init__(self, options):
        self.targets, self.pods = options.targets, options.targets * options.pods
        self.series = self.pods * SERIES_OF_A_POD
        self.samples_of_a_round = self.series + self.targets  # and each node's cloudmon_node_info
        seconds = int(options.interval * options.scrapes * 2 + 1800)  # it ends by itself, whatever becomes of this program
        self.program = procs.Program([os.path.join(procs.BIN_DIR, "synthetic_targets"), str(options.targets),
                                      str(options.pods), str(seconds)], ready_path="/pages")
        self.address = f"127.0.0.1:{self.program.port}"

    def pages(self):
        return int(self.program.get("/pages").text)

    def wait_rounds(self, rounds, interval):
        """Until each node was scraped so often; the pages served."""
        until(lambda: self.pages() >= rounds * self.targets, rounds * interval * 1.5 + 60, f"{rounds} rounds of scrapes",
              pause_seconds=0.1)
        return self.pages()

    def pod(self, number):
        """(namespace, name) of one of its pods: see synthetic_node.h."""
        deployments = max(1, self.pods // 20)
        deployment = number % deployments
        return f"team-{deployment % min(20, deployments)}", f"service-{deployment}-7d9c6b8f5-{10_000 + number}"


def cpu_seconds(program):
    """Of all its threads, those that have ended too."""
    fields = kernel.read(f"/proc/{program.process.pid}/stat").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_bytes(program, key):
    return int(re.search(rf"^{key}:\s+(\d+) kB", kernel.read(f"/proc/{program.process.pid}/status"), re.M)[1]) * 1024


def mean_of(contender, path):
    """(members, mean of all values) of an answer."""
    answer = contender.program.get(path, timeout=60)
    if answer.status != 200:
        raise AssertionError(f"{contender.name}: {path} answers {answer.status}: {answer.text[:300]}")
    values = contender.values(answer.json)
    every = [value for member in values for value in member]
    return {"members": len(values), "mean": statistics.fmean(every) if every else 0.0}


def ask(contender, cluster, start, end, options):
    """({measure: value}, {question: answer}): what answers take and what they say."""
    queries = options.queries
    questions = {"newest memory of all pods": [contender.newest_memory()],
                 "CPU by namespace, newest": [contender.newest_cpu()]}
    recent = max(start, end - RANGE_BUCKETS * options.interval)
    for begin, named in ((recent, f"{RANGE_BUCKETS} buckets"), (start, "whole run")):
        questions[f"one pod, {named}"] = [contender.pod_memory(*cluster.pod(i * 7919 % cluster.pods), begin, end)
                                          for i in range(queries)]
        questions[f"memory by deployment, {named}"] = [contender.deployment_memory(begin, end)]
    answers = {question: mean_of(contender, paths[0]) for question, paths in questions.items()}
    # One bucket of bursts says little: the check is over the whole run.
    answers["CPU by namespace, whole run"] = mean_of(contender, contender.cpu_over_time(start, end))
    measures = {}
    for question, paths in questions.items():
        took = latencies(contender.program.port, paths, queries)
        measures[question + ", p50"], measures[question + ", p99"] = took.p50_ms, took.p99_ms
    took = latencies(contender.program.port, questions["newest memory of all pods"], queries, clients=4)
    measures["newest memory of all pods, 4 clients, p50"] = took.p50_ms
    measures["newest memory of all pods, 4 clients, p99"] = took.p99_ms
    return measures, answers


def measure(contender, cluster, options):
    """One run of one contender: its measures and its answers."""
    program = contender.program
    first_pages = cluster.wait_rounds(WARM_UP_ROUNDS, options.interval)
    first_cpu, targets_cpu = cpu_seconds(program), cpu_seconds(cluster.program)
    start = int(time.time()) // options.interval * options.interval
    pages = cluster.wait_rounds(options.scrapes, options.interval)
    scraped = (pages - first_pages) / cluster.targets * cluster.samples_of_a_round
    end = int(time.time()) // options.interval * options.interval
    cpu = cpu_seconds(program) - first_cpu
    measures = {"CPU for 1M scraped samples": cpu / scraped * 1e6,
                "CPU of the targets for 1M samples": (cpu_seconds(cluster.program) - targets_cpu) / scraped * 1e6,
                "memory of a series": memory_bytes(program, "VmRSS") / cluster.series}
    took, answers = ask(contender, cluster, start, end, options)
    measures["memory of a series, peak"] = memory_bytes(program, "VmHWM") / cluster.series
    measures.update(took)
    answers["samples of a round"] = {"members": 1, "mean": contender.samples() / (cluster.pages() / cluster.targets)}
    compact = contender.compact()
    rounds = cluster.pages() / cluster.targets
    stopped = contender.stop()
    stored = contender.stored(cluster.pods, cluster.series, rounds)
    measures["disk, a stored value, compacted"] = (compact or stopped) / stored
    measures["disk, a stored value, as stopped"] = stopped / stored
    measures["disk, a scraped sample, compacted"] = (compact or stopped) / (rounds * cluster.samples_of_a_round)
    return {"contender": contender.name, "rounds": rounds, "measures": measures, "answers": answers}


def wait_for_chunk(seconds):
    """Until just before the time at which a chunk of so many seconds begins: a run as long as a chunk then has a whole one."""
    time.sleep(seconds - (time.time() + START_SECONDS) % seconds)


def run_once(kind, options):
    directory = tempfile.mkdtemp(prefix="cloud-monitor-compare.", dir=options.directory)
    cluster = contender = None
    try:
        if options.scrapes >= kind.ROUNDS_OF_A_CHUNK:
            wait_for_chunk(kind.ROUNDS_OF_A_CHUNK * options.interval)
        cluster = Cluster(options)
        contender = kind(cluster, directory, options.interval)
        return measure(contender, cluster, options)
    finally:
        for started in (contender and contender.program, cluster and cluster.program):
            if started:
                started.kill()
        shutil.rmtree(directory, ignore_errors=True)


def machine():
    model = re.search(r"^model name\s*: (.*)$", kernel.read("/proc/cpuinfo"), re.M)
    return {"cpus": os.cpu_count(), "model": model[1] if model else platform.machine(), "kernel": platform.release(),
            "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
            "load_average": os.getloadavg()}


def bounded(least, most):
    def read(text):
        number = int(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"expected {least} to {most}")
        return number
    return read


def parse():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--targets", type=bounded(1, 500), default=20, help="nodes (20)")
    flags.add_argument("--pods", type=bounded(1, 1000), default=50, help="pods of a node (50)")
    flags.add_argument("--interval", type=bounded(1, 60), default=1, help="seconds between scrapes (1)")
    flags.add_argument("--scrapes", type=bounded(3, 10_000), default=360, help="rounds (360)")
    flags.add_argument("--queries", type=bounded(1, 1000), default=101, help="of each kind; at most 60 s of each (101)")
    flags.add_argument("--runs", type=bounded(1, 10), default=1, help="the table has the medians (1)")
    flags.add_argument("--only", action="append", choices=[kind.name for kind in CONTENDERS], help="may be repeated")
    flags.add_argument("--directory", default=None, help="where data goes while it runs (the system's temporary one)")
    flags.add_argument("--json", metavar="FILE", help="write everything there too")
    return flags.parse_args()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended and removed
    if not os.access(os.path.join(procs.BIN_DIR, "synthetic_targets"), os.X_OK):
        sys.exit(f"{procs.BIN_DIR}/synthetic_targets is not there: build the release preset or set CM_BIN_DIR")
    wanted = [kind for kind in CONTENDERS if not options.only or kind.name in options.only]
    present = [kind for kind in wanted if kind.installed()]
    for kind in wanted:
        if kind not in present:
            print(f"{kind.name} is left out: it is not installed", flush=True)
    runs = []
    for number in range(options.runs):
        for kind in present:
            print(f"run {number + 1} of {options.runs}: {kind.name}", flush=True)
            runs.append(run_once(kind, options))
    result = {"settings": {key: value for key, value in vars(options).items() if key not in ("json", "directory")},
              "machine": machine(), "runs": runs, **table.summary(runs)}
    print(table.text(result))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
