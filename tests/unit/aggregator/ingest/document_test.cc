// SPDX-License-Identifier: Apache-2.0
#include "aggregator/ingest/document.h"

#include <doctest/doctest.h>
#include <pthread.h>

#include <string>
#include <string_view>

#include "aggregator/ingest/names.h"

using namespace cloudmon;
using ingest::Document;
using ingest::ParseDocument;

namespace {

// The document of the contract.
constexpr std::string_view kExample = R"({"timestamp": 1795369213, "node": "node-a",
 "node_data": {"cpu_millicores": 812, "memory_bytes": 1, "disk_read_bytes": 0, "disk_write_bytes": 0,
               "network_rx_bytes": 0, "network_tx_bytes": 0},
 "pods": [{"pod": "web-1", "namespace": "shop", "deployment": "web", "cpu_usage_usec": 1, "memory_bytes": 1,
           "disk_read_bytes": 0, "disk_write_bytes": 0, "io_stats": {"8:0_rbytes": 0},
           "network_rx_bytes": 0, "network_tx_bytes": 0}],
 "namespaces": [], "deployments": []})";

// A document whose members after timestamp and node are `rest`.
std::string With(std::string_view rest) {
  return R"({"timestamp": 1795369213, "node": "node-a", )" + std::string(rest) + "}";
}
// A pod with these members beside its names.
std::string WithPod(std::string_view members) {
  return With(R"("pods": [{"pod": "p", "namespace": "n", )" + std::string(members) + "}]");
}

Document Good(const std::string& body) {
  CAPTURE(body);
  auto document = ParseDocument(body);
  REQUIRE_MESSAGE(document.ok(), document.error().message);
  return std::move(document).value();
}

void Bad(const std::string& body, std::string_view message) {
  const auto document = ParseDocument(body);
  CAPTURE(body.substr(0, 300));
  REQUIRE(!document.ok());
  CHECK(document.error().code == ErrorCode::kParse);
  CHECK(document.error().message == message);
}

void BadStart(const std::string& body, std::string_view start) {
  const auto document = ParseDocument(body);
  CAPTURE(body.substr(0, 300));
  REQUIRE(!document.ok());
  CAPTURE(document.error().message);
  CHECK(document.error().message.starts_with(start));
  CHECK(document.error().message.size() < 600);
}

std::string Repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("the contract's example") {
  const Document document = Good(std::string(kExample));
  CHECK(document.timestamp_ms == 1'795'369'213'000);
  CHECK(document.accepted == 2);
  const series::TargetReading& reading = document.reading;
  CHECK(reading.node == "node-a");
  CHECK(reading.node_reading.usage.cpu_millicores == 812);
  CHECK(reading.node_reading.usage.memory_bytes == 1);
  CHECK(reading.node_reading.usage.disk_write_bytes == 0);
  CHECK(!reading.node_reading.usage.cpu_usage_usec);
  CHECK(!reading.node_reading.cpu_capacity_millicores);
  CHECK(reading.groups.empty());
  REQUIRE(reading.pods.size() == 1);
  const series::PodReading& pod = reading.pods[0];
  CHECK(pod.key->ns == "shop");
  CHECK(pod.key->pod == "web-1");
  CHECK(pod.key->deployment == "web");
  CHECK(pod.key->uid.empty());
  CHECK(pod.usage.cpu_usage_usec == 1);
  CHECK(!pod.usage.memory_working_set_bytes);
  CHECK(pod.containers.empty());
  CHECK(!pod.start_time_seconds);
}

