import assert from 'node:assert/strict';
import { textFrame } from '#services/orchestrator/src/door/frames.ts';

describe('a frame to a worker', () => {
  const lengths: [characters: number, header: number[]][] = [
    [2, [0x81, 2]],
    [125, [0x81, 125]],
    [126, [0x81, 126, 0, 126]],
    [65_535, [0x81, 126, 0xff, 0xff]],
    [65_536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  ];
  for (const [characters, header] of lengths) {
    it(`tells its length as RFC 6455 has it: ${characters}`, () => {
      const text = 'x'.repeat(characters);
      assert.deepEqual(textFrame(text), Buffer.concat([Buffer.from(header), Buffer.from(text)]));
    });
  }

  it('counts bytes, not characters', () => {
    assert.deepEqual(textFrame('é'), Buffer.from([0x81, 2, 0xc3, 0xa9]));
  });
});
