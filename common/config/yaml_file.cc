// SPDX-License-Identifier: Apache-2.0
#include "common/config/yaml_file.h"

#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <utility>

#include "common/config/suggest.h"

namespace cloudmon::config {
namespace {

std::string KindOf(const YAML::Node& node) {
  if (node.IsMap()) return "a map";
  if (node.IsSequence()) return "a list";
  if (node.IsNull()) return "nothing";
  return "'" + node.Scalar().substr(0, 128) + "'";
}

class Walker {
 public:
  Walker(std::string file, const std::vector<Option>& options) : file_(std::move(file)), options_(options) {}

  Status Map(const YAML::Node& map, const std::string& prefix);
  std::vector<Setting> Take() { return std::move(settings_); }
  [[nodiscard]] std::string Place(const YAML::Mark& mark) const {
    return file_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
  }

 private:
  Status Entry(const YAML::Node& key, const YAML::Node& value, const std::string& name);
  Status Value(const Option& option, const YAML::Node& value);
  [[nodiscard]] Error Unknown(const YAML::Node& key, const std::string& name) const;
  [[nodiscard]] Error Refuse(const YAML::Node& node, const std::string& message) const {
    return {ErrorCode::kInvalid, Place(node.Mark()) + ": " + message};
  }

  const std::string file_;
  const std::vector<Option>& options_;
  std::map<std::string, int> lines_;  // where each option was set
  std::vector<Setting> settings_;
};

Status Walker::Map(const YAML::Node& map, const std::string& prefix) {
  std::map<std::string, int> lines;  // yaml-cpp keeps repeated keys and does not tell
  for (const auto& entry : map) {
    const YAML::Node& key = entry.first;
    if (!key.IsScalar()) return Refuse(key, "expected the name of a setting, got " + KindOf(key));
    const std::string name = prefix + key.Scalar();
    const auto [first, is_new] = lines.emplace(key.Scalar(), key.Mark().line + 1);
    if (!is_new) {
      return Refuse(
          key, "the key '" + name + "' is here a second time; the first is in line " + std::to_string(first->second));
    }
    Status status = Entry(key, entry.second, name);
    if (!status.ok()) return status;
  }
  return Status::Ok();
}

Status Walker::Entry(const YAML::Node& key, const YAML::Node& value, const std::string& name) {
  bool is_group = false;
  for (const Option& option : options_) {
    if (option.name == name) {
      const auto [first, is_new] = lines_.emplace(name, key.Mark().line + 1);
      if (is_new) return Value(option, value);
      return Refuse(key, "'" + name + "' is set a second time; the first is in line " + std::to_string(first->second));
    }
    is_group = is_group || option.name.starts_with(name + ".");
  }
  // Only known groups are entered, which also ends the walk of a map that contains itself.
  if (!is_group) return Unknown(key, name);
  if (value.IsNull()) return Status::Ok();  // a group whose lines are all commented out
  if (!value.IsMap()) return Refuse(value, name + ": expected a map of settings, got " + KindOf(value));
  return Map(value, name + ".");
}

Error Walker::Unknown(const YAML::Node& key, const std::string& name) const {
  std::vector<std::string> known;
  for (const Option& option : options_) {
    known.push_back(option.name);
    for (std::size_t dot = option.name.find('.'); dot != std::string::npos; dot = option.name.find('.', dot + 1)) {
      known.push_back(option.name.substr(0, dot));
    }
  }
  return Refuse(key, "unknown key '" + name + "'" + DidYouMean(name, known));
}

Status Walker::Value(const Option& option, const YAML::Node& value) {
  Setting setting{.option = &option, .place = Place(value.Mark()) + ": " + option.name, .texts = {}};
  if (value.IsScalar()) {
    setting.texts = {value.Scalar()};
  } else if (value.IsSequence() && IsList(option)) {
    for (const YAML::Node& item : value) {
      if (!item.IsScalar()) return Refuse(item, option.name + ": expected text, got " + KindOf(item));
      setting.texts.push_back(item.Scalar());
    }
  } else {
    return Refuse(value, option.name + ": expected " + std::string(Expected(option)) + ", got " + KindOf(value));
  }
  settings_.push_back(std::move(setting));
  return Status::Ok();
}

}  // namespace

Result<std::vector<Setting>> ParseYaml(const std::string& text, const std::string& file,
                                       const std::vector<Option>& options) {
  Walker walker(file, options);
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.empty() || (documents.size() == 1 && documents[0].IsNull())) return std::vector<Setting>{};
    const YAML::Node& root = documents[0];
    const std::string start = walker.Place(root.Mark()) + ": ";
    if (documents.size() > 1)
      return Error{ErrorCode::kInvalid, start + "expected one YAML document, got several ('---')"};
    if (!root.IsMap()) return Error{ErrorCode::kInvalid, start + "expected a map of settings, got " + KindOf(root)};
    Status status = walker.Map(root, "");
    if (!status.ok()) return status.error();
    return walker.Take();
  } catch (const YAML::Exception& e) {
    const std::string place = e.mark.is_null() ? file : walker.Place(e.mark);
    return Error{ErrorCode::kInvalid, place + ": not YAML: " + e.msg};
  }
}

}  // namespace cloudmon::config
