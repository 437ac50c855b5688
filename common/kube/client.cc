// SPDX-License-Identifier: Apache-2.0
#include "common/kube/client.h"

#include <array>
#include <atomic>
#include <optional>
#include <stdexcept>
#include <utility>

#include "common/kube/api_error.h"
#include "common/libcurl/libcurl.h"
#include "common/token_file.h"
#include "common/version.h"

namespace cloudmon::kube {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxErrorBytes = 16U << 10U;  // of a body that says why not
constexpr int kPollMs = 1'000;

using HeaderList = std::unique_ptr<curl_slist, decltype(Libcurl::slist_free_all)>;

// What one request has brought so far.
struct Transfer {
  const Libcurl& curl;
  CURL* easy;
  const Client::TakeBytes& take;
  std::string error_body;  // where the status is not 200
  Status taken = Status::Ok();
};

// False: no more of it.
bool Add(Transfer& transfer, std::string_view bytes) {
  long status = 0;
  transfer.curl.easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) {
    transfer.error_body += bytes.substr(0, kMaxErrorBytes - transfer.error_body.size());
    return true;
  }
  transfer.taken = transfer.take(bytes);
  return transfer.taken.ok();
}

// libcurl's callbacks; returning less than was given ends the transfer.
std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  const std::string_view bytes(data, size * count);
  return Add(*static_cast<Transfer*>(user), bytes) ? bytes.size() : 0;
}

std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* user) {
  const std::string_view line(data, size * count);
  const bool is_end = line == "\r\n";
  return !is_end || Add(*static_cast<Transfer*>(user), {}) ? line.size() : 0;
}

class CurlClient final : public Client {
 public:
  CurlClient(const Libcurl& curl, Api api)
      : curl_(curl),
        api_(std::move(api)),
        multi_(curl.multi_init(), curl.multi_cleanup),
        easy_(curl.easy_init(), curl.easy_cleanup) {
    if (!multi_ || !easy_) throw std::runtime_error("libcurl cannot be set up");
    Prepare();
  }

  Status Get(const std::string& path, milliseconds timeout, const TakeBytes& take) override {
    const std::string url = api_.url + path;
    Status status = Perform(url, timeout, take);
    if (status.ok()) return status;
    return Wrap(status.error(), url.substr(0, url.find('?')));
  }

  void Cancel() override {
    cancelled_ = true;
    curl_.multi_wakeup(multi_.get());
  }

 private:
  // Everything that is the same for each request.
  void Prepare() {
    CURL* easy = easy_.get();
    curl_.easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
    curl_.easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnHeader);
    curl_.easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_.data());
    curl_.easy_setopt(easy, CURLOPT_USERAGENT, (std::string("cloud-monitor/") + kVersion).c_str());
    curl_.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_.easy_setopt(easy, CURLOPT_PROXY, "");  // else the environment's
    curl_.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_.easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // else the program's end waits for a silent name server
    curl_.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 5'000L);
    // A peer that vanished without a word is found out long before a watch ends by itself.
    curl_.easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_.easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 20L);
    curl_.easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
    curl_.easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);  // the CA file may be renewed
    if (!api_.ca_file.empty()) curl_.easy_setopt(easy, CURLOPT_CAINFO, api_.ca_file.c_str());
    if (!api_.verify_tls) {
      curl_.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
  }

  Result<HeaderList> Headers() const {
    HeaderList list(curl_.slist_append(nullptr, "Accept: application/json"), curl_.slist_free_all);
    if (api_.token_file.empty()) return list;
    const auto token = ReadTokenFile(api_.token_file);
    if (!token.ok()) return Wrap(token.error(), "token");
    list.reset(curl_.slist_append(list.release(), ("Authorization: Bearer " + token.value()).c_str()));
    return list;
  }

  Status Perform(const std::string& url, milliseconds timeout, const TakeBytes& take) {
    auto headers = Headers();
    if (!headers.ok()) return headers.error();
    CURL* easy = easy_.get();
    Transfer transfer{.curl = curl_, .easy = easy, .take = take, .error_body = {}};
    error_text_[0] = '\0';
    curl_.easy_setopt(easy, CURLOPT_HTTPHEADER, headers.value().get());
    curl_.easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_.easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_.easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    curl_.easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    if (curl_.multi_add_handle(multi_.get(), easy) != CURLM_OK) return Error{ErrorCode::kIo, "out of memory"};
    const std::optional<CURLcode> code = Run();
    curl_.multi_remove_handle(multi_.get(), easy);
    if (!code) return Error{ErrorCode::kGone, "cancelled"};
    return Outcome(*code, transfer);
  }

  // nullopt: cancelled.
  std::optional<CURLcode> Run() {
    while (!cancelled_) {
      int running = 0;
      curl_.multi_perform(multi_.get(), &running);
      int left = 0;
      const CURLMsg* message = curl_.multi_info_read(multi_.get(), &left);
      if (message != nullptr && message->msg == CURLMSG_DONE) return message->data.result;
      curl_.multi_poll(multi_.get(), nullptr, 0, kPollMs, nullptr);
    }
    return std::nullopt;
  }

  [[nodiscard]] Status Outcome(CURLcode code, Transfer& transfer) const {
    if (!transfer.taken.ok()) return transfer.taken;
    long status = 0;
    curl_.easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 0 && status != 200) return AnswerError(status, transfer.error_body, api_);
    if (code == CURLE_OK) return Status::Ok();
    const std::string said =
        Shortened(error_text_[0] != '\0' ? std::string_view(error_text_.data()) : curl_.easy_strerror(code));
    switch (code) {
      case CURLE_OPERATION_TIMEDOUT:
        return Error{ErrorCode::kTimeout, "no answer in time: " + said};
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
        return Error{
            ErrorCode::kIo,
            said + "; is " + (api_.ca_file.empty() ? "a CA file missing" : api_.ca_file + " the server's CA") + "?"};
      default:
        return Error{ErrorCode::kIo, said};
    }
  }

  const Libcurl& curl_;
  const Api api_;
  std::atomic<bool> cancelled_ = false;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  std::unique_ptr<CURLM, decltype(Libcurl::multi_cleanup)> multi_;
  std::unique_ptr<CURL, decltype(Libcurl::easy_cleanup)> easy_;  // after multi_: it ends first
};

}  // namespace

Result<std::unique_ptr<Client>> Client::Make(Api api) {
  const auto curl = LoadLibcurl();
  if (!curl.ok()) return curl.error();
  return std::unique_ptr<Client>(std::make_unique<CurlClient>(*curl.value(), std::move(api)));
}

}  // namespace cloudmon::kube
