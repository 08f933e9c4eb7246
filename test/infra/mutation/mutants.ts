import typescript, { type Node, type SourceFile } from 'typescript';

/** One small mistake in one function, as a text of the whole file. */
export interface Mutant {
  /** The exported function in which, or below which, the mistake lies. */
  readonly subject: string;
  /** For example `line 41: "<" became "<="`. */
  readonly change: string;
  readonly text: string;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

const { SyntaxKind } = typescript;

/** What a tired person types instead. */
const operators = new Map<typescript.SyntaxKind, string>([
  [SyntaxKind.LessThanToken, '<='],
  [SyntaxKind.LessThanEqualsToken, '<'],
  [SyntaxKind.GreaterThanToken, '>='],
  [SyntaxKind.GreaterThanEqualsToken, '>'],
  [SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [SyntaxKind.AmpersandAmpersandToken, '||'],
  [SyntaxKind.BarBarToken, '&&'],
  [SyntaxKind.PlusToken, '-'],
  [SyntaxKind.AsteriskToken, '/'],
]);

/**
 * Mistakes in the exported functions of a source and in what they call of it, at most `perFunction` in each, spread over the text:
 * another comparison, another connective, a number that is one off, a truth turned round. The same source gives the same mistakes.
 */
export function mutantsOf(text: string, perFunction: number): Mutant[] {
  const source = typescript.createSourceFile('source.ts', text, typescript.ScriptTarget.Latest, true);
  return source.statements.filter(isExportedFunction).flatMap((declaration) => {
    const edits = reachedFrom(source, declaration).flatMap((reached) => editsIn(source, reached.body));
    return spread(edits, perFunction).map((edit) => ({
      subject: declaration.name?.text ?? '',
      change: describe(source, edit),
      text: text.slice(0, edit.start) + edit.replacement + text.slice(edit.end),
    }));
  });
}

function isExportedFunction(node: Node): node is typescript.FunctionDeclaration {
  return typescript.isFunctionDeclaration(node) && isExported(node);
}

function isExported(node: typescript.FunctionDeclaration): boolean {
  return node.modifiers?.some(({ kind }) => kind === SyntaxKind.ExportKeyword) === true;
}

/** The function and the functions of the same source that it calls, but for exported ones: those have mistakes of their own. */
function reachedFrom(source: SourceFile, from: typescript.FunctionDeclaration): typescript.FunctionDeclaration[] {
  const own = source.statements.filter(typescript.isFunctionDeclaration).filter((one) => !isExported(one));
  const reached = new Set([from]);
  for (const one of reached) {
    const text = one.body?.getText(source) ?? '';
    for (const other of own) {
      if (new RegExp(`\\b${other.name?.text ?? ''}\\b`).test(text)) reached.add(other);
    }
  }
  return [...reached];
}

function editsIn(source: SourceFile, body: Node | undefined): Edit[] {
  const edits: Edit[] = [];
  const visit = (node: Node): void => {
    const replacement = replacementOf(node);
    if (replacement !== undefined) edits.push({ start: node.getStart(source), end: node.getEnd(), replacement });
    typescript.forEachChild(node, visit);
  };
  if (body !== undefined) visit(body);
  return edits;
}

function replacementOf(node: Node): string | undefined {
  if (node.kind === SyntaxKind.TrueKeyword) return 'false';
  if (node.kind === SyntaxKind.FalseKeyword) return 'true';
  if (typescript.isNumericLiteral(node)) return String(Number(node.text) + 1);
  const { parent } = node;
  const isOperator = typescript.isBinaryExpression(parent) && parent.operatorToken === node;
  // A text that is put together is no sum.
  if (isOperator && [parent.left, parent.right].some(typescript.isStringLiteral)) return equality.get(node.kind);
  return isOperator ? operators.get(node.kind) : undefined;
}

const equality = new Map(
  [...operators].filter(([kind]) =>
    [SyntaxKind.EqualsEqualsEqualsToken, SyntaxKind.ExclamationEqualsEqualsToken].includes(kind),
  ),
);

function spread(edits: readonly Edit[], most: number): Edit[] {
  if (edits.length <= most) return [...edits];
  return Array.from({ length: most }, (_, index) => edits[Math.floor((index * edits.length) / most)]).filter(
    (edit) => edit !== undefined,
  );
}

function describe(source: SourceFile, { start, end, replacement }: Edit): string {
  const { line } = source.getLineAndCharacterOfPosition(start);
  return `line ${line + 1}: "${source.text.slice(start, end)}" became "${replacement}"`;
}
