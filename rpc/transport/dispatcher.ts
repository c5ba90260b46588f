import { performance } from 'node:perf_hooks';
import { RPC } from '../errors/codes.js';
import { errorObject, isInternal } from '../errors/mapping.js';
import { RpcError } from '../errors/rpc-error.js';
import type { RpcLimits } from '../limits.js';
import { RawJson, type MethodContext, type RpcMethod } from '../method.js';
import type { Services } from '../services.js';
import { Deadline } from './deadline.js';
import { Gate } from './gate.js';
import { isRecord, ParameterReader } from './parameters.js';
import type { Session } from './session.js';
import { allOf, then } from './then.js';
import type { Turns } from './turns.js';

export interface DispatcherOptions {
  readonly methods: ReadonlyMap<string, RpcMethod>;
  readonly services: Services;
  readonly limits: RpcLimits;
  /** Told of each call: a method that is none of ours has no name. */
  readonly onRequest: ((method: string, elapsedMs: number, ok: boolean) => void) | undefined;
  /** Told of what is wrong with this node. */
  readonly onInternalError: (method: string, error: unknown) => void;
}

type Id = string | number | null;

/** Text of JSON; undefined where none is wanted. */
type Answer = string | undefined;

/** A request that is one, as JSON-RPC 2.0 has it. */
interface Request {
  /** Undefined where no answer is wanted. */
  readonly id: Id | undefined;
  readonly method: string;
  readonly params: unknown;
}

