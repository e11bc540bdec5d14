/* kneadlab_channel.c: see kneadlab_channel.h. LAYOUT.md describes every byte of an image. */
#include "kneadlab_channel.h"

#define S_CHANNELS 13u
#define S_HERMITE3 14u
#define HEAD_SIZE 24u
#define KNOT_SIZE 6u
#define SPAN_MAX 16384u /* between two knots, so that a rounded fraction costs less than a unit */

static uint32_t word(const uint8_t *p) { return (uint32_t)p[0] | ((uint32_t)p[1] << 8); }

/* A position in offset binary and quarters of a unit: 0 to 262140. */
static uint32_t quarters(uint32_t position) { return (position ^ 0x8000u) << 2; }

/*
 * A third of the way that a knot's speed makes in `dt`, in quarters, added to (or taken from) its position: the
 * control point beside it. It may lie beyond 18 bits, and then `open` refuses the channel.
 */
static uint32_t beside(const uint8_t *knot, uint32_t dt, uint32_t shift, uint32_t after) {
  const uint32_t speed = word(knot + 4);
  const uint32_t falls = speed >> 15;
  const uint32_t divisor = 3u << (shift - 2u);
  const uint32_t way = (falls != 0u) ? (0x10000u - speed) : speed; /* at most 32768 * 65535 < 2^31 */
  const uint32_t third = ((way * dt) + (divisor >> 1)) / divisor;
  const uint32_t at = quarters(word(knot + 2));
  return (falls == after) ? (at - third) : (at + third);
}

/* Unsigned and convex, at a Q14 fraction: 262140 * 16384 + 8192 < 2^32. */
static uint32_t mix(uint32_t a, uint32_t b, uint32_t frac) {
  return ((a * (16384u - frac)) + (b * frac) + 8192u) >> 14;
}

/* From one knot to the next: every point that holds the curve lies within the bounds, so the curve does. */
static int segment_ok(const uint8_t *knot, uint32_t shift, uint32_t low, uint32_t room) {
  const uint32_t dt = word(knot);
  const uint32_t a = quarters(word(knot + 2));
  const uint32_t b = quarters(word(knot + KNOT_SIZE + 2u));
  return (dt > 0u) && ((a - low) <= room) && ((b - low) <= room) &&
         ((beside(knot, dt, shift, 1u) - low) <= room) &&
         ((beside(knot + KNOT_SIZE, dt, shift, 0u) - low) <= room) &&
         ((((a > b) ? (a - b) : (b - a)) >> 2) <= SPAN_MAX);
}

static kneadlab_status_t check_channel(kneadlab_channel_t *channel, const uint8_t *head,
                               const uint8_t *knots, uint32_t knots_size) {
  const uint32_t count = word(head + 2);
  const uint32_t first = word(head + 4);
  const uint32_t low = quarters(word(head + 6));
  const uint32_t room = quarters(word(head + 8)) - low;
  const uint32_t shift = head[1];
  uint32_t i;
  if ((count < 2u) || (((first + count) * KNOT_SIZE) > knots_size) || ((shift - 3u) > 12u) ||
      (room > 262140u)) {
    return KNEADLAB_E_CHANNEL;
  }
  channel->knots = knots + (first * KNOT_SIZE);
  channel->count = (uint16_t)count;
  channel->shift = (uint8_t)shift;
  for (i = 0u; i < (count - 1u); i++) {
    if (!segment_ok(channel->knots + (i * KNOT_SIZE), shift, low, room)) {
      return KNEADLAB_E_CHANNEL;
    }
  }
  return KNEADLAB_OK;
}

kneadlab_status_t kneadlab_channel_open(kneadlab_channel_t *channel, const uint8_t *image,
                                        uint32_t size, uint8_t axis) {
  const uint8_t *head;
  const uint8_t *knots;
  uint32_t heads_size = 0u;
  uint32_t knots_size = 0u;
  kneadlab_status_t status;
  if (channel == 0) {
    return KNEADLAB_E_ARGUMENT;
  }
  channel->knots = (const uint8_t *)0;
  channel->count = 0u;
  channel->shift = 3u;
  status = kneadlab_check_image(image, size);
  if (status != KNEADLAB_OK) {
    return status;
  }
  head = kneadlab_section(image, S_CHANNELS, &heads_size);
  knots = kneadlab_section(image, S_HERMITE3, &knots_size);
  if ((head == 0) || (knots == 0)) {
    return KNEADLAB_E_SECTION;
  }
  status = KNEADLAB_E_CHANNEL;
  for (; heads_size >= HEAD_SIZE; heads_size -= HEAD_SIZE) {
    if (head[0] == axis) {
      status = check_channel(channel, head, knots, knots_size);
      break;
    }
    head += HEAD_SIZE;
  }
  if (status != KNEADLAB_OK) {
    channel->knots = (const uint8_t *)0;
  }
  return status;
}

kneadlab_status_t kneadlab_channel_step(const kneadlab_channel_t *channel, kneadlab_cursor_t *at,
                                        uint16_t ticks, int16_t *position) {
  const uint8_t *knot;
  uint32_t t;
  uint32_t value;
  if ((channel == 0) || (at == 0) || (position == 0) || (channel->knots == 0) ||
      (at->knot >= channel->count)) {
    return KNEADLAB_E_ARGUMENT;
  }
  t = (uint32_t)at->ticks + ticks;
  knot = channel->knots + ((uint32_t)at->knot * KNOT_SIZE);
  while ((at->knot < (channel->count - 1u)) && (t >= word(knot))) {
    t -= word(knot);
    knot += KNOT_SIZE;
    at->knot++;
  }
  value = quarters(word(knot + 2));
  if (at->knot < (channel->count - 1u)) {
    const uint32_t dt = word(knot);
    const uint32_t frac = ((t << 14) + (dt >> 1)) / dt;
    uint32_t b;
    uint32_t c;
    uint32_t d;
    b = beside(knot, dt, channel->shift, 1u);
    c = beside(knot + KNOT_SIZE, dt, channel->shift, 0u);
    d = quarters(word(knot + KNOT_SIZE + 2u));
    value = mix(value, b, frac);
    b = mix(b, c, frac);
    c = mix(c, d, frac);
    value = mix(mix(value, b, frac), mix(b, c, frac), frac);
  } else {
    t = 0u;
  }
  at->ticks = (uint16_t)t;
  value = (value + 2u) >> 2;
  *position = (int16_t)((int32_t)value - 32768);
  return KNEADLAB_OK;
}
