// SPDX-License-Identifier: Apache-2.0
#include "common/config/yaml_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/config/suggest.h"
#include "common/config/value.h"

namespace cloudmon::config {
namespace {

class Walker {
 public:
  Walker(const std::string& file_name, const std::vector<Option>& options) : file_name_(file_name), options_(options) {}

  Status Map(const YAML::Node& map, const std::string& prefix) {
    if (!map.IsMap())
      return At(map.Mark(), "expected settings, `key: value`" + (prefix.empty() ? "" : " under '" + prefix + "'"));
    std::set<std::string> seen;
    for (const auto& item : map) {
      if (!item.first.IsScalar()) return At(item.first.Mark(), "expected a name before the colon");
      const std::string name = (prefix.empty() ? "" : prefix + ".") + item.first.Scalar();
      if (!seen.insert(name).second) return At(item.first.Mark(), "'" + name + "' is given twice");
      Status status = Item(item.first.Mark(), name, item.second);
      if (!status.ok()) return status;
    }
    return Status::Ok();
  }

  [[nodiscard]] Error At(const YAML::Mark& mark, const std::string& message) const {
    return Error{ErrorCode::kInvalid, file_name_ + ":" + std::to_string(mark.line + 1) + ":" +
                                          std::to_string(mark.column + 1) + ": " + message};
  }

 private:
  Status Item(const YAML::Mark& key, const std::string& name, const YAML::Node& value) {
    const auto option = std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.name == name; });
    if (option != options_.end()) return Value(*option, value);
    const bool group =
        std::any_of(options_.begin(), options_.end(), [&](const Option& o) { return o.name.starts_with(name + "."); });
    if (group && value.IsNull()) return Status::Ok();
    if (group) return Map(value, name);
    return At(key, "unknown key '" + name + "'" + DidYouMean(name, Names()));
  }

  Status Value(const Option& option, const YAML::Node& value) {
    if (IsList(option) && value.IsSequence()) return List(option, value);
    if (value.IsNull() && (IsList(option) || std::holds_alternative<std::string*>(option.target))) {
      return SetFromText(option, "");
    }
    if (!value.IsScalar()) return At(value.Mark(), option.name + ": expected one value");
    const Status set = SetFromText(option, value.Scalar());
    if (!set.ok()) return At(value.Mark(), option.name + ": " + set.error().message);
    return Status::Ok();
  }

  Status List(const Option& option, const YAML::Node& sequence) {
    std::vector<std::string> values;
    for (const auto& item : sequence) {
      if (!item.IsScalar()) return At(item.Mark(), option.name + ": expected a list of texts");
      values.push_back(item.Scalar());
    }
    SetList(option, std::move(values));
    return Status::Ok();
  }

  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const Option& option : options_) names.push_back(option.name);
    return names;
  }

  const std::string& file_name_;
  const std::vector<Option>& options_;
};

}  // namespace

Status ApplyYaml(std::string_view text, const std::string& file_name, const std::vector<Option>& options) {
  Walker walker(file_name, options);
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (!root.IsDefined() || root.IsNull()) return Status::Ok();
    return walker.Map(root, "");
  } catch (const YAML::Exception& e) {
    return walker.At(e.mark, e.msg);
  }
}

}  // namespace cloudmon::config
