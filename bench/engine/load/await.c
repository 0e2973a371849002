/* Waiting for what a scenario wants to see, and the two ways of sending that watch while they send. */
#define _GNU_SOURCE
#include "await.h"
#include "measure.h"
#include "turn.h"
#include "watch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything asked for is there; `last` becomes the time of the last of it, `why` says what is missing. */
static int reached(uint64_t *last, char *why, size_t room) {
  long long from = number("from", 0), end = from + number("n", 1), wanted = number("via", -2), except = number("except", -1);
  uint64_t announced = (uint64_t)number("announced", 0), withdrawn = (uint64_t)number("withdrawn", 0);
  uint64_t added = (uint64_t)number("added", 0), deleted = (uint64_t)number("deleted", 0);
  *last = 0;
#define LATEST(t) (*last = (t) > *last ? (t) : *last)
  for (long long i = from; i < end && i < session_count; i++) {
    struct session *s = sessions[i];
    if (i == except) continue;
    if (s->announced < announced || s->withdrawn < withdrawn)
      return snprintf(why, room, "session %lld saw %lu routes and %lu withdrawals", i, s->announced, s->withdrawn), 0;
    if (announced > 0) LATEST(s->last_route_ns);
    if (withdrawn > 0) LATEST(s->last_withdrawal_ns);
    if (wanted == -2) continue;
    uint32_t there = via.counts[(size_t)i * 256 + (size_t)(wanted + 1)];
    if (there < via.prefixes.count)
      return snprintf(why, room, "session %lld has %u of %u prefixes as wanted", i, there, via.prefixes.count), 0;
    LATEST(via.since[i]);
  }
  if (kernel.added < added || kernel.deleted < deleted)
    return snprintf(why, room, "the kernel told of %lu new and %lu deleted routes, %lu losses", kernel.added, kernel.deleted, kernel.lost), 0;
  if (added > 0) LATEST(kernel.last_added_ns);
  if (deleted > 0) LATEST(kernel.last_deleted_ns);
  return 1;
}

