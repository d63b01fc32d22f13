import { errorOf, LiftosError } from "./errors.js";
import { pause, TEMPORARY, type RetryOptions } from "./retries.js";

/** An event in the CloudEvents form; `sequence` is its place in the stream. */
export interface LiftosEvent {
  specversion: string;
  id: string;
  source: string;
  type: string;
  time: string;
  subject?: string;
  sequence: string;
  data?: unknown;
}

export interface EventOptions {
  /** Names of types, or beginnings that end with `*`; all by default. */
  types?: readonly string[];
  /** The sequence number to begin after: 0 for the oldest kept; by default, events from now on. */
  after?: number;
  /** Ends the stream. */
  signal?: AbortSignal;
}

/** Reads server-sent events (WHATWG HTML, section 9.2); an id counts once its message is complete. */
class Messages {
  #rest = "";
  #data: string[] = [];
  #id: string | undefined;

  constructor(public last: string | undefined) {
    this.#id = last;
  }

  /** Return the events that a piece of the text completes. */
  read(text: string): LiftosEvent[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line));
  }

  /** Forget what has begun: the next connection sends it again. */
  restart(): void {
    this.#rest = "";
    this.#data = [];
    this.#id = this.last;
  }

  #line(line: string): LiftosEvent[] {
    if (line !== "") {
      const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      if (name === "id") this.#id = value;
      if (name === "data") this.#data.push(value ?? "");
      return [];
    }
    const data = this.#data.join("\n");
    this.#data = [];
    this.last = this.#id;
    return data === "" ? [] : [JSON.parse(data) as LiftosEvent];
  }
}

/**
 * Yield events as they happen, over as many connections as it takes; nothing is lost or repeated.
 *
 * @param connect opens the stream with these parameters and headers.
 */
export async function* listen(
  connect: (query: string, headers: Record<string, string>, signal: AbortSignal) => Promise<Response>,
  { types = [], after, signal = new AbortController().signal }: EventOptions,
  retries: RetryOptions,
): AsyncGenerator<LiftosEvent> {
  const messages = new Messages(after?.toString());
  const query = types.length === 0 ? "" : `?types=${encodeURIComponent(types.join(","))}`;
  let wasOpen = false;
  for (let failed = 1; ; failed++) {
    messages.restart();
    const headers: Record<string, string> = messages.last === undefined ? {} : { "Last-Event-ID": messages.last };
    try {
      const response = await connect(query, headers, signal);
      if (!response.ok || response.body === null) {
        const refused = errorOf(response, await response.json().catch(() => undefined));
        if (!TEMPORARY.has(response.status) || (!wasOpen && failed > retries.retries)) throw refused;
      } else {
        const decoder = new TextDecoder();
        for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
          wasOpen = true;
          failed = 0;
          yield* messages.read(decoder.decode(bytes, { stream: true }));
        }
      }
    } catch (cause) {
      if (signal.aborted) return;
      if (cause instanceof LiftosError) throw cause;
      if (!wasOpen && failed > retries.retries) throw new LiftosError("No answer", 0, "", [], "", { cause });
    }
    const most = Math.min(retries.firstDelay * 2 ** Math.min(failed, 10), retries.longestDelay);
    try {
      await pause(most * Math.random(), signal);
    } catch {
      return;
    }
  }
}
