/**
 * Whether advertisements leave an interface. A MASTER that cannot be heard is about to be replaced,
 * so it must notice before its peer times out.
 */
const FAILURES = 3;
const SUCCESSES = 3;

export type SendVerdict = 'failing' | 'recovered' | 'unchanged';

export class SendWatch {
  #failing = false;
  #streak = 0;

  /** Takes the outcome of one advertisement. */
  record(ok: boolean): SendVerdict {
    this.#streak = ok === this.#failing ? this.#streak + 1 : 0;
    if (this.#streak < (this.#failing ? SUCCESSES : FAILURES)) return 'unchanged';
    this.#failing = !this.#failing;
    this.#streak = 0;
    return this.#failing ? 'failing' : 'recovered';
  }

  /** Forgives: a node that is demoted sends nothing, so it could never show that it recovered. */
  reset(): void {
    this.#failing = false;
    this.#streak = 0;
  }
}
