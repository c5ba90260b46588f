// Plain-Node entry behind every npm script: installs and builds what is missing, then runs the command.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const bin = (name, file) => join(root, 'node_modules', name, file);

const commands = {
  build: () => undefined,
  start: (args) => node(['dist/bundle/main.js', 'demo', ...args]),
  test: runTests,
  lint: () => {
    node([bin('eslint', 'bin/eslint.js'), '--max-warnings', '0', '.']);
    node([bin('prettier', 'bin/prettier.cjs'), '--check', '--log-level', 'warn', '.']);
    say('lint: clean');
  },
  format: () => node([bin('prettier', 'bin/prettier.cjs'), '--write', '--log-level', 'warn', '.']),
  bench: (args) => node(['--expose-gc', 'dist/bench/main.js', ...args]),
  fuzz: (args) => node(['dist/test/fuzz/main.js', ...args]),
  sim: (args) => node(['dist/test/sim/main.js', ...args]),
  e2e: (args) => node(['dist/test/e2e/network/main.js', ...args]),
};

const TEST_FOLDERS = ['unit', 'conformance', 'golden', 'e2e', 'sim'];

const NOT_COVERED = [
  'Not covered by this command:',
  '  npm run fuzz    unbounded fuzzing (a fixed budget of it ran above)',
  '  npm run sim     more seeds than the 200 that ran above',
  '  npm run e2e     validators as processes in trouble for minutes, with a wrong clock too',
  '  npm run bench   speed, against other libraries',
];

/** For a file as a whole, too: one that hangs fails, and does not hold up everything. */
const TEST_TIMEOUT_MS = 900_000;

function runTests(args) {
  const wanted = args.filter((arg) => !arg.startsWith('-'));
  const flags = args.filter((arg) => arg.startsWith('-'));
  const files = TEST_FOLDERS.flatMap((folder) => testFiles(join(root, 'dist', 'test', folder))).filter(
    (file) => wanted.length === 0 || wanted.some((part) => file.includes(part.replace(/\.ts$/, ''))),
  );
  if (files.length === 0) fail(`no test file matches ${wanted.join(' ')}`);
  const scratch = mkdtempSync(join(tmpdir(), 'ogpu-test-'));
  const tap = join(scratch, 'results.tap');
  const reporters = ['spec', 'stdout', 'tap', tap].map((value, i) =>
    i % 2 === 0 ? `--test-reporter=${value}` : `--test-reporter-destination=${value}`,
  );
  const result = spawnSync(
    process.execPath,
    [
      '--enable-source-maps',
      '--test',
      '--test-concurrency=2',
      `--test-timeout=${TEST_TIMEOUT_MS}`,
      ...reporters,
      ...flags,
      ...files,
    ],
    { cwd: root, stdio: 'inherit' },
  );
  const count = (name) =>
    Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(readFileSync(tap, 'utf8'))?.[1] ?? 0);
  const [passed, failed] = [count('pass'), count('fail') + count('cancelled')];
  rmSync(scratch, { recursive: true });
  if (wanted.length === 0) say(NOT_COVERED.join('\n'));
  say(`${passed} passed, ${failed} failed`);
  process.exit(result.status === 0 && passed > 0 ? 0 : 1);
}

function testFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.test.js') && existsSync(sourceOf(join(folder, name))))
    .map((name) => join(folder, name))
    .sort();
}

/** The TypeScript file a compiled one came from; a compiled file may outlive its source. */
function sourceOf(compiled) {
  return compiled.replace(join(root, 'dist'), root).replace(/\.js$/, '.ts');
}

function installDependencies() {
  const stamp = join(root, 'node_modules', '.ogpu-installed');
  const lock = readFileSync(join(root, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  const isStamped = existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (isStamped && missingPackages(lock).length === 0) return;
  say('Installing dependencies (npm ci)…');
  // Building needs the development dependencies whatever NODE_ENV says.
  run(npm, ['ci', '--include=dev', '--no-audit', '--no-fund']);
  const missing = missingPackages(lock);
  if (missing.length > 0) fail(`npm ci left out ${missing.join(', ')}`);
  writeFileSync(stamp, wanted);
}

/** Packages of the lock file that are not there; those for other platforms may be absent. */
function missingPackages(lock) {
  return Object.entries(JSON.parse(lock).packages)
    .filter(([path, entry]) => path !== '' && !entry.optional && !entry.peer)
    .map(([path]) => path)
    .filter((path) => !existsSync(join(root, path, 'package.json')));
}

async function build() {
  say('Building…');
  compile();
  if (unbuiltSources().length > 0) {
    // An incremental build does not write again what somebody deleted from dist.
    rmSync(join(root, 'dist', '.tsbuildinfo'), { force: true });
    compile();
  }
  const { bundle } = await import('./bundle.mjs');
  await bundle(root);
}

function compile() {
  node([bin('typescript', 'bin/tsc'), '-p', '.']);
}

function unbuiltSources() {
  const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
  return include.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
      .map((name) => join(root, 'dist', folder, name.replace(/\.ts$/, '.js')))
      .filter((compiled) => !existsSync(compiled)),
  );
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`Node 20.19 or later is needed, this is ${process.version}`);
}

function node(args) {
  run(process.execPath, args);
}

function run(program, args) {
  const result = spawnSync(program, args, { cwd: root, stdio: 'inherit', shell: program.endsWith('.cmd') });
  if (result.error) fail(`${program}: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

const [name = '', ...args] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) fail(`usage: node scripts/run.mjs <${Object.keys(commands).join('|')}>`);
requireNode();
installDependencies();
await build();
command(args);
