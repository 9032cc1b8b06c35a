// Tables of calls that follow the feed (live.js): each finished call becomes the first row. Everything from it is set as text.
"use strict";
(() => {
  const MOST_ROWS = 50;
  const TONES = { ok: "good", client_gone: "fair", refused: "fair" };

  const table = document.getElementById("calls");
  const names = JSON.parse(table.dataset.names);
  const rows = table.tBodies[0];
  const known = new Set(Array.from(rows.rows, (row) => row.dataset.request));
  let waiting = [];

  const nameOf = (id) => names[id] ?? `${id.slice(0, 12)}…`;
  const count = (number) => number.toLocaleString("en-US");

  // The same rules as src/web/dashboard/shown.rs, on the same exact text.
  function shortMoney(text) {
    const [whole, decimals = ""] = text.split(".");
    const zeros = decimals.match(/^0*/)[0].length;
    const kept = decimals.slice(0, whole === "0" ? zeros + 3 : 2);
    return `$${count(BigInt(whole))}${kept === "" ? "" : `.${kept}`}`;
  }

  function element(tag, className, text, title) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    if (title !== undefined) made.title = title;
    return made;
  }

  function cell(row, className, ...content) {
    const made = element("td", className);
    made.append(...content);
    row.append(made);
    return made;
  }

  function rowOf(event) {
    const row = element("tr", "new");
    row.dataset.request = event.request_id;
    row.dataset.time = String(event.time);
    const iso = new Date(event.time).toISOString();
    const time = element("time", "", iso.slice(11, 19));
    time.dateTime = iso;
    if (table.dataset.only) time.dataset.only = table.dataset.only;
    const link = element("a");
    link.href = `/requests/${encodeURIComponent(event.request_id)}`;
    link.append(time);
    cell(row, "", link);
    page.localise(row);
    cell(row, "name", nameOf(event.project_id), " ", element("span", "remark", nameOf(event.key_id)));
    cell(row, "name", event.model);
    cell(row, "name", event.provider_id ? nameOf(event.provider_id) : "–");
    cell(row, "", element("span", `badge ${TONES[event.status] ?? "bad"}`, event.status, `HTTP ${event.http_status}`));
    cell(row, "number", count(event.input_tokens));
    cell(row, "number", count(event.output_tokens));
    cell(row, "number", shortMoney(event.cost_usd)).title = `$${event.cost_usd}`;
    cell(row, "number", page.millis(event.latency_ms));
    return row;
  }

  // Recent events come again with every connection, so a row has its place by time and is shown once.
  function insert(event) {
    if (known.has(event.request_id)) return;
    const later = Array.from(rows.rows).find((row) => Number(row.dataset.time) <= event.time);
    if (!later && rows.rows.length >= MOST_ROWS) return;
    known.add(event.request_id);
    rows.insertBefore(rowOf(event), later ?? null);
    if (rows.rows.length > MOST_ROWS) {
      const last = rows.rows[rows.rows.length - 1];
      known.delete(last.dataset.request);
      last.remove();
    }
  }

  // Many calls a second are drawn once a frame, and no more of them than fit.
  function draw() {
    const events = waiting;
    waiting = [];
    events.forEach(insert);
    document.getElementById("no-calls").hidden = rows.rows.length > 0;
  }

  function take(event) {
    if (event.type !== "usage") return;
    if (waiting.length === 0) requestAnimationFrame(draw);
    waiting.push(event);
    if (waiting.length > MOST_ROWS) waiting.shift();
  }

  window.calls = Object.freeze({ follow: () => window.live.on({ take }) });
})();
