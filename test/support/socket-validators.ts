import type { Binding } from '../../p2p/handshake.js';
import { peerBindingRoot, type ChainIdentity } from '../../protocol/domains.js';
import { bytesEqual } from '../../protocol/bytes.js';
import type { Message } from '../../consensus/messages.js';
import { synchronousEngine } from '../../consensus/votes/engine.js';
import { openParticipant } from '../../node/consensus/open-participant.js';
import type { Participant } from '../../node/consensus/participant.js';
import { nodeIdentityFromProtobuf } from '../../node/keys/node-identity.js';
import { monotonicClock } from '../../p2p/clock.js';
import type { BindingCheck } from '../../p2p/handshake.js';
import type { NetworkParts } from '../../p2p/network.js';
import { peerIdBytes } from '../../p2p/peer.js';
import { SimulatedStore } from '../sim/consensus/disk.js';
import { GENESIS_TIME_MS, type SimulatedChain } from '../sim/consensus/chain.js';
import { SimulatedTransactions } from '../sim/consensus/transactions.js';
import { SimulatedDisk } from '../sim/disk.js';
import { peerKey, startNode, type TestNode } from './p2p.js';
import { createPrng } from './prng.js';

/** A participant in consensus on a network of real sockets and in real time; store and disk are in memory. */
export interface SocketValidator {
  readonly node: TestNode;
  readonly participant: Participant;
  readonly transactions: SimulatedTransactions;
  readonly store: SimulatedStore;
  /** Messages that it has passed on. */
  readonly relayed: Message[];
  readonly failures: unknown[];
  stop(): Promise<void>;
}

const nowMs = (): number => GENESIS_TIME_MS + 60_000 + Math.floor(performance.now());

/** @param index of the validator in its chain; beyond the last for a node that only follows */
export async function startValidator(
  chain: SimulatedChain,
  index: number,
  parts: Partial<NetworkParts> = {},
): Promise<SocketValidator> {
  const { chainId, genesisId } = chain.genesis;
  const identity: ChainIdentity = { chainId, genesisId, protocolVersion: 1 };
  const validator = chain.validators[index];
  const store = new SimulatedStore(chain.store.snapshot(), () => Promise.resolve());
  const transactions = new SimulatedTransactions(store, chainId, nowMs);
  const disk = new SimulatedDisk({ prng: createPrng(index) });
  const relayed: Message[] = [];
  const failures: unknown[] = [];
  const early: [string, Message][] = [];
  const binding = validator && (await bindingOf(chain, identity, index));
  const opened: { participant?: Participant } = {};
  const node = await startNode(index + 1, {
    chain: identity,
    bindings: bindingsOf(chain),
    headHeight: () => opened.participant?.tip.parent.height ?? 0,
    ...(binding === undefined ? {} : { binding: () => binding }),
    onMessage: (peer, message) => {
      if (opened.participant === undefined) early.push([peer, message]);
      else opened.participant.receive(peer, message);
    },
    ...parts,
  });
  const { network } = node;
  const key = validator && {
    publicKey: chain.bls.publicKey(validator.blsSecretKey),
    sign: (message: Uint8Array) => chain.bls.sign(validator.blsSecretKey, message),
  };
  const participant = await openParticipant({
    store,
    bls: chain.bls,
    logFolder: disk.openFolder('wal').folder,
    evidenceFolder: disk.openFolder('evidence').folder,
    validator: validator &&
      key && { id: validator.id, key, folder: disk.openFolder('signer').folder, create: true },
    randomBytes: (length) => new Uint8Array(length).fill(index + 1),
    signatures: synchronousEngine(chain.bls),
    network: {
      broadcast: (message) => {
        network.broadcast(message);
      },
      send: (peer, message) => {
        network.send(peer, message);
      },
      sendToValidator: (id, message) => {
        network.sendToValidator(id, message);
      },
      relay: (signer, source, make) => {
        network.relay(signer, source, () => {
          const message = make();
          relayed.push(message);
          return message;
        });
      },
      blame: (peer, error) => {
        network.blame(peer, error);
      },
    },
    clock: { nowMs, setTimer: (delayMs, run) => monotonicClock.setTimer(delayMs, run) },
    transactions,
    checkInvariants: true,
    onStop: (error) => failures.push(error),
  });
  opened.participant = participant;
  for (const [peer, message] of early) participant.receive(peer, message);
  const stop = async (): Promise<void> => {
    await participant.close();
    await network.stop();
  };
  return { node, participant, transactions, store, relayed, failures, stop };
}

function bindingsOf({ bls, validators }: SimulatedChain): BindingCheck {
  return {
    bls,
    keyOf: (id) => {
      const validator = validators.find((one) => bytesEqual(one.id, id));
      return validator && bls.parsePublicKey(bls.publicKey(validator.blsSecretKey));
    },
  };
}

async function bindingOf(
  { bls, validators }: SimulatedChain,
  identity: ChainIdentity,
  index: number,
): Promise<Binding> {
  const validator = validators[index];
  if (validator === undefined) throw new RangeError('there is such a validator');
  const { peerId } = await nodeIdentityFromProtobuf(await peerKey(index + 1));
  const root = peerBindingRoot(identity, validator.id, peerIdBytes(peerId));
  return { validator: validator.id, signature: bls.sign(validator.blsSecretKey, root) };
}
