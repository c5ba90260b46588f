import assert from 'node:assert/strict';
import type { Address } from '../../protocol/address.js';
import type { AbiValue } from '../../protocol/abi/types.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { concatBytes } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import type { ChainParams } from '../../protocol/params.js';
import { isStepGraph } from '../../protocol/graph/graph.js';
import { segmentationWord } from '../../protocol/graph/segmentation.js';
import { PRESETS } from '../../protocol/presets.js';
import {
  AUDIT_AVAILABLE,
  AUDIT_CANNOT_JUDGE,
  AUDIT_UNAVAILABLE,
  auditEntriesCodec,
  type AuditEntry,
} from '../../protocol/types/audit.js';
import type { Attempt, Phase } from '../../consensus/verification/attempt.js';
import { commitmentTo, unsealingOf } from '../../consensus/verification/committing.js';
import type { JobPhase, JobReason } from '../../consensus/verification/job-life.js';
import {
  plainEntry,
  revealEntry,
  sealEntry,
  type Judgement,
} from '../../consensus/verification/statements.js';
import { answerLeaf } from '../../consensus/verification/terms.js';
import { jobIdOf, jobs, phaseOf, reasonOf, type Job } from '../../state/jobs/job.js';
import { attemptOf, dutiesOf, type OwedDuty } from '../../state/jobs/reading.js';
import { jobsModule } from '../../state/modules/jobs.js';
import { nextValidators } from '../../state/staking/active-set.js';
import type { Said } from '../../state/transition/block-input.js';
import { attest, registerProvider, registerSource, sampleSource, type SampleSource } from './market.js';
import { genesisValidator } from './ledger.js';
import { person, StakingChain, stakingParams, type StakingBlock, type StakingCall } from './staking.js';

/** How a validator behaves wherever it is asked. */
export type JudgeBehaviour =
  'honest' | 'confirm' | 'lie' | 'absent' | 'silent' | 'unavailable' | 'cannotJudge' | 'undelivered';

/** What a provider does of its own accord. */
export interface ProvidingBehaviour {
  readonly fakes: ReadonlySet<number>;
  readonly commits: boolean;
  readonly unseals: boolean;
  readonly publishes: boolean;
}

export const HONEST: ProvidingBehaviour = {
  ...{ fakes: new Set<number>(), commits: true, unseals: true, publishes: true },
};

export interface JobChainOptions {
  readonly validators?: number;
  readonly jobs?: Partial<ChainParams['jobs']>;
  readonly behaviours?: readonly JudgeBehaviour[];
  readonly provider?: Partial<ProvidingBehaviour>;
  readonly isChain?: boolean;
  readonly checksWhole?: boolean;
  readonly providers?: number;
}

export const CLIENT = person('client');
export const FINDER = person('finder');
export const PRICE_WEI = WEI_PER_OGPU;

/** Devnet's rules with short windows, so that a job ends within few blocks. */
export function jobParams(changes: Partial<ChainParams['jobs']> = {}): ChainParams {
  const params = stakingParams({});
  const staking = { ...params.staking, epochMs: 24 * 3_600_000 };
  const quick = { windowBlocks: 2, seedDelayBlocks: 2, commitWindowMs: 30_000, retentionMs: 60_000 };
  return { ...params, staking, jobs: { ...PRESETS.devnet.params.jobs, ...quick, ...changes } };
}

/** Jobs on the real transition: clients, providers and validators that behave as they are told. */
export class JobChain extends StakingChain {
  readonly source: SampleSource;
  readonly behaviours: readonly JudgeBehaviour[];
  readonly provider: ProvidingBehaviour;
  readonly providers: readonly Address[];
  #said: Said[] = [];

  constructor(options: JobChainOptions = {}) {
    const count = options.validators ?? 4;
    const providers = Array.from({ length: options.providers ?? 4 }, (_, i) => person(`provider ${i}`));
    const members = Array.from({ length: count }, (_, i) => genesisValidator(i + 1));
    super({
      params: jobParams(options.jobs),
      members,
      people: [CLIENT, FINDER, ...providers, ...members.map(({ owner }) => owner)],
      checksWhole: options.checksWhole ?? true,
    });
    this.source = sampleSource(1, { isChain: options.isChain ?? false });
    this.behaviours = options.behaviours ?? [];
    this.provider = { ...HONEST, ...options.provider };
    this.providers = providers;
  }

  /** Registers everybody and opens the source. */
  async open(): Promise<this> {
    await this.run(
      registerSource(CLIENT, this.source.bytes),
      ...this.providers.map((master) => registerProvider(master, { lockupWei: 5_000n * WEI_PER_OGPU })),
      ...nextValidators(this.ledger).map(({ id }) => attest(id, this.source.id)),
    );
    return this;
  }

  /** A job nobody has claimed. @returns its id */
  async post(key: number, changes: Partial<TermsOf> = {}): Promise<Uint8Array> {
    await this.run(this.postCall(key, changes));
    return this.idOf(key);
  }

