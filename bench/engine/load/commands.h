#ifndef COMMANDS_H
#define COMMANDS_H
#include "watch.h"

/* Of the command being run. */
const char *text_of(const char *key, const char *otherwise);
long long number(const char *key, long long otherwise);
uint32_t address(const char *key);
/* One round of the poller. */
void turn(int wait_ms);
void run_command(const char *word);

struct file { const uint8_t *octets; size_t length; };
struct file *file_at(long long index);
/* The mark that "ns" counts from. */
extern uint64_t mark_ns;
void mark(uint64_t at);
/* Of all processes of the daemon since the mark, their ended threads included. */
uint64_t daemon_cpu_ns(void);
/* "name":{"n":…,"p50":…,"p99":…,"max":…} of microseconds; sorts them. */
void print_spread(const char *name, uint32_t *micros, uint32_t n);

void await_command(void);
void ping_command(void);
void pace_command(void);
#endif
