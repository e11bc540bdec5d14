/*
 * kneadlab_rt.h: runtime for exported massage tables. Version 5.
 *
 * C99. No malloc, no float, no 64-bit integer, no recursion, no global variable.
 * Every call does a bounded amount of work. Data is read byte by byte, so an image may lie
 * at any address and on a processor of any byte order.
 *
 * Units are fixed: depth 0.01 mm (int16_t), force 0.01 N, current 1 mA, dwell 0.1 s,
 * tap rate 0.01 Hz, angle 0.01 degree, carriage speed 0.1 mm/s, time in ticks of 10 ms.
 * A station is counted along the back in 1/2048 of the distance between two table columns:
 * column i is exactly i * 2048. A level is 1 (gentlest) .. levels.
 *
 * Engineering envelope; needs clinical review; not medical advice.
 */
#ifndef KNEADLAB_RT_H
#define KNEADLAB_RT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KNEADLAB_RT_VERSION 5u
#define KNEADLAB_LAYOUT_HASH 0x3CD2D181u
#define KNEADLAB_STATION_ONE 2048u /* station units from one column to the next */
#define KNEADLAB_TICK_MS 10u
#define KNEADLAB_CLASS_UNKNOWN 255u /* takes the strictest row */
#define KNEADLAB_NO_TECHNIQUE 255u

/* Where the images go. For example: -D'KNEADLAB_SECTION=__attribute__((section(".tables")))' */
#ifndef KNEADLAB_SECTION
#define KNEADLAB_SECTION
#endif

/* Status codes. Everything but KNEADLAB_OK means: run the fallback. */
typedef uint8_t kneadlab_status_t;
#define KNEADLAB_OK 0u
#define KNEADLAB_E_ARGUMENT 1u    /* null pointer, or a table that was not opened */
#define KNEADLAB_E_CRC_ENGINE 2u  /* the CRC routine fails its known answer */
#define KNEADLAB_E_SHORT 3u       /* fewer bytes than a header */
#define KNEADLAB_E_MAGIC 4u
#define KNEADLAB_E_VERSION 5u     /* format version, or the image needs a newer runtime */
#define KNEADLAB_E_LAYOUT 6u      /* layout hash of another runtime */
#define KNEADLAB_E_SIZE 7u        /* header size, total size */
#define KNEADLAB_E_CRC 8u         /* CRC of the image */
#define KNEADLAB_E_SECTION 9u     /* a section is missing, twice there, misplaced or of a wrong size */
#define KNEADLAB_E_SECTION_CRC 10u
#define KNEADLAB_E_RECORD 11u     /* a part's check word */
#define KNEADLAB_E_META 12u       /* counts or axis */
#define KNEADLAB_E_LIMITS 13u
#define KNEADLAB_E_CAPS 14u
#define KNEADLAB_E_CLASSES 15u
#define KNEADLAB_E_MAP 16u        /* a depth, force or flag outside its bounds */
#define KNEADLAB_E_STEPS 17u
#define KNEADLAB_E_MISMATCH 18u   /* images of two different exports */
#define KNEADLAB_E_TECHNIQUE 19u  /* no such technique */
#define KNEADLAB_E_CONDITION 20u  /* the programme forbids, or lacks, a condition */
#define KNEADLAB_E_STOP 21u       /* the user pressed stop */
#define KNEADLAB_E_WATCHDOG 22u   /* too long between two calls */
#define KNEADLAB_E_SESSION 23u    /* session limit */
#define KNEADLAB_E_TIMEOUT 24u    /* a step did not end */
#define KNEADLAB_E_SELFTEST 25u
#define KNEADLAB_E_CHANNEL 26u   /* no such channel, or a knot outside its bounds */

/* Flags of a lookup. */
#define KNEADLAB_F_CAP_LIMITED 1u /* tuned: the band was moved down to the cap */
#define KNEADLAB_F_INFEASIBLE 2u  /* tuned: no safe depth here; retracted */
#define KNEADLAB_F_CAP_APPLIED 4u /* the runtime cut the value to the cap */
#define KNEADLAB_F_STATION 8u     /* station beyond the table: end column used */
#define KNEADLAB_F_CLASS 16u      /* unknown body class: strictest row used */
#define KNEADLAB_F_LEVEL 32u      /* level out of range: level 1 used */

/* How often each thing happened; the counters stop at 65535 and do not wrap. */
typedef struct {
  uint16_t station_clamped;
  uint16_t class_unknown;
  uint16_t level_clamped;
  uint16_t cap_applied;
  uint16_t dwell_limited;
  uint16_t refused;
} kneadlab_counts_t;

/* An opened set of tables. The members are the runtime's own, except `counts`. */
typedef struct {
  kneadlab_counts_t counts;
  uint16_t step_count;
  int16_t from_q14;
  uint16_t span_q14;
  int16_t retracted;
  uint8_t technique_count;
  uint8_t class_count;
  uint8_t station_count;
  uint8_t level_count;
  const uint8_t *maps[4]; /* depth, flags, force, current */
  const uint8_t *caps;
  const uint8_t *classes;
  const uint8_t *limits;
  const uint8_t *steps;
} kneadlab_ctx_t;

typedef struct {
  int16_t depth;    /* 0.01 mm, capped */
  uint16_t force;   /* expected node force, 0.01 N */
  uint16_t current; /* expected protrusion motor current, mA */
  uint8_t flags;    /* KNEADLAB_F_... */
} kneadlab_depth_t;

