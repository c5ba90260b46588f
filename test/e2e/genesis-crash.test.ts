import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ledgerGenesis, openLedger } from '../../node/ledger.js';
import { toHex } from '../../protocol/bytes.js';
import { withFolder } from '../support/faulty-stores.js';
import { contentOf, expectedState } from '../support/genesis.js';
import { writerGenesis, type WriterLine } from '../support/ledger-writer.js';

const WRITER = fileURLToPath(new URL('../support/ledger-writer.js', import.meta.url));
const ACCOUNTS = 20_000;

test('a node killed with SIGKILL at each step of its first start makes the same ledger at the next', () =>
  withFolder(async (folder) => {
    const genesis = writerGenesis(ACCOUNTS);
    const expected = expectedState(ledgerGenesis(genesis));
    for (const lines of [1, 3, 4, 6, 7]) {
      const path = join(folder, `killed-after-${lines}`);
      const last = await killAfter(path, lines);
      assert.equal(last.step, lines <= 3 ? 'entries' : lines <= 6 ? 'tree' : 'open');
      const { store, head } = await openLedger({ path, genesis });
      assert.equal(toHex(head.stateRoot), expected.root);
      assert.deepEqual(await contentOf(store), expected.content);
      await store.close();
    }
  }));

/** Starts a node on `path` and kills it after some lines of its output; the last of them. */
async function killAfter(path: string, lines: number): Promise<WriterLine> {
  const child = spawn(process.execPath, [WRITER, path, String(ACCOUNTS), 'stay'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('close', (_code, signal) => resolve(signal)),
  );
  const seen: WriterLine[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (seen.length < lines) seen.push(JSON.parse(line) as WriterLine);
    if (seen.length === lines) child.kill('SIGKILL');
  }
  assert.equal(await exited, 'SIGKILL');
  const last = seen.at(-1);
  assert.ok(last !== undefined);
  return last;
}
