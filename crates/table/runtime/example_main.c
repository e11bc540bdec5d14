/*
 * How a main loop calls the tables. The four functions named board_... are yours; here they are
 * a machine that obeys at once, so that the example runs on a PC and prints what it commands.
 */
#include <stdio.h>

#include "@NAME@_caps.h"
#include "@NAME@_fallback.h"
#include "@NAME@_selftest.h"
#include "@NAME@_tables.h"

typedef struct {
  uint16_t station;
  int32_t slide; /* where the nodes are, 1/8 of 0.01 mm from touch */
  uint16_t cycles;
  uint16_t cycle_ticks;
} board_t;

static void board_read(const board_t *b, kneadlab_inputs_t *in) {
  in->ticks = 1u;
  in->station = b->station;
  in->depth = (int16_t)(b->slide / 8);
  in->cycles = b->cycles;
  in->trim = 0;
  in->stop = 0u;
}

static void board_drive(board_t *b, const kneadlab_cmd_t *cmd) {
  const uint16_t stride = 28u; /* about 30 mm/s on a back of half a metre */
  const int32_t goal = (int32_t)cmd->depth * 8;
  if (b->station + stride < cmd->station) {
    b->station = (uint16_t)(b->station + stride);
  } else if (b->station > cmd->station + stride) {
    b->station = (uint16_t)(b->station - stride);
  } else {
    b->station = cmd->station;
  }
  /* A unit of press is 0.125 mm/s: 1/8 of 0.01 mm a tick. 0: as fast as it can. */
  if ((cmd->press != 0u) && (goal > b->slide + (int32_t)cmd->press)) {
    b->slide += (int32_t)cmd->press;
  } else {
    b->slide = goal;
  }
  b->cycle_ticks = (cmd->knead != 0u) ? (uint16_t)(b->cycle_ticks + 1u) : 0u;
  if (b->cycle_ticks >= 100u) {
    b->cycle_ticks = 0u;
    b->cycles++;
  }
}

static uint32_t board_conditions(void) { return @REQUIRES@u; }

static void board_scan(uint16_t *stature_mm, uint16_t *bmi_x100) {
  *stature_mm = 1700u;
  *bmi_x100 = 2300u;
}

/* Runs one programme to its end; returns the fault. */
static kneadlab_status_t run(kneadlab_ctx_t *ctx, kneadlab_prog_t *prog, board_t *board) {
  kneadlab_inputs_t in;
  kneadlab_cmd_t cmd;
  kneadlab_status_t status;
  uint16_t last_step = 65535u;
  uint32_t tick;
  for (tick = 0u; tick < 10000000u; tick++) { /* your 10 ms timer */
    board_read(board, &in);
    status = kneadlab_prog_step(ctx, prog, &in, &cmd);
    board_drive(board, &cmd);
    if ((status != KNEADLAB_OK) || (cmd.phase == KNEADLAB_P_DONE)) {
      printf("tick %lu: phase %u, code %u\n", (unsigned long)tick, (unsigned)cmd.phase,
             (unsigned)status);
      return status;
    }
    if ((cmd.phase == KNEADLAB_P_WORK) && (cmd.step != last_step)) {
      last_step = cmd.step;
      printf("tick %lu: step %u, station %u, depth %d x 0.01 mm, press %u x 0.125 mm/s\n",
             (unsigned long)tick, (unsigned)cmd.step, (unsigned)cmd.station, (int)cmd.depth,
             (unsigned)cmd.press);
    }
  }
  return KNEADLAB_E_TIMEOUT;
}

int main(void) {
  kneadlab_ctx_t ctx; /* of the tables or of the fallback: never of both at a time */
  kneadlab_prog_t prog;
  board_t board = {0u, 0, 0u, 0u}; /* at touch; a real one starts where its encoder says */
  kneadlab_status_t status;
  uint16_t stature_mm;
  uint16_t bmi_x100;

  if (kneadlab_open_fallback(&ctx, @NAME@_fallback, @UPPER@_FALLBACK_SIZE) != KNEADLAB_OK) {
    return 2; /* motors off: nothing is left to trust */
  }
  status = kneadlab_open(&ctx, @NAME@_tables, @UPPER@_TABLES_SIZE, @NAME@_caps,
                         @UPPER@_CAPS_SIZE);
  if (status == KNEADLAB_OK) {
    status = kneadlab_selftest(&ctx, @NAME@_selftest, @UPPER@_SELFTEST_SIZE, 0, 0, 0);
  }
  if (status == KNEADLAB_OK) {
    board_scan(&stature_mm, &bmi_x100);
    status = kneadlab_prog_start(&ctx, &prog, kneadlab_class(&ctx, stature_mm, bmi_x100),
                                 board_conditions(), (int16_t)(board.slide / 8));
  }
  if (status == KNEADLAB_OK) {
    status = run(&ctx, &prog, &board);
  }
  if (status != KNEADLAB_OK) {
    printf("code %u: fallback\n", (unsigned)status);
    if (kneadlab_open_fallback(&ctx, @NAME@_fallback, @UPPER@_FALLBACK_SIZE) != KNEADLAB_OK) {
      return 2; /* motors off */
    }
    (void)kneadlab_prog_start(&ctx, &prog, KNEADLAB_CLASS_UNKNOWN, 0u, (int16_t)(board.slide / 8));
    (void)run(&ctx, &prog, &board);
  }
  return (status == KNEADLAB_OK) ? 0 : 1;
}
