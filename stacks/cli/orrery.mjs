#!/usr/bin/env node
// The `orrery` command, `npm start` and `npm test` begin here: plain JavaScript that runs on Node 20 with nothing
// installed. It installs what package-lock.json says, then becomes the TypeScript command on the pinned Node.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages, INSTALL_COMMAND } from '../setup/npm-packages.mjs';
import { assertBootstrapNode, pinnedNode } from '../setup/pinned-node.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
// kafkajs arms one timer with a negative delay in every process, which is harmless; type stripping is a decision of ours.
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning'];
const FORWARDED = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/** @param {string[]} args */
async function main(args) {
  assertBootstrapNode(process.version);
  const progress = (/** @type {string} */ line) => process.stderr.write(`orrery: ${line}\n`);
  await ensurePackages({ root, env: process.env, progress });
  const { platform, arch, version, execPath } = process;
  const node = pinnedNode({ root, platform, arch, version, execPath });
  const [script, rest] = args[0] === 'test' ? ['test/run.ts', args.slice(1)] : ['stacks/cli/main.ts', args];
  become(node, [...NODE_FLAGS, path.join(root, script), ...rest]);
}

/**
 * Replaces this process where Node can do that: one process, which gets its own signals and ends by its own code.
 * Otherwise this process stays as the thinnest of parents.
 *
 * @param {string} program
 * @param {string[]} args
 */
function become(program, args) {
  if (typeof process.execve === 'function') {
    process.removeAllListeners('warning');
    process.execve(program, [program, ...args], process.env);
  }
  const child = spawn(program, args, { stdio: 'inherit' });
  const forward = (/** @type {NodeJS.Signals} */ signal) => {
    if (!cameFromTerminal(signal)) child.kill(signal);
  };
  FORWARDED.forEach((signal) => process.on(signal, forward));
  child.once('error', (error) => fail(new Error(`the pinned Node did not start (${error.message})`)));
  child.once('exit', (code, signal) => {
    FORWARDED.forEach((name) => process.off(name, forward));
    if (signal !== null) process.kill(process.pid, signal);
    process.exitCode = code ?? 1;
  });
}

/**
 * A key such as Ctrl-C reaches every process of the terminal's foreground group, so the child has it already and a second
 * one would read as impatience. Fields 5 and 8 of /proc/self/stat are the process group and the terminal's foreground one.
 *
 * @param {NodeJS.Signals} signal
 */
function cameFromTerminal(signal) {
  if (signal !== 'SIGINT') return false;
  if (process.platform !== 'linux') return process.stdin.isTTY;
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
  return fields[2] === fields[5];
}

/** @param {Error & { hint?: string }} error */
function fail(error) {
  process.stderr.write(`orrery: ${error.message}\n  ${error.hint ?? `type: cd ${root} && ${INSTALL_COMMAND}`}\n`);
  process.exitCode = 1;
}

main(process.argv.slice(2)).catch(fail);
