import { LightError } from '../consensus/light/errors.js';
import { verifyToHeight } from '../consensus/light/bisection.js';
import type { KeyPossession } from '../consensus/light/proven-set.js';
import {
  trustGenesis,
  trustHeader,
  type LightOptions,
  type TrustedHeader,
  type TrustPoint,
} from '../consensus/light/trust.js';
import type { LightBlock } from '../consensus/light/verify.js';
import { bytesEqual, fromHex, toHex, type Hex } from '../protocol/bytes.js';
import { OgpuError } from '../protocol/errors.js';
import { PROTOCOL_VERSION } from '../protocol/params.js';
import { verifyReceiptProof } from '../protocol/receipt-proof.js';
import { commitCodec } from '../protocol/types/commit.js';
import { blockId, headerCodec, type Header } from '../protocol/types/header.js';
import { receiptCodec, type Receipt } from '../protocol/types/receipt.js';
import { validatorSetCodec, type ValidatorSet } from '../protocol/types/validators.js';
import { decodeAccount, EMPTY_ACCOUNT } from '../state/accounts/account.js';
import { STATE_KEYS } from '../state/store/keys.js';
import { verifyKeyProof } from '../state/tree/proof.js';

/** Why an answer of a node is not believed, beside errors of the verification itself (LightError, ProofError). */
export class LightAnswerError extends OgpuError<
  'LIGHT_ANSWER_MALFORMED' | 'LIGHT_ANSWER_OTHER' | 'LIGHT_ANSWER_UNPROVEN' | 'LIGHT_TOO_FAR_BACK'
> {}

/** What is believed to begin with. */
export type LightStart =
  /** A block that is known to be right from elsewhere: a friend, an explorer, an operator. */
  | { readonly height: number; readonly id: Hex }
  /** The first validators, with their proofs of possession, as the genesis document has them. */
  | {
      readonly genesisTimeMs: number;
      readonly validators: ValidatorSet;
      readonly possessions: readonly KeyPossession[];
    };

export interface LightClientOptions {
  /** Asks a node, which is not trusted: `client.request` of viem, or any EIP-1193 provider. */
  readonly request: (call: {
    readonly method: string;
    readonly params: readonly unknown[];
  }) => Promise<unknown>;
  readonly chainId: number;
  readonly genesisId: Hex;
  readonly start: LightStart;
  /** Well below the unbonding time; 7 days unless told otherwise. */
  readonly trustingPeriodMs?: number;
  /** 10 seconds unless told otherwise. */
  readonly maxClockDriftMs?: number;
  /** Unix milliseconds. */
  readonly nowMs?: () => number;
  readonly bls?: LightOptions['bls'];
}

/** An account as the state after block `height` proves it. */
export interface ProvenAccount {
  readonly height: number;
  readonly balanceWei: bigint;
  readonly nonce: number;
}

/** What a transaction did, as its block proves it. */
export interface ProvenReceipt {
  readonly height: number;
  readonly index: number;
  readonly receipt: Receipt;
}

const DAY_MS = 24 * 3_600_000;
/** Headers walked back to reach one before the first that is believed. */
const MAX_STEPS_BACK = 1_024;
/** Believed headers that are kept. */
const MAX_KEPT = 1_024;
/** Hex of an answer: a set of 1,024 validators and its proofs fit. */
const MAX_HEX = 4 * 1024 * 1024;

/**
 * Believes a chain because more than two thirds of its stake have signed it, and nothing because a node says so.
 */
export class LightClient {
  readonly #options: LightClientOptions;
  readonly #light: LightOptions;
  readonly #headers = new Map<number, Header>();
  #trusted: TrustPoint | undefined;
  #before: Promise<unknown> = Promise.resolve();

