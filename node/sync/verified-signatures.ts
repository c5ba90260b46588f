import { concatBytes } from '../../protocol/bytes.js';
import { BLS_SIGNATURE_LENGTH, type Bls, type BlsPublicKey } from '../../protocol/crypto/bls.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { keyText } from '../../state/store/key-text.js';
import type { Statement } from '../signatures/wire.js';

/** Those of a few hundred blocks of a large set. */
const MAX_STATEMENTS = 65_536;

/**
 * Statements about signatures that were found true. What was verified ahead of time, on other threads, is then believed where the rules of
 * blocks ask for it: the rules stay the same, and whatever was not verified before is verified there.
 */
export class VerifiedSignatures {
  readonly #names = new Set<string>();
  readonly #inWork = new Set<string>();
  readonly #maxStatements: number;

  constructor(maxStatements = MAX_STATEMENTS) {
    this.#maxStatements = maxStatements;
  }

  has(statement: Statement): boolean {
    return isWellFormed(statement) && this.#names.has(nameOf(statement));
  }

  /**
   * Verifies what is neither known nor in work already.
   *
   * @param verify tells which statements are true @throws what it throws, with nothing learnt
   */
  async learn(
    statements: readonly Statement[],
    verify: (statements: readonly Statement[]) => Promise<readonly boolean[]>,
  ): Promise<void> {
    const unknown = new Map<string, Statement>();
    for (const statement of statements.filter(isWellFormed)) {
      const name = nameOf(statement);
      if (!this.#names.has(name) && !this.#inWork.has(name)) unknown.set(name, statement);
    }
    for (const name of unknown.keys()) this.#inWork.add(name);
    try {
      const isTrue = await verify([...unknown.values()]);
      for (const [i, name] of [...unknown.keys()].entries()) if (isTrue[i] === true) this.#add(name);
    } finally {
      for (const name of unknown.keys()) this.#inWork.delete(name);
    }
  }

  /** `bls`, which does not verify again what is known to be true. */
  over(bls: Bls): Bls {
    const isKnown = (key: BlsPublicKey, message: Uint8Array, signature: Uint8Array): boolean =>
      this.has({ keys: [key], message, signature });
    return {
      ...bls,
      verify: (key, message, signature) =>
        isKnown(key, message, signature) || bls.verify(key, message, signature),
      fastAggregateVerify: (keys, message, signature) =>
        this.has({ keys, message, signature }) || bls.fastAggregateVerify(keys, message, signature),
      verifySameMessage: (entries, message) => {
        const unknown = entries.filter(({ key, signature }) => !isKnown(key, message, signature));
        return (unknown.length === 0 && entries.length > 0) || bls.verifySameMessage(unknown, message);
      },
      findInvalid: (entries, message) => {
        const unknown = [...entries.entries()].filter(
          ([, { key, signature }]) => !isKnown(key, message, signature),
        );
        const rest = unknown.map(([, entry]) => entry);
        return bls.findInvalid(rest, message).flatMap((place) => unknown[place]?.[0] ?? []);
      },
      verifyBatch: (entries) => {
        const unknown = entries.filter(({ key, message, signature }) => !isKnown(key, message, signature));
        return (unknown.length === 0 && entries.length > 0) || bls.verifyBatch(unknown);
      },
    };
  }

  #add(name: string): void {
    this.#names.add(name);
    const [oldest] = this.#names;
    if (this.#names.size > this.#maxStatements && oldest !== undefined) this.#names.delete(oldest);
  }
}

function isWellFormed({ message, signature }: Statement): boolean {
  return message.length === 32 && signature.length === BLS_SIGNATURE_LENGTH;
}

/** Fields of fixed width behind the keys: no two statements have one name. */
function nameOf({ keys, message, signature }: Statement): string {
  return keyText(sha256(concatBytes(...keys.map(({ bytes }) => bytes), message, signature)));
}
