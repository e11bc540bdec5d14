#!/usr/bin/env python3
"""Rigid sphere on a bonded hyperelastic stack at finite strain: axisymmetric finite elements.

Nine-node quadrilaterals for displacement, a linear pressure per element that may jump (perturbed Lagrangian, condensed
in the element), full Newton with the exact tangent, penalty contact at the Gauss points of the surface against the true
distance to the sphere. Energies: W = 2 mu / alpha^2 (sum lbar_i^alpha - 3) + K/2 (J - 1)^2 (Ogden), alpha = 2 being
neo-Hookean; mu = E / 2 / (1 + nu), K = E / 3 / (1 - 2 nu). Units: mm, N, MPa inside; kPa in the cases.
"""
import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl

G3 = np.array([-np.sqrt(0.6), 0.0, np.sqrt(0.6)])
W3 = np.array([5, 8, 5]) / 9.0
G5, W5 = np.polynomial.legendre.leggauss(5)


def quadratic(x):
    """Three Lagrange polynomials on -1, 0, 1 and their slopes."""
    value = np.stack([0.5 * x * (x - 1), 1 - x * x, 0.5 * x * (x + 1)], -1)
    slope = np.stack([x - 0.5, -2 * x, x + 0.5], -1)
    return value, slope


def isochoric(f, mu, alpha):
    """Energy per reference volume, its gradient (..., 5) and Hessian (..., 5, 5) in f = (F_rr, F_rz, F_zr, F_zz, F_tt)."""
    a, b, c, d, h = np.moveaxis(f, -1, 0)
    zero = np.zeros_like(a)
    area = a * d - b * c
    vol = area * h
    d_area = np.stack([d, -c, -b, a, zero], -1)
    dd_area = np.zeros((5, 5))
    dd_area[0, 3] = dd_area[3, 0] = 1
    dd_area[1, 2] = dd_area[2, 1] = -1
    e_h = np.array([0, 0, 0, 0, 1.0])
    d_vol = d_area * h[..., None] + area[..., None] * e_h
    dd_vol = dd_area * h[..., None, None] + outer(d_area, e_h) + outer(e_h, d_area)
    m = 0.5 * (a * a + b * b + c * c + d * d)
    q = np.maximum(m * m - area * area, 0)
    d_m = np.stack([a, b, c, d, zero], -1)
    dd_m = np.diag([1.0, 1, 1, 1, 0])
    d_q = 2 * m[..., None] * d_m - 2 * area[..., None] * d_area
    dd_q = (2 * outer(d_m, d_m) + 2 * m[..., None, None] * dd_m - 2 * outer(d_area, d_area)
            - 2 * area[..., None, None] * dd_area)
    g, gm, gq, gmm, gmq, gqq = pair_power(m, q, 0.5 * alpha)
    total = g + h ** alpha
    d_total = gm[..., None] * d_m + gq[..., None] * d_q + (alpha * h ** (alpha - 1))[..., None] * e_h
    cross = outer(d_m, d_q)
    dd_total = (mat(gmm) * outer(d_m, d_m) + mat(gmq) * (cross + np.swapaxes(cross, -1, -2)) + mat(gqq) * outer(d_q, d_q)
                + mat(gm) * dd_m + mat(gq) * dd_q + mat(alpha * (alpha - 1) * h ** (alpha - 2)) * np.outer(e_h, e_h))
    gamma, k = alpha / 3, 2 * mu / alpha ** 2
    j = vol ** -gamma
    energy = k * (j * total - 3)
    grad = (k * j)[..., None] * (d_total - (gamma * total / vol)[..., None] * d_vol)
    mixed = outer(d_total, d_vol)
    hess = mat(k * j) * (dd_total - mat(gamma / vol) * (mixed + np.swapaxes(mixed, -1, -2))
                         + mat(gamma * (gamma + 1) * total / vol ** 2) * outer(d_vol, d_vol) - mat(gamma * total / vol) * dd_vol)
    return energy, grad, hess, vol, d_vol, dd_vol


def outer(a, b):
    return a[..., :, None] * b[..., None, :]


def mat(a):
    return np.asarray(a)[..., None, None]


