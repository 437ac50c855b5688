// SPDX-License-Identifier: Apache-2.0
#include "aggregator/export/reader.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/files.h"
#include "tests/unit/aggregator/export/files.h"

using namespace cloudmon;
using series::Field;
using series::Kind;

namespace {

// "10 pod node=n namespace=s deployment=d pod=p memory_bytes=1\n" for each entry; or the message.
std::string Read(const std::string& text, Kind kind) {
  std::string out;
  std::istringstream in(text);
  const auto summary =
      exports::ReadFile(in, kind, test::kInterval, [&](std::int64_t time, const auto& m, const auto& p) {
        out += std::to_string(time) + " " + std::string(KindName(m.kind));
        for (const auto& [name, value] : {std::pair("node", m.node), std::pair("namespace", m.ns),
                                          std::pair("deployment", m.deployment), std::pair("pod", m.pod)}) {
          if (!value.empty()) out += " " + std::string(name) + "=" + value;
        }
        for (const auto& info : series::kFields) {
          if (p.Has(info.field)) out += " " + std::string(info.name) + "=" + std::to_string(p.Get(info.field));
        }
        out += "\n";
        return Status::Ok();
      });
  if (!summary.ok()) return summary.error().message;
  if (summary.value().replaced > 0) out += "replaced " + std::to_string(summary.value().replaced) + "\n";
  for (const auto& [name, count] : summary.value().skipped_fields)
    out += name + " " + std::to_string(count) + " times\n";
  return out;
}

// The one entry {fields} of a pod, as value text or message.
std::string Pod(const std::string& fields) {
  return Read(R"({"p":{"10":[{"namespace":"s",)" + fields + "}]}}", Kind::kPod);
}

}  // namespace

TEST_CASE("who an entry is") {
  auto is = [](Kind kind, const std::string& key, const std::string& entry, const std::string& want) {
    CAPTURE(key);
    CAPTURE(entry);
    CHECK(Read("{\"" + key + "\":{\"10\":[{" + entry + "}]}}", kind) == want);
  };
  is(Kind::kNode, "a", "", "10 node node=a\n");
  is(Kind::kNode, "a", R"("node":"a")", "10 node node=a\n");
  is(Kind::kNode, "a", R"("node":null)", "10 node node=a\n");
  is(Kind::kNode, "a", R"("node":"b")", "line 1, column 21: /a/10/0/node: does not agree with its key 'a': 'b'");
  is(Kind::kNode, "a", R"("pod":"b")", "10 node node=a\npod 1 times\n");
  is(Kind::kPod, "p", R"("namespace":"s")", "10 pod namespace=s pod=p\n");
  is(Kind::kPod, "p", R"("pod":"p","deployment":"d","node":"n","namespace":"s")",
     "10 pod node=n namespace=s deployment=d pod=p\n");
  is(Kind::kPod, "p", R"("node":"n")", "10 pod node=n pod=p\n");
  is(Kind::kPod, "p", R"("pod":"q")", "line 1, column 20: /p/10/0/pod: does not agree with its key 'p': 'q'");
  is(Kind::kPod, "p", R"("namespace":7)", "line 1, column 26: /p/10/0/namespace: expected a string, got a number");
  is(Kind::kNamespace, "s", "", "10 namespace namespace=s\n");
  is(Kind::kNamespace, "s", R"("namespace":"t")",
     "line 1, column 26: /s/10/0/namespace: does not agree with its key 's': 't'");
  is(Kind::kDeployment, "s::d", "", "10 deployment namespace=s deployment=d\n");
  is(Kind::kDeployment, "s::d", R"("namespace":"s")", "10 deployment namespace=s deployment=d\n");
  is(Kind::kDeployment, "s::d::e", R"("deployment":"e")", "10 deployment namespace=s::d deployment=e\n");
  is(Kind::kDeployment, "s::d::e", R"("namespace":"s","deployment":"d::e")",
     "10 deployment namespace=s deployment=d::e\n");
  is(Kind::kDeployment, "s::d::e", R"("namespace":"s","deployment":"e")",
     "line 1, column 52: /s::d::e/10/0: namespace and deployment do not make its key 's::d::e'");
  is(Kind::kDeployment, "s::d", R"("namespace":"d")",
     "line 1, column 29: /s::d/10/0/namespace: does not agree with its key 's::d': 'd'");
  is(Kind::kDeployment, "::d", "", "10 deployment deployment=d\n");
  is(Kind::kDeployment, "::d::e", R"("deployment":"d::e")", "10 deployment deployment=d::e\n");
  is(Kind::kDeployment, "::d", R"("namespace":"")", "10 deployment deployment=d\n");
  for (const std::string key : {"s", "s:d", "::", "s::"}) {
    is(Kind::kDeployment, key, "",
       "line 1, column 2: /" + key + ": expected <namespace>::<deployment>, got '" + key + "'");
  }
  is(Kind::kPod, "", "", "line 1, column 2: expected a name, got ''");
  for (const exports::File& file : exports::kFiles) is(file.kind, "__all__", "", "10 cluster\n");
  is(Kind::kPod, "__all__", R"("node":"a")", "10 cluster\nnode 1 times\n");
}

