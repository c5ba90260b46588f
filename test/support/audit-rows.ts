import assert from 'node:assert/strict';
import * as audit from '../../protocol/types/audit.js';
import type { Phase, Voice } from '../../consensus/verification/attempt.js';
import type { AuditEvent, Outcome } from '../../consensus/verification/step.js';
import {
  addressOf,
  AuditWorld,
  runPhase,
  voicesNow,
  type Behaviour,
  type WorldOptions,
} from './audit-world.js';

/** What a row of the table in docs/spec/audit.md says, done. */
export interface Fired {
  readonly world: AuditWorld;
  readonly from: Phase;
  readonly event: AuditEvent['kind'];
  readonly outcome: Outcome;
}

const TICK: AuditEvent = { kind: 'tick' };
const RELEASE: AuditEvent = { kind: 'release' };
const PUBLISHED: AuditEvent = { kind: 'published' };

/** A world whose attempt has come to a phase, everybody behaving as told. */
function at(phase: Phase, options: WorldOptions = {}, visits = 1): AuditWorld {
  const world = new AuditWorld(options);
  let seen = 0;
  for (let step = 0; step < 40; step++) {
    if (world.attempt.phase === phase && ++seen === visits) return world;
    runPhase(world);
  }
  return assert.fail(`no way to ${phase}`);
}

function fire(world: AuditWorld, event: AuditEvent): Fired {
  const from = world.attempt.phase;
  world.payments.length = 0;
  return { world, from, event: event.kind, outcome: world.try(event) };
}

/** At the deadline of the phase. */
function late(world: AuditWorld, event: AuditEvent): Fired {
  world.expire();
  return fire(world, event);
}

function voice(world: AuditWorld, place: number): Voice {
  return voicesNow(world.attempt)[place] ?? assert.fail('a voice');
}

/** All voices but the last say something; it is left to be fired. */
function allButLast(world: AuditWorld, event: (voice: Voice) => AuditEvent): AuditEvent {
  const waiting = voicesNow(world.attempt);
  waiting.slice(0, -1).forEach((one) => world.do(event(one)));
  return event(waiting.at(-1) ?? assert.fail('a voice'));
}

/** Each says what it should by its behaviour, the last one's entry is left. */
function sealing(world: AuditWorld): AuditEvent {
  return allButLast(world, (one) => {
    const behaviour: Behaviour = world.behaviourOf(one.validator);
    if (behaviour === 'unavailable') return world.entry(one, audit.AUDIT_UNAVAILABLE);
    return behaviour === 'cannotJudge' ? world.entry(one, audit.AUDIT_CANNOT_JUDGE) : world.seal(one);
  });
}

function revealing(world: AuditWorld): AuditEvent {
  const sealed = voicesNow(world.attempt).filter(({ status }) => status === 'sealed');
  const event = (one: Voice): AuditEvent =>
    world.reveal(one, world.provider.delivers ? audit.AUDIT_FLAG_DELIVERED : 0);
  sealed.slice(0, -1).forEach((one) => world.do(event(one)));
  return event(sealed.at(-1) ?? assert.fail('a sealed voice'));
}

const CHAIN: WorldOptions = { terms: { kind: 'chain' } };
const ALL_FAKE: WorldOptions = { provider: { fakes: new Set(Array.from({ length: 64 }, (_, i) => i)) } };
const UNDELIVERED: WorldOptions = { provider: { delivers: false, publishes: false } };
const MANY: WorldOptions = { powers: Array<number>(40).fill(1_000) };
const behaviours = (behaviour: Behaviour, count = 4): Pick<WorldOptions, 'behaviours'> => ({
  behaviours: Array<Behaviour>(count).fill(behaviour),
});
/** One liar of four, so that all verifiers are asked. */
const DISPUTED: WorldOptions = { behaviours: ['lie'] };
/** Nobody is served before something is published. */
const STARVED: WorldOptions = { provider: { servesOnly: [], publishes: false } };

