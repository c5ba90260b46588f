import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ENDINGS, OPEN_PHASES } from '../../../consensus/verification/attempt.js';
import {
  JOB_REASONS,
  jobTransition,
  type JobEvent,
  type JobLife,
} from '../../../consensus/verification/job-life.js';
import { ENDING_REASONS, type EndingReason } from '../../../consensus/verification/reasons.js';
import type { AuditEventKind } from '../../../consensus/verification/step.js';
import { PRESETS } from '../../../protocol/presets.js';
import { accountName, assertConserved } from '../../support/audit-world.js';
import { fireStray, ROWS, STRAY_EVENTS, type Fired } from '../../support/audit-rows.js';
import { REPOSITORY_ROOT } from '../../support/vectors.js';

/** A row of a table of transitions in docs/spec/audit.md. */
interface Row {
  readonly id: string;
  readonly state: string;
  readonly events: readonly string[];
  readonly guard: string;
  readonly next: string;
  readonly pays: string;
  readonly code: string;
}

const SPEC = readFileSync(join(REPOSITORY_ROOT, 'docs', 'spec', 'audit.md'), 'utf8').split('\n');

function tableUnder(header: string): string[][] {
  const start = SPEC.indexOf(header);
  assert.ok(start >= 0, header);
  const end = SPEC.findIndex((line, i) => i > start && !line.startsWith('|'));
  return SPEC.slice(start + 2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const rows: readonly Row[] = tableUnder('| # | state | event | guard | new state | pays | code |').map(
  (cells) => {
    const [id = '', state = '', event = '', guard = '', next = '', pays = '', code = ''] = cells;
    return { id, state, events: event.split(', '), guard, next, pays, code };
  },
);

const KINDS: readonly AuditEventKind[] = [
  'commit',
  'release',
  'entry',
  'unseal',
  'published',
  'proof',
  'tick',
];

function assertRow(row: Row, { world, from, event, outcome }: Fired): void {
  const isEnded = (ENDINGS as readonly string[]).includes(from);
  assert.equal(row.state, isEnded ? 'ended' : from);
  assert.ok(row.events.includes(event), `${event} is one of ${row.events.join()}`);
  if ('refused' in outcome) {
    assert.deepEqual([row.next, row.pays, row.code], ['–', '–', outcome.refused]);
    assert.equal(world.attempt.phase, from, 'nothing changes');
    return;
  }
  const pays = new Set(world.payments.map(({ from: source, to }) => `${nameOf(source)} → ${nameOf(to)}`));
  assert.deepEqual(
    [row.next, [...pays].join(', ') || '–', row.code],
    [world.attempt.phase, row.pays, outcome.reason ?? '–'],
  );
  if (outcome.reason !== undefined) assertConserved(world);
}

function nameOf(account: Parameters<typeof accountName>[0]): string {
  return accountName(account).split(' ')[0] ?? '';
}

describe('every row of the table of transitions', () => {
  for (const row of rows.filter(({ id }) => !(id in STRAY_EVENTS))) {
    test(`${row.id}: ${row.state}, ${row.events.join(' or ')}: ${row.guard}`, () => {
      const run = ROWS[row.id];
      assert.ok(run, `row ${row.id} is tested`);
      assertRow(row, run());
    });
  }
  for (const row of rows.filter(({ id }) => id in STRAY_EVENTS)) {
    test(`${row.id}: ${row.state} does not listen to ${row.events.join(', ')}`, () => {
      for (const event of row.events) assertRow(row, fireStray(row.id, event as AuditEventKind));
    });
  }
});

test('no cell of states and events is missing, no row is without a test, no test without a row', () => {
  const cells = new Set(rows.flatMap(({ state, events }) => events.map((event) => `${state} ${event}`)));
  for (const state of [...OPEN_PHASES, 'ended']) {
    for (const kind of KINDS) assert.ok(cells.has(`${state} ${kind}`), `${state}, ${kind}`);
  }
  assert.equal(cells.size, (OPEN_PHASES.length + 1) * KINDS.length, 'no cell of another name');
  const ids = rows.map(({ id }) => id);
  assert.deepEqual([...ids].sort(), [...Object.keys(ROWS), ...Object.keys(STRAY_EVENTS)].sort());
  assert.deepEqual(
    new Set(rows.filter(({ next }) => (ENDINGS as readonly string[]).includes(next)).map(({ code }) => code)),
    new Set(Object.keys(ENDING_REASONS)),
    'every reason ends something',
  );
});

const JOB: JobLife = {
  ...{ phase: 'OPEN', escrowWei: 7n, attempts: 0, releases: 0, deadline: { timeMs: 1_000, height: 10 } },
};
const { params } = PRESETS.devnet;
const BEFORE = { timeMs: 999, height: 20 };
const AFTER = { timeMs: 1_000, height: 10 };
const ended = (reason: EndingReason): JobEvent => ({ kind: 'ended', reason });
const ASSIGNED: JobLife = { ...JOB, phase: 'ASSIGNED', attempts: 1 };

/** In the order of the table of the life of a job. */
const JOB_CASES: readonly (readonly [JobLife, readonly JobEvent[], typeof BEFORE])[] = [
  [JOB, [{ kind: 'assigned' }], BEFORE],
  [JOB, [{ kind: 'assigned' }, { kind: 'cancel' }], AFTER],
  [JOB, [{ kind: 'cancel' }], BEFORE],
  [JOB, [{ kind: 'tick' }], AFTER],
  [{ ...JOB, attempts: 1 }, [{ kind: 'tick' }], AFTER],
  [JOB, [{ kind: 'tick' }], BEFORE],
  [JOB, [ended('FRAUD')], BEFORE],
  [ASSIGNED, [ended('CONFIRMED'), ended('UPHELD')], AFTER],
  [ASSIGNED, [ended('NO_MAJORITY'), ended('NO_VERIFIERS'), ended('DELIVERY_UNDECIDED')], BEFORE],
  [{ ...ASSIGNED, attempts: 3, releases: 2 }, [ended('INPUT_UNAVAILABLE')], BEFORE],
  [{ ...ASSIGNED, attempts: 3 }, [ended('FRAUD'), ended('COMMIT_DEADLINE')], BEFORE],
  [ASSIGNED, [ended('FRAUD'), ended('INPUT_UNAVAILABLE')], AFTER],
  [ASSIGNED, [ended('FRAUD'), ended('INPUT_UNAVAILABLE'), ended('GIVEN_UP')], BEFORE],
  [ASSIGNED, [{ kind: 'assigned' }, { kind: 'cancel' }, { kind: 'tick' }], AFTER],
  ...(['SETTLED', 'REFUNDED', 'CANCELLED', 'EXPIRED'] as const).map(
    (phase) => [{ ...JOB, phase }, [{ kind: 'tick' }, { kind: 'cancel' }, ended('FRAUD')], AFTER] as const,
  ),
];

test('the life of a job is the one of the specification, and its escrow is never stuck', () => {
  const table = tableUnder('| state | event | guard | new state | pays | code |');
  for (const [index, [job, events, now]] of JOB_CASES.entries()) {
    const [state = '', event = '', , next, pays, code] = table[Math.min(index, table.length - 1)] ?? [];
    assert.ok(state.split(', ').includes(job.phase));
    for (const one of events) {
      assert.ok(event === 'any' || event.split(', ').includes(one.kind), `${one.kind} in row ${index}`);
      const outcome = jobTransition(job, one, { now, params });
      if ('refused' in outcome) {
        assert.deepEqual([next, pays, code], ['–', '–', outcome.refused], `row ${index}`);
        continue;
      }
      const paid = outcome.payments.map(({ wei }) => wei);
      assert.deepEqual([next, code], [outcome.job.phase, outcome.reason ?? '–'], `row ${index}`);
      assert.deepEqual(paid, pays === 'escrow → client' ? [job.escrowWei] : [], `row ${index}`);
    }
  }
});

test('the specification has the numbers of all reasons', () => {
  const text = SPEC.join(' ');
  const numbered = Object.entries(ENDING_REASONS).map(([name, { number }]) => `${name} ${number}`);
  const ofJobs = Object.entries(JOB_REASONS).map(([name, number]) => `${name} ${number}`);
  for (const words of [numbered, ofJobs]) assert.ok(text.includes(words.join(', ')), words.join(', '));
});
