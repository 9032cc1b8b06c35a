// Models: forms in dialogs, and changes that replace a whole definition go to the API itself (PUT, with the version they are
// about). Without this script the same forms stand in the page and go by the server.
"use strict";
(() => {
  // The same rules as src/web/forms/fields.rs, for the kinds that these forms have.
  function value(kind, text) {
    const orNull = kind.endsWith("?");
    const plain = text.trim();
    if (plain === "") return orNull ? null : undefined;
    switch (orNull ? kind.slice(0, -1) : kind) {
      case "int":
        return /^-?[0-9]{1,15}$/.test(plain) ? Number(plain) : plain;
      case "list":
        return plain.split(",").map((item) => item.trim()).filter((item) => item !== "");
      case "json":
        return JSON.parse(plain);
      default:
        return text;
    }
  }

  function put(body, path, found) {
    const names = path.split(".");
    const last = names.pop();
    const place = names.reduce((inside, name) => (inside[name] ??= {}), body);
    place[last] = Array.isArray(place[last]) ? place[last].concat(found) : found;
  }

  function definition(form) {
    const body = {};
    for (const [field, text] of new FormData(form)) {
      if (field.startsWith("_")) continue;
      const [path, kind = "text"] = field.split(":");
      const found = value(kind, text);
      if (found !== undefined) put(body, path, found);
    }
    return body;
  }

  async function replace(event) {
    const form = event.currentTarget;
    event.preventDefault();
    page.clear(form);
    const buttons = form.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    try {
      page.go(form, await api.put(form.dataset.put, definition(form), form.elements.namedItem("_version").value));
    } catch (refused) {
      if (refused.status === 401) return location.assign("/sign-in");
      page.refuse(form, refused);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  function button(text, className, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.className = className;
    made.addEventListener("click", act);
    return made;
  }

  // What is folded away in the page becomes a dialog behind a button.
  function unfold(details) {
    const summary = details.querySelector(":scope > summary");
    const dialog = document.createElement("dialog");
    const title = document.createElement("h2");
    title.textContent = details.dataset.dialog;
    title.id = `dialog-${document.querySelectorAll("dialog").length}`;
    dialog.setAttribute("aria-labelledby", title.id);
    summary.remove();
    dialog.append(title, ...details.childNodes);
    dialog.querySelector("form > .acts")?.append(button("Cancel", "quiet", () => dialog.close()));
    details.replaceWith(button(summary.textContent, "quiet", () => dialog.showModal()), dialog);
  }

  document.querySelectorAll("form[data-put]").forEach((form) => form.addEventListener("submit", replace));
  document.querySelectorAll("details[data-dialog]").forEach(unfold);
})();
