// The official SDKs, unmodified but for base URL and key, and one call of each kind through them.

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";

export const CLAUDE = "claude-haiku-4-5";
export const GPT = "gpt-5-mini";
export const GEMINI = "gemini-2.5-flash";
export const QUESTION = "Name three rivers of Europe.";
export const TURN = [{ role: "user", content: QUESTION }];

export const claude = ({ url, key }) => new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
export const gpt = ({ url, key }) => new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
export const gemini = ({ url, key }) => new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } });

/** A stream told of a failure, or ended early, in a way for which the SDK throws nothing. */
export class StreamFailed extends Error {}

/** Endpoints as an application uses them; `make` gives the text of the whole answer. */
export const KINDS = [
  { name: "message", platform: "anthropic", streamed: false, make: message },
  { name: "message-stream", platform: "anthropic", streamed: true, make: messageStream },
  { name: "chat", platform: "openai", streamed: false, make: chat },
  { name: "chat-stream", platform: "openai", streamed: true, make: chatStream },
  { name: "response", platform: "openai", streamed: false, make: response },
  { name: "response-stream", platform: "openai", streamed: true, make: responseStream },
  { name: "content", platform: "gemini", streamed: false, make: content },
  { name: "content-stream", platform: "gemini", streamed: true, make: contentStream },
];

async function message(target) {
  const answer = await claude(target).messages.create({ model: CLAUDE, max_tokens: 256, messages: TURN });
  return answer.content[0].text;
}

async function messageStream(target) {
  const stream = claude(target).messages.stream({ model: CLAUDE, max_tokens: 256, messages: TURN });
  return (await stream.finalMessage()).content[0].text;
}

async function chat(target) {
  const answer = await gpt(target).chat.completions.create({ model: GPT, messages: TURN });
  return answer.choices[0].message.content;
}

async function chatStream(target) {
  const chunks = await gpt(target).chat.completions.create({ model: GPT, messages: TURN, stream: true });
  let text = "";
  for await (const chunk of chunks) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

async function response(target) {
  return (await gpt(target).responses.create({ model: GPT, input: QUESTION })).output_text;
}

async function responseStream(target) {
  const events = await gpt(target).responses.create({ model: GPT, input: QUESTION, stream: true });
  for await (const event of events) {
    if (event.type === "response.completed") return event.response.output.flatMap((item) => item.content ?? []).map((part) => part.text).join("");
    if (event.type === "error" || event.type === "response.failed") throw new StreamFailed(JSON.stringify(event));
  }
  throw new StreamFailed("ended without response.completed");
}

async function content(target) {
  return (await gemini(target).models.generateContent({ model: GEMINI, contents: QUESTION })).text;
}

async function contentStream(target) {
  let text = "";
  let reason;
  for await (const chunk of await gemini(target).models.generateContentStream({ model: GEMINI, contents: QUESTION })) {
    text += chunk.text ?? "";
    reason = chunk.candidates?.[0]?.finishReason ?? reason;
  }
  if (!reason) throw new StreamFailed("ended without finishReason");
  return text;
}
