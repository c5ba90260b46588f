import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { JobUnavailableError, ProviderAgent, type AgentEvent } from '../../../../compute/provider/agent.js';
import { jobKeyOf } from '../../../../compute/provider/job-key.js';
import type { Market, MarketView, Offer } from '../../../../compute/provider/market.js';
import { ResultStore } from '../../../../compute/provider/result-store.js';
import type { JobResult, LoadedJob } from '../../../../compute/job-run.js';
import { hasEnded } from '../../../../consensus/verification/attempt.js';
import type { AuditEvent } from '../../../../consensus/verification/step.js';
import { OgpuError } from '../../../../protocol/errors.js';
import { planJob } from '../../../../protocol/graph/segmentation.js';
import { SimulatedDisk } from '../../../sim/disk.js';
import { AuditWorld, runPhase, type WorldOptions } from '../../../support/audit-world.js';
import { nextTick } from '../../../support/next-tick.js';
import { createPrng } from '../../../support/prng.js';
import { buildProgram } from '../../../support/tensor/programs.js';

const POLICY = {
  ...{ minPriceWeiPerGiga: 0n, maxJobs: 4, maxExposureWei: 10n ** 30n, maxMemoryBytes: 2 ** 40 },
};
const SECRET = new Uint8Array(32).fill(9);
const DATA = {
  ...{ source: new Uint8Array(32), input: new Uint8Array(32) },
  segmentation: { kind: 'rows', count: 16 },
} as const;
const { program, weights } = buildProgram((graph) => {
  const tensor = { type: 'int8', shape: [3] } as const;
  const [a, b] = [graph.input(tensor), graph.input(tensor)];
  return [
    graph.node('select', { condition: graph.node('compare', { a, b }, { relation: 'less' }), a, b }, {}),
  ];
});
const PLAN = planJob(program, { kind: 'rows', count: 64 });
const JOB: LoadedJob = { plan: PLAN, weights, input: new Uint8Array(PLAN.inputBytes) };
const OUTPUT = createPrng(7).bytes(PLAN.outputBytes);

class Refused extends OgpuError<'TEST_REFUSED'> {}

/** A provider whose chain is one attempt, and whose device and disk a test holds in its hands. */
class Workshop {
  readonly world: AuditWorld;
  disk = new SimulatedDisk({ prng: createPrng(1) });
  readonly sent: string[] = [];
  readonly events: AgentEvent[] = [];
  readonly claimed: Uint8Array[] = [];
  offers: Offer[] = [];
  isAssigned = true;
  computed = 0;
  handedOut = 0;
  suits: (offer: Offer) => Promise<boolean> = () => Promise.resolve(true);
  load: () => Promise<LoadedJob> = () => Promise.resolve(JOB);
  execute: () => Promise<JobResult>;
  /** Thrown instead of sending. */
  refusal: Error | undefined;
  #agent: ProviderAgent | undefined;
  #unlock: () => Promise<void> = () => Promise.resolve();

  constructor(options: WorldOptions = {}) {
    this.world = new AuditWorld(options);
    this.execute = () => Promise.resolve({ stateIds: this.world.stateIds, output: OUTPUT });
  }

  get agent(): ProviderAgent {
    return this.#agent ?? assert.fail('it is open');
  }

