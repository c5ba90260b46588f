import type { Observation } from './checker.js';
import type { Cluster, World } from './cluster.js';
import { describeBody, type Fault } from './faults.js';
import { CALM, type Weather } from './network.js';

/** What ends a fault. */
type End = () => void | Promise<void>;

/** Lets every fault begin and end in its time. */
export function unleash<Message, Disk, Seen extends Observation>(
  faults: readonly Fault[],
  cluster: Cluster<Message, Disk, Seen>,
  { scheduler, recorder }: World,
): void {
  const weathers = new Set<Partial<Weather>>();
  const fair = (weather: Partial<Weather>): End => {
    weathers.add(weather);
    cluster.network.setWeather(worst(weathers));
    return () => {
      weathers.delete(weather);
      cluster.network.setWeather(worst(weathers));
    };
  };
  const hold = createHold();
  for (const fault of faults) {
    scheduler.at(fault.atUs, () => {
      recorder.tell(`fault: ${describeBody(fault)}`);
      const end = begin(fault, cluster, fair, hold);
      scheduler.after(fault.durationUs, () => {
        recorder.tell(`ends: ${describeBody(fault)}`);
        return end();
      });
    });
  }
}

function begin<Message, Disk, Seen extends Observation>(
  fault: Fault,
  cluster: Cluster<Message, Disk, Seen>,
  weather: (change: Partial<Weather>) => End,
  hold: Hold,
): End {
  const { network } = cluster;
  switch (fault.kind) {
    case 'partition': {
      const links = severed(fault);
      for (const [from, to] of links) network.cut(from, to);
      return () => links.forEach(([from, to]) => network.mend(from, to));
    }
    case 'censor':
      return cluster.censor(fault);
    case 'clog':
      network.clog(fault.from, fault.to);
      return () => network.unclog(fault.from, fault.to);
    case 'disconnect':
      network.disconnect(fault.a, fault.b);
      return () => undefined;
    case 'loss':
      return weather({ lossPermille: fault.permille });
    case 'duplication':
      return weather({ duplicatePermille: fault.permille });
    case 'reordering':
      return weather({ reorderPermille: fault.permille, reorderMaxUs: fault.maxUs });
    default:
      return beginAtNode(fault, cluster, hold);
  }
}

/** Lets the last begun of several equal faults of one node count, and none when all have ended. */
type Hold = <Held extends NodeFault>(fault: Held, apply: (current: Held | undefined) => void) => End;

function createHold(): Hold {
  const active = new Map<string, NodeFault[]>();
  return <Held extends NodeFault>(fault: Held, apply: (current: Held | undefined) => void) => {
    const key = `${fault.kind}/${fault.node}`;
    const held = (active.get(key) ?? []) as Held[];
    active.set(key, held);
    held.push(fault);
    apply(fault);
    return () => {
      held.splice(held.indexOf(fault), 1);
      apply(held.at(-1));
    };
  };
}

type NodeFault = Extract<Fault, { readonly node: number }>;

function beginAtNode<Message, Disk, Seen extends Observation>(
  fault: NodeFault,
  cluster: Cluster<Message, Disk, Seen>,
  hold: Hold,
): End {
  const { node } = fault;
  switch (fault.kind) {
    case 'skew':
      cluster.clock(node).jump(1000 * fault.jumpMs);
      return () => cluster.clock(node).jump(-1000 * fault.jumpMs);
    case 'drift':
      return hold(fault, (current) => cluster.clock(node).setDrift(current?.ppm ?? 0));
    case 'pause':
      cluster.pause(node);
      return () => cluster.resume(node);
    case 'crash':
      cluster.kill(node, fault.atEffect);
      return () => cluster.release(node);
    case 'ambush':
      cluster.lieInWait(node, fault.cue, fault.atEffect);
      return () => cluster.release(node);
    case 'foreign-disk':
      return cluster.giveForeignDisk(node, fault.owner);
    case 'disk-full':
      return hold(fault, (current) => cluster.setDiskFull(node, current !== undefined));
    case 'slow-disk':
      return hold(fault, (current) => cluster.setDiskLatency(node, current?.latencyUs));
  }
}

function severed(fault: Extract<Fault, { readonly kind: 'partition' }>): [number, number][] {
  const oneWay = fault.group.flatMap((from) => fault.rest.map((to): [number, number] => [from, to]));
  return fault.isOneWay
    ? oneWay
    : oneWay.flatMap(([from, to]) => [
        [from, to],
        [to, from],
      ]);
}

/** Where storms overlap, the worst of each kind. */
function worst(weathers: ReadonlySet<Partial<Weather>>): Weather {
  const most = (key: keyof Weather): number =>
    Math.max(CALM[key], ...[...weathers].map((one) => one[key] ?? 0));
  return {
    lossPermille: most('lossPermille'),
    duplicatePermille: most('duplicatePermille'),
    reorderPermille: most('reorderPermille'),
    reorderMaxUs: most('reorderMaxUs'),
  };
}
