import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hardwareChoice } from '../../compute/gpu/adapter-choice.js';
import { findAdapters } from '../../compute/gpu/adapters.js';

/** A kind of GPU that a provider tells of itself. */
export interface AnnouncedGpu {
  /** 1 to 32 of `a-z 0-9 . _ -`. */
  readonly vendor: string;
  /** 1 to 64 of the same. */
  readonly model: string;
  readonly vramMiB: number;
  readonly count: number;
}

/** The GPU that this machine would compute on; undefined where there is none, or nobody says how much memory it has. */
export async function findGpu(): Promise<AnnouncedGpu | undefined> {
  const [found] = await findAdapters([hardwareChoice()]);
  if (found === undefined || !('description' in found) || found.description.isSoftware) return undefined;
  const { vendor, device } = found.description;
  const memories = await memoriesMiB();
  const [vramMiB] = memories;
  if (vramMiB === undefined) return undefined;
  return {
    ...{ vendor: nameFrom(vendor, 32), model: nameFrom(device, 64), vramMiB },
    count: memories.filter((each) => each === vramMiB).length,
  };
}

/** A name as the ledger spells it. */
export function nameFrom(text: string, maxLength: number): string {
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .slice(0, maxLength)
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  return plain === '' ? 'unknown' : plain;
}

/** Of each GPU, as NVIDIA's driver or AMD's part of Linux says. */
async function memoriesMiB(): Promise<number[]> {
  const nvidia = await nvidiaMemories();
  return nvidia.length > 0 ? nvidia : amdMemories();
}

const TOOL_TIMEOUT_MS = 10_000;

async function nvidiaMemories(): Promise<number[]> {
  const query = ['--query-gpu=memory.total', '--format=csv,noheader,nounits'];
  const asked = promisify(execFile)('nvidia-smi', query, { timeout: TOOL_TIMEOUT_MS, maxBuffer: 65_536 });
  const { stdout } = await asked.catch(() => ({ stdout: '' }));
  return positive(stdout.split('\n').map((line) => Number(line.trim() === '' ? NaN : line)));
}

async function amdMemories(): Promise<number[]> {
  const folder = '/sys/class/drm';
  const cards = (await readdir(folder).catch(() => [])).filter((name) => /^card\d+$/.test(name));
  const read = (card: string): Promise<string> =>
    readFile(join(folder, card, 'device', 'mem_info_vram_total'), 'utf8').catch(() => '');
  const texts = await Promise.all(cards.map(read));
  return positive(texts.map((text) => Math.floor(Number(text.trim()) / 2 ** 20)));
}

function positive(numbers: readonly number[]): number[] {
  return numbers.filter((number) => Number.isInteger(number) && number > 0 && number < 2 ** 32);
}
