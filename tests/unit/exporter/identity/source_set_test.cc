// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/source_set.h"

#include <doctest/doctest.h>

#include "tests/unit/exporter/identity/fake_source.h"

namespace cloudmon::identity {
namespace {

TEST_CASE("Backoff") {
  Backoff backoff;
  CHECK(backoff.Due(0));
  std::int64_t now_ms = 0;
  for (const std::int64_t wait_ms : {1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000}) {
    CAPTURE(wait_ms);
    backoff.Failed(now_ms);
    CHECK(!backoff.Due(now_ms + wait_ms - 1));
    CHECK(backoff.Due(now_ms + wait_ms));
    now_ms += wait_ms;
  }
  backoff.Failed(now_ms);
  backoff.Failed(now_ms + 10'000);  // early: the wait is not doubled, but starts again
  CHECK(!backoff.Due(now_ms + 39'999));
  CHECK(backoff.Due(now_ms + 40'000));
  backoff.Reset();
  CHECK(backoff.Due(now_ms));
}

TEST_CASE("SourceSet: asks in order, notes what fails, and comes back to it") {
  auto first = std::make_unique<test::FakeSource>("first");
  auto second = std::make_unique<test::FakeSource>("second");
  test::FakeSource& cri = *first;
  cri.error = Error{ErrorCode::kNotFound, "no socket"};
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(std::move(first));
  sources.push_back(std::move(second));
  SourceSet set(std::move(sources));
  CHECK(set.Due(0));
  CHECK(!set.Best());
  CHECK(set.container_runtime().empty());

  std::vector<Message> messages;
  std::vector<Answer> answers = set.Ask(0, messages);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].source == 1);
  CHECK(set.Best() == std::optional<std::size_t>(1));
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].warning);
  CHECK(messages[0].text == "identity source first is away: no socket");
  CHECK(!messages[1].warning);
  CHECK(messages[1].text == "identity source second answers: 0 pods");

  messages.clear();
  CHECK(!set.Due(999));
  CHECK(set.Ask(999, messages).size() == 1);
  CHECK(cri.fetches == 1);  // it failed a short while ago
  CHECK(set.Due(1'000));
  CHECK(set.Ask(1'000, messages).size() == 1);
  CHECK(cri.fetches == 2);
  CHECK(messages.empty());  // said once

  cri.error = Error{ErrorCode::kDenied, "needs root"};
  CHECK(set.Ask(3'000, messages).size() == 1);
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].text == "identity source first is away: needs root");

  messages.clear();
  cri.error.reset();
  cri.runtime = "containerd://1.6.20";
  CHECK(set.Ask(7'000, messages).size() == 2);
  CHECK(set.Best() == std::optional<std::size_t>(0));
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].text == "identity source first answers: 0 pods");
  CHECK(set.container_runtime() == "containerd://1.6.20");

  const std::vector<SourceStats> stats = set.Stats();
  REQUIRE(stats.size() == 2);
  CHECK(stats[0].source == "first");
  CHECK(stats[0].up);
  CHECK(stats[0].refreshes == 4);
  CHECK(stats[0].errors == std::map<std::string, std::uint64_t, std::less<>>{{"denied", 1}, {"not_found", 2}});
  CHECK(stats[1].errors.empty());
  CHECK(stats[1].refreshes == 5);
}

TEST_CASE("SourceSet: a source with news is asked at once, also one that failed a moment ago") {
  auto source = std::make_unique<test::FakeSource>("kubernetes");
  test::FakeSource& watch = *source;
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(std::move(source));
  SourceSet set(std::move(sources));
  std::vector<Message> messages;
  watch.error = Error{ErrorCode::kTimeout, "not listed yet"};
  CHECK(set.Ask(0, messages).empty());
  CHECK(!set.Due(1));
  CHECK(set.Ask(1, messages).empty());
  CHECK(watch.fetches == 1);

  watch.error.reset();
  watch.news = 1;
  CHECK(set.Due(2));
  CHECK(set.Ask(2, messages).size() == 1);
  CHECK(!set.Due(3));
  watch.news = 2;
  CHECK(set.Due(3));
  CHECK(set.Ask(3, messages).size() == 1);
  CHECK(!set.Due(1'000'000));

  CHECK(set.Stats()[0].up);
  watch.is_current = false;
  CHECK(!set.Stats()[0].up);
  CHECK(set.Best() == std::optional<std::size_t>(0));  // what it knows still counts
}

}  // namespace
}  // namespace cloudmon::identity
