/** An error answer of the service (RFC 9457 problem details), or no answer at all. */
export class LiftosError extends Error {
  override readonly name = "LiftosError";

  constructor(
    message: string,
    /** HTTP status; 0 if no answer came. */
    readonly status: number,
    /** The stable name of the error, such as `memory.not_found`; empty if the answer has none. */
    readonly code: string,
    /** The invalid fields of a 422: where they are and what is wrong. */
    readonly errors: readonly { loc: readonly (string | number)[]; msg: string; type: string }[] = [],
    /** Quote it when you ask the operator about this request. */
    readonly correlationId: string = "",
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Return the error that an answer describes. */
export function errorOf(response: Response, body: unknown): LiftosError {
  const problem = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const detail = typeof problem.detail === "string" ? problem.detail : "";
  const title = typeof problem.title === "string" ? problem.title : response.statusText;
  return new LiftosError(
    detail || title || `HTTP ${response.status}`,
    response.status,
    typeof problem.code === "string" ? problem.code : "",
    Array.isArray(problem.errors) ? problem.errors : [],
    response.headers.get("x-correlation-id") ?? "",
  );
}
