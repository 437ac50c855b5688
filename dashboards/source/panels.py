# SPDX-License-Identifier: Apache-2.0
"""Panels as Grafana's JSON has them. Their place and id are given by dashboard.py; `size` is (width of 24, height)."""

PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
RATIO, CORES, BYTES, BYTES_PER_SECOND, SECONDS, COUNT = "percentunit", "short", "bytes", "Bps", "s", "short"
NEAR_LIMIT = (0.8, 0.95)  # of memory, of a disk: orange from the one, red from the other
BUSY = (0.8, 0.95)
THROTTLED = (0.25, 0.5)
PRESSURE = (0.1, 0.4)
ANY = (1,)  # one is too many
DASHED = {"fill": "dash", "dash": [10, 10]}


def thresholds(limits=(), colors=("green", "orange", "red")):
    """Steps at `limits`; a single one is red at once."""
    picked = [colors[0], colors[-1]] if len(limits) == 1 else colors
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for color, value in zip(picked, (None, *limits))]}


def floor(limits):
    """Steps of something that must not fall below `limits`, e.g. (1,): red below 1."""
    return thresholds(limits, ("red", "orange", "green"))


def values(names):
    """{value: (text, color)} as value mappings."""
    options = {str(value): {"text": text, "color": color, "index": index}
               for index, (value, (text, color)) in enumerate(names.items())}
    return [{"type": "value", "options": options}]


def link(title, uid, **variables):
    """A link to another dashboard that keeps the time range, the data source and the cluster."""
    keep = ["${__url_time_range}", "${datasource:queryparam}", "${cluster:queryparam}"]
    return {"title": title, "url": f"/d/{uid}?" + "&".join(keep + [f"var-{name}={value}" for name, value in variables.items()])}


def label(name):
    """In links of series: the series' label."""
    return "${__field.labels." + name + "}"


def cell(name):
    """In links of tables: another cell of the row, by its label."""
    return "${__data.fields." + name + "}"


def _targets(queries, instant, table=False):
    targets = []
    for index, (expression, legend) in enumerate(queries):
        targets.append({"datasource": PROMETHEUS, "editorMode": "code", "expr": expression, "instant": instant,
                        "range": not instant, "legendFormat": legend, "refId": chr(ord("A") + index),
                        "format": "table" if table else "time_series"})
    return targets


def panel(kind, title, description, unit, size, *, targets, options, custom, source=PROMETHEUS, limits=None, color="thresholds",
          links=(), mappings=(), overrides=(), **defaults):
    return {"type": kind, "title": title, "description": description, "datasource": source,
            "gridPos": {"w": size[0], "h": size[1]}, "targets": targets, "options": options,
            "fieldConfig": {"defaults": {"unit": unit, "color": {"mode": color}, "thresholds": limits or thresholds(),
                                         "mappings": list(mappings), "links": list(links), "custom": custom, **defaults},
                            "overrides": list(overrides)}}


def override(name, properties, matcher="byName"):
    return {"matcher": {"id": matcher, "options": name},
            "properties": [{"id": key, "value": value} for key, value in properties.items()]}


def limit_line(pattern, color="red"):
    """Series whose names match are limits: dashed, and in no stack."""
    return override(pattern, {"color": {"mode": "fixed", "fixedColor": color}, "custom.lineStyle": DASHED,
                              "custom.fillOpacity": 0, "custom.stacking": {"group": "A", "mode": "none"}}, "byRegexp")


def series_options(placement="bottom"):
    return {"legend": {"displayMode": "table", "placement": placement, "showLegend": True,
                       "calcs": ["mean", "max", "lastNotNull"], "sortBy": "Max", "sortDesc": True},
            "tooltip": {"mode": "multi", "sort": "desc"}}


def series_custom(stacked=False, show_limits=False):
    return {"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 40 if stacked else 10,
            "gradientMode": "none", "showPoints": "never", "spanNulls": False, "axisPlacement": "auto",
            "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
            "thresholdsStyle": {"mode": "dashed" if show_limits else "off"}}


