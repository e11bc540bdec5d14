"""The work that every simulator gets: the numbers of scenes/checks/peer_slab.toml. Lengths in m, forces in N, SI throughout.

Four rigid spheres on a flat slab of tissue bonded to the ground. A carriage takes them along y; each stands on a crank
that turns about z; a preloaded spring presses it into the slab, which lies under z = 0. Nine degrees of freedom.
"""

import math

RADIUS_M = 0.025
NODE_KG = 0.3
SLAB_M = (0.40, 0.60, 0.04)  # across, along, thick
NODES_M = ((-0.06, -0.05), (-0.06, 0.05), (0.06, -0.05), (0.06, 0.05))  # crank centres on the carriage

DEPTH_M = 0.012  # at which each contact law is tuned to
FORCE_N = 40.0
SPRING_N_M = 2000.0
SPRING_DAMPING_N_S_M = 20.0
# The spring's free end hangs so far below a node's place at 12 mm that it presses with 40 N there.
SPRING_PRELOAD_M = FORCE_N / SPRING_N_M

TRAVEL_M = 0.30
TRAVEL_S = 3.0
RAMP_S = 0.25  # of the travel, at either end
CRANK_M = 0.015
CRANK_HZ = 1.0

FRICTION = 0.05
STEP_S = 0.002

# A frictionless sphere of 25 mm on a bonded layer of 40 mm, E 40 kPa, nu 0.45, small strain: exact force, N, at depths,
# mm. Force goes with the modulus; the slab here has 72.5 kPa.
EXACT_40_KPA_N = {2: 1.15, 4: 3.53, 6: 6.90, 8: 11.16, 10: 16.24, 12: 22.07, 14: 28.58, 16: 35.70}
E_KPA = 72.5
EXACT_N = {depth_mm: force_n * E_KPA / 40.0 for depth_mm, force_n in EXACT_40_KPA_N.items()}


def motion(t_s):
    """Carriage place, m, and crank angle, rad, at a time: 3 s of travel with the cranks parked, 3 s of circles on the
    spot, over and over, to and fro. Kneadlab's session does all travels first."""
    period, in_period_s = divmod(t_s, 2.0 * TRAVEL_S)
    forward = period % 2 == 0
    travelled_m = _trapezoid(min(in_period_s, TRAVEL_S))
    place_m = travelled_m if forward else TRAVEL_M - travelled_m
    turns = CRANK_HZ * (period * TRAVEL_S + max(0.0, in_period_s - TRAVEL_S))
    return place_m - 0.5 * TRAVEL_M, 2.0 * math.pi * turns


def _trapezoid(t_s):
    """Way after a time, speeding up and slowing down evenly."""
    top_m_s = TRAVEL_M / (TRAVEL_S - RAMP_S)
    if t_s < RAMP_S:
        return 0.5 * top_m_s * t_s * t_s / RAMP_S
    if t_s < TRAVEL_S - RAMP_S:
        return top_m_s * (t_s - 0.5 * RAMP_S)
    left_s = TRAVEL_S - t_s
    return TRAVEL_M - 0.5 * top_m_s * left_s * left_s / RAMP_S
