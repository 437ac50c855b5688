// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bucket_json.h"

#include <charconv>
#include <cstdlib>
#include <limits>

namespace cloudmon::store {
namespace {

constexpr std::string_view kAll = "__all__";

bool IsRate(series::Field field) {
  return series::InfoOf(field).field_class == series::FieldClass::kRate;
}

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
  AppendName(out, kAll);
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

// Reads JSON of the shape above from the front. Every function returns false on text that is not what it should be; the
// position is then where.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : begin_(text.data()), at_(begin_), end_(at_ + text.size()) {}

  [[nodiscard]] std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] bool AtEnd() {
    Blanks();
    return at_ == end_;
  }

  bool Take(char wanted) {
    Blanks();
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }

  // A string; escapes are kept as they are written, for none of our names has one.
  bool String(std::string_view& out) {
    if (!Take('"')) return false;
    const char* const first = at_;
    for (; at_ != end_ && *at_ != '"'; ++at_) {
      if (*at_ == '\\' && ++at_ == end_) return false;
    }
    if (at_ == end_) return false;
    out = {first, static_cast<std::size_t>(at_ - first)};
    ++at_;
    return true;
  }

  bool Int(std::int64_t& out) {
    Blanks();
    const auto [rest, error] = std::from_chars(at_, end_, out);
    if (error != std::errc{}) return false;
    at_ = rest;
    return true;
  }

  // A number with at most one decimal, in tenths.
  bool Tenths(std::int64_t& out) {
    Blanks();
    const bool negative = at_ != end_ && *at_ == '-';
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / series::kRateScale - 1;
    std::int64_t whole = 0;
    if (!Int(whole) || whole > kMost || whole < -kMost) return false;
    std::int64_t tenth = 0;
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      if (at_ == end_ || *at_ < '0' || *at_ > '9') return false;
      tenth = *at_++ - '0';
    }
    out = whole * series::kRateScale + (negative ? -tenth : tenth);
    return true;
  }

  bool Value(series::Field field, bool rate, series::Point& out) {
    std::int64_t value = 0;
    if (!(rate ? Tenths(value) : Int(value))) return false;
    out.Set(field, value);
    return true;
  }

  bool Null() {
    Blanks();
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with("null")) return false;
    at_ += 4;
    return true;
  }

  // Any value of an unknown member: to the comma or bracket that ends it.
  bool Skip() {
    int depth = 0;
    for (Blanks(); at_ != end_; Blanks()) {
      std::string_view ignored;
      if (*at_ == '"') {
        if (!String(ignored)) return false;
        continue;
      }
      if (depth == 0 && (*at_ == ',' || *at_ == '}' || *at_ == ']')) return true;
      if (*at_ == '[' || *at_ == '{') ++depth;
      if (*at_ == ']' || *at_ == '}') --depth;
      ++at_;
    }
    return false;
  }

  // Calls `item` for each item of an array.
  template <class Item>
  bool Array(Item item) {
    if (!Take('[')) return false;
    if (Take(']')) return true;
    do {
      if (!item()) return false;
    } while (Take(','));
    return Take(']');
  }

  // Calls `member` with the name of each member of an object.
  template <class Member>
  bool Object(Member member) {
    if (!Take('{')) return false;
    if (Take('}')) return true;
    do {
      std::string_view name;
      if (!String(name) || !Take(':') || !member(name)) return false;
    } while (Take(','));
    return Take('}');
  }

 private:
  void Blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
};

bool ParseColumn(Scanner& scanner, series::Field field, std::vector<series::Point>& points) {
  const bool rate = IsRate(field);
  std::size_t row = 0;
  return scanner.Array([&] {
    if (row == points.size()) points.emplace_back();
    series::Point& point = points[row++];
    return scanner.Value(field, rate, point) || scanner.Null();
  });
}

bool ParseCluster(Scanner& scanner, series::Point& point) {
  return scanner.Object([&](std::string_view name) {
    const auto field = series::FieldByName(name);
    return field ? scanner.Value(*field, IsRate(*field), point) || scanner.Null() : scanner.Skip();
  });
}

bool ParseMember(Scanner& scanner, std::string_view name, Document& out) {
  if (name == "time") return scanner.Int(out.time_seconds);
  if (name == kAll) return ParseCluster(scanner, out.cluster.emplace());
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
  Scanner scanner(text);
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