TEST_CASE("values") {
  CHECK(Pod(R"("memory_bytes":1)") == "10 pod namespace=s pod=p memory_bytes=1\n");
  CHECK(Pod(R"("memory_bytes":null)") == "10 pod namespace=s pod=p\n");
  CHECK(Pod(R"("memory_bytes":0,"cpu_millicores":-0)") == "10 pod namespace=s pod=p cpu_millicores=0 memory_bytes=0\n");
  CHECK(Pod(R"("memory_bytes":1.5,"cpu_millicores":2.4e1)") ==
        "10 pod namespace=s pod=p cpu_millicores=24 memory_bytes=2\n");
  CHECK(Pod(R"("memory_bytes":9223372036854775807)") == "10 pod namespace=s pod=p memory_bytes=9223372036854775807\n");
  CHECK(Pod(R"("disk_read_bytes_per_second":12.4,"disk_write_bytes_per_second":3)") ==
        "10 pod namespace=s pod=p disk_read_bytes_per_second=124 disk_write_bytes_per_second=30\n");
  CHECK(Pod(R"("disk_read_bytes_per_second":0.06)") == "10 pod namespace=s pod=p disk_read_bytes_per_second=1\n");
  auto bad = [](const std::string& value, const std::string& message) {
    CAPTURE(value);
    CHECK(Pod("\"memory_bytes\":" + value) == "line 1, column 45: /p/10/0/memory_bytes: " + message);
  };
  const std::string range = "expected a number from 0 to 9223372036854775807, got ";
  bad("\"7\"", "expected a number, got a string");
  bad("true", "expected a number, got true");
  bad("{}", "expected a number, got an object");
  bad("[1]", "expected a number, got an array");
  bad("-1", range + "-1");
  bad("-0.5", range + "-0.5");
  bad("9223372036854775808", range + "9223372036854775808");
  bad("1e19", range + "1e19");
  bad("1e999", "number overflow parsing '1e999'");
  CHECK(Pod(R"("disk_read_bytes_per_second":1e18)").find(range + "1e18") != std::string::npos);
}

TEST_CASE("times") {
  const test::TimeZone zone("CET-1CEST,M3.5.0,M10.5.0/3");
  auto time = [](const std::string& bucket, const std::string& want) {
    CAPTURE(bucket);
    CHECK(Read("{\"n\":{\"" + bucket + "\":[{}]}}", Kind::kNode) == want);
  };
  time("1795369210", "1795369210 node node=n\n");
  time("10", "10 node node=n\n");
  time("2026-11-22 18:40:10", "1795369210 node node=n\n");
  time("2026-07-01 02:00:00", "1782864000 node node=n\n");
  for (const std::string bad :
       {"x", "0", "-10", "1795369210.0", "2026-11-22T18:40:10Z", "2026-11-22 18:40", "2026-13-01 00:00:00",
        "2026-03-29 02:30:00" /* never on the clock */, "99999999999990"}) {
    time(bad, "line 1, column 7: /n/" + bad +
                  ": expected Unix seconds or a local time such as 2026-11-22 17:40:10, got '" + bad + "'");
  }
  time("1795369215", "line 1, column 7: /n/1795369215: expected a multiple of the interval, 10 s, got '1795369215'");
  CHECK(Pod(R"("time":10,"timestamp":"whatever")") == "10 pod namespace=s pod=p\n");
  CHECK(Pod(R"("time":20)") == "line 1, column 37: /p/10/0/time: does not agree with its bucket 10: 20");
  CHECK(Pod(R"("time":"10")") == "line 1, column 37: /p/10/0/time: expected a number, got a string");
}

TEST_CASE("unknown fields are skipped and counted") {
  CHECK(Pod(R"("io_stats":{"8:0_rbytes":[1,{"node":"x"}],"time":1},"x":null,"y":"z","q":-1)") ==
        "10 pod namespace=s pod=p\nio_stats 1 times\nq 1 times\nx 1 times\ny 1 times\n");
  std::string deep = std::string(64, '[') + std::string(64, ']');
  CHECK(Pod("\"x\":" + deep) == "10 pod namespace=s pod=p\nx 1 times\n");
  deep = std::string(1'000'000, '[');
  CHECK(Pod("\"x\":" + deep).ends_with("/p/10/0/x: nested more than 64 deep"));
}

