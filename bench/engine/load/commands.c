#define _GNU_SOURCE
#include "commands.h"
#include "await.h"
#include "measure.h"
#include "turn.h"
#include "watch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void sessions_command(void) {
  int first = session_count, total = (int)number("n", 1);
  dials_at_once = (int)number("together", dials_at_once);
  if (number("listen", 0)) {
    int error = listen_on((uint16_t)number("port", 179));
    if (error != 0) {
      printf("{\"ok\":false,\"why\":\"listen: %s\"}\n", strerror(error));
      return;
    }
  }
  for (int i = 0; i < total; i++) {
    struct session *s = add_session(address("local") + (uint32_t)i, address("remote"), (uint16_t)number("port", 179),
                                    (uint32_t)(number("as", 65001) + i * number("step", 0)), (uint32_t)number("hold", 90),
                                    (int)number("dial", 1), (int)number("listen", 0), (uint32_t)number("retry", 20));
    s->block_count = (uint32_t)number("blocks", 0);
    s->blocks = address("base") + (uint32_t)i * s->block_count * 64;
    /* Dials of many are spread over the time between two of one. */
    s->next_dial_ns = now_ns() + (uint64_t)s->retry_ms * 1000000 * (uint64_t)i / (uint64_t)total;
  }
  printf("{\"ok\":true,\"first\":%d}\n", first);
}

static void up_command(void) {
  long long from = number("from", 0), total = number("n", session_count - from), up;
  uint64_t deadline = now_ns() + (uint64_t)number("within", 60000) * 1000000, last = 0;
  for (;;) {
    up = 0;
    for (long long i = from; i < from + total && i < session_count; i++)
      if (sessions[i]->state == ESTABLISHED) {
        up++;
        if (sessions[i]->established_ns > last) last = sessions[i]->established_ns;
      }
    if (up == total || now_ns() > deadline) break;
    turn(5);
  }
  printf("{\"ok\":%s,\"up\":%lld,\"ns\":%ld,\"why\":\"%lld of %lld sessions are up\"}\n", up == total ? "true" : "false", up,
         (long)(last - mark_ns), up, total);
}

/* pairs=SESSION:FILE,… */
static void send_command(void) {
  int started = 0;
  for (const char *p = text_of("pairs", ""); *p != 0; p += strcspn(p, ","), p += *p == ',') {
    long long who = atoll(p);
    const char *colon = strchr(p, ':');
    struct file *f = colon == NULL ? NULL : file_at(atoll(colon + 1));
    if (f == NULL || who < 0 || who >= session_count || sessions[who]->state != ESTABLISHED) {
      printf("{\"ok\":false,\"why\":\"%lld has no such file, or is not up\"}\n", who);
      return;
    }
    if (!started++) mark(now_ns());
    send_octets(sessions[who], f->octets, f->length);
  }
  printf("{\"ok\":true,\"atNs\":%lu}\n", mark_ns);
}

static void close_command(void) {
  long long from = number("from", 0), total = number("n", 1);
  mark(now_ns());
  for (long long i = from; i < from + total && i < session_count; i++) {
    sessions[i]->dial = sessions[i]->listen = 0;
    close_session(sessions[i], NULL);
  }
  printf("{\"ok\":true}\n");
}

/* The longest time without a message beyond the keepalive interval; `fresh=1` forgets it. */
static void silence_command(void) {
  uint64_t late = 0;
  int worst = -1, down = 0;
  long long from = number("from", 0), end = from + number("n", session_count);
  for (long long i = from; i < end && i < session_count; i++) {
    struct session *s = sessions[i];
    uint64_t now = now_ns(), open = s->state == ESTABLISHED && s->last_heard_ns > 0 ? now - s->last_heard_ns : 0;
    uint64_t longest = open > s->longest_silence_ns ? open : s->longest_silence_ns, interval = (uint64_t)s->interval_sec * 1000000000;
    if (longest > interval && longest - interval > late) late = longest - interval, worst = s->index;
    down += (int)s->times_down;
    if (number("fresh", 0)) s->longest_silence_ns = 0;
  }
  printf("{\"ok\":true,\"latestNs\":%lu,\"session\":%d,\"down\":%d}\n", late, worst, down);
}

void run_command(const char *word) {
  if (strcmp(word, "sessions") == 0) sessions_command();
  else if (strcmp(word, "up") == 0) up_command();
  else if (strcmp(word, "file") == 0) file_command();
  else if (strcmp(word, "pids") == 0) pids_command();
  else if (strcmp(word, "send") == 0) send_command();
  else if (strcmp(word, "await") == 0) await_command();
  else if (strcmp(word, "close") == 0) close_command();
  else if (strcmp(word, "ping") == 0) ping_command();
  else if (strcmp(word, "pace") == 0) pace_command();
  else if (strcmp(word, "silence") == 0) silence_command();
  else if (strcmp(word, "reset") == 0) reset_counts(), printf("{\"ok\":true}\n");
  else if (strcmp(word, "mark") == 0) mark((uint64_t)number("at", (long long)now_ns())), printf("{\"ok\":true,\"atNs\":%lu}\n", mark_ns);
  else if (strcmp(word, "cpu") == 0) printf("{\"ok\":true,\"cpuNs\":%lu}\n", daemon_cpu_ns());
  else if (strcmp(word, "routes") == 0) printf("{\"ok\":true,\"routes\":%ld}\n", count_kernel_routes(text_of("netns", "")));
  else if (strcmp(word, "kernel") == 0) {
    int error = open_kernel(text_of("netns", ""));
    printf("{\"ok\":%s,\"why\":\"%s\"}\n", error == 0 ? "true" : "false", strerror(error));
  } else if (strcmp(word, "via") == 0) {
    struct file *f = file_at(number("file", 0));
    if (f != NULL) track_vias(f->octets, f->length, (uint32_t)number("base", 65001), (uint32_t)number("place", 1), (uint32_t)number("n", session_count));
    printf("{\"ok\":%s,\"prefixes\":%u}\n", f != NULL ? "true" : "false", via.prefixes.count);
  } else if (strcmp(word, "rest") == 0) {
    for (uint64_t end = now_ns() + (uint64_t)number("ms", 100) * 1000000; now_ns() < end;) turn(2);
    printf("{\"ok\":true}\n");
  } else printf("{\"ok\":false,\"why\":\"no command %s\"}\n", word);
}
