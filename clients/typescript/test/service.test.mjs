// Against a running service: LIFTOS_URL and LIFTOS_KEY say which.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "liftos-client";

const { LIFTOS_URL: url, LIFTOS_KEY: key } = process.env;
const client = new Client(url, key);

test("a memory is stored, found, corrected, linked, listed and erased", async () => {
  const options = { metadata: { channel: "retail" }, source: "typescript", external_id: "rain" };
  const { id, outcome } = await client.remember("Rain lifts sales of boots within two days", options);
  assert.equal(outcome, "stored");
  const other = await client.remember("Boots are made in Portugal", { source: "typescript", external_id: "boots" });

  const [hit] = await client.recall("what does wet weather do to shoe sales", { limit: 1 });
  assert.deepEqual([hit.id, hit.content], [id, "Rain lifts sales of boots within two days"]);
  assert.match(await client.recallForPrompt("rain and boots", 500), /Rain lifts sales of boots/);

  await client.correct(id, { content: "Rain lifts sales of boots within three days", reason: "A later count" });
  assert.equal((await client.get(id)).content, "Rain lifts sales of boots within three days");
  await assert.rejects(client.correct(id, { content: "Late" }, 1), { status: 412 });
  await client.link(id, { kind: "about", target: other.id });

  const listed = [];
  for await (const memory of client.memories({ source: "typescript", limit: 1 })) listed.push(memory.id);
  assert.deepEqual(listed, [other.id, id]);

  assert.equal((await client.forget(id)).deleted, true);
  await assert.rejects(client.get(id), { status: 404, code: "memory.not_found" });
});

test("a decision is recorded and read", async () => {
  const { id } = await client.recordDecision({ operation: "budget.shift", reasoning: "Rain is coming", confidence: 0.7 });
  const decision = await client.decision(id);
  assert.deepEqual([decision.operation, decision.confidence], ["budget.shift", 0.7]);
  for await (const each of client.decisions({ operation: "budget.shift" })) return assert.equal(each.id, id);
  assert.fail("the decision is not listed");
});

test("events are read as they happen, from the oldest kept", async () => {
  const { id } = await client.remember("Told to whoever listens");
  const stop = new AbortController();
  for await (const event of client.events({ types: ["liftos.memory.*"], after: 0, signal: stop.signal })) {
    if (event.subject === `memories/${id}`) stop.abort();
  }
  await assert.rejects(client.events({ types: ["liftos.memory.storde"] }).next(), { status: 422 });
});

test("an invalid value names its field", async () => {
  await assert.rejects(client.recall("q", { limit: 100_000 }), (error) => {
    assert.equal(error.status, 422);
    assert.deepEqual(error.errors[0].loc, ["body", "limit"]);
    return true;
  });
});

test("a wrong key is 401", async () => {
  await assert.rejects(new Client(url, "liftos_wrong").recall("q"), { status: 401 });
});

test("every route is typed, and absent fields are refused by the service", async () => {
  const { data } = await client.api.GET("/api/v1/values", { params: { query: { field: "source" } } });
  assert.ok(data.results.length > 0);
});
