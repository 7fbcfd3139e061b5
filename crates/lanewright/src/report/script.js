"use strict";
(function () {
  // Light or dark: as the system says until the reader says otherwise.
  var root = document.documentElement;
  var button = document.getElementById("theme");
  var store = function (value) { try { if (value) localStorage.setItem("theme", value); return localStorage.getItem("theme"); } catch (e) { return null; } };
  var dark = matchMedia("(prefers-color-scheme: dark)");
  var shown = function () { return root.dataset.theme || (dark.matches ? "dark" : "light"); };
  var kept = store();
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  if (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      root.dataset.theme = shown() === "dark" ? "light" : "dark";
      store(root.dataset.theme);
    });
  }

  var value = function (row, at) {
    var cell = row.cells[at];
    if (!cell) return "";
    var v = cell.dataset.v;
    if (v === undefined) return cell.textContent.trim();
    return v === "" ? null : Number(v);
  };
  var compare = function (a, b) {
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };
  var quoted = function (text) {
    // A sheet must not run a name as a formula.
    if (/^[=+@\t\r]/.test(text)) text = "'" + text;
    return /[",\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  };

  document.querySelectorAll(".table").forEach(function (box) {
    var table = box.querySelector("table");
    var body = table.tBodies[0];
    var rows = Array.prototype.slice.call(body.rows);
    var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
    var status = box.querySelector(".shown");
    var input = box.querySelector("input");
    box.querySelector(".tools").hidden = false;

    heads.forEach(function (head, at) {
      var click = document.createElement("button");
      click.type = "button";
      click.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(click);
      head.setAttribute("aria-sort", "none");
      click.addEventListener("click", function () {
        // Numbers begin with the largest, words with the first; what is not known stays last.
        var first = head.classList.contains("n") ? "descending" : "ascending";
        var second = first === "ascending" ? "descending" : "ascending";
        var now = head.getAttribute("aria-sort") === first ? second : first;
        heads.forEach(function (other) { other.setAttribute("aria-sort", "none"); });
        head.setAttribute("aria-sort", now);
        var sign = now === "ascending" ? 1 : -1;
        var keyed = rows.map(function (row, i) { return { row: row, i: i, v: value(row, at) }; });
        keyed.sort(function (a, b) {
          if (a.v === null || b.v === null) return compare(a.v, b.v) || a.i - b.i;
          return sign * compare(a.v, b.v) || a.i - b.i;
        });
        var sorted = document.createDocumentFragment();
        keyed.forEach(function (k) { sorted.appendChild(k.row); });
        body.appendChild(sorted);
      });
    });

    var tell = function (count) { status.textContent = count === rows.length ? count + " rows" : count + " of " + rows.length + " rows"; };
    tell(rows.length);
    input.addEventListener("input", function () {
      var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      var count = 0;
      rows.forEach(function (row) {
        var text = row.textContent.toLowerCase();
        row.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
        if (!row.hidden) count += 1;
      });
      tell(count);
    });

    var copy = box.querySelector(".copy");
    copy.addEventListener("click", function () {
      var lines = [heads.map(function (head) { return quoted(head.textContent); }).join(",")];
      Array.prototype.forEach.call(body.rows, function (row) {
        if (row.hidden) return;
        lines.push(Array.prototype.map.call(row.cells, function (cell) {
          var v = cell.dataset.v;
          return quoted(v ? v : cell.textContent.trim());
        }).join(","));
      });
      var text = lines.join("\n") + "\n";
      var done = function (word) {
        copy.textContent = word;
        setTimeout(function () { copy.textContent = "Copy CSV"; }, 1500);
      };
      var old = function () {
        var area = document.createElement("textarea");
        area.value = text;
        document.body.appendChild(area);
        area.select();
        var ok = false;
        try { ok = document.execCommand("copy"); } catch (e) { ok = false; }
        area.remove();
        done(ok ? "Copied" : "Not allowed");
      };
      if (navigator.clipboard && navigator.clipboard.writeText) {
        navigator.clipboard.writeText(text).then(function () { done("Copied"); }, old);
      } else {
        old();
      }
    });
  });

  // Only what scrolls needs a stop of the tab key.
  var stops = function () {
    document.querySelectorAll(".scroll").forEach(function (box) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0; else box.removeAttribute("tabindex");
    });
  };
  stops();
  addEventListener("resize", stops);
  document.querySelectorAll("details").forEach(function (d) { d.addEventListener("toggle", stops); });

  // On paper nothing can be unfolded, except the long list of figures, which stays folded.
  var folded = [];
  addEventListener("beforeprint", function () {
    folded = Array.prototype.filter.call(document.querySelectorAll("main details:not([open]), header details:not([open])"), function (d) { return !d.closest("#sources"); });
    folded.forEach(function (d) { d.open = true; });
  });
  addEventListener("afterprint", function () {
    folded.forEach(function (d) { d.open = false; });
    folded = [];
  });
})();
