import { bytesEqual } from '../../protocol/bytes.js';
import { bls } from '../../protocol/crypto/bls.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import { invariant } from '../../protocol/invariant.js';
import {
  extensionSignBytes,
  proposalSignBytes,
  beaconSignBytes,
  voteSignBytes,
} from '../../protocol/sign-bytes.js';
import type { ProposalPayload } from '../../protocol/types/proposal.js';
import { isNilBlockId, PRECOMMIT, PREVOTE, type VotePayload } from '../../protocol/types/vote.js';
import type { Folder } from '../disk/disk.js';
import { SignerError } from './errors.js';
import { openRecord, type RecordFile } from './record-file.js';
import {
  comparePlaces,
  describePlace,
  PRECOMMIT_STEP,
  PREVOTE_STEP,
  PROPOSAL_STEP,
  stepData,
  type Place,
  type SignedStep,
  type SignerRecord,
} from './record.js';
import type { BeaconPayload, SignedExtension, SignedPrecommit, Signer } from './signer.js';

/** A key that gives the same signature for the same message every time, as BLS does. */
export interface SigningKey {
  /** 48 bytes. */
  readonly publicKey: Uint8Array;
  /** @returns 96 bytes */
  sign(message: Uint8Array): Uint8Array;
}

/** @throws BlsError BLS_SECRET_KEY */
export function blsSigningKey(secretKey: Uint8Array): SigningKey {
  return { publicKey: bls.publicKey(secretKey), sign: (message) => bls.sign(secretKey, message) };
}

export interface LocalSignerOptions {
  /** Of this key and chain alone, and locked for this process. */
  readonly folder: Folder;
  readonly key: SigningKey;
  readonly chainId: number;
  /** 32 bytes. */
  readonly genesisId: Uint8Array;
  /** Protocol version active at a height. */
  readonly versionAt: (height: number) => number;
  /** Makes a record of nothing signed in a folder that never had one. Only right for a key that never signed. */
  readonly create: boolean;
}

/**
 * Opens the signer of a key in this process.
 *
 * @throws SignerError SIGNER_RECORD_CORRUPT | SIGNER_RECORD_MISSING | SIGNER_RECORD_FOREIGN | SIGNER_RECORD_VERSION
 * @throws DiskError
 */
export async function openSigner(options: LocalSignerOptions): Promise<LocalSigner> {
  const { folder, key, chainId, genesisId, create } = options;
  const identity = { chainId, genesisId, publicKey: key.publicKey };
  return new LocalSigner(options, await openRecord(folder, identity, { create }));
}

/** Requests that wait for the disk; a validator has three a round. */
export const MAX_WAITING_SIGNATURES = 64;

/** Precommits that are remembered, the last of several heights. */
const MAX_REMEMBERED = 64;

