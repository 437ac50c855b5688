// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/courier.h"

#include <doctest/doctest.h>

#include <deque>
#include <fstream>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/remote_write/shipper.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/files.h"
#include "tests/unit/aggregator/remote_write/buckets.h"
#include "tests/unit/aggregator/remote_write/decode.h"
#include "tests/unit/aggregator/store/small_disk.h"

using namespace cloudmon;                // NOLINT: a test
using namespace cloudmon::remote_write;  // NOLINT: a test
using post::Outcome;
using post::SendResult;
using std::chrono::milliseconds;
using test::BucketOf;
using test::kInterval;
using test::kTime;
using test::PodEntry;

namespace {

const SendResult kOk{Outcome::kSent, 204, "", {}};
SendResult Retry(long status, std::optional<std::int64_t> retry_after_ms = {}) {
  return {Outcome::kRetry, status, "HTTP " + std::to_string(status), retry_after_ms};
}
SendResult Refused(long status) {
  return {Outcome::kRefused, status, "HTTP " + std::to_string(status), {}};
}

// What all senders of a test have brought, and what they are to answer.
struct Wire {
  std::vector<std::vector<std::string>> taken;  // lines of each request that was answered with kSent
  std::size_t attempts = 0;
  std::deque<SendResult> answers;  // then kSent
  bool hangs = false;              // no answers
  milliseconds last_wait{};

  // "web-1=7 @1795369210" of all that was taken, in order.
  [[nodiscard]] std::vector<std::string> Values() const {
    std::vector<std::string> values;
    for (const auto& request : taken) {
      for (const std::string& line : request) {
        const auto pod = line.find("pod=\"") + 5;
        const auto value = line.find("} ") + 2;
        values.push_back(line.substr(pod, line.find('"', pod) - pod) + "=" +
                         line.substr(value, line.size() - value - 3));
      }
    }
    return values;
  }
};

class FakeSender final : public post::Sender {
 public:
  explicit FakeSender(Wire& wire) : wire_(wire) {}
  void Start(std::string_view body) override {
    REQUIRE(!body_);
    body_ = body;
    ++wire_.attempts;
  }
  std::optional<SendResult> Wait(milliseconds at_most) override {
    wire_.last_wait = at_most;
    if (!body_ || wire_.hangs) return std::nullopt;
    SendResult result = kOk;
    if (!wire_.answers.empty()) {
      result = wire_.answers.front();
      wire_.answers.pop_front();
    }
    if (result.outcome == Outcome::kSent) wire_.taken.push_back(test::Decode(*body_));
    body_.reset();
    return result;
  }
  void Wake() override {}

 private:
  Wire& wire_;
  std::optional<std::string_view> body_;
};

std::string Value(const std::string& pod, const std::string& value, std::int64_t time_seconds) {
  return pod + "=" + value + " @" + std::to_string(time_seconds);
}

struct Rig {
  explicit Rig(std::int64_t sent_until_seconds = kTime - kInterval) {
    CHECK(StateFile(dir.path()).Save({sent_until_seconds, {}}).ok());
    Start();
  }

  // As after a kill: nothing is saved at the end.
  void Start() {
    courier.reset();
    progress = std::make_unique<Progress>(BeginFrom(file.Load(), store.NewestBucket(), clock.NowMs() / 1000, kInterval),
                                          store.NewestBucket());
    courier = std::make_unique<Courier>(
        store, *progress, file, clock, [] { return 0.5; }, kInterval, NewTarget());
  }
  Target NewTarget(Labels labels = {}) {
    return {std::make_unique<FakeSender>(wire), std::move(labels), max_samples, 7 * 24 * 3600};
  }

  void Append(series::Bucket bucket) {
    const std::int64_t time_seconds = bucket.time_seconds;
    clock.Advance(std::max<std::int64_t>((time_seconds + kInterval) * 1000 - clock.NowMs(), 0));
    store.Append(std::move(bucket));
    progress->Appended(time_seconds);
  }
  // Buckets 0 to count - 1, each with pod web-1 whose value is the bucket's number.
  void AppendMany(int count) {
    for (int i = 0; i < count; ++i) Append(BucketOf(kTime + i * kInterval, {PodEntry("web-1", i)}));
  }
  void Amend(std::int64_t time_seconds, std::initializer_list<series::Entry> entries) {
    (void)store.Amend({time_seconds}, [&](series::Bucket& bucket) { bucket.entries = entries; });
    progress->Amended({time_seconds});
  }

