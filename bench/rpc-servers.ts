import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromHex, type Hex } from '../protocol/bytes.js';

/** A node under measurement, in a process of its own. */
export interface BenchServer {
  readonly name: string;
  readonly port: number;
  readonly chainId: number;
  readonly privateKeys: readonly Uint8Array[];
  /** Processor time it has used, in ms; NaN where the system does not tell. */
  cpuMs(): number;
  close(): Promise<void>;
}

/** Peers are no dependencies of this project: they lie in a folder of their own, installed by `OGPU_BENCH_PEERS=1`. */
const PEERS_FOLDER = join(tmpdir(), 'ogpu-bench-peers');
const PEERS = ['@foundry-rs/anvil-linux-amd64@1.7.1', 'hardhat@2.26.3'];

/** The account that anvil and Hardhat give money to, known to everybody. */
const KNOWN_KEY: Hex = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';

export async function startOurs(): Promise<BenchServer> {
  const script = fileURLToPath(new URL('rpc-server.js', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const line = await lineOf(child, /^\{.*\}$/m);
  const { port, chainId, privateKeys } = JSON.parse(line) as {
    port: number;
    chainId: number;
    privateKeys: Hex[];
  };
  return {
    name: 'ours',
    port,
    chainId,
    privateKeys: privateKeys.map((key) => fromHex(key)),
    cpuMs: () => cpuMsOf(child),
    close: () => end(child),
  };
}

/** Those that are installed, or can be. */
export async function startPeers(): Promise<BenchServer[]> {
  if (process.env['OGPU_BENCH_PEERS'] === '1') await install();
  const anvil = join(PEERS_FOLDER, 'node_modules', '@foundry-rs', 'anvil-linux-amd64', 'bin', 'anvil');
  const hardhat = join(PEERS_FOLDER, 'node_modules', '.bin', 'hardhat');
  const started: BenchServer[] = [];
  if (existsSync(anvil)) {
    const port = await freePort();
    const child = spawn(anvil, ['--port', String(port), '--silent'], {
      stdio: 'ignore',
    });
    started.push(peer('anvil', port, child));
  }
  if (existsSync(hardhat)) {
    await writeFile(
      join(PEERS_FOLDER, 'hardhat.config.js'),
      'module.exports = { solidity: "0.8.28", networks: { hardhat: { loggingEnabled: false } } };\n',
    );
    const port = await freePort();
    const env = { ...process.env, HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true', CI: 'true' };
    const child = spawn(hardhat, ['node', '--port', String(port)], {
      cwd: PEERS_FOLDER,
      stdio: 'ignore',
      env,
    });
    started.push(peer('hardhat', port, child));
  }
  try {
    for (const server of started) {
      await untilAnswers(server);
      // As many blocks as ours has: their range of logs must not be empty.
      await ask(server, `${server.name}_mine`, ['0x14']);
    }
    return started;
  } catch (error) {
    for (const server of started) await server.close();
    throw error;
  }
}

function peer(name: string, port: number, child: ChildProcess): BenchServer {
  return {
    name,
    port,
    chainId: 31_337,
    privateKeys: [fromHex(KNOWN_KEY)],
    cpuMs: () => cpuMsOf(child),
    close: () => end(child),
  };
}

async function install(): Promise<void> {
  await mkdir(PEERS_FOLDER, { recursive: true });
  const manifest = join(PEERS_FOLDER, 'package.json');
  if (!existsSync(manifest)) await writeFile(manifest, '{"private":true}');
  const child = spawn('npm', ['install', '--no-audit', '--no-fund', ...PEERS], {
    cwd: PEERS_FOLDER,
    stdio: 'ignore',
  });
  await new Promise((resolve) => child.once('close', resolve));
}

async function untilAnswers(server: BenchServer): Promise<void> {
  const endMs = Date.now() + 60_000;
  for (;;) {
    try {
      await ask(server, 'eth_chainId', []);
      return;
    } catch {
      if (Date.now() > endMs) throw new Error(`${server.name} does not answer`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function ask({ port }: BenchServer, method: string, params: readonly unknown[]): Promise<void> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers, body });
  const answer = (await response.json()) as { error?: { message: string } };
  if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
}

/** Linux counts it in hundredths of a second. */
function cpuMsOf({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return NaN;
  }
}

function lineOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (part: Buffer) => {
      text += part.toString();
      const found = pattern.exec(text);
      if (found !== null) resolve(found[0]);
    });
    child.once('exit', (code) => {
      reject(new Error(`the server ended with ${code}`));
    });
  });
}

function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGINT' = 'SIGKILL'): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => {
      resolve();
    });
    child.kill(signal);
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  });
}
