// What the tests know of the gateway that stand.py furnished: keys, models that fail, and what the books say.

import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";

const { FARTHING_URL: url, FARTHING_TOKEN: token, UPSTREAM_URL: upstream } = process.env;
assert(url && token && upstream, "run this by tests/clients/stand.py");

export { url };
export const PROVIDERS = ["chat", "responses", "anthropic", "gemini"];
export const TEXT = "Hello world";
export const THOUGHTS = "Let me think.";
export const REPORT = { city: "Oslo", degrees: 7 };
const USAGE = { input: 200, cache_read: 1000, cache_write: 0, output: 40, reasoning: 10 };
const COST = "0.000135";
const PATIENCE = 20_000;

async function call(method, path, body) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/** A key of one test alone, and what is recorded of it. */
export async function openBooks(name) {
  const { key, id } = await call("POST", "/api/keys", { project: "apps", name: name.slice(0, 60) });
  const read = async () => (await call("GET", `/api/requests?key=${id}&limit=100`)).data;

  async function rows(count) {
    const deadline = Date.now() + PATIENCE;
    let found = await read();
    // A line may be written a moment after its answer.
    while (found.length < count && Date.now() < deadline) {
      await wait(10);
      found = await read();
    }
    assert.equal(found.length, count, JSON.stringify(found));
    return found;
  }

  /** Every request is in order and has cost what its usage costs. */
  async function charged(count, dialect, provider) {
    for (const row of await rows(count)) {
      assert.deepEqual([row.status, row.dialect, row.provider], ["ok", dialect, provider]);
      assert.deepEqual([row.usage, row.usage_source], [USAGE, "provider"]);
      assert.equal(Number(row.cost_usd), Number(COST));
    }
  }

  async function ended(status) {
    assert.equal((await rows(1))[0].status, status);
  }

  return { key, rows, charged, ended };
}

let made = 0;

/** A model that fails as it is told to, of one test alone: one that fails often is not tried for a while. */
export async function failing(provider, behaviour) {
  const models = [];
  for (let cursor = ""; cursor !== null; ) {
    const page = await call("GET", `/api/models?limit=100${cursor && `&cursor=${cursor}`}`);
    models.push(...page.data);
    cursor = page.next_cursor;
  }
  const { upstream_model, dialects, prices } = models.find((model) => model.name === `${provider}-${behaviour}`);
  const name = `${provider}-${behaviour}-${process.pid}-${made++}`;
  const rates = Object.fromEntries(Object.entries(prices).filter(([name, rate]) => name.includes("_cost_per_m") && rate !== null));
  await call("POST", "/api/models", { name, provider, upstream_model, dialects, prices: rates });
  return name;
}

/** Whether the last request the scripted providers saw brought their thinking back. */
export async function gotItsThinkingBack() {
  return (await (await fetch(upstream)).json()).got_its_thinking_back;
}

/** Where the next stream of a severed provider is cut: after which share of it, and how. */
export async function sever(share, how) {
  await fetch(`${upstream}/sever?${share},${how}`);
}

/** What had been said before the last cut: in whole events, and what could be read although the end of its event was missing. */
export async function severed() {
  return (await fetch(`${upstream}/severed`)).json();
}