/** Writes down what it is about to sign, durably, then signs it: a crash in between lets the same be signed again. */
export class LocalSigner implements Signer {
  readonly #options: LocalSignerOptions;
  readonly #file: RecordFile;
  readonly #precommits: SignedStep[] = [];
  /** What was signed before is not remembered. Undefined for a key that had not signed. */
  #rememberedFrom: Place | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: LocalSignerOptions, file: RecordFile) {
    this.#options = options;
    this.#file = file;
    const { last } = file.record;
    this.#rememberedFrom = last;
    if (last !== undefined) this.#remember(last);
  }

  get publicKey(): Uint8Array {
    return this.#options.key.publicKey;
  }

  /** What is durable. */
  get record(): SignerRecord {
    return this.#file.record;
  }

  async signProposal(payload: ProposalPayload): Promise<Uint8Array> {
    const { height, round } = payload;
    const signBytes = proposalSignBytes(this.#identityAt(height), payload);
    const claimed = await this.#claim({ height, round, step: PROPOSAL_STEP, signBytes, extension: [] });
    return this.#options.key.sign(claimed.signBytes);
  }

  async signPrevote(payload: VotePayload): Promise<Uint8Array> {
    const { height, round } = payload;
    const signBytes = voteSignBytes(this.#identityAt(height), PREVOTE, payload);
    const claimed = await this.#claim({ height, round, step: PREVOTE_STEP, signBytes, extension: [] });
    return this.#options.key.sign(claimed.signBytes);
  }

  async signPrecommit(
    payload: VotePayload,
    extensionContent: Uint8Array | undefined,
  ): Promise<SignedPrecommit> {
    invariant(
      isNilBlockId(payload.blockId) === (extensionContent === undefined),
      'a precommit has an extension unless it is for nil',
    );
    const claimed = await this.#claim(this.#precommit(payload, extensionContent?.slice()));
    const signature = this.#options.key.sign(claimed.signBytes);
    return { signature, extension: this.#signedExtension(claimed) };
  }

  async reveal({ height, previousBeacon }: BeaconPayload): Promise<Uint8Array> {
    const { last } = this.record;
    if (last !== undefined && height < last.height) {
      throw regression(`a beacon of height ${height}`, last, { height });
    }
    const signBytes = beaconSignBytes(this.#identityAt(height), height, previousBeacon);
    return Promise.resolve(this.#options.key.sign(signBytes));
  }

  hasSignedPrecommit(payload: VotePayload): Promise<boolean | undefined> {
    const { height, round } = payload;
    const place = { height, round, step: PRECOMMIT_STEP };
    const signBytes = voteSignBytes(this.#identityAt(height), PRECOMMIT, payload);
    const signed = this.#precommits.find((step) => comparePlaces(step, place) === 0);
    const isRemembered = this.#rememberedFrom === undefined || comparePlaces(place, this.#rememberedFrom) > 0;
    const answer = signed === undefined ? false : bytesEqual(signed.signBytes, signBytes);
    return Promise.resolve(signed !== undefined || isRemembered ? answer : undefined);
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#last;
    await this.#file.close();
  }

  #precommit(payload: VotePayload, content: Uint8Array | undefined): SignedStep {
    const { height, round } = payload;
    const identity = this.#identityAt(height);
    const extension =
      content === undefined
        ? []
        : [{ content, signBytes: extensionSignBytes(identity, { height, round, content }) }];
    const signBytes = voteSignBytes(identity, PRECOMMIT, payload);
    return { height, round, step: PRECOMMIT_STEP, signBytes, extension };
  }

  #signedExtension({ height, round, extension: [extension] }: SignedStep): SignedExtension | undefined {
    if (extension === undefined) return undefined;
    const { content, signBytes } = extension;
    const payload = { height, round, content: content.slice() };
    return { payload, signature: this.#options.key.sign(signBytes) };
  }

  /** What may be signed at the place of `wanted`: it, once that is durable, or the same vote as it was recorded before. */
  #claim(wanted: SignedStep): Promise<SignedStep> {
    return this.#inTurn(async () => {
      const { last } = this.record;
      const order = last === undefined ? 1 : comparePlaces(wanted, last);
      if (last !== undefined && order < 0) throw regression(`the ${describePlace(wanted)}`, last, wanted);
      if (last !== undefined && order === 0) {
        if (!bytesEqual(wanted.signBytes, last.signBytes)) throw conflict(wanted, last);
        return last;
      }
      await this.#file.write(wanted);
      this.#remember(wanted);
      return wanted;
    });
  }

  #remember(signed: SignedStep): void {
    if (signed.step !== PRECOMMIT_STEP) return;
    if (this.#precommits.length === MAX_REMEMBERED) this.#rememberedFrom = this.#precommits.shift();
    this.#precommits.push(signed);
  }

  async #inTurn<T>(job: () => Promise<T>): Promise<T> {
    if (this.#waiting === MAX_WAITING_SIGNATURES) {
      throw new SignerError('SIGNER_BUSY', 'too many requests for a signature are waiting', {
        waiting: this.#waiting,
      });
    }
    this.#waiting++;
    const done = this.#last.then(job).finally(() => this.#waiting--);
    this.#last = done.catch(() => undefined);
    return done;
  }

  #identityAt(height: number): ChainIdentity {
    const { chainId, genesisId, versionAt } = this.#options;
    return { chainId, genesisId, protocolVersion: versionAt(height) };
  }
}

function conflict(wanted: SignedStep, signed: SignedStep): SignerError {
  return new SignerError('SIGNER_CONFLICT', `the ${describePlace(signed)} has been signed with other bytes`, {
    signed: stepData(signed),
    refused: stepData(wanted),
  });
}

function regression(what: string, last: Place, wanted: Partial<Place>): SignerError {
  const { height, round, step } = wanted;
  return new SignerError(
    'SIGNER_REGRESSION',
    `${what} comes before the ${describePlace(last)}, signed last`,
    {
      last: { height: last.height, round: last.round, step: last.step },
      refused: { height, round, step },
    },
  );
}
