import { invariant } from '../../protocol/invariant.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { bytes32, ContainerType, uint32, type ValueOf } from '../../protocol/ssz/types.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records } from '../store/record.js';
import type { Reader } from '../store/store.js';

/*
 * The beacon of a height is kept as long as a draw waits for it, and no longer: the queue may be behind, and must not change who is drawn.
 */

const WantedBeaconType = new ContainerType({
  /** Draws that wait for it. */
  waiting: uint32,
  /** Zero until the height is final. */
  beacon: bytes32,
});

const wantedBeacons = records(
  STATE_KEYS.beacon,
  createCodec<ValueOf<typeof WantedBeaconType>>('WantedBeacon', WantedBeaconType),
);

const UNKNOWN = new Uint8Array(32);

/** Keeps the beacon of `height`, the present one or a later one, for one more draw. */
export function wantBeacon(state: Overlay, height: number): void {
  const { waiting, beacon } = wantedBeacons.find(state, height) ?? { waiting: 0, beacon: UNKNOWN };
  wantedBeacons.write(state, { waiting: waiting + 1, beacon }, height);
}

/** A draw has had it. */
export function dropBeacon(state: Overlay, height: number): void {
  const { waiting, beacon } = wantedBeacons.read(state, height);
  invariant(waiting > 0, 'a beacon is dropped by who wanted it');
  if (waiting === 1) wantedBeacons.remove(state, height);
  else wantedBeacons.write(state, { waiting: waiting - 1, beacon }, height);
}

/** Takes the beacon of the block before down, if a draw waits for it. */
export function keepBeacon(state: Overlay, height: number, beacon: Uint8Array): void {
  const wanted = wantedBeacons.find(state, height);
  if (wanted !== undefined) wantedBeacons.write(state, { ...wanted, beacon }, height);
}

/** The beacon of a height that a draw waits for; undefined until it is final. */
export function beaconAt(state: Reader, height: number): Uint8Array | undefined {
  const wanted = wantedBeacons.find(state, height);
  return wanted === undefined || wanted.beacon.every((byte) => byte === 0) ? undefined : wanted.beacon;
}
