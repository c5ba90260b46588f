import assert from 'node:assert/strict';
import type { AbiValue } from '../../protocol/abi/types.js';
import type { Address } from '../../protocol/address.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { concatBytes } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { encodeSegmentation } from '../../protocol/graph/segmentation.js';
import * as audit from '../../protocol/types/audit.js';
import type { Attempt } from '../../consensus/verification/attempt.js';
import { commitmentTo, unsealingOf } from '../../consensus/verification/committing.js';
import { dutiesOf, type Duty } from '../../consensus/verification/duties.js';
import { plainEntry, revealEntry, sealEntry } from '../../consensus/verification/statements.js';
import { answerLeaf, leafCount } from '../../consensus/verification/terms.js';
import { jobsModule } from '../../state/modules/jobs.js';
import { latestAttempt } from '../../state/jobs/attempt.js';
import { isOver, jobIdOf, jobReasonOf, jobs, phaseOf, type Job } from '../../state/jobs/job.js';
import type { HeardExtension } from '../../state/jobs/hearing.js';
import { nextValidators } from '../../state/staking/active-set.js';
import { chainRecord } from '../../state/system/chain.js';
import { genesisValidator } from './ledger.js';
import { registerProvider, registerSource, sampleSource, type SampleSource } from './market.js';
import {
  ALICE,
  person,
  StakingChain,
  stakingParams,
  type BlockOptions,
  type StakingBlock,
  type StakingCall,
} from './staking.js';

/** A call of the jobs module. */
export function ofJobs(from: Address, name: string, ...values: readonly AbiValue[]): StakingCall {
  return { module: jobsModule, from, name, values, gasLimit: 8_000_000n };
}

export const PROVIDERS = ['paula', 'peter', 'petra'].map(person);
export const PRICE_WEI = WEI_PER_OGPU;

export interface JobsOptions {
  readonly validators?: number;
  readonly segments?: number;
  readonly isChain?: boolean;
  readonly jobs?: Parameters<typeof stakingParams>[0]['jobs'];
  readonly lockupWei?: bigint;
}

/** What a verifier says of a duty; undefined: nothing. */
export type Voicing = (duty: Duty, validator: Address) => audit.AuditEntry | undefined;

/** A market on the real state transition, with its invariants checked after every block: validators, providers, a client, one source. */
export class JobsChain {
  readonly chain: StakingChain;
  readonly source: SampleSource;
  readonly options: Required<Omit<JobsOptions, 'jobs'>>;
  /** Segments whose result the provider makes up. */
  fakes: ReadonlySet<number> = new Set();
  /** What parties do by themselves. */
  acts = { provider: true, verifiers: true };
  voicing: Voicing = (duty, validator) => this.statement(duty, validator);
  job: Uint8Array = new Uint8Array(32);

  private constructor(options: JobsOptions) {
    const { validators = 4, segments = 8, isChain = false, lockupWei = 2_000n * WEI_PER_OGPU } = options;
    this.options = { validators, segments, isChain, lockupWei };
    this.chain = new StakingChain({
      params: stakingParams({ ...(options.jobs === undefined ? {} : { jobs: options.jobs }) }),
      members: Array.from({ length: validators }, (_, index) => genesisValidator(index + 1)),
      people: [ALICE, ...PROVIDERS],
    });
    this.source = sampleSource(1, { isChain });
  }

  /** With providers, and a source that all validators can run. */
  static async open(options: JobsOptions = {}): Promise<JobsChain> {
    const world = new JobsChain(options);
    const { lockupWei } = world.options;
    await world.chain.run(
      registerSource(ALICE, world.source.bytes),
      ...PROVIDERS.map((provider) => registerProvider(provider, { lockupWei })),
    );
    const canRun = {
      ...plainEntry({ job: world.source.id, attempt: 0 }, audit.AUDIT_SOURCE_RUNNABLE, 0),
    };
    await world.block({ extensions: world.verifiers.map((validator) => said(validator, canRun)) });
    return world;
  }

  get verifiers(): Address[] {
    return nextValidators(this.chain.ledger).map(({ id }) => id);
  }

  get chainId(): number {
    return chainRecord.read(this.chain.ledger).chainId;
  }

  get state(): Job {
    return jobs.read(this.chain.ledger, this.job);
  }

  get isOver(): boolean {
    return isOver(this.state);
  }

  get reason(): string | undefined {
    return jobReasonOf(this.state);
  }

  get phase(): string {
    return phaseOf(this.state);
  }

  get attempt(): Attempt {
    return (latestAttempt(this.chain.ledger, this.job, this.state) ?? assert.fail('nobody has begun'))
      .attempt;
  }

  block(options: BlockOptions = {}): Promise<StakingBlock> {
    return this.chain.block({ afterMs: 200, ...options });
  }