typedef struct {
  int16_t depth;  /* 0.01 mm */
  uint16_t force; /* 0.01 N */
  uint16_t dwell; /* 0.1 s */
  uint16_t tap;   /* 0.01 Hz */
  uint8_t flags;
} kneadlab_cap_t;

/* A park of this: the kneading shaft stops where it is, since the nodes may still press. */
#define KNEADLAB_SHAFT_STAYS 0xFFFFu

/* Phases of a step. */
#define KNEADLAB_P_RETRACT 0u
#define KNEADLAB_P_TRAVEL 1u
#define KNEADLAB_P_APPROACH 2u
#define KNEADLAB_P_WORK 3u
#define KNEADLAB_P_DONE 4u
#define KNEADLAB_P_FAULT 5u

typedef struct {
  uint16_t ticks;   /* since the last call; at least 1 */
  uint16_t station; /* where the carriage is */
  int16_t depth;    /* where the protrusion is; without an encoder: the last command */
  uint16_t cycles;  /* kneading turns, free running counter */
  int8_t trim;      /* user strength: added to the step's level */
  uint8_t stop;     /* not 0: the user wants to stop */
} kneadlab_inputs_t;

typedef struct {
  uint16_t station; /* go there */
  int16_t depth;    /* protrude to here, 0.01 mm; already limited in speed and acceleration */
  uint16_t speed;   /* carriage speed, 0.1 mm/s */
  uint16_t park;    /* while it does not knead: turn the kneading shaft there, 0.01 degree; or KNEADLAB_SHAFT_STAYS */
  uint16_t step;    /* row of the programme */
  uint16_t knead;   /* speed of the kneading shaft, 0.01 turns a minute; 0: it does not turn */
  uint8_t technique;
  uint8_t press;    /* the slide itself comes out no faster, 0.125 mm/s; 0: as fast as it can, to follow a rolled back */
  uint8_t phase;    /* KNEADLAB_P_... */
  uint8_t flags;    /* of the lookup behind `depth` */
} kneadlab_cmd_t;

typedef struct {
  int32_t depth_q8; /* commanded depth, 1/256 of 0.01 mm */
  uint32_t session_ticks;
  uint32_t step_ticks;
  uint32_t work_ticks;
  uint16_t step;
  uint16_t point;
  uint16_t pass;
  uint16_t cycles_at_start;
  uint8_t phase;
  uint8_t body;
  uint8_t fault;
  int16_t rate;     /* of the commanded depth, 1/256 of 0.01 mm a tick */
  uint16_t row[11]; /* the row that runs, as it lies in the image */
} kneadlab_prog_t;

/*
 * Checks everything and fills `ctx`. `tables` holds maps and programme, `caps` holds caps and
 * limits. A single image that holds both, such as the .bin, is given twice.
 */
kneadlab_status_t kneadlab_open(kneadlab_ctx_t *ctx, const uint8_t *tables, uint32_t tables_size,
                                const uint8_t *caps, uint32_t caps_size);

/* The same for the compiled-in fallback, which needs no map: it only retracts and travels. */
kneadlab_status_t kneadlab_open_fallback(kneadlab_ctx_t *ctx, const uint8_t *image, uint32_t size);

/* Depth and what to expect there. The caps are applied last. On an error: retracted. */
kneadlab_status_t kneadlab_depth(kneadlab_ctx_t *ctx, uint8_t technique, uint8_t body,
                                 uint16_t station, uint8_t level, kneadlab_depth_t *out);

/* The smaller cap of the two columns around a station; never interpolated. */
kneadlab_status_t kneadlab_cap(kneadlab_ctx_t *ctx, uint8_t body, uint16_t station,
                               kneadlab_cap_t *out);

/* Body class from the body scan; KNEADLAB_CLASS_UNKNOWN where no class matches. */
uint8_t kneadlab_class(const kneadlab_ctx_t *ctx, uint16_t stature_mm, uint16_t bmi_x100);

/* Station from u (0 = C7, 1 = S2) in Q14; ends are clamped. */
uint16_t kneadlab_station(const kneadlab_ctx_t *ctx, int16_t u_q14);

/* Starts the programme of `ctx`. `conditions`: what the user declared, one bit each. */
kneadlab_status_t kneadlab_prog_start(kneadlab_ctx_t *ctx, kneadlab_prog_t *prog, uint8_t body,
                                      uint32_t conditions, int16_t depth_now);

/* Call every tick. Never blocks. On an error `out` retracts: start the fallback. */
kneadlab_status_t kneadlab_prog_step(kneadlab_ctx_t *ctx, kneadlab_prog_t *prog,
                                     const kneadlab_inputs_t *in, kneadlab_cmd_t *out);

/* Every check that does not ask for meaning: header, CRCs, directory, the check words of all parts. */
kneadlab_status_t kneadlab_check_image(const uint8_t *image, uint32_t size);

/* A section of a checked image, and its size; null where there is none. */
const uint8_t *kneadlab_section(const uint8_t *image, uint16_t kind, uint32_t *size);

/* CRC-32 as zlib computes it. */
uint32_t kneadlab_crc32(const uint8_t *data, uint32_t size);

/* Compile with KNEADLAB_NO_SELFTEST to leave this out. */
#ifndef KNEADLAB_NO_SELFTEST
/* Runs the vectors of `image`. `failed`: how many; `first`: index of the first. May be null. */
kneadlab_status_t kneadlab_selftest(kneadlab_ctx_t *ctx, const uint8_t *image, uint32_t size,
                                    uint16_t *count, uint16_t *failed, uint16_t *first);
#endif

#ifdef __cplusplus
}
#endif
#endif
