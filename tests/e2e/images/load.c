// SPDX-License-Identifier: Apache-2.0
// The load inside the test pods; each role does a known amount of one thing.
//
//   load idle                         nothing
//   load burn THREADS PERMILLE        each thread uses PERMILLE/1000 of a core
//   load mem MIB                      holds MIB MiB of memory
//   load write FILE BYTES_PER_SECOND  O_DIRECT writes of 64 KiB into the first 4 MiB of FILE
//   load serve PORT BYTES             answers each connection with an HTTP answer whose body is BYTES long
//   load get HOST PORT PER_SECOND     that many GETs a second
//   load oom MIB                      on SIGUSR1 a child takes MIB MiB, to be OOM-killed; the parent lives on
//
// All end on SIGTERM. Rates are kept on average: a role that was held up for less than a second catches up.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kBlock = 64 * 1024, kFileBlocks = 64 };

static void Die(const char* what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double Now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void SleepSeconds(double seconds) {
  if (seconds <= 0) return;
  struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&t, NULL);
}

// A schedule of events: `per_second` of them, each due at a time of its own.
struct Pace {
  double next, per_second;
};

static struct Pace NewPace(double per_second) { return (struct Pace){Now(CLOCK_MONOTONIC), per_second}; }

// Waits until the next event is due. What is more than a second late is given up.
static void Wait(struct Pace* pace) {
  const double now = Now(CLOCK_MONOTONIC);
  if (pace->next < now - 1) pace->next = now;
  SleepSeconds(pace->next - now);
  pace->next += 1 / pace->per_second;
}

static double burn_share;

static void* BurnThread(void* unused) {
  double start = Now(CLOCK_MONOTONIC);
  double start_cpu = Now(CLOCK_THREAD_CPUTIME_ID);
  volatile uint32_t x = 1;
  for (;;) {
    for (int i = 0; i < 100000; ++i) x = x * 1664525U + 1013904223U;
    const double used = Now(CLOCK_THREAD_CPUTIME_ID) - start_cpu;
    const double due = (Now(CLOCK_MONOTONIC) - start) * burn_share;
    if (used < due - burn_share) {  // a second behind
      start = Now(CLOCK_MONOTONIC);
      start_cpu = Now(CLOCK_THREAD_CPUTIME_ID);
    }
    if (burn_share < 1 && used > due) SleepSeconds((used - due) / burn_share + 0.005);
  }
  return unused;
}

static void Burn(int threads, double share) {
  burn_share = share;
  for (int i = 1; i < threads; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, BurnThread, NULL) != 0) Die("pthread_create");
  }
  BurnThread(NULL);
}

static void TakeMemory(size_t mib) {
  char* memory = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) Die("mmap");
  for (size_t i = 0; i < mib << 20; i += 4096) memory[i] = 1;
}

static void WriteDirect(const char* path, double bytes_per_second) {
  const int file = open(path, O_WRONLY | O_CREAT | O_DIRECT, 0644);
  if (file < 0) Die(path);
  void* block = NULL;
  if (posix_memalign(&block, 4096, kBlock) != 0) Die("posix_memalign");
  memset(block, 7, kBlock);
  struct Pace pace = NewPace(bytes_per_second / kBlock);
  for (uint64_t n = 0;; ++n) {
    Wait(&pace);
    if (pwrite(file, block, kBlock, (off_t)(n % kFileBlocks) * kBlock) != kBlock) Die("pwrite");
  }
}

static struct sockaddr_in Address(const char* host, const char* port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) Die(host);
  return address;
}

// Reads until the peer closes.
static void Drain(int connection) {
  char buffer[16384];
  while (read(connection, buffer, sizeof buffer) > 0) {
  }
}

static void SendAll(int connection, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t sent = write(connection, data, size);
    if (sent <= 0) return;
    data += sent;
    size -= (size_t)sent;
  }
}

static void Serve(const char* port, size_t body_bytes) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const struct sockaddr_in address = Address("0.0.0.0", port);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (const struct sockaddr*)&address, sizeof address) != 0) Die("bind");
  if (listen(listener, 64) != 0) Die("listen");
  char head[128];
  const int head_bytes = snprintf(head, sizeof head, "HTTP/1.0 200 OK\r\nContent-Length: %zu\r\n\r\n", body_bytes);
  char* body = calloc(1, body_bytes);
  for (;;) {
    const int connection = accept(listener, NULL, NULL);
    if (connection < 0) continue;
    char request[1024];
    if (read(connection, request, sizeof request) > 0) {
      SendAll(connection, head, (size_t)head_bytes);
      SendAll(connection, body, body_bytes);
    }
    shutdown(connection, SHUT_WR);
    Drain(connection);
    close(connection);
  }
}

static void Get(const char* host, const char* port, double per_second) {
  const struct sockaddr_in address = Address(host, port);
  static const char kRequest[] = "GET / HTTP/1.0\r\n\r\n";
  struct Pace pace = NewPace(per_second);
  for (;;) {
    Wait(&pace);
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, (const struct sockaddr*)&address, sizeof address) == 0) {
      SendAll(connection, kRequest, sizeof kRequest - 1);
      Drain(connection);
    }
    close(connection);
  }
}

// An OOM kill of the child alone: the kernel prefers what has the higher score.
static void OomOnSignal(size_t mib) {
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  for (;;) {
    int signal_number = 0;
    sigwait(&usr1, &signal_number);
    const pid_t child = fork();
    if (child == 0) {
      const int score = open("/proc/self/oom_score_adj", O_WRONLY);
      if (score < 0 || write(score, "1000", 4) != 4) Die("oom_score_adj");
      TakeMemory(mib);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("child ended, signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    fflush(stdout);
  }
}

static void End(int signal_number) {
  (void)signal_number;
  _exit(0);
}

int main(int argc, char** argv) {
  const char* role = argc > 1 ? argv[1] : "";
  signal(SIGTERM, End);
  signal(SIGPIPE, SIG_IGN);
  if (!strcmp(role, "burn") && argc == 4) Burn(atoi(argv[2]), atof(argv[3]) / 1000);
  if (!strcmp(role, "write") && argc == 4) WriteDirect(argv[2], atof(argv[3]));
  if (!strcmp(role, "serve") && argc == 4) Serve(argv[2], (size_t)atol(argv[3]));
  if (!strcmp(role, "get") && argc == 5) Get(argv[2], argv[3], atof(argv[4]));
  if (!strcmp(role, "oom") && argc == 3) {
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    OomOnSignal((size_t)atol(argv[2]));
  }
  if (!strcmp(role, "mem") && argc == 3) TakeMemory((size_t)atol(argv[2]));
  else if (strcmp(role, "idle") != 0) {
    fprintf(stderr, "load: unknown role or wrong number of arguments\n");
    return 2;
  }
  for (;;) pause();
}
