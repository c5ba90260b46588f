import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertChainParams,
  chainParamsToJson,
  checkChainParams,
  parseChainParams,
} from '../../../protocol/params-check.js';
import { chainParamsCodec } from '../../../protocol/params-codec.js';
import {
  ParamsError,
  PROTOCOL_VERSION,
  protocolVersionAt,
  type ChainParams,
} from '../../../protocol/params.js';
import { FOREIGN_CHAIN_IDS, PRESET_NAMES, PRESETS } from '../../../protocol/presets.js';

const { params } = PRESETS.mainnet;

describe('presets', () => {
  for (const name of PRESET_NAMES) {
    test(`${name} is valid, survives JSON and SSZ`, () => {
      const preset = PRESETS[name];
      assert.deepEqual(checkChainParams(preset.params), []);
      const json: unknown = JSON.parse(JSON.stringify(chainParamsToJson(preset.params)));
      assert.deepEqual(parseChainParams(json, 'params'), { params: preset.params });
      assert.deepEqual(chainParamsCodec.decode(chainParamsCodec.encode(preset.params)), preset.params);
    });
  }
  test('on an idle chain unbonding and evidence end by time, not by blocks', () => {
    for (const name of PRESET_NAMES) {
      const { consensus, staking } = PRESETS[name].params;
      assert.ok(staking.unbondingBlocks * consensus.blockIntervalIdleMs <= staking.unbondingMs);
      assert.ok(consensus.evidenceMaxAgeBlocks * consensus.blockIntervalIdleMs <= consensus.evidenceMaxAgeMs);
    }
  });
  test('chain ids are our own and fit every wallet', () => {
    const ids = PRESET_NAMES.map((name) => PRESETS[name].chainId);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.ok(!FOREIGN_CHAIN_IDS.includes(id) && id < 2 ** 31);
  });
});

