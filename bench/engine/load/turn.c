#define _GNU_SOURCE
#include "turn.h"
#include "watch.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
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

/* The words of a command keep their place until the next one is asked for. */
const char *next_command(void) {
  static size_t used;
  line_length -= used;
  memmove(line, line + used, line_length);
  used = 0;
  char *end = memchr(line, '\n', line_length), *rest = NULL;
  word_count = 0;
  if (end == NULL) return NULL;
  *end = 0;
  used = (size_t)(end - line) + 1;
  for (char *w = strtok_r(line, " ", &rest); w != NULL && word_count < 256; w = strtok_r(NULL, " ", &rest)) words[word_count++] = w;
  return word_count > 0 ? words[0] : "";
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

int begin_turns(void) {
  on_update = see_update;
  poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event e = {.events = EPOLLIN, .data.u32 = COMMANDS};
  return epoll_ctl(poller, EPOLL_CTL_ADD, 0, &e);
}
