# SPDX-License-Identifier: Apache-2.0
"""Values as Grafana writes them in the units that the dashboards use."""
import math

DURATIONS = ((86400 * 365, "years"), (86400, "days"), (3600, "hours"), (60, "mins"), (1, "s"), (1e-3, "ms"), (1e-6, "µs"))
SUFFIXES = {"Bps": "B/s", "ops": "ops/s", "iops": "io/s", "pps": "p/s", "reqps": "req/s", "short": "", "none": ""}


def _digits(value, decimals=None):
    if decimals is None:
        decimals = 0 if value == int(value) or abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 3
    return f"{value:.{decimals}f}"


def _scaled(value, base, prefixes, unit, decimals):
    step = 0
    while abs(value) >= base and step < len(prefixes) - 1:
        value, step = value / base, step + 1
    return f"{_digits(value, decimals)} {prefixes[step]}{unit}".strip()


def text(value, unit, decimals=None):
    if value is None or not math.isfinite(value):
        return "-"
    if unit == "percentunit":
        return _digits(value * 100, decimals) + "%"
    if unit == "bytes":
        return _scaled(value, 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB"), "", decimals)
    if unit == "s":
        scale, name = next(((scale, name) for scale, name in DURATIONS if abs(value) >= scale), (1, "s"))
        return f"{_digits(value / scale, decimals)} {name}"
    if unit == "Bps":
        return _scaled(value, 1000, ("", "k", "M", "G", "T"), SUFFIXES[unit], decimals)
    return _scaled(value, 1000, ("", "K", "Mil", "Bil"), (" " + SUFFIXES[unit]).rstrip(), decimals)
