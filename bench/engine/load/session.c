#define _GNU_SOURCE
#include "session.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct session **sessions;
int (*on_update)(struct session *s, const uint8_t *message, size_t length, uint64_t now);
int session_count, poller, dials_at_once = 1 << 20;
enum { DIAL_PATIENCE_MS = 2000 };
static int capacity, listener = -1;
static uint8_t slab[LARGEST + (1 << 18)];

struct session *add_session(uint32_t local, uint32_t remote, uint16_t port, uint32_t asn, uint32_t hold_sec, int dial,
                            int listens, uint32_t retry_ms) {
  if (session_count == capacity) sessions = realloc(sessions, sizeof *sessions * (size_t)(capacity = capacity * 2 + 64));
  struct session *s = calloc(1, sizeof *s);
  if (sessions == NULL || s == NULL) abort();
  *s = (struct session){.index = session_count, .fd = -1, .local = local, .remote = remote, .port = port, .asn = asn,
                        .hold_sec = hold_sec, .dial = dial, .listen = listens, .retry_ms = retry_ms};
  return sessions[session_count++] = s;
}

static void poll_for(struct session *s, int how, uint32_t events) {
  struct epoll_event e = {.events = events, .data.u32 = (uint32_t)s->index};
  epoll_ctl(poller, how, s->fd, &e);
}

void close_session(struct session *s, const char *why) {
  if (s->fd >= 0) close(s->fd);
  if (s->state == ESTABLISHED) {
    s->times_down++;
    if (why != NULL) fprintf(stderr, "session %d ended: %s\n", s->index, why);
  }
  s->fd = -1, s->state = IDLE, s->rest_length = 0, s->out = NULL, s->out_length = 0, s->waits_for_room = 0;
  s->next_dial_ns = now_ns() + (uint64_t)s->retry_ms * 1000000;
}

/* Small messages: an empty socket has room for them. */
static void send_now(struct session *s, const uint8_t *octets, size_t length) {
  if (send(s->fd, octets, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length) close_session(s, "no room for a small message");
}

static void greet(struct session *s) {
  uint8_t message[128];
  int one = 1;
  setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  s->state = OPEN_SENT;
  send_now(s, message, write_open(message, s->asn, s->hold_sec, s->local));
}

static void write_more(struct session *s) {
  while (s->out_length > 0) {
    ssize_t n = send(s->fd, s->out, s->out_length > (1 << 18) ? 1 << 18 : s->out_length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
      if (errno != EAGAIN) return close_session(s, strerror(errno));
      if (!s->waits_for_room) poll_for(s, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT), s->waits_for_room = 1;
      return;
    }
    s->last_octet_ns = now_ns();
    s->out += n, s->out_length -= (size_t)n;
  }
  if (s->waits_for_room) poll_for(s, EPOLL_CTL_MOD, EPOLLIN), s->waits_for_room = 0;
}

void send_octets(struct session *s, const uint8_t *octets, size_t length) {
  s->out = octets, s->out_length = length;
  s->first_octet_ns = now_ns();
  write_more(s);
}

static void dial(struct session *s) {
  s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s->fd < 0) return close_session(s, strerror(errno));
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(s->local)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr.s_addr = htonl(s->remote)};
  int one = 1;
  setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  if (bind(s->fd, (void *)&from, sizeof from) != 0 ||
      (connect(s->fd, (void *)&to, sizeof to) != 0 && errno != EINPROGRESS))
    return close_session(s, strerror(errno));
  s->state = DIALLING, s->dialled = 1, s->dialled_ns = now_ns();
  poll_for(s, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

int listen_on(uint16_t port) {
  if (listener >= 0) return 0;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  int one = 1;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (void *)&at, sizeof at) != 0 || listen(listener, 4096) != 0) return errno;
  struct epoll_event e = {.events = EPOLLIN, .data.u32 = LISTENER};
  return epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e) == 0 ? 0 : errno;
}

/* Whose address was called? Sessions have one behind the other, so the first guess is right. */
static struct session *called(uint32_t local) {
  for (int i = 0; i < session_count; i++) {
    uint32_t guess = i == 0 ? local - sessions[0]->local : (uint32_t)(i - 1);
    if (guess < (uint32_t)session_count && sessions[guess]->local == local) return sessions[guess];
  }
  return NULL;
}

