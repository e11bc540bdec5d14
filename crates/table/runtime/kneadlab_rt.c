/* kneadlab_rt.c: see kneadlab_rt.h. LAYOUT.md describes every byte of an image. */
#include "kneadlab_rt.h"

#define HEADER_SIZE 64u
#define ENTRY_SIZE 16u
#define FORMAT_MAJOR 1u
#define MAX_SECTIONS 32u
#define MAX_IMAGE 0x00100000u

#define S_META 1u
#define S_DEPTH 2u
#define S_FLAGS 3u
#define S_FORCE 4u
#define S_CURRENT 5u
#define S_CAPS 6u
#define S_CLASSES 7u
#define S_LIMITS 8u
#define S_STEPS 9u
#define S_FALLBACK 10u
#define S_VECTORS 11u

#define META_SIZE 14u
#define CAP_SIZE 12u
#define CLASS_SIZE 10u
#define LIMITS_SIZE 24u
#define STEP_SIZE 22u
#define VECTOR_SIZE 22u

#define END_ARRIVAL 0u
#define END_TIME 1u
#define END_CYCLES 2u

typedef struct {
  const uint8_t *at;
  uint32_t size;
} section_t;

typedef struct {
  uint32_t low;  /* index of the cell below */
  uint32_t high; /* and above; the same where the station is exactly a column */
  uint32_t frac; /* Q14 */
  uint8_t flags;
} place_t;

static uint16_t get16(const uint8_t *p) {
  return (uint16_t)((uint32_t)p[0] | ((uint32_t)p[1] << 8));
}

static int16_t get16s(const uint8_t *p) {
  const int32_t v = (int32_t)get16(p);
  return (int16_t)((v < 0x8000) ? v : (v - 0x10000));
}

static uint32_t get32(const uint8_t *p) {
  return (uint32_t)get16(p) | ((uint32_t)get16(p + 2) << 16);
}

/* Four bits at a time: the CRC of each value of four bits. */
static uint32_t crc_run(uint32_t crc, const uint8_t *data, uint32_t size) {
  static const uint32_t nibble[16] = {
      0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
      0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
      0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};
  uint32_t i;
  for (i = 0u; i < size; i++) {
    crc ^= (uint32_t)data[i];
    crc = (crc >> 4) ^ nibble[crc & 15u];
    crc = (crc >> 4) ^ nibble[crc & 15u];
  }
  return crc;
}

uint32_t kneadlab_crc32(const uint8_t *data, uint32_t size) {
  return (data == 0) ? 0u : (crc_run(0xFFFFFFFFu, data, size) ^ 0xFFFFFFFFu);
}

static void count_up(uint16_t *counter) {
  if (*counter < 0xFFFFu) {
    (*counter)++;
  }
}

/* The last word of a record is the complement of the exclusive or of the words before it. */
static int record_ok(const uint8_t *p, uint32_t size) {
  uint32_t sum = 0u;
  uint32_t i;
  for (i = 0u; i < size; i += 2u) {
    sum ^= (uint32_t)get16(p + i);
  }
  return sum == 0xFFFFu;
}

/* ---- reading an image ---- */

/* Header, CRC and directory. Sections lie one behind the other, each on a multiple of 8. */
static kneadlab_status_t check_image(const uint8_t *image, uint32_t size) {
  static const uint8_t probe[9] = {0x31u, 0x32u, 0x33u, 0x34u, 0x35u, 0x36u, 0x37u, 0x38u, 0x39u};
  uint32_t count;
  uint32_t end;
  uint32_t i;
  if (image == 0) {
    return KNEADLAB_E_ARGUMENT;
  }
  if (kneadlab_crc32(probe, 9u) != 0xCBF43926u) {
    return KNEADLAB_E_CRC_ENGINE;
  }
  if (size < HEADER_SIZE) {
    return KNEADLAB_E_SHORT;
  }
  if ((image[0] != 0x4Bu) || (image[1] != 0x4Eu) || (image[2] != 0x4Cu) || (image[3] != 0x42u)) {
    return KNEADLAB_E_MAGIC;
  }
  if (image[4] != FORMAT_MAJOR) {
    return KNEADLAB_E_VERSION;
  }
  if ((get16(image + 6) != HEADER_SIZE) || (get32(image + 8) != size) || (size > MAX_IMAGE)) {
    return KNEADLAB_E_SIZE;
  }
  if ((crc_run(crc_run(0xFFFFFFFFu, image, 12u), image + 16, size - 16u) ^ 0xFFFFFFFFu) !=
      get32(image + 12)) {
    return KNEADLAB_E_CRC;
  }
  if (get32(image + 16) != KNEADLAB_LAYOUT_HASH) {
    return KNEADLAB_E_LAYOUT;
  }
  if (get32(image + 44) > KNEADLAB_RT_VERSION) {
    return KNEADLAB_E_VERSION;
  }
  if (get16(image + 34) != (KNEADLAB_TICK_MS * 100u)) {
    return KNEADLAB_E_META;
  }
  count = get16(image + 32);
  if ((count > MAX_SECTIONS) || ((HEADER_SIZE + (count * ENTRY_SIZE)) > size)) {
    return KNEADLAB_E_SECTION;
  }
  end = HEADER_SIZE + (count * ENTRY_SIZE);
  for (i = 0u; i < count; i++) {
    const uint8_t *entry = image + HEADER_SIZE + (i * ENTRY_SIZE);
    const uint32_t bytes = get32(entry + 8);
    uint32_t j;
    if ((get32(entry + 4) != end) || (bytes > (size - end)) || (get16(entry + 2) != 0u)) {
      return KNEADLAB_E_SECTION;
    }
    for (j = 0u; j < i; j++) {
      if (get16(image + HEADER_SIZE + (j * ENTRY_SIZE)) == get16(entry)) {
        return KNEADLAB_E_SECTION;
      }
    }
    if (kneadlab_crc32(image + end, bytes) != get32(entry + 12)) {
      return KNEADLAB_E_SECTION_CRC;
    }
    end = (end + bytes + 7u) & ~(uint32_t)7u;
    if (end > size) {
      return KNEADLAB_E_SECTION;
    }
  }
  return (end == size) ? KNEADLAB_OK : KNEADLAB_E_SIZE;
}