  /** An order of this world's source; the key names it. */
  order(key: number, changes: { full?: boolean; valueWei?: bigint; deadlineMs?: number } = {}): AbiValue {
    const { segments, isChain } = this.options;
    const { full = false, valueWei = PRICE_WEI, deadlineMs = this.chain.timeMs + 600_000 } = changes;
    const segmentation = encodeSegmentation({ kind: isChain ? 'steps' : 'rows', count: segments });
    return [
      ...[new Uint8Array(32).fill(key), this.source.id, INPUT, segmentation, PRICE_WEI, valueWei],
      ...[BigInt(deadlineMs), 0n, full],
    ];
  }

  post(key = 1, changes: Parameters<JobsChain['order']>[1] = {}, valueWei = 100n * PRICE_WEI): StakingCall {
    this.job = jobIdOf(this.chainId, ALICE, new Uint8Array(32).fill(key));
    return { ...ofJobs(ALICE, 'post', this.order(key, changes)), valueWei };
  }

  /** Posts a job and lets the first provider have it. */
  async assigned(changes: Parameters<JobsChain['order']>[1] = {}): Promise<void> {
    await this.chain.run(this.post(1, changes));
    await this.chain.run(ofJobs(PROVIDERS[0] ?? ALICE, 'claim', this.job, PRICE_WEI));
    await this.until(() => this.phase !== 'OPEN');
  }

  /** Blocks in which everybody does what it does by itself, until something holds. */
  async until(holds: () => boolean, options: { afterMs?: number } = {}): Promise<void> {
    for (let blocks = 0; !holds(); blocks++) {
      assert.ok(blocks < 400, `it comes to pass: ${this.phase}`);
      await this.turn(options);
    }
  }

  /** One block with what parties say and do now. */
  async turn(options: { afterMs?: number } = {}): Promise<StakingBlock> {
    return this.block({ extensions: this.said(), calls: this.providerCalls(), ...options });
  }

  runToEnd(options: { afterMs?: number } = {}): Promise<void> {
    return this.until(() => this.isOver, options);
  }

  said(): HeardExtension[] {
    if (!this.acts.verifiers || this.phase !== 'ASSIGNED') return [];
    return this.verifiers.flatMap((validator) => {
      const entries = dutiesOf(this.attempt, validator).flatMap(
        (duty) => this.voicing(duty, validator) ?? [],
      );
      return entries.map((entry) => said(validator, entry));
    });
  }

  /** What an honest verifier says. */
  statement(duty: Duty, validator: Address): audit.AuditEntry {
    const { terms } = this.attempt;
    const { round } = duty;
    if (duty.kind === 'availability') return plainEntry(terms, audit.AUDIT_AVAILABLE, round);
    const answers = duty.segments.map((segment) => this.truth(segment));
    const nonce = sha256(concatBytes(validator, Uint8Array.of(round)));
    const judgement = { validator, round, segments: duty.segments, answers, nonce };
    return duty.kind === 'seal' ? sealEntry(terms, judgement) : revealEntry(this.attempt, judgement, true);
  }

  truth(segment: number): Uint8Array {
    return sha256(Uint8Array.of(7, segment));
  }

  /** What the provider has for each leaf. */
  stateIds(): Uint8Array[] {
    const { terms } = this.attempt;
    return Array.from({ length: leafCount(terms) }, (_, leaf) => {
      const segment = leaf - answerLeaf(terms, 0);
      if (segment < 0) return INPUT;
      return this.fakes.has(segment) ? sha256(Uint8Array.of(13, segment)) : this.truth(segment);
    });
  }

  providerCalls(): StakingCall[] {
    if (!this.acts.provider || this.phase !== 'ASSIGNED') return [];
    const { attempt } = this;
    const { terms } = attempt;
    const place = [terms.job, BigInt(terms.attempt)];
    if (attempt.phase === 'CLAIMED') {
      const { root, keyCommitment, input } = commitmentTo(terms, JOB_KEY, this.stateIds());
      if (input === undefined) return [ofJobs(terms.provider, 'commit', ...place, root, keyCommitment)];
      const { stateId, salt, branch } = input;
      const opened = [stateId, salt, [...branch]];
      return [ofJobs(terms.provider, 'commitChain', ...place, root, keyCommitment, ...opened)];
    }
    if (attempt.phase !== 'UNSEALING') return [];
    const { jobKey, outputRoot, answers, branches } = unsealingOf(attempt, JOB_KEY, this.stateIds());
    const opened = [jobKey, outputRoot, OUTPUT, [...answers], branches.flat()];
    return [ofJobs(terms.provider, 'unseal', ...place, ...opened)];
  }
}

const JOB_KEY = new Uint8Array(32).fill(5);
export const INPUT = sha256(Uint8Array.of(1, 2));
const OUTPUT = sha256(Uint8Array.of(1, 3));

function said(validator: Address, entry: audit.AuditEntry): HeardExtension {
  return { validator, content: audit.auditEntriesCodec.encode([entry]) };
}
