// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/file_sd.h"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/support/files.h"

namespace cloudmon::discovery {
namespace {

// What is logged while it lives.
class LogCapture {
 public:
  LogCapture() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
    sink->set_pattern("%l %v");
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
  }
  ~LogCapture() { spdlog::set_default_logger(before_); }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  [[nodiscard]] int Warnings() const {
    int count = 0;
    const std::string text = text_.str();
    for (std::size_t at = text.find("warning "); at != std::string::npos; at = text.find("warning ", at + 1)) ++count;
    return count;
  }
  [[nodiscard]] std::string Text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

std::string Urls(Discovery& discovery) {
  std::string out;
  for (const Target& target : discovery.Targets()) out += target.url + " ";
  return out;
}

}  // namespace

TEST_CASE("ParseFileSd: JSON and YAML mean the same") {
  auto good = [](std::string_view file, std::string_view content) {
    CAPTURE(content);
    const auto targets = ParseFileSd(content, file);
    REQUIRE_MESSAGE(targets.ok(), (targets.ok() ? "" : targets.error().message));
    REQUIRE(targets.value().size() == 3);
    const Target& first = targets.value()[0];
    CHECK(first.url == "https://10.0.0.7:9780/m");
    CHECK(first.host_port == "10.0.0.7:9780");
    CHECK(first.node == "node \xf0\x9f\x98\x80");
    CHECK(first.source == file);
    CHECK(first.labels == std::map<std::string, std::string>{{"rack", "7"}, {"zone", "a/b"}});
    CHECK(targets.value()[1].url == "https://[::1]:9780/m");
    CHECK(targets.value()[2].url == "http://plain:80/metrics");
    CHECK(targets.value()[2].node.empty());
    CHECK(targets.value()[2].labels.empty());
  };
  constexpr std::string_view kJson =
      "[\n\t{\n\t\t\"targets\": [\"10.0.0.7:9780\", \"[::1]:9780\"],\n\t\t\"labels\"\n:\t{\"node\": \"node "
      "\\ud83d\\ude00\", \"__scheme__\": \"https\", \"__metrics_path__\": \"/m\", \"rack\": \"7\", \"zone\": "
      "\"a\\/b\", \"__meta_x\": \"y\"}\n\t},\n\t{\"targets\": [\"plain\"]}\n]\n";
  good("t.json", kJson);
  good("t.yaml", kJson);
  good("t.yml",
       "# comment\n- targets: ['10.0.0.7:9780', \"[::1]:9780\"]\n  labels:\n    node: \"node \xf0\x9f\x98\x80\"\n"
       "    __scheme__: https\n    __metrics_path__: /m\n    rack: 7\n    zone: a/b\n    __meta_x: y\n"
       "- targets:\n  - plain\n");
}

TEST_CASE("ParseFileSd: nothing to scrape is a list too") {
  for (std::string_view content : {"[]", " [ ]\n", "[{\"targets\": []}]", "- targets: []\n  labels: {}\n"}) {
    CAPTURE(content);
    const auto targets = ParseFileSd(content, "t.yaml");
    REQUIRE(targets.ok());
    CHECK(targets.value().empty());
  }
}

TEST_CASE("ParseFileSd: bad content names file and place") {
  auto bad = [](std::string_view file, std::string_view content, std::string_view expected) {
    CAPTURE(content.substr(0, 200));
    const auto targets = ParseFileSd(content, file);
    REQUIRE(!targets.ok());
    CHECK(targets.error().code == ErrorCode::kParse);
    CHECK_MESSAGE(targets.error().message.starts_with(expected), targets.error().message);
  };
  bad("t.json", "", "t.json: parse error at line 1, column 1");
  bad("t.json", "[{\"targets\": [\"a:1\"]", "t.json: parse error at line 1, column 21");
  bad("t.json", "[{\"targets\": [\"a:1\"]}] x", "t.json: parse error at line 1, column 24");
  bad("t.json", "[{\"targets\": [\"\xff:1\"]}]", "t.json: parse error");
  bad("t.json", "{\"targets\": []}", "t.json: expected a list of groups");
  bad("t.json", "[{\"targets\": [7]}]", "t.json: /0/targets/0: expected host:port");
  bad("t.json", "[[]]", "t.json: /0: expected a group");
  bad("t.json", "[{\"targets\": [\"a:1\"], \"labels\": {\"node\": 7}}]",
      "t.json: /0/labels/node: label node: expected text");
  bad("t.json", "[{\"targets\": [\"a:1\"], \"labels\": null}]", "t.json: /0/labels: labels: expected names and values");
  bad("t.yaml", "", "t.yaml: expected one list of groups, [] for none");
  bad("t.yaml", "[]\n---\n[]", "t.yaml: expected one list of groups");
  bad("t.yaml", "[{targets: ['a:1']}] x", "t.yaml: ");
  bad("t.yaml", "targets: ['a:1']", "t.yaml: expected a list of groups");
  bad("t.yaml", "just text", "t.yaml: expected a list of groups");
  bad("t.yaml", "- targets: ['a:1']\n  label: {}\n", "t.yaml: 2:10: unknown key 'label', expected targets or labels");
  bad("t.yaml", "- labels: {}\n", "t.yaml: 1:3: a group without targets");
  bad("t.yaml", "- targets: a:1\n", "t.yaml: 1:12: targets: expected a list of host:port");
  bad("t.yaml", "- targets: [{}]\n", "t.yaml: 1:13: expected host:port");
  bad("t.yaml", "- targets:\n  - a:1\n  - b:x\n", "t.yaml: 3:5: expected host:port with a port from 1 to 65535");
  bad("t.yaml", "- targets: ['http://a:1/m']\n", "t.yaml: 1:13: expected host:port, got 'http://a:1/m' (labels");
  bad("t.yaml", "- targets: []\n  targets: []\n", "t.yaml: 2:3: 'targets' a second time");
  bad("t.yaml", "- targets: []\n  labels: {__scheme__: ftp}\n", "t.yaml: 2:24: __scheme__: expected http or https");
  bad("t.yaml", "- targets: []\n  labels: {__metrics_path__: m}\n", "t.yaml: 2:30: __metrics_path__: expected a path");
  bad("t.yaml", "- targets: [\n", "t.yaml: ");
  bad("t.yaml", "- targets: []\n\tlabels: {}\n", "t.yaml: 2:2: ");
  bad("t.yaml", std::string(200'000, '['), "t.yaml: ");
  bad("t.json", std::string(200'000, '['), "t.json: ");
  bad("t.json", std::string(5000, '[') + std::string(5000, ']'), "t.json: /0: expected a group");
  // Nine lists of ten aliases each would be a billion values.
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 7; ++i) {
    const std::string prev = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + prev;
    for (int j = 0; j < 9; ++j) bomb += ", " + prev;
    bomb += "]\n";
  }
  bad("t.yaml", bomb, "t.yaml: ");
}

TEST_CASE("MakeFileSd: read again when changed, a bad file keeps its targets and warns once") {
  const test::TempDir dir;
  const std::string path = dir.Write("t.json", R"([{"targets": ["a:1"]}])");
  LogCapture log;
  const auto sd = MakeFileSd(path);
  CHECK(Urls(*sd) == "http://a:1/metrics ");
  CHECK(Urls(*sd) == "http://a:1/metrics ");

  dir.Write("t.json", R"([{"targets": ["a:1", "b:2"]}])");
  CHECK(Urls(*sd) == "http://a:1/metrics http://b:2/metrics ");
  CHECK(log.Warnings() == 0);

  dir.Write("t.json", "[{");
  CHECK(Urls(*sd) == "http://a:1/metrics http://b:2/metrics ");
  CHECK(Urls(*sd) == "http://a:1/metrics http://b:2/metrics ");
  CHECK(log.Warnings() == 1);
  CHECK(log.Text().find("its last 2 targets stay") != std::string::npos);

  dir.Write("t.json", "[{{");  // another fault, another line
  CHECK(Urls(*sd) == "http://a:1/metrics http://b:2/metrics ");
  CHECK(log.Warnings() == 2);

  // Renamed over, with the same size and times as before.
  dir.Write("t.json", R"([{"targets": ["c:3"]}])");
  CHECK(Urls(*sd) == "http://c:3/metrics ");
  const std::string next = dir.Write("next", R"([{"targets": ["d:4"]}])");
  std::filesystem::last_write_time(next, std::filesystem::last_write_time(path));
  std::filesystem::rename(next, path);
  CHECK(Urls(*sd) == "http://d:4/metrics ");

  std::filesystem::remove(path);
  CHECK(Urls(*sd) == "http://d:4/metrics ");
  CHECK(Urls(*sd) == "http://d:4/metrics ");
  CHECK(log.Warnings() == 3);
  dir.Write("t.json", "[]");
  CHECK(Urls(*sd).empty());
}

TEST_CASE("MakeFileSd: a pattern") {
  const test::TempDir dir;
  LogCapture log;
  const auto sd = MakeFileSd(dir.path() + "/*.yaml");
  CHECK(Urls(*sd).empty());
  CHECK(Urls(*sd).empty());
  CHECK(log.Warnings() == 1);
  CHECK(log.Text().find("no file matches") != std::string::npos);

  dir.Write("b.yaml", "- targets: ['b:2']");
  const std::string a = dir.Write("a.yaml", "- targets: ['a:1']");
  dir.Write("c.json", "[{\"targets\": [\"c:3\"]}]");
  CHECK(Urls(*sd) == "http://a:1/metrics http://b:2/metrics ");
  std::filesystem::remove(a);
  CHECK(Urls(*sd) == "http://b:2/metrics ");
  CHECK(log.Warnings() == 1);
}

TEST_CASE("MakeFileSd: missing, a directory, a pipe") {
  const test::TempDir dir;
  LogCapture log;
  CHECK(Urls(*MakeFileSd(dir.path() + "/none.json")).empty());
  CHECK(Urls(*MakeFileSd(dir.path())).empty());
  const std::string pipe = dir.path() + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(Urls(*MakeFileSd(pipe)).empty());
  CHECK(log.Warnings() == 3);
  CHECK(log.Text().find("not a regular file") != std::string::npos);
}

}  // namespace cloudmon::discovery
