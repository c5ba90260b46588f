import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The platforms whose build of cast is published under a name npm can install; the others are left out by `overrides`. */
const PACKAGES: Readonly<Record<string, string>> = { 'linux-x64': 'linux-amd64' };

/** Why cast cannot be run on this machine at all; where it can be, it must be there. */
export const CAST_UNAVAILABLE: string | undefined =
  PACKAGES[platform()] === undefined ? `npm has no cast for ${platform()}` : undefined;

/** Any proxy that answers would do harm: nothing asks the network, and whatever asks gets nothing. */
const OFFLINE = 'http://127.0.0.1:1';

/** The output of `cast` with `args`, which must not need the network. */
export function cast(args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(castBinary(), args, {
    encoding: 'utf8',
    timeout: 30_000,
    cwd: tmpdir(),
    env: { HOME: tmpdir(), HTTPS_PROXY: OFFLINE, HTTP_PROXY: OFFLINE, ALL_PROXY: OFFLINE, NO_COLOR: '1' },
  });
  assert.equal(error, undefined, `cast ${args.join(' ')}`);
  assert.equal(status, 0, `cast ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** What a command of cast that talks to a node on this machine comes to. Without blocking: the node may be in this process. */
export function castAsync(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  const env = { HOME: tmpdir(), NO_COLOR: '1', NO_PROXY: '127.0.0.1', HTTPS_PROXY: OFFLINE, ...environment };
  return new Promise((resolve, reject) => {
    const child = spawn(castBinary(), args, { cwd: tmpdir(), env, timeout: 30_000 });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
    child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
    child.once('error', reject);
    child.once('close', (status) => {
      resolve({ status, stdout: stdout.trim(), stderr: stderr.trim() });
    });
  });
}

/** What cast prints with `--json`, its whole numbers as text so that none is rounded. */
export function castJson(args: readonly string[]): readonly unknown[] {
  const text = cast([...args, '--json']).replace(/^(\s*)(-?\d+)(,?)$/gm, '$1"$2"$3');
  return JSON.parse(text) as readonly unknown[];
}

function castBinary(): string {
  const suffix = PACKAGES[platform()];
  assert.ok(suffix !== undefined, `npm has no cast for ${platform()}`);
  const installed = `@foundry-rs/cast-${suffix}`;
  const path = join(packageFolder(installed), 'bin', 'cast');
  assert.ok(existsSync(path), `cast is missing at ${path}: npm ci --include=optional installs ${installed}`);
  return path;
}

function packageFolder(name: string): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch (cause) {
    throw new Error(`${name} is not installed: npm ci --include=optional installs it`, { cause });
  }
}

function platform(): string {
  return `${process.platform}-${process.arch}`;
}
