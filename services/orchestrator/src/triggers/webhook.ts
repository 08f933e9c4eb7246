import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { OrreryError } from '@orrery/kit/errors';
import type { EventHappening } from './matching.ts';

/**
 * Deliveries to `POST /v1/hooks/{tenant}/{name}`, signed by who sends them:
 *
 *     x-orrery-signature: t=<seconds since 1970>,v1=<hex of HMAC-SHA256(secret, text)>
 *     x-orrery-delivery: <id>        optional: sent again with the same id, it fires once
 *
 * The text is `<t>.<body>`, and with a delivery id `<t>.<id>.<body>`. A body is a JSON object, so neither can be read as the other.
 */
export interface Delivery {
  readonly tenant: string;
  readonly hook: string;
  readonly signature: string | undefined;
  readonly delivery: string | undefined;
  /** As it came, before any parsing. */
  readonly body: Buffer;
}

export const hookBodyBytesMax = 256 * 1024;
export const hookToleranceSeconds = 300;

const secretBytes = 32;
const signaturesMax = 5;
const deliveryPattern = /^[A-Za-z0-9_-]{1,128}$/;

/** The secret of a hook: derived from the platform's token, so that it stands in no file and each hook has another. */
export function hookSecret(token: string, tenant: string, hook: string): string {
  const secret = hkdfSync('sha256', token, 'orrery webhook', `v1 ${tenant}/${hook}`, secretBytes);
  return `whsec_${Buffer.from(secret).toString('base64url')}`;
}

/** What a sender puts into `x-orrery-signature`. */
export function signDelivery(
  secret: string,
  { body, delivery, atSeconds }: { readonly body: Buffer; readonly delivery?: string; readonly atSeconds: number },
): string {
  return `t=${atSeconds},v1=${sign(secret, { atSeconds, delivery, body }).toString('hex')}`;
}

/**
 * The delivery as an event. Throws `HOOK_SIGNATURE_INVALID`, `HOOK_EXPIRED`, `HOOK_BODY_TOO_LARGE`, `HOOK_BODY_INVALID` and
 * `HOOK_DELIVERY_INVALID`. The signature is compared before the body is read.
 */
export function readDelivery(delivered: Delivery, { token, nowMs }: { token: string; nowMs: number }): EventHappening {
  const { tenant, hook, body, delivery } = delivered;
  if (body.length > hookBodyBytesMax) throw tooLarge(body.length);
  if (delivery !== undefined && !deliveryPattern.test(delivery)) throw deliveryInvalid(delivery);
  const { atSeconds, signatures } = readSignature(delivered.signature);
  const wanted = sign(hookSecret(token, tenant, hook), { atSeconds, delivery, body });
  // All are compared, so that the time doesn't tell which one fitted.
  const fitting = signatures.filter((signature) => timingSafeEqual(signature, wanted));
  if (fitting.length === 0) throw signatureInvalid('it does not fit the body, the time and the secret of the hook');
  const awaySeconds = Math.abs(nowMs / 1000 - atSeconds);
  if (awaySeconds > hookToleranceSeconds) throw expired(atSeconds, nowMs);
  const payload = readBody(body);
  // Without an id only the very same request is the same delivery.
  const id = delivery ?? createHash('sha256').update(wanted).digest('hex');
  return { kind: 'webhook', id, tenant, name: hook, atMs: atSeconds * 1000, payload };
}

function sign(
  secret: string,
  { atSeconds, delivery, body }: { atSeconds: number; delivery: string | undefined; body: Buffer },
): Buffer {
  const head = delivery === undefined ? `${atSeconds}.` : `${atSeconds}.${delivery}.`;
  return createHmac('sha256', secret).update(head).update(body).digest();
}

function readSignature(header: string | undefined): { atSeconds: number; signatures: Buffer[] } {
  if (header === undefined) throw signatureInvalid('the header x-orrery-signature is missing');
  const parts = header.split(',').map((part) => part.trim());
  const times = parts.flatMap((part) => /^t=(\d{1,12})$/.exec(part)?.[1] ?? []);
  const signatures = parts.flatMap((part) => /^v1=([0-9a-f]{64})$/.exec(part)?.[1] ?? []);
  if (times.length !== 1 || signatures.length === 0 || signatures.length > signaturesMax) {
    throw signatureInvalid('it is not of the form t=<seconds>,v1=<64 hex digits>');
  }
  return { atSeconds: Number(times[0]), signatures: signatures.map((hex) => Buffer.from(hex, 'hex')) };
}

function readBody(body: Buffer): unknown {
  let payload: unknown;
  try {
    payload = JSON.parse(body.toString('utf8'));
  } catch {
    throw bodyInvalid('it is no JSON');
  }
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) return payload;
  throw bodyInvalid('it is JSON, but no object');
}

function signatureInvalid(reason: string): OrreryError {
  return new OrreryError({
    code: 'HOOK_SIGNATURE_INVALID',
    message: `the signature of the delivery is refused: ${reason}`,
    hint: 'sign "<t>.<body>", or "<t>.<delivery id>.<body>", with the secret that npx orrery hook shows',
    status: 401,
  });
}

function expired(atSeconds: number, nowMs: number): OrreryError {
  const [signed, now] = [atSeconds * 1000, nowMs].map((ms) => new Date(ms).toISOString());
  return new OrreryError({
    code: 'HOOK_EXPIRED',
    message: `the delivery was signed at ${signed ?? ''}, it is ${now ?? ''}: more than ${hookToleranceSeconds} s away`,
    hint: 'sign each try anew, and set the clock of the sender',
    status: 401,
  });
}

function tooLarge(bytes: number): OrreryError {
  return new OrreryError({
    code: 'HOOK_BODY_TOO_LARGE',
    message: `the body has ${bytes} bytes, the bound is ${hookBodyBytesMax}`,
    hint: 'send a reference to the large part',
    status: 413,
  });
}

function bodyInvalid(reason: string): OrreryError {
  return new OrreryError({
    code: 'HOOK_BODY_INVALID',
    message: `the body of the delivery can't become an event: ${reason}`,
    hint: 'send a JSON object in UTF-8',
  });
}

function deliveryInvalid(delivery: string): OrreryError {
  return new OrreryError({
    code: 'HOOK_DELIVERY_INVALID',
    message: `x-orrery-delivery has ${delivery.length} characters, or others than letters, digits, "_" and "-"`,
    hint: 'use a UUID',
  });
}
