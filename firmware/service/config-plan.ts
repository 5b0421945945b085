/**
 * Differences between configurations as people see them: secrets hidden, and that one has changed
 * shown all the same.
 */
import { type DiffText, lineDiff } from '../core/rollout/line-diff.ts';
import { maskedText } from '../kernel/masked-text.ts';

const linesOf = (text: string): string[] => {
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
};

const diffText = (text: string): DiffText => ({
  lines: linesOf(text),
  shown: linesOf(maskedText(text)),
});

/** Of two texts of cluster.yaml; empty when they are equal. */
export function configDiff(before: string, after: string): readonly string[] {
  return lineDiff(diffText(before), diffText(after));
}

/** Of two texts of an engine, which hold no secrets of the kind that YAML does. */
export function engineDiff(before: string, after: string): readonly string[] {
  const plain = (text: string): DiffText => ({ lines: linesOf(text), shown: linesOf(text) });
  return lineDiff(plain(before), plain(after));
}
