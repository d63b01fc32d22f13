import createClient, { type Client as Api } from "openapi-fetch";

import { errorOf } from "./errors.js";
import { listen, type EventOptions, type LiftosEvent } from "./events.js";
import { RETRIES, withRetries, type RetryOptions } from "./retries.js";
import type { operations, paths } from "./schema.js";

/** What an operation takes and answers, by its operation id. */
type Sent<Id extends keyof operations> = operations[Id] extends { requestBody?: { content: { "application/json": infer Body } } }
  ? Body
  : never;
type Asked<Id extends keyof operations> = operations[Id] extends { parameters: { query?: infer Query } } ? NonNullable<Query> : never;
type Answered<Id extends keyof operations, Status extends number> = operations[Id] extends {
  responses: { [status in Status]: { content: { "application/json": infer Body } } };
}
  ? Body
  : never;

export type Memory = Answered<"memories_get", 200>;
export type Stored = Answered<"memories_create", 201>;
export type Found = Answered<"search_native", 200>;
export type Hit = Found["results"][number];
export type Revised = Answered<"memories_patch", 200>;
export type Forgotten = Answered<"memories_delete", 200>;
export type Linked = Answered<"memories_links_create", 201>;
export type Decision = Answered<"decisions_get", 200>;
export type DecisionRecorded = Answered<"decisions_create", 201>;
export type DecisionListed = Answered<"decisions_list", 200>["results"][number];

export type Content = Sent<"memories_create">["content"];
export type RememberOptions = Partial<Omit<Sent<"memories_create">, "content">>;
export type RecallOptions = Partial<Omit<Sent<"search_native">, "query">>;
export type Changes = Partial<Sent<"memories_patch">>;
export type NewLink = Partial<Sent<"memories_links_create">> & Pick<Sent<"memories_links_create">, "kind">;
export type NewDecision = Partial<Sent<"decisions_create">> & Pick<Sent<"decisions_create">, "operation" | "reasoning">;
export type MemoryFilters = Omit<Asked<"memories_list">, "cursor">;
export type DecisionFilters = Omit<Asked<"decisions_list">, "cursor">;

export interface ClientOptions extends Partial<RetryOptions> {
  /** Act for this principal; the key needs the scope `act_as`. */
  actAs?: string;
  /** Used instead of the global `fetch`. */
  fetch?: typeof globalThis.fetch;
}

/**
 * One key's view of a LiftOS service. Methods reject with a LiftosError.
 *
 * Requests that fail for a while are repeated; writes carry an idempotency key, so that they take effect once.
 */
export class Client {
  /** Every route of the service, typed: `client.api.GET("/api/v1/values", {params: {query: {field: "tags"}}})`. */
  readonly api: Api<paths>;
  readonly #listen: (options: EventOptions) => AsyncGenerator<LiftosEvent>;

  constructor(baseUrl: string, key: string, options: ClientOptions = {}) {
    const { actAs, fetch = globalThis.fetch, ...retries } = options;
    const address = baseUrl.replace(/\/+$/, "");
    const headers = { Authorization: `Bearer ${key}`, ...(actAs === undefined ? {} : { "X-Act-As": actAs }) };
    const tries = { ...RETRIES, ...retries };
    this.api = createClient<paths>({ baseUrl: address, headers, fetch: withRetries(fetch, tries) });
    const connect = (query: string, more: Record<string, string>, signal: AbortSignal) =>
      fetch(`${address}/api/v1/events/stream${query}`, { headers: { ...headers, ...more }, signal });
    this.#listen = (options) => listen(connect, options, tries);
  }

  /** Store a text, or an object, as a memory. */
  async remember(content: Content, options: RememberOptions = {}): Promise<Stored> {
    return result(await this.api.POST("/api/v1/memories", { body: { ...options, content } as Sent<"memories_create"> }));
  }

