// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/fetcher.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <deque>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "aggregator/scrape/fetch_error.h"
#include "common/text.h"
#include "common/token_file.h"
#include "common/version.h"

namespace cloudmon::scrape {
namespace {

using std::chrono::milliseconds;

// What Prometheus 2.42 sends: a target that knows one of the formats answers in it.
constexpr char kAccept[] =
    "Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
constexpr std::size_t kMaxHeaderBytes = 64U << 10U;
constexpr std::size_t kMaxErrorBodyBytes = 64U << 10U;
// A page comes in fewer reads than with libcurl's 16 KiB.
constexpr long kReadBytes = 64L << 10U;
// Memory of a page that is kept for the next one. New memory for each would be most of a scrape's cost: the kernel
// gives it zeroed, page by page.
constexpr std::size_t kMaxSpareBytes = 1U << 20U;
// Authorities are parsed once in so long: for each connection it would take milliseconds, and a file that was renewed
// must not wait for libcurl's own 24 h.
constexpr long kKeepAuthoritiesSeconds = 60;

using HeaderList = std::shared_ptr<curl_slist>;

HeaderList MakeHeaders(milliseconds timeout) {
  std::string timeout_header = "X-Prometheus-Scrape-Timeout-Seconds: ";
  text::AppendNumber(timeout_header, static_cast<double>(timeout.count()) / 1000);
  HeaderList headers(curl_slist_append(nullptr, kAccept), curl_slist_free_all);
  if (headers) curl_slist_append(headers.get(), timeout_header.c_str());
  return headers;
}

// Where to connect instead of the host in the URL, in libcurl's form; null: there.
using ConnectTo = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

// Puts `name` in place of the host into a URL of https, with a port: libcurl checks certificates against that alone.
ConnectTo PutName(const std::string& name, std::string& url) {
  constexpr std::size_t kHost = std::string_view("https://").size();
  const std::string address = url.substr(kHost, url.find('/', kHost) - kHost);
  const std::string named = name + address.substr(address.rfind(':'));
  url.replace(kHost, address.size(), named);
  return {curl_slist_append(nullptr, (named + ":" + address).c_str()), curl_slist_free_all};
}

bool IsHttps(std::string_view url) {
  return url.starts_with("https:");
}

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

// One request in flight, and what the callbacks of libcurl fill in.
struct Transfer {
  std::unique_ptr<CURL, EasyDeleter> easy;
  std::uint64_t id = 0;
  std::int64_t started_ms = 0;
  std::int64_t waited_ms = 0;  // for a free connection
  FetchLimits limits;
  FetchAccess access;
  HeaderList headers;
  ConnectTo connect_to{nullptr, curl_slist_free_all};
  std::string body;
  std::size_t header_bytes = 0, unread_bytes = 0;
  bool body_too_large = false, header_too_large = false;
  std::array<char, CURL_ERROR_SIZE> error_text{};

  [[nodiscard]] long HttpStatus() const {
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
  // Of the body, as far as they are allowed; 0: unknown.
  [[nodiscard]] std::size_t AnnouncedBytes() const {
    curl_off_t bytes = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &bytes);
    return std::min(static_cast<std::size_t>(std::max<curl_off_t>(bytes, 0)), limits.max_body_bytes);
  }
};

// Returning less than was given makes libcurl end the transfer.
std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  if (transfer.HttpStatus() != 200) {  // only the status matters, but reading a short body keeps the connection
    transfer.unread_bytes += bytes;
    return transfer.unread_bytes > kMaxErrorBodyBytes ? 0 : bytes;
  }
  transfer.body_too_large = bytes > transfer.limits.max_body_bytes - transfer.body.size();
  if (transfer.body_too_large) return 0;
  try {
    if (transfer.body.empty()) transfer.body.reserve(std::max(bytes, transfer.AnnouncedBytes()));
    transfer.body.append(data, bytes);
  } catch (const std::exception&) {
    return 0;
  }
  return bytes;
}

std::size_t OnHeader(char*, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.header_bytes += size * count;
  transfer.header_too_large = transfer.header_bytes > kMaxHeaderBytes;
  return transfer.header_too_large ? 0 : size * count;
}

// Everything that is the same for each request of this handle.
void Prepare(Transfer& transfer) {
  CURL* easy = transfer.easy.get();
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error_text.data());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, (std::string("cloud-monitor/") + kVersion).c_str());
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(easy, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kReadBytes);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // else the environment's
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Else ending a transfer whose name is still being looked up waits for the resolver: all targets, and the program's
  // end, would wait for a name server that does not answer.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, kKeepAuthoritiesSeconds);
  // Without a file libcurl's own default stays, which null would take away.
  if (!transfer.access.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, transfer.access.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, transfer.access.verify_tls ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, transfer.access.verify_tls ? 2L : 0L);
}