  open(): void {
    const { folder, unlock } = this.disk.openFolder('results');
    this.#unlock = unlock;
    this.#agent = new ProviderAgent({
      market: this.#market(),
      load: () => this.load(),
      runner: {
        execute: () => {
          this.computed++;
          return this.execute();
        },
        rerun: () => Promise.resolve([]),
      },
      suits: (each) => this.suits(each),
      publishOutput: () => {
        this.handedOut++;
        return Promise.resolve(new Uint8Array(32));
      },
      results: new ResultStore(folder),
      secret: SECRET,
      policy: POLICY,
      devices: 1,
      onEvent: (event) => this.events.push(event),
    });
  }

  async kill(): Promise<void> {
    await this.agent.stop();
    await this.#unlock();
    this.disk = this.disk.crash('power', { prng: createPrng(2) });
    this.open();
  }

  /** Looks at the chain as often as a provider does. */
  async reconcile(times = 3): Promise<void> {
    for (let i = 0; i < times; i++) {
      await this.agent.reconcile();
      await nextTick();
    }
  }

  /** Until the attempt has ended. */
  async run(): Promise<void> {
    for (let steps = 0; this.isAssigned && !hasEnded(this.world.attempt); steps++) {
      assert.ok(steps < 40, 'an attempt ends');
      const { phase } = this.world.attempt;
      await this.reconcile();
      const isOurs = phase === 'CLAIMED' || phase === 'UNSEALING';
      if (this.world.attempt.phase === phase && !isOurs) runPhase(this.world);
    }
    await this.reconcile();
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }

  #market(): Market {
    const send = (name: string, event: AuditEvent): Promise<void> => {
      if (this.refusal !== undefined) return Promise.reject(this.refusal);
      this.sent.push(name);
      this.world.do(event);
      return Promise.resolve();
    };
    return {
      look: () => Promise.resolve(this.#view()),
      claim: (job) => {
        this.claimed.push(job);
        return Promise.resolve();
      },
      release: () => send('release', { kind: 'release' }),
      commit: (_, commitment) => send('commit', { kind: 'commit', ...commitment }),
      unseal: (_, unsealing) => send('unseal', { kind: 'unseal', ...unsealing }),
      publish: () => send('publish', { kind: 'published' }),
    };
  }

  #view(): MarketView {
    const { attempt, now } = this.world;
    const isOpen = this.isAssigned && !hasEnded(attempt);
    return {
      ...{ now, freeLockupWei: 10n ** 30n, offers: this.offers, claims: [] },
      assignments: isOpen ? [{ attempt, ...DATA, publishedItems: [] }] : [],
    };
  }
}

function offer(number: number): Offer {
  return {
    ...{ job: new Uint8Array(32).fill(number), ...DATA, maxPriceWei: 10n },
    ...{ bondWei: 100n, workUnits: 1n, memoryBytes: 1 },
  };
}

