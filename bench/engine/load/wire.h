/* What the load tools know of BGP's messages: enough to bring a session up and to count what comes. RFC 4271. */
#ifndef WIRE_H
#define WIRE_H
#include <stddef.h>
#include <stdint.h>

enum { OPEN = 1, UPDATE = 2, NOTIFICATION = 3, KEEPALIVE = 4 };
enum { HEADER = 19, LARGEST = 4096, AS_TRANS = 23456 };

static inline uint32_t get16(const uint8_t *p) { return (uint32_t)(p[0] << 8 | p[1]); }
static inline uint32_t get32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }
static inline void put16(uint8_t *p, uint32_t v) { p[0] = (uint8_t)(v >> 8); p[1] = (uint8_t)v; }
static inline void put32(uint8_t *p, uint32_t v) { put16(p, v >> 16); put16(p + 2, v & 0xffff); }

/* CLOCK_MONOTONIC: the harness around us reads the same one. */
uint64_t now_ns(void);
/* The least that we offer: IPv4 unicast, route refresh, four-octet AS numbers. Answers the length. */
size_t write_open(uint8_t *to, uint32_t asn, uint32_t hold_sec, uint32_t identifier);
size_t write_keepalive(uint8_t *to);
/* An iBGP UPDATE of `count` /26 side by side, and an End-of-RIB behind it. */
size_t write_blocks(uint8_t *to, uint32_t first, uint32_t count, uint32_t next_hop);

/* One UPDATE of IPv4 unicast taken apart; the pointers lie in the message. */
struct update {
  const uint8_t *withdrawn, *withdrawn_end, *attributes, *attributes_end, *nlri, *nlri_end;
};
/* 0: its lengths do not fit. */
int split_update(const uint8_t *message, size_t length, struct update *into);
/* The next prefix of a list, address in host order; 0 at the end or where it is malformed. */
static inline int next_prefix(const uint8_t **at, const uint8_t *end, uint32_t *address, uint8_t *length) {
  const uint8_t *p = *at;
  if (p >= end) return 0;
  uint8_t bits = *p++, octets = (uint8_t)((bits + 7) >> 3);
  if (bits > 32 || p + octets > end) return 0;
  uint32_t a = 0;
  for (uint8_t i = 0; i < octets; i++) a |= (uint32_t)p[i] << (24 - 8 * i);
  *address = a, *length = bits, *at = p + octets;
  return 1;
}
/* UINT32_MAX: one of them is longer than 32 bits, or than the list. */
uint32_t count_prefixes(const uint8_t *at, const uint8_t *end);
/* The AS number at `index` of the first AS_SEQUENCE, four octets each; 0 where there is none. */
uint32_t asn_at(const uint8_t *attributes, const uint8_t *end, unsigned index);
#endif
