// window.api: how pages talk to the gateway, and how text from it becomes safe to show.
"use strict";
(() => {
  const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";

  class Refused extends Error {
    constructor(status, error) {
      super(error?.message ?? `The gateway answered with status ${status}.`);
      Object.assign(this, { status, code: error?.code, field: error?.param ?? error?.details?.field });
    }
  }

  // The parsed answer; null if there is none. Throws what `toast` can show.
  async function send(path, options) {
    const answer = await fetch(path, { credentials: "same-origin", ...options });
    const text = await answer.text();
    const parsed = text === "" ? null : JSON.parse(text);
    if (!answer.ok) throw new Refused(answer.status, parsed?.error);
    return parsed;
  }

  // `version` is the ETag that a change expects (If-Match).
  function call(method, path, body, version) {
    const headers = { accept: "application/json" };
    if (method !== "GET") headers["x-farthing-csrf"] = csrf;
    if (body !== undefined) headers["content-type"] = "application/json";
    if (version) headers["if-match"] = version;
    return send(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  }

  // A form as it would go without a script; the answer is the API's own.
  const form = (element, submitter) =>
    send(element.getAttribute("action"), {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams(new FormData(element, submitter)),
    });

  function toast(text, tone = "good") {
    const note = document.createElement("p");
    note.className = `toast ${tone}`;
    note.textContent = text;
    document.getElementById("toasts")?.append(note);
    setTimeout(() => note.remove(), tone === "bad" ? 10000 : 5000);
  }

  window.api = Object.freeze({
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body),
    put: (path, body, version) => call("PUT", path, body, version),
    patch: (path, body, version) => call("PATCH", path, body, version),
    delete: (path) => call("DELETE", path),
    form,
    toast,
    escapeHtml: (text) => String(text).replace(/[&<>"']/g, (mark) => ESCAPES[mark]),
  });
})();
