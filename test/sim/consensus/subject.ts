import type { Message } from '../../../consensus/messages.js';
import { PREVOTE } from '../../../protocol/types/vote.js';

/** What a message is about: its topic, and the place in agreement where it has one. */
export interface Subject {
  readonly topic: Topic;
  readonly height: number;
  readonly round: number;
}

/** Kinds of messages an adversary of the network tells apart. */
export const TOPICS = ['proposal', 'prevote', 'precommit', 'polka', 'commit'] as const;
type Topic = (typeof TOPICS)[number];

/** Undefined for messages of no round, such as blocks and requests. */
export function subjectOf(message: Message): Subject | undefined {
  switch (message.kind) {
    case 'proposal': {
      const { height, round } = message.proposal.proposal.payload;
      return { topic: 'proposal', height, round };
    }
    case 'vote':
      return subjectOfVote(message.vote.vote);
    case 'votes':
      return message.votes[0] && subjectOfVote(message.votes[0].vote);
    case 'polka':
      return { topic: 'polka', height: message.polka.height, round: message.polka.round };
    case 'commit': {
      const { height, round } = message.commit.commit;
      return { topic: 'commit', height, round };
    }
    default:
      return undefined;
  }
}

function subjectOfVote({
  kind,
  payload: { height, round },
}: {
  readonly kind: number;
  readonly payload: { readonly height: number; readonly round: number };
}): Subject {
  return { topic: kind === PREVOTE ? 'prevote' : 'precommit', height, round };
}
