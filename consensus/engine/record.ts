import { createCodec, type Codec } from '../../protocol/ssz/codec.js';
import {
  bytes32,
  bytes96,
  ContainerType,
  listOf,
  SszError,
  uint32,
  uint64,
  uint8,
  type ValueOf,
} from '../../protocol/ssz/types.js';
import { MAX_BLOCK_BYTES } from '../../protocol/limits.js';
import { BlockType } from '../../protocol/types/block.js';
import { extendedCommitCodec } from '../../protocol/types/commit.js';
import { VoteExtensionType } from '../../protocol/types/extension.js';
import { polkaCodec, SignedProposalType, signedVoteCodec, signedVotesCodec } from '../messages.js';
import type { Resume } from './effect.js';
import type { LoggedInput, Timer } from './input.js';

/*
 * What the log of a height holds: the inputs the engine took, and what effects were resumed with where that is not a function of the
 * inputs. Replayed in order they bring the engine to where it was.
 */

/** The resume of an effect that signs; null where the signer refused. */
export type SignResult = {
  readonly [Kind in SignKind]: { readonly kind: Kind; readonly result: Resume<Kind> };
}[SignKind];
export type SignKind = 'sign-proposal' | 'sign-prevote' | 'sign-precommit';

export type LogRecord = LoggedInput | SignResult;

