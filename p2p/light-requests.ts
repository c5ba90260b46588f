import type { LightBlock } from '../consensus/light/verify.js';
import { MAX_VALIDATORS } from '../protocol/limits.js';
import { createCodec } from '../protocol/ssz/codec.js';
import { bytes48, bytes96, ContainerType, listOf, uint64, type ValueOf } from '../protocol/ssz/types.js';
import { CommitType } from '../protocol/types/commit.js';
import { HeaderType } from '../protocol/types/header.js';
import { ValidatorSetType } from '../protocol/types/validators.js';
import { onlyPart, type Asking } from './chain-requests.js';
import type { RequestHandler, RequestProtocol } from './requests.js';

/*
 * What a light client asks: a header, who decided it, and who decides the next one.
 */

const LightBlockType = new ContainerType({
  header: HeaderType,
  commit: CommitType,
  validators: ValidatorSetType,
  nextValidators: ValidatorSetType,
  /** Of every key of both sets, each once. */
  possessions: listOf(new ContainerType({ blsPublicKey: bytes48, proof: bytes96 }), 2 * MAX_VALIDATORS),
});

const LightRequestType = new ContainerType({ height: uint64 });

/** None where the server has no such height. */
const answerCodec = createCodec<ValueOf<typeof LightBlockType>[]>('LightBlocks', listOf(LightBlockType, 1));
const requestCodec = createCodec('LightRequest', LightRequestType);

export const LIGHT_BLOCK: RequestProtocol = {
  name: 'light-block',
  maxRequestBytes: requestCodec.maxBytes,
  maxPartBytes: answerCodec.maxBytes,
  maxParts: 1,
  timeoutMs: 10_000,
  maxConcurrent: 2,
  rate: { perSecond: 16, burst: 64 },
};

/** Gives the light block of a height; undefined where the node has it not. */
export type LightSource = (height: number) => Promise<LightBlock | undefined>;

export function lightHandler(source: LightSource): readonly [RequestProtocol, RequestHandler] {
  return [
    LIGHT_BLOCK,
    async function* (_peer, request) {
      const block = await source(requestCodec.decode(request).height);
      yield answerCodec.encode(block === undefined ? [] : [encodable(block)]);
    },
  ];
}

/** @returns undefined where the peer has no such height. Nothing about it is verified. @throws P2pError | SszError */
export async function askLightBlock(asking: Asking, height: number): Promise<LightBlock | undefined> {
  return answerCodec.decode(await onlyPart(asking(LIGHT_BLOCK, requestCodec.encode({ height }))))[0];
}

function encodable({
  validators,
  nextValidators,
  possessions,
  ...rest
}: LightBlock): ValueOf<typeof LightBlockType> {
  return {
    ...rest,
    validators: [...validators],
    nextValidators: [...nextValidators],
    possessions: [...possessions],
  };
}
