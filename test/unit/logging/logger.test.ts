import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { HIDDEN } from '../../../node/logging/fields.js';
import { createLogger, prettyTarget, type Logger } from '../../../node/logging/logger.js';
import { Repeats } from '../../../node/logging/repeats.js';
import { fromHex } from '../../../protocol/bytes.js';
import { OgpuError } from '../../../protocol/errors.js';
import { REPOSITORY_ROOT } from '../../support/vectors.js';

type Entry = Record<string, unknown> & { readonly err: Record<string, unknown> };

function collect(level: 'trace' | 'info' = 'trace'): {
  logger: Logger;
  lines: string[];
  entries: () => Entry[];
} {
  const lines: string[] = [];
  const logger = createLogger(level, { write: (line) => lines.push(line) });
  return { logger, lines, entries: () => lines.map((line) => JSON.parse(line) as Entry) };
}

function first<Item>([item]: readonly Item[]): Item {
  assert(item !== undefined);
  return item;
}

const SECRET = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

test('an entry is one JSON line with time, level, part, message and fields in JSON terms', () => {
  const { logger, lines, entries } = collect();
  logger
    .child({ part: 'consensus' })
    .info({ height: 12, feeWei: 10n ** 20n, id: fromHex('0x00ff', 2), none: undefined }, 'block is final');
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^\{.*\}\n$/);
  const { time, ...rest } = first(entries());
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, {
    level: 'info',
    part: 'consensus',
    height: 12,
    feeWei: '100000000000000000000',
    id: '0x00ff',
    msg: 'block is final',
  });
});

test('levels below the chosen one are not written', () => {
  const { logger, lines } = collect('info');
  logger.debug({}, 'no');
  logger.info({}, 'yes');
  assert.equal(lines.length, 1);
  assert.deepEqual([logger.isLevelEnabled('debug'), logger.isLevelEnabled('warn')], [false, true]);
});

test('a typed error is written with code, data and causes', () => {
  const { logger, entries } = collect();
  const cause = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  class DiskTrouble extends OgpuError<'DISK_FULL'> {}
  logger.error(
    { err: new DiskTrouble('DISK_FULL', 'full', { path: '/d', freeBytes: 12n }, { cause }) },
    'cannot write',
  );
  const { err } = first(entries());
  assert.equal(err['type'], 'DiskTrouble');
  assert.equal(err['code'], 'DISK_FULL');
  assert.deepEqual(err['data'], { path: '/d', freeBytes: '12' });
  assert.match(String(err['stack']), /DiskTrouble: full\n +at /);
  const inner = err['cause'] as Record<string, unknown>;
  assert.deepEqual([inner['code'], inner['message']], ['ENOSPC', 'no space']);
});

describe('a secret is not written', () => {
  const bytes = fromHex(`0x${SECRET}`, 32);
  const cases: readonly (readonly [string, Record<string, unknown>])[] = [
    ['by its name', { password: SECRET, secretKey: bytes, mnemonic: SECRET, privKey: SECRET, seed: bytes }],
    ['in the validator part of a configuration', { validator: { passphrase: SECRET, blsSecretKey: bytes } }],
    ['in a list', { keys: [{ kind: 'validator', privateKey: bytes }] }],
    ['in the data of an error', { err: new OgpuError('X', 'x', { accountPassword: SECRET }) }],
    [
      'in the cause of an error',
      { err: new Error('y', { cause: new OgpuError('X', 'x', { secret: SECRET }) }) },
    ],
    ['in a map', { map: new Map([['newPassword', SECRET]]) }],
    ['in headers of a request', { headers: { Authorization: `Bearer ${SECRET}`, cookie: SECRET } }],
  ];
  for (const [name, fields] of cases) {
    test(name, () => {
      const { logger, lines } = collect();
      logger.info(fields, 'entry');
      logger.child(fields).info({}, 'entry');
      const text = lines.join('');
      assert(!text.includes(SECRET), text);
      assert(text.includes(HIDDEN), text);
      const pretty: string[] = [];
      for (const line of lines) prettyTarget({ write: (out) => pretty.push(out) }, true).write(line);
      assert(!pretty.join('').includes(SECRET));
    });
  }

  test('what is beside a secret is', () => {
    const { logger, entries } = collect();
    logger.info({ passwordFile: '/p', publicKey: '0x1', keystoreFile: '/k' }, 'entry');
    const { passwordFile, publicKey, keystoreFile } = first(entries());
    assert.deepEqual([passwordFile, publicKey, keystoreFile], ['/p', '0x1', '/k']);
  });
});