/* Ready, and nothing more came for `quiet` ms: what a daemon says twice counts to its second word. */
void await_command(void) {
  uint64_t begin = now_ns(), deadline = begin + (uint64_t)number("within", 60000) * 1000000;
  uint64_t quiet = (uint64_t)number("quiet", 300) * 1000000, last = 0;
  long long from = number("from", 0), end = from + number("n", 1), except = number("except", -1);
  char why[200] = "";
  int ok = 0, down = 0, may_fall = (int)number("mayfall", 0);
  while (!ok && !down && now_ns() < deadline) {
    turn(1);
    ok = reached(&last, why, sizeof why) && now_ns() - last > quiet;
    for (long long i = from; i < end && i < session_count; i++)
      if (sessions[i]->state != ESTABLISHED && i != except && !may_fall) down = 1;
  }
  if (down) snprintf(why, sizeof why, "a watched session ended");
  uint64_t announced = 0, withdrawn = 0, sent = 0;
  for (int i = 0; i < session_count; i++) {
    announced += sessions[i]->announced, withdrawn += sessions[i]->withdrawn;
    if (sessions[i]->last_octet_ns > sent) sent = sessions[i]->last_octet_ns;
  }
  printf("{\"ok\":%s,\"ns\":%ld,\"cpuNs\":%lu,\"announced\":%lu,\"withdrawn\":%lu,\"added\":%lu,\"deleted\":%lu,\"lost\":%lu,"
         "\"sentNs\":%ld,\"why\":\"%s\"}\n",
         ok ? "true" : "false", (long)(last - mark_ns), daemon_cpu_ns(), announced, withdrawn, kernel.added, kernel.deleted,
         kernel.lost, sent == 0 ? 0 : (long)(sent - mark_ns), why);
}

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* Message after message of a file, each when the last was seen: by the kernel (kernel=1), and by `n` sessions from `from` on. */
void ping_command(void) {
  struct file *f = file_at(number("file", 0));
  struct session *sender = sessions[number("session", 0)];
  long long from = number("from", 1), watchers = number("n", 0), limit = number("count", 1000);
  uint64_t gap = (uint64_t)number("gap", 2) * 1000000;
  int with_kernel = (int)number("kernel", 0);
  uint32_t *in_kernel = calloc((size_t)limit, sizeof *in_kernel), *at_last = calloc((size_t)limit, sizeof *at_last), n = 0;
  const char *why = "";
  if (f == NULL || in_kernel == NULL || at_last == NULL) abort();
  for (size_t at = 0; at < f->length && n < limit && *why == 0; at += get16(f->octets + at + 16)) {
    reset_counts();
    send_octets(sender, f->octets + at, get16(f->octets + at + 16));
    uint64_t begin = sender->first_octet_ns, deadline = begin + 5000000000u, last = 0;
    for (;;) {
      turn(1);
      long long seen = 0;
      last = 0;
      for (long long i = from; i < from + watchers; i++)
        if (sessions[i]->announced + sessions[i]->withdrawn > 0)
          seen++, last = later(last, later(sessions[i]->last_route_ns, sessions[i]->last_withdrawal_ns));
      if (seen == watchers && (!with_kernel || kernel.added + kernel.deleted > 0)) break;
      if (now_ns() > deadline) {
        why = "a route did not come within 5 s";
        break;
      }
    }
    if (*why == 0) {
      in_kernel[n] = with_kernel ? (uint32_t)((later(kernel.last_added_ns, kernel.last_deleted_ns) - begin) / 1000) : 0;
      at_last[n++] = watchers ? (uint32_t)((last - begin) / 1000) : 0;
    }
    /* A pause that is in step with nothing. */
    for (uint64_t end = now_ns() + gap + (uint64_t)(n * 7919 % 1000) * 1000; now_ns() < end;) turn(1);
  }
  printf("{\"ok\":%s,\"why\":\"%s\",", *why == 0 ? "true" : "false", why);
  print_spread("kernel", in_kernel, n), putchar(','), print_spread("last", at_last, n), puts("}");
  free(in_kernel), free(at_last);
}

/* A file at so many routes a second, and how late one other session sees them. */
void pace_command(void) {
  struct file *f = file_at(number("file", 0));
  struct session *sender = sessions[number("session", 0)];
  double rate = (double)number("rate", 10000);
  uint64_t settle = (uint64_t)number("settle", 3000) * 1000000, sent = 0, slip = 0;
  if (f == NULL) abort();
  track_lateness(f->octets, f->length, (int)number("watch", 1), (uint32_t)number("room", 1000000));
  uint64_t begin = now_ns();
  mark(begin);
  size_t at = 0;
  while (at < f->length && sender->state == ESTABLISHED) {
    uint64_t now = now_ns(), due = (uint64_t)((double)(now - begin) * rate / 1e9);
    if (sent < due && sender->out_length == 0) {
      size_t first = at;
      uint64_t late = now - begin - (uint64_t)((double)sent / rate * 1e9);
      if (late > slip) slip = late;
      while (at < f->length && sent < due && at - first < (1 << 16)) {
        size_t length = get16(f->octets + at + 16);
        sent += note_sent(f->octets + at, length, now);
        at += length;
      }
      send_octets(sender, f->octets + first, at - first);
    }
    turn(1);
  }
  uint64_t ended = now_ns();
  while (now_ns() - ended < settle) turn(2);
  uint32_t missing = 0;
  for (uint32_t i = 0; i < lateness.prefixes.count; i++) missing += lateness.sent_ns[i] != 0;
  printf("{\"ok\":%s,\"sent\":%lu,\"ns\":%lu,\"slipNs\":%lu,\"cpuNs\":%lu,\"missing\":%u,", at == f->length ? "true" : "false", sent,
         ended - begin, slip, daemon_cpu_ns(), missing);
  print_spread("late", lateness.micros, lateness.seen), puts("}");
  lateness.session = -1;
}