void accept_all(void) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    struct sockaddr_in at;
    socklen_t size = sizeof at;
    getsockname(fd, (void *)&at, &size);
    struct session *s = called(ntohl(at.sin_addr.s_addr));
    /* Our identifiers are the smaller ones, so of two connections the daemon's stays (RFC 4271 6.8). */
    if (s == NULL || !s->listen || s->state == ESTABLISHED || (s->state != IDLE && !s->dialled)) {
      close(fd);
      continue;
    }
    if (s->state != IDLE) close_session(s, NULL);
    s->fd = fd, s->dialled = 0;
    poll_for(s, EPOLL_CTL_ADD, EPOLLIN);
    greet(s);
  }
}

static void came_up(struct session *s, uint64_t now) {
  uint8_t messages[LARGEST];
  s->state = ESTABLISHED, s->established_ns = now, s->times_up++, s->longest_silence_ns = 0;
  if (s->block_count > 0) send_now(s, messages, write_blocks(messages, s->blocks, s->block_count, s->local));
}

/* 0: the session is over. */
static int take(struct session *s, const uint8_t *message, size_t length, uint64_t now) {
  uint8_t answer[HEADER];
  switch (message[18]) {
    case OPEN:
      if (s->state != OPEN_SENT || length < 29) return 0;
      {
        uint32_t theirs = get16(message + 22), hold = theirs < s->hold_sec ? theirs : s->hold_sec;
        s->interval_sec = hold / 3;
      }
      s->state = OPEN_CONFIRM;
      send_now(s, answer, write_keepalive(answer));
      s->next_keepalive_ns = now + (uint64_t)s->interval_sec * 1000000000;
      return s->state == OPEN_CONFIRM;
    case KEEPALIVE:
      if (s->state == OPEN_CONFIRM) came_up(s, now);
      break;
    case UPDATE:
      if (s->state != ESTABLISHED) return 0;
      return on_update == NULL || on_update(s, message, length, now);
    case NOTIFICATION:
      fprintf(stderr, "session %d: NOTIFICATION %d/%d: %.*s\n", s->index, message[19], message[20], (int)length - 21, message + 21);
      return 0;
  }
  return 1;
}

static void read_more(struct session *s) {
  memcpy(slab, s->rest, s->rest_length);
  ssize_t n = recv(s->fd, slab + s->rest_length, sizeof slab - LARGEST, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return close_session(s, n == 0 ? "closed by the other side" : strerror(errno));
  uint64_t now = now_ns();
  size_t at = 0, have = s->rest_length + (size_t)n;
  s->octets_in += (uint64_t)n;
  while (have - at >= HEADER) {
    size_t length = get16(slab + at + 16);
    if (length < HEADER || length > LARGEST) return close_session(s, "a header that is none");
    if (have - at < length) break;
    if (!take(s, slab + at, length, now)) return close_session(s, "a message that ends it");
    if (s->fd < 0) return;
    at += length;
  }
  if (at > 0 && s->state == ESTABLISHED) {
    if (s->last_heard_ns > s->established_ns && now - s->last_heard_ns > s->longest_silence_ns)
      s->longest_silence_ns = now - s->last_heard_ns;
    s->last_heard_ns = now;
  }
  s->rest_length = (uint32_t)(have - at);
  memcpy(s->rest, slab + at, s->rest_length);
}

void session_event(struct session *s, uint32_t events) {
  if (s->fd < 0) return;
  if (s->state == DIALLING) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return close_session(s, NULL);
    poll_for(s, EPOLL_CTL_MOD, EPOLLIN);
    return greet(s);
  }
  if (events & EPOLLOUT) write_more(s);
  if (s->fd >= 0 && (events & ~(uint32_t)EPOLLOUT)) read_more(s);
}

void session_timers(uint64_t now) {
  uint8_t message[HEADER];
  int dialling = 0;
  for (int i = 0; i < session_count; i++) {
    struct session *s = sessions[i];
    if (s->dialled && (s->state == DIALLING || s->state == OPEN_SENT) && now - s->dialled_ns > (uint64_t)DIAL_PATIENCE_MS * 1000000)
      close_session(s, NULL);
    dialling += s->dialled && s->state > IDLE && s->state < ESTABLISHED;
  }
  for (int i = 0; i < session_count; i++) {
    struct session *s = sessions[i];
    if (s->state == IDLE && s->dial && now >= s->next_dial_ns && dialling < dials_at_once) dial(s), dialling++;
    else if (s->state >= OPEN_CONFIRM && s->interval_sec > 0 && now >= s->next_keepalive_ns && s->out_length == 0) {
      s->next_keepalive_ns = now + (uint64_t)s->interval_sec * 1000000000;
      send_now(s, message, write_keepalive(message));
    }
  }
}
