import { toHex } from '../protocol/bytes.js';
import { MAX_BLS_BATCH, type Bls, type SignedMessage } from '../protocol/crypto/bls.js';

/**
 * Places, ascending, of the signatures that are not their key's over their message. Equal messages are checked together, and good
 * signatures over many messages in few steps; random coefficients keep bad ones from cancelling out.
 */
export function findInvalidSignatures(bls: Bls, signed: readonly SignedMessage[]): number[] {
  const groups = groupByMessage(signed);
  const alone = groups.filter((group) => group.length === 1).flat();
  const together = groups.filter((group) => group.length > 1);
  return [
    ...together.flatMap((group) => chunks(group).flatMap((chunk) => invalidOfOneMessage(bls, chunk))),
    ...chunks(alone).flatMap((chunk) => invalidOfMany(bls, chunk)),
  ].sort((a, b) => a - b);
}

interface Placed extends SignedMessage {
  readonly place: number;
}

function groupByMessage(signed: readonly SignedMessage[]): Placed[][] {
  const groups = new Map<string, Placed[]>();
  for (const [place, entry] of signed.entries()) {
    const name = toHex(entry.message);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [{ ...entry, place }]);
    else group.push({ ...entry, place });
  }
  return [...groups.values()];
}

function invalidOfOneMessage(bls: Bls, group: readonly Placed[]): number[] {
  const [first] = group;
  return first === undefined ? [] : placesOf(group, bls.findInvalid(group, first.message));
}

function invalidOfMany(bls: Bls, entries: readonly Placed[]): number[] {
  if (bls.verifyBatch(entries)) return [];
  return entries
    .filter(({ key, message, signature }) => !bls.verify(key, message, signature))
    .map(({ place }) => place);
}

function placesOf(group: readonly Placed[], indices: readonly number[]): number[] {
  return indices.flatMap((index) => group[index]?.place ?? []);
}

function chunks<Entry>(entries: readonly Entry[]): Entry[][] {
  const count = Math.ceil(entries.length / MAX_BLS_BATCH);
  return Array.from({ length: count }, (_, i) => entries.slice(i * MAX_BLS_BATCH, (i + 1) * MAX_BLS_BATCH));
}
