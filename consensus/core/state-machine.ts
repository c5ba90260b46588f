import { invariant } from '../../protocol/invariant.js';
import type {
  BlockInRound,
  BlockName,
  CoreProposal,
  Step,
  TimeoutKind,
  Validity,
  VoteKind,
  VoteTarget,
} from './types.js';

/*
 * One height of Tendermint, arXiv 1807.04938, algorithm 1. `Lnn` are its line numbers. Every "upon" clause is one rule: a condition over
 * the state of the round and over what is known, and the transition it makes. The driver tries them in order until none applies, so it
 * does not matter in which order messages arrive.
 *
 * Beyond the paper: a block's time is judged by proposer-based timestamps (L23); a polka locks and a commit decides with the block alone,
 * whether or not its proposal has been seen, so that a proposer who sends two cannot keep one from counting (L36, L49); who proposes has
 * a timeout for proposing as well, because building a block can fail (L21), and proposes the block of the last polka it knows of, whenever
 * that came (L16): else everybody could wait for the one who is locked to propose.
 */

/** The variables of a node in one height. Null is the paper's −1 and nil. */
export interface RoundState {
  readonly round: number;
  readonly step: Step;
  readonly locked: BlockInRound | null;
  readonly valid: BlockInRound | null;
  readonly decision: BlockInRound | null;
  /** "For the first time" of L34 and L47 in this round. */
  readonly hasPrevoteTimeout: boolean;
  readonly hasPrecommitTimeout: boolean;
}

/** What a node knows from messages; answered by the driver. */
export interface Knowledge {
  /** Whether this node proposes in a round. */
  isProposer(round: number): boolean;
  proposal(round: number): CoreProposal | undefined;
  validity(block: BlockName): Validity | undefined;
  /** What 2f + 1 prevotes of a round are for. */
  polka(round: number): VoteTarget | undefined;
  /** The last polka for a block before `round`. */
  latestPolka(round: number): BlockInRound | undefined;
  /** 2f + 1 votes of one kind, for whatever. */
  hasAnyQuorum(kind: VoteKind, round: number): boolean;
  /** 2f + 1 precommits for one block, in any round. */
  commit(): BlockInRound | undefined;
  /** The lowest round above `round` with votes of f + 1. */
  roundToSkipTo(round: number): number | undefined;
}

export type Output =
  /** A round begins. */
  | { readonly kind: 'round'; readonly round: number }
  /** Propose `valid` again, or build a fresh block when it is null. */
  | { readonly kind: 'propose'; readonly round: number; readonly valid: BlockInRound | null }
  | { readonly kind: 'vote'; readonly vote: VoteKind; readonly round: number; readonly target: VoteTarget }
  | { readonly kind: 'timeout'; readonly timeout: TimeoutKind; readonly round: number }
  | { readonly kind: 'decide'; readonly decision: BlockInRound };

export interface Transition {
  readonly state: RoundState;
  readonly outputs: readonly Output[];
}

type Rule = (state: RoundState, known: Knowledge) => Transition | undefined;

/** L1–L9. */
export const INITIAL_STATE: RoundState = {
  round: 0,
  step: 'unstarted',
  locked: null,
  valid: null,
  decision: null,
  hasPrevoteTimeout: false,
  hasPrecommitTimeout: false,
};

/** L11–L21. */
export function startRound(state: RoundState, round: number, known: Knowledge): Transition {
  invariant(state.step === 'unstarted' || round > state.round, 'rounds only rise');
  const started: RoundState = {
    ...state,
    round,
    step: 'propose',
    hasPrevoteTimeout: false,
    hasPrecommitTimeout: false,
  };
  const outputs: Output[] = [{ kind: 'round', round }];
  if (known.isProposer(round))
    outputs.push({ kind: 'propose', round, valid: blockToPropose(state, round, known) });
  outputs.push({ kind: 'timeout', timeout: 'propose', round });
  return { state: started, outputs };
}

/** L15–L16, or what a later polka is for: one that came after its round has the locks of others behind it, which only it can undo. */
function blockToPropose({ valid }: RoundState, round: number, known: Knowledge): BlockInRound | null {
  const polka = known.latestPolka(round);
  const isLater = polka !== undefined && (valid === null || polka.round > valid.round);
  return isLater && known.validity(polka.block) === 'valid' ? polka : valid;
}

/** The transition of the first rule that applies; undefined when there is nothing to do but wait. */
export function applyRules(state: RoundState, known: Knowledge): Transition | undefined {
  if (state.step === 'unstarted' || state.step === 'decided') return undefined;
  for (const rule of RULES) {
    const transition = rule(state, known);
    if (transition !== undefined) return transition;
  }
  return undefined;
}