def series(title, description, unit, queries, *, size=(12, 8), stacked=False, limits=(), **more):
    """Lines over time; `queries` are (expression, legend). `limits` are drawn as dashed lines."""
    more.setdefault("min", 0)
    return panel("timeseries", title, description, unit, size, targets=_targets(queries, instant=False),
                 options=series_options(), custom=series_custom(stacked, bool(limits)), color="palette-classic",
                 limits=thresholds(limits), **more)


def reduced():
    return {"calcs": ["lastNotNull"], "fields": "", "values": False}


def stat(title, description, unit, expression, *, size=(4, 4), limits=(), steps=None, graph=True, legend="", **more):
    """One number, with its course over time behind it unless it is of the whole range."""
    options = {"reduceOptions": reduced(), "orientation": "auto", "colorMode": "value", "graphMode": "area" if graph else "none",
               "justifyMode": "auto", "textMode": "auto", "wideLayout": True, "showPercentChange": False,
               "percentChangeColorMode": "standard"}
    return panel("stat", title, description, unit, size, targets=_targets([(expression, legend)], instant=not graph),
                 options=options, custom={}, limits=steps or thresholds(limits), **more)


def bars(title, description, unit, expression, legend, *, size=(12, 8), limits=(), **more):
    """The newest values as bars, in the order of the answer."""
    options = {"reduceOptions": reduced(), "orientation": "horizontal", "displayMode": "basic", "valueMode": "color",
               "namePlacement": "auto", "showUnfilled": True, "sizing": "auto", "minVizHeight": 16, "minVizWidth": 8,
               "maxVizHeight": 300}
    return panel("bargauge", title, description, unit, size, targets=_targets([(expression, legend)], instant=True),
                 options=options, custom={}, limits=thresholds(limits), min=0, **more)


def states(title, description, expression, legend, mappings, *, size=(12, 8), **more):
    """States over time as coloured bands."""
    options = {"mergeValues": True, "showValue": "never", "alignValue": "left", "rowHeight": 0.8,
               "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
               "tooltip": {"mode": "single", "sort": "none"}}
    return panel("state-timeline", title, description, "none", size, targets=_targets([(expression, legend)], instant=False),
                 options=options, custom={"fillOpacity": 70, "lineWidth": 0}, mappings=mappings, **more)


def column(title, unit, expression, limits=(), **properties):
    """A column of a table: the value of a query. With limits its cells are coloured."""
    shown = {"unit": unit, **properties}
    if limits:
        shown["thresholds"] = thresholds(limits)
        shown["custom.cellOptions"] = {"type": "color-text"}
    return title, expression, shown


def table_options(sort_by):
    return {"frameIndex": 0, "showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": sort_by, "desc": True}]}


def table(title, description, keys, columns, *, sort_by=None, size=(24, 10), links=None, hidden=()):
    """The newest values side by side, one row for each combination of the labels `keys` ({label: title}).

    `links` are those of a column, {title: [link]}; `hidden` are labels that a query cannot leave out.
    """
    queries = [(expression, "") for _, expression, _ in columns]
    # A single query's values have no letter.
    names = ["Value"] if len(columns) == 1 else [f"Value #{chr(ord('A') + index)}" for index in range(len(columns))]
    renamed = {**keys, **{name: title for name, (title, _, _) in zip(names, columns)}}
    organize = {"excludeByName": {name: True for name in ("Time", *hidden)},
                "indexByName": {name: index for index, name in enumerate(renamed)}, "renameByName": renamed}
    overrides = [override(title, properties) for title, _, properties in columns]
    overrides += [override(title, {"links": found}) for title, found in (links or {}).items()]
    result = panel("table", title, description, COUNT, size, targets=_targets(queries, instant=True, table=True),
                   options=table_options(sort_by or columns[0][0]), overrides=overrides,
                   custom={"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True, "inspect": False})
    result["transformations"] = [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]
    return result
