// SPDX-License-Identifier: Apache-2.0
#include "common/config/options.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/files.h"

using namespace std::chrono_literals;
using cloudmon::Result;
using cloudmon::config::Action;
using cloudmon::config::OptionTable;

namespace {

struct Settings {
  std::string address = ":1";
  std::int64_t count = 3;
  bool network = true;
  std::chrono::milliseconds interval = 10s;
  std::vector<std::string> targets{"a:1"};
  std::string name;
};

struct Parsed {
  Settings settings;
  Result<Action> action = Action::kRun;
  std::string table;
};

Parsed Parse(std::vector<const char*> arguments) {
  Parsed parsed;
  OptionTable table("program", "What it does.");
  table.Add({"web.listen-address", "Address.", &parsed.settings.address, "", "HOST:PORT"});
  table.Add({"scrape.count", "How many.", &parsed.settings.count, "", ""});
  table.Add({"collector.network", "Network.", &parsed.settings.network, "", ""});
  table.Add({"scrape.interval", "How often.", &parsed.settings.interval, "", ""});
  table.Add({"scrape.targets", "What.", &parsed.settings.targets, "", ""});
  table.Add({"node.name", "Who.", &parsed.settings.name, "CM_TEST_NODE", ""});
  arguments.insert(arguments.begin(), "program");
  parsed.action = table.Parse(static_cast<int>(arguments.size()), arguments.data());
  parsed.table = table.MarkdownTable();
  return parsed;
}

Parsed ParseFile(std::string_view yaml, std::vector<const char*> arguments = {}) {
  const cloudmon::test::TempDir dir;
  const std::string flag = "--config.file=" + dir.Write("c.yaml", yaml);
  arguments.push_back(flag.c_str());
  return Parse(arguments);
}

void CheckError(const Parsed& parsed, std::string_view part) {
  CAPTURE(part);
  REQUIRE(!parsed.action.ok());
  CAPTURE(parsed.action.error().message);
  CHECK(parsed.action.error().message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("flags of every type, in both forms") {
  const Parsed p = Parse({"--web.listen-address=:2", "--scrape.count", "7", "--no-collector.network",
                          "--scrape.interval=2m", "--scrape.targets=b:1, c:2"});
  REQUIRE(p.action.ok());
  CHECK(p.settings.address == ":2");
  CHECK(p.settings.count == 7);
  CHECK(!p.settings.network);
  CHECK(p.settings.interval == 2min);
  CHECK(p.settings.targets == std::vector<std::string>{"b:1", "c:2"});
  CHECK(Parse({}).settings.count == 3);
  CHECK(Parse({"--collector.network"}).settings.network);
}

TEST_CASE("bad flags name the flag and what was expected") {
  CheckError(Parse({"--scrape.intervall=5s"}), "unknown flag '--scrape.intervall'; did you mean '--scrape.interval'?");
  CheckError(Parse({"--no-web.listen-address"}), "unknown flag '--no-web.listen-address'");
  CheckError(Parse({"--scrape.interval=10"}),
             "--scrape.interval: expected a duration such as 500ms, 10s, 5m, 2h or 7d, got '10'");
  CheckError(Parse({"--scrape.count=many"}), "--scrape.count: expected a whole number, got 'many'");
  CheckError(Parse({"serve"}), "unexpected argument 'serve'");
  CheckError(Parse({"--scrape.count"}), "--scrape.count");
}

TEST_CASE("a file sets what flags do not") {
  const Parsed p = ParseFile(
      "web:\n  listen-address: ':5'\nscrape:\n  targets: [x:1, y:2]\n  interval: 30s\n  count: 4\ncollector:\n  "
      "network: false\n"
      "node:\nlog: {level: debug}\n",
      {"--scrape.count=9"});
  REQUIRE(p.action.ok());
  CHECK(p.settings.address == ":5");
  CHECK(p.settings.targets == std::vector<std::string>{"x:1", "y:2"});
  CHECK(p.settings.interval == 30s);
  CHECK(p.settings.count == 9);
  CHECK(!p.settings.network);
  CHECK(ParseFile("").action.ok());
  CHECK(ParseFile("scrape:\n  targets: 'x:1,y:2'\n").settings.targets.size() == 2);
  CHECK(ParseFile("scrape:\n  targets:\n").settings.targets.empty());
}

TEST_CASE("bad files name line and column") {
  CheckError(ParseFile("scrape:\n  intervall: 5s\n"),
             "c.yaml:2:3: unknown key 'scrape.intervall'; did you mean 'scrape.interval'?");
  CheckError(ParseFile("scrapes: 1\n"), "c.yaml:1:1: unknown key 'scrapes'");
  CheckError(ParseFile("scrape:\n  count: x\n"), "c.yaml:2:10: scrape.count: expected a whole number, got 'x'");
  CheckError(ParseFile("scrape:\n  count: [1]\n"), "c.yaml:2:10: scrape.count: expected one value");
  CheckError(ParseFile("scrape:\n  count:\n"), "scrape.count: expected one value");
  CheckError(ParseFile("scrape: 7\n"), "c.yaml:1:9: expected settings");
  CheckError(ParseFile("- a\n"), "c.yaml:1:1: expected settings");
  CheckError(ParseFile("scrape:\n  count: 1\n  count: 2\n"), "c.yaml:3:3: 'scrape.count' is given twice");
  CheckError(ParseFile("scrape: {count: 1\n"), "c.yaml:");
  CheckError(ParseFile("scrape:\n\tcount: 1\n"), "c.yaml:2:");
  CheckError(ParseFile("collector:\n  network: maybe\n"), "expected true or false, got 'maybe'");
  CheckError(ParseFile("scrape:\n  targets: [[a]]\n"), "c.yaml:2:13: scrape.targets: expected a list of texts");
  CheckError(Parse({"--config.file=/nonexistent/c.yaml"}), "--config.file: /nonexistent/c.yaml");
}

TEST_CASE("the environment comes before defaults only") {
  ::setenv("CM_TEST_NODE", "from-env", 1);
  CHECK(Parse({}).settings.name == "from-env");
  CHECK(ParseFile("node:\n  name: from-file\n").settings.name == "from-file");
  CHECK(Parse({"--node.name=from-flag"}).settings.name == "from-flag");
  ::unsetenv("CM_TEST_NODE");
  CHECK(Parse({}).settings.name.empty());
}

TEST_CASE("the documentation's table") {
  const std::string table = Parse({}).table;
  CHECK(table.find("| `--web.listen-address=HOST:PORT` | `:1` | Address. |\n") != std::string::npos);
  CHECK(table.find("| `--[no-]collector.network` | `true` | Network. |\n") != std::string::npos);
  CHECK(table.find("Environment: `CM_TEST_NODE`.") != std::string::npos);
}

TEST_CASE("durations") {
  using cloudmon::config::FormatDuration;
  using cloudmon::config::ParseDuration;
  for (const auto& [text, value] : std::vector<std::pair<const char*, std::chrono::milliseconds>>{
           {"500ms", 500ms}, {"10s", 10s}, {"5m", 5min}, {"2h", 2h}, {"7d", 168h}, {"0s", 0ms}}) {
    CAPTURE(text);
    REQUIRE(ParseDuration(text).ok());
    CHECK(ParseDuration(text).value() == value);
    CHECK(FormatDuration(value) == text);
  }
  CHECK(FormatDuration(90s) == "90s");
  for (const char* text :
       {"", "10", "s", "-1s", "1.5s", "1w", "1 s", "10S", "99999999999999999999s", "9223372036854775807d"}) {
    CAPTURE(text);
    CHECK(!ParseDuration(text).ok());
  }
}
