/* The least that routes into the kernel can cost: prefixes from standard input (u32 address and u32 length, host order), all read
 * before the clock starts, written by one thread, 1024 a send, errors looked at by nobody; then deleted.
 *   kernel-floor INDEX GATEWAY(hex) sorted|shuffled      prints the seconds of adding and of deleting, and the CPU's */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>

static uint8_t batch[1 << 20];
static size_t used;
static int kernel;

static void attribute(struct nlmsghdr *m, uint16_t type, uint32_t value) {
  struct rtattr *a = (void *)((uint8_t *)m + m->nlmsg_len);
  a->rta_type = type, a->rta_len = RTA_LENGTH(4);
  memcpy(RTA_DATA(a), &value, 4);
  m->nlmsg_len += RTA_SPACE(4);
}
static void flush_batch(void) {
  static uint8_t answers[1 << 16];
  if (used > 0 && send(kernel, batch, used, 0) < 0) perror("send"), exit(1);
  used = 0;
  while (recv(kernel, answers, sizeof answers, MSG_DONTWAIT) > 0) continue;
}
static void route(int add, uint32_t address, uint32_t length, uint32_t gateway, uint32_t index) {
  struct nlmsghdr *m = (void *)(batch + used);
  memset(m, 0, 96);
  m->nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg));
  m->nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE;
  m->nlmsg_flags = NLM_F_REQUEST | (add ? NLM_F_CREATE | NLM_F_EXCL : 0);
  struct rtmsg *r = NLMSG_DATA(m);
  r->rtm_family = AF_INET, r->rtm_dst_len = length, r->rtm_table = RT_TABLE_MAIN, r->rtm_protocol = 186, r->rtm_type = RTN_UNICAST;
  attribute(m, RTA_DST, htonl(address)), attribute(m, RTA_OIF, index), attribute(m, RTA_GATEWAY, htonl(gateway));
  used += m->nlmsg_len;
  if (used > 1024 * 52) flush_batch();
}
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}
static double spent(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}
int main(int argc, char **argv) {
  if (argc != 4) return 2;
  size_t room = 1 << 16, count = 0;
  uint32_t(*routes)[2] = malloc(room * 8), one[2];
  while (fread(one, 8, 1, stdin) == 1) {
    if (count == room) routes = realloc(routes, (room *= 2) * 8);
    memcpy(routes[count++], one, 8);
  }
  srand(7);
  if (!strcmp(argv[3], "shuffled"))
    for (size_t i = count - 1; i > 0; i--) {
      size_t j = (((size_t)rand() << 15) ^ rand()) % (i + 1);
      memcpy(one, routes[i], 8), memcpy(routes[i], routes[j], 8), memcpy(routes[j], one, 8);
    }
  kernel = socket(AF_NETLINK, SOCK_RAW, 0);
  int size = 4 << 20;
  setsockopt(kernel, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
  uint32_t index = atoi(argv[1]), gateway = strtoul(argv[2], 0, 16);
  double at[3], cpu[3];
  at[0] = now(), cpu[0] = spent();
  for (int add = 1; add >= 0; add--) {
    for (size_t i = 0; i < count; i++) route(add, routes[i][0], routes[i][1], gateway, index);
    flush_batch();
    at[2 - add] = now(), cpu[2 - add] = spent();
  }
  printf("%f %f %f %f\n", at[1] - at[0], at[2] - at[1], cpu[1] - cpu[0], cpu[2] - cpu[1]);
}
