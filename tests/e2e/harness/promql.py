# SPDX-License-Identifier: Apache-2.0
"""PromQL as a tree, as far as the dashboards use it, and the dimension of what a query gives. Whether it is valid promtool says."""
import dataclasses
import re

TOKEN = re.compile(r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<range>\[[^\]]*\])|(?P<number>\d+(?:\.\d+)?)
    |(?P<name>[A-Za-z_:][\w:]*)|(?P<op>==|!=|>=|<=|=~|!~|[-+*/%^<>=(){},]))""", re.VERBOSE)
AGGREGATIONS = {"sum", "min", "max", "avg", "count", "topk", "bottomk"}
LEVELS = (("or",), ("and", "unless"), ("==", "!=", ">", "<", ">=", "<="), ("+", "-"), ("*", "/", "%"))


@dataclasses.dataclass
class Number:
    parts = ()


@dataclasses.dataclass
class Selector:
    metric: str
    matchers: list  # [(label, operator, text)]
    range: str = ""  # as written between the brackets
    parts = ()


@dataclasses.dataclass
class Call:
    function: str
    parts: list
    by: list = dataclasses.field(default_factory=list)  # of an aggregation


@dataclasses.dataclass
class Binary:
    operator: str
    parts: list


class _Parser:
    def __init__(self, text):
        self.tokens, at, text = [], 0, text.strip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise ValueError(f"not understood from here: {text[at:]}")
            self.tokens.append((found.lastgroup, found.group(found.lastgroup)))
            at = found.end()
        self.tokens.append(("end", ""))

    def next(self):
        return self.tokens.pop(0)

    def is_next(self, *texts):
        return self.tokens[0][1] in texts and self.tokens[0][0] != "string"

    def take(self, text):
        if not self.is_next(text):
            raise ValueError(f"{text} is missing before {self.tokens[0][1] or 'the end'}")
        return self.next()

    def expression(self, level=0):
        if level == len(LEVELS):
            return self.operand()
        left = self.expression(level + 1)
        while self.is_next(*LEVELS[level]):
            operator = self.next()[1]
            if self.is_next("bool"):
                self.next()
            left = Binary(operator, [left, self.expression(level + 1)])
        return left

    def operand(self):
        kind, text = self.next()
        if text == "(" and kind == "op":
            inner = self.expression()
            self.take(")")
            return inner
        if kind == "number":
            return Number()
        if kind != "name":
            raise ValueError(f"an expression does not begin with {text or 'nothing'}")
        by = self.labels() if self.is_next("by") else []
        if self.is_next("("):
            self.next()
            parts = []
            while not self.is_next(")"):
                parts.append(self.expression())
                if self.is_next(","):
                    self.next()
            self.next()
            return Call(text, parts, by)
        return self.selector(text)

    def labels(self):
        self.next()
        self.take("(")
        names = []
        while not self.is_next(")"):
            names.append(self.next()[1])
            if self.is_next(","):
                self.next()
        self.next()
        return names

    def selector(self, metric):
        matchers = []
        if self.is_next("{"):
            self.next()
            while not self.is_next("}"):
                matchers.append((self.next()[1], self.next()[1], self.next()[1].strip('"')))
                if self.is_next(","):
                    self.next()
            self.next()
        return Selector(metric, matchers, self.next()[1][1:-1] if self.tokens[0][0] == "range" else "")


def parse(text):
    """The tree of a query; Grafana's variables may stand in its strings and ranges. ValueError where it is none."""
    parser = _Parser(text)
    tree = parser.expression()
    parser.take("")
    return tree


def walk(tree, parents=()):
    """(node, its parents from the outermost on), depth first."""
    yield tree, parents
    for part in tree.parts:
        yield from walk(part, (*parents, tree))


def selectors(tree):
    return [node for node, _ in walk(tree) if isinstance(node, Selector)]


# What a metric counts or measures, by the first pattern that its name contains: powers of byte, second, packet, request, I/O.
MEASURES = (
    (r"network_.*_(packets|errors|errs|drop|dropped)_total$|_packets_dropped_total$", {"packet": 1}),
    (r"_fs_(reads|writes)_total$|_(reads|writes)_completed_total$", {"io": 1}),
    (r"http_requests_total$", {"request": 1}),
    (r"_bytes(_total)?$|container_memory_(rss|cache|mapped_file|swap)$", {"byte": 1}),
    (r"_seconds(_total)?$", {"second": 1}),
    (r"container_spec_cpu_(quota|period)$", {"second": 1}),  # both in microseconds
    (r"_total$|_info$|^up$|_up$|_success$|node_load\d+$|_spec_cpu_shares$|container_(processes|threads|threads_max)$|"
     r"_fds$|_targets$|_members$|_points$|_queue$|_documents$|_pods$|scrape_samples_scraped$", {}))
UNITS = {"percentunit": {}, "short": {}, "none": {}, "bytes": {"byte": 1}, "Bps": {"byte": 1, "second": -1}, "s": {"second": 1},
         "ops": {"second": -1}, "iops": {"io": 1, "second": -1}, "pps": {"packet": 1, "second": -1},
         "reqps": {"request": 1, "second": -1}}


def measure(metric):
    for pattern, dimension in MEASURES:
        if re.search(pattern, metric):
            return dimension
    raise ValueError(f"{metric}: what does it measure? promql.MEASURES does not say")


def _times(left, right, sign):
    powers = {key: left.get(key, 0) + sign * right.get(key, 0) for key in {*left, *right}}
    return {key: power for key, power in powers.items() if power}


def dimension(tree):
    """Powers as in MEASURES; None of a bare number, which agrees with all. ValueError where unlike things are added or compared."""
    if isinstance(tree, Number):
        return None
    if isinstance(tree, Selector):
        return measure(tree.metric)
    if isinstance(tree, Binary):
        left, right = map(dimension, tree.parts)
        if tree.operator in "*/%":
            return _times(left or {}, right or {}, 1 if tree.operator == "*" else -1)
        if tree.operator in ("and", "unless"):
            return left
        if None not in (left, right) and left != right:
            raise ValueError(f"{left} {tree.operator} {right}")
        return right if left is None else left
    if tree.function in ("count", "changes"):
        return {}
    if tree.function == "time":
        return {"second": 1}
    inner = dimension(tree.parts[-1])
    return _times(inner, {"second": 1}, -1) if tree.function in ("rate", "irate") else inner
