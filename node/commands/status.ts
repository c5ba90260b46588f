import { Command } from 'commander';
import { toChecksumAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { Peers, Status } from '../client/answers.js';
import {
  examples,
  formatRows,
  formatTable,
  print,
  PROCESS_CONTEXT,
  type CommandContext,
} from './command-context.js';
import { clientOf, onlineOptions, type OnlineOptions } from './online-options.js';

/** `ogpu status`: how a node and its chain are. */
export function statusCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return onlineOptions(new Command('status'))
    .description('ask a node where it and its chain stand')
    .addHelpText('after', examples(['ogpu status --rpc-url http://10.0.0.5:8545', 'of another node']))
    .action(async (options: OnlineOptions) => {
      const status = await clientOf(options).call('ogpu_status', [], Status);
      await print(context, options, jsonOf(status), describe(status));
    });
}

/** `ogpu peers`: who a node is connected with. */
export function peersCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return onlineOptions(new Command('peers'))
    .description('ask a node whom it is connected with')
    .addHelpText('after', examples(['ogpu peers --json | jq length', 'how many they are']))
    .action(async (options: OnlineOptions) => {
      const peers = await clientOf(options).call('ogpu_peers', [], Peers);
      await print(context, options, peers.map(peerJson), describePeers(peers));
    });
}

function jsonOf(status: Status): unknown {
  const { genesisId, validator } = status;
  return { ...status, genesisId: toHex(genesisId), validator: validator && toChecksumAddress(validator) };
}

function describe({ block, syncing, validator, validators, ...status }: Status): string {
  const behind =
    syncing === null ? 'follows the chain' : `catches up: ${block.height} of ${syncing.highestHeight}`;
  return formatRows([
    ['chain', `${status.chainId}, genesis ${toHex(status.genesisId).slice(0, 18)}…`],
    ['software', status.clientVersion],
    ['final block', `${block.height}, ${(block.ageMs / 1000).toFixed(1)} s old`],
    ['id', block.id],
    ['state', behind],
    ['oldest block', `${status.lowestHeight}`],
    ['epoch', `${status.epoch}`],
    [
      'validators',
      `${validators.active} active with ${(validators.votingPower / 1e6).toLocaleString('en-GB')} OGPU`,
    ],
    ['signs for', validator === null ? 'nobody' : toChecksumAddress(validator)],
    ['peers', `${status.peers}`],
    ['mempool', `${status.mempool.count} transactions`],
    ...status.troubles.map(({ code, message, cure }): [string, string] => [
      'trouble',
      `${message} [${code}]${cure === null ? '' : `; ${cure}`}`,
    ]),
  ]);
}

function peerJson(peer: Peers[number]): unknown {
  return { ...peer, validator: peer.validator && toChecksumAddress(peer.validator) };
}

function describePeers(peers: Peers): string {
  if (peers.length === 0) return 'no peers\n';
  return formatTable(
    ['peer', 'height', 'direction', 'validator', 'address'],
    peers.map(({ id, height, direction, validator, address }) => [
      ...[id, height === null ? '-' : `${height}`, direction],
      ...[validator === null ? '-' : toChecksumAddress(validator), address],
    ]),
  );
}
