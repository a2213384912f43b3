// Error calls and failover: an application behind the gateway sees the error that the provider itself
// would have caused, or none at all where another account could serve; the operator sees everything.
// Each test has a gateway of its own, so that no state of an account outlives it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { KINDS } from "./clients.mjs";
import { accountKey, accountName, startGateway, startSim } from "./servers.mjs";

const ANSWERS = JSON.parse(readFileSync(new URL("../provider-errors.json", import.meta.url), "utf8"));

let sim;
let gateway;
before(async () => {
  sim = await startSim();
});
beforeEach(async () => {
  gateway = await startGateway(sim);
});
afterEach(async () => {
  await gateway?.close();
  await sim.heal();
});
after(() => sim?.close());

for (const { name, platform, make } of KINDS) {
  for (const [error, { typescript }] of Object.entries(ANSWERS[platform])) {
    if (!typescript) continue;
    test(`${name}: the provider's ${error} reaches the application as it is`, async () => {
      await sim.script({ fault: refusal(platform, error) });
      const direct = await thrown(make(sim.target(platform)));
      const found = await thrown(make(gateway.target));
      assert.equal(direct.constructor.name, typescript);
      assert.deepEqual(seen(found), seen(direct));
    });
  }

  test(`${name}: an unknown key is refused in the protocol's own shape`, async () => {
    const error = await thrown(make({ url: gateway.url, key: "wb-nobody-has-this-key" }));
    assert.equal(error.constructor.name, platform === "gemini" ? "ApiError" : "AuthenticationError");
    assert.equal(error.status, 401);
    assert.match(JSON.stringify(seen(error)), /waybill_/);
  });
}

for (const { name, platform, streamed, make } of KINDS) {
  for (const [breakage, fault] of Object.entries(breakages(platform, streamed))) {
    test(`${name}: ${breakage} of the first account is hidden from the client and not from the operator`, async () => {
      const expected = await make(sim.target(platform));
      await sim.script({ key: accountKey(platform, 1), fault });

      assert.equal(await make(gateway.target), expected);

      const events = await gateway.upstreamErrors({ recovered: "true" });
      assert.ok(events.length > 0, "the hidden failure is not among the upstream errors");
      for (const event of events) {
        assert.equal(event.account_name, accountName(platform, 1));
        assert.equal(event.upstream_status_code, breakage === "reset" ? null : (fault.status ?? 200));
        assert.ok(event.message);
      }
      assert.deepEqual(await gateway.errors(), []);
    });
  }

  if (!streamed) continue;
  test(`${name}: an error event after content is thrown, and listed with status 200`, async () => {
    await sim.script({ fault: { kind: "stream_error", error: "overloaded", frames: 2 } });
    const direct = await thrown(make(sim.target(platform)));
    const found = await thrown(make(gateway.target));
    assert.equal(found.constructor.name, direct.constructor.name);
    const [listed, ...more] = await gateway.errors();
    assert.deepEqual(more, []);
    assert.deepEqual([listed.status_code, listed.cause], [200, "overloaded"]);
  });

  test(`${name}: a stream that ends early after content is thrown as an error`, async () => {
    await sim.script({ fault: { kind: "truncate", frames: 2 } });
    assert.match(JSON.stringify(seen(await thrown(make(gateway.target)))), /waybill_/);
    const [listed] = await gateway.errors();
    assert.deepEqual([listed.status_code, listed.cause], [200, "stream.truncated"]);
  });
}

/** What the first account does instead of answering, before any content. */
function breakages(platform, streamed) {
  const found = { reset: { kind: "cut", how: "reset", at: "before_headers" } };
  for (const error of ["rate-limit", "server-error", "overloaded", "refused-credential"]) found[error] = refusal(platform, error);
  if (streamed) found["an error event before content"] = { kind: "stream_error", error: "overloaded", frames: 0 };
  return found;
}

function refusal(platform, error) {
  const { status, headers, body } = ANSWERS[platform][error];
  return { kind: "http", status, headers, body };
}

async function thrown(promise) {
  let answer;
  try {
    answer = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`was answered with ${JSON.stringify(answer)} and not with an error`);
}

/** Everything an application reads from an SDK's error. */
function seen(error) {
  const { status, message, code, param, type, error: body } = error;
  return { class: error.constructor.name, status, message, code, param, type, body, retryAfter: error.headers?.get("retry-after") };
}
