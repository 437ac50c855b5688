// SPDX-License-Identifier: Apache-2.0
// node check.mjs FILE...: holds dashboards against types.ts beside this file. Reads FILEs and nothing else.
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const here = dirname(fileURLToPath(import.meta.url));
// A literal in the program keeps what imported JSON loses: its strings as such, and fields that the type does not have.
const sources = new Map(process.argv.slice(2).map((path) => [
  join(here, `${basename(path)}.ts`),
  `import type { Dashboard } from './types';\nexport const dashboard: Dashboard = ${readFileSync(path, 'utf8')};\n`,
]));
const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
const host = ts.createCompilerHost(options);
const { fileExists, readFile } = host;
host.fileExists = (path) => sources.has(path) || fileExists(path);
host.readFile = (path) => sources.get(path) ?? readFile(path);
const problems = ts.getPreEmitDiagnostics(ts.createProgram([...sources.keys()], options, host));
process.stderr.write(ts.formatDiagnostics(problems, host));
process.exitCode = problems.length > 0 ? 1 : 0;