test('an entry is bounded whatever it is given', () => {
  const { logger, lines } = collect();
  const loop: Record<string, unknown> = {};
  loop['again'] = loop;
  const many = Array.from({ length: 100_000 }, (_, i) => i);
  logger.info(
    { loop, many, text: 'x'.repeat(10_000_000), bytes: new Uint8Array(1_000_000), f: () => 1 },
    'entry',
  );
  assert((lines[0]?.length ?? 0) < 20_000);
});

test('for people: one line, coloured or not, and nothing steers the terminal', () => {
  const { logger, lines } = collect();
  logger.child({ part: 'p2p' }).warn({ peer: 'evil\u001b[2J\n', count: 3 }, 'peer refused');
  logger.error({ err: new TypeError('unexpected') }, 'failed');
  const render = (isColoured: boolean): string[] => {
    const out: string[] = [];
    for (const line of lines) prettyTarget({ write: (text) => out.push(text) }, isColoured).write(line);
    return out;
  };
  const [one = '', two = ''] = render(false);
  assert.match(
    one,
    /^\d\d:\d\d:\d\d\.\d{3} WARN {2}p2p {7}peer refused peer="evil\\u001b\[2J\\n" count=3\n$/,
  );
  assert.match(two, /ERROR failed error=unexpected\n {4}at /);
  // eslint-disable-next-line no-control-regex
  assert.match(render(true)[0] ?? '', /\u001b\[33mWARN/);
});

test('repetitions are counted, the first of them and one in a while written', () => {
  const { logger, entries } = collect();
  let nowMs = 0;
  const repeats = new Repeats({ windowMs: 100, maxKinds: 2, nowMs: () => nowMs });
  const warn = (kind: string): void => {
    repeats.write(kind, logger.warn, { kind }, 'again');
  };
  for (let i = 0; i < 1000; i++) warn('a');
  warn('b');
  nowMs = 100;
  warn('a');
  assert.deepEqual(
    entries().map(({ kind, suppressed }) => [kind, suppressed]),
    [
      ['a', undefined],
      ['b', undefined],
      ['a', 999],
    ],
  );
  // A third kind: the one that was written longest ago is forgotten, so that nobody fills the memory with kinds.
  warn('c');
  warn('b');
  assert.equal(entries().length, 5);
});

test('a log on standard output outlives its reader, and loses nothing that was flushed', async () => {
  const program = `
    const { openLog } = await import(process.argv[1]);
    const log = openLog({ level: 'info', format: 'auto' });
    for (let i = 0; i < 1000; i++) log.logger.info({ i }, 'entry');
    log.flush();
    await new Promise((resolve) => process.stdin.once('data', resolve));
    for (let i = 0; i < 30_000; i++) log.logger.info({ i, text: 'x'.repeat(200) }, 'nobody reads this');
    await new Promise((resolve) => setTimeout(resolve, 50));
    log.flush();
    process.stderr.write('alive');
    process.exit(0);
  `;
  const module = new URL('../../../node/logging/logger.js', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, module], {
    cwd: join(REPOSITORY_ROOT),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  for await (const chunk of child.stdout) {
    out += String(chunk);
    if (out.includes('"i":999,')) break;
  }
  child.stdin.end('go');
  const [code] = (await once(child, 'exit')) as [number];
  assert.deepEqual([code, err], [0, 'alive']);
  assert.equal(out.split('\n').filter((line) => line !== '').length, 1000);
});
