import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { decodeImage, encodePng } from '../../compute/images/codec.js';
import { cropped } from '../../compute/images/image.js';
import { Closers } from '../closers.js';
import { DemoError } from '../demo/demo-error.js';
import type { PortChoice } from '../devnet/layout.js';
import { Narrator } from '../demo/narrator.js';
import { MAIN_FILE } from '../main-file.js';
import { setStage, VALIDATORS, type Stage } from '../demo/stage.js';
import { tellStory } from '../demo/story.js';
import { portsOption } from './ports-option.js';

interface DemoOptions {
  readonly cheat: boolean;
  readonly keep: boolean;
  readonly ports: PortChoice;
  readonly picture?: string;
  readonly out?: string;
}

/** `ogpu demo`: the main job, from nothing to a paid result, with everything that belongs to it. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('enlarge a photograph on a network of four validators and two providers, judged and paid')
    .option('--cheat', 'a provider makes up a part of its result: see it caught and slashed', false)
    .option('--keep', 'leave the network running until Ctrl-C, to look around', false)
    .addOption(portsOption())
    .option('--picture <file>', 'PNG or JPEG to enlarge: a cat unless given')
    .option('--out <file>', 'where the larger picture goes')
    .addHelpText('after', HELP)
    .action(run);
}

async function run(options: DemoOptions): Promise<void> {
  const stopping = stopRequest();
  const folder = await makeFolder();
  const picture = await pictureFor(folder, options);
  const out = resolve(options.out ?? join(folder, `${basename(picture, extname(picture))}-x2.png`));
  const closers = new Closers();
  const narrator = new Narrator();
  let isOver = false;
  try {
    narrator.live('a network starts, and a model becomes an integer program');
    const stage = await setStage(folder, options.ports, stopping.signal, closers);
    tellNetwork(stage, narrator);
    await tellStory(stage, narrator, { picture, out, cheats: options.cheat });
    tellNext(stage, narrator, options);
    if (options.keep) await stopping.asked;
    isOver = true;
  } finally {
    await closers.closeAll((part, error) => {
      process.stderr.write(`${part} did not close in order: ${String(error)}\n`);
    });
    if (isOver || stopping.signal.aborted) await cleanUp(folder, out);
    else process.stderr.write(`logs of all processes: ${folder}\n`);
  }
}

/** Nothing is left but the picture. */
async function cleanUp(folder: string, out: string): Promise<void> {
  for (const name of await readdir(folder))
    if (join(folder, name) !== out) await rm(join(folder, name), { recursive: true, force: true });
  if ((await readdir(folder)).length === 0) await rm(folder, { recursive: true });
}

function tellNetwork({ network }: Stage, narrator: Narrator): void {
  narrator.step(
    'network',
    `${VALIDATORS} validators, a process each; JSON-RPC at ${network.urls.join(', ')}`,
  );
}

function tellNext({ network }: Stage, narrator: Narrator, { keep, cheat }: DemoOptions): void {
  narrator.blank();
  const [url = ''] = network.urls;
  if (keep) {
    narrator.step('next', 'the network goes on until Ctrl-C; from another terminal:');
    narrator.command(`ogpu job list --phase SETTLED --rpc-url ${url}`);
    narrator.command(`ogpu status --rpc-url ${url}`);
    return;
  }
  narrator.step(
    'next',
    cheat
      ? 'npm start -- --keep     the same, honest, and left running'
      : 'npm start -- --cheat    a provider that makes things up',
  );
  narrator.detail('ogpu devnet             a network of your own; docs/jobs.md, docs/providers.md');
}

async function makeFolder(): Promise<string> {
  const parent = tmpdir();
  try {
    await mkdir(parent, { recursive: true });
    return await mkdtemp(join(parent, 'ogpu-demo-'));
  } catch (cause) {
    const data = { path: parent, cure: 'name a folder that can be written to in TMPDIR' };
    throw new DemoError('DEMO_FOLDER', 'cannot make a temporary folder', data, { cause });
  }
}

/** A cheat's job is judged whole, and done twice: a part of the photograph is enough for that. */
async function pictureFor(folder: string, { picture, cheat }: DemoOptions): Promise<string> {
  if (picture !== undefined || !cheat) return resolve(picture ?? CAT);
  const whole = decodeImage(await readFile(CAT));
  const [left, top] = [(whole.width - CHEAT_SIDE) >> 1, (whole.height - CHEAT_SIDE) >> 1];
  const part = join(folder, 'part-of-cat.png');
  await writeFile(part, encodePng(cropped(whole, left, top, CHEAT_SIDE, CHEAT_SIDE)));
  return part;
}

const CHEAT_SIDE = 128;

/** The photograph that comes with the documentation. */
const CAT = join(dirname(MAIN_FILE), '..', '..', 'docs', 'images', 'cat.png');

function stopRequest(): { readonly signal: AbortSignal; readonly asked: Promise<void> } {
  const controller = new AbortController();
  const asked = new Promise<void>((done) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const)
      process.once(name, () => {
        controller.abort();
        done();
      });
  });
  return { signal: controller.signal, asked };
}

const HELP = `
Everything is real: processes, sockets, signatures, disks, the network that enlarges pictures. Nothing is left behind but the picture.

Examples:
  $ ogpu demo                       under two minutes on two cores without a GPU
  $ ogpu demo --cheat               fraud, found, punished; the job is done by somebody else
  $ ogpu demo --picture me.jpg --out me-x2.png
`;