def pair_power(m, q, n):
    """(m + sqrt q)^n + (m - sqrt q)^n with first and second derivatives; a series where the roots meet."""
    t = q / (m * m)
    near = t < 1e-4
    s = np.sqrt(np.where(near, m * m, q))
    x, y = m + s, np.maximum(m - s, 1e-12)
    p = [x ** (n - i) for i in range(3)]
    r = [y ** (n - i) for i in range(3)]
    g = p[0] + r[0]
    gm = n * (p[1] + r[1])
    gmm = n * (n - 1) * (p[2] + r[2])
    gq = n * (p[1] - r[1]) / (2 * s)
    gmq = n * (n - 1) * (p[2] - r[2]) / (2 * s)
    gqq = (n * (n - 1) * (p[2] + r[2]) / (2 * s) - n * (p[1] - r[1]) / (2 * s * s)) / (2 * s)
    c = [2.0]
    for k in range(1, 4):
        c.append(c[-1] * (n - 2 * k + 2) * (n - 2 * k + 1) / ((2 * k) * (2 * k - 1)))
    terms = lambda i: sum(c[k] * falling(k, i[1]) * falling(n - 2 * k, i[0]) * m ** (n - 2 * k - i[0]) * q ** max(k - i[1], 0)
                          for k in range(4) if k >= i[1])
    pick = lambda far, i: np.where(near, terms(i), far)
    return (pick(g, (0, 0)), pick(gm, (1, 0)), pick(gq, (0, 1)), pick(gmm, (2, 0)), pick(gmq, (1, 1)), pick(gqq, (0, 2)))


def falling(n, i):
    out = 1.0
    for k in range(i):
        out *= n - k
    return out


class Mesh:
    """Rectangle 0..width by -thickness..0 with lines at the layers."""

    def __init__(self, layers, radius, depth_max, fine):
        thickness = sum(l["h_mm"] for l in layers)
        reach = min(radius, np.sqrt(2 * radius * depth_max)) * 1.05
        columns = list(np.linspace(0, reach, int(22 * fine) + 1))
        width = 4.0 * thickness + 2 * reach
        step = columns[1]
        while columns[-1] < width:
            step *= 1.0 + 0.28 / fine
            columns.append(columns[-1] + step)
        rows, owner = [0.0], []
        for i, l in enumerate(layers):
            depth = -rows[-1]
            end = depth + l["h_mm"]
            size = max(0.12 * reach, 0.22 * (depth + 0.5 * l["h_mm"])) / fine
            n = int(np.ceil(max(2 * fine, l["h_mm"] / size)))
            for k in range(1, n + 1):
                rows.append(-(depth + (end - depth) * k / n))
                owner.append(i)
        rows, owner = np.array(rows)[::-1], np.array(owner)[::-1]
        columns = np.array(columns)
        r = np.interp(np.arange(2 * len(columns) - 1) / 2, np.arange(len(columns)), columns)
        z = np.interp(np.arange(2 * len(rows) - 1) / 2, np.arange(len(rows)), rows)
        nr, nz = len(r), len(z)
        self.r, self.z = [v.ravel() for v in np.meshgrid(r, z)]
        node = np.arange(nr * nz).reshape(nz, nr)
        cells, layer = [], []
        for j in range(len(rows) - 1):
            for i in range(len(columns) - 1):
                cells.append(node[2 * j:2 * j + 3, 2 * i:2 * i + 3].ravel())
                layer.append(owner[j])
        self.cells, self.layer = np.array(cells), np.array(layer)
        self.top = np.array([node[-1, 2 * i:2 * i + 3] for i in range(len(columns) - 1)])
        fixed = np.zeros((nr * nz, 2), bool)
        fixed[node[0]] = True
        fixed[node[:, -1]] = True
        fixed[node[:, 0], 0] = True
        self.free = np.flatnonzero(~fixed.ravel())


