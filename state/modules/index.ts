import type { Module } from './module.js';

/** Every module of the chain, in the order of their addresses. */
export const MODULES: readonly Module[] = [];
