import assert from 'node:assert/strict';
import { judgeFires } from '#bench/orchestrator/fires.ts';
import { median, parsePs, parseStat, percentile } from '#bench/orchestrator/measure.ts';
import { parseOptions, skippedPeers } from '#bench/orchestrator/options.ts';
import { parseCommandStats, parseHistogram, parseSlowlog } from '#bench/orchestrator/redis.ts';

describe('the benchmark of the orchestrator', () => {
  it('takes the 99th percentile of a hundred values as the 99th, and of fewer as the last', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    assert.equal(percentile(hundred, 0.99), 99);
    assert.equal(percentile([3, 1, 2], 0.99), 3);
    assert.equal(percentile([3, 1, 2], 0.5), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([9, 1, 5]), 5);
  });

  it('counts the time of all threads and of waited-for children, whatever the process is called', () => {
    const times = '7 5 3 2';
    const line = `4242 (a) b (c) S 17 4242 4242 0 -1 4194560 100 0 0 0 ${times} 20 0 11 0 99 1 2`;
    assert.deepEqual(parseStat(line), { pid: 4242, parent: 17, cpuMs: 170 });
    assert.equal(parseStat(''), undefined);
  });

  it('reads the time that ps tells, with and without hours and days', () => {
    assert.deepEqual(parsePs('  501   1   0:01.25'), { pid: 501, parent: 1, cpuMs: 1250 });
    assert.deepEqual(parsePs('501 1 01:00:02'), { pid: 501, parent: 1, cpuMs: 3_602_000 });
    assert.deepEqual(parsePs('501 1 2-00:00:01'), { pid: 501, parent: 1, cpuMs: 172_801_000 });
    assert.equal(parsePs(''), undefined);
  });

  it('finds the longest call in SLOWLOG, and leaves its own questions out', () => {
    const entries = [
      [3, 1700000000, 90_000, ['SLOWLOG', 'GET'], '127.0.0.1:1', ''],
      [2, 1700000000, 6000, ['fcall', 'orrery_bus_ddc47823f531_publish', '1', 'x'], '127.0.0.1:1', ''],
      [1, 1700000000, 900, ['hget', 'a', 'b'], '127.0.0.1:1', ''],
    ];
    assert.deepEqual(parseSlowlog(entries), { longestMs: 6, longestName: 'fcall bus publish', slow: 1 });
    assert.deepEqual(parseSlowlog([]), { longestMs: 0, longestName: '', slow: 0 });
  });

  it('takes the bound of the highest bucket of LATENCY HISTOGRAM', () => {
    const answer = [
      ...['fcall', ['calls', 3, 'histogram_usec', [64, 1, 4198, 3]]],
      ...['hget', ['calls', 2, 'histogram_usec', [8, 2]]],
    ];
    assert.deepEqual(parseHistogram(answer), { boundMs: 4.198, boundName: 'fcall' });
  });

  it('orders commands by what they cost together', () => {
    const text =
      '# Commandstats\r\ncmdstat_get:calls=10,usec=10,usec_per_call=1.00\r\ncmdstat_fcall:calls=2,usec=50,usec_per_call=25.00\r\n';
    assert.deepEqual(parseCommandStats(text), [
      { name: 'fcall', calls: 2, meanUs: 25 },
      { name: 'get', calls: 10, meanUs: 1 },
    ]);
  });

  it('counts a fire of the window once, with the lag of its first execution', () => {
    const fires = [
      { schedule: 'a', logicalMs: 1000, lagMs: 40 },
      { schedule: 'a', logicalMs: 1000, lagMs: 9000 },
      { schedule: 'b', logicalMs: 1999, lagMs: 5 },
      { schedule: 'b', logicalMs: 2000, lagMs: 1 },
      { schedule: 'c', logicalMs: 999, lagMs: 1 },
    ];
    assert.deepEqual(judgeFires(fires, { fromMs: 1000, untilMs: 2000 }), { lags: [40, 5], twice: 1 });
  });

  it('refuses a workload, a peer and a number that it does not know, and says what it knows', () => {
    assert.throws(() => parseOptions(['--only', 'fanout']), /there is no workload fanout: take of fan-out, chain/);
    assert.throws(() => parseOptions(['--peers', 'airflow']), /there is no peer airflow/);
    assert.throws(() => parseOptions(['--rounds', '0']), /--rounds is a whole number from 1 on, not 0/);
    assert.throws(() => parseOptions(['--fsync', 'no']), /--fsync is everysec or always, not no/);
  });

  it('measures ours first and then the peers that were named, and names those that it leaves out', () => {
    assert.deepEqual(parseOptions([]).engines, ['orrery', 'bullmq']);
    assert.deepEqual(parseOptions(['--peers', 'restate,temporal']).engines, ['orrery', 'restate']);
    assert.deepEqual(parseOptions(['--no-ours']).engines, ['bullmq']);
    assert.deepEqual([parseOptions([]).peerOutbox, parseOptions(['--no-peer-outbox']).peerOutbox], [true, false]);
    assert.deepEqual(skippedPeers(['--peers=bullmq,temporal,dbos']), ['temporal', 'dbos']);
  });
});
