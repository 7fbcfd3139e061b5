// Opens review reports in headless Chromium and checks what a reader would see.
//
//   cd tests/browser && npm ci
//   node check-report.mjs report.html [more.html ...]
//   node check-report.mjs --shots DIR report.html ...     also writes pictures and a PDF of each
//
// Needs Debian's `chromium` (apt-get install chromium), or CHROMIUM=/path/to/chromium.
//
// Each file is opened at 360, 390, 768 and 1440 px, light and dark, everything unfolded and folded. It fails on: an
// error or warning of the console, an error of the page, any request but the file itself, a page wider than its window,
// texts of one drawing that overlap, texts that stick out of their drawing, elements without size, text with too little
// contrast, a table that does not sort, filter or copy, a theme button that does nothing. Exit 1 when anything failed.

import { mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];
const WIDTHS = [360, 390, 768, 1440];

const args = process.argv.slice(2);
let shots = null;
if (args[0] === "--shots") {
  args.shift();
  shots = args.shift();
  await mkdir(shots, { recursive: true });
}
if (args.length === 0) {
  console.error("usage: node check-report.mjs [--shots DIR] FILE.html ...");
  process.exit(2);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
let failures = 0;
for (const file of args) {
  const problems = await check(resolve(file));
  failures += problems.length;
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"} ${file}`);
  for (const problem of problems.slice(0, 12)) console.log(`     ${problem}`);
  if (problems.length > 12) console.log(`     and ${problems.length - 12} more`);
}
await browser.close();
process.exit(failures === 0 ? 0 : 1);

async function check(file) {
  const problems = new Set();
  const url = pathToFileURL(file).href;
  for (const scheme of ["light", "dark"]) {
    let at = "";
    const say = (text) => problems.add(at + text);
    const context = await browser.newContext({ viewport: { width: WIDTHS[0], height: 900 }, colorScheme: scheme });
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) say(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => say(`page error: ${error.message}`));
    page.on("request", (request) => {
      if (request.url() !== url && !request.url().startsWith("data:")) say(`request: ${request.url()}`);
    });
    await page.goto(url, { waitUntil: "load" });
    for (const width of WIDTHS) {
      at = `${width} px, ${scheme}: `;
      await page.setViewportSize({ width, height: 900 });
      if (shots && (width === 390 || width === 1440)) await shoot(page, file, width, scheme);
      for (const text of await page.evaluate(layout)) say(`folded: ${text}`);
      await page.evaluate(() => {
        for (const fold of document.querySelectorAll("details:not([open])")) {
          fold.open = true;
          fold.dataset.wasFolded = "";
        }
      });
      for (const text of await page.evaluate(layout)) say(text);
      if (width === 1440) for (const text of await page.evaluate(contrast)) say(text);
      if (width === 390 || width === 1440) for (const text of await tables(page)) say(text);
      await page.evaluate(() => {
        for (const fold of document.querySelectorAll("[data-was-folded]")) {
          fold.open = false;
          delete fold.dataset.wasFolded;
        }
      });
    }
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await paper();
    await page.click("#theme");
    if (before === await paper()) say("the theme button changes nothing");
    await context.close();
  }
  return [...problems];
}

async function shoot(page, file, width, scheme) {
  const name = basename(file, ".html");
  await page.screenshot({ path: join(shots, `${name}-${width}-${scheme}.png`), fullPage: true });
  if (width === 1440 && scheme === "dark") {
    await page.pdf({ path: join(shots, `${name}.pdf`), format: "A4", printBackground: false });
  }
}