TEST_CASE("of several entries of one member in a bucket the last counts") {
  CHECK(Read(R"({"a":{"10":[{"memory_bytes":1,"cpu_millicores":3},{"memory_bytes":2}],"20":[{"memory_bytes":3}]}})",
             Kind::kNode) == "10 node node=a memory_bytes=2\n20 node node=a memory_bytes=3\nreplaced 1\n");
  CHECK(Read(R"({"p":{"10":[{"namespace":"s","memory_bytes":1},{"namespace":"t","memory_bytes":2},
             {"namespace":"s","memory_bytes":3}]}})",
             Kind::kPod) ==
        "10 pod namespace=s pod=p memory_bytes=3\n10 pod namespace=t pod=p memory_bytes=2\n"
        "replaced 1\n");
}

TEST_CASE("an entry's time lies in its bucket") {
  CHECK(Read(R"({"a":{"10":[{"time":13.5,"memory_bytes":1}]}})", Kind::kNode) == "10 node node=a memory_bytes=1\n");
  CHECK(Read(R"({"a":{"10":[{"time":20}]}})", Kind::kNode).find("does not agree") != std::string::npos);
  CHECK(Read(R"({"a":{"10":[{"time":9}]}})", Kind::kNode).find("does not agree") != std::string::npos);
}

TEST_CASE("files of another shape") {
  auto bad = [](const std::string& text, const std::string& message) {
    CAPTURE(text);
    CHECK(Read(text, Kind::kNode) == message);
  };
  bad("[]", "line 1, column 1: expected an object of keys, got an array");
  bad(" 7\n", "line 1, column 2: expected an object of keys, got a number");
  bad("{\n\"a\": [] }", "line 2, column 6: /a: expected an object of buckets, got an array");
  bad("{\n\"a\": {\"10\": {} }}", "line 2, column 13: /a/10: expected an array of entries, got an object");
  bad("{\n\"a\": {\"10\": null }}", "line 2, column 13: /a/10: expected an array of entries, got null");
  bad("{\"a\":{\"10\":[{},\n  3]}}", "line 2, column 3: /a/10/1: expected an object, got a number");
  bad("{\"x/y~\":{\"10\":7}}", "line 1, column 15: /x~1y~0/10: expected an array of entries, got a number");
}

TEST_CASE("text that is not JSON") {
  auto bad = [](const std::string& text, const std::string& message) {
    const std::string read = Read(text, Kind::kNode);
    CHECK_MESSAGE(read.starts_with(message), read);
  };
  bad("", "line 1, column 1: syntax error while parsing value - unexpected end of input");
  bad("{\"a\":{\"10\":[{\"memory_bytes\":1}", "line 1, column 31: /a/10/1: syntax error");
  bad("{\"a\":{\n\"10\":[{\"memory_bytes\":1e}]}}", "line 2, column 25: /a/10/0/memory_bytes: syntax error");
  bad("{\"a\":{}}\n{}", "line 2, column 1: syntax error");
  bad("{\"a\xff\":{}}",
      "line 1, column 4: syntax error while parsing object key - invalid string: ill-formed UTF-8 byte");
  // A whole file, cut anywhere.
  test::FakeStore store;
  test::FillSample(store);
  const std::string whole = test::Export(store, Kind::kPod, {test::kFirst, test::kFirst + 10});
  REQUIRE_FALSE(Read(whole, Kind::kPod).starts_with("line"));
  for (std::size_t size = 0; size + 2 < whole.size(); ++size) {
    CAPTURE(size);
    REQUIRE(Read(whole.substr(0, size), Kind::kPod).starts_with("line "));
  }
}

TEST_CASE("an error of the taker ends the reading and is passed on") {
  std::istringstream in(R"({"a":{"10":[{}],"20":[{}]}})");
  int taken = 0;
  const auto summary = exports::ReadFile(in, Kind::kNode, 10, [&](auto, const auto&, const auto&) -> Status {
    ++taken;
    return Error{ErrorCode::kIo, "disk full"};
  });
  REQUIRE_FALSE(summary.ok());
  CHECK(summary.error().message == "disk full");
  CHECK(taken == 1);
}

TEST_CASE("a directory is an error, not an exception") {
  const test::TempDir dir;
  std::ifstream in(dir.path());
  const auto summary =
      exports::ReadFile(in, Kind::kNode, 10, [](auto, const auto&, const auto&) { return Status::Ok(); });
  CHECK_FALSE(summary.ok());
}
