/* The test on a PC: standard output, no counter, no view of the stack. */
#include "port.h"

#include <stdio.h>

void port_put(const char *text) { (void)fputs(text, stdout); }

uint32_t port_ticks(void) { return 0u; }

uint32_t *port_stack_low(void) { return (uint32_t *)0; }

const void *port_stack_pointer(void) { return (const void *)0; }
