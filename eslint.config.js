import importX, { createNodeResolver } from 'eslint-plugin-import-x';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import tseslint from 'typescript-eslint';

const root = import.meta.dirname;
const services = readdirSync(path.join(root, 'services'));
/** What stands below the services, and the library that stands outside them: its users have nothing else of ours. */
const alone = ['contracts', 'kit', 'worker'];

/**
 * The import directions of the house, as the folders that each folder may import beside itself. Packages reach each other
 * by `exports` subpaths, so most of a wrong import fails to resolve already; these zones catch the rest and say what to do
 * instead. test/architecture checks the same directions by a parser of its own.
 *
 * @type {{ folder: string, allowed: string[], message: string }[]}
 */
const directions = [
  ...['infra', 'policies'].map((folder) => ({
    folder,
    allowed: [],
    message: `${folder} imports nothing of ours: take the value as an argument; stacks/platform.ts passes it in.`,
  })),
  ...services.map((name) => ({
    folder: `services/${name}`,
    allowed: alone.includes(name) ? [] : ['services/kit', 'services/contracts'],
    message: alone.includes(name)
      ? `${name} imports nothing of ours: take it as a parameter, or move the rule to the service that owns it.`
      : 'A service imports only kit and contracts: reach another service by HTTP or by the bus, as contracts says.',
  })),
  {
    folder: 'stacks',
    allowed: ['infra', 'policies', 'services/contracts', 'services/kit'],
    message:
      'stacks imports infra, policies, contracts and kit: it deploys services from a release, never from their source.',
  },
];

const zones = directions.map(({ folder, allowed, message }) => ({
  target: `./${folder}`,
  from: './',
  except: ['node_modules', folder, ...allowed].map((name) => `./${name}`),
  message,
}));
zones.push({
  target: './stacks/*.ts',
  from: './services/kit',
  except: [],
  message: 'The Pulumi program stays free of running code: the kit is for the command and the local environment.',
});

const NODE_PROCESS = ['env', 'exit'].map((property) => ({
  selector: `MemberExpression[object.name='process'][property.name='${property}']`,
  message: `process.${property} belongs to main.ts: pass the value in, or throw an error with a code.`,
}));

const ALWAYS_FORBIDDEN_SYNTAX = [
  { selector: 'ExportAllDeclaration', message: 'No barrels: export names where they are made, import from there.' },
  {
    selector: "TSAsExpression > TSAsExpression[typeAnnotation.type='TSUnknownKeyword']",
    message: 'Casting through unknown hides a wrong type: narrow by a check instead.',
  },
  {
    selector: 'TemplateElement[value.raw=/redis\\.(call|pcall|register_function)/]',
    message: 'Lua is a file (lua/<verb-noun>.lua), not a string.',
  },
];

const SQL_IN_CODE = {
  selector: 'TemplateElement[value.raw=/\\b(SELECT\\s[^]+\\sFROM|INSERT\\s+INTO|CREATE\\s+TABLE|ALTER\\s+TABLE)\\b/]',
  message: 'SQL is a file (sql/<verb>_<noun>.sql), not a string.',
};

/** Names that say nothing about what stands inside; the house forbids them for files and folders. */
const EMPTY_NAME = /^(utils?|utilities|helpers?|common|misc|shared|manager|base|index)$/;

/** @type {import('eslint').Rule.RuleModule} */
const fileName = {
  meta: { type: 'suggestion', schema: [], messages: { wrong: '{{reason}}' } },
  create: (context) => ({
    Program(node) {
      const parts = path.relative(context.cwd, context.filename).split(path.sep);
      const stem = (parts.pop() ?? '').replace(/\.(test\.ts|config\.js|ts|mjs|js)$/, '');
      if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) {
        context.report({ node, messageId: 'wrong', data: { reason: `File names are kebab-case nouns: ${stem}.` } });
      }
      const empty = [...parts, stem].find((part) => EMPTY_NAME.test(part));
      if (empty !== undefined) {
        context.report({ node, messageId: 'wrong', data: { reason: `"${empty}" says nothing: name what is inside.` } });
      }
    },
  }),
};

const orrery = { rules: { 'file-name': fileName } };

export default tseslint.config(
  { ignores: ['node_modules/', '.orrery/', 'coverage/', '**/fixtures/**', 'stacks/records/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts', '**/*.mjs', '**/*.js'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { 'import-x': importX, orrery },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.mjs', '.js', '.json'] })],
      // Without these the plugin reads no TypeScript, and finds no cycle.
      'import-x/extensions': ['.ts', '.mjs', '.js'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    rules: {
      'orrery/file-name': 'error',
      'max-lines': ['error', 300],
      'max-lines-per-function': ['error', 70],
      'max-depth': ['error', 3],
      'max-params': 'off',
      '@typescript-eslint/max-params': ['error', { max: 4 }],
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...ALWAYS_FORBIDDEN_SYNTAX, ...NODE_PROCESS],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(\\.\\./){2,}',
              message:
                'At most one ../ inside a package: across packages import by an exports subpath or by #folder/….',
            },
            {
              regex: '^@orrery/[^/]+(/src/|$)',
              message:
                "Import a package's exports subpath (@orrery/kit/errors), never its folder or the whole package.",
            },
          ],
          paths: [
            { name: 'node:process', message: 'Use the global process, so that the rule on process.env sees it.' },
            { name: 'assert', message: 'Use node:assert/strict.' },
            { name: 'node:assert', message: 'Use node:assert/strict.' },
          ],
        },
      ],
      'import-x/no-restricted-paths': ['error', { basePath: root, zones }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-default-export': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // A number in a message is read as it is written: wrapping each in String() would only add noise.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `() => socket.destroy()` is the common form of a callback whose result nobody reads.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // `while (true)` with a bounded body reads better than a flag that never changes.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // A port's method stays `async` where an adapter has nothing to await, so that a throw becomes a rejection.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['services/*/src/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...ALWAYS_FORBIDDEN_SYNTAX, ...NODE_PROCESS, SQL_IN_CODE],
    },
  },
  {
    // Programs: the places that read the environment, write to the terminal and decide the exit code.
    files: [
      'services/*/src/main.ts',
      'stacks/cli/**',
      'stacks/local/agent.ts',
      'stacks/promotion/engine-guard.ts',
      'stacks/program.ts',
      'stacks/render/child.ts',
      'stacks/setup/**',
      'test/**',
      'bench/**',
    ],
    rules: { 'no-restricted-syntax': ['error', ...ALWAYS_FORBIDDEN_SYNTAX], 'no-console': 'off' },
  },
  {
    files: ['test/**', 'bench/**'],
    rules: {
      'max-lines': ['error', 500],
      // A describe holds its guarantees in one function: its length is the file's.
      'max-lines-per-function': 'off',
    },
  },
  {
    files: ['stacks/program.ts', 'test/run/reporter.ts', '*.config.js'],
    // Pulumi, mocha and ESLint read the default export.
    rules: { 'import-x/no-default-export': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { '@typescript-eslint/switch-exhaustiveness-check': 'off' },
  },
);
