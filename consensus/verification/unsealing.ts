import {
  keyCommitmentOf,
  isOpening,
  leavesOf,
  provesOutputMismatch,
  saltOf,
} from '../../protocol/audit/commitment.js';
import { treeRoot } from '../../protocol/audit/tree.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { hasCome } from '../../protocol/moment.js';
import type { Attempt, Commitment } from './attempt.js';
import { confirmation, openPublication, startEscalation } from './phases.js';
import type { Refusal } from './reasons.js';
import {
  end,
  proceed,
  refuse,
  windowOf,
  type EventOf,
  type Outcome,
  type Step,
  type Surroundings,
  type Unsealing,
} from './step.js';
import { disputedSegments, isDelivered } from './tally.js';
import { answerLeaf, isFullAudit, leafCount } from './terms.js';
import { allHave, hear } from './voices.js';

/** UNSEALING: the provider lays open what was judged; seats reveal from here on. */
export function unseal(attempt: Attempt, unsealing: Unsealing, surroundings: Surroundings): Outcome {
  const fault = faultOf(attempt, unsealing);
  if (fault !== undefined) return refuse(fault);
  const { jobKey, outputRoot, outputId } = unsealing;
  const answers = unsealing.answers.slice(0, attempt.segments.length);
  const deadline = windowOf(surroundings, surroundings.params.jobs.revealWindowMs);
  const open: Attempt = {
    ...attempt,
    phase: 'REVEALING',
    deadline,
    unsealed: { jobKey, outputRoot, outputId, answers },
  };
  return allHave(open.seats, 'sealed') ? finishRevealing(open, surroundings) : proceed(open);
}

export function closeUnsealing(attempt: Attempt, surroundings: Surroundings): Outcome {
  if (!hasCome(attempt.deadline, surroundings.now)) return refuse('NOT_DUE');
  return end(attempt, { reason: 'NOT_UNSEALED' }, surroundings);
}

/** Why an unsealing is not of what was committed to. */
function faultOf(attempt: Attempt, unsealing: Unsealing): Refusal | undefined {
  const { terms } = attempt;
  const { jobKey, outputRoot, outputId, answers } = unsealing;
  const commitment = commitmentOf(attempt);
  if (jobKey.length !== 32 || outputRoot.length !== 32 || outputId.length !== 32) return 'KEY_MISMATCH';
  if (!bytesEqual(keyCommitmentOf(terms, jobKey, outputRoot), commitment.keyCommitment))
    return 'KEY_MISMATCH';
  if (answers.some(({ length }) => length !== 32)) return 'ANSWERS_MISMATCH';
  const isRight = isFullAudit(terms) ? opensAll(attempt, unsealing) : opensSampled(attempt, unsealing);
  return isRight ? undefined : 'ANSWERS_MISMATCH';
}

/** All answers make the tree, and with it the output. */
function opensAll(
  { terms, ...attempt }: Attempt,
  { jobKey, outputRoot, answers, branches }: Unsealing,
): boolean {
  if (answers.length !== terms.segments || branches.length !== 0) return false;
  const stateIds = terms.kind === 'chain' ? [terms.inputId, ...answers] : answers;
  const output = terms.kind === 'chain' ? answers.at(-1) : treeRoot(answers);
  if (output === undefined || !bytesEqual(output, outputRoot)) return false;
  return bytesEqual(treeRoot(leavesOf(terms, jobKey, stateIds)), commitmentOf(attempt).root);
}

/** A branch for each answer; of a chain the last state, too, which is the output. */
function opensSampled(attempt: Attempt, { jobKey, outputRoot, answers, branches }: Unsealing): boolean {
  const { terms, segments } = attempt;
  const leaves = segments.map((segment) => answerLeaf(terms, segment));
  if (terms.kind === 'chain') leaves.push(terms.segments);
  if (answers.length !== leaves.length || branches.length !== leaves.length) return false;
  const { root } = commitmentOf(attempt);
  const opens = leaves.every((leaf, i) => {
    const [stateId, branch] = [answers[i], branches[i]];
    if (stateId === undefined || branch === undefined) return false;
    return isOpening(terms, root, leafCount(terms), leaf, {
      stateId,
      branch,
      salt: saltOf(terms, jobKey, leaf),
    });
  });
  const last = answers.at(-1);
  return opens && (terms.kind === 'batch' || (last !== undefined && bytesEqual(last, outputRoot)));
}

/** REVEALING: with the last of the sealed seats it is decided. */
export function hearReveal(attempt: Attempt, event: EventOf<'entry'>, surroundings: Surroundings): Outcome {
  const seats = hear(attempt, attempt.seats, event, ['revealed']);
  if ('refused' in seats) return seats;
  const heard: Attempt = { ...attempt, seats };
  return allHave(seats, 'sealed') ? finishRevealing(heard, surroundings) : proceed(heard);
}

export function closeRevealing(attempt: Attempt, surroundings: Surroundings): Outcome {
  return hasCome(attempt.deadline, surroundings.now)
    ? finishRevealing(attempt, surroundings)
    : refuse('NOT_DUE');
}

/** Whatever is disputed goes to all verifiers; else it only remains whether the output was delivered. */
function finishRevealing(attempt: Attempt, surroundings: Surroundings): Step {
  const disputed = disputedSegments(attempt);
  if (disputed.length > 0) return startEscalation(attempt, disputed, surroundings);
  if (isDelivered(attempt)) return end(attempt, confirmation(attempt), surroundings);
  return openPublication(attempt, 'output', surroundings);
}

/** After the unsealing of a sampled batch: its output is not what was committed to. */
export function proveMismatch(
  attempt: Attempt,
  proof: EventOf<'proof'>,
  surroundings: Surroundings,
): Outcome {
  const { terms, unsealed } = attempt;
  if (unsealed === undefined) return refuse('WRONG_PHASE');
  const { root } = commitmentOf(attempt);
  const isProof =
    terms.kind === 'batch' &&
    proof.stateIds.length === terms.segments &&
    provesOutputMismatch(terms, root, unsealed, proof.stateIds);
  if (!isProof) return refuse('NOT_FRAUD');
  return end(attempt, { reason: 'OUTPUT_MISMATCH', finder: proof.finder }, surroundings);
}

function commitmentOf({ commitment }: Pick<Attempt, 'commitment'>): Commitment {
  invariant(commitment !== undefined, 'a commitment came before');
  return commitment;
}