// Runs in the page: everything about sizes and places.
function layout() {
  const problems = [];
  const root = document.documentElement;
  const name = (element) => {
    const owner = element.closest("section, header, footer");
    const figure = element.closest("figure")?.querySelector("figcaption")?.textContent.trim().slice(0, 40);
    return `${owner?.id || owner?.localName || "page"}${figure ? ` "${figure}"` : ""} <${element.localName} class="${element.getAttribute("class") ?? ""}">`;
  };
  if (root.scrollWidth > root.clientWidth) {
    problems.push(`the page is ${root.scrollWidth} px wide in a window of ${root.clientWidth} px`);
    for (const element of document.querySelectorAll("body *")) {
      const box = element.getBoundingClientRect();
      if (box.width > 0 && box.right > root.clientWidth + 0.5 && !element.closest(".scroll, svg.defs, .skip")) {
        problems.push(`beyond the right edge: ${name(element)} to ${box.right.toFixed(0)} px`);
        if (problems.length > 6) break;
      }
    }
  }
  // Things that must be seen have a size.
  for (const element of document.querySelectorAll("main svg, header svg, table, h1, h2, h3, section, figure, button")) {
    if (!element.checkVisibility() || element.closest("[hidden]")) continue;
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) problems.push(`without size: ${name(element)} ${box.width.toFixed(1)} x ${box.height.toFixed(1)}`);
  }
  // HTML cut off by its own box.
  for (const element of document.querySelectorAll("main *, header *")) {
    if (element instanceof SVGElement || !element.checkVisibility()) continue;
    if (["caption", "input"].includes(element.localName)) continue;
    const style = getComputedStyle(element);
    if (style.overflowX !== "visible" && !element.matches(".scroll") && element.scrollWidth > element.clientWidth + 1) {
      problems.push(`cut off: ${name(element)}`);
    }
  }
  // Cells of bar rows must not run into each other.
  for (const row of document.querySelectorAll(".bar-row, .totals > div, .rack, .fall, .choices article")) {
    if (!row.checkVisibility()) continue;
    if (row.scrollWidth > row.clientWidth + 1) problems.push(`overflows its row: ${name(row)} ${row.textContent.slice(0, 60)}`);
  }
  for (const svg of document.querySelectorAll("svg:not(.defs)")) {
    if (!svg.checkVisibility()) continue;
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].filter((text) => text.checkVisibility() && text.textContent.trim() !== "");
    const boxes = texts.map((text) => text.getBoundingClientRect());
    const words = texts.map((text) => [...text.childNodes].filter((n) => n.nodeType === 3).map((n) => n.nodeValue).join(""));
    boxes.forEach((box, i) => {
      if (box.width === 0 || box.height === 0) problems.push(`text without size: "${words[i]}" in ${name(svg)}`);
      const out = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom);
      if (out > 0.75) problems.push(`text sticks out by ${out.toFixed(1)} px: "${words[i]}" in ${name(svg)}`);
    });
    // Glyphs are lower than their line: take a fifth off each box at top and bottom.
    const order = boxes.map((_, i) => i).sort((a, b) => boxes[a].left - boxes[b].left);
    for (let i = 0; i < order.length; i += 1) {
      const a = boxes[order[i]];
      for (let j = i + 1; j < order.length && boxes[order[j]].left < a.right - 0.5; j += 1) {
        const b = boxes[order[j]];
        const top = Math.max(a.top + a.height * 0.2, b.top + b.height * 0.2);
        const bottom = Math.min(a.bottom - a.height * 0.2, b.bottom - b.height * 0.2);
        if (bottom - top > 0.5) {
          problems.push(`texts overlap: "${words[order[i]]}" and "${words[order[j]]}" in ${name(svg)}`);
        }
      }
    }
  }
  return problems;
}

