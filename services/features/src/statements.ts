import { readdir, readFile } from 'node:fs/promises';

/** The statements of `sql/` by file name; migrations are not among them. */
export type Statements = ReadonlyMap<string, string>;

export async function readStatements(folder: URL): Promise<Statements> {
  const files = (await readdir(folder)).filter((file) => /^[a-z_]+\.sql$/.test(file));
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), 'utf8')));
  return new Map(files.map((file, index) => [file.slice(0, -'.sql'.length), texts[index] ?? '']));
}

/**
 * Puts names and compiled SQL where a statement says `{{ … }}`. Only what a schema or the compiler let through may be put there:
 * values travel as parameters. Throws TypeError when a place stays empty or a fill has no place.
 */
export function fillStatement(statements: Statements, name: string, fills: Readonly<Record<string, string>>): string {
  const text = statements.get(name);
  if (text === undefined) throw new TypeError(`there is no statement ${name}`);
  const used = new Set<string>();
  const filled = text.replaceAll(/\{\{ (\w+) \}\}/g, (_place, key: string) => {
    const fill = fills[key];
    if (fill === undefined) throw new TypeError(`${name} lacks ${key}`);
    used.add(key);
    return fill;
  });
  const idle = Object.keys(fills).filter((key) => !used.has(key));
  if (idle.length > 0) throw new TypeError(`${name} has no place for ${idle.join(', ')}`);
  return filled;
}
