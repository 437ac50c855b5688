// SPDX-License-Identifier: Apache-2.0
// node lint.mjs FILE: Redocly's recommended rules, each of them an error. This is the engine of Redocly's command line without
// the command line, which has telemetry, looks for updates and needs 250 packages. Reads FILE and nothing else.
import { createConfig, formatProblems, getTotals, lint } from '@redocly/openapi-core';

const config = await createConfig({ extends: ['recommended-strict'] });
const problems = await lint({ ref: process.argv[2], config });
formatProblems(problems, { format: 'codeframe', totals: getTotals(problems), version: '' });
process.exitCode = problems.length > 0 ? 1 : 0;