function proofOf(world: AuditWorld): AuditEvent {
  return { kind: 'proof', stateIds: world.garbageIds(), finder: addressOf(9, 9) };
}

function unsealOf(world: AuditWorld): Extract<AuditEvent, { kind: 'unseal' }> {
  return { kind: 'unseal', ...world.unsealing() };
}

/** An event of any kind that the phase has nothing to do with. */
function stray(world: AuditWorld, kind: AuditEvent['kind']): AuditEvent {
  const someone = voiceOfNobody();
  switch (kind) {
    case 'commit':
      return world.commitEvent();
    case 'unseal':
      return unsealOf(world);
    case 'proof':
      return proofOf(world);
    case 'entry':
      return world.entry(someone, audit.AUDIT_SEAL);
    default:
      return { kind };
  }
}

function voiceOfNobody(): Voice {
  const [validator, operator] = [addressOf(1, 0), addressOf(2, 0)];
  return { validator, operator, power: 1, round: 0, segments: [0], status: 'waiting' };
}

/** A disputed result whose output has nothing to do with its leaves. */
function garbled(): AuditWorld {
  const world = at('REVEALING', { ...DISPUTED, provider: { garbageOutput: true } });
  world.do(revealing(world));
  return world;
}

/** All verifiers without seals: each says this in the escalation, the last one's entry is left. */
function escalationOf(world: AuditWorld, kind: number): AuditEvent {
  return allButLast(world, (one) => world.entry(one, kind));
}

function finish(world: AuditWorld, kind: number): Fired {
  return fire(world, escalationOf(world, kind));
}

/** Sealing ends with the last seat, or with time. */
function sealingRows(): Record<string, () => Fired> {
  const covered = (): AuditWorld => at('SEALING');
  const starved = (): AuditWorld => at('SEALING', behaviours('unavailable'));
  const unable = (): AuditWorld => at('SEALING', { ...MANY, ...behaviours('cannotJudge', 40) });
  const exhausted = (): AuditWorld => at('SEALING', behaviours('cannotJudge'));
  const said = (make: () => AuditWorld) => (): Fired => {
    const world = make();
    return fire(world, sealing(world));
  };
  const timed = (make: () => AuditWorld) => (): Fired => {
    const world = make();
    sealing(world);
    return late(world, TICK);
  };
  return {
    S1: () => fire(covered(), covered().seal(voice(covered(), 0))),
    S2: said(covered),
    S3: said(starved),
    S4: said(unable),
    S5: said(exhausted),
    S6: timed(covered),
    S7: timed(starved),
    S8: timed(unable),
    S9: timed(exhausted),
    S10: () => fire(covered(), covered().entry(voice(covered(), 0), audit.AUDIT_REVEAL)),
    S11: () => fire(covered(), covered().seal({ ...voice(covered(), 0), validator: addressOf(7, 7) })),
    S12: () => {
      const world = covered();
      world.do(world.seal(voice(world, 0)));
      return fire(world, world.entry(voice(world, 0), audit.AUDIT_UNAVAILABLE));
    },
    S13: () => fire(covered(), covered().entry(voice(covered(), 0), audit.AUDIT_SEAL, { attempt: 1 })),
    S14: () => late(covered(), covered().seal(voice(covered(), 0))),
    S15: () => fire(covered(), TICK),
  };
}

