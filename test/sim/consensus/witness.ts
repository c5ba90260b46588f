import {
  decodeRecord,
  describePlace,
  SLOT_BYTES,
  type SignedStep,
} from '../../../consensus/signer/record.js';
import type { SigningKey } from '../../../consensus/signer/local-signer.js';
import { bytesEqual } from '../../../protocol/bytes.js';
import type { Bls } from '../../../protocol/crypto/bls.js';

/** A signature that was made: of which bytes, and where by the signer's own record; undefined where nothing was on record. */
export interface Witnessed {
  readonly signBytes: Uint8Array;
  readonly place: string | undefined;
  /** Whether it moves the beacon on, which is the same whatever the log holds. */
  readonly isReveal: boolean;
}

/** What the proposer of a height signs to move the beacon on. */
export interface Beacon {
  readonly height: number;
  readonly signBytes: Uint8Array;
}

export interface WitnessParts {
  readonly bls: Bls;
  readonly secretKey: Uint8Array;
  /** The file of the signer's record as it would outlast a loss of power now. */
  readonly durableRecord: () => Uint8Array | undefined;
  /** What is signed to move the beacon on after the last block, which needs no record: it is the same whenever it is signed. */
  readonly beacon: () => Beacon;
  readonly tell: (signature: Witnessed) => void;
}

/** A validator's key that tells of every signature before it is handed out. */
export function witnessedKey({ bls, secretKey, durableRecord, beacon, tell }: WitnessParts): SigningKey {
  return {
    publicKey: bls.publicKey(secretKey),
    sign: (signBytes) => {
      const newest = durableRecord()?.subarray(-SLOT_BYTES);
      const last = newest && decodeRecord(newest)?.last;
      const beaconPlace = placeOfBeacon(beacon(), signBytes);
      const place = placeOf(last, signBytes) ?? beaconPlace;
      tell({ signBytes, place, isReveal: beaconPlace !== undefined });
      return bls.sign(secretKey, signBytes);
    },
  };
}

function placeOfBeacon({ height, signBytes: expected }: Beacon, signBytes: Uint8Array): string | undefined {
  return bytesEqual(signBytes, expected) ? `the beacon of height ${height}` : undefined;
}

function placeOf(last: SignedStep | undefined, signBytes: Uint8Array): string | undefined {
  if (last === undefined) return undefined;
  if (bytesEqual(last.signBytes, signBytes)) return `the ${describePlace(last)}`;
  const isExtension = last.extension.some((extension) => bytesEqual(extension.signBytes, signBytes));
  return isExtension ? `the extension of height ${last.height}, round ${last.round}` : undefined;
}
