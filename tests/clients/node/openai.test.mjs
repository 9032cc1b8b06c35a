// The stock openai package, by chat and by Responses, against providers of every dialect.

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { PROVIDERS, REPORT, TEXT, failing, openBooks, url } from "./gateway.mjs";

const PARAMETERS = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const QUESTION = { role: "user", content: "hello" };
const Report = z.object({ city: z.string(), degrees: z.number() });

async function open(name) {
  const books = await openBooks(name);
  return { books, client: new OpenAI({ baseURL: `${url}/v1`, apiKey: books.key, maxRetries: 0 }) };
}

for (const provider of PROVIDERS) {
  const chat = (behaviour = "plain", more = {}) => ({ model: `${provider}-${behaviour}`, messages: [QUESTION], max_tokens: 2000, ...more });
  const ask = (behaviour = "plain", more = {}) => ({ model: `${provider}-${behaviour}`, input: "hello", max_output_tokens: 2000, ...more });

  test(`chat to ${provider}: whole and streamed`, async (t) => {
    const { books, client } = await open(t.name);
    const whole = await client.chat.completions.create(chat());
    assert.equal(whole.choices[0].message.content, TEXT);
    assert.deepEqual([whole.usage.prompt_tokens, whole.usage.prompt_tokens_details.cached_tokens, whole.usage.completion_tokens], [1200, 1000, 50]);
    const stream = client.chat.completions.stream(chat("plain", { stream_options: { include_usage: true } }));
    assert.equal(await stream.finalContent(), TEXT);
    assert.equal((await stream.totalUsage()).total_tokens, 1250);
    await books.charged(2, "openai_chat", provider);
  });

  test(`chat to ${provider}: tools that are run by themselves`, async (t) => {
    const { books, client } = await open(t.name);
    const cities = [];
    const weather = ({ city }) => (cities.push(city), "rain");
    const described = { name: "weather", description: "The weather.", parameters: PARAMETERS, parse: JSON.parse, function: weather };
    for (const stream of [false, true]) {
      const runner = client.chat.completions.runTools(chat("pair", { stream, tools: [{ type: "function", function: described }] }));
      assert.equal(await runner.finalContent(), TEXT);
    }
    assert.deepEqual(cities, ["Oslo", "Rome", "Oslo", "Rome"]);
    await books.charged(4, "openai_chat", provider);
  });

  test(`chat to ${provider}: structured output`, async (t) => {
    const { books, client } = await open(t.name);
    const answer = await client.chat.completions.parse(chat("plain", { response_format: zodResponseFormat(Report, "report") }));
    assert.deepEqual(answer.choices[0].message.parsed, REPORT);
    await books.charged(1, "openai_chat", provider);
  });

  test(`responses to ${provider}: whole and streamed`, async (t) => {
    const { books, client } = await open(t.name);
    const whole = await client.responses.create(ask());
    assert.equal(whole.output_text, TEXT);
    const { input_tokens, input_tokens_details, output_tokens, output_tokens_details } = whole.usage;
    const figures = [input_tokens, input_tokens_details.cached_tokens, output_tokens, output_tokens_details.reasoning_tokens];
    assert.deepEqual(figures, [1200, 1000, 50, 10]);
    const stream = client.responses.stream(ask());
    const answer = await stream.finalResponse();
    assert.deepEqual([answer.output_text, answer.usage.total_tokens], [TEXT, 1250]);
    await books.charged(2, "openai_responses", provider);
  });

  test(`responses to ${provider}: a loop of tools`, async (t) => {
    const { books, client } = await open(t.name);
    const tools = [{ type: "function", name: "weather", parameters: PARAMETERS, strict: true }];
    const first = await client.responses.create(ask("pair", { tools }));
    const calls = first.output.filter((item) => item.type === "function_call");
    assert.deepEqual(calls.map((call) => JSON.parse(call.arguments).city), ["Oslo", "Rome"]);
    const results = calls.map(({ call_id }) => ({ type: "function_call_output", call_id, output: "rain" }));
    const second = await client.responses.create(ask("pair", { tools, input: [QUESTION, ...first.output, ...results] }));
    assert.equal(second.output_text, TEXT);
    await books.charged(2, "openai_responses", provider);
  });

  test(`responses to ${provider}: structured output`, async (t) => {
    const { books, client } = await open(t.name);
    const answer = await client.responses.parse(ask("plain", { text: { format: zodTextFormat(Report, "report") } }));
    assert.deepEqual(answer.output_parsed, REPORT);
    await books.charged(1, "openai_responses", provider);
  });

  test(`${provider} refuses, fails and is busy`, async (t) => {
    const { client } = await open(t.name);
    for (const [behaviour, error] of [["refuse", OpenAI.BadRequestError], ["fail", OpenAI.InternalServerError], ["busy", OpenAI.RateLimitError]]) {
      const model = await failing(provider, behaviour);
      await assert.rejects(client.chat.completions.create(chat("", { model })), error);
    }
    const wrong = new OpenAI({ baseURL: `${url}/v1`, apiKey: "nonsense", maxRetries: 0 });
    await assert.rejects(wrong.responses.create(ask()), OpenAI.AuthenticationError);
    await assert.rejects(client.responses.create(ask("nowhere")), OpenAI.NotFoundError);
  });

  for (const [dialect, create] of [
    ["chat", (client, model) => client.chat.completions.create(chat("", { model, stream: true }))],
    ["responses", (client, model) => client.responses.create(ask("", { model, stream: true }))],
  ]) {
    test(`${dialect} to ${provider}: a stream that is cut throws`, async (t) => {
      const { books, client } = await open(t.name);
      const seen = [];
      await assert.rejects(async () => {
        for await (const event of await create(client, await failing(provider, "cut"))) {
          seen.push(event.choices?.[0]?.delta?.content ?? event.delta ?? "");
        }
      }, OpenAI.APIError);
      assert.equal(seen.join(""), "Hel");
      await books.ended("upstream_cut");
    });
  }
}
