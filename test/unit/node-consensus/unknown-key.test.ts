import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Committee } from '../../../consensus/committee.js';
import { silentUnlessKnown, type Signatory } from '../../../node/consensus/signatory.js';
import { healthReport, nodeHealth, type HealthSources } from '../../../node/metrics/health.js';
import { Troubles } from '../../../node/troubles.js';
import { keyTrouble, ValidatorKeyError } from '../../../node/validator-identity.js';
import { epochNumber } from '../../../state/staking/epoch-record.js';
import { validators } from '../../../state/staking/validator.js';
import { Overlay } from '../../../state/store/overlay.js';
import { Town } from '../../support/participants.js';

const OTHER_SECRET = new Uint8Array(32).fill(7);

describe('a validator whose key is not the one of the ledger', () => {
  test('follows, says nothing, and nobody blames it; with its own key it signs again', async () => {
    const town = await Town.create(4);
    const [stranger, ...others] = town.nodes;
    assert.ok(stranger);
    await stranger.open({ secretKey: OTHER_SECRET });
    for (const node of others) await node.open();
    await town.runTo(6);
    assert.ok(stranger.height >= 6, 'it follows');
    const kinds = stranger.sent.map(({ message }) => message.kind);
    assert.ok(!kinds.includes('vote') && !kinds.includes('proposal'), kinds.join(' '));
    for (const { blamed, stops } of town.nodes) assert.deepEqual([blamed, stops], [[], []]);
  });

  test('signs as soon as the committee has its key', async () => {
    const town = await Town.create(4);
    await town.openAll();
    const { committee } = town.node(0).participant.tip;
    const { id } = town.validator(0);
    const publicKey = town.chain.bls.publicKey(OTHER_SECRET);
    let known: Committee = committee;
    const real = {
      ...{ id, publicKey },
      reveal: () => Promise.resolve(new Uint8Array(96)),
    } as unknown as Signatory;
    const signatory = silentUnlessKnown(real, () => known);
    assert.equal(await signatory.reveal(1, new Uint8Array(32)), null);
    const set = committee.set.map((member, place) =>
      place === committee.indexOf(id) ? { ...member, blsPublicKey: publicKey } : member,
    );
    known = { ...committee, set };
    assert.notEqual(await signatory.reveal(1, new Uint8Array(32)), null);
  });

  test('is told why: no validator, another key, a key of a coming epoch', async () => {
    const { chain } = await Town.create(4);
    const [validator] = chain.validators;
    assert.ok(validator);
    const { id, blsSecretKey } = validator;
    const keyOf = (secret: Uint8Array): { publicKey: Uint8Array; sign: () => never } => ({
      publicKey: chain.bls.publicKey(secret),
      sign: () => assert.fail('nothing is signed'),
    });
    const [own, other] = [keyOf(blsSecretKey), keyOf(OTHER_SECRET)];
    assert.equal(keyTrouble(chain.store, { id, key: own }), undefined);
    const missing = keyTrouble(chain.store, { id: new Uint8Array(20).fill(9), key: own });
    assert.match(missing?.message ?? '', /has no validator/);
    assert.match(keyTrouble(chain.store, { id, key: other })?.message ?? '', /another key/);
    const record = validators.read(chain.store, id);
    const rotated = (fromEpoch: number): Overlay => {
      const state = new Overlay(chain.store, { maxBytes: 1_000_000 });
      validators.write(
        state,
        { ...record, keys: [...record.keys, { blsPublicKey: other.publicKey, fromEpoch }] },
        id,
      );
      return state;
    };
    const epoch = epochNumber(chain.store);
    const coming = rotated(epoch + 1);
    assert.match(keyTrouble(coming, { id, key: other })?.message ?? '', /not in force yet/);
    assert.equal(keyTrouble(coming, { id, key: own }), undefined, 'the old key signs until then');
    const inForce = rotated(epoch);
    assert.equal(keyTrouble(inForce, { id, key: other }), undefined);
    assert.match(keyTrouble(inForce, { id, key: own })?.message ?? '', /another key/, 'it was replaced');
  });
});

describe('troubles', () => {
  const error = new ValidatorKeyError('VALIDATOR_KEY_UNUSED', 'another key', { cure: 'rotate' });

  test('each is logged once when it begins, and when it is over', () => {
    const lines: string[] = [];
    const write =
      (level: string) =>
      (_fields: object, message: string): void => {
        lines.push(`${level} ${message}`);
      };
    const log = { info: write('info'), warn: write('warn') } as unknown as ConstructorParameters<
      typeof Troubles
    >[0];
    const troubles = new Troubles(log);
    assert.deepEqual(
      [error, error, undefined, undefined].map((each) => troubles.tell('validator', each)),
      [true, false, true, false],
    );
    assert.deepEqual(lines, ['warn another key', 'info a trouble is over']);
  });

  test('in health a key is a warning, a missing state is none of clients', () => {
    const well: HealthSources = {
      stopped: () => undefined,
      head: () => ({ height: 5, timeMs: 0 }),
      isSyncing: () => false,
      peers: () => 3,
      isAlone: () => false,
      idleIntervalMs: () => 5_000,
      eventLoopDelayMs: () => 3,
      nowMs: () => 20_000,
    };
    const report = (topic: string): unknown[] => {
      const health = nodeHealth({ ...well, trouble: (asked) => (asked === topic ? error : undefined) });
      const reports = [healthReport(health.live()), healthReport(health.ready())];
      const failed = reports[1]?.checks.find(({ ok }) => !ok);
      return [...reports.map(({ ok, status }) => `${status} ${String(ok)}`), failed?.detail];
    };
    const detail = 'another key [VALIDATOR_KEY_UNUSED]; rotate';
    assert.deepEqual(report('validator'), ['warning true', 'warning true', detail]);
    assert.deepEqual(report('sync'), ['ok true', 'failing false', detail]);
  });
});
