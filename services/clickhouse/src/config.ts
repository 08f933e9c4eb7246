import Type, { type Static } from 'typebox';

const whole = (value: number, minimum: number, maximum: number) => Type.Integer({ default: value, minimum, maximum });

export const Settings = Type.Object({
  sessions: whole(6, 1, 64),
  waitingMax: whole(100, 1, 400),
  waitMs: whole(30_000, 1, 600_000),
  insertBytesMax: whole(8 * 1024 * 1024, 1024, 64 * 1024 * 1024),
  queryTimeoutSeconds: whole(120, 1, 86_400),
  memoryMiB: whole(4096, 256, 1_048_576),
});
export type Settings = Static<typeof Settings>;
