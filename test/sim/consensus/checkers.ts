import { toHex } from '../../../protocol/bytes.js';
import { agreement, check, type Checker } from '../checker.js';
import type { Setting } from '../scenario.js';
import type { SimulatedChain } from './chain.js';
import type { Seen } from './observations.js';
import { patience, votingRules } from './rules.js';

/** Blocks that everybody has to finalize after healing. */
const NEW_BLOCKS = 3;

export function consensusCheckers(setting: Setting, chain: SimulatedChain): readonly Checker<Seen>[] {
  return [
    agreement('agreement', (seen) =>
      seen.kind === 'final' || seen.kind === 'started'
        ? { matter: `height ${seen.height}`, value: `${seen.id} ${seen.stateRoot}` }
        : undefined,
    ),
    order(setting),
    validity(),
    honestSignatures(),
    votingRules(setting, chain),
    patience(setting),
    progress(setting),
    justice(setting, chain),
  ];
}

/** Each node finalizes height after height, none twice and none left out, whatever happens to it. */
function order({ nodes }: Setting): Checker<Seen> {
  const heights = new Array<number>(nodes).fill(0);
  return {
    name: 'order',
    observe: (seen, { node, isHonest }) => {
      const last = heights[node] ?? 0;
      if (!isHonest) return;
      if (seen.kind === 'started') {
        check(
          'order',
          seen.height === last || seen.height === last + 1,
          () => `node ${node} is back at ${seen.height} after ${last}`,
        );
        heights[node] = seen.height;
      }
      if (seen.kind !== 'final') return;
      check('order', seen.height === last + 1, () => `node ${node} finalized ${seen.height} after ${last}`);
      heights[node] = seen.height;
    },
  };
}

/** Every transaction in a block was handed in by somebody, and is in no other block. The ledger checks who signed it and conserves supply. */
function validity(): Checker<Seen> {
  const submitted = new Set<string>();
  const heights = new Map<string, number>();
  return {
    name: 'validity',
    observe: (seen, { isHonest }) => {
      if (seen.kind === 'submitted') submitted.add(seen.transaction);
      if (seen.kind !== 'final' || !isHonest) return;
      for (const transaction of seen.transactions) {
        check('validity', submitted.has(transaction), () => `nobody made transaction ${transaction}`);
        const height = heights.get(transaction) ?? seen.height;
        check('validity', height === seen.height, () => `${transaction} is in ${height} and ${seen.height}`);
        heights.set(transaction, height);
      }
    },
    tally: () => ({ transactions: heights.size }),
  };
}

/** No honest validator signs what is not durable on its signer's record, nor two different things for one height, round and step. */
function honestSignatures(): Checker<Seen> {
  const name = 'no equivocation';
  const signed = new Map<string, string>();
  return {
    name,
    observe: (seen, { node, isHonest }) => {
      if (seen.kind !== 'signed' || !isHonest) return;
      const { place, payload, isLogged } = seen;
      check('order of durability', isLogged, () => `node ${node} signed before its log was durable`);
      check(name, place !== undefined, () => `node ${node} signed what its record does not hold`);
      const key = `${node} ${place}`;
      const first = signed.get(key);
      check(name, first === undefined || first === payload, () => `node ${node} signed two of ${place}`);
      signed.set(key, payload);
    },
    tally: () => ({ signatures: signed.size }),
  };
}

/** After healing every honest node finalizes new blocks, those of heights begun since then within as many rounds as there are validators. */
function progress({ nodes, crimes }: Setting): Checker<Seen> {
  const honest = Array.from({ length: nodes }, (_, node) => node).filter((node) => !crimes.has(node));
  const heights = new Map<number, number>(honest.map((node) => [node, 0]));
  const events: Record<string, number> = {};
  let highest = 0;
  let healedAt: number | undefined;
  return {
    name: 'progress',
    observe: (seen, { node, isHonest }) => {
      if (seen.kind !== 'final' || !isHonest) return;
      if (seen.height > highest) for (const event of seen.events) events[event] = (events[event] ?? 0) + 1;
      highest = Math.max(highest, seen.height);
      heights.set(node, seen.height);
      if (healedAt === undefined || seen.height <= healedAt + 1) return;
      check(
        'progress',
        seen.round <= 2 * nodes,
        () => `height ${seen.height} took ${seen.round + 1} rounds in peace`,
      );
    },
    healed: () => {
      healedAt = highest;
    },
    isSatisfied: () => {
      const target = (healedAt ?? 0) + NEW_BLOCKS;
      return [...heights.values()].every((height) => height >= target);
    },
    missing: () =>
      [...heights].map(([node, height]) => `node ${node} at ${height}`).join(', ') +
      `, healed at ${healedAt ?? '?'}`,
    tally: () => ({ heights: highest, ...events }),
  };
}

/**
 * Who commits a crime in peace that could be proved is punished in the end; nobody who is honest ever is. During the trouble a proof may
 * be lost with the only node that had it.
 */
function justice({ crimes }: Setting, { validators }: SimulatedChain): Checker<Seen> {
  const criminals = new Set<string>(
    [...crimes.keys()].map((node) => toHex(validators[node]?.id ?? new Uint8Array(0))),
  );
  const guilty = new Set<string>();
  const tombstoned = new Set<string>();
  let isPeace = false;
  const free = (): string[] => [...guilty].filter((id) => !tombstoned.has(id));
  return {
    name: 'justice',
    observe: (seen, { isHonest }) => {
      if (seen.kind === 'crime' && isPeace) guilty.add(seen.validator);
      if (seen.kind !== 'final' || !isHonest) return;
      for (const id of seen.tombstoned) {
        check('justice', criminals.has(id), () => `${id} is honest and punished for ever`);
        tombstoned.add(id);
      }
    },
    healed: () => {
      isPeace = true;
    },
    isSatisfied: () => free().length === 0,
    missing: () => `${free().join(', ')} can be convicted and is not`,
  };
}
