/* Opens the tables as firmware would and runs the self-test; exits with 0 if all is well. */
#include <stdio.h>

#include "@NAME@_caps.h"
#include "@NAME@_fallback.h"
#include "@NAME@_selftest.h"
#include "@NAME@_tables.h"

int main(void) {
  kneadlab_ctx_t tables;
  kneadlab_ctx_t fallback;
  uint16_t count = 0u;
  uint16_t failed = 0u;
  uint16_t first = 0u;
  kneadlab_status_t status = kneadlab_open(&tables, @NAME@_tables, @UPPER@_TABLES_SIZE, @NAME@_caps,
                                           @UPPER@_CAPS_SIZE);
  if (status != KNEADLAB_OK) {
    printf("refused: tables, code %u\n", (unsigned)status);
    return 2;
  }
  status = kneadlab_open_fallback(&fallback, @NAME@_fallback, @UPPER@_FALLBACK_SIZE);
  if (status != KNEADLAB_OK) {
    printf("refused: fallback, code %u\n", (unsigned)status);
    return 2;
  }
  status = kneadlab_selftest(&tables, @NAME@_selftest, @UPPER@_SELFTEST_SIZE, &count, &failed,
                             &first);
  printf("vectors %u failed %u\n", (unsigned)count, (unsigned)failed);
  if (failed > 0u) {
    printf("first failed: vector %u\n", (unsigned)first);
  }
  return (status == KNEADLAB_OK) ? 0 : 1;
}