describe('a provider', () => {
  test('computes, commits, unseals and hands out, each once', async () => {
    const shop = new Workshop();
    shop.open();
    await shop.run();
    assert.equal(shop.world.attempt.ending, 'CONFIRMED');
    assert.deepEqual(shop.sent, ['commit', 'unseal']);
    assert.deepEqual(shop.kinds(), ['computing', 'computed', 'committed', 'unsealed', 'over']);
    assert.equal(shop.computed, 1);
    assert.equal(shop.handedOut, 1);
    assert.equal(shop.agent.open, 0);
  });

  test('runs chains, and proves their input', async () => {
    const shop = new Workshop({ terms: { kind: 'chain', segments: 40 } });
    shop.open();
    await shop.run();
    assert.equal(shop.world.attempt.ending, 'CONFIRMED');
  });

  test('that is killed after its commitment unseals what it has committed to', async () => {
    const shop = new Workshop();
    shop.open();
    while (shop.world.attempt.phase !== 'UNSEALING') {
      await shop.reconcile();
      if (shop.world.attempt.phase !== 'CLAIMED') runPhase(shop.world);
    }
    await shop.kill();
    await shop.run();
    assert.equal(shop.world.attempt.ending, 'CONFIRMED');
    assert.equal(shop.computed, 1, 'the result was on the disk');
  });

  test('whose disk is lost after its commitment computes again', async () => {
    const shop = new Workshop();
    shop.open();
    await shop.reconcile();
    assert.deepEqual(shop.sent, ['commit']);
    await shop.agent.stop();
    shop.disk = new SimulatedDisk({ prng: createPrng(3) });
    shop.open();
    await shop.run();
    assert.equal(shop.world.attempt.ending, 'CONFIRMED');
    assert.equal(shop.computed, 2);
  });

  test('looks for an input until shortly before the release window ends, then releases without loss', async () => {
    const shop = new Workshop();
    let looks = 0;
    shop.load = () => {
      looks++;
      return Promise.reject(new JobUnavailableError('JOB_DATA_UNAVAILABLE', 'nobody has it'));
    };
    shop.open();
    await shop.reconcile(5);
    assert.deepEqual(shop.sent, []);
    assert.ok(looks > 2);
    shop.world.now = { ...shop.world.now, timeMs: shop.world.terms.releaseBy.timeMs - 1_000 };
    await shop.reconcile();
    assert.deepEqual(shop.sent, ['release']);
    assert.equal(shop.world.attempt.ending, 'INPUT_UNAVAILABLE');
    shop.offers = [{ ...offer(1), job: shop.world.terms.job }, offer(2)];
    await shop.reconcile(1);
    assert.deepEqual(shop.claimed, [offer(2).job], 'not the same again');
  });

  test('gives back at once what it cannot do', async () => {
    const shop = new Workshop();
    shop.execute = () => Promise.reject(new Refused('TEST_REFUSED', 'the device has too little memory'));
    shop.open();
    await shop.reconcile();
    assert.deepEqual(shop.sent, ['release']);
    assert.equal(shop.computed, 1);
  });

  test('sends again what was refused, and computes nothing again', async () => {
    const shop = new Workshop();
    shop.refusal = new Refused('TEST_REFUSED', 'the node is away');
    shop.open();
    await shop.reconcile();
    assert.ok(shop.kinds().includes('trouble'));
    shop.refusal = undefined;
    await shop.run();
    assert.equal(shop.world.attempt.ending, 'CONFIRMED');
    assert.equal(shop.computed, 1);
  });

  test('that drains claims nothing and finishes what it has', async () => {
    const shop = new Workshop();
    shop.offers = [offer(1)];
    shop.open();
    shop.agent.drain();
    await shop.run();
    assert.deepEqual(shop.claimed, []);
    assert.equal(shop.world.attempt.ending, 'CONFIRMED');
  });

  test('gives back in time what does not come to an end of loading', async () => {
    const shop = new Workshop();
    shop.load = () => new Promise(() => undefined);
    shop.open();
    await shop.reconcile();
    assert.deepEqual(shop.sent, []);
    shop.world.now = { ...shop.world.now, timeMs: shop.world.terms.releaseBy.timeMs - 1_000 };
    await shop.reconcile();
    assert.equal(shop.world.attempt.ending, 'INPUT_UNAVAILABLE');
  });

  test('keeps looking when the release window is over: giving up costs the same then as being late', async () => {
    const shop = new Workshop();
    shop.load = () => Promise.reject(new JobUnavailableError('JOB_DATA_UNAVAILABLE', 'nobody has it'));
    shop.world.now = { timeMs: shop.world.terms.releaseBy.timeMs + 1, height: 1_000 };
    shop.open();
    await shop.reconcile();
    assert.deepEqual(shop.sent, []);
    shop.load = () => Promise.resolve(JOB);
    await shop.reconcile();
    assert.deepEqual(shop.sent, ['commit']);
  });

  test('that is bound to a result computes it again until it succeeds', async () => {
    const shop = new Workshop();
    shop.open();
    await shop.reconcile();
    await shop.agent.stop();
    shop.disk = new SimulatedDisk({ prng: createPrng(3) });
    shop.open();
    const { execute } = shop;
    shop.execute = () => Promise.reject(new Refused('TEST_REFUSED', 'the device is lost'));
    while (shop.world.attempt.phase !== 'UNSEALING') {
      await shop.reconcile();
      runPhase(shop.world);
    }
    await shop.reconcile();
    assert.equal(shop.world.attempt.phase, 'UNSEALING');
    shop.execute = execute;
    await shop.run();
    assert.equal(shop.world.attempt.ending, 'CONFIRMED');
  });

  test('does nothing by what a node says that has fallen behind', async () => {
    const shop = new Workshop();
    shop.open();
    await shop.reconcile();
    const { now } = shop.world;
    shop.world.now = { ...now, height: now.height - 1 };
    await assert.rejects(shop.agent.reconcile(), { code: 'VIEW_STALE' });
    assert.equal(shop.agent.open, 1);
    shop.world.now = now;
    await shop.run();
    assert.equal(shop.world.attempt.ending, 'CONFIRMED');
  });

  test('claims nothing that does not suit it', async () => {
    const shop = new Workshop();
    shop.isAssigned = false;
    shop.offers = [offer(1), offer(2)];
    let looks = 0;
    shop.suits = ({ job }) => {
      if (job[0] === 1) looks++;
      return Promise.resolve(job[0] !== 1);
    };
    shop.open();
    await shop.reconcile();
    assert.deepEqual(new Set(shop.claimed.map(([first]) => first)), new Set([2]));
    assert.equal(looks, 1, 'what does not suit is not looked at again');
  });

  test('shows no output before the unsealing, whatever verifiers miss', async () => {
    const shop = new Workshop({ behaviours: Array<'unavailable'>(4).fill('unavailable') });
    shop.open();
    while (shop.world.attempt.phase !== 'PUBLISHING') {
      await shop.reconcile();
      if (shop.world.attempt.phase !== 'CLAIMED') runPhase(shop.world);
    }
    assert.equal(shop.world.attempt.publication?.subject, 'sealing');
    await shop.reconcile();
    assert.equal(shop.handedOut, 0);
    assert.deepEqual(shop.sent, ['commit', 'publish']);
  });

  test('says once that what verifiers miss is too large for the chain', async () => {
    const plan = planJob(program, { kind: 'rows', count: 64 });
    const large = { ...plan, program: { ...program, work: { ...program.work, outputBytes: 20_000 } } };
    const shop = new Workshop({ behaviours: Array<'undelivered'>(4).fill('undelivered') });
    const output = new Uint8Array(64 * 20_000);
    shop.load = () => Promise.resolve({ ...JOB, plan: { ...large, outputBytes: output.length } });
    shop.execute = () => Promise.resolve({ stateIds: shop.world.stateIds, output });
    shop.open();
    while (shop.world.attempt.phase !== 'PUBLISHING') {
      const { phase } = shop.world.attempt;
      await shop.reconcile();
      if (shop.world.attempt.phase === phase && phase !== 'CLAIMED' && phase !== 'UNSEALING')
        runPhase(shop.world);
    }
    await shop.reconcile(5);
    const told = shop.events.filter(({ kind }) => kind === 'trouble');
    assert.equal(told.length, 1);
    assert.deepEqual(shop.sent, ['commit', 'unseal']);
  });

  test('publishes an output that is called undelivered', async () => {
    const shop = new Workshop({ behaviours: Array<'undelivered'>(4).fill('undelivered') });
    shop.open();
    await shop.run();
    assert.deepEqual(shop.sent, ['commit', 'unseal', 'publish']);
    assert.equal(shop.world.attempt.ending, 'CONFIRMED');
  });
});

