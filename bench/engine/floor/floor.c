/* What the bench itself costs, in the place of a daemon: the least that a scenario asks for and nothing of BGP but the hello.
 *   floor relay   ADDRESS SOURCE FILE   octets of SOURCE go to all others as they are; when it closes, FILE goes to them
 *   floor install ADDRESS SOURCE        routes of SOURCE go into the kernel, withdrawn ones out of it
 * Hold time 0: no timers. */
#define _GNU_SOURCE
#include "wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 2048, ROOM = 1 << 18 };
static struct peer {
  int fd, source, up;
  uint8_t rest[ROOM + LARGEST];
  size_t have;
  const uint8_t *out;
  size_t left;
} *peers[MOST], *the_source;
static int peer_count, poller, installs, kernel = -1;
static int waiting; /* peers without room: the source is not read meanwhile */
static uint32_t source_address;
static const uint8_t *on_close;
static size_t on_close_length;

static void die(const char *what) { perror(what), exit(1); }

/* --- to the kernel: many requests in one send, errors are looked at by nobody */
static uint8_t batch[1 << 16];
static size_t batch_length;
static uint32_t requests;

static void flush_batch(void) {
  if (batch_length > 0 && send(kernel, batch, batch_length, 0) < 0) die("netlink");
  batch_length = 0;
  while (recv(kernel, batch, sizeof batch, MSG_DONTWAIT) > 0) continue;
}
static void attribute(struct nlmsghdr *m, uint16_t type, uint32_t value) {
  struct rtattr *a = (void *)((uint8_t *)m + m->nlmsg_len);
  a->rta_type = type, a->rta_len = RTA_LENGTH(4);
  memcpy(RTA_DATA(a), &value, 4);
  m->nlmsg_len += RTA_SPACE(4);
}
static void route(int add, uint32_t address, uint8_t length, uint32_t gateway) {
  if (batch_length > sizeof batch - 128) flush_batch();
  struct nlmsghdr *m = (void *)(batch + batch_length);
  memset(m, 0, 128);
  m->nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)), m->nlmsg_seq = ++requests;
  m->nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE, m->nlmsg_flags = NLM_F_REQUEST | (add ? NLM_F_CREATE | NLM_F_EXCL : 0);
  struct rtmsg *r = NLMSG_DATA(m);
  *r = (struct rtmsg){.rtm_family = AF_INET, .rtm_dst_len = length, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BGP,
                      .rtm_type = RTN_UNICAST};
  attribute(m, RTA_DST, htonl(address));
  if (add) attribute(m, RTA_GATEWAY, gateway);
  batch_length += NLMSG_ALIGN(m->nlmsg_len);
}
static void install(const uint8_t *message, size_t length) {
  struct update parts;
  uint32_t address;
  uint8_t bits;
  if (message[18] != UPDATE || !split_update(message, length, &parts)) return;
  for (const uint8_t *p = parts.withdrawn; next_prefix(&p, parts.withdrawn_end, &address, &bits);) route(0, address, bits, 0);
  for (const uint8_t *p = parts.nlri; next_prefix(&p, parts.nlri_end, &address, &bits);) route(1, address, bits, htonl(source_address));
}

