/** Seconds by which a webhook's timestamp may differ from this machine's clock. */
const TOLERANCE = 300;

export interface WebhookHeaders {
  "webhook-id": string;
  "webhook-timestamp": string;
  "webhook-signature": string;
}

/**
 * Return the parsed body of a signed webhook (Standard Webhooks 1.0, symmetric).
 *
 * @param secret as the service showed it, `whsec_…`; several while one is being rotated.
 * @param headers the request's; names in lower case.
 * @param body exactly as received.
 * @throws Error if no signature is right, or the webhook is older or newer than five minutes.
 */
export async function verifyWebhook(
  secret: string | readonly string[],
  headers: WebhookHeaders,
  body: string,
  now: Date = new Date(),
): Promise<unknown> {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  if (!id || !timestamp || !signatures) throw new Error("The webhook is not signed");
  const age = Math.abs(now.getTime() / 1000 - Number(timestamp));
  if (!(age <= TOLERANCE)) throw new Error("The webhook's timestamp is too far from now");
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const given = signatures.split(" ").filter((each) => each.startsWith("v1,"));
  for (const each of typeof secret === "string" ? [secret] : secret) {
    const key = await crypto.subtle.importKey(
      "raw",
      bytesOf(each.replace(/^whsec_/, "")),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["verify"],
    );
    for (const signature of given) {
      // compares in constant time
      if (await crypto.subtle.verify("HMAC", key, bytesOf(signature.slice(3)), signed)) return JSON.parse(body);
    }
  }
  throw new Error("The webhook's signature is wrong");
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
