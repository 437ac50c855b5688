// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/query.h"

#include <algorithm>
#include <array>
#include <bitset>

#include "aggregator/api/time_text.h"
#include "common/text.h"

namespace cloudmon::api {
namespace {

using series::Field;

// What is known while the pairs are being read; checks between parameters come after.
struct Parsed {
  SeriesQuery query;
  std::int64_t interval_seconds = 0;
  bool has_window = false;
  std::optional<std::int64_t> start_ms, end_ms;
};

Error Invalid(std::string message) {
  return {ErrorCode::kInvalid, std::move(message)};
}

std::string FieldNames() {
  std::string names;
  for (const auto& info : series::kFields) {
    if (!names.empty()) names += ", ";
    names += info.name;
  }
  return names;
}

Status SetWindow(Parsed& parsed, std::string_view value) {
  const auto span = ParseSpanSeconds(value);
  if (!span.ok()) return span.error();
  parsed.query.window_seconds = FloorTo(span.value() + parsed.interval_seconds - 1, parsed.interval_seconds);
  parsed.has_window = true;
  return Status::Ok();
}

Status SetInstant(std::optional<std::int64_t>& out_ms, std::string_view value) {
  const auto ms = ParseInstantMs(value);
  if (!ms.ok()) return ms.error();
  out_ms = ms.value();
  return Status::Ok();
}
Status SetStart(Parsed& parsed, std::string_view value) {
  return SetInstant(parsed.start_ms, value);
}
Status SetEnd(Parsed& parsed, std::string_view value) {
  return SetInstant(parsed.end_ms, value);
}

Status SetStep(Parsed& parsed, std::string_view value) {
  const auto span = ParseSpanSeconds(value);
  if (!span.ok()) return span.error();
  if (span.value() % parsed.interval_seconds != 0) {
    return Invalid("expected a multiple of the interval, " + std::to_string(parsed.interval_seconds) + " s, got " +
                   Quoted(value));
  }
  parsed.query.step_seconds = span.value();
  return Status::Ok();
}

Status SetFields(Parsed& parsed, std::string_view value) {
  std::bitset<series::kFieldCount> wanted;
  for (const std::string& name : text::SplitList(value, ',')) {
    const auto field = series::FieldByName(name);
    if (!field) return Invalid("unknown field " + Quoted(name) + "; known are " + FieldNames());
    wanted.set(static_cast<std::size_t>(*field));
  }
  if (wanted.none())
    return Invalid("expected a comma list of fields, got " + Quoted(value) + "; known are " + FieldNames());
  std::erase_if(parsed.query.fields,
                [&](const series::FieldInfo& info) { return !wanted.test(static_cast<std::size_t>(info.field)); });
  return Status::Ok();
}

Status SetFilter(std::string& out, std::string_view value) {
  if (value.empty()) return Invalid("expected a name, got ''; leave the parameter out to match all");
  out = value;
  return Status::Ok();
}
Status SetNode(Parsed& parsed, std::string_view value) {
  return SetFilter(parsed.query.node, value);
}
Status SetNamespace(Parsed& parsed, std::string_view value) {
  return SetFilter(parsed.query.ns, value);
}
Status SetDeployment(Parsed& parsed, std::string_view value) {
  return SetFilter(parsed.query.deployment, value);
}
Status SetPod(Parsed& parsed, std::string_view value) {
  return SetFilter(parsed.query.pod, value);
}

Status SetSort(Parsed& parsed, std::string_view value) {
  SortOrder& sort = parsed.query.sort;
  std::string_view name = value;
  if (name.starts_with('-')) {
    sort.descending = true;
    name.remove_prefix(1);
  }
  if (name == "time" || name == "name") {
    sort.by = name == "time" ? SortBy::kTime : SortBy::kName;
    return Status::Ok();
  }
  const auto field = series::FieldByName(name);
  if (!field) {
    return Invalid("expected time, name or a field, with '-' before it for descending, got " + Quoted(value) +
                   "; fields are " + FieldNames());
  }
  sort.by = SortBy::kField;
  sort.field = *field;
  return Status::Ok();
}

Status SetLimit(Parsed& parsed, std::string_view value) {
  const auto count = text::ParseU64(value);
  if (!count.ok() || count.value() == 0) {
    return Invalid("expected a whole number of members, 1 or more, got " + Quoted(value));
  }
  parsed.query.limit = count.value();
  return Status::Ok();
}

Status SetFormat(Parsed& parsed, std::string_view value) {
  if (value != "entries" && value != "columns") return Invalid("expected entries or columns, got " + Quoted(value));
  parsed.query.format = value == "columns" ? OutputFormat::kColumns : OutputFormat::kEntries;
  return Status::Ok();
}

// The one table of parameters: parser, messages and documentation read it.
struct Parameter {
  std::string_view name, meaning, default_text;
  Status (*set)(Parsed&, std::string_view value);
};

constexpr std::array<Parameter, 12> kParameters{{
    {"window",
     "seconds, or `30s`, `5m`, `2h`, `1d`, back from the end of the newest complete bucket; rounded up to whole "
     "intervals; not together with `start` or `end`",
     "one interval: the newest complete bucket", SetWindow},
    {"start", "first bucket start, inclusive: Unix seconds or RFC 3339 (`2026-11-22T17:40:10Z`)", "the oldest bucket",
     SetStart},
    {"end", "last bucket start, exclusive: Unix seconds or RFC 3339", "after the newest bucket", SetEnd},
    {"step",
     "a multiple of the interval: one entry for each step, on multiples of it; gauges, millicores and rates are "
     "averaged "
     "over the buckets there are, totals are the last",
     "the interval", SetStep},
    {"fields", "comma list of the value fields wanted", "all", SetFields},
    {"node", "only members on this node (pods, nodes)", "all", SetNode},
    {"namespace", "only members of this namespace (pods, deployments, namespaces)", "all", SetNamespace},
    {"deployment", "only members of this deployment (pods, deployments)", "all", SetDeployment},
    {"pod", "only pods of this name (pods)", "all", SetPod},
    {"sort",
     "`time`, `name` or a field, descending with `-` before it. `time` orders entries by time, then name; the others "
     "keep the entries of one member together and order members, by a field's newest value with those without it last",
     "`time`", SetSort},
    {"limit", "at most this many members, the first in the order of `sort` (by name where that is `time`)", "all",
     SetLimit},
    {"format", "`entries` or `columns`", "`entries`", SetFormat},
}};

std::string ParameterNames() {
  std::string names;
  for (const Parameter& parameter : kParameters) {
    if (!names.empty()) names += ", ";
    names += parameter.name;
  }
  return names;
}

std::int64_t SecondsUp(std::int64_t ms) {
  return (ms + 999) / 1000;
}

// Checks what concerns several parameters.
Result<SeriesQuery> Finish(Parsed parsed) {
  if (parsed.has_window && (parsed.start_ms || parsed.end_ms)) {
    return Invalid("window: not together with start or end; leave one of them out");
  }
  if (parsed.start_ms && parsed.end_ms && *parsed.start_ms > *parsed.end_ms) {
    return Invalid("start: expected a time that is not after end; swap start and end");
  }
  // A bucket's start is a whole second, so rounding up keeps both ">= start" and "< end" as they were.
  if (parsed.start_ms) parsed.query.start_seconds = SecondsUp(*parsed.start_ms);
  if (parsed.end_ms) parsed.query.end_seconds = SecondsUp(*parsed.end_ms);
  return std::move(parsed.query);
}

}  // namespace

Result<SeriesQuery> ParseSeriesQuery(const std::vector<std::pair<std::string, std::string>>& pairs,
                                     std::int64_t interval_seconds) {
  Parsed parsed;
  parsed.interval_seconds = interval_seconds;
  parsed.query.window_seconds = interval_seconds;
  parsed.query.step_seconds = interval_seconds;
  std::bitset<kParameters.size()> seen;
  for (const auto& [name, value] : pairs) {
    const auto* parameter =
        std::find_if(kParameters.begin(), kParameters.end(), [&](const Parameter& p) { return p.name == name; });
    if (parameter == kParameters.end()) {
      return Invalid("unknown parameter " + Quoted(name) + "; known are " + ParameterNames());
    }
    const auto index = static_cast<std::size_t>(parameter - kParameters.begin());
    if (seen.test(index)) return Invalid(name + ": given more than once; give it once");
    seen.set(index);
    if (const Status status = parameter->set(parsed, value); !status.ok()) {
      return Wrap(Invalid(status.error().message), name);
    }
  }
  return Finish(std::move(parsed));
}

TimeRange ResolveRange(const SeriesQuery& query, std::int64_t newest_bucket_seconds, std::int64_t now_ms,
                       std::int64_t interval_seconds) {
  const std::int64_t newest_end = newest_bucket_seconds + interval_seconds;
  if (query.start_seconds || query.end_seconds) {
    const std::int64_t end = std::min(query.end_seconds.value_or(newest_end), newest_end);
    return {std::min(query.start_seconds.value_or(0), end), end};
  }
  const std::int64_t stale_end = FloorTo(now_ms / 1000, interval_seconds) - 2 * interval_seconds;
  const std::int64_t end = std::max(newest_end, stale_end);
  return {std::max<std::int64_t>(0, end - query.window_seconds), end};
}

std::string ParametersMarkdown() {
  std::string rows;
  for (const Parameter& p : kParameters) {
    rows.append("| `").append(p.name).append("` | ").append(p.meaning).append(" | ").append(p.default_text);
    rows += " |\n";
  }
  return rows;
}

}  // namespace cloudmon::api
