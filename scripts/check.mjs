// Checks types, rules and style, side by side: each takes one core for a while.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

const { resolve } = createRequire(import.meta.url);
const CHECKS = [
  // The native compiler: a fifth of the time. The one before it stays for those who use its API, such as the rules.
  [
    'types',
    resolve('typescript-7/package.json').replace('package.json', 'bin/tsc'),
    '--noEmit',
    '-p',
    'tsconfig.json',
  ],
  ['rules', resolve('eslint/package.json').replace('package.json', 'bin/eslint.js'), '.'],
  ['style', resolve('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'],
];

/** @returns {Promise<number>} the exit code */
const run = ([name, ...argv]) =>
  new Promise((done) => {
    const child = spawn(process.execPath, argv, { stdio: 'inherit' });
    child.once('error', (error) => {
      process.stderr.write(`${name}: ${error.message}\n`);
      done(1);
    });
    child.once('exit', (code) => {
      if (code !== 0) process.stderr.write(`${name}: failed\n`);
      done(code ?? 1);
    });
  });

const codes = await Promise.all(CHECKS.map(run));
process.exit(Math.max(...codes));
