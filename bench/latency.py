# SPDX-License-Identifier: Apache-2.0
"""How long answers take, asked over connections that stay open."""
import dataclasses
import http.client
import threading
import time

MOST_SECONDS = 60  # for one set of questions


@dataclasses.dataclass
class Latency:
    p50_ms: float
    p99_ms: float
    requests: int


def _ask(port, paths, times, deadline, took, failures):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=MOST_SECONDS)
    try:
        for number in range(times):
            begin = time.perf_counter()
            if begin > deadline:
                break
            connection.request("GET", paths[number % len(paths)])
            response = connection.getresponse()
            response.read()
            took.append((time.perf_counter() - begin) * 1e3)
            if response.status != 200:
                raise AssertionError(f"{paths[number % len(paths)]} answers {response.status}")
    except (OSError, http.client.HTTPException, AssertionError) as e:
        failures.append(e)
    finally:
        connection.close()


def _at(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def latencies(port, paths, times, clients=1):
    """Asks `times` questions, taking turns through the paths, as so many clients at once; each has its share."""
    took, failures = [], []
    deadline = time.perf_counter() + MOST_SECONDS
    threads = [threading.Thread(target=_ask, args=(port, paths, -(-times // clients), deadline, took, failures))
               for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    took.sort()
    return Latency(_at(took, 0.5), _at(took, 0.99), len(took))
