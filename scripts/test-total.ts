/**
 * The total of a vitest run: what every run here ends with, and what decides its exit code.
 *
 * A file that cannot be loaded holds no test to fail, and an error outside every test fails none;
 * both count as one failure here, and so does a run that found nothing to test.
 */

/** The parts of vitest's JSON report that are read. */
export interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

export interface TestTotal {
  readonly passed: number;
  readonly failed: number;
}

/** @param report what vitest wrote, undefined when it died before. @param exitCode its own. */
export function testTotal(report: Report | undefined, exitCode: number | null): TestTotal {
  const passed = report?.numPassedTests ?? 0;
  const broken = (report?.testResults ?? []).filter(
    (file) =>
      file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  );
  const failed = (report?.numFailedTests ?? 0) + broken.length;
  const unexplained = failed === 0 && (passed === 0 || exitCode !== 0);
  return { passed, failed: unexplained ? 1 : failed };
}

/** One line, the same everywhere. */
export function totalLine(total: TestTotal): string {
  return `${total.passed} passed, ${total.failed} failed`;
}
