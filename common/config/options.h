// SPDX-License-Identifier: Apache-2.0
// One table of settings that is at once the command line's flags, the keys of the YAML file named by --config.file, the
// text of --help and the table in README.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/result.h"

namespace cloudmon::config {

enum class Scope : std::uint8_t {
  kSetting,  // flag, environment and file
  kFlag,     // flag and environment only
  kHidden,   // a setting that --help and README.md leave out
};

// One setting. The flag is --<name>; in YAML the dots are levels: "web.listen-address" is `web: {listen-address: ...}`.
// A bool is a switch: --<name> turns it on, --no-<name> off (for "collector.network": --no-collector.network); in YAML
// it is true or false. A list is comma separated on the command line, a sequence (or comma separated text) in YAML.
// Durations are written 500ms, 10s, 5m, 2h, 7d; a bare number is refused. A whole number is int64.
struct Option {
  std::string name;
  std::string help;  // one sentence; the default and the environment variable are added by the table
  std::variant<std::string*, std::int64_t*, bool*, std::chrono::milliseconds*, std::vector<std::string>*> target;
  std::string env;         // environment variable that gives the value when neither flag nor file does; may be empty
  std::string value_name;  // shown in --help: "HOST:PORT"; empty takes one from the type
  Scope scope = Scope::kSetting;
};

// What is given without a flag: "DIR".
struct Argument {
  std::string name, help;
  std::string* target = nullptr;
};

enum class Action : std::uint8_t { kRun, kExit };  // kExit: --help or --version was printed

// Holds pointers to the caller's fields: what they hold when Parse is called is the default. Not thread-safe.
class OptionTable {
 public:
  // `summary` is the first paragraph of --help.
  OptionTable(std::string program, std::string summary);
  // The table's own options point into it.
  OptionTable(const OptionTable&) = delete;
  OptionTable& operator=(const OptionTable&) = delete;

  void Add(Option option);
  // Of the settings added so far, --help shows only these; the others are read as before. For commands that share the
  // program's file.
  void ShowOnly(const std::vector<std::string>& names);
  // There is one at most, and then it must be given.
  void SetArgument(Argument argument) { argument_ = std::move(argument); }
  // Lines at the end of --help, as they are: commands, examples.
  void SetEpilogue(std::string text) { epilogue_ = std::move(text); }

  // Sets the fields: flags win over the file, the file over the environment, the environment over defaults.
  // --help, --version, --config.file, --check-config and --log.level are added by the table itself.
  // --help and --version print to standard output and return kExit.
  // Errors (kInvalid) name the place and what to change: "aggregator.yaml:7:3: unknown key 'scrape.intervall'; did you
  // mean 'scrape.interval'?" or "--scrape.interval: expected a duration such as 10s, got '10'". Duplicate keys are
  // refused too.
  Result<Action> Parse(int argc, const char* const* argv);

  [[nodiscard]] bool check_config() const { return check_config_; }
  [[nodiscard]] const std::string& config_file() const { return config_file_; }
  [[nodiscard]] const std::string& log_level() const { return log_level_; }

  // What --help prints.
  [[nodiscard]] std::string Help() const;

  // The rows of README.md's table: | `--flag` | default | help |.
  [[nodiscard]] std::string MarkdownTable() const;

 private:
  std::string program_;
  std::string summary_;
  std::vector<Option> options_;
  Argument argument_;  // without a target: none
  std::string epilogue_;
  bool check_config_ = false;
  std::string config_file_;
  std::string log_level_ = "info";
};

// "500ms", "10s", "5m", "2h", "7d" (a whole number and one unit). Error: kParse with what was expected. Thread-safe.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);
// The shortest such text: 90000 ms is "90s", 120000 ms "2m". Thread-safe.
[[nodiscard]] std::string FormatDuration(std::chrono::milliseconds value);

}  // namespace cloudmon::config
