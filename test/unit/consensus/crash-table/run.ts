import { storedBlock, storedCommit } from '../../../../node/consensus/stored-blocks.js';
import { bytesEqual, toHex } from '../../../../protocol/bytes.js';
import { NODE_KEYS } from '../../../../state/store/keys.js';
import type { MemoryStore } from '../../../../state/store/memory.js';
import type { Entry } from '../../../../state/store/store.js';
import type { SimulatedChain } from '../../../sim/consensus/chain.js';
import { Cluster, type Plan } from './cluster.js';
import { observeEngines } from './engine-observer.js';
import type { Point } from './life.js';
import type { Script } from './scripts.js';

/** Virtual time in which all must have decided. */
const LIMIT_MS = 60_000;

export interface Outcome {
  readonly cluster: Cluster;
  /** Promises that were broken. */
  readonly faults: readonly string[];
}

/** One run of a script, until everybody has decided so many heights. */
export async function run(
  chain: SimulatedChain,
  script: Script,
  plan: Plan,
  heights: number,
): Promise<Outcome> {
  const cluster = new Cluster(chain, script.victim, plan);
  cluster.filter = script.filter(cluster);
  const lifeOf = new Map(cluster.members.map((member) => [member.id, member]));
  const unobserve = observeEngines((validator) => lifeOf.get(validator)?.life);
  try {
    const isDone = await cluster.run(heights, LIMIT_MS);
    return { cluster, faults: [...faultsOf(cluster, isDone), ...(await differences(cluster, heights))] };
  } catch (error) {
    return { cluster, faults: [`the run ended: ${String(error)}`] };
  } finally {
    unobserve();
    for (const { life } of cluster.members) life?.end();
  }
}

/** Where the victim can die: all points of a life in which nothing happens to it, until the log of the second height is begun. */
export function pointsOf({ cluster }: Outcome): readonly Point[] {
  const points = cluster.victim.lives[0]?.points ?? [];
  const written = points.findIndex(({ name }) => name === 'block batch after');
  const next = points.findIndex(({ name }, index) => index > written && name === 'open');
  return written === -1 ? [] : points.slice(0, next);
}

/** What the first height came to. */
export interface Story {
  readonly decidedRound: number | undefined;
  /** In which the block was made. */
  readonly blockRound: number | undefined;
  /** The victim's, for blocks. */
  readonly precommits: readonly { readonly round: number; readonly isDecided: boolean }[];
}

export function storyOf({ cluster: { victim } }: Outcome): Story {
  const ledger = victim.ledgers.get(1) ?? victim.store;
  const commit = storedCommit(ledger, 1)?.commit;
  const decided = commit && toHex(commit.blockId);
  return {
    decidedRound: commit?.round,
    blockRound: storedBlock(ledger, 1)?.header.round,
    precommits: victim.oath
      .precommits(1)
      .map(({ round, block }) => ({ round, isDecided: block === decided })),
  };
}

function faultsOf({ members, faults }: Cluster, isDone: boolean): string[] {
  const heights = members.map(({ height }) => height).join(', ');
  return [
    ...faults,
    ...members.flatMap(({ index, oath }) => oath.broken.map((what) => `node ${index} ${what}`)),
    ...(isDone ? [] : [`not all went on: heights ${heights}`]),
  ];
}

/** Ledgers after a height have to be equal, but for commits, of which everybody has its own. */
async function differences({ members }: Cluster, height: number): Promise<string[]> {
  const ledgers = members.map(({ ledgers: found }) => found.get(height));
  const contents = await Promise.all(
    ledgers.map((ledger) => (ledger ? contentOf(ledger) : Promise.resolve(undefined))),
  );
  const [first] = contents;
  return contents.flatMap((content, index) => {
    const isSame = content === undefined || first === undefined || hasSameContent(content, first);
    return isSame ? [] : [`the ledger of node ${index} differs`];
  });
}

async function contentOf(ledger: MemoryStore): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const { gte, lt } of [BEFORE_COMMITS, AFTER_COMMITS]) {
    for await (const page of ledger.range({ gte, lt, limit: 100_000 })) entries.push(...page);
  }
  return entries;
}

function hasSameContent(a: readonly Entry[], b: readonly Entry[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ key, value }, index) => {
      const other = b[index];
      return other !== undefined && bytesEqual(key, other.key) && bytesEqual(value, other.value);
    })
  );
}

const FIRST_COMMIT = NODE_KEYS.commit.encode(0);
const LAST_COMMIT = NODE_KEYS.commit.encode(Number.MAX_SAFE_INTEGER);
const BEFORE_COMMITS = { gte: Uint8Array.of(0), lt: FIRST_COMMIT };
const AFTER_COMMITS = { gte: LAST_COMMIT, lt: new Uint8Array(64).fill(0xff) };