TEST_CASE("every value goes to its field") {
  const std::string values =
      R"("cpu_usage_usec": 1, "cpu_millicores": 2, "memory_bytes": 3, "memory_working_set_bytes": 4,
         "disk_read_bytes": 5, "disk_write_bytes": 6, "network_rx_bytes": 7, "network_tx_bytes": 8)";
  auto check = [](const series::Usage& usage) {
    CHECK(usage.cpu_usage_usec == 1);
    CHECK(usage.cpu_millicores == 2);
    CHECK(usage.memory_bytes == 3);
    CHECK(usage.memory_working_set_bytes == 4);
    CHECK(usage.disk_read_bytes == 5);
    CHECK(usage.disk_write_bytes == 6);
    CHECK(usage.network_rx_bytes == 7);
    CHECK(usage.network_tx_bytes == 8);
  };
  const Document pods = Good(With("\"pods\": [{" + values +
                                  R"(, "pod": "p", "namespace": "n", "uid": "u-1", "start_time_seconds": 17.5}],
        "node_data": {"cpu_capacity_millicores": 4000, "memory_capacity_bytes": 9, )" +
                                  values + "}"));
  REQUIRE(pods.reading.pods.size() == 1);
  check(pods.reading.pods[0].usage);
  CHECK(pods.reading.pods[0].key->uid == "u-1");
  CHECK(pods.reading.pods[0].start_time_seconds == 17.5);
  check(pods.reading.node_reading.usage);
  CHECK(pods.reading.node_reading.cpu_capacity_millicores == 4000);
  CHECK(pods.reading.node_reading.memory_capacity_bytes == 9);

  const Document groups = Good(With(R"("namespaces": [{"namespace": "n", "pods": 3, )" + values +
                                    R"(}], "deployments": [{"namespace": "n", "deployment": "d", )" + values + "}]"));
  REQUIRE(groups.reading.groups.size() == 2);
  for (const auto& group : groups.reading.groups) check(group.usage);
  CHECK(groups.reading.groups[0].ns == "n");
  CHECK(groups.reading.groups[0].deployment.empty());
  CHECK(groups.reading.groups[1].deployment == "d");
  CHECK(groups.accepted == 2);
}

TEST_CASE("a value of one pod is not the next one's") {
  const Document document = Good(With(
      R"("pods": [{"pod": "a", "namespace": "n", "deployment": "d", "uid": "u", "memory_bytes": 1,
                   "start_time_seconds": 1}, {"pod": "b", "namespace": "n"}])"));
  REQUIRE(document.reading.pods.size() == 2);
  const series::PodReading& second = document.reading.pods[1];
  CHECK(!second.usage.memory_bytes);
  CHECK(!second.start_time_seconds);
  CHECK(second.key->deployment.empty());
  CHECK(second.key->uid.empty());
}

TEST_CASE("timestamps") {
  auto good = [](std::string_view text, std::int64_t want_ms) {
    CHECK(Good(R"({"node": "n", "timestamp": )" + std::string(text) + "}").timestamp_ms == want_ms);
  };
  good("0", 0);
  good("1795369213", 1'795'369'213'000);
  good("1795369213.0", 1'795'369'213'000);
  good("1795369213.123", 1'795'369'213'123);
  good("1795369213.4567", 1'795'369'213'457);
  good("1.795369213e9", 1'795'369'213'000);
  good("1795369213000", 1'795'369'213'000'000);
  good("9000000000000000", 9'000'000'000'000'000'000);
  auto bad = [](std::string_view text, std::string_view message) {
    Bad(R"({"node": "n", "timestamp": )" + std::string(text) + "}", message);
  };
  bad("null", "/timestamp: required, but missing, null or empty");
  bad("\"1795369213\"", "/timestamp: expected a number, got a string");
  bad("true", "/timestamp: expected a number, got a boolean");
  bad("-1", "/timestamp: expected Unix seconds, got -1");
  bad("1795369213000000000", "/timestamp: expected Unix seconds, got 1.795369213e+18");
  bad("1e999", "/timestamp: the number is too large");
}

TEST_CASE("values") {
  auto good = [](std::string_view text, std::optional<std::uint64_t> want) {
    CAPTURE(text);
    const std::string body = WithPod("\"memory_bytes\": " + std::string(text));
    CHECK(Good(body).reading.pods.at(0).usage.memory_bytes == want);
  };
  good("null", std::nullopt);
  good("0", 0);
  good("-0", 0);
  good("-0.0", 0);
  good("0.49", 0);
  good("0.5", 1);
  good("1.5", 2);
  good("1e3", 1000);
  good("9223372036854775807", 9'223'372'036'854'775'807U);
  good("9223372036854774784.0", 9'223'372'036'854'774'784U);
  auto bad = [](std::string_view text, std::string_view message) {
    Bad(WithPod("\"memory_bytes\": " + std::string(text)), "/pods/0/memory_bytes: " + std::string(message));
  };
  const std::string range = "expected 0 to 9223372036854775807, got ";
  bad("-1", range + "-1");
  bad("-0.1", range + "-0.1");
  bad("9223372036854775808", range + "9223372036854775808");
  bad("9223372036854775807.0", range + "9223372036854775808");
  bad("18446744073709551616", range + "18446744073709551616");
  bad("1e300", range + "1e+300");
  bad("1e999", "the number is too large");
  bad("-1e999", "the number is too large");
  bad("\"1\"", "expected a number, got a string");
  bad("false", "expected a number, got a boolean");
  bad("[1]", "expected a number, got an array");
  bad("{}", "expected a number, got an object");
}

TEST_CASE("names") {
  const std::string longest(ingest::kMaxNameBytes, 'x');
  for (const std::string& name : {std::string("a"), longest, std::string("Ünïcode 漢字"), std::string(R"(q\"\\\/)"),
                                  std::string("\\u00e9"), std::string("__all"), std::string("a/b~c")}) {
    CHECK(Good(R"({"timestamp": 1, "node": ")" + name + "\"}").reading.node.size() <= ingest::kMaxNameBytes);
  }
  auto bad = [](std::string_view text, std::string_view message) {
    const std::string value(text);
    const std::string says(message);
    Bad(R"({"timestamp": 1, "node": )" + value + "}", "/node: " + says);
    Bad(With(R"("pods": [{"namespace": "n", "pod": )" + value + "}]"), "/pods/0/pod: " + says);
    Bad(With(R"("pods": [{"pod": "p", "namespace": )" + value + "}]"), "/pods/0/namespace: " + says);
    Bad(With(R"("namespaces": [{"namespace": )" + value + "}]"), "/namespaces/0/namespace: " + says);
    Bad(With(R"("deployments": [{"namespace": "n", "deployment": )" + value + "}]"),
        "/deployments/0/deployment: " + says);
    if (message.starts_with("required")) return;
    Bad(WithPod("\"deployment\": " + value), "/pods/0/deployment: " + says);
    Bad(WithPod("\"uid\": " + value), "/pods/0/uid: " + says);
  };
  bad("\"\"", "required, but missing, null or empty");
  bad("null", "required, but missing, null or empty");
  bad("7", "expected a string, got a number");
  bad("-7", "expected a string, got a number");
  bad("7.5", "expected a string, got a number");
  bad("true", "expected a string, got a boolean");
  bad("[\"a\"]", "expected a string, got an array");
  bad("{}", "expected a string, got an object");
  bad("\"__all__\"", "the name __all__ is reserved");
  bad("\"a\\nb\"", "control characters are not allowed");
  bad("\"a\\u0000b\"", "control characters are not allowed");
  bad("\"\\u007f\"", "control characters are not allowed");
  bad("\"\\u0085\"", "control characters are not allowed");
  bad("\"" + longest + "y\"", "expected at most 253 bytes, got 254");
  for (std::string_view empty : {"\"\"", "null"}) {
    CHECK(Good(WithPod("\"uid\": " + std::string(empty))).accepted == 1);
    CHECK(Good(WithPod("\"deployment\": " + std::string(empty))).accepted == 1);
  }
}