/* Size 0 where there is no such section. */
static section_t find(const uint8_t *image, uint16_t kind) {
  section_t s = {0, 0u};
  const uint32_t count = get16(image + 32);
  uint32_t i;
  for (i = 0u; i < count; i++) {
    const uint8_t *entry = image + HEADER_SIZE + (i * ENTRY_SIZE);
    if (get16(entry) == kind) {
      s.at = image + get32(entry + 4);
      s.size = get32(entry + 8);
    }
  }
  return s;
}

static const uint8_t *find_sized(const uint8_t *image, uint16_t kind, uint32_t size) {
  const section_t s = find(image, kind);
  return (s.size == size) ? s.at : (const uint8_t *)0;
}

static uint32_t last_station(const kneadlab_ctx_t *c) {
  return ((uint32_t)c->station_count - 1u) * KNEADLAB_STATION_ONE;
}

/* ---- meaning ---- */

static kneadlab_status_t check_meta(kneadlab_ctx_t *c, const uint8_t *image, const uint8_t *meta) {
  int32_t span;
  if (meta == 0) {
    return KNEADLAB_E_SECTION;
  }
  if (!record_ok(meta, META_SIZE)) {
    return KNEADLAB_E_RECORD;
  }
  c->technique_count = meta[0];
  c->class_count = meta[1];
  c->station_count = meta[2];
  c->level_count = meta[3];
  c->from_q14 = get16s(meta + 4);
  span = (int32_t)get16s(meta + 6) - (int32_t)c->from_q14;
  c->step_count = get16(meta + 8);
  if ((c->technique_count < 1u) || (c->technique_count > 16u) || (c->class_count < 1u) ||
      (c->class_count > 64u) || (c->station_count < 2u) || (c->station_count > 32u) ||
      (c->level_count < 1u) || (c->level_count > 16u) || (span < 1) ||
      (c->step_count < 1u) || (c->step_count > 4096u) ||
      (get16(image + 40) != c->class_count) || (get16(image + 42) != get16(meta + 10))) {
    return KNEADLAB_E_META;
  }
  c->span_q14 = (uint16_t)span;
  return KNEADLAB_OK;
}

static kneadlab_status_t check_limits(kneadlab_ctx_t *c, const uint8_t *image) {
  const uint8_t *p = find_sized(image, S_LIMITS, LIMITS_SIZE);
  if (p == 0) {
    return KNEADLAB_E_SECTION;
  }
  if (!record_ok(p, LIMITS_SIZE)) {
    return KNEADLAB_E_RECORD;
  }
  if ((get16(p) == 0u) || (get16(p + 2) == 0u) || (get16(p + 4) == 0u) || (get16(p + 6) == 0u) ||
      (get32(p + 18) != get32(image + 36))) {
    return KNEADLAB_E_LIMITS;
  }
  c->limits = p;
  return KNEADLAB_OK;
}

