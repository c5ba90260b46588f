import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDurable, RECORD_KIND, recordPayload } from '../support/durable-writer.js';
import { createPrng } from '../support/prng.js';

const WRITER = fileURLToPath(new URL('../support/durable-writer.js', import.meta.url));
const KILLS = 8;

describe('a validator whose process is killed with SIGKILL while it logs and signs', () => {
  test(`has after each of ${KILLS} kills what it logged, and never contradicts itself`, () =>
    withFolder(async (path) => {
      const prng = createPrng(2026);
      const signed = new Map<number, string>();
      let last = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const child = spawn(process.execPath, [WRITER, path, String(1 + kill)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const lines = await killAfter(child, 1 + prng.below(6));
        for (const { height, signBytes } of lines) {
          assert.ok([undefined, signBytes].includes(signed.get(height)), `two votes at height ${height}`);
          signed.set(height, signBytes);
        }
        const reached = lines.at(-1);
        assert.ok(reached !== undefined && reached.height >= last, 'the validator went on');
        last = await checkDisk(path, reached);
      }
    }));
});

const shell = ['/bin/bash', '/usr/bin/bash'].find((file) => existsSync(file));

test(
  'a log that the disk refuses is reported, and has every acknowledged record when it is opened again',
  { skip: shell === undefined ? 'needs bash for a limit on file size' : false },
  () =>
    withFolder(async (path) => {
      // The limit on file size (in KiB) stands in for a full disk: write(2) fails part-way through a group.
      const limited = `ulimit -f 9; exec "$0" "$@"`;
      const { stdout } = spawnSync(shell ?? '', ['-c', limited, process.execPath, WRITER, path, '1'], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      assert.match(stdout, /^0 0 0x[0-9a-f]{64}\nDISK_FULL\n$/);
      const { opened, signer, close } = await openDurable(path);
      assert.equal(signer.record.last?.height, 0, 'nothing left after that');
      const { recovered } = opened;
      assert.equal(recovered?.height, 1);
      assert.equal(recovered.records.length, 2);
      assert.ok(recovered.tornBytes > 0);
      await close();
    }),
);

interface Line {
  readonly height: number;
  readonly synced: number;
  readonly signBytes: string;
}

/** Kills the child once it has written `count` lines; all it wrote before it was gone. */
async function killAfter(child: ChildProcess, count: number): Promise<Line[]> {
  assert.ok(child.stdout !== null);
  const lines: Line[] = [];
  const exited = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('close', (_code, signal) => resolve(signal)),
  );
  for await (const line of createInterface({ input: child.stdout })) {
    const [height, synced, signBytes = ''] = line.split(' ');
    lines.push({ height: Number(height), synced: Number(synced), signBytes });
    if (lines.length === count) child.kill('SIGKILL');
  }
  assert.equal(await exited, 'SIGKILL');
  return lines;
}

/** The log's records and the signer's record against the last line written. @returns height of the log */
async function checkDisk(path: string, reached: Line): Promise<number> {
  const { opened, signer, close } = await openDurable(path);
  const height = opened.recovered?.height ?? 0;
  assert.ok(height >= reached.height);
  const records = opened.recovered?.records ?? [];
  if (height === reached.height) assert.ok(records.length >= reached.synced);
  records.forEach(({ kind, payload }, number) => {
    assert.equal(kind, RECORD_KIND);
    assert.deepEqual(new Uint8Array(payload), recordPayload(height, number));
  });
  assert.ok((signer.record.last?.height ?? 0) >= reached.height);
  await close();
  return height;
}

async function withFolder(use: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'ogpu-consensus-'));
  await use(path).finally(() => rm(path, { recursive: true }));
}
