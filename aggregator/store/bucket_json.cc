// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bucket_json.h"

#include <charconv>
#include <cstdlib>

#include "aggregator/store/json_scanner.h"

namespace cloudmon::store {
namespace {

void AppendInt(std::string& out, std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

// Rates are kept as tenths: 124 is 12.4.
void AppendValue(std::string& out, bool rate, std::int64_t value) {
  if (!rate) return AppendInt(out, value);
  if (value < 0 && value > -series::kRateScale) out += '-';
  AppendInt(out, value / series::kRateScale);
  if (const std::int64_t tenth = value % series::kRateScale; tenth != 0) {
    out += '.';
    AppendInt(out, std::abs(tenth));
  }
}

void AppendName(std::string& out, std::string_view name) {
  out += '"';
  out += name;
  out += "\":";
}

void AppendColumn(std::string& out, const ColumnBlock::Column& column, std::size_t rows) {
  const bool rate = IsRate(column.field());
  out += ',';
  AppendName(out, series::InfoOf(column.field()).name);
  for (std::size_t row = 0; row < rows; ++row) {
    out += row == 0 ? '[' : ',';
    if (column.Has(row)) {
      AppendValue(out, rate, column.Get(row));
    } else {
      out += "null";
    }
  }
  out += ']';
}

void AppendCluster(std::string& out, const series::Point& point) {
  out += ',';
  AppendName(out, kClusterName);
  char separator = '{';
  for (const series::FieldInfo& info : series::kFields) {
    if (!point.Has(info.field)) continue;
    out += separator;
    separator = ',';
    AppendName(out, info.name);
    AppendValue(out, IsRate(info.field), point.Get(info.field));
  }
  out += point.empty() ? "{}" : "}";
}

bool ParseColumn(JsonScanner& scanner, series::Field field, std::vector<series::Point>& points) {
  std::size_t row = 0;
  return scanner.Array([&] {
    if (row == points.size()) points.emplace_back();
    series::Point& point = points[row++];
    return scanner.ValueOrNull(field, point);
  });
}

bool ParseMember(JsonScanner& scanner, std::string_view name, Document& out) {
  if (name == "time") return scanner.Int(out.time_seconds);
  if (name == kClusterName) return scanner.Values(out.cluster.emplace());
  if (name == "series") {
    return scanner.Array([&] {
      std::int64_t id = 0;
      if (!scanner.Int(id)) return false;
      out.ids.push_back(id);
      return true;
    });
  }
  const auto field = series::FieldByName(name);
  return field ? ParseColumn(scanner, *field, out.points) : scanner.Skip();
}

}  // namespace

std::string_view DocumentName(series::Kind kind) {
  switch (kind) {
    case series::Kind::kPod:
      return "pods";
    case series::Kind::kNamespace:
      return "namespaces";
    case series::Kind::kDeployment:
      return "deployments";
    case series::Kind::kNode:
    case series::Kind::kCluster:
      return "nodes";
  }
  return "nodes";
}

std::optional<series::Kind> DocumentKindByName(std::string_view name) {
  for (const series::Kind kind : kDocumentKinds) {
    if (DocumentName(kind) == name) return kind;
  }
  return std::nullopt;
}

void WriteDocument(std::string& out, std::int64_t time_seconds, const std::vector<std::int64_t>& ids,
                   const ColumnBlock& columns, const series::Point* cluster) {
  out += R"({"time":)";
  AppendInt(out, time_seconds);
  out += R"(,"series":[)";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) out += ',';
    AppendInt(out, ids[i]);
  }
  out += ']';
  for (std::size_t c = 0; c < columns.column_count(); ++c) AppendColumn(out, columns.column(c), columns.rows());
  if (cluster != nullptr) AppendCluster(out, *cluster);
  out += '}';
}

Status ParseDocument(std::string_view text, Document& out) {
  out.time_seconds = 0;
  out.ids.clear();
  out.points.clear();
  out.cluster.reset();
  JsonScanner scanner(text);
  std::string_view last;
  const bool good = scanner.Object([&](std::string_view name) {
    last = name;
    return ParseMember(scanner, name, out);
  });
  if (!good || !scanner.AtEnd()) {
    return Error{ErrorCode::kParse,
                 "'" + std::string(last) + "': not the JSON of a bucket at offset " + std::to_string(scanner.offset())};
  }
  if (out.points.size() > out.ids.size()) {
    return Error{ErrorCode::kParse, "'series': " + std::to_string(out.ids.size()) + " numbers for columns of " +
                                        std::to_string(out.points.size()) + " values"};
  }
  out.points.resize(out.ids.size());  // series without any value
  return Status::Ok();
}

}  // namespace cloudmon::store
