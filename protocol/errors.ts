/** Values that make an error actionable. JSON-friendly apart from bigint, which `describeError` prints in decimal. */
export type ErrorData = Readonly<Record<string, unknown>>;

/**
 * Base of every error this project throws on purpose.
 *
 * `code` is stable and machine-readable (UPPER_SNAKE_CASE, unique per cause); `data` carries the values a caller
 * needs to act. The message is for people and may change.
 */
export class OgpuError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly data: ErrorData;

  constructor(code: Code, message: string, data: ErrorData = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.data = data;
  }
}

/** One line for people: message, then code and data. */
export function describeError(error: unknown): string {
  if (!(error instanceof OgpuError)) return error instanceof Error ? error.message : String(error);
  const data = JSON.stringify(error.data, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return data === '{}' ? `${error.message} [${error.code}]` : `${error.message} [${error.code} ${data}]`;
}
