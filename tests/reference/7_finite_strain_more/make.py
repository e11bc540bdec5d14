#!/usr/bin/env python3
"""Draws stacks and spheres at random and solves those that cases.json names: writes it and force_depth.csv anew.

Needs numpy and scipy; some ten seconds a case. `make.py --check DIR` solves set 3 (its folder) and prints the difference. `make.py --beyond` writes
beyond.csv.
"""
import csv
import json
import pathlib
import sys

import numpy as np

import axisym

HERE = pathlib.Path(__file__).parent
COLUMNS = "case,R_[mm],thickness_[mm],depth_[mm],force_[N],a_contact_[mm],p_center_[kPa],p_max_[kPa]"


def draw(number):
    """A case and its depths: skin, fat and muscle, or one, two or four layers; radius 6 to 50 mm; alpha 2 to 22."""
    g = np.random.default_rng(1000 + number)
    spread = lambda low, high: float(np.exp(g.uniform(np.log(low), np.log(high))))
    kind = g.random()
    nu = 0.49 if g.random() < 0.5 else float(g.choice([0.45, 0.47, 0.48, 0.495]))
    if kind < 0.62:
        heights, moduli = [spread(1, 4), spread(2, 22), spread(6, 45)], [spread(60, 350), spread(4, 30), spread(10, 100)]
    elif kind < 0.82:
        heights, moduli = [spread(10, 60)], [30.0]
    elif kind < 0.92:
        heights, moduli = [spread(2, 15), spread(8, 40)], [spread(8, 150), spread(8, 80)]
    else:
        heights = [spread(1, 3), spread(3, 12), spread(4, 12), spread(5, 25)]
        moduli = [spread(60, 300), spread(4, 30), spread(15, 100), spread(8, 60)]
    law = g.random()
    if law < 0.3:
        alphas = [2.0] * len(heights)
    elif law < 0.7:
        alphas = [float(np.round(g.uniform(3, 14), 1))] * len(heights)
    else:
        alphas = [float(np.round(spread(2.5, 22), 1)) for _ in heights]
    thickness = sum(heights)
    radius = float(np.clip(spread(6, 50), 0.12 * thickness, 50))
    layers = []
    for i, (h, e, a) in enumerate(zip(heights, moduli, alphas)):
        layer = {"name": f"l{i}", "h_mm": round(h, 2), "E_kPa": round(e, 1), "nu": nu}
        layers.append(layer | ({"model": "neo-hookean"} if a == 2.0 else {"model": "ogden", "alpha": a}))
    thickness = sum(l["h_mm"] for l in layers)
    shares = [f for f in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4) if f * thickness <= radius]
    case = {"R_mm": round(radius, 2), "thickness_mm": round(thickness, 2), "layers": layers,
            "depth_max_mm": shares[-1] * thickness}
    return case, [round(f * thickness, 3) for f in shares]


def write(numbers):
    cases, lines = {}, [COLUMNS]
    for number in numbers:
        case, depths = draw(number)
        name = f"g{number:03d}"
        for depth, found in axisym.Model(case, 0.5).run(depths):
            lines.append(f"{name},{case['R_mm']:g},{case['thickness_mm']:g},{depth:g},{found['force_N']:.6g},"
                         f"{found['a_mm']:.5g},{found['p_center_kPa']:.5g},{found['p_max_kPa']:.5g}")
        cases[name] = {k: v for k, v in case.items() if k != "depth_max_mm"}
    body = ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in cases.items())
    (HERE / "cases.json").write_text("{\n" + body + "\n}\n")
    (HERE / "force_depth.csv").write_text("\n".join(lines) + "\n")


def beyond():
    """Every third case again, deeper than the rest: to 0.7 of the thickness and two radii, as far as Newton's method goes."""
    lines = [COLUMNS]
    for name, case in list(json.loads((HERE / "cases.json").read_text()).items())[::3]:
        thickness, radius = case["thickness_mm"], case["R_mm"]
        end = min(0.7 * thickness, 2 * radius)
        steps = [0.05 * i * thickness for i in range(1, 15) if 0.05 * i * thickness <= end + 1e-9]
        for depth, found in axisym.Model(case | {"depth_max_mm": steps[-1]}, 0.5).run([round(s, 3) for s in steps]):
            if depth > 0.41 * thickness or depth > radius:
                lines.append(f"{name},{radius:g},{thickness:g},{depth:g},{found['force_N']:.6g},"
                             f"{found['a_mm']:.5g},{found['p_center_kPa']:.5g},{found['p_max_kPa']:.5g}")
        print(name, len(lines), flush=True)
    (HERE / "beyond.csv").write_text("\n".join(lines) + "\n")


def check(folder):
    cases = json.loads((folder / "cases.json").read_text())
    rows = list(csv.DictReader(open(folder / "force_depth.csv")))
    for name, case in cases.items():
        mine = [r for r in rows if r["case"] == name][::4]
        found = axisym.Model(case).run([float(r["depth_[mm]"]) for r in mine])
        worst = max(abs(f["force_N"] / float(r["force_[N]"]) - 1) for r, (_, f) in zip(mine, found))
        print(f"{name}: force within {100 * worst:.2f} % on {len(found)} depths", flush=True)


if __name__ == "__main__":
    np.seterr(all="ignore")
    if sys.argv[1:2] == ["--check"]:
        check(pathlib.Path(sys.argv[2]))
    elif sys.argv[1:] == ["--beyond"]:
        beyond()
    else:
        write([int(name[1:]) for name in json.loads((HERE / "cases.json").read_text())])
