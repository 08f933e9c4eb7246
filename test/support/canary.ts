import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A secret as it might be found again: plain, base64 (at any place of a longer text), hexadecimal, url-encoded. */
export function encodingsOf(secret: string): Record<string, string> {
  const bytes = Buffer.from(secret);
  // Within a longer text the first and last letters of base64 depend on what stands beside: these are the ones that don't.
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '');
    return text.slice(shift === 0 ? 0 : shift + 1, -2);
  });
  return {
    plain: secret,
    'base64 at 0': base64[0] ?? '',
    'base64 at 1': base64[1] ?? '',
    'base64 at 2': base64[2] ?? '',
    hexadecimal: bytes.toString('hex'),
    'url-encoded': encodeURIComponent(secret),
  };
}

/** Where a secret is found in folders and texts: `file: encoding`; empty when nowhere. */
export function findSecret(
  secret: string,
  folders: readonly string[],
  texts: Readonly<Record<string, string>>,
): string[] {
  const files = folders.flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
      : [],
  );
  const contents = [...files.map((file) => [file, readFileSync(file, 'latin1')] as const), ...Object.entries(texts)];
  return contents.flatMap(([place, text]) =>
    Object.entries(encodingsOf(secret))
      .filter(([, encoded]) => text.includes(encoded))
      .map(([encoding]) => `${place}: ${encoding}`),
  );
}
