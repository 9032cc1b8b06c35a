// The playground: asks for a short-lived token of the chosen key, calls with it, and shows the answer as it comes.
"use strict";
(() => {
  const LIFETIME_S = 60;
  const form = document.getElementById("ask");
  if (!form) return;
  const [answer, remark, stop] = ["answer", "remark", "stop"].map((id) => document.getElementById(id));
  let running = null;

  function body() {
    const fields = new FormData(form);
    const system = fields.get("system").trim();
    const messages = [{ role: "user", content: fields.get("prompt") }];
    if (system) messages.unshift({ role: "system", content: system });
    const body = { model: fields.get("model"), messages, stream: true, stream_options: { include_usage: true } };
    const most = Number(fields.get("max_tokens"));
    if (most > 0) body.max_tokens = most;
    return body;
  }

  // One event of the stream: text to show, the bill at its end, or a failure after the first byte.
  function take(line) {
    if (!line.startsWith("data: ") || line === "data: [DONE]") return;
    const event = JSON.parse(line.slice(6));
    if (event.error) throw new Error(event.error.message);
    answer.append(event.choices?.[0]?.delta?.content ?? "");
    if (event.usage) bill(event);
  }

  function bill({ usage, farthing }) {
    const cost = farthing ? `, $${farthing.cost_usd}, ` : " ";
    remark.textContent = `${usage.prompt_tokens} tokens in, ${usage.completion_tokens} out${cost}`;
    if (!farthing) return;
    const link = document.createElement("a");
    link.href = `/requests/${farthing.request_id}`;
    link.textContent = "its story";
    remark.append(link);
  }

  async function read(stream) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      lines.forEach((line) => take(line.trimEnd()));
    }
  }

  async function send() {
    const key = new FormData(form).get("key");
    const { token } = await api.post(`/api/keys/${key}/tokens`, { expires_in_seconds: LIFETIME_S, max_requests: 1 });
    const response = await fetch("/v1/chat/completions", {
      method: "POST",
      credentials: "omit",
      signal: running.signal,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body()),
    });
    if (!response.ok) throw new Error((await response.json()).error?.message ?? `status ${response.status}`);
    await read(response.body);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (running) return;
    running = new AbortController();
    answer.replaceChildren();
    remark.className = "remark";
    remark.textContent = "Waiting…";
    stop.hidden = false;
    try {
      await send();
    } catch (failure) {
      remark.className = "refused";
      remark.textContent = failure.name === "AbortError" ? "Stopped. What was produced is charged." : failure.message;
    } finally {
      stop.hidden = true;
      running = null;
    }
  });
  stop.addEventListener("click", () => running?.abort());
})();
