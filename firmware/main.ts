/**
 * Start of everything: the words after `yoke` decide what this process is.
 */
import { commandLine } from './cli/command-line.ts';
import { processTerminal } from './cli/terminal.ts';

process.exitCode = await commandLine(process.argv.slice(2), processTerminal());
