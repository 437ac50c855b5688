# SPDX-License-Identifier: Apache-2.0
"""Keeps reading the kernel's counters of every pod, so that a test can ask afterwards what they were at some time."""
import bisect
import threading
import time

from harness import kernel


class Recorder:
    """Reads four times a second in a thread of its own until stop()."""

    PERIOD_SECONDS = 0.25

    def __init__(self, machine):
        self._machine = machine
        self._series = {}  # (owner, what) -> ([Unix time], [value])
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(self.PERIOD_SECONDS):
            for pod in list(self._machine.pods):
                try:
                    self._read_pod(pod)
                except (OSError, KeyError):
                    continue  # the pod is being deleted
            self._add("node", "cpu_seconds", kernel.node_cpu_seconds())
            memory = kernel.meminfo()
            self._add("node", "memory_bytes", memory["MemTotal"] - memory["MemAvailable"])

    def _read_pod(self, pod):
        key = pod.spec.key
        self._add(key, "cpu_seconds", pod.cgroup.cpu_seconds())
        self._add(key, "memory_bytes", pod.cgroup.memory_bytes())
        self._add(key, "memory_working_set_bytes", pod.cgroup.working_set_bytes())
        self._add(key, "disk_write_bytes", sum(pod.cgroup.written_bytes(recursive=True).values()))
        if not pod.spec.host_network:
            network = kernel.net_dev(pod.pause_pid)["eth0"]
            self._add(key, "network_rx_bytes", network["receive_bytes"])
            self._add(key, "network_tx_bytes", network["transmit_bytes"])

    def _add(self, owner, what, value):
        with self._lock:
            times, values = self._series.setdefault((owner, what), ([], []))
            times.append(time.time())
            values.append(value)

    def span(self, owner, what, start, end):
        """(lowest, highest) reading from the last one before `start` to the first one after `end`."""
        with self._lock:
            times, values = self._series[owner, what]
            first = max(0, bisect.bisect_right(times, start) - 1)
            last = bisect.bisect_left(times, end) + 1
            chosen = values[first:last]
        return min(chosen), max(chosen)

    def at(self, owner, what, moment):
        """The value at a moment, on the line between the two readings around it."""
        with self._lock:
            times, values = self._series[owner, what]
            i = bisect.bisect_left(times, moment)
            if i == 0 or i == len(times):
                raise LookupError(f"no readings of {owner} around {moment}")
            share = (moment - times[i - 1]) / (times[i] - times[i - 1])
            return values[i - 1] + share * (values[i] - values[i - 1])

    def rate(self, owner, what, start, end):
        """Increase a second between two moments."""
        return (self.at(owner, what, end) - self.at(owner, what, start)) / (end - start)

    def stop(self):
        self._stop.set()
        self._thread.join()
