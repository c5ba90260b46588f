import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AdapterChoice } from '../../../../compute/gpu/adapter-choice.js';
import type { SandboxOutcome } from '../../../../compute/sandbox/outcome.js';
import { runInSandbox } from '../../../../compute/sandbox/sandbox.js';
import { OPERATOR_NAMES } from '../../../../protocol/graph/operators.js';
import type { CasesResult, CasesSettings } from '../../../support/gpu-tensor-acts.js';
import { skipWithout, SOFTWARE_ADAPTERS } from '../../../support/software-adapters.js';

const MIB = 2 ** 20;
const LIMITS = { memoryBytes: 1024 * MIB, wallMs: 240_000, outputBytes: MIB, vramBytes: 64 * MIB };

/** What the program of that name in `test/support` says, and how it ended. */
async function say(
  program: string,
  choice: AdapterChoice,
  settings: object,
): Promise<{ readonly outcome: SandboxOutcome; readonly said: string }> {
  let said = '';
  const outcome = await runInSandbox({
    program: new URL(`../../../support/${program}.js`, import.meta.url),
    inputs: [],
    settings: { choice, ...settings },
    environment: choice.environment,
    limits: LIMITS,
    onSegment: (_index, bytes) => {
      said = new TextDecoder().decode(bytes);
    },
  });
  return { outcome, said };
}

async function compare(choice: AdapterChoice, settings: Omit<CasesSettings, 'choice'>): Promise<CasesResult> {
  const { outcome, said } = await say('gpu-tensor-acts', choice, settings);
  assert.equal(outcome.kind, 'completed', JSON.stringify(outcome));
  return JSON.parse(said) as CasesResult;
}

const EACH = 2;

for (const [name, choice] of SOFTWARE_ADAPTERS) {
  describe(`the executor on ${name}`, { skip: skipWithout(choice) }, () => {
    test('computes every operator as the reference does, to the bit', async () => {
      assert.ok(choice);
      const cases = OPERATOR_NAMES.flatMap((op, place) =>
        Array.from({ length: EACH }, (_, seed) => ({ op, seed: 1000 * place + seed })),
      );
      const large = [1, 2, 3, 4].map((seed) => ({ op: 'largeProduct', seed }) as const);
      const { ran, wrong } = await compare(choice, { cases: [...cases, ...large] });
      assert.deepEqual(wrong, []);
      assert.ok(ran > (cases.length * 2) / 3, `only ${ran} of ${cases.length} cases were proved and run`);
    });

    test('computes products without dot4I8Packed, and in many dispatches', async () => {
      assert.ok(choice);
      const cases = [11, 12].map((seed) => ({ op: 'largeProduct', seed }) as const);
      const settings = { cases, withoutDot: true, unitLimit: 50_000 };
      assert.deepEqual(await compare(choice, settings), { ran: cases.length, wrong: [] });
    });

    const acts: readonly (readonly [string, string])[] = [
      ['splits', 'cuts long work into dispatches that change nothing'],
      ['alternates', 'runs programs in turn and at once, in the same memory'],
      ['refuses', 'refuses a program that needs more device memory than there is, and goes on'],
      ['forgets', 'keeps no more idle memory than it may'],
    ];
    for (const [act, promise] of acts)
      test(promise, async () => {
        assert.ok(choice);
        const { outcome, said } = await say('gpu-program-acts', choice, { act });
        assert.equal(outcome.kind, 'completed', JSON.stringify(outcome));
        assert.equal(said, act);
      });

    test('says that the device was lost', async () => {
      assert.ok(choice);
      const { outcome } = await say('gpu-program-acts', choice, { act: 'loses' });
      assert.equal(outcome.kind, 'device-lost', JSON.stringify(outcome));
    });
  });
}
