#!/usr/bin/env python3
"""Golden numbers of scikit-rf for crates/link/tests/corpus_scikit_rf.rs.

Usage: scikit_rf_golden.py CORPUS, with scikit-rf 2.2 installed. Prints the table that the test holds: a name, the
frequency index, row and column (from 0), and the parameter's real and imaginary part.
"""
import sys

import numpy as np
import skrf as rf
from skrf.calibration.deembedding import IEEEP370_FD_QM

folder = sys.argv[1] + "/channels/"
thru = rf.Network(folder + "pychopmarg_example2/example2_THRU.s4p")
tyco = rf.Network(folder + "backplane/Case4_FM_13SI_20_T_D13_L6.s4p")
peters = rf.Network(folder + "backplane/peters_01_0605_B12_thru.s4p")
synthetic = rf.Network(folder + "synthetic/ck15_thru.s4p")


def show(name, network, places):
    for point, row, column in places:
        value = network.s[point, row, column]
        print(f'    ("{name}", {point}, {row}, {column}, {value.real:.15e}, {value.imag:.15e}),')


def ends_first(network):
    """Ports 1->2, 3->4 as 1, 3 | 2, 4: what scikit-rf's cascade wants."""
    return network.subnetwork([0, 2, 1, 3])


spots = [(0, 1, 0), (1234, 0, 0), (4000, 3, 1)]
show("read", thru, spots)
show("read dB", tyco, [(0, 1, 0), (700, 2, 3)])
show("read RI", peters, [(0, 1, 0), (1400, 2, 3)])

other = thru.copy()
other.renormalize([40 + 10j, 75, 60 - 5j, 30])
show("renormalised", other, [(1234, 0, 0), (1234, 1, 0), (2000, 3, 2)])
pseudo = thru.copy()
pseudo.renormalize([40 + 10j, 75, 60 - 5j, 30], s_def="pseudo")
show("pseudo", pseudo, [(1234, 0, 0), (1234, 1, 0), (2000, 3, 2)])

mixed = ends_first(thru)
mixed.se2gmm(2)
show("mixed", mixed, [(1234, 0, 0), (1234, 1, 0), (1234, 1, 2), (2000, 3, 2)])

twice = ends_first(thru) ** ends_first(thru)
show("cascade", twice, [(100, 2, 0), (1234, 0, 0), (1234, 3, 1)])
uneven = ends_first(thru)
uneven.renormalize([50, 50, 42, 42])
show("cascade uneven", uneven ** ends_first(thru), [(100, 2, 0), (1234, 0, 0), (1234, 3, 1)])
fixture = ends_first(thru)
show("deembed left", fixture.inv ** twice, [(100, 2, 0), (300, 0, 0)])
show("deembed right", twice ** fixture.inv, [(100, 2, 0), (300, 1, 1)])

grid = np.linspace(1e9, 14e9, 5201)
show("linear", peters.interpolate(grid), [(17, 1, 0), (2222, 0, 0)])
show("polar", peters.interpolate(grid, coords="polar"), [(17, 1, 0), (2222, 0, 0)])
whole = np.linspace(peters.f[0], peters.f[-1], 5201)
show("cubic", peters.interpolate(whole, kind="cubic"), [(17, 1, 0), (2222, 0, 0)])
dc = peters.extrapolate_to_dc()
show("dc", dc, [(0, 1, 0), (0, 0, 0), (1, 1, 0), (3, 2, 3), (777, 1, 0)])

print(f"points of dc: {len(dc.f)}, last {dc.f[-1]}")
one = synthetic.s11
one_dc = one.extrapolate_to_dc()
for window in ["hamming", "hann", ("kaiser", 6.0)]:
    time, values = one_dc.impulse_response(window=window, n=2 * (len(one_dc.f) - 1), pad=0)
    at = int(np.argmax(np.abs(values)))
    print(f"impulse {window}: {len(values)} values, start {time[0]:.12e}, step {time[1] - time[0]:.12e}, "
          f"at {at}: {values[at]:.15e}, {values[at + 3]:.15e}")
# scikit-rf's own step response integrates by trapezoids; ours is the running sum.
values = np.cumsum(one_dc.impulse_response(window="hamming", n=2 * (len(one_dc.f) - 1), pad=0)[1])
half = len(values) // 2
print(f"step: {values[half + 400]:.15e} {values[half + 1000]:.15e}")
for name, network in [("thru", thru), ("tyco", tyco), ("peters", peters), ("synthetic", synthetic)]:
    quality = IEEEP370_FD_QM().check_se_quality(network)
    print(name, {key: (float(value["value"]), value["evaluation"]) for key, value in quality.items()},
          float(np.linalg.svd(network.s, compute_uv=False).max()))
