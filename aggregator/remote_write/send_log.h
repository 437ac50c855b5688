// SPDX-License-Identifier: Apache-2.0
// What the log says of sending: when it begins to fail and when it works again, what is refused, how a long catching up
// goes. Nothing while all is well. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace cloudmon::remote_write {

class SendLog {
 public:
  // Something that is tried again.
  void Failed(const std::string& reason);
  void Worked();
  // Samples that the receiver will never take: a line at once, then one for all of five minutes.
  void Refused(std::int64_t steady_ms, std::size_t samples, const std::string& reason);
  // How many buckets are still to be sent: a line a minute where that takes longer.
  void Behind(std::int64_t steady_ms, std::int64_t buckets, std::int64_t sent_until_seconds);
  // The state could not be kept, or could.
  void Saved(const std::optional<std::string>& error);

 private:
  bool failing_ = false, saving_fails_ = false;
  std::int64_t say_refused_at_ms_ = INT64_MIN;
  std::size_t refused_requests_ = 0, refused_samples_ = 0;  // not said yet
  std::optional<std::int64_t> say_behind_at_ms_;            // nullopt: not behind
  bool said_behind_ = false;
};

}  // namespace cloudmon::remote_write
