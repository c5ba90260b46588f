/** What a node answered that is not a result. */
export class RpcFailure extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

const TIMEOUT_MS = 10_000;

/**
 * One call of JSON-RPC over HTTP.
 *
 * @throws RpcFailure for an error of the node; what fetch fails with where no node answers
 */
export async function call(port: number, method: string, params: readonly unknown[] = []): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const body = (await response.json()) as {
    readonly result?: unknown;
    readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
  };
  if (body.error !== undefined) throw new RpcFailure(body.error.code, body.error.message, body.error.data);
  return body.result;
}
