import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { Level } from 'level';
import { detectIsolation } from '../../../../compute/sandbox/isolation.js';
import type { SandboxOutcome } from '../../../../compute/sandbox/outcome.js';
import { runInSandbox, type SandboxJob } from '../../../../compute/sandbox/sandbox.js';

const ACTS = new URL('../../../support/sandbox-acts.js', import.meta.url);
const MIB = 2 ** 20;
const LIMITS = { memoryBytes: 64 * MIB, wallMs: 30_000, outputBytes: 8 * MIB, vramBytes: 1000 };
const isLinux = process.platform === 'linux';

interface Ran {
  readonly outcome: SandboxOutcome;
  readonly segments: ReadonlyMap<number, Uint8Array>;
}

async function act(
  name: string,
  job: Partial<SandboxJob> & { readonly argument?: unknown } = {},
): Promise<Ran> {
  const segments = new Map<number, Uint8Array>();
  const outcome = await runInSandbox({
    program: ACTS,
    inputs: [],
    settings: { act: name, argument: job.argument ?? null },
    limits: LIMITS,
    onSegment: (index, bytes) => void segments.set(index, bytes),
    ...job,
  });
  return { outcome, segments };
}

async function ending(name: string, job: Parameters<typeof act>[1] = {}): Promise<object> {
  const { wallMs: _wall, peakBytes: _peak, log: _log, ...rest } = (await act(name, job)).outcome;
  return rest;
}

/** Children of this process that are left, dead ones not waited for included. */
function childrenLeft(): string[] {
  if (!isLinux) return [];
  const pids = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').split(' ').filter(Boolean);
  return pids.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('sandbox'));
}

afterEach(() => assert.deepEqual(childrenLeft(), []));

describe('a job in the sandbox', () => {
  test('gets its inputs and hands out its segments, small and large', async () => {
    const large = Uint8Array.from({ length: 3 * MIB + 5 }, (_, i) => i % 251);
    const inputs = [new Uint8Array(0), Uint8Array.of(1, 2, 3), large];
    const steps: string[] = [];
    const { outcome, segments } = await act('reverse', {
      inputs,
      onProgress: (done, total) => steps.push(`${done}/${total}`),
    });
    assert.equal(outcome.kind, 'completed', outcome.log);
    inputs.forEach((input, index) => assert.deepEqual(segments.get(index), input.toReversed()));
    assert.equal(steps.at(-1), '3/3');
  });

  test('may print: what is printed is no result', async () => {
    const { outcome, segments } = await act('printsToo');
    assert.equal(outcome.kind, 'completed');
    assert.match(outcome.log, /hello from a driver/);
    assert.deepEqual([...segments.values()], [Uint8Array.of(9)]);
  });

  test('that is done but does not leave is ended, its results stand', async () => {
    const { outcome, segments } = await act('lingers');
    assert.equal(outcome.kind, 'completed');
    assert.deepEqual(segments.get(0), Uint8Array.of(7));
  });

  test('waits while the caller is busy with a segment', async () => {
    let open = 0;
    const outcome = await runInSandbox({
      program: ACTS,
      inputs: [new Uint8Array(MIB), new Uint8Array(MIB), new Uint8Array(MIB)],
      settings: { act: 'reverse' },
      limits: LIMITS,
      onSegment: async () => {
        assert.equal(++open, 1);
        await new Promise((resolve) => setImmediate(resolve));
        open--;
      },
    });
    assert.equal(outcome.kind, 'completed');
  });
});

describe('the parent says how a job ended', () => {
  const wallMs = 1_500;
  const cases: [string, Parameters<typeof act>[1], object][] = [
    ['hang', { limits: { ...LIMITS, wallMs } }, { kind: 'timed-out', limitMs: wallMs }],
    ['idle', { limits: { ...LIMITS, wallMs } }, { kind: 'timed-out', limitMs: wallMs }],
    ['exit', { argument: 3 }, { kind: 'crashed', exitCode: 3, signal: null }],
    ['exit', { argument: 0 }, { kind: 'crashed', exitCode: 0, signal: null }],
    ['exitAfterSegment', {}, { kind: 'crashed', exitCode: 0, signal: null }],
    ['signal', { argument: 'SIGSEGV' }, { kind: 'crashed', exitCode: null, signal: 'SIGSEGV' }],
    ['signal', { argument: 'SIGKILL' }, { kind: 'crashed', exitCode: null, signal: 'SIGKILL' }],
    ['deviceLost', {}, { kind: 'device-lost', message: 'the device was unplugged' }],
    ['vram', {}, { kind: 'out-of-memory', limit: 'vram' }],
    ['throws', {}, { kind: 'failed', code: 'OPERATOR_UNKNOWN', message: 'no such operator' }],
    ['results', {}, { kind: 'output-too-large', stream: 'results', maxBytes: 8 * MIB }],
    ['log', {}, { kind: 'output-too-large', stream: 'log', maxBytes: MIB }],
    ['text', {}, { kind: 'garbage', reason: 'bytes that begin no frame' }],
    ['random', { argument: 7 }, { kind: 'garbage', reason: 'bytes that begin no frame' }],
    ['falling', {}, { kind: 'garbage', reason: 'segment 0 after segment 1' }],
    ['hugeFrame', {}, { kind: 'garbage', reason: 'a frame of 2147483648 bytes' }],
    ['halfSegment', {}, { kind: 'garbage', reason: 'the end of a job inside a segment' }],
    ['lyingProgress', {}, { kind: 'garbage', reason: 'progress that is none' }],
    ['heap', {}, { kind: 'out-of-memory', limit: 'heap' }],
    ['typedArrays', {}, { kind: 'out-of-memory', limit: 'allocation' }],
    ['wasm', {}, { kind: 'out-of-memory', limit: 'allocation' }],
  ];
  for (const [name, job, expected] of cases)
    test(`${name} ${JSON.stringify(job?.argument ?? '')}`, async () => {
      assert.deepEqual(await ending(name, job), expected);
    });

  test('cancelled, before and while it runs', async () => {
    const aborted = AbortSignal.abort();
    assert.deepEqual(await ending('reverse', { signal: aborted }), { kind: 'cancelled' });
    const controller = new AbortController();
    const running = ending('idle', { signal: controller.signal });
    controller.abort();
    assert.deepEqual(await running, { kind: 'cancelled' });
  });

  test('an error of the caller ends the child and comes through', async () => {
    const job = act('results', {
      onSegment: () => {
        throw new Error('the disk is full');
      },
    });
    await assert.rejects(job, /the disk is full/);
  });
});