/* No cap lies below the retracted position; the last row is as strict as every other. */
static kneadlab_status_t check_caps(const kneadlab_ctx_t *c, uint32_t zone_count) {
  const uint32_t rows = (uint32_t)c->class_count + 1u;
  const int16_t retracted = get16s(c->limits + 8);
  uint32_t row;
  uint32_t s;
  for (row = 0u; row < rows; row++) {
    for (s = 0u; s < c->station_count; s++) {
      const uint8_t *p = c->caps + (((row * c->station_count) + s) * CAP_SIZE);
      const uint8_t *strict = c->caps + ((((rows - 1u) * c->station_count) + s) * CAP_SIZE);
      if (!record_ok(p, CAP_SIZE)) {
        return KNEADLAB_E_RECORD;
      }
      if ((get16s(p) < retracted) || (get16(p + 8) >= zone_count) ||
          (get16s(strict) > get16s(p)) || (get16(strict + 2) > get16(p + 2)) ||
          (get16(strict + 4) > get16(p + 4)) || (get16(strict + 6) > get16(p + 6))) {
        return KNEADLAB_E_CAPS;
      }
    }
  }
  return KNEADLAB_OK;
}

/* Every cell lies between the retracted position and its own cap. */
static kneadlab_status_t check_maps(const kneadlab_ctx_t *c) {
  const uint32_t rows = (uint32_t)c->class_count + 1u;
  const int16_t retracted = get16s(c->limits + 8);
  uint32_t cell = 0u;
  uint32_t technique;
  for (technique = 0u; technique < c->technique_count; technique++) {
    uint32_t column;
    for (column = 0u; column < (rows * c->station_count); column++) {
      const uint8_t *cap = c->caps + (column * CAP_SIZE);
      uint32_t level;
      for (level = 0u; level < c->level_count; level++) {
        const int16_t depth = get16s(c->depth + (2u * cell));
        const uint8_t flags = c->flags[cell];
        if ((depth < retracted) || (depth > get16s(cap)) || (flags > 3u) ||
            (get16(c->force + (2u * cell)) > get16(cap + 2)) ||
            (((flags & KNEADLAB_F_INFEASIBLE) != 0u) && (depth != retracted))) {
          return KNEADLAB_E_MAP;
        }
        cell++;
      }
    }
  }
  return KNEADLAB_OK;
}

static kneadlab_status_t check_classes(const kneadlab_ctx_t *c) {
  uint32_t i;
  for (i = 0u; i < c->class_count; i++) {
    const uint8_t *p = c->classes + (i * CLASS_SIZE);
    if (!record_ok(p, CLASS_SIZE)) {
      return KNEADLAB_E_RECORD;
    }
    if ((get16(p) >= get16(p + 2)) || (get16(p + 4) >= get16(p + 6))) {
      return KNEADLAB_E_CLASSES;
    }
  }
  return KNEADLAB_OK;
}

/* `technique_count` 0: a fallback, whose rows only retract and travel. */
static kneadlab_status_t check_steps(const kneadlab_ctx_t *c, uint32_t station_max) {
  uint32_t i;
  for (i = 0u; i < c->step_count; i++) {
    const uint8_t *p = c->steps + (i * STEP_SIZE);
    if (!record_ok(p, STEP_SIZE)) {
      return KNEADLAB_E_RECORD;
    }
    if ((p[1] > END_CYCLES) || (p[3] != 0u) || (get16(p + 4) > station_max) ||
        (get16(p + 6) > station_max) || (get16(p + 14) >= 36000u) || (get16(p + 16) == 0u) ||
        (get16(p + 18) == 0u)) {
      return KNEADLAB_E_STEPS;
    }
    if (p[0] == KNEADLAB_NO_TECHNIQUE) {
      if ((p[1] != END_ARRIVAL) || (p[2] != 0u)) {
        return KNEADLAB_E_STEPS;
      }
    } else if ((p[0] >= c->technique_count) || (p[2] < 1u) || (p[2] > c->level_count) ||
               ((p[1] == END_TIME) && (get16(p + 10) == 0u)) ||
               ((p[1] != END_TIME) && (get16(p + 12) == 0u))) {
      return KNEADLAB_E_STEPS;
    } else {
      /* A working row in order. */
    }
  }
  return KNEADLAB_OK;
}

static void clear(kneadlab_ctx_t *c) {
  static const kneadlab_ctx_t empty = {0, 0,  0,  0,  0,  0,  0,  0, 0u,
                                       0u, 0u, 0u, 0u, 0, 0u, {0u, 0u, 0u, 0u, 0u, 0u}};
  *c = empty;
}

