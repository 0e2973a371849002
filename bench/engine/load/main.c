/* The load: commands come by standard input, one per line (`word key=value …`), each is answered by one line of JSON. All times
 * are nanoseconds of CLOCK_MONOTONIC, taken here when an octet leaves or comes; "ns" in an answer counts from the mark, which
 * `send`, `close` and `mark` set. load CPU: the processor we keep to. */
#define _GNU_SOURCE
#include "commands.h"
#include "turn.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

int main(int argc, char **argv) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(argc > 1 ? atoi(argv[1]) : 0, &cpus);
  if (argc > 1 && sched_setaffinity(0, sizeof cpus, &cpus) != 0) return perror("sched_setaffinity"), 2;
  struct rlimit files = {65536, 65536};
  setrlimit(RLIMIT_NOFILE, &files);
  if (begin_turns() != 0) return perror("epoll"), 2;
  for (;;) {
    turn(5);
    for (const char *word; (word = next_command()) != NULL; fflush(stdout))
      if (*word != 0) run_command(word);
  }
}
