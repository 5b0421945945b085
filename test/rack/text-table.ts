// Rows of words as a table for a terminal: the first row is the head, columns are as wide as
// needed.
export function textTable(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0;
  const width = (column: number) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0));
  const widths = Array.from({ length: columns }, (_, column) => width(column));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const [head = [], ...rest] = rows;
  return [line(head), line(widths.map((size) => '-'.repeat(size))), ...rest.map(line)].join('\n');
}
