#!/usr/bin/env python3
"""Times scikit-rf against lanewright on the same files, and compares their answers.

Usage: bench/scikit_rf.py LANEWRIGHT [FILE.s4p]

LANEWRIGHT is the release binary. Without a file, a 4-port of 4001 points is made. scikit-rf comes from PyPI into
target/peers/scikit-rf. Prints one line per task: seconds of both (best of three) and the largest difference. lanewright
is timed as a whole command, start, reading and writing included; scikit-rf's tasks are timed alone.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import venv

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOME = os.path.join(ROOT, "target", "peers", "scikit-rf")


def environment():
    python = os.path.join(HOME, "bin", "python")
    if not os.path.exists(python):
        venv.create(HOME, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "scikit-rf==2.2.0"], check=True)
    return python


def main():
    binary, given = os.path.abspath(sys.argv[1]), sys.argv[2:3]
    import numpy as np
    import skrf as rf

    def best(task):
        times = []
        for _ in range(3):
            start = time.perf_counter()
            result = task()
            times.append(time.perf_counter() - start)
        return min(times), result

    def lanewright(*arguments):
        done = subprocess.run([binary, "link", *arguments], capture_output=True, text=True)
        if done.returncode == 2:
            raise SystemExit(f"lanewright {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    folder = tempfile.mkdtemp()
    path = given[0] if given else os.path.join(folder, "made.s4p")
    if not given:
        f = np.arange(4001) * 10e6
        ghz = f / 1e9
        s = np.zeros((4001, 4, 4), complex)
        through = 0.97 * np.exp(-0.05 * np.sqrt(ghz) - 0.02 * ghz - 2j * np.pi * f * 3e-9)
        for a, b in [(0, 1), (2, 3)]:
            s[:, a, b] = s[:, b, a] = through
        s[:, range(4), range(4)] = (0.05 * np.exp(-2j * np.pi * f * 0.1e-9))[:, None]
        for a, b in [(0, 2), (1, 3)]:
            s[:, a, b] = s[:, b, a] = 0.02 * (1 - np.exp(-2j * np.pi * f * 0.2e-9))
        rf.Network(f=f, f_unit="hz", s=s, z0=50).write_touchstone(path)
    size = os.path.getsize(path)
    out = os.path.join(folder, "out.s4p")
    print(f"{os.path.basename(path)}: {size / 1e6:.2f} MB, scikit-rf {rf.__version__}")
    print(f"{'task':34}{'scikit-rf s':>12}{'lanewright s':>14}{'difference':>12}")

    def line(name, peer, arguments, answer):
        theirs, result = best(peer)
        ours, _ = best(lambda: lanewright(*arguments))
        print(f"{name:34}{theirs:12.4f}{ours:14.4f}{answer(result):12.1e}")

    def written(network):
        return float(np.abs(rf.Network(out).s - network.s).max())

    whole = rf.Network(path)
    ends = lambda network: network.subnetwork([0, 2, 1, 3])
    convert = lambda *rest: ["convert", path, *rest, "-o", out, "--format", "ri"]
    line("read and write", lambda: (rf.Network(path), whole.write_touchstone(out[:-4] + "_peer"))[0], convert(), written)
    twice = lambda: (ends(whole) ** ends(whole)).subnetwork([0, 2, 1, 3])
    line("cascade of two", twice, ["convert", path, path, "-o", out, "--ends", "1,3:2,4", "--format", "ri"], written)

    def renormalised():
        network = whole.copy()
        network.renormalize(46.25)
        return network

    line("renormalise", renormalised, convert("--renormalise", "46.25"), written)
    stop = whole.f[-1] / 1e9
    points = int(round(stop / 0.005)) + 1
    grid = np.linspace(0, stop * 1e9, points)
    if whole.f[0] == 0:
        fine = lambda: whole.interpolate(rf.Frequency.from_f(grid, unit="hz"), kind="cubic")
        line("cubic interpolation", fine, convert("--grid", f"0:0.005:{stop}"), written)

    def passive(_):
        report = json.loads(lanewright("check", path, "--json"))["files"][0]["report"]
        return abs(report["passivity"]["largest_singular_value"] - np.linalg.svd(whole.s, compute_uv=False).max())

    line("passivity (ours: all checks)", whole.is_passive, ["check", path], passive)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    python = environment()
    if os.path.realpath(sys.prefix) != os.path.realpath(HOME):
        os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])
    main()
