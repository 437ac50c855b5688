// SPDX-License-Identifier: Apache-2.0
#include "common/kube/reflector.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "common/kube/client.h"
#include "common/kube/event_stream.h"
#include "common/kube/list_watch.h"
#include "common/kube/retry.h"

namespace cloudmon::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMaxPageBytes = 64U << 20U;
constexpr seconds kPageTimeout{30};
constexpr int kWatchSeconds = 240;         // and as much again at random, so that not all exporters come at once
constexpr seconds kWatchGrace{30};         // beyond which the server should have ended the watch
constexpr std::int64_t kSteadyMs = 5'000;  // a watch that lives so long after the answer's head is a good one

// Whether a watch from the same version on would fail again: the server has forgotten what came after it, or it is an
// event that cannot be taken.
bool WantsList(ErrorCode code) {
  return code == ErrorCode::kGone || code == ErrorCode::kParse || code == ErrorCode::kLimit;
}

Result<std::string> GetBody(Client& client, const std::string& path, milliseconds timeout, std::size_t max_bytes) {
  std::string body;
  const Status got = client.Get(path, timeout, [&](std::string_view bytes) -> Status {
    if (bytes.size() > max_bytes - body.size()) {
      return Error{ErrorCode::kLimit, "the answer is longer than " + std::to_string(max_bytes) + " bytes"};
    }
    body += bytes;
    return Status::Ok();
  });
  if (!got.ok()) return got.error();
  return body;
}

class ThreadedReflector final : public Reflector {
 public:
  ThreadedReflector(std::unique_ptr<Client> client, Resource resource, Handler& handler, const Clock& clock)
      : client_(std::move(client)), resource_(std::move(resource)), handler_(handler), clock_(clock) {
    thread_ = std::thread([this] { Run(); });
  }
  ThreadedReflector(const ThreadedReflector&) = delete;
  ThreadedReflector& operator=(const ThreadedReflector&) = delete;
  ~ThreadedReflector() override {
    {
      const std::lock_guard lock(mu_);
      stopping_ = true;
    }
    client_->Cancel();
    wake_.notify_all();
    thread_.join();
  }

  [[nodiscard]] ReflectorStats Stats() const override {
    const std::lock_guard lock(mu_);
    return stats_;
  }

 private:
  void Run() {
    while (!Stopping()) {
      const Status status = resource_version_.empty() ? List() : Watch();
      if (Stopping()) return;
      if (status.ok()) continue;
      if (WantsList(status.error().code)) resource_version_.clear();
      if (status.error().code == ErrorCode::kLimit) list_of_ = ListOf::kNow;  // which comes in pages
      const milliseconds delay = retry_.Failed(status.error().code);
      NoteFailure(status.error());
      Pause(delay);
    }
  }

  Status List() {
    std::vector<nlohmann::json> objects;
    std::string version, rest;
    do {
      const auto body = GetBody(*client_, ListPath(resource_, list_of_, rest), kPageTimeout, kMaxPageBytes);
      if (!body.ok()) return body.error();
      auto page = ParseListPage(body.value());
      if (!page.ok()) return Wrap(page.error(), resource_.path);
      std::ranges::move(page.value().objects, std::back_inserter(objects));
      version = std::move(page.value().resource_version);
      rest = std::move(page.value().continue_token);
    } while (!rest.empty());
    handler_.Replace(std::move(objects));
    resource_version_ = std::move(version);
    list_of_ = ListOf::kNow;  // from now on time never goes back
    NoteList();
    return Status::Ok();
  }

