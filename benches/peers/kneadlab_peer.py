"""This program on the scene. Prints JSON. `PROGRAM speed [--set PATH=VALUE ...]` or `PROGRAM static`."""

import csv
import io
import json
import os
import pathlib
import subprocess
import sys
import time

import scene

SCENES = pathlib.Path(__file__).resolve().parents[2] / "scenes"


def speed(program, sets):
    before, start = children_cpu_s(), time.perf_counter()
    out = json.loads(told(program, ["speed", SCENES / "checks/peer_slab.toml", "--json", *sets]))
    # The program times its steps by the clock on the wall. It is busy all the time on one thread, so the processor's share of
    # the whole process is that of the steps; where children's times are unknown (Windows), the clock stands.
    share = (children_cpu_s() - before) / (time.perf_counter() - start) or 1.0
    return {
        "peer": name(program, sets),
        "step_ms": 1e3 * out["simulated_s"] / out["steps"],
        "simulated_s": out["simulated_s"],
        "wall_s": out["wall_s"],
        "cpu_s": out["wall_s"] * min(share, 1.0),
        "samples_per_patch": out["cells_per_patch"],
        "pressure_map": True,
        "nodes_touching": out["nodes_touching"],
        "mean_force_n": None,
    }


def static(program):
    depths = ",".join(str(d) for d in scene.EXACT_N)
    stack = SCENES / "stacks/peer_slab.toml"
    node = f"sphere:{1e3 * scene.RADIUS_M:g}"
    rows = csv.DictReader(
        io.StringIO(told(program, ["indent", stack, "--node", node, "--depth-mm", depths, "--cell-mm", "2"]))
    )
    forces = {d: float(row["force_n"]) for d, row in zip(scene.EXACT_N, rows, strict=True)}
    return {"peer": name(program, []), "force_n": forces}


def name(program, sets):
    text = f"{told(program, ['--version']).strip()}, 2 mm cells"
    return text + "".join(f", {s}" for s in sets if s != "--set")


def children_cpu_s():
    times = os.times()
    return times.children_user + times.children_system


def told(program, arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{program} {' '.join(map(str, arguments))}\nended with {done.returncode}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    program, what = sys.argv[1:3]
    print(json.dumps(static(program) if what == "static" else speed(program, sys.argv[3:])))
