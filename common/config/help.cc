// SPDX-License-Identifier: Apache-2.0
#include "common/config/help.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "common/config/setting.h"

namespace cloudmon::config {
namespace {

constexpr std::size_t kTextColumn = 8;
constexpr std::size_t kLineWidth = 100;

std::string ValueName(const Option& option) {
  if (!option.value_name.empty()) return option.value_name;
  if (IsList(option)) return "A,B,...";
  if (std::holds_alternative<std::int64_t*>(option.target)) return "NUMBER";
  if (std::holds_alternative<std::chrono::milliseconds*>(option.target)) return "DURATION";
  return "TEXT";
}

std::string Flag(const Option& option) {
  if (IsSwitch(option)) return "--[no-]" + option.name;
  return "--" + option.name + "=" + ValueName(option);
}

// "on" and "off" for a switch, for that is what its flags say.
std::string Default(const Option& option) {
  if (IsSwitch(option)) return CurrentValue(option) == "true" ? "on" : "off";
  return CurrentValue(option);
}

std::string Describe(const Option& option) {
  std::string text = option.help;
  if (const std::string value = Default(option); !value.empty()) text += " Default: " + value + ".";
  if (!option.env.empty()) text += " Environment: " + option.env + ".";
  return text;
}

// Breaks at blanks.
void AppendWrapped(std::string& out, std::string_view text, std::size_t indent) {
  const std::string margin(indent, ' ');
  while (!text.empty()) {
    std::size_t end = text.size();
    if (end > kLineWidth - indent) {
      end = text.rfind(' ', kLineWidth - indent);
      if (end == std::string_view::npos || end == 0) end = std::min(text.find(' '), text.size());
    }
    out += margin + std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
}

// "scrape" of "scrape.interval"; names without a dot are general.
std::string_view Group(const Option& option) {
  const std::size_t dot = option.name.find('.');
  return dot == std::string::npos ? std::string_view("general") : std::string_view(option.name).substr(0, dot);
}

// In the order in which the groups first appear.
std::vector<std::pair<std::string_view, std::vector<const Option*>>> Grouped(const std::vector<Option>& options) {
  std::vector<std::pair<std::string_view, std::vector<const Option*>>> groups;
  for (const Option& option : options) {
    auto group = groups.begin();
    while (group != groups.end() && group->first != Group(option)) ++group;
    if (group == groups.end()) group = groups.insert(groups.end(), {Group(option), {}});
    group->second.push_back(&option);
  }
  return groups;
}

// Two lines of YAML for the first setting that makes a good example.
std::string YamlExample(const std::vector<Option>& options) {
  for (const Option& option : options) {
    const std::size_t dot = option.name.find('.');
    if (dot == std::string::npos || IsList(option) || CurrentValue(option).empty()) continue;
    const bool quoted = std::holds_alternative<std::string*>(option.target);
    const std::string value = quoted ? "\"" + CurrentValue(option) + "\"" : CurrentValue(option);
    return "  " + option.name.substr(0, dot) + ":\n    " + option.name.substr(dot + 1) + ": " + value + "\n";
  }
  return "";
}

}  // namespace

std::string HelpText(std::string_view program, std::string_view summary, const std::vector<Option>& options,
                     const Argument& argument) {
  const bool takes_argument = argument.target != nullptr;
  std::string out = "Usage: " + std::string(program) + (takes_argument ? " " + argument.name : "");
  out += " [--flag=value ...]\n\n";
  AppendWrapped(out, summary, 0);
  if (takes_argument) {
    out += "\n  " + argument.name + "\n";
    AppendWrapped(out, argument.help, kTextColumn);
  }
  for (const auto& [group, members] : Grouped(options)) {
    out += "\n" + std::string(group) + "\n";
    for (const Option* option : members) {
      out += "  " + Flag(*option) + "\n";
      AppendWrapped(out, Describe(*option), kTextColumn);
    }
  }
  out += "\n  --help, -h\n        Print this.\n  --version\n        Print the version.\n\n";
  AppendWrapped(
      out,
      "Each setting can also stand in the YAML file named by --config.file, with the dots as levels; flags win "
      "over the file, the file over the environment. Durations are written 500ms, 10s, 5m, 2h or 7d.",
      0);
  return out + YamlExample(options);
}

std::string MarkdownRows(const std::vector<Option>& options) {
  const auto cell = [](const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
    return out;
  };
  std::string out;
  for (const Option& option : options) {
    const std::string value = Default(option);
    const std::string env = option.env.empty() ? "" : " Environment: `" + option.env + "`.";
    out += "| `" + Flag(option) + "` | " + (value.empty() ? "" : "`" + cell(value) + "`") + " | " +
           cell(option.help + env) + " |\n";
  }
  return out;
}

}  // namespace cloudmon::config
