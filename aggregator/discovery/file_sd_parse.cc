// SPDX-License-Identifier: Apache-2.0
// JSON and YAML are read into one small tree that remembers where each part stood; everything else looks at that.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/discovery/discovery.h"
#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::discovery {
namespace {

constexpr std::size_t kMaxTargets = 100'000;
constexpr std::size_t kMaxValues = 2'000'000;  // aliases make a short YAML text long
constexpr int kMaxDepth = 8;                   // list, group, targets, target: the rest is not ours

struct Value {
  enum class Type : std::uint8_t { kOther, kText, kList, kMap };
  Type type = Type::kOther;
  std::string place;  // "7:3" (line and column) in YAML, "/0/labels/node" in JSON
  std::string text;
  std::vector<Value> items;
  std::vector<std::pair<std::string, Value>> members;
};

Error Bad(const std::string& place, std::string_view message) {
  return Error{ErrorCode::kParse, place.empty() ? std::string(message) : place + ": " + std::string(message)};
}

std::string PlaceOf(const YAML::Mark& mark) {
  return mark.is_null() ? "" : std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

// May throw YAML::Exception. `budget` counts down the values that may still come.
Value FromYaml(const YAML::Node& node, int depth, std::size_t& budget) {
  if (depth > kMaxDepth || budget == 0) throw YAML::ParserException(node.Mark(), "too deep or too long");
  --budget;
  Value value;
  value.place = PlaceOf(node.Mark());
  if (node.IsScalar()) {
    value.type = Value::Type::kText;
    value.text = SanitizeUtf8(node.Scalar());
  } else if (node.IsSequence()) {
    value.type = Value::Type::kList;
    for (const auto& item : node) value.items.push_back(FromYaml(item, depth + 1, budget));
  } else if (node.IsMap()) {
    value.type = Value::Type::kMap;
    for (const auto& member : node) {
      if (!member.first.IsScalar()) throw YAML::ParserException(member.first.Mark(), "expected a name");
      const std::string name = SanitizeUtf8(member.first.Scalar());
      if (std::ranges::any_of(value.members, [&](const auto& m) { return m.first == name; })) {
        throw YAML::ParserException(member.first.Mark(), "'" + name + "' a second time");
      }
      value.members.emplace_back(name, FromYaml(member.second, depth + 1, budget));
    }
  }
  return value;
}

Value FromJson(const nlohmann::json& json, const std::string& place, int depth) {
  Value value;
  value.place = place;
  if (depth > kMaxDepth) return value;
  if (json.is_string()) {
    value.type = Value::Type::kText;
    value.text = json.get<std::string>();
  } else if (json.is_array()) {
    value.type = Value::Type::kList;
    for (const auto& item : json) {
      value.items.push_back(FromJson(item, place + "/" + std::to_string(value.items.size()), depth + 1));
    }
  } else if (json.is_object()) {
    value.type = Value::Type::kMap;
    for (const auto& [name, member] : json.items()) {
      value.members.emplace_back(name, FromJson(member, place + "/" + name, depth + 1));
    }
  }
  return value;
}

Result<Value> LoadYaml(std::string_view content) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(content));
    if (documents.size() != 1) return Bad("", "expected one list of groups, [] for none");
    std::size_t budget = kMaxValues;
    return FromYaml(documents.front(), 0, budget);
  } catch (const YAML::Exception& e) {
    return Bad(PlaceOf(e.mark), e.msg);
  }
}

// nlohmann reads what is JSON: yaml-cpp refuses surrogate pairs (\ud83d\ude00) and accepts text after the end.
Result<Value> Load(std::string_view content, bool is_json) {
  if (is_json || nlohmann::json::accept(content)) {
    try {
      return FromJson(nlohmann::json::parse(content), "", 0);
    } catch (const nlohmann::json::exception& e) {
      // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..."
      const std::string_view what = e.what();
      return Bad("", what.substr(std::min(what.find("] ") + 2, what.size())));
    }
  }
  return LoadYaml(content);
}

struct Labels {
  std::string scheme = "http", path, node;
  std::map<std::string, std::string> others;
};

Result<Labels> ReadLabels(const Value& value) {
  if (value.type != Value::Type::kMap) return Bad(value.place, "labels: expected names and values");
  Labels out;
  for (const auto& [name, label] : value.members) {
    if (label.type != Value::Type::kText) return Bad(label.place, "label " + name + ": expected text");
    if (name == "__scheme__") {
      if (label.text != "http" && label.text != "https") return Bad(label.place, "__scheme__: expected http or https");
      out.scheme = label.text;
    } else if (name == "__metrics_path__") {
      if (!label.text.starts_with('/')) return Bad(label.place, "__metrics_path__: expected a path that begins with /");
      out.path = label.text;
    } else if (name == "node") {
      out.node = label.text;
    } else if (!name.starts_with("__")) {
      out.others[name] = label.text;
    }
  }
  return out;
}

Status ReadTargets(const Value& value, const Labels& labels, const std::string& file, std::vector<Target>& out) {
  if (value.type != Value::Type::kList) return Bad(value.place, "targets: expected a list of host:port");
  for (const Value& item : value.items) {
    if (item.type != Value::Type::kText) return Bad(item.place, "expected host:port");
    if (item.text.find('/') != std::string::npos) {
      return Bad(item.place, "expected host:port, got '" + item.text +
                                 "' (labels __scheme__ and __metrics_path__ give the rest of the url)");
    }
    // Without a port the scheme's own is meant, as for Prometheus: ParseTarget knows it for whole urls.
    auto target = ParseTarget(labels.scheme + "://" + item.text + labels.path, file);
    if (!target.ok()) return Bad(item.place, target.error().message);
    if (out.size() == kMaxTargets) return Bad(item.place, "more than " + std::to_string(kMaxTargets) + " targets");
    out.push_back(std::move(target).value());
    out.back().node = labels.node;
    out.back().labels = labels.others;
  }
  return Status::Ok();
}

Status ReadGroup(const Value& group, const std::string& file, std::vector<Target>& out) {
  if (group.type != Value::Type::kMap) return Bad(group.place, "expected a group: {targets: [...], labels: {...}}");
  const Value* targets = nullptr;
  Labels labels;
  for (const auto& [name, value] : group.members) {
    if (name == "targets") {
      targets = &value;
    } else if (name == "labels") {
      auto read = ReadLabels(value);
      if (!read.ok()) return read.error();
      labels = std::move(read).value();
    } else {
      return Bad(value.place, "unknown key '" + name + "', expected targets or labels");
    }
  }
  if (targets == nullptr) return Bad(group.place, "a group without targets");
  return ReadTargets(*targets, labels, file, out);
}

}  // namespace

Result<std::vector<Target>> ParseFileSd(std::string_view content, std::string_view file_name) {
  const std::string file(file_name);
  const auto root = Load(content, file_name.ends_with(".json"));
  if (!root.ok()) return Wrap(root.error(), file);
  if (root.value().type != Value::Type::kList) return Error{ErrorCode::kParse, file + ": expected a list of groups"};
  std::vector<Target> targets;
  for (const Value& group : root.value().items) {
    const Status read = ReadGroup(group, file, targets);
    if (!read.ok()) return Wrap(read.error(), file);
  }
  return targets;
}

}  // namespace cloudmon::discovery
