# SPDX-License-Identifier: Apache-2.0
"""Panels and their data as HTML with SVG in it: for a picture of a dashboard, without Grafana."""
import html
import math
import re
import time

from source import units
from source.data import legend

GREY, LINE, COLORS = "#8e8e99", "#2c2f36", {"green": "#73bf69", "orange": "#ff9830", "red": "#f2495c"}
PALETTE = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#b877d9", "#8ab8ff", "#f2495c", "#96d98d", "#ffee52", "#ca95e5", "#56a64b",
           "#ffb357", "#3274d9", "#e02f44")
LEGEND_LINE, AXIS_LEFT, AXIS_BOTTOM = 17, 62, 18


def esc(text):
    return html.escape(str(text))


def color_at(value, thresholds):
    reached = [step["color"] for step in thresholds["steps"] if step["value"] is None or value >= step["value"]]
    return COLORS.get(reached[-1], reached[-1])


def newest(points):
    return next((value for _, value in reversed(points) if math.isfinite(value)), None)


def ticks(top):
    """About four round steps from 0 to `top`."""
    rough = top / 4
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
    return [step * index for index in range(math.ceil(top / step - 1e-9) + 1)]


def binary_ticks(top):
    """Likewise for bytes: round in powers of 1024."""
    scale = 1024 ** math.floor(math.log(top, 1024))
    return [tick * scale for tick in ticks(top / scale)]


def stacked(series):
    """Each series' points on top of those before it: [(time, from, to)]."""
    floor, result = {}, []
    for points in series:
        result.append([(at, floor.get(at, 0), floor.get(at, 0) + value) for at, value in points])
        floor.update({at: high for at, _, high in result[-1]})
    return result


def path(points, x, y):
    return " ".join(f"{'M' if index == 0 else 'L'}{x(at):.1f},{y(value):.1f}" for index, (at, value) in enumerate(points))


