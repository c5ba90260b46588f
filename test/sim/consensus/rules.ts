import { toHex } from '../../../protocol/bytes.js';
import { check, type Checker } from '../checker.js';
import type { Setting } from '../scenario.js';
import type { SimulatedChain } from './chain.js';
import { WRONG_ROOT } from './crimes.js';
import type { Seen } from './observations.js';

type Said = Extract<Seen, { readonly kind: 'said' }>;
type Final = Extract<Seen, { readonly kind: 'final' }>;
type Block = string;

/** Everything honest nodes have said at one height. */
interface Height {
  powers: ReadonlyMap<string, number> | undefined;
  /** Who has voted, by kind, round and block. */
  readonly voters: Map<string, Set<string>>;
  /** The last block each has precommitted. */
  readonly locks: Map<string, { readonly round: number; readonly block: Block }>;
}

/** Heights that nodes may be apart. */
const MAX_HEIGHTS = 64;

/**
 * The rules of voting, watched from where everybody is heard: a precommit and a decision have a quorum behind them, and who has
 * precommitted a block stands by it until a later polka. Byzantine nodes count as if they had voted for everything. A node that breaks a
 * rule is found at its first vote, long before as many have done it as it takes to disagree.
 */
export function votingRules({ crimes }: Setting, { validators }: SimulatedChain): Checker<Seen> {
  const idOf = (node: number): string => toHex(validators[node]?.id ?? new Uint8Array(0));
  const criminals = [...crimes.keys()].map(idOf);
  const heights = new Map<number, Height>();
  let judged = 0;
  const heightOf = (height: number): Height => {
    const known = heights.get(height) ?? { powers: undefined, voters: new Map(), locks: new Map() };
    heights.set(height, known);
    const [oldest] = heights.keys();
    if (heights.size > MAX_HEIGHTS && oldest !== undefined) heights.delete(oldest);
    return known;
  };
  return {
    name: 'voting rules',
    observe: (seen, { node, isHonest }) => {
      if (!isHonest) return;
      if (seen.kind === 'set') heightOf(seen.height).powers ??= seen.powers;
      if (seen.kind === 'said') {
        judged++;
        judgeSaid(heightOf(seen.height), seen, idOf(node), criminals, node);
      }
      if (seen.kind === 'final') judgeFinal(heightOf(seen.height), seen, idOf(node), criminals, node);
    },
    tally: () => ({ said: judged }),
  };
}

/**
 * Rounds after which timeouts have outgrown the slowest network that is drawn: a block whose transactions have not come takes three messages of
 * up to 700 ms each (its names, what is missing, the answer), a proposal is waited for 600 ms and 200 ms more with each round.
 */
export const ROUNDS_OF_SLOW_NETWORK = 8;

/**
 * The height that is open when the network heals ends within as many rounds more as there are validators, twice: hidden locks are found. Rounds
 * that are too short for the network do not count.
 */
export function patience({ nodes }: Setting): Checker<Seen> {
  const rounds = new Map<number, number>();
  let last: { readonly height: number; readonly round: number } | undefined;
  return {
    name: 'patience',
    observe: (seen, { isHonest }) => {
      if (!isHonest) return;
      if (seen.kind === 'said' && last === undefined) {
        rounds.set(seen.height, Math.max(seen.round, rounds.get(seen.height) ?? 0));
      }
      if (seen.kind !== 'said' || last === undefined || seen.height !== last.height) return;
      const more = seen.round - last.round;
      check(
        'patience',
        more <= 2 * nodes + ROUNDS_OF_SLOW_NETWORK,
        () => `height ${seen.height} goes on for ${more} rounds in peace`,
      );
    },
    healed: () => {
      const height = Math.max(0, ...rounds.keys());
      last = { height, round: rounds.get(height) ?? 0 };
    },
  };
}

function judgeSaid(height: Height, said: Said, id: string, criminals: readonly string[], node: number): void {
  const { step, round, block } = said;
  const what = (): string => `node ${node}, ${step} for ${block} in round ${round} of height ${said.height}`;
  if (step !== 'proposal') votersOf(height, step, round, block).add(id);
  if (block === undefined) return;
  judgeGrounds(height, said, id, what);
  if (step === 'precommit') {
    check('polka', isBacked(height, 'prevote', round, block, criminals), () => `${what()} without a polka`);
    height.locks.set(id, { round, block });
    return;
  }
  const lock = height.locks.get(id);
  if (lock === undefined || lock.block === block || lock.round >= round) return;
  for (let later = lock.round; later < round; later++) {
    if (isBacked(height, 'prevote', later, block, criminals)) return;
  }
  check('lock', false, () => `${what()} after its precommit for ${lock.block} in round ${lock.round}`);
}

/** What the node itself has in hand must be enough: here nobody is counted who has not voted, nor twice who has. */
function judgeGrounds(
  { powers, locks }: Height,
  { step, round, block, grounds }: Said,
  id: string,
  what: () => string,
): void {
  if (grounds === undefined) return;
  const { stateRoot, validRound, polka } = grounds;
  check('validity', stateRoot !== LIE, () => `${what()}, whose state root is a lie`);
  const isProved = polka === undefined || powers === undefined || isQuorumOf(powers, new Set(polka));
  check('polka in hand', isProved, () => `${what()} with prevotes of ${polka?.length ?? 0}`);
  if (step !== 'prevote') return;
  check('polka in hand', validRound === null || validRound < round, () => `${what()} for a later polka`);
  const lock = locks.get(id);
  const isFree = lock === undefined || lock.block === block || lock.round >= round;
  const isUndone = isFree || (validRound !== null && validRound >= lock.round);
  check('lock', isUndone, () => `${what()} after its precommit in round ${lock?.round ?? 0}`);
}

const LIE = toHex(WRONG_ROOT);

function judgeFinal(
  height: Height,
  { height: number, round, id, signers }: Final,
  own: string,
  criminals: readonly string[],
  node: number,
): void {
  const { powers } = height;
  // Made anew while the node recovers, its own precommit can decide before anybody hears it.
  if (signers.includes(own)) votersOf(height, 'precommit', round, id).add(own);
  check(
    'commit in hand',
    powers === undefined || isQuorumOf(powers, new Set(signers)),
    () => `node ${node} decided height ${number} with a commit of ${signers.length}`,
  );
  check(
    'commit',
    isBacked(height, 'precommit', round, id, criminals),
    () => `node ${node} decided ${id} in round ${round} of height ${number} without a quorum`,
  );
}

/** Whether there can be a quorum: of honest votes, and all that Byzantine nodes may have said. */
function isBacked(
  height: Height,
  kind: 'prevote' | 'precommit',
  round: number,
  block: Block,
  criminals: readonly string[],
): boolean {
  const { powers } = height;
  if (powers === undefined) return true;
  return isQuorumOf(powers, new Set([...votersOf(height, kind, round, block), ...criminals]));
}

function isQuorumOf(powers: ReadonlyMap<string, number>, voters: ReadonlySet<string>): boolean {
  let [power, total] = [0, 0];
  for (const [id, own] of powers) {
    total += own;
    if (voters.has(id)) power += own;
  }
  // Written out here: the judge does not ask the judged what a quorum is.
  return 3 * power > 2 * total;
}

function votersOf({ voters }: Height, kind: string, round: number, block: Block | undefined): Set<string> {
  const key = `${kind} ${round} ${block ?? 'nil'}`;
  const known = voters.get(key) ?? new Set<string>();
  voters.set(key, known);
  return known;
}
