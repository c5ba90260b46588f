import assert from 'node:assert/strict';
import { keyCommitmentOf } from '../../protocol/audit/commitment.js';
import { sealOf } from '../../protocol/audit/seal.js';
import { treeRoot } from '../../protocol/audit/tree.js';
import { bytesEqual, concatBytes, toHex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { invariant } from '../../protocol/invariant.js';
import type { BlockMoment } from '../../protocol/moment.js';
import type { ChainParams } from '../../protocol/params.js';
import { PRESETS } from '../../protocol/presets.js';
import * as audit from '../../protocol/types/audit.js';
import { claimedAttempt, hasEnded, type Attempt, type Voice } from '../../consensus/verification/attempt.js';
import { commitmentTo, outputRootOf, unsealingOf } from '../../consensus/verification/committing.js';
import { requiredBondWei } from '../../consensus/verification/bond.js';
import type { Payment } from '../../consensus/verification/payment.js';
import type { Verifier } from '../../consensus/verification/seats.js';
import type { MarkOf } from '../../consensus/verification/settlement.js';
import type {
  AuditEvent,
  Outcome,
  Step,
  Surroundings,
  Unsealing,
} from '../../consensus/verification/step.js';
import { answerLeaf, isWholeChain, type AttemptTerms } from '../../consensus/verification/terms.js';
import { auditTransition } from '../../consensus/verification/transition.js';
import type { Refusal } from '../../consensus/verification/reasons.js';

/** How a validator behaves wherever it is asked. `confirm` says what the provider committed to, `lie` something else than the truth. */
export type Behaviour =
  | 'honest'
  | 'confirm'
  | 'lie'
  | 'absent'
  | 'silent'
  | 'unavailable'
  | 'cannotJudge'
  /** Judges well and says it has no output. */
  | 'undelivered'
  /** Seals another answer than the provider's and, paid for it, does not reveal; as one of all verifiers it is honest. */
  | 'bribed';

export interface ProviderBehaviour {
  /** Segments whose result is made up. */
  readonly fakes: ReadonlySet<number>;
  readonly commits: boolean;
  readonly unseals: boolean;
  /** The output is not the one whose states the leaves name. */
  readonly garbageOutput: boolean;
  /** Puts on the chain what is called unavailable. */
  readonly publishes: boolean;
  /** Gives data only to these behaviours; undefined: to all. */
  readonly servesOnly: readonly Behaviour[] | undefined;
  /** Hands out the output. */
  readonly delivers: boolean;
}

export const HONEST_PROVIDER: ProviderBehaviour = {
  ...{ fakes: new Set<number>(), commits: true, unseals: true, garbageOutput: false, publishes: true },
  ...{ servesOnly: undefined, delivers: true },
};

export interface WorldOptions {
  readonly seed?: number;
  readonly terms?: Partial<AttemptTerms>;
  readonly jobs?: Partial<ChainParams['jobs']>;
  /** Power of each verifier, each of its own operator. */
  readonly powers?: readonly number[];
  readonly behaviours?: readonly Behaviour[];
  readonly provider?: Partial<ProviderBehaviour>;
  readonly valueWei?: bigint;
}

export const CHAIN_ID = 64_782;
export const PRICE_WEI = 10n ** 18n;
const VERIFIERS = 4;

export function addressOf(group: number, index: number): Uint8Array {
  const bytes = new Uint8Array(20);
  bytes[0] = group;
  bytes[18] = index >> 8;
  bytes[19] = index & 0xff;
  return bytes;
}

export const PROVIDER = addressOf(0xa0, 1);
export const CLIENT = addressOf(0xc0, 1);

/** One attempt, its provider and the verifiers, with a clock that is moved by hand. */
export class AuditWorld {
  attempt: Attempt;
  now: BlockMoment = { timeMs: 1_000_000, height: 100 };
  readonly params: ChainParams;
  readonly verifiers: readonly Verifier[];
  readonly behaviours: readonly Behaviour[];
  readonly provider: ProviderBehaviour;
  readonly jobKey: Uint8Array;
  readonly payments: Payment[] = [];
  readonly marks: MarkOf[] = [];
  /** What the provider committed to, by leaf. */
  readonly stateIds: readonly Uint8Array[];
  readonly #seed: Uint8Array;

  constructor(options: WorldOptions = {}) {
    const { seed = 1, powers = Array<number>(VERIFIERS).fill(1_000_000) } = options;
    this.#seed = sha256(concatBytes(Uint8Array.of(seed & 0xff, (seed >> 8) & 0xff, (seed >> 16) & 0xff)));
    const preset = PRESETS.devnet.params;
    this.params = { ...preset, jobs: { ...preset.jobs, ...options.jobs } };
    this.verifiers = powers.map((power, i) => ({ id: addressOf(1, i), operator: addressOf(2, i), power }));
    this.behaviours = options.behaviours ?? [];
    this.provider = { ...HONEST_PROVIDER, ...options.provider };
    this.jobKey = this.hash('job key');
    this.attempt = claimedAttempt(this.#termsOf(options));
    this.stateIds = this.#statesOf();
  }

  get terms(): AttemptTerms {
    return this.attempt.terms;
  }

  hash(label: string, ...parts: readonly Uint8Array[]): Uint8Array {
    return sha256(concatBytes(this.#seed, new TextEncoder().encode(label), ...parts));
  }

  surroundings(): Surroundings {
    return {
      now: this.now,
      params: this.params,
      beaconOf: (height) =>
        height > this.now.height ? undefined : this.hash('beacon', Uint8Array.of(height >> 8, height & 0xff)),
      verifiers: () => this.verifiers,
    };
  }

  /** Tries an event; the attempt goes on when it is not refused. */
  try(event: AuditEvent): Outcome {
    const outcome = auditTransition(this.attempt, event, this.surroundings());
    if ('refused' in outcome) return outcome;
    this.attempt = outcome.attempt;
    this.payments.push(...outcome.payments);
    this.marks.push(...outcome.marks);
    return outcome;
  }

  do(event: AuditEvent): Step {
    const outcome = this.try(event);
    if ('refused' in outcome) assert.fail(`${event.kind} in ${this.attempt.phase}: ${outcome.refused}`);
    return outcome;
  }

  refusalOf(event: AuditEvent): Refusal | undefined {
    const outcome = auditTransition(this.attempt, event, this.surroundings());
    return 'refused' in outcome ? outcome.refused : undefined;
  }

  /** Moves the clock to the deadline. */
  expire(): void {
    const { deadline } = this.attempt;
    this.now = {
      timeMs: Math.max(this.now.timeMs, deadline.timeMs),
      height: Math.max(this.now.height, deadline.height),
    };
  }

  commitEvent(): AuditEvent {
    const { terms, jobKey, stateIds } = this;
    const keyCommitment = keyCommitmentOf(terms, jobKey, this.outputRoot());
    return { kind: 'commit', ...commitmentTo(terms, jobKey, stateIds), keyCommitment };
  }

  outputRoot(): Uint8Array {
    if (this.provider.garbageOutput) return treeRoot(this.garbageIds());
    return outputRootOf(this.terms.kind, this.stateIds);
  }

  /** States of an output that has nothing to do with the leaves. */
  garbageIds(): Uint8Array[] {
    return this.stateIds.map((_, i) => this.hash('garbage', Uint8Array.of(i & 0xff, i >> 8)));
  }

  unsealing(): Unsealing {
    const outputId = this.hash('output');
    const unsealing = unsealingOf(this.attempt, this.jobKey, this.stateIds, outputId);
    return { ...unsealing, outputRoot: this.outputRoot() };
  }

  behaviourOf(validator: Uint8Array): Behaviour {
    return this.behaviours[(validator[18] ?? 0) * 256 + (validator[19] ?? 0)] ?? 'honest';
  }

  /** What a voice that judges honestly comes to, from the states committed to where it starts from them. */
  truth(segments: readonly number[]): Uint8Array[] {
    if (this.terms.kind === 'batch') return segments.map((segment) => this.#result(segment));
    const fromInput = isWholeChain(this.terms) && segments.length === this.terms.segments;
    let state = this.terms.inputId;
    return segments.map((segment) => {
      const start = fromInput ? state : (this.stateIds[segment] ?? assert.fail());
      state = this.#result(segment, start);
      return state;
    });
  }

  committed(segments: readonly number[]): Uint8Array[] {
    return segments.map((segment) => this.stateIds[answerLeaf(this.terms, segment)] ?? assert.fail());
  }

  answersOf(voice: Voice): Uint8Array[] {
    switch (this.behaviourOf(voice.validator)) {
      case 'confirm':
        return this.committed(voice.segments);
      case 'lie':
        return voice.segments.map((segment) => this.hash('lie', Uint8Array.of(segment & 0xff)));
      default:
        return this.truth(voice.segments);
    }
  }

  nonceOf({ validator, round }: Voice): Uint8Array {
    return this.hash('nonce', validator, Uint8Array.of(round));
  }

  entry(voice: Voice, kind: number, rest: Partial<audit.AuditEntry> = {}): AuditEvent {
    const { job, attempt } = this.terms;
    const empty = {
      segment: audit.NO_SEGMENT,
      flags: 0,
      digest: new Uint8Array(32),
      nonce: new Uint8Array(32),
    };
    const entry = { kind, subject: job, attempt, auditRound: voice.round, ...empty, ...rest };
    return { kind: 'entry', validator: voice.validator, entry };
  }

  seal(voice: Voice): AuditEvent {
    const answerRoot = treeRoot(this.answersOf(voice));
    const sealed = {
      auditRound: voice.round,
      validator: voice.validator,
      answerRoot,
      nonce: this.nonceOf(voice),
    };
    return this.entry(voice, audit.AUDIT_SEAL, { digest: sealOf(this.terms, sealed) });
  }

  reveal(voice: Voice, flags = audit.AUDIT_FLAG_DELIVERED): AuditEvent {
    const answers = this.answersOf(voice);
    const committed = this.committed(voice.segments);
    const disputed = voice.segments.find(
      (_, i) => !bytesEqual(answers[i] ?? assert.fail(), committed[i] ?? assert.fail()),
    );
    return this.entry(voice, audit.AUDIT_REVEAL, {
      digest: treeRoot(answers),
      nonce: this.nonceOf(voice),
      flags,
      segment: disputed ?? audit.NO_SEGMENT,
    });
  }

  #termsOf({ terms = {}, powers, valueWei = 2n * PRICE_WEI }: WorldOptions): AttemptTerms {
    const base = {
      ...{ chainId: CHAIN_ID, job: this.hash('job'), attempt: 0, kind: 'batch' as const, segments: 64 },
      ...{ sampled: 4, seats: 5, full: false, priceWei: PRICE_WEI, auditFeeWei: (PRICE_WEI * 31n) / 100n },
      ...{ provider: PROVIDER, client: CLIENT, parties: [PROVIDER, CLIENT], inputId: this.hash('input') },
      judgeMs: 1_000,
      commitBy: { timeMs: this.now.timeMs + 60_000, height: this.now.height + 5 },
      releaseBy: { timeMs: this.now.timeMs + 5_000, height: this.now.height + 5 },
      ...terms,
    };
    const count = powers?.length ?? VERIFIERS;
    const bondWei = requiredBondWei(this.params.jobs, { ...base, valueWei }, Math.max(1, count), count);
    return { ...base, bondWei, ...terms };
  }

  #result(segment: number, start: Uint8Array = new Uint8Array(0)): Uint8Array {
    return this.hash('result', Uint8Array.of(segment & 0xff, segment >> 8), start);
  }

  #statesOf(): Uint8Array[] {
    const { kind, segments, inputId } = this.terms;
    const fake = (segment: number): Uint8Array | undefined =>
      this.provider.fakes.has(segment)
        ? this.hash('fake', Uint8Array.of(segment & 0xff, segment >> 8))
        : undefined;
    const states: Uint8Array[] = kind === 'chain' ? [inputId] : [];
    for (let i = 0; i < segments; i++) {
      states.push(fake(i) ?? (kind === 'chain' ? this.#result(i, states.at(-1)) : this.#result(i)));
    }
    return states;
  }
}

/** Phases one attempt may go through before something is wrong. */
const MAX_STEPS = 40;

/** Lets everybody behave as they do until the attempt has ended. */
export function runToEnd(world: AuditWorld): void {
  for (let step = 0; !hasEnded(world.attempt); step++) {
    invariant(step < MAX_STEPS, 'an attempt ends');
    runPhase(world);
  }
}

/** Everybody acts once in the present phase; what is left to time is left to time. */
export function runPhase(world: AuditWorld): void {
  const { attempt, provider } = world;
  const before = attempt.phase;
  const { round } = attempt;
  const unchanged = (): boolean => world.attempt.phase === before && world.attempt.round === round;
  switch (attempt.phase) {
    case 'CLAIMED':
      if (provider.commits) world.do(world.commitEvent());
      break;
    case 'SEALING':
    case 'ESCALATION_SEALING':
      for (const voice of voicesNow(world.attempt).filter(({ status }) => status === 'waiting')) {
        const event = sealingEvent(world, voice);
        if (event !== undefined) world.do(event);
      }
      break;
    case 'UNSEALING':
      if (provider.unseals) world.do({ kind: 'unseal', ...world.unsealing() });
      break;
    case 'REVEALING':
      if (provider.garbageOutput) {
        world.do({ kind: 'proof', stateIds: world.garbageIds(), finder: addressOf(1, 0) });
        break;
      }
      revealAll(world);
      break;
    case 'ESCALATION_REVEALING':
      revealAll(world);
      break;
    case 'PUBLISHING':
      if (provider.publishes) world.do({ kind: 'published' });
      else for (const voice of voicesNow(attempt)) sayAvailability(world, voice);
      break;
    default:
      break;
  }
  if (unchanged() && !hasEnded(world.attempt)) {
    world.expire();
    world.do({ kind: 'tick' });
  }
}

export function voicesNow({ phase, seats, escalation, publication }: Attempt): readonly Voice[] {
  if (phase === 'SEALING' || phase === 'REVEALING') return seats;
  return (phase === 'PUBLISHING' ? publication?.voices : escalation?.voices) ?? [];
}

function isServed({ provider, attempt }: AuditWorld, behaviour: Behaviour): boolean {
  return provider.servesOnly?.includes(behaviour) !== false || attempt.published.length > 0;
}

function sealingEvent(world: AuditWorld, voice: Voice): AuditEvent | undefined {
  const behaviour = world.behaviourOf(voice.validator);
  const isPublished = world.attempt.published.length > 0;
  if (behaviour === 'absent') return undefined;
  if (behaviour === 'cannotJudge') return world.entry(voice, audit.AUDIT_CANNOT_JUDGE);
  const isWithout = behaviour === 'unavailable' && !isPublished;
  if (isWithout || (!isServed(world, behaviour) && behaviour !== 'confirm')) {
    return world.entry(voice, audit.AUDIT_UNAVAILABLE);
  }
  return world.seal(voice);
}

function revealAll(world: AuditWorld): void {
  const { phase, round } = world.attempt;
  for (const voice of voicesNow(world.attempt).filter(({ status }) => status === 'sealed')) {
    if (world.attempt.phase !== phase || world.attempt.round !== round) return;
    const behaviour = world.behaviourOf(voice.validator);
    if (behaviour === 'silent' || (behaviour === 'bribed' && phase === 'REVEALING')) continue;
    const holds = (world.provider.delivers || behaviour === 'confirm') && behaviour !== 'undelivered';
    world.do(world.reveal(voice, holds ? audit.AUDIT_FLAG_DELIVERED : 0));
  }
}

function sayAvailability(world: AuditWorld, voice: Voice): void {
  const behaviour = world.behaviourOf(voice.validator);
  if (behaviour === 'absent' || behaviour === 'silent') return;
  const subject = world.attempt.publication?.subject;
  const served = subject === 'output' ? world.provider.delivers : isServed(world, behaviour);
  const isLiar = behaviour === 'undelivered' || behaviour === 'unavailable';
  if (behaviour === 'cannotJudge') world.do(world.entry(voice, audit.AUDIT_CANNOT_JUDGE));
  else if (behaviour === 'confirm' || (served && !isLiar))
    world.do(world.entry(voice, audit.AUDIT_AVAILABLE));
  else world.do(world.entry(voice, audit.AUDIT_UNAVAILABLE));
}

/** Name of an account of a payment, for comparing. */
export function accountName(account: Payment['from'] | Payment['to']): string {
  if (typeof account === 'string') return account;
  if ('stakeOf' in account) return `stake ${toHex(account.stakeOf)}`;
  return 'validator' in account ? `validator ${toHex(account.validator)}` : `finder ${toHex(account.finder)}`;
}

/** What an account has won or lost. */
export function balanceOf(payments: readonly Payment[], ...names: readonly string[]): bigint {
  return payments.reduce((sum, { from, to, wei }) => {
    const gained = names.includes(accountName(to)) ? wei : 0n;
    return sum + gained - (names.includes(accountName(from)) ? wei : 0n);
  }, 0n);
}

/** All a validator has won, less what its stake has lost. */
export function validatorBalance(payments: readonly Payment[], validator: Uint8Array): bigint {
  const id = toHex(validator);
  return balanceOf(payments, `validator ${id}`, `finder ${id}`, `stake ${id}`);
}

/** Every wei that ended up somewhere came from where it should: the rules that hold of any ending. */
export function assertConserved({ attempt, payments, terms }: AuditWorld): void {
  const out = (name: string): bigint =>
    payments.filter(({ from }) => accountName(from) === name).reduce((sum, { wei }) => sum + wei, 0n);
  assert.ok(payments.every(({ wei }) => wei > 0n));
  assert.equal(out('bond'), terms.bondWei, 'the bond is paid out whole');
  const escrowWei = attempt.phase === 'ACCEPTED' ? terms.priceWei + terms.auditFeeWei : 0n;
  assert.equal(out('escrow'), escrowWei, 'the escrow is paid out whole, or not touched');
}
