import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";

import { verifyWebhook } from "liftos-client";

// the example of the Standard Webhooks specification
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY = '{"test": 2432232314}';
const HEADERS = {
  "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
  "webhook-timestamp": "1614265330",
  "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
};
const THEN = new Date(1614265330 * 1000);

const other = (secret, body = BODY) =>
  "v1," +
  createHmac("sha256", Buffer.from(secret.slice(6), "base64"))
    .update(`${HEADERS["webhook-id"]}.${HEADERS["webhook-timestamp"]}.${body}`)
    .digest("base64");

test("a right signature gives the body", async () => {
  assert.deepEqual(await verifyWebhook(SECRET, HEADERS, BODY, THEN), { test: 2432232314 });
});

test("one right signature of several, and one right secret of several, are enough", async () => {
  const next = `whsec_${randomBytes(24).toString("base64")}`;
  const both = { ...HEADERS, "webhook-signature": `v1a,xx v1,AAAA ${other(next)}` };
  assert.deepEqual(await verifyWebhook([SECRET, next], both, BODY, THEN), { test: 2432232314 });
});

for (const [what, headers, body, now] of [
  ["another body", {}, '{"test": 1}', THEN],
  ["another id", { "webhook-id": "msg_other" }, BODY, THEN],
  ["an old timestamp", {}, BODY, new Date(THEN.getTime() + 301_000)],
  ["a timestamp ahead", {}, BODY, new Date(THEN.getTime() - 301_000)],
  ["no number as timestamp", { "webhook-timestamp": "now" }, BODY, THEN],
  ["no signature", { "webhook-signature": "" }, BODY, THEN],
  ["another scheme only", { "webhook-signature": HEADERS["webhook-signature"].replace("v1,", "v2,") }, BODY, THEN],
  ["no base64", { "webhook-signature": "v1,***" }, BODY, THEN],
]) {
  test(`${what} is refused`, async () => {
    await assert.rejects(verifyWebhook(SECRET, { ...HEADERS, ...headers }, body, now), Error);
  });
}
