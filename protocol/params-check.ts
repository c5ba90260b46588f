import type { Fault } from './faults.js';
import { MAX_EVIDENCE_EPOCHS, MAX_UPGRADES } from './limits.js';
import { MAX_AUDIT_ENTRIES } from './types/audit.js';
import {
  PARAMETERS,
  ParamsError,
  type ChainParams,
  type ParameterGroup,
  type ParameterSpec,
  type Upgrade,
} from './params.js';

export const PARAMETER_GROUPS = [
  'consensus',
  'blocks',
  'staking',
  'jobs',
  'providers',
  'sources',
] as const satisfies readonly ParameterGroup[];

/** No chain is counted on for blocks in quicker succession. */
const LEAST_BLOCK_MS = 125;

/** Names and specs of one group, in the order of the table. */
export function parameterSpecs(group: ParameterGroup): [string, ParameterSpec][] {
  return Object.entries<ParameterSpec>(PARAMETERS[group]);
}

/** Everything wrong with a parameter set: ranges first, then the relations between parameters. Empty when valid. */
export function checkChainParams(params: ChainParams): Fault[] {
  const faults = PARAMETER_GROUPS.flatMap((group) =>
    parameterSpecs(group).flatMap(([name, spec]) => {
      const value = (params[group] as Readonly<Record<string, unknown>>)[name];
      return checkValue(`${group}.${name}`, spec, value);
    }),
  );
  return faults.length > 0 ? faults : [...checkRelations(params), ...checkUpgrades(params.upgrades)];
}

/** @throws ParamsError PARAMS_INVALID with all faults in its data */
export function assertChainParams(params: ChainParams): void {
  const faults = checkChainParams(params);
  if (faults.length > 0) throw new ParamsError('PARAMS_INVALID', 'chain parameters are invalid', { faults });
}

/**
 * Parameters from JSON: counts are numbers, wei are decimal strings, no parameter may lack and none be unknown.
 *
 * @param path prefix of the fault paths, such as `params`
 */
export function parseChainParams(json: unknown, path: string): { params: ChainParams } | { faults: Fault[] } {
  const faults: Fault[] = [];
  const document = asRecord(json, path, [...PARAMETER_GROUPS, 'upgrades'], faults);
  const groups = PARAMETER_GROUPS.map((group) => {
    const groupPath = `${path}.${group}`;
    const specs = parameterSpecs(group);
    const names = specs.map(([name]) => name);
    if (!(group in document)) return [group, {}] as const;
    const values = asRecord(document[group], groupPath, names, faults);
    return [
      group,
      Object.fromEntries(specs.map(([name, spec]) => [name, readValue(spec, values[name])])),
    ] as const;
  });
  const upgrades =
    'upgrades' in document ? readUpgrades(document['upgrades'], `${path}.upgrades`, faults) : [];
  if (faults.length > 0) return { faults };
  const params = { ...Object.fromEntries(groups), upgrades } as unknown as ChainParams;
  const found = checkChainParams(params).map((fault) => ({ ...fault, path: `${path}.${fault.path}` }));
  return found.length > 0 ? { faults: found } : { params };
}

/** The JSON form `parseChainParams` reads. */
export function chainParamsToJson(params: ChainParams): Record<string, unknown> {
  const groups = PARAMETER_GROUPS.map((group) => {
    const values = Object.entries<number | bigint>(params[group]);
    return [
      group,
      Object.fromEntries(values.map(([name, v]) => [name, typeof v === 'bigint' ? v.toString() : v])),
    ];
  });
  return { ...(Object.fromEntries(groups) as Record<string, unknown>), upgrades: params.upgrades };
}

function checkValue(path: string, spec: ParameterSpec, value: unknown): Fault[] {
  const typed = spec.kind === 'count' ? isCount(value) : typeof value === 'bigint';
  if (!typed) {
    const expected = spec.kind === 'count' ? 'a whole number' : 'a decimal string of wei';
    return [{ path, code: 'PARAM_TYPE', message: `expected ${expected}` }];
  }
  const comparable = value as number | bigint;
  if (comparable >= spec.min && comparable <= spec.max) return [];
  return [
    { path, code: 'PARAM_RANGE', message: `${comparable.toString()} is outside ${spec.min}…${spec.max}` },
  ];
}

