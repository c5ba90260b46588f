import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { COMMANDS, isCommand } from '../../../node/command-table.js';

describe('every command', () => {
  for (const [name, load] of Object.values(COMMANDS).flatMap((commands) => Object.entries(commands))) {
    test(`${name} has the name it is loaded by, and help that says what it does`, async () => {
      const command = await load();
      assert.equal(command.name(), name);
      for (const each of withSubcommands(command)) {
        assert.notEqual(each.description(), '', each.name());
        for (const option of each.options)
          assert.notEqual(option.description, '', `${each.name()} ${option.flags}`);
      }
    });
  }

  test('what is no command is none', () => {
    assert.deepEqual([undefined, '', 'constructor', '--help', 'stat'].filter(isCommand), []);
  });
});

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
