// SPDX-License-Identifier: Apache-2.0
#include "common/post/sender.h"

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>
#include <utility>

#include "common/libcurl/libcurl.h"
#include "common/token_file.h"
#include "common/version.h"

namespace cloudmon::post {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxAnswerBytes = 16U << 10U;  // of header, and of body

// A handle of libcurl's, and its function that ends it.
template <class Handle, class End>
using Owned = std::unique_ptr<Handle, End>;
using HeaderList = Owned<curl_slist, decltype(Libcurl::slist_free_all)>;

// Throws std::bad_alloc.
HeaderList MakeHeaders(const Libcurl& curl, const SenderOptions& options, const std::string& secret) {
  HeaderList list(nullptr, curl.slist_free_all);
  const auto append = [&](const std::string& line) {
    curl_slist* longer = curl.slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    list.release();  // it is a part of the longer one
    list.reset(longer);
  };
  append("Expect:");  // else libcurl waits for the server's leave before it sends a large body
  for (const std::string& line : options.headers) append(line);
  if (!options.token_file.empty()) append("Authorization: Bearer " + secret);
  return list;
}

// The token or password of the moment; empty where none is set.
Result<std::string> ReadSecret(const SenderOptions& options) {
  if (options.token_file.empty() && options.password_file.empty()) return std::string();
  auto secret =
      options.token_file.empty() ? ReadPasswordFile(options.password_file) : ReadTokenFile(options.token_file);
  if (!secret.ok()) return Wrap(secret.error(), options.names.credentials);
  return secret;
}

// libcurl's callbacks; returning less than was given ends the transfer.
std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto& body = *static_cast<std::string*>(user);
  if (size * count > kMaxAnswerBytes - body.size()) return 0;
  body.append(data, size * count);  // within the capacity
  return size * count;
}

std::size_t OnHeader(char*, std::size_t size, std::size_t count, void* user) {
  auto& bytes = *static_cast<std::size_t*>(user);
  bytes += size * count;
  return bytes > kMaxAnswerBytes ? 0 : size * count;
}

class CurlSender final : public Sender {
 public:
  CurlSender(const Libcurl& curl, SenderOptions options)
      : curl_(curl),
        options_(std::move(options)),
        headers_(nullptr, curl.slist_free_all),
        multi_(curl.multi_init(), curl.multi_cleanup),
        easy_(curl.easy_init(), curl.easy_cleanup) {
    if (!multi_ || !easy_) throw std::runtime_error("libcurl cannot be set up");
    Prepare();
  }
  CurlSender(const CurlSender&) = delete;
  CurlSender& operator=(const CurlSender&) = delete;
  ~CurlSender() override { curl_.multi_remove_handle(multi_.get(), easy_.get()); }

  void Start(std::string_view body) override {
    try {
      Begin(body);
    } catch (const std::bad_alloc&) {
      failed_early_ = SendResult{.message = "out of memory"};
    }
  }

  std::optional<SendResult> Wait(milliseconds at_most) override {
    if (failed_early_) return std::exchange(failed_early_, std::nullopt);
    if (auto result = Perform()) return result;
    curl_.multi_poll(multi_.get(), nullptr, 0, static_cast<int>(at_most.count()), nullptr);
    return Perform();
  }

  void Wake() override { curl_.multi_wakeup(multi_.get()); }

