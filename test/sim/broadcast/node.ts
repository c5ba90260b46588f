import { OgpuError } from '../../../protocol/errors.js';
import type { Environment, Inhabitant } from '../scenario.js';
import { MILLISECOND_US } from '../units.js';
import { GOAL, parseMessage, type Message, type Slot, type Step } from './message.js';
import { NotebookFullError, type Notebook } from './notebook.js';

export type Seen = Slot & {
  readonly kind: 'propose' | 'deliver';
  readonly value: string;
  readonly line: string;
};

/** Mistakes of which checkers must find the consequences. */
export type Flaw = 'small-quorum' | 'no-sync' | 'no-repetition' | 'takes-any-disk';

export type Home = Environment<unknown, Notebook, Seen>;

class ForeignNotebookError extends OgpuError<'NOTEBOOK_FOREIGN'> {
  constructor(owner: string, node: number) {
    super('NOTEBOOK_FOREIGN', `the notebook of '${owner}' is not that of '${node}'`);
  }
}

const REPEAT_US = 300 * MILLISECOND_US;
const RETRY_US = 100 * MILLISECOND_US;
const MESSAGE_BYTES = 120;

/** What a node knows of one broadcast. */
interface Instance extends Slot {
  /** What this node said at each step, and never contradicts. */
  readonly said: Partial<Record<Step, string>>;
  /** What each node said first. */
  readonly echoes: Map<number, string>;
  readonly readies: Map<number, string>;
  delivered: string | undefined;
}

/**
 * Reliable broadcast after Bracha (Asynchronous Byzantine agreement protocols, 1987) for n > 3f nodes that may also crash and come back:
 * what a node says is durable before it leaves, and is repeated until all have it.
 *
 * @throws ForeignNotebookError
 */
export async function bootNode(home: Home, flaw: Flaw | undefined): Promise<Inhabitant<unknown>> {
  const instances = Array.from({ length: home.nodes * GOAL }, (_, i) => newInstance(i));
  await readNotebook(home, instances, flaw);
  const node = new BroadcastNode(home, instances, flaw);
  node.start();
  return { receive: (from, raw) => node.receive(from, raw) };
}

function newInstance(index: number): Instance {
  const [origin, sequence] = [Math.floor(index / GOAL), index % GOAL];
  return { origin, sequence, said: {}, echoes: new Map(), readies: new Map(), delivered: undefined };
}

async function readNotebook(
  home: Home,
  instances: readonly Instance[],
  flaw: Flaw | undefined,
): Promise<void> {
  const [owner, ...lines] = home.disk.lines();
  if (owner === undefined) {
    home.disk.append(String(home.node));
    while (!(await isDurable(home.disk))) await home.sleep(RETRY_US);
  } else if (owner !== String(home.node) && flaw !== 'takes-any-disk') {
    throw new ForeignNotebookError(owner, home.node);
  }
  for (const line of lines) {
    const [step = '', index = '', value = ''] = line.split(' ');
    const instance = instances[Number(index)];
    if (instance !== undefined) instance.said[step as Step] = value;
  }
}

async function isDurable(notebook: Notebook): Promise<boolean> {
  try {
    await notebook.sync();
    return true;
  } catch (error) {
    if (error instanceof NotebookFullError) return false;
    throw error;
  }
}

class BroadcastNode {
  readonly #home: Home;
  readonly #instances: readonly Instance[];
  readonly #flaw: Flaw | undefined;
  readonly #echoQuorum: number;
  readonly #readyQuorum: number;
  readonly #amplify: number;

  constructor(home: Home, instances: readonly Instance[], flaw: Flaw | undefined) {
    this.#home = home;
    this.#instances = instances;
    this.#flaw = flaw;
    const faulty = Math.floor((home.nodes - 1) / 3);
    const isSmall = flaw === 'small-quorum';
    this.#amplify = faulty + 1;
    this.#echoQuorum = isSmall ? faulty + 1 : Math.floor((home.nodes + faulty) / 2) + 1;
    this.#readyQuorum = isSmall ? faulty + 1 : 2 * faulty + 1;
  }

  start(): void {
    this.#home.setTimer(this.#home.random.below(REPEAT_US), () => this.#tick());
  }