  postCall(key: number, changes: Partial<TermsOf> = {}): StakingCall {
    const cut = changes.segments === undefined ? {} : { segmentation: this.segmentationOf(changes.segments) };
    const terms = { ...this.terms(key), ...cut, ...changes };
    const valueWei = terms.maxPriceWei + terms.auditFeeWei;
    return { ...byJobs(CLIENT, 'post', Object.values(terms)), valueWei, gasLimit: 4_000_000n };
  }

  idOf(key: number): Uint8Array {
    return jobIdOf(PRESETS.devnet.chainId, CLIENT, keyOf(key));
  }

  terms(key: number): TermsOf {
    return {
      source: this.source.id,
      input: hash('input blob', key),
      inputId: hash('input', key),
      key: keyOf(key),
      segmentation: this.segmentationOf(16n),
      segments: 16n,
      sampled: 0n,
      full: false,
      maxPriceWei: PRICE_WEI,
      auditFeeWei: PRICE_WEI / 2n,
      valueWei: 2n * PRICE_WEI,
      quoteUntilMs: 0n,
      deadlineMs: BigInt(this.timeMs + 600_000),
    };
  }

  /** Items, or steps, one after the other. */
  segmentationOf(segments: bigint): Uint8Array {
    const kind = isStepGraph(this.source.graph) ? 'steps' : 'rows';
    return segmentationWord({ kind, count: Number(segments) });
  }

  /** The same as a tuple of the interface. */
  termsValue(key: number): AbiValue {
    return Object.values<AbiValue>({ ...this.terms(key) });
  }

  job(id: Uint8Array): Job {
    return jobs.read(this.ledger, id);
  }

  statusOf(id: Uint8Array): readonly [JobPhase, JobReason | undefined] {
    const job = this.job(id);
    return [phaseOf(job), reasonOf(job)];
  }

  attempt(id: Uint8Array, number?: number): Attempt {
    const found = attemptOf(this.ledger, id, number ?? this.job(id).attempts - 1);
    assert.ok(found, 'the job has this attempt');
    return found.attempt;
  }

  phase(id: Uint8Array): Phase | 'OPEN' | undefined {
    const job = jobs.find(this.ledger, id);
    if (job === undefined) return undefined;
    return phaseOf(job) === 'ASSIGNED' ? this.attempt(id).phase : 'OPEN';
  }

  /** All states of a job, as its provider has them, in the order of leaves. */
  stateIds(id: Uint8Array): Uint8Array[] {
    const { terms } = this.attempt(id);
    const states: Uint8Array[] = terms.kind === 'chain' ? [terms.inputId] : [];
    for (let i = 0; i < terms.segments; i++) {
      const isFake = this.provider.fakes.has(i);
      const start = terms.kind === 'chain' ? states.at(-1) : undefined;
      states.push(isFake ? hash('fake', i, id) : resultOf(id, i, start));
    }
    return states;
  }

  jobKey(id: Uint8Array): Uint8Array {
    return hash('job key', this.job(id).attempts, id);
  }

  /** What its provider would do now; undefined where it has nothing to do. */
  providerCall(id: Uint8Array): StakingCall | undefined {
    const attempt = this.attempt(id);
    const { provider } = attempt.terms;
    switch (attempt.phase) {
      case 'CLAIMED':
        return this.provider.commits ? this.commitCall(id) : undefined;
      case 'UNSEALING': {
        if (!this.provider.unseals) return undefined;
        const { jobKey, outputRoot, outputId, answers, branches } = unsealingOf(
          attempt,
          this.jobKey(id),
          this.stateIds(id),
          hash('output', 0, id),
        );
        const values = [id, jobKey, outputRoot, outputId, answers, branches] as readonly AbiValue[];
        return { ...byJobs(provider, 'unseal', ...values), gasLimit: 6_000_000n };
      }
      default:
        return undefined;
    }
  }

  commitCall(id: Uint8Array): StakingCall {
    const { terms } = this.attempt(id);
    const { root, keyCommitment, input } = commitmentTo(terms, this.jobKey(id), this.stateIds(id));
    const opened = [input?.stateId ?? ZERO, input?.salt ?? ZERO, input?.branch ?? []] as readonly AbiValue[];
    return { ...byJobs(terms.provider, 'commit', id, root, keyCommitment, ...opened), gasLimit: 2_000_000n };
  }

  /** Lets validators say with their next votes what they owe now. */
  speak(): void {
    for (const { id } of nextValidators(this.ledger)) {
      const entries = dutiesOf(this.ledger, id).flatMap((owed) => this.entryFor(id, owed) ?? []);
      if (entries.length > 0) this.say(id, ...entries.slice(0, 20));
    }
  }

  say(validator: Address, ...entries: readonly AuditEntry[]): void {
    this.#said.push({ validator, content: auditEntriesCodec.encode([...entries]) });
  }

  sayRaw(validator: Address, content: Uint8Array): void {
    this.#said.push({ validator, content });
  }

  /** The block after which what was said is heard. */
  async next(...calls: readonly StakingCall[]): Promise<StakingBlock> {
    return this.nextAfter(1_000, ...calls);
  }

