#ifndef AWAIT_H
#define AWAIT_H
void await_command(void);
void ping_command(void);
void pace_command(void);
#endif