test('a job key is the same again, and another one for each attempt, job, chain and secret', () => {
  const subject = { chainId: 1, job: new Uint8Array(32), attempt: 0 };
  const keys = [
    jobKeyOf(SECRET, subject),
    jobKeyOf(SECRET, { ...subject, attempt: 1 }),
    jobKeyOf(SECRET, { ...subject, job: new Uint8Array(32).fill(1) }),
    jobKeyOf(SECRET, { ...subject, chainId: 10 }),
    jobKeyOf(new Uint8Array(32), subject),
  ];
  assert.deepEqual(jobKeyOf(SECRET, subject), keys[0]);
  assert.equal(new Set(keys.map(String)).size, keys.length);
});

test('a damaged result is none; a sound one comes back whole', async () => {
  const { folder } = new SimulatedDisk({ prng: createPrng(1) }).openFolder('results');
  const store = new ResultStore(folder);
  const subject = { chainId: 1, job: new Uint8Array(32), attempt: 3 };
  const result = { stateIds: [new Uint8Array(32).fill(1), new Uint8Array(32)], output: Uint8Array.of(5) };
  await store.save(subject, result);
  assert.deepEqual(await store.load(subject), result);
  const [name = ''] = await folder.list();
  const bytes = (await folder.readFile(name, 1_000)) ?? assert.fail();
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  await folder.writeFile(name, bytes);
  assert.equal(await store.load(subject), undefined);
  await store.keepOnly([], 1_000);
  assert.equal((await folder.list()).length, 1, 'its attempt may go on: a node that is behind does not know');
  await store.keepOnly([subject], 900_000);
  await store.keepOnly([], 1_000_000);
  assert.equal((await folder.list()).length, 1, 'it was asked for meanwhile');
  await store.keepOnly([], 1_600_000);
  assert.deepEqual(await folder.list(), []);
});
