/*
 * The closed loop: refusals, self test, lookups and whole programmes, printed as hexadecimal words.
 * The same file runs on a PC and on emulated processors; the Rust mirror says what it must print.
 * Lines that begin with # are measurements and hang on the processor.
 */
#include "port.h"

#include "demo_caps.h"
#include "demo_channels.h"
#include "demo_fallback.h"
#include "demo_selftest.h"
#include "demo_tables.h"
#include "kneadlab_channel.h"

#ifndef LOOKUPS
#define LOOKUPS 4000u
#endif
#ifndef CONDITIONS
#define CONDITIONS 4u
#endif
#ifndef SESSIONS
#define SESSIONS 4u
#endif

static kneadlab_ctx_t tables;
static kneadlab_ctx_t fallback;
static kneadlab_prog_t prog;

/* ---- printing ---- */

static char line[96];
static uint32_t length;

static void word(uint32_t value) {
  static const char digits[] = "0123456789abcdef";
  uint32_t shift;
  for (shift = 16u; shift > 0u; shift -= 4u) {
    line[length] = digits[(value >> (shift - 4u)) & 15u];
    length++;
  }
  line[length] = ' ';
  length++;
}

static void end_line(void) {
  line[length - 1u] = '\n';
  line[length] = '\0';
  port_put(line);
  length = 0u;
}

static void text(const char *t) {
  for (; *t != '\0'; t++) {
    line[length] = *t;
    length++;
  }
}

static void measured(const char *what, const char *of, uint32_t value) {
  text("# ");
  text(what);
  text(" ");
  text(of);
  text(" ");
  word(value >> 16);
  length--;
  word(value);
  end_line();
}

/* ---- chance: xorshift32, the same in the mirror ---- */

static uint32_t state;

static uint32_t below(uint32_t n) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % n;
}

/* ---- instructions ---- */

typedef struct {
  uint32_t calls;
  uint32_t sum;
  uint32_t most;
} cost_t;

static cost_t depth_cost;
static cost_t cap_cost;
static cost_t step_cost;

static void add_cost(cost_t *cost, uint32_t before, uint32_t after) {
  const uint32_t ticks = (before - after) & PORT_TICKS_MASK;
  cost->calls++;
  cost->sum += ticks;
  cost->most = (ticks > cost->most) ? ticks : cost->most;
}

static void print_cost(const char *what, const cost_t *cost) {
  measured(what, "calls", cost->calls);
  measured(what, "sum", cost->sum);
  measured(what, "most", cost->most);
}

/* ---- stack: how far down a pattern was overwritten ---- */

#define PATTERN 0xA5C3F01Eu

static __attribute__((noinline)) void paint(void) {
  uint32_t *p = port_stack_low();
  uint32_t *const here = (uint32_t *)__builtin_frame_address(0) - 4;
  for (; (p != (uint32_t *)0) && (p < here); p++) {
    *p = PATTERN;
  }
}

/* Bytes below `top`, where the stack ended when what is measured was called. */
static __attribute__((noinline)) uint32_t stack_used(const void *top) {
  uint32_t *p = port_stack_low();
  if (p == (uint32_t *)0) {
    return 0u;
  }
  while (*p == PATTERN) {
    p++;
  }
  return (uint32_t)((const uint8_t *)top - (const uint8_t *)p);
}

/* ---- the loop ---- */

static void refusals(void) {
  word(kneadlab_open(&tables, demo_tables, DEMO_TABLES_SIZE, demo_tables, DEMO_TABLES_SIZE));
  word(kneadlab_open(&tables, demo_tables, DEMO_TABLES_SIZE - 8u, demo_caps, DEMO_CAPS_SIZE));
  word(kneadlab_open(&tables, demo_tables + 1, DEMO_TABLES_SIZE - 1u, demo_caps, DEMO_CAPS_SIZE));
  word(kneadlab_open(&tables, demo_tables, 63u, demo_caps, DEMO_CAPS_SIZE));
  word(kneadlab_open(&tables, demo_tables, DEMO_TABLES_SIZE, 0, 0u));
  word(tables.counts.refused);
  end_line();
}