TEST_CASE("what is required") {
  const std::string missing = ": required, but missing, null or empty";
  Bad("{}", "/timestamp" + missing);
  Bad(R"({"timestamp": 1})", "/node" + missing);
  Bad(R"({"node": "n"})", "/timestamp" + missing);
  Bad(With(R"("pods": [{"pod": "p", "namespace": "n"}, {}])"), "/pods/1/pod" + missing);
  Bad(With(R"("pods": [{"pod": "p"}])"), "/pods/0/namespace" + missing);
  Bad(With(R"("namespaces": [{"deployment": "d"}])"), "/namespaces/0/namespace" + missing);
  Bad(With(R"("deployments": [{"namespace": "n"}])"), "/deployments/0/deployment" + missing);
}

TEST_CASE("shapes") {
  for (std::string_view member : {"node_data", "pods", "namespaces", "deployments"}) {
    CHECK(Good(With("\"" + std::string(member) + "\": null")).accepted == 0);
    Bad(With("\"" + std::string(member) + "\": \"x\""), "/" + std::string(member) + ": expected " +
                                                            (member == "node_data" ? "an object" : "an array") +
                                                            ", got a string");
  }
  CHECK(Good(With(R"("node_data": {})")).accepted == 1);
  CHECK(Good(With(R"("pods": [], "namespaces": [], "deployments": [])")).accepted == 0);
  CHECK(Good(WithPod(R"("io_stats": null)")).accepted == 1);
  CHECK(Good(WithPod(R"("io_stats": {"a": 1, "a": 2.5, "b": null})")).accepted == 1);
  CHECK(Good("\xEF\xBB\xBF" + With("\"x\": 1")).accepted == 0);  // a byte order mark
  Bad("[]", "the document: expected an object, got an array");
  Bad("null", "the document: expected an object, got null");
  Bad("\"x\"", "the document: expected an object, got a string");
  Bad("1", "the document: expected an object, got a number");
  Bad(With(R"("node_data": [])"), "/node_data: expected an object, got an array");
  Bad(With(R"("pods": {})"), "/pods: expected an array, got an object");
  Bad(With(R"("pods": [{"pod": "p", "namespace": "n"}, null])"), "/pods/1: expected an object, got null");
  Bad(With(R"("pods": [[]])"), "/pods/0: expected an object, got an array");
  Bad(With(R"("namespaces": [1])"), "/namespaces/0: expected an object, got a number");
  Bad(With(R"("node_data": {"io_stats": []})"), "/node_data/io_stats: expected an object, got an array");
  Bad(WithPod(R"("io_stats": {"8:0_rbytes": "0"})"), "/pods/0/io_stats/8:0_rbytes: expected a number, got a string");
  Bad(WithPod(R"("io_stats": {"a/b~c": {}})"), "/pods/0/io_stats/a~1b~0c: expected a number, got an object");
  Bad(WithPod(R"("io_stats": {"": -1})"), "/pods/0/io_stats/: expected 0 to 9223372036854775807, got -1");
}

