// What every page does by itself: local times, forms that stay where they are when refused, copy buttons, secrets shown once.
"use strict";
(() => {
  const DONE = "farthing-done";

  // Times are in UTC in the page; people read their own, and find UTC by pointing.
  function localise(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      if (time.dataset.local || Number.isNaN(moment.getTime())) continue;
      time.dataset.local = "1";
      time.title = `${time.dateTime.replace("T", " ").replace("Z", "")} UTC`;
      const two = (number) => String(number).padStart(2, "0");
      const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
      const clock = `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
      time.textContent = time.dataset.only === "time" ? clock : `${day} ${clock}`;
    }
  }

  // As src/web/dashboard/shown.rs says it.
  function millis(ms) {
    if (ms < 1000) return `${ms} ms`;
    const tenths = ms % 1000 === 0 ? "" : `.${Math.floor((ms % 1000) / 100)}`;
    return `${Math.floor(ms / 1000)}${tenths} s`;
  }

  function clear(form) {
    for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    for (const note of form.querySelectorAll(".refused")) note.remove();
  }

  // At the field if the gateway names one that the form has, else above the buttons.
  function refuse(form, refused) {
    const path = (field) => field.name.split(":")[0];
    const fields = Array.from(form.elements).filter((field) => refused.field && field.type !== "hidden");
    // Of what has no field of its own, the first part has.
    const named = fields.find((field) => path(field) === refused.field) ?? fields.find((field) => path(field).startsWith(`${refused.field}.`));
    const note = document.createElement("p");
    note.className = "refused";
    note.id = `refused-${Math.random().toString(36).slice(2)}`;
    note.setAttribute("role", "alert");
    note.textContent = refused.message;
    const place = named?.closest("label, .field") ?? form.querySelector(".acts, button[type=submit]");
    if (named) {
      named.setAttribute("aria-invalid", "true");
      named.setAttribute("aria-describedby", note.id);
      place.after(note);
      named.focus();
    } else if (place) {
      place.before(note);
    } else {
      form.append(note);
    }
  }

  const control = (form, name) => form.elements.namedItem(`_${name}`)?.value || "";

  function go(form, made) {
    const next = control(form, "next").replace("{id}", made?.id ?? "") || location.pathname;
    if (form.dataset.done) sessionStorage.setItem(DONE, form.dataset.done);
    if (next === location.pathname + location.search) location.reload();
    else location.assign(next);
  }

  // The dialog that the form names, filled with the secret; whoever closes it goes on.
  function reveal(form, made, secret) {
    const dialog = document.querySelector(form.dataset.reveal);
    for (const place of dialog.querySelectorAll("[data-secret]")) {
      place.textContent = (place.dataset.secret || "{secret}").replaceAll("{secret}", secret);
    }
    dialog.addEventListener("close", () => go(form, made), { once: true });
    dialog.showModal();
  }

  async function submit(event) {
    const form = event.target.closest('form[action^="/forms/"]');
    if (!form || form.dataset.plain !== undefined || event.defaultPrevented) return;
    event.preventDefault();
    clear(form);
    // Sent first: a button that is disabled says nothing.
    const answer = api.form(form, event.submitter);
    const buttons = form.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    try {
      const made = await answer;
      // A test that was made and went badly.
      if (made?.ok === false) throw { message: [made.error?.message, ...(made.faults ?? [])].filter(Boolean).join("; ") };
      const secret = made?.[control(form, "reveal")];
      if (secret && form.dataset.reveal) reveal(form, made, secret);
      else go(form, made);
    } catch (refused) {
      // A wrong password in a form is no end of the session.
      if (refused.status === 401 && refused.code !== "invalid_credentials") return location.assign("/sign-in");
      refuse(form, refused);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  async function copy(event) {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent);
    api.toast("Copied.");
  }

  localise(document);
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  document.addEventListener("submit", submit);
  document.addEventListener("click", copy);
  const done = sessionStorage.getItem(DONE);
  sessionStorage.removeItem(DONE);
  if (done) api.toast(done);
  window.page = Object.freeze({ localise, millis, clear, refuse, go });
})();