  async nextAfter(afterMs: number, ...calls: readonly StakingCall[]): Promise<StakingBlock> {
    const said = this.#said;
    this.#said = [];
    const block = await this.block({ calls, afterMs, said });
    for (const { status } of block.calls) assert.equal(status, 1, 'calls of the world succeed');
    return block;
  }

  /** As `nextAfter`; calls may be refused. */
  async tryAll(afterMs: number, calls: readonly StakingCall[]): Promise<StakingBlock> {
    const said = this.#said;
    this.#said = [];
    return this.block({ calls, afterMs, said });
  }

  behaviourOf(validator: Address): JudgeBehaviour {
    return this.behaviours[(validator[0] ?? 0) - 1] ?? 'honest';
  }

  entryFor(validator: Address, { attempt, duty }: OwedDuty): AuditEntry | undefined {
    const behaviour = this.behaviourOf(validator);
    const { terms } = attempt;
    if (behaviour === 'absent') return undefined;
    if (duty.kind === 'availability') {
      const kind =
        behaviour === 'unavailable' || behaviour === 'undelivered' ? AUDIT_UNAVAILABLE : AUDIT_AVAILABLE;
      return plainEntry(terms, behaviour === 'cannotJudge' ? AUDIT_CANNOT_JUDGE : kind, duty.round);
    }
    if (behaviour === 'cannotJudge') return plainEntry(terms, AUDIT_CANNOT_JUDGE, duty.round);
    const judgement = this.judgement(validator, attempt, duty);
    if (duty.kind === 'seal') {
      if (behaviour === 'unavailable' && attempt.published.length === 0)
        return plainEntry(terms, AUDIT_UNAVAILABLE, duty.round);
      return sealEntry(terms, judgement);
    }
    return behaviour === 'silent' ? undefined : revealEntry(attempt, judgement, behaviour !== 'undelivered');
  }

  judgement(
    validator: Address,
    attempt: Attempt,
    { round, segments }: { readonly round: number; readonly segments: readonly number[] },
  ): Judgement {
    const { job } = attempt.terms;
    const answers = this.answers(attempt, segments, this.behaviourOf(validator));
    return { validator, round, segments, answers, nonce: hash('nonce', round, concatBytes(validator, job)) };
  }

  answers(attempt: Attempt, segments: readonly number[], behaviour: JudgeBehaviour): Uint8Array[] {
    const { terms } = attempt;
    const states = this.stateIds(terms.job);
    if (behaviour === 'lie') return segments.map((segment) => hash('lie', segment));
    if (behaviour === 'confirm') {
      return segments.map((segment) => states[answerLeaf(terms, segment)] ?? assert.fail());
    }
    return segments.map((segment) =>
      resultOf(terms.job, segment, terms.kind === 'chain' ? states[segment] : undefined),
    );
  }

  /** Claims a job and lets the claim be drawn. */
  async assign(
    id: Uint8Array,
    master: Address = this.providers[0] ?? assert.fail(),
    priceWei = PRICE_WEI,
  ): Promise<void> {
    await this.next({ ...byJobs(master, 'claim', id, priceWei), gasLimit: 3_000_000n });
    for (let i = 0; i < 3 && this.phase(id) === 'OPEN'; i++) await this.next();
  }

  /** Everybody acts until the attempt under way is over; who does nothing is waited for. */
  async runToEnd(id: Uint8Array): Promise<void> {
    for (let blocks = 0; blocks < 200; blocks++) {
      const phase = this.phase(id);
      if (phase === undefined || phase === 'OPEN') return;
      await this.step(id);
    }
    assert.fail('an attempt ends');
  }

  /** One block in which everybody does what he does. */
  async step(id: Uint8Array): Promise<StakingBlock> {
    const call = this.providerCall(id);
    this.speak();
    const isIdle = call === undefined && this.#said.length === 0 && this.phase(id) !== 'COMMITTED';
    const waitMs = Math.max(1_000, this.job(id).dueMs - this.timeMs);
    return this.nextAfter(isIdle ? waitMs : 1_000, ...(call === undefined ? [] : [call]));
  }
}

interface TermsOf {
  readonly source: Uint8Array;
  readonly input: Uint8Array;
  readonly inputId: Uint8Array;
  readonly key: Uint8Array;
  readonly segmentation: Uint8Array;
  readonly segments: bigint;
  readonly sampled: bigint;
  readonly full: boolean;
  readonly maxPriceWei: bigint;
  readonly auditFeeWei: bigint;
  readonly valueWei: bigint;
  readonly quoteUntilMs: bigint;
  readonly deadlineMs: bigint;
}

const ZERO = new Uint8Array(32);

/** A call of the jobs module. */
export function byJobs(from: Address, name: string, ...values: readonly AbiValue[]): StakingCall {
  return { module: jobsModule, from, name, values };
}

export function keyOf(key: number): Uint8Array {
  return hash('key', key);
}

export function hash(label: string, number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = Uint8Array.of(number & 0xff, (number >> 8) & 0xff, (number >> 16) & 0xff);
  return sha256(concatBytes(new TextEncoder().encode(label), bytes, ...parts));
}

export function resultOf(
  job: Uint8Array,
  segment: number,
  start: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return hash('result', segment, job, start);
}
