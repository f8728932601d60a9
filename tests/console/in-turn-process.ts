/**
 * Runs command lines one after the other, for the tests of the command line. Argument: the words of each, as JSON. What each has said,
 * and how it has ended, goes out as JSON.
 */
import { heddleHere } from './command-line.ts';

const lines = JSON.parse(process.argv[2]!) as string[][];
const runs: object[] = [];
for (const words of lines) runs.push(await heddleHere(...words));
process.stdout.write(JSON.stringify(runs), () => process.exit());
