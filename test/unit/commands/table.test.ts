import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { COMMANDS } from '../../../node/command-table.js';

describe('every command', () => {
  for (const [name, { description, load }] of Object.values(COMMANDS).flatMap((commands) =>
    Object.entries(commands),
  )) {
    test(`${name} has the name it is loaded by, and help that says what it does`, async () => {
      const command = await load();
      assert.equal(command.name(), name);
      assert.equal(command.description(), description);
      for (const each of withSubcommands(command)) {
        assert.notEqual(each.description(), '', each.name());
        for (const option of each.options)
          assert.notEqual(option.description, '', `${each.name()} ${option.flags}`);
      }
    });
  }
});

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
