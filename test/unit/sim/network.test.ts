import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { constantLatency, uniformLatency } from '../../sim/latency.js';
import { CALM, Network, type NetworkOptions } from '../../sim/network.js';
import { Recorder } from '../../sim/recorder.js';
import { Scheduler } from '../../sim/scheduler.js';
import { createStreams } from '../../sim/streams.js';

interface Arrival {
  readonly from: number;
  readonly to: number;
  readonly message: unknown;
  readonly atUs: number;
}

const SIMPLE: NetworkOptions<unknown> = {
  nodes: 4,
  latency: constantLatency(1000),
  isOrdered: false,
  maxInFlight: 10_000,
  overflow: 'drop-newest',
};

function createNetwork(options: Partial<NetworkOptions<unknown>> = {}, seed = 1) {
  const scheduler = new Scheduler();
  const recorder = new Recorder(() => scheduler.nowUs);
  const arrivals: Arrival[] = [];
  const breaks: string[] = [];
  const world = { scheduler, recorder, streams: createStreams(seed) };
  const network = new Network<unknown>({ ...SIMPLE, ...options }, world, {
    deliver: (from, to, message) => void arrivals.push({ from, to, message, atUs: scheduler.nowUs }),
    disconnected: (node, peer) => void breaks.push(`${node} lost ${peer}`),
  });
  const messages = (): unknown[] => arrivals.map(({ message }) => message);
  return { network, scheduler, recorder, arrivals, breaks, messages };
}

