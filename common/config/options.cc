// SPDX-License-Identifier: Apache-2.0
#include "common/config/options.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <utility>

#include "common/config/suggest.h"
#include "common/config/value.h"
#include "common/config/yaml_file.h"
#include "common/file.h"
#include "common/version.h"

namespace cloudmon::config {
namespace {

// What the command line says, before it is applied: the file and the environment come first.
struct Flags {
  bool help = false, version = false, check_config = false;
  std::string config_file;
  struct Given {
    const Option* option;
    std::string text;
    bool on = false;
    CLI::Option* flag = nullptr;
  };
  std::deque<Given> given;  // a deque: CLI11 keeps pointers into it
};

std::vector<std::string> FlagNames(const std::vector<Option>& options) {
  std::vector<std::string> names = {"--help", "--version", "--check-config", "--config.file"};
  for (const Option& option : options) {
    names.push_back("--" + option.name);
    if (IsBool(option)) names.push_back("--no-" + option.name);
  }
  return names;
}

// CLI11 tells of the first argument that it does not know in its exception's text only; so we look ourselves.
Error UnknownArgument(const CLI::App& app, const std::vector<Option>& options) {
  const std::vector<std::string> extra = app.remaining();
  const std::string argument = extra.empty() ? "" : extra.front();
  if (!argument.starts_with("-")) {
    return Error{ErrorCode::kInvalid,
                 "unexpected argument '" + argument + "'; settings are given as --name=value, see --help"};
  }
  const std::string name = argument.substr(0, argument.find('='));
  return Error{ErrorCode::kInvalid,
               "unknown flag '" + name + "'" + DidYouMean(name, FlagNames(options)) + " See --help."};
}

Status ParseFlags(int argc, const char* const* argv, const std::vector<Option>& options, Flags& flags) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("--help,-h", flags.help);
  app.add_flag("--version", flags.version);
  app.add_flag("--check-config", flags.check_config);
  app.add_option("--config.file", flags.config_file);
  for (const Option& option : options) {
    Flags::Given& given = flags.given.emplace_back(Flags::Given{.option = &option, .text = {}});
    given.flag = IsBool(option) ? app.add_flag("--" + option.name + ",!--no-" + option.name, given.on)
                                : app.add_option("--" + option.name, given.text);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return Error{ErrorCode::kInvalid, e.what()};
  }
  if (!app.remaining().empty()) return UnknownArgument(app, options);
  for (Flags::Given& given : flags.given) {
    if (given.flag->count() == 0) given.option = nullptr;
    given.flag = nullptr;  // goes with `app`
  }
  return Status::Ok();
}

Status ApplyFlags(const Flags& flags) {
  for (const Flags::Given& given : flags.given) {
    if (given.option == nullptr) continue;
    const std::string text = IsBool(*given.option) ? (given.on ? "true" : "false") : given.text;
    const Status set = SetFromText(*given.option, text);
    if (!set.ok()) return Wrap(set.error(), "--" + given.option->name);
  }
  return Status::Ok();
}

Status ApplyEnvironment(const std::vector<Option>& options) {
  for (const Option& option : options) {
    const char* text = option.env.empty() ? nullptr : std::getenv(option.env.c_str());
    if (text == nullptr) continue;
    const Status set = SetFromText(option, text);
    if (!set.ok()) return Wrap(set.error(), "environment variable " + option.env);
  }
  return Status::Ok();
}

std::string Quoted(const std::string& value) {
  return value.empty() ? "none" : value;
}

std::string FlagText(const Option& option) {
  if (IsBool(option)) return "--[no-]" + option.name;
  return "--" + option.name + "=" + ValueNameOf(option);
}

std::string HelpLine(const std::string& flag, const std::string& help) {
  return "  " + flag + "\n        " + help + "\n";
}

std::string Help(const std::string& program, const std::string& summary, const std::vector<Option>& options,
                 const std::vector<std::string>& defaults) {
  std::string out = "usage: " + program + " [--flag=value ...]\n\n" + summary + "\n";
  std::string group;
  for (std::size_t i = 0; i < options.size(); ++i) {
    const Option& option = options[i];
    const std::string prefix = option.name.substr(0, option.name.find('.'));
    if (prefix != group) out += "\n" + prefix + "\n";
    group = prefix;
    std::string note = " (default: " + Quoted(defaults[i]);
    if (!option.env.empty()) note += "; environment: " + option.env;
    out += HelpLine(FlagText(option), option.help + note + ")");
  }
  out += "\ngeneral\n";
  out += HelpLine("--config.file=FILE",
                  "YAML file with these settings; each dot is a level, and flags win over the file:");
  const Option& first = options.front();
  const auto dot = first.name.find('.');
  out += "            " + first.name.substr(0, dot) + ":\n              " + first.name.substr(dot + 1) + ": \"" +
         defaults.front() + "\"\n";
  out += HelpLine("--check-config", "Check flags and file, and exit.");
  out += HelpLine("--version", "Print the version, and exit.");
  out += HelpLine("--help", "Print this, and exit.");
  return out;
}

}  // namespace

OptionTable::OptionTable(std::string program, std::string summary)
    : program_(std::move(program)), summary_(std::move(summary)) {}

void OptionTable::Add(Option option) {
  options_.push_back(std::move(option));
}

std::vector<Option> OptionTable::AllOptions() {
  std::vector<Option> all = options_;
  all.push_back({"log.level", "What is logged: debug, info, warn or error.", &log_level_, "", "LEVEL"});
  return all;
}

Result<Action> OptionTable::Parse(int argc, const char* const* argv) {
  const std::vector<Option> options = AllOptions();
  std::vector<std::string> defaults;
  for (const Option& option : options) defaults.push_back(TextOf(option));
  Flags flags;
  Status status = ParseFlags(argc, argv, options, flags);
  if (!status.ok()) return status.error();
  if (flags.help) {
    std::fputs(Help(program_, summary_, options, defaults).c_str(), stdout);
    return Action::kExit;
  }
  if (flags.version) {
    std::printf("%s %s\n", program_.c_str(), kVersion);
    return Action::kExit;
  }
  check_config_ = flags.check_config;
  config_file_ = flags.config_file;
  status = ApplyEnvironment(options);
  if (status.ok() && !config_file_.empty()) {
    const auto text = ReadFile(config_file_);
    status = text.ok() ? ApplyYaml(text.value(), config_file_, options) : Status(Wrap(text.error(), "--config.file"));
  }
  if (status.ok()) status = ApplyFlags(flags);
  if (!status.ok()) return status.error();
  return Action::kRun;
}

std::string OptionTable::MarkdownTable() {
  std::string out = "| flag | default | |\n|---|---|---|\n";
  for (const Option& option : AllOptions()) {
    const std::string value = TextOf(option);
    out += "| `" + FlagText(option) + "` | " + (value.empty() ? "" : "`" + value + "`") + " | " + option.help;
    if (!option.env.empty()) out += " Environment: `" + option.env + "`.";
    out += " |\n";
  }
  return out;
}

}  // namespace cloudmon::config
