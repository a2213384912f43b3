// Clients of one protocol on accounts of another: tool loops of several rounds, plain and streamed, against
// providers that refuse what real ones refuse; and refusals, which are the SDK's own errors.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";

import { claude, gemini, gpt } from "./clients.mjs";
import { startGateway, startSim } from "./servers.mjs";

const read = (name) => JSON.parse(readFileSync(new URL(`../${name}.json`, import.meta.url), "utf8"));
const { $about, ...BRIDGES } = read("bridges");
const ANSWERS = read("provider-errors");
const PROTOCOLS = ["anthropic", "openai", "gemini"];
const QUESTION = "How warm is it in Lisbon?";
const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const NAMES = ["weather", "clock"];

const keyOf = (name) => `wb-sdk-suite-bridge-${name}-0123456789abcdef`;

function configuration(simUrl) {
  return Object.entries(BRIDGES)
    .map(([name, { platform, account = "" }]) =>
      `[[group]]\nname = "${name}"\nplatform = "${platform}"\nprotocols = ${JSON.stringify(PROTOCOLS)}\n` +
      `[[account]]\nname = "${name}"\nplatform = "${platform}"\ngroups = ["${name}"]\nbase_url = "${simUrl}"\n` +
      `credential = { api_key = "sim-bridge-${name}" }\n${account}\n` +
      `[[api_key]]\nname = "${name}"\nkey = "${keyOf(name)}"\ngroups = ["${name}"]\n`)
    .join("");
}

/** Each gives a function that asks, keeps the answer as the SDK gave it, and says what is in it; told results, it goes on. */
const TALKS = {
  messages(target, model, more) {
    const turns = [{ role: "user", content: QUESTION }];
    const tools = NAMES.map((name) => ({ name, input_schema: SCHEMA }));
    const call = { model, max_tokens: 4096, tools, thinking: { type: "enabled", budget_tokens: 1024 }, messages: turns, ...more };
    return async (streamed, results) => {
      if (results) turns.push({ role: "user", content: results.map(([id, , text]) => ({ type: "tool_result", tool_use_id: id, content: text })) });
      const { messages } = claude(target);
      const answer = streamed ? await messages.stream(call).finalMessage() : await messages.create(call);
      turns.push({ role: "assistant", content: answer.content });
      const calls = answer.content.filter((block) => block.type === "tool_use").map(({ id, name }) => [id, name]);
      return { calls, text: answer.content.map((block) => block.text ?? "").join("") };
    };
  },
  chat(target, model, more) {
    const turns = [{ role: "user", content: QUESTION }];
    const tools = NAMES.map((name) => ({ type: "function", function: { name, parameters: SCHEMA } }));
    const call = { model, tools, reasoning_effort: "low", messages: turns, ...more };
    return async (streamed, results) => {
      if (results) turns.push(...results.map(([id, , text]) => ({ role: "tool", tool_call_id: id, content: text })));
      const { completions } = gpt(target).chat;
      const answer = streamed ? await completions.stream(call).finalChatCompletion() : await completions.create(call);
      const { message } = answer.choices[0];
      const asked = message.tool_calls?.map(({ parsed_arguments, function: { parsed_arguments: _, ...made }, ...one }) => ({ ...one, function: made }));
      turns.push({ role: "assistant", content: message.content, ...(asked?.length ? { tool_calls: asked } : {}) });
      return { calls: (asked ?? []).map((one) => [one.id, one.function.name]), text: message.content ?? "" };
    };
  },
  responses(target, model, more) {
    const turns = [{ role: "user", content: QUESTION }];
    const tools = NAMES.map((name) => ({ type: "function", name, parameters: SCHEMA, strict: false }));
    const kept = { store: false, include: ["reasoning.encrypted_content"], reasoning: { effort: "low", summary: "auto" } };
    const call = { model, tools, ...kept, input: turns, ...more };
    return async (streamed, results) => {
      if (results) turns.push(...results.map(([id, , text]) => ({ type: "function_call_output", call_id: id, output: text })));
      const { responses } = gpt(target);
      const answer = streamed ? await responses.stream(call).finalResponse() : await responses.create(call);
      for (const { parsed_arguments, ...item } of answer.output) {
        if (item.type === "message") item.content = item.content.map(({ parsed, ...part }) => part);
        turns.push(item);
      }
      const calls = answer.output.filter((item) => item.type === "function_call").map((item) => [item.call_id, item.name]);
      return { calls, text: answer.output_text ?? "" };
    };
  },
  content(target, model, more) {
    const contents = [{ role: "user", parts: [{ text: QUESTION }] }];
    const tools = [{ functionDeclarations: NAMES.map((name) => ({ name, parametersJsonSchema: SCHEMA })) }];
    const call = { model, contents, config: { tools, thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 }, ...more } };
    return async (streamed, results) => {
      if (results) contents.push({ role: "user", parts: results.map(([id, name, text]) => ({ functionResponse: { id, name, response: { output: text } } })) });
      const { models } = gemini(target);
      const parts = [];
      const chunks = streamed ? await models.generateContentStream(call) : [await models.generateContent(call)];
      for await (const chunk of chunks) parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
      contents.push({ role: "model", parts });
      const calls = parts.filter((part) => part.functionCall).map(({ functionCall }) => [functionCall.id, functionCall.name]);
      return { calls, text: parts.filter((part) => !part.thought).map((part) => part.text ?? "").join("") };
    };
  },
};
const WAYS = Object.keys(TALKS).flatMap((talk) =>
  Object.keys(BRIDGES)
    // OpenAI's clients have no paths there.
    .filter((name) => !(BRIDGES[name].prefix && ["chat", "responses"].includes(talk)))
    .map((name) => [talk, name]),
);
const REFUSALS = [
  ["messages", "gemini", ["BadRequestError", "RateLimitError", "OverloadedError"]],
  ["messages", "antigravity", ["BadRequestError", "RateLimitError", "OverloadedError"]],
  ["chat", "anthropic", ["BadRequestError", "RateLimitError", "InternalServerError"]],
  ["responses", "anthropic", ["BadRequestError", "RateLimitError", "InternalServerError"]],
  ["responses", "chat", ["BadRequestError", "RateLimitError", "InternalServerError"]],
  ["content", "antigravity", ["ApiError", "ApiError", "ApiError"]],
];

