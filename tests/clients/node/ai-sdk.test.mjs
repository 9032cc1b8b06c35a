// The Vercel AI SDK by each of its four ways in, against providers of every dialect.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateObject, generateText, stepCountIs, streamObject, streamText, tool } from "ai";
import { z } from "zod";
import { PROVIDERS, REPORT, TEXT, THOUGHTS, failing, gotItsThinkingBack, openBooks, url } from "./gateway.mjs";

const Report = z.object({ city: z.string(), degrees: z.number() });
const QUIET = { onError() {} };

// The default of @ai-sdk/openai is Responses.
const WAYS = {
  openai_chat: (apiKey) => createOpenAI({ baseURL: `${url}/v1`, apiKey }).chat,
  openai_responses: (apiKey) => createOpenAI({ baseURL: `${url}/v1`, apiKey }),
  anthropic: (apiKey) => createAnthropic({ baseURL: `${url}/v1`, apiKey }),
  gemini: (apiKey) => createGoogleGenerativeAI({ baseURL: `${url}/v1beta`, apiKey }),
};
const THINKING = {
  openai: { forceReasoning: true, reasoningEffort: "low", reasoningSummary: "auto", store: false },
  anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } },
  google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } },
};

function figures(usage) {
  return [usage.inputTokens, usage.inputTokenDetails.cacheReadTokens, usage.outputTokens];
}
const FIGURES = [1200, 1000, 50];

for (const [dialect, connect] of Object.entries(WAYS)) {
  for (const provider of PROVIDERS) {
    const name = `${dialect} to ${provider}`;
    const open = async (t) => {
      const books = await openBooks(t.name);
      const model = connect(books.key);
      const asks = (behaviour, more) => ({ model: model(`${provider}-${behaviour}`), prompt: "hello", maxRetries: 0, maxOutputTokens: 2000, ...more });
      return { books, model, asks };
    };

    test(`${name}: generateText and streamText`, async (t) => {
      const { books, asks } = await open(t);
      const whole = await generateText(asks("plain", { system: "Be brief." }));
      assert.deepEqual([whole.text, whole.finishReason, figures(whole.usage)], [TEXT, "stop", FIGURES]);
      const stream = streamText(asks("plain", QUIET));
      const pieces = [];
      for await (const piece of stream.textStream) pieces.push(piece);
      assert.deepEqual([pieces.join(""), await stream.finishReason, figures(await stream.usage)], [TEXT, "stop", FIGURES]);
      await books.charged(2, dialect, provider);
    });

    test(`${name}: a second turn`, async (t) => {
      const { books, asks } = await open(t);
      const question = { role: "user", content: "hello" };
      const unstored = { providerOptions: { openai: { store: false } } };
      const first = await generateText(asks("plain", unstored));
      const { prompt, ...asked } = asks("plain", { messages: [question, ...first.response.messages, question] });
      assert.equal((await generateText({ ...asked, ...unstored })).text, TEXT);
      await books.charged(2, dialect, provider);
      if (dialect === "openai_responses" && provider !== "responses") {
        // Unless it is told otherwise, it only refers to what was said, which OpenAI alone can look up.
        await assert.rejects(generateText(asked), (error) => error.statusCode === 400 && error.message.includes("store: false"));
      }
    });

    test(`${name}: a loop of tools, whole and streamed`, async (t) => {
      const { books, asks } = await open(t);
      const cities = [];
      const weather = tool({ description: "The weather.", inputSchema: z.object({ city: z.string() }), execute: ({ city }) => (cities.push(city), "rain") });
      const asked = asks("pair", { tools: { weather }, stopWhen: stepCountIs(3), ...QUIET });
      const { text, steps } = await generateText(asked);
      assert.deepEqual([text, steps.length], [TEXT, 2]);
      const stream = streamText(asked);
      await stream.consumeStream();
      assert.equal(await stream.text, TEXT);
      assert.deepEqual(cities, ["Oslo", "Rome", "Oslo", "Rome"]);
      await books.charged(4, dialect, provider);
    });

    test(`${name}: thinking, and tools with it`, async (t) => {
      const { books, asks } = await open(t);
      const weather = tool({ inputSchema: z.object({ city: z.string() }), execute: () => "rain" });
      const asked = asks("thinker", { providerOptions: THINKING, ...QUIET });
      const stream = streamText(asked);
      await stream.consumeStream();
      assert.equal(await stream.text, TEXT);
      const loop = await generateText({ ...asked, tools: { weather }, stopWhen: stepCountIs(3) });
      assert.equal(loop.text, TEXT);
      // The package reads no thinking from chat.
      if (dialect !== "openai_chat") {
        assert.equal(await stream.reasoningText, THOUGHTS);
        assert.equal(loop.steps[0].reasoningText, THOUGHTS);
        assert(await gotItsThinkingBack());
      }
      await books.charged(3, dialect, provider);
    });

    test(`${name}: generateObject and streamObject`, async (t) => {
      const { books, asks } = await open(t);
      assert.deepEqual((await generateObject(asks("plain", { schema: Report }))).object, REPORT);
      const seen = [];
      for await (const partial of streamObject(asks("plain", { schema: Report, ...QUIET })).partialObjectStream) seen.push(partial);
      assert.deepEqual(seen.at(-1), REPORT);
      await books.charged(2, dialect, provider);
    });

    test(`${name}: errors`, async (t) => {
      const { model, asks } = await open(t);
      const status = (wanted) => (error) => APICallError.isInstance(error) && error.statusCode === wanted;
      await assert.rejects(generateText(asks("nowhere")), status(404));
      await assert.rejects(generateText(asks("plain", { model: connect("nonsense")(`${provider}-plain`) })), status(401));
      for (const [behaviour, wanted] of [["refuse", 400], ["busy", 429], ["fail", 502]]) {
        const broken = model(await failing(provider, behaviour));
        await assert.rejects(generateText(asks("", { model: broken })), status(wanted));
      }
    });

    test(`${name}: a stream that is cut says so`, async (t) => {
      const { books, model, asks } = await open(t);
      const seen = [];
      const errors = [];
      const stream = streamText(asks("", { model: model(await failing(provider, "cut")), ...QUIET }));
      for await (const part of stream.fullStream) {
        if (part.type === "text-delta") seen.push(part.text);
        if (part.type === "error") errors.push(part.error);
      }
      assert.deepEqual([seen.join(""), errors.length], ["Hel", 1], String(errors));
      await books.ended("upstream_cut");
    });
  }
}
