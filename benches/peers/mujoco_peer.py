"""MuJoCo on the scene: soft point contact, one sample a node. Prints JSON. `speed [SECONDS]` or `static`."""

import json
import sys
import time

import mujoco
import numpy as np
from mujoco import rollout

import scene

# At rest F(depth) = K / d_max^2 * depth * d^2 / (1 - d) / w, w the node's inverse weight (1/kg, from the model), d the
# impedance, which rises from d_min to d_max over `width` as (depth / width)^power ("Solver parameters" in MuJoCo's
# documentation; checked against efc_aref and efc_R). K / w, d_min, d_max and width were fitted to the exact curve by
# differential evolution on the logarithm of the force at 2 to 16 mm, 12 mm counted six times; width and d_max ended at the
# bounds set, 60 mm and 0.3. The direct form of solref takes stiffness per kg of effective mass, so K is set from w once the
# model is compiled: a fit on one node alone gave 47 N instead of 40 on the carriage.
STIFFNESS_N_M = 24354.0
DAMPING_N_S_M = 18.0
SOLIMP = (0.05626, 0.3, 0.06, 0.9999, 1.0)  # d_min, d_max, width in m, midpoint, power


def model(step_s, with_carriage=True):
    """The whole scene, or one node on its slide alone."""
    contact = f'solimp="{" ".join(map(str, SOLIMP))}" friction="{scene.FRICTION} 0 0" priority="1"'
    node = f"""
      <joint name="slide{{i}}" type="slide" axis="0 0 1" stiffness="{{stiffness}}" damping="{scene.SPRING_DAMPING_N_S_M}"
             springref="{-scene.SPRING_PRELOAD_M}"/>
      <geom name="node{{i}}" type="sphere" size="{scene.RADIUS_M}" mass="{scene.NODE_KG}" {contact}/>
      <site name="site{{i}}" type="sphere" size="{scene.RADIUS_M}"/>"""
    # Zero of a slide: its node 12 mm deep.
    height_m = scene.RADIUS_M - scene.DEPTH_M
    if with_carriage:
        cranks = "".join(
            f"""
    <body pos="{x} {y} {height_m}">
      <joint name="crank{i}" type="hinge" axis="0 0 1"/>
      <inertial pos="0 0 0" mass="0.1" diaginertia="1e-4 1e-4 1e-4"/>
      <body pos="{scene.CRANK_M} 0 0">{node.format(i=i, stiffness=scene.SPRING_N_M)}</body>
    </body>"""
            for i, (x, y) in enumerate(scene.NODES_M)
        )
        world = f"""<body>
      <joint name="carriage" type="slide" axis="0 1 0"/>
      <inertial pos="0 0 0" mass="7" diaginertia="0.1 0.1 0.1"/>{cranks}</body>"""
        servos = '<position joint="carriage" kp="2e4" kv="800"/>' + "".join(
            f'<position joint="crank{i}" kp="20" kv="0.4"/>' for i in range(4)
        )
        sensors = "".join(f'<touch site="site{i}"/>' for i in range(4))
    else:
        world = f'<body pos="0 0 {height_m}">{node.format(i=0, stiffness=0)}</body>'
        servos = '<motor joint="slide0"/>'
        sensors = '<touch site="site0"/>'
    across_m, along_m, thick_m = scene.SLAB_M
    # Elliptic cone: with the pyramidal one the normal is far stiffer at low friction.
    m = mujoco.MjModel.from_xml_string(f"""
<mujoco>
  <option timestep="{step_s}" gravity="0 0 0" integrator="implicitfast" cone="elliptic"/>
  <worldbody>
    <geom type="box" size="{across_m / 2} {along_m / 2} {thick_m / 2}" pos="0 0 {-thick_m / 2}"/>
    {world}
  </worldbody>
  <actuator>{servos}</actuator>
  <sensor>{sensors}</sensor>
</mujoco>""")
    for geom in range(m.ngeom):
        per_kg = m.body_invweight0[m.geom_bodyid[geom], 0]
        if per_kg > 0.0:
            m.geom_solref[geom] = [-STIFFNESS_N_M * per_kg, -DAMPING_N_S_M * per_kg]
    return m


def start(m):
    """State with the carriage at its first place and all slides at zero, as one row."""
    data = mujoco.MjData(m)
    if m.nv > 1:
        data.qpos[0] = scene.motion(0.0)[0]
    state = np.empty(mujoco.mj_stateSize(m, mujoco.mjtState.mjSTATE_FULLPHYSICS))
    mujoco.mj_getState(m, data, state, mujoco.mjtState.mjSTATE_FULLPHYSICS)
    return data, state[None]


def speed(seconds, step_s=scene.STEP_S):
    """Open loop in C: no Python between steps."""
    m = model(step_s)
    data, state = start(m)
    steps = round(seconds / step_s)
    targets = [scene.motion(i * step_s) for i in range(steps)]
    control = np.array([[place] + [angle] * 4 for place, angle in targets])
    begin, begin_cpu = time.perf_counter(), time.process_time()
    _, forces = rollout.rollout(m, data, state, control)
    wall_s, cpu_s = time.perf_counter() - begin, time.process_time() - begin_cpu
    forces = forces[0, steps // 10 :]
    return {
        "peer": f"MuJoCo {mujoco.__version__}, soft point contact",
        "step_ms": 1e3 * step_s,
        "simulated_s": steps * step_s,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "samples_per_patch": 1.0,
        "pressure_map": False,
        "nodes_touching": float((forces > 0).sum(axis=1).mean()),
        "mean_force_n": float(forces.mean()),
    }


def static():
    """Depth under a steady load, for loads that bracket the exact curve; force at whole depths by interpolation."""
    loads_n = np.linspace(0.2, 90.0, 120)
    depths_m = []
    m = model(scene.STEP_S, with_carriage=False)
    for load_n in loads_n:
        data, state = start(m)
        states, _ = rollout.rollout(m, data, state, np.full((1500, 1), -load_n))
        depths_m.append(scene.DEPTH_M - states[0, -1, 1])
    forces = {d: float(np.interp(d * 1e-3, depths_m, loads_n)) for d in scene.EXACT_N}
    return {"peer": f"MuJoCo {mujoco.__version__}, soft point contact", "force_n": forces}


if __name__ == "__main__":
    what = sys.argv[1]
    print(json.dumps(static() if what == "static" else speed(float(sys.argv[2]))))
