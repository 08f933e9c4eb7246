/** The parts of a template: words, numbers, 'strings', {{ placeholders }} and the signs of expressions. */
export type TokenKind = 'word' | 'number' | 'string' | 'placeholder' | 'sign' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As written; of a placeholder, what stands between the braces. */
  readonly text: string;
  /** Counted from the template's first character. */
  readonly offset: number;
}

/** Something wrong at an offset of the template, and what would be right. */
export interface TemplateProblem {
  readonly offset: number;
  readonly message: string;
  readonly hint: string;
}

interface Pattern {
  readonly kind: TokenKind | 'gap';
  readonly pattern: RegExp;
}

/**
 * Tried in this order at each place. There is no quoted identifier, no `;`, no `::`, no `[…]` and no `->`: what can't be written
 * needs no rule against it.
 */
const patterns: readonly Pattern[] = [
  { kind: 'gap', pattern: /\s+|--[^\n]*|\/\*[^]*?\*\//y },
  { kind: 'placeholder', pattern: /\{\{([^{}]*)\}\}/y },
  { kind: 'word', pattern: /[A-Za-z_][A-Za-z0-9_]*/y },
  { kind: 'number', pattern: /(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z0-9_.])/y },
  { kind: 'string', pattern: /'(?:[^'\\\n]|'')*'/y },
  { kind: 'sign', pattern: /<=|>=|<>|!=|[-+*/%=<>(),.]/y },
];

/** Cuts a template into tokens, the last of which is `end`. What is no token is a problem each, and left out. */
export function tokenize(template: string): { tokens: Token[]; problems: TemplateProblem[] } {
  const tokens: Token[] = [];
  const problems: TemplateProblem[] = [];
  let offset = 0;
  while (offset < template.length) {
    const found = matchAt(template, offset);
    if (found === undefined) {
      problems.push(foreign(template, offset));
      offset += lengthOfForeign(template, offset);
      continue;
    }
    if (found.kind !== 'gap') tokens.push({ kind: found.kind, text: found.text, offset });
    offset += found.length;
  }
  tokens.push({ kind: 'end', text: 'the end', offset: template.trimEnd().length });
  return { tokens, problems };
}

function matchAt(
  template: string,
  offset: number,
): { kind: Pattern['kind']; text: string; length: number } | undefined {
  for (const { kind, pattern } of patterns) {
    pattern.lastIndex = offset;
    const match = pattern.exec(template);
    if (match !== null) return { kind, text: match[1]?.trim() ?? match[0], length: match[0].length };
  }
  return undefined;
}

function foreign(template: string, offset: number): TemplateProblem {
  const sign = template[offset] ?? '';
  const hint = "a template holds words, numbers, 'text', {{ placeholders }} and + - * / % = <> < <= > >= ( ) , .";
  if (template.startsWith('{{', offset))
    return { offset, message: 'this placeholder is never closed', hint: 'close it by }}' };
  if (sign === "'")
    return { offset, message: 'this text is never closed, or holds a backslash', hint: "a quote in it is ''" };
  if (sign === '"' || sign === '`') return { offset, message: `${sign} quotes no name here`, hint };
  if (/[\d.]/.test(sign)) return { offset, message: 'this is no number', hint: 'write it as 12, 0.5 or 1e-3' };
  return { offset, message: `"${sign}" has no place in a template`, hint };
}

/** A run of the same foreign sign, or a broken number, is one problem. */
function lengthOfForeign(template: string, offset: number): number {
  const sign = template[offset] ?? '';
  if (/[\d.]/.test(sign)) return /^[\w.]+/.exec(template.slice(offset))?.[0].length ?? 1;
  let length = 1;
  while (template[offset + length] === sign) length += 1;
  return length;
}
