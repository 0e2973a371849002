/* One turn of the loop: what the sockets have, what the timers ask, and the line of standard input that is the next command. */
#ifndef TURN_H
#define TURN_H
#include <stdint.h>

/* 0, or -1 with errno. */
int begin_turns(void);
/* Waits so long at most. Ends the program when standard input has ended. */
void turn(int wait_ms);
/* Its first word, "" for an empty line; NULL: no line has come whole. */
const char *next_command(void);

/* key=value of the command being run. */
const char *text_of(const char *key, const char *otherwise);
long long number(const char *key, long long otherwise);
uint32_t address(const char *key);
#endif
