#include "watch.h"
#include <stdlib.h>
#include <string.h>

struct via via;
struct lateness lateness = {.session = -1};

static uint64_t key_of(uint32_t address, uint8_t length) { return ((uint64_t)address << 8 | length) + 1; }
static uint32_t hash_of(uint64_t key) { return (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 32); }

static uint32_t slot_of(const struct universe *u, uint64_t key) {
  uint32_t at = hash_of(key) & u->mask;
  while (u->slots[at] != 0 && u->slots[at] != key) at = (at + 1) & u->mask;
  return at;
}

void fill_universe(struct universe *u, const uint8_t *octets, size_t length) {
  struct update parts;
  uint32_t total = 0, size = 1024, address;
  uint8_t bits;
  for (size_t at = 0; at < length; at += get16(octets + at + 16))
    if (octets[at + 18] == UPDATE && split_update(octets + at, get16(octets + at + 16), &parts))
      total += count_prefixes(parts.nlri, parts.nlri_end);
  while (size < total * 2) size *= 2;
  free(u->slots), free(u->numbers);
  *u = (struct universe){.slots = calloc(size, sizeof *u->slots), .numbers = malloc(size * sizeof *u->numbers), .mask = size - 1};
  if (u->slots == NULL || u->numbers == NULL) abort();
  for (size_t at = 0; at < length; at += get16(octets + at + 16))
    if (octets[at + 18] == UPDATE && split_update(octets + at, get16(octets + at + 16), &parts))
      for (const uint8_t *p = parts.nlri; next_prefix(&p, parts.nlri_end, &address, &bits);) {
        uint32_t slot = slot_of(u, key_of(address, bits));
        if (u->slots[slot] == 0) u->slots[slot] = key_of(address, bits), u->numbers[slot] = u->count++;
      }
}

uint32_t number_of(const struct universe *u, uint32_t address, uint8_t length) {
  uint32_t slot = slot_of(u, key_of(address, length));
  return u->slots[slot] == 0 ? UINT32_MAX : u->numbers[slot];
}

void track_vias(const uint8_t *octets, size_t length, uint32_t base, uint32_t place, uint32_t session_total) {
  fill_universe(&via.prefixes, octets, length);
  free(via.now), free(via.counts), free(via.since);
  via.base = base, via.place = place, via.sessions = session_total;
  via.now = calloc(session_total, via.prefixes.count);
  via.counts = calloc((size_t)session_total * 256, sizeof *via.counts);
  via.since = calloc(session_total, sizeof *via.since);
  if (via.now == NULL || via.counts == NULL || via.since == NULL) abort();
  for (uint32_t i = 0; i < session_total; i++) via.counts[(size_t)i * 256] = via.prefixes.count;
}

static void set_vias(uint32_t session, const uint8_t *p, const uint8_t *end, uint8_t to, uint64_t now) {
  uint8_t *mine = via.now + (size_t)session * via.prefixes.count, bits;
  uint32_t *counts = via.counts + (size_t)session * 256, address;
  while (next_prefix(&p, end, &address, &bits)) {
    uint32_t number = number_of(&via.prefixes, address, bits);
    if (number == UINT32_MAX || mine[number] == to) continue;
    counts[mine[number]]--, counts[to]++;
    mine[number] = to;
    via.since[session] = now;
  }
}

void track_lateness(const uint8_t *octets, size_t length, int session, uint32_t room) {
  fill_universe(&lateness.prefixes, octets, length);
  free(lateness.sent_ns), free(lateness.micros);
  lateness.sent_ns = calloc(lateness.prefixes.count, sizeof *lateness.sent_ns);
  lateness.micros = malloc(room * sizeof *lateness.micros);
  if (lateness.sent_ns == NULL || lateness.micros == NULL) abort();
  lateness.session = session, lateness.seen = 0, lateness.room = room;
}

static uint32_t each_sent(const uint8_t *p, const uint8_t *end, uint64_t now) {
  uint32_t n = 0, address;
  for (uint8_t bits; next_prefix(&p, end, &address, &bits); n++) {
    uint32_t number = number_of(&lateness.prefixes, address, bits);
    if (number != UINT32_MAX) lateness.sent_ns[number] = now;
  }
  return n;
}
uint32_t note_sent(const uint8_t *message, size_t length, uint64_t now) {
  struct update parts;
  if (!split_update(message, length, &parts)) return 0;
  return each_sent(parts.withdrawn, parts.withdrawn_end, now) + each_sent(parts.nlri, parts.nlri_end, now);
}

static void each_seen(const uint8_t *p, const uint8_t *end, uint64_t now) {
  uint32_t address;
  for (uint8_t bits; next_prefix(&p, end, &address, &bits);) {
    uint32_t number = number_of(&lateness.prefixes, address, bits);
    if (number == UINT32_MAX || lateness.sent_ns[number] == 0) continue;
    if (lateness.seen < lateness.room) lateness.micros[lateness.seen++] = (uint32_t)((now - lateness.sent_ns[number]) / 1000);
    lateness.sent_ns[number] = 0;
  }
}

int see_update(struct session *s, const uint8_t *message, size_t length, uint64_t now) {
  struct update parts;
  if (!split_update(message, length, &parts)) return 0;
  uint32_t announced = count_prefixes(parts.nlri, parts.nlri_end);
  uint32_t withdrawn = count_prefixes(parts.withdrawn, parts.withdrawn_end);
  if (announced == UINT32_MAX || withdrawn == UINT32_MAX) return 0;
  s->announced += announced, s->withdrawn += withdrawn;
  if (announced > 0) s->last_route_ns = now;
  if (withdrawn > 0) s->last_withdrawal_ns = now;
  if (via.now != NULL && (uint32_t)s->index < via.sessions) {
    set_vias((uint32_t)s->index, parts.withdrawn, parts.withdrawn_end, 0, now);
    if (announced > 0) {
      uint32_t index = asn_at(parts.attributes, parts.attributes_end, via.place) - via.base + 1;
      set_vias((uint32_t)s->index, parts.nlri, parts.nlri_end, index < 256 ? (uint8_t)index : 255, now);
    }
  }
  if (lateness.session == s->index) {
    each_seen(parts.withdrawn, parts.withdrawn_end, now);
    each_seen(parts.nlri, parts.nlri_end, now);
  }
  return 1;
}

void reset_counts(void) {
  for (int i = 0; i < session_count; i++) {
    struct session *s = sessions[i];
    s->announced = s->withdrawn = s->octets_in = s->last_route_ns = s->last_withdrawal_ns = 0;
    s->first_octet_ns = s->last_octet_ns = 0;
  }
  kernel.added = kernel.deleted = kernel.last_added_ns = kernel.last_deleted_ns = kernel.lost = 0;
}
