import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toChecksumAddress } from '../../protocol/address.js';
import { esrganFolder } from '../../compute/import/esrgan.js';
import { invariant } from '../../protocol/invariant.js';
import { RpcClient } from '../client/rpc-client.js';
import type { Closers } from '../closers.js';
import type { PortChoice } from '../devnet/layout.js';
import { developmentAccounts, type DevelopmentAccount } from '../devnet/accounts.js';
import { storeAccountKey } from '../keys/keyring.js';
import { startNetwork, type DemoNetwork } from './network.js';
import { ProviderProcess } from './provider-process.js';
import { runCommand } from './run-command.js';

/** Somebody of the story: an account, and how commands are told to sign for it. */
export interface Actor {
  readonly address: string;
  /** Of the node that it asks. */
  readonly url: string;
  /** Options of commands that ask a node and sign. */
  readonly options: readonly string[];
}

/** What the story is played on: a network, accounts with keys on disk, a model. */
export interface Stage {
  readonly network: DemoNetwork;
  readonly rpc: RpcClient;
  /** Posts the job. */
  readonly client: Actor;
  readonly providers: readonly Actor[];
  /** Folder of the imported model. */
  readonly model: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly closers: Closers;
}

export const VALIDATORS = 4;
const PROVIDERS = 2;

/** The keys guard play money and are public anyway. */
const FAST_KDF = { function: 'scrypt', n: 1_024, r: 8, p: 1 } as const;
const PASSWORD = 'play money';

/** Sides of a tile of the network that enlarges pictures, as its layout orders them. */
const TILE_SHAPE = 'LR=1,64,64,3';

/**
 * Starts the network and, meanwhile, makes an integer program of the model.
 *
 * @throws DemoError; ModelError MODEL_PACKAGE_MISSING; as keys do
 */
export async function setStage(
  folder: string,
  ports: PortChoice,
  signal: AbortSignal,
  closers: Closers,
): Promise<Stage> {
  const model = join(folder, 'esrgan-slim-x2');
  const network = await startWith(
    () => startNetwork(join(folder, 'network'), VALIDATORS, ports, signal),
    importModel(model, signal),
    closers,
  );
  const { developers } = await developmentAccounts(VALIDATORS);
  const urls = network.urls;
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 });
  const actors: Actor[] = [];
  // Each asks another node, as strangers would.
  for (const [index, account] of developers.slice(0, 1 + PROVIDERS).entries())
    actors.push(await storeActor(folder, account, urls[index % urls.length] ?? '', passwordFile));
  const [client, ...providers] = actors;
  invariant(client !== undefined, 'a devnet has accounts');
  return {
    ...{ network, client, providers, model, folder, signal, closers },
    rpc: new RpcClient(urls[0] ?? ''),
  };
}

/** A network that is closed again also where what is done meanwhile fails. */
async function startWith(
  start: () => Promise<DemoNetwork>,
  meanwhile: Promise<void>,
  closers: Closers,
): Promise<DemoNetwork> {
  const starting = start().then((network) => {
    closers.add('network', () => network.close());
    return network;
  });
  await Promise.allSettled([starting, meanwhile]);
  await meanwhile;
  return starting;
}

async function importModel(out: string, signal: AbortSignal): Promise<void> {
  const folder = esrganFolder();
  const samples = join(folder, 'assets', 'fixture.png');
  const model = join(folder, 'models', 'x2');
  await runCommand(
    ['model', 'import', model, '--shape', TILE_SHAPE, '--pictures', '--samples', samples, '--out', out],
    signal,
  );
}

async function storeActor(
  folder: string,
  { address, secretKey }: DevelopmentAccount,
  url: string,
  passwordFile: string,
): Promise<Actor> {
  const keys = join(folder, 'keys');
  const text = toChecksumAddress(address);
  await storeAccountKey(keys, secretKey, PASSWORD, { kdf: FAST_KDF });
  return {
    address: text,
    url,
    options: ['--rpc-url', url, '--dir', keys, '--from', text, '--password-file', passwordFile],
  };
}

/** Registers a provider and runs its agent. @param extra options of the agent */
export async function startProvider(
  stage: Stage,
  index: number,
  extra: readonly string[] = [],
): Promise<void> {
  const { folder, closers, signal, providers } = stage;
  const provider = providers[index];
  invariant(provider !== undefined, 'there is such a provider');
  const name = `provider-${index + 1}`;
  await runCommand(
    ['provider', 'register', '--name', name, '--lockup', LOCKUP_OGPU, ...provider.options],
    signal,
  );
  const agent = new ProviderProcess(
    [...provider.options, '--data', join(folder, name), ...extra],
    join(folder, `${name}.log`),
  );
  closers.add(name, () => agent.close());
}

export const LOCKUP_OGPU = '500';
