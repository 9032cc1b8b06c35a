// window.api: how pages talk to the gateway, and how text from it becomes safe to show.
"use strict";
(() => {
  const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

  async function call(method, path, body) {
    const options = { method, credentials: "same-origin", headers: { accept: "application/json" } };
    if (body !== undefined) {
      options.headers["content-type"] = "application/json";
      options.body = JSON.stringify(body);
    }
    const answer = await fetch(path, options);
    const text = await answer.text();
    const parsed = text === "" ? null : JSON.parse(text);
    if (!answer.ok) {
      throw new Error(parsed?.error?.message ?? `status ${answer.status}`);
    }
    return parsed;
  }

  window.api = Object.freeze({
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body),
    escapeHtml: (text) => String(text).replace(/[&<>"']/g, (mark) => ESCAPES[mark]),
  });
})();