describe('a job cannot', { skip: isLinux ? false : 'what is taken from a job is Linux’s to take' }, () => {
  test('see the environment, files, processes, or what the parent has open', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ogpu-sandbox-'));
    const key = join(folder, 'validator.key');
    writeFileSync(key, 'secret');
    const database = new Level(join(folder, 'state'));
    await database.open();
    process.env['OGPU_TEST_SECRET'] = 'secret';
    try {
      const { outcome, segments } = await act('look', {
        argument: [key, '/proc/self/environ', '/etc/passwd'],
        environment: { EGL_PLATFORM: 'surfaceless' },
      });
      assert.equal(outcome.kind, 'completed', outcome.log);
      assert.deepEqual(JSON.parse(new TextDecoder().decode(segments.get(0))), {
        environment: { EGL_PLATFORM: 'surfaceless' },
        files: Array(3).fill('ERR_ACCESS_DENIED'),
        write: 'ERR_ACCESS_DENIED',
        openFiles: [],
        process: 'ERR_ACCESS_DENIED',
        worker: 'ERR_ACCESS_DENIED',
        code: 'EvalError: Code generation from strings disallowed for this context',
      });
      assert.equal(existsSync('/tmp/ogpu-sandbox-escape'), false);
    } finally {
      delete process.env['OGPU_TEST_SECRET'];
      await database.close();
      rmSync(folder, { recursive: true });
    }
  });

  test('reach the network, where the machine has namespaces', async (t) => {
    if (detectIsolation().network === 'none') {
      t.skip('no namespaces on this machine');
      return;
    }
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const { segments } = await act('dial', { argument: port });
    server.close();
    assert.equal(new TextDecoder().decode(segments.get(0)), 'ENETUNREACH');
  });

  test('find anything in a hidden folder, not even by native code', async (t) => {
    if (!detectIsolation().hidesFolders) {
      t.skip('no namespaces on this machine');
      return;
    }
    const hidden = mkdtempSync(join(tmpdir(), 'ogpu-hidden-'));
    mkdirSync(join(hidden, 'keys'));
    try {
      // The code itself hidden: Node's own loader, which is native, finds no entry.
      const dist = new URL('../../../../', import.meta.url).pathname;
      assert.equal((await act('reverse', { hidden: [hidden] })).outcome.kind, 'completed');
      assert.equal((await act('reverse', { hidden: [dist] })).outcome.kind, 'crashed');
      assert.ok(existsSync(join(hidden, 'keys')));
    } finally {
      rmSync(hidden, { recursive: true });
    }
  });

  test('outlive the node', async () => {
    const script = `
      import { runInSandbox } from ${JSON.stringify(new URL('../../../../compute/sandbox/sandbox.js', import.meta.url).href)};
      await runInSandbox({ program: new URL(${JSON.stringify(ACTS.href)}), inputs: [new Uint8Array(8)], settings: { act: 'hang' },
        limits: ${JSON.stringify(LIMITS)}, onSegment() {} });`;
    const node = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    const child = await eventually(() => {
      const [pid] = readFileSync(`/proc/${node.pid ?? 0}/task/${node.pid ?? 0}/children`, 'latin1').split(
        ' ',
      );
      return pid !== undefined && pid !== '' && isInNode(pid) ? pid : undefined;
    });
    node.kill('SIGKILL');
    await eventually(() => (existsSync(`/proc/${child}`) && !isDead(child) ? undefined : true));
  });

  test('run a module that is not of this project', async () => {
    await assert.rejects(act('reverse', { program: new URL('file:///tmp/program.js') }), {
      code: 'SANDBOX_PROGRAM_FOREIGN',
    });
  });
});

function isInNode(pid: string): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(process.execPath);
}

function isDead(pid: string): boolean {
  try {
    return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/, ''));
  } catch {
    return true;
  }
}

async function eventually<T>(find: () => T | undefined): Promise<T> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    assert.ok(performance.now() < endMs, 'it did not happen in 20 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