function revealRows(): Record<string, () => Fired> {
  const open = (options: WorldOptions = {}): AuditWorld => at('REVEALING', options);
  const last = (options: WorldOptions) => (): Fired => {
    const world = open(options);
    return fire(world, revealing(world));
  };
  return {
    R1: () => fire(open(), open().reveal(voice(open(), 0))),
    R2: last({}),
    R3: last(UNDELIVERED),
    R4: last(DISPUTED),
    R5: () => fire(open(), open().entry(voice(open(), 0), audit.AUDIT_REVEAL)),
    R6: () => fire(open(), open().reveal({ ...voice(open(), 0), validator: addressOf(7, 7) })),
    R7: () => fire(open(), open().seal(voice(open(), 0))),
    R8: () => {
      const world = open();
      world.do(world.reveal(voice(world, 0)));
      return fire(world, world.reveal(voice(world, 0)));
    },
    R9: () => {
      const world = open({ behaviours: ['absent'] });
      const silent = world.attempt.seats.find(({ status }) => status === 'absent') ?? assert.fail();
      return fire(world, world.reveal(silent));
    },
    R10: () => fire(open(), open().entry(voice(open(), 0), audit.AUDIT_REVEAL, { attempt: 1 })),
    R11: () => late(open(), TICK),
    R12: () => fire(open(), TICK),
    R13: () => {
      const world = open({ provider: { garbageOutput: true } });
      return fire(world, proofOf(world));
    },
    R14: () => fire(open(), proofOf(open())),
    R15: () => late(open(), open().reveal(voice(open(), 0))),
  };
}

function escalationRows(): Record<string, () => Fired> {
  const open = (options: WorldOptions = DISPUTED, visits = 1): AuditWorld =>
    at('ESCALATION_SEALING', options, visits);
  const { AUDIT_UNAVAILABLE: NO_DATA, AUDIT_CANNOT_JUDGE: UNABLE } = audit;
  const timed = (world: AuditWorld, kind: number): Fired => {
    escalationOf(world, kind);
    return late(world, TICK);
  };
  /** Nobody could judge, twice. */
  const undecided: WorldOptions = behaviours('cannotJudge');
  /** Everybody seals, then nobody gets the data any more. */
  const offered = (): AuditWorld => {
    const world = open();
    world.do(escalationOf(world, NO_DATA));
    world.expire();
    world.do(TICK);
    return world;
  };
  return {
    E1: () => fire(open(), open().seal(voice(open(), 0))),
    E2: () => {
      const world = open();
      return fire(world, sealing(world));
    },
    E3: () => finish(open(), NO_DATA),
    E4: () => finish(open(), UNABLE),
    E5: () => finish(open(undecided, 2), UNABLE),
    E6: () => finish(offered(), NO_DATA),
    E7: () => {
      const world = open();
      sealing(world);
      return late(world, TICK);
    },
    E8: () => timed(open(), NO_DATA),
    E9: () => timed(open(), UNABLE),
    E10: () => timed(open(undecided, 2), UNABLE),
    E11: () => timed(offered(), NO_DATA),
    E12: () => fire(open(), open().entry(voice(open(), 0), audit.AUDIT_REVEAL)),
    E13: () => fire(open(), open().seal({ ...voice(open(), 0), round: 0 })),
    E14: () => {
      const world = open();
      world.do(world.seal(voice(world, 0)));
      return fire(world, world.seal(voice(world, 0)));
    },
    E15: () => fire(open(), open().entry(voice(open(), 0), audit.AUDIT_SEAL, { attempt: 1 })),
    E16: () => fire(open(), TICK),
    E17: () => {
      const world = garbled();
      return fire(world, proofOf(world));
    },
    E18: () => fire(open(), proofOf(open())),
    E19: () => late(open(), open().seal(voice(open(), 0))),
  };
}

