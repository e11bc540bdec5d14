/* A bare rv32 under an emulator: start, traps, semihosting. It has no counter that could be trusted. */
#include "port.h"

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_low[];

int main(void);
void begin(void);
void trap(void);
void *memcpy(void *to, const void *from, unsigned long size);
void *memset(void *to, int value, unsigned long size);

__asm__(".option arch, +zicsr\n"
        ".section .vectors,\"ax\"\n"
        ".global reset\n"
        "reset:\n"
        "  la sp, stack_top\n"
        "  la t0, trap\n"
        "  csrw mtvec, t0\n"
        "  j begin\n"
        ".section .text.semihost,\"ax\"\n"
        ".balign 16\n" /* the three must lie in one page */
        ".option push\n.option norvc\n"
        "semihost:\n"
        "  slli x0, x0, 0x1f\n"
        "  ebreak\n"
        "  srai x0, x0, 7\n"
        "  ret\n"
        ".option pop\n"
        ".text\n"
        ".global port_stack_pointer\n"
        "port_stack_pointer:\n"
        "  mv a0, sp\n"
        "  ret\n");

uint32_t semihost(uint32_t operation, const void *argument);

static void leave(uint32_t code) {
  uint32_t block[2];
  block[0] = 0x20026u; /* the application ended */
  block[1] = code;
  (void)semihost(0x20u, block);
  for (;;) {
  }
}

void port_put(const char *text) { (void)semihost(0x04u, text); }

uint32_t port_ticks(void) { return 0u; }

uint32_t *port_stack_low(void) { return stack_low; }

/* The compiler calls these two of its own accord. */
void *memcpy(void *to, const void *from, unsigned long size) {
  volatile uint8_t *t = (volatile uint8_t *)to;
  const uint8_t *f = (const uint8_t *)from;
  unsigned long i;
  for (i = 0u; i < size; i++) {
    t[i] = f[i];
  }
  return to;
}

void *memset(void *to, int value, unsigned long size) {
  volatile uint8_t *t = (volatile uint8_t *)to;
  unsigned long i;
  for (i = 0u; i < size; i++) {
    t[i] = (uint8_t)value;
  }
  return to;
}

__attribute__((aligned(4))) void trap(void) { leave(99u); }

void begin(void) {
  uint32_t i;
  for (i = 0u; (data_start + i) < data_end; i++) {
    data_start[i] = data_load[i];
  }
  for (i = 0u; (bss_start + i) < bss_end; i++) {
    bss_start[i] = 0u;
  }
  leave((uint32_t)main());
}
