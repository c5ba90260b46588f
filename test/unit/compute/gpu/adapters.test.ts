import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openGlesChoice, type AdapterChoice } from '../../../../compute/gpu/adapter-choice.js';
import { chooseAdapter, findAdapters } from '../../../../compute/gpu/adapters.js';
import type { DeviceDescription } from '../../../../compute/gpu/device.js';
import type { SandboxOutcome } from '../../../../compute/sandbox/outcome.js';
import { runInSandbox } from '../../../../compute/sandbox/sandbox.js';
import { skipWithout, SOFTWARE_ADAPTERS } from '../../../support/software-adapters.js';

const ACTS = new URL('../../../support/gpu-acts.js', import.meta.url);
const LIMITS = { memoryBytes: 512 * 2 ** 20, wallMs: 60_000, outputBytes: 2 ** 20, vramBytes: 2 ** 20 };

async function compute(
  choice: AdapterChoice,
  act: string,
  input: Uint32Array,
): Promise<{ readonly outcome: SandboxOutcome; readonly result: Uint32Array }> {
  let result = new Uint32Array(0);
  const outcome = await runInSandbox({
    program: ACTS,
    inputs: [new Uint8Array(input.buffer)],
    settings: { choice, act },
    environment: choice.environment,
    limits: LIMITS,
    onSegment: (_index, bytes) => {
      result = new Uint32Array(new Uint8Array(bytes).buffer);
    },
  });
  return { outcome, result };
}

/** The kernel of the test program, in JavaScript. */
function mix(input: Uint32Array): Uint32Array {
  const byte = (word: number, lane: number): number => (word << (24 - 8 * lane)) >> 24;
  return input.map((word, i) => {
    const x = (Math.imul(word, 1_664_525) + i) >>> 0;
    const dot = [0, 1, 2, 3].reduce((sum, lane) => sum + byte(x, lane) * byte(word, lane), 0);
    return (dot ^ (x >>> 7)) >>> 0;
  });
}

for (const [name, choice] of SOFTWARE_ADAPTERS) {
  describe(name, { skip: skipWithout(choice) }, () => {
    test('describes itself as software', async () => {
      assert.ok(choice);
      const [found] = await findAdapters([choice]);
      assert.ok(found && 'description' in found, JSON.stringify(found));
      assert.equal(found.description.isSoftware, true);
      assert.equal(found.description.backend, choice.backend);
      assert.match(found.description.device, /llvmpipe|swiftshader/i);
      assert.deepEqual(chooseAdapter([found]), found);
    });

    test('computes integers as JavaScript does', async () => {
      assert.ok(choice);
      const input = Uint32Array.from({ length: 1000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
      const { outcome, result } = await compute(choice, 'mix', input);
      assert.equal(outcome.kind, 'completed', outcome.log);
      assert.deepEqual(result, mix(input));
    });

    test('a device that is lost, and a shader that is none, are told apart', async () => {
      assert.ok(choice);
      const lost = await compute(choice, 'lose', new Uint32Array(4));
      assert.equal(lost.outcome.kind, 'device-lost', lost.outcome.log);
      const { outcome } = await compute(choice, 'refuse', new Uint32Array(4));
      assert.ok(outcome.kind === 'failed' && outcome.code === 'GPU_COMMAND_REFUSED', JSON.stringify(outcome));
    });
  });
}

describe('adapters', () => {
  test('the null back end is refused, by whatever name it comes', async () => {
    const choice = { backend: 'null', environment: {} } as unknown as AdapterChoice;
    const { outcome } = await compute(choice, 'mix', new Uint32Array(4));
    assert.ok(outcome.kind === 'failed' && outcome.code === 'GPU_BACKEND_REFUSED', JSON.stringify(outcome));
  });

  test('a machine without a driver has no device, and says why', async () => {
    const nowhere = { backend: 'vulkan', environment: { VK_ICD_FILENAMES: '/nowhere.json' } } as const;
    const found = await findAdapters([nowhere]);
    assert.ok(found[0] && 'outcome' in found[0] && found[0].outcome.kind === 'failed', JSON.stringify(found));
    assert.equal(found[0].outcome.code, 'GPU_NO_ADAPTER');
    assert.equal(chooseAdapter(found), undefined);
  });

  test('a GPU comes before software', () => {
    const description = (isSoftware: boolean, device: string): DeviceDescription => ({
      vendor: 'v',
      architecture: 'a',
      device,
      driver: 'd',
      backend: 'vulkan',
      isSoftware,
    });
    const choice = openGlesChoice();
    const software = { choice, description: description(true, 'llvmpipe') };
    const hardware = { choice, description: description(false, 'a card') };
    assert.equal(chooseAdapter([software, hardware]), hardware);
    assert.equal(chooseAdapter([software]), software);
  });
});
