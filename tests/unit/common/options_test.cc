// SPDX-License-Identifier: Apache-2.0
#include "common/config/options.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/files.h"

namespace config = cloudmon::config;
using cloudmon::test::TempDir;
using std::chrono::milliseconds;

namespace {

constexpr const char* kEnv = "CLOUDMON_OPTIONS_TEST_NODE";

struct Fields {
  std::string listen = ":8082";
  std::string node;
  std::int64_t limit = 100;
  bool network = true;
  bool debug = false;
  milliseconds interval{10'000};
  std::vector<std::string> targets = {"a:1"};

  bool operator==(const Fields&) const = default;
};

struct Table {
  Fields fields;
  config::OptionTable table{"cloud-monitor-test", "Tests the table of options."};
  Table() {
    table.Add({"web.listen-address", "Address to serve on.", &fields.listen, "", "HOST:PORT"});
    table.Add({"node.name", "Name of this node.", &fields.node, kEnv, ""});
    table.Add({"scrape.limit", "Samples of one target.", &fields.limit, "", ""});
    table.Add({"scrape.interval", "Time between two scrapes.", &fields.interval, "", ""});
    table.Add({"scrape.targets", "Targets | to scrape.", &fields.targets, "", ""});
    table.Add({"collector.network", "Network of each pod.", &fields.network, "", ""});
    table.Add({"web.debug", "More of everything.", &fields.debug, "", ""});
  }
  cloudmon::Result<config::Action> Parse(const std::vector<std::string>& arguments) {
    std::vector<const char*> argv = {"test"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    return table.Parse(static_cast<int>(argv.size()), argv.data());
  }
};

// The fields after these arguments, or the message.
struct Outcome {
  Fields fields;
  std::string message;
};

Outcome Run(const std::vector<std::string>& arguments) {
  Table table;
  const auto action = table.Parse(arguments);
  if (action.ok()) return {table.fields, ""};
  CHECK(action.error().code == cloudmon::ErrorCode::kInvalid);
  return {{}, action.error().message};
}

Outcome RunFile(std::string_view yaml, std::vector<std::string> arguments = {}) {
  const TempDir dir;
  const std::string path = dir.Write("c.yaml", yaml);
  arguments.push_back("--config.file=" + path);
  Outcome outcome = Run(arguments);
  // The name without the directory, which differs from run to run.
  if (const std::size_t at = outcome.message.find(path); at != std::string::npos) {
    outcome.message.replace(at, path.size(), "c.yaml");
  }
  return outcome;
}

}  // namespace

TEST_CASE("ParseDuration and FormatDuration") {
  auto good = [](std::string_view in, std::int64_t want, std::string_view back) {
    CAPTURE(in);
    REQUIRE(config::ParseDuration(in).ok());
    CHECK(config::ParseDuration(in).value() == milliseconds(want));
    CHECK(config::FormatDuration(milliseconds(want)) == back);
  };
  good("500ms", 500, "500ms");
  good("10s", 10'000, "10s");
  good("90s", 90'000, "90s");
  good("120s", 120'000, "2m");
  good("5m", 300'000, "5m");
  good("2h", 7'200'000, "2h");
  good("7d", 604'800'000, "7d");
  good("0s", 0, "0s");
  good("1001ms", 1001, "1001ms");
  good("106751991167d", 9'223'372'036'828'800'000, "106751991167d");
  for (std::string_view in : {"", "10", "s", "-1s", "+1s", "1.5s", " 1s", "1s ", "1 s", "1S", "1h30m", "1w",
                              "106751991168d", "99999999999999999999s"}) {
    CAPTURE(in);
    CHECK(!config::ParseDuration(in).ok());
  }
}

TEST_CASE("flags set the fields") {
  CHECK(Run({}).fields == Fields{});
  CHECK(Run({"--web.listen-address=[::1]:80"}).fields.listen == "[::1]:80");
  CHECK(Run({"--web.listen-address", "127.0.0.1:80"}).fields.listen == "127.0.0.1:80");
  CHECK(Run({"--web.listen-address=[a,b]"}).fields.listen == "[a,b]");
  CHECK(Run({"--web.listen-address=a=b c"}).fields.listen == "a=b c");
  CHECK(Run({"--web.listen-address={}"}).fields.listen == "{}");
  CHECK(Run({"--web.listen-address=", "--node.name=x"}).fields.listen.empty());
  CHECK(Run({"--scrape.limit", "-1"}).fields.limit == -1);
  CHECK(Run({"--scrape.interval=5m"}).fields.interval == milliseconds(300'000));
  CHECK(Run({"--scrape.targets=b:1, c:2"}).fields.targets == std::vector<std::string>{"b:1", "c:2"});
  CHECK(Run({"--scrape.targets="}).fields.targets.empty());
  CHECK(!Run({"--no-collector.network"}).fields.network);
  CHECK(Run({"--collector.network"}).fields.network);
  CHECK(!Run({"--collector.network=false"}).fields.network);
  CHECK(Run({"--web.debug", "--scrape.limit=7", "--no-collector.network"}).fields ==
        Fields{.listen = ":8082", .node = "", .limit = 7, .network = false, .debug = true});
}

TEST_CASE("bad flags are refused with what to change") {
  auto bad = [](const std::vector<std::string>& in, std::string_view want) {
    CAPTURE(in[0]);
    CHECK(Run(in).message == want);
  };
  bad({"--scrape.intervall=1s"}, "unknown flag '--scrape.intervall'; did you mean '--scrape.interval'?");
  bad({"--no-colector.network"}, "unknown flag '--no-colector.network'; did you mean '--no-collector.network'?");
  bad({"--no-scrape.limit"}, "unknown flag '--no-scrape.limit'; did you mean '--scrape.limit'?");
  bad({"--something-else-altogether"}, "unknown flag '--something-else-altogether'; see --help");
  bad({"-x"}, "unknown flag '-x'; see --help");
  bad({"-web.debug"}, "unknown flag '-web.debug'; did you mean '--web.debug'?");
  bad({"run"}, "unexpected argument 'run'; settings are given as --name=value, see --help");
  bad({"--web.debug", "true"}, "unexpected argument 'true'; settings are given as --name=value, see --help");
  bad({"--", "x"}, "unknown flag '--'; see --help");
  bad({"--node.name"}, "--node.name: expected a value, got nothing");
  bad({"--node.name", "--web.debug"}, "--node.name: expected a value, got nothing");
  bad({"--node.name=a", "--node.name=b"}, "--node.name: given 2 times; give it once");
  bad({"--web.debug", "--no-web.debug"}, "--web.debug: given 2 times; give it once");
  bad({"--scrape.interval=10"}, "--scrape.interval: expected a duration such as 10s, got '10'");
  bad({"--scrape.limit=many"}, "--scrape.limit: expected a whole number, got 'many'");
  bad({"--scrape.limit="}, "--scrape.limit: expected a whole number, got ''");
  bad({"--scrape.limit=9223372036854775808"}, "--scrape.limit: expected a whole number, got '9223372036854775808'");
  bad({"--config.file=/nonexistent/c.yaml"}, "--config.file: /nonexistent/c.yaml: No such file or directory");
  CHECK(Run({"--web.debug=maybe"}).message.find("web.debug") != std::string::npos);
  CHECK(Run({"--no-web.debug=false"}).message.find("web.debug") != std::string::npos);
}

TEST_CASE("files set the fields") {
  for (std::string_view empty : {"", "\n", "# nothing\n", "---\n", "{}", "web:\n", "web:\n  # listen-address: x\n"}) {
    CAPTURE(empty);
    const Outcome outcome = RunFile(empty);
    CHECK(outcome.message.empty());
    CHECK(outcome.fields == Fields{});
  }
  const Fields want{.listen = "127.0.0.1:80",
                    .node = "07",
                    .limit = 5,
                    .network = false,
                    .interval = milliseconds(5000),
                    .targets = {"b:1", "c:2"}};
  for (
      std::string_view yaml :
      {"web: {listen-address: '127.0.0.1:80'}\nnode:\n  name: \"07\"\nscrape:\n  limit: 5\n  interval: 5s\n  targets:\n"
       "    - b:1\n    - c:2\ncollector:\n  network: false\n",
       "web.listen-address: 127.0.0.1:80\nnode.name: 07\nscrape.limit: 5\nscrape: {interval: 5s, targets: 'b:1, c:2'}\n"
       "collector.network: false\n"}) {
    const Outcome outcome = RunFile(yaml);
    CHECK(outcome.message.empty());
    CHECK(outcome.fields == want);
  }
  CHECK(RunFile("scrape: {targets: []}").fields.targets.empty());
  CHECK(RunFile("x: &a {limit: 3}\n").message.find("unknown key 'x'") != std::string::npos);
  CHECK(RunFile("scrape: &a {limit: 3}\n").fields.limit == 3);
  CHECK(RunFile("log: {level: debug}").message.empty());
}

TEST_CASE("bad files are refused with file, line and column") {
  auto bad = [](std::string_view in, std::string_view want) {
    CAPTURE(in);
    CHECK(RunFile(in).message == want);
  };
  bad("scrape:\n  intervall: 5s\n", "c.yaml:2:3: unknown key 'scrape.intervall'; did you mean 'scrape.interval'?");
  bad("scape: {interval: 5s}", "c.yaml:1:1: unknown key 'scape'; did you mean 'scrape'?");
  bad("\n\nqwertyuiop: 1", "c.yaml:3:1: unknown key 'qwertyuiop'");
  bad("config: {file: x}", "c.yaml:1:1: unknown key 'config'");
  bad("check-config: true", "c.yaml:1:1: unknown key 'check-config'");
  bad("scrape:\n  interval: 10\n", "c.yaml:2:13: scrape.interval: expected a duration such as 10s, got '10'");
  bad("scrape: {interval: {a: 1}}", "c.yaml:1:20: scrape.interval: expected a duration such as 10s, got a map");
  bad("scrape: {interval: }", "c.yaml:1:20: scrape.interval: expected a duration such as 10s, got nothing");
  bad("scrape: {limit: [1]}", "c.yaml:1:17: scrape.limit: expected a whole number, got a list");
  bad("scrape: {limit: 1.5}", "c.yaml:1:17: scrape.limit: expected a whole number, got '1.5'");
  bad("collector: {network: yes}", "c.yaml:1:22: collector.network: expected true or false, got 'yes'");
  bad("scrape: {targets: [a, [b]]}", "c.yaml:1:23: scrape.targets: expected text, got a list");
  bad("scrape: {targets: {a: b}}", "c.yaml:1:19: scrape.targets: expected a list, got a map");
  bad("scrape: 5s", "c.yaml:1:9: scrape: expected a map of settings, got '5s'");
  bad("- a\n- b\n", "c.yaml:1:1: expected a map of settings, got a list");
  bad("just text", "c.yaml:1:1: expected a map of settings, got 'just text'");
  bad("[a]: b", "c.yaml:1:1: expected the name of a setting, got a list");
  bad("node: {name: a}\nnode: {name: b}\n", "c.yaml:2:1: the key 'node' is here a second time; the first is in line 1");
  bad("node:\n  name: a\n  name: b\n", "c.yaml:3:3: the key 'node.name' is here a second time; the first is in line 2");
  bad("node:\n  name: a\nnode.name: b\n", "c.yaml:3:1: 'node.name' is set a second time; the first is in line 2");
  bad("scrape: &a\n  scrape: *a\n", "c.yaml:2:3: unknown key 'scrape.scrape'");
  bad("node: {name: a}\n---\nnode: {name: b}\n", "c.yaml:1:1: expected one YAML document, got several ('---')");
  for (std::string_view in : {"node: {name: a", "node:\n\tname: a\n", "node: *nothing", "a: b: c", "\"",
                              "%YAML 9\n---\n", "\x01", "node: {name: \"\\xZZ\"}"}) {
    CAPTURE(in);
    CHECK(RunFile(in).message.starts_with("c.yaml:"));
  }
  CHECK(RunFile("a: \n  b\n c: d\n").message == "c.yaml:3:3: not YAML: illegal map value");
  CHECK(!RunFile(std::string(100'000, '[')).message.empty());
  CHECK(!RunFile(std::string(2U << 20U, '#')).message.empty());
  CHECK(Run({"--config.file=/"}).message.starts_with("--config.file: /: "));
}

TEST_CASE("flags win over the file, the file over the environment, the environment over defaults") {
  REQUIRE(::setenv(kEnv, "from-env", 1) == 0);
  CHECK(Run({}).fields.node == "from-env");
  CHECK(RunFile("node: {name: from-file}").fields.node == "from-file");
  CHECK(RunFile("node: {name: from-file}", {"--node.name=from-flag"}).fields.node == "from-flag");
  CHECK(RunFile("scrape: {limit: wrong}", {"--scrape.limit=1"}).message.starts_with("c.yaml:1:17: "));
  REQUIRE(::setenv(kEnv, "", 1) == 0);
  CHECK(Run({}).fields.node.empty());
  REQUIRE(::unsetenv(kEnv) == 0);
}

TEST_CASE("a wrong variable of the environment is named") {
  std::int64_t number = 0;
  config::OptionTable table("p", "s");
  table.Add({"a.number", "A number.", &number, kEnv, ""});
  REQUIRE(::setenv(kEnv, "x", 1) == 0);
  const char* const argv[] = {"p"};
  const auto action = table.Parse(1, argv);
  REQUIRE(!action.ok());
  CHECK(action.error().message == "environment variable CLOUDMON_OPTIONS_TEST_NODE: expected a whole number, got 'x'");
  REQUIRE(::unsetenv(kEnv) == 0);
}

TEST_CASE("the table's own settings") {
  const TempDir dir;
  const std::string path = dir.Write("c.yaml", "log: {level: warn}");
  Table table;
  CHECK(table.table.log_level() == "info");
  CHECK(table.Parse({"--config.file", path, "--check-config"}).ok());
  CHECK(table.table.log_level() == "warn");
  CHECK(table.table.check_config());
  CHECK(table.table.config_file() == path);
}

TEST_CASE("the same arguments parse again, as for a reload") {
  const TempDir dir;
  const std::string path = dir.Write("c.yaml", "scrape: {limit: 1}");
  const std::vector<std::string> arguments = {"--config.file=" + path, "--web.debug"};
  CHECK(Run(arguments).fields.limit == 1);
  dir.Write("c.yaml", "scrape: {limit: 2}");
  CHECK(Run(arguments).fields.limit == 2);
  dir.Write("c.yaml", "scrape: {limit: x}");
  CHECK(!Run(arguments).message.empty());
}

TEST_CASE("a command's argument, flags of its own, and settings that it does not show") {
  Fields fields;
  std::string directory;
  std::string window;
  config::OptionTable table("cloud-monitor-test copy", "Copies a directory.");
  table.Add({"scrape.limit", "Samples of one target.", &fields.limit, "", ""});
  table.Add({"node.name", "Name of this node.", &fields.node, "", ""});
  table.ShowOnly({"node.name"});
  table.Add({"window", "How much.", &window, "", "SPAN", config::Scope::kFlag});
  table.SetArgument({"DIR", "The directory.", &directory});
  table.SetEpilogue("\nExample:\n  cloud-monitor-test copy DIR\n");
  auto parse = [&](const std::vector<std::string>& arguments) -> std::string {
    std::vector<const char*> argv = {"test"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    const auto action = table.Parse(static_cast<int>(argv.size()), argv.data());
    return action.ok() ? "" : action.error().message;
  };
  cloudmon::test::CheckGolden("options_command_help.txt", table.Help());
  CHECK(parse({}) == "DIR is missing: The directory.");
  CHECK(parse({"--node.name=x", "a dir", "--window", "5m", "--scrape.limit=7"}).empty());
  CHECK(directory == "a dir");
  CHECK(window == "5m");
  CHECK(fields.limit == 7);
  CHECK(parse({"a", "b"}) == "unexpected argument 'b'; settings are given as --name=value, see --help");
  CHECK(parse({"a", "-b"}).starts_with("unknown flag '-b'"));
  const TempDir dir;
  CHECK(parse({"a", "--config.file=" + dir.Write("good.yaml", "scrape: {limit: 9}")}).empty());
  CHECK(fields.limit == 9);
  CHECK(parse({"a", "--config.file=" + dir.Write("bad.yaml", "window: 5m")}).ends_with("unknown key 'window'"));
  CHECK(table.MarkdownTable().find("scrape.limit") == std::string::npos);
}

TEST_CASE("help and version end the program") {
  Table table;
  for (const char* flag : {"--help", "-h", "--version"}) {
    const auto action = table.Parse({flag, "--scrape.limit=1"});
    REQUIRE(action.ok());
    CHECK(action.value() == config::Action::kExit);
  }
  CHECK(table.fields == Fields{});
  cloudmon::test::CheckGolden("options_help.txt", table.table.Help());
  cloudmon::test::CheckGolden("options_table.md", table.table.MarkdownTable());
}