/* --- to the others */
static void poll_for(struct peer *p, int how, uint32_t events) {
  struct epoll_event e = {.events = events, .data.ptr = p};
  epoll_ctl(poller, how, p->fd, &e);
}
static void write_more(struct peer *p) {
  while (p->left > 0) {
    ssize_t n = send(p->fd, p->out, p->left, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) return;
    p->out += n, p->left -= (size_t)n;
  }
}
static void give(const uint8_t *octets, size_t length) {
  for (int i = 0; i < peer_count; i++) {
    struct peer *p = peers[i];
    if (p->source || !p->up || p->fd < 0) continue;
    p->out = octets, p->left = length;
    write_more(p);
    if (p->left > 0) waiting++, poll_for(p, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
  }
  if (waiting > 0 && the_source != NULL) poll_for(the_source, EPOLL_CTL_MOD, 0);
}

static void gone(struct peer *p) {
  close(p->fd), p->fd = -1;
  if (p->left > 0) p->left = 0, waiting--;
  if (!p->source) return;
  the_source = NULL;
  if (on_close != NULL) give(on_close, on_close_length);
}

/* The hello; answers where what follows it begins. */
static size_t greet(struct peer *p) {
  size_t at = 0;
  uint8_t answer[256];
  while (!p->up && p->have - at >= HEADER && p->have - at >= get16(p->rest + at + 16)) {
    uint8_t type = p->rest[at + 18];
    at += get16(p->rest + at + 16);
    if (type == OPEN) {
      size_t n = write_open(answer, 64512, 0, 0x0afffffe);
      n += write_keepalive(answer + n);
      if (send(p->fd, answer, n, MSG_NOSIGNAL) < 0) return 0;
    } else if (type == KEEPALIVE) p->up = 1;
  }
  return at;
}

static void read_more(struct peer *p) {
  ssize_t n = recv(p->fd, p->rest + p->have, ROOM, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return gone(p);
  p->have += (size_t)n;
  size_t at = p->up ? 0 : greet(p);
  if (p->up && !p->source) at = p->have;
  else if (p->up && installs) {
    while (p->have - at >= HEADER && p->have - at >= get16(p->rest + at + 16)) {
      size_t length = get16(p->rest + at + 16);
      install(p->rest + at, length), at += length;
    }
    flush_batch();
  } else if (p->up && p->have > at) {
    give(p->rest + at, p->have - at);
    at = p->have;
  }
  p->have -= at;
  memmove(p->rest, p->rest + at, p->have);
}

static void greet_new(int listener) {
  struct sockaddr_in who;
  socklen_t size = sizeof who;
  int fd = accept4(listener, (void *)&who, &size, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
  if (fd < 0) return;
  if (peer_count == MOST) die("too many peers");
  struct peer *p = peers[peer_count++] = calloc(1, sizeof *p);
  if (p == NULL) die("calloc");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  p->fd = fd, p->source = ntohl(who.sin_addr.s_addr) == source_address;
  if (p->source) the_source = p;
  poll_for(p, EPOLL_CTL_ADD, EPOLLIN);
}

static void peer_event(struct peer *p, uint32_t events) {
  if (events & EPOLLOUT && p->left > 0) {
    write_more(p);
    if (p->left == 0) {
      poll_for(p, EPOLL_CTL_MOD, EPOLLIN);
      if (--waiting == 0 && the_source != NULL) poll_for(the_source, EPOLL_CTL_MOD, EPOLLIN);
    }
  }
  /* What the source said last may still lie in its buffer. */
  if (events & ~(uint32_t)EPOLLOUT && !(p->source && waiting > 0)) read_more(p);
}

int main(int argc, char **argv) {
  struct in_addr own, source;
  if (argc < 4 || !inet_aton(argv[2], &own) || !inet_aton(argv[3], &source))
    return fprintf(stderr, "floor relay|install ADDRESS SOURCE [FILE]\n"), 2;
  installs = strcmp(argv[1], "install") == 0, source_address = ntohl(source.s_addr);
  if (argc > 4) {
    struct stat about;
    int fd = open(argv[4], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0) die(argv[4]);
    on_close_length = (size_t)about.st_size;
    on_close = mmap(NULL, on_close_length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  }
  int large = 1 << 22, one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  setsockopt(kernel, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(179), .sin_addr = own};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (void *)&at, sizeof at) != 0 || listen(listener, 4096) != 0) die("listen");
  poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, events[64];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
  for (;;) {
    int n = epoll_wait(poller, events, 64, -1);
    for (int i = 0; i < n; i++) {
      struct peer *p = events[i].data.ptr;
      if (p == NULL) greet_new(listener);
      else if (p->fd >= 0) peer_event(p, events[i].events);
    }
  }
}
