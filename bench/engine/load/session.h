/* BGP sessions of the load: many in one thread, over one epoll. They dial again and again, listen, or both. */
#ifndef SESSION_H
#define SESSION_H
#include "wire.h"

enum state { IDLE, DIALLING, OPEN_SENT, OPEN_CONFIRM, ESTABLISHED };

struct session {
  int index, fd;
  enum state state;
  int dial, listen, dialled;
  uint32_t local, remote, asn, hold_sec, interval_sec, retry_ms;
  uint16_t port;
  uint64_t next_dial_ns, dialled_ns, next_keepalive_ns, established_ns, last_heard_ns, longest_silence_ns;
  uint32_t times_up, times_down;
  /* An incomplete message of the last read. */
  uint8_t rest[LARGEST];
  uint32_t rest_length;
  /* What is being sent, straight from the file. */
  const uint8_t *out;
  size_t out_length;
  int waits_for_room;
  uint64_t first_octet_ns, last_octet_ns;
  /* iBGP blocks (/26) announced as soon as the session is up, with an End-of-RIB. */
  uint32_t blocks, block_count;
  /* What came since the last reset. */
  uint64_t announced, withdrawn, octets_in, last_route_ns, last_withdrawal_ns;
};

extern struct session **sessions;
extern int session_count;
extern int poller;
/* Whoever looks at what comes; 0 ends the session. */
extern int (*on_update)(struct session *s, const uint8_t *message, size_t length, uint64_t now);
/* How many dial at once: a daemon with a short queue of callers drops the others' SYNs, and they would wait for seconds. */
extern int dials_at_once;

struct session *add_session(uint32_t local, uint32_t remote, uint16_t port, uint32_t asn, uint32_t hold_sec, int dial,
                            int listen, uint32_t retry_ms);
/* From now on whole messages of this memory go out, as fast as the other side takes them. */
void send_octets(struct session *s, const uint8_t *octets, size_t length);
void close_session(struct session *s, const char *why);
/* 0, or why not. */
int listen_on(uint16_t port);
/* An event of the poller: data.u32 is a session's index, or one of these. */
enum { LISTENER = 0x40000000, COMMANDS, KERNEL };
void session_event(struct session *s, uint32_t events);
void accept_all(void);
/* Dials what is due and sends keepalives. */
void session_timers(uint64_t now);
#endif