let sim;
let gateway;
before(async () => {
  sim = await startSim();
  gateway = await startGateway(sim, configuration);
});
afterEach(() => sim.heal());
after(async () => {
  await gateway?.close();
  await sim?.close();
});

const begin = (talk, name, { url }, more) => {
  const { family, prefix = "" } = BRIDGES[name];
  return TALKS[talk]({ url: url + prefix, key: keyOf(name) }, `${family}-sim-agent`, more);
};

for (const [talk, name] of WAYS) {
  for (const streamed of [false, true]) {
    test(`${talk} on ${name}, ${streamed ? "streamed" : "plain"}: an agent comes to its end`, async () => {
      const ask = begin(talk, name, gateway);
      const first = await ask(streamed);
      assert.deepEqual(first.calls.map((call) => call[1]), NAMES);
      const second = await ask(streamed, first.calls.map((call) => [...call, `${call[1]} one`]));
      assert.deepEqual(second.calls.map((call) => call[1]), ["weather"]);
      const last = await ask(streamed, second.calls.map((call) => [...call, "weather two"]));
      assert.deepEqual(last.calls, []);
      for (const said of ["weather said «weather one»", "clock said «clock one»", "weather said «weather two»"]) {
        assert.ok(last.text.includes(said), last.text);
      }
    });
  }
}

for (const [talk, name, classes] of REFUSALS) {
  for (const [place, kind] of ["bad-request", "rate-limit", "overloaded"].entries()) {
    test(`${talk} on ${name}: the provider's ${kind} is the SDK's own error`, async () => {
      const own = await startGateway(sim, configuration);
      try {
        const { platform } = BRIDGES[name];
        const { status, headers, body } = ANSWERS[platform === "antigravity" ? "gemini" : platform][kind];
        await sim.script({ fault: { kind: "http", status, headers, body } });
        await assert.rejects(begin(talk, name, own)(false), (error) => {
          assert.equal(error.constructor.name, classes[place]);
          assert.ok(error.message.includes(body.error.message), error.message);
          return true;
        });
      } finally {
        await own.close();
      }
    });
  }
}

for (const [talk, name, more, field] of [
  ["messages", "responses", { top_k: 5 }, "top_k"],
  ["chat", "anthropic", { logprobs: true }, "logprobs"],
  ["responses", "anthropic", { previous_response_id: "resp_1" }, "previous_response_id"],
]) {
  test(`${talk} on ${name}: ${field} is refused by its name`, () =>
    assert.rejects(begin(talk, name, gateway, more)(false), (error) => {
      assert.equal(error.constructor.name, "BadRequestError");
      assert.match(JSON.stringify(error.error) + error.message, new RegExp(`waybill_untranslatable[^]*${field}|${field}[^]*waybill_untranslatable`));
      return true;
    }));
}
