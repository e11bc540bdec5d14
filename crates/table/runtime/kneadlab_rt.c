/* kneadlab_rt.c: see kneadlab_rt.h. LAYOUT.md describes every byte of an image. */
#include "kneadlab_rt.h"

#define HEADER_SIZE 64u
#define ENTRY_SIZE 16u
#define MAGIC 0x424C4E4Bu /* "KNLB" */
#define FORMAT_MAJOR 3u
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
#define IN_PARTS 0x2FC2u /* bit of each kind that is made of parts: META, CAPS to VECTORS, CHANNELS */

#define PART_SIZE 12u /* five words and their check word */
#define LIMITS_SIZE (3u * PART_SIZE)
#define ROW_SIZE (2u * PART_SIZE) /* a step and a vector */
#define MAX_ROWS 2048u

/* Words of a row in memory; technique and end share the first one, level and press speed the second. */
#define R_LEVEL 1
#define R_FROM 2
#define R_TO 3
#define R_SPACING 4
#define R_HOLD 6 /* or the kneading speed */
#define R_CYCLES 7
#define R_PARK 8
#define R_SPEED 9
#define R_TIMEOUT 10

#define M_DEPTH 0u
#define M_FLAGS 1u
#define M_FORCE 2u
#define M_CURRENT 3u

/* Bytes of the limits, of which the first two are the session. */
#define L_WATCHDOG 2
#define L_SPEED 4
#define L_ACCELERATION 6
#define L_RETRACTED 8
#define L_STATION_TOLERANCE 12
#define L_DEPTH_TOLERANCE 14
#define L_REQUIRES 16
#define L_FORBIDS 24

#define END_ARRIVAL 0u
#define END_TIME 1u
#define END_CYCLES 2u

/* One function stays one: an inlined check would hold its registers while the next one runs. */
#if defined(__GNUC__)
#define APART __attribute__((noinline))
#else
#define APART
#endif

