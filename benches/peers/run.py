#!/usr/bin/env python3
"""The same scene in Kneadlab, MuJoCo and Drake, one after the other in rounds: speed, samples a patch, static force.

Needs Python 3.11 or newer, a built `kneadlab`, and at the first call a network: MuJoCo and Drake go into a virtual
environment in benches/peers/.venv. Tables to stdout, talk to stderr, everything measured to `--json FILE`.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

import scene

HERE = pathlib.Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def main():
    arguments = parse()
    program = arguments.kneadlab or built()
    make_environment()
    contenders = commands(program)
    result = {
        "load_average": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "rounds": [],
        "static": [],
    }
    if not arguments.speed_only:
        result["static"] = [ask(command["static"]) for command in contenders if "static" in command]
        print_static(result["static"])
    for number in range(arguments.rounds):
        say(f"round {number + 1} of {arguments.rounds}")
        result["rounds"].append([ask(command["speed"]) for command in contenders])
    if result["rounds"]:
        result["speed"] = medians(result["rounds"])
        print_speed(result["speed"])
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="of the speed measurement; 0: static force alone")
    parser.add_argument("--speed-only", action="store_true", help="no static force")
    parser.add_argument("--kneadlab", help="the program; default: what `cargo build --release -p kneadlab` makes")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="everything measured, round by round")
    return parser.parse_args()


def commands(program):
    """Who takes part, in the order of a round. Slow ones get one period of the scene, 6 s; Kneadlab its whole session."""
    own = [sys.executable, HERE / "kneadlab_peer.py", program]
    mujoco = [PYTHON, HERE / "mujoco_peer.py"]
    drake = [PYTHON, HERE / "drake_peer.py"]
    return [
        {"speed": [*own, "speed"], "static": [*own, "static"]},
        {"speed": [*own, "speed", "--set", "solver.dt_ms=2", "--set", "solver.patch_every=1"]},
        {"speed": [*mujoco, "speed", "24"], "static": [*mujoco, "static"]},
        {"speed": [*drake, "point", "speed", "6"], "static": [*drake, "point", "static"]},
        {"speed": [*drake, "mesh10", "speed", "6"], "static": [*drake, "mesh10", "static"]},
        {"speed": [*drake, "mesh5", "speed", "6"], "static": [*drake, "mesh5", "static"]},
    ]


def ask(command):
    """Runs one contender in a process of its own and reads what it prints."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env={**os.environ, **ONE_THREAD}
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(str(part) for part in command)}\nended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def medians(rounds):
    """One row a contender. Factors are simulated seconds per second of processor time. A ratio is taken within its round,
    where the machine was the same, and then its median."""
    rows = []
    for place, first in enumerate(rounds[0]):
        tries = [one[place] for one in rounds]
        factors = [t["simulated_s"] / t["cpu_s"] for t in tries]
        ratios = [
            one[0]["simulated_s"] / one[0]["cpu_s"] / factor for one, factor in zip(rounds, factors, strict=True)
        ]
        rows.append(
            {
                **{key: first[key] for key in ("peer", "step_ms", "samples_per_patch", "pressure_map")},
                "nodes_touching": first["nodes_touching"],
                "mean_force_n": first["mean_force_n"],
                "real_time_factor": statistics.median(factors),
                "real_time_factors": factors,
                "kneadlab_times_as_fast": statistics.median(ratios),
            }
        )
    return rows


def print_speed(rows):
    print("\n| simulator | x real time | lowest to highest | samples a patch | pressure map | Kneadlab is x as fast |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        spread = f"{min(row['real_time_factors']):.3g} to {max(row['real_time_factors']):.3g}"
        print(
            f"| {row['peer']} | {row['real_time_factor']:.3g} | {spread} | {row['samples_per_patch']:.0f} "
            f"| {'yes' if row['pressure_map'] else 'no'} | {row['kneadlab_times_as_fast']:.3g} |"
        )


def print_static(rows):
    depths = list(scene.EXACT_N)
    print("\nStatic force [N] and its error [%]")
    print(f"\n| depth mm | {' | '.join(map(str, depths))} |")
    print("|---" * (len(depths) + 1) + "|")
    print(f"| exact | {' | '.join(f'{scene.EXACT_N[d]:.2f}' for d in depths)} |")
    for row in rows:
        cells = []
        for depth in depths:
            # JSON has text for keys.
            force_n = row["force_n"][str(depth)]
            off_percent = round(100 * (force_n / scene.EXACT_N[depth] - 1))
            cells.append(f"{force_n:.2f} ({off_percent:+d})")
        print(f"| {row['peer']} | {' | '.join(cells)} |")
    sys.stdout.flush()


def built():
    """The program as cargo leaves it."""
    root = HERE.parents[1]
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    program = target / "release" / ("kneadlab.exe" if os.name == "nt" else "kneadlab")
    if not program.is_file():
        sys.exit(f"there is no {program}\nhint: cargo build --release -p kneadlab, or --kneadlab PROGRAM")
    return program


def make_environment():
    """Both peers in a folder of their own; made once, and again when requirements.txt changes."""
    if sys.version_info < (3, 11):
        sys.exit(f"this is Python {sys.version.split()[0]}; MuJoCo and Drake need 3.11 or newer")
    wanted = HERE / "requirements.txt"
    made_from = VENV / "requirements.txt"
    if made_from.is_file() and made_from.read_text() == wanted.read_text():
        return
    say(f"making {VENV} with {', '.join(wanted.read_text().split())}")
    steps = [
        ([sys.executable, "-m", "venv", VENV], "Python's venv module is missing; on Debian it is python3-venv"),
        (
            [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted],
            "MuJoCo and Drake come from PyPI: is there a network, and a wheel for this Python and machine? "
            f"Else install them into {VENV} by hand and copy requirements.txt into it",
        ),
    ]
    for command, hint in steps:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(str(part) for part in command)}\n{done.stdout}{done.stderr}hint: {hint}")
    made_from.write_text(wanted.read_text())


def say(line):
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