class CurlFetcher final : public Fetcher {
 public:
  CurlFetcher(CURLM* multi, const FetchLimits& limits, const Clock& clock) : multi_(multi), clock_(clock) {
    SetLimits(limits);
  }
  CurlFetcher(const CurlFetcher&) = delete;
  CurlFetcher& operator=(const CurlFetcher&) = delete;
  ~CurlFetcher() override {
    for (const auto& [easy, transfer] : active_) curl_multi_remove_handle(multi_.get(), easy);
  }

  void SetLimits(const FetchLimits& limits) override {
    limits_ = limits;
    limits_.max_connections = std::max<std::size_t>(limits.max_connections, 1);
    headers_ = MakeHeaders(limits.timeout);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(limits_.max_connections));
  }

  void SetAccess(const FetchAccess& access) override {
    if (access == access_) return;
    access_ = access;
    idle_.clear();
  }

  void Start(std::uint64_t id, const std::string& url) override {
    queue_.push_back({id, url, clock_.NowMs(), clock_.SteadyMs()});
    BeginQueued();
  }

  void Wait(milliseconds at_most, const Done& done) override {
    ExpireQueued(done);
    for (const Fetched& failed : std::exchange(failed_early_, {})) {
      finished_one_ = true;
      done(failed);
    }
    Perform(done);
    if (!queue_.empty()) {
      const std::int64_t left = queue_.front().steady_ms + limits_.timeout.count() - clock_.SteadyMs();
      at_most = std::min(at_most, milliseconds(std::max<std::int64_t>(left, 0)));
    }
    if (!finished_one_) curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(at_most.count()), nullptr);
    Perform(done);
    finished_one_ = false;
  }

  void Wake() override { curl_multi_wakeup(multi_.get()); }

 private:
  struct Queued {
    std::uint64_t id;
    std::string url;
    std::int64_t started_ms, steady_ms;
  };

  void BeginQueued() {
    while (!queue_.empty() && active_.size() < limits_.max_connections) {
      const Queued next = std::move(queue_.front());
      queue_.pop_front();
      Begin(next);
    }
  }

  void Begin(const Queued& request) {
    const Result<std::string> token = TokenFor(request.url);
    if (!token.ok()) {
      failed_early_.push_back({request.id, request.started_ms, 0, token.error()});
      return;
    }
    std::unique_ptr<Transfer> transfer = TakeIdle();
    transfer->id = request.id;
    transfer->started_ms = request.started_ms;
    transfer->waited_ms = clock_.SteadyMs() - request.steady_ms;
    transfer->limits = limits_;
    transfer->headers = headers_;
    transfer->header_bytes = transfer->unread_bytes = 0;
    transfer->body_too_large = transfer->header_too_large = false;
    transfer->error_text[0] = '\0';
    transfer->body = std::exchange(spare_, {});
    CURL* easy = transfer->easy.get();
    std::string url = request.url;
    transfer->connect_to.reset();
    if (!access_.server_name.empty() && IsHttps(url)) transfer->connect_to = PutName(access_.server_name, url);
    const std::int64_t left_ms = std::max<std::int64_t>(limits_.timeout.count() - transfer->waited_ms, 1);
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->connect_to.get());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers.get());
    curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, token.value().empty() ? nullptr : token.value().c_str());
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(left_ms));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(left_ms));
    if (const CURLMcode code = curl_multi_add_handle(multi_.get(), easy); code != CURLM_OK) {
      failed_early_.push_back({request.id, request.started_ms, 0, Error{ErrorCode::kIo, curl_multi_strerror(code)}});
      return;
    }
    active_.emplace(easy, std::move(transfer));
  }

  // Empty: it gets none.
  [[nodiscard]] Result<std::string> TokenFor(std::string_view url) const {
    if (access_.bearer_token_file.empty() || !IsHttps(url)) return std::string();
    auto token = ReadTokenFile(access_.bearer_token_file);
    return token.ok() ? token : Wrap(token.error(), "scrape.bearer-token-file");
  }

  std::unique_ptr<Transfer> TakeIdle() {
    if (!idle_.empty()) {
      auto transfer = std::move(idle_.back());
      idle_.pop_back();
      return transfer;
    }
    auto transfer = std::make_unique<Transfer>();
    transfer->easy.reset(curl_easy_init());
    transfer->access = access_;
    Prepare(*transfer);
    return transfer;
  }

  void ExpireQueued(const Done& done) {
    while (!queue_.empty() && clock_.SteadyMs() - queue_.front().steady_ms >= limits_.timeout.count()) {
      const Queued late = std::move(queue_.front());
      queue_.pop_front();
      const double seconds = static_cast<double>(limits_.timeout.count()) / 1000;
      done({late.id, late.started_ms, seconds, NoConnectionError(limits_)});
    }
  }

  void Perform(const Done& done) {
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Finish(message->easy_handle, message->data.result, done);
    }
    BeginQueued();
  }

  void Finish(CURL* easy, CURLcode code, const Done& done) {
    finished_one_ = true;
    curl_multi_remove_handle(multi_.get(), easy);
    auto node = active_.extract(easy);
    std::unique_ptr<Transfer> transfer = std::move(node.mapped());
    curl_off_t total_us = 0;
    curl_off_t pretransfer_us = 0;
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &total_us);
    curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_us);
    Fetched fetched{transfer->id, transfer->started_ms + transfer->waited_ms + pretransfer_us / 1000,
                    static_cast<double>(transfer->waited_ms) / 1e3 + static_cast<double>(total_us) / 1e6,
                    PageOf(*transfer, code)};
    if (!fetched.page.ok()) KeepSpare(std::move(transfer->body));
    if (transfer->access == access_) idle_.push_back(std::move(transfer));
    done(fetched);
    if (fetched.page.ok()) KeepSpare(std::move(fetched.page.value().body));
  }

  void KeepSpare(std::string body) {
    if (body.capacity() > kMaxSpareBytes || body.capacity() < spare_.capacity()) return;
    body.clear();
    spare_ = std::move(body);
  }

  static Result<Page> PageOf(Transfer& transfer, CURLcode code) {
    CURL* easy = transfer.easy.get();
    const long status = transfer.HttpStatus();
    if (transfer.body_too_large) return BodyTooLargeError(transfer.limits);
    if (transfer.header_too_large) return Error{ErrorCode::kLimit, "the answer's header is longer than 64 KiB"};
    if (status != 0 && status != 200) {
      const char* location = nullptr;
      curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &location);
      return HttpStatusError(status, location == nullptr ? "" : location);
    }
    if (code != CURLE_OK) {
      long os_errno = 0;
      curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
      return TransferError(code, static_cast<int>(os_errno), transfer.error_text.data(), transfer.limits);
    }
    const char* content_type = nullptr;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &content_type);
    return Page{std::move(transfer.body), exposition::FormatOfContentType(content_type == nullptr ? "" : content_type)};
  }

  const std::unique_ptr<CURLM, MultiDeleter> multi_;
  const Clock& clock_;
  FetchLimits limits_;
  FetchAccess access_;
  HeaderList headers_;
  std::deque<Queued> queue_;           // oldest first
  std::vector<Fetched> failed_early_;  // before a request was made; for the next Wait
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> active_;
  std::vector<std::unique_ptr<Transfer>> idle_;
  std::string spare_;          // empty: memory for the next body
  bool finished_one_ = false;  // since the last Wait
};

}  // namespace

std::unique_ptr<Fetcher> MakeCurlFetcher(const FetchLimits& limits, const Clock& clock) {
  CURLM* multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : nullptr;
  if (multi == nullptr) throw std::runtime_error("libcurl cannot be set up");
  return std::make_unique<CurlFetcher>(multi, limits, clock);
}

}  // namespace cloudmon::scrape
