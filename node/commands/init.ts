import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { parsePeer } from '../config/addresses.js';
import { initDataFolder, type InitReport } from '../init.js';
import { keysFolder } from '../data-folder.js';
import {
  examples,
  formatRows,
  print,
  PROCESS_CONTEXT,
  type CommandContext,
  type JsonOption,
} from './command-context.js';
import { listOf } from './list-option.js';

interface InitOptions extends JsonOption {
  readonly data: string;
  readonly genesis?: string;
  readonly peers: readonly string[];
}

/** `ogpu init`: a data folder to start a node in. */
export function initCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return new Command('init')
    .description('make the data folder of a node: identity, configuration, genesis; what is there stays')
    .option('--data <folder>', 'data folder', join(homedir(), '.ogpu'))
    .option('--genesis <file>', 'genesis.json of the chain; it is checked and copied with its snapshots')
    .option(
      '--peers <list>',
      'multiaddresses with /p2p/<peer id>, for the new configuration',
      listOf(parsePeer),
      [],
    )
    .option('--json', 'print JSON', false)
    .addHelpText('after', HELP)
    .action((options: InitOptions) => runInit(context, options));
}

async function runInit(context: CommandContext, options: InitOptions): Promise<void> {
  const dataDir = resolve(options.data);
  const report = await initDataFolder({
    dataDir,
    genesis: options.genesis,
    settings: {
      ...(dataDir === join(homedir(), '.ogpu') ? {} : { dataDir }),
      ...(options.peers.length === 0 ? {} : { 'p2p.peers': options.peers }),
    },
  });
  await print(
    context,
    options,
    { dataDir, ...report, genesisId: report.genesisId ?? null },
    describe(dataDir, report),
  );
}

function describe(dataDir: string, { peerId, genesisId, files }: InitReport): string {
  const rows = files.map(({ path, outcome }) => [outcome, path] as const);
  const facts = [
    ['peer id', peerId],
    ['genesis', genesisId ?? 'none yet'],
  ] as const;
  const next = [
    ...(genesisId === undefined ? [`ogpu init --data ${dataDir} --genesis <genesis.json>`] : []),
    `ogpu doctor --data ${dataDir}`,
    `ogpu start --data ${dataDir}`,
  ];
  return `${formatRows([...rows, ...facts])}\nNext:\n${next.map((line) => `  ${line}\n`).join('')}To validate: ogpu keys new validator --dir ${keysFolder(dataDir)}, and [validator] in the configuration\n`;
}

const HELP = `${examples(
  ['ogpu init --genesis testnet/genesis.json', 'in ~/.ogpu'],
  [
    'ogpu init --data /srv/ogpu --genesis genesis.json --peers /dns4/a.example.org/tcp/26600/p2p/12D3KooW…',
    'with a peer to begin with',
  ],
)}
Nothing that is there is changed: run it again at any time. A data folder belongs to one chain for ever.
`;
