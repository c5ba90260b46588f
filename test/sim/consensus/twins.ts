import type { Message } from '../../../consensus/messages.js';
import type { Prng } from '../../support/prng.js';
import { subjectOf } from './subject.js';

/** One of two nodes with the same key. */
export type Twin = 0 | 1;

/** Who hears which twin, and is heard by it, in a round. */
export type TwinSchedule = (message: Message, peer: number) => readonly Twin[];

const BOTH: readonly Twin[] = [0, 1];

/**
 * Divides the peers between two twins, anew in every round, as in "Twins: BFT Systems Made Robust" (arXiv 2004.10617): each twin is honest,
 * and together they contradict themselves. Now and then a peer hears both. What belongs to no round reaches everybody.
 */
export function drawTwinSchedule(random: Prng): TwinSchedule {
  const salt = random.u32();
  return (message, peer) => {
    const subject = subjectOf(message);
    if (subject === undefined) return BOTH;
    const roll = mix(mix(mix(salt, subject.height), subject.round), peer) & 7;
    if (roll === 0) return BOTH;
    return roll % 2 === 0 ? [0] : [1];
  };
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ Math.imul(value + 1, 0x9e3779b1), 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