  // Whether there was something to do.
  bool Step() {
    const bool busy = courier->Prepare();
    courier->Wait(milliseconds(1'000'000));
    return busy;
  }
  void Settle() {
    int steps = 0;
    while (Step()) REQUIRE(++steps < 10'000);
  }
  [[nodiscard]] State Saved() const { return file.Load().value().value(); }

  test::TempDir dir;
  StateFile file{dir.path()};
  test::FakeClock clock{kTime * 1000};
  test::FakeStore store;
  Wire wire;
  std::size_t max_samples = 1000;
  std::unique_ptr<Progress> progress;
  std::unique_ptr<Courier> courier;
};

}  // namespace

TEST_CASE("each bucket is sent once, in order, as it comes") {
  Rig rig;
  rig.Settle();
  CHECK(rig.wire.attempts == 0);
  CHECK(!rig.courier->Stats().up);
  for (int i = 0; i < 3; ++i) {
    rig.Append(BucketOf(kTime + i * kInterval, {PodEntry("web-1", i), PodEntry("web-2", 10 + i)}));
    rig.Settle();
    CHECK(rig.Saved() == State{kTime + i * kInterval, {}});
  }
  CHECK(rig.wire.Values() == std::vector<std::string>{Value("web-1", "0", kTime), Value("web-2", "10", kTime),
                                                      Value("web-1", "1", kTime + 10), Value("web-2", "11", kTime + 10),
                                                      Value("web-1", "2", kTime + 20),
                                                      Value("web-2", "12", kTime + 20)});
  const ShipStats stats = rig.courier->Stats();
  CHECK(stats.samples == 6);
  CHECK(stats.requests_ok == 3);
  CHECK(stats.sent_until_seconds == kTime + 20);
  CHECK(stats.up == true);
  CHECK(stats.retries + stats.requests_failed + stats.requests_refused + stats.samples_dropped == 0);
}

TEST_CASE("what ends is marked, also where whole buckets are missing") {
  Rig rig;
  rig.Append(BucketOf(kTime, {PodEntry("web-1", 1), PodEntry("web-2", 2)}));
  rig.Append(BucketOf(kTime + 10, {PodEntry("web-1", 3)}));
  rig.Settle();
  rig.Append(BucketOf(kTime + 100, {PodEntry("web-1", 4)}));
  rig.Settle();
  CHECK(rig.wire.Values() ==
        std::vector<std::string>{Value("web-1", "1", kTime), Value("web-2", "2", kTime),
                                 Value("web-1", "3", kTime + 10), Value("web-2", "stale", kTime + 10),
                                 Value("web-1", "stale", kTime + 20), Value("web-1", "4", kTime + 100)});
}

TEST_CASE("an outage: the same request again, later each time, then all that came meanwhile") {
  Rig rig;
  rig.wire.answers = {Retry(0), Retry(503), Retry(500)};
  rig.AppendMany(1);
  CHECK(rig.Step());
  for (const std::int64_t wait_ms : {500, 1000, 2000}) {
    CHECK(!rig.courier->Prepare());
    rig.courier->Wait(milliseconds(1'000'000));
    CHECK(rig.wire.last_wait.count() <= wait_ms);
    rig.clock.Advance(wait_ms - 1);
    CHECK(!rig.courier->Prepare());
    rig.clock.Advance(1);
    CHECK(rig.Step());
  }
  CHECK(rig.wire.attempts == 4);
  for (int i = 1; i < 50; ++i) rig.Append(BucketOf(kTime + i * kInterval, {PodEntry("web-1", i)}));
  rig.Settle();
  std::vector<std::string> want;
  for (int i = 0; i < 50; ++i) want.push_back(Value("web-1", std::to_string(i), kTime + i * kInterval));
  CHECK(rig.wire.Values() == want);
  const ShipStats stats = rig.courier->Stats();
  CHECK(stats.requests_failed == 3);
  CHECK(stats.retries == 3);
  CHECK(stats.up == true);
  CHECK(stats.samples_dropped == 0);
}

TEST_CASE("after an answer that is no failure, or for a new target, waits are short again") {
  const auto wait_after_failure_ms = [](Rig& rig) {
    const std::uint64_t failed = rig.courier->Stats().requests_failed;
    for (int steps = 0; rig.courier->Stats().requests_failed == failed; rig.Step()) REQUIRE(++steps < 100);
    std::int64_t wait_ms = 0;
    for (; !rig.courier->Prepare() && wait_ms < 100'000; ++wait_ms) rig.clock.Advance(1);
    return wait_ms;
  };
  for (const SendResult& answer : {kOk, Refused(400)}) {
    Rig rig;
    rig.wire.answers = {Retry(503), Retry(503), answer, Retry(503)};
    rig.AppendMany(2);
    CHECK(wait_after_failure_ms(rig) == 500);
    CHECK(wait_after_failure_ms(rig) == 1000);
    CHECK(wait_after_failure_ms(rig) == 500);
  }
  Rig rig;
  rig.wire.answers = {Retry(503), Retry(503), Retry(503)};
  rig.AppendMany(1);
  CHECK(wait_after_failure_ms(rig) == 500);
  CHECK(wait_after_failure_ms(rig) == 1000);
  rig.courier->SetTarget(rig.NewTarget());
  CHECK(wait_after_failure_ms(rig) == 500);
}

TEST_CASE("Retry-After is the least wait") {
  Rig rig;
  rig.wire.answers = {Retry(429, 7000)};
  rig.AppendMany(1);
  rig.Step();
  CHECK(rig.courier->Stats().up == false);
  rig.clock.Advance(6999);
  CHECK(!rig.Step());
  rig.clock.Advance(1);
  rig.Settle();
  CHECK(rig.wire.Values().size() == 1);
}

TEST_CASE("what is refused is dropped, counted, and holds nothing up") {
  Rig rig;
  rig.wire.answers = {kOk, Refused(400), kOk};
  rig.AppendMany(3);
  rig.Settle();
  CHECK(rig.wire.Values() == std::vector<std::string>{Value("web-1", "0", kTime), Value("web-1", "2", kTime + 20)});
  const ShipStats stats = rig.courier->Stats();
  CHECK(stats.samples == 2);
  CHECK(stats.samples_dropped == 1);
  CHECK(stats.requests_refused == 1);
  CHECK(stats.sent_until_seconds == kTime + 20);
}

TEST_CASE("a kill within a bucket: all of the bucket again, nothing is missing") {
  Rig rig;
  rig.max_samples = kMemberSamples;
  rig.Start();
  rig.Append(BucketOf(kTime, {PodEntry("a", 1), PodEntry("b", 2), PodEntry("c", 3), PodEntry("d", 4), PodEntry("e", 5),
                              PodEntry("f", 6), PodEntry("g", 7), PodEntry("h", 8), PodEntry("i", 9)}));
  REQUIRE(rig.Step());
  REQUIRE(rig.wire.taken.size() == 1);
  CHECK(rig.Saved().sent_until_seconds == kTime - kInterval);
  rig.Start();
  rig.Settle();
  const auto values = rig.wire.Values();
  CHECK(std::set<std::string>(values.begin(), values.end()).size() == 9);
  CHECK(rig.wire.taken[0] == rig.wire.taken[1]);
  CHECK(rig.Saved().sent_until_seconds == kTime);
}

TEST_CASE("kills while catching up: at most a second's requests again, never a gap, each request of one bucket") {
  Rig rig;
  rig.AppendMany(200);
  for (int kill = 0; kill < 10; ++kill) {
    for (int i = 0; i < 20; ++i) {
      rig.Step();
      rig.clock.Advance(100);
    }
    rig.Start();
  }
  rig.Settle();
  const auto values = rig.wire.Values();
  CHECK(std::set<std::string>(values.begin(), values.end()).size() == 200);
  CHECK(values.size() <= 200 + 10 * 11);
  CHECK(rig.Saved().sent_until_seconds == kTime + 199 * kInterval);
  for (const auto& request : rig.wire.taken) CHECK(request.size() == 1);
}

TEST_CASE("a bucket that is amended is sent again after all that is new, without ends that may not be ones") {
  Rig rig;
  rig.AppendMany(3);
  rig.Settle();
  rig.wire.taken.clear();
  rig.Amend(kTime + 10, {PodEntry("late", 5)});
  rig.Append(BucketOf(kTime + 30, {PodEntry("web-1", 3)}));
  rig.Settle();
  CHECK(rig.wire.Values() == std::vector<std::string>{Value("web-1", "3", kTime + 30), Value("late", "5", kTime + 10)});
  CHECK(rig.Saved() == State{kTime + 30, {}});
}

TEST_CASE("a bucket that is amended before it is read is sent once; while it is sent, again") {
  Rig rig;
  rig.wire.answers = {Retry(503)};
  rig.AppendMany(2);
  rig.Step();
  rig.Amend(kTime, {PodEntry("web-1", 50)});  // has been read
  rig.Append(BucketOf(kTime + 20, {PodEntry("web-1", 2)}));
  rig.Amend(kTime + 20, {PodEntry("web-1", 60)});  // has not
  rig.clock.Advance(60'000);
  rig.Settle();
  CHECK(rig.wire.Values() == std::vector<std::string>{Value("web-1", "0", kTime), Value("web-1", "1", kTime + 10),
                                                      Value("web-1", "60", kTime + 20), Value("web-1", "50", kTime)});
}

TEST_CASE("a bucket that was lost by a kill and is made anew is sent anew") {
  Rig rig(kTime + 10);
  rig.AppendMany(3);
  rig.Settle();
  CHECK(rig.wire.Values() == std::vector<std::string>{Value("web-1", "2", kTime + 20), Value("web-1", "0", kTime),
                                                      Value("web-1", "1", kTime + 10)});
}

TEST_CASE("what is to be sent again is known after a kill, in whatever moment") {
  Rig rig;
  rig.AppendMany(3);
  rig.Settle();
  rig.wire.taken.clear();
  rig.wire.hangs = true;
  rig.Amend(kTime, {PodEntry("web-1", 50)});
  rig.Amend(kTime + 10, {PodEntry("web-1", 60)});
  rig.clock.Advance(2000);
  rig.Step();
  CHECK(rig.Saved() == State{kTime + 20, {kTime, kTime + 10}});
  rig.Start();
  rig.wire.hangs = false;
  rig.Settle();
  CHECK(rig.wire.Values() == std::vector<std::string>{Value("web-1", "50", kTime), Value("web-1", "60", kTime + 10)});
  CHECK(rig.Saved() == State{kTime + 20, {}});
}

TEST_CASE("what is older than the retention is not sent") {
  Rig rig;
  rig.AppendMany(3);
  rig.clock.Advance((7 * 24 * 3600 - 15) * 1000LL);
  rig.Settle();
  CHECK(rig.wire.Values() ==
        std::vector<std::string>{Value("web-1", "1", kTime + 10), Value("web-1", "2", kTime + 20)});
  rig.clock.Advance(3600 * 1000);
  CHECK(!rig.Step());
}

TEST_CASE("a gap of days takes few steps") {
  Rig rig;
  rig.AppendMany(1);
  rig.progress->SentUntil(kTime - 6 * 24 * 3600);
  int steps = 0;
  while (rig.Step()) REQUIRE(++steps < 100);
  CHECK(rig.wire.Values() == std::vector<std::string>{Value("web-1", "0", kTime)});
}

TEST_CASE("a store that cannot be read is asked again later") {
  Rig rig;
  rig.AppendMany(2);
  rig.store.fail_reads = true;
  CHECK(!rig.Step());
  CHECK(rig.wire.attempts == 0);
  rig.store.fail_reads = false;
  CHECK(!rig.Step());
  rig.clock.Advance(500);
  rig.Settle();
  CHECK(rig.wire.Values().size() == 2);
}

TEST_CASE("a new target gets the request anew, at once, with its labels") {
  Rig rig;
  rig.wire.answers = {Retry(429, 300'000)};
  rig.AppendMany(2);
  rig.Step();
  CHECK(!rig.Step());
  rig.courier->SetTarget(rig.NewTarget({{"cluster", "eu"}}));
  rig.Settle();
  REQUIRE(rig.wire.taken.size() == 2);
  CHECK(rig.wire.taken[0][0].starts_with("cloudmon_pod_memory_bytes{cluster=\"eu\",deployment="));

  rig.wire.hangs = true;  // the same while one is in flight, of an amended bucket too
  rig.Amend(kTime, {PodEntry("web-1", 9)});
  rig.Step();
  rig.courier->SetTarget(rig.NewTarget({{"cluster", "us"}}));
  rig.wire.hangs = false;
  rig.Settle();
  REQUIRE(rig.wire.taken.size() == 3);
  CHECK(rig.wire.taken[2][0].find("cluster=\"us\"") != std::string::npos);
}

TEST_CASE("after an exception the bucket is read anew, a second later") {
  Rig rig;
  rig.wire.answers = {Retry(503)};
  rig.AppendMany(1);
  rig.Step();
  rig.courier->Restart();
  CHECK(!rig.Step());
  rig.clock.Advance(1000);
  rig.Settle();
  CHECK(rig.wire.Values().size() == 1);
}

TEST_CASE("memory that lacks while an amended bucket is read does not lose it") {
  Rig rig;
  rig.AppendMany(2);
  rig.Settle();
  rig.wire.taken.clear();
  rig.Amend(kTime, {PodEntry("web-1", 50)});
  rig.Amend(kTime + 10, {PodEntry("web-1", 60)});
  rig.store.out_of_memory = true;
  CHECK_THROWS_AS((void)rig.courier->Prepare(), std::bad_alloc);
  rig.courier->Restart();
  rig.store.out_of_memory = false;
  rig.clock.Advance(1000);
  rig.Settle();
  CHECK(rig.wire.Values() == std::vector<std::string>{Value("web-1", "50", kTime), Value("web-1", "60", kTime + 10)});
}

TEST_CASE("a bucket that was lost by a kill, then is looked for, then made anew, is read anew") {
  Rig rig;
  rig.AppendMany(1);
  CHECK(rig.file.Save({kTime, {kTime + 10}}).ok());  // it had been amended while it was sent
  rig.Start();
  REQUIRE(rig.courier->Prepare());
  rig.Append(BucketOf(kTime + 10, {PodEntry("web-1", 1)}));
  rig.Settle();
  CHECK(rig.wire.Values() == std::vector<std::string>{Value("web-1", "1", kTime + 10)});
}

TEST_CASE("a state that cannot be kept hinders nothing; after a kill its buckets are sent again") {
  Rig rig;
  rig.AppendMany(1);
  rig.Settle();
  const store::test::SmallDisk disk(rig.dir.path());
  if (!disk.mounted()) return;  // only root can
  CHECK(rig.file.Save({kTime, {}}).ok());
  {
    std::ofstream filler(rig.dir.path() + "/filler", std::ios::binary);
    const std::string block(4096, 'x');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  for (int i = 1; i < 4; ++i) {
    rig.Append(BucketOf(kTime + i * kInterval, {PodEntry("web-1", i)}));
    rig.Settle();
  }
  CHECK(rig.wire.Values().size() == 4);
  CHECK(rig.Saved().sent_until_seconds == kTime);
  rig.Start();
  rig.Settle();
  CHECK(rig.wire.Values().size() == 7);
}

TEST_CASE("where sending begins") {
  constexpr std::int64_t kNow = kTime + 5;
  using Kept = Result<std::optional<State>>;
  const auto begin = [](const Kept& kept, std::optional<std::int64_t> newest_seconds) {
    return BeginFrom(kept, newest_seconds, kNow, kInterval);
  };
  const State kept{kTime - 3600, {7}};
  CHECK(begin(Kept(std::optional(kept)), kTime - 10) == kept);
  CHECK(begin(Kept(std::optional(State{kTime - 3603, {}})), kTime - 10) == State{kTime - 3610, {}});
  CHECK(begin(Kept(std::optional<State>()), kTime - 500) == State{kTime - 500, {}});
  CHECK(begin(Kept(std::optional<State>()), std::nullopt) == State{kTime - 10, {}});
  CHECK(begin(Kept(Error{ErrorCode::kParse, "damaged"}), kTime - 10) == State{kTime - 10, {}});
  CHECK(begin(Kept(std::optional(State{kTime + 3600, {}})), kTime - 10) == State{kTime - 10, {}});
  // The bucket that was sent last may not have been stored when the program was killed.
  CHECK(begin(Kept(std::optional(State{kTime, {}})), kTime - 10) == State{kTime, {}});
}