class Axes:
    """From values to places in a chart of this size; the time range is that of the view."""

    def __init__(self, width, height, view, top, unit):
        self.width, self.height, self.unit = width, height, unit
        self.start, self.end = view.end - view.seconds, view.end
        self.marks = (binary_ticks if unit == "bytes" else ticks)(top or 1)

    def x(self, at):
        return AXIS_LEFT + (at - self.start) / (self.end - self.start) * (self.width - AXIS_LEFT - 8)

    def y(self, value):
        return 6 + (1 - value / self.marks[-1]) * (self.height - AXIS_BOTTOM - 6)

    def draw(self):
        for mark in self.marks:
            yield (f'<line x1="{AXIS_LEFT}" x2="{self.width - 8}" y1="{self.y(mark):.1f}" y2="{self.y(mark):.1f}" stroke="{LINE}"/>'
                   f'<text x="{AXIS_LEFT - 6}" y="{self.y(mark) + 4:.1f}" text-anchor="end">{esc(units.text(mark, self.unit))}</text>')
        step = next(step for step in (60, 120, 300, 600, 900, 1800, 3600, 10800, 86400) if (self.end - self.start) / step <= 7)
        for at in range(math.ceil(self.start / step) * step, int(self.end) - step // 4, step):
            yield f'<text x="{self.x(at):.1f}" y="{self.height - 2}" text-anchor="middle">{time.strftime("%H:%M", time.gmtime(at))}</text>'


def lines_of(panel, view):
    """[(name, points, is a limit)], the largest first."""
    limits = [item["matcher"]["options"] for item in panel["fieldConfig"]["overrides"] if item["matcher"]["id"] == "byRegexp"]
    result = []
    for target in panel["targets"]:
        for labels, points in view.ask(target):
            name = legend(target, labels)
            points = [(at, value) for at, value in points if math.isfinite(value)]
            if points:
                result.append((name, points, any(re.search(limit, name) for limit in limits)))
    return sorted(result, key=lambda item: -max(value for _, value in item[1]))


def chart(panel, view, width, height):
    lines, unit = lines_of(panel, view), panel["fieldConfig"]["defaults"]["unit"]
    if not lines:
        return ""
    custom = panel["fieldConfig"]["defaults"]["custom"]
    stack = custom["stacking"]["mode"] == "normal"
    usual = [points for _, points, is_limit in lines if not is_limit]
    areas = stacked(usual) if stack else [[(at, 0, value) for at, value in points] for points in usual]
    limits = [value for _, points, is_limit in lines if is_limit for _, value in points]
    top = max([high for area in areas for _, _, high in area] + limits)
    shown = min(len(lines), 5)
    axes = Axes(width, height - 22 - LEGEND_LINE * shown, view, top * 1.05, unit)
    svg, rows, next_area = list(axes.draw()), [], iter(areas)
    for index, (name, points, is_limit) in enumerate(lines):
        color = COLORS["red"] if is_limit else PALETTE[index % len(PALETTE)]
        if is_limit:
            svg.append(f'<path d="{path(points, axes.x, axes.y)}" fill="none" stroke="{color}" stroke-dasharray="8 6"/>')
        else:
            area = next(next_area)
            upper, lower = [(at, high) for at, _, high in area], [(at, low) for at, low, _ in reversed(area)]
            svg.append(f'<path d="{path(upper + lower, axes.x, axes.y)}Z" fill="{color}" fill-opacity="{custom["fillOpacity"] / 100}"/>'
                       f'<path d="{path(upper, axes.x, axes.y)}" fill="none" stroke="{color}" stroke-width="1.3"/>')
        if index < shown:
            rows.append(legend_row(name, color, [value for _, value in points], unit))
    return (f'<svg width="{axes.width}" height="{axes.height}">{"".join(svg)}</svg>'
            f'<table class="legend"><tr><th></th><th>Mean</th><th>Max</th><th>Last</th></tr>{"".join(rows)}</table>')


def legend_row(name, color, values, unit):
    cells = "".join(f"<td>{esc(units.text(value, unit))}</td>" for value in (sum(values) / len(values), max(values), values[-1]))
    return f'<tr><td class="name"><i style="background:{color}"></i>{esc(name)}</td>{cells}</tr>'


def stat(panel, view, width, height):
    defaults = panel["fieldConfig"]["defaults"]
    found = [points for _, points in view.ask(panel["targets"][0])]
    points = found[0] if found else []
    value = newest(points)
    color = color_at(value, defaults["thresholds"]) if value is not None else GREY
    shown = units.text(value, defaults["unit"], defaults.get("decimals"))
    svg = ""
    if len(points) > 1 and max(value for _, value in points) > 0:
        top, bottom = max(value for _, value in points), min(value for _, value in points)
        span, rise = points[-1][0] - points[0][0], (top - bottom) or top
        line = path(points, lambda at: (at - points[0][0]) / span * width, lambda value: 44 - 34 * (value - bottom) / rise)
        svg = (f'<svg class="spark" viewBox="0 0 {width} 48" preserveAspectRatio="none">'
               f'<path d="{line} L{width},48 L0,48Z" fill="{color}" fill-opacity=".18"/>'
               f'<path d="{line}" fill="none" stroke="{color}"/></svg>')
    return f'<div class="stat" style="color:{color};height:{height}px">{esc(shown)}</div>{svg}'


def bars(panel, view, width, height):
    defaults, target = panel["fieldConfig"]["defaults"], panel["targets"][0]
    found = sorted(((newest(points), legend(target, labels)) for labels, points in view.ask(target) if newest(points) is not None),
                   reverse=True)[:max(1, height // 26)]
    top = defaults.get("max") or max((value for value, _ in found), default=1) or 1
    rows = []
    for value, name in found:
        color = color_at(value, defaults["thresholds"])
        rows.append(f'<tr><td class="name">{esc(name)}</td><td class="bar"><div style="width:{min(value / top, 1) * 100:.1f}%;'
                    f'background:{color}"></div></td><td style="color:{color}">{esc(units.text(value, defaults["unit"]))}</td></tr>')
    return f'<table class="bars">{"".join(rows)}</table>' if rows else ""


def merged(panel, view):
    """(keys, {values of the keys: {column: value}}) of a table's queries."""
    (renamed,) = (item["options"]["renameByName"] for item in panel["transformations"] if item["id"] == "organize")
    keys = [name for name in renamed if not name.startswith("Value")]
    rows = {}
    for target in panel["targets"]:
        title = renamed.get(f"Value #{target['refId']}", renamed.get("Value"))
        for labels, points in view.ask(target):
            rows.setdefault(tuple(labels.get(key, "") for key in keys), {})[title] = points[-1][1]
    return {key: renamed[key] for key in keys}, rows


def table(panel, view, width, height):
    keys, rows = merged(panel, view)
    used = [index for index, key in enumerate(keys) if any(row[index] for row in rows)]
    properties = {item["matcher"]["options"]: {part["id"]: part["value"] for part in item["properties"]}
                  for item in panel["fieldConfig"]["overrides"]}
    columns = [title for title, found in properties.items() if "unit" in found]
    by = panel["options"]["sortBy"][0]["displayName"]
    ordered = sorted(rows.items(), key=lambda item: -item[1].get(by, 0))[:max(1, (height - 26) // 26)]
    titles = [list(keys.values())[index] for index in used] + columns
    head = "".join(f"<th>{esc(title)}</th>" for title in titles)
    body = []
    for names, cells in ordered:
        shown = "".join(f"<td class='link'>{esc(names[index])}</td>" for index in used)
        for title in columns:
            value, found = cells.get(title), properties[title]
            color = color_at(value, found["thresholds"]) if value is not None and "thresholds" in found else "inherit"
            shown += f'<td style="color:{color}">{esc(units.text(value, found["unit"], found.get("decimals")))}</td>'
        body.append(f"<tr>{shown}</tr>")
    return f'<table class="rows"><tr>{head}</tr>{"".join(body)}</table>'


def states(panel, view, width, height):
    (target,), mapping = panel["targets"], panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    rows = []
    for labels, points in view.ask(target):
        cells = "".join(f'<rect x="{(at - view.end + view.seconds) / view.seconds * 100:.2f}%" height="16" '
                        f'width="{view.step / view.seconds * 100 + .1:.2f}%" fill="{COLORS[mapping[str(int(value))]["color"]]}"/>'
                        for at, value in points)
        rows.append(f'<tr><td class="name">{esc(legend(target, labels))}</td>'
                    f'<td class="bar"><svg width="100%" height="16">{cells}</svg></td></tr>')
    return f'<table class="bars">{"".join(rows[:max(1, height // 26)])}</table>'


KINDS = {"timeseries": chart, "stat": stat, "bargauge": bars, "table": table, "state-timeline": states}
STYLE = """body{margin:0;background:#111217;color:#d0d1d8;font:12px 'DejaVu Sans',sans-serif;position:relative}
h1{font-size:17px;font-weight:normal;margin:0;padding:12px 16px}
h1 span{color:#8e8e99;font-size:12px;margin-left:18px}
h1 b{color:#d0d1d8;font-weight:normal}
section,h2{position:absolute;box-sizing:border-box}h2{margin:0;font-size:14px;font-weight:normal;padding:8px 2px 0}
section{background:#181b1f;border:1px solid #24272d;border-radius:3px;overflow:hidden;padding:6px 8px}
h3{margin:0 0 4px;font-size:12.5px;font-weight:600}svg text{fill:#8e8e99;font-size:10.5px}
table{border-collapse:collapse;width:100%;font-size:11px}td,th{text-align:right;padding:0 6px;white-space:nowrap;font-weight:normal}
.legend td,.legend th{height:16px;color:#a9abb3}.legend th{color:#5794f2}
.legend .name{text-align:left;width:70%;max-width:0;overflow:hidden;text-overflow:ellipsis}
.legend i{display:inline-block;width:12px;height:4px;border-radius:2px;margin:0 6px 2px 0}
.stat{font-size:27px;display:flex;align-items:center;justify-content:center;padding-bottom:10px;box-sizing:border-box}
.nothing{font-size:14px;color:#8e8e99;height:80%}.spark{position:absolute;left:0;bottom:0;width:100%;height:48px}
.bars td{height:24px}.bars .name{text-align:left;width:38%;max-width:0;overflow:hidden;text-overflow:ellipsis}
.bars .bar div{height:14px;border-radius:2px;min-width:1px}.bars .bar{width:45%}
.rows th{text-align:left;color:#8e8e99;height:24px;border-bottom:1px solid #2c2f36}
.rows td{text-align:left;height:24px;border-bottom:1px solid #22252b}
.rows .link{color:#6e9fff}"""
# Of a cell of Grafana's grid, in pixels.
CELL_WIDTH, CELL_HEIGHT, GAP, TITLE = 60, 36, 8, 46


def page(view, panels):
    """(HTML, width, height) of these panels of a view; their places are theirs, moved up to the top."""
    first = min(item["gridPos"]["y"] for item in panels)
    parts = []
    for item in panels:
        place = item["gridPos"]
        left, top = place["x"] * CELL_WIDTH + GAP, (place["y"] - first) * CELL_HEIGHT + TITLE
        width, height = place["w"] * CELL_WIDTH - GAP, place["h"] * CELL_HEIGHT - GAP
        box = f'style="left:{left}px;top:{top}px;width:{width}px;height:{height}px"'
        title = esc(view.fill(item["title"]))
        if item["type"] == "row":
            parts.append(f"<h2 {box}>{title}</h2>")
        else:
            body = KINDS[item["type"]](item, view, width - 18, height - 36) or '<div class="stat nothing">No data</div>'
            parts.append(f"<section {box}><h3>{title}</h3>{body}</section>")
    span = f"{view.seconds // 60} minutes"
    chosen = "".join(f"<span>{esc(item['label'])}: <b>{esc(view.shown[item['name']])}</b></span>"
                     for item in view.dashboard["templating"]["list"] if item["type"] == "query" and not item["hide"])
    head = f'<h1>{esc(view.dashboard["title"])}{chosen}<span>Last {span}</span></h1>'
    bottom = max(item["gridPos"]["y"] + item["gridPos"]["h"] for item in panels) - first
    text = f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style>{head}{"".join(parts)}'
    return text, 24 * CELL_WIDTH + GAP, bottom * CELL_HEIGHT + TITLE
