/* kneadlab_rt.c: see kneadlab_rt.h. LAYOUT.md describes every byte of an image. */
#include "kneadlab_rt.h"

#define HEADER_SIZE 64u
#define ENTRY_SIZE 16u
#define MAGIC 0x424C4E4Bu /* "KNLB" */
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
#define ROW_SIZE 22u /* a step and a vector */

/* Words of a step. */
#define R_FROM 2u
#define R_TO 3u
#define R_SPACING 4u
#define R_HOLD 5u
#define R_CYCLES 6u
#define R_PARK 7u
#define R_SPEED 8u
#define R_TIMEOUT 9u

#define END_ARRIVAL 0u
#define END_TIME 1u
#define END_CYCLES 2u

typedef struct {
  uint32_t low;  /* index of the cap, then of the cell, on this side of the station */
  uint32_t high; /* and beyond it; the same where the station is exactly a column */
  uint32_t frac; /* Q14 */
  uint8_t flags;
} place_t;

static uint16_t get16(const uint8_t *p) {
  return (uint16_t)((uint32_t)p[0] | ((uint32_t)p[1] << 8));
}

static int16_t as_signed(uint32_t word) {
  return (int16_t)((word < 0x8000u) ? (int32_t)word : ((int32_t)word - 0x10000));
}

static int16_t get16s(const uint8_t *p) { return as_signed(get16(p)); }

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

/*
 * Words of a record. The last one is the complement of the exclusive or of those before it: where it is
 * not, the answer is 0.
 */
static int load(const uint8_t *record, uint32_t size, uint16_t *words) {
  const uint8_t *const end = record + size;
  uint32_t sum = 0u;
  for (; record != end; record += 2) {
    const uint16_t word = get16(record);
    *words = word;
    words++;
    sum ^= word;
  }
  return sum == 0xFFFFu;
}

static int same(const uint8_t *a, const uint8_t *b, uint32_t size) {
  uint32_t i;
  for (i = 0u; (i < size) && (a[i] == b[i]); i++) {
    /* Only counts. */
  }
  return i == size;
}

/* ---- reading an image ---- */

/* The first directory entry of a kind, or null. */
static const uint8_t *entry_of(const uint8_t *image, uint32_t kind) {
  const uint8_t *entry = image + HEADER_SIZE;
  uint32_t left;
  for (left = get16(image + 32); left > 0u; left--) {
    if (get16(entry) == kind) {
      return entry;
    }
    entry += ENTRY_SIZE;
  }
  return (const uint8_t *)0;
}

/* Sections lie one behind the other, each on a multiple of 8, and no kind comes twice. */
static kneadlab_status_t check_directory(const uint8_t *image, uint32_t size) {
  const uint32_t count = get16(image + 32);
  const uint8_t *entry = image + HEADER_SIZE;
  uint32_t end = HEADER_SIZE + (count * ENTRY_SIZE);
  uint32_t i;
  if ((count > MAX_SECTIONS) || (end > size)) {
    return KNEADLAB_E_SECTION;
  }
  for (i = 0u; i < count; i++) {
    const uint32_t bytes = get32(entry + 8);
    if ((get32(entry + 4) != end) || (bytes > (size - end)) || (get16(entry + 2) != 0u) ||
        (entry_of(image, get16(entry)) != entry)) {
      return KNEADLAB_E_SECTION;
    }
    if (kneadlab_crc32(image + end, bytes) != get32(entry + 12)) {
      return KNEADLAB_E_SECTION_CRC;
    }
    end = (end + bytes + 7u) & ~(uint32_t)7u;
    if (end > size) {
      return KNEADLAB_E_SECTION;
    }
    entry += ENTRY_SIZE;
  }
  return (end == size) ? KNEADLAB_OK : KNEADLAB_E_SIZE;
}