/* What a lookup is asked, then where that is, and the caps on both sides: depth, force, dwell, tap, zone. */
typedef struct {
  uint16_t station; /* then the Q14 fraction between two columns */
  uint8_t technique;
  uint8_t body;
  uint8_t level; /* then from 0 */
  uint8_t flags;
  uint16_t here[5];
  uint16_t next[5]; /* the same where the station is exactly a column */
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

/* Two bits at a time, since a larger table costs more than it saves: the CRC of each value of two bits. */
static uint32_t crc_run(uint32_t crc, const uint8_t *data, uint32_t size) {
  static const uint32_t pair[4] = {0x00000000u, 0x76DC4190u, 0xEDB88320u, 0x9B64C2B0u};
  const uint8_t *const end = data + size;
  while (data != end) {
    uint32_t left;
    crc ^= (uint32_t)*data;
    data++;
    for (left = 4u; left > 0u; left--) {
      crc = (crc >> 2) ^ pair[crc & 3u];
    }
  }
  return crc;
}

uint32_t kneadlab_crc32(const uint8_t *data, uint32_t size) {
  return (data == 0) ? 0u : (crc_run(0xFFFFFFFFu, data, size) ^ 0xFFFFFFFFu);
}

/* Stops at 65535. */
static void count_up(uint16_t *counter) {
  const uint32_t next = (uint32_t)*counter + 1u;
  *counter = (uint16_t)(next - (next >> 16));
}

/*
 * Words of a part; 0 where its check word is right. They are coefficients of a polynomial over GF(2), the first
 * one of the highest power; modulo x^16 + x^5 + x^3 + x^2 + 1 it must be `seed`, which says what section and
 * which part of it this is. LAYOUT.md says what that finds.
 */
static APART uint32_t load(const uint8_t *p, uint32_t seed, uint16_t *words) {
  uint32_t sum = get16(p);
  uint32_t word = get16(p + 2);
  words[0] = (uint16_t)sum;
  words[1] = (uint16_t)word;
  sum = (sum << 1) ^ word;
  word = get16(p + 4);
  words[2] = (uint16_t)word;
  sum = (sum << 1) ^ word;
  word = get16(p + 6);
  words[3] = (uint16_t)word;
  sum = (sum << 1) ^ word;
  word = get16(p + 8);
  words[4] = (uint16_t)word;
  sum = (sum << 1) ^ word;
  sum = (sum << 1) ^ get16(p + 10) ^ seed;
  word = sum >> 16;
  word ^= word << 2; /* x^5 + x^3 + x^2 + 1 = (x^3 + 1) (x^2 + 1) */
  word ^= word << 3;
  return (sum ^ word) & 0xFFFFu;
}

static uint32_t seed_of(uint32_t kind, uint32_t index) { return (kind << 12) + index; }

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

/* The parts of a section, where it is made of such; nothing may be left over. */
static APART int parts_ok(const uint8_t *p, uint32_t kind, uint32_t size) {
  uint32_t seed = seed_of(kind, 0u);
  uint16_t w[5];
  if ((kind > 15u) || (((IN_PARTS >> kind) & 1u) == 0u)) {
    return 1;
  }
  while ((size >= PART_SIZE) && (load(p, seed, w) == 0u)) {
    size -= PART_SIZE;
    p += PART_SIZE;
    seed++;
  }
  return size == 0u;
}

/* Sections lie one behind the other, each on a multiple of 8, and no kind comes twice. */
static APART kneadlab_status_t check_directory(const uint8_t *image, uint32_t size) {
  const uint8_t *entry = image + HEADER_SIZE;
  uint32_t left = get16(image + 32);
  uint32_t end = HEADER_SIZE + (left * ENTRY_SIZE);
  if ((left > MAX_SECTIONS) || (end > size)) {
    return KNEADLAB_E_SECTION;
  }
  for (; left > 0u; left--) {
    const uint32_t bytes = get32(entry + 8);
    const uint32_t kind = get16(entry);
    if ((get32(entry + 4) != end) || (bytes > (size - end)) || (get16(entry + 2) != 0u) ||
        (entry_of(image, kind) != entry)) {
      return KNEADLAB_E_SECTION;
    }
    if (kneadlab_crc32(image + end, bytes) != get32(entry + 12)) {
      return KNEADLAB_E_SECTION_CRC;
    }
    if (!parts_ok(image + end, kind, bytes)) {
      return KNEADLAB_E_RECORD;
    }
    end = (end + bytes + 7u) & ~(uint32_t)7u;
    if (end > size) {
      return KNEADLAB_E_SECTION;
    }
    entry += ENTRY_SIZE;
  }
  return (end == size) ? KNEADLAB_OK : KNEADLAB_E_SIZE;
}

/* Header, CRC, directory, and the check word of every part. */
kneadlab_status_t kneadlab_check_image(const uint8_t *image, uint32_t size) {
  static const uint8_t probe[8] = {0x31u, 0x32u, 0x33u, 0x34u, 0x35u, 0x36u, 0x37u, 0x38u};
  if (image == 0) {
    return KNEADLAB_E_ARGUMENT;
  }
  if (kneadlab_crc32(probe, 8u) != 0x9AE0DAAFu) {
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

const uint8_t *kneadlab_section(const uint8_t *image, uint16_t kind, uint32_t *size) {
  const uint8_t *entry = entry_of(image, kind);
  if (entry == 0) {
    return (const uint8_t *)0;
  }
  *size = get32(entry + 8);
  return image + get32(entry + 4);
}

/* Null where there is no such section of that size. */
static const uint8_t *find_sized(const uint8_t *image, uint16_t kind, uint32_t size) {
  uint32_t found = 0u;
  const uint8_t *section = kneadlab_section(image, kind, &found);
  return (found == size) ? section : (const uint8_t *)0;
}

/* Rows as steps and vectors are, 1 to 2048; null where there are none. */
static const uint8_t *find_rows(const uint8_t *image, uint16_t kind, uint16_t *count) {
  uint32_t size = 0u;
  const uint8_t *section = kneadlab_section(image, kind, &size);
  const uint32_t rows = size / ROW_SIZE;
  *count = (uint16_t)rows;
  return ((rows > 0u) && (rows <= MAX_ROWS) && ((rows * ROW_SIZE) == size)) ? section
                                                                            : (const uint8_t *)0;
}

static uint32_t last_station(const kneadlab_ctx_t *c) {
  return ((uint32_t)c->station_count - 1u) * KNEADLAB_STATION_ONE;
}

/* ---- meaning ---- */

static APART kneadlab_status_t check_meta(kneadlab_ctx_t *c, const uint8_t *image) {
  const uint8_t *meta = find_sized(image, S_META, PART_SIZE);
  uint16_t w[5];
  if (meta == 0) {
    return KNEADLAB_E_SECTION;
  }
  (void)load(meta, 0u, w);
  c->technique_count = meta[0];
  c->class_count = meta[1];
  c->station_count = meta[2];
  c->level_count = meta[3];
  c->from_q14 = as_signed(w[2]);
  c->span_q14 = (uint16_t)(w[3] - w[2]);
  c->step_count = w[4];
  /* 1 to 16 techniques, 1 to 64 classes, 2 to 32 columns, 1 to 16 levels. */
  return ((((uint32_t)meta[0] - 1u) > 15u) || (((uint32_t)meta[1] - 1u) > 63u) ||
          (((uint32_t)meta[2] - 2u) > 30u) || (((uint32_t)meta[3] - 1u) > 15u) ||
          (as_signed(w[3]) <= as_signed(w[2])) || (((uint32_t)w[4] - 1u) >= MAX_ROWS) ||
          (get16(image + 40) != meta[1]))
             ? KNEADLAB_E_META
             : KNEADLAB_OK;
}

static APART kneadlab_status_t check_limits(kneadlab_ctx_t *c, const uint8_t *image) {
  const uint8_t *p = find_sized(image, S_LIMITS, LIMITS_SIZE);
  uint32_t i;
  if (p == 0) {
    return KNEADLAB_E_SECTION;
  }
  for (i = 0u; i < 4u; i++) { /* session, watchdog, speed, acceleration: 1 to 32767 */
    if (get16s(p + (2u * i)) <= 0) {
      return KNEADLAB_E_LIMITS;
    }
  }
  if (!same(p + L_FORBIDS, image + 36, 4u)) {
    return KNEADLAB_E_LIMITS;
  }
  c->limits = p;
  c->retracted = get16s(p + L_RETRACTED);
  return KNEADLAB_OK;
}

/* No cap lies below the retracted position; the last row is as strict as every other. */
static APART kneadlab_status_t check_caps(const kneadlab_ctx_t *c, uint32_t zone_count) {
  const uint32_t row_size = (uint32_t)c->station_count * PART_SIZE;
  const uint8_t *const last_row = c->caps + (row_size * c->class_count);
  const uint8_t *const end = last_row + row_size;
  const uint8_t *strictest = last_row;
  const uint8_t *p;
  for (p = c->caps; p != end; p += PART_SIZE) {
    uint16_t own[5];
    uint16_t strict[5];
    (void)load(p, 0u, own);
    (void)load(strictest, 0u, strict);
    if ((as_signed(own[0]) < c->retracted) || (as_signed(strict[0]) > as_signed(own[0])) ||
        (strict[1] > own[1]) || (strict[2] > own[2]) || (strict[3] > own[3]) ||
        (own[4] >= zone_count)) {
      return KNEADLAB_E_CAPS;
    }
    strictest += PART_SIZE;
    strictest = (strictest == end) ? last_row : strictest;
  }
  return KNEADLAB_OK;
}

/* Every cell lies between the retracted position and its own cap. */
static APART kneadlab_status_t check_maps(const kneadlab_ctx_t *c) {
  const uint32_t columns = ((uint32_t)c->class_count + 1u) * c->station_count;
  const uint8_t *const end = c->caps + (columns * PART_SIZE);
  const uint8_t *cap = c->caps;
  uint32_t left = c->level_count;
  uint32_t cell;
  for (cell = 0u; cell < (c->technique_count * columns * c->level_count); cell++) {
    const int16_t depth = get16s(c->maps[M_DEPTH] + (2u * cell));
    const uint32_t flags = c->maps[M_FLAGS][cell];
    if ((depth < c->retracted) || (depth > get16s(cap)) || (flags > 3u) ||
        (get16(c->maps[M_FORCE] + (2u * cell)) > get16(cap + 2)) ||
        (((flags & KNEADLAB_F_INFEASIBLE) != 0u) && (depth != c->retracted))) {
      return KNEADLAB_E_MAP;
    }
    left--;
    if (left == 0u) { /* the next column */
      left = c->level_count;
      cap += PART_SIZE;
      cap = (cap == end) ? c->caps : cap;
    }
  }
  return KNEADLAB_OK;
}

static APART kneadlab_status_t check_classes(const kneadlab_ctx_t *c) {
  const uint8_t *p = c->classes;
  uint32_t left;
  for (left = c->class_count; left > 0u; left--) {
    uint16_t w[5];
    (void)load(p, 0u, w);
    if ((w[0] >= w[1]) || (w[2] >= w[3])) {
      return KNEADLAB_E_CLASSES;
    }
    p += PART_SIZE;
  }
  return KNEADLAB_OK;
}

/* `technique_count` 0: a fallback, whose rows only retract and travel. */
static int step_fits(const kneadlab_ctx_t *c, const uint8_t *p, uint32_t station_max) {
  if ((p[1] > END_CYCLES) || (p[3] == 0u) || (get16(p + 4) > station_max) ||
      (get16(p + 6) > station_max) || (get16(p + 16) >= 36000u) || (get16(p + 18) == 0u) ||
      (get16(p + 20) == 0u)) {
    return 0;
  }
  if (p[0] == KNEADLAB_NO_TECHNIQUE) {
    return (p[1] == END_ARRIVAL) && (p[2] == 0u);
  }
  return (p[0] < c->technique_count) && (p[2] >= 1u) && (p[2] <= c->level_count) &&
         ((p[1] == END_ARRIVAL) || (get16(p + 12) != 0u)) &&
         ((p[1] == END_TIME) || (get16(p + 14) != 0u));
}

static APART kneadlab_status_t check_steps(const kneadlab_ctx_t *c, uint32_t station_max) {
  const uint8_t *p = c->steps;
  uint32_t left;
  for (left = c->step_count; left > 0u; left--) {
    if (!step_fits(c, p, station_max)) {
      return KNEADLAB_E_STEPS;
    }
    p += ROW_SIZE;
  }
  return KNEADLAB_OK;
}

/* A loop over bytes, since a copied struct would ask firmware for a memcpy. */
static APART void clear(void *p, uint32_t size) {
  uint8_t *at = (uint8_t *)p;
  for (; size > 0u; size--) {
    *at = 0u;
    at++;
  }
}

/* An image that was refused leaves nothing behind but the count. */
static APART kneadlab_status_t opened(kneadlab_ctx_t *c, kneadlab_status_t status) {
  if (status != KNEADLAB_OK) {
    clear(c, (uint32_t)sizeof(*c));
    count_up(&c->counts.refused);
  }
  return status;
}

/* The counts come with the caps as well, so that no image alone can shift the columns. */
static APART kneadlab_status_t check_pair(kneadlab_ctx_t *c, const uint8_t *tables,
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

static APART kneadlab_status_t find_all(kneadlab_ctx_t *c, const uint8_t *tables,
                                        const uint8_t *caps) {
  const uint32_t columns = ((uint32_t)c->class_count + 1u) * c->station_count;
  const uint32_t cells = (uint32_t)c->technique_count * columns * c->level_count;
  uint32_t i;
  for (i = 0u; i < 4u; i++) {
    c->maps[i] = find_sized(tables, (uint16_t)(S_DEPTH + i), (i == M_FLAGS) ? cells : (2u * cells));
    if (c->maps[i] == 0) {
      return KNEADLAB_E_SECTION;
    }
  }
  c->caps = find_sized(caps, S_CAPS, columns * PART_SIZE);
  c->classes = find_sized(tables, S_CLASSES, (uint32_t)c->class_count * PART_SIZE);
  c->steps = find_sized(tables, S_STEPS, (uint32_t)c->step_count * ROW_SIZE);
  return ((c->caps != 0) && (c->classes != 0) && (c->steps != 0)) ? KNEADLAB_OK
                                                                  : KNEADLAB_E_SECTION;
}

static kneadlab_status_t open_all(kneadlab_ctx_t *c, const uint8_t *tables, uint32_t tables_size,
                                  const uint8_t *caps, uint32_t caps_size) {
  kneadlab_status_t status = kneadlab_check_image(tables, tables_size);
  if (status == KNEADLAB_OK) {
    status = kneadlab_check_image(caps, caps_size);
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
  status = kneadlab_check_image(image, size);
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

static uint16_t least(uint32_t a, uint32_t b) { return (uint16_t)((a < b) ? a : b); }

/*
 * Between the words a and b, at the Q14 fraction f: unsigned and convex, a (16384 - f) + b f never leaves
 * [a, b] 2^14, and stays below 2^31.
 */
static uint32_t between(const uint8_t *p, uint32_t step, uint32_t frac, uint32_t flip) {
  const uint32_t a = get16(p) ^ flip;
  const uint32_t b = get16(p + step) ^ flip;
  return (((a << 14) + ((b - a) * frac) + 8192u) >> 14) ^ flip;
}

/* The depth is signed. */
static int16_t depth_cap(const place_t *p) {
  const int16_t a = as_signed(p->here[0]);
  const int16_t b = as_signed(p->next[0]);
  return (int16_t)((b < a) ? b : a);
}

/* What a lookup is asked. */
static void ask(place_t *p, uint16_t station, uint8_t technique, uint8_t body, uint8_t level) {
  p->station = station;
  p->technique = technique;
  p->body = body;
  p->level = level;
}

/* Depth and caps of a place. On an error: retracted. */
static APART kneadlab_status_t find(kneadlab_ctx_t *c, place_t *p, kneadlab_depth_t *out) {
  uint32_t station = p->station;
  uint32_t cell = p->body; /* the cap, then the cell, on this side of the station */
  uint32_t step;           /* to the one beyond */
  uint32_t flags = 0u;
  const uint8_t *cap;
  if (station > last_station(c)) {
    station = last_station(c);
    flags = KNEADLAB_F_STATION;
    count_up(&c->counts.station_clamped);
  }
  if (cell >= c->class_count) {
    cell = c->class_count;
    flags |= KNEADLAB_F_CLASS;
    count_up(&c->counts.class_unknown);
  }
  p->level--;
  if (p->level >= c->level_count) {
    p->level = 0u;
    flags |= KNEADLAB_F_LEVEL;
    count_up(&c->counts.level_clamped);
  }
  p->flags = (uint8_t)flags;
  out->depth = c->retracted;
  out->force = 0u;
  out->current = 0u;
  out->flags = (uint8_t)flags;
  cell = (cell * c->station_count) + (station / KNEADLAB_STATION_ONE);
  station = (station % KNEADLAB_STATION_ONE) * (16384u / KNEADLAB_STATION_ONE);
  p->station = (uint16_t)station;
  step = (uint32_t)((station != 0u) ? 1u : 0u);
  cap = c->caps + (cell * PART_SIZE);
  if ((load(cap, seed_of(S_CAPS, cell), p->here) != 0u) ||
      (load(cap + (step * PART_SIZE), seed_of(S_CAPS, cell + step), p->next) != 0u)) {
    return KNEADLAB_E_RECORD;
  }
  if (p->technique >= c->technique_count) {
    return KNEADLAB_E_TECHNIQUE;
  }
  cell += (uint32_t)p->technique * ((uint32_t)c->class_count + 1u) * c->station_count;
  cell = (cell * c->level_count) + p->level;
  step *= c->level_count;
  flags = (uint32_t)c->maps[M_FLAGS][cell] | c->maps[M_FLAGS][cell + step];
  out->flags |= (uint8_t)flags;
  if ((flags & KNEADLAB_F_INFEASIBLE) == 0u) { /* beside an infeasible column no depth is safe */
    cell *= 2u;
    step *= 2u;
    out->force = least(between(c->maps[M_FORCE] + cell, step, p->station, 0u),
                       least(p->here[1], p->next[1]));
    out->current = (uint16_t)between(c->maps[M_CURRENT] + cell, step, p->station, 0u);
    out->depth = as_signed(between(c->maps[M_DEPTH] + cell, step, p->station, 0x8000u));
    if (out->depth > depth_cap(p)) {
      out->depth = depth_cap(p);
      out->flags |= KNEADLAB_F_CAP_APPLIED;
      count_up(&c->counts.cap_applied);
    }
  }
  return KNEADLAB_OK;
}

kneadlab_status_t kneadlab_depth(kneadlab_ctx_t *ctx, uint8_t technique, uint8_t body,
                                 uint16_t station, uint8_t level, kneadlab_depth_t *out) {
  place_t p;
  if ((ctx == 0) || (out == 0) || (ctx->caps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  ask(&p, station, technique, body, level);
  return find(ctx, &p, out);
}

kneadlab_status_t kneadlab_cap(kneadlab_ctx_t *ctx, uint8_t body, uint16_t station,
                               kneadlab_cap_t *out) {
  kneadlab_depth_t depth;
  kneadlab_status_t status;
  place_t p;
  if ((ctx == 0) || (out == 0) || (ctx->caps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  ask(&p, station, KNEADLAB_NO_TECHNIQUE, body, 1u);
  status = find(ctx, &p, &depth);
  out->depth = depth.depth;
  out->force = 0u;
  out->dwell = 0u;
  out->tap = 0u;
  out->flags = p.flags;
  if (status != KNEADLAB_E_TECHNIQUE) {
    return status; /* a check word is wrong: nothing is allowed */
  }
  out->depth = depth_cap(&p);
  out->force = least(p.here[1], p.next[1]);
  out->dwell = least(p.here[2], p.next[2]);
  out->tap = least(p.here[3], p.next[3]);
  return KNEADLAB_OK;
}

uint8_t kneadlab_class(const kneadlab_ctx_t *ctx, uint16_t stature_mm, uint16_t bmi_x100) {
  uint16_t w[5];
  uint32_t i;
  if ((ctx == 0) || (ctx->classes == 0)) {
    return KNEADLAB_CLASS_UNKNOWN;
  }
  for (i = 0u; i < ctx->class_count; i++) {
    if ((load(ctx->classes + (i * PART_SIZE), seed_of(S_CLASSES, i), w) == 0u) &&
        (stature_mm >= w[0]) && (stature_mm < w[1]) && (bmi_x100 >= w[2]) && (bmi_x100 < w[3])) {
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

static uint8_t technique_of(const kneadlab_prog_t *s) { return (uint8_t)(s->row[0] & 0xFFu); }

static uint32_t end_of(const kneadlab_prog_t *s) { return (uint32_t)s->row[0] >> 8; }

static void fail(kneadlab_prog_t *s, kneadlab_status_t status) {
  s->phase = KNEADLAB_P_FAULT;
  s->fault = status;
}

/* Reads a row and checks it; the programme is over where there is none. */
static APART void enter_step(const kneadlab_ctx_t *c, kneadlab_prog_t *s, uint32_t step) {
  const uint8_t *const row = c->steps + (step * ROW_SIZE);
  const uint32_t seed = seed_of((c->technique_count > 0u) ? S_STEPS : S_FALLBACK, 2u * step);
  s->step = (uint16_t)step;
  s->pass = 0u;
  s->phase = KNEADLAB_P_DONE;
  if (step < c->step_count) {
    s->phase = KNEADLAB_P_RETRACT;
    if ((load(row, seed, s->row) | load(row + PART_SIZE, seed + 1u, &s->row[6])) != 0u) {
      fail(s, KNEADLAB_E_RECORD);
    }
    s->point = s->row[R_FROM];
  }
}

kneadlab_status_t kneadlab_prog_start(kneadlab_ctx_t *ctx, kneadlab_prog_t *prog, uint8_t body,
                                      uint32_t conditions, int16_t depth_now) {
  if ((ctx == 0) || (prog == 0) || (ctx->steps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  clear(prog, (uint32_t)sizeof(*prog));
  prog->depth_q8 = (int32_t)depth_now * 256;
  prog->body = body;
  enter_step(ctx, prog, 0u);
  /* A fallback is never refused. */
  if ((ctx->technique_count > 0u) &&
      (((conditions & get32(ctx->limits + L_FORBIDS)) | (~conditions & get32(ctx->limits + L_REQUIRES))) != 0u)) {
    fail(prog, KNEADLAB_E_CONDITION);
    count_up(&ctx->counts.refused);
  }
  return prog->fault;
}

static uint8_t level_of(const kneadlab_ctx_t *c, const kneadlab_prog_t *s, int8_t trim) {
  int32_t level = (int32_t)(s->row[R_LEVEL] & 0xFFu) + (int32_t)trim;
  if (level > (int32_t)c->level_count) {
    level = (int32_t)c->level_count;
  }
  return (uint8_t)((level < 1) ? 1 : level);
}

static int near16(int32_t a, int32_t b, uint32_t tolerance) {
  return ((uint32_t)(a - b) + tolerance) <= (2u * tolerance);
}

/* A way, at most `back` down and at most `on` up. */
static int32_t bounded(int32_t way, int32_t back, int32_t on) {
  if (way > on) {
    return on;
  }
  return (way < -back) ? -back : way;
}

/* The point is done: the next press point of this row, the way back, or, where the answer is 1, the next row. */
static int leave_point(kneadlab_prog_t *s) {
  const int32_t spacing = (int32_t)s->row[R_SPACING];
  int32_t way = (int32_t)s->row[R_TO] - (int32_t)s->point;
  int last;
  s->step_ticks = 0u;
  if (end_of(s) == END_ARRIVAL) {
    s->pass++;
    last = (technique_of(s) == KNEADLAB_NO_TECHNIQUE) || (s->pass >= s->row[R_CYCLES]);
  } else {
    way = bounded(way, spacing, spacing); /* the last gap may be smaller than the others */
    last = (way == 0);
    if (!last) {
      s->point = (uint16_t)((int32_t)s->point + way);
      s->phase = KNEADLAB_P_RETRACT;
    }
  }
  return last;
}

static uint32_t press_of(const kneadlab_prog_t *s) { return (uint32_t)s->row[R_LEVEL] >> 8; }

/*
 * One tick of the commanded depth: in at most at the speed limit, out at most at the row's press speed too; never faster or
 * slower than the tick before by more than the acceleration, and only as fast as can still be braked on the way that is left.
 * A trapezoid, unless the target moves: one that jumps nearer is overshot by the way of braking (but never a cap).
 */
static APART void slew(const kneadlab_ctx_t *c, kneadlab_prog_t *s, int16_t target) {
  /* mm/s^2 are 2.56 of 1/256 of 0.01 mm per tick and tick; 2.5 is the safe side. */
  const int32_t more = (int32_t)((get16(c->limits + L_ACCELERATION) * 5u) / 2u);
  const int32_t way = ((int32_t)target * 256) - s->depth_q8;
  int32_t left = way;
  int32_t fastest = (int32_t)get16(c->limits + L_SPEED);
  int32_t most = 0;
  if (way < 0) {
    left = -way;
  } else {
    fastest = bounded((int32_t)(press_of(s) * 32u), 0, fastest);
  }
  do { /* the speeds of the braking, the last one first */
    most += more;
    left -= most;
  } while (((left - most) >= more) && (most < fastest));
  most = bounded(most, 0, fastest);
  s->rate = (int16_t)(s->rate + bounded(bounded(way, most, most) - s->rate, more, more));
  s->depth_q8 += s->rate;
}

/* Rounded down, so that a fraction never lies over a cap. */
static int16_t depth_of(const kneadlab_prog_t *s) {
  return as_signed(((uint32_t)s->depth_q8 >> 8) & 0xFFFFu);
}

static kneadlab_status_t watch(const kneadlab_ctx_t *c, kneadlab_prog_t *s,
                               const kneadlab_inputs_t *in) {
  if (in->stop != 0u) {
    /* A fallback goes on: it is what stopping means. */
    return (c->technique_count > 0u) ? KNEADLAB_E_STOP : KNEADLAB_OK;
  }
  if (c->technique_count > 0u) {
    if (in->ticks > get16(c->limits + L_WATCHDOG)) {
      return KNEADLAB_E_WATCHDOG;
    }
    if (s->session_ticks > ((uint32_t)get16(c->limits) * 100u)) {
      return KNEADLAB_E_SESSION;
    }
  }
  if (s->step_ticks > ((uint32_t)s->row[R_TIMEOUT] * 100u)) {
    return KNEADLAB_E_TIMEOUT;
  }
  return KNEADLAB_OK;
}

/* Whether the carriage has arrived. */
static APART int at_station(const kneadlab_ctx_t *c, const kneadlab_inputs_t *in, uint32_t station) {
  return near16((int32_t)in->station, (int32_t)station, get16(c->limits + L_STATION_TOLERANCE));
}

/* Holding, kneading or rolling: what the machine shall do, and whether it is enough. */
static APART int work(kneadlab_ctx_t *c, kneadlab_prog_t *s, const kneadlab_inputs_t *in,
                uint32_t dwell, kneadlab_cmd_t *out) {
  const uint16_t turns = (uint16_t)(in->cycles - s->cycles_at_start);
  int done;
  s->work_ticks += in->ticks;
  if (end_of(s) == END_ARRIVAL) {
    out->station = s->row[((s->pass & 1u) == 0u) ? R_TO : R_FROM];
    out->press = 0u;
    return at_station(c, in, out->station);
  }
  out->knead = (end_of(s) == END_CYCLES) ? s->row[R_HOLD] : 0u;
  done = (out->knead == 0u) ? (s->work_ticks >= s->row[R_HOLD]) : (turns >= s->row[R_CYCLES]);
  if ((!done) && (s->work_ticks >= (dwell * 10u))) {
    count_up(&c->counts.dwell_limited);
    done = 1;
  }
  return done;
}

/* Where the nodes shall be, and what bounds them there. */
typedef struct {
  kneadlab_depth_t depth;
  int16_t most;
  uint16_t dwell;
} goal_t;

/* Looks the goal up while the nodes touch. */
static kneadlab_status_t aim(kneadlab_ctx_t *c, const kneadlab_prog_t *s,
                             const kneadlab_inputs_t *in, goal_t *goal) {
  kneadlab_status_t status = KNEADLAB_OK;
  if (s->phase >= KNEADLAB_P_APPROACH) {
    /* A carriage that is not where it should be, or rolls, gets the depth and cap of where it is. */
    place_t p;
    uint16_t station = in->station;
    if (at_station(c, in, s->point) &&
        ((end_of(s) != END_ARRIVAL) || (s->phase == KNEADLAB_P_APPROACH))) {
      station = s->point;
    }
    ask(&p, station, technique_of(s), s->body, level_of(c, s, in->trim));
    status = find(c, &p, &goal->depth);
    if (status == KNEADLAB_OK) {
      goal->most = depth_cap(&p);
      goal->dwell = least(p.here[2], p.next[2]);
    }
  }
  return status;
}

/* The nodes may still press: carriage and shaft stay, since either would drag them to where none may press. */
static void stay(const kneadlab_inputs_t *in, kneadlab_cmd_t *out) {
  out->station = in->station;
  out->park = KNEADLAB_SHAFT_STAYS;
}

/* Moves the phase on; 1 where the point is done. */
static int act(kneadlab_ctx_t *c, kneadlab_prog_t *s, const kneadlab_inputs_t *in,
                     const goal_t *goal, kneadlab_cmd_t *out) {
  const int16_t depth = goal->depth.depth;
  int done = 0;
  int arrived;
  out->station = s->point;
  out->speed = s->row[R_SPEED];
  out->park = s->row[R_PARK];
  out->technique = technique_of(s);
  arrived = (depth_of(s) == depth) &&
            near16((int32_t)in->depth, (int32_t)depth, get16(c->limits + L_DEPTH_TOLERANCE));
  switch (s->phase) {
    case KNEADLAB_P_RETRACT:
      stay(in, out);
      s->phase = arrived ? KNEADLAB_P_TRAVEL : KNEADLAB_P_RETRACT;
      break;
    case KNEADLAB_P_TRAVEL:
      if (at_station(c, in, s->point)) {
        s->phase = KNEADLAB_P_APPROACH;
        done = (technique_of(s) == KNEADLAB_NO_TECHNIQUE);
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
      done = work(c, s, in, goal->dwell, out);
      break;
  }
  return done;
}

kneadlab_status_t kneadlab_prog_step(kneadlab_ctx_t *ctx, kneadlab_prog_t *prog,
                                     const kneadlab_inputs_t *in, kneadlab_cmd_t *out) {
  goal_t goal;
  uint32_t tick;
  if ((ctx == 0) || (prog == 0) || (in == 0) || (out == 0) || (ctx->steps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  out->press = (uint8_t)press_of(prog);
  out->knead = 0u;
  out->step = prog->step;
  out->flags = 0u;
  goal.depth.depth = ctx->retracted;
  goal.depth.flags = 0u;
  goal.most = 32767;
  goal.dwell = 0u;
  if (prog->phase < KNEADLAB_P_DONE) {
    kneadlab_status_t status;
    prog->session_ticks += in->ticks;
    prog->step_ticks += in->ticks;
    status = watch(ctx, prog, in);
    if (status == KNEADLAB_OK) {
      status = aim(ctx, prog, in, &goal);
    }
    if (status != KNEADLAB_OK) {
      fail(prog, status);
    }
  }
  for (tick = 0u; (tick < in->ticks) && (tick < 100u); tick++) { /* 100 ticks a call are enough */
    slew(ctx, prog, goal.depth.depth);
  }
  if (prog->depth_q8 > ((int32_t)goal.most * 256)) {
    /* A cap that comes nearer while the carriage moves wins over the speed limit. */
    prog->depth_q8 = (int32_t)goal.most * 256;
    goal.depth.flags |= KNEADLAB_F_CAP_APPLIED;
  }
  if (prog->phase < KNEADLAB_P_DONE) {
    out->flags = goal.depth.flags;
    if (act(ctx, prog, in, &goal, out) && leave_point(prog)) {
      enter_step(ctx, prog, (uint32_t)prog->step + 1u);
    }
  }
  if (prog->phase >= KNEADLAB_P_DONE) {
    stay(in, out);
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

static APART int vector_ok(kneadlab_ctx_t *c, const uint8_t *v) {
  kneadlab_depth_t d;
  place_t p;
  ask(&p, get16(v + 4), v[0], v[1], v[2]);
  return (find(c, &p, &d) == KNEADLAB_OK) && (d.flags == v[3]) && (d.depth == get16s(v + 6)) &&
         (d.force == get16(v + 8)) && (d.current == get16(v + 12)) && (depth_cap(&p) == get16s(v + 14)) &&
         (least(p.here[1], p.next[1]) == get16(v + 16)) &&
         (least(p.here[2], p.next[2]) == get16(v + 18)) &&
         (least(p.here[3], p.next[3]) == get16(v + 20));
}

/* How many vectors fail; the first of them. The counters stay as they were. */
static APART uint16_t run_vectors(kneadlab_ctx_t *c, const uint8_t *row, uint32_t rows,
                                  uint16_t *first) {
  const kneadlab_counts_t saved = c->counts;
  uint16_t bad = 0u;
  uint32_t i;
  for (i = 0u; i < rows; i++) {
    if (!vector_ok(c, row)) {
      if ((bad == 0u) && (first != 0)) {
        *first = (uint16_t)i;
      }
      bad++;
    }
    row += ROW_SIZE;
  }
  c->counts = saved;
  return bad;
}

kneadlab_status_t kneadlab_selftest(kneadlab_ctx_t *ctx, const uint8_t *image, uint32_t size,
                                    uint16_t *count, uint16_t *failed, uint16_t *first) {
  const uint8_t *row;
  uint16_t rows;
  uint16_t bad;
  kneadlab_status_t status;
  if ((ctx == 0) || (ctx->caps == 0)) {
    return KNEADLAB_E_ARGUMENT;
  }
  status = kneadlab_check_image(image, size);
  if (status != KNEADLAB_OK) {
    return status;
  }
  row = find_rows(image, S_VECTORS, &rows);
  if (row == 0) {
    return KNEADLAB_E_SECTION;
  }
  if (first != 0) {
    *first = 0u;
  }
  bad = run_vectors(ctx, row, rows, first);
  if (count != 0) {
    *count = rows;
  }
  if (failed != 0) {
    *failed = bad;
  }
  return (bad == 0u) ? KNEADLAB_OK : KNEADLAB_E_SELFTEST;
}
#endif
