import type { Committee } from '../../consensus/committee.js';
import type { EffectOf } from '../../consensus/engine/effect.js';
import type { SignKind } from '../../consensus/engine/record.js';
import type { Signed, VoteSigner } from '../../consensus/engine/runner.js';
import { SignerError } from '../../consensus/signer/errors.js';
import { isSigner, signedElsewhere, type DecidedHeight } from '../../consensus/signer/guard.js';
import type { Signer } from '../../consensus/signer/signer.js';
import { bytesEqual } from '../../protocol/bytes.js';

/** A validator's hand: signs its proposals and votes, and reveals its share of the beacon. */
export interface Signatory extends VoteSigner {
  /** The validator, by its owner's address. */
  readonly id: Uint8Array;
  /** Of its key, 48 bytes. */
  readonly publicKey: Uint8Array;
  /** @param previousBeacon 32 bytes @returns 96 bytes; null where the signer refuses */
  reveal(height: number, previousBeacon: Uint8Array): Promise<Uint8Array | null>;
  /**
   * Looks at what has become final for signatures of the key that were not made here. After one nothing is signed any more: whoever has
   * the key too would be contradicted.
   */
  guard(decided: DecidedHeight): Promise<void>;
  /** Nothing is asked for afterwards. */
  close(): Promise<void>;
}

/** @param onRefusal told why the signer stays silent: for a step, or from now on with SIGNER_SIGNED_ELSEWHERE */
export function signatoryOf(
  id: Uint8Array,
  signer: Signer,
  onRefusal: (error: SignerError) => void = () => undefined,
): Signatory {
  let isSilenced = false;
  const unlessRefused = async <Result>(make: () => Promise<Result>): Promise<Result | null> => {
    if (isSilenced) return null;
    try {
      return await make();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      onRefusal(error);
      return null;
    }
  };
  return {
    id,
    publicKey: signer.publicKey,
    reveal: (height, previousBeacon) => unlessRefused(() => signer.reveal({ height, previousBeacon })),
    sign: (effect, extensionContent) => unlessRefused(() => sign(id, signer, effect, extensionContent)),
    guard: async (decided) => {
      const { commit } = decided;
      if (isSilenced || !isSigner(decided, signer.publicKey)) return;
      const { height, round, blockId } = commit;
      if ((await signer.hasSignedPrecommit({ height, round, blockId })) !== false) return;
      isSilenced = true;
      onRefusal(signedElsewhere(commit, signer.publicKey));
    },
    close: () => signer.close(),
  };
}

/** Stays silent while the committee has another key for the validator: nobody would count what this one signs. */
export function silentUnlessKnown(signatory: Signatory, committee: () => Committee): Signatory {
  const isKnown = (): boolean => {
    const now = committee();
    const member = now.set[now.indexOf(signatory.id) ?? now.set.length];
    return member !== undefined && bytesEqual(member.blsPublicKey, signatory.publicKey);
  };
  return {
    ...signatory,
    reveal: async (...asked) => (isKnown() ? signatory.reveal(...asked) : null),
    sign: async (...asked) => (isKnown() ? signatory.sign(...asked) : null),
  };
}

async function sign(
  id: Uint8Array,
  signer: Signer,
  effect: EffectOf<SignKind>,
  extensionContent: Uint8Array | undefined,
): Promise<Signed> {
  if (effect.kind === 'sign-proposal') {
    return { signature: await signer.signProposal(effect.payload), extension: null };
  }
  if (effect.kind === 'sign-prevote') {
    return { signature: await signer.signPrevote(effect.payload), extension: null };
  }
  const { signature, extension } = await signer.signPrecommit(effect.payload, extensionContent);
  return { signature, extension: extension === undefined ? null : { ...extension, validator: id } };
}

/** What the signer signed before binds it: the node stays silent in this step, and goes on. */
function isRefusal(error: unknown): error is SignerError {
  return (
    error instanceof SignerError && (error.code === 'SIGNER_CONFLICT' || error.code === 'SIGNER_REGRESSION')
  );
}
