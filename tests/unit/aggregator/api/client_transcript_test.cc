// SPDX-License-Identifier: Apache-2.0
// The calls of the original system's agents and clients, written down with the answers they get:
// tests/golden/api/client_transcript.txt. They run against the real router, scraper, bucketer and store.
#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/api/handlers.h"
#include "aggregator/api/time_text.h"
#include "aggregator/scrape/scraper.h"
#include "aggregator/store/store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/files.h"

namespace cloudmon::api {
namespace {

constexpr std::int64_t kStartMs = 1'795'369'205'000;

class NoTargets final : public scrape::Fetcher {
 public:
  void SetLimits(const scrape::FetchLimits&) override {}
  void SetAccess(const scrape::FetchAccess& /*access*/) override {}
  void Start(std::uint64_t, const std::string&) override {}
  void Wait(std::chrono::milliseconds, const Done&) override {}
  void Wake() override {}
};

// An aggregator whose time moves when the transcript says so.
struct Aggregator {
  Aggregator()
      : store(std::move(store::Store::Open({.path = dir.path() + "/data"}, clock).value())),
        scraper(
            {}, clock, fetcher, std::make_unique<series::Bucketer>(10),
            [this](series::Bucket bucket) { store->Append(std::move(bucket)); },
            [this](const std::vector<std::int64_t>& buckets_seconds,
                   const std::function<void(series::Bucket&)>& change) {
              return store->Amend(buckets_seconds, change);
            }),
        router(BuildRouter({.store = *store,
                            .clock = clock,
                            .targets = [this] { return scraper.Statuses(); },
                            .loop_stats = [this] { return scraper.Stats(); },
                            .process_stats = [] { return ProcessStats{}; },
                            .reload = [] { return Status::Ok(); },
                            .push = [this](scrape::PushedReading pushed) { return scraper.Push(std::move(pushed)); },
                            .ingest_token = [] { return std::string(); },
                            .remote_write_stats = [] { return std::nullopt; }})) {
    scraper.SetTargets({});
  }

  void RunUntil(std::int64_t seconds) {
    while (clock.NowMs() < seconds * 1000) {
      clock.Advance(500);
      scraper.Step();
    }
  }

  test::TempDir dir;
  test::FakeClock clock{kStartMs};
  NoTargets fetcher;
  std::unique_ptr<store::Store> store;
  scrape::Scraper scraper;
  http::Router router;
};

struct Call {
  std::string intro;    // comments, blank lines, "at <Unix seconds>": as they are
  std::string request;  // its lines, each with "> " before it
  std::string answer;   // each with "< " before it
};

std::vector<Call> ParseTranscript(const std::string& text) {
  std::vector<Call> calls(1);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const char mark = line.empty() ? ' ' : line.front();
    if (mark != '<' && !calls.back().answer.empty()) calls.emplace_back();
    std::string& part = mark == '>' ? calls.back().request : mark == '<' ? calls.back().answer : calls.back().intro;
    part += line + "\n";
  }
  return calls;
}

std::string WithMark(const std::string& mark, const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out += mark + (line.empty() ? "" : " ") + line + "\n";
  return out;
}

// "> GET /api/pods?window=30s", "> Content-Type: ...", ">", "> body".
http::Request ParseRequest(const std::string& marked) {
  http::Request request;
  std::istringstream lines(marked);
  std::string target;
  lines.ignore(2);
  lines >> request.method >> target;
  lines.ignore(1);
  request.path = target.substr(0, target.find('?'));
  request.raw_path = request.path;
  if (const auto query = target.find('?'); query != std::string::npos) request.query = target.substr(query + 1);
  bool in_body = false;
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, 2);
    if (line.empty()) {
      in_body = true;
    } else if (in_body) {
      request.body += line + "\n";
    } else {
      const std::size_t colon = line.find(": ");
      request.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
  }
  return request;
}

std::string AnswerTo(const http::Router& router, const std::string& marked) {
  const http::Response response = router.Dispatch(ParseRequest(marked));
  std::string body = response.body;
  if (response.stream) {
    CHECK(response.stream([&](std::string_view piece) {
      body += piece;
      return true;
    }));
  }
  std::string text = std::to_string(response.status) + " " + response.content_type + "\n";
  for (const auto& [name, value] : response.headers) text += name + ": " + value + "\n";
  return WithMark("<", text + "\n" + body);
}

TEST_CASE("the original's agents and clients are served as they were") {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  Aggregator aggregator;
  std::string replayed;
  for (const Call& call : ParseTranscript(test::ReadText("tests/golden/api/client_transcript.txt"))) {
    replayed += call.intro;
    std::istringstream words(call.intro);
    for (std::string line; std::getline(words, line);) {
      if (line.starts_with("at ")) aggregator.RunUntil(std::stoll(line.substr(3)));
    }
    if (call.request.empty()) continue;
    replayed += call.request + AnswerTo(aggregator.router, call.request);
  }
  test::CheckGolden("api/client_transcript.txt", replayed);
}

}  // namespace
}  // namespace cloudmon::api
