// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/dns_resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace cloudmon::discovery {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTimeout{5000};     // of a whole look-up
constexpr int kTryMs = 1500;               // of one question to one name server; the second try may take twice that
constexpr int kTries = 2;                  // of each name server
constexpr std::size_t kMaxQuestions = 64;  // at once

struct ChannelDeleter {
  void operator()(ares_channel channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<ares_channeldata, ChannelDeleter>;

// c-ares 1.18 cannot read the system's files again, so each look-up has a channel of its own.
Channel MakeChannel() {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  ares_options options = {};
  options.timeout = kTryMs;
  options.tries = kTries;
  ares_channel channel = nullptr;
  if (library != ARES_SUCCESS ||
      ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS) {
    return nullptr;
  }
  return Channel(channel);
}

Error ErrorOf(int status) {
  if (status == ARES_ENOTFOUND) return Error{ErrorCode::kNotFound, "the name servers know no such name"};
  if (status == ARES_ETIMEOUT) return Error{ErrorCode::kTimeout, "the name servers do not answer"};
  return Error{ErrorCode::kIo, std::string("the name servers fail: ") + ares_strerror(status)};
}

// Asked for one after the other: of both at once c-ares tells only how the last one ended, and "no IPv6 addresses" must
// not hide that IPv4 ones could not be asked for.
struct Host {
  std::string name;
  std::uint16_t port = 0;
  int family = AF_INET;  // AF_INET6 where there are none of AF_INET
};

// One look-up. Callbacks come from within Run and the destructor.
class LookUpRun {
 public:
  LookUpRun(Channel channel, int stop_fd) : channel_(std::move(channel)), stop_fd_(stop_fd) {}
  LookUpRun(const LookUpRun&) = delete;
  LookUpRun& operator=(const LookUpRun&) = delete;
  ~LookUpRun() {
    channel_.reset();  // ends what is open, through the callbacks
  }

  Result<std::vector<DnsEndpoint>> Run(const DnsName& name) {
    if (name.is_srv) {
      ++open_;
      ares_search(channel_.get(), name.host.c_str(), ns_c_in, ns_t_srv, OnSrv, this);
    } else {
      hosts_.push_back({name.host, name.port});
    }
    const auto end = steady_clock::now() + kTimeout;
    for (AskForHosts(); open_ > 0; AskForHosts()) {
      const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
      if (left.count() <= 0) return ErrorOf(ARES_ETIMEOUT);
      if (!Wait(left)) return Error{ErrorCode::kGone, "stopped"};
    }
    // Of several hosts, one that has gone since the SRV records were written does not spoil the others.
    const bool is_answer =
        status_ == ARES_SUCCESS || status_ == ARES_ENODATA || (is_list_ && status_ == ARES_ENOTFOUND);
    if (!is_answer) return ErrorOf(status_);
    return std::move(endpoints_);
  }

 private:
  struct Question {
    LookUpRun* run;
    Host host;
  };

  void AskForHosts() {
    while (!hosts_.empty() && open_ < kMaxQuestions) {
      auto question = std::make_unique<Question>(Question{this, std::move(hosts_.front())});
      hosts_.pop_front();
      ++open_;
      const std::string name = question->host.name;
      ares_addrinfo_hints hints = {};
      hints.ai_family = question->host.family;
      hints.ai_flags = ARES_AI_NOSORT;  // else it opens a socket for each address
      ares_getaddrinfo(channel_.get(), name.c_str(), nullptr, &hints, OnAddresses, question.release());
    }
  }

  static void OnAddresses(void* user, int status, int, ares_addrinfo* found) {
    const std::unique_ptr<Question> question(static_cast<Question*>(user));
    const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> answer(found, &ares_freeaddrinfo);
    LookUpRun& run = *question->run;
    Host& host = question->host;
    if (status == ARES_ENODATA && host.family == AF_INET) {
      --run.open_;
      run.hosts_.push_back({std::move(host.name), host.port, AF_INET6});
      return;
    }
    run.End(status);
    if (status != ARES_SUCCESS) return;
    for (const ares_addrinfo_node* node = answer->nodes; node != nullptr; node = node->ai_next) {
      run.endpoints_.push_back({TextOf(*node), host.port});
    }
  }

  static std::string TextOf(const ares_addrinfo_node& node) {
    const void* address = node.ai_family == AF_INET
                              ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(node.ai_addr)->sin_addr)
                              : &reinterpret_cast<const sockaddr_in6*>(node.ai_addr)->sin6_addr;
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(node.ai_family, address, text.data(), text.size());
    return text.data();
  }

  static void OnSrv(void* user, int status, int, unsigned char* bytes, int size) {
    auto& run = *static_cast<LookUpRun*>(user);
    ares_srv_reply* records = nullptr;
    if (status == ARES_SUCCESS) status = ares_parse_srv_reply(bytes, size, &records);
    const std::unique_ptr<ares_srv_reply, decltype(&ares_free_data)> owned(records, &ares_free_data);
    run.End(status);
    run.is_list_ = status == ARES_SUCCESS;
    for (const ares_srv_reply* record = records; record != nullptr; record = record->next) {
      std::string host = record->host;
      if (host.empty() || record->port == 0) continue;  // the service is decidedly not there (RFC 2782)
      if (!host.ends_with('.')) host += '.';            // it is whole: not to be searched for below other domains
      if (run.hosts_.size() <= kMaxDnsTargets) run.hosts_.push_back({std::move(host), record->port});
    }
  }

  // The first failure counts.
  void End(int status) {
    --open_;
    const bool is_failure = status != ARES_SUCCESS && status != ARES_ENODATA && status != ARES_ENOTFOUND;
    if (status_ == ARES_SUCCESS || (is_failure && !failed_)) status_ = status;
    failed_ = failed_ || is_failure;
  }

  // Until an answer, a time-out of c-ares' own, or the end of that time. False: stopped.
  bool Wait(milliseconds at_most) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const auto wanted = static_cast<unsigned>(ares_getsock(channel_.get(), sockets.data(), ARES_GETSOCK_MAXNUM));
    std::vector<pollfd> fds{{stop_fd_, POLLIN, 0}};
    for (unsigned i = 0; i < sockets.size(); ++i) {
      const bool reads = (wanted & (1U << i)) != 0;
      const bool writes = (wanted & (1U << (i + ARES_GETSOCK_MAXNUM))) != 0;
      const int events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0);
      if (events != 0) fds.push_back({sockets.at(i), static_cast<short>(events), 0});
    }
    timeval most{at_most.count() / 1000, at_most.count() % 1000 * 1000};
    timeval left{};
    const timeval* wait = ares_timeout(channel_.get(), &most, &left);
    const auto wait_ms = static_cast<int>(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1);
    if (::poll(fds.data(), fds.size(), wait_ms) < 0) {
      for (pollfd& fd : fds) fd.revents = 0;
    }
    if (fds.front().revents != 0) return false;
    ares_process_fd(channel_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    for (std::size_t i = 1; i < fds.size(); ++i) {
      const bool reads = (fds[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
      const bool writes = (fds[i].revents & POLLOUT) != 0;
      ares_process_fd(channel_.get(), reads ? fds[i].fd : ARES_SOCKET_BAD, writes ? fds[i].fd : ARES_SOCKET_BAD);
    }
    return true;
  }

  Channel channel_;
  const int stop_fd_;
  std::size_t open_ = 0;  // questions
  bool is_list_ = false;  // SRV records were found
  bool failed_ = false;
  int status_ = ARES_SUCCESS;
  std::deque<Host> hosts_;  // that are still to be asked for
  std::vector<DnsEndpoint> endpoints_;
};

}  // namespace

DnsResolver::DnsResolver() : stop_fd_(::eventfd(0, EFD_CLOEXEC)) {
  if (!stop_fd_.valid()) throw std::runtime_error("no descriptor for DNS look-ups");
}

Result<std::vector<DnsEndpoint>> DnsResolver::LookUp(const DnsName& name) {
  Channel channel = MakeChannel();
  if (!channel) return Error{ErrorCode::kIo, "c-ares cannot be set up: is /etc/resolv.conf readable?"};
  return LookUpRun(std::move(channel), stop_fd_.get()).Run(name);
}

bool DnsResolver::Sleep(milliseconds time) const {
  pollfd fd{stop_fd_.get(), POLLIN, 0};
  const auto end = steady_clock::now() + time;
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
    if (left.count() <= 0) return true;
    if (::poll(&fd, 1, static_cast<int>(left.count())) > 0) return false;
  }
}

void DnsResolver::Stop() {
  const std::uint64_t one = 1;
  while (::write(stop_fd_.get(), &one, sizeof(one)) < 0 && errno == EINTR) {
  }
}

}  // namespace cloudmon::discovery
