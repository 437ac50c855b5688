// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/model.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace cloudmon::series;

TEST_CASE("Fields are in the enum's order, with names of their own") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    CAPTURE(i);
    CHECK(static_cast<std::size_t>(kFields[i].field) == i);
    CHECK(names.insert(kFields[i].name).second);
    CHECK(FieldByName(kFields[i].name) == kFields[i].field);
    CHECK(&InfoOf(kFields[i].field) == &kFields[i]);
    const bool rate = kFields[i].name.ends_with("_per_second");
    CHECK((kFields[i].field_class == FieldClass::kRate) == rate);
  }
  for (std::string_view wrong : {"", "cpu", "CPU_MILLICORES", "cpu_millicores "}) CHECK(!FieldByName(wrong));
}

TEST_CASE("Kinds have names") {
  CHECK(KindName(Kind::kNode) == "node");
  CHECK(KindName(Kind::kPod) == "pod");
  CHECK(KindName(Kind::kNamespace) == "namespace");
  CHECK(KindName(Kind::kDeployment) == "deployment");
  CHECK(KindName(Kind::kCluster) == "cluster");
}

TEST_CASE("Point tells unset from zero") {
  Point point;
  CHECK(point.empty());
  point.Set(Field::kMemoryBytes, 0);
  CHECK(point.Has(Field::kMemoryBytes));
  CHECK(!point.Has(Field::kCpuMillicores));
  point.Add(Field::kCpuMillicores, 5);
  point.Add(Field::kCpuMillicores, 6);
  CHECK(point.Get(Field::kCpuMillicores) == 11);
  point.Clear(Field::kCpuMillicores);
  point.Clear(Field::kMemoryBytes);
  CHECK(point == Point{});
}