TEST_CASE("members that are not known") {
  CHECK(Good(With(R"("version": 3, "version": [4], "x": {"node": 7, "pods": [1, {"y": [[]]}], "cpu_": 1},
                     "memory_mb": 1, "pods": [{"x": {"pod": 1}, "pod": "p", "namespace": "n", "node": 1, "Memory_mb": 1,
                     "cpu": "1", "pods": "3", "restarts": null, "l": [[], {}]}])"))
            .reading.pods.at(0)
            .key->pod == "p");
  Bad(WithPod(R"("memory_mb": 1)"), "/pods/0/memory_mb: unknown; known are memory_bytes, memory_working_set_bytes");
  Bad(WithPod(R"("memory_mb": null)"), "/pods/0/memory_mb: unknown; known are memory_bytes, memory_working_set_bytes");
  Bad(WithPod(R"("cpu_capacity_millicores": 1)"),
      "/pods/0/cpu_capacity_millicores: unknown; known are cpu_usage_usec, cpu_millicores");
  Bad(With(R"("node_data": {"cpu_percent": 1})"),
      "/node_data/cpu_percent: unknown; known are cpu_usage_usec, cpu_millicores, cpu_capacity_millicores");
  Bad(With(R"("namespaces": [{"disk_/~": 1}])"),
      "/namespaces/0/disk_~1~0: unknown; known are disk_read_bytes, disk_write_bytes");
  Bad(With(R"("deployments": [{"network_rx_mb": {}}])"),
      "/deployments/0/network_rx_mb: unknown; known are network_rx_bytes, network_tx_bytes");
}

TEST_CASE("things given twice") {
  Bad(With(R"("node": "node-a")"), "/node: given twice");
  Bad(With(R"("node_data": {}, "node_data": {})"), "/node_data: given twice");
  Bad(With(R"("pods": [], "pods": [])"), "/pods: given twice");
  Bad(WithPod(R"("memory_bytes": 1, "memory_bytes": 1)"), "/pods/0/memory_bytes: given twice");
  Bad(WithPod(R"("pod": null)"), "/pods/0/pod: given twice");
  const std::string pods = R"("pods": [{"pod": "a", "namespace": "n"}, {"pod": "b", "namespace": "n"},
                                       {"pod": "a", "namespace": "m"}, {"pod": "b", "namespace": "n", "uid": "u"}])";
  Bad(With(pods), "/pods/3: the same names as /pods/1");
  Bad(With(R"("namespaces": [{"namespace": "a"}, {"namespace": "b"}, {"namespace": "a"}])"),
      "/namespaces/2: the same names as /namespaces/0");
  Bad(With(R"("namespaces": [{"namespace": "a"}], "deployments": [{"namespace": "a", "deployment": "d"},
              {"namespace": "a", "deployment": "e"}, {"namespace": "a", "deployment": "e"}])"),
      "/deployments/2: the same names as /deployments/1");
}

TEST_CASE("a document's own groups count only without pods, but are checked") {
  const std::string groups = R"("namespaces": [{"namespace": "n"}], "deployments": [{"namespace": "n",
                                "deployment": "d"}])";
  const std::string pods = R"("pods": [{"pod": "p", "namespace": "n"}])";
  CHECK(Good(With(groups)).reading.groups.size() == 2);
  for (const std::string& body : {With(groups + ", " + pods), With(pods + ", " + groups)}) {
    const Document document = Good(body);
    CHECK(document.reading.groups.empty());
    CHECK(document.accepted == 1);
  }
  CHECK(Good(With(groups + R"(, "pods": [])")).accepted == 2);
  Bad(With(pods + R"(, "namespaces": [{"namespace": "n", "memory_bytes": "1"}])"),
      "/namespaces/0/memory_bytes: expected a number, got a string");
}