class Model:
    def __init__(self, case, fine=1.0):
        self.case = case
        self.sphere = case["R_mm"]
        m = self.mesh = Mesh(case["layers"], case["R_mm"], case["depth_max_mm"], fine)
        mu, bulk, alpha = [], [], []
        for l in case["layers"]:
            e, nu = 1e-3 * l["E_kPa"], l["nu"]
            mu.append(e / 2 / (1 + nu))
            bulk.append(e / 3 / (1 - 2 * nu))
            alpha.append(l.get("alpha", 2.0) if l["model"] == "ogden" else 2.0)
        self.mu, self.bulk, self.alpha = [np.array(v)[m.layer] for v in (mu, bulk, alpha)]
        # Shape functions at the 9 Gauss points; node order: z slow, r fast.
        n, b = [], []
        weight, modes = [], []
        rows = np.array([[m.r[c[0]], m.r[c[2]], m.z[c[0]], m.z[c[6]]] for c in m.cells])
        half_r, half_z = 0.5 * (rows[:, 1] - rows[:, 0]), 0.5 * (rows[:, 3] - rows[:, 2])
        for zeta, wz in zip(G3, W3):
            for xi, wx in zip(G3, W3):
                vx, sx = quadratic(np.array(xi))
                vz, sz = quadratic(np.array(zeta))
                shape = np.outer(vz, vx).ravel()
                radius = rows[:, 0] + (1 + xi) * half_r
                dr = np.outer(vz, sx).ravel()[None] / half_r[:, None]
                dz = np.outer(sz, vx).ravel()[None] / half_z[:, None]
                g = np.zeros((len(m.cells), 5, 18))
                g[:, 0, 0::2] = dr
                g[:, 1, 0::2] = dz
                g[:, 2, 1::2] = dr
                g[:, 3, 1::2] = dz
                g[:, 4, 0::2] = shape[None] / radius[:, None]
                b.append(g)
                weight.append(wx * wz * half_r * half_z * 2 * np.pi * radius)
                modes.append([1.0, xi, zeta])
        self.b = np.stack(b, 1)
        self.weight = np.stack(weight, 1)
        self.modes = np.array(modes)
        self.dofs = (2 * m.cells[:, :, None] + np.arange(2)).reshape(len(m.cells), 18)
        self.pairs = (np.repeat(self.dofs, 18, 1).ravel(), np.tile(self.dofs, (1, 18)).ravel())
        top_r = m.r[m.top]
        vx, sx = quadratic(G5)
        self.edge_shape, self.edge_slope = vx, sx
        half = 0.5 * (top_r[:, 2] - top_r[:, 0])
        self.edge_half = half
        radius = top_r[:, :1] + (1 + G5)[None] * half[:, None]
        self.edge_weight = 2 * np.pi * radius * W5[None] * half[:, None]
        self.edge_dofs = (2 * m.top[:, :, None] + np.arange(2)).reshape(len(m.top), 6)
        self.edge_pairs = (np.repeat(self.edge_dofs, 6, 1).ravel(), np.tile(self.edge_dofs, (1, 6)).ravel())
        self.penalty = 3.0
        self.u = np.zeros(2 * len(m.r))
        self.p = np.zeros((len(m.cells), 3))

    def element(self, u, p, tangent=True):
        f = np.einsum("egij,ej->egi", self.b, u[self.dofs]) + np.array([1.0, 0, 0, 1, 1])
        shape = f.shape[:2]
        e, grad, hess, vol, d_vol, dd_vol = isochoric(f, np.broadcast_to(self.mu[:, None], shape),
                                                      np.broadcast_to(self.alpha[:, None], shape))
        if (vol <= 0.05).any() or not np.isfinite(e).all():
            raise FloatingPointError("inverted")
        press = np.einsum("gk,ek->eg", self.modes, p)
        w = self.weight
        r_u = np.einsum("egij,egi->ej", self.b, (w[..., None]) * (grad + press[..., None] * d_vol))
        r_p = np.einsum("gk,eg->ek", self.modes, w * (vol - 1 - press / self.bulk[:, None]))
        k_f = mat(w) * (hess + mat(press) * dd_vol)
        kb = np.einsum("egij,egjn->egin", k_f, self.b)
        k_uu = np.einsum("egim,egin->emn", self.b, kb)
        k_up = np.einsum("egij,egi,gk->ejk", self.b, w[..., None] * d_vol, self.modes)
        k_pp = -np.einsum("gk,gl,eg->ekl", self.modes, self.modes, w / self.bulk[:, None])
        inv = np.linalg.inv(k_pp)
        up_inv = np.einsum("ejk,ekl->ejl", k_up, inv)
        return r_u - np.einsum("ejl,el->ej", up_inv, r_p), k_uu - np.einsum("ejl,eml->ejm", up_inv, k_up), r_p, k_up, inv

    def contact(self, u, depth):
        m = self.mesh
        base = np.stack([m.r[m.top], m.z[m.top]], -1)
        now = base + u[self.edge_dofs].reshape(-1, 3, 2)
        x = np.einsum("gn,enc->egc", self.edge_shape, now)
        to = x - np.array([0.0, self.sphere - depth])
        dist = np.linalg.norm(to, axis=-1)
        gap = dist - self.sphere
        n = to / dist[..., None]
        on = gap < 0
        force = np.where(on, self.penalty * gap, 0) * self.edge_weight
        big = np.zeros((5, 2, 6))
        big[:, 0, 0::2] = self.edge_shape
        big[:, 1, 1::2] = self.edge_shape
        r = np.einsum("gcj,egc->ej", big, force[..., None] * n)
        stiff = np.where(on, self.penalty, 0) * self.edge_weight
        k_x = mat(stiff) * outer(n, n) + mat(force / dist) * (np.eye(2) - outer(n, n))
        k = np.einsum("gcj,egcd,gdl->ejl", big, k_x, big)
        slope = np.einsum("gn,enc->egc", self.edge_slope, now) / self.edge_half[:, None, None]
        stretch = np.linalg.norm(slope, axis=-1) * x[..., 0] / (self.edge_weight / (2 * np.pi * W5 * self.edge_half[:, None]))
        return r, k, gap, x, -force / self.edge_weight / stretch, (-force * n[..., 1]).sum() * -1

    def step(self, depth, iterations=25):
        """Newton at one depth; True if it converged."""
        u, p = self.u.copy(), self.p.copy()
        scale = None
        for it in range(iterations):
            try:
                r_e, k_e, r_p, k_up, inv = self.element(u, p)
            except FloatingPointError:
                return False
            r_c, k_c, gap, x, press, force = self.contact(u, depth)
            size = len(u)
            residual = np.bincount(self.dofs.ravel(), r_e.ravel(), size) + np.bincount(self.edge_dofs.ravel(), r_c.ravel(), size)
            free = self.mesh.free
            contact_size = np.abs(np.bincount(self.edge_dofs.ravel(), r_c.ravel(), size)).sum() + 1e-9
            error = np.abs(residual[free]).sum() / contact_size
            if it > 0 and error < 1e-7 and move < 1e-4:
                self.u, self.p = u, p
                return True
            k = sp.coo_matrix((np.concatenate([k_e.ravel(), k_c.ravel()]),
                               (np.concatenate([self.pairs[0], self.edge_pairs[0]]), np.concatenate([self.pairs[1], self.edge_pairs[1]]))),
                              shape=(size, size)).tocsc()[free][:, free]
            du = np.zeros(size)
            du[free] = spl.spsolve(k, -residual[free], permc_spec="MMD_AT_PLUS_A", use_umfpack=False)
            move = np.abs(du).max()
            if not np.isfinite(move) or move > 20:
                return False
            damp = min(1.0, 3.0 / move)
            dp = np.einsum("ekl,el->ek", inv, -r_p - np.einsum("ejk,ej->ek", k_up, damp * du[self.dofs]))
            u, p = u + damp * du, p + dp
        return False

    def measure(self, depth):
        _, _, gap, x, press, force = self.contact(self.u, depth)
        r, g, q = x[..., 0].ravel(), gap.ravel(), press.ravel()
        # The edge lies where the gap passes zero.
        last = np.flatnonzero(g < 0).max()
        nxt = min(last + 1, len(g) - 1)
        t = g[last] / (g[last] - g[nxt]) if g[nxt] > g[last] else 0
        a = r[last] + t * (r[nxt] - r[last])
        return {"force_N": force, "a_mm": a, "p_max_kPa": 1e3 * q.max(), "p_center_kPa": 1e3 * q[0],
                "profile": np.stack([r[:nxt + 1], 1e3 * q[:nxt + 1]])}

    def run(self, depths, log=lambda *a: None):
        out, at = [], 0.0
        for depth in depths:
            while at < depth - 1e-9:
                trial = min(depth, at + max(0.02 * self.sphere, 0.25, 0.2 * at))
                ok = False
                for _ in range(7):
                    if self.step(trial):
                        ok = True
                        break
                    trial = 0.5 * (at + trial)
                if not ok:
                    return out
                at = trial
            out.append((depth, self.measure(depth)))
            log(depth, out[-1][1]["force_N"])
        return out
