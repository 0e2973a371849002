/* The load: commands come by standard input, one per line (`word key=value …`), each is answered by one line of JSON. All times
 * are nanoseconds of CLOCK_MONOTONIC, taken here when an octet leaves or comes; "ns" in an answer counts from the mark, which
 * `send`, `close` and `mark` set. load CPU: the processor we keep to. */
#define _GNU_SOURCE
#include "commands.h"
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

static char line[1 << 16], *words[256];
static int word_count, input_over;
static size_t line_length;

const char *text_of(const char *key, const char *otherwise) {
  size_t n = strlen(key);
  for (int i = 1; i < word_count; i++)
    if (strncmp(words[i], key, n) == 0 && words[i][n] == '=') return words[i] + n + 1;
  return otherwise;
}
long long number(const char *key, long long otherwise) {
  const char *text = text_of(key, NULL);
  return text == NULL ? otherwise : atoll(text);
}
uint32_t address(const char *key) {
  struct in_addr a;
  return inet_aton(text_of(key, "0.0.0.0"), &a) ? ntohl(a.s_addr) : 0;
}

static int take_command(void) {
  char *end = memchr(line, '\n', line_length);
  if (end == NULL) return 0;
  *end = 0;
  word_count = 0;
  char *rest = NULL;
  for (char *w = strtok_r(line, " ", &rest); w != NULL && word_count < 256; w = strtok_r(NULL, " ", &rest)) words[word_count++] = w;
  if (word_count > 0) run_command(words[0]);
  fflush(stdout);
  size_t used = (size_t)(end - line) + 1;
  memmove(line, end + 1, line_length -= used);
  return 1;
}

static void read_commands(void) {
  ssize_t n = read(0, line + line_length, sizeof line - line_length - 1);
  if (n <= 0) input_over = 1;
  else line_length += (size_t)n;
}

void turn(int wait_ms) {
  static uint64_t timers_ns;
  struct epoll_event events[256];
  int n = epoll_wait(poller, events, 256, wait_ms);
  for (int i = 0; i < n; i++) {
    uint32_t who = events[i].data.u32;
    if (who == LISTENER) accept_all();
    else if (who == COMMANDS) read_commands();
    else if (who == KERNEL) kernel_event();
    else session_event(sessions[who], events[i].events);
  }
  if (input_over) exit(0); /* Whoever started us is gone. */
  uint64_t now = now_ns();
  if (now - timers_ns < 1000000) return;
  timers_ns = now;
  session_timers(now);
}

int main(int argc, char **argv) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(argc > 1 ? atoi(argv[1]) : 0, &cpus);
  if (argc > 1 && sched_setaffinity(0, sizeof cpus, &cpus) != 0) return perror("sched_setaffinity"), 2;
  struct rlimit files = {65536, 65536};
  setrlimit(RLIMIT_NOFILE, &files);
  poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event e = {.events = EPOLLIN, .data.u32 = COMMANDS};
  epoll_ctl(poller, EPOLL_CTL_ADD, 0, &e);
  for (;;) {
    turn(5);
    while (take_command()) continue;
  }
}
