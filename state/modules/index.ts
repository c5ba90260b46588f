import { toHex } from '../../protocol/bytes.js';
import { accountsModule } from './accounts.js';
import { feesModule } from './fees.js';
import { jobsModule } from './jobs.js';
import type { Module } from './module.js';
import { parametersModule } from './parameters.js';
import { providersModule } from './providers.js';
import { sourcesModule } from './sources.js';
import { stakingModule } from './staking.js';

/** The protocol's own code, in the order of its addresses. */
export const MODULES: readonly Module[] = [
  accountsModule,
  feesModule,
  parametersModule,
  stakingModule,
  providersModule,
  sourcesModule,
  jobsModule,
];

/** Modules by the hex of their address. */
export type ModuleTable = ReadonlyMap<string, Module>;

export const MODULE_TABLE: ModuleTable = new Map(MODULES.map((module) => [toHex(module.address), module]));