  constructor(options: LightClientOptions) {
    const { chainId, trustingPeriodMs = 7 * DAY_MS, maxClockDriftMs = 10_000, bls } = options;
    const genesisId = fromHex(options.genesisId, 32);
    this.#options = options;
    this.#light = {
      chainAt: () => ({ chainId, genesisId, protocolVersion: PROTOCOL_VERSION }),
      ...{ trustingPeriodMs, maxClockDriftMs },
      ...(bls === undefined ? {} : { bls }),
    };
  }

  /**
   * The header of a height, verified; one call after the other.
   *
   * @throws LightError, LightAnswerError; whatever asking the node throws
   */
  header(height: number): Promise<Header> {
    const found = this.#before.then(() => this.#header(height));
    this.#before = found.catch(() => undefined);
    return found;
  }

  /** An account after the last block of the node. Throws as `header`, and ProofError. */
  async account(address: Hex): Promise<ProvenAccount> {
    const answer = record(await this.#ask('ogpu_getAccountProof', [address]));
    const height = whole(answer['height']);
    const value = answer['value'] === null ? undefined : hexBytes(answer['value']);
    const { stateRoot } = await this.header(height);
    const key = STATE_KEYS.account.encode(fromHex(address, 20));
    verifyKeyProof(stateRoot, key, value, hexBytes(answer['proof']));
    const { balanceWei, nonce } = value === undefined ? EMPTY_ACCOUNT : decodeAccount(value);
    return { height, balanceWei, nonce };
  }

  /** What a transaction did; undefined where the node knows none. That there is none is not proved. Throws as `header`. */
  async receipt(transactionHash: Hex): Promise<ProvenReceipt | undefined> {
    const answer = await this.#ask('ogpu_getReceiptProof', [transactionHash]);
    if (answer === null) return undefined;
    const fields = record(answer);
    const [height, index] = [whole(fields['height']), whole(fields['index'])];
    const receipt = receiptCodec.decode(hexBytes(fields['receipt']));
    const isProven = verifyReceiptProof(await this.header(height), {
      transactionHash: fromHex(transactionHash, 32),
      ...{ index, receipt },
      transactionBranch: hexList(fields['transactionBranch']),
      receiptBranch: hexList(fields['receiptBranch']),
    });
    if (isProven) return { height, index, receipt };
    throw new LightAnswerError('LIGHT_ANSWER_UNPROVEN', 'the block does not commit to this receipt', {
      ...{ height, transactionHash },
    });
  }

  async #header(height: number): Promise<Header> {
    const trusted = (this.#trusted ??= await this.#start());
    const known = this.#headers.get(height);
    if (known !== undefined) return known;
    if (height < trusted.height) return this.#walkBack(height);
    if (height === trusted.height) {
      throw new LightError('LIGHT_HEIGHT', 'the genesis has no header', { height });
    }
    const now = (this.#options.nowMs ?? Date.now)();
    const request = (at: number): Promise<LightBlock> => this.#lightBlock(at);
    const believed = await verifyToHeight(trusted, height, request, now, this.#light);
    this.#believe(believed);
    return believed.header;
  }

  async #start(): Promise<TrustPoint> {
    const { start } = this.#options;
    if ('genesisTimeMs' in start)
      return trustGenesis(start.genesisTimeMs, start.validators, start.possessions, this.#light);
    const { header, nextValidators, possessions } = await this.#lightBlock(start.height);
    const believed = trustHeader(header, fromHex(start.id, 32), nextValidators, possessions, this.#light);
    this.#keep(believed.header);
    return believed;
  }

  /** Each header names the one before it. */
  async #walkBack(height: number): Promise<Header> {
    const above = [...this.#headers.keys()].filter((each) => each > height).sort((a, b) => a - b)[0];
    let header = above === undefined ? undefined : this.#headers.get(above);
    if (header === undefined || header.height - height > MAX_STEPS_BACK) {
      const data = { height, nearest: above, maxSteps: MAX_STEPS_BACK };
      throw new LightAnswerError('LIGHT_TOO_FAR_BACK', 'the block is too far before what is believed', data);
    }
    while (header.height > height) {
      const answer = record(await this.#ask('ogpu_header', [`0x${(header.height - 1).toString(16)}`]));
      const parent = headerCodec.decode(hexBytes(answer['ssz']));
      if (!bytesEqual(blockId(parent), header.parentId)) {
        const data = { height: header.height - 1, expected: toHex(header.parentId) };
        throw new LightAnswerError('LIGHT_ANSWER_OTHER', 'the header is not the parent of the next', data);
      }
      this.#keep(parent);
      header = parent;
    }
    return header;
  }

  #believe(believed: TrustedHeader): void {
    this.#trusted = believed;
    this.#keep(believed.header);
  }

  #keep(header: Header): void {
    this.#headers.set(header.height, header);
    if (this.#headers.size <= MAX_KEPT) return;
    const [oldest] = this.#headers.keys();
    if (oldest !== undefined) this.#headers.delete(oldest);
  }

  async #lightBlock(height: number): Promise<LightBlock> {
    const answer = record(await this.#ask('ogpu_lightBlock', [`0x${height.toString(16)}`]));
    return {
      header: headerCodec.decode(hexBytes(answer['header'])),
      commit: commitCodec.decode(hexBytes(answer['commit'])),
      validators: validatorSetCodec.decode(hexBytes(answer['validators'])),
      nextValidators: validatorSetCodec.decode(hexBytes(answer['nextValidators'])),
      possessions: list(answer['possessions']).map((each) => {
        const { blsPublicKey, proof } = record(each);
        return { blsPublicKey: hexBytes(blsPublicKey), proof: hexBytes(proof) };
      }),
    };
  }

  #ask(method: string, params: readonly unknown[]): Promise<unknown> {
    return this.#options.request({ method, params });
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw malformed('an object', value);
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value) && value.length <= MAX_HEX / 64) return value as unknown[];
  throw malformed('a list', value);
}

function whole(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed('a whole number', value);
}

function hexBytes(value: unknown): Uint8Array {
  if (typeof value === 'string' && value.length <= MAX_HEX && /^0x(?:[0-9a-f]{2})*$/.test(value))
    return fromHex(value);
  throw malformed('bytes in hex', value);
}

function hexList(value: unknown): Uint8Array[] {
  return list(value).map(hexBytes);
}

function malformed(expected: string, value: unknown): LightAnswerError {
  const received = (typeof value === 'string' ? value : typeof value).slice(0, 80);
  return new LightAnswerError('LIGHT_ANSWER_MALFORMED', `expected ${expected}`, { received });
}
