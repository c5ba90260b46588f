import { z } from 'zod';
import { fromHex } from '../../protocol/bytes.js';
import { messageOf } from '../database/errors.js';
import { ClientError } from './errors.js';
import { explainRevert } from './revert-reason.js';

export const DEFAULT_RPC_URL = 'http://127.0.0.1:8545';

/** The largest answers are pages of lists. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
/** Error number of a call that was undone. */
const REVERTED = 3;

const Answer = z.object({
  result: z.unknown().optional(),
  error: z
    .object({ code: z.number(), message: z.string().max(65_536), data: z.unknown().optional() })
    .optional(),
});

/** A node as its clients reach it. What it answers is checked before it is believed. */
export class RpcClient {
  /** Without the password that it may have been given with. */
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #maxAnswerBytes: number;

  /** @param url http or https; a user name and a password in it are sent as HTTP asks for them */
  constructor(url: string, { maxAnswerBytes = MAX_ANSWER_BYTES }: { readonly maxAnswerBytes?: number } = {}) {
    const address = new URL(url);
    const { username, password } = address;
    address.username = address.password = '';
    this.url = address.href;
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    this.#headers = {
      'content-type': 'application/json',
      ...(username === '' ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
    };
    this.#maxAnswerBytes = maxAnswerBytes;
  }

  /**
   * One call.
   *
   * @param schema of the result
   * @throws ClientError RPC_UNREACHABLE | RPC_ANSWER_INVALID | RPC_REFUSED | CALL_REVERTED
   */
  async call<Result>(method: string, params: readonly unknown[], schema: z.ZodType<Result>): Promise<Result> {
    const text = await this.#post(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
    const answer = Answer.safeParse(parseJson(text));
    if (!answer.success) throw this.#invalid(method, 'no answer of JSON-RPC');
    const { error, result } = answer.data;
    if (error !== undefined) throw this.#refusal(method, error);
    const parsed = schema.safeParse(result);
    if (parsed.success) return parsed.data;
    throw this.#invalid(method, parsed.error.issues[0]?.message ?? 'another shape');
  }

  async #post(body: string): Promise<string> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: this.#headers,
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((cause: unknown) => {
      throw this.#unreachable(cause);
    });
    try {
      return await readText(response, this.#maxAnswerBytes);
    } catch (cause) {
      throw cause instanceof ClientError ? cause : this.#unreachable(cause);
    }
  }

  #unreachable(error: unknown): ClientError {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const data = { url: this.url, cure: 'start the node (`ogpu start`), or name another one with --rpc-url' };
    return new ClientError('RPC_UNREACHABLE', `no node answers: ${messageOf(cause)}`, data, { cause: error });
  }

  #invalid(method: string, reason: string): ClientError {
    const cure = 'check that --rpc-url is the JSON-RPC port of an oGPU node';
    return new ClientError('RPC_ANSWER_INVALID', `not the answer of a node: ${reason}`, {
      url: this.url,
      method,
      cure,
    });
  }

  #refusal(method: string, error: NonNullable<z.output<typeof Answer>['error']>): ClientError {
    if (error.code === REVERTED && typeof error.data === 'string') {
      const reason = explainRevert(bytesOf(error.data));
      return new ClientError('CALL_REVERTED', reason.text, { error: reason.name, ...reason.values });
    }
    const details = typeof error.data === 'object' && error.data !== null ? error.data : {};
    return new ClientError('RPC_REFUSED', error.message, { method, rpcCode: error.code, ...details });
  }
}

/** The body, unless it is too long. */
async function readText(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    const part = chunk as Uint8Array;
    bytes += part.length;
    if (bytes > maxBytes)
      throw new ClientError('RPC_ANSWER_INVALID', `the answer is longer than ${maxBytes} bytes`, {
        url: response.url,
      });
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bytesOf(hex: string): Uint8Array {
  try {
    return fromHex(hex);
  } catch {
    return new Uint8Array(0);
  }
}