  // Ok: the server ended it in time.
  Status Watch() {
    const int timeout_seconds = kWatchSeconds + static_cast<int>(random_() % kWatchSeconds);
    std::optional<std::int64_t> answered_ms;
    const auto is_steady = [&] { return answered_ms && clock_.SteadyMs() - *answered_ms >= kSteadyMs; };
    EventStream stream;
    const Status status = client_->Get(WatchPath(resource_, resource_version_, timeout_seconds),
                                       seconds{timeout_seconds} + kWatchGrace, [&](std::string_view bytes) {
                                         if (!answered_ms) answered_ms = clock_.SteadyMs();
                                         NoteAnswer(is_steady());
                                         return stream.Add(bytes, [this](std::string_view line) { return Take(line); });
                                       });
    if (is_steady()) NoteAnswer(true);
    if (!status.ok() || is_steady()) return status;
    return Error{ErrorCode::kIo, resource_.path + ": the server ended the watch at once"};
  }

  Status Take(std::string_view line) {
    auto event = ParseEvent(line);
    if (!event.ok()) return event.error();
    switch (event.value().type) {
      case EventType::kApply:
        handler_.Apply(std::move(event.value().object));
        break;
      case EventType::kDelete:
        handler_.Delete(event.value().object);
        break;
      case EventType::kBookmark:
        break;
    }
    resource_version_ = std::move(event.value().resource_version);
    const std::lock_guard lock(mu_);
    ++stats_.events;
    return Status::Ok();
  }

  void NoteList() {
    const std::lock_guard lock(mu_);
    ++stats_.lists;
    stats_.listed = stats_.watching = true;
    NoteRecovery();
  }

  // A server may answer each watch and end it at once: that is not the end of the failures yet.
  void NoteAnswer(bool is_steady) {
    if (is_steady) retry_.Succeeded();
    const std::lock_guard lock(mu_);
    stats_.watching = true;
    if (is_steady) NoteRecovery();
  }

  void NoteRecovery() {  // under mu_
    if (!std::exchange(logged_, {}).empty()) spdlog::info("{}: the API server answers again", resource_.path);
  }

  // A cut that the next try mends is not worth a line.
  void NoteFailure(const Error& error) {
    const std::lock_guard lock(mu_);
    ++stats_.failures;
    stats_.last_error = error;
    if (stats_.listed && retry_.failures_in_row() <= 1) return;
    stats_.watching = false;
    if (logged_ != error.message) spdlog::warn("{}; it is tried again", error.message);
    logged_ = error.message;
  }

  void Pause(milliseconds delay) {
    std::unique_lock lock(mu_);
    wake_.wait_for(lock, delay, [this] { return stopping_; });
  }

  bool Stopping() {
    const std::lock_guard lock(mu_);
    return stopping_;
  }

  const std::unique_ptr<Client> client_;
  const Resource resource_;
  Handler& handler_;
  const Clock& clock_;
  std::minstd_rand random_{std::random_device{}()};
  std::string resource_version_;  // from which a watch goes on; empty: list first
  ListOf list_of_ = ListOf::kCached;
  Retry retry_{static_cast<std::uint32_t>(random_())};

  mutable std::mutex mu_;
  std::condition_variable wake_;
  bool stopping_ = false;
  ReflectorStats stats_;
  std::string logged_;  // the failure that the log told of last; empty: all is well
  std::thread thread_;  // last: it uses all of them
};

}  // namespace

Result<std::unique_ptr<Reflector>> Reflector::Start(Api api, Resource resource, Handler& handler, const Clock& clock) {
  auto client = Client::Make(std::move(api));
  if (!client.ok()) return client.error();
  return std::unique_ptr<Reflector>(
      std::make_unique<ThreadedReflector>(std::move(client).value(), std::move(resource), handler, clock));
}

Result<nlohmann::json> GetJson(const Api& api, std::string_view path, std::size_t max_bytes) {
  auto client = Client::Make(api);
  if (!client.ok()) return client.error();
  const auto body = GetBody(*client.value(), std::string(path), seconds{5}, max_bytes);
  if (!body.ok()) return body.error();
  auto json = nlohmann::json::parse(body.value(), nullptr, false);
  if (json.is_discarded()) return Error{ErrorCode::kParse, api.url + std::string(path) + ": the answer is not JSON"};
  return json;
}

}  // namespace cloudmon::kube
