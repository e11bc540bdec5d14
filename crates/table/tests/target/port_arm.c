/* A bare Cortex-M under an emulator: vectors, semihosting, SysTick. */
#include "port.h"

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_low[];

int main(void);
void reset(void);
void stack_top(void); /* no function: the first vector is the stack's end */
void *memcpy(void *to, const void *from, unsigned int size);
void *memset(void *to, int value, unsigned int size);

#define SYSTICK ((volatile uint32_t *)0xE000E010u)

static void semihost(uint32_t operation, const void *argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void leave(uint32_t code) {
  uint32_t block[2];
  block[0] = 0x20026u; /* the application ended */
  block[1] = code;
  semihost(0x20u, block);
  for (;;) {
  }
}

void port_put(const char *text) { semihost(0x04u, text); }

uint32_t port_ticks(void) { return SYSTICK[2]; }

uint32_t *port_stack_low(void) { return stack_low; }

__asm__(".syntax unified\n.text\n.thumb_func\n.global port_stack_pointer\nport_stack_pointer:\n  mov r0, sp\n  bx lr\n");

/* The compiler calls these two of its own accord. */
void *memcpy(void *to, const void *from, unsigned int size) {
  volatile uint8_t *t = (volatile uint8_t *)to;
  const uint8_t *f = (const uint8_t *)from;
  unsigned int i;
  for (i = 0u; i < size; i++) {
    t[i] = f[i];
  }
  return to;
}

void *memset(void *to, int value, unsigned int size) {
  volatile uint8_t *t = (volatile uint8_t *)to;
  unsigned int i;
  for (i = 0u; i < size; i++) {
    t[i] = (uint8_t)value;
  }
  return to;
}

static void fault(void) { leave(99u); }

void reset(void) {
  uint32_t i;
  for (i = 0u; (data_start + i) < data_end; i++) {
    data_start[i] = data_load[i];
  }
  for (i = 0u; (bss_start + i) < bss_end; i++) {
    bss_start[i] = 0u;
  }
  SYSTICK[1] = PORT_TICKS_MASK;
  SYSTICK[2] = 0u;
  SYSTICK[0] = 5u; /* on, from the processor's clock, without interrupt */
  leave((uint32_t)main());
}

typedef void (*vector_t)(void);
__attribute__((section(".vectors"), used)) static const vector_t vectors[16] = {
    stack_top, reset, fault, fault, fault, fault, fault, fault,
    fault, fault, fault, fault, fault, fault, fault, fault};
