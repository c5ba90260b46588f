import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What this machine lets a node take away from a job. A node says at start what is missing. */
export interface Isolation {
  /** `namespace`: no interface at all, not even loopback. `none`: a program that wanted to could open a socket. */
  readonly network: 'namespace' | 'none';
  /** Folders named as hidden are empty for the job, native code included. */
  readonly hidesFolders: boolean;
  /** `kernel`: allocations beyond the limit fail. `watched`: the parent looks and kills. `heap`: V8's heap alone is bounded. */
  readonly memory: 'kernel' | 'heap';
  /** The job dies with its parent, whatever the job is doing. */
  readonly diesWithParent: boolean;
  /** Node's permission model keeps JavaScript from files, processes and workers. */
  readonly permissions: boolean;
  readonly tools: Readonly<Partial<Record<Tool, string>>>;
}

type Tool = 'sh' | 'unshare' | 'setpriv' | 'mount' | 'nice';

export interface LaunchLimits {
  /** Private writable memory of the process: heap, buffers, stacks of threads, the driver's own. */
  readonly dataBytes: number;
  /** V8's old generation. */
  readonly heapBytes: number;
  readonly readable: readonly string[];
  readonly hidden: readonly string[];
}

const NAMESPACES = ['--user', '--map-root-user', '--net', '--mount', '--'];
const PRIVILEGES = ['--no-new-privs', '--inh-caps=-all', '--bounding-set=-all', '--pdeathsig', 'KILL', '--'];

/** Open files: the driver's libraries and devices, threads' pipes. */
const MAX_OPEN_FILES = 512;

/** Below consensus and networking, above nothing. */
const NICENESS = 10;

let detected: Isolation | undefined;

/** What this machine offers, tried once for a process: the tools are run, not looked at. */
export function detectIsolation(): Isolation {
  detected ??= detect();
  return detected;
}

function detect(): Isolation {
  const permissions = permissionFlag() !== undefined;
  if (process.platform !== 'linux')
    return {
      network: 'none',
      hidesFolders: false,
      memory: 'heap',
      diesWithParent: false,
      permissions,
      tools: {},
    };
  const [sh, unshare, setpriv, mount, nice] = (['sh', 'unshare', 'setpriv', 'mount', 'nice'] as const).map(
    find,
  );
  const canUnshare = unshare !== undefined && works(unshare, [...NAMESPACES, 'true']);
  const canDrop = setpriv !== undefined && works(setpriv, [...PRIVILEGES, 'true']);
  const canLimit = sh !== undefined && works(sh, ['-c', 'ulimit -c 0 && ulimit -d 4194304']);
  return {
    network: canUnshare ? 'namespace' : 'none',
    hidesFolders: canUnshare && canLimit && mount !== undefined,
    memory: canLimit ? 'kernel' : 'heap',
    diesWithParent: canDrop,
    permissions,
    tools: {
      ...(canLimit && { sh }),
      ...(canUnshare && { unshare }),
      ...(canDrop && { setpriv }),
      ...(mount !== undefined && { mount }),
      ...(nice !== undefined && { nice }),
    },
  };
}

/** The command line that runs Node with `entry` under everything this machine offers. */
export function launchCommand(isolation: Isolation, limits: LaunchLimits, entry: string): readonly string[] {
  const { unshare, sh, mount, setpriv, nice } = isolation.tools;
  const hidden = isolation.hidesFolders ? limits.hidden : [];
  const script = [
    ...hidden.map(() => `"${mount ?? ''}" -t tmpfs -o ro,size=4k,mode=000 none "$1" || exit 97; shift`),
    `ulimit -c 0; ulimit -n ${MAX_OPEN_FILES}; ulimit -d ${Math.ceil(limits.dataBytes / 1024)} || exit 97`,
    'unset PWD OLDPWD; exec "$@"',
  ].join('; ');
  return [
    ...(unshare === undefined ? [] : [unshare, ...NAMESPACES]),
    ...(sh === undefined ? [] : [sh, '-c', script, 'sh', ...hidden]),
    ...(setpriv === undefined ? [] : [setpriv, ...PRIVILEGES]),
    ...(nice === undefined ? [] : [nice, '-n', String(NICENESS)]),
    process.execPath,
    ...nodeFlags(isolation, limits),
    entry,
  ];
}

function nodeFlags(isolation: Isolation, limits: LaunchLimits): readonly string[] {
  const permission = permissionFlag();
  return [
    '--no-warnings',
    '--disallow-code-generation-from-strings',
    `--max-old-space-size=${Math.max(32, Math.floor(limits.heapBytes / 2 ** 20))}`,
    ...(isolation.permissions && permission !== undefined
      ? [
          permission,
          '--allow-addons',
          // Which files are open, to close what was not meant to be inherited. Nothing else of /proc: links there lead anywhere.
          ...[...limits.readable, '/proc/self/fdinfo'].map((path) => `--allow-fs-read=${path}`),
        ]
      : []),
  ];
}

function permissionFlag(): string | undefined {
  return ['--permission', '--experimental-permission'].find(
    (flag) =>
      process.allowedNodeEnvironmentFlags.has(flag) &&
      process.allowedNodeEnvironmentFlags.has('--allow-addons'),
  );
}

function find(tool: Tool): string | undefined {
  return ['/usr/bin', '/bin', '/usr/sbin', '/sbin']
    .map((folder) => join(folder, tool))
    .find((path) => existsSync(path));
}

function works(program: string, args: readonly string[]): boolean {
  return (
    spawnSync(program, args, { stdio: 'ignore', timeout: 5_000, env: { PATH: '/usr/bin:/bin' } }).status === 0
  );
}
