# SPDX-License-Identifier: Apache-2.0
"""The table of bench/compare.py: medians of the runs, ratios, and what the answers differ by."""
import statistics

OURS = "cloud-monitor"
# (measure, unit, budget). Budgets are those of 100 nodes x 100 pods, 10 s, 360 buckets.
ROWS = [("CPU for 1M scraped samples", "s", 0.5),
        ("CPU of the targets for 1M samples", "s", None),
        ("memory of a series", "B", 400),
        ("memory of a series, peak", "B", None),
        ("disk, a stored value, compacted", "B", 0.88),  # 0.6, and 100 B a series once
        ("disk, a stored value, as stopped", "B", None),
        ("disk, a scraped sample, compacted", "B", None),
        ("newest memory of all pods, p50", "ms", 20),
        ("newest memory of all pods, p99", "ms", None),
        ("newest memory of all pods, 4 clients, p50", "ms", 60),
        ("newest memory of all pods, 4 clients, p99", "ms", None),
        ("one pod, 120 buckets, p50", "ms", 0.1),
        ("one pod, 120 buckets, p99", "ms", 1),
        ("one pod, whole run, p50", "ms", None),
        ("one pod, whole run, p99", "ms", None),
        ("memory by deployment, 120 buckets, p50", "ms", 15),
        ("memory by deployment, 120 buckets, p99", "ms", None),
        ("memory by deployment, whole run, p50", "ms", None),
        ("memory by deployment, whole run, p99", "ms", None),
        ("CPU by namespace, newest, p50", "ms", 1),
        ("CPU by namespace, newest, p99", "ms", None)]
# What bursts of a single moment say differs from program to program.
NOT_COMPARED = "CPU by namespace, newest"
MOST_DIFFERENCE = 0.05


def _medians(runs, part, key, pick=lambda value: value):
    """{contender: median} of one figure."""
    found = {}
    for run in runs:
        found.setdefault(run["contender"], []).append(pick(run[part][key]))
    return {name: statistics.median(values) for name, values in found.items()}


def _ratios(values):
    ours = values.get(OURS)
    return {name: ours / value for name, value in values.items() if name != OURS and ours is not None and value}


def _check(runs, question):
    members = _medians(runs, "answers", question, lambda answer: answer["members"])
    means = _medians(runs, "answers", question, lambda answer: answer["mean"])
    low, high = min(means.values()), max(means.values())
    difference = (high - low) / high if high else 0.0
    agree = len(set(members.values())) == 1 and (difference <= MOST_DIFFERENCE or question == NOT_COMPARED)
    return {"question": question, "members": members, "means": means, "difference": difference, "agree": agree}


def summary(runs):
    """{"rows": [...], "checks": [...]}, as they go into the JSON."""
    rows = []
    for name, unit, budget in ROWS:
        values = _medians(runs, "measures", name)
        rows.append({"name": name, "unit": unit, "values": values, "ratios": _ratios(values), "budget": budget})
    return {"rows": rows, "checks": [_check(runs, question) for question in runs[0]["answers"]]}


def _number(value):
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _aligned(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                               for column, (cell, width) in enumerate(zip(line, widths))) for line in lines)


def text(result):
    """The table as it is printed."""
    names = list(dict.fromkeys(run["contender"] for run in result["runs"]))
    peers = [name for name in names if name != OURS] if OURS in names else []
    lines = [["", "unit", *names, *(f"ours / {name}" for name in peers), "budget*"]]
    for row in result["rows"]:
        lines.append([row["name"], row["unit"], *(_number(row["values"].get(name)) for name in names),
                      *(_number(row["ratios"].get(name)) for name in peers), _number(row["budget"])])
    checks = [["answers: members, mean", *names, "differ by", ""]]
    for check in result["checks"]:
        checks.append([check["question"],
                       *(f"{check['members'][name]:.0f}, {check['means'][name]:.6g}" for name in names),
                       f"{check['difference']:.1%}", "" if check["agree"] else "DISAGREE"])
    settings = result["settings"]
    heading = (f"{settings['targets']} nodes x {settings['pods']} pods x 12 series, every {settings['interval']} s, "
               f"{settings['scrapes']} rounds, {settings['runs']} runs; load average "
               + " ".join(f"{load:.1f}" for load in result["machine"]["load_average"]))
    return "\n\n".join([heading, _aligned(lines), "* of 100 x 100, every 10 s, 360 rounds",
                        _aligned(checks)])