function votingRows(): Record<string, () => Fired> {
  const open = (options: WorldOptions = DISPUTED, visits = 1): AuditWorld =>
    at('ESCALATION_REVEALING', options, visits);
  const last =
    (options: WorldOptions, visits = 1) =>
    (): Fired => {
      const world = open(options, visits);
      return fire(world, revealing(world));
    };
  const timed =
    (options: WorldOptions, visits = 1) =>
    (): Fired => {
      const world = open(options, visits);
      revealing(world);
      return late(world, TICK);
    };
  /** Two of four do not take part in anything, so that nobody has two thirds. */
  const split: WorldOptions = { behaviours: ['lie', 'lie'] };
  return {
    V1: () => fire(open(), open().reveal(voice(open(), 0))),
    V2: last(DISPUTED),
    V3: last({ ...DISPUTED, ...UNDELIVERED }),
    V4: last(ALL_FAKE),
    V5: () => {
      const world = at('ESCALATION_SEALING', DISPUTED);
      voicesNow(world.attempt).forEach((one, i) =>
        world.do(i === 0 ? world.seal(one) : world.entry(one, audit.AUDIT_UNAVAILABLE)),
      );
      return fire(world, world.reveal(voice(world, 0)));
    },
    V6: () => {
      const world = at('ESCALATION_SEALING', DISPUTED);
      world.do(escalationOf(world, audit.AUDIT_UNAVAILABLE));
      world.expire();
      world.do(TICK);
      voicesNow(world.attempt).forEach((one, i) =>
        world.do(i === 0 ? world.seal(one) : world.entry(one, audit.AUDIT_UNAVAILABLE)),
      );
      return fire(world, world.reveal(voice(world, 0)));
    },
    V7: last(split),
    V8: last(split, 2),
    V9: timed({ ...DISPUTED, powers: [1_000, 1_000, 1_000, 1_000, 1] }),
    V10: timed({ ...DISPUTED, ...UNDELIVERED, powers: [1_000, 1_000, 1_000, 1_000, 1] }),
    V11: timed({ ...ALL_FAKE, powers: [1_000, 1_000, 1_000, 1_000, 1] }),
    V12: timed(split),
    V13: timed(split, 2),
    V14: () => fire(open(), open().entry(voice(open(), 0), audit.AUDIT_REVEAL)),
    V15: () => fire(open(), open().seal(voice(open(), 0))),
    V16: () => fire(open(), open().reveal({ ...voice(open(), 0), round: 0 })),
    V17: () => {
      const world = open();
      world.do(world.reveal(voice(world, 0)));
      return fire(world, world.reveal(voice(world, 0)));
    },
    V18: () => fire(open(), open().entry(voice(open(), 0), audit.AUDIT_REVEAL, { attempt: 1 })),
    V19: () => fire(open(), TICK),
    V20: () => {
      const world = garbled();
      world.do(sealing(world));
      return fire(world, proofOf(world));
    },
    V21: () => fire(open(), proofOf(open())),
    V22: () => late(open(), open().reveal(voice(open(), 0))),
  };
}

function publishingRows(): Record<string, () => Fired> {
  const sealing = (options: WorldOptions = {}): AuditWorld => at('PUBLISHING', { ...STARVED, ...options });
  const escalation = (): AuditWorld => {
    const world = at('ESCALATION_SEALING', DISPUTED);
    world.do(escalationOf(world, audit.AUDIT_UNAVAILABLE));
    return world;
  };
  const output = (): AuditWorld => at('PUBLISHING', UNDELIVERED);
  const afterAll = (world: AuditWorld, kind: number): Fired => {
    for (const one of voicesNow(world.attempt)) world.do(world.entry(one, kind));
    return late(world, TICK);
  };
  const { AUDIT_UNAVAILABLE: NO_DATA, AUDIT_AVAILABLE: DATA } = audit;
  return {
    P1: () => fire(output(), output().entry(voice(output(), 0), NO_DATA)),
    P2: () => fire(sealing(), PUBLISHED),
    P3: () => fire(escalation(), PUBLISHED),
    P4: () => fire(output(), PUBLISHED),
    P5: () => afterAll(sealing(), NO_DATA),
    P6: () => afterAll(escalation(), NO_DATA),
    P7: () => afterAll(output(), NO_DATA),
    P8: () => afterAll(sealing(), DATA),
    P9: () => afterAll(escalation(), DATA),
    P10: () => afterAll(output(), DATA),
    P11: () => late(output(), TICK),
    P12: () => fire(output(), output().entry(voice(output(), 0), audit.AUDIT_SEAL)),
    P13: () => fire(output(), output().entry({ ...voice(output(), 0), round: 0 }, NO_DATA)),
    P14: () => {
      const world = output();
      world.do(world.entry(voice(world, 0), DATA));
      return fire(world, world.entry(voice(world, 0), NO_DATA));
    },
    P15: () => fire(output(), output().entry(voice(output(), 0), NO_DATA, { attempt: 1 })),
    P16: () => {
      const world = new AuditWorld({
        ...UNDELIVERED,
        provider: { ...UNDELIVERED.provider, garbageOutput: true },
      });
      while (world.attempt.phase !== 'REVEALING') runPhase(world);
      world.do(revealing(world));
      return fire(world, proofOf(world));
    },
    P17: () => fire(output(), proofOf(output())),
    P18: () => fire(sealing(), proofOf(sealing())),
    P19: () => fire(output(), TICK),
    P20: () => late(output(), PUBLISHED),
  };
}