static kneadlab_status_t open_all(kneadlab_ctx_t *c, const uint8_t *tables, uint32_t tables_size,
                                  const uint8_t *caps, uint32_t caps_size) {
  uint32_t columns;
  uint32_t cells;
  kneadlab_status_t status = check_image(tables, tables_size);
  if (status == KNEADLAB_OK) {
    status = check_image(caps, caps_size);
  }
  if (status != KNEADLAB_OK) {
    return status;
  }
  if ((get32(tables + 24) != get32(caps + 24)) || (get32(tables + 28) != get32(caps + 28))) {
    return KNEADLAB_E_MISMATCH;
  }
  /* The counts come with the caps as well, so that no image alone can shift the columns. */
  status = check_meta(c, caps, find_sized(caps, S_META, META_SIZE));
  if (status == KNEADLAB_OK) {
    status = check_meta(c, tables, find_sized(tables, S_META, META_SIZE));
  }
  if (status == KNEADLAB_OK) {
    status = check_limits(c, caps);
  }
  if (status != KNEADLAB_OK) {
    return status;
  }
  if (kneadlab_crc32(find(tables, S_META).at, META_SIZE) !=
      kneadlab_crc32(find(caps, S_META).at, META_SIZE)) {
    return KNEADLAB_E_MISMATCH;
  }
  columns = ((uint32_t)c->class_count + 1u) * c->station_count;
  cells = (uint32_t)c->technique_count * columns * c->level_count;
  c->depth = find_sized(tables, S_DEPTH, 2u * cells);
  c->flags = find_sized(tables, S_FLAGS, cells);
  c->force = find_sized(tables, S_FORCE, 2u * cells);
  c->current = find_sized(tables, S_CURRENT, 2u * cells);
  c->caps = find_sized(caps, S_CAPS, columns * CAP_SIZE);
  c->classes = find_sized(tables, S_CLASSES, (uint32_t)c->class_count * CLASS_SIZE);
  c->steps = find_sized(tables, S_STEPS, (uint32_t)c->step_count * STEP_SIZE);
  if ((c->depth == 0) || (c->flags == 0) || (c->force == 0) || (c->current == 0) ||
      (c->caps == 0) || (c->classes == 0) || (c->steps == 0)) {
    return KNEADLAB_E_SECTION;
  }
  status = check_caps(c, get16(caps + 42));
  if (status == KNEADLAB_OK) {
    status = check_maps(c);
  }
  if (status == KNEADLAB_OK) {
    status = check_classes(c);
  }
  if (status == KNEADLAB_OK) {
    status = check_steps(c, last_station(c));
  }
  return status;
}

kneadlab_status_t kneadlab_open(kneadlab_ctx_t *ctx, const uint8_t *tables, uint32_t tables_size,
                                const uint8_t *caps, uint32_t caps_size) {
  kneadlab_status_t status;
  if (ctx == 0) {
    return KNEADLAB_E_ARGUMENT;
  }
  clear(ctx);
  status = open_all(ctx, tables, tables_size, caps, caps_size);
  if (status != KNEADLAB_OK) {
    clear(ctx);
    count_up(&ctx->counts.refused);
  }
  return status;
}

kneadlab_status_t kneadlab_open_fallback(kneadlab_ctx_t *ctx, const uint8_t *image,
                                         uint32_t size) {
  kneadlab_status_t status;
  if (ctx == 0) {
    return KNEADLAB_E_ARGUMENT;
  }
  clear(ctx);
  status = check_image(image, size);
  if (status == KNEADLAB_OK) {
    status = check_limits(ctx, image);
  }
  if (status == KNEADLAB_OK) {
    const section_t rows = find(image, S_FALLBACK);
    if ((rows.size == 0u) || ((rows.size % STEP_SIZE) != 0u) ||
        (rows.size > (4096u * STEP_SIZE))) {
      status = KNEADLAB_E_SECTION;
    } else {
      ctx->steps = rows.at;
      ctx->step_count = (uint16_t)(rows.size / STEP_SIZE);
      status = check_steps(ctx, 31u * KNEADLAB_STATION_ONE);
    }
  }
  if (status != KNEADLAB_OK) {
    clear(ctx);
    count_up(&ctx->counts.refused);
  }
  return status;
}

/* ---- lookups ---- */

/* Columns around a station, and the body's row in place of `body`. */
static place_t locate(kneadlab_ctx_t *c, uint8_t *body, uint16_t station) {
  place_t p;
  uint32_t at = station;
  p.flags = 0u;
  if (at > last_station(c)) {
    at = last_station(c);
    p.flags |= KNEADLAB_F_STATION;
    count_up(&c->counts.station_clamped);
  }
  if (*body >= c->class_count) {
    *body = c->class_count;
    p.flags |= KNEADLAB_F_CLASS;
    count_up(&c->counts.class_unknown);
  }
  p.low = at / KNEADLAB_STATION_ONE;
  p.frac = (at % KNEADLAB_STATION_ONE) * (16384u / KNEADLAB_STATION_ONE);
  p.high = (p.frac == 0u) ? p.low : (p.low + 1u);
  return p;
}

/* Unsigned and convex: the result never leaves [a, b]; at most 65535 * 16384 + 8192 < 2^31. */
static uint16_t lerp(uint16_t a, uint16_t b, uint32_t frac) {
  return (uint16_t)((((uint32_t)a * (16384u - frac)) + ((uint32_t)b * frac) + 8192u) >> 14);
}