/* Header, CRC and directory. */
static kneadlab_status_t check_image(const uint8_t *image, uint32_t size) {
  static const uint8_t probe[9] = {0x31u, 0x32u, 0x33u, 0x34u, 0x35u, 0x36u, 0x37u, 0x38u, 0x39u};
  if (image == 0) {
    return KNEADLAB_E_ARGUMENT;
  }
  if (kneadlab_crc32(probe, 9u) != 0xCBF43926u) {
    return KNEADLAB_E_CRC_ENGINE;
  }
  if (size < HEADER_SIZE) {
    return KNEADLAB_E_SHORT;
  }
  if (get32(image) != MAGIC) {
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
  return check_directory(image, size);
}

/* Null, and `*missing` set, where there is no such section of that size. */
static const uint8_t *find_sized(const uint8_t *image, uint32_t kind, uint32_t size,
                                 int *missing) {
  const uint8_t *entry = entry_of(image, kind);
  if ((entry == 0) || (get32(entry + 8) != size)) {
    *missing = 1;
    return (const uint8_t *)0;
  }
  return image + get32(entry + 4);
}

/* A section of 1 to 4096 whole records of 22 bytes, as steps and vectors are; null where it is not. */
static const uint8_t *find_rows(const uint8_t *image, uint32_t kind, uint16_t *count) {
  const uint8_t *entry = entry_of(image, kind);
  const uint32_t size = (entry != 0) ? get32(entry + 8) : 0u;
  const uint32_t rows = size / ROW_SIZE;
  *count = (uint16_t)rows;
  return ((rows > 0u) && (rows <= 4096u) && ((rows * ROW_SIZE) == size))
             ? (image + get32(entry + 4))
             : (const uint8_t *)0;
}

static uint32_t last_station(const kneadlab_ctx_t *c) {
  return ((uint32_t)c->station_count - 1u) * KNEADLAB_STATION_ONE;
}

/* ---- meaning ---- */

static kneadlab_status_t check_meta(kneadlab_ctx_t *c, const uint8_t *image) {
  /* Techniques, classes, stations, levels: the least, and how many more there may be. */
  static const uint8_t count_least[4] = {1u, 1u, 2u, 1u};
  static const uint8_t count_more[4] = {15u, 63u, 30u, 15u};
  uint16_t w[META_SIZE / 2u];
  uint32_t i;
  int missing = 0;
  const uint8_t *meta = find_sized(image, S_META, META_SIZE, &missing);
  if (missing) {
    return KNEADLAB_E_SECTION;
  }
  if (!load(meta, META_SIZE, w)) {
    return KNEADLAB_E_RECORD;
  }
  for (i = 0u; i < 4u; i++) {
    if (((uint32_t)meta[i] - count_least[i]) > count_more[i]) {
      return KNEADLAB_E_META;
    }
  }
  c->technique_count = meta[0];
  c->class_count = meta[1];
  c->station_count = meta[2];
  c->level_count = meta[3];
  c->from_q14 = as_signed(w[2]);
  c->span_q14 = (uint16_t)(w[3] - w[2]);
  c->step_count = w[4];
  return ((as_signed(w[3]) <= c->from_q14) || (((uint32_t)w[4] - 1u) > 4095u) ||
          (get16(image + 40) != meta[1]) || (get16(image + 42) != w[5]))
             ? KNEADLAB_E_META
             : KNEADLAB_OK;
}

static kneadlab_status_t check_limits(kneadlab_ctx_t *c, const uint8_t *image) {
  uint16_t w[LIMITS_SIZE / 2u];
  int missing = 0;
  const uint8_t *p = find_sized(image, S_LIMITS, LIMITS_SIZE, &missing);
  if (missing) {
    return KNEADLAB_E_SECTION;
  }
  if (!load(p, LIMITS_SIZE, w)) {
    return KNEADLAB_E_RECORD;
  }
  if ((w[0] == 0u) || (w[1] == 0u) || (w[2] == 0u) || (w[3] == 0u) ||
      (get32(p + 18) != get32(image + 36))) {
    return KNEADLAB_E_LIMITS;
  }
  c->limits = p;
  c->retracted = as_signed(w[4]);
  return KNEADLAB_OK;
}

/* No cap lies below the retracted position; the last row is as strict as every other. */
static kneadlab_status_t check_caps(const kneadlab_ctx_t *c, uint32_t zone_count) {
  const uint32_t row_size = (uint32_t)c->station_count * CAP_SIZE;
  const uint8_t *const last_row = c->caps + (row_size * c->class_count);
  const uint8_t *const end = last_row + row_size;
  const int16_t retracted = c->retracted;
  const uint8_t *strictest = last_row;
  const uint8_t *p;
  for (p = c->caps; p != end; p += CAP_SIZE) {
    uint16_t own[CAP_SIZE / 2u];
    uint16_t strict[CAP_SIZE / 2u];
    if (!(load(p, CAP_SIZE, own) && load(strictest, CAP_SIZE, strict))) {
      return KNEADLAB_E_RECORD;
    }
    if ((as_signed(own[0]) < retracted) || (as_signed(strict[0]) > as_signed(own[0])) ||
        (strict[1] > own[1]) || (strict[2] > own[2]) || (strict[3] > own[3]) ||
        (own[4] >= zone_count)) {
      return KNEADLAB_E_CAPS;
    }
    strictest += CAP_SIZE;
    if (strictest == end) {
      strictest = last_row;
    }
  }
  return KNEADLAB_OK;
}

/* Every cell lies between the retracted position and its own cap. */
static kneadlab_status_t check_maps(const kneadlab_ctx_t *c) {
  const uint32_t columns = ((uint32_t)c->class_count + 1u) * c->station_count;
  const int16_t retracted = c->retracted;
  const uint8_t *cell_depth = c->depth;
  const uint8_t *cell_force = c->force;
  const uint8_t *cell_flags = c->flags;
  uint32_t technique;
  for (technique = 0u; technique < c->technique_count; technique++) {
    const uint8_t *cap = c->caps;
    uint32_t column;
    for (column = 0u; column < columns; column++) {
      const int16_t cap_depth = get16s(cap);
      const uint16_t cap_force = get16(cap + 2);
      uint32_t level;
      for (level = 0u; level < c->level_count; level++) {
        const int16_t depth = get16s(cell_depth);
        if ((depth < retracted) || (depth > cap_depth) || (*cell_flags > 3u) ||
            (get16(cell_force) > cap_force) ||
            (((*cell_flags & KNEADLAB_F_INFEASIBLE) != 0u) && (depth != retracted))) {
          return KNEADLAB_E_MAP;
        }
        cell_depth += 2;
        cell_force += 2;
        cell_flags++;
      }
      cap += CAP_SIZE;
    }
  }
  return KNEADLAB_OK;
}

static kneadlab_status_t check_classes(const kneadlab_ctx_t *c) {
  uint32_t i;
  for (i = 0u; i < c->class_count; i++) {
    uint16_t w[CLASS_SIZE / 2u];
    if (!load(c->classes + (i * CLASS_SIZE), CLASS_SIZE, w)) {
      return KNEADLAB_E_RECORD;
    }
    if ((w[0] >= w[1]) || (w[2] >= w[3])) {
      return KNEADLAB_E_CLASSES;
    }
  }
  return KNEADLAB_OK;
}

/* `technique_count` 0: a fallback, whose rows only retract and travel. */
static kneadlab_status_t check_steps(const kneadlab_ctx_t *c, uint32_t station_max) {
  uint32_t i;
  for (i = 0u; i < c->step_count; i++) {
    const uint8_t *p = c->steps + (i * ROW_SIZE);
    uint16_t w[ROW_SIZE / 2u];
    if (!load(p, ROW_SIZE, w)) {
      return KNEADLAB_E_RECORD;
    }
    if ((p[1] > END_CYCLES) || (p[3] != 0u) || (w[R_FROM] > station_max) ||
        (w[R_TO] > station_max) || (w[R_PARK] >= 36000u) || (w[R_SPEED] == 0u) ||
        (w[R_TIMEOUT] == 0u)) {
      return KNEADLAB_E_STEPS;
    }
    if (p[0] == KNEADLAB_NO_TECHNIQUE) {
      if ((p[1] != END_ARRIVAL) || (p[2] != 0u)) {
        return KNEADLAB_E_STEPS;
      }
    } else if ((p[0] >= c->technique_count) || (p[2] < 1u) || (p[2] > c->level_count) ||
               ((p[1] == END_TIME) && (w[R_HOLD] == 0u)) ||
               ((p[1] != END_TIME) && (w[R_CYCLES] == 0u))) {
      return KNEADLAB_E_STEPS;
    } else {
      /* A working row in order. */
    }
  }
  return KNEADLAB_OK;
}

/* A loop over bytes, since a copied struct would ask firmware for a memcpy. */
static void clear(void *p, uint32_t size) {
  uint8_t *at = (uint8_t *)p;
  for (; size > 0u; size--) {
    *at = 0u;
    at++;
  }
}

/* An image that was refused leaves nothing behind but the count. */
static kneadlab_status_t opened(kneadlab_ctx_t *c, kneadlab_status_t status) {
  if (status != KNEADLAB_OK) {
    clear(c, (uint32_t)sizeof(*c));
    count_up(&c->counts.refused);
  }
  return status;
}

/* The counts come with the caps as well, so that no image alone can shift the columns. */
static kneadlab_status_t check_pair(kneadlab_ctx_t *c, const uint8_t *tables,
                                    const uint8_t *caps) {
  kneadlab_status_t status;
  if (!same(tables + 24, caps + 24, 8u)) {
    return KNEADLAB_E_MISMATCH;
  }
  status = check_meta(c, caps);
  if (status == KNEADLAB_OK) {
    status = check_meta(c, tables);
  }
  if (status == KNEADLAB_OK) {
    status = check_limits(c, caps);
  }
  /* Equal sizes were checked, and each CRC against its content: equal CRCs are equal contents. */
  if ((status == KNEADLAB_OK) &&
      (!same(entry_of(tables, S_META) + 12, entry_of(caps, S_META) + 12, 4u))) {
    status = KNEADLAB_E_MISMATCH;
  }
  return status;
}

static kneadlab_status_t find_all(kneadlab_ctx_t *c, const uint8_t *tables, const uint8_t *caps) {
  const uint32_t columns = ((uint32_t)c->class_count + 1u) * c->station_count;
  const uint32_t cells = (uint32_t)c->technique_count * columns * c->level_count;
  int missing = 0;
  c->depth = find_sized(tables, S_DEPTH, 2u * cells, &missing);
  c->flags = find_sized(tables, S_FLAGS, cells, &missing);
  c->force = find_sized(tables, S_FORCE, 2u * cells, &missing);
  c->current = find_sized(tables, S_CURRENT, 2u * cells, &missing);
  c->caps = find_sized(caps, S_CAPS, columns * CAP_SIZE, &missing);
  c->classes = find_sized(tables, S_CLASSES, (uint32_t)c->class_count * CLASS_SIZE, &missing);
  c->steps = find_sized(tables, S_STEPS, (uint32_t)c->step_count * ROW_SIZE, &missing);
  return missing ? KNEADLAB_E_SECTION : KNEADLAB_OK;
}

static kneadlab_status_t open_all(kneadlab_ctx_t *c, const uint8_t *tables, uint32_t tables_size,
                                  const uint8_t *caps, uint32_t caps_size) {
  kneadlab_status_t status = check_image(tables, tables_size);
  if (status == KNEADLAB_OK) {
    status = check_image(caps, caps_size);
  }
  if (status == KNEADLAB_OK) {
    status = check_pair(c, tables, caps);
  }
  if (status == KNEADLAB_OK) {
    status = find_all(c, tables, caps);
  }
  if (status == KNEADLAB_OK) {
    status = check_caps(c, get16(caps + 42));
  }
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
  if (ctx == 0) {
    return KNEADLAB_E_ARGUMENT;
  }
  clear(ctx, (uint32_t)sizeof(*ctx));
  return opened(ctx, open_all(ctx, tables, tables_size, caps, caps_size));
}

kneadlab_status_t kneadlab_open_fallback(kneadlab_ctx_t *ctx, const uint8_t *image,
                                         uint32_t size) {
  kneadlab_status_t status;
  if (ctx == 0) {
    return KNEADLAB_E_ARGUMENT;
  }
  clear(ctx, (uint32_t)sizeof(*ctx));
  status = check_image(image, size);
  if (status == KNEADLAB_OK) {
    status = check_limits(ctx, image);
  }
  if (status == KNEADLAB_OK) {
    ctx->steps = find_rows(image, S_FALLBACK, &ctx->step_count);
    status = (ctx->steps == 0) ? KNEADLAB_E_SECTION : check_steps(ctx, 31u * KNEADLAB_STATION_ONE);
  }
  return opened(ctx, status);
}

/* ---- lookups ---- */

/* Columns around a station, in the body's row. */
static void locate(kneadlab_ctx_t *c, uint32_t body, uint32_t station, place_t *p) {
  uint32_t flags = 0u;
  if (station > last_station(c)) {
    station = last_station(c);
    flags = KNEADLAB_F_STATION;
    count_up(&c->counts.station_clamped);
  }
  if (body >= c->class_count) {
    body = c->class_count;
    flags |= KNEADLAB_F_CLASS;
    count_up(&c->counts.class_unknown);
  }
  p->flags = (uint8_t)flags;
  p->low = (body * c->station_count) + (station / KNEADLAB_STATION_ONE);
  p->frac = (station % KNEADLAB_STATION_ONE) * (16384u / KNEADLAB_STATION_ONE);
  p->high = (p->frac == 0u) ? p->low : (p->low + 1u);
}

/*
 * A map between two cells. `flip` is 0x8000 for a signed map, which makes it offset binary, and back.
 * Unsigned and convex: a (16384 - f) + b f never leaves [a, b] 2^14, and stays below 2^31.
 */
static uint32_t between(const uint8_t *map, const place_t *p, uint32_t flip) {
  const uint32_t a = get16(map + (2u * p->low)) ^ flip;
  const uint32_t b = get16(map + (2u * p->high)) ^ flip;
  return (((a << 14) + ((b - a) * p->frac) + 8192u) >> 14) ^ flip;
}

static uint32_t least(uint32_t a, uint32_t b) { return (a < b) ? a : b; }

/* As `load`, for a cap and without its words: the lookup's time goes here. */
static int cap_ok(const uint8_t *p) {
  const uint32_t low = (uint32_t)p[0] ^ p[2] ^ p[4] ^ p[6] ^ p[8] ^ p[10];
  const uint32_t high = (uint32_t)p[1] ^ p[3] ^ p[5] ^ p[7] ^ p[9] ^ p[11];
  return (low & high) == 0xFFu;
}

static uint16_t least_word(const uint8_t *a, const uint8_t *b) {
  return (uint16_t)least(get16(a), get16(b));
}

/* The place, and the smaller cap of its two columns. */
static kneadlab_status_t cap_at(kneadlab_ctx_t *c, uint32_t body, uint32_t station, place_t *p,
                                kneadlab_cap_t *out) {
  const uint8_t *a;
  const uint8_t *b;
  locate(c, body, station, p);
  a = c->caps + (p->low * CAP_SIZE);
  b = c->caps + (p->high * CAP_SIZE);
  out->flags = p->flags;
  if (!(cap_ok(a) && cap_ok(b))) {
    out->depth = c->retracted;
    out->force = 0u;
    out->dwell = 0u;
    out->tap = 0u;
    return KNEADLAB_E_RECORD;
  }
  out->depth = get16s(a);
  if (get16s(b) < out->depth) {
    out->depth = get16s(b);
  }
  out->force = least_word(a + 2, b + 2);
  out->dwell = least_word(a + 4, b + 4);
  out->tap = least_word(a + 6, b + 6);
  return KNEADLAB_OK;
}

kneadlab_status_t kneadlab_cap(kneadlab_ctx_t *ctx, uint8_t body, uint16_t station,
                               kneadlab_cap_t *out) {
  place_t p;
  if ((ctx == 0) || (out == 0) || (ctx->caps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  return cap_at(ctx, body, station, &p, out);
}

/* Depth and cap of one place. */
static kneadlab_status_t depth_at(kneadlab_ctx_t *c, uint32_t technique, uint32_t body,
                                  uint32_t station, uint32_t level, kneadlab_depth_t *out,
                                  kneadlab_cap_t *cap) {
  place_t p;
  uint32_t first;
  const kneadlab_status_t status = cap_at(c, body, station, &p, cap);
  if ((level < 1u) || (level > c->level_count)) {
    level = 1u;
    p.flags |= KNEADLAB_F_LEVEL;
    count_up(&c->counts.level_clamped);
  }
  out->depth = c->retracted;
  out->force = 0u;
  out->current = 0u;
  out->flags = p.flags;
  if (technique >= c->technique_count) {
    return KNEADLAB_E_TECHNIQUE;
  }
  if (status != KNEADLAB_OK) {
    return status;
  }
  first = technique * ((uint32_t)c->class_count + 1u) * c->station_count;
  p.low = ((first + p.low) * c->level_count) + (level - 1u);
  p.high = ((first + p.high) * c->level_count) + (level - 1u);
  out->flags |= (uint8_t)(c->flags[p.low] | c->flags[p.high]);
  if ((out->flags & KNEADLAB_F_INFEASIBLE) != 0u) {
    /* Next to a column without a safe depth there is none either. */
    return KNEADLAB_OK;
  }
  out->depth = as_signed(between(c->depth, &p, 0x8000u));
  out->force = (uint16_t)least(between(c->force, &p, 0u), cap->force);
  out->current = (uint16_t)between(c->current, &p, 0u);
  if (out->depth > cap->depth) {
    out->depth = cap->depth;
    out->flags |= KNEADLAB_F_CAP_APPLIED;
    count_up(&c->counts.cap_applied);
  }
  return KNEADLAB_OK;
}

kneadlab_status_t kneadlab_depth(kneadlab_ctx_t *ctx, uint8_t technique, uint8_t body,
                                 uint16_t station, uint8_t level, kneadlab_depth_t *out) {
  kneadlab_cap_t cap;
  if ((ctx == 0) || (out == 0) || (ctx->caps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  return depth_at(ctx, technique, body, station, level, out, &cap);
}

uint8_t kneadlab_class(const kneadlab_ctx_t *ctx, uint16_t stature_mm, uint16_t bmi_x100) {
  uint32_t i;
  if ((ctx == 0) || (ctx->classes == 0)) {
    return KNEADLAB_CLASS_UNKNOWN;
  }
  for (i = 0u; i < ctx->class_count; i++) {
    uint16_t w[CLASS_SIZE / 2u];
    if (load(ctx->classes + (i * CLASS_SIZE), CLASS_SIZE, w) && (stature_mm >= w[0]) &&
        (stature_mm < w[1]) && (bmi_x100 >= w[2]) && (bmi_x100 < w[3])) {
      return (uint8_t)i;
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

typedef struct {
  uint16_t w[ROW_SIZE / 2u];
  uint8_t technique;
  uint8_t end;
} step_t;

static const uint8_t *step_at(const kneadlab_ctx_t *c, const kneadlab_prog_t *s) {
  return c->steps + ((uint32_t)s->step * ROW_SIZE);
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
      (((conditions & get32(ctx->limits + 18)) | (~conditions & get32(ctx->limits + 14))) != 0u)) {
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

static int near16(int32_t a, int32_t b, uint32_t tolerance) {
  return ((uint32_t)(a - b) + tolerance) <= (2u * tolerance);
}

/* The point is done: the next press point of this row, the way back, or the next row. */
static void leave_point(const kneadlab_ctx_t *c, kneadlab_prog_t *s, const step_t *step) {
  const int32_t to = (int32_t)step->w[R_TO];
  const int32_t spacing = (int32_t)step->w[R_SPACING];
  const int up = (to >= (int32_t)step->w[R_FROM]);
  const int32_t next = (int32_t)s->point + (up ? spacing : -spacing);
  int last;
  s->step_ticks = 0u;
  if (step->end == END_ARRIVAL) {
    s->pass++;
    last = (step->technique == KNEADLAB_NO_TECHNIQUE) || (s->pass >= step->w[R_CYCLES]);
  } else {
    last = (spacing == 0) || (up ? (next > to) : (next < to));
    if (!last) {
      s->point = (uint16_t)next;
      s->phase = KNEADLAB_P_RETRACT;
    }
  }
  if (last) {
    enter_step(c, s, (uint16_t)(s->step + 1u));
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

/* Holding, kneading or rolling: what the machine shall do, and whether it is enough. */
static void work(kneadlab_ctx_t *c, kneadlab_prog_t *s, const kneadlab_inputs_t *in,
                 const step_t *step, uint16_t dwell, kneadlab_cmd_t *out) {
  const uint16_t turns = (uint16_t)(in->cycles - s->cycles_at_start);
  int done;
  s->work_ticks = add_ticks(s->work_ticks, in->ticks);
  if (step->end == END_ARRIVAL) {
    out->station = step->w[((s->pass & 1u) == 0u) ? R_TO : R_FROM];
    done = near16((int32_t)in->station, (int32_t)out->station, get16(c->limits + 10));
  } else {
    out->knead = (step->end == END_CYCLES) ? 1u : 0u;
    done = (step->end == END_TIME) ? (s->work_ticks >= step->w[R_HOLD])
                                   : (turns >= step->w[R_CYCLES]);
    if ((!done) && (s->work_ticks >= ((uint32_t)dwell * 10u))) {
      count_up(&c->counts.dwell_limited);
      done = 1;
    }
  }
  if (done) {
    leave_point(c, s, step);
  }
}

static kneadlab_status_t run_phase(kneadlab_ctx_t *c, kneadlab_prog_t *s,
                                   const kneadlab_inputs_t *in, kneadlab_cmd_t *out) {
  const uint8_t *row = step_at(c, s);
  const int contact = (s->phase == KNEADLAB_P_APPROACH) || (s->phase == KNEADLAB_P_WORK);
  const int at_point = near16((int32_t)in->station, (int32_t)s->point, get16(c->limits + 10));
  step_t step;
  kneadlab_depth_t goal;
  kneadlab_cap_t cap;
  int arrived;
  if (!load(row, ROW_SIZE, step.w)) {
    return KNEADLAB_E_RECORD;
  }
  step.technique = row[0];
  step.end = row[1];
  out->station = s->point;
  out->speed = step.w[R_SPEED];
  out->park = step.w[R_PARK];
  out->technique = step.technique;
  if (contact) {
    /* A carriage that is not where it should be, or rolls, gets the depth and cap of where it is. */
    const int rolls = (step.end == END_ARRIVAL) && (s->phase == KNEADLAB_P_WORK);
    const kneadlab_status_t status =
        depth_at(c, step.technique, s->body, (rolls || !at_point) ? in->station : s->point,
                 level_of(c, row, in->trim), &goal, &cap);
    if (status != KNEADLAB_OK) {
      return status;
    }
  } else {
    goal.depth = c->retracted;
    goal.flags = 0u;
    cap.depth = 32767;
    cap.dwell = 0u;
  }
  out->flags = goal.flags;
  slew(c, s, goal.depth, in->ticks);
  if (s->depth_q8 > ((int32_t)cap.depth * 256)) {
    /* A cap that comes nearer while the carriage moves wins over the speed limit. */
    s->depth_q8 = (int32_t)cap.depth * 256;
    out->flags |= KNEADLAB_F_CAP_APPLIED;
  }
  arrived = (depth_of(s) == goal.depth) &&
            near16((int32_t)in->depth, (int32_t)goal.depth, get16(c->limits + 12));
  switch (s->phase) {
    case KNEADLAB_P_RETRACT:
      out->station = in->station;
      s->phase = arrived ? KNEADLAB_P_TRAVEL : s->phase;
      break;
    case KNEADLAB_P_TRAVEL:
      if (at_point && (step.technique == KNEADLAB_NO_TECHNIQUE)) {
        leave_point(c, s, &step);
      } else if (at_point) {
        s->phase = KNEADLAB_P_APPROACH;
      } else {
        /* On its way. */
      }
      break;
    case KNEADLAB_P_APPROACH:
      if (arrived) {
        s->phase = KNEADLAB_P_WORK;
        s->work_ticks = 0u;
        s->cycles_at_start = in->cycles;
      }
      break;
    default:
      work(c, s, in, &step, cap.dwell, out);
      break;
  }
  return KNEADLAB_OK;
}

kneadlab_status_t kneadlab_prog_step(kneadlab_ctx_t *ctx, kneadlab_prog_t *prog,
                                     const kneadlab_inputs_t *in, kneadlab_cmd_t *out) {
  if ((ctx == 0) || (prog == 0) || (in == 0) || (out == 0) || (ctx->limits == 0) ||
      (ctx->steps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  out->park = 0u;
  out->knead = 0u;
  out->step = prog->step;
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
    slew(ctx, prog, ctx->retracted, in->ticks);
    out->station = in->station;
    out->speed = 0u;
    out->technique = KNEADLAB_NO_TECHNIQUE;
    out->knead = 0u;
  }
  out->depth = depth_of(prog);
  out->phase = prog->phase;
  return prog->fault;
}

/* ---- self-test: not needed by a release that was tested before ---- */
#ifndef KNEADLAB_NO_SELFTEST

static int vector_ok(kneadlab_ctx_t *c, const uint8_t *v) {
  uint16_t w[ROW_SIZE / 2u];
  kneadlab_depth_t d;
  kneadlab_cap_t cap;
  return load(v, ROW_SIZE, w) &&
         (depth_at(c, v[0], v[1], w[2], v[2], &d, &cap) == KNEADLAB_OK) && (d.flags == v[3]) &&
         ((uint16_t)d.depth == w[3]) && (d.force == w[4]) && (d.current == w[5]) &&
         ((uint16_t)cap.depth == w[6]) && (cap.force == w[7]) && (cap.dwell == w[8]) &&
         (cap.tap == w[9]);
}

kneadlab_status_t kneadlab_selftest(kneadlab_ctx_t *ctx, const uint8_t *image, uint32_t size,
                                    uint16_t *count, uint16_t *failed, uint16_t *first) {
  const uint8_t *row;
  kneadlab_counts_t saved;
  uint16_t rows;
  uint32_t bad = 0u;
  uint32_t first_bad = 0u;
  uint32_t i;
  kneadlab_status_t status;
  if ((ctx == 0) || (ctx->caps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  status = check_image(image, size);
  if (status != KNEADLAB_OK) {
    return status;
  }
  row = find_rows(image, S_VECTORS, &rows);
  if (row == 0) {
    return KNEADLAB_E_SECTION;
  }
  saved = ctx->counts;
  for (i = 0u; i < rows; i++) {
    if (!vector_ok(ctx, row)) {
      first_bad = (bad == 0u) ? i : first_bad;
      bad++;
    }
    row += ROW_SIZE;
  }
  ctx->counts = saved;
  if (count != 0) {
    *count = rows;
  }
  if (failed != 0) {
    *failed = (uint16_t)bad;
  }
  if (first != 0) {
    *first = (uint16_t)first_bad;
  }
  return (bad == 0u) ? KNEADLAB_OK : KNEADLAB_E_SELFTEST;
}
#endif
