// Compiles the Noir programs of this folder and solves their witnesses; `cargo xtask bench-peers` calls it.
//
//   node noir.mjs compile MODULES PROGRAM PACKAGE [TRANSFERS]
//   node noir.mjs solve   MODULES PROGRAM INPUTS WITNESS
//
// MODULES is the folder that holds node_modules with @noir-lang/noir_wasm and @noir-lang/noir_js, PROGRAM the compiled
// program, PACKAGE a folder beside this file, TRANSFERS how many a leaf proves, INPUTS a JSON object of the program's
// inputs, WITNESS what `bb prove -w` takes. `solve` prints the seconds that solving took.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const TRANSFERS = /^global TRANSFERS: u32 = \d+;$/m;

async function compile(modules, program, name, transfers) {
  const { compile_program, createFileManager } = modules('@noir-lang/noir_wasm');
  // A copy, so that the number of transfers can be put into it.
  const sources = mkdtempSync(join(tmpdir(), 'proofyard-noir-'));
  try {
    cpSync(here, sources, { recursive: true });
    if (transfers !== undefined) {
      const file = join(sources, name, 'src/main.nr');
      const text = readFileSync(file, 'utf8');
      if (!TRANSFERS.test(text)) {
        throw new Error('it has no number of transfers');
      }
      writeFileSync(file, text.replace(TRANSFERS, `global TRANSFERS: u32 = ${Number(transfers)};`));
    }
    const quiet = () => {};
    const compiled = await compile_program(createFileManager(sources), join(sources, name), quiet, quiet);
    if (compiled.warnings?.length > 0) {
      throw new Error(compiled.warnings.map((warning) => warning.message).join('\n'));
    }
    writeFileSync(program, JSON.stringify(compiled.program));
  } finally {
    rmSync(sources, { recursive: true, force: true });
  }
}

async function solve(modules, program, inputs, witness) {
  const { Noir } = modules('@noir-lang/noir_js');
  const noir = new Noir(JSON.parse(readFileSync(program, 'utf8')));
  const values = JSON.parse(readFileSync(inputs, 'utf8'));
  const start = performance.now();
  const solved = await noir.execute(values);
  const seconds = (performance.now() - start) / 1000;
  writeFileSync(witness, solved.witness);
  console.log(seconds.toFixed(4));
}

const commands = { compile: [compile, 2, 3], solve: [solve, 3, 3] };
const [command, folder, ...rest] = process.argv.slice(2);
const [run, least, most] = commands[command] ?? [];
if (!run || rest.length < least || rest.length > most) {
  console.error('usage: noir.mjs compile MODULES PROGRAM PACKAGE [TRANSFERS] | solve MODULES PROGRAM INPUTS WITNESS');
  process.exit(2);
}
try {
  await run(createRequire(join(resolve(folder), 'package.json')), ...rest);
} catch (error) {
  console.error(`${command} ${rest[0]}: ${error.message}`);
  process.exit(1);
}
