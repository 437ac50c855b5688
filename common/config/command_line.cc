// SPDX-License-Identifier: Apache-2.0
#include "common/config/command_line.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "common/config/suggest.h"

namespace cloudmon::config {
namespace {

Error Refuse(std::string message) {
  return {ErrorCode::kInvalid, std::move(message)};
}

std::string NameOf(const std::string& argument) {
  return argument.substr(0, argument.find('='));
}

// What CLI11 could not place.
Error Stray(const std::string& argument, const std::vector<Option>& options) {
  if (!argument.starts_with('-') || argument == "-") {
    return Refuse("unexpected argument '" + argument + "'; settings are given as --name=value, see --help");
  }
  std::vector<std::string> known = {"--help", "--version"};
  for (const Option& option : options) {
    known.push_back("--" + option.name);
    if (IsSwitch(option)) known.push_back("--no-" + option.name);
  }
  const std::string suggestion = DidYouMean(NameOf(argument), known);
  return Refuse("unknown flag '" + NameOf(argument) + "'" + (suggestion.empty() ? "; see --help" : suggestion));
}

// Whether a flag is followed by a value.
bool TakesValue(const std::string& flag, const std::vector<Option>& options) {
  return std::any_of(options.begin(), options.end(),
                     [&](const Option& option) { return flag == "--" + option.name && !IsSwitch(option); });
}

// Splits "--name=value" in two and refuses flags without a value: CLI11 would take the next argument as the value of
// "--name=", and "--other=x" as that of "--name --other=x".
Result<std::vector<std::string>> SplitValues(const std::vector<std::string>& arguments,
                                             const std::vector<Option>& options) {
  std::vector<std::string> split;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string flag = NameOf(arguments[i]);
    if (!TakesValue(flag, options)) {
      split.push_back(arguments[i]);
    } else if (flag.size() < arguments[i].size()) {
      split.insert(split.end(), {flag, arguments[i].substr(flag.size() + 1)});
    } else if (i + 1 < arguments.size() && !arguments[i + 1].starts_with("--")) {
      split.insert(split.end(), {flag, arguments[++i]});
    } else {
      return Refuse(flag + ": expected a value, got nothing");
    }
  }
  return split;
}

struct Flags {
  const Option* option;
  CLI::Option* set;
  CLI::Option* unset;  // a switch's --no-<name>
};

Flags AddTo(CLI::App& app, const Option& option) {
  constexpr auto kAll = CLI::MultiOptionPolicy::TakeAll;  // repeats are refused later, by our own message
  const std::string flag = "--" + option.name;
  if (IsSwitch(option)) return {&option, app.add_flag(flag), app.add_flag("--no-" + option.name)};
  return {&option, app.add_option(flag)->allow_extra_args(false)->multi_option_policy(kAll), nullptr};
}

// What was given for an option; nothing when it was not.
Result<std::optional<Setting>> Given(const Flags& flags) {
  std::vector<std::string> texts = flags.set->results();
  if (flags.unset != nullptr) {
    for (const std::string& text : flags.unset->results()) {
      if (text != "true") return Refuse("--no-" + flags.option->name + ": takes no value");
      texts.emplace_back("false");
    }
  }
  if (texts.empty()) return std::optional<Setting>();
  const std::string place = "--" + flags.option->name;
  if (texts.size() > 1) return Refuse(place + ": given " + std::to_string(texts.size()) + " times; give it once");
  return std::optional<Setting>({.option = flags.option, .place = place, .texts = std::move(texts)});
}

}  // namespace

Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments, const std::vector<Option>& options,
                                     bool takes_argument) {
  auto split = SplitValues(arguments, options);
  if (!split.ok()) return split.error();
  CommandLine line;
  CLI::App app;
  app.set_help_flag();  // ours groups the options
  app.allow_extras();
  const CLI::Option* help = app.add_flag("--help,-h");
  const CLI::Option* version = app.add_flag("--version");
  std::vector<Flags> flags;
  for (const Option& option : options) flags.push_back(AddTo(app, option));
  try {
    app.parse(std::vector<std::string>(split.value().rbegin(), split.value().rend()));  // CLI11 takes from the end
  } catch (const CLI::ParseError& e) {
    return Refuse(e.what());
  }
  line.help = help->count() > 0;
  line.version = version->count() > 0;
  if (line.help || line.version) return line;
  for (const std::string& other : app.remaining()) {
    if (!takes_argument || line.argument || other.starts_with('-')) return Stray(other, options);
    line.argument = other;
  }
  for (const Flags& flag : flags) {
    auto given = Given(flag);
    if (!given.ok()) return given.error();
    if (given.value().has_value()) line.settings.push_back(std::move(*given.value()));
  }
  return line;
}

}  // namespace cloudmon::config
