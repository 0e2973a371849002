/* What is sent, when a measurement began, and what the daemon has spent since. */
#ifndef MEASURE_H
#define MEASURE_H
#include <stddef.h>
#include <stdint.h>

struct file { const uint8_t *octets; size_t length; };
struct file *file_at(long long index);
/* The mark that "ns" counts from. */
extern uint64_t mark_ns;
void mark(uint64_t at);
/* Of all processes of the daemon since the mark, their ended threads included. */
uint64_t daemon_cpu_ns(void);
/* "name":{"n":…,"p50":…,"p99":…,"max":…} of microseconds; sorts them. */
void print_spread(const char *name, uint32_t *micros, uint32_t n);

void pids_command(void);
void file_command(void);
#endif
