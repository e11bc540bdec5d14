/*
 * Damaged images on standard input: the size (4 bytes, little-endian) and the bytes, each in a block of
 * exactly its size. Prints the code, and for an image that was taken a CRC of many lookups. After a
 * refusal the fallback runs: it must command the retracted depth.
 */
#include <stdio.h>
#include <stdlib.h>

#include "demo_fallback.h"
#include "kneadlab_rt.h"
#ifdef DAMAGE_CHANNELS
#include "kneadlab_channel.h"
#endif

static void put16(uint8_t *to, uint32_t value) {
  to[0] = (uint8_t)(value & 0xFFu);
  to[1] = (uint8_t)(value >> 8);
}

/* A CRC over the answers, each after the CRC so far. */
static uint32_t lookups(kneadlab_ctx_t *c) {
  static const uint8_t bodies[3] = {0u, 1u, 255u};
  uint32_t crc = 0u;
  uint32_t technique;
  uint32_t body;
  uint32_t station;
  uint8_t level;
  for (technique = 0u; technique < 3u; technique++) {
    for (body = 0u; body < 3u; body++) {
      for (station = 0u; station <= 6144u; station += 256u) {
        for (level = 1u; level <= 2u; level++) {
          uint8_t row[12];
          kneadlab_depth_t d;
          const unsigned code = kneadlab_depth(c, (uint8_t)technique, bodies[body],
                                               (uint16_t)station, level, &d);
          put16(row, crc & 0xFFFFu);
          put16(row + 2, crc >> 16);
          put16(row + 4, (uint16_t)d.depth);
          put16(row + 6, d.force);
          put16(row + 8, d.current);
          row[10] = d.flags;
          row[11] = (uint8_t)code;
          crc = kneadlab_crc32(row, 12u);
        }
      }
    }
  }
  return crc;
}

#ifdef DAMAGE_CHANNELS
/* The CRC goes on over the positions of an axis. */
static uint32_t positions(const kneadlab_channel_t *channel, uint32_t crc) {
  kneadlab_cursor_t at = {0u, 0u};
  uint32_t i;
  for (i = 0u; i < 400u; i++) {
    uint8_t row[6];
    int16_t position = 0;
    (void)kneadlab_channel_step(channel, &at, 47u, &position);
    put16(row, crc & 0xFFFFu);
    put16(row + 2, crc >> 16);
    put16(row + 4, (uint16_t)position);
    crc = kneadlab_crc32(row, 6u);
  }
  return crc;
}
#endif

static int fallback_retracts(void) {
  kneadlab_ctx_t c;
  kneadlab_prog_t prog;
  kneadlab_inputs_t in = {1u, 3000u, 400, 0u, 0, 0u};
  kneadlab_cmd_t out;
  uint32_t i;
  if (kneadlab_open_fallback(&c, demo_fallback, DEMO_FALLBACK_SIZE) != KNEADLAB_OK) {
    return 0;
  }
  (void)kneadlab_prog_start(&c, &prog, KNEADLAB_CLASS_UNKNOWN, 0u, in.depth);
  for (i = 0u; i < 200u; i++) {
    (void)kneadlab_prog_step(&c, &prog, &in, &out);
    in.depth = out.depth;
  }
  return out.depth == -200;
}

int main(void) {
  uint8_t s[4];
  while (fread(s, 1u, 4u, stdin) == 4u) {
    const uint32_t n = (uint32_t)s[0] | ((uint32_t)s[1] << 8) | ((uint32_t)s[2] << 16) |
                       ((uint32_t)s[3] << 24);
    uint8_t *image = (uint8_t *)malloc((n > 0u) ? n : 1u);
    kneadlab_ctx_t c;
    kneadlab_ctx_t f;
    kneadlab_prog_t prog;
#ifdef DAMAGE_CHANNELS
    kneadlab_channel_t channel;
#endif
    unsigned code;
    if ((image == 0) || (fread(image, 1u, n, stdin) != n)) {
      return 2;
    }
    code = kneadlab_open(&c, image, n, image, n);
    if (code == KNEADLAB_OK) {
      code = kneadlab_open_fallback(&f, image, n);
    }
#ifdef DAMAGE_CHANNELS
    if (code == KNEADLAB_OK) {
      code = kneadlab_channel_open(&channel, image, n, 0u);
    }
#endif
    if (code == KNEADLAB_OK) {
      const unsigned tested = kneadlab_selftest(&c, image, n, 0, 0, 0);
      uint32_t crc = lookups(&c);
#ifdef DAMAGE_CHANNELS
      crc = positions(&channel, crc);
#endif
      printf("%u %lu\n", tested, (unsigned long)crc);
    } else {
      printf("%u 0\n", code);
      /* What was refused cannot be started. */
      if ((c.steps == 0) && (kneadlab_prog_start(&c, &prog, 0u, 4u, 0) != KNEADLAB_E_ARGUMENT)) {
        return 3;
      }
      if (!fallback_retracts()) {
        return 4;
      }
    }
    free(image);
  }
  return 0;
}
