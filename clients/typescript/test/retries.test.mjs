import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { Client, LiftosError } from "liftos-client";

/** Answer with each status in turn, the last one for good; return what was asked and the address. */
async function serve(t, ...answers) {
  const asked = [];
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      asked.push({ method: request.method, url: request.url, headers: request.headers, at: Date.now() });
      const [status, headers = {}, body = {}] = answers[Math.min(asked.length, answers.length) - 1];
      if (status === 0) return request.socket.destroy();
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return { asked, address: `http://127.0.0.1:${server.address().port}` };
}

const QUICK = { firstDelay: 1 };

test("a write is repeated with one idempotency key", async (t) => {
  const { asked, address } = await serve(t, [503], [0], [201, {}, { id: "a" }]);
  assert.equal((await new Client(address, "k", QUICK).remember("text")).id, "a");
  assert.equal(asked.length, 3);
  assert.equal(new Set(asked.map((each) => each.headers["idempotency-key"])).size, 1);
  assert.match(asked[0].headers["idempotency-key"], /^[0-9a-f-]{36}$/);
  assert.equal(asked[0].headers.authorization, "Bearer k");
});

test("the service's wait is kept, up to the longest", async (t) => {
  const { asked, address } = await serve(t, [429, { "retry-after": "60" }], [200, {}, { results: [] }]);
  await new Client(address, "k", { ...QUICK, longestDelay: 120 }).recall("q");
  assert.ok(asked[1].at - asked[0].at >= 100);
});

for (const status of [400, 401, 403, 404, 409, 422, 500]) {
  test(`${status} is not repeated, and says what is wrong`, async (t) => {
    const errors = [{ loc: ["body", "limit"], msg: "Too large", type: "less_than_equal", input: 1000 }];
    const problem = { title: "Invalid", detail: "limit: Too large", code: "liftos.invalid", errors };
    const { asked, address } = await serve(t, [status, { "x-correlation-id": "c" }, problem]);
    await assert.rejects(new Client(address, "k", QUICK).recall("q"), (error) => {
      assert.ok(error instanceof LiftosError);
      assert.deepEqual([error.status, error.code, error.message], [status, "liftos.invalid", "limit: Too large"]);
      assert.deepEqual([error.errors, error.correlationId], [errors, "c"]);
      return true;
    });
    assert.equal(asked.length, 1);
  });
}

test("after the last attempt the answer counts", async (t) => {
  const { asked, address } = await serve(t, [503, {}, { detail: "Busy" }]);
  await assert.rejects(new Client(address, "k", { ...QUICK, retries: 2 }).get("m"), { status: 503, message: "Busy" });
  assert.equal(asked.length, 3);
});

test("no answer is an error of status 0 that names the address and not the key", async () => {
  await assert.rejects(new Client("http://127.0.0.1:9", "secret", { ...QUICK, retries: 1 }).get("m"), (error) => {
    assert.deepEqual([error.status, error.message], [0, "No answer from http://127.0.0.1:9"]);
    return true;
  });
});

test("a slow answer is given up", async (t) => {
  const server = createServer(() => {});
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close(() => {}) && server.closeAllConnections());
  const client = new Client(`http://127.0.0.1:${server.address().port}`, "k", { retries: 0, timeout: 50 });
  await assert.rejects(client.get("m"), { status: 0 });
});

test("pages are fetched as they are needed", async (t) => {
  const page = (ids, next) => [200, {}, { results: ids.map((id) => ({ id })), next, previous: null }];
  const { asked, address } = await serve(t, page(["a", "b"], "http://elsewhere/api/v1/memories?limit=2&cursor=x%20y"), page(["c"], null));
  const seen = [];
  for await (const memory of new Client(address, "k").memories({ source: "crm", limit: 2 })) {
    seen.push([memory.id, asked.length]);
  }
  assert.deepEqual(seen, [["a", 1], ["b", 1], ["c", 2]]);
  assert.deepEqual(asked.map((each) => each.url), [
    "/api/v1/memories?source=crm&limit=2",
    "/api/v1/memories?source=crm&limit=2&cursor=x%20y",
  ]);
});
