// window.live: the feed's socket for every page that moves. Events go to whoever asked; parts of the page marked `data-live` are
// read anew from the server when something happened, so that the server alone knows how they look. A lost connection is said,
// tried again, and what was missed is read anew. A page without the mark `#live` does not listen. Listening and reading anew are no use of the session.
"use strict";
(() => {
  const FIRST_PAUSE_MS = 1000;
  const LONGEST_PAUSE_MS = 30000;
  // Changes of state are shown soon, figures now and then.
  const SOON_MS = 300;
  const USUAL_MS = 5000;
  const OVER = 4401;

  const mark = document.getElementById("live");
  const every = Number(document.querySelector("[data-every]")?.dataset.every ?? 0);
  const listeners = [];
  let pause = FIRST_PAUSE_MS;
  let due = null;
  let last = 0;
  let lost = false;

  function say(state, word) {
    if (!mark || mark.dataset.state === state) return;
    mark.dataset.state = state;
    mark.querySelector(".word").textContent = word;
  }

  // What somebody is typing in, or has opened, stays as it is.
  const inUse = (part) => part.contains(document.activeElement) || part.querySelector("details[open]") !== null;

  // The page as it is now. The browser reads the answer as a document by itself: the policy lets no script make one of text.
  function again() {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.setRequestHeader("x-farthing-refresh", "1");
    request.setRequestHeader("accept", "text/html");
    return new Promise((done) => {
      request.addEventListener("loadend", () => done(request));
      request.send();
    });
  }

  async function refresh() {
    due = null;
    last = Date.now();
    const parts = Array.from(document.querySelectorAll("[data-live]"));
    if (document.hidden || parts.length === 0) return;
    const answer = await again();
    // Sent elsewhere: to sign in.
    if (answer.status !== 0 && new URL(answer.responseURL).pathname !== location.pathname) return location.assign("/sign-in");
    if (answer.status !== 200 || !answer.response) return;
    for (const part of parts) {
      const other = answer.response.getElementById(part.id);
      if (!other || inUse(part)) continue;
      part.replaceChildren(...other.childNodes);
      window.page.localise(part);
    }
    for (const { refreshed } of listeners) refreshed?.();
  }

  function refreshIn(wait) {
    const at = Math.max(Date.now() + SOON_MS, last + wait);
    if (due && due.at <= at) return;
    clearTimeout(due?.timer);
    due = { at, timer: setTimeout(refresh, at - Date.now()) };
  }

  function take(message) {
    const event = JSON.parse(message.data);
    for (const { take: listen } of listeners) listen?.(event);
    refreshIn(event.type === "usage" ? USUAL_MS : SOON_MS);
  }

  function connect() {
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws/feed`);
    socket.addEventListener("open", () => {
      pause = FIRST_PAUSE_MS;
      say("on", "live");
      if (lost) window.api.toast("Live again.");
      lost = false;
    });
    socket.addEventListener("message", take);
    socket.addEventListener("close", (closed) => {
      if (closed.code === OVER) return location.assign("/sign-in");
      if (!lost && mark?.dataset.state === "on") {
        window.api.toast("The live connection is lost; connecting again.", "bad");
        lost = true;
      }
      say("lost", "connecting again");
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    });
  }

  document.addEventListener("visibilitychange", () => document.hidden || refreshIn(SOON_MS));
  if (every > 0) setInterval(() => refreshIn(SOON_MS), every);
  window.live = Object.freeze({ on: (listener) => listeners.push(listener) });
  if (mark) connect();
})();
