import { spawn } from 'node:child_process';
import type { Hex } from '../../protocol/bytes.js';
import { PROGRAM } from './program.js';
import type { RichAccount } from './rpc-chain.js';

/** A network as `ogpu devnet` runs it: each validator a process. */
export interface DevnetProcess {
  readonly chainId: number;
  /** Where the nodes answer clients. */
  readonly ports: readonly number[];
  /** With money, and known keys. */
  readonly accounts: readonly RichAccount[];
  /** Resolves when all processes are gone. */
  close(): Promise<void>;
}

/** Resolves when every node answers. */
export async function startDevnetProcess(validators: number): Promise<DevnetProcess> {
  const child = spawn(
    process.execPath,
    [PROGRAM, 'devnet', '--validators', String(validators), '--ports', 'any', '--json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (part: Buffer) => {
      text += part.toString();
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.once('exit', (code) => {
      reject(new Error(`the devnet ended with ${code}`));
    });
  });
  const { chainId, nodes, accounts } = JSON.parse(line) as {
    chainId: number;
    nodes: readonly { rpcPort: number }[];
    accounts: readonly { address: Hex; secretKey: Hex }[];
  };
  return {
    chainId,
    ports: nodes.map(({ rpcPort }) => rpcPort),
    accounts: accounts.map(({ address, secretKey }) => ({ address, privateKey: secretKey })),
    close: () => {
      child.kill('SIGINT');
      return closed;
    },
  };
}
