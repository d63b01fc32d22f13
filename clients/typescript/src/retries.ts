import { LiftosError } from "./errors.js";

/** Answers after which the same request may succeed. */
export const TEMPORARY = new Set([429, 502, 503, 504]);
const UNSAFE = new Set(["POST", "PUT", "PATCH", "DELETE"]);

export interface RetryOptions {
  /** Attempts after the first. */
  retries: number;
  /** Milliseconds; doubled with each attempt, of which a random share is waited (full jitter). */
  firstDelay: number;
  /** Milliseconds; the longest wait, also where the service asks for a longer one. */
  longestDelay: number;
  /** Milliseconds for each attempt. */
  timeout: number;
}

export const RETRIES: RetryOptions = { retries: 3, firstDelay: 200, longestDelay: 30_000, timeout: 60_000 };

/**
 * Return a `fetch` that repeats a request that failed for a while, with the same `Idempotency-Key`, so that it takes effect once.
 *
 * Rejects with a LiftosError of status 0 if no answer came.
 */
export function withRetries(fetch: typeof globalThis.fetch, options: RetryOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    if (UNSAFE.has(request.method) && !request.headers.has("idempotency-key")) {
      request.headers.set("idempotency-key", crypto.randomUUID());
    }
    for (let attempt = 0; ; attempt++) {
      const isLast = attempt >= options.retries;
      let asked = options.firstDelay * 2 ** attempt * Math.random();
      try {
        const signal = AbortSignal.any([request.signal, AbortSignal.timeout(options.timeout)]);
        const response = await fetch(new Request(request.clone(), { signal }));
        if (isLast || !TEMPORARY.has(response.status)) return response;
        asked = Math.max(asked, secondsUntil(response.headers.get("retry-after")) * 1000);
        await response.body?.cancel();
      } catch (cause) {
        if (request.signal.aborted) throw cause;
        if (isLast) throw new LiftosError(`No answer from ${new URL(request.url).origin}`, 0, "", [], "", { cause });
      }
      await pause(Math.min(asked, options.longestDelay), request.signal);
    }
  };
}

/** Return the seconds that a Retry-After header asks for; 0 without one. */
function secondsUntil(header: string | null): number {
  if (!header) return 0;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, (date - Date.now()) / 1000);
}

/** Wait; reject if the signal is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", stop, { once: true });
  });
}
