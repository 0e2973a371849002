#define _GNU_SOURCE
#include "measure.h"
#include "turn.h"
#include "wire.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct file files[256];
static int file_count;
uint64_t mark_ns;
static uint64_t marked_cpu_ns;
static clockid_t clocks[64];
static int clock_count;

struct file *file_at(long long index) { return index >= 0 && index < file_count ? &files[index] : NULL; }

uint64_t daemon_cpu_ns(void) {
  uint64_t total = 0;
  struct timespec t;
  for (int i = 0; i < clock_count; i++)
    if (clock_gettime(clocks[i], &t) == 0) total += (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
  return total - marked_cpu_ns;
}

void mark(uint64_t at) {
  mark_ns = at;
  marked_cpu_ns = 0;
  marked_cpu_ns = daemon_cpu_ns();
}

void pids_command(void) {
  clock_count = 0;
  for (const char *p = text_of("list", ""); *p != 0 && clock_count < 64; p += strcspn(p, ","), p += *p == ',')
    if (clock_getcpuclockid(atoi(p), &clocks[clock_count]) == 0) clock_count++;
  marked_cpu_ns = 0;
  printf("{\"ok\":true,\"clocks\":%d}\n", clock_count);
}

void file_command(void) {
  const char *path = text_of("path", "");
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat about;
  if (fd < 0 || fstat(fd, &about) != 0 || file_count == 256) {
    printf("{\"ok\":false,\"why\":\"%s: %s\"}\n", path, strerror(errno));
    return;
  }
  struct file *f = &files[file_count];
  f->length = (size_t)about.st_size;
  /* Populated now: no page fault falls into a measurement. */
  f->octets = mmap(NULL, f->length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  close(fd);
  uint64_t messages = 0, announced = 0, withdrawn = 0;
  struct update parts;
  for (size_t at = 0; at < f->length; at += get16(f->octets + at + 16), messages++)
    if (split_update(f->octets + at, get16(f->octets + at + 16), &parts)) {
      announced += count_prefixes(parts.nlri, parts.nlri_end);
      withdrawn += count_prefixes(parts.withdrawn, parts.withdrawn_end);
    }
  printf("{\"ok\":true,\"file\":%d,\"messages\":%lu,\"announced\":%lu,\"withdrawn\":%lu,\"octets\":%zu}\n", file_count++, messages,
         announced, withdrawn, f->length);
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}
void print_spread(const char *name, uint32_t *micros, uint32_t n) {
  qsort(micros, n, sizeof *micros, by_value);
  if (n == 0) printf("\"%s\":{\"n\":0,\"p50\":0,\"p99\":0,\"max\":0}", name);
  else
    printf("\"%s\":{\"n\":%u,\"p50\":%u,\"p99\":%u,\"max\":%u}", name, n, micros[(n - 1) / 2],
           micros[(uint32_t)(((uint64_t)n * 99 + 99) / 100) - 1], micros[n - 1]);
}
