// SPDX-License-Identifier: Apache-2.0
// The contract says what the program's own tables say. That answers are as it says is tests/e2e/test_openapi.py's to
// check.
#include "aggregator/api/openapi.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/api/handlers.h"
#include "aggregator/api/query.h"
#include "aggregator/api/select.h"
#include "aggregator/api/series_handler.h"
#include "aggregator/export/range.h"
#include "aggregator/export/writer.h"
#include "aggregator/series/model.h"
#include "common/version.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/files.h"

using namespace cloudmon;  // NOLINT: a test
using Json = nlohmann::ordered_json;
using Names = std::set<std::string>;

namespace {

const Json& Contract() {
  static const Json contract = Json::parse(api::kOpenApiJson);
  return contract;
}

const Json& Followed(const Json& node) {
  if (!node.contains("$ref")) return node;
  return Contract().at(Json::json_pointer(node["$ref"].get<std::string>().substr(1)));
}

Names KeysOf(const Json& object) {
  Names keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

// The operation's parameters at `place` ("path", "query") by name.
std::map<std::string, Json> ParametersAt(const Json& operation, std::string_view place) {
  std::map<std::string, Json> found;
  for (const Json& item : operation.value("parameters", Json::array())) {
    const Json& parameter = Followed(item);
    if (parameter["in"] == place) found.emplace(parameter["name"], parameter);
  }
  return found;
}

const Json& SeriesOperation(const api::SeriesRoute& route) {
  return Contract()["paths"][std::string(route.pattern)]["get"];
}

// The first column of the README's table: every parameter that the parser knows.
Names ParserNames() {
  Names names;
  const std::string rows = api::ParametersMarkdown();
  for (std::size_t at = 0; at < rows.size(); at = rows.find('\n', at) + 1) {
    const std::size_t start = at + std::string_view("| `").size();
    names.insert(rows.substr(start, rows.find('`', start) - start));
  }
  return names;
}

// {"node": "node"} for "/api/nodes/{node}".
api::PathKeys KeysIn(std::string_view pattern) {
  api::PathKeys keys;
  for (std::size_t at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at + 1)) {
    const std::string name(pattern.substr(at + 1, pattern.find('}', at) - at - 1));
    keys.emplace(name, name);
  }
  return keys;
}

std::string ExampleText(const Json& example) {
  if (example.is_string()) return example;
  if (!example.is_array()) return example.dump();
  std::string list;
  for (const Json& item : example) list += (list.empty() ? "" : ",") + item.get<std::string>();
  return list;
}

// The names of the values that entries of this kind can have.
Names ValueNames(const std::string& kind) {
  const Json& schemas = Contract()["components"]["schemas"];
  Names names = KeysOf(schemas["Usage"]["properties"]);
  names.merge(KeysOf(schemas[kind + "Entry"].value("properties", Json::object())));
  return names;
}

std::vector<std::string> FieldNames() {
  std::vector<std::string> names;
  for (const auto& info : series::kFields) names.emplace_back(info.name);
  return names;
}

const std::vector<std::string> kKinds = {"Node", "Pod", "Namespace", "Deployment", "Cluster"};

}  // namespace

TEST_CASE("the contract is the file, and of this version") {
  CHECK(std::string(api::kOpenApiJson) == test::ReadText("docs/openapi.json"));
  CHECK(Contract()["openapi"] == "3.1.0");
  CHECK(Contract()["info"]["version"] == kVersion);
}