/** Answers JSON-RPC requests and batches: from text to text. Whatever the text is, the answer is JSON-RPC. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #turns: Turns;
  readonly #gate: Gate;
  readonly #parameters = new ParameterReader();

  constructor(options: DispatcherOptions) {
    const { maxHeavyCalls, maxHeavyWaiting } = options.limits;
    this.#options = options;
    this.#turns = options.services.turns;
    this.#gate = new Gate(maxHeavyCalls, maxHeavyWaiting);
  }

  /**
   * At once where the turn has time and every method answers at once.
   *
   * @returns undefined where no answer is wanted: of notifications
   */
  handle(text: string, session: Session): Answer | Promise<Answer> {
    const parsedOrAnswer = this.#turns.run(() => {
      const parsed = parse(text);
      if (parsed instanceof RpcError) return errorText(null, parsed);
      return Array.isArray(parsed) ? (parsed as unknown[]) : this.#one(parsed, session);
    });
    return then(parsedOrAnswer, (value) => (Array.isArray(value) ? this.#batch(value, session) : value));
  }

  #batch(requests: readonly unknown[], session: Session): Answer | Promise<Answer> {
    const { maxBatch, maxResponseBytes } = this.#options.limits;
    if (requests.length === 0) return errorText(null, requestInvalid('an empty batch'));
    if (requests.length > maxBatch) {
      const data = { maxBatch, received: requests.length };
      return errorText(null, new RpcError(RPC.limitExceeded, 'RPC_BATCH_TOO_LARGE', 'batch too large', data));
    }
    let size = 0;
    const bounded = (answer: Answer, request: unknown): Answer => {
      if (answer === undefined) return undefined;
      size += answer.length + 1;
      return size > maxResponseBytes ? errorText(idOf(request), tooLarge(maxResponseBytes)) : answer;
    };
    // The heavy calls of a batch have one place at the gate between them.
    let heavy: Answer | Promise<Answer>;
    const answers = requests.map((request) => {
      const run = (): Answer | Promise<Answer> => this.#turns.run(() => this.#one(request, session));
      const answer = this.#isHeavy(request) ? (heavy = then(heavy, run)) : run();
      return then(answer, (given) => bounded(given, request));
    });
    return then(allOf(answers), joined);
  }

  #isHeavy(request: unknown): boolean {
    const method = isRecord(request) ? request['method'] : undefined;
    return typeof method === 'string' && this.#options.methods.get(method)?.isHeavy === true;
  }

  /** Synchronous as long as the method is. */
  #one(value: unknown, session: Session): Answer | Promise<Answer> {
    const request = readRequest(value);
    if (request instanceof RpcError) return errorText(idOf(value), request);
    const startMs = performance.now();
    const { onRequest, onInternalError, methods } = this.#options;
    const method = methods.get(request.method);
    const name = method?.name ?? 'unknown';
    const succeed = (result: unknown): Answer => {
      const answer = this.#resultText(request.id ?? null, result);
      onRequest?.(name, performance.now() - startMs, true);
      return request.id === undefined ? undefined : answer;
    };
    const fail = (error: unknown): Answer => {
      if (isInternal(error)) onInternalError(name, error);
      onRequest?.(name, performance.now() - startMs, false);
      return request.id === undefined ? undefined : errorText(request.id, error);
    };
    try {
      if (method === undefined) throw unknownMethod(request.method);
      const result = this.#call(method, request.params, session);
      return result instanceof Promise ? result.then(succeed).catch(fail) : succeed(result);
    } catch (error) {
      return fail(error);
    }
  }

  #call(method: RpcMethod, params: unknown, session: Session): unknown {
    const { services, limits } = this.#options;
    const values = this.#parameters.read(method, params);
    const context = (): MethodContext => ({
      services,
      session,
      deadline: new Deadline(this.#turns, limits.maxCallMs),
    });
    if (!method.isHeavy) return method.call(context(), values);
    // The time of a call begins when it has its place.
    return method.known?.(context(), values) ?? this.#gate.run(() => method.call(context(), values));
  }

  /** @throws RpcError RPC_RESPONSE_TOO_LARGE */
  #resultText(id: Id, result: unknown): string {
    const { maxResponseBytes } = this.#options.limits;
    const json = result instanceof RawJson ? result.text : JSON.stringify(result ?? null);
    if (json.length > maxResponseBytes) throw tooLarge(maxResponseBytes);
    return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${json}}`;
  }
}

function joined(answers: readonly Answer[]): Answer {
  const texts = answers.filter((answer) => answer !== undefined);
  return texts.length === 0 ? undefined : `[${texts.join(',')}]`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return new RpcError(RPC.parseError, 'RPC_PARSE', 'parse error: not JSON');
  }
}

function readRequest(value: unknown): Request | RpcError {
  if (!isRecord(value)) return requestInvalid('not an object');
  const { jsonrpc, method, params, id } = value;
  if (jsonrpc !== '2.0') return requestInvalid('jsonrpc must be "2.0"');
  if (typeof method !== 'string') return requestInvalid('method must be a string');
  if (params !== undefined && params !== null && typeof params !== 'object')
    return requestInvalid('params must be an array or an object');
  if (id !== undefined && !isId(id)) return requestInvalid('id must be a string, a number or null');
  return { id, method, params };
}

function idOf(value: unknown): Id {
  const id = isRecord(value) ? value['id'] : null;
  return isId(id) ? id : null;
}

function isId(id: unknown): id is Id {
  return id === null || typeof id === 'string' || (typeof id === 'number' && Number.isFinite(id));
}

export function errorText(id: Id, error: unknown): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${JSON.stringify(errorObject(error))}}`;
}

function requestInvalid(why: string): RpcError {
  return new RpcError(RPC.invalidRequest, 'RPC_REQUEST_INVALID', `invalid request: ${why}`);
}

function unknownMethod(name: string): RpcError {
  const method = name.slice(0, 64);
  const text = `the method ${JSON.stringify(method)} does not exist`;
  return new RpcError(RPC.methodNotFound, 'RPC_METHOD_UNKNOWN', text, { method });
}

function tooLarge(maxResponseBytes: number): RpcError {
  const text = 'response too large: ask for less at a time';
  return new RpcError(RPC.limitExceeded, 'RPC_RESPONSE_TOO_LARGE', text, { maxResponseBytes });
}