/** L57–L67. A timeout of another round or step says nothing. */
export function applyTimeout(
  state: RoundState,
  timeout: TimeoutKind,
  round: number,
  known: Knowledge,
): Transition | undefined {
  if (round !== state.round || state.step === 'unstarted' || state.step === 'decided') return undefined;
  if (timeout === 'propose') return state.step === 'propose' ? prevote(state, null) : undefined; // L57–L60
  if (timeout === 'prevote') return state.step === 'prevote' ? precommit(state, null) : undefined; // L61–L64
  return startRound(state, round + 1, known); // L65–L67
}

/** L49–L54: +2/3 precommits for a block that is here. */
const decide: Rule = (state, known) => {
  const decision = known.commit();
  if (decision === undefined || known.validity(decision.block) !== 'valid') return undefined;
  return { state: { ...state, step: 'decided', decision }, outputs: [{ kind: 'decide', decision }] };
};

/** L55–L56: an honest node is in a later round. */
const skipRound: Rule = (state, known) => {
  const round = known.roundToSkipTo(state.round);
  return round === undefined ? undefined : startRound(state, round, known);
};

/** L22–L27: a fresh block. */
const prevoteFresh: Rule = (state, known) => {
  const proposal = known.proposal(state.round);
  if (state.step !== 'propose' || proposal === undefined || proposal.validRound !== null) return undefined;
  const { locked } = state;
  const isUnlocked = locked === null || locked.block === proposal.block;
  return prevoteIf(state, known, proposal, isUnlocked && proposal.isTimely);
};

/** L28–L33: a block that had a polka in an earlier round. */
const prevoteAgain: Rule = (state, known) => {
  const proposal = known.proposal(state.round);
  if (state.step !== 'propose' || proposal === undefined || proposal.validRound === null) return undefined;
  const { block, validRound } = proposal;
  if (validRound >= state.round || known.polka(validRound) !== block) return undefined;
  const { locked } = state;
  const isUnlocked = locked === null || locked.round <= validRound || locked.block === block;
  return prevoteIf(state, known, proposal, isUnlocked);
};

/** L23–L27 and L29–L33. A block that is refused anyway need not be executed first. */
function prevoteIf(
  state: RoundState,
  known: Knowledge,
  { block }: CoreProposal,
  isAcceptable: boolean,
): Transition | undefined {
  if (!isAcceptable) return prevote(state, null);
  const validity = known.validity(block);
  return validity && prevote(state, validity === 'valid' ? block : null);
}

/** L36–L43: a polka for a block. */
const lockOnPolka: Rule = (state, known) => {
  const { round, step } = state;
  const block = known.polka(round);
  if (step === 'propose' || block === undefined || block === null || state.valid?.round === round)
    return undefined;
  if (known.validity(block) !== 'valid') return undefined;
  const valid = { round, block };
  if (step === 'prevote') return precommit({ ...state, locked: valid, valid }, block);
  return { state: { ...state, valid }, outputs: [] };
};

/** L44–L46: a polka for nil. */
const precommitNil: Rule = (state, known) =>
  state.step === 'prevote' && known.polka(state.round) === null ? precommit(state, null) : undefined;

/** L34–L35: +2/3 prevotes that do not agree yet. */
const awaitPrevotes: Rule = (state, known) => {
  const { round, step } = state;
  if (step !== 'prevote' || state.hasPrevoteTimeout || !known.hasAnyQuorum('prevote', round))
    return undefined;
  return {
    state: { ...state, hasPrevoteTimeout: true },
    outputs: [{ kind: 'timeout', timeout: 'prevote', round }],
  };
};

/** L47–L48: +2/3 precommits that do not agree yet. */
const awaitPrecommits: Rule = (state, known) => {
  const { round } = state;
  if (state.hasPrecommitTimeout || !known.hasAnyQuorum('precommit', round)) return undefined;
  return {
    state: { ...state, hasPrecommitTimeout: true },
    outputs: [{ kind: 'timeout', timeout: 'precommit', round }],
  };
};

/** In the order they are tried. A polka is used before its round is left. */
export const RULES: readonly Rule[] = [
  decide,
  lockOnPolka,
  skipRound,
  prevoteFresh,
  prevoteAgain,
  precommitNil,
  awaitPrevotes,
  awaitPrecommits,
];

function prevote(state: RoundState, target: VoteTarget): Transition {
  invariant(state.step === 'propose', 'a prevote ends the step of proposing');
  const { round } = state;
  return {
    state: { ...state, step: 'prevote' },
    outputs: [{ kind: 'vote', vote: 'prevote', round, target }],
  };
}

function precommit(state: RoundState, target: VoteTarget): Transition {
  invariant(state.step === 'prevote', 'a precommit ends the step of prevoting');
  const { round } = state;
  return {
    state: { ...state, step: 'precommit' },
    outputs: [{ kind: 'vote', vote: 'precommit', round, target }],
  };
}