  async receive(from: number, raw: unknown): Promise<void> {
    const message = parseMessage(raw, this.#home.nodes);
    if (message === undefined) return;
    if (message.kind === 'have') {
      this.#answer(from, message.delivered);
      return;
    }
    const instance = this.#instance(message.origin, message.sequence);
    await this.#take(from, instance, message.kind, message.value);
  }

  async #take(from: number, instance: Instance, step: Step, value: string): Promise<void> {
    if (step === 'send') {
      if (from === instance.origin) await this.#say(instance, 'echo', value);
      return;
    }
    const votes = step === 'echo' ? instance.echoes : instance.readies;
    if (votes.has(from)) return;
    votes.set(from, value);
    const count = [...votes.values()].filter((vote) => vote === value).length;
    const isReady = step === 'echo' ? count >= this.#echoQuorum : count >= this.#amplify;
    if (step === 'ready' && count >= this.#readyQuorum) this.#deliver(instance, value);
    if (isReady) await this.#say(instance, 'ready', value);
  }

  /** Says something for good: durable first, then sent, to itself too. What was said before at this step stands. */
  async #say(instance: Instance, step: Step, value: string): Promise<void> {
    if (instance.said[step] !== undefined) return;
    instance.said[step] = value;
    if (step === 'send') this.#observe('propose', instance, value);
    this.#home.disk.append(`${step} ${instance.origin * GOAL + instance.sequence} ${value}`);
    if (this.#flaw !== 'no-sync' && !(await isDurable(this.#home.disk))) return;
    const { origin, sequence } = instance;
    this.#broadcast({ kind: step, origin, sequence, value });
    await this.#take(this.#home.node, instance, step, value);
  }

  #deliver(instance: Instance, value: string): void {
    if (instance.delivered !== undefined) return;
    instance.delivered = value;
    this.#observe('deliver', instance, value);
  }

  /** Repeats what may have been lost, asks somebody for what it lacks, and goes on with its own next broadcast. */
  async #tick(): Promise<void> {
    this.#home.setTimer(REPEAT_US, () => this.#tick());
    const { node, nodes, random } = this.#home;
    const mine = this.#instances.find(({ origin, delivered }) => origin === node && delivered === undefined);
    if (mine !== undefined) await this.#say(mine, 'send', `v${node}.${mine.sequence}.${random.u32()}`);
    if (this.#flaw === 'no-repetition') return;
    const open = this.#instances.filter(({ delivered, said }) => delivered === undefined && hasSpoken(said));
    const repeated = open.flatMap((instance) => this.#wordsOf(instance));
    if (!(await isDurable(this.#home.disk))) return;
    for (const message of repeated) this.#broadcast(message);
    for (const instance of open) {
      for (const step of ['send', 'echo', 'ready'] as const) {
        const value = instance.said[step];
        if (value !== undefined) await this.#take(node, instance, step, value);
      }
    }
    const delivered = Array.from({ length: nodes }, (_, origin) => this.#deliveredOf(origin));
    this.#home.send((node + 1 + random.below(nodes - 1)) % nodes, { kind: 'have', delivered }, MESSAGE_BYTES);
  }

  /** What `from` may lack of what this node delivered: a value with that many behind it is never contradicted. */
  #answer(from: number, delivered: readonly number[]): void {
    for (const instance of this.#instances) {
      if (instance.delivered === undefined || instance.sequence < (delivered[instance.origin] ?? 0)) continue;
      const { origin, sequence, delivered: value } = instance;
      if (instance.said.ready === value) {
        this.#home.send(from, { kind: 'ready', origin, sequence, value } satisfies Message, MESSAGE_BYTES);
      }
    }
  }

  #wordsOf({ origin, sequence, said }: Instance): Message[] {
    return (['send', 'echo', 'ready'] as const).flatMap((kind) => {
      const value = said[kind];
      return value === undefined ? [] : [{ kind, origin, sequence, value }];
    });
  }

  #deliveredOf(origin: number): number {
    let count = 0;
    while (count < GOAL && this.#instance(origin, count).delivered !== undefined) count++;
    return count;
  }

  #broadcast(message: Message): void {
    for (let to = 0; to < this.#home.nodes; to++) {
      if (to !== this.#home.node) this.#home.send(to, message, MESSAGE_BYTES);
    }
  }

  #observe(kind: Seen['kind'], { origin, sequence }: Slot, value: string): void {
    const line = `node ${this.#home.node} ${kind}s ${origin}/${sequence} ${value}`;
    this.#home.observe({ kind, origin, sequence, value, line });
  }

  #instance(origin: number, sequence: number): Instance {
    return this.#instances[origin * GOAL + sequence] as Instance;
  }
}

function hasSpoken(said: Instance['said']): boolean {
  return said.send !== undefined || said.echo !== undefined || said.ready !== undefined;
}
