import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { createGenesis, DOCUMENT_FILE } from '../../genesis/create.js';
import { writeFileAtomically } from '../../genesis/files.js';
import { bindOwner } from '../../genesis/owner-binding.js';
import { toChecksumAddress } from '../../protocol/address.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { toHex } from '../../protocol/bytes.js';

import { bls } from '../../protocol/crypto/bls.js';
import { OgpuError } from '../../protocol/errors.js';
import { protocolVersionAt } from '../../protocol/params.js';
import { PRESETS } from '../../protocol/presets.js';
import { CONFIG_FILE } from '../config/load.js';
import { genesisNote, keysFolder } from '../data-folder.js';
import { noteGenesis } from '../genesis-source.js';
import type { KdfParams } from '../keys/kdf.js';
import { storeNodeIdentity, storeValidatorKey } from '../keys/keyring.js';
import { generateValidatorSecret } from '../keys/secret-key.js';
import { createSecretFile } from '../keys/secret-file.js';
import { beginRecord } from '../signer-record.js';
import { toJson } from '../terminal-text.js';
import { developmentAccounts, type DevelopmentAccount } from './accounts.js';
import { freePorts } from './ports.js';

export class DevnetError extends OgpuError<'DEVNET_FOLDER_FOREIGN' | 'DEVNET_NOT_READY'> {}

export const MAX_DEVNET_VALIDATORS = 16;

/** One node of a devnet: where it lies and where it listens. */
export interface DevnetNode {
  readonly name: string;
  readonly folder: string;
  readonly peerId: string;
  readonly p2pPort: number;
  readonly rpcPort: number;
  readonly metricsPort: number;
}

export interface Devnet {
  readonly folder: string;
  readonly genesisFile: string;
  readonly nodes: readonly DevnetNode[];
}

/** The ports that wallets expect, where they are free now; or any, for networks that start at the same time as others. */
export const PORT_CHOICES = ['known', 'any'] as const;
export type PortChoice = (typeof PORT_CHOICES)[number];

/** Ports asked for first: the ones wallets and dashboards expect. */
const FIRST_PORTS = { p2p: 26_656, rpc: 8_545, metrics: 9_464 } as const;

const STAKE_WEI = 10_000n * WEI_PER_OGPU;

/** The keys guard play money and are thrown away with their folder: starting fast matters more. */
const FAST_KDF: KdfParams = { function: 'scrypt', n: 1_024, r: 8, p: 1 };

const MARK = 'devnet.json';

const MarkSchema = z.strictObject({
  version: z.literal(1),
  nodes: z
    .array(
      z.strictObject({
        name: z.string(),
        peerId: z.string(),
        p2pPort: z.int(),
        rpcPort: z.int(),
        metricsPort: z.int(),
      }),
    )
    .min(1)
    .max(MAX_DEVNET_VALIDATORS),
});

export function configFile({ folder }: DevnetNode): string {
  return join(folder, CONFIG_FILE);
}

export function logFile({ folder }: DevnetNode): string {
  return join(folder, 'node.log');
}

export function dataFolder({ folder }: DevnetNode): string {
  return join(folder, 'data');
}

/**
 * Lays out a devnet in an empty or new folder: keys, genesis and a configuration for each validator. The mark is written last, so that
 * half a layout is never taken for a whole one.
 *
 * @throws DevnetError DEVNET_FOLDER_FOREIGN; and as keys, genesis and files do
 */
export async function createDevnet(
  folder: string,
  validators: number,
  which: PortChoice = 'known',
): Promise<Devnet> {
  const ports = await choosePorts(validators, which);
  const { developers, faucet, owners } = await developmentAccounts(validators);
  const secrets = owners.map(() => generateValidatorSecret());
  const nodes: DevnetNode[] = [];
  for (const [index, own] of ports.entries()) {
    const name = `node-${index}`;
    const at = join(folder, name);
    const { identity } = await storeNodeIdentity(keysFolder(join(at, 'data')));
    nodes.push({ name, folder: at, peerId: identity.peerId, ...own });
  }
  const genesisFolder = join(folder, 'genesis');
  const { state } = await createGenesis({
    preset: 'devnet',
    genesisTimeMs: Date.now(),
    validators: owners.map((owner, index) => genesisEntry(owner, secrets[index] ?? NO_SECRET, index)),
    allocations: [...developers, faucet, ...owners].map(({ address, balanceWei }) => ({
      address,
      balanceWei,
    })),
    snapshots: [],
    decimals: 0,
    directory: genesisFolder,
    force: false,
  });
  const genesisFile = join(genesisFolder, DOCUMENT_FILE);
  const faucetKeyFile = join(folder, 'faucet.key');
  await createSecretFile(faucetKeyFile, Buffer.from(toHex(faucet.secretKey)));
  for (const [index, node] of nodes.entries()) {
    const owner = owners[index];
    const secret = secrets[index];
    if (owner === undefined || secret === undefined) continue;
    await layOutNode({ node, nodes, owner, secret, genesisFile, faucetKeyFile });
    const identity = { chainId: state.chainId, genesisId: state.id, publicKey: bls.publicKey(secret) };
    await beginRecord(dataFolder(node), identity);
    await noteGenesis(genesisFile, genesisNote(dataFolder(node)), state);
  }
  const mark = { version: 1, nodes: nodes.map(({ folder: _, ...node }) => node) };
  await writeFileAtomically(join(folder, MARK), [Buffer.from(toJson(mark))], { replace: false });
  return { folder, genesisFile, nodes };
}