describe('the network', () => {
  test('delivers after the latency, a copy that is not the sender’s', () => {
    const { network, scheduler, arrivals } = createNetwork();
    const message = { bytes: new Uint8Array([1]) };
    network.send(0, 1, message, 10);
    message.bytes[0] = 2;
    scheduler.runSync();
    assert.deepEqual(arrivals, [{ from: 0, to: 1, message: { bytes: new Uint8Array([1]) }, atUs: 1000 }]);
  });

  test('reorders where a link does not keep order, and does not where it does', () => {
    const send = (isOrdered: boolean): unknown[] => {
      const { network, scheduler, messages } = createNetwork({ latency: uniformLatency(1, 1000), isOrdered });
      for (let i = 0; i < 50; i++) network.send(0, 1, i, 1);
      scheduler.runSync();
      return messages();
    };
    const inOrder = Array.from({ length: 50 }, (_, i) => i);
    assert.deepEqual(send(true), inOrder);
    assert.notDeepEqual(send(false), inOrder);
    assert.deepEqual(
      [...send(false)].map(Number).sort((a, b) => a - b),
      inOrder,
    );
  });

  test('loses and repeats about as many as it is told, and late ones come late', () => {
    const { network, scheduler, arrivals } = createNetwork();
    network.setWeather({
      lossPermille: 200,
      duplicatePermille: 100,
      reorderPermille: 50,
      reorderMaxUs: 5000,
    });
    for (let i = 0; i < 10_000; i++) network.send(i % 3, 3, i, 1);
    scheduler.runSync();
    const { lost, duplicated, delivered } = network.counts;
    assert.ok(lost > 1800 && lost < 2200 && duplicated > 700 && duplicated < 900);
    assert.equal(delivered, 10_000 - lost + duplicated);
    const late = arrivals.filter(({ atUs }) => atUs > 1000).length;
    assert.ok(late > 350 && late < 550 && arrivals.every(({ atUs }) => atUs <= 6000), String(late));
    assert.throws(() => network.setWeather({ ...CALM, lossPermille: 301 }), { code: 'INVARIANT_VIOLATED' });
  });

  test('chances of one kind do not move those of another', () => {
    const lostWith = (duplicatePermille: number): number[] => {
      const { network, scheduler, messages } = createNetwork();
      network.setWeather({ ...CALM, lossPermille: 300, duplicatePermille });
      for (let i = 0; i < 200; i++) network.send(0, 1, i, 1);
      scheduler.runSync();
      return [...new Set(messages().map(Number))];
    };
    assert.deepEqual(lostWith(0), lostWith(500));
  });

  test('a cut is one way, adds up, and takes what is under way', () => {
    const { network, scheduler, messages } = createNetwork();
    network.send(0, 1, 'under way', 1);
    network.cut(0, 1);
    network.cut(0, 1);
    network.send(0, 1, 'cut', 1);
    network.send(1, 0, 'back', 1);
    scheduler.runSync();
    network.mend(0, 1);
    network.send(0, 1, 'still cut', 1);
    network.mend(0, 1);
    network.send(0, 1, 'mended', 1);
    scheduler.runSync();
    assert.deepEqual(messages(), ['back', 'mended']);
    assert.throws(() => network.mend(0, 1), { code: 'INVARIANT_VIOLATED' });
  });

  test('a clog holds everything and then lets all of it go at once, in order', () => {
    const { network, scheduler, arrivals, messages } = createNetwork();
    network.clog(0, 1);
    for (let i = 0; i < 3; i++) network.send(0, 1, i, 1);
    network.send(0, 2, 'other link', 1);
    scheduler.runSync({ untilUs: 50_000 });
    assert.deepEqual(messages(), ['other link']);
    network.unclog(0, 1);
    scheduler.runSync();
    assert.deepEqual(messages(), ['other link', 0, 1, 2]);
    assert.deepEqual(
      arrivals.slice(1).map(({ atUs }) => atUs),
      [50_000, 50_000, 50_000],
    );
  });

  test('a broken connection loses what is under way or held, and tells both', () => {
    const { network, scheduler, messages, breaks } = createNetwork();
    network.clog(1, 0);
    network.send(0, 1, 'lost', 1);
    network.send(1, 0, 'lost too', 1);
    scheduler.runSync({ untilUs: 1000 });
    network.send(0, 1, 'under way', 1);
    network.disconnect(0, 1);
    network.unclog(1, 0);
    network.send(0, 1, 'new', 1);
    scheduler.runSync();
    assert.deepEqual(messages(), ['lost', 'new']);
    assert.deepEqual(breaks, ['0 lost 1', '1 lost 0']);
  });

  test('a process that dies receives nothing that was under way, but what it sent arrives', () => {
    const { network, scheduler, messages, breaks } = createNetwork();
    network.send(0, 1, 'to the dead', 1);
    network.send(1, 0, 'last words', 1);
    network.hangUp(1);
    scheduler.runSync();
    assert.deepEqual(messages(), ['last words']);
    assert.deepEqual(breaks, ['0 lost 1', '2 lost 1', '3 lost 1']);
  });

  test('a full link loses the newest, or the connection', () => {
    const overflow = (policy: 'drop-newest' | 'drop-connection') => {
      const { network, scheduler, messages, breaks } = createNetwork({ maxInFlight: 3, overflow: policy });
      for (let i = 0; i < 5; i++) network.send(0, 1, i, 1);
      scheduler.runSync();
      network.send(0, 1, 'after', 1);
      scheduler.runSync();
      return { messages: messages(), breaks: breaks.length, peak: network.counts.peakInFlight };
    };
    assert.deepEqual(overflow('drop-newest'), { messages: [0, 1, 2, 'after'], breaks: 0, peak: 3 });
    assert.deepEqual(overflow('drop-connection'), { messages: [4, 'after'], breaks: 2, peak: 3 });
  });

  test('upload is shared by all links of a sender; small messages slip past a large one', () => {
    const { network, scheduler, arrivals } = createNetwork({ uploadBytesPerSecond: 12_500_000 });
    for (let to = 1; to < 4; to++) network.send(0, to, `block ${to}`, 1_000_000);
    network.send(0, 1, 'vote', 200);
    network.send(1, 0, 'other sender', 1_000_000);
    scheduler.runSync();
    const arrived = Object.fromEntries(arrivals.map(({ message, atUs }) => [String(message), atUs]));
    assert.deepEqual(arrived, {
      vote: 1016,
      'block 1': 81_000,
      'other sender': 81_000,
      'block 2': 161_000,
      'block 3': 241_000,
    });
  });
});
