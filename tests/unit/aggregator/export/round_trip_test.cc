// SPDX-License-Identifier: Apache-2.0
// What was exported and imported is exported again byte by byte.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>

#include "tests/unit/aggregator/export/files.h"

using namespace cloudmon;
using series::Kind;

namespace {

void CheckRoundTrip(const store::Store& store) {
  test::Imported imported;
  std::vector<std::string> texts;
  for (const exports::File& file : exports::kFiles) {
    texts.push_back(test::Export(store, file.kind));
    const auto summary = test::Import(texts.back(), file.kind, imported);
    REQUIRE_MESSAGE(summary.ok(), summary.error().message);
    CHECK(summary.value().skipped_fields.empty());
  }
  test::FakeStore copy;
  test::FillFrom(imported, copy);
  for (std::size_t i = 0; i < texts.size(); ++i) CHECK(test::Export(copy, exports::kFiles[i].kind) == texts[i]);
}

// Values of all sizes, some missing; totals up to what a double holds exactly.
series::Point RandomPoint(std::mt19937_64& random) {
  series::Point point;
  for (const auto& info : series::kFields) {
    if (random() % 4 != 0) point.Set(info.field, static_cast<std::int64_t>(random() >> (13 + random() % 50)));
  }
  return point;
}

void FillRandom(store::Store& store, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::string names[] = {"a", "a-b", "a::b", "zz/~", "ü €", "\"\\\n"};
  auto name = [&] { return names[random() % std::size(names)]; };
  auto or_none = [&] { return random() % 4 == 0 ? "" : name(); };
  for (std::int64_t t = 10; t < 500; t += test::kInterval) {
    std::map<series::Member, series::Point> entries;
    for (int i = 0; i < 5; ++i) {
      entries[{Kind::kNode, name(), "", "", ""}] = RandomPoint(random);
      entries[test::Pod(or_none(), or_none(), or_none(), name())] = RandomPoint(random);
      entries[{Kind::kNamespace, "", name(), "", ""}] = RandomPoint(random);
      entries[{Kind::kDeployment, "", or_none(), name(), ""}] = RandomPoint(random);
    }
    if (random() % 3 != 0) entries[{}] = RandomPoint(random);
    series::Bucket bucket{t, {}};
    for (const auto& [member, point] : entries) bucket.entries.push_back({test::MakeMember(member), point});
    store.Append(std::move(bucket));
  }
}

}  // namespace

TEST_CASE("export, import, export") {
  for (const char* zone : {"UTC", "Europe/Berlin"}) {
    const test::TimeZone set(zone);
    CheckRoundTrip(test::FakeStore{});
    test::FakeStore sample;
    test::FillSample(sample);
    CheckRoundTrip(sample);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      CAPTURE(seed);
      test::FakeStore store;
      FillRandom(store, seed);
      CheckRoundTrip(store);
    }
  }
}
