import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { decodeImage, encodePng } from '../../../compute/images/codec.js';
import { jobCommand } from '../../../node/commands/job.js';
import { sourceCommand } from '../../../node/commands/source.js';
import { storeAccountKey } from '../../../node/keys/keyring.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { fromHex, toHex, type Hex } from '../../../protocol/bytes.js';
import { OgpuError } from '../../../protocol/errors.js';
import { runCommand, type CommandRun } from '../../support/commands.js';
import { JobMarket, tinyModel, writeTinyModel, type TinyModel } from '../../support/job-market.js';
import { createPrng } from '../../support/prng.js';
import { until } from '../../support/rpc-chain.js';
import { LIGHT_SCRYPT, temporaryFolder } from '../keys/support.js';

const PASSWORD = 'correct horse';
const PIXELS = createPrng(8).bytes(13 * 9);

type Make = Parameters<typeof runCommand>[0];
type Json = Readonly<Record<string, unknown>>;

let market: JobMarket;
before(async () => {
  market = await JobMarket.start();
});
after(() => market.close());

/** A folder with a model, a picture and a key, and commands that use them. */
async function desk(t: TestContext, model: TinyModel = market.model) {
  const folder = await temporaryFolder(t);
  const at = (name: string): string => join(folder, name);
  await writeTinyModel(at('model'), model);
  await writeFile(at('in.png'), encodePng({ width: 13, height: 9, channels: 1, data: PIXELS }));
  const account = market.chain.rich[1];
  assert.ok(account);
  await storeAccountKey(at('keys'), fromHex(account.privateKey), PASSWORD, { kdf: LIGHT_SCRYPT });
  const ask = (make: Make, ...args: string[]): Promise<CommandRun> =>
    runCommand(make, [...args, '--rpc-url', market.chain.server.url]);
  const sign = (make: Make, ...args: string[]): Promise<CommandRun> =>
    ask(make, ...args, '--dir', at('keys'));
  const post = (...args: string[]): Promise<CommandRun> =>
    sign(jobCommand, 'post', '--model', at('model'), '--input', at('in.png'), ...args);
  return { at, ask, sign, post };
}

function jsonOf({ out, error }: CommandRun): Json {
  assert.equal(error, undefined, String(error));
  return JSON.parse(out) as Json;
}

describe('ogpu source', () => {
  test('registers, waits until it is open, lists, shows, reviews and retires', async (t) => {
    const model = tinyModel(1);
    const { at, ask, sign } = await desk(t, model);
    const id = toHex(model.program.hash);
    const registering = sign(sourceCommand, 'register', at('model'), '--open-wait', '60', '--json');
    await until(async () => (await market.chain.call('ogpu_source', [id])).error === undefined);
    assert.match((await ask(sourceCommand, 'show', id)).out, /status +waits for validators\n/);
    await market.attest(model.program.hash);
    const report = jsonOf(await registering);
    assert.deepEqual([report['source'], report['isNew'], report['takesJobs']], [id, true, true]);
    const again = jsonOf(await sign(sourceCommand, 'register', at('model'), '--json'));
    assert.deepEqual([again['source'], again['isNew'], again['hash']], [id, false, undefined]);
    assert.match((await ask(sourceCommand, 'list')).out, new RegExp(`${id} +takes jobs +batch +0 +100 %\n`));
    const shown = jsonOf(await ask(sourceCommand, 'show', id, '--json'));
    assert.deepEqual(
      [shown['status'], shown['takesJobs'], typeof shown['bondWei']],
      ['open', true, 'string'],
    );
    jsonOf(await sign(sourceCommand, 'review', id, '--json'));
    jsonOf(await sign(sourceCommand, 'retire', id, '--json'));
    assert.match((await ask(sourceCommand, 'show', id)).out, /status +retired\n/);
  });

  test('what nobody opens in time is said so, and an unknown one', async (t) => {
    const { at, ask, sign } = await desk(t, tinyModel(2));
    const { code, error } = await sign(sourceCommand, 'register', at('model'), '--open-wait', '1');
    assert.equal(code, 'SOURCE_NOT_OPEN');
    assert.ok(error instanceof OgpuError && String(error.data['cure']).includes('ogpu source show'));
    assert.equal((await ask(sourceCommand, 'show', `0x${'00'.repeat(32)}`)).code, 'RPC_REFUSED');
    assert.equal((await ask(sourceCommand, 'show', '0x12')).code, 'commander.invalidArgument');
  });
});

