// Providers, live: how long answers take, from the feed's own figures, and what a test found.
"use strict";
(() => {
  const MOST = 200;
  const times = new Map();

  function show() {
    for (const place of document.querySelectorAll("[data-latency]")) {
      const known = times.get(place.dataset.latency);
      if (!known) continue;
      const sorted = Array.from(known.values()).sort((left, right) => left - right);
      const at = (percent) => page.millis(sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))]);
      place.textContent = `median ${at(50)}, p99 ${at(99)} (last ${sorted.length} calls)`;
    }
  }

  // Recent events come again with every connection; each call counts once.
  function take(event) {
    if (event.type !== "usage" || !event.provider_id || event.status !== "ok") return;
    if (!times.has(event.provider_id)) times.set(event.provider_id, new Map());
    const known = times.get(event.provider_id);
    known.set(event.request_id, event.latency_ms);
    if (known.size > MOST) known.delete(known.keys().next().value);
    show();
  }

  async function test(event) {
    event.preventDefault();
    const form = event.target;
    const [button, said] = [form.querySelector("button"), form.querySelector("output")];
    button.disabled = true;
    said.textContent = "asking…";
    try {
      const found = await window.api.form(form, button);
      const models = found.models === undefined ? "" : `, ${found.models} models`;
      said.textContent = found.ok ? `It answers (${found.checked}${models}) after ${page.millis(found.latency_ms)}.` : found.error.message;
    } catch (refused) {
      said.textContent = refused.message;
    } finally {
      button.disabled = false;
    }
  }

  for (const form of document.querySelectorAll("form[data-test]")) form.addEventListener("submit", test);
  window.live.on({ take, refreshed: show });
})();
