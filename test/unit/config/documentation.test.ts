import { test } from 'node:test';
import { documentSettings, documentTemplate } from '../../../node/config/documentation.js';
import { assertGenerated } from '../../support/generated.js';

test('docs/configuration.md has every setting', () => {
  assertGenerated('docs/configuration.md', 'settings', documentSettings());
});

test('docs/configuration.md shows the file that is written', () => {
  assertGenerated('docs/configuration.md', 'template', documentTemplate());
});
