#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""After an outage: many nodes push at once what they could not send for an hour. Prints how long it takes until all of it
is shown, and what the aggregator spends on it. Needs the release build.
"""
import argparse
import collections
import http.client
import json
import os
import re
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests/e2e"))
sys.dont_write_bytecode = True

from harness import kernel, procs  # noqa: E402  (found through the path set above)
from harness.wait import until  # noqa: E402

INTERVAL = 10
MOST_TRIES = 200  # of one document


def document(node, number, start, pods):
    """What a node says `number` intervals after `start`."""
    totals = {"disk_read_bytes": number, "disk_write_bytes": number, "network_rx_bytes": number,
              "network_tx_bytes": number}
    return json.dumps({
        "timestamp": start + number * INTERVAL + 3, "node": f"node-{node}",
        "node_data": {"cpu_usage_usec": number * 1_000_000, "memory_bytes": 1},
        "pods": [{"pod": f"pod-{node}-{pod}", "namespace": f"namespace-{pod % 10}", "deployment": f"deployment-{pod % 20}",
                  "cpu_usage_usec": number * 5_000 + pod, "memory_bytes": 1_000 + number, **totals} for pod in range(pods)]})


def send_all(port, node, start, options, answers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number in range(options.documents):
        body = document(node, number, start, options.pods)
        for _ in range(MOST_TRIES):
            try:
                connection.request("POST", "/api/ingest", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):  # it hangs up the longest idle when there are many
                connection.close()
                answers["cut"] += 1
                continue
            answers[answer.status] += 1
            if answer.status == 200:
                break
            time.sleep(1)
    connection.close()


def peak_bytes(pid):
    return int(re.search(r"VmHWM:\s+(\d+) kB", kernel.read(f"/proc/{pid}/status")).group(1)) * 1024


def shown(program, options):
    """How many buckets have all nodes and pods."""
    entries = program.get("/api/cluster?window=2h").json
    return sum(entry.get("nodes") == options.nodes and entry.get("pods") == options.nodes * options.pods
               for entry in entries)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--nodes", type=int, default=50)
    arguments.add_argument("--pods", type=int, default=100, help="of each node")
    arguments.add_argument("--documents", type=int, default=340, help="of each node, one for 10 s; at most 350")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as directory, procs.aggregator(directory, interval=f"{INTERVAL}s") as program:
        start = (int(time.time()) - 3_500) // INTERVAL * INTERVAL
        answers = collections.Counter()
        begin = time.monotonic()
        threads = [threading.Thread(target=send_all, args=(program.port, node, start, options, answers))
                   for node in range(options.nodes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sent = time.monotonic() - begin
        until(lambda: shown(program, options) == options.documents, 120, "all documents are shown", pause_seconds=0.5)
        all_shown = time.monotonic() - begin
        user, system = kernel.read(f"/proc/{program.process.pid}/stat").rsplit(")", 1)[1].split()[11:13]
        ticks = os.sysconf("SC_CLK_TCK")
        print(f"documents                {options.nodes * options.documents:10}")
        print(f"answers                  {dict(answers)}")
        print(f"all accepted after       {sent:10.1f} s")
        print(f"all shown after          {all_shown:10.1f} s")
        print(f"CPU                      {(int(user) + int(system)) / ticks:10.1f} s")
        print(f"memory at the peak       {peak_bytes(program.process.pid) / 1e6:10.1f} MB")


if __name__ == "__main__":
    main()
