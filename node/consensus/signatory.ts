import type { EffectOf } from '../../consensus/engine/effect.js';
import type { SignKind } from '../../consensus/engine/record.js';
import type { Signed, VoteSigner } from '../../consensus/engine/runner.js';
import { SignerError } from '../../consensus/signer/errors.js';
import type { Signer } from '../../consensus/signer/signer.js';

/** A validator's hand: signs its proposals and votes, and reveals its share of the beacon. */
export interface Signatory extends VoteSigner {
  /** The validator, by its owner's address. */
  readonly id: Uint8Array;
  /** @param previousBeacon 32 bytes @returns 96 bytes; null where the signer refuses */
  reveal(height: number, previousBeacon: Uint8Array): Promise<Uint8Array | null>;
  /** Nothing is asked for afterwards. */
  close(): Promise<void>;
}

/** @param onRefusal told why the signer stayed silent */
export function signatoryOf(
  id: Uint8Array,
  signer: Signer,
  onRefusal: (error: SignerError) => void = () => undefined,
): Signatory {
  const unlessRefused = async <Result>(made: Promise<Result>): Promise<Result | null> => {
    try {
      return await made;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      onRefusal(error);
      return null;
    }
  };
  return {
    id,
    reveal: (height, previousBeacon) => unlessRefused(signer.reveal({ height, previousBeacon })),
    close: () => signer.close(),
    sign: (effect, extensionContent) => unlessRefused(sign(id, signer, effect, extensionContent)),
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
