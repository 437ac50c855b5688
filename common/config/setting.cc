// SPDX-License-Identifier: Apache-2.0
#include "common/config/setting.h"

#include <chrono>
#include <utility>

#include "common/text.h"

namespace cloudmon::config {
namespace {

using std::chrono::milliseconds;

// Parse sets `target` and tells whether the text was right.
bool Parse(std::string_view text, std::string& target) {
  target = text;
  return true;
}

bool Parse(std::string_view text, std::int64_t& target) {
  const auto number = text::ParseI64(text);
  if (number.ok()) target = number.value();
  return number.ok();
}

bool Parse(std::string_view text, bool& target) {
  target = text == "true";
  return text == "true" || text == "false";
}

bool Parse(std::string_view text, milliseconds& target) {
  const auto duration = ParseDuration(text);
  if (duration.ok()) target = duration.value();
  return duration.ok();
}

std::string Text(const std::string& value) {
  return value;
}
std::string Text(std::int64_t value) {
  return std::to_string(value);
}
std::string Text(bool value) {
  return value ? "true" : "false";
}
std::string Text(milliseconds value) {
  return FormatDuration(value);
}
std::string Text(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ",") + value;
  return text;
}

}  // namespace

bool IsSwitch(const Option& option) {
  return std::holds_alternative<bool*>(option.target);
}
bool IsList(const Option& option) {
  return std::holds_alternative<std::vector<std::string>*>(option.target);
}

std::string_view Expected(const Option& option) {
  if (IsSwitch(option)) return "true or false";
  if (IsList(option)) return "a list";
  if (std::holds_alternative<std::int64_t*>(option.target)) return "a whole number";
  if (std::holds_alternative<milliseconds*>(option.target)) return "a duration such as 10s";
  return "text";
}

std::string CurrentValue(const Option& option) {
  return std::visit([](const auto* target) { return Text(*target); }, option.target);
}

Status Assign(const Setting& setting) {
  if (auto* const* list = std::get_if<std::vector<std::string>*>(&setting.option->target)) {
    (*list)->clear();
    for (const std::string& text : setting.texts) {
      for (std::string& part : text::SplitList(text, ',')) (*list)->push_back(std::move(part));
    }
    return Status::Ok();
  }
  const std::string& text = setting.texts.front();
  const auto parse = [&](auto* target) {
    if constexpr (std::is_same_v<decltype(target), std::vector<std::string>*>) {
      return false;
    } else {
      return Parse(text, *target);
    }
  };
  if (std::visit(parse, setting.option->target)) return Status::Ok();
  return Error{ErrorCode::kInvalid, setting.place + ": expected " + std::string(Expected(*setting.option)) + ", got '" +
                                        text.substr(0, 128) + "'"};
}

}  // namespace cloudmon::config