function earlyRows(): Record<string, () => Fired> {
  const claimed = (): AuditWorld => at('CLAIMED');
  const committed = (options: WorldOptions = {}): AuditWorld => at('COMMITTED', options);
  const unsealing = (options: WorldOptions = {}): AuditWorld => at('UNSEALING', options);
  return {
    C1: () => fire(at('CLAIMED', CHAIN), at('CLAIMED', CHAIN).commitEvent()),
    C2: () => {
      const { input: _input, ...event } = at('CLAIMED', CHAIN).commitEvent() as Extract<
        AuditEvent,
        { kind: 'commit' }
      >;
      return fire(at('CLAIMED', CHAIN), event);
    },
    C3: () => fire(claimed(), RELEASE),
    C4: () => {
      const world = claimed();
      world.now = world.terms.releaseBy;
      return fire(world, RELEASE);
    },
    C5: () => late(claimed(), claimed().commitEvent()),
    C6: () => late(claimed(), TICK),
    C7: () => fire(claimed(), TICK),
    C9: () =>
      fire(claimed(), { kind: 'commit', root: new Uint8Array(31), keyCommitment: new Uint8Array(32) }),
    D1: () => late(committed(), TICK),
    D2: () => late(committed({ powers: [] }), TICK),
    D3: () => fire(committed(), TICK),
    U1: () => fire(unsealing(), unsealOf(unsealing())),
    U2: () => fire(unsealing(behaviours('cannotJudge')), unsealOf(unsealing(behaviours('cannotJudge')))),
    U3: () => fire(unsealing(), { ...unsealOf(unsealing()), jobKey: new Uint8Array(32) }),
    U4: () => fire(unsealing(), { ...unsealOf(unsealing()), answers: [] }),
    U5: () => late(unsealing(), unsealOf(unsealing())),
    U6: () => late(unsealing(), TICK),
    U7: () => fire(unsealing(), TICK),
  };
}

/** Events that a phase never listens to, one row for each phase. */
export const STRAY_EVENTS: Readonly<Record<string, readonly [Phase, WorldOptions]>> = {
  C8: ['CLAIMED', {}],
  D4: ['COMMITTED', {}],
  S16: ['SEALING', {}],
  U8: ['UNSEALING', {}],
  R16: ['REVEALING', {}],
  E20: ['ESCALATION_SEALING', DISPUTED],
  V23: ['ESCALATION_REVEALING', DISPUTED],
  P21: ['PUBLISHING', UNDELIVERED],
  X1: ['ACCEPTED', {}],
};

export function fireStray(row: string, kind: AuditEvent['kind']): Fired {
  const [phase, options] = STRAY_EVENTS[row] ?? assert.fail(row);
  const world = at(phase, options);
  return fire(world, stray(world, kind));
}

export const ROWS: Readonly<Record<string, () => Fired>> = {
  ...earlyRows(),
  ...sealingRows(),
  ...revealRows(),
  ...escalationRows(),
  ...votingRows(),
  ...publishingRows(),
};