static void selftest(void) {
  uint16_t count = 0u;
  uint16_t failed = 0u;
  word(kneadlab_open_fallback(&fallback, demo_fallback, DEMO_FALLBACK_SIZE));
  word(kneadlab_open(&tables, demo_tables, DEMO_TABLES_SIZE, demo_caps, DEMO_CAPS_SIZE));
  word(kneadlab_selftest(&tables, demo_selftest, DEMO_SELFTEST_SIZE, &count, &failed, 0));
  word(count);
  word(failed);
  end_line();
}

static void lookup(uint32_t i) {
  const uint8_t technique = (uint8_t)below(4u);
  const uint8_t body = (uint8_t)below(((i % 9u) == 0u) ? 256u : 10u);
  const uint16_t station = (uint16_t)below(((i % 3u) == 0u) ? 65536u : 47106u);
  const uint8_t level = (uint8_t)below(8u);
  kneadlab_depth_t d;
  kneadlab_cap_t cap;
  uint32_t at = port_ticks();
  uint32_t after;
  const kneadlab_status_t status = kneadlab_depth(&tables, technique, body, station, level, &d);
  after = port_ticks();
  add_cost(&depth_cost, at, after);
  at = port_ticks();
  (void)kneadlab_cap(&tables, body, station, &cap);
  after = port_ticks();
  add_cost(&cap_cost, at, after);
  word(status);
  word((uint16_t)d.depth);
  word(d.force);
  word(d.current);
  word(d.flags);
  word((uint16_t)cap.depth);
  word(cap.force);
  word(cap.dwell);
  word(cap.tap);
  word(cap.flags);
  word(kneadlab_station(&tables, (int16_t)((int32_t)station - 32768)));
  word(kneadlab_class(&tables, (uint16_t)(station / 16u), (uint16_t)(station / 6u)));
  end_line();
}

static void lookups(void) {
  uint32_t i;
  state = 1u;
  for (i = 0u; i < LOOKUPS; i++) {
    lookup(i);
  }
  word(tables.counts.station_clamped);
  word(tables.counts.class_unknown);
  word(tables.counts.level_clamped);
  word(tables.counts.cap_applied);
  end_line();
}

/* A machine that follows with some noise. */
static void follow(kneadlab_inputs_t *in, const kneadlab_cmd_t *out, uint32_t seed) {
  const uint16_t stride = (uint16_t)below(60u);
  const uint16_t away = (uint16_t)((out->station > in->station) ? (out->station - in->station)
                                                                : (in->station - out->station));
  const uint16_t move = (stride < away) ? stride : away;
  in->station =
      (uint16_t)((out->station > in->station) ? (in->station + move) : (in->station - move));
  in->ticks = (uint16_t)(1u + below(3u));
  in->depth = (int16_t)(out->depth + (int32_t)below(40u) - 20);
  in->cycles = (uint16_t)(in->cycles + (((out->knead != 0u) && (below(200u) == 0u)) ? 1u : 0u));
  if (below(100u) == 0u) {
    in->trim = (int8_t)((int32_t)below(9u) - 4);
  }
  in->stop = (((seed % 4u) == 1u) && (below(3000u) == 0u)) ? 1u : 0u;
  if (((seed % 4u) == 2u) && (below(900u) == 0u)) {
    in->ticks = 500u;
  }
}

static void print_command(kneadlab_status_t status, const kneadlab_cmd_t *out) {
  word(status);
  word(out->station);
  word((uint16_t)out->depth);
  word(out->speed);
  word(out->park);
  word(out->step);
  word(out->technique);
  word(out->knead);
  word(out->press);
  word(out->phase);
  word(out->flags);
  end_line();
}

static void session(uint32_t seed) {
  kneadlab_ctx_t *now = &tables;
  kneadlab_inputs_t in = {1u, 0u, 0, 0u, 0, 0u};
  kneadlab_cmd_t out;
  uint32_t after = 0u;
  state = seed;
  word(kneadlab_prog_start(now, &prog, (uint8_t)((seed == 3u) ? 255u : seed), CONDITIONS, 0));
  end_line();
  while (after < 50u) {
    const uint32_t before = port_ticks();
    const kneadlab_status_t status = kneadlab_prog_step(now, &prog, &in, &out);
    const uint32_t done = port_ticks();
    add_cost(&step_cost, before, done);
    print_command(status, &out);
    if ((status != KNEADLAB_OK) && (now == &tables)) {
      now = &fallback;
      (void)kneadlab_prog_start(now, &prog, KNEADLAB_CLASS_UNKNOWN, 0u, in.depth);
    }
    after += (out.phase == KNEADLAB_P_DONE) ? 1u : 0u;
    follow(&in, &out, seed);
  }
}