// Runs in the page: contrast of every kind of text against what is behind it (WCAG 2: 4.5, large 3).
function contrast() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const seen = new Map();
  const problems = [];
  const judge = (element, ink, paper, size, bold) => {
    const key = `${ink} ${paper} ${size >= 24 || (bold && size >= 18.66)}`;
    if (seen.has(key)) return;
    const [a, b] = [light(rgb(ink)), light(rgb(paper))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    seen.set(key, ratio);
    const wanted = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    if (ratio < wanted) {
      problems.push(`contrast ${ratio.toFixed(2)}: "${element.textContent.trim().slice(0, 30)}" <${element.localName} class="${element.getAttribute("class") ?? ""}">`);
    }
  };
  const backdrop = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (rgb(colour)[3] === 255) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility()) continue;
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.nodeValue.trim() !== "");
    if (!own || element.localName === "title" || element.closest("script, style")) continue;
    const style = getComputedStyle(element);
    const bold = Number(style.fontWeight) >= 700;
    if (element instanceof SVGElement) {
      // On a device, box or piece if there is one right before it; else on the page.
      const face = element.parentElement.querySelector(":scope > .face") ?? (element.matches(".on") ? element.previousElementSibling : null);
      judge(element, style.fill, face ? getComputedStyle(face).fill : backdrop(element), parseFloat(style.fontSize), bold);
    } else {
      judge(element, style.color, backdrop(element), parseFloat(style.fontSize), bold);
    }
  }
  return problems;
}

// Sorts, filters and copies every table.
async function tables(page) {
  return page.evaluate(async () => {
    const problems = [];
    const copied = [];
    Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText: async (text) => { copied.push(text); } } });
    for (const box of document.querySelectorAll(".table")) {
      const say = (text) => problems.push(`table ${box.id}: ${text}`);
      const rows = () => [...box.querySelectorAll("tbody tr")];
      const all = rows().length;
      const heads = [...box.querySelectorAll("th")];
      if (box.querySelector(".tools").hidden) say("its tools are hidden");
      heads.forEach((head, at) => {
        const button = head.querySelector("button");
        if (!button) return say(`heading ${at} cannot be clicked`);
        const values = () => rows().map((row) => {
          const cell = row.cells[at];
          if (cell.dataset.v === undefined) return cell.textContent.trim();
          return cell.dataset.v === "" ? null : Number(cell.dataset.v);
        });
        const order = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
        for (const turn of ["first", "second"]) {
          button.click();
          const sense = head.getAttribute("aria-sort");
          const sorted = values();
          if (sorted.length !== all) say(`sorting loses rows`);
          const known = sorted.filter((v) => v !== null);
          if (sorted.slice(0, known.length).includes(null)) say(`"${head.textContent}" does not keep unknown values last`);
          for (let i = 1; i < known.length; i += 1) {
            const step = order(known[i - 1], known[i]);
            if (sense === "ascending" ? step > 0 : step < 0) {
              say(`"${head.textContent}" is not ${sense} after the ${turn} click`);
              break;
            }
          }
        }
        if (heads.filter((other) => other.getAttribute("aria-sort") !== "none").length !== 1) say("not one heading shows the order");
        return undefined;
      });
      const input = box.querySelector("input");
      const type = (text) => { input.value = text; input.dispatchEvent(new Event("input", { bubbles: true })); };
      const shown = () => rows().filter((row) => row.checkVisibility());
      const word = rows()[0]?.cells[0].textContent.trim().toLowerCase().split(/\s+/)[0] ?? "";
      type(word);
      if (!shown().length || shown().some((row) => !row.textContent.toLowerCase().includes(word))) say(`filter "${word}" shows the wrong rows`);
      const wanted = rows().filter((row) => row.textContent.toLowerCase().includes(word)).length;
      if (shown().length !== wanted) say(`filter "${word}" shows ${shown().length} rows, not ${wanted}`);
      box.querySelector(".copy").click();
      await Promise.resolve();
      const lines = copied.pop()?.trim().split("\n") ?? [];
      if (lines.length !== wanted + 1) say(`copies ${lines.length} lines, not ${wanted + 1}`);
      type("no such row anywhere");
      if (shown().length !== 0) say("a filter that matches nothing shows rows");
      type("");
      if (shown().length !== all) say("clearing the filter does not show all rows");
    }
    return problems;
  });
}
