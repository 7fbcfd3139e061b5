#!/usr/bin/env python3
"""Asks aiconfigurator and lanewright for the same measured serving runs: answers and time, in one run.

Usage: bench/serving_peer.py LANEWRIGHT DATA [ROWS] [SEED]

LANEWRIGHT is the release binary, DATA the folder with end_to_end*.csv.gz. Needs `pip install aiconfigurator==0.12.0` in the
Python that runs this; nothing is fetched here. A sample of ROWS aggregated runs (default 40, seed 1) is asked of both.
Lanewright's answers are those of a fit that has not seen the row (`workload calibrate --unseen`); aiconfigurator's kernel tables
come with it. Its version of the engine is taken where it has one, else its default. A refusal is counted, not averaged.
"""
import csv
import glob
import gzip
import io
import logging
import random
import statistics
import subprocess
import sys
import tempfile
import time

lanewright, data = sys.argv[1:3]
count = int(sys.argv[3]) if len(sys.argv) > 3 else 40
seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
logging.disable(logging.CRITICAL)
from aiconfigurator.cli.api import cli_estimate  # noqa: E402

path = sorted(glob.glob(data + "/end_to_end*.csv.gz"))[0]
text = gzip.open(path, "rt").read()
rows = list(csv.DictReader(io.StringIO(text)))
for number, row in enumerate(rows):
    row["number"] = number
whole = [r for r in rows if r["mode"] == "agg" and r["batch_size"] and r["tp_size"]]
sample = random.Random(seed).sample(whole, count)


def size(row, column, otherwise=1):
    return max(1, int(float(row[column] or otherwise)))


def ask(row, version):
    return cli_estimate(
        row["model_path"], row["system"], mode="agg", backend_name=row["backend"], backend_version=version,
        isl=int(row["isl"]), osl=int(row["osl"]), batch_size=size(row, "batch_size"), tp_size=size(row, "tp_size"),
        pp_size=size(row, "pp_size"), attention_dp_size=size(row, "attention_dp_size"),
        moe_tp_size=size(row, "moe_tp_size"), moe_ep_size=size(row, "moe_ep_size"),
        gemm_quant_mode=row["gemm_quant_mode"] or None, moe_quant_mode=row["moe_quant_mode"] or None)


theirs, refused, spent = {}, 0, 0.0
for row in sample:
    began = time.process_time()
    answer = None
    for version in dict.fromkeys([row["backend_version"] or None, None]):
        try:
            answer = ask(row, version)
            break
        except BaseException as error:  # it also exits
            if isinstance(error, KeyboardInterrupt):
                raise
    spent += time.process_time() - began
    if answer is None:
        refused += 1
    else:
        theirs[row["number"]] = (float(answer.ttft), float(answer.tpot))

with tempfile.TemporaryDirectory() as folder:
    unseen = folder + "/unseen.csv"
    subprocess.run([lanewright, "workload", "calibrate", "--data", data, "--operator", "engines", "--unseen", unseen],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = list(csv.DictReader(open(unseen)))
    ours = {r["number"]: (float(found[r["number"]]["predicted_ttft_ms"]), float(found[r["number"]]["predicted_tpot_ms"]))
            for r in sample}
    many = folder + "/many.csv"
    head, *body = text.splitlines()
    repeat = 20
    open(many, "w").write("\n".join([head, *(body * repeat)]) + "\n")
    import resource
    once = []
    for file, out in ((path, "a.csv"), (many, "b.csv")):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([lanewright, "workload", "predict", "--batch", file, "-o", f"{folder}/{out}"], check=True,
                       stdout=subprocess.DEVNULL, env={"RAYON_NUM_THREADS": "1"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        once.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    rate = (repeat - 1) * len(rows) / (once[1] - once[0])


def errors(answers, which, column, numbers):
    return [abs(answers[n][which] / float(rows[n][column]) - 1) for n in numbers]


def say(name, answers, numbers):
    for which, column, word in ((1, "silicon_tpot_ms", "TPOT"), (0, "silicon_ttft_ms", "TTFT")):
        found = errors(answers, which, column, numbers)
        print(f"{name:16} {word} rows {len(found):4}  mean {statistics.mean(found):6.1%}  median {statistics.median(found):6.1%}")


print(f"{count} aggregated runs, seed {seed}; aiconfigurator refuses {refused}")
both = sorted(theirs)
if both:
    say("aiconfigurator", theirs, both)
    say("lanewright", ours, both)
say("lanewright, all", ours, [r["number"] for r in sample])
print(f"aiconfigurator: {count / spent:.2f} answers per second of processor time ({spent:.1f} s)")
print(f"lanewright: {rate:,.0f} answers per second on one thread; the table of {len(rows)} rows alone takes {once[0]:.2f} s")
