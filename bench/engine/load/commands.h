/* All that a scenario can ask for; await.c has those that wait. */
#ifndef COMMANDS_H
#define COMMANDS_H
void run_command(const char *word);
#endif
