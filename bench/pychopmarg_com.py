#!/usr/bin/env python3
"""Times pychopmarg against lanewright on one channel, and puts their answers side by side.

Usage: bench/pychopmarg_com.py LANEWRIGHT [THRU.s4p]

LANEWRIGHT is the release binary. Without a file, a lossy 4-port of 3,001 points up to 60 GHz is made. pychopmarg comes
from PyPI into target/peers/pychopmarg. Both evaluate a 200 Gb/s lane of 802.3dj draft 3.3 (KR, packages of class A, test
1), first at one setting of the equalisers, then on a grid of four; lanewright also searches the whole grid. lanewright is
timed as a whole command, reading included; pychopmarg by its constructor (reading, packages) and its call.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import venv

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOME = os.path.join(ROOT, "target", "peers", "pychopmarg")


def environment():
    python = os.path.join(HOME, "bin", "python")
    if not os.path.exists(python):
        venv.create(HOME, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "pychopmarg==3.4.0"], check=True)
    return python


def made(folder):
    """A line of about 20 dB at 53 GHz with a slight mismatch, both lines of the pair alike and uncoupled."""
    import numpy as np

    f = np.arange(3001) * 20e6
    ghz = f / 1e9
    line = np.exp(-0.16 * np.sqrt(ghz) - 0.022 * ghz - 2j * np.pi * f * 1.5e-9)
    a = 0.04
    round_trip = 1 - a * a * line * line
    through, back = line * (1 - a * a) / round_trip, a * (1 - line * line) / round_trip
    path = os.path.join(folder, "made.s4p")
    with open(path, "w", encoding="ascii") as out:
        out.write("# Hz S RI R 50\n")
        for k in range(len(f)):
            s = np.zeros((4, 4), complex)
            for near, far in [(0, 1), (2, 3)]:
                s[near, far] = s[far, near] = through[k]
                s[near, near] = s[far, far] = back[k]
            for row in range(4):
                numbers = " ".join(f"{v.real:.9e} {v.imag:.9e}" for v in s[row])
                out.write((f"{f[k]:.1f} " if row == 0 else " ") + numbers + "\n")
    return path


def main():
    binary = os.path.abspath(sys.argv[1])
    folder = tempfile.mkdtemp()
    path = sys.argv[2] if len(sys.argv) > 2 else made(folder)

    from dataclasses import replace

    from pychopmarg.com import COM
    from pychopmarg.common import OptMode
    from pychopmarg.config import ieee_8023dj_d3p3 as d3

    def peer(name, g_dc, g_dc2, pre):
        params = replace(
            d3.com_params("KR"),
            g_DC=g_dc,
            g_DC2=g_dc2,
            tx_taps_min=[0.0, 0.0, min(pre), 0.0, 0.0, 0.0],
            tx_taps_max=[0.0] * 6,
            tx_taps_step=[0.0, 0.0, 0.02 if len(pre) > 1 else 0.0, 0.0, 0.0, 0.0],
        )
        start = time.perf_counter()
        com = COM(
            params,
            {"THRU": [path], "FEXT": [], "NEXT": []},
            tx_device=d3.device_model("KR", "A1", False),
            rx_device=d3.device_model("KR", "A1", True),
        )
        ready = time.perf_counter()
        answer = com(opt_mode=OptMode.MMSE)
        done = time.perf_counter()
        print(f"{name}: pychopmarg {answer:.3f} dB, {ready - start:.2f} s to prepare, {done - ready:.2f} s to answer", flush=True)
        return done - ready

    def ours(name, *sets):
        arguments = [binary, "link", "com", "--preset", "200g-kr", "--case", "1", "--thru", path, "--json"]
        for assignment in sets:
            arguments += ["--set", assignment]
        start = time.perf_counter()
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        if done.returncode == 2:
            raise SystemExit(done.stderr)
        outcome = json.loads(done.stdout)
        case = outcome["cases"][0]
        print(f"{name}: lanewright {outcome['com_db']:.3f} dB (by symbol {case.get('com_by_symbol_db') or outcome['com_db']:.3f}), {seconds:.3f} s in all, {case['points_searched']} points", flush=True)

    fixed = ["c(-2)=[0]", "c(1)=[0]"]
    ours("one setting", "g_DC=[-6]", "g_DC_HP=[-2]", "c(-1)=[0]", *fixed)
    peer("one setting", [-6.0], [-2.0], [0.0])
    ours("four settings", "g_DC=[-8:2:-6]", "g_DC_HP=[-2]", "c(-1)=[-0.02:0.02:0]", *fixed)
    peer("four settings", [-8.0, -6.0], [-2.0], [-0.02, 0.0])
    ours("whole grid")


if __name__ == "__main__":
    wanted = environment()
    if os.path.realpath(sys.prefix) != os.path.realpath(HOME):
        os.execv(wanted, [wanted, *sys.argv])
    main()
