#!/usr/bin/env python3
"""Runs the reference simulator htsim and lanewright on the same connection matrices, back to back.

Usage: bench/htsim.py HTSIM_UEC LANEWRIGHT [SCENARIO...]

HTSIM_UEC is a binary that you built: clone https://github.com/ultraethernet/uet-htsim, then in htsim/sim
`cmake -S . -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build` makes build/datacenter/htsim_uec. Nothing is
fetched here. LANEWRIGHT is the release binary. Scenarios: permN, incastK, a2aK, ringP:MiB, on fat trees of three tiers at
400 Gb/s, 1 us per link; default: perm128 perm1024 incast16 a2a64 ring8:64. Prints user seconds of both (best of three) and
completion times in microseconds. User seconds are of the whole command, start and reading included.
"""
import json
import os
import re
import resource
import subprocess
import sys
import tempfile

DEFAULT = ["perm128", "perm1024", "incast16", "a2a64", "ring8:64"]


def matrix(scenario):
    """Hosts, and the text of a connection matrix."""
    kind, first, second = re.fullmatch(r"(perm|incast|a2a|ring)(\d+)(?::(\d+))?", scenario).groups()
    count, hosts = int(first), 128
    if kind == "perm":
        hosts = count
        rows = [(i, (i + hosts // 2) % hosts, 2_000_000) for i in range(hosts)]
    elif kind == "incast":
        rows = [(i, 0, 2_000_000) for i in range(hosts - count, hosts)]
    elif kind == "a2a":
        rows = [(i, (i + d) % count, 262_144) for d in range(1, count) for i in range(count)]
    else:
        return hosts, ring(hosts, count, int(second or 64))
    lines = [f"{a}->{b} id {i + 1} start 0 size {size}" for i, (a, b, size) in enumerate(rows)]
    return hosts, "\n".join([f"Nodes {hosts}", f"Connections {len(rows)}", *lines, ""])


def ring(hosts, ranks, mib):
    """Ring all-reduce: a hop starts when the sender knows that the one before has arrived."""
    lines, triggers, size = [], [], mib * 1_048_576 // ranks
    hops = 2 * (ranks - 1)
    for chain in range(ranks):
        for hop in range(hops):
            number = chain * hops + hop + 1
            a, b = [(chain + hop + more) % ranks * (hosts // ranks) for more in (0, 1)]
            begin = f"trigger {number}" if hop else "start 0"
            after = f" send_done_trigger {number + 1}" if hop + 1 < hops else ""
            lines.append(f"{a}->{b} id {number} {begin} size {size}{after}")
            if hop:
                triggers.append(f"trigger id {number} oneshot")
    head = [f"Nodes {hosts}", f"Connections {len(lines)}", f"Triggers {len(triggers)}"]
    return "\n".join([*head, *lines, *triggers, ""])


def timed(command, folder):
    """User seconds and standard output; what the command leaves behind goes into the folder."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed: {done.stderr.strip()[-500:]}")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, done.stdout


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    peer, own = [os.path.abspath(path) for path in sys.argv[1:3]]
    scenarios = sys.argv[3:] or DEFAULT
    print(f"{'scenario':<12}{'htsim s':>10}{'own s':>10}{'times':>8}{'htsim p50':>12}{'own p50':>12}{'htsim max':>12}{'own max':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for scenario in scenarios:
            hosts, text = matrix(scenario)
            path = os.path.join(folder, scenario.replace(":", "-") + ".cm")
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            theirs = [peer, "-tm", path, "-nodes", str(hosts), "-tiers", "3", "-linkspeed", "400000", "-hop_latency", "1"]
            theirs += ["-switch_latency", "0", "-seed", "13", "-end", "10000000", "-o", os.path.join(folder, "x.dat")]
            ours = [own, "sim", "--traffic", path, "--topology", "fat-tree", "--nodes", str(hosts), "--tiers", "3"]
            ours += ["--link-gbps", "400", "--hop-latency-us", "1", "--switch-latency-us", "0", "--mtu", "4150"]
            ours += ["--transport", "uec", "--routing", "spray", "--seed", "13", "--engine", "packet", "--json"]
            runs = [(timed(theirs, folder), timed(ours, folder)) for _ in range(3)]
            (text_out, json_out) = (runs[0][0][1], json.loads(runs[0][1][1]))
            ends = [float(end) for end in re.findall(r"finished at ([\d.e+]+)", text_out)]
            starts = [float(begin) for begin in re.findall(r"starting at ([\d.e+]+)", text_out)]
            # Triggered messages start when their turn comes: only the last end can be compared.
            spans = sorted(ends) if max(starts, default=0) == 0 else []
            p50 = spans[(len(spans) - 1) // 2] if spans else float("nan")
            seconds = [min(run[side][0] for run in runs) for side in (0, 1)]
            own_p50 = json_out["fct_us"]["p50"] if spans else float("nan")
            print(
                f"{scenario:<12}{seconds[0]:>10.3f}{seconds[1]:>10.3f}{seconds[0] / max(seconds[1], 1e-3):>8.1f}"
                f"{p50:>12.2f}{own_p50:>12.2f}{max(ends):>12.2f}{json_out['makespan_us']:>12.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
