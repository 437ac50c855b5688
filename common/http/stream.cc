// SPDX-License-Identifier: Apache-2.0
#include "common/http/stream.h"

#include <spdlog/spdlog.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string>

#include "common/http/gzip.h"

namespace cloudmon::http {
namespace {

constexpr std::size_t kPieceBytes = 64U << 10U;

class Sender {
 public:
  Sender(const StreamForm& form, const BodySink& write, const std::function<bool()>& stopping)
      : form_(form), write_(write), stopping_(stopping) {
    if (form.gzip) gzipper_.emplace();
    pending_.reserve(kPieceBytes);
  }

  bool Add(std::string_view text) {
    while (!text.empty() && ok_) {
      ok_ = !stopping_();
      const std::string_view part = text.substr(0, kPieceBytes - pending_.size());
      pending_ += part;
      text.remove_prefix(part.size());
      if (pending_.size() == kPieceBytes) Flush(false);
    }
    return ok_;
  }

  bool End() {
    if (ok_) Flush(true);
    return ok_;
  }

  [[nodiscard]] bool ok() const { return ok_; }

 private:
  void Flush(bool last) {
    std::string_view body = pending_;
    packed_.clear();
    if (gzipper_) {
      ok_ = gzipper_->Add(pending_, last, packed_);
      if (!ok_) return;
      body = packed_;
    }
    frame_.clear();
    if (!body.empty()) AppendFrame(body);  // an empty chunk would be the last
    if (last && form_.chunked) frame_ += "0\r\n\r\n";
    pending_.clear();
    ok_ = frame_.empty() || write_(frame_);
  }

  void AppendFrame(std::string_view body) {
    if (!form_.chunked) {
      frame_ += body;
      return;
    }
    std::array<char, 16> size;
    const auto end = std::to_chars(size.data(), size.data() + size.size(), body.size(), 16).ptr;
    frame_.append(size.data(), end).append("\r\n").append(body).append("\r\n");
  }

  const StreamForm form_;
  const BodySink& write_;
  const std::function<bool()>& stopping_;
  std::optional<Gzipper> gzipper_;
  std::string pending_;  // not yet compressed or framed
  std::string packed_;
  std::string frame_;  // what is written
  bool ok_ = true;
};

}  // namespace

bool SendStream(const Request& request, const Response& response, const StreamForm& form, const BodySink& write,
                const std::function<bool()>& stopping) {
  Sender sender(form, write, stopping);
  std::string why = "its stream says that it is not complete";
  try {
    const bool complete = response.stream([&](std::string_view text) { return sender.Add(text); });
    if (complete) return sender.End();
  } catch (const std::exception& e) {
    why = e.what();
  } catch (...) {  // NOLINT: a stream must not end the process, whatever it throws
    why = "not a standard exception";
  }
  if (sender.ok()) spdlog::error("{} {}: the answer is cut: {}", request.method, request.raw_path, why);
  return false;
}

}  // namespace cloudmon::http