describe('validation', () => {
  test('all faults are reported at once, each with its path', () => {
    const json = chainParamsToJson(params) as Record<string, Record<string, unknown>>;
    const broken = {
      ...json,
      consensus: { ...json['consensus'], timeoutProposeMs: -1, maxValidators: '4', surprise: 1 },
      blocks: { ...json['blocks'], minBaseFeeWei: 5 },
    };
    const result = parseChainParams(broken, 'params');
    assert.ok('faults' in result);
    assert.deepEqual(
      result.faults.map(({ path, code }) => `${path} ${code}`),
      ['params.consensus.surprise PARAM_UNKNOWN'],
    );
    const { surprise: _surprise, ...consensus } = broken.consensus;
    const next = parseChainParams({ ...broken, consensus }, 'params');
    assert.ok('faults' in next);
    assert.deepEqual(
      next.faults.map(({ path, code }) => `${path} ${code}`),
      [
        'params.consensus.timeoutProposeMs PARAM_RANGE',
        'params.consensus.maxValidators PARAM_TYPE',
        'params.blocks.minBaseFeeWei PARAM_TYPE',
      ],
    );
  });
  test('a negative zero is no count', () => {
    const text = JSON.stringify(chainParamsToJson(params)).replace(
      '"blockIntervalMinMs":250',
      '"blockIntervalMinMs":-0',
    );
    const result = parseChainParams(JSON.parse(text), 'params');
    assert.ok('faults' in result);
    assert.deepEqual(
      result.faults.map(({ path, code }) => `${path} ${code}`),
      ['params.consensus.blockIntervalMinMs PARAM_TYPE'],
    );
  });
  test('missing groups, parameters and wrong shapes are named', () => {
    for (const json of [null, 7, 'x', []]) assert.ok('faults' in parseChainParams(json, 'params'));
    const { jobs: _jobs, ...withoutJobs } = chainParamsToJson(params);
    const result = parseChainParams(withoutJobs, 'params');
    assert.ok('faults' in result && result.faults.some((fault) => fault.path === 'params.jobs'));
  });
  const relations: [string, ChainParams][] = [
    [
      'consensus.blockIntervalIdleMs',
      { ...params, consensus: { ...params.consensus, blockIntervalMinMs: 60_000 } },
    ],
    [
      'consensus.evidenceMaxAgeMs',
      { ...params, staking: { ...params.staking, unbondingMs: params.consensus.evidenceMaxAgeMs } },
    ],
    [
      'staking.epochMs',
      { ...params, staking: { ...params.staking, epochMs: params.consensus.evidenceMaxAgeMs } },
    ],
    ['consensus.evidenceMaxAgeMs', { ...params, staking: { ...params.staking, epochMs: 1_000 } }],
    [
      'consensus.evidenceMaxAgeBlocks',
      { ...params, staking: { ...params.staking, unbondingBlocks: params.consensus.evidenceMaxAgeBlocks } },
    ],
    [
      'consensus.evidenceMaxAgeBlocks',
      { ...params, consensus: { ...params.consensus, blockIntervalIdleMs: 110_592 + 1 } },
    ],
    [
      'staking.downtimeWindowMs',
      { ...params, staking: { ...params.staking, downtimeWindowMs: params.staking.epochMs + 1 } },
    ],
    [
      'blocks.initialBaseFeeWei',
      { ...params, blocks: { ...params.blocks, minBaseFeeWei: 2n * params.blocks.initialBaseFeeWei } },
    ],
    ['jobs.sampledSegments', { ...params, jobs: { ...params.jobs, sampledSegments: 65 } }],
  ];
  for (const [path, broken] of relations) {
    test(`relation: ${path}`, () => {
      assert.ok(
        checkChainParams(broken).some((fault) => fault.path === path && fault.code === 'PARAM_RELATION'),
      );
      assert.throws(
        () => {
          assertChainParams(broken);
        },
        (error) => error instanceof ParamsError && error.code === 'PARAMS_INVALID',
      );
    });
  }
  test('at the edge of a relation parameters are valid', () => {
    const edge: ChainParams = {
      ...params,
      consensus: { ...params.consensus, blockIntervalIdleMs: 110_592 },
      staking: {
        ...params.staking,
        unbondingBlocks: params.consensus.evidenceMaxAgeBlocks + 1,
        downtimeWindowMs: params.staking.epochMs,
        downtimeSlashBps: 1_000,
      },
    };
    assert.deepEqual(checkChainParams(edge), []);
    const harsh = { ...edge, staking: { ...edge.staking, downtimeSlashBps: 1_001 } };
    assert.deepEqual(
      checkChainParams(harsh).map(({ path, code }) => `${path} ${code}`),
      ['staking.downtimeSlashBps PARAM_RANGE'],
      'nobody is slashed to nothing for absence',
    );
  });
  test('upgrades must start at height 0 and rise', () => {
    const schedules = [
      [],
      [{ protocolVersion: 1, activationHeight: 5 }],
      [
        { protocolVersion: 1, activationHeight: 0 },
        { protocolVersion: 1, activationHeight: 9 },
      ],
      [
        { protocolVersion: 1, activationHeight: 0 },
        { protocolVersion: 2, activationHeight: 0 },
      ],
      [{ protocolVersion: 0, activationHeight: 0 }],
    ];
    for (const upgrades of schedules)
      assert.notDeepEqual(checkChainParams({ ...params, upgrades }), [], JSON.stringify(upgrades));
  });
});

test('the protocol version follows the activation heights', () => {
  const upgraded: ChainParams = {
    ...params,
    upgrades: [...params.upgrades, { protocolVersion: PROTOCOL_VERSION + 1, activationHeight: 100 }],
  };
  assert.equal(protocolVersionAt(upgraded, 0), PROTOCOL_VERSION);
  assert.equal(protocolVersionAt(upgraded, 99), PROTOCOL_VERSION);
  assert.equal(protocolVersionAt(upgraded, 100), PROTOCOL_VERSION + 1);
});
