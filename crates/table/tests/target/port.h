/* What the closed-loop test needs from where it runs. */
#ifndef PORT_H
#define PORT_H

#include <stdint.h>

void port_put(const char *text);

/* Counts down from PORT_TICKS_MASK; stands still where there is no counter. */
uint32_t port_ticks(void);
#define PORT_TICKS_MASK 0x00FFFFFFu

/* The stack below the caller, which `stack_low` ends; null on a PC. */
uint32_t *port_stack_low(void);

/* The caller's stack pointer; null on a PC. */
const void *port_stack_pointer(void);

#endif
