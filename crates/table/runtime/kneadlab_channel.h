/*
 * kneadlab_channel.h: positions of an axis over time, as cubic Hermite channels. Beside kneadlab_rt; link it only
 * where an axis is driven by time (steppers, servos). Same rules: C99, no malloc, no float, no 64-bit
 * integer, no recursion, no global variable, bounded work.
 *
 * Engineering envelope; needs clinical review; not medical advice.
 */
#ifndef KNEADLAB_CHANNEL_H
#define KNEADLAB_CHANNEL_H

#include "kneadlab_rt.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const uint8_t *knots;
  uint16_t count;
  uint8_t shift;
} kneadlab_channel_t;

/* Where a channel stands; {0, 0} is its start. It is over when `knot` is the last one, `count - 1`. */
typedef struct {
  uint16_t knot;
  uint16_t ticks; /* since that knot */
} kneadlab_cursor_t;

/* Checks the image, and every knot and the curve between them against the channel's stated bounds. */
kneadlab_status_t kneadlab_channel_open(kneadlab_channel_t *channel, const uint8_t *image,
                                        uint32_t size, uint8_t axis);

/* Goes on by `ticks` and tells the position, in the channel's unit; after the end the last one. */
kneadlab_status_t kneadlab_channel_step(const kneadlab_channel_t *channel, kneadlab_cursor_t *at,
                                        uint16_t ticks, int16_t *position);

#ifdef __cplusplus
}
#endif
#endif
