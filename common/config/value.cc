// SPDX-License-Identifier: Apache-2.0
#include "common/config/value.h"

#include <utility>

#include "common/text.h"

namespace cloudmon::config {
namespace {

using std::chrono::milliseconds;

Error Expected(std::string_view what, std::string_view got) {
  return Error{ErrorCode::kInvalid, "expected " + std::string(what) + ", got '" + std::string(got) + "'"};
}

struct Setter {
  std::string_view text;

  Status operator()(std::string* field) const {
    *field = text;
    return Status::Ok();
  }
  Status operator()(std::int64_t* field) const {
    const auto number = text::ParseI64(text);
    if (!number.ok()) return Expected("a whole number", text);
    *field = number.value();
    return Status::Ok();
  }
  Status operator()(bool* field) const {
    if (text != "true" && text != "false") return Expected("true or false", text);
    *field = text == "true";
    return Status::Ok();
  }
  Status operator()(milliseconds* field) const {
    const auto duration = ParseDuration(text);
    if (!duration.ok()) return Error{ErrorCode::kInvalid, duration.error().message};
    *field = duration.value();
    return Status::Ok();
  }
  Status operator()(std::vector<std::string>* field) const {
    *field = text::SplitList(text, ',');
    return Status::Ok();
  }
};

struct Printer {
  std::string operator()(const std::string* field) const { return *field; }
  std::string operator()(const std::int64_t* field) const { return std::to_string(*field); }
  std::string operator()(const bool* field) const { return *field ? "true" : "false"; }
  std::string operator()(const milliseconds* field) const { return FormatDuration(*field); }
  std::string operator()(const std::vector<std::string>* field) const {
    std::string out;
    for (const std::string& item : *field) out += (out.empty() ? "" : ",") + item;
    return out;
  }
};

struct TypeName {
  std::string operator()(const std::string*) const { return "TEXT"; }
  std::string operator()(const std::int64_t*) const { return "NUMBER"; }
  std::string operator()(const bool*) const { return ""; }
  std::string operator()(const milliseconds*) const { return "DURATION"; }
  std::string operator()(const std::vector<std::string>*) const { return "LIST"; }
};

}  // namespace

Status SetFromText(const Option& option, std::string_view text) {
  return std::visit(Setter{text}, option.target);
}

void SetList(const Option& option, std::vector<std::string> values) {
  *std::get<std::vector<std::string>*>(option.target) = std::move(values);
}

bool IsBool(const Option& option) {
  return std::holds_alternative<bool*>(option.target);
}
bool IsList(const Option& option) {
  return std::holds_alternative<std::vector<std::string>*>(option.target);
}

std::string TextOf(const Option& option) {
  return std::visit(Printer{}, option.target);
}

std::string ValueNameOf(const Option& option) {
  return option.value_name.empty() ? std::visit(TypeName{}, option.target) : option.value_name;
}

}  // namespace cloudmon::config
