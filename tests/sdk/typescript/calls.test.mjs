// What an application does on a good day. Every call is made twice: to the provider itself, which shows
// that the SDK is content with the simulator, and through the gateway, which must not be noticed.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { CLAUDE, GEMINI, GPT, KINDS, QUESTION, TURN, claude, gemini, gpt } from "./clients.mjs";
import { startGateway, startSim } from "./servers.mjs";

const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const WEATHER = [{ role: "user", content: "What is the weather in Lisbon?" }];

let sim;
let gateway;
before(async () => {
  sim = await startSim();
  gateway = await startGateway(sim);
});
after(async () => {
  await gateway?.close();
  await sim?.close();
});

for (const { name, platform, make } of KINDS) {
  test(`${name}: the answer through the gateway is the provider's`, async () => {
    const text = await make(sim.target(platform));
    assert.ok(text.length > 0);
    assert.equal(await make(gateway.target), text);
  });
}

for (const via of ["provider", "gateway"]) {
  const target = (platform) => (via === "provider" ? sim.target(platform) : gateway.target);

  describe(`anthropic by way of the ${via}`, () => {
    test("a stream's events come in the documented order", async () => {
      const kinds = [];
      const stream = await claude(target("anthropic")).messages.create({ model: CLAUDE, max_tokens: 256, messages: TURN, stream: true });
      for await (const event of stream) kinds.push(event.type);
      assert.equal(kinds[0], "message_start");
      assert.deepEqual(kinds.slice(-2), ["message_delta", "message_stop"]);
      assert.ok(kinds.filter((kind) => kind === "content_block_delta").length > 1);
    });

    test("a tool is called and its result is answered", async () => {
      const client = claude(target("anthropic"));
      const call = { model: CLAUDE, max_tokens: 256, tools: [{ name: "get_weather", input_schema: SCHEMA }] };
      const first = await client.messages.create({ ...call, messages: WEATHER, tool_choice: { type: "tool", name: "get_weather" } });
      assert.equal(first.stop_reason, "tool_use");
      const use = first.content.find((block) => block.type === "tool_use");
      const result = { type: "tool_result", tool_use_id: use.id, content: "18 degrees, sunny" };
      const messages = [...WEATHER, { role: "assistant", content: first.content }, { role: "user", content: [result] }];
      const last = await client.messages.stream({ ...call, messages }).finalMessage();
      assert.equal(last.stop_reason, "end_turn");
      assert.ok(last.content.at(-1).text);
    });

    test("tokens are counted and models listed", async () => {
      const client = claude(target("anthropic"));
      assert.ok((await client.messages.countTokens({ model: CLAUDE, messages: TURN })).input_tokens > 0);
      assert.ok((await client.models.list()).data.every((model) => model.type === "model"));
    });
  });

  describe(`openai by way of the ${via}`, () => {
    test("a streamed completion ends with its usage", async () => {
      const chunks = [];
      const stream = await gpt(target("openai")).chat.completions.create({
        model: GPT, messages: TURN, stream: true, stream_options: { include_usage: true },
      });
      for await (const chunk of stream) chunks.push(chunk);
      assert.ok(chunks.length > 2);
      assert.ok(chunks.at(-1).usage.completion_tokens > 0);
    });

    test("a chat tool is called and its result is answered", async () => {
      const client = gpt(target("openai"));
      const call = { model: GPT, tools: [{ type: "function", function: { name: "get_weather", parameters: SCHEMA } }] };
      const forced = { type: "function", function: { name: "get_weather" } };
      const first = await client.chat.completions.stream({ ...call, messages: WEATHER, tool_choice: forced }).finalChatCompletion();
      const { message } = first.choices[0];
      const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "18 degrees, sunny" };
      const last = await client.chat.completions.create({ ...call, messages: [...WEATHER, message, result] });
      assert.equal(last.choices[0].finish_reason, "stop");
      assert.ok(last.choices[0].message.content);
    });

    test("a response tool is called and its result is answered", async () => {
      const client = gpt(target("openai"));
      const call = { model: GPT, tools: [{ type: "function", name: "get_weather", parameters: SCHEMA, strict: false }] };
      const first = await client.responses.create({ ...call, input: WEATHER, tool_choice: { type: "function", name: "get_weather" } });
      const use = first.output.find((item) => item.type === "function_call");
      const echoed = { type: "function_call", call_id: use.call_id, name: use.name, arguments: use.arguments };
      const result = { type: "function_call_output", call_id: use.call_id, output: "18 degrees, sunny" };
      const last = await client.responses.stream({ ...call, input: [...WEATHER, echoed, result] }).finalResponse();
      assert.equal(last.status, "completed");
      assert.ok(last.output_text);
    });

    test("texts are embedded in order and models listed", async () => {
      const client = gpt(target("openai"));
      const { data } = await client.embeddings.create({ model: "text-embedding-3-small", input: ["one river", "two rivers"] });
      assert.deepEqual(data.map((item) => item.index), [0, 1]);
      assert.notDeepEqual(data[0].embedding, data[1].embedding);
      assert.ok((await client.models.list()).data.every((model) => model.object === "model"));
    });
  });

  describe(`gemini by way of the ${via}`, () => {
    test("a function is called and its result is answered", async () => {
      const { models } = gemini(target("gemini"));
      const tools = [{ functionDeclarations: [{ name: "get_weather", parametersJsonSchema: SCHEMA }] }];
      const question = { role: "user", parts: [{ text: "What is the weather in Lisbon?" }] };
      const toolConfig = { functionCallingConfig: { mode: "ANY" } };
      const first = await models.generateContent({ model: GEMINI, contents: [question], config: { tools, toolConfig } });
      assert.equal(first.functionCalls[0].name, "get_weather");
      const result = { role: "user", parts: [{ functionResponse: { name: "get_weather", response: { output: "sunny" } } }] };
      const contents = [question, first.candidates[0].content, result];
      const last = await models.generateContent({ model: GEMINI, contents, config: { tools } });
      assert.ok(last.text);
    });

    test("tokens are counted, texts embedded and models listed", async () => {
      const { models } = gemini(target("gemini"));
      assert.ok((await models.countTokens({ model: GEMINI, contents: QUESTION })).totalTokens > 0);
      const { embeddings } = await models.embedContent({ model: "gemini-embedding-001", contents: ["one river", "two rivers"] });
      assert.notDeepEqual(embeddings[0].values, embeddings[1].values);
      const listed = [];
      for await (const model of await models.list()) listed.push(model.name);
      assert.ok(listed.length > 0 && listed.every((name) => name.startsWith("models/")));
    });
  });
}
