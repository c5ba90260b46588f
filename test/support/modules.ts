import { MODULES } from '../../state/modules/index.js';
import type { Module } from '../../state/modules/module.js';
import { SAMPLE_MODULE } from './sample-module.js';

/** The modules of the chain, and one that has every shape an interface may have. */
export const TESTED_MODULES: readonly Module[] = [...MODULES, SAMPLE_MODULE];
