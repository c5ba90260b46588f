import { agreement, check, type Checker } from '../checker.js';
import type { Setting } from '../scenario.js';
import type { Seen } from './observations.js';

/** Blocks that everybody has to finalize after healing. */
const NEW_BLOCKS = 3;

export function consensusCheckers(setting: Setting): readonly Checker<Seen>[] {
  return [
    agreement('agreement', (seen) =>
      seen.kind === 'final' || seen.kind === 'started'
        ? { matter: `height ${seen.height}`, value: `${seen.id} ${seen.stateRoot}` }
        : undefined,
    ),
    order(setting),
    honestSignatures(),
    progress(setting),
    justice(),
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

/** No honest validator signs two different things for one height, round and step. */
function honestSignatures(): Checker<Seen> {
  const signed = new Map<string, string>();
  return {
    name: 'no equivocation',
    observe: (seen, { node, isHonest }) => {
      if (seen.kind !== 'signed' || !isHonest) return;
      const key = `${node} ${seen.place}`;
      const first = signed.get(key);
      if (first === undefined) signed.set(key, seen.payload);
      else
        check(
          'no equivocation',
          first === seen.payload,
          () => `node ${node} signed two things at ${seen.place}`,
        );
    },
  };
}

/** After healing every honest node finalizes new blocks, those of heights begun since then within as many rounds as there are validators. */
function progress({ nodes, crimes }: Setting): Checker<Seen> {
  const honest = Array.from({ length: nodes }, (_, node) => node).filter((node) => !crimes.has(node));
  const heights = new Map<number, number>(honest.map((node) => [node, 0]));
  let highest = 0;
  let healedAt: number | undefined;
  return {
    name: 'progress',
    observe: (seen, { node, isHonest }) => {
      if (seen.kind !== 'final') return;
      highest = Math.max(highest, seen.height);
      if (isHonest) heights.set(node, seen.height);
      if (healedAt === undefined || seen.height <= healedAt + 1) return;
      check(
        'progress',
        seen.round <= 2 * nodes,
        () => `height ${seen.height} took ${seen.round + 1} rounds in peace`,
      );
    },
    isSatisfied: () => {
      healedAt ??= highest;
      const target = healedAt + NEW_BLOCKS;
      return [...heights.values()].every((height) => height >= target);
    },
    missing: () =>
      [...heights].map(([node, height]) => `node ${node} at ${height}`).join(', ') +
      `, healed at ${healedAt ?? '?'}`,
  };
}

/** Who committed a crime that could be proved is punished in the end; nobody else is. */
function justice(): Checker<Seen> {
  const guilty = new Map<string, number>();
  let tombstoned = new Set<string>();
  return {
    name: 'justice',
    observe: (seen, { isHonest }) => {
      if (seen.kind === 'crime') guilty.set(seen.validator, (guilty.get(seen.validator) ?? 0) + 1);
      if (seen.kind === 'final' && isHonest && seen.tombstoned.length > tombstoned.size)
        tombstoned = new Set(seen.tombstoned);
    },
  };
}
