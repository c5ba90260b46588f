import type { Command } from 'commander';

/** A command before it is loaded. */
export interface CommandEntry {
  /** Its description, so that a list of all loads none of them. */
  readonly description: string;
  readonly load: () => Promise<Command>;
}

/** Every command of `ogpu` by its name, in the order and under the headings of its help. */
export const COMMANDS: Readonly<Record<string, Readonly<Record<string, CommandEntry>>>> = {
  'A node:': {
    init: {
      description: 'make the data folder of a node: identity, configuration, genesis; what is there stays',
      load: async () => (await import('./commands/init.js')).initCommand(),
    },
    config: {
      description: 'show, check and begin the configuration of a node',
      load: async () => (await import('./commands/config.js')).configCommand(),
    },
    doctor: {
      description: 'look at clock, disk, memory, ports, keys, genesis and GPU, and say what to do',
      load: async () => (await import('./commands/doctor.js')).doctorCommand(),
    },
    start: {
      description:
        'run a node: follow the chain, serve clients, and sign blocks where a validator is configured',
      load: async () => (await import('./commands/start.js')).startCommand(),
    },
    devnet: {
      description: 'run a network of validators on this machine, with funded accounts and a faucet',
      load: async () => (await import('./commands/devnet.js')).devnetCommand(),
    },
    demo: {
      description: 'enlarge a photograph on a network of four validators and two providers, judged and paid',
      load: async () => (await import('./commands/demo.js')).demoCommand(),
    },
  },
  'Of a node that runs:': {
    status: {
      description: 'ask a node where it and its chain stand',
      load: async () => (await import('./commands/status.js')).statusCommand(),
    },
    peers: {
      description: 'ask a node whom it is connected with',
      load: async () => (await import('./commands/status.js')).peersCommand(),
    },
    send: {
      description: 'send OGPU to an address, and wait until it is final',
      load: async () => (await import('./commands/send.js')).sendCommand(),
    },
    tx: {
      description: 'ask what has become of a transaction',
      load: async () => (await import('./commands/send.js')).txCommand(),
    },
    stake: {
      description: 'delegate to validators, move and take back stake, claim rewards',
      load: async () => (await import('./commands/stake.js')).stakeCommand(),
    },
    validator: {
      description: 'register a validator, change its terms, free it from jail, look at all of them',
      load: async () => (await import('./commands/validator.js')).validatorCommand(),
    },
    blob: {
      description: 'bring blobs to a node, have them from it, and see what it has',
      load: async () => (await import('./commands/blob.js')).blobCommand(),
    },
    source: {
      description: 'register models as programs that jobs run, and see who can run them',
      load: async () => (await import('./commands/source.js')).sourceCommand(),
    },
    job: {
      description: 'post jobs, see where they are and how they are judged, have their results',
      load: async () => (await import('./commands/job.js')).jobCommand(),
    },
    provider: {
      description: 'run jobs for pay: register a provider, start its agent, see to its lockup',
      load: async () => (await import('./commands/provider.js')).providerCommand(),
    },
    faucet: {
      description: 'ask a devnet node for some coins',
      load: async () => (await import('./commands/faucet.js')).faucetCommand(),
    },
  },
  'Models:': {
    model: {
      description: 'import a model as an integer program, look at it, run it, verify it',
      load: async () => (await import('./commands/model.js')).modelCommand(),
    },
  },
  'Keys and genesis:': {
    keys: {
      description: 'make, import, list and inspect the keys of a node',
      load: async () => (await import('./commands/keys.js')).keysCommand(),
    },
    signer: {
      description: 'what a validator key signed last: begin it, carry it from one machine to another',
      load: async () => (await import('./commands/signer.js')).signerCommand(),
    },
    genesis: {
      description: 'make and check the document a chain starts from',
      load: async () => (await import('./commands/genesis.js')).genesisCommand(),
    },
  },
  'On the files of a stopped node:': {
    db: {
      description: 'look at, prune, compact and verify the database of a stopped node',
      load: async () => (await import('./commands/db.js')).dbCommand(),
    },
    export: {
      description: 'write blocks, transactions or accounts to standard output, one a line',
      load: async () => (await import('./commands/export.js')).exportCommand(),
    },
    check: {
      description: 'check a whole ledger: every entry against the state root, the supply, every invariant',
      load: async () => (await import('./commands/check.js')).checkCommand(),
    },
    replay: {
      description: 'execute blocks again and compare everything with what is stored',
      load: async () => (await import('./commands/replay.js')).replayCommand(),
    },
    diagnose: {
      description:
        'execute the block of a bundle again without a ledger, or compare two bundles of one block',
      load: async () => (await import('./commands/diagnose.js')).diagnoseCommand(),
    },
  },
};