/** A record as bytes: `kind` is its number in `KINDS`. */
export interface EncodedRecord {
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** @throws SszError */
export function encodeRecord(record: LogRecord): EncodedRecord {
  const number = KINDS.indexOf(record.kind);
  const form = FORMS[record.kind] as Form<LogRecord>;
  return { kind: number, payload: form.encode(record) };
}

/** @throws SszError for what no version of this software has written */
export function decodeRecord({ kind, payload }: EncodedRecord): LogRecord {
  const name = KINDS[kind];
  if (name === undefined) throw new SszError('SSZ_MALFORMED', 'unknown kind of log record', { kind });
  return FORMS[name].decode(payload);
}

/** Numbers are places in this list: append only. */
const KINDS = [
  'open',
  'timer',
  'proposal',
  'block',
  'built',
  'validated',
  'vote',
  'votes',
  'polka',
  'commit',
  'sign-proposal',
  'sign-prevote',
  'sign-precommit',
] as const satisfies readonly LogRecord['kind'][];

const TIMERS = ['propose', 'prevote', 'precommit'] as const;

const HeightType = new ContainerType({ height: uint64 });
const TimerType = new ContainerType({ timer: uint8, height: uint64, round: uint32 });
const ReceivedProposalType = new ContainerType({ proposal: SignedProposalType, receivedMs: uint64 });
const NamedBlockType = new ContainerType({ id: bytes32, block: BlockType });
const BuiltBlockType = new ContainerType({ height: uint64, round: uint32, id: bytes32, block: BlockType });
const ValidityType = new ContainerType({ height: uint64, id: bytes32, isValid: uint8 });
const SignatureType = new ContainerType({ signature: listOf(bytes96, 1) });
const PrecommitType = new ContainerType({
  signature: listOf(bytes96, 1),
  extension: listOf(VoteExtensionType, 1),
});

/** Room for the largest block and what goes with it. */
const WITH_BLOCK = { maxBytes: MAX_BLOCK_BYTES + 4096, oneCopy: true };

const height = createCodec('OpenRecord', HeightType, WITH_BLOCK);
const timer = createCodec('TimerRecord', TimerType, WITH_BLOCK);
const proposal = createCodec('ProposalRecord', ReceivedProposalType, WITH_BLOCK);
const block = createCodec('BlockRecord', NamedBlockType, WITH_BLOCK);
const built = createCodec('BuiltRecord', BuiltBlockType, WITH_BLOCK);
const validity = createCodec('ValidityRecord', ValidityType, WITH_BLOCK);
const signature = createCodec('SignatureRecord', SignatureType, WITH_BLOCK);
const precommit = createCodec('PrecommitRecord', PrecommitType, WITH_BLOCK);

interface Form<Record> {
  readonly encode: (record: Record) => Uint8Array;
  readonly decode: (payload: Uint8Array) => Record;
}

const FORMS: { readonly [Kind in LogRecord['kind']]: Form<Extract<LogRecord, { readonly kind: Kind }>> } = {
  open: form(
    height,
    (record) => record,
    (value) => ({ kind: 'open', ...value }),
  ),
  timer: form(
    timer,
    (record) => timerToValue(record.timer),
    (value) => ({
      kind: 'timer',
      timer: { kind: timerKind(value.timer), height: value.height, round: value.round },
    }),
  ),
  proposal: form(
    proposal,
    ({ proposal: signed, receivedMs }) => ({ proposal: signed, receivedMs }),
    (value) => ({ kind: 'proposal', ...value }),
  ),
  block: form(
    block,
    (record) => record,
    (value) => ({ kind: 'block', ...value }),
  ),
  built: form(
    built,
    (record) => record,
    (value) => ({ kind: 'built', ...value }),
  ),
  validated: form(
    validity,
    (record) => ({ height: record.height, id: record.id, isValid: record.validity === 'valid' ? 1 : 0 }),
    ({ isValid, ...value }) => ({ kind: 'validated', ...value, validity: validityOf(isValid) }),
  ),
  vote: form(
    signedVoteCodec,
    (record) => record.vote,
    (value) => ({ kind: 'vote', vote: value }),
  ),
  votes: form(
    signedVotesCodec,
    (record) => [...record.votes],
    (value) => ({ kind: 'votes', votes: value }),
  ),
  polka: form(
    polkaCodec,
    (record) => record.polka,
    (value) => ({ kind: 'polka', polka: value }),
  ),
  commit: form(
    extendedCommitCodec,
    (record) => record.commit,
    (value) => ({ kind: 'commit', commit: value }),
  ),
  'sign-proposal': form(
    signature,
    (record) => listed(record.result),
    (value) => ({ kind: 'sign-proposal', result: value.signature[0] ?? null }),
  ),
  'sign-prevote': form(
    signature,
    (record) => listed(record.result),
    (value) => ({ kind: 'sign-prevote', result: value.signature[0] ?? null }),
  ),
  'sign-precommit': form(
    precommit,
    ({ result }) => ({
      ...listed(result?.signature ?? null),
      extension: result?.extension ? [result.extension] : [],
    }),
    ({ signature: [made], extension: [extended] }) => {
      if (made === undefined && extended !== undefined)
        throw new SszError('SSZ_MALFORMED', 'an extension without its precommit');
      const result = made === undefined ? null : { signature: made, extension: extended ?? null };
      return { kind: 'sign-precommit', result };
    },
  ),
};

function form<Value, Record>(
  codec: Codec<Value>,
  toValue: (record: Record) => Value,
  toRecord: (value: Value) => Record,
): Form<Record> {
  return {
    encode: (record) => codec.encode(toValue(record)),
    decode: (payload) => toRecord(codec.decode(payload)),
  };
}

function listed(result: Uint8Array | null): { signature: Uint8Array[] } {
  return { signature: result === null ? [] : [result] };
}

function timerToValue(logged: Timer): ValueOf<typeof TimerType> {
  const number = TIMERS.findIndex((kind) => kind === logged.kind);
  if (number < 0 || !('round' in logged)) {
    throw new SszError('SSZ_VALUE_RANGE', `timers of kind ${logged.kind} are not logged`);
  }
  return { timer: number, height: logged.height, round: logged.round };
}

function validityOf(number: number): 'valid' | 'invalid' {
  if (number > 1) throw new SszError('SSZ_MALFORMED', 'a block is valid or not', { number });
  return number === 1 ? 'valid' : 'invalid';
}

function timerKind(number: number): (typeof TIMERS)[number] {
  const kind = TIMERS[number];
  if (kind === undefined) throw new SszError('SSZ_MALFORMED', 'unknown timer in a log record', { number });
  return kind;
}