 private:
  // Everything that is the same for each body.
  void Prepare() {
    CURL* easy = easy_.get();
    answer_.reserve(kMaxAnswerBytes);
    curl_.easy_setopt(easy, CURLOPT_URL, options_.url.c_str());
    curl_.easy_setopt(easy, CURLOPT_POST, 1L);
    curl_.easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
    curl_.easy_setopt(easy, CURLOPT_WRITEDATA, &answer_);
    curl_.easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnHeader);
    curl_.easy_setopt(easy, CURLOPT_HEADERDATA, &header_bytes_);
    curl_.easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_.data());
    curl_.easy_setopt(easy, CURLOPT_USERAGENT, (std::string("cloud-monitor/") + kVersion).c_str());
    curl_.easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
    curl_.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_.easy_setopt(easy, CURLOPT_PROXY, "");  // else the environment's
    curl_.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_.easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // else the program's end waits for a silent name server
    if (!options_.username.empty()) curl_.easy_setopt(easy, CURLOPT_USERNAME, options_.username.c_str());
    if (!options_.ca_file.empty()) curl_.easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
    curl_.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options_.verify_tls ? 1L : 0L);
    curl_.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options_.verify_tls ? 2L : 0L);
  }

  void Begin(std::string_view body) {
    const auto secret = ReadSecret(options_);
    if (!secret.ok()) {
      failed_early_ = SendResult{.message = secret.error().message};
      return;
    }
    headers_ = MakeHeaders(curl_, options_, secret.value());
    answer_.clear();
    header_bytes_ = 0;
    error_text_[0] = '\0';
    CURL* easy = easy_.get();
    curl_.easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
    if (!options_.username.empty()) curl_.easy_setopt(easy, CURLOPT_PASSWORD, secret.value().c_str());
    curl_.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_.easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
    if (curl_.multi_add_handle(multi_.get(), easy) != CURLM_OK) throw std::bad_alloc();  // all it can be
  }

  std::optional<SendResult> Perform() {
    int running = 0;
    curl_.multi_perform(multi_.get(), &running);
    int left = 0;
    const CURLMsg* message = curl_.multi_info_read(multi_.get(), &left);
    if (message == nullptr || message->msg != CURLMSG_DONE) return std::nullopt;
    const CURLcode code = message->data.result;
    SendResult result = ResultOf(code);
    curl_.multi_remove_handle(multi_.get(), easy_.get());
    return result;
  }

  // An answer counts by its status, even where its body was cut off.
  [[nodiscard]] SendResult ResultOf(CURLcode code) const {
    SendResult result;
    CURL* easy = easy_.get();
    curl_.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &result.status);
    if (result.status < 200) {
      long os_errno = 0;
      curl_.easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
      const char* said = error_text_[0] != '\0' ? error_text_.data() : curl_.easy_strerror(code);
      result.message = TransferMessage(code, static_cast<int>(os_errno), said, options_.names);
      return result;
    }
    result.outcome = OutcomeOf(result.status, options_.retried);
    if (result.outcome != Outcome::kSent) result.message = StatusMessage(result.status, answer_, options_.names);
    curl_off_t retry_after_seconds = 0;
    curl_.easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after_seconds);
    // A server may ask for any number of seconds; nobody waits for more than a day.
    if (retry_after_seconds > 0) result.retry_after_ms = std::min<std::int64_t>(retry_after_seconds, 86'400) * 1000;
    return result;
  }

  const Libcurl& curl_;
  const SenderOptions options_;
  std::optional<SendResult> failed_early_;
  HeaderList headers_;
  std::string answer_;            // its body
  std::size_t header_bytes_ = 0;  // of the answer
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  const Owned<CURLM, decltype(Libcurl::multi_cleanup)> multi_;
  const Owned<CURL, decltype(Libcurl::easy_cleanup)> easy_;  // after what its callbacks fill in
};

}  // namespace

Outcome OutcomeOf(long status, const std::vector<long>& retried) {
  if (status >= 200 && status < 300) return Outcome::kSent;
  const bool refused = status >= 400 && status < 500 && std::ranges::find(retried, status) == retried.end();
  return refused ? Outcome::kRefused : Outcome::kRetry;
}

std::unique_ptr<Sender> MakeCurlSender(const SenderOptions& options) {
  const auto curl = LoadLibcurl();
  if (!curl.ok()) throw std::runtime_error(curl.error().message);
  return MakeSenderOn(*curl.value(), options);
}

std::unique_ptr<Sender> MakeSenderOn(const Libcurl& curl, const SenderOptions& options) {
  return std::make_unique<CurlSender>(curl, options);
}

}  // namespace cloudmon::post
