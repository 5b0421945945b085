// The conversation with one probe: it says "ready", answers "report", obeys "mark" and speaks
// unasked when something happens. Every line is one JSON object with an `event`.
import type { Namespace } from './namespace.ts';
import { type ProbeName, probeProgram } from './probe-program.ts';
import type { RackProcess } from './rack-process.ts';

export interface ProbeEvent {
  readonly event: string;
  /** Microseconds of CLOCK_MONOTONIC. */
  readonly t: number;
}

export class ProbeProcess {
  readonly process: RackProcess;

  private constructor(process: RackProcess) {
    this.process = process;
  }

  /** Starts the probe and returns when it works. */
  static async start(
    namespace: Namespace,
    program: ProbeName,
    args: readonly (string | number)[],
    patienceMs = 10_000,
  ): Promise<ProbeProcess> {
    const name = [program, ...args].join(' ');
    const probe = new ProbeProcess(namespace.start(name, probeProgram(program), args.map(String)));
    await probe.next('ready', patienceMs);
    return probe;
  }

  /** As `start`, with a process that is on its way already. */
  static async attach(process: RackProcess, patienceMs = 10_000): Promise<ProbeProcess> {
    const probe = new ProbeProcess(process);
    await probe.next('ready', patienceMs);
    return probe;
  }

  next<T extends ProbeEvent>(event: string, patienceMs = 10_000): Promise<T> {
    return this.process.nextLine((line) => {
      const found = parse(line);
      return found?.event === event ? (found as T) : undefined;
    }, patienceMs);
  }

  onEvent(listener: (event: ProbeEvent) => void): () => void {
    return this.process.onLine((line) => {
      const found = parse(line);
      if (found !== undefined) listener(found);
    });
  }

  mark(): void {
    this.process.writeLine('mark');
  }

  report<T extends ProbeEvent>(): Promise<T> {
    const answer = this.next<T>('report');
    this.process.writeLine('report');
    return answer;
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}

/** A line that was cut off by the probe's death is none. */
function parse(line: string): ProbeEvent | undefined {
  if (!line.startsWith('{') || !line.endsWith('}')) return undefined;
  return JSON.parse(line) as ProbeEvent;
}
