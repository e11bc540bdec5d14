"""This program on the scene. Prints JSON. `PROGRAM speed [--set PATH=VALUE ...]` or `PROGRAM static`."""

import csv
import io
import json
import pathlib
import subprocess
import sys

import scene

SCENES = pathlib.Path(__file__).resolve().parents[2] / "scenes"


def speed(program, sets):
    out = json.loads(told(program, ["speed", SCENES / "checks/peer_slab.toml", "--json", *sets]))
    return {
        "peer": name(program, sets),
        "step_ms": 2.0,
        "simulated_s": out["simulated_s"],
        "wall_s": out["wall_s"],
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


def told(program, arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{program} {' '.join(map(str, arguments))}\nended with {done.returncode}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    program, what = sys.argv[1:3]
    print(json.dumps(static(program) if what == "static" else speed(program, sys.argv[3:])))