/** The devnet that lies in a folder; undefined where there is none. @throws DevnetError DEVNET_FOLDER_FOREIGN */
export async function findDevnet(folder: string): Promise<Devnet | undefined> {
  const text = await readFile(join(folder, MARK), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = MarkSchema.safeParse(tryJson(text));
  if (!parsed.success) {
    throw new DevnetError(
      'DEVNET_FOLDER_FOREIGN',
      'the folder holds a devnet that this version does not know',
      {
        ...{ folder, cure: 'choose another folder with --dir, or delete this one' },
      },
    );
  }
  return {
    folder,
    genesisFile: join(folder, 'genesis', DOCUMENT_FILE),
    nodes: parsed.data.nodes.map((node) => ({ ...node, folder: join(folder, node.name) })),
  };
}

const NO_SECRET = new Uint8Array(32);

type Ports = Pick<DevnetNode, 'p2pPort' | 'rpcPort' | 'metricsPort'>;

async function choosePorts(count: number, which: PortChoice): Promise<Ports[]> {
  const wanted = (first: number): number[] =>
    Array.from({ length: count }, (_, i) => (which === 'any' ? 0 : first + i));
  const { p2p, rpc, metrics } = FIRST_PORTS;
  const ports = await freePorts([...wanted(p2p), ...wanted(rpc), ...wanted(metrics)]);
  return Array.from({ length: count }, (_, i) => ({
    p2pPort: ports[i] ?? 0,
    rpcPort: ports[count + i] ?? 0,
    metricsPort: ports[2 * count + i] ?? 0,
  }));
}

function genesisEntry(
  { address }: DevelopmentAccount,
  secret: Uint8Array,
  index: number,
): Parameters<typeof createGenesis>[0]['validators'][number] {
  const { chainId, params } = PRESETS.devnet;
  return {
    name: `devnet-${index}`,
    owner: address,
    operator: address,
    payout: address,
    blsPublicKey: bls.publicKey(secret),
    proofOfPossession: bls.provePossession(secret),
    ownerBinding: bindOwner(secret, { chainId, protocolVersion: protocolVersionAt(params, 0) }, address),
    stakeWei: STAKE_WEI,
    commissionBps: 500,
  };
}

async function layOutNode(parts: {
  readonly node: DevnetNode;
  readonly nodes: readonly DevnetNode[];
  readonly owner: DevelopmentAccount;
  readonly secret: Uint8Array;
  readonly genesisFile: string;
  readonly faucetKeyFile: string;
}): Promise<void> {
  const { node, nodes, owner, secret, genesisFile, faucetKeyFile } = parts;
  const password = randomBytes(16).toString('hex');
  const passwordFile = join(node.folder, 'password');
  await createSecretFile(passwordFile, Buffer.from(password));
  const key = await storeValidatorKey(keysFolder(dataFolder(node)), secret, password, { kdf: FAST_KDF });
  await writeConfig(node, genesisFile, nodes, [
    '',
    '[validator]',
    'enabled = true',
    `keystoreFile = ${quoted(key.file)}`,
    `passwordFile = ${quoted(passwordFile)}`,
    `owner = ${quoted(toChecksumAddress(owner.address))}`,
    '',
    '[rpc]',
    ...rpcLines(node),
    `faucetKeyFile = ${quoted(faucetKeyFile)}`,
  ]);
}

/** Lays out a node that only follows, beside the validators. @param more lines of its configuration */
export async function addFollower(
  { folder, genesisFile, nodes }: Devnet,
  name: string,
  more: readonly string[] = [],
): Promise<DevnetNode> {
  const [p2pPort = 0, rpcPort = 0, metricsPort = 0] = await freePorts([0, 0, 0]);
  const at = join(folder, name);
  const { identity } = await storeNodeIdentity(keysFolder(join(at, 'data')));
  const node: DevnetNode = { name, folder: at, peerId: identity.peerId, p2pPort, rpcPort, metricsPort };
  await writeConfig(node, genesisFile, nodes, ['', '[rpc]', ...rpcLines(node), ...more]);
  return node;
}

function rpcLines({ rpcPort }: DevnetNode): string[] {
  return [`port = ${rpcPort}`, 'corsOrigins = ["*"]'];
}

async function writeConfig(
  node: DevnetNode,
  genesisFile: string,
  nodes: readonly DevnetNode[],
  more: readonly string[],
): Promise<void> {
  const peers = nodes.filter(({ name }) => name !== node.name).map(multiaddress);
  const lines = [
    '# A node of a devnet. Nothing here is secret, or worth anything elsewhere.',
    `dataDir = ${quoted(dataFolder(node))}`,
    `genesis = ${quoted(genesisFile)}`,
    '',
    '[p2p]',
    `listen = [${quoted(`/ip4/127.0.0.1/tcp/${node.p2pPort}`)}]`,
    `peers = [${peers.map(quoted).join(', ')}]`,
    '',
    '[metrics]',
    `port = ${node.metricsPort}`,
    ...more,
    '',
  ];
  await mkdir(dataFolder(node), { recursive: true, mode: 0o700 });
  await writeFile(configFile(node), lines.join('\n'));
}

function multiaddress({ p2pPort, peerId }: DevnetNode): string {
  return `/ip4/127.0.0.1/tcp/${p2pPort}/p2p/${peerId}`;
}

/** A TOML string: JSON's are a part of them. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
