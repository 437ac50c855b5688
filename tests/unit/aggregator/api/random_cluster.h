// SPDX-License-Identifier: Apache-2.0
// Random data in a store, and the router over it: for properties that hold for any data.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/api/handlers.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/unit/aggregator/api/sample.h"

namespace cloudmon::test {

// Percent-encodes all but letters and digits.
inline std::string Encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
      out += c;
    } else {
      out.append("%").append(1, kHex[byte >> 4U]).append(1, kHex[byte & 15U]);
    }
  }
  return out;
}

// Pods that come and go and move, names that several have, buckets and values that are missing, values that are equal.
class RandomCluster {
 public:
  static constexpr std::int64_t kBuckets = 24;

  explicit RandomCluster(unsigned seed) : random_(seed) {
    Invent();
    for (std::int64_t b = 0; b < kBuckets; ++b) store_.Append(RandomBucket(b));
    router_ = api::BuildRouter({store_, clock_, {}});
    tight_router_ = api::BuildRouter({store_, clock_, {.max_points = 40}});
  }
  RandomCluster(const RandomCluster&) = delete;
  RandomCluster& operator=(const RandomCluster&) = delete;

  // `target`: "/api/pods?window=30", encoded. `tight`: with a limit of 40 points.
  [[nodiscard]] http::Response Send(const std::string& target, std::string method = "GET", bool tight = false) const {
    http::Request request;
    request.method = std::move(method);
    request.raw_path = target.substr(0, target.find('?'));
    if (request.raw_path.size() < target.size()) request.query = target.substr(request.raw_path.size() + 1);
    return (tight ? tight_router_ : router_).Dispatch(std::move(request));
  }
  [[nodiscard]] std::string Body(const std::string& target) const {
    CAPTURE(target);
    const http::Response response = Send(target);
    REQUIRE_MESSAGE(response.status == 200, response.body);
    return response.body;
  }

  // Those of that kind that are in the store.
  [[nodiscard]] std::vector<series::Member> Members(series::Kind kind) const {
    std::vector<series::Member> found;
    for (const series::Member& member : reported_) {
      if (member.kind == kind) found.push_back(member);
    }
    return found;
  }
  // A pod of a deployment: its names make every route answer.
  [[nodiscard]] series::Member AnyPod() {
    for (;;) {
      series::Member pod = Pick(Members(series::Kind::kPod));
      if (!pod.deployment.empty()) return pod;
    }
  }

  template <class T>
  T Pick(const std::vector<T>& from) {
    return from[random_() % from.size()];
  }
  bool OneIn(unsigned n) { return random_() % n == 0; }

 private:
  struct Life {
    series::MemberPtr member;
    std::int64_t first = 0, end = kBuckets;  // buckets
  };

  void Invent() {
    std::set<series::Member> members{{series::Kind::kCluster, "", "", "", ""}};
    for (int i = 0; i < 24; ++i) {
      const std::string node = Pick<std::string>({"n0", "n1", "n 2"});
      const std::string ns = Pick<std::string>({"shop", "infra", "a&b=c/d+\xC3\xBC"});
      const std::string deployment = Pick<std::string>({"web", "web", "db", ""});
      const std::string pod = deployment + "-" + std::to_string(random_() % 4);
      members.insert({series::Kind::kPod, node, ns, deployment, pod});
      if (OneIn(6)) members.insert({series::Kind::kPod, node, ns, "", pod});  // before its deployment was known
      members.insert({series::Kind::kNode, node, "", "", ""});
      members.insert({series::Kind::kNamespace, "", ns, "", ""});
      if (!deployment.empty()) members.insert({series::Kind::kDeployment, "", ns, deployment, ""});
    }
    for (const series::Member& member : members) {
      Life life{MakeMember(member)};
      if (member.kind == series::Kind::kPod && !OneIn(3)) {
        life.first = static_cast<std::int64_t>(random_() % kBuckets);
        life.end = life.first + 1 + static_cast<std::int64_t>(random_() % kBuckets);
      }
      lives_.push_back(std::move(life));
    }
  }

  series::Bucket RandomBucket(std::int64_t index) {
    series::Bucket bucket{kFirst + 10 * index, {}};
    if (OneIn(12)) return bucket;
    for (const Life& life : lives_) {
      if (index < life.first || index >= life.end || OneIn(5)) continue;
      bucket.entries.push_back({life.member, RandomPoint()});
      reported_.insert(*life.member);
    }
    return bucket;
  }

  series::Point RandomPoint() {
    constexpr std::array<std::uint64_t, 4> kBounds{2, 5, 100'000, 1'000'000'000'000'000};
    series::Point point;
    if (OneIn(10)) return point;
    for (const auto& info : series::kFields) {
      if (OneIn(4)) continue;
      const std::uint64_t value = (static_cast<std::uint64_t>(random_()) << 32U | random_()) % kBounds[random_() % 4];
      point.Set(info.field, static_cast<std::int64_t>(value));
    }
    return point;
  }

  std::mt19937 random_;
  std::vector<Life> lives_;
  std::set<series::Member> reported_;
  FakeStore store_;
  FakeClock clock_{(kFirst + 10 * kBuckets + 3) * 1000};
  http::Router router_, tight_router_;
};

}  // namespace cloudmon::test
