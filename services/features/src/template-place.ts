import type { Problem } from '@orrery/contracts/definition';
import { isScalar, LineCounter, parseDocument } from 'yaml';
import type { TemplateProblem } from './tokens.ts';

/**
 * Gives problems of a template their line and column in the YAML file. In a literal block (`sql: |`) each line of the template
 * is a line of the file, moved right by the same indent; a template written otherwise is only pointed at as a whole.
 */
export function locateInTemplate(text: string, file: string, problems: readonly TemplateProblem[]): Problem[] {
  const lines = new LineCounter();
  const scalar: unknown = parseDocument(text, { lineCounter: lines, version: '1.2' }).get('sql', true);
  if (!isScalar(scalar) || typeof scalar.value !== 'string' || !scalar.range) {
    return problems.map(({ message, hint }) => ({ file, line: 1, column: 1, message, hint }));
  }
  const template = scalar.value;
  const start = lines.linePos(scalar.range[0]);
  const isLiteral = scalar.type === 'BLOCK_LITERAL';
  const indent = isLiteral ? indentOf(text, start.line) : 0;
  return problems.map(({ offset, message, hint }) => {
    if (!isLiteral) return { file, line: start.line, column: start.col, message, hint };
    const before = template.slice(0, offset).split('\n');
    const column = indent + (before.at(-1) ?? '').length + 1;
    return { file, line: start.line + before.length, column, message, hint };
  });
}

/** The indent of a block is that of its first line with something on it. */
function indentOf(text: string, headerLine: number): number {
  const first = text
    .split('\n')
    .slice(headerLine)
    .find((line) => line.trim() !== '');
  return first === undefined ? 0 : first.length - first.trimStart().length;
}
