# SPDX-License-Identifier: Apache-2.0
"""Pieces of PromQL. `where` is what stands between the braces of a selector."""

EXPORTER = 'cluster=~"$cluster", job=~"$job"'
# With several clusters in one Prometheus their nodes and namespaces may have the same names.
PER_POD = "cluster, namespace, pod"


def gauge(metric, where):
    return f"{metric}{{{where}}}"


def rate(metric, where):
    return f"rate({metric}{{{where}}}[$__rate_interval])"


def increase(metric, where, over="$__range"):
    """Over the time range that the dashboard shows, or `over` another."""
    return f"increase({metric}{{{where}}}[{over}])"


def changes(metric, where, over="$__range"):
    return f"changes({metric}{{{where}}}[{over}])"


def total(expression, by=""):
    return f"sum by ({by}) ({expression})" if by else f"sum({expression})"


def highest(expression, by=""):
    return f"max by ({by}) ({expression})" if by else f"max({expression})"


def count(expression, by=""):
    return f"count by ({by}) ({expression})" if by else f"count({expression})"


def top(number, expression):
    return f"topk({number}, {expression})"


def cpu_limit(where, by):
    """Cores that the containers with a quota may use."""
    quota, period = gauge("container_spec_cpu_quota", where), gauge("container_spec_cpu_period", where)
    return total(f"{quota} / {period}", by)


def memory_limit(where, by):
    return total(f"{gauge('container_spec_memory_limit_bytes', where)} > 0", by)


def limited_memory(where, by):
    """The working sets of the containers that have a limit, to be held against the limits' sum."""
    has_limit = f"{gauge('container_spec_memory_limit_bytes', where)} > 0"
    return total(f"{gauge('container_memory_working_set_bytes', where)} and ({has_limit})", by)


def limited_cpu(where, by):
    return total(f"{rate('container_cpu_usage_seconds_total', where)} and {gauge('container_spec_cpu_quota', where)}", by)


def throttled(where, by):
    """The share of the quota's periods in which it was used up."""
    return (f"{total(rate('container_cpu_cfs_throttled_periods_total', where), by)} / "
            f"{total(rate('container_cpu_cfs_periods_total', where), by)}")
