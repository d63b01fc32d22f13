export * from "./client.js";
export { LiftosError } from "./errors.js";
export type { EventOptions, LiftosEvent } from "./events.js";
export { type RetryOptions } from "./retries.js";
export type { components, operations, paths } from "./schema.js";
export { verifyWebhook, type WebhookHeaders } from "./webhooks.js";