TEST_CASE("the contract and the router have the same routes") {
  const test::FakeStore store;
  const test::FakeClock clock{0};
  Names routed;
  const http::Router router = api::BuildRouter({.store = store, .clock = clock});
  for (const http::Route& route : router.routes()) {
    routed.insert(route.method + " " + route.pattern + ": " + route.summary);
  }
  Names documented;
  for (const auto& [path, operations] : Contract()["paths"].items()) {
    for (const auto& [key, operation] : operations.items()) {
      std::string method = key;
      std::transform(method.begin(), method.end(), method.begin(), [](unsigned char c) { return std::toupper(c); });
      documented.insert(method + " " + path + ": " + operation["summary"].get<std::string>());
    }
  }
  for (const std::string& route : routed) CHECK_MESSAGE(documented.contains(route), "not in the contract: ", route);
  for (const std::string& route : documented) CHECK_MESSAGE(routed.contains(route), "not in the program: ", route);
}

TEST_CASE("a series route documents the parameters that it takes, with examples that it takes") {
  const Names known = ParserNames();
  for (const api::SeriesRoute& route : api::kSeriesRoutes) {
    CAPTURE(route.pattern);
    const api::PathKeys keys = KeysIn(route.pattern);
    Names in_path;
    for (const auto& [name, parameter] : ParametersAt(SeriesOperation(route), "path")) in_path.insert(name);
    CHECK(in_path.size() == keys.size());
    for (const auto& [key, value] : keys) CHECK(in_path.contains(key));

    auto documented = ParametersAt(SeriesOperation(route), "query");
    for (const std::string& name : known) {
      CAPTURE(name);
      const bool is_documented = documented.contains(name);
      const std::string value = is_documented ? ExampleText(documented[name]["example"]) : "x";
      const auto query = api::ParseSeriesQuery({{name, value}}, 10);
      const bool taken = query.ok() && api::ResolveMembers(route.kind, keys, query.value()).ok();
      CHECK(is_documented == taken);
      documented.erase(name);
    }
    CHECK_MESSAGE(documented.empty(), "the parser does not know ", documented.begin()->first);
  }
}

TEST_CASE("an export documents the parameters that it takes, with examples that it takes") {
  for (const exports::File& file : exports::kFiles) {
    CAPTURE(file.name);
    auto documented = ParametersAt(Contract()["paths"]["/api/export/" + std::string(file.name)]["get"], "query");
    for (const std::string& name : ParserNames()) {
      CAPTURE(name);
      const bool is_documented = documented.contains(name);
      const std::string value = is_documented ? ExampleText(documented[name]["example"]) : "x";
      CHECK(is_documented == exports::ParseRange({{name, value}}, 10).ok());
    }
  }
}

TEST_CASE("a series route documents the statuses that it can give") {
  for (const api::SeriesRoute& route : api::kSeriesRoutes) {
    CAPTURE(route.pattern);
    Names statuses{"200", "400", "422", "503", "4XX", "5XX"};
    if (!KeysIn(route.pattern).empty()) statuses.insert("404");
    CHECK(KeysOf(SeriesOperation(route)["responses"]) == statuses);
  }
}

TEST_CASE("the value fields are the program's") {
  const auto known = FieldNames();
  const Json& fields = Contract()["components"]["parameters"]["fields"];
  CHECK(fields["schema"]["items"]["enum"].get<std::vector<std::string>>() == known);

  std::string sort = "^-?(time|name";
  for (const std::string& name : known) sort += "|" + name;
  CHECK(Contract()["components"]["parameters"]["sort"]["schema"]["pattern"] == sort + ")$");

  Names documented;
  for (const std::string& kind : kKinds) documented.merge(ValueNames(kind));
  CHECK(documented == Names(known.begin(), known.end()));
}

TEST_CASE("columns have the values that entries have") {
  const Json& schemas = Contract()["components"]["schemas"];
  CHECK(KeysOf(schemas["Usage"]["properties"]) == KeysOf(schemas["UsageColumns"]["properties"]));
  for (const std::string& kind : kKinds) {
    CAPTURE(kind);
    Names columns = KeysOf(schemas["UsageColumns"]["properties"]);
    columns.merge(KeysOf(schemas[kind + "Columns"]["properties"]["series"]["items"]["properties"]));
    columns.erase("labels");
    CHECK(columns == ValueNames(kind));
  }
}