describe('ogpu job post and result', () => {
  before(async () => {
    const { program, graph } = market.model;
    const { sourcesModule } = await import('../../../state/modules/sources.js');
    await market.send(0, sourcesModule, 'register', [graph], 20n * WEI_PER_OGPU);
    await market.attest(program.hash);
  });

  test('a picture is posted once, computed, judged, and comes back larger', async (t) => {
    const { at, ask, sign, post } = await desk(t);
    await writeFile(at('other.bin'), createPrng(2).bytes(5 * 36));
    const terms = ['--price', '2', '--value', '3', '--key', 'a name', '--json'];
    const report = jsonOf(await post(...terms));
    const job = report['job'] as Hex;
    assert.deepEqual([report['isNew'], report['final'], report['segments']], [true, true, 12]);
    assert.deepEqual(
      [report['priceWei'], report['valueWei'], report['full']],
      [(2n * WEI_PER_OGPU).toString(), (3n * WEI_PER_OGPU).toString(), false],
    );
    const again = jsonOf(await post(...terms));
    assert.deepEqual(
      [again['job'], again['isNew'], again['hash'], again['priceWei']],
      [job, false, undefined, undefined],
    );
    const other = await sign(
      jobCommand,
      'post',
      '--model',
      at('model'),
      '--input',
      at('other.bin'),
      ...terms,
    );
    assert.equal(other.code, 'JOB_KEY_USED');
    const early = await ask(jobCommand, 'result', job, '--out', at('out.png'));
    assert.equal(early.code, 'JOB_NOT_SETTLED');
    assert.ok(early.error instanceof OgpuError && early.error.data['phase'] === 'OPEN');
    await market.play(job);
    const found = jsonOf(
      await ask(jobCommand, 'result', job, '--out', at('out.png'), '--model', at('model'), '--json'),
    );
    assert.deepEqual([found['job'], found['attempt'], found['verified']], [job, 0, true]);
    const image = decodeImage(await readFile(at('out.png')));
    assert.deepEqual([image.width, image.height, image.data[0]], [26, 18, 255 - (PIXELS[0] ?? 0)]);
    assert.match((await ask(jobCommand, 'result', job, '--out', at('out.bin'))).out, /verified +468 bytes/);
    assert.equal((await readFile(at('out.bin'))).length, 26 * 18);
  });

  test('is watched to its end', async (t) => {
    const { post } = await desk(t);
    const posting = post('--watch', '--key', `0x${'5a'.repeat(32)}`, '--json');
    const id = async (): Promise<Hex | undefined> => {
      const { jobs } = await market.chain.ask<{ jobs: { id: Hex }[] }>('ogpu_jobs', [{ phase: 'OPEN' }]);
      return jobs[0]?.id;
    };
    await until(async () => (await id()) !== undefined);
    await market.play((await id()) ?? '0x');
    const report = jsonOf(await posting);
    assert.equal((report['ended'] as Json)['phase'], 'SETTLED');
    assert.equal(report['key'], `0x${'5a'.repeat(32)}`);
  });

  test('a model that is not registered, or not open, is said with its cure before anything is paid', async (t) => {
    const { at, sign, post } = await desk(t, tinyModel(3));
    const unknown = await post();
    assert.equal(unknown.code, 'SOURCE_UNKNOWN');
    assert.ok(
      unknown.error instanceof OgpuError &&
        String(unknown.error.data['cure']).includes('ogpu source register'),
    );
    jsonOf(await sign(sourceCommand, 'register', at('model'), '--open-wait', '0', '--json'));
    assert.equal((await post()).code, 'SOURCE_NOT_OPEN');
  });

  test('what a module refuses, files and options that do not fit', async (t) => {
    const { at, ask, sign, post } = await desk(t);
    const poor = await post('--price', '5', '--value', '4');
    assert.deepEqual([poor.code, (poor.error as OgpuError).data['error']], ['CALL_REVERTED', 'InvalidValue']);
    const sampled = await post('--sampled', '1');
    assert.equal((sampled.error as OgpuError).data['error'], 'InvalidSample');
    assert.equal((await post('--tile-margin', '3')).code, 'SEGMENTATION_UNFIT');
    assert.equal((await post('--price', '-1')).code, 'commander.invalidArgument');
    const nothing = ['post', '--model', at('model'), '--input', at('nothing.png')];
    assert.equal((await sign(jobCommand, ...nothing)).code, 'FILE_UNUSABLE');
    const unknown = await ask(jobCommand, 'result', `0x${'4e'.repeat(32)}`, '--out', at('out.png'));
    assert.equal(unknown.code, 'JOB_UNKNOWN');
  });

  test('a forged output is not written', async (t) => {
    const { at, ask, post } = await desk(t);
    const job = jsonOf(await post('--json'))['job'] as Hex;
    await market.play(job, { output: createPrng(1).bytes(26 * 18) });
    const { code } = await ask(jobCommand, 'result', job, '--out', at('forged.png'));
    assert.equal(code, 'RESULT_MISMATCH');
    await assert.rejects(readFile(at('forged.png')), { code: 'ENOENT' });
  });
});
