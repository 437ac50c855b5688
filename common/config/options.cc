// SPDX-License-Identifier: Apache-2.0
#include "common/config/options.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "common/config/command_line.h"
#include "common/config/help.h"
#include "common/config/setting.h"
#include "common/config/yaml_file.h"
#include "common/file.h"
#include "common/version.h"

namespace cloudmon::config {
namespace {

constexpr std::size_t kMaxFileBytes = 1U << 20U;
constexpr std::string_view kConfigFile = "config.file";
constexpr std::string_view kCheckConfig = "check-config";
constexpr std::ptrdiff_t kOwnOptions = 3;  // those the table adds itself

// The settings of the environment. An empty variable is as good as none.
std::vector<Setting> FromEnvironment(const std::vector<Option>& options) {
  std::vector<Setting> settings;
  for (const Option& option : options) {
    const char* value = option.env.empty() ? nullptr : std::getenv(option.env.c_str());
    if (value == nullptr || *value == '\0') continue;
    settings.push_back({.option = &option, .place = "environment variable " + option.env, .texts = {value}});
  }
  return settings;
}

Status AssignAll(const std::vector<Setting>& settings) {
  for (const Setting& setting : settings) {
    Status status = Assign(setting);
    if (!status.ok()) return status;
  }
  return Status::Ok();
}

// For readers: without what is hidden, and the program's settings before the table's own.
std::vector<Option> Shown(std::vector<Option> options) {
  std::rotate(options.begin(), options.begin() + kOwnOptions, options.end());
  std::erase_if(options, [](const Option& option) { return option.scope == Scope::kHidden; });
  return options;
}

Result<std::vector<Setting>> FromFile(const std::string& path, const std::vector<Option>& options) {
  auto text = ReadFile(path, kMaxFileBytes);
  if (!text.ok()) return Error{ErrorCode::kInvalid, "--config.file: " + text.error().message};
  return ParseYaml(text.value(), path, options);
}

}  // namespace

OptionTable::OptionTable(std::string program, std::string summary)
    : program_(std::move(program)), summary_(std::move(summary)) {
  Add({std::string(kConfigFile), "A YAML file with settings.", &config_file_, "", "FILE", Scope::kFlag});
  Add({std::string(kCheckConfig), "Check flags and file, print what is wrong, and exit.", &check_config_, "", "",
       Scope::kFlag});
  Add({"log.level", "What to log: debug, info, warn or error.", &log_level_, "", "LEVEL"});
}

void OptionTable::Add(Option option) {
  options_.push_back(std::move(option));
}

void OptionTable::ShowOnly(const std::vector<std::string>& names) {
  for (auto option = options_.begin() + kOwnOptions; option != options_.end(); ++option) {
    if (std::find(names.begin(), names.end(), option->name) == names.end()) option->scope = Scope::kHidden;
  }
}

Result<Action> OptionTable::Parse(int argc, const char* const* argv) {
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  auto line = ParseCommandLine(arguments, options_, argument_.target != nullptr);
  if (!line.ok()) return line.error();
  if (line.value().help || line.value().version) {
    const std::string text = line.value().help ? Help() : program_ + " " + kVersion + "\n";
    std::fputs(text.c_str(), stdout);
    return Action::kExit;
  }
  if (argument_.target != nullptr) {
    if (!line.value().argument) return Error{ErrorCode::kInvalid, argument_.name + " is missing: " + argument_.help};
    *argument_.target = *line.value().argument;
  }
  // What comes later wins.
  Status status = AssignAll(FromEnvironment(options_));
  if (!status.ok()) return status.error();
  for (const Setting& setting : line.value().settings) {
    if (setting.option->name == kConfigFile) config_file_ = setting.texts.front();
  }
  if (!config_file_.empty()) {
    std::vector<Option> in_file = options_;
    std::erase_if(in_file, [](const Option& option) { return option.scope == Scope::kFlag; });
    auto settings = FromFile(config_file_, in_file);
    if (!settings.ok()) return settings.error();
    status = AssignAll(settings.value());
    if (!status.ok()) return status.error();
  }
  status = AssignAll(line.value().settings);
  if (!status.ok()) return status.error();
  return Action::kRun;
}

std::string OptionTable::Help() const {
  return HelpText(program_, summary_, Shown(options_), argument_) + epilogue_;
}

std::string OptionTable::MarkdownTable() const {
  return MarkdownRows(Shown(options_));
}

}  // namespace cloudmon::config
