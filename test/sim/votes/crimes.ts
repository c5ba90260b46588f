import { voteCodec, type Vote, type VotePayload } from '../../../protocol/types/vote.js';
import { mutate } from '../../fuzz/target.js';
import type { Prng } from '../../support/prng.js';
import { precommit } from './height.js';
import type { Member, World } from './world.js';

/** What a validator may send instead of its honest precommit; each returns the raw messages it puts on the wire. */
export type Crime = (scene: Scene) => Uint8Array[];

export interface Scene {
  readonly world: World;
  readonly prng: Prng;
  readonly member: Member;
  /** Another member, as accomplice or victim. */
  readonly other: Member;
  readonly payload: VotePayload;
}

const encode = (vote: Vote): Uint8Array => voteCodec.encode(vote);
const honest = ({ world, member, payload }: Scene): Vote => precommit(world, member, payload);

export const CRIMES = {
  silence: () => [],
  garbage: ({ prng }) => [prng.bytes(prng.below(400))],
  'damaged bytes': (scene) => [mutate(scene.prng, encode(honest(scene)))],
  'forged signature': (scene) => {
    const forged = precommit(scene.world, scene.other, scene.payload);
    return [encode({ ...forged, validator: scene.member.id })];
  },
  'other purpose': ({ world, member, payload }) => [
    encode(precommit(world, member, payload, { purpose: 'prevote' })),
  ],
  'other chain': ({ world, member, payload }) => [encode(precommit(world, member, payload, { chainId: 1 }))],
  'old height': ({ world, member, payload }) => {
    const replayed = precommit(world, member, { ...payload, height: payload.height - 1 });
    return [encode({ ...replayed, payload })];
  },
  stranger: ({ world, member, payload, prng }) => [
    encode({ ...precommit(world, member, payload), validator: prng.bytes(20) }),
  ],
  equivocation: (scene) => {
    const second = precommit(scene.world, scene.member, { ...scene.payload, blockId: scene.prng.bytes(32) });
    return [encode(honest(scene)), encode(second)];
  },
  /** Two signatures, each wrong, whose sum is right: a plain aggregate would take them. */
  'cancelling pair': (scene) => {
    const [mine, theirs] = [scene.member, scene.other].map((m) => precommit(scene.world, m, scene.payload));
    if (mine === undefined || theirs === undefined) return [];
    return [
      encode({ ...mine, signature: theirs.signature }),
      encode({ ...theirs, signature: mine.signature }),
    ];
  },
  repetition: (scene) => [encode(honest(scene)), encode(honest(scene)), encode(honest(scene))],
} as const satisfies Readonly<Record<string, Crime>>;

export type CrimeName = keyof typeof CRIMES;
