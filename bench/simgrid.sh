#!/usr/bin/env bash
# The flow engine beside SimGrid's fluid network model, in one run: CPU seconds and answers.
# SimGrid comes from Debian (apt install libsimgrid-dev). Its lazy partial update (the default of 3.32) gives some edges
# more than their rate when messages of unlike delays meet, so answers are compared with the full update, and its times
# are taken with the default. SimGrid shares in inverse proportion to delay: so do we here (by-delay).
set -euo pipefail
cd "$(dirname "$0")/.."
if ! [ -e /usr/include/simgrid/s4u.hpp ]; then
  echo "SimGrid is not installed: apt install libsimgrid-dev" >&2
  exit 2
fi
mkdir -p target/peers
g++ -O2 -o target/peers/simgrid bench/simgrid.cpp -lsimgrid
cargo build --release -p lanewright-fabric --example flow_speed
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
full="--cfg=network/maxmin-selective-update:no --cfg=network/optim:Full --cfg=surf/precision:1e-12"

python3 - "$work" <<'P'
import random, sys
random.seed(1)
def write(name, lines):
    open(f"{sys.argv[1]}/{name}", "w").write("\n".join(lines) + "\n")
write("permutation", [f"{i} {(i + 64) % 128} 2000000 0" for i in range(128)])
write("incast64", [f"{i} 0 2000000 0" for i in range(64, 128)])
write("all-to-all64", [f"{i} {(i + d) % 64} 262144 0" for d in range(1, 64) for i in range(64)])
starts = sorted(random.random() * 100 for _ in range(400))  # the driver starts messages in their order
pairs = [random.sample(range(128), 2) for _ in starts]
write("random", [f"{a} {b} {random.randint(1000, 5000000)} {start:.6f}" for (a, b), start in zip(pairs, starts)])
ring = []
for _ in range(126):
    ring += [f"{2 * r} {2 * ((r + 1) % 64)} 16777216 0" for r in range(64)] + ["barrier"]
write("ring64", ring)
P
for case in permutation incast64 all-to-all64 ring64 random; do
  echo "== $case"
  # shellcheck disable=SC2086
  target/peers/simgrid "$work/$case" 50e9 1e-6 '3;4,4,8;1,4,4;1,1,1' $full 2>/dev/null >"$work/peer"
  target/release/examples/flow_speed file "$work/$case" 128 by-delay 2>/dev/null >"$work/ours"
  echo "SimGrid, lazy: $(target/peers/simgrid "$work/$case" 50e9 1e-6 '3;4,4,8;1,4,4;1,1,1' quiet 2>/dev/null)"
  echo "SimGrid, full: $(head -1 "$work/peer")"
  echo "Lanewright:    $(head -1 "$work/ours")"
  paste <(tail -n +2 "$work/peer") <(tail -n +2 "$work/ours") |
    awk '{ e = ($1 - $2) / $1; if (e < 0) e = -e; if (e > worst) worst = e } END { printf "greatest relative difference of any end: %.1e\n", worst }'
done
