import { OgpuError } from '../../protocol/errors.js';

/** Something a node says about itself, for the checkers. */
export interface Observation {
  /** Readable in the story of a run: 'node 3 decided 0xab… at height 7'. */
  readonly line: string;
}

/** A promise was broken in a simulation. */
export class ViolationError extends OgpuError<'SIM_VIOLATION'> {
  constructor(checker: string, what: string) {
    super('SIM_VIOLATION', `${checker}: ${what}`, { checker });
  }
}

/** Where and when something was observed. */
export interface Moment {
  readonly node: number;
  /** Whether the node follows the protocol; those that do not may say anything. */
  readonly isHonest: boolean;
  readonly timeUs: number;
}

/**
 * A promise that is watched during a run. Any of its functions throws a `ViolationError` when it is broken.
 *
 * Safety is checked with each observation. Liveness is what `isSatisfied` waits for once all faults have ended: a run that does not get
 * there in time fails with the name of the checker.
 */
export interface Checker<Seen extends Observation> {
  readonly name: string;
  observe?(observation: Seen, moment: Moment): void;
  /** After every event of the run: keep it cheap. */
  step?(timeUs: number): void;
  /** All faults have ended: from now on what should happen must. */
  healed?(): void;
  /** Whether what should happen has; asked once all faults have ended. */
  isSatisfied?(): boolean;
  /** What is still missing, in words, for the failure that says so. */
  missing?(): string;
  /** When the run is over and everything was satisfied. */
  finish?(): void;
  /** What was seen, counted. */
  tally?(): Readonly<Record<string, number>>;
}

/** @throws ViolationError */
export function check(checker: string, condition: boolean, what: () => string): asserts condition {
  if (!condition) throw new ViolationError(checker, what());
}

/** No two honest nodes say different things about one matter. */
export function agreement<Seen extends Observation>(
  name: string,
  matterOf: (observation: Seen) => { readonly matter: string; readonly value: string } | undefined,
): Checker<Seen> {
  const values = new Map<string, { readonly value: string; readonly node: number }>();
  return {
    name,
    observe: (observation, { node, isHonest }) => {
      const said = isHonest ? matterOf(observation) : undefined;
      if (said === undefined) return;
      const first = values.get(said.matter);
      if (first === undefined) values.set(said.matter, { value: said.value, node });
      else {
        check(
          name,
          first.value === said.value,
          () => `node ${first.node} has ${first.value} for ${said.matter}, node ${node} has ${said.value}`,
        );
      }
    },
  };
}
