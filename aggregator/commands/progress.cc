// SPDX-License-Identifier: Apache-2.0
#include "aggregator/commands/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace cloudmon {
namespace {

constexpr auto kPause = std::chrono::milliseconds(100);
constexpr int kBarCells = 20;

}  // namespace

Progress::Progress() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void Progress::Clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

bool Progress::IsDue() {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now - last_ < kPause) return false;
  last_ = now;
  return drawn_ = true;
}

void Progress::Draw(std::string_view what, double part, const std::string& detail) {
  part = std::clamp(part, 0.0, 1.0);
  const auto full = static_cast<std::size_t>(part * kBarCells);
  const std::string bar = std::string(full, '#') + std::string(kBarCells - full, '.');
  std::fprintf(stderr, "\r\033[K%.*s  [%s] %3.0f %%  %s", static_cast<int>(what.size()), what.data(), bar.c_str(),
               part * 100, detail.c_str());
}

std::string BytesText(std::uint64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes) / 1000;
  const char* unit = "kB";
  for (const char* larger : {"MB", "GB", "TB"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = larger;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, unit);
  return text;
}

}  // namespace cloudmon
