import assert from 'node:assert/strict';
import { toHex } from '../../protocol/bytes.js';
import { DEFAULT_LIMITS } from '../../rpc/limits.js';
import { METHOD_TABLE, METHODS } from '../../rpc/methods/index.js';
import { createServices } from '../../rpc/services.js';
import { Dispatcher } from '../../rpc/transport/dispatcher.js';
import type { PushChannel } from '../../rpc/transport/session.js';
import { RpcChain } from '../support/rpc-chain.js';
import { richOf, signedBy, stakingCallOf } from '../support/rpc-wallet.js';
import type { Prng } from '../support/prng.js';
import { mutate, type FuzzTarget } from './target.js';

/** A node to be asked, and words that mean something to it. */
interface Asked {
  readonly dispatcher: Dispatcher;
  readonly words: readonly unknown[];
  readonly internalErrors: unknown[];
}

let asked: Promise<Asked> | undefined;

function ready(): Promise<Asked> {
  asked ??= makeAsked();
  return asked;
}

async function makeAsked(): Promise<Asked> {
  const chain = await RpcChain.start({ validators: 2, isAutomatic: false, hasFaucet: true });
  const validator = chain.members[0]?.owner ?? new Uint8Array(20);
  const envelopes = [
    signedBy(richOf(chain, 0), 0),
    signedBy(richOf(chain, 1), 0, stakingCallOf('delegate', [validator], 5n)),
  ];
  const hashes = [];
  for (const envelope of envelopes)
    hashes.push(await chain.ask<string>('eth_sendRawTransaction', [envelope]));
  await chain.mine();
  await chain.mine();
  const block = await chain.ask<{ hash: string }>('eth_getBlockByNumber', ['latest', false]);
  const filter = await chain.ask<string>('eth_newFilter', [{}]);
  // Nothing is left that keeps the process alive.
  await chain.server.close();
  const internalErrors: unknown[] = [];
  const limits = { ...DEFAULT_LIMITS, maxSyncWaitMs: 2, syncWaitMs: 1, maxFilters: 64 };
  const dispatcher = new Dispatcher({
    methods: METHOD_TABLE,
    services: createServices(chain.backend, limits),
    limits,
    onRequest: undefined,
    onInternalError: (method, error) => internalErrors.push(method, error),
  });
  const words = [
    ...hashes,
    ...envelopes,
    ...[block.hash, filter, toHex(validator), richOf(chain, 0).address, stakingAddressText()],
    ...['latest', 'pending', 'earliest', 'safe', '0x0', '0x1', '0x2', '0x3', '0xffffffffffffffff', '0x'],
    ...['newHeads', 'logs', 'blocks', 'events', 'syncing', 'newPendingTransactions'],
    ...[true, false, 0, 1, 2],
  ];
  return { dispatcher, words, internalErrors };
}

function stakingAddressText(): string {
  return toHex(stakingCallOf('delegate', [new Uint8Array(20)]).to ?? new Uint8Array(20));
}

const KEYS = [
  ...['address', 'topics', 'fromBlock', 'toBlock', 'blockHash', 'blockNumber', 'from', 'to', 'data', 'input'],
  ...['value', 'gas', 'gasPrice', 'maxFeePerGas', 'nonce', 'accessList', 'storageKeys', 'cursor', 'limit'],
  ...['delegator', 'validator', 'balance', '__proto__', 'constructor', 'toString', '', 'requireCanonical'],
];

/** Some JSON: mostly what means something, in places where it means something or not. */
function json(prng: Prng, words: readonly unknown[], depth = 0): unknown {
  const kind = prng.below(depth > 4 ? 6 : 9);
  switch (kind) {
    case 0:
    case 1:
    case 2:
      return prng.pick(words);
    case 3:
      return prng.pick([
        null,
        true,
        -0,
        -1,
        0.5,
        1e308,
        2 ** 53,
        Number.MIN_VALUE,
        '',
        '\ud800',
        '\u0000',
        'ü'.repeat(40),
      ]);
    case 4:
      return toHex(prng.bytes(prng.below(70)));
    case 5:
      return `0x${prng.bigint(1 + prng.below(300)).toString(16)}`;
    case 6:
      return Array.from({ length: prng.below(5) }, () => json(prng, words, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: prng.below(5) }, () => [prng.pick(KEYS), json(prng, words, depth + 1)]),
      );
  }
}

function requestText(prng: Prng, words: readonly unknown[]): string {
  const { name, parameters } = prng.pick(METHODS);
  const params = Array.from({ length: Math.max(0, parameters.length + prng.below(3) - 1) }, () =>
    json(prng, words),
  );
  const request = { jsonrpc: '2.0', id: prng.below(100), method: name, params };
  const text = JSON.stringify(prng.below(12) === 0 ? [request, request] : request);
  switch (prng.below(10)) {
    case 0:
      return new TextDecoder().decode(mutate(prng, new TextEncoder().encode(text)));
    case 1:
      return text.replace('"id"', '"method":"eth_chainId","id":{},"id"');
    case 2:
      return text.replace('"params":[', `"params":[${'['.repeat(prng.below(5_000))}`);
    default:
      return text;
  }
}

function socket(): PushChannel {
  return {
    subscriptions: new Map(),
    backlogBytes: 0,
    isOpen: false,
    send: () => undefined,
    onClose: () => undefined,
  };
}

/** Whatever is asked, the answer is JSON-RPC, a result is what the documents say, and nothing is ever wrong with the node. */
async function attack(prng: Prng): Promise<void> {
  const { dispatcher, words, internalErrors } = await ready();
  const text = requestText(prng, words);
  const push = prng.below(2) === 0 ? socket() : undefined;
  const answer = await dispatcher.handle(text, { client: 'fuzz', push });
  for (const end of push?.subscriptions.values() ?? []) end();
  assert.deepEqual(internalErrors, [], text);
  if (answer === undefined) return;
  for (const each of [JSON.parse(answer) as unknown].flat()) {
    const { jsonrpc, error, ...rest } = each as Record<string, unknown>;
    assert.equal(jsonrpc, '2.0', text);
    if (error === undefined) {
      assert.ok('result' in rest, text);
      checkResult(text, rest['result']);
    } else {
      const { code, message } = error as { code: unknown; message: unknown };
      assert.ok(typeof code === 'number' && Number.isInteger(code) && code !== -32603, text);
      assert.ok(typeof message === 'string' && message.length > 0 && message.length < 2_000, text);
    }
  }
}

function checkResult(text: string, result: unknown): void {
  const parsed = [parse(text)].flat()[0] as { method?: unknown } | undefined;
  const method = typeof parsed?.method === 'string' ? METHOD_TABLE.get(parsed.method) : undefined;
  const checked = method?.result.schema.safeParse(result);
  assert.ok(
    checked?.success !== false,
    `${text}: ${checked?.error?.message ?? ''} in ${JSON.stringify(result)}`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export const rpcTargets: readonly FuzzTarget[] = [{ name: 'rpc-requests', prepare: ready, attack }];