/* Every 3rd to 9th tick of each channel, to its end; and an axis that is not there. */
static cost_t channel_cost;

static void channels(void) {
  uint8_t axis;
  state = 9u;
  for (axis = 0u; axis < 3u; axis++) {
    kneadlab_channel_t channel;
    kneadlab_cursor_t at = {0u, 0u};
    uint32_t left = 2200u;
    word(kneadlab_channel_open(&channel, demo_channels, DEMO_CHANNELS_SIZE, axis));
    end_line();
    for (; (channel.count > 0u) && (left > 0u); left--) {
      int16_t position = 0;
      const uint32_t before = port_ticks();
      const kneadlab_status_t status =
          kneadlab_channel_step(&channel, &at, (uint16_t)(3u + below(7u)), &position);
      const uint32_t after = port_ticks();
      add_cost(&channel_cost, before, after);
      word(status);
      word((uint16_t)position);
      word(at.knot);
      word(at.ticks);
      end_line();
    }
  }
}

static void channel_stack(void) {
  kneadlab_channel_t channel;
  kneadlab_cursor_t at = {0u, 0u};
  int16_t position = 0;
  uint32_t i;
  paint();
  (void)kneadlab_channel_open(&channel, demo_channels, DEMO_CHANNELS_SIZE, 0u);
  measured("stack", "channel_open", stack_used(port_stack_pointer()));
  paint();
  for (i = 0u; i < 300u; i++) {
    (void)kneadlab_channel_step(&channel, &at, 7u, &position);
  }
  measured("stack", "channel_step", stack_used(port_stack_pointer()));
}

static void stack(void) {
  kneadlab_depth_t d;
  kneadlab_inputs_t in = {1u, 0u, 0, 0u, 0, 0u};
  kneadlab_cmd_t out;
  uint32_t i;
  paint();
  (void)kneadlab_open(&tables, demo_tables, DEMO_TABLES_SIZE, demo_caps, DEMO_CAPS_SIZE);
  measured("stack", "open", stack_used(port_stack_pointer()));
  paint();
  (void)kneadlab_selftest(&tables, demo_selftest, DEMO_SELFTEST_SIZE, 0, 0, 0);
  measured("stack", "selftest", stack_used(port_stack_pointer()));
  paint();
  (void)kneadlab_depth(&tables, 1u, 2u, 3000u, 4u, &d);
  measured("stack", "depth", stack_used(port_stack_pointer()));
  (void)kneadlab_prog_start(&tables, &prog, 1u, CONDITIONS, 0);
  paint();
  for (i = 0u; i < 2000u; i++) { /* through retract, travel, approach, work */
    (void)kneadlab_prog_step(&tables, &prog, &in, &out);
    in.station = out.station;
    in.depth = out.depth;
  }
  measured("stack", "step", stack_used(port_stack_pointer()));
  channel_stack();
}

static void measure(void) {
  const uint32_t before = port_ticks();
  const uint32_t after = port_ticks();
  uint32_t start;
  measured("ticks", "empty", (before - after) & PORT_TICKS_MASK);
  print_cost("depth", &depth_cost);
  print_cost("cap", &cap_cost);
  print_cost("step", &step_cost);
  print_cost("channel", &channel_cost);
  start = port_ticks();
  (void)kneadlab_crc32(demo_tables, 1024u);
  measured("crc", "1024", (start - port_ticks()) & PORT_TICKS_MASK);
  measured("size", "context", (uint32_t)sizeof(kneadlab_ctx_t));
  measured("size", "programme", (uint32_t)sizeof(kneadlab_prog_t));
  measured("size", "inputs", (uint32_t)sizeof(kneadlab_inputs_t));
  measured("size", "command", (uint32_t)sizeof(kneadlab_cmd_t));
  measured("size", "channel", (uint32_t)(sizeof(kneadlab_channel_t) + sizeof(kneadlab_cursor_t)));
}

int main(void) {
  uint32_t seed;
  refusals();
  selftest();
  lookups();
  for (seed = 1u; seed <= SESSIONS; seed++) {
    session(seed);
  }
  channels();
  measure();
  if (port_stack_low() != (uint32_t *)0) {
    stack();
  }
  return 0;
}
