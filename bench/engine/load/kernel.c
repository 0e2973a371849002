/* Notifications of routes from another namespace's kernel: a socket made there belongs there for good. */
#define _GNU_SOURCE
#include "watch.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct kernel kernel = {.fd = -1};
static uint8_t room[1 << 20];
enum { RECEIVE_BUFFER = 1 << 30 };

static int netlink_in(const char *netns, uint32_t groups) {
  int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there = open(netns, O_RDONLY | O_CLOEXEC), fd = -1;
  if (home >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct sockaddr_nl at = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int size = RECEIVE_BUFFER;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    if (bind(fd, (void *)&at, sizeof at) != 0) close(fd), fd = -1;
    if (setns(home, CLONE_NEWNET) != 0) _exit(3);
  }
  close(home), close(there);
  return fd;
}

int open_kernel(const char *netns) {
  kernel.fd = netlink_in(netns, RTMGRP_IPV4_ROUTE);
  if (kernel.fd < 0) return errno == 0 ? EINVAL : errno;
  struct epoll_event e = {.events = EPOLLIN, .data.u32 = KERNEL};
  return epoll_ctl(poller, EPOLL_CTL_ADD, kernel.fd, &e) == 0 ? 0 : errno;
}

static int counts(const struct rtmsg *route) {
  return route->rtm_family == AF_INET && route->rtm_type != RTN_LOCAL && route->rtm_type != RTN_BROADCAST &&
         route->rtm_protocol != RTPROT_KERNEL && !(route->rtm_flags & RTM_F_CLONED);
}

void kernel_event(void) {
  for (int i = 0; i < 64; i++) {
    ssize_t n = recv(kernel.fd, room, sizeof room, MSG_DONTWAIT);
    if (n < 0 && errno == ENOBUFS) kernel.lost++;
    if (n <= 0) return;
    uint64_t now = now_ns();
    size_t left = (size_t)n;
    for (struct nlmsghdr *m = (void *)room; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
      if ((m->nlmsg_type != RTM_NEWROUTE && m->nlmsg_type != RTM_DELROUTE) || !counts(NLMSG_DATA(m))) continue;
      if (m->nlmsg_type == RTM_NEWROUTE) kernel.added++, kernel.last_added_ns = now;
      else kernel.deleted++, kernel.last_deleted_ns = now;
    }
  }
}

long count_kernel_routes(const char *netns) {
  int fd = netlink_in(netns, 0);
  if (fd < 0) return -1;
  struct { struct nlmsghdr h; struct rtmsg r; } ask = {
      {sizeof ask, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN}};
  long total = 0;
  if (send(fd, &ask, sizeof ask, 0) < 0) total = -1;
  while (total >= 0) {
    ssize_t n = recv(fd, room, sizeof room, 0);
    if (n <= 0) break;
    size_t left = (size_t)n;
    for (struct nlmsghdr *m = (void *)room; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
      if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR) return close(fd), total;
      total += m->nlmsg_type == RTM_NEWROUTE && counts(NLMSG_DATA(m)) && ((struct rtmsg *)NLMSG_DATA(m))->rtm_table == RT_TABLE_MAIN;
    }
  }
  close(fd);
  return -1;
}
