import { Name } from '@orrery/contracts/definitions/fields';
import { OrreryError } from '@orrery/kit/errors';
import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

export const subprotocol = 'orrery.worker.1';
export const frameBytesMax = 1024 * 1024;
/** Leases, endings or tasks in one frame. */
export const listMax = 1000;
export const progressBytesMax = 2048;

const closed = { additionalProperties: false } as const;
const lease = {
  run: Type.String({ minLength: 1, maxLength: 64 }),
  ref: Type.String({ pattern: '^[0-9]{1,10}(\\.[0-9]{1,10})?$' }),
  fence: Type.String({ pattern: '^[0-9]{1,20}$' }),
};

export const errorClasses = ['timeout', 'unavailable', 'throttled', 'resources', 'inputs', 'failure'] as const;
const WorkerError = Type.Object(
  {
    class: Type.Enum([...errorClasses]),
    message: Type.String({ maxLength: 4000 }),
    code: Type.Optional(Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,63}$' })),
    hint: Type.Optional(Type.String({ maxLength: 1000 })),
    retryable: Type.Optional(Type.Boolean()),
  },
  closed,
);
const EndingFrame = Type.Object(
  {
    ...lease,
    outcome: Type.Enum(['succeeded', 'failed', 'returned', 'cancelled']),
    result: Type.Optional(Type.Unknown()),
    error: Type.Optional(WorkerError),
  },
  closed,
);
const BeatFrame = Type.Object(
  { ...lease, dueMs: Type.Integer({ minimum: 0 }), progress: Type.Optional(Type.Unknown()) },
  closed,
);
const Slots = Type.Integer({ minimum: 0, maximum: 10_000 });

const schemas = {
  hello: Type.Object(
    {
      type: Type.Literal('hello'),
      pool: Name,
      handlers: Type.Array(Name, { minItems: 1, maxItems: 1000 }),
      build: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$' }),
      slots: Slots,
    },
    closed,
  ),
  done: Type.Object(
    { type: Type.Literal('done'), endings: Type.Array(EndingFrame, { minItems: 1, maxItems: listMax }) },
    closed,
  ),
  beat: Type.Object(
    { type: Type.Literal('beat'), leases: Type.Array(BeatFrame, { minItems: 1, maxItems: listMax }) },
    closed,
  ),
  slots: Type.Object({ type: Type.Literal('slots'), free: Slots }, closed),
  bye: Type.Object({ type: Type.Literal('bye') }, closed),
};

export type Hello = Static<typeof schemas.hello>;
export type GivenEnding = Static<typeof EndingFrame>;
export type GivenBeat = Static<typeof BeatFrame>;
type Frames = { [K in keyof typeof schemas]: Static<(typeof schemas)[K]> };
export type WorkerFrame = Frames[keyof Frames];

interface Checker {
  Check(value: unknown): boolean;
  Errors(value: unknown): readonly FrameIssue[];
}

interface FrameIssue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: Record<string, unknown>;
}

const checkers = new Map<string, Checker>(
  Object.entries<TSchema>(schemas).map(([type, schema]) => [type, Compile(schema) as Checker]),
);

/** Reads what a worker sent. Throws `FRAME_TOO_LARGE`, `FRAME_NOT_JSON`, `FRAME_UNKNOWN` or `FRAME_INVALID`. */
export function readFrame(data: Buffer, isBinary: boolean): WorkerFrame {
  if (data.length > frameBytesMax) {
    const hint = `split the list over several frames; a result that is so large belongs into the store`;
    throw refused('FRAME_TOO_LARGE', `the frame has ${data.length} bytes, the bound is ${frameBytesMax}`, hint);
  }
  const value = isBinary ? undefined : parse(data);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused('FRAME_NOT_JSON', 'the frame is no JSON object in a text frame', 'send one JSON object a text frame');
  }
  const type = 'type' in value ? value.type : undefined;
  const checker = typeof type === 'string' ? checkers.get(type) : undefined;
  if (checker === undefined) {
    const hint = `a worker sends ${[...checkers.keys()].join(', ')}; is the library newer than this orchestrator?`;
    throw refused(
      'FRAME_UNKNOWN',
      `the frame's type is ${type === undefined ? 'missing' : JSON.stringify(type)}`,
      hint,
    );
  }
  if (checker.Check(value)) return value as WorkerFrame;
  const issues = checker.Errors(value).filter(({ keyword }) => keyword !== 'boolean');
  const told = issues.slice(0, 8).map(describe);
  const hint = 'compare the frame with services/worker/PROTOCOL.md; unknown fields are refused';
  throw refused('FRAME_INVALID', `${String(type)}: ${told.join('; ')}`, hint);
}

/** A text as RFC 6455 has a server send it: one frame, not masked. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = 0x81;
  frame[1] = header === 2 ? length : header === 4 ? 126 : 127;
  if (header === 4) frame.writeUInt16BE(length, 2);
  if (header === 10) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.write(text, header);
  return frame;
}

function parse(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8'));
  } catch {
    return undefined;
  }
}

function describe({ instancePath, message, params }: FrameIssue): string {
  const values = params['additionalProperties'] ?? params['allowedValues'];
  const names = Array.isArray(values) ? `: ${values.map((name) => JSON.stringify(name)).join(', ')}` : '';
  return `${instancePath.slice(1).replaceAll('/', '.') || 'the frame'} ${message}${names}`;
}

export function refused(code: string, message: string, hint: string): OrreryError {
  return new OrreryError({ code, message: message.slice(0, 1000), hint });
}
