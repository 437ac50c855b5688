// SPDX-License-Identifier: Apache-2.0
#include "common/signals.h"

#include <csignal>
#include <ctime>
#include <initializer_list>

namespace cloudmon {
namespace {

sigset_t HeldSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void HoldSignals() {
  const sigset_t set = HeldSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Signal WaitForSignal() {
  const sigset_t set = HeldSignals();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
  return signal == SIGHUP ? Signal::kReload : Signal::kStop;
}

bool TakeSignal() {
  const sigset_t set = HeldSignals();
  const timespec no_wait{};
  return sigtimedwait(&set, nullptr, &no_wait) > 0;
}

}  // namespace cloudmon
