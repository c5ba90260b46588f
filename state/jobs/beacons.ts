import { createCodec } from '../../protocol/ssz/codec.js';
import { bytes32, ContainerType, uint64 } from '../../protocol/ssz/types.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records } from '../store/record.js';
import type { Reader } from '../store/store.js';

/** Beacons that can be asked for: a draw that waits in a long queue finds the one it is bound to. */
export const KEPT_BEACONS = 4_096;

const beacons = records(
  STATE_KEYS.beacon,
  createCodec('KeptBeacon', new ContainerType({ height: uint64, beacon: bytes32 })),
);

/** Keeps the beacon of a block that is being executed, in place of an old one. */
export function keepBeacon(state: Overlay, height: number, beacon: Uint8Array): void {
  beacons.write(state, { height, beacon }, height % KEPT_BEACONS);
}

/** The beacon of a recent final height; undefined for any other. */
export function beaconOf(state: Reader, height: number): Uint8Array | undefined {
  const kept = beacons.find(state, height % KEPT_BEACONS);
  return kept?.height === height ? kept.beacon : undefined;
}