function checkRelations(params: ChainParams): Fault[] {
  const { consensus, blocks, staking, jobs, sources } = params;
  const rules: readonly [boolean, string, string][] = [
    [
      consensus.blockIntervalMinMs <= consensus.blockIntervalIdleMs,
      'consensus.blockIntervalIdleMs',
      'must not be shorter than blockIntervalMinMs',
    ],
    [
      consensus.evidenceMaxAgeMs < staking.unbondingMs,
      'consensus.evidenceMaxAgeMs',
      'must be shorter than staking.unbondingMs, or a culprit leaves before it can be punished',
    ],
    [
      consensus.evidenceMaxAgeBlocks < staking.unbondingBlocks,
      'consensus.evidenceMaxAgeBlocks',
      'must be fewer than staking.unbondingBlocks, or a culprit leaves before it can be punished',
    ],
    [
      blocks.maxTransactionBytes < blocks.maxBlockBytes,
      'blocks.maxTransactionBytes',
      'must be smaller than maxBlockBytes',
    ],
    [
      blocks.minBaseFeeWei <= blocks.initialBaseFeeWei,
      'blocks.initialBaseFeeWei',
      'must not be below minBaseFeeWei',
    ],
    [
      2 * staking.epochMs <= consensus.evidenceMaxAgeMs,
      'staking.epochMs',
      'must not be longer than half of evidenceMaxAgeMs, which is counted from the beginning of an epoch',
    ],
    [
      consensus.evidenceMaxAgeMs <= MAX_EVIDENCE_EPOCHS * staking.epochMs,
      'consensus.evidenceMaxAgeMs',
      `must not span more than ${MAX_EVIDENCE_EPOCHS} epochs: a slash visits each`,
    ],
    [
      consensus.evidenceMaxAgeBlocks * consensus.blockIntervalIdleMs <= MAX_EVIDENCE_EPOCHS * staking.epochMs,
      'consensus.evidenceMaxAgeBlocks',
      `must not take an idle chain more than ${MAX_EVIDENCE_EPOCHS} epochs: a slash visits each`,
    ],
    [
      staking.downtimeWindowMs <= staking.epochMs,
      'staking.downtimeWindowMs',
      'must not be longer than epochMs, so that a window touches two epochs at most',
    ],
    [jobs.sampledSegments <= jobs.defaultSegments, 'jobs.sampledSegments', 'must not exceed defaultSegments'],
    [jobs.minSeats <= jobs.seatsPerSegment, 'jobs.minSeats', 'must not exceed seatsPerSegment'],
    [
      jobs.openDuties * 4 * Math.max(consensus.blockIntervalMinMs, LEAST_BLOCK_MS) <=
        MAX_AUDIT_ENTRIES * jobs.revealWindowMs,
      'jobs.openDuties',
      'must not exceed what fits the extensions of a reveal window while blocks take four times their least interval',
    ],
    [
      sources.closeBps <= sources.openBps,
      'sources.closeBps',
      'must not exceed openBps, or a source closes as it opens',
    ],
  ];
  return rules
    .filter(([holds]) => !holds)
    .map(([, path, message]) => ({ path, code: 'PARAM_RELATION', message }));
}

function checkUpgrades(upgrades: readonly Upgrade[]): Fault[] {
  const fault = (index: number, message: string): Fault => ({
    path: `upgrades[${index}]`,
    code: 'PARAM_UPGRADES',
    message,
  });
  const [first] = upgrades;
  if (first === undefined || upgrades.length > MAX_UPGRADES) {
    return [{ path: 'upgrades', code: 'PARAM_UPGRADES', message: `expected 1 to ${MAX_UPGRADES} entries` }];
  }
  const faults =
    first.activationHeight === 0 ? [] : [fault(0, 'the first version must be active from height 0')];
  upgrades.forEach((upgrade, index) => {
    const { protocolVersion, activationHeight } = upgrade;
    if (
      !isUint(protocolVersion, 0xffff_ffff) ||
      protocolVersion === 0 ||
      !isUint(activationHeight, Number.MAX_SAFE_INTEGER)
    ) {
      faults.push(fault(index, 'expected a positive version and a height'));
    }
    const previous = upgrades[index - 1];
    if (
      previous !== undefined &&
      (previous.protocolVersion >= protocolVersion || previous.activationHeight >= activationHeight)
    ) {
      faults.push(fault(index, 'versions and heights must rise'));
    }
  });
  return faults;
}

function readValue(spec: ParameterSpec, value: unknown): unknown {
  const isWeiText = spec.kind === 'wei' && typeof value === 'string' && /^\d{1,30}$/.test(value);
  return isWeiText ? BigInt(value) : value;
}

function readUpgrades(json: unknown, path: string, faults: Fault[]): Upgrade[] {
  if (!Array.isArray(json) || json.length > MAX_UPGRADES) {
    faults.push({ path, code: 'PARAM_TYPE', message: `expected a list of at most ${MAX_UPGRADES} upgrades` });
    return [];
  }
  return json.map((item: unknown, index) => {
    const record = asRecord(item, `${path}[${index}]`, ['protocolVersion', 'activationHeight'], faults);
    return {
      protocolVersion: numberOrNaN(record['protocolVersion']),
      activationHeight: numberOrNaN(record['activationHeight']),
    };
  });
}

function numberOrNaN(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN;
}

/** `json` as an object with exactly `names`; everything else is a fault. */
function asRecord(
  json: unknown,
  path: string,
  names: readonly string[],
  faults: Fault[],
): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    faults.push({ path, code: 'PARAM_TYPE', message: 'expected an object' });
    return {};
  }
  const record = json as Record<string, unknown>;
  for (const name of names) {
    if (!Object.hasOwn(record, name))
      faults.push({ path: `${path}.${name}`, code: 'PARAM_MISSING', message: 'is missing' });
  }
  for (const name of Object.keys(record).slice(0, 1000)) {
    if (!names.includes(name))
      faults.push({ path: `${path}.${name}`, code: 'PARAM_UNKNOWN', message: 'is not a parameter' });
  }
  return record;
}

/** A whole number; JSON's `-0` is none, or one value would have two spellings. */
function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0);
}

function isUint(value: number, max: number): boolean {
  return isCount(value) && value >= 0 && value <= max;
}
