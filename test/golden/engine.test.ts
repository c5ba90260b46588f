import { describe, test } from 'node:test';
import { EngineScript } from '../support/engine-script.js';
import { checkScript, readScripts } from '../support/script.js';

describe('scripts of the consensus engine', () => {
  for (const script of readScripts('engine')) {
    test(script.name, () => {
      checkScript('engine', script, new EngineScript().interpret);
    });
  }
});