TEST_CASE("text that is not JSON") {
  BadStart("", "byte 1 (line 1, column 1): not JSON: ");
  BadStart("{", "byte 2 (line 1, column 2): not JSON: ");
  BadStart("{\n \"node\": nul }", "byte 15 (line 2, column 13): not JSON: ");
  BadStart("{\"timestamp\": NaN}", "byte 15 (line 1, column 15): not JSON: ");
  BadStart("{\"timestamp\": 1,}", "byte 17 (line 1, column 17): not JSON: ");
  BadStart("{'node': 1}", "byte 2 (line 1, column 2): not JSON: ");
  BadStart("{\"node\": \"a\nb\"}", "byte 12 (line 1, column 12): not JSON: ");
  BadStart("// x\n{}", "byte 1 (line 1, column 1): not JSON: ");
  BadStart(std::string(kExample) + " {}", "byte ");
  BadStart("\x1f\x8b\x08", "byte 1 (line 1, column 1): not JSON: ");
  Bad("{\"node\": \"a\xff\"}", "byte 12 (line 1, column 12): not UTF-8, which JSON has to be");
  Bad("{\"x\": \"\xc3\"}", "byte 9 (line 1, column 9): not UTF-8, which JSON has to be");
  BadStart(R"({"node": "\ud800"})", "byte 17 (line 1, column 17): not JSON: ");
  Bad(With("\"x\": 1") + std::string(1, '\0') + "{", "byte 52 (line 1, column 52): not JSON: a zero byte");
  for (std::size_t size = 0; size < kExample.size(); ++size) {
    CAPTURE(size);
    BadStart(std::string(kExample.substr(0, size)), "byte " + std::to_string(size + 1) + " ");
  }
}

TEST_CASE("messages stay short") {
  const std::string mega(1 << 20, 'x');
  BadStart(WithPod("\"memory_" + mega + "\": 1"), "/pods/0/memory_xxx");
  BadStart("{\"node\": \"" + mega, "byte ");
  BadStart(With("\"pods\": [" + mega + "]"), "byte ");
}

TEST_CASE("there is a bound on entries") {
  std::string entries;
  for (std::size_t i = 0; i < ingest::kMaxEntries; ++i) {
    entries += "{\"pod\":\"p" + std::to_string(i) + "\",\"namespace\":\"n\"},";
  }
  CHECK(Good(With("\"pods\": [" + entries.substr(0, entries.size() - 1) + "]")).accepted == ingest::kMaxEntries);
  Bad(With("\"pods\": [" + entries + R"({"pod": "q", "namespace": "n"}])"), "/pods/20000: at most 20000 are taken");
}

TEST_CASE("deep nesting on a thread with as little stack as the server's") {
  auto parse = [](void*) -> void* {
    constexpr std::size_t kDepth = 1 << 20;
    const std::string open = Repeat("[", kDepth);
    const std::string objects = Repeat("{\"a\":", kDepth / 4);
    BadStart(open, "the document: expected an object, got an array");
    BadStart(With("\"x\": " + open), "byte ");
    BadStart(With("\"x\": " + objects), "byte ");
    BadStart(WithPod("\"x\": " + open), "byte ");
    CHECK(Good(With("\"x\": " + open + Repeat("]", kDepth))).accepted == 0);
    CHECK(Good(With("\"x\": " + objects + "1" + Repeat("}", kDepth / 4))).accepted == 0);
    return nullptr;
  };
  constexpr std::size_t kStackBytes = 100U << 10U;
  pthread_attr_t attributes;
  REQUIRE(::pthread_attr_init(&attributes) == 0);
  REQUIRE(::pthread_attr_setstacksize(&attributes, kStackBytes) == 0);
  pthread_t thread{};
  REQUIRE(::pthread_create(&thread, &attributes, parse, nullptr) == 0);
  REQUIRE(::pthread_join(thread, nullptr) == 0);
  (void)::pthread_attr_destroy(&attributes);
}

TEST_CASE("every known name is found where it belongs, and nowhere else") {
  for (const auto& known : ingest::kKnownNames) {
    for (int place = 0; place <= static_cast<int>(ingest::Place::kIoStats); ++place) {
      const bool belongs = (known.places >> place & 1U) != 0;
      CHECK((ingest::FindName(static_cast<ingest::Place>(place), known.name) == &known) == belongs);
    }
  }
}
