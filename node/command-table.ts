import type { Command } from 'commander';

type Load = () => Promise<Command>;

/** Every command of `ogpu` by its name, in the order and under the headings of its help. */
export const COMMANDS: Readonly<Record<string, Readonly<Record<string, Load>>>> = {
  'A node:': {
    init: async () => (await import('./commands/init.js')).initCommand(),
    config: async () => (await import('./commands/config.js')).configCommand(),
    doctor: async () => (await import('./commands/doctor.js')).doctorCommand(),
    start: async () => (await import('./commands/start.js')).startCommand(),
    devnet: async () => (await import('./commands/devnet.js')).devnetCommand(),
    demo: async () => (await import('./commands/demo.js')).demoCommand(),
  },
  'Of a node that runs:': {
    status: async () => (await import('./commands/status.js')).statusCommand(),
    peers: async () => (await import('./commands/status.js')).peersCommand(),
    send: async () => (await import('./commands/send.js')).sendCommand(),
    tx: async () => (await import('./commands/send.js')).txCommand(),
    stake: async () => (await import('./commands/stake.js')).stakeCommand(),
    validator: async () => (await import('./commands/validator.js')).validatorCommand(),
    faucet: async () => (await import('./commands/faucet.js')).faucetCommand(),
  },
  'Keys and genesis:': {
    keys: async () => (await import('./commands/keys.js')).keysCommand(),
    signer: async () => (await import('./commands/signer.js')).signerCommand(),
    genesis: async () => (await import('./commands/genesis.js')).genesisCommand(),
  },
  'On the files of a stopped node:': {
    db: async () => (await import('./commands/db.js')).dbCommand(),
    export: async () => (await import('./commands/export.js')).exportCommand(),
    check: async () => (await import('./commands/check.js')).checkCommand(),
    replay: async () => (await import('./commands/replay.js')).replayCommand(),
    diagnose: async () => (await import('./commands/diagnose.js')).diagnoseCommand(),
  },
};

export function isCommand(name: string | undefined): boolean {
  return name !== undefined && Object.values(COMMANDS).some((commands) => Object.hasOwn(commands, name));
}
