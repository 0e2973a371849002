#include "wire.h"
#include <string.h>
#include <time.h>

uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void header(uint8_t *to, size_t length, uint8_t type) {
  memset(to, 0xff, 16);
  put16(to + 16, (uint32_t)length);
  to[18] = type;
}

size_t write_keepalive(uint8_t *to) {
  header(to, HEADER, KEEPALIVE);
  return HEADER;
}

size_t write_open(uint8_t *to, uint32_t asn, uint32_t hold_sec, uint32_t identifier) {
  uint8_t *p = to + HEADER;
  *p++ = 4;
  put16(p, asn > 0xffff ? AS_TRANS : asn), p += 2;
  put16(p, hold_sec), p += 2;
  put32(p, identifier), p += 4;
  /* One parameter of type 2 with three capabilities: multiprotocol (1), route refresh (2), four-octet AS (65). */
  static const uint8_t capabilities[] = {1, 4, 0, 1, 0, 1, 2, 0, 65, 4};
  *p++ = 2 + sizeof capabilities + 4;
  *p++ = 2;
  *p++ = sizeof capabilities + 4;
  memcpy(p, capabilities, sizeof capabilities), p += sizeof capabilities;
  put32(p, asn), p += 4;
  size_t length = (size_t)(p - to);
  header(to, length, OPEN);
  return length;
}

size_t write_blocks(uint8_t *to, uint32_t first, uint32_t count, uint32_t next_hop) {
  /* ORIGIN, empty AS_PATH, NEXT_HOP, LOCAL_PREF as in a mesh. */
  static const uint8_t attributes[] = {0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 0, 0, 0, 0, 0x40, 5, 4, 0x7f, 0xff, 0xfb, 0xff};
  uint8_t *p = to + HEADER;
  put16(p, 0), put16(p + 2, sizeof attributes), p += 4;
  memcpy(p, attributes, sizeof attributes);
  put32(p + 10, next_hop), p += sizeof attributes;
  for (uint32_t i = 0; i < count; i++) *p++ = 26, put32(p, first + i * 64), p += 4;
  header(to, (size_t)(p - to), UPDATE);
  put32(p + HEADER, 0);
  header(p, HEADER + 4, UPDATE);
  return (size_t)(p - to) + HEADER + 4;
}

int split_update(const uint8_t *message, size_t length, struct update *into) {
  const uint8_t *p = message + HEADER, *end = message + length;
  if (end - p < 4) return 0;
  size_t withdrawn = get16(p);
  p += 2;
  if ((size_t)(end - p) < withdrawn + 2) return 0;
  into->withdrawn = p, into->withdrawn_end = p += withdrawn;
  size_t attributes = get16(p);
  p += 2;
  if ((size_t)(end - p) < attributes) return 0;
  into->attributes = p, into->attributes_end = p += attributes;
  into->nlri = p, into->nlri_end = end;
  return 1;
}

uint32_t count_prefixes(const uint8_t *at, const uint8_t *end) {
  uint32_t n = 0;
  while (at < end) {
    if (*at > 32) return UINT32_MAX;
    at += 1 + ((*at + 7) >> 3), n++;
  }
  return at == end ? n : UINT32_MAX;
}

uint32_t asn_at(const uint8_t *p, const uint8_t *end, unsigned index) {
  while (end - p >= 3) {
    int extended = p[0] & 0x10;
    uint8_t type = p[1];
    if (extended && end - p < 4) return 0;
    size_t length = extended ? get16(p + 2) : p[2];
    p += extended ? 4 : 3;
    if ((size_t)(end - p) < length) return 0;
    if (type == 2) return length >= 2u + 4 * (index + 1) && p[0] == 2 && p[1] > index ? get32(p + 2 + 4 * index) : 0;
    p += length;
  }
  return 0;
}
