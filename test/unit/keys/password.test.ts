import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import {
  checkNewPassword,
  MAX_PASSWORD_BYTES,
  promptPassword,
  readPasswordFile,
  type Terminal,
} from '../../../node/keys/password.js';
import { rejectsWith, temporaryFolder, writePrivate } from './support.js';

describe('readPasswordFile', () => {
  const contents: [content: string, password: string][] = [
    ['secret', 'secret'],
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    ['secret\n\n', 'secret\n'],
    ['  two words \t\n', '  two words \t'],
    ['first\nsecond\n', 'first\nsecond'],
    ['\n', ''],
    ['pässwörd🔑\n', 'pässwörd🔑'],
  ];
  for (const [content, password] of contents) {
    test(`${JSON.stringify(content)} holds ${JSON.stringify(password)}`, async (t) => {
      const file = await writePrivate(join(await temporaryFolder(t), 'password'), content);
      assert.equal(await readPasswordFile(file), password);
    });
  }

  test('a file that others can read, one that is too long, one that is not text', async (t) => {
    const folder = await temporaryFolder(t);
    const open = await writePrivate(join(folder, 'open'), 'secret');
    await chmod(open, 0o644);
    await rejectsWith(readPasswordFile(open), 'SECRET_FILE_PERMISSIONS');
    const long = await writePrivate(join(folder, 'long'), 'x'.repeat(MAX_PASSWORD_BYTES + 1));
    await rejectsWith(readPasswordFile(long), 'SECRET_FILE_TOO_LARGE');
    const binary = await writePrivate(join(folder, 'binary'), Uint8Array.of(0xff, 0xfe));
    await rejectsWith(readPasswordFile(binary), 'PASSWORD_NOT_UTF8');
  });
});

describe('checkNewPassword', () => {
  test('counts characters, not code units, and no control codes', async () => {
    assert.equal(checkNewPassword('12345678'), '12345678');
    assert.equal(checkNewPassword('🔑'.repeat(8)), '🔑'.repeat(8));
    await rejectsWith(() => checkNewPassword('1234567'), 'PASSWORD_TOO_SHORT');
    await rejectsWith(() => checkNewPassword('🔑'.repeat(7)), 'PASSWORD_TOO_SHORT');
    await rejectsWith(() => checkNewPassword('\t'.repeat(20)), 'PASSWORD_TOO_SHORT');
    await rejectsWith(() => checkNewPassword('x'.repeat(MAX_PASSWORD_BYTES + 1)), 'PASSWORD_TOO_LONG');
  });
});

describe('promptPassword', () => {
  /** A terminal at which somebody types the next line whenever a question is asked. */
  function terminal(...lines: string[]): { terminal: Terminal; shown: () => string; modes: boolean[] } {
    const modes: boolean[] = [];
    const input = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: (isRaw: boolean) => modes.push(isRaw),
    });
    let shown = '';
    const output = new PassThrough();
    output.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
      if (chunk.toString().endsWith(': ')) input.write(lines.shift() ?? '\u0003');
    });
    return { terminal: { input, output }, shown: () => shown, modes };
  }

  test('shows the question and nothing of the answer', async () => {
    const { terminal: tty, shown, modes } = terminal('hunter2 hunter2\r');
    assert.equal(await promptPassword('Password: ', {}, tty), 'hunter2 hunter2');
    assert.equal(shown(), 'Password: \n');
    assert.deepEqual(modes, [true, false], 'raw mode, so that the terminal does not echo, and back');
  });

  test('backspace and cursor keys edit', async () => {
    const { terminal: tty } = terminal('hunnter\u007f\u007f\u007f\u007fter\u001b[D\u001b[C2\r');
    assert.equal(await promptPassword('Password: ', {}, tty), 'hunter2');
  });

  test('asks again and compares', async () => {
    const repeat = 'Again: ';
    assert.equal(await promptPassword('Password: ', { repeat }, terminal('one\r', 'one\r').terminal), 'one');
    await rejectsWith(
      promptPassword('Password: ', { repeat }, terminal('one\r', 'two\r').terminal),
      'PASSWORD_NOT_REPEATED',
    );
  });

  test('both lines pasted at the first question answer both', async () => {
    const repeat = 'Again: ';
    for (const pasted of ['one\rone\r', 'one\none\n', 'one\r\none\r\n']) {
      const { terminal: tty, shown } = terminal(pasted, '');
      assert.equal(await promptPassword('Password: ', { repeat }, tty), 'one');
      assert.equal(shown(), 'Password: \nAgain: \n');
    }
    await rejectsWith(
      promptPassword('Password: ', { repeat }, terminal('one\rtwo\r', '').terminal),
      'PASSWORD_NOT_REPEATED',
    );
  });

  test('Ctrl-C and Ctrl-D cancel', async () => {
    await rejectsWith(promptPassword('Password: ', {}, terminal('abc\u0003').terminal), 'PASSWORD_CANCELLED');
    await rejectsWith(promptPassword('Password: ', {}, terminal('\u0004').terminal), 'PASSWORD_CANCELLED');
    await rejectsWith(
      promptPassword('Password: ', { repeat: 'Again: ' }, terminal('abc\r', '\u0003').terminal),
      'PASSWORD_CANCELLED',
    );
  });

  test('too long an answer', async () => {
    const { terminal: tty } = terminal(`${'x'.repeat(MAX_PASSWORD_BYTES + 1)}\r`);
    await rejectsWith(promptPassword('Password: ', {}, tty), 'PASSWORD_TOO_LONG');
  });

  test('without a terminal the error names the way out', async () => {
    const input = new PassThrough();
    const data = await rejectsWith(
      promptPassword('Password: ', {}, { input, output: new PassThrough() }),
      'PASSWORD_NO_TERMINAL',
    );
    assert.match(String(data.cure), /--password-file/);
  });
});