  /** Return the memories that answer a query, best first. */
  async recall(query: string, options: RecallOptions = {}): Promise<Hit[]> {
    return (await this.search(query, options)).results;
  }

  /** Search as `recall` does, and return all of the answer: confidence, reasons, and the decision that recorded the search. */
  async search(query: string, options: RecallOptions = {}): Promise<Found> {
    return result(await this.api.POST("/api/v1/search", { body: { ...options, query } as Sent<"search_native"> })) as Found;
  }

  /** Return the text to put into a model's prompt, within a budget of tokens. */
  async recallForPrompt(query: string, tokenBudget = 2000, options: RecallOptions = {}): Promise<string> {
    const body = { ...options, query } as Sent<"search_native">;
    const params = { query: { format: "prompt" as const, token_budget: tokenBudget } };
    return (result(await this.api.POST("/api/v1/search", { body, params })) as Found).prompt ?? "";
  }

  async get(memory: string): Promise<Memory> {
    return result(await this.api.GET("/api/v1/memories/{memory}", { params: { path: { memory } } }));
  }

  /** Iterate over memories, newest first or in the order asked for; pages are fetched as they are needed. */
  memories(filters: MemoryFilters = {}): AsyncGenerator<Memory> {
    return pages(async (cursor) =>
      result(await this.api.GET("/api/v1/memories", { params: { query: { ...filters, ...cursor } } })),
    );
  }

  /**
   * Change a memory; its earlier version stays in the history.
   *
   * @param version that the changes are made to: if it is not the current one any more, the service answers 412. Without it, the current one.
   */
  async correct(memory: string, changes: Changes, version?: number): Promise<Revised> {
    const params = { path: { memory }, header: { "If-Match": `"${version ?? (await this.get(memory)).version}"` } };
    return result(await this.api.PATCH("/api/v1/memories/{memory}", { params, body: changes as Sent<"memories_patch"> }));
  }

  /** Erase a memory and all that was made of it. */
  async forget(memory: string): Promise<Forgotten> {
    return result(await this.api.DELETE("/api/v1/memories/{memory}", { params: { path: { memory } } }));
  }

  async link(memory: string, link: NewLink): Promise<Linked> {
    const params = { path: { memory } };
    return result(await this.api.POST("/api/v1/memories/{memory}/links", { params, body: link as Sent<"memories_links_create"> }));
  }

  /** Put a decision on record. */
  async recordDecision(decision: NewDecision): Promise<DecisionRecorded> {
    return result(await this.api.POST("/api/v1/decisions", { body: decision as Sent<"decisions_create"> }));
  }

  async decision(decision: string): Promise<Decision> {
    return result(await this.api.GET("/api/v1/decisions/{decision}", { params: { path: { decision } } }));
  }

  /** Iterate over events as they happen, without end; an interrupted connection is made again, and nothing is lost or repeated. */
  events(options: EventOptions = {}): AsyncGenerator<LiftosEvent> {
    return this.#listen(options);
  }

  /** Iterate over decisions, newest first. */
  decisions(filters: DecisionFilters = {}): AsyncGenerator<DecisionListed> {
    return pages(async (cursor) =>
      result(await this.api.GET("/api/v1/decisions", { params: { query: { ...filters, ...cursor } } })),
    );
  }
}

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

function result<Data>(answer: Answer<Data>): Data {
  if (!answer.response.ok) throw errorOf(answer.response, answer.error);
  return answer.data as Data;
}

/** Yield the items of all pages; `next` is the URL of the next one. */
async function* pages<Item>(
  page: (cursor: { cursor?: string }) => Promise<{ results: Item[]; next?: string | null }>,
): AsyncGenerator<Item> {
  let cursor: string | null = null;
  do {
    const { results, next }: { results: Item[]; next?: string | null } = await page(cursor === null ? {} : { cursor });
    yield* results;
    cursor = next ? new URL(next, "http://localhost").searchParams.get("cursor") : null;
  } while (cursor !== null);
}
