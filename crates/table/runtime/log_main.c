/*
 * Logs a programme for `kneadlab replay`: what went into each call of the runtime and what came out. On
 * your target, print the same lines from your own loop; here the machine obeys at once, on a PC.
 *
 *   kneadlab replay LOG.csv --tables @NAME@.bin
 */
#include <stdio.h>
#include <stdlib.h>

#include "@NAME@_caps.h"
#include "@NAME@_fallback.h"
#include "@NAME@_tables.h"

static void log_start(const char *what, uint8_t body, uint32_t conditions, int16_t depth) {
  printf("# start %s body=%u conditions=%lu depth=%d\n", what, (unsigned)body,
         (unsigned long)conditions, (int)depth);
}

static void log_row(const kneadlab_inputs_t *in, const kneadlab_cmd_t *out, kneadlab_status_t status) {
  printf("%u,%u,%d,%u,%d,%u,", (unsigned)in->ticks, (unsigned)in->station, (int)in->depth,
         (unsigned)in->cycles, (int)in->trim, (unsigned)in->stop);
  printf("%u,%d,%u,%u,%u,%u,%u,%u,%u,%u,%u\n", (unsigned)out->station, (int)out->depth,
         (unsigned)out->speed, (unsigned)out->park, (unsigned)out->step, (unsigned)out->technique,
         (unsigned)out->knead, (unsigned)out->press, (unsigned)out->phase, (unsigned)out->flags, (unsigned)status);
}

static void log_counts(const kneadlab_counts_t *c) {
  printf("# counts station_clamped=%u class_unknown=%u level_clamped=%u", (unsigned)c->station_clamped,
         (unsigned)c->class_unknown, (unsigned)c->level_clamped);
  printf(" cap_applied=%u dwell_limited=%u refused=%u\n", (unsigned)c->cap_applied,
         (unsigned)c->dwell_limited, (unsigned)c->refused);
}

/* 28 station units a tick, and a turn of the kneading shaft in 100. */
static void obey(kneadlab_inputs_t *in, const kneadlab_cmd_t *cmd, uint16_t *turn_ticks) {
  const int32_t way = (int32_t)cmd->station - (int32_t)in->station;
  if (way > 28) {
    in->station = (uint16_t)(in->station + 28u);
  } else if (way < -28) {
    in->station = (uint16_t)(in->station - 28u);
  } else {
    in->station = cmd->station;
  }
  in->depth = cmd->depth;
  *turn_ticks = (cmd->knead != 0u) ? (uint16_t)(*turn_ticks + 1u) : 0u;
  if (*turn_ticks >= 100u) {
    *turn_ticks = 0u;
    in->cycles++;
  }
}

static kneadlab_status_t run(kneadlab_ctx_t *ctx, kneadlab_prog_t *prog, kneadlab_inputs_t *in,
                             uint16_t *turn_ticks) {
  kneadlab_cmd_t cmd;
  kneadlab_status_t status;
  do {
    status = kneadlab_prog_step(ctx, prog, in, &cmd);
    log_row(in, &cmd, status);
    obey(in, &cmd, turn_ticks);
  } while ((status == KNEADLAB_OK) && (cmd.phase != KNEADLAB_P_DONE));
  log_counts(&ctx->counts);
  return status;
}

/* log_main [BODY]: number of the body class; by default an unknown one. */
int main(int argc, char **argv) {
  kneadlab_ctx_t tables;
  kneadlab_ctx_t fallback;
  kneadlab_prog_t prog;
  kneadlab_inputs_t in = {1u, 0u, 0, 0u, 0, 0u};
  uint16_t turn_ticks = 0u;
  unsigned long body = KNEADLAB_CLASS_UNKNOWN;
  if (argc > 1) {
    char *end;
    body = strtoul(argv[1], &end, 10);
    if ((end == argv[1]) || (*end != '\0') || (body > KNEADLAB_CLASS_UNKNOWN)) {
      return 2;
    }
  }
  if (kneadlab_open(&tables, @NAME@_tables, @UPPER@_TABLES_SIZE, @NAME@_caps, @UPPER@_CAPS_SIZE) !=
      KNEADLAB_OK) {
    return 2;
  }
  if (kneadlab_open_fallback(&fallback, @NAME@_fallback, @UPPER@_FALLBACK_SIZE) != KNEADLAB_OK) {
    return 2;
  }
  log_start("programme", (uint8_t)body, @REQUIRES@u, in.depth);
  printf("ticks,station,depth,cycles,trim,stop,");
  printf("out_station,out_depth,out_speed,out_park,step,technique,knead,press,phase,flags,code\n");
  (void)kneadlab_prog_start(&tables, &prog, (uint8_t)body, @REQUIRES@u, in.depth);
  if (run(&tables, &prog, &in, &turn_ticks) != KNEADLAB_OK) {
    log_start("fallback", KNEADLAB_CLASS_UNKNOWN, 0u, in.depth);
    (void)kneadlab_prog_start(&fallback, &prog, KNEADLAB_CLASS_UNKNOWN, 0u, in.depth);
    (void)run(&fallback, &prog, &in, &turn_ticks);
  }
  return 0;
}
