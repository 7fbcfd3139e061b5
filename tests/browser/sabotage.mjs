// Proves that check-report.mjs finds what it says it finds: breaks a good report in one way at a time and expects the
// check to fail with the right words.
//
//   node sabotage.mjs good-report.html

import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const good = await readFile(process.argv[2], "utf8");
const csp = /<meta http-equiv="Content-Security-Policy"[^>]*>/;
const inMain = (extra) => (page) => page.replace("</main>", `${extra}</main>`);
const inScript = (from, to) => (page) => page.replace(from, to);

const sabotages = [
  ["the page is \\d+ px wide", inMain("<div style='width:5000px'>wide</div>")],
  ["console: ", inMain("<script>console.error('x')</script>")],
  ["page error: ", inMain("<script>nothing.at.all()</script>")],
  ["request: ", (page) => inMain("<img src='http://127.0.0.1:9/x.png' alt=''>")(page.replace(csp, ""))],
  ["console: ", inMain("<img src='http://127.0.0.1:9/x.png' alt=''>")], // stopped by the page's own policy
  ["texts overlap: ", inMain("<svg viewBox='0 0 90 20' width='90' height='20'><text x='5' y='12'>one</text><text x='9' y='13'>two</text></svg>")],
  ["text sticks out", inMain("<svg viewBox='0 0 40 20' width='40' height='20'><text x='5' y='12'>far too long for it</text></svg>")],
  ["without size", inMain("<figure style='width:0;height:0'></figure>")],
  ["cut off", inMain("<p style='width:30px;overflow:hidden;white-space:nowrap'>cut by its own box</p>")],
  ["contrast ", inMain("<p style='color:#999;background:#aaa'>grey</p>")],
  ["is not (a|de)scending", inScript("return sign * compare(a.v, b.v) || a.i - b.i;", "return a.i - b.i;")],
  ["filter ", inScript("row.hidden = !words.every", "row.hidden = words.every")],
  ["copies ", inScript("if (row.hidden) return;", "")],
  ["theme button", inScript("root.dataset.theme = shown() === \"dark\" ? \"light\" : \"dark\";", "")],
];

const folder = await mkdtemp(join(tmpdir(), "sabotage-"));
let failures = 0;
for (const [wanted, sabotage] of sabotages) {
  const bad = sabotage(good);
  const file = join(folder, "bad.html");
  await writeFile(file, bad);
  const run = spawnSync(process.execPath, [join(here, "check-report.mjs"), file], { encoding: "utf8" });
  const found = bad !== good && run.status === 1 && new RegExp(wanted).test(run.stdout);
  if (!found) failures += 1;
  console.log(`${found ? "found " : "MISSED"} ${wanted}`);
  if (!found) console.log(run.stdout + run.stderr);
}
await rm(folder, { recursive: true });
process.exit(failures === 0 ? 0 : 1);
