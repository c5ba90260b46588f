import { toHex } from '../../protocol/bytes.js';
import type { OpenHeight } from '../../consensus/engine/open-height.js';

/**
 * Validators that must have a block, in hex: who has voted for it has executed it, who has proposed it has made it, and who has committed it
 * has both. This node is none of them.
 */
export function blockSources(open: OpenHeight, name: string): readonly string[] {
  const sources = new Set<string>();
  for (const { proposal } of open.proposals.values()) {
    if (toHex(proposal.payload.blockId) === name) sources.add(toHex(proposal.proposer));
  }
  const { state, votes } = open.driver;
  const rounds = new Set([
    state.round,
    ...[state.valid, votes.commit()].flatMap((place) => place?.round ?? []),
  ]);
  for (const round of rounds) {
    for (const kind of ['prevote', 'precommit'] as const) {
      for (const { validator } of votes.votesFor(kind, round, name)) sources.add(validator);
    }
  }
  const commit = open.certificate?.commit;
  if (commit !== undefined && toHex(commit.blockId) === name) {
    open.context.validators.forEach(({ id }, place) => {
      if (commit.signers.get(place)) sources.add(toHex(id));
    });
  }
  if (open.own !== null) sources.delete(open.own);
  return [...sources];
}
