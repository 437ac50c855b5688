# SPDX-License-Identifier: Apache-2.0
"""A metrics page in the Prometheus text format, read without the project's own parser."""
import re
import time

SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Page:
    """samples: [(name, {label: value}, value)]"""

    def __init__(self, text):
        self.text = text
        self.samples = []
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            match = SAMPLE.match(line)
            if not match:
                raise ValueError(f"not a sample: {line!r}")
            labels = {key: re.sub(r'\\[\\"n]', lambda m: ESCAPES[m.group()], value)
                      for key, value in LABEL.findall(match.group(2) or "")}
            self.samples.append((match.group(1), labels, float(match.group(3))))

    def all(self, name, **labels):
        """[(labels, value)] of the samples with this name and at least these labels."""
        return [(have, value) for sample, have, value in self.samples
                if sample == name and all(have.get(key) == want for key, want in labels.items())]

    def value(self, name, **labels):
        """The value of the one sample with this name and at least these labels."""
        found = self.all(name, **labels)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} samples of {name}{labels}, want 1")
        return found[0][1]

    def labels(self, name, **labels):
        """The labels of the one such sample."""
        found = self.all(name, **labels)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} samples of {name}{labels}, want 1")
        return found[0][0]

    def names(self):
        return {name for name, _, _ in self.samples}


class Scraper:
    """Scrapes one exporter so that each page is newly read.

    The exporter shares a page that is under one second old between its clients, so the next fetch waits that long.
    """

    SHARED_SECONDS = 0.5

    def __init__(self, program):
        self.program = program
        self._last = 0.0

    def settle(self):
        """Waits until the next page is a new one."""
        time.sleep(max(0.0, self._last + self.SHARED_SECONDS + 0.1 - time.monotonic()))

    def page(self):
        self.settle()
        answer = self.program.get("/metrics")
        self._last = time.monotonic()
        if answer.status != 200:
            raise AssertionError(f"/metrics answers {answer.status}: {answer.text[:300]}")
        return Page(answer.text)
