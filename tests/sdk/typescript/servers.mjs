// Starts and stops the real programs: the simulated providers and the gateway in front of them.
// Promises: free loopback ports only; ready when returned; ended by process id, politely first; what a
// program said is part of the failure when it does not start.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const START_MS = 30_000;
const STOP_MS = 15_000;

export const CLIENT_KEY = "wb-sdk-suite-0123456789abcdef0123456789abcdef";
export const ADMIN_TOKEN = "admin-sdk-suite-0123456789abcdef";
const PLATFORMS = ["anthropic", "openai", "gemini"];

export const accountName = (platform, number) => `${platform}-${number}`;
export const accountKey = (platform, number) => `sim-${platform}-key-${number}`;

/** The simulated providers, and the faults they are told to have. */
export async function startSim() {
  const { url, close } = await start("waybill-sim", ["--listen", "127.0.0.1:0"]);
  return {
    url,
    close,
    target: (platform) => ({ url, key: accountKey(platform, 1) }),
    script: (rule) => call("POST", `${url}/_sim/rules`, rule),
    heal: () => call("DELETE", `${url}/_sim/rules`),
  };
}

/** The gateway and its admin API; unless told otherwise with two accounts per platform, the first always preferred. */
export async function startGateway(sim, configure = configuration) {
  const folder = mkdtempSync(join(tmpdir(), "waybill-sdk-"));
  const file = join(folder, "waybill.toml");
  writeFileSync(file, configure(sim.url));
  const { url, close } = await start(
    "waybill",
    ["serve", "--config", file, "--listen", "127.0.0.1:0", "--data-dir", join(folder, "data")],
    { WAYBILL_ADMIN_TOKEN: ADMIN_TOKEN, SDK_SUITE_CLIENT_KEY: CLIENT_KEY },
  );
  const list = (path, key) => async (query) => {
    const words = new URLSearchParams({ time_range: "5m", view: "all", ...query });
    const answer = await call("GET", `${url}/api/v1/admin/ops/${path}?${words}`, undefined, {
      authorization: `Bearer ${ADMIN_TOKEN}`,
    });
    return answer[key];
  };
  return {
    url,
    target: { url, key: CLIENT_KEY },
    // A record is there once its answer has ended: neither list needs waiting.
    errors: list("errors", "errors"),
    upstreamErrors: list("upstream-errors", "events"),
    async close() {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configuration(simUrl) {
  const lines = [];
  for (const platform of PLATFORMS) {
    lines.push("[[group]]", `name = "${platform}"`, `platform = "${platform}"`);
    for (const number of [1, 2]) {
      lines.push(
        "[[account]]",
        `name = "${accountName(platform, number)}"`,
        `platform = "${platform}"`,
        `groups = ["${platform}"]`,
        `base_url = "${simUrl}"`,
        `credential = { api_key = "${accountKey(platform, number)}" }`,
        `priority = ${number}`,
        "concurrency = 16",
      );
    }
  }
  lines.push("[[api_key]]", 'name = "suite"', 'key = "env:SDK_SUITE_CLIENT_KEY"', `groups = ${JSON.stringify(PLATFORMS)}`);
  return lines.join("\n") + "\n";
}

/** Runs a program until it says where it listens. */
async function start(name, parameters, environment = {}) {
  const path = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target", "debug", name);
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`make test ARGS=build\` first`);
  const child = spawn(path, parameters, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment } });
  const ended = new Promise((done) => child.once("exit", done));
  let said = "";
  const ready = new Promise((done) => {
    for (const pipe of [child.stdout, child.stderr]) {
      pipe.setEncoding("utf8");
      pipe.on("data", (text) => {
        said = (said + text).slice(-20_000);
        const found = /listening on (http:\/\/[^\s/]+)/.exec(said);
        if (found && pipe === child.stdout) done(found[1]);
      });
    }
    ended.then(() => done(null));
  });
  const close = async () => {
    const kill = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    child.kill("SIGTERM");
    await ended;
    clearTimeout(kill);
  };
  const timer = setTimeout(() => child.kill("SIGKILL"), START_MS);
  const url = await ready;
  clearTimeout(timer);
  if (!url) throw new Error(`${name} did not say where it listens:\n${said}`);
  return { url, close };
}

async function call(method, url, body, headers = {}) {
  const answer = await fetch(url, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}