static int16_t lerp_signed(int16_t a, int16_t b, uint32_t frac) {
  const uint16_t v = lerp((uint16_t)((int32_t)a + 32768), (uint16_t)((int32_t)b + 32768), frac);
  return (int16_t)((int32_t)v - 32768);
}

static uint16_t least(uint16_t a, uint16_t b) { return (a < b) ? a : b; }

static int16_t least_signed(int16_t a, int16_t b) { return (a < b) ? a : b; }

static kneadlab_status_t cap_at(const kneadlab_ctx_t *c, const place_t *p, uint8_t row,
                                kneadlab_cap_t *out) {
  const uint8_t *a = c->caps + ((((uint32_t)row * c->station_count) + p->low) * CAP_SIZE);
  const uint8_t *b = c->caps + ((((uint32_t)row * c->station_count) + p->high) * CAP_SIZE);
  out->flags = p->flags;
  if ((!record_ok(a, CAP_SIZE)) || (!record_ok(b, CAP_SIZE))) {
    out->depth = get16s(c->limits + 8);
    out->force = 0u;
    out->dwell = 0u;
    out->tap = 0u;
    return KNEADLAB_E_RECORD;
  }
  out->depth = least_signed(get16s(a), get16s(b));
  out->force = least(get16(a + 2), get16(b + 2));
  out->dwell = least(get16(a + 4), get16(b + 4));
  out->tap = least(get16(a + 6), get16(b + 6));
  return KNEADLAB_OK;
}

