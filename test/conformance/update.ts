// Puts what a run passed for the first time on the list of what must pass:  update.ts REPORT
import { readFileSync } from "node:fs";
import { compare, expectedList, readExpected, withFresh, writeExpected } from "./expected.ts";
import { parseReport } from "./report.ts";

const report = parseReport(readFileSync(process.argv[2] ?? "", "utf8"));
const expected = readExpected(expectedList);
writeExpected(expectedList, withFresh(expected, compare(report, expected, false)));
