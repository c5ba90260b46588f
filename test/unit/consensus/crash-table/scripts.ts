import type { Message } from '../../../../consensus/messages.js';
import { PRECOMMIT } from '../../../../protocol/types/vote.js';
import type { Cluster, Filter } from './cluster.js';

/** How the first height goes, and who the victim is. Nodes are named by the round they propose in. */
export interface Script {
  readonly name: string;
  readonly victim: number;
  readonly filter: (cluster: Cluster) => Filter;
}

/** The second height goes undisturbed. */
const HEIGHT = 1;

/** Of four nodes one says nothing, so that the three others all have to vote. */
const mute =
  (silent: number): Script['filter'] =>
  () =>
  (from, _to, message) =>
    from !== silent || placeOf(message)?.height !== HEIGHT;

/**
 * In the first round only the victim sees a polka: node 3 misses the proposal and prevotes nil, and nobody hears the victim. So it alone is
 * locked, and all others begin the next round free.
 */
const lockedAlone =
  (victim: number): Filter =>
  (from, to, message) => {
    const place = placeOf(message);
    if (place?.height !== HEIGHT || place.round !== 0) return true;
    if (message.kind === 'proposal') return to !== 3;
    return from !== victim || (message.kind !== 'vote' && message.kind !== 'votes');
  };

export const SCRIPTS: readonly Script[] = [
  { name: 'proposer', victim: 0, filter: mute(3) },
  { name: 'follower', victim: 2, filter: mute(3) },
  { name: 'proposer after a nil round', victim: 1, filter: mute(0) },
  { name: 'proposer of a valid value again', victim: 1, filter: () => lockedAlone(1) },
  {
    // Others would decide a fresh block without the victim: they are kept from it until it has shown whether it remembers.
    name: 'locked, offered another block',
    victim: 2,
    filter:
      ({ victim }) =>
      (from, to, message) => {
        const place = placeOf(message);
        const isLaterPrecommit =
          message.kind === 'vote' && place?.height === HEIGHT && place.round > 0 && place.isPrecommit;
        if (isLaterPrecommit && !victim.oath.hasPrevoted(HEIGHT, 1)) return false;
        return lockedAlone(2)(from, to, message);
      },
  },
];

function placeOf(
  message: Message,
): { readonly height: number; readonly round: number; readonly isPrecommit: boolean } | undefined {
  switch (message.kind) {
    case 'proposal':
      return { ...message.proposal.proposal.payload, isPrecommit: false };
    case 'block':
      return { ...message.block.header, isPrecommit: false };
    case 'compactBlock':
      return { ...message.compactBlock.header, isPrecommit: false };
    case 'compactBody':
      // It names no round, and no script asks for a body's.
      return { height: message.compactBody.height, round: 0, isPrecommit: false };
    case 'vote':
      return { ...message.vote.vote.payload, isPrecommit: message.vote.vote.kind === PRECOMMIT };
    case 'votes': {
      const [first] = message.votes;
      return first && { ...first.vote.payload, isPrecommit: first.vote.kind === PRECOMMIT };
    }
    case 'polka':
      return { ...message.polka, isPrecommit: false };
    default:
      return undefined;
  }
}