kneadlab_status_t kneadlab_cap(kneadlab_ctx_t *ctx, uint8_t body, uint16_t station,
                               kneadlab_cap_t *out) {
  place_t p;
  if ((ctx == 0) || (out == 0) || (ctx->caps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  p = locate(ctx, &body, station);
  return cap_at(ctx, &p, body, out);
}

kneadlab_status_t kneadlab_depth(kneadlab_ctx_t *ctx, uint8_t technique, uint8_t body,
                                 uint16_t station, uint8_t level, kneadlab_depth_t *out) {
  place_t p;
  kneadlab_cap_t cap;
  kneadlab_status_t status;
  uint32_t row;
  if ((ctx == 0) || (out == 0) || (ctx->caps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  p = locate(ctx, &body, station);
  if ((level < 1u) || (level > ctx->level_count)) {
    level = 1u;
    p.flags |= KNEADLAB_F_LEVEL;
    count_up(&ctx->counts.level_clamped);
  }
  out->depth = get16s(ctx->limits + 8);
  out->force = 0u;
  out->current = 0u;
  out->flags = p.flags;
  if (technique >= ctx->technique_count) {
    return KNEADLAB_E_TECHNIQUE;
  }
  status = cap_at(ctx, &p, body, &cap);
  if (status != KNEADLAB_OK) {
    return status;
  }
  row = ((uint32_t)technique * ((uint32_t)ctx->class_count + 1u)) + body;
  p.low = (((row * ctx->station_count) + p.low) * ctx->level_count) + ((uint32_t)level - 1u);
  p.high = (((row * ctx->station_count) + p.high) * ctx->level_count) + ((uint32_t)level - 1u);
  out->flags = (uint8_t)(p.flags | ctx->flags[p.low] | ctx->flags[p.high]);
  out->force = lerp(get16(ctx->force + (2u * p.low)), get16(ctx->force + (2u * p.high)), p.frac);
  out->current =
      lerp(get16(ctx->current + (2u * p.low)), get16(ctx->current + (2u * p.high)), p.frac);
  if ((out->flags & KNEADLAB_F_INFEASIBLE) == 0u) {
    out->depth = lerp_signed(get16s(ctx->depth + (2u * p.low)),
                             get16s(ctx->depth + (2u * p.high)), p.frac);
  } else {
    /* Next to a column without a safe depth there is none either. */
    out->force = 0u;
    out->current = 0u;
  }
  out->force = least(out->force, cap.force);
  if (out->depth > cap.depth) {
    out->depth = cap.depth;
    out->flags |= KNEADLAB_F_CAP_APPLIED;
    count_up(&ctx->counts.cap_applied);
  }
  return KNEADLAB_OK;
}

uint8_t kneadlab_class(const kneadlab_ctx_t *ctx, uint16_t stature_mm, uint16_t bmi_x100) {
  uint8_t i;
  if ((ctx == 0) || (ctx->classes == 0)) {
    return KNEADLAB_CLASS_UNKNOWN;
  }
  for (i = 0u; i < ctx->class_count; i++) {
    const uint8_t *p = ctx->classes + ((uint32_t)i * CLASS_SIZE);
    if (record_ok(p, CLASS_SIZE) && (stature_mm >= get16(p)) && (stature_mm < get16(p + 2)) &&
        (bmi_x100 >= get16(p + 4)) && (bmi_x100 < get16(p + 6))) {
      return i;
    }
  }
  return KNEADLAB_CLASS_UNKNOWN;
}

uint16_t kneadlab_station(const kneadlab_ctx_t *ctx, int16_t u_q14) {
  int32_t along;
  if ((ctx == 0) || (ctx->station_count < 2u)) {
    return 0u;
  }
  along = (int32_t)u_q14 - (int32_t)ctx->from_q14;
  if (along <= 0) {
    return 0u;
  }
  if (along >= (int32_t)ctx->span_q14) {
    return (uint16_t)last_station(ctx);
  }
  /* At most 65534 * 31 * 2048 + 32767 < 2^32. */
  return (uint16_t)((((uint32_t)along * last_station(ctx)) + ((uint32_t)ctx->span_q14 / 2u)) /
                    ctx->span_q14);
}

/* ---- programme ---- */

static const uint8_t *step_at(const kneadlab_ctx_t *c, const kneadlab_prog_t *s) {
  return c->steps + ((uint32_t)s->step * STEP_SIZE);
}

static void enter_step(const kneadlab_ctx_t *c, kneadlab_prog_t *s, uint16_t step) {
  s->step = step;
  s->step_ticks = 0u;
  s->pass = 0u;
  if (step < c->step_count) {
    s->phase = KNEADLAB_P_RETRACT;
    s->point = get16(step_at(c, s) + 4);
  } else {
    s->phase = KNEADLAB_P_DONE;
  }
}

kneadlab_status_t kneadlab_prog_start(kneadlab_ctx_t *ctx, kneadlab_prog_t *prog, uint8_t body,
                                      uint32_t conditions, int16_t depth_now) {
  if ((ctx == 0) || (prog == 0) || (ctx->steps == 0) || (ctx->limits == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  prog->depth_q8 = (int32_t)depth_now * 256;
  prog->session_ticks = 0u;
  prog->work_ticks = 0u;
  prog->cycles_at_start = 0u;
  prog->point = 0u;
  prog->body = body;
  prog->fault = KNEADLAB_OK;
  enter_step(ctx, prog, 0u);
  /* A fallback is never refused. */
  if ((ctx->technique_count > 0u) &&
      (((conditions & get32(ctx->limits + 18)) != 0u) ||
       ((conditions & get32(ctx->limits + 14)) != get32(ctx->limits + 14)))) {
    prog->phase = KNEADLAB_P_FAULT;
    prog->fault = KNEADLAB_E_CONDITION;
    count_up(&ctx->counts.refused);
  }
  return prog->fault;
}

static uint8_t level_of(const kneadlab_ctx_t *c, const uint8_t *row, int8_t trim) {
  int32_t level = (int32_t)row[2] + (int32_t)trim;
  if (level > (int32_t)c->level_count) {
    level = (int32_t)c->level_count;
  }
  return (uint8_t)((level < 1) ? 1 : level);
}

static int near16(int32_t a, int32_t b, uint16_t tolerance) {
  return (a - b <= (int32_t)tolerance) && (b - a <= (int32_t)tolerance);
}

/* The point is done: the next press point of this row, the way back, or the next row. */
static void leave_point(const kneadlab_ctx_t *c, kneadlab_prog_t *s, const uint8_t *row) {
  const int32_t from = (int32_t)get16(row + 4);
  const int32_t to = (int32_t)get16(row + 6);
  const int32_t spacing = (int32_t)get16(row + 8);
  if (row[1] == END_ARRIVAL) {
    s->pass++;
    s->step_ticks = 0u;
    if ((row[0] == KNEADLAB_NO_TECHNIQUE) || (s->pass >= get16(row + 12))) {
      enter_step(c, s, (uint16_t)(s->step + 1u));
    }
  } else {
    const int32_t next = (int32_t)s->point + ((to >= from) ? spacing : -spacing);
    if ((spacing == 0) || ((to >= from) && (next > to)) || ((to < from) && (next < to))) {
      enter_step(c, s, (uint16_t)(s->step + 1u));
    } else {
      s->point = (uint16_t)next;
      s->step_ticks = 0u;
      s->phase = KNEADLAB_P_RETRACT;
    }
  }
}

static uint32_t add_ticks(uint32_t a, uint32_t b) {
  return (a > (0xFFFFFFFFu - b)) ? 0xFFFFFFFFu : (a + b);
}

/* Moves the commanded depth toward `target`, at most at the speed limit. */
static void slew(const kneadlab_ctx_t *c, kneadlab_prog_t *s, int16_t target, uint16_t ticks) {
  const int32_t goal = (int32_t)target * 256;
  /* 100 ticks a call are enough: at most 65535 * 100 < 2^31. */
  const int32_t most =
      (int32_t)get16(c->limits + 4) * (int32_t)((ticks < 100u) ? ticks : 100u);
  if (goal > (s->depth_q8 + most)) {
    s->depth_q8 += most;
  } else if (goal < (s->depth_q8 - most)) {
    s->depth_q8 -= most;
  } else {
    s->depth_q8 = goal;
  }
}

/* Rounded down, so that a fraction never lies over a cap. */
static int16_t depth_of(const kneadlab_prog_t *s) {
  return (int16_t)((int32_t)((uint32_t)(s->depth_q8 + 8388608) >> 8) - 32768);
}

static kneadlab_status_t watch(const kneadlab_ctx_t *c, kneadlab_prog_t *s,
                               const kneadlab_inputs_t *in) {
  if (in->stop != 0u) {
    /* A fallback goes on: it is what stopping means. */
    return (c->technique_count > 0u) ? KNEADLAB_E_STOP : KNEADLAB_OK;
  }
  if (c->technique_count > 0u) {
    if (in->ticks > get16(c->limits + 2)) {
      return KNEADLAB_E_WATCHDOG;
    }
    if (s->session_ticks > ((uint32_t)get16(c->limits) * 100u)) {
      return KNEADLAB_E_SESSION;
    }
  }
  if (s->step_ticks > ((uint32_t)get16(step_at(c, s) + 18) * 100u)) {
    return KNEADLAB_E_TIMEOUT;
  }
  return KNEADLAB_OK;
}

static kneadlab_status_t run_phase(kneadlab_ctx_t *c, kneadlab_prog_t *s,
                                   const kneadlab_inputs_t *in, kneadlab_cmd_t *out) {
  const uint8_t *row = step_at(c, s);
  const int16_t retracted = get16s(c->limits + 8);
  const uint16_t station_tolerance = get16(c->limits + 10);
  const uint16_t depth_tolerance = get16(c->limits + 12);
  kneadlab_status_t status = KNEADLAB_OK;
  kneadlab_depth_t goal = {0, 0u, 0u, 0u};
  kneadlab_cap_t cap = {0, 0u, 0u, 0u, 0u};
  const int rolls = (row[1] == END_ARRIVAL);
  /* A carriage that is not where it should be gets the depth and cap of where it is. */
  const int moving = (rolls && (s->phase == KNEADLAB_P_WORK)) ||
                     (!near16((int32_t)in->station, (int32_t)s->point, station_tolerance));
  const uint16_t at = moving ? in->station : s->point;
  goal.depth = retracted;
  out->station = s->point;
  out->speed = get16(row + 16);
  out->park = get16(row + 14);
  out->step = s->step;
  out->technique = row[0];
  if ((s->phase == KNEADLAB_P_APPROACH) || (s->phase == KNEADLAB_P_WORK)) {
    status = kneadlab_depth(c, row[0], s->body, at, level_of(c, row, in->trim), &goal);
    if (status == KNEADLAB_OK) {
      status = kneadlab_cap(c, s->body, at, &cap);
    }
    if (status != KNEADLAB_OK) {
      return status;
    }
  }
  out->flags = goal.flags;
  slew(c, s, goal.depth, in->ticks);
  if (((s->phase == KNEADLAB_P_APPROACH) || (s->phase == KNEADLAB_P_WORK)) &&
      (s->depth_q8 > ((int32_t)cap.depth * 256))) {
    /* A cap that comes nearer while the carriage moves wins over the speed limit. */
    s->depth_q8 = (int32_t)cap.depth * 256;
    out->flags |= KNEADLAB_F_CAP_APPLIED;
  }
  if (s->phase == KNEADLAB_P_RETRACT) {
    out->station = in->station;
    if ((depth_of(s) == retracted) &&
        near16((int32_t)in->depth, (int32_t)retracted, depth_tolerance)) {
      s->phase = KNEADLAB_P_TRAVEL;
    }
  } else if (s->phase == KNEADLAB_P_TRAVEL) {
    if (near16((int32_t)in->station, (int32_t)s->point, station_tolerance)) {
      if (row[0] == KNEADLAB_NO_TECHNIQUE) {
        leave_point(c, s, row);
      } else {
        s->phase = KNEADLAB_P_APPROACH;
      }
    }
  } else if (s->phase == KNEADLAB_P_APPROACH) {
    if ((depth_of(s) == goal.depth) &&
        near16((int32_t)in->depth, (int32_t)goal.depth, depth_tolerance)) {
      s->phase = KNEADLAB_P_WORK;
      s->work_ticks = 0u;
      s->cycles_at_start = in->cycles;
    }
  } else {
    s->work_ticks = add_ticks(s->work_ticks, in->ticks);
    if (rolls) {
      out->station = ((s->pass & 1u) == 0u) ? get16(row + 6) : get16(row + 4);
      if (near16((int32_t)in->station, (int32_t)out->station, station_tolerance)) {
        leave_point(c, s, row);
      }
    } else {
      const uint32_t dwell = (uint32_t)cap.dwell * 10u;
      const uint16_t turns = (uint16_t)(in->cycles - s->cycles_at_start);
      out->knead = (row[1] == END_CYCLES) ? 1u : 0u;
      if (((row[1] == END_TIME) && (s->work_ticks >= get16(row + 10))) ||
          ((row[1] == END_CYCLES) && (turns >= get16(row + 12)))) {
        leave_point(c, s, row);
      } else if (s->work_ticks >= dwell) {
        count_up(&c->counts.dwell_limited);
        leave_point(c, s, row);
      } else {
        /* Goes on. */
      }
    }
  }
  out->depth = depth_of(s);
  out->phase = s->phase;
  return KNEADLAB_OK;
}

kneadlab_status_t kneadlab_prog_step(kneadlab_ctx_t *ctx, kneadlab_prog_t *prog,
                                     const kneadlab_inputs_t *in, kneadlab_cmd_t *out) {
  if ((ctx == 0) || (prog == 0) || (in == 0) || (out == 0) || (ctx->limits == 0) ||
      (ctx->steps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  out->station = in->station;
  out->depth = get16s(ctx->limits + 8);
  out->speed = 0u;
  out->park = 0u;
  out->step = prog->step;
  out->technique = KNEADLAB_NO_TECHNIQUE;
  out->knead = 0u;
  out->phase = prog->phase;
  out->flags = 0u;
  if (prog->phase < KNEADLAB_P_DONE) {
    kneadlab_status_t status;
    prog->session_ticks = add_ticks(prog->session_ticks, in->ticks);
    prog->step_ticks = add_ticks(prog->step_ticks, in->ticks);
    status = (prog->step < ctx->step_count) ? watch(ctx, prog, in) : KNEADLAB_E_ARGUMENT;
    if (status == KNEADLAB_OK) {
      status = run_phase(ctx, prog, in, out);
    }
    if (status != KNEADLAB_OK) {
      prog->phase = KNEADLAB_P_FAULT;
      prog->fault = status;
    }
  }
  if (prog->phase >= KNEADLAB_P_DONE) {
    slew(ctx, prog, get16s(ctx->limits + 8), in->ticks);
    out->station = in->station;
    out->depth = depth_of(prog);
    out->speed = 0u;
    out->technique = KNEADLAB_NO_TECHNIQUE;
    out->knead = 0u;
    out->phase = prog->phase;
  }
  return prog->fault;
}

/* ---- self-test ---- */

static int vector_ok(kneadlab_ctx_t *c, const uint8_t *v) {
  kneadlab_depth_t d;
  kneadlab_cap_t cap;
  return record_ok(v, VECTOR_SIZE) &&
         (kneadlab_depth(c, v[0], v[1], get16(v + 4), v[2], &d) == KNEADLAB_OK) &&
         (kneadlab_cap(c, v[1], get16(v + 4), &cap) == KNEADLAB_OK) && (d.flags == v[3]) &&
         (d.depth == get16s(v + 6)) && (d.force == get16(v + 8)) &&
         (d.current == get16(v + 10)) && (cap.depth == get16s(v + 12)) &&
         (cap.force == get16(v + 14)) && (cap.dwell == get16(v + 16)) &&
         (cap.tap == get16(v + 18));
}

kneadlab_status_t kneadlab_selftest(kneadlab_ctx_t *ctx, const uint8_t *image, uint32_t size,
                                    uint16_t *count, uint16_t *failed, uint16_t *first) {
  section_t rows;
  kneadlab_counts_t saved;
  uint16_t bad = 0u;
  uint16_t first_bad = 0u;
  uint32_t i;
  kneadlab_status_t status;
  if ((ctx == 0) || (ctx->caps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  status = check_image(image, size);
  if (status != KNEADLAB_OK) {
    return status;
  }
  rows = find(image, S_VECTORS);
  if ((rows.size == 0u) || ((rows.size % VECTOR_SIZE) != 0u) ||
      (rows.size > (4096u * VECTOR_SIZE))) {
    return KNEADLAB_E_SECTION;
  }
  saved = ctx->counts;
  for (i = 0u; i < (rows.size / VECTOR_SIZE); i++) {
    if (!vector_ok(ctx, rows.at + (i * VECTOR_SIZE))) {
      first_bad = (bad == 0u) ? (uint16_t)i : first_bad;
      bad++;
    }
  }
  ctx->counts = saved;
  if (count != 0) {
    *count = (uint16_t)(rows.size / VECTOR_SIZE);
  }
  if (failed != 0) {
    *failed = bad;
  }
  if (first != 0) {
    *first = first_bad;
  }
  return (bad == 0u) ? KNEADLAB_OK : KNEADLAB_E_SELFTEST;
}
