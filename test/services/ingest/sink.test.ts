import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { OrreryError } from '#services/kit/src/errors.ts';
import { planSink, type TableColumn } from '#services/ingest/src/sink.ts';
import { flightsPipeline } from './flights-pipeline.ts';

const table: TableColumn[] = [
  ['tenant', 'LowCardinality(String)'],
  ['intake', 'LowCardinality(String)'],
  ['file_digest', 'LowCardinality(String)'],
  ['row_number', 'UInt32'],
  ['day', 'Date'],
  ['scheduled_hour', 'UInt8'],
  ['departure', "DateTime('UTC')"],
  ['delay_minutes', 'Int16'],
  ['distance_miles', 'UInt16'],
  ...['origin', 'destination'].flatMap((end) => [
    [end, 'LowCardinality(String)'],
    [`${end}_city`, 'LowCardinality(String)'],
    [`${end}_state`, 'LowCardinality(String)'],
    [`${end}_latitude`, 'Float64'],
    [`${end}_longitude`, 'Float64'],
  ]),
  ['ttl_days', 'UInt16'],
  ['ingested_at', "DateTime('UTC')"],
].map(([name = '', type = '']) => ({ name, type }));

function problems(change: (text: string) => string, columns = table): string[] {
  try {
    planSink(flightsPipeline(change), columns);
    return [];
  } catch (error) {
    const { code, message } = error as OrreryError;
    assert.equal(code, 'SINK_MISMATCH');
    return message
      .split('\n')
      .slice(1)
      .map((line) => line.replace('  - ', ''));
  }
}

function retyped(name: string, type: string): TableColumn[] {
  return table.map((column) => (column.name === name ? { name, type } : column));
}

const same = (text: string) => text;

describe('the sink of a pipeline', () => {
  it('is written in the order of the table', () => {
    const columns = planSink(flightsPipeline(), table).map((column) => column.name);
    assert.deepEqual(columns.slice(0, 6), [
      'day',
      'scheduled_hour',
      'departure',
      'delay_minutes',
      'distance_miles',
      'origin',
    ]);
  });

  it('refuses numbers that the table would wrap without a word', () => {
    assert.deepEqual(
      problems((text) => text.replace('maximum: 2880', 'maximum: 40000')),
      ['"delay_minutes" is bounded -1440 to 40000 by its contract, Int16 holds -32768 to 32767'],
    );
    assert.deepEqual(
      problems((text) => text.replace('minimum: 1, maximum: 6000', 'minimum: 1')),
      ['"distance_miles" is bounded 1 to without greatest by its contract, UInt16 holds 0 to 65535'],
    );
    assert.deepEqual(
      problems((text) => text.replace("from: '2001-01-01T00:00', ", '')),
      [
        '"day" is bounded without least to 11505 by its contract, Date holds 0 to 65535',
        `"departure" is bounded without least to 993945600 by its contract, DateTime('UTC') holds 0 to 4294967295`,
      ],
    );
  });

  it('refuses nulls that the table would turn into defaults', () => {
    const lenient = (text: string) => text.replace('onMiss: reject', 'onMiss: empty');
    assert.deepEqual(problems(lenient)[0], '"origin_city" may be empty, the table\'s LowCardinality(String) can\'t be');
    assert.equal(problems(lenient).length, 4);
    const nullable = table.map(({ name, type }) => ({
      name,
      type: name.startsWith('origin_') ? `Nullable(${type.replace(/LowCardinality\((.*)\)/, '$1')})` : type,
    }));
    assert.deepEqual(problems(lenient, nullable), []);
  });

  it('refuses columns that one of the two does not have', () => {
    assert.deepEqual(
      problems((text) =>
        text
          .replace('delay: delay_minutes', 'delay: late')
          .replace('delayMinutes: delay_minutes', 'delayMinutes: late'),
      ),
      ['the table has no column "late"', 'no step fills the column "delay_minutes"'],
    );
    assert.deepEqual(
      problems(
        same,
        table.filter(({ name }) => name !== 'intake'),
      ),
      ['the table lacks "intake", which every table has'],
    );
  });

  it("refuses types that can't hold the values", () => {
    assert.deepEqual(problems(same, retyped('origin_latitude', 'Float32')), [
      '"origin_latitude" is a number, the table has Float32',
    ]);
    assert.deepEqual(problems(same, retyped('origin', 'UInt8')), ['"origin" is a string, the table has UInt8']);
  });

  it('that is not there is told as such', () => {
    assert.equal(problems(same, [])[0], 'there is no such table');
  });
});
