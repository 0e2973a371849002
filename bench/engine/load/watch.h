/* What comes in, seen as the scenario needs it: counted; per prefix whose path it is; how late it is. And the kernel's own
 * notifications of routes in the daemon's namespace. */
#ifndef WATCH_H
#define WATCH_H
#include "session.h"

/* Prefixes of a file, numbered in its order. */
struct universe {
  uint64_t *slots; /* address << 8 | length, plus 1 */
  uint32_t *numbers, mask, count;
};
void fill_universe(struct universe *u, const uint8_t *octets, size_t length);
/* UINT32_MAX: none of them. */
uint32_t number_of(const struct universe *u, uint32_t address, uint8_t length);

/* An on_update. */
int see_update(struct session *s, const uint8_t *message, size_t length, uint64_t now);
void reset_counts(void);

/* Whose path does each session have for each prefix? Known by the AS number at `place` of the path, less `base`, plus 1; 0 is none. */
extern struct via {
  struct universe prefixes;
  uint32_t base, place, sessions;
  uint8_t *now;     /* [session][prefix] */
  uint32_t *counts; /* [session][via] */
  uint64_t *since;  /* [session]: last change */
} via;
void track_vias(const uint8_t *octets, size_t length, uint32_t base, uint32_t place, uint32_t session_total);

/* When was the last change of each prefix sent, and how late is it seen by one session? */
extern struct lateness {
  struct universe prefixes;
  uint64_t *sent_ns; /* 0: nothing is under way */
  int session;
  uint32_t *micros, seen, room;
} lateness;
void track_lateness(const uint8_t *octets, size_t length, int session, uint32_t room);
/* What this message announces and withdraws goes out now; answers how many routes that is. */
uint32_t note_sent(const uint8_t *message, size_t length, uint64_t now);

extern struct kernel {
  int fd;
  uint64_t added, deleted, last_added_ns, last_deleted_ns, lost;
} kernel;
/* 0, or why not. */
int open_kernel(const char *netns);
void kernel_event(void);
/* Routes in its main table now, connected and local ones left out. */
long count_kernel_routes(const char *netns);
#endif
