// Streams that are cut anywhere, through stock Node packages and from providers of every dialect, as ../test_cuts.py does it in
// Python. FARTHING_CUTS says how often in all, FARTHING_SEED repeats a run.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { streamText } from "ai";
import OpenAI from "openai";
import { PROVIDERS, openBooks, sever, severed, url } from "./gateway.mjs";

const WAYS = {
  "openai by chat": (apiKey) => stock(apiKey, (client, model) => client.chat.completions.create({ model, messages: [{ role: "user", content: "hello" }], stream: true })),
  "openai by responses": (apiKey) => stock(apiKey, (client, model) => client.responses.create({ model, input: "hello", stream: true })),
  "ai by chat": (apiKey) => ai(createOpenAI({ baseURL: `${url}/v1`, apiKey }).chat),
  "ai by responses": (apiKey) => ai(createOpenAI({ baseURL: `${url}/v1`, apiKey })),
  "ai by messages": (apiKey) => ai(createAnthropic({ baseURL: `${url}/v1`, apiKey })),
  "ai by gemini": (apiKey) => ai(createGoogleGenerativeAI({ baseURL: `${url}/v1beta`, apiKey })),
};
const CUTS = ["closed", "torn", "ended"];
const EACH = Math.max(1, Math.floor(Number(process.env.FARTHING_CUTS ?? 160) / (Object.keys(WAYS).length * PROVIDERS.length)));
const SEED = Number(process.env.FARTHING_SEED ?? Math.floor(Math.random() * 2 ** 32)) >>> 0;

/** mulberry32: the same numbers for the same seed. */
function chance(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Reads a stream of the openai package: what was heard, and the errors. */
function stock(apiKey, create) {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
  return async (model) => {
    const [heard, errors] = [[], []];
    try {
      for await (const event of await create(client, model)) {
        const told = event.choices?.[0]?.delta?.content ?? (event.type === "response.output_text.delta" ? event.delta : "");
        heard.push(told ?? "");
      }
    } catch (error) {
      assert(error instanceof OpenAI.APIError, String(error));
      errors.push(error);
    }
    return { heard: heard.join(""), errors };
  };
}

/** The same with the AI SDK, which passes errors on as parts of the stream. */
function ai(provider) {
  return async (model) => {
    const [heard, errors] = [[], []];
    const stream = streamText({ model: provider(model), prompt: "hello", maxRetries: 0, onError() {} });
    for await (const part of stream.fullStream) {
      if (part.type === "text-delta") heard.push(part.text);
      if (part.type === "error") errors.push(part.error);
    }
    return { heard: heard.join(""), errors };
  };
}

for (const [way, connect] of Object.entries(WAYS)) {
  for (const provider of PROVIDERS) {
    test(`${way} to ${provider}: cut anywhere`, { timeout: 600_000 }, async (t) => {
      const books = await openBooks(t.name);
      const [read, random] = [connect(books.key), chance(SEED ^ (provider.length * 7919 + way.length))];
      for (let count = 0; count < EACH; count++) {
        const cut = [random(), CUTS[Math.floor(random() * CUTS.length)]];
        await sever(...cut);
        const { heard, errors } = await read(`${provider}-severed`);
        const told = await severed();
        const said = `FARTHING_SEED=${SEED}, ${cut}: ${heard}, not ${told.whole}; ${errors.map(String)}`;
        assert(heard === told.whole || heard === told.legible, said);
        assert.equal(errors.length, 1, said);
      }
      for (const row of await books.rows(EACH)) {
        assert(["upstream_cut", "upstream_error"].includes(row.status) && Number(row.cost_usd) > 0, JSON.stringify(row));
      }
    });
  }
}
